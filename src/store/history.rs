//! Versions of records: those of one record, and all of them in the order in
//! which they were committed.

use std::pin::pin;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::{Stream, StreamExt, TryStreamExt};
use serde_json::{Map, Value, json};

use super::ask::bounded;
use super::read::{Row, instant};
use crate::digest::sha256;
use crate::error::Problem;
use crate::http::identifier;
use crate::kind::Kind;

/// One version of a record.
#[derive(Debug, QueryableByName)]
pub struct Version {
    /// Its place among all versions of all records.
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    /// The record.
    #[diesel(sql_type = Text)]
    pub identifier: String,
    /// The record's collection.
    #[diesel(sql_type = Text)]
    pub collection: String,
    /// Its number among the record's versions, from 1.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// `created`, `changed`, `deleted` or `merged`.
    #[diesel(sql_type = Text)]
    pub change: String,
    #[diesel(sql_type = Text)]
    publisher: String,
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = Nullable<Uuid>)]
    import: Option<uuid::Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    merged_into: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Text>)]
    doc: Option<String>,
}

const COLUMNS: &str = "position, identifier, collection, version, change, publisher, issuer, subject, request_id, \
    import, reason, merged_into, created_at, recorded_at, doc::text AS doc";

/// Versions of one record before a number, the newest first. Each is handed on before
/// the next is read: whole documents are not kept where a line about them is wanted.
pub async fn of_record<T>(
    connection: &mut AsyncPgConnection,
    kind: &Kind,
    identifier: &str,
    before: Option<i32>,
    limit: i64,
    each: impl FnMut(Version) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let sql = format!(
        "SELECT {COLUMNS} FROM versions WHERE identifier = $1 AND collection = $2 AND version < $3
         ORDER BY version DESC LIMIT $4"
    );
    let rows = sql_query(sql)
        .bind::<Text, _>(identifier)
        .bind::<Text, _>(kind.collection)
        .bind::<Integer, _>(before.unwrap_or(i32::MAX))
        .bind::<BigInt, _>(limit)
        .load_stream::<Version>(connection)
        .await?;
    mapped(rows, each).await
}

/// A version, and how many there are within the limit.
#[derive(QueryableByName)]
struct Bounded {
    #[diesel(embed)]
    version: Version,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// Versions after one position up to another, in the order of their commits: of some
/// collections, or of all. Says whether there are more, beyond the limit or beyond what
/// an answer holds in bytes.
pub async fn between<T>(
    connection: &mut AsyncPgConnection,
    after: i64,
    up_to: i64,
    collections: Option<&[String]>,
    limit: i64,
    each: impl FnMut(Version) -> Result<T, Problem>,
) -> Result<(Vec<T>, bool), Problem> {
    let only = if collections.is_some() { "collection = ANY($4)" } else { "$4 IS NULL" };
    let sql = bounded(&format!(
        "SELECT {COLUMNS} FROM versions WHERE position > $1 AND position <= $2 AND {only} ORDER BY position LIMIT $3"
    ));
    let mut found = 0;
    let rows = sql_query(sql)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(up_to)
        .bind::<BigInt, _>(limit + 1)
        .bind::<Nullable<diesel::sql_types::Array<Text>>, _>(collections)
        .load_stream::<Bounded>(connection)
        .await?;
    let rows = rows.inspect_ok(|row| found = row.found).map_ok(|row| row.version).take(limit as usize);
    let changes = mapped(rows, each).await?;
    let more = found > changes.len() as i64;
    Ok((changes, more))
}

async fn mapped<T>(
    rows: impl Stream<Item = diesel::QueryResult<Version>>,
    mut each: impl FnMut(Version) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let mut rows = pin!(rows);
    let mut mapped = Vec::new();
    while let Some(version) = rows.try_next().await? {
        mapped.push(each(version)?);
    }
    Ok(mapped)
}

impl Version {
    /// The record as it was in this version; nothing where it was deleted or merged.
    pub fn record(&self, kind: &Kind) -> Result<Option<Map<String, Value>>, Problem> {
        let Some(doc) = &self.doc else { return Ok(None) };
        let row = Row {
            identifier: self.identifier.clone(),
            publisher: self.publisher.clone(),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.recorded_at,
            doc: doc.clone(),
            key: String::new(),
            converted: None,
            notes: None,
            beside: None,
            piece: None,
        };
        row.view(kind).map(Some)
    }

    /// Who made it, when, and how. The hash is that of the record's bytes, as the version's address gives them.
    pub fn describe(&self, record: Option<&Map<String, Value>>, base: &str) -> Map<String, Value> {
        let hash = record.map(|record| sha256(&serde_json::to_vec(record).unwrap_or_default()));
        let place = identifier::path(&self.collection, &self.identifier);
        let described = json!({
            "collection": self.collection,
            "identifier": self.identifier,
            "version": self.version,
            "change": self.change,
            "recorded_at": instant(self.recorded_at),
            "publisher": self.publisher,
            "author": {"issuer": self.issuer, "subject": self.subject},
            "request_id": self.request_id,
            "import": self.import,
            "reason": self.reason,
            "merged_into": self.merged_into,
            "content_hash": hash,
            "url": format!("{base}{place}/versions/{}", self.version),
        });
        match described {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}
