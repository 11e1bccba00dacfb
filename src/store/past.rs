//! The register as it stood at an instant. The schema `past` shows every table
//! as it was under its own name, so a question to the past is the same SQL.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use diesel::sql_types::{Bool, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::bound;
use crate::db::{self, Database};
use crate::error::{Fault, Problem};
use crate::http::query::Query;

/// An instant to look from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf(pub DateTime<Utc>);

#[derive(QueryableByName)]
struct Settled {
    #[diesel(sql_type = Bool)]
    settled: bool,
    #[diesel(sql_type = Bool)]
    future: bool,
}

/// Who waits for a writer waits here, without a connection, but one.
static WAITING: Semaphore = Semaphore::const_new(1);
/// The longest wait for a writer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A clock may be this much before the database's.
const SKEW: TimeDelta = TimeDelta::minutes(1);

impl AsOf {
    /// Reads the parameter `as_of`, or says what is wrong with it.
    pub fn read(query: &Query) -> Result<Option<Self>, Fault> {
        let Some(text) = query.get("as_of") else { return Ok(None) };
        match bound::instant(text) {
            Some(instant) if instant > Utc::now() + SKEW => Err(in_future()),
            Some(instant) => Ok(Some(Self(instant))),
            None => {
                let words = "as_of takes an instant: 2026-01-31T12:00:00Z";
                Err(Fault::parameter("as_of", "instant_invalid", words))
            }
        }
    }

    /// Sees to it that nothing can be written any more at or before this instant, so
    /// that the same question has the same answer for ever. An instant in the future
    /// is refused.
    pub async fn settle(self, db: &Database) -> Result<(), Problem> {
        if self.is_settled(db).await? {
            return Ok(());
        }
        // In a task of its own: a reader that goes away cannot leave the clock locked.
        let db = db.clone();
        let task = actix_web::rt::spawn(async move { self.advance(&db).await });
        task.await.map_err(Problem::internal)?
    }

    async fn advance(self, db: &Database) -> Result<(), Problem> {
        let busy = || Problem::unavailable("This moment is still being written; try again");
        let waiting = timeout(PATIENCE, WAITING.acquire()).await;
        let _turn = waiting.map_err(|_| busy())?.map_err(|_| busy())?;
        if self.is_settled(db).await? {
            return Ok(());
        }
        // Whoever is writing now may have taken an earlier instant. From then on the clock
        // is past this one, even if the machine's is put back.
        let patience = format!("SET LOCAL lock_timeout = '{}s'", PATIENCE.as_secs());
        let mut connection = db.get().await?;
        connection
            .transaction(async |connection| {
                connection.batch_execute(&patience).await?;
                sql_query("UPDATE commit_clock SET at = greatest(at, $1)")
                    .bind::<Timestamptz, _>(self.0)
                    .execute(connection)
                    .await?;
                Ok::<_, Problem>(())
            })
            .await
    }

    async fn is_settled(self, db: &Database) -> Result<bool, Problem> {
        let state: Settled =
            sql_query("SELECT at >= $1 AS settled, clock_timestamp() < $1 AS future FROM commit_clock")
                .bind::<Timestamptz, _>(self.0)
                .get_result(&mut *db.get().await?)
                .await?;
        if state.future && !state.settled {
            return Err(Problem::invalid(vec![in_future()]));
        }
        Ok(state.settled)
    }

    /// From here to the end of the transaction the tables are as they were then.
    pub async fn enter(self, connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
        let instant = self.0.to_rfc3339_opts(SecondsFormat::Micros, true);
        sql_query("SELECT set_config('search_path', 'past, public', true), set_config('register.as_of', $1, true)")
            .bind::<Text, _>(instant)
            .execute(connection)
            .await?;
        Ok(())
    }
}

fn in_future() -> Fault {
    let words = "as_of lies in the future; what the register will say then nobody knows";
    Fault::parameter("as_of", "instant_future", words)
}

/// Runs reads that see one moment of the register: this one, or a settled instant of the past.
pub async fn read<T>(
    connection: &mut AsyncPgConnection,
    as_of: Option<AsOf>,
    reads: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    within(connection, "READ ONLY", as_of, reads).await
}

/// The same for reads that keep what they find in temporary tables, which end with them: nobody
/// has to wait until the disk has heard of those.
pub async fn tabulate<T>(
    connection: &mut AsyncPgConnection,
    as_of: Option<AsOf>,
    reads: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    within(connection, "READ WRITE; SET LOCAL synchronous_commit = off", as_of, reads).await
}

async fn within<T>(
    connection: &mut AsyncPgConnection,
    mode: &str,
    as_of: Option<AsOf>,
    reads: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    // Not the builder of transactions: what it runs would have to be `Send`.
    db::begin(connection).await?;
    let result = entered(connection, mode, as_of, reads).await;
    db::end(connection, result.is_ok()).await?;
    result
}

async fn entered<T>(
    connection: &mut AsyncPgConnection,
    mode: &str,
    as_of: Option<AsOf>,
    reads: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    connection.batch_execute(&format!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ {mode}")).await?;
    if let Some(as_of) = as_of {
        as_of.enter(connection).await?;
    }
    reads(connection).await
}
