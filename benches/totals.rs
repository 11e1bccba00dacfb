//! What totals and searches cost beside plain SQL, on demonstration data.
//!
//! `cargo bench --bench totals` makes `GRANTS` grants (100 000 unless set) with five
//! transactions each in a private PostgreSQL in a temporary folder, and asks the program over
//! HTTP. Beside each total stands the SQL that groups the raw rows, beside each search the
//! search's own SQL, both in pgbench. It needs pgbench, which comes with PostgreSQL's server.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use aid_register::app;
use aid_register::auth::Auth;
use aid_register::content;
use aid_register::db::{self, Database};
use aid_register::input::Shapes;
use aid_register::openapi;
use aid_register::postgres::PrivatePostgres;
use aid_register::state::{Settings, State};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

/// The amounts of grants, divided by their shares as plainly as SQL can, by what the total is of.
const RAW: &[(&str, &str)] = &[
    (
        "grants?group_by=place",
        "SELECT coalesce(p ->> 'location', '') AS key, currency, sum(amount * coalesce((p ->> 'percentage')::numeric, 100) / 100), count(*)
         FROM grants LEFT JOIN LATERAL jsonb_array_elements(doc -> 'places') AS p ON true WHERE amount IS NOT NULL GROUP BY 1, 2",
    ),
    (
        "grants?group_by=sector,year",
        "SELECT coalesce(s ->> 'code', '') AS key, left(doc ->> 'start_date', 4), currency, sum(amount * coalesce((s ->> 'percentage')::numeric, 100) / 100), count(*)
         FROM grants LEFT JOIN LATERAL jsonb_array_elements(doc -> 'sectors') AS s ON true WHERE amount IS NOT NULL GROUP BY 1, 2, 3",
    ),
    (
        "transactions?type=disbursement&group_by=place",
        "SELECT coalesce(p ->> 'location', '') AS key, t.currency, sum(t.amount * coalesce((p ->> 'percentage')::numeric, 100) / 100), count(*)
         FROM transactions t JOIN grants g ON g.identifier = t.grant_id LEFT JOIN LATERAL jsonb_array_elements(g.doc -> 'places') AS p ON true
         WHERE t.type = 'disbursement' GROUP BY 1, 2",
    ),
    (
        "transactions?type=disbursement&group_by=programme",
        "SELECT g.programme, t.currency, sum(t.amount), count(*) FROM transactions t JOIN grants g ON g.identifier = t.grant_id
         WHERE t.type = 'disbursement' GROUP BY 1, 2",
    ),
    (
        "transactions?type=disbursement&group_by=funder,year",
        "SELECT doc #>> '{provider,organisation}', left(doc ->> 'date', 4), currency, sum(amount), count(*) FROM transactions
         WHERE type = 'disbursement' GROUP BY 1, 2, 3",
    ),
    (
        "transactions?type=disbursement&group_by=beneficiary_kind,year",
        "SELECT b.kind, left(t.doc ->> 'date', 4), t.currency, sum(t.amount), count(*) FROM transactions t
         JOIN beneficiaries b ON b.identifier = t.doc #>> '{receiver,beneficiary}' WHERE t.type = 'disbursement' GROUP BY 1, 2, 3",
    ),
];

/// Searches.
const SEARCHES: &[&str] = &["Kindergarten", "Bosilegrad", "school Bor"];

fn main() -> anyhow::Result<()> {
    let grants: u64 = std::env::var("GRANTS").map_or(Ok(100_000), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("aid-register-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711))?;
    let server = PrivatePostgres::start(&folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        db::migrate(server.url()).await?;
        let mut connection = AsyncPgConnection::establish(server.url()).await?;
        let shapes = Arc::new(Shapes::compile(&openapi::components()));
        let started = Instant::now();
        content::load_shipped(&mut connection, &shapes).await?;
        content::demo::load(&mut connection, &shapes, grants, |_| Ok(())).await?;
        connection.batch_execute("VACUUM ANALYZE").await?;
        let seconds = started.elapsed().as_secs_f64();
        println!("{grants} grants and {} transactions made in {seconds:.0} s", grants * 5);
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
    println!("| total | register | raw rows in pgbench | raw / register |");
    println!("| --- | --- | --- | --- |");
    for (question, sql) in RAW {
        let register = runtime.block_on(time(&format!("{base}/v1/totals/{question}&limit=1000"), 50))?;
        let raw = pgbench(&folder, sql, 3)?;
        println!("| `{question}` | {register:.1} ms | {raw:.0} ms | {:.0} |", raw / register);
    }
    println!("| search | register | its SQL in pgbench | register / SQL |");
    println!("| --- | --- | --- | --- |");
    for words in SEARCHES {
        let address = format!("{base}/v1/grants?q={}&sort=identifier", words.replace(' ', "%20"));
        let register = runtime.block_on(time(&address, 50))?;
        let found = words.to_lowercase();
        let conditions: Vec<String> = found.split(' ').map(condition).collect();
        let sql = format!(
            "SELECT identifier, publisher, version, created_at, updated_at, doc::text FROM grants t WHERE {}
             ORDER BY identifier LIMIT 101",
            conditions.join(" AND ")
        );
        let plain = pgbench(&folder, &sql, 50)?;
        println!("| `q={words}` | {register:.1} ms | {plain:.1} ms | {:.1} |", register / plain);
    }
    drop(server);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The word stands in the grant, or in the name of a place, organisation or beneficiary of it.
fn condition(word: &str) -> String {
    let named = ["locations", "organisations", "beneficiaries"]
        .map(|name| format!("SELECT identifier FROM {name} WHERE words @@ term('{word}', 'word')"));
    format!(
        "identifier IN (SELECT identifier FROM grants WHERE words @@ term('{word}', 'word')
           UNION SELECT record FROM links WHERE target IN ({}))",
        named.join(" UNION ALL ")
    )
}

/// The median of many requests, in milliseconds.
async fn time(url: &str, requests: usize) -> anyhow::Result<f64> {
    let client = reqwest::Client::new();
    let mut times = Vec::new();
    for _ in 0..requests + 5 {
        let started = Instant::now();
        client.get(url).send().await?.error_for_status()?.bytes().await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    let mut warm = times.split_off(5);
    warm.sort_by(f64::total_cmp);
    Ok(warm[warm.len() / 2])
}

/// The mean time of a statement in pgbench, in milliseconds.
fn pgbench(folder: &Path, sql: &str, times: usize) -> anyhow::Result<f64> {
    let script = folder.join("statement.sql");
    std::fs::write(&script, format!("{};", sql.replace('\n', " ")))?;
    let newest = std::fs::read_dir("/usr/lib/postgresql")?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/pgbench")))
        .max();
    let output = Command::new(newest.unwrap_or_else(|| "pgbench".into()))
        .args(["-n", "-M", "simple", "-c", "1", "-t", &times.to_string(), "-U", "postgres", "-h"])
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
