//! Writing new versions, set-wise: one change or a hundred thousand go through the
//! same statements, within a transaction that holds the clock.
//!
//! All changes are ordered by the one row of `commit_clock`, which each locks
//! until it commits. So what was checked still holds when it is written, two
//! changes cannot wait for each other, and versions become visible in their
//! order. The old version stays, closed by the instant of the new one.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::change::Author;
use crate::totals::summary;

/// The clock, locked.
#[derive(QueryableByName)]
pub struct Clock {
    /// How many versions were written before.
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    /// The instant of what is written now: later than any before.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
}

/// Locks the clock until the end of the transaction.
pub async fn lock(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Clock> {
    // The instant is taken when the lock is had, not when it is asked for.
    sql_query(
        "WITH clock AS MATERIALIZED (SELECT position, at FROM commit_clock FOR UPDATE)
         SELECT position, greatest(clock_timestamp(), at + interval '1 microsecond') AS at FROM clock",
    )
    .get_result(connection)
    .await
}

/// A statement under way.
pub type Statement<'a> = BoxedSqlQuery<'a, Pg, SqlQuery>;

/// Where new versions come from: rows with the columns identifier, collection,
/// publisher, version, change, created_at, doc, links, merged_into and n, their order from 1.
pub trait New {
    /// A table expression named `new`; its parameters are numbered on from `first`.
    fn sql(&self, first: usize) -> String;
    /// Binds these parameters, if there are any.
    fn bind<'a>(&'a self, statement: Statement<'a>) -> Statement<'a> {
        statement
    }
    /// The collections that the versions are of.
    fn collections(&self) -> Vec<&'static str>;
    /// How many versions there are.
    fn count(&self) -> i64;
    /// Whether some of them say that a record is gone.
    fn deletes(&self) -> bool;
}

/// Writes the new versions, the tables of the collections, the links and the clock.
pub async fn commit(
    connection: &mut AsyncPgConnection,
    author: &Author,
    clock: &Clock,
    new: &impl New,
) -> diesel::QueryResult<()> {
    if new.count() == 0 {
        return Ok(());
    }
    let text = |sql: &str, first: usize| sql.replace("{new}", &new.sql(first));
    let plain = |sql: &str| new.bind(sql_query(text(sql, 1)).into_boxed());
    let dated = |sql: &str| new.bind(sql_query(text(sql, 2)).into_boxed().bind::<Timestamptz, _>(clock.at));
    let affected = summary::affected(connection, plain(summary::AFFECTED)).await?;
    if let Some(affected) = &affected {
        summary::count(connection, affected, -1).await?;
    }
    plain(include_str!("commit/records.sql")).execute(connection).await?;
    grown(connection, "records", new.count()).await?;
    dated(include_str!("commit/supersede.sql")).execute(connection).await?;
    let versions = sql_query(text(include_str!("commit/versions.sql"), 8))
        .into_boxed()
        .bind::<BigInt, _>(clock.position)
        .bind::<Timestamptz, _>(clock.at)
        .bind::<Text, _>(&author.issuer)
        .bind::<Text, _>(&author.subject)
        .bind::<Text, _>(&author.request_id)
        .bind::<Nullable<Text>, _>(&author.reason)
        .bind::<Nullable<Uuid>, _>(author.import);
    new.bind(versions).execute(connection).await?;
    for collection in new.collections() {
        if new.deletes() {
            plain(&include_str!("commit/gone.sql").replace("{collection}", collection)).execute(connection).await?;
        }
        dated(&include_str!("commit/collection.sql").replace("{collection}", collection)).execute(connection).await?;
        grown(connection, collection, new.count()).await?;
    }
    plain(include_str!("commit/unlink.sql")).execute(connection).await?;
    plain(include_str!("commit/links.sql")).execute(connection).await?;
    if let Some(affected) = &affected {
        summary::count(connection, affected, 1).await?;
        summary::advance(connection, new.count()).await?;
    }
    sql_query("UPDATE commit_clock SET position = position + $1, at = $2")
        .bind::<BigInt, _>(new.count())
        .bind::<Timestamptz, _>(clock.at)
        .execute(connection)
        .await?;
    Ok(())
}

/// So many rows change how a table is best read.
const MANY: i64 = 1000;

/// Tells the database that a table has grown. What a connection knows of how to look references
/// up, it may have learned when the table was so small that reading all of it was best.
async fn grown(connection: &mut AsyncPgConnection, table: &str, rows: i64) -> diesel::QueryResult<()> {
    if rows < MANY {
        return Ok(());
    }
    sql_query(format!("ANALYZE {table} (identifier)")).execute(connection).await.map(drop)
}
