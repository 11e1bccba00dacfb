//! What the register says of its grants in a package itself. What is read from a package as that would be changes
//! nothing: a record states much that a package has no room for, as inexact dates and shares.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::NaiveDate;
use diesel_async::AsyncPgConnection;
use rust_decimal::Decimal;
use serde_json::{Number, Value, json};

use super::grant::grant;
use super::records::named;
use super::{Mapped, is_party};
use crate::collections::{grants, transactions};
use crate::error::Problem;
use crate::formats::Format;
use crate::formats::threesixty::{DERIVED, said_of};
use crate::imports::known;
use crate::record::original::{Standard, digest_of};
use crate::store::read;

/// Grants are read so many at a time.
const SOME: usize = 200;
/// The members of grants that the standard has.
pub const GRANT: [&str; 13] = [
    "programme",
    "title",
    "description",
    "status",
    "start_date",
    "end_date",
    "budget",
    "recipients",
    "organisations",
    "places",
    "sectors",
    "documents",
    "original",
];
/// What a package says of a status, by dates: whatever else one is, somebody stated.
const BY_DATE: [&str; 2] = ["implementation", "closed"];

/// What it says of the grants that it was asked for, as digests: these grow with the file.
#[derive(Default)]
pub struct Said {
    all: HashSet<u64>,
    /// The digests of their places, which what is kept of locations stands by.
    places: HashMap<String, String>,
}

/// What of a grant of a package is as the register says it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Same {
    /// Members of the grant.
    pub members: Vec<&'static str>,
    /// Identifiers of its flows.
    pub flows: HashSet<String>,
    /// Whether the register said all of it, as it is now.
    pub is_own: bool,
    /// The digest of its places, if these are the same.
    pub places: Option<String>,
}

impl Said {
    /// Asks for grants of the register, as a `writer` would send them.
    pub async fn ask(
        connection: &mut AsyncPgConnection,
        writer: Option<&str>,
        today: NaiveDate,
        grants: &[String],
    ) -> Result<Self, Problem> {
        let mut said = Self::default();
        let beside = Format::ThreeSixtyGiving.beside(&grants::KIND, false).unwrap_or_else(|| "NULL::text".to_owned());
        for some in grants.chunks(SOME) {
            let mut all = Vec::new();
            for row in read::some_with(connection, &grants::KIND, some, &beside).await? {
                let view = row.view(&grants::KIND)?;
                let (of, told, _) = said_of(&view, row.beside.as_deref()).map_err(Problem::internal)?;
                all.push((row.identifier, of, told));
            }
            // It names what the file need not.
            let named = named(all.iter().map(|(.., told)| told));
            let known = known::Known::ask(connection, named, writer, None).await?;
            for (identifier, of, told) in all {
                said.add(&told, &grant(&known, today, &told));
                let is_told = of.original.is_some_and(|original| original.standard == Standard::ThreeSixtyGiving);
                let status = json!(of.status);
                let by_date = BY_DATE.iter().any(|one| status == *one);
                said.all.extend([digest(&told, "told", &json!(is_told)), digest(&told, "by_date", &json!(by_date))]);
                said.places.insert(identifier, digest_of(&json!([of.places])));
            }
        }
        Ok(said)
    }

    /// Adds a grant of a package, and what it is read as.
    fn add(&mut self, told: &Value, mapped: &Mapped) {
        self.all.extend(members(told, mapped).map(|(_, digest)| digest));
        self.all.extend(flows(told, mapped).map(|(_, digest)| digest));
        self.all.insert(digest(told, "dateModified", &told["dateModified"]));
    }

    /// What of a grant of a package, and of what it is read as, is so already.
    pub fn same(&self, told: &Value, mapped: &Mapped) -> Same {
        let says = |name: &str, value: Value| self.all.contains(&digest(told, name, &value));
        let known = members(told, mapped).filter(|(_, digest)| self.all.contains(digest));
        let mut same: Vec<&'static str> = known.map(|(name, _)| name).collect();
        let is_own = same.len() == GRANT.len() && says("dateModified", told["dateModified"].clone());
        // What was read in another standard, or nowhere, the register's own package is not to say.
        let is_echo = told[DERIVED] == true && says("told", json!(false));
        if is_echo && !same.contains(&"original") {
            same.push("original");
        }
        if says("by_date", json!(true)) && !is_own && !is_echo {
            same.retain(|member| *member != "status");
        }
        let flows = flows(told, mapped).filter(|(_, digest)| self.all.contains(digest)).map(|(name, _)| name).collect();
        let places = told["id"].as_str().and_then(|id| self.places.get(id.trim()));
        let places = places.filter(|_| same.contains(&"places")).cloned();
        Same { members: same, flows, is_own, places }
    }
}

impl Same {
    /// Whom a grant and its flows name in what the register does not say already.
    pub fn named_beside(&self, mapped: &Mapped) -> HashSet<String> {
        let mut named = HashSet::new();
        for (kind, record) in mapped.records.iter().filter(|(kind, _)| !is_party(kind)) {
            let is_grant = kind.collection == grants::KIND.collection;
            let is_same = record["identifier"].as_str().is_some_and(|flow| self.flows.contains(flow));
            for (member, value) in record.as_object().into_iter().flatten() {
                if !(is_same || is_grant && self.members.contains(&member.as_str())) {
                    names(value, &mut named);
                }
            }
        }
        named
    }
}

/// All texts in a value.
fn names(value: &Value, into: &mut HashSet<String>) {
    match value {
        Value::String(text) => drop(into.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| names(item, into)),
        Value::Object(members) => members.values().for_each(|member| names(member, into)),
        _ => {}
    }
}

/// The digest of what each member is read as.
fn members<'m>(told: &'m Value, mapped: &'m Mapped) -> impl Iterator<Item = (&'static str, u64)> + 'm {
    let grant = mapped.grant();
    let digests = GRANT.into_iter().map(move |member| Some((member, digest(told, member, &grant?[member]))));
    digests.flatten()
}

/// The digest of what each flow is read as.
fn flows<'m>(told: &'m Value, mapped: &'m Mapped) -> impl Iterator<Item = (String, u64)> + 'm {
    let flows = mapped.records.iter().filter(|(kind, _)| kind.collection == transactions::KIND.collection);
    flows.filter_map(|(_, flow)| Some((flow["identifier"].as_str()?.to_owned(), digest(told, "flow", flow))))
}

/// The digest of something that is said of a grant; neither the order of members and of a list nor the way that numbers
/// are written makes a difference.
fn digest(told: &Value, name: &str, value: &Value) -> u64 {
    let mut value = value.clone();
    value.sort_all_objects();
    numbers(&mut value);
    if let Value::Array(items) = &mut value {
        items.sort_by_cached_key(Value::to_string);
    }
    let mut hasher = DefaultHasher::new();
    (told["id"].as_str().map(str::trim), name, value.to_string()).hash(&mut hasher);
    hasher.finish()
}

fn numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Ok(exact) = Decimal::from_str_exact(&number.to_string()) {
                *number = Number::from_string_unchecked(exact.normalize().to_string());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(numbers),
        Value::Object(members) => members.values_mut().for_each(numbers),
        _ => {}
    }
}
