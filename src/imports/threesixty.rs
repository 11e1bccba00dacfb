//! 360Giving, the way in: the inverse of [`crate::formats::threesixty`]. A row of the spreadsheet template becomes a
//! grant of a package ([`flat`]), a grant of a package becomes records of the register ([`grant`]).
//!
//! Nothing here knows the database: what the register has already is asked of [`Known`].

pub mod fields;
pub mod file;
pub mod flat;
mod flows;
pub mod grant;
mod part;
mod parties;
pub mod records;
pub mod said;
mod sheets;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use crate::collections::{beneficiaries, grants, organisations};
use crate::error::Fault;
use crate::formats::iati::finding::Severity;
use crate::formats::threesixty::DATES;
use crate::kind::Kind;
use said::{Said, Same};

/// What the register has already, and how new records are named.
///
/// A reference is how others name somebody: an identifier of org-id.guide, or the register's own.
pub trait Known {
    /// The organisation that a reference is to.
    fn organisation(&self, reference: &str) -> Option<String>;
    /// The beneficiary that a reference is to.
    fn beneficiary(&self, reference: &str) -> Option<String>;
    /// Whether something of this name is, or was, no beneficiary.
    fn is_taken(&self, identifier: &str) -> bool;
    /// Whether there is such a programme.
    fn is_programme(&self, identifier: &str) -> bool;
    /// Whether there is such a flow of this grant.
    fn is_flow(&self, identifier: &str, grant: &str) -> bool;
    /// Whether there is such a location.
    fn is_place(&self, identifier: &str) -> bool;
    /// The identifier of a new record of this publisher; the same for the same reference.
    fn name(&self, reference: &str) -> String;
}

/// What became of a grant.
#[derive(Default)]
pub struct Mapped {
    /// Its records, each before those that refer to it; none if there are faults.
    pub records: Vec<(&'static Kind, Value)>,
    /// What is wrong with it, by pointers into the grant.
    pub faults: Vec<Fault>,
    /// What its publisher should know.
    pub notes: Vec<Fault>,
}

impl Mapped {
    /// Adds a party once.
    fn party(&mut self, kind: &'static Kind, members: Value) {
        if !self.records.iter().any(|(_, other)| other["identifier"] == members["identifier"]) {
            self.records.push((kind, members));
        }
    }

    fn fault(&mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) {
        self.faults.push(Fault::at(pointer, code, detail));
    }

    fn note(&mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) {
        self.notes.push(Fault::at(pointer, code, detail));
    }

    /// Notes what breaks a rule of the standard, which the register does without.
    fn breaks(&mut self, pointer: impl Into<String>, code: &str, detail: impl Into<String>) {
        let rule = Some(format!("360giving.{code}"));
        self.notes.push(Fault { rule, severity: Some(Severity::Error), ..Fault::at(pointer, code, detail) });
    }

    /// The grant itself.
    pub fn grant(&self) -> Option<&Value> {
        self.records.iter().find(|(kind, _)| kind.collection == grants::KIND.collection).map(|(_, record)| record)
    }
}

/// The grants of one file, one after the other: who takes part in several is made once, as the first says.
pub struct Package<'k> {
    known: &'k dyn Known,
    today: NaiveDate,
    /// Parties that were made, with their names.
    made: HashMap<String, Value>,
}

impl<'k> Package<'k> {
    /// Begins a file; what ended before `today` is closed.
    pub fn new(known: &'k dyn Known, today: NaiveDate) -> Self {
        Self { known, today, made: HashMap::new() }
    }

    /// The next grant, and what of it is as the register says it.
    pub fn grant(&mut self, grant: &Value, said: &Said) -> (Mapped, Same) {
        let mut mapped = grant::grant(self.known, self.today, grant);
        let same = said.same(grant, &mapped);
        let named = same.named_beside(&mapped);
        let notes = &mut mapped.notes;
        mapped.records.retain(|(kind, record)| {
            if !is_party(kind) {
                return true;
            }
            // Who stands for what the register does not state.
            if !named.contains(record["identifier"].as_str().unwrap_or_default()) {
                return false;
            }
            let identifier = record["identifier"].as_str().unwrap_or_default();
            let Some(name) = self.made.get(identifier) else {
                self.made.insert(identifier.to_owned(), record["name"].clone());
                return true;
            };
            if *name != record["name"] {
                let words =
                    format!("{identifier} is called {} before, {} here: the first counts", name, record["name"]);
                notes.push(Fault::at("", "name_differs", words));
            }
            false
        });
        (mapped, same)
    }
}

/// Whether these are who gives and who receives.
fn is_party(kind: &Kind) -> bool {
    [organisations::KIND.collection, beneficiaries::KIND.collection].contains(&kind.collection)
}

/// What the register has no member for, as the member `original` of a grant, and locations that say more than
/// its places do, with the digest of these; and whether its dates were planned, with theirs. Sorted, so that neither the order of columns nor that of
/// members makes a change.
pub fn kept(rest: Map<String, Value>, locations: Option<(Value, String)>, dates: Option<(Value, String)>) -> Value {
    let sorted = |mut value: Value| {
        value.sort_all_objects();
        value.to_string()
    };
    let mut parts = Map::new();
    if !rest.is_empty() {
        parts.insert("rest".to_owned(), json!({"text": sorted(Value::Object(rest))}));
    }
    for (name, part) in [("beneficiaryLocation", locations), (DATES, dates)] {
        if let Some((said, of)) = part {
            parts.insert(name.to_owned(), json!({"text": sorted(said), "of": of}));
        }
    }
    json!({"standard": "360giving", "version": "1.4", "parts": parts})
}
