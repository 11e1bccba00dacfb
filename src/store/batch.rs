//! Many changes at once: staged in a temporary table, decided, checked and written
//! by statements over all of them, in memory that does not grow with their number.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};

use super::commit::{Clock, New, Statement};
use crate::collections;
use crate::error::Fault;
use crate::kind::Kind;
use crate::record::Link;

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
}

/// A record of the batch that something is said of.
#[derive(Debug, QueryableByName)]
pub struct Row {
    /// Its place in the order of the batch.
    #[diesel(sql_type = BigInt)]
    pub n: i64,
    /// Its line or row in what was sent.
    #[diesel(sql_type = BigInt)]
    pub line: i64,
    /// Its pointer in what was sent.
    #[diesel(sql_type = Text)]
    pub place: String,
    /// Its identifier.
    #[diesel(sql_type = Text)]
    pub identifier: String,
    /// The member that is at fault.
    #[diesel(sql_type = Text)]
    pub pointer: String,
    /// The other record.
    #[diesel(sql_type = Text)]
    pub target: String,
    /// A collection: the record's, or that of the other.
    #[diesel(sql_type = Text)]
    pub collection: String,
}

/// Somebody whom the batch refers to in vain.
#[derive(Debug, QueryableByName)]
pub struct Missing {
    /// The identifier.
    #[diesel(sql_type = Text)]
    pub target: String,
    /// Where it should be.
    #[diesel(sql_type = Text)]
    pub collection: String,
    /// Where it is instead.
    #[diesel(sql_type = Nullable<Text>)]
    pub elsewhere: Option<String>,
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
        .execute(connection)
        .await?;
    if added == entries.len() {
        return Ok(Vec::new());
    }
    let first: Vec<Row> = sql_query(
        "SELECT n, line, place, identifier, '' AS pointer, '' AS target, collection FROM batch WHERE identifier = ANY($1)",
    )
    .bind::<Array<Text>, _>(column(|entry| &entry.identifier))
    .load(connection)
    .await?;
    let first: std::collections::HashMap<&str, &Row> = first.iter().map(|row| (row.identifier.as_str(), row)).collect();
    let twice = entries.iter().enumerate().filter_map(|(at, entry)| {
        let first = first.get(entry.identifier.as_str()).filter(|first| first.n != entry.n)?;
        let words = format!("{} stands in row {} already", entry.identifier, first.line);
        Some((at, Fault::at("/identifier", "duplicate", words)))
    });
    Ok(twice.collect())
}

/// Decides what becomes of each record, under the clock.
pub async fn decide(
    connection: &mut AsyncPgConnection,
    clock: &Clock,
    publisher: Option<&str>,
) -> diesel::QueryResult<()> {
    connection.batch_execute("ANALYZE batch").await?;
    sql_query(include_str!("batch/decide.sql"))
        .bind::<Nullable<Text>, _>(publisher)
        .bind::<Timestamptz, _>(clock.at)
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

/// Records that are refused for what the register has, with the code of the refusal as their `target`.
pub async fn refused(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<Row>> {
    sql_query(
        "SELECT n, batch.line, batch.place, batch.identifier, '/identifier' AS pointer, outcome AS target, batch.collection
         FROM batch JOIN decided USING (n)
         WHERE outcome NOT IN ('created', 'changed', 'unchanged', 'deleted', 'refused') ORDER BY n",
    )
    .load(connection)
    .await
}

/// Whom the batch refers to in vain.
pub async fn missing(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<Missing>> {
    sql_query(include_str!("batch/missing.sql")).load(connection).await
}

/// Who refers to them.
pub async fn dangling(connection: &mut AsyncPgConnection, missing: &[Missing]) -> diesel::QueryResult<Vec<Row>> {
    sql_query(include_str!("batch/dangling.sql"))
        .bind::<Array<Text>, _>(missing.iter().map(|missing| missing.target.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(missing.iter().map(|missing| missing.collection.as_str()).collect::<Vec<_>>())
        .load(connection)
        .await
}

/// Deletions of what is still referred to; `target` is who does.
pub async fn referred(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<Row>> {
    sql_query(include_str!("batch/referred.sql")).load(connection).await
}

/// Takes records out of the batch.
pub async fn refuse(connection: &mut AsyncPgConnection, rows: &[i64]) -> diesel::QueryResult<usize> {
    sql_query("UPDATE decided SET outcome = 'refused' WHERE n = ANY($1)")
        .bind::<Array<BigInt>, _>(rows)
        .execute(connection)
        .await
}

#[derive(QueryableByName)]
struct Identified {
    #[diesel(sql_type = Text)]
    identifier: String,
}

/// Written records that have a parent now, for the search for circles.
pub async fn with_parents(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<String>> {
    let found: Vec<Identified> = sql_query(
        "SELECT batch.identifier FROM batch JOIN decided USING (n)
         WHERE outcome IN ('created', 'changed') AND links @> '[{\"role\": \"parent\"}]'",
    )
    .load(connection)
    .await?;
    Ok(found.into_iter().map(|found| found.identifier).collect())
}

/// The records that the batch writes.
pub async fn written(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<String>> {
    let found: Vec<Identified> =
        sql_query("SELECT identifier FROM decided WHERE outcome IN ('created', 'changed', 'deleted') ORDER BY n")
            .load(connection)
            .await?;
    Ok(found.into_iter().map(|found| found.identifier).collect())
}

/// The rows of these records.
pub async fn rows(connection: &mut AsyncPgConnection, identifiers: &[String]) -> diesel::QueryResult<Vec<Row>> {
    sql_query(
        "SELECT n, line, place, identifier, '/parent' AS pointer, '' AS target, collection FROM batch
         WHERE identifier = ANY($1) ORDER BY n",
    )
    .bind::<Array<Text>, _>(identifiers)
    .load(connection)
    .await
}

#[derive(QueryableByName)]
struct Exceeds {
    #[diesel(sql_type = Bool)]
    exceeds: bool,
}

/// Whether changing so many records is more than this share of all that the publisher has.
pub async fn exceeds(
    connection: &mut AsyncPgConnection,
    publisher: &str,
    changed: i64,
    percentage: i32,
) -> diesel::QueryResult<bool> {
    let counts: Vec<String> = collections::ALL
        .iter()
        .map(|kind| format!("(SELECT count(*) FROM {} WHERE publisher = $1)", kind.collection))
        .collect();
    let sql = format!("SELECT $2 * 100 > $3 * ({}) AS exceeds", counts.join(" + "));
    let found: Exceeds = sql_query(sql)
        .bind::<Text, _>(publisher)
        .bind::<BigInt, _>(changed)
        .bind::<Integer, _>(percentage)
        .get_result(connection)
        .await?;
    Ok(found.exceeds)
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

    fn bind<'a>(&'a self, statement: Statement<'a>) -> Statement<'a> {
        statement
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
