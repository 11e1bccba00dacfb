//! Searching text: what was typed ([`terms`]), how the register has it ([`resolve`]),
//! the conditions that come of it ([`conditions`]), the parts to mark ([`highlight`]),
//! and one search over all collections ([`everywhere`]).
//!
//! The database folds texts (`fold`): Cyrillic, Latin and plain ASCII are one. A term is
//! read as the words that it names, in any inflection; where the register has no such
//! words, as the beginning of one; and where it has not that either, as mistyped.

pub mod conditions;
pub mod everywhere;
pub mod highlight;
pub mod resolve;
pub mod terms;

use serde_json::{Value, json};

use crate::kind::Sort;

/// Parameters of the search over all collections.
pub const PARAMETERS: &[&str] = &["q", "collection", "highlight", "facets", "limit", "cursor", "as_of"];

/// The order of a search, best first, unless another is asked for.
pub static RELEVANCE: Sort = Sort { name: "relevance", sql: "", of_type: "numeric" };

/// How a term is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// The words themselves, next to each other.
    Word,
    /// Words that begin like this.
    Prefix,
    /// Names that look like this.
    Similar,
    /// Nothing in the register is like this.
    Absent,
    /// A word such as "in" beside others: it need not be found.
    Ignored,
}

impl Reading {
    /// Its name in the database's function `term`.
    fn name(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            _ => "word",
        }
    }
}

/// What was asked, and how the register reads it.
#[derive(Debug, Clone)]
pub struct Search {
    /// Its terms: each must be found.
    pub terms: Vec<Term>,
    /// All of it, as it was typed.
    pub typed: String,
    /// The same, folded: for names and codes that are just that.
    pub whole: String,
    /// The same without what need not be found.
    pub bare: String,
}

/// A word, several in quotes, or the beginning of one.
#[derive(Debug, Clone)]
pub struct Term {
    /// As it was typed.
    pub typed: String,
    /// As the database compares it.
    pub folded: String,
    /// How it is read.
    pub reading: Reading,
}

impl Search {
    /// How each term was read, for `meta.search`.
    pub fn readings(&self) -> Value {
        self.terms.iter().map(|term| json!({"term": term.typed, "reading": term.reading})).collect()
    }
}
