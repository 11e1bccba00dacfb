//! What is to be changed, under which condition, and what that does to a record
//! as it is now.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use serde_json::Value;
use uuid::Uuid;

use crate::auth::local::ISSUER;
use crate::error::{Problem, Reason};
use crate::http::precondition::Precondition;
use crate::kind::Kind;
use crate::record::Link;

/// One record to be changed.
pub struct Change {
    /// Its collection.
    pub kind: &'static Kind,
    /// Its identifier.
    pub identifier: String,
    /// To whom it belongs, should it be new.
    pub publisher: String,
    /// What is to become of it.
    pub intent: Intent,
    /// What must hold of it now.
    pub precondition: Precondition,
}

/// What is to become of a record.
pub enum Intent {
    /// It is to be as in this document.
    Put {
        /// The checked document.
        doc: Value,
        /// Whom it refers to.
        links: Vec<Link>,
    },
    /// It is to be gone.
    Delete {
        /// The record that stands for it from then on, if one does.
        merged_into: Option<String>,
    },
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is new.
    Created,
    /// It has a new version.
    Changed,
    /// It was like that already.
    Unchanged,
    /// It is gone.
    Deleted,
}

impl Outcome {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
        }
    }
}

/// Who writes, for the versions.
#[derive(Debug, Clone)]
pub struct Author {
    /// Who vouches for the subject.
    pub issuer: String,
    /// Who it is.
    pub subject: String,
    /// The request.
    pub request_id: String,
    /// What for, in the author's words.
    pub reason: Option<String>,
    /// The import that the request is part of.
    pub import: Option<Uuid>,
}

impl Author {
    /// The program itself, doing something.
    pub fn program(subject: &str) -> Self {
        Self {
            issuer: ISSUER.into(),
            subject: subject.into(),
            request_id: Uuid::now_v7().to_string(),
            reason: None,
            import: None,
        }
    }
}

/// A record as the register has it now.
#[derive(QueryableByName)]
pub struct Current {
    #[diesel(sql_type = Text)]
    pub(super) collection: String,
    #[diesel(sql_type = Integer)]
    pub(super) version: i32,
    #[diesel(sql_type = Bool)]
    pub(super) live: bool,
    #[diesel(sql_type = Text)]
    pub(super) publisher: String,
    #[diesel(sql_type = Timestamptz)]
    pub(super) created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub(super) doc: Option<Value>,
}

/// What a change does to a record, if its precondition allows.
pub fn decide(change: &Change, current: Option<&Current>) -> Result<Outcome, Problem> {
    let (kind, identifier) = (change.kind.singular, &change.identifier);
    let failed = |words: String| Err(Problem::new(Reason::PreconditionFailed, words));
    let Some(current) = current else {
        return match (&change.precondition, &change.intent) {
            (_, Intent::Delete { .. }) => {
                Err(Problem::new(Reason::NotFound, format!("There is no {kind} {identifier}")))
            }
            (Precondition::Present | Precondition::Versions(_), _) => {
                failed(format!("There is no {kind} {identifier} yet"))
            }
            _ => Ok(Outcome::Created),
        };
    };
    if current.collection != change.kind.collection {
        let words =
            format!("{identifier} is taken, in {}; identifiers are unique in the whole register", current.collection);
        return Err(Problem::new(Reason::Conflict, words));
    }
    if !current.live {
        let words = format!("The {kind} {identifier} was deleted or merged; an identifier is not used again");
        return Err(Problem::new(Reason::Gone, words));
    }
    match &change.precondition {
        Precondition::Absent => return failed(format!("The {kind} {identifier} exists already")),
        Precondition::Versions(versions) if !versions.contains(&current.version) => {
            return failed(format!("The {kind} {identifier} is at version {}; read it again", current.version));
        }
        _ => {}
    }
    let outcome = match &change.intent {
        Intent::Put { doc, .. } if current.doc.as_ref() == Some(doc) => return Ok(Outcome::Unchanged),
        Intent::Put { .. } => Outcome::Changed,
        Intent::Delete { .. } => Outcome::Deleted,
    };
    if change.precondition == Precondition::None {
        let words = "Send If-Match with the ETag of the version that you saw, or If-Match: * for whatever is there";
        return Err(Problem::new(Reason::PreconditionRequired, words));
    }
    Ok(outcome)
}
