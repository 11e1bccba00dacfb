//! Many changes at once: staged in a temporary table, decided, checked and written
//! by statements over all of them, in memory that does not grow with their number.

pub mod complain;

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};

use super::commit::{Clock, New};
use crate::collections;
use crate::error::Fault;
use crate::kind::Kind;
use crate::record::Link;
use crate::store::refer::Step;

/// How a record stands to what the register has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Stance {
    /// It is what is to be.
    #[default]
    Whole,
    /// It is there in case that there is none: one that is there stays as it is.
    IfAbsent,
    /// It is what is to be, but what is named after it is not all there.
    Incomplete,
}

/// A record of a batch, checked by itself.
pub struct Entry {
    /// Its place in the order of the batch.
    pub n: i64,
    /// Its line or row in what was sent.
    pub line: i64,
    /// Its JSON Pointer in what was sent, if that is one document.
    pub place: String,
    /// Its collection.
    pub kind: &'static Kind,
    /// Its identifier.
    pub identifier: String,
    /// What it is to be; nothing if it is to be gone.
    pub doc: Option<Value>,
    /// Whom it refers to.
    pub links: Vec<Link>,
    /// The version that it was made from, 0 for none, where it was made from one.
    pub seen: Option<i32>,
    /// How it stands to what the register has.
    pub stance: Stance,
    /// Whether something is wrong with it already. It is not written, and what else is
    /// wrong with it is told all the same.
    pub faulty: bool,
}

impl Entry {
    /// The same record without its name, at fault.
    pub fn unnamed(&self) -> Self {
        let (place, links, doc) = (self.place.clone(), self.links.clone(), Some(json!({})));
        Self { identifier: format!(",{}", self.n), place, links, doc, seen: None, faulty: true, ..*self }
    }
}

/// How many records of a collection have an outcome.
#[derive(Debug, QueryableByName)]
pub struct Count {
    /// `created`, `changed`, `unchanged`, `deleted`, or the code of a refusal.
    #[diesel(sql_type = Text)]
    pub outcome: String,
    /// The collection.
    #[diesel(sql_type = Text)]
    pub collection: String,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub number: i64,
}

/// Prepares the transaction for a batch.
pub async fn begin(connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    // A batch takes the time it takes; its lock on the clock is what others wait for.
    connection.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '32MB'").await?;
    connection.batch_execute(include_str!("batch/create.sql")).await
}

#[derive(QueryableByName)]
struct First {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(sql_type = BigInt)]
    line: i64,
    #[diesel(sql_type = Text)]
    identifier: String,
}

/// Adds records; gives the faults of those whose identifiers stand in the batch already.
pub async fn stage(connection: &mut AsyncPgConnection, entries: &[Entry]) -> diesel::QueryResult<Vec<(usize, Fault)>> {
    let column = |of: fn(&Entry) -> &str| entries.iter().map(of).collect::<Vec<&str>>();
    let added = sql_query(include_str!("batch/stage.sql"))
        .bind::<Array<BigInt>, _>(entries.iter().map(|entry| entry.n).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(entries.iter().map(|entry| entry.line).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(column(|entry| &entry.place))
        .bind::<Array<Text>, _>(column(|entry| &entry.identifier))
        .bind::<Array<Text>, _>(column(|entry| entry.kind.collection))
        .bind::<Array<Nullable<Jsonb>>, _>(entries.iter().map(|entry| entry.doc.as_ref()).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(entries.iter().map(|entry| json!(entry.links)).collect::<Vec<_>>())
        .bind::<Array<Nullable<Integer>>, _>(entries.iter().map(|entry| entry.seen).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(entries.iter().map(|entry| entry.faulty).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(column(|entry| entry.stance.into()))
        .execute(connection)
        .await?;
    if added == entries.len() {
        return Ok(Vec::new());
    }
    let first: Vec<First> = sql_query("SELECT n, line, identifier FROM batch WHERE identifier = ANY($1)")
        .bind::<Array<Text>, _>(column(|entry| &entry.identifier))
        .load(connection)
        .await?;
    let first: HashMap<&str, &First> = first.iter().map(|row| (row.identifier.as_str(), row)).collect();
    let twice = entries.iter().enumerate().filter_map(|(at, entry)| {
        let first = first.get(entry.identifier.as_str()).filter(|first| first.n != entry.n)?;
        let words = format!("{} stands in row {} already", entry.identifier, first.line);
        Some((at, Fault::at("/identifier", "duplicate", words)))
    });
    Ok(twice.collect())
}

/// Which of these were added already.
pub async fn staged(connection: &mut AsyncPgConnection, identifiers: &[String]) -> diesel::QueryResult<Vec<String>> {
    let found: Vec<Identified> = sql_query("SELECT n, identifier FROM batch WHERE identifier = ANY($1)")
        .bind::<Array<Text>, _>(identifiers)
        .load(connection)
        .await?;
    Ok(found.into_iter().map(|found| found.identifier).collect())
}

/// Adds the deletion of what an earlier file of this format said of activities or grants of the batch, and
/// the batch does not; gives how many.
pub async fn sweep(connection: &mut AsyncPgConnection, format: &str, last: i64) -> diesel::QueryResult<usize> {
    connection.batch_execute("ANALYZE batch").await?;
    sql_query(include_str!("batch/sweep.sql")).bind::<BigInt, _>(last).bind::<Text, _>(format).execute(connection).await
}

/// Decides what becomes of each record, under the clock. What vanished with an earlier file of one of the
/// formats that sweep comes back with a later one.
pub async fn decide(
    connection: &mut AsyncPgConnection,
    clock: &Clock,
    publisher: Option<&str>,
    sweeping: &[&str],
) -> diesel::QueryResult<()> {
    connection.batch_execute("ANALYZE batch").await?;
    sql_query(include_str!("batch/decide.sql"))
        .bind::<Nullable<Text>, _>(publisher)
        .bind::<Timestamptz, _>(clock.at)
        .bind::<Array<Text>, _>(sweeping)
        .execute(connection)
        .await?;
    connection.batch_execute("CREATE INDEX ON decided (identifier); ANALYZE decided").await
}

/// How many records have which outcome.
pub async fn counts(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<Count>> {
    sql_query("SELECT outcome, collection, count(*) AS number FROM decided GROUP BY outcome, collection")
        .load(connection)
        .await
}

#[derive(QueryableByName)]
struct Identified {
    #[diesel(sql_type = BigInt)]
    n: i64,
    #[diesel(sql_type = Text)]
    identifier: String,
}

/// Written records that have a parent now, for the search for circles.
pub async fn with_parents(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<String>> {
    let found: Vec<Identified> = sql_query(
        "SELECT n, batch.identifier FROM batch JOIN decided USING (n)
         WHERE outcome IN ('created', 'changed') AND links @> '[{\"role\": \"parent\"}]'",
    )
    .load(connection)
    .await?;
    Ok(found.into_iter().map(|found| found.identifier).collect())
}

/// Records that get another parent than they have, in the collections of these; with their writing undone.
pub async fn moved(connection: &mut AsyncPgConnection, among: &[String]) -> diesel::QueryResult<Vec<String>> {
    let found: Vec<Identified> = sql_query(
        "SELECT n, batch.identifier FROM batch JOIN decided USING (n)
         WHERE outcome = 'changed' AND batch.collection IN (SELECT b.collection FROM batch b WHERE b.identifier = ANY($1))
           AND (SELECT link.target FROM jsonb_to_recordset(batch.links) AS link (role text, target text) WHERE link.role = 'parent')
             IS DISTINCT FROM (SELECT links.target FROM links WHERE links.record = batch.identifier AND links.role = 'parent')",
    )
    .bind::<Array<Text>, _>(among)
    .load(connection)
    .await?;
    Ok(found.into_iter().map(|found| found.identifier).collect())
}

/// Whose parent is who, among the records of the batch and their ancestors in the register.
pub async fn parents(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<Step>> {
    sql_query(
        "WITH RECURSIVE steps AS (
           SELECT batch.identifier AS record, link.target COLLATE \"C\" AS target
           FROM batch, jsonb_to_recordset(batch.links) AS link (role text, target text) WHERE link.role = 'parent'
           UNION
           SELECT links.record, links.target FROM links JOIN steps ON links.record = steps.target AND links.role = 'parent'
           WHERE NOT EXISTS (SELECT FROM batch WHERE batch.identifier = links.record)
         )
         SELECT record, target FROM steps",
    )
    .load(connection)
    .await
}

/// Records that the batch writes, or that it refuses: so many after the one at this place,
/// and the place of the last.
pub async fn some(
    connection: &mut AsyncPgConnection,
    written: bool,
    after: i64,
    limit: i64,
) -> diesel::QueryResult<(Vec<String>, i64)> {
    let which = match written {
        true => "IN ('created', 'changed', 'deleted')",
        false => "NOT IN ('created', 'changed', 'deleted', 'unchanged')",
    };
    let found: Vec<Identified> =
        sql_query(format!("SELECT n, identifier FROM decided WHERE outcome {which} AND n > $1 ORDER BY n LIMIT $2"))
            .bind::<BigInt, _>(after)
            .bind::<BigInt, _>(limit)
            .load(connection)
            .await?;
    let last = found.last().map_or(after, |last| last.n);
    Ok((found.into_iter().map(|found| found.identifier).collect(), last))
}

/// A publisher many of whose records a batch would change.
#[derive(QueryableByName)]
pub struct Exceeds {
    /// The publisher.
    #[diesel(sql_type = Text)]
    pub publisher: String,
    /// How many records.
    #[diesel(sql_type = BigInt)]
    pub changed: i64,
}

/// The publishers of whose records so many would change, and more than this share of all.
pub async fn exceeds(
    connection: &mut AsyncPgConnection,
    few: i64,
    percentage: i32,
) -> diesel::QueryResult<Vec<Exceeds>> {
    let counts: Vec<String> = collections::ALL
        .iter()
        .map(|kind| format!("(SELECT count(*) FROM {} t WHERE t.publisher = touched.publisher)", kind.collection))
        .collect();
    let sql = format!(
        "SELECT publisher, changed FROM (
           SELECT publisher, count(*) AS changed FROM decided WHERE outcome IN ('changed', 'deleted')
           GROUP BY publisher HAVING count(*) >= $1) AS touched
         WHERE changed * 100 > $2 * ({}) ORDER BY publisher",
        counts.join(" + ")
    );
    sql_query(sql).bind::<BigInt, _>(few).bind::<Integer, _>(percentage).load(connection).await
}

/// The versions that the batch makes.
pub struct Staged {
    collections: Vec<&'static str>,
    count: i64,
    deletes: bool,
}

impl Staged {
    /// From what was decided.
    pub fn of(counts: &[Count]) -> Self {
        let new = |count: &&Count| matches!(count.outcome.as_str(), "created" | "changed" | "deleted");
        let mut collections: Vec<&'static str> = counts
            .iter()
            .filter(new)
            .filter_map(|count| collections::find(&count.collection))
            .map(|kind| kind.collection)
            .collect();
        collections.sort_unstable();
        collections.dedup();
        let deletes = counts.iter().any(|count| count.outcome == "deleted");
        Self { collections, count: counts.iter().filter(new).map(|count| count.number).sum(), deletes }
    }
}

impl New for Staged {
    fn sql(&self, _first: usize) -> String {
        "(SELECT decided.identifier, decided.collection, decided.publisher, decided.version, decided.outcome AS change, \
         decided.created_at, batch.doc, batch.links, NULL::text AS merged_into, row_number() OVER (ORDER BY n) AS n \
         FROM batch JOIN decided USING (n) WHERE decided.outcome IN ('created', 'changed', 'deleted')) AS new"
            .into()
    }

    fn collections(&self) -> Vec<&'static str> {
        self.collections.clone()
    }

    fn count(&self) -> i64 {
        self.count
    }

    fn deletes(&self) -> bool {
        self.deletes
    }
}
