//! The commands. All but `serve` also work beside a running register.

mod manage;

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Parser, Subcommand};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use serde_json::json;

use self::manage::{AuditCommand, PublisherCommand, audit, publisher};
use crate::auth::local::{ISSUER, LocalKey};
use crate::auth::{ADMIN, Auth};
use crate::config::{Config, SETTINGS, Setting};
use crate::db::{self, Database};
use crate::dumps::make::{self, Made};
use crate::imports::jobs;
use crate::imports::report::Counts;
use crate::input::Shapes;
use crate::postgres::PrivatePostgres;
use crate::state::State;
use crate::store::audit::{act, append};
use crate::store::change::Author;
use crate::store::publishers;
use crate::totals::summary;
use crate::{app, collections, content, openapi};

/// An open register of development assistance.
#[derive(Parser)]
#[command(name = "aid-register", version, after_help = help())]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The end of `--help`: the settings, and a first write.
fn help() -> String {
    let mut text = "Settings, from the environment:\n".to_owned();
    for Setting { name, default, about } in SETTINGS {
        let default = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        text.push_str(&format!("  {name:<25} {about}{default}\n"));
    }
    text + FIRST_WRITE
}

const FIRST_WRITE: &str = "
A first write, beside a running register and with its settings:
  aid-register publisher add my-town --name \"My Town\" --prefix RS-MYTOWN-
  TOKEN=$(aid-register token --publisher my-town --scope grants:write)
  curl -X PUT -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' \\
    -d '{\"title\": {\"en\": \"New roof for the school\"}, \"status\": \"pipeline\"}' \\
    http://127.0.0.1:8080/v1/grants/RS-MYTOWN-1";

#[derive(Subcommand)]
enum Command {
    /// Serve the register (what happens without a command)
    Serve,
    /// Bring the database's schema up to date
    Migrate,
    /// Print the OpenAPI document
    Openapi {
        /// Print it as OpenAPI 3.0.3, for generators that know no 3.1
        #[arg(long)]
        v3_0: bool,
    },
    /// Manage who may publish
    #[command(subcommand)]
    Publisher(PublisherCommand),
    /// Look at the log of all writes, refusals and acts of administration
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print a token for writing, signed by this register's own key
    Token {
        /// The publisher to write for
        #[arg(long, value_name = "ID")]
        publisher: String,
        /// What it allows: programmes:write, grants:write, …, or admin; separated by commas
        #[arg(long, value_delimiter = ',', required = true, value_parser = scope)]
        scope: Vec<String>,
        /// How long it is good: 30m, 1h, 7d
        #[arg(long, default_value = "1h", value_parser = ttl)]
        ttl: Duration,
    },
    /// Load JSON files of records: {"programmes": [{…}], "grants": [{…}]}; all or nothing.
    /// Records that exist are replaced, whosever they are: this is for who runs the register.
    /// `load rates FILE…` loads exchange rates, `load indicators FILE…` those that others keep
    Load {
        /// The files; or `indicators` and tables of the World Bank (Country Code, Year, Value) or of the
        /// Goals (goal, target, indicator, description); or `rates` and files of rates: the European Central Bank's history, the
        /// IMF's yearly averages, or a table with the columns currency,basis,date,per_euro,source
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Dump the whole register: each collection as CSV, NDJSON and Parquet, all activities as IATI
    Dump,
    /// Fill the register with records that are not true, to see how it does with many
    DemoData {
        /// So many grants, with five transactions each
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
        grants: u64,
    },
}

/// Fills the register with demonstration data.
async fn demo_data(connection: &mut AsyncPgConnection, grants: u64) -> anyhow::Result<()> {
    let shapes = Arc::new(Shapes::compile(&openapi::components()));
    content::load_shipped(connection, &shapes).await?;
    content::demo::load(connection, &shapes, grants, print).await
}

fn scope(text: &str) -> Result<String, String> {
    let known: Vec<String> = collections::ALL.iter().map(|kind| kind.scope()).chain([ADMIN.to_owned()]).collect();
    if known.iter().any(|known| known == text) {
        Ok(text.to_owned())
    } else {
        Err(format!("there are {}", known.join(", ")))
    }
}

fn ttl(text: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let allowed = Duration::from_secs(1)..=Duration::from_secs(366 * 24 * 3600);
    if allowed.contains(&ttl) { Ok(ttl) } else { Err("a token is good for 1s to 366d".into()) }
}

/// Does what the command line says.
pub fn run() -> anyhow::Result<()> {
    let Cli { command } = Cli::parse();
    let config = Config::read(|name| std::env::var(name).ok())?;
    start_log(&config.log);
    match command.unwrap_or(Command::Serve) {
        Command::Serve => serve(&config),
        Command::Openapi { v3_0 } => {
            let document = openapi::document();
            let document = if v3_0 { openapi::to_3_0(document) } else { document };
            print(&serde_json::to_string_pretty(&document)?)
        }
        Command::Token { publisher, scope, ttl } => with_database(&config, async |connection| {
            let known = publishers::list(connection).await?;
            let admin = scope.iter().any(|scope| scope == ADMIN);
            if !admin && !known.iter().any(|known| known.id == publisher) {
                anyhow::bail!("there is no publisher {publisher}; `publisher list` shows all");
            }
            let details = json!({"publisher": publisher, "scopes": scope, "ttl_seconds": ttl.as_secs()});
            append(connection, act("token", &Author::program("token"), details)).await?;
            print(&LocalKey::open(&config.data_folder()?)?.sign(&config.audience, &publisher, &scope, ttl)?)
        }),
        Command::Audit(command) => with_database(&config, async |connection| audit(connection, command).await),
        Command::Migrate => {
            let server = Server::of(&config, false)?;
            let applied = runtime()?.block_on(db::migrate(server.url()))?;
            print(&if applied.is_empty() { "up to date".into() } else { format!("applied {}", applied.join(", ")) })
        }
        Command::Publisher(command) => with_database(&config, async |connection| {
            let issuers: Vec<&str> =
                config.issuers.iter().map(|trusted| trusted.issuer.as_str()).chain([ISSUER]).collect();
            publisher(connection, command, &issuers).await
        }),
        Command::Dump => {
            let server = Server::of(&config, false)?;
            runtime()?.block_on(async {
                db::migrate(server.url()).await?;
                let dumps = config.dumps()?;
                match make::make(&Database::new(server.url(), 1, 1)?, &dumps).await? {
                    Made::Dump(made) | Made::Unchanged(made) => {
                        print(&dumps.folder.join(made.name).display().to_string())
                    }
                    Made::Elsewhere => anyhow::bail!("another dump is being made"),
                }
            })
        }
        Command::DemoData { grants } => with_database(&config, async |connection| demo_data(connection, grants).await),
        Command::Load { files } => with_database(&config, async |connection| {
            let read = |file: &PathBuf| {
                let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
                Ok((file.display().to_string(), bytes))
            };
            if files.first().is_some_and(|first| first.as_os_str() == "rates") {
                let files = files[1..].iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
                let (read, changed) = content::load_rates(connection, &Author::program("load"), &files).await?;
                return print(&format!("{read} rates read, {changed} new or changed, averages included"));
            }
            let shapes = Arc::new(Shapes::compile(&openapi::components()));
            let author = Author::program("load");
            let counts = if files.first().is_some_and(|first| first.as_os_str() == "indicators") {
                let files = files[1..].iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
                let (counts, skipped) = content::load_indicators(connection, &shapes, &author, &files).await?;
                if !skipped.is_empty() {
                    let skipped: Vec<String> = skipped.into_iter().collect();
                    print(&format!("left out, as no places of the register: {}", skipped.join(", ")))?;
                }
                counts
            } else {
                let files = files.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
                content::load(connection, &shapes, &author, files).await?
            };
            let Counts { created, updated, unchanged, deleted, .. } = counts;
            let said = [(created, "created"), (updated, "updated"), (unchanged, "unchanged"), (deleted, "deleted")];
            let words: Vec<String> =
                said.iter().filter(|(n, _)| *n > 0).map(|(n, outcome)| format!("{n} {outcome}")).collect();
            print(&if words.is_empty() { "nothing to load".into() } else { words.join(", ") })
        }),
    }
}

/// Prints a line. A reader that went away is no failure.
fn print(line: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The log, on standard error: instant, level, words.
fn start_log(filters: &str) {
    let line = |out: &mut env_logger::fmt::Formatter, record: &log::Record<'_>| {
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        writeln!(out, "{now} {:<5} {}", record.level(), record.args())
    };
    env_logger::Builder::new().parse_filters(filters).format(line).init();
}

/// The database server of a command: a given one, or this register's own.
enum Server {
    Given(String),
    Private(PrivatePostgres),
}

impl Server {
    fn of(config: &Config, exclusive: bool) -> anyhow::Result<Self> {
        match (&config.database_url, exclusive) {
            (Some(url), _) => Ok(Self::Given(url.clone())),
            (None, true) => PrivatePostgres::start(&config.data_folder()?).map(Self::Private),
            (None, false) => PrivatePostgres::attach_or_start(&config.data_folder()?).map(Self::Private),
        }
    }

    fn url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Private(server) => server.url(),
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // Migrations block a thread of their runtime, so there must be several.
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("starting the runtime")
}

/// Runs a command on a migrated database.
fn with_database(
    config: &Config,
    command: impl AsyncFnOnce(&mut AsyncPgConnection) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let server = Server::of(config, false)?;
    runtime()?.block_on(async {
        db::migrate(server.url()).await?;
        let mut connection = AsyncPgConnection::establish(server.url()).await.context("connecting to the database")?;
        command(&mut connection).await
    })
}

fn serve(config: &Config) -> anyhow::Result<()> {
    let listener = listen(config.addr)?;
    let folder = config.data_folder()?;
    let server = Server::of(config, true)?;
    let auth = auth(config, &LocalKey::open(&folder)?)?;
    let db = Database::new(server.url(), config.connections, config.exports)?;
    runtime()?.block_on(async {
        for migration in db::migrate(server.url()).await? {
            log::info!("applied migration {migration}");
        }
        if config.load_content {
            let shapes = Arc::new(Shapes::compile(&openapi::components()));
            let mut connection =
                AsyncPgConnection::establish(server.url()).await.context("connecting to the database")?;
            if let Some(counts) = content::load_shipped(&mut connection, &shapes).await? {
                log::info!("loaded the shipped content: {counts:?}");
            }
            content::load_shipped_rates(&mut connection).await?;
        }
        anyhow::Ok(())
    })?;
    let base = format!("http://{}", listener.local_addr()?);
    let where_it_is = format!(
        "The register is at   {base}/v1\nIts documentation at {base}/docs/\nFor example          {base}/v1/grants?place=RS215"
    );
    print(&where_it_is)?;
    actix_web::rt::System::new().block_on(async {
        let state = State::new(db.clone(), auth, config.settings()?).await?;
        actix_web::rt::spawn(summary::keep(db.clone()));
        actix_web::rt::spawn(config.dumps()?.schedule(db.clone()));
        let importing = Arc::clone(&state.importing);
        app::server(listener, state)?.await.context("serving")?;
        let left = *importing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(import) = left {
            jobs::leave(&mut *db.get().await?, import).await?;
        }
        Ok(())
    })
}

/// Takes the address; one that is just being left is waited for.
fn listen(addr: SocketAddr) -> anyhow::Result<TcpListener> {
    let started = Instant::now();
    loop {
        match TcpListener::bind(addr) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && started.elapsed() < Duration::from_secs(3) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            result => {
                return result.with_context(|| format!("listening on {addr}, where a register may be running already; REGISTER_ADDR sets another address"));
            }
        }
    }
}

/// The trusted issuers: this register, and those in the settings.
fn auth(config: &Config, key: &LocalKey) -> anyhow::Result<Auth> {
    let mut issuers = vec![key.issuer(&config.audience)];
    for trusted in &config.issuers {
        issuers.push(trusted.trust(&config.audience)?);
    }
    Ok(Auth::new(issuers))
}
