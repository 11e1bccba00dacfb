//! Loading records from a file, and the content that the program ships.
//!
//! A file is a JSON object with a list of records for each collection:
//! `{"programmes": [{...}], "grants": [{...}]}`. All of it is loaded or none,
//! through the same checks and the same transaction as a write of the API.

use std::collections::{BTreeMap, HashSet};

use diesel::{QueryableByName, sql_query, sql_types::Bool};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::collections;
use crate::error::{Fault, Problem, Reason};
use crate::http::precondition::Precondition;
use crate::input::{Shapes, check_value};
use crate::json;
use crate::store::change::{Author, Change, Intent, Outcome};
use crate::store::publishers::{self, Publisher};
use crate::store::refer;
use crate::store::write::apply;

/// The shipped files, in the order in which a reader would want them.
pub const SHIPPED: &[(&str, &str)] = &[
    ("content/places.json", include_str!("../content/places.json")),
    ("content/organisations.json", include_str!("../content/organisations.json")),
    ("content/eu-integra.json", include_str!("../content/eu-integra.json")),
    ("content/leave-no-one-behind.json", include_str!("../content/leave-no-one-behind.json")),
    ("content/cuprija.json", include_str!("../content/cuprija.json")),
    ("content/egovernment-for-all.json", include_str!("../content/egovernment-for-all.json")),
    ("content/interreg-romania-serbia.json", include_str!("../content/interreg-romania-serbia.json")),
];

/// How many records had which outcome.
pub type Counts = BTreeMap<&'static str, usize>;

/// A record of a file, and where it stands.
struct Entry {
    pointer: String,
    kind: &'static crate::kind::Kind,
    identifier: String,
    document: Value,
}

/// Loads files as one batch. Faults name the record by its pointer in the file.
pub async fn load(
    connection: &mut AsyncPgConnection,
    shapes: &Shapes,
    author: &Author,
    files: &[(String, &str)],
) -> Result<Counts, Problem> {
    let mut faults = Vec::new();
    let mut refused = HashSet::new();
    let mut changes = Vec::new();
    for (name, file) in files {
        let in_file = |fault: Fault| Fault { detail: format!("{name}: {}", fault.detail), ..fault };
        let entries = match entries(file.trim_start_matches('\u{feff}')) {
            Ok(entries) => entries,
            Err(found) => {
                faults.extend(found.into_iter().map(in_file));
                continue;
            }
        };
        for entry in entries {
            let checked = check_value(shapes, entry.kind, &entry.identifier, entry.document);
            if checked.faults.is_empty() {
                changes.push((
                    entry.pointer,
                    Change {
                        kind: entry.kind,
                        identifier: entry.identifier,
                        publisher: String::new(),
                        intent: Intent::Put { doc: checked.doc, links: checked.links },
                        // A file says how things are to be, whatever was there.
                        precondition: Precondition::Any,
                    },
                ));
            } else {
                let place =
                    |fault: &Fault| format!("{}{}", entry.pointer, fault.pointer.as_deref().unwrap_or_default());
                faults.extend(checked.faults.iter().map(|fault| {
                    let detail = format!("{name}: {}: {}", entry.identifier, fault.detail);
                    Fault { pointer: Some(place(fault)), detail, ..fault.clone() }
                }));
                refused.insert(entry.identifier);
            }
        }
    }
    let identifiers: Vec<&str> = changes.iter().map(|(_, change)| change.identifier.as_str()).collect();
    let owners = publishers::owners(connection, &identifiers).await?;
    for (pointer, change) in &mut changes {
        match owners.get(&change.identifier) {
            Some(owner) => change.publisher.clone_from(owner),
            None => {
                let words = format!("no publisher has a prefix that {} starts with", change.identifier);
                faults.push(Fault::at(pointer.as_str(), "prefix_unknown", words));
            }
        }
    }
    let making: Vec<_> = changes.iter().map(|(_, change)| change.making()).collect();
    for (n, fault) in refer::dangling(connection, &making).await? {
        let (pointer, change) = &changes[n];
        let target = change.target(fault.pointer.as_deref().unwrap_or_default());
        // Who refers to a record of the files that is at fault is not at fault for that.
        if !refused.contains(target) {
            let place = format!("{pointer}{}", fault.pointer.as_deref().unwrap_or_default());
            faults.push(Fault {
                pointer: Some(place),
                detail: format!("{}: {}", change.identifier, fault.detail),
                ..fault
            });
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let (pointers, changes): (Vec<String>, Vec<Change>) = changes.into_iter().unzip();
    let applied = connection.transaction(async |connection| apply(connection, author, &changes).await).await;
    let outcomes = applied.map_err(|mut problem| {
        // A batch names its records by number, a file by their place in it.
        for pointer in problem.errors.iter_mut().filter_map(|fault| fault.pointer.as_mut()) {
            let (number, rest) = pointer.get(1..).unwrap_or_default().split_once('/').unwrap_or((pointer.as_str(), ""));
            if let Some(place) = number.parse().ok().and_then(|n: usize| pointers.get(n)) {
                *pointer = format!("{place}/{rest}");
            }
        }
        problem
    })?;
    let mut counts = Counts::new();
    for outcome in outcomes {
        *counts.entry(name(outcome)).or_default() += 1;
    }
    Ok(counts)
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "created",
        Outcome::Changed => "changed",
        Outcome::Unchanged => "unchanged",
        Outcome::Deleted => "deleted",
    }
}

/// The records of a file.
fn entries(file: &str) -> Result<Vec<Entry>, Vec<Fault>> {
    let Value::Object(lists) = json::parse(file.as_bytes())? else {
        return Err(vec![Fault::at("", "type", "the file is not an object with a list for each collection")]);
    };
    let mut entries = Vec::new();
    let mut faults = Vec::new();
    for (collection, list) in lists {
        let pointer = json::push("", &collection);
        let (Some(kind), Value::Array(list)) = (collections::find(&collection), list) else {
            faults.push(Fault::at(
                pointer,
                "collection_unknown",
                format!("{collection} is no collection, or not a list"),
            ));
            continue;
        };
        for (n, document) in list.into_iter().enumerate() {
            let pointer = format!("{pointer}/{n}");
            match document["identifier"].as_str().map(String::from) {
                Some(identifier) => entries.push(Entry { pointer, kind, identifier, document }),
                None => faults.push(Fault::at(pointer, "required", "the record has no identifier")),
            }
        }
    }
    if faults.is_empty() { Ok(entries) } else { Err(faults) }
}

#[derive(QueryableByName)]
struct Empty {
    #[diesel(sql_type = Bool)]
    empty: bool,
}

/// Loads the shipped content, with its publishers, into a register that has no
/// record yet. Instances that start together wait for one another.
pub async fn load_shipped(connection: &mut AsyncPgConnection, shapes: &Shapes) -> Result<Option<Counts>, Problem> {
    const LOCK: &str = "SELECT pg_advisory_lock(hashtext('aid-register: shipped content'))";
    sql_query(LOCK).execute(connection).await?;
    let empty: Empty = sql_query("SELECT NOT EXISTS (SELECT FROM records) AS empty").get_result(connection).await?;
    if !empty.empty {
        return Ok(None);
    }
    let author = Author::program("shipped-content");
    let files: Vec<(String, &str)> = SHIPPED.iter().map(|(name, file)| ((*name).to_owned(), *file)).collect();
    let loaded = connection
        .transaction(async |connection| {
            for (id, name, prefixes) in PUBLISHERS {
                let prefixes = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
                publishers::add(connection, &Publisher { id: (*id).into(), name: (*name).into(), prefixes }).await?;
            }
            load(connection, shapes, &author, &files).await
        })
        .await;
    match loaded {
        Err(problem) if problem.reason == Reason::Conflict => {
            log::warn!("the shipped content was not loaded: {problem}; REGISTER_LOAD_CONTENT=false leaves it out");
            Ok(None)
        }
        loaded => loaded.map(Some),
    }
}

/// Whose the shipped records are: id, name, prefixes.
const PUBLISHERS: &[(&str, &str, &[&str])] = &[
    ("aid-register", "Aid Register: programmes entered from published documents", &["AR-"]),
    ("places", "Aid Register: places", &["AL", "BA", "DE", "MK", "RO", "RS", "SI", "XK"]),
];
