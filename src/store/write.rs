//! Changing the register: one transaction for a batch of any size, set-wise.
//!
//! All changes are ordered by the one row of `commit_clock`, which each locks
//! until it commits. So what was checked still holds when it is written, two
//! changes cannot wait for each other, and versions become visible in their
//! order. The old version stays, closed by the instant of the new one.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};

use super::change::{Author, Change, Current, Intent, Outcome, decide};
use super::read::{self, Row};
use super::{publishers, refer};
use crate::error::{Fault, Problem, Reason};

#[derive(QueryableByName)]
struct Clock {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// Applies all changes or none; to be called inside a transaction. The faults of
/// a batch name the change by its number: `/3/programme`.
pub async fn apply(
    connection: &mut AsyncPgConnection,
    author: &Author,
    changes: &[Change],
) -> Result<Vec<Outcome>, Problem> {
    let clock: Clock = sql_query(
        // The instant is taken when the lock is had, not when it is asked for.
        "WITH clock AS MATERIALIZED (SELECT position, at FROM commit_clock FOR UPDATE)
         SELECT position, greatest(clock_timestamp(), at + interval '1 microsecond') AS at FROM clock",
    )
    .get_result(connection)
    .await?;
    let identifiers: Vec<&str> = changes.iter().map(|change| change.identifier.as_str()).collect();
    // Prefixes change hands under the clock too: the right is judged again where it counts.
    let owners = publishers::owners(connection, &identifiers).await?;
    if let Some(change) = changes.iter().find(|change| owners.get(&change.identifier) != Some(&change.publisher)) {
        let words = format!("{} does not belong to {} any more", change.identifier, change.publisher);
        return Err(Problem::new(Reason::Forbidden, words));
    }
    let current: Vec<Current> = sql_query(
        "SELECT r.identifier, r.collection, r.version, r.live, v.publisher, v.created_at, v.doc
         FROM records r JOIN versions v ON v.identifier = r.identifier AND v.version = r.version
         WHERE r.identifier = ANY($1)",
    )
    .bind::<Array<Text>, _>(&identifiers)
    .load(connection)
    .await?;
    let current: HashMap<&str, &Current> = current.iter().map(|row| (row.identifier.as_str(), row)).collect();

    let mut seen = HashSet::new();
    let twice: Vec<Fault> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| !seen.insert(change.identifier.as_str()))
        .map(|(n, change)| {
            Fault::at(format!("/{n}/identifier"), "duplicate", format!("{} stands twice", change.identifier))
        })
        .collect();
    if !twice.is_empty() {
        return Err(Problem::invalid(twice));
    }
    let mut outcomes = Vec::with_capacity(changes.len());
    for change in changes {
        outcomes.push(decide(change, current.get(change.identifier.as_str()).copied())?);
    }
    let batch = changes.len() > 1;
    let at = |n: usize, fault: Fault| match (batch, fault.pointer) {
        (true, pointer) => Fault { pointer: Some(format!("/{n}{}", pointer.unwrap_or_default())), ..fault },
        (false, pointer) => Fault { pointer, ..fault },
    };
    let dangling = refer::dangling(connection, &changes.iter().map(Change::making).collect::<Vec<_>>()).await?;
    if !dangling.is_empty() {
        return Err(Problem::invalid(dangling.into_iter().map(|(n, fault)| at(n, fault)).collect()));
    }
    merges(connection, changes).await?;
    let of = |wanted: fn(&Outcome) -> bool| -> Vec<String> {
        let chosen = changes.iter().zip(&outcomes).filter(|(_, outcome)| wanted(outcome));
        chosen.map(|(change, _)| change.identifier.clone()).collect()
    };
    let deleted = of(|outcome| *outcome == Outcome::Deleted);
    let referrers = if deleted.is_empty() { Vec::new() } else { refer::referrers(connection, &deleted).await? };
    if !referrers.is_empty() {
        return Err(Problem::new(Reason::Conflict, format!("Others refer to it: {}", referrers.join("; "))));
    }

    store(connection, author, &clock, changes, &outcomes, &current).await?;

    let written = of(|outcome| matches!(outcome, Outcome::Created | Outcome::Changed));
    let circles = if written.is_empty() { Default::default() } else { refer::circles(connection, &written).await? };
    if !circles.is_empty() {
        let faults = changes.iter().enumerate().filter(|(_, change)| circles.contains(&change.identifier));
        let fault = |(n, change): (usize, &Change)| {
            at(n, Fault::at("/parent", "circle", format!("{} would be its own ancestor", change.identifier)))
        };
        return Err(Problem::invalid(faults.map(fault).collect()));
    }
    Ok(outcomes)
}

/// What records are merged into is there, and of the same kind.
async fn merges(connection: &mut AsyncPgConnection, changes: &[Change]) -> Result<(), Problem> {
    for change in changes {
        let Intent::Delete { merged_into: Some(survivor) } = &change.intent else { continue };
        let gone = changes.iter().any(|other| other.identifier == *survivor && other.making().links.is_none());
        if gone || read::some(connection, change.kind, std::slice::from_ref(survivor)).await?.is_empty() {
            let words = format!("there is no other {} {survivor} to merge into", change.kind.singular);
            return Err(Problem::invalid(vec![Fault::parameter("merged_into", "reference_unknown", words)]));
        }
    }
    Ok(())
}

/// The new versions, as columns.
#[derive(Default)]
struct Columns<'a> {
    identifiers: Vec<&'a str>,
    collections: Vec<&'a str>,
    publishers: Vec<&'a str>,
    versions: Vec<i32>,
    changes: Vec<&'a str>,
    created: Vec<DateTime<Utc>>,
    docs: Vec<Option<&'a Value>>,
    links: Vec<Value>,
    merged_into: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, change: &'a Change, outcome: Outcome, current: Option<&'a Current>, at: DateTime<Utc>) {
        let (doc, links) = match &change.intent {
            Intent::Put { doc, links } => (Some(doc), json!(links)),
            Intent::Delete { .. } => (None, json!([])),
        };
        let merged_into = match &change.intent {
            Intent::Delete { merged_into } => merged_into.as_deref(),
            Intent::Put { .. } => None,
        };
        self.identifiers.push(&change.identifier);
        self.collections.push(change.kind.collection);
        self.publishers.push(current.map_or(&change.publisher, |row| &row.publisher));
        self.versions.push(current.map_or(0, |row| row.version) + 1);
        self.changes.push(match outcome {
            Outcome::Created => "created",
            Outcome::Deleted if merged_into.is_some() => "merged",
            Outcome::Deleted => "deleted",
            _ => "changed",
        });
        self.created.push(current.map_or(at, |row| row.created_at));
        self.docs.push(doc);
        self.links.push(links);
        self.merged_into.push(merged_into);
    }
}

/// Writes the new versions, the tables of the collections, the links and the clock.
async fn store(
    connection: &mut AsyncPgConnection,
    author: &Author,
    clock: &Clock,
    changes: &[Change],
    outcomes: &[Outcome],
    current: &HashMap<&str, &Current>,
) -> Result<(), Problem> {
    let mut all = Columns::default();
    let mut by_kind: BTreeMap<&str, Columns> = BTreeMap::new();
    for (change, outcome) in changes.iter().zip(outcomes).filter(|(_, outcome)| **outcome != Outcome::Unchanged) {
        let current = current.get(change.identifier.as_str()).copied();
        all.push(change, *outcome, current, clock.at);
        by_kind.entry(change.kind.collection).or_default().push(change, *outcome, current, clock.at);
    }
    if all.identifiers.is_empty() {
        return Ok(());
    }
    sql_query(include_str!("write/records.sql"))
        .bind::<Array<Text>, _>(&all.identifiers)
        .bind::<Array<Text>, _>(&all.collections)
        .bind::<Array<Integer>, _>(&all.versions)
        .bind::<Array<Text>, _>(&all.changes)
        .bind::<Array<Nullable<Text>>, _>(&all.merged_into)
        .execute(connection)
        .await?;
    sql_query("UPDATE versions SET superseded_at = $2 WHERE identifier = ANY($1) AND superseded_at IS NULL")
        .bind::<Array<Text>, _>(&all.identifiers)
        .bind::<Timestamptz, _>(clock.at)
        .execute(connection)
        .await?;
    sql_query(include_str!("write/versions.sql"))
        .bind::<Array<Text>, _>(&all.identifiers)
        .bind::<Array<Text>, _>(&all.collections)
        .bind::<Array<Text>, _>(&all.publishers)
        .bind::<Array<Integer>, _>(&all.versions)
        .bind::<Array<Text>, _>(&all.changes)
        .bind::<Array<Timestamptz>, _>(&all.created)
        .bind::<Array<Nullable<Jsonb>>, _>(&all.docs)
        .bind::<Array<Jsonb>, _>(&all.links)
        .bind::<BigInt, _>(clock.position)
        .bind::<Timestamptz, _>(clock.at)
        .bind::<Text, _>(&author.issuer)
        .bind::<Text, _>(&author.subject)
        .bind::<Text, _>(&author.request_id)
        .bind::<Nullable<Text>, _>(&author.reason)
        .bind::<Nullable<Uuid>, _>(author.import)
        .bind::<Array<Nullable<Text>>, _>(&all.merged_into)
        .execute(connection)
        .await?;
    for (collection, columns) in &by_kind {
        sql_query(include_str!("write/collection.sql").replace("{collection}", collection))
            .bind::<Array<Text>, _>(&columns.identifiers)
            .bind::<Array<Text>, _>(&columns.publishers)
            .bind::<Array<Integer>, _>(&columns.versions)
            .bind::<Array<Timestamptz>, _>(&columns.created)
            .bind::<Array<Nullable<Jsonb>>, _>(&columns.docs)
            .bind::<Timestamptz, _>(clock.at)
            .execute(connection)
            .await?;
    }
    sql_query("DELETE FROM links WHERE record = ANY($1)")
        .bind::<Array<Text>, _>(&all.identifiers)
        .execute(connection)
        .await?;
    sql_query(include_str!("write/links.sql"))
        .bind::<Array<Text>, _>(&all.identifiers)
        .bind::<Array<Jsonb>, _>(&all.links)
        .execute(connection)
        .await?;
    sql_query("UPDATE commit_clock SET position = position + $1, at = $2")
        .bind::<BigInt, _>(all.identifiers.len() as i64)
        .bind::<Timestamptz, _>(clock.at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Changes one record in a transaction of its own, and reads it as it is then.
pub async fn one(
    connection: &mut AsyncPgConnection,
    author: &Author,
    change: Change,
) -> Result<(Outcome, Option<Row>), Problem> {
    connection
        .transaction(async |connection| {
            let (kind, identifier) = (change.kind, change.identifier.clone());
            let outcome = apply(connection, author, &[change]).await?[0];
            let row = read::some(connection, kind, &[identifier]).await?.pop();
            Ok((outcome, row))
        })
        .await
}
