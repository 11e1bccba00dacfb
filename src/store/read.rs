//! Reading: rows of a question, single records, and what became of those that are gone.

use std::collections::BTreeMap;

use actix_web::http::header::LOCATION;
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Json, Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Value};

use super::ask::{Ask, NOTES};
use crate::collections;
use crate::error::{Problem, Reason};
use crate::http::identifier;
use crate::kind::{CONVERTED, Facet, Kind, PLACE_NOTES};

/// A record as it is stored.
#[derive(Debug, QueryableByName)]
pub struct Row {
    /// Its identifier.
    #[diesel(sql_type = Text)]
    pub identifier: String,
    /// Who published it first.
    #[diesel(sql_type = Text)]
    pub publisher: String,
    /// How many times it was written.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// When it was first written.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    /// The document.
    #[diesel(sql_type = Text)]
    pub doc: String,
    /// The value of the sort key.
    #[diesel(sql_type = Text)]
    pub key: String,
    /// The main amount in another currency, as JSON, if that was asked for.
    #[diesel(sql_type = Nullable<Text>)]
    pub converted: Option<String>,
    /// What must be said of its places, as JSON.
    #[diesel(sql_type = Nullable<Text>)]
    pub notes: Option<String>,
    /// What a format wants to know beside it, as JSON.
    #[diesel(sql_type = Nullable<Text>)]
    pub beside: Option<String>,
    /// What the row is about, as JSON, if it is not the record.
    #[diesel(sql_type = Nullable<Text>)]
    pub piece: Option<String>,
}

impl Row {
    /// What clients see: the record, and what the register adds.
    pub fn view(&self, kind: &Kind) -> Result<Map<String, Value>, Problem> {
        let unreadable =
            |error| Problem::internal(format!("{} {} is unreadable: {error}", kind.singular, self.identifier));
        let mut view = (kind.view)(&self.doc).map_err(unreadable)?;
        view.insert("publisher".into(), self.publisher.clone().into());
        view.insert("version".into(), self.version.into());
        view.insert("created_at".into(), instant(self.created_at).into());
        view.insert("updated_at".into(), instant(self.updated_at).into());
        if let Some(notes) = &self.notes {
            view.insert(PLACE_NOTES.into(), serde_json::from_str(notes).map_err(unreadable)?);
        }
        if let Some(converted) = &self.converted {
            view.insert(CONVERTED.into(), serde_json::from_str(converted).map_err(unreadable)?);
        }
        Ok(view)
    }
}

/// A row of a page, and how many the statement found.
#[derive(QueryableByName)]
struct Bounded {
    #[diesel(embed)]
    record: Row,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// A page of a question: at most so many rows, and whether there are more.
pub async fn page(connection: &mut AsyncPgConnection, ask: &Ask, limit: i64) -> diesel::QueryResult<(Vec<Row>, bool)> {
    let rows: Vec<Bounded> = ask.page(limit + 1).load(connection).await?;
    let found = rows.as_slice().first().map_or(0, |row| row.found);
    let rows: Vec<Row> = rows.into_iter().take(limit as usize).map(|row| row.record).collect();
    let more = found > rows.len() as i64;
    Ok((rows, more))
}

/// An instant as clients see it.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Some records of a collection by identifier.
pub async fn some(
    connection: &mut AsyncPgConnection,
    kind: &Kind,
    identifiers: &[String],
) -> diesel::QueryResult<Vec<Row>> {
    some_with(connection, kind, identifiers, "NULL::text").await
}

/// Some records of a collection by identifier, with the SQL of what is wanted beside each.
pub async fn some_with(
    connection: &mut AsyncPgConnection,
    kind: &Kind,
    identifiers: &[String],
    beside: &str,
) -> diesel::QueryResult<Vec<Row>> {
    let notes = if kind.has_places() { NOTES } else { "NULL::text" };
    let sql = format!(
        "SELECT identifier, publisher, version, created_at, updated_at, doc::text AS doc, identifier AS key, NULL::text AS converted, \
         {notes} AS notes, {beside} AS beside, NULL::text AS piece \
         FROM {} t WHERE identifier = ANY($1) ORDER BY identifier",
        kind.collection
    );
    sql_query(sql).bind::<Array<Text>, _>(identifiers).load(connection).await
}

/// One record, or the problem that says what became of it.
pub async fn one(connection: &mut AsyncPgConnection, kind: &Kind, identifier: &str) -> Result<Row, Problem> {
    let found = some(connection, kind, &[identifier.to_owned()]).await?.pop();
    match found {
        Some(row) => Ok(row),
        None => Err(absent(connection, kind, identifier).await?),
    }
}

#[derive(QueryableByName)]
struct Fate {
    #[diesel(sql_type = Text)]
    collection: String,
    #[diesel(sql_type = Bool)]
    live: bool,
    #[diesel(sql_type = Nullable<Text>)]
    merged_into: Option<String>,
}

/// Why a record is not there: never was, was deleted or merged, or is of another kind.
pub async fn absent(connection: &mut AsyncPgConnection, kind: &Kind, id: &str) -> Result<Problem, Problem> {
    let fate: Option<Fate> = sql_query("SELECT collection, live, merged_into FROM records WHERE identifier = $1")
        .bind::<Text, _>(id)
        .get_result(connection)
        .await
        .optional()?;
    Ok(match fate {
        Some(Fate { collection, merged_into: Some(survivor), .. }) if collection == kind.collection => {
            let place = identifier::path(&collection, &survivor);
            let words = format!("The {} {id} was merged into {survivor}; its history stays", kind.singular);
            Problem::new(Reason::Merged, words).with_header(LOCATION, &place)
        }
        Some(fate) if fate.collection == kind.collection && !fate.live => {
            Problem::new(Reason::Gone, format!("The {} {id} was deleted; its history stays", kind.singular))
        }
        Some(fate) if fate.collection != kind.collection => {
            let place = identifier::path(&fate.collection, id);
            Problem::new(Reason::NotFound, format!("There is no {} {id}, but there is {place}", kind.singular))
        }
        _ => Problem::new(Reason::NotFound, format!("There is no {} {id}", kind.singular)),
    })
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Json, column_name = "QUERY PLAN")]
    plan: Value,
}

/// The exact number of records that a question finds.
pub async fn count(connection: &mut AsyncPgConnection, ask: &Ask) -> diesel::QueryResult<i64> {
    Ok(ask.count().get_result::<Count>(connection).await?.count)
}

/// Whether a question finds more rows than so many.
pub async fn is_over(connection: &mut AsyncPgConnection, ask: &Ask, rows: i64) -> diesel::QueryResult<bool> {
    Ok(ask.count_to(rows + 1).get_result::<Count>(connection).await?.count > rows)
}

/// How many records have one value of a facet.
#[derive(Debug, QueryableByName, serde::Serialize)]
pub struct FacetValue {
    /// The value; null for none.
    #[diesel(sql_type = Nullable<Text>)]
    pub value: Option<String>,
    /// The number of records.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// What must be said of it, if it is a place of which something must.
    #[diesel(sql_type = Nullable<Json>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Value>,
}

/// How many of the records that a question finds have each value of a facet, the most frequent first.
pub async fn facet(
    connection: &mut AsyncPgConnection,
    ask: &Ask,
    by: Facet,
    limit: i64,
) -> diesel::QueryResult<Vec<FacetValue>> {
    ask.facet(by, limit).load(connection).await
}

/// The planner's estimate of that number.
pub async fn estimate(connection: &mut AsyncPgConnection, ask: &Ask) -> diesel::QueryResult<i64> {
    let plan = plan(connection, ask, None).await?;
    Ok(plan.pointer("/0/Plan/Plan Rows").and_then(Value::as_i64).unwrap_or_default())
}

/// How the database answers a question.
pub async fn plan(connection: &mut AsyncPgConnection, ask: &Ask, limit: Option<i64>) -> diesel::QueryResult<Value> {
    Ok(ask.explain(limit).get_result::<Plan>(connection).await?.plan)
}

#[derive(QueryableByName)]
struct Position {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Register {
    #[diesel(sql_type = Text)]
    register: String,
}

/// What tells this register from any other; not told to clients.
pub async fn register(connection: &mut AsyncPgConnection) -> diesel::QueryResult<String> {
    let sql = "SELECT register::text AS register FROM commit_clock";
    Ok(sql_query(sql).get_result::<Register>(connection).await?.register)
}

/// How many versions were ever committed: the state of the whole register in one number.
pub async fn position(connection: &mut AsyncPgConnection) -> diesel::QueryResult<i64> {
    Ok(clock(connection).await?.0)
}

/// The same, and the instant of the last of them.
pub async fn clock(connection: &mut AsyncPgConnection) -> diesel::QueryResult<(i64, DateTime<Utc>)> {
    let clock: Position = sql_query("SELECT position, at FROM commit_clock").get_result(connection).await?;
    Ok((clock.position, clock.at))
}

#[derive(QueryableByName)]
struct Target {
    #[diesel(sql_type = Text)]
    target: String,
    #[diesel(sql_type = Text)]
    target_collection: String,
}

/// The records of some collections that some records refer to, by collection and identifier.
pub async fn included(
    connection: &mut AsyncPgConnection,
    records: &[String],
    wanted: &[String],
) -> Result<Map<String, Value>, Problem> {
    let targets: Vec<Target> = sql_query(
        "SELECT DISTINCT target, target_collection FROM links WHERE record = ANY($1) AND target_collection = ANY($2)",
    )
    .bind::<Array<Text>, _>(records)
    .bind::<Array<Text>, _>(wanted)
    .load(connection)
    .await?;
    let mut by_collection: BTreeMap<String, Vec<String>> =
        wanted.iter().map(|name| (name.clone(), Vec::new())).collect();
    for target in targets {
        by_collection.entry(target.target_collection).or_default().push(target.target);
    }
    let mut included = Map::new();
    for (collection, identifiers) in by_collection {
        let Some(kind) = collections::find(&collection) else { continue };
        let mut records = Map::new();
        for row in some(connection, kind, &identifiers).await? {
            records.insert(row.identifier.clone(), Value::Object(row.view(kind)?));
        }
        included.insert(collection, Value::Object(records));
    }
    Ok(included)
}
