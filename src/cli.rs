//! The commands. All but `serve` also work beside a running register.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use url::Url;

use crate::auth::keys::{Keys, Origin};
use crate::auth::local::{ISSUER, LocalKey};
use crate::auth::token::Issuer;
use crate::auth::{ADMIN, Auth};
use crate::config::Config;
use crate::db::{self, Database};
use crate::input::Shapes;
use crate::postgres::PrivatePostgres;
use crate::state::State;
use crate::store::change::Author;
use crate::store::publishers::{self, Publisher};
use crate::{app, collections, content, openapi};

/// An open register of development assistance.
#[derive(Parser)]
#[command(name = "aid-register", version, after_help = SETTINGS)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

const SETTINGS: &str = "\
Settings come from the environment (the README has them all):
  DATABASE_URL           PostgreSQL to use; without it a private one is started
  REGISTER_ADDR          where to serve (127.0.0.1:8080; port 0 takes a free one)
  REGISTER_DATA_DIR      folder for the private PostgreSQL and the signing key
  REGISTER_LOG           what to log (info)

A first write:
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
    /// Print a token for writing, signed by this register's own key
    Token {
        /// The publisher to write for
        #[arg(long, value_name = "ID")]
        publisher: String,
        /// What it allows: programmes:write, grants:write, …, or admin; separated by commas
        #[arg(long, value_delimiter = ',', required = true, value_parser = scope)]
        scope: Vec<String>,
        /// How long it is good: 30m, 1h, 7d
        #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
        ttl: Duration,
    },
    /// Load a JSON file of records: {"programmes": [{…}], "grants": [{…}]}; all or nothing
    Load {
        /// The file
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum PublisherCommand {
    /// Add a publisher, or add prefixes to one
    Add {
        /// Its id, as tokens name it: a-z, 0-9 and -
        id: String,
        /// Its name
        #[arg(long)]
        name: String,
        /// What its identifiers start with; may be given several times
        #[arg(long, required = true, num_args = 1..)]
        prefix: Vec<String>,
    },
    /// List all publishers
    List,
}

fn scope(text: &str) -> Result<String, String> {
    let known: Vec<String> = collections::ALL.iter().map(|kind| kind.scope()).chain([ADMIN.to_owned()]).collect();
    if known.iter().any(|known| known == text) {
        Ok(text.to_owned())
    } else {
        Err(format!("there are {}", known.join(", ")))
    }
}

/// Does what the command line says.
pub fn run() -> anyhow::Result<()> {
    let Cli { command, config } = Cli::parse();
    env_logger::Builder::new().parse_filters(&config.log).format_target(false).init();
    match command.unwrap_or(Command::Serve) {
        Command::Serve => serve(&config),
        Command::Openapi { v3_0 } => {
            let document = openapi::document();
            let document = if v3_0 { openapi::to_3_0(document) } else { document };
            println!("{}", serde_json::to_string_pretty(&document)?);
            Ok(())
        }
        Command::Token { publisher, scope, ttl } => {
            let key = LocalKey::open(&config.data_folder()?)?;
            println!("{}", key.sign(&config.audience, &publisher, &scope, ttl)?);
            Ok(())
        }
        Command::Migrate => {
            let server = Server::of(&config, false)?;
            let applied = runtime()?.block_on(db::migrate(server.url()))?;
            println!(
                "{}",
                if applied.is_empty() { "up to date".into() } else { format!("applied {}", applied.join(", ")) }
            );
            Ok(())
        }
        Command::Publisher(command) => with_database(&config, async |connection| publisher(connection, command).await),
        Command::Load { file } => with_database(&config, async |connection| {
            let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            let shapes = Shapes::compile(&openapi::document()["components"]);
            let author =
                Author { issuer: ISSUER.into(), subject: "load".into(), request_id: uuid::Uuid::now_v7().to_string() };
            let counts = content::load(connection, &shapes, &author, &[&text]).await?;
            let words: Vec<String> = counts.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
            println!("{}", if words.is_empty() { "nothing to load".into() } else { words.join(", ") });
            Ok(())
        }),
    }
}

async fn publisher(connection: &mut AsyncPgConnection, command: PublisherCommand) -> anyhow::Result<()> {
    if let PublisherCommand::Add { id, name, prefix } = command {
        let id_of_new = id.clone();
        publishers::add(connection, &Publisher { id, name, prefixes: prefix }).await?;
        let all = publishers::list(connection).await?;
        for publisher in all.iter().filter(|publisher| publisher.id == id_of_new) {
            println!("{}\t{}\t{}", publisher.id, publisher.name, publisher.prefixes.join(" "));
        }
        return Ok(());
    }
    for publisher in publishers::list(connection).await? {
        println!("{}\t{}\t{}", publisher.id, publisher.name, publisher.prefixes.join(" "));
    }
    Ok(())
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
    let listener = TcpListener::bind(config.addr)
        .with_context(|| format!("listening on {}; set REGISTER_ADDR to another address", config.addr))?;
    let folder = config.data_folder()?;
    let server = Server::of(config, true)?;
    let auth = auth(config, &LocalKey::open(&folder)?)?;
    let db = Database::new(server.url(), config.connections.into(), config.exports.into())?;
    let state = State::new(db, auth, config.public_url.clone());
    runtime()?.block_on(async {
        for migration in db::migrate(server.url()).await? {
            log::info!("applied migration {migration}");
        }
        if config.load_content {
            let mut connection =
                AsyncPgConnection::establish(server.url()).await.context("connecting to the database")?;
            if let Some(counts) = content::load_shipped(&mut connection, &state.shapes).await? {
                log::info!("loaded the shipped content: {counts:?}");
            }
        }
        anyhow::Ok(())
    })?;
    let base = format!("http://{}", listener.local_addr()?);
    let where_it_is = format!(
        "The register is at   {base}/v1\nIts documentation at {base}/docs/\nFor example          {base}/v1/grants?place=RS215\n"
    );
    // Whoever started it may have stopped listening; that is no reason to end.
    let _ = std::io::stdout().write_all(where_it_is.as_bytes());
    actix_web::rt::System::new().block_on(async { app::server(listener, state)?.await }).context("serving")
}

/// The trusted issuers: this register, and the one in the settings.
fn auth(config: &Config, key: &LocalKey) -> anyhow::Result<Auth> {
    let mut issuers = vec![key.issuer(&config.audience)];
    if let (Some(name), Some(jwks)) = (&config.issuer, &config.jwks) {
        if name == ISSUER {
            bail!("REGISTER_ISSUER must not be {ISSUER}: that is this register's own key");
        }
        let origin = match Url::parse(jwks) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Origin::Address(url),
            _ => Origin::File(PathBuf::from(jwks)),
        };
        issuers.push(Issuer {
            name: name.clone(),
            audience: config.audience.clone(),
            publisher_claim: config.publisher_claim.clone(),
            keys: Keys::new(origin),
        });
    }
    Ok(Auth::new(issuers))
}
