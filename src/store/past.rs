//! The register as it stood at an instant. The schema `past` shows every table
//! as it was under its own name, so a question to the past is the same SQL.

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::sql_types::{Bool, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager};

use crate::error::{Fault, Problem};

type Transactions = <AsyncPgConnection as AsyncConnection>::TransactionManager;

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

impl AsOf {
    /// Sees to it that nothing can be written any more at or before this instant, so
    /// that the same question has the same answer for ever. An instant in the future
    /// is refused. Not to be called inside a transaction.
    pub async fn settle(self, connection: &mut AsyncPgConnection) -> Result<(), Problem> {
        let state: Settled =
            sql_query("SELECT at >= $1 AS settled, clock_timestamp() < $1 AS future FROM commit_clock")
                .bind::<Timestamptz, _>(self.0)
                .get_result(connection)
                .await?;
        if state.settled {
            return Ok(());
        }
        if state.future {
            let words = "as_of lies in the future; what the register will say then nobody knows";
            return Err(Problem::invalid(vec![Fault::parameter("as_of", "instant_future", words)]));
        }
        // Whoever is writing now may have taken an earlier instant; the next one will take a later.
        sql_query("SELECT FROM commit_clock FOR SHARE").execute(connection).await?;
        Ok(())
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

/// Runs reads that see one moment of the register: this one, or an instant of the past.
pub async fn read<T>(
    connection: &mut AsyncPgConnection,
    as_of: Option<AsOf>,
    reads: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    if let Some(as_of) = as_of {
        as_of.settle(connection).await?;
    }
    // Not the builder of transactions: what it runs would have to be `Send`.
    Transactions::begin_transaction(connection).await?;
    let result = within(connection, as_of, reads).await;
    match result {
        Ok(_) => Transactions::commit_transaction(connection).await?,
        Err(_) => Transactions::rollback_transaction(connection).await?,
    }
    result
}

async fn within<T>(
    connection: &mut AsyncPgConnection,
    as_of: Option<AsOf>,
    reads: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    connection.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    if let Some(as_of) = as_of {
        as_of.enter(connection).await?;
    }
    reads(connection).await
}
