//! What a page of 100 costs at the beginning and at the end of a long list, and
//! beside the same SQL in pgbench.
//!
//! `cargo bench --bench pages` makes a million grants in a private PostgreSQL in
//! a temporary folder; `GRANTS=100000` makes fewer. It needs pgbench, which comes
//! with PostgreSQL's server.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Instant;

use aid_register::app;
use aid_register::auth::Auth;
use aid_register::collections::grants::KIND;
use aid_register::db::{self, Database};
use aid_register::http::query::Query;
use aid_register::page;
use aid_register::postgres::PrivatePostgres;
use aid_register::state::{Settings, State};
use aid_register::store::ask::Ask;
use aid_register::store::cursor::Cursor;
use aid_register::store::read;
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

/// Grants whose members tie and vary, written past the program.
const MAKE: &str = "
INSERT INTO publishers (id, name) VALUES ('bench', 'Bench');
INSERT INTO records (identifier, collection, version, live)
SELECT 'B-' || lpad(n::text, 9, '0'), 'grants', 1, true FROM generate_series(1::bigint, {grants}) n;
INSERT INTO grants (identifier, publisher, version, created_at, updated_at, doc)
SELECT 'B-' || lpad(n::text, 9, '0'), 'bench', 1, now(), now() + n * interval '1 microsecond', jsonb_build_object(
  'identifier', 'B-' || lpad(n::text, 9, '0'), 'title', jsonb_build_object('en', 'Grant ' || (n * 7919 % 50000)),
  'status', 'closed', 'start_date', (2000 + n % 25) || '-0' || (1 + n % 9), 'end_date', (2026 + n % 5)::text,
  'budget', jsonb_build_object('amount', n * 31 % 1000000, 'currency', 'EUR', 'exactness', 'exact'),
  'funding', '[]'::jsonb, 'recipients', '[]'::jsonb, 'places', '[]'::jsonb, 'sectors', '[]'::jsonb, 'tags', '[]'::jsonb)
FROM generate_series(1::bigint, {grants}) n;
ANALYZE;";

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    identifier: String,
}

fn main() -> anyhow::Result<()> {
    let grants: u64 = std::env::var("GRANTS").map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("aid-register-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711))?;
    let server = PrivatePostgres::start(&folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        db::migrate(server.url()).await?;
        let mut connection = AsyncPgConnection::establish(server.url()).await?;
        let started = Instant::now();
        connection.batch_execute(&MAKE.replace("{grants}", &grants.to_string())).await?;
        println!("{grants} grants made in {:.0} s", started.elapsed().as_secs_f64());
        anyhow::Ok(())
    })?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base = format!("http://{}", listener.local_addr()?);
    let db = Database::new(server.url(), 4, 1)?;
    std::thread::spawn(move || {
        let served = actix_web::rt::System::new().block_on(async {
            let state = State::new(db, Auth::new(Vec::new()), Settings::default()).await?;
            anyhow::Ok(app::server(listener, state)?.await?)
        });
        served.unwrap();
    });
    println!("| sort | first page | last page | last / first | pgbench, last page | register / pgbench |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for name in KIND.all_sorts().map(|sort| sort.name) {
        runtime.block_on(row(name, &base, &folder, server.url()))?;
    }
    drop(server);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

async fn row(name: &str, base: &str, folder: &std::path::Path, url: &str) -> anyhow::Result<()> {
    let query = Query::parse(&format!("sort={name}"), page::parameters(&KIND)).expect("a documented sort");
    let mut connection = AsyncPgConnection::establish(url).await?;
    let ask = Ask::read(&KIND, &query, None, &read::register(&mut connection).await?).expect("a documented sort");
    let key = ask.sort.sql;
    let place: Key = sql_query(format!(
        "SELECT ({key})::text AS key, identifier FROM grants t ORDER BY {key} DESC, t.identifier DESC OFFSET 101 LIMIT 1"
    ))
    .get_result(&mut connection)
    .await?;
    let cursor = Cursor { key: place.key.clone(), identifier: place.identifier.clone() }.encode(&ask.seal);
    let first = time(&format!("{base}/v1/grants?sort={name}")).await?;
    let last = time(&format!("{base}/v1/grants?sort={name}&cursor={cursor}")).await?;
    // The register's own statement, with its values written out.
    let sql = format!(
        "SELECT t.identifier, t.publisher, t.version, t.created_at, t.updated_at, t.doc::text, ({key})::text FROM grants t \
         WHERE ({key}, t.identifier) > ('{}'::{}, '{}') ORDER BY {key}, t.identifier LIMIT 101;",
        place.key, ask.sort.of_type, place.identifier
    );
    let plain = pgbench(folder, &sql)?;
    println!("| {name} | {first:.2} ms | {last:.2} ms | {:.2} | {plain:.2} ms | {:.1} |", last / first, last / plain);
    Ok(())
}

/// The median of many requests, in milliseconds.
async fn time(url: &str) -> anyhow::Result<f64> {
    let client = reqwest::Client::new();
    let mut times = Vec::new();
    for _ in 0..210 {
        let started = Instant::now();
        let response = client.get(url).send().await?.error_for_status()?;
        response.bytes().await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    let mut warm = times.split_off(10);
    warm.sort_by(f64::total_cmp);
    Ok(warm[warm.len() / 2])
}

/// The mean time of a statement in pgbench, in milliseconds.
fn pgbench(folder: &std::path::Path, sql: &str) -> anyhow::Result<f64> {
    let script = folder.join("statement.sql");
    std::fs::write(&script, sql)?;
    let newest = std::fs::read_dir("/usr/lib/postgresql")?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/pgbench")))
        .max();
    let output = Command::new(newest.unwrap_or_else(|| "pgbench".into()))
        .args(["-n", "-M", "simple", "-c", "1", "-t", "200", "-U", "postgres", "-h"])
        .arg(folder.join("socket"))
        .arg("-f")
        .arg(&script)
        .arg("postgres")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let latency = text.lines().find_map(|line| line.strip_prefix("latency average = ")?.strip_suffix(" ms"));
    latency
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| anyhow::anyhow!("pgbench said: {text}{}", String::from_utf8_lossy(&output.stderr)))
}
