//! What the register knows of what a file names, asked for once before the file is read.

use std::collections::{HashMap, HashSet};
use std::iter::successors;
use std::sync::Arc;

use diesel::sql_types::{Array, Bool, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::iati::parties::Reporter;
use super::iati::who::Who;
use super::iati::words::identifiers;
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

#[derive(QueryableByName)]
struct Prefix {
    #[diesel(sql_type = Text)]
    prefix: String,
    #[diesel(sql_type = Bool)]
    whole: bool,
    #[diesel(sql_type = Text)]
    publisher: String,
}

#[derive(QueryableByName)]
struct Party {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    collection: String,
    #[diesel(sql_type = Nullable<Text>)]
    scheme: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    code: Option<String>,
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    collection: String,
    #[diesel(sql_type = Bool)]
    live: bool,
}

#[derive(QueryableByName)]
struct Merged {
    #[diesel(sql_type = Text)]
    was: String,
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    collection: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    record: String,
    #[diesel(sql_type = Text)]
    target: String,
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

    /// Asks the register. `writer` is the publisher, or nobody for who may write all.
    pub async fn ask(
        connection: &mut AsyncPgConnection,
        named: Named,
        writer: Option<&str>,
        wanted: Option<&'static Kind>,
    ) -> diesel::QueryResult<Self> {
        let prefixes: Vec<Prefix> =
            sql_query("SELECT prefix, whole, publisher FROM publisher_prefixes ORDER BY length(prefix) DESC, prefix")
                .load(connection)
                .await?;
        let prefixes = prefixes.into_iter().map(|row| (row.prefix, row.whole, row.publisher)).collect();
        let mut known = Self { named, writer: writer.map(str::to_owned), prefixes, wanted, ..Self::default() };
        let names: Vec<&str> = known
            .named
            .activities
            .keys()
            .chain(&known.named.others)
            .map(String::as_str)
            .chain(known.named.parties.iter().filter_map(Who::reference))
            .collect();
        let held: Vec<Held> = sql_query("SELECT identifier, collection, live FROM records WHERE identifier = ANY($1)")
            .bind::<Array<Text>, _>(names)
            .load(connection)
            .await?;
        let (live, gone): (Vec<Held>, Vec<Held>) = held.into_iter().partition(|row| row.live);
        known.live = live.into_iter().map(|row| (row.identifier, row.collection)).collect();
        known.gone = gone.into_iter().map(|row| (row.identifier, row.collection)).collect();
        let lines: Vec<Line> = sql_query(
            "SELECT record, target FROM links WHERE role = 'funding' AND pointer LIKE '/funding/%' AND record = ANY($1)",
        )
        .bind::<Array<Text>, _>(known.live.keys().collect::<Vec<_>>())
        .load(connection)
        .await?;
        known.funders = lines.into_iter().map(|line| (line.record, line.target)).collect();
        let above: Vec<Line> = sql_query(
            "WITH RECURSIVE up AS (
               SELECT identifier, parent FROM programmes WHERE parent IS NOT NULL AND identifier = ANY($1)
               UNION
               SELECT p.identifier, p.parent FROM up JOIN programmes p ON p.identifier = up.parent WHERE p.parent IS NOT NULL)
             SELECT identifier AS record, parent AS target FROM up",
        )
        .bind::<Array<Text>, _>(known.all_of("programmes"))
        .load(connection)
        .await?;
        known.above = above.into_iter().map(|line| (line.record, line.target)).collect();
        let flows: Vec<Line> = sql_query(
            "SELECT identifier AS record, grant_id AS target FROM transactions WHERE grant_id IS NOT NULL
               AND identifier = ANY($1) AND coalesce(publisher = $2, true)",
        )
        .bind::<Array<Text>, _>(known.all_of("transactions"))
        .bind::<Nullable<Text>, _>(writer)
        .load(connection)
        .await?;
        known.flows = flows.into_iter().map(|flow| (flow.record, flow.target)).collect();
        known.ask_parties(connection).await?;
        Ok(known)
    }

    /// Who is known: by the identifier that a new record of it would have, or by a code elsewhere.
    async fn ask_parties(&mut self, connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
        // One may be named in several ways.
        let mut by_name: HashMap<String, Vec<Who>> = HashMap::new();
        let mut by_code: HashMap<(String, String), Vec<Who>> = HashMap::new();
        for who in &self.named.parties {
            if let Some(reference) = who.reference() {
                let one = &identifiers(reference)[0];
                let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
                by_code.entry((text("scheme"), text("code"))).or_default().push(who.clone());
                by_name.entry(reference.to_owned()).or_default().push(who.clone());
            }
            let name = who.name(self);
            by_name.entry(format!("{name}:beneficiary")).or_default().push(who.clone());
            by_name.entry(name).or_default().push(who.clone());
        }
        let names: Vec<&str> = by_name.keys().map(String::as_str).collect();
        let codes: Vec<&str> = by_code.keys().map(|(_, code)| code.as_str()).collect();
        let found: Vec<Party> = sql_query(
            "SELECT p.identifier, p.collection, other ->> 'scheme' AS scheme, other ->> 'code' AS code FROM (
               SELECT identifier, 'organisations' AS collection, doc FROM organisations WHERE codes && $2 OR identifier = ANY($1)
               UNION ALL
               SELECT identifier, 'beneficiaries', doc FROM beneficiaries WHERE codes && $2 OR identifier = ANY($1)) AS p
             LEFT JOIN LATERAL jsonb_array_elements(p.doc -> 'identifiers') AS other ON true
             ORDER BY p.identifier",
        )
        .bind::<Array<Text>, _>(names)
        .bind::<Array<Text>, _>(codes)
        .load(connection)
        .await?;
        for Party { identifier, collection, scheme, code } in found {
            let code = by_code.get(&(scheme.unwrap_or_default(), code.unwrap_or_default()));
            let parties = if collection == "organisations" { &mut self.organisations } else { &mut self.beneficiaries };
            for who in code.into_iter().chain(by_name.get(&identifier)).flatten() {
                parties.entry(who.clone()).or_insert_with(|| identifier.clone());
            }
        }
        // Who was merged into another is that other.
        let merged: Vec<Merged> = sql_query(
            "WITH RECURSIVE next AS (
               SELECT identifier AS was, merged_into AS identifier FROM records WHERE NOT live AND merged_into IS NOT NULL AND identifier = ANY($1)
               UNION
               SELECT next.was, records.merged_into FROM next JOIN records USING (identifier) WHERE NOT live AND merged_into IS NOT NULL)
             SELECT was, identifier, collection FROM next JOIN records USING (identifier) WHERE live",
        )
        .bind::<Array<Text>, _>(by_name.keys().collect::<Vec<_>>())
        .load(connection)
        .await?;
        for Merged { was, identifier, collection } in merged {
            let parties = if collection == "organisations" { &mut self.organisations } else { &mut self.beneficiaries };
            for who in by_name.get(&was).into_iter().flatten() {
                parties.entry(who.clone()).or_insert_with(|| identifier.clone());
            }
        }
        Ok(())
    }

    /// The organisation of the register that this is.
    pub fn organisation(&self, who: &Who) -> Option<&str> {
        self.organisations.get(who).map(String::as_str)
    }

    /// The beneficiary of the register that this is.
    pub fn beneficiary(&self, who: &Who) -> Option<&str> {
        self.beneficiaries.get(who).map(String::as_str)
    }

    /// How somebody who reports in the file names itself.
    pub fn reporter(&self, who: &Who) -> Option<&Reporter> {
        self.named.reporters.get(who)
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

    /// The name of a new record: as it is named elsewhere, if that is the writer's to give, else the
    /// same under the shortest prefix of the writer's.
    pub fn name(&self, given: &str) -> String {
        if self.may_name(given) {
            return given.to_owned();
        }
        let own = |(_, whole, publisher): &&(String, bool, String)| !whole && Some(publisher) == self.writer.as_ref();
        let prefix = self.prefixes.iter().rev().find(own).map(|(prefix, ..)| prefix.as_str());
        format!("{}org-{given}", prefix.unwrap_or_default())
    }

    /// Whether a new organisation may have this name.
    fn may_name(&self, identifier: &str) -> bool {
        if self.is_taken(identifier, "organisations") || self.named.activities.contains_key(identifier) {
            return false;
        }
        let owns = |(prefix, whole, _): &&(String, bool, String)| match whole {
            true => identifier == prefix,
            false => identifier.starts_with(prefix.as_str()),
        };
        let owner = self.prefixes.iter().find(owns).map(|(.., publisher)| publisher);
        owner.is_some() && (self.writer.is_none() || owner == self.writer.as_ref())
    }
}
