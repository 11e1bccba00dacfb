//! What an import came to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::advice;
use crate::error::Fault;
use crate::formats::iati::finding::Severity;
use crate::formats::iati::rules;

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
    /// What was left out of records that are stored, or is odd about them, in the order of the rows.
    #[serde(default)]
    pub warnings: Vec<Fault>,
    /// Warnings beyond those that are named.
    #[serde(default)]
    pub warnings_omitted: i64,
    /// Elements and members of another standard that are kept with the records, as the register has no
    /// member for them: how many records have some of that name.
    #[serde(default)]
    pub kept: BTreeMap<String, i64>,
    /// Whether any warning, named or not, is of a rule that is an error.
    #[serde(skip)]
    pub breaks_rules: bool,
}

impl Report {
    /// Adds a fault.
    pub fn fault(&mut self, fault: Fault) {
        add(&mut self.errors, &mut self.errors_omitted, fault);
    }

    /// Adds a warning.
    pub fn warn(&mut self, warning: Fault) {
        self.breaks_rules |= warning.severity == Some(Severity::Error);
        add(&mut self.warnings, &mut self.warnings_omitted, warning);
    }

    /// What every answer about it says, and which rules it was held against.
    pub fn view(&self) -> Value {
        json!({
            "counts": self.counts,
            "errors": self.errors,
            "errors_omitted": self.errors_omitted,
            "warnings": self.warnings,
            "warnings_omitted": self.warnings_omitted,
            "kept": self.kept,
            "rules": versions(),
        })
    }

    /// Puts the faults into the order of the rows; of those found on several ways, the first are named.
    pub fn sort(&mut self) {
        for (named, omitted) in
            [(&mut self.errors, &mut self.errors_omitted), (&mut self.warnings, &mut self.warnings_omitted)]
        {
            named.sort_by(|a, b| (a.row, &a.pointer).cmp(&(b.row, &b.pointer)));
            *omitted += named.len().saturating_sub(NAMED) as i64;
            named.truncate(NAMED);
        }
    }
}

/// The versions of the rules that bodies are held against.
pub fn versions() -> Value {
    json!({"iati": rules::VERSION, "register": advice::VERSION})
}

/// Adds a fault. What was sent may stand in it, U+0000 too, which the database cannot hold.
fn add(named: &mut Vec<Fault>, omitted: &mut i64, fault: Fault) {
    if named.len() >= NAMED {
        *omitted += 1;
        return;
    }
    let clean = |text: String| if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    named.push(Fault {
        column: fault.column.map(clean),
        pointer: fault.pointer.map(clean),
        identifier: fault.identifier.map(clean),
        detail: clean(fault.detail),
        ..fault
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_rule_counts_though_it_is_not_named() {
        let mut report = Report::default();
        for _ in 0..NAMED {
            report.warn(Fault { severity: Some(Severity::Advisory), ..Fault::default() });
        }
        assert!(!report.breaks_rules);
        report.warn(Fault { severity: Some(Severity::Error), ..Fault::default() });
        assert_eq!((report.breaks_rules, report.warnings_omitted), (true, 1));
    }
}
