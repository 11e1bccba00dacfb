//! Where a page ended. A cursor is opaque to clients and bound to the question:
//! with another sort or filter it is refused.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::digest::digest;
use crate::error::Fault;

/// The last record of a page: the value of its sort key, as PostgreSQL prints it, and its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Sort key.
    pub key: String,
    /// Identifier.
    pub identifier: String,
}

impl Cursor {
    /// As text for an address. `question` is what the cursor is bound to.
    pub fn encode(&self, question: &str) -> String {
        let content = (&self.key, &self.identifier, self.seal(question));
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&content).unwrap_or_default())
    }

    /// From text; `None` unless it was made for this question.
    pub fn decode(text: &str, question: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (key, identifier, seal): (String, String, String) = serde_json::from_slice(&bytes).ok()?;
        let cursor = Self { key, identifier };
        (cursor.seal(question) == seal).then_some(cursor)
    }

    fn seal(&self, question: &str) -> String {
        digest(format!("{question}\n{}\n{}", self.key, self.identifier).as_bytes())
    }
}

/// A cursor that was not made for this question.
pub fn foreign_cursor() -> Fault {
    let words = "this cursor was not made for this question: follow links.next as it is";
    Fault::parameter("cursor", "cursor_invalid", words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_to_its_question() {
        let cursor = Cursor { key: "2011-03-01".into(), identifier: "AR-1".into() };
        let text = cursor.encode("grants sort=start_date");
        assert_eq!(Cursor::decode(&text, "grants sort=start_date"), Some(cursor));
        assert_eq!(Cursor::decode(&text, "grants sort=title"), None);
        assert_eq!(Cursor::decode("not a cursor", "grants sort=title"), None);
    }
}
