//! Connections and the schema.

use std::time::Duration;

use anyhow::Context;
use deadpool::managed::Object;
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{
    AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use futures_util::FutureExt;

use crate::error::Problem;

/// The schema, built into the program.
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
/// The advisory lock under which the schema changes ("AIDR").
const MIGRATION_LOCK: i64 = 0x4149_4452;

#[derive(QueryableByName)]
struct Encoding {
    #[diesel(sql_type = Text)]
    server_encoding: String,
}

/// Connections for writes; these happen one after another anyway.
const WRITERS: usize = 4;

/// Connections for searches, and for lists of the past or with counts, likewise.
const SEARCHES: usize = 6;

/// Connections for totals; further ones wait, and are told to come again.
const TOTALS: usize = 4;
/// The time for one of them.
pub const TIME_FOR_TOTALS: Duration = Duration::from_secs(20);

/// A pooled connection.
pub type Connection = Object<AsyncDieselConnectionManager<AsyncPgConnection>>;

/// Pools by what is asked. Writes wait for one another, exports for slow clients, totals
/// may have much to add up, and searches much to compare; with connections of their own they cannot keep readers
/// waiting. Each class has a time of its own for a statement.
#[derive(Clone)]
pub struct Database {
    requests: Pool<AsyncPgConnection>,
    writes: Pool<AsyncPgConnection>,
    exports: Pool<AsyncPgConnection>,
    searches: Pool<AsyncPgConnection>,
    totals: Pool<AsyncPgConnection>,
}

impl Database {
    /// Prepares the pools; connections are made when they are needed.
    pub fn new(url: &str, connections: usize, export_connections: usize) -> anyhow::Result<Self> {
        Ok(Self {
            requests: pool(url, connections, Duration::from_secs(30))?,
            writes: pool(url, connections.min(WRITERS), Duration::from_secs(30))?,
            exports: pool(url, export_connections, Duration::from_secs(600))?,
            searches: pool(url, SEARCHES, Duration::from_secs(10))?,
            totals: pool(url, TOTALS, TIME_FOR_TOTALS)?,
        })
    }

    /// A connection for a request.
    pub async fn get(&self) -> Result<Connection, Problem> {
        self.requests.get().await.map_err(|error| {
            log::warn!("no database connection: {error}");
            Problem::unavailable("All database connections are busy, or the database is not reachable; try again")
        })
    }

    /// A connection for a write, which may have to wait for others.
    pub async fn get_for_write(&self) -> Result<Connection, Problem> {
        self.writes.get().await.map_err(|error| {
            log::warn!("no database connection for a write: {error}");
            Problem::unavailable("Too many writes are under way, or the database is not reachable; try again")
        })
    }

    /// A connection for a search, or what else has much to look through.
    pub async fn get_for_search(&self) -> Result<Connection, Problem> {
        self.searches.get().await.map_err(|error| {
            log::warn!("no database connection for a search: {error}");
            Problem::unavailable("Too many searches are under way; try again in a moment")
        })
    }

    /// A connection for totals.
    pub async fn get_for_totals(&self) -> Result<Connection, Problem> {
        self.totals.get().await.map_err(|error| {
            log::warn!("no database connection for totals: {error}");
            Problem::unavailable("Too many totals are under way; try again in a moment")
        })
    }

    /// A connection for an export.
    pub async fn get_for_export(&self) -> Result<Connection, Problem> {
        self.exports.get().await.map_err(|error| {
            log::warn!("no database connection for an export: {error}");
            Problem::unavailable("Too many exports are under way; try again in a moment")
        })
    }
}

fn pool(url: &str, size: usize, statement_timeout: Duration) -> anyhow::Result<Pool<AsyncPgConnection>> {
    let mut config = ManagerConfig::<AsyncPgConnection>::default();
    // A closed connection is noticed without asking the server each time.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |url| {
        async move {
            let mut connection = AsyncPgConnection::establish(url).await?;
            let settings = format!("SET statement_timeout = {}; SET idle_in_transaction_session_timeout = '60s'; SET timezone = 'UTC'; SET work_mem = '16MB'; SET pg_trgm.word_similarity_threshold = 0.35", statement_timeout.as_millis());
            connection.batch_execute(&settings).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(connection)
        }
        .boxed()
    });
    Pool::builder(AsyncDieselConnectionManager::new_with_config(url, config))
        .max_size(size)
        .runtime(deadpool::Runtime::Tokio1)
        .wait_timeout(Some(Duration::from_secs(5)))
        .create_timeout(Some(Duration::from_secs(5)))
        .build()
        .context("building the connection pool")
}

type Transactions = <AsyncPgConnection as AsyncConnection>::TransactionManager;

/// Begins a transaction, or a savepoint within one. For what diesel's own `transaction`
/// cannot run, since it must be `Send` there.
pub async fn begin(connection: &mut AsyncPgConnection) -> diesel::QueryResult<()> {
    Transactions::begin_transaction(connection).await
}

/// Ends it: keeps what was done, or takes it back.
pub async fn end(connection: &mut AsyncPgConnection, keep: bool) -> diesel::QueryResult<()> {
    match keep {
        true => Transactions::commit_transaction(connection).await,
        false => Transactions::rollback_transaction(connection).await,
    }
}

/// Brings the schema up to date. Instances that start together wait for one another.
pub async fn migrate(url: &str) -> anyhow::Result<Vec<String>> {
    let mut lock = AsyncPgConnection::establish(url)
        .await
        .context("connecting to PostgreSQL (the one that DATABASE_URL names, if it is set)")?;
    lock.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        .await
        .context("waiting for the migration lock")?;
    let encoding: Encoding = sql_query("SHOW server_encoding").get_result(&mut lock).await?;
    anyhow::ensure!(
        encoding.server_encoding == "UTF8",
        "the database's encoding is {}; it must be UTF8",
        encoding.server_encoding
    );
    let connection = AsyncPgConnection::establish(url).await.context("connecting to the database")?;
    // Runs blocking on this runtime, which must have several threads.
    let mut harness = AsyncMigrationHarness::new(connection);
    let applied = harness.run_pending_migrations(MIGRATIONS).map_err(|error| anyhow::anyhow!("migrating: {error}"))?;
    Ok(applied.iter().map(ToString::to_string).collect())
}
