//! What the register knows of what a file names, asked for once before the file is read.

mod ask;

use std::collections::{HashMap, HashSet};
use std::iter::successors;
use std::sync::Arc;

use serde_json::Value;

use super::iati::parties::Reporter;
use super::iati::who::Who;
use super::sink::Raw;
use super::table::Header;
use crate::error::Fault;
use crate::kind::Kind;
use crate::store::batch::Stance;
use crate::store::refer::DEPTH;

/// A record that was found in a file.
pub struct Record {
    /// Its collection.
    pub kind: &'static Kind,
    /// It.
    pub json: Value,
    /// The line on which it begins.
    pub line: i64,
    /// The members that the standard has, where it says nothing of the others.
    pub said: Option<Arc<Header>>,
    /// How it stands to what the register has.
    pub stance: Stance,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Elements that are kept with it without a member of its own.
    pub kept: Vec<String>,
}

impl Record {
    /// A record of which the file says all there is.
    pub fn whole(kind: &'static Kind, json: Value, line: i64) -> Self {
        Self { kind, json, line, said: None, stance: Stance::Whole, faults: Vec::new(), kept: Vec::new() }
    }

    /// A record for what the register does not have, which somebody may write meanwhile.
    pub fn if_absent(kind: &'static Kind, json: Value, line: i64) -> Self {
        Self { stance: Stance::IfAbsent, ..Self::whole(kind, json, line) }
    }

    /// The record on its way to the checks.
    pub fn raw(self) -> Raw {
        let Self { kind, json, line, said, stance, faults, kept } = self;
        let json = if json == Value::Null { Vec::new() } else { json.to_string().into_bytes() };
        Raw { line, kind: Some(kind), json, table: said, stance, faults, kept, ..Raw::default() }
    }
}

/// What a file names.
#[derive(Debug, Default)]
pub struct Named {
    /// Its activities, with the collections that they are of.
    pub activities: HashMap<String, &'static str>,
    /// What they say they are parts of.
    pub above: HashMap<String, Vec<String>>,
    /// Activities, places and others that are named beside them.
    pub others: HashSet<String>,
    /// Who is named.
    pub parties: HashSet<Who>,
    /// How those of them who report name themselves.
    pub reporters: HashMap<Who, Reporter>,
}

/// What is known, and what the file itself has brought so far.
#[derive(Default)]
pub struct Known {
    named: Named,
    writer: Option<String>,
    prefixes: Vec<(String, bool, String)>,
    /// Whose the activities of the file are, as far as the register has these.
    owners: HashMap<String, String>,
    /// The parties that were found, with their collections.
    parties: HashMap<String, String>,
    organisations: HashMap<Who, String>,
    beneficiaries: HashMap<Who, String>,
    /// What of the register is named, with its collection.
    live: HashMap<String, String>,
    /// What was of the register, with its collection: names are not given again.
    gone: HashMap<String, String>,
    /// Flows of grants that are named, with these.
    flows: HashMap<String, String>,
    /// What programmes of the register that are named, and those above them, are parts of.
    above: HashMap<String, String>,
    /// Who has a line of the funding of an activity, which says more than that it pays.
    funders: HashSet<(String, String)>,
    /// Organisations of the writer's that the register has from how others named them.
    hearsay: HashSet<String>,
    /// Parties that were added from this file.
    new: HashSet<String>,
    /// The collection that all activities are of, where that was said.
    wanted: Option<&'static Kind>,
}

impl Known {
    /// What a register without any record knows.
    pub fn nothing(named: Named) -> Self {
        Self { named, ..Self::default() }
    }

    /// The organisation of the register that this is.
    pub fn organisation(&self, who: &Who) -> Option<&str> {
        self.organisations.get(who).map(String::as_str)
    }

    /// The same, for an activity: who is known by name is whom its publisher named so.
    pub fn organisation_of(&self, who: &Who, activity: &str) -> Option<String> {
        let own = self.called_for(who, activity).filter(|own| self.was_found(own, "organisations"));
        own.or_else(|| self.organisation(who).map(str::to_owned))
    }

    /// The beneficiary of the register that this is.
    pub fn beneficiary(&self, who: &Who) -> Option<&str> {
        self.beneficiaries.get(who).map(String::as_str)
    }

    /// The same, for an activity.
    pub fn beneficiary_of(&self, who: &Who, activity: &str) -> Option<String> {
        let own = self.called_for(who, activity).into_iter().flat_map(|own| [format!("{own}:beneficiary"), own]);
        let own = own.into_iter().find(|own| self.was_found(own, "beneficiaries"));
        own.or_else(|| self.beneficiary(who).map(str::to_owned))
    }

    /// What the publisher of an activity of the register would call somebody.
    fn called_for(&self, who: &Who, activity: &str) -> Option<String> {
        self.owners.get(activity).map(|owner| who.name_by(self, Some(owner)))
    }

    /// Whether a party of this name was found in a collection.
    fn was_found(&self, identifier: &str, collection: &str) -> bool {
        self.parties.get(identifier).is_some_and(|of| of == collection)
    }

    /// How somebody who reports in the file names itself.
    pub fn reporter(&self, who: &Who) -> Option<&Reporter> {
        self.named.reporters.get(who)
    }

    /// Whether all that the register knows of an organisation is how somebody named it in a file, and the writer may
    /// say it otherwise.
    pub fn is_hearsay(&self, organisation: &str) -> bool {
        self.hearsay.contains(organisation)
    }

    /// Whether an organisation has a line of the funding of an activity.
    pub fn is_funder(&self, activity: &str, organisation: &str) -> bool {
        self.funders.contains(&(activity.to_owned(), organisation.to_owned()))
    }

    /// Whether nothing of this name was added before; it is now.
    pub fn is_new(&mut self, identifier: &str) -> bool {
        self.new.insert(identifier.to_owned())
    }

    /// The collection of an activity of the register or the file.
    pub fn collection(&self, identifier: &str) -> Option<&'static str> {
        match self.live.get(identifier).map(String::as_str) {
            Some("programmes") => Some("programmes"),
            Some("grants") => Some("grants"),
            _ => {
                let found = *self.named.activities.get(identifier)?;
                let wanted = self.wanted.map(|kind| kind.collection);
                Some(wanted.filter(|wanted| matches!(*wanted, "programmes" | "grants")).unwrap_or(found))
            }
        }
    }

    /// The first of these that an activity may be a part of: another, and a programme.
    pub fn whole<'a>(&self, activity: &str, mut named: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        named.find(|other| *other != activity && self.collection(other) == Some("programmes"))
    }

    /// Whether what an activity of the file is a part of is, after some steps, a part of it.
    pub fn is_circular(&self, activity: &str) -> bool {
        let above = |one: &str| match self.named.above.get(one) {
            Some(stated) => self.whole(one, stated.iter().map(String::as_str)),
            None => self.above.get(one).map(String::as_str),
        };
        successors(above(activity), |one| above(one)).take(2 * DEPTH).any(|one| one == activity)
    }

    /// Whether the register has a flow of this name of this grant.
    pub fn is_flow(&self, identifier: &str, grant: &str) -> bool {
        self.flows.get(identifier).is_some_and(|of| of == grant)
    }

    /// Whether there is such a place.
    pub fn is_place(&self, identifier: &str) -> bool {
        self.is_of(identifier, "locations")
    }

    /// Whether the register has something of this name in a collection.
    pub fn is_of(&self, identifier: &str, collection: &str) -> bool {
        self.live.get(identifier).is_some_and(|other| other == collection)
    }

    /// Whether something of this name is, or was, of another collection.
    pub fn is_taken(&self, identifier: &str, collection: &str) -> bool {
        self.live.get(identifier).or(self.gone.get(identifier)).is_some_and(|other| other != collection)
    }

    /// Whether an organisation of this name was added from this file.
    pub fn was_added(&self, identifier: &str) -> bool {
        self.new.contains(identifier)
    }

    /// What the register has of a collection that is named.
    pub fn all_of(&self, collection: &str) -> Vec<String> {
        let of = self.live.iter().filter(|(_, other)| *other == collection);
        of.map(|(identifier, _)| identifier.clone()).collect()
    }

    /// Who writes; nobody is who may write all.
    pub fn writer(&self) -> Option<&str> {
        self.writer.as_deref()
    }

    /// The name of a new record: as it is named elsewhere, if that is the writer's to give, else the
    /// same under the shortest prefix of the writer's.
    pub fn name(&self, given: &str) -> String {
        self.name_by(given, self.writer())
    }

    /// The name that a record has from a writer.
    pub fn name_by(&self, given: &str, writer: Option<&str>) -> String {
        if self.may_name(given, writer) {
            return given.to_owned();
        }
        let own = |(_, whole, publisher): &&(String, bool, String)| !whole && Some(publisher.as_str()) == writer;
        let prefix = self.prefixes.iter().rev().find(own).map(|(prefix, ..)| prefix.as_str());
        format!("{}org-{given}", prefix.unwrap_or_default())
    }

    /// Whether a name begins with a prefix of the writer's.
    pub fn is_own(&self, name: &str) -> bool {
        self.prefixes.iter().any(|(prefix, whole, publisher)| {
            !whole && !prefix.is_empty() && Some(publisher) == self.writer.as_ref() && name.starts_with(prefix.as_str())
        })
    }

    /// Whether a new organisation may have this name.
    fn may_name(&self, identifier: &str, writer: Option<&str>) -> bool {
        if self.is_taken(identifier, "organisations") || self.named.activities.contains_key(identifier) {
            return false;
        }
        let owns = |(prefix, whole, _): &&(String, bool, String)| match whole {
            true => identifier == prefix,
            false => identifier.starts_with(prefix.as_str()),
        };
        let owner = self.prefixes.iter().find(owns).map(|(.., publisher)| publisher.as_str());
        owner.is_some() && (writer.is_none() || owner == writer)
    }
}
