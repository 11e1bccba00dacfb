//! What an import came to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Fault;

/// Faults that a report names; of more it gives the number.
const NAMED: usize = 10_000;

/// How an import ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// What was right is stored, or would be.
    #[default]
    Completed,
    /// Something was wrong, and nothing is stored.
    Refused,
    /// It would change more than it may without `confirm=true`; nothing is stored.
    Unconfirmed,
    /// It was cancelled; nothing is stored.
    Cancelled,
    /// The register failed; nothing is stored.
    Failed,
}

/// Numbers of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Found in what was sent.
    pub read: i64,
    /// New.
    pub created: i64,
    /// Changed.
    pub updated: i64,
    /// Like that already.
    pub unchanged: i64,
    /// Deleted.
    pub deleted: i64,
    /// Not taken.
    pub refused: i64,
}

/// The report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// How it ended.
    pub status: Status,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// Numbers of records; of an import that stored nothing because something was wrong,
    /// only what was read and refused.
    pub counts: Counts,
    /// What was wrong, in the order of the rows.
    pub errors: Vec<Fault>,
    /// Faults beyond those that are named.
    pub errors_omitted: i64,
}

impl Report {
    /// Adds a fault.
    pub fn fault(&mut self, fault: Fault) {
        if self.errors.len() < NAMED {
            self.errors.push(fault);
        } else {
            self.errors_omitted += 1;
        }
    }
}
