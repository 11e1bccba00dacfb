//! The records of a file of grants. Like one of IATI it is read twice: for what it names, and for its records.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::sync::Arc;

use chrono::{NaiveDate, Utc};
use serde_json::{Map, Value};

use super::file::{Found, each};
use super::said::{GRANT, Said, Same};
use super::{Known, Package};
use crate::collections::{grants, transactions};
use crate::error::Fault;
use crate::formats::threesixty::OF;
use crate::imports::iati::who::Who;
use crate::imports::known::{self, Named, Record};
use crate::imports::sink::{Closed, Sink};
use crate::imports::table::Header;

/// The members of transactions that the standard has.
const FLOW: [&str; 7] = ["type", "date", "value", "grant", "provider", "receiver", "description"];

/// What a file names, as far as it can be read; what is wrong is told when it is read for good.
pub fn names(file: &File) -> Named {
    let asked = Asked::default();
    let mut package = Package::new(&asked, today());
    let _ = each(file, &mut |_, grant| {
        if let Found::Grant(grant) = grant {
            package.grant(&grant, &Said::default());
            let id = grant["id"].as_str().filter(|id| !id.contains('\0'));
            asked.0.borrow_mut().0.extend(id.map(str::to_owned));
        }
        Ok(())
    });
    asked.named()
}

/// What grants of packages name.
pub fn named<'g>(grants: impl Iterator<Item = &'g Value>) -> Named {
    let asked = Asked::default();
    let mut package = Package::new(&asked, today());
    grants.for_each(|grant| drop(package.grant(grant, &Said::default())));
    asked.named()
}

/// Reads the records of a file, by what is known of what it names.
pub fn records(file: &File, known: &known::Known, said: &Said, sink: &mut Sink) -> Result<(), Closed> {
    let mut package = Package::new(known, today());
    let grant_says: Arc<Header> = Header::saying(&grants::KIND, &GRANT).into();
    let flow_says: Arc<Header> = Header::saying(&transactions::KIND, &FLOW).into();
    let mut is_empty = true;
    each(file, &mut |line, grant| {
        is_empty = false;
        let grant = match grant {
            Found::Grant(grant) => grant,
            Found::Wrong(faults) => return faults.into_iter().try_for_each(|fault| sink.fault(line, fault)),
            Found::Note(note) => return sink.note(note),
            Found::End(fault) => return sink.end(line, fault),
        };
        let (mapped, same) = package.grant(&grant, said);
        for note in mapped.notes {
            sink.note(Fault { row: Some(line), ..note })?;
        }
        if !mapped.faults.is_empty() {
            let record = Record { faults: mapped.faults, ..Record::whole(&grants::KIND, Value::Null, line) };
            return sink.push(record.raw());
        }
        for (kind, mut json) in mapped.records {
            let is_same = json["identifier"].as_str().is_some_and(|identifier| same.flows.contains(identifier));
            without_lines(&mut json, known);
            let record = match kind.collection {
                "grants" if same.members.is_empty() => with(&grant_says, Record::whole(kind, json, line)),
                "grants" => changed(json, &same, line),
                "transactions" if !is_same => with(&flow_says, Record::whole(kind, json, line)),
                _ => Record::if_absent(kind, json, line),
            };
            sink.push(record.raw())?;
        }
        Ok(())
    })?;
    if is_empty { sink.nothing("grant") } else { Ok(()) }
}

/// A record that says something of these members alone.
fn with(says: &Arc<Header>, record: Record) -> Record {
    Record { said: Some(Arc::clone(says)), kept: kept(&record.json), ..record }
}

/// A grant that says some of what the register says of it: that stays, with what the register says beyond.
fn changed(mut grant: Value, same: &Same, line: i64) -> Record {
    let kept = kept(&grant);
    if same.is_own {
        return Record { kept, ..Record::if_absent(&grants::KIND, grant, line) };
    }
    let (stays, says): (Vec<&str>, Vec<&str>) = GRANT.into_iter().partition(|member| same.members.contains(member));
    // Locations as they came are those of places that stay as well.
    let locations = grant.pointer_mut("/original/parts/beneficiaryLocation/of");
    if let (Some(of), Some(places)) = (locations, &same.places) {
        *of = places.as_str().into();
    }
    for member in stays {
        grant.as_object_mut().map(|grant| grant.shift_remove(member));
    }
    let said = Some(Header::saying(&grants::KIND, &says).into());
    Record { said, kept, ..Record::whole(&grants::KIND, grant, line) }
}

/// The names of what is kept with a grant without a member of its own.
fn kept(record: &Value) -> Vec<String> {
    let rest = record["original"]["parts"]["rest"]["text"].as_str();
    let rest: Map<String, Value> = rest.and_then(|rest| serde_json::from_str(rest).ok()).unwrap_or_default();
    let within = |name: &str, part: &Value| -> BTreeSet<String> {
        let all =
            part.as_object().into_iter().chain(part.as_array().into_iter().flatten().filter_map(Value::as_object));
        all.flat_map(Map::keys).filter(|member| *member != OF).map(|member| format!("{name}/{member}")).collect()
    };
    let named = rest.iter().flat_map(|(name, part)| match within(name, part) {
        parts if parts.is_empty() => [name.clone()].into(),
        parts => parts,
    });
    named.collect()
}

/// The day by which it is told what is over.
pub fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// Without the funders that have lines of their own, which say more.
fn without_lines(grant: &mut Value, known: &known::Known) {
    let identifier = grant["identifier"].as_str().unwrap_or_default().to_owned();
    if let Some(organisations) = grant.get_mut("organisations").and_then(Value::as_array_mut) {
        organisations.retain(|one| !known.is_funder(&identifier, one["organisation"].as_str().unwrap_or_default()));
    }
}

impl Known for known::Known {
    fn organisation(&self, reference: &str) -> Option<String> {
        let found = known::Known::organisation(self, &Who::Reference(reference.to_owned()));
        let own = known::Known::name(self, &format!("{reference}:funder"));
        found.map(str::to_owned).or_else(|| self.is_of(&own, "organisations").then_some(own))
    }

    fn beneficiary(&self, reference: &str) -> Option<String> {
        known::Known::beneficiary(self, &Who::Reference(reference.to_owned())).map(str::to_owned)
    }

    fn is_taken(&self, identifier: &str) -> bool {
        known::Known::is_taken(self, identifier, "beneficiaries")
    }

    fn is_programme(&self, identifier: &str) -> bool {
        self.is_of(identifier, "programmes")
    }

    fn is_flow(&self, identifier: &str, grant: &str) -> bool {
        known::Known::is_flow(self, identifier, grant)
    }

    fn is_place(&self, identifier: &str) -> bool {
        known::Known::is_place(self, identifier)
    }

    fn name(&self, reference: &str) -> String {
        known::Known::name(self, reference)
    }
}

/// Knows nothing, and what it was asked for: names, and who is named.
#[derive(Default)]
struct Asked(RefCell<(HashSet<String>, HashSet<String>)>);

impl Asked {
    fn named(self) -> Named {
        let (others, parties) = self.0.into_inner();
        Named { others, parties: parties.into_iter().map(Who::Reference).collect(), ..Named::default() }
    }
}

impl Known for Asked {
    fn organisation(&self, reference: &str) -> Option<String> {
        let mut asked = self.0.borrow_mut();
        asked.0.insert(format!("{reference}:funder"));
        asked.1.insert(reference.to_owned());
        None
    }

    fn beneficiary(&self, reference: &str) -> Option<String> {
        self.0.borrow_mut().1.insert(reference.to_owned());
        None
    }

    fn is_taken(&self, _identifier: &str) -> bool {
        false
    }

    fn is_programme(&self, identifier: &str) -> bool {
        self.0.borrow_mut().0.insert(identifier.to_owned());
        false
    }

    fn is_flow(&self, identifier: &str, _grant: &str) -> bool {
        self.0.borrow_mut().0.insert(identifier.to_owned());
        false
    }

    fn is_place(&self, identifier: &str) -> bool {
        self.0.borrow_mut().0.insert(identifier.to_owned());
        false
    }

    fn name(&self, reference: &str) -> String {
        reference.to_owned()
    }
}
