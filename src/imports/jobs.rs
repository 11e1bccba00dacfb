//! Imports in the database: those that wait, those that are done, and how far one is.

use std::io::Read;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use uuid::Uuid;

use super::report::{Counts, Report};
use super::{Mode, Order};
use crate::collections;
use crate::error::Problem;
use crate::store::change::Author;
use crate::store::read::instant;

/// Bodies are kept in parts of so many bytes.
const PART: usize = 1024 * 1024;

/// An import as the database has it.
#[derive(Debug, QueryableByName)]
pub struct Job {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    publisher: Option<String>,
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Bool)]
    everywhere: bool,
    #[diesel(sql_type = Array<Text>)]
    scopes: Vec<String>,
    #[diesel(sql_type = Text)]
    format: String,
    #[diesel(sql_type = Nullable<Text>)]
    collection: Option<String>,
    #[diesel(sql_type = Text)]
    mode: String,
    #[diesel(sql_type = Bool)]
    dry_run: bool,
    #[diesel(sql_type = Bool)]
    confirmed: bool,
    /// `queued`, or how it ended.
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    report: Option<Value>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    finished_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    read: i64,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Bool)]
    cancelled: bool,
}

const COLUMNS: &str = "imports.id, publisher, issuer, subject, request_id, reason, everywhere, scopes, format, collection, \
    mode, dry_run, confirmed, status, {report} AS report, created_at, finished_at, coalesce(progress.read, 0) AS read, coalesce(progress.attempts, 0) AS attempts, \
    coalesce(progress.cancelled, false) AS cancelled \
    FROM imports LEFT JOIN import_progress AS progress ON progress.import = imports.id";

/// A report without its faults: a list of imports is not to hold all of theirs.
const BRIEF: &str = r#"CASE WHEN report IS NOT NULL THEN report || '{"errors": [], "warnings": []}' END"#;

/// The columns, with the whole report or another one.
fn columns(report: &str) -> String {
    COLUMNS.replace("{report}", report)
}

/// Keeps an order that came at an instant: with its report, if it is done, else for later.
pub async fn insert(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    order: &Order,
    report: Option<&Report>,
    since: DateTime<Utc>,
) -> Result<(), Problem> {
    let status: &str = report.map_or("queued", |report| report.status.into());
    let report = report.map(serde_json::to_value).transpose().map_err(Problem::internal)?;
    sql_query(
        "INSERT INTO imports (id, publisher, issuer, subject, request_id, reason, everywhere, scopes, format, collection,
           mode, dry_run, confirmed, status, report, created_at, finished_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
           least($16, clock_timestamp()), CASE WHEN $15 IS NULL THEN NULL ELSE clock_timestamp() END)",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<Nullable<Text>, _>(&order.publisher)
    .bind::<Text, _>(&order.author.issuer)
    .bind::<Text, _>(&order.author.subject)
    .bind::<Text, _>(&order.author.request_id)
    .bind::<Nullable<Text>, _>(&order.author.reason)
    .bind::<Bool, _>(order.everywhere)
    .bind::<Array<Text>, _>(&order.scopes)
    .bind::<Text, _>(order.format.name())
    .bind::<Nullable<Text>, _>(order.collection.map(|kind| kind.collection))
    .bind::<Text, _>(<&str>::from(order.mode))
    .bind::<Bool, _>(order.dry_run)
    .bind::<Bool, _>(order.confirmed)
    .bind::<Text, _>(status)
    .bind::<Nullable<Jsonb>, _>(report)
    .bind::<Timestamptz, _>(since)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps a body for later.
pub async fn insert_body(connection: &mut AsyncPgConnection, id: Uuid, body: &mut impl Read) -> Result<(), Problem> {
    for n in 0.. {
        let mut part = Vec::with_capacity(PART);
        body.take(PART as u64).read_to_end(&mut part).map_err(Problem::internal)?;
        if part.is_empty() {
            break;
        }
        sql_query("INSERT INTO import_bodies (import, n, bytes) VALUES ($1, $2, $3)")
            .bind::<SqlUuid, _>(id)
            .bind::<Integer, _>(n)
            .bind::<Binary, _>(part)
            .execute(connection)
            .await?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = Binary)]
    bytes: Vec<u8>,
}

/// A part of a body; nothing after the last.
pub async fn part(connection: &mut AsyncPgConnection, id: Uuid, n: i32) -> diesel::QueryResult<Option<Bytes>> {
    let part = sql_query("SELECT bytes FROM import_bodies WHERE import = $1 AND n = $2")
        .bind::<SqlUuid, _>(id)
        .bind::<Integer, _>(n)
        .get_result::<Part>(connection)
        .await
        .optional()?;
    Ok(part.map(|part| part.bytes.into()))
}

/// An import of a publisher; of any, for who may see all.
pub async fn find(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    publisher: Option<&str>,
) -> diesel::QueryResult<Option<Job>> {
    let columns = columns("report");
    let sql = format!("SELECT {columns} WHERE imports.id = $1 AND ($2 IS NULL OR imports.publisher = $2)");
    sql_query(sql).bind::<SqlUuid, _>(id).bind::<Nullable<Text>, _>(publisher).get_result(connection).await.optional()
}

/// Imports before one, the newest first. Their ids are in the order of time.
pub async fn list(
    connection: &mut AsyncPgConnection,
    publisher: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> diesel::QueryResult<Vec<Job>> {
    let columns = columns(BRIEF);
    let sql = format!(
        "SELECT {columns} WHERE ($1 IS NULL OR imports.publisher = $1) AND ($2 IS NULL OR imports.id < $2)
         ORDER BY imports.id DESC LIMIT $3"
    );
    sql_query(sql)
        .bind::<Nullable<Text>, _>(publisher)
        .bind::<Nullable<SqlUuid>, _>(before)
        .bind::<BigInt, _>(limit)
        .load(connection)
        .await
}

/// Takes the oldest import that waits and that nobody else carries out. It is locked
/// until the end of the transaction, whose end undoes all if the program dies; not so
/// firmly that its progress could not refer to it.
pub async fn claim(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Option<Job>> {
    let columns = columns("report");
    let sql = format!(
        "SELECT {columns} WHERE imports.id =
           (SELECT id FROM imports WHERE status = 'queued' ORDER BY created_at FOR NO KEY UPDATE SKIP LOCKED LIMIT 1)"
    );
    sql_query(sql).get_result(connection).await.optional()
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Bool)]
    cancelled: bool,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

/// Notes how far an import is; says whether it was cancelled, or its client revoked, and how
/// often it was begun.
pub async fn tell(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    read: i64,
    begun: i32,
) -> diesel::QueryResult<(bool, i32)> {
    let told: Told = sql_query(
        "INSERT INTO import_progress AS progress (import, read, attempts) VALUES ($1, $2, $3)
         ON CONFLICT (import) DO UPDATE SET read = excluded.read, attempts = progress.attempts + excluded.attempts
         RETURNING attempts, cancelled OR EXISTS (
           SELECT FROM imports JOIN clients USING (issuer, subject)
           WHERE imports.id = progress.import AND clients.revoked_at IS NOT NULL) AS cancelled",
    )
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(read)
    .bind::<Integer, _>(begun)
    .get_result(connection)
    .await?;
    Ok((told.cancelled, told.attempts))
}

/// Whether an end to it was asked for.
pub async fn is_cancelled(connection: &mut AsyncPgConnection, id: Uuid) -> diesel::QueryResult<bool> {
    let told: Option<Told> = sql_query("SELECT cancelled, attempts FROM import_progress WHERE import = $1")
        .bind::<SqlUuid, _>(id)
        .get_result(connection)
        .await
        .optional()?;
    Ok(told.is_some_and(|told| told.cancelled))
}

/// An import that the program leaves because it is stopped: that is no failed attempt.
pub async fn leave(connection: &mut AsyncPgConnection, id: Uuid) -> diesel::QueryResult<usize> {
    sql_query("UPDATE import_progress SET attempts = greatest(attempts - 1, 0) WHERE import = $1")
        .bind::<SqlUuid, _>(id)
        .execute(connection)
        .await
}

/// Asks for an end to an import that is not done yet.
pub async fn cancel(connection: &mut AsyncPgConnection, id: Uuid) -> diesel::QueryResult<()> {
    sql_query(
        "INSERT INTO import_progress (import, cancelled) VALUES ($1, true)
         ON CONFLICT (import) DO UPDATE SET cancelled = true",
    )
    .bind::<SqlUuid, _>(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the report of an import, and lets its body go.
pub async fn finish(connection: &mut AsyncPgConnection, id: Uuid, report: &Report) -> Result<(), Problem> {
    let status: &str = report.status.into();
    sql_query("UPDATE imports SET status = $2, report = $3, finished_at = clock_timestamp() WHERE id = $1")
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(status)
        .bind::<Jsonb, _>(serde_json::to_value(report).map_err(Problem::internal)?)
        .execute(connection)
        .await?;
    sql_query("DELETE FROM import_bodies WHERE import = $1").bind::<SqlUuid, _>(id).execute(connection).await?;
    Ok(())
}

impl Job {
    /// The order that it was.
    pub fn order(&self) -> Result<Order, Problem> {
        let unknown = |what: &str| Problem::internal(format!("import {} has an unknown {what}", self.id));
        Ok(Order {
            collection: self.collection.as_deref().and_then(collections::find),
            format: self.format.parse().map_err(|_| unknown("format"))?,
            mode: self.mode.parse::<Mode>().map_err(|_| unknown("mode"))?,
            dry_run: self.dry_run,
            confirmed: self.confirmed,
            publisher: self.publisher.clone(),
            everywhere: self.everywhere,
            scopes: self.scopes.clone(),
            author: Author {
                issuer: self.issuer.clone(),
                subject: self.subject.clone(),
                request_id: self.request_id.clone(),
                reason: self.reason.clone(),
                import: Some(self.id),
            },
        })
    }

    /// What its publisher sees of it.
    pub fn view(&self, base: &str) -> Result<Value, Problem> {
        let waiting = Report { counts: Counts { read: self.read, ..Counts::default() }, ..Report::default() };
        let report = match self.report.clone() {
            Some(report) => serde_json::from_value(report).map_err(Problem::internal)?,
            None => Report { dry_run: self.dry_run, ..waiting },
        };
        let status = match (self.status.as_str(), self.cancelled, self.attempts) {
            ("queued", true, _) => "cancelling",
            ("queued", false, 1..) => "running",
            (status, ..) => status,
        };
        let how = json!({"id": self.id, "status": status, "dry_run": self.dry_run});
        let what = json!({
            "format": self.format,
            "collection": self.collection,
            "mode": self.mode,
            "publisher": self.publisher,
            "author": {"issuer": self.issuer, "subject": self.subject},
            "request_id": self.request_id,
            "reason": self.reason,
            "created_at": instant(self.created_at),
            "finished_at": self.finished_at.map(instant),
            "links": {"self": format!("{base}/v1/imports/{}", self.id)},
        });
        let parts = [how, report.view(), what];
        Ok(parts.into_iter().filter_map(|part| part.as_object().cloned()).flatten().collect())
    }
}
