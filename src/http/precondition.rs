//! What a write demands of the record as it is (RFC 9110, section 13).

use actix_web::http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};

use super::conditional::list;
use crate::error::{Fault, Problem};

/// What a write demands of the record as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: only creating and repeating are allowed.
    None,
    /// `If-None-Match: *`: it must not exist.
    Absent,
    /// `If-Match: *`: it must exist.
    Present,
    /// Whatever there is or is not; no request says so, a loaded file does.
    Any,
    /// `If-Match: "3-…"`: it must be at one of these versions.
    Versions(Vec<i32>),
}

impl Precondition {
    /// Reads the headers of a write.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let fault = |header, words: &str| Problem::invalid(vec![Fault::header(header, "precondition_invalid", words)]);
        let if_match = list(headers, &IF_MATCH);
        let if_none_match = list(headers, &IF_NONE_MATCH);
        match (if_match, if_none_match) {
            (Some(_), Some(_)) => Err(fault("If-None-Match", "If-Match and If-None-Match exclude each other here")),
            (None, None) => Ok(Self::None),
            (None, Some(tags)) if tags == ["*"] => Ok(Self::Absent),
            (None, Some(_)) => Err(fault("If-None-Match", "a write takes only If-None-Match: *")),
            (Some(tags), None) if tags == ["*"] => Ok(Self::Present),
            (Some(tags), None) => {
                let quoted = |tag: &String| tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"');
                if tags.is_empty() || !tags.iter().all(|tag| quoted(tag) || tag.starts_with("W/\"")) {
                    return Err(fault("If-Match", "entity tags stand in double quotes, as ETag gave them"));
                }
                // A weak tag, or one that is not ours, matches nothing.
                Ok(Self::Versions(tags.iter().filter_map(|tag| version(tag)).collect()))
            }
        }
    }
}

/// The version that a tag of ours names.
fn version(tag: &str) -> Option<i32> {
    let number = tag.strip_prefix('"')?.strip_suffix('"')?.split('-').next()?;
    number.bytes().all(|b| b.is_ascii_digit()).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn precondition(name: &'static str, value: &'static str) -> Option<Precondition> {
        let mut headers = HeaderMap::new();
        headers.insert(name.parse().unwrap(), HeaderValue::from_static(value));
        Precondition::of(&headers).ok()
    }

    #[test]
    fn preconditions() {
        assert_eq!(Precondition::of(&HeaderMap::new()).unwrap(), Precondition::None);
        assert_eq!(precondition("if-match", "*"), Some(Precondition::Present));
        assert_eq!(precondition("if-none-match", "*"), Some(Precondition::Absent));
        assert_eq!(precondition("if-match", "\"3-ab-gzip\", \"4-cd\""), Some(Precondition::Versions(vec![3, 4])));
        assert_eq!(precondition("if-match", "W/\"3-ab\", \"other\""), Some(Precondition::Versions(vec![])));
        assert_eq!(precondition("if-match", "3-ab"), None);
        assert_eq!(precondition("if-none-match", "\"3-ab\""), None);
    }
}
