//! Changing one record, in a transaction of its own.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};

use super::change::{Author, Change, Current, Intent, Outcome, decide};
use super::commit::{self, New};
use super::read::{self, Row};
use super::{audit, clients, publishers, refer};
use crate::error::{Fault, Problem, Reason};
use crate::kind::Kind;

/// Changes one record, and reads it as it is then.
pub async fn one(
    connection: &mut AsyncPgConnection,
    author: &Author,
    change: Change,
) -> Result<(Outcome, Option<Row>), Problem> {
    connection
        .transaction(async |connection| {
            let outcome = apply(connection, author, &change).await?;
            if outcome != Outcome::Unchanged {
                let details = json!({
                    "collection": change.kind.collection, "identifiers": [change.identifier], "outcome": outcome.name(),
                });
                audit::append(connection, audit::act("write", author, details)).await?;
            }
            let row = read::some(connection, change.kind, std::slice::from_ref(&change.identifier)).await?.pop();
            Ok((outcome, row))
        })
        .await
}

async fn apply(connection: &mut AsyncPgConnection, author: &Author, change: &Change) -> Result<Outcome, Problem> {
    let clock = commit::lock(connection).await?;
    clients::still_welcome(connection, author).await?;
    let identifier = &change.identifier;
    // Prefixes change hands under the clock too: the right is judged again where it counts.
    if publishers::owner(connection, identifier).await?.as_ref() != Some(&change.publisher) {
        let words = format!("{identifier} does not belong to {} any more", change.publisher);
        return Err(Problem::new(Reason::Forbidden, words));
    }
    let current = current(connection, identifier).await?;
    let current = current.as_ref();
    let outcome = decide(change, current)?;
    let (mut links, mut doc, mut merged_into) = (&Vec::new(), None, None);
    match &change.intent {
        Intent::Put { doc: put, links: of_put } => (links, doc) = (of_put, Some(put)),
        Intent::Delete { merged_into: survivor } => merged_into = survivor.as_deref(),
    }
    let dangling = refer::dangling(connection, change.kind, doc.map(|_| identifier.as_str()), links).await?;
    if !dangling.is_empty() {
        return Err(Problem::invalid(dangling));
    }
    if let Some(survivor) = merged_into {
        survives(connection, change.kind, identifier, survivor, |words| {
            Fault::parameter("merged_into", "reference_unknown", words)
        })
        .await?;
    }
    if outcome == Outcome::Deleted {
        let referrers = refer::referrers(connection, identifier).await?;
        if !referrers.is_empty() {
            return Err(Problem::new(Reason::Conflict, format!("Others refer to it: {}", referrers.join("; "))));
        }
    }
    if outcome == Outcome::Unchanged {
        return Ok(outcome);
    }
    let version = Version {
        kind: change.kind,
        identifier,
        publisher: current.map_or(&change.publisher, |row| &row.publisher),
        version: current.map_or(0, |row| row.version) + 1,
        change: match outcome {
            Outcome::Created => "created",
            Outcome::Deleted if merged_into.is_some() => "merged",
            Outcome::Deleted => "deleted",
            _ => "changed",
        },
        created_at: current.map_or(clock.at, |row| row.created_at),
        doc,
        links: json!(links),
        merged_into,
    };
    commit::commit(connection, author, &clock, &version).await?;
    if links.iter().any(|link| link.role == "parent")
        && let Some((code, _)) = refer::misplaced(connection, std::slice::from_ref(identifier)).await?
    {
        return Err(Problem::invalid(vec![Fault::at("/parent", code, refer::misplacement(identifier, code))]));
    }
    Ok(outcome)
}

/// A record as the register has it now.
pub async fn current(connection: &mut AsyncPgConnection, identifier: &str) -> diesel::QueryResult<Option<Current>> {
    sql_query(
        "SELECT r.collection, r.version, r.live, v.publisher, v.created_at, v.doc
         FROM records r JOIN versions v ON v.identifier = r.identifier AND v.version = r.version
         WHERE r.identifier = $1",
    )
    .bind::<Text, _>(identifier)
    .get_result(connection)
    .await
    .optional()
}

/// What a record is merged into is there, of the same kind, and another.
pub async fn survives(
    connection: &mut AsyncPgConnection,
    kind: &Kind,
    identifier: &str,
    survivor: &str,
    fault: impl FnOnce(String) -> Fault,
) -> Result<(), Problem> {
    if survivor == identifier || read::some(connection, kind, &[survivor.to_owned()]).await?.is_empty() {
        let words = format!("there is no other {} {survivor:.200} to merge into", kind.singular);
        return Err(Problem::invalid(vec![fault(words)]));
    }
    Ok(())
}

/// The new version of one record.
struct Version<'v> {
    kind: &'static Kind,
    identifier: &'v str,
    publisher: &'v str,
    version: i32,
    change: &'static str,
    created_at: DateTime<Utc>,
    doc: Option<&'v Value>,
    links: Value,
    merged_into: Option<&'v str>,
}

impl New for Version<'_> {
    fn sql(&self, first: usize) -> String {
        let types = ["text", "text", "text", "integer", "text", "timestamptz", "jsonb", "jsonb", "text"];
        let values: Vec<String> = types.iter().enumerate().map(|(n, of)| format!("${}::{of}", first + n)).collect();
        format!(
            "(VALUES ({}, 1)) AS new (identifier, collection, publisher, version, change, created_at, doc, links, merged_into, n)",
            values.join(", ")
        )
    }

    fn bind<'a>(&'a self, statement: super::commit::Statement<'a>) -> super::commit::Statement<'a> {
        statement
            .bind::<Text, _>(self.identifier)
            .bind::<Text, _>(self.kind.collection)
            .bind::<Text, _>(self.publisher)
            .bind::<Integer, _>(self.version)
            .bind::<Text, _>(self.change)
            .bind::<Timestamptz, _>(self.created_at)
            .bind::<Nullable<Jsonb>, _>(self.doc)
            .bind::<Jsonb, _>(&self.links)
            .bind::<Nullable<Text>, _>(self.merged_into)
    }

    fn collections(&self) -> Vec<&'static str> {
        vec![self.kind.collection]
    }

    fn count(&self) -> i64 {
        1
    }

    fn deletes(&self) -> bool {
        self.doc.is_none()
    }
}
