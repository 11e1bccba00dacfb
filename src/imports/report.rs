//! What an import came to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Fault;

/// Faults that a report names; of more it gives the number.
pub const NAMED: usize = 10_000;

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
    /// Adds a fault. What was sent may stand in it, U+0000 too, which the database cannot hold.
    pub fn fault(&mut self, fault: Fault) {
        if self.errors.len() >= NAMED {
            self.errors_omitted += 1;
            return;
        }
        let clean = |text: String| if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
        self.errors.push(Fault {
            column: fault.column.map(clean),
            pointer: fault.pointer.map(clean),
            identifier: fault.identifier.map(clean),
            detail: clean(fault.detail),
            ..fault
        });
    }

    /// Puts the faults into the order of the rows; of those found on several ways, the first are named.
    pub fn sort(&mut self) {
        self.errors.sort_by(|a, b| (a.row, &a.pointer).cmp(&(b.row, &b.pointer)));
        self.errors_omitted += self.errors.len().saturating_sub(NAMED) as i64;
        self.errors.truncate(NAMED);
    }
}
