//! What an import costs beside the same rows brought in by psql.
//!
//! `cargo bench --bench imports` makes a register with 50 000 grants, and sends
//! 100 000 in one body, half of them new, to the program itself; `GRANTS=10000` sends
//! fewer. Beside it psql brings the same versions, checked and linked beforehand, into a
//! staging table with `\copy` and from there into the same tables, set-wise. Each run has
//! a database of its own, cloned from the same one. It needs psql and curl.

mod support;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Cursor};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aid_register::collections::grants::KIND;
use aid_register::db;
use aid_register::imports::run::{Source, Unwatched, run};
use aid_register::imports::{Format, Order};
use aid_register::input::{Shapes, check_value};
use aid_register::openapi;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use serde_json::{Value, json};

const ROUNDS: usize = 3;

/// What psql does: the statements of the program, on rows that it copied.
const UPSERT: &str = r#"
\set ON_ERROR_STOP on
BEGIN;
SET work_mem = '32MB';
CREATE TEMP TABLE staging (n bigint, identifier text COLLATE "C", doc jsonb, links jsonb) ON COMMIT DROP;
\copy staging FROM '{file}' WITH (FORMAT csv)
SELECT position AS position, greatest(clock_timestamp(), at + interval '1 microsecond') AS at FROM commit_clock FOR UPDATE \gset
CREATE TEMP TABLE upsert ON COMMIT DROP AS
  SELECT staging.n, staging.identifier, 'grants' AS collection, 'bench' AS publisher, coalesce(records.version, 0) + 1 AS version,
    CASE WHEN records.version IS NULL THEN 'created' ELSE 'changed' END AS change, :'at'::timestamptz AS created_at,
    staging.doc, staging.links, NULL::text AS merged_into
  FROM staging LEFT JOIN records ON records.identifier = staging.identifier;
ANALYZE upsert;
{statements}
UPDATE commit_clock SET position = position + {count}, at = :'at';
COMMIT;
"#;

fn grant(n: u64, title: &str) -> Value {
    json!({
        "identifier": format!("B-{n:07}"),
        "programme": format!("B-P{}", n % 20),
        "title": {"en": format!("{title} {n}"), "sr": format!("{title} {n} за општину")},
        "description": {"en": "Equipment for the classrooms of two schools, with training of their teachers."},
        "status": "implementation",
        "start_date": format!("20{:02}-03", 10 + n % 15),
        "end_date": format!("20{:02}", 26 + n % 4),
        "budget": {"amount": 1000 + n % 90_000, "currency": "EUR", "value_date": "2024-01-01"},
        "funding": [{"kind": "eu", "percentage": 85}, {"kind": "own_contribution", "percentage": 15}],
        "places": [{"location": format!("B-L{}", n % 50), "percentage": 100}],
        "sectors": [{"code": "11220", "percentage": 100}],
    })
}

fn main() -> anyhow::Result<()> {
    let grants = support::grants(100_000)?;
    let (folder, server) = support::postgres()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let shapes = Arc::new(Shapes::compile(&openapi::components()));
    let sent: Vec<Value> = (0..grants).map(|n| grant(n + grants / 2, "Tablets")).collect();
    let body: String = sent.iter().map(|record| format!("{record}\n")).collect();
    std::fs::write(folder.join("body.ndjson"), &body)?;
    std::fs::write(folder.join("rows.csv"), rows(&shapes, &sent))?;
    let template = server.url().replace("/postgres?", "/prepared?");
    let control = |sql: String| {
        runtime.block_on(async {
            let mut connection = AsyncPgConnection::establish(server.url()).await?;
            anyhow::Ok(connection.batch_execute(&sql).await?)
        })
    };
    control("CREATE DATABASE prepared".into())?;
    runtime.block_on(prepare(&template, &shapes, grants))?;
    println!(
        "{grants} grants, {:.0} MB, half of them new; {} cores",
        body.len() as f64 / 1e6,
        std::thread::available_parallelism()?
    );
    println!("| round | psql | register | psql / register | memory over idle |");
    println!("| --- | --- | --- | --- | --- |");
    for round in 1..=ROUNDS {
        for name in ["psql", "register"] {
            control(format!("CREATE DATABASE {name}_{round} TEMPLATE prepared"))?;
        }
        let url = |name: &str| server.url().replace("/postgres?", &format!("/{name}_{round}?"));
        control("CHECKPOINT".into())?;
        let psql = psql(&folder, &url("psql"), grants)?;
        control("CHECKPOINT".into())?;
        let (register, memory) = register(&folder, &url("register"), grants)?;
        println!(
            "| {round} | {:.1} s | {:.1} s | {:.2} | {:.0} MB |",
            psql.as_secs_f64(),
            register.as_secs_f64(),
            psql.as_secs_f64() / register.as_secs_f64(),
            memory as f64 / 1024.0
        );
    }
    drop(server);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The rows that psql copies: documents and links as the program would store them.
fn rows(shapes: &Shapes, records: &[Value]) -> String {
    let mut rows = String::new();
    for (n, record) in (1..).zip(records) {
        let identifier = record["identifier"].as_str().unwrap_or_default();
        let checked = check_value(shapes, &KIND, identifier, record.clone());
        assert!(checked.faults.is_empty(), "{:?}", checked.faults);
        let quoted = |value: &Value| value.to_string().replace('"', "\"\"");
        let _ = writeln!(rows, "{n},{identifier},\"{}\",\"{}\"", quoted(&checked.doc), quoted(&json!(checked.links)));
    }
    rows
}

/// A register with as many grants as are half of what is sent, and what they refer to.
async fn prepare(url: &str, shapes: &Arc<Shapes>, grants: u64) -> anyhow::Result<()> {
    db::migrate(url).await?;
    let mut connection = AsyncPgConnection::establish(url).await?;
    let publisher = "INSERT INTO publishers (id, name) VALUES ('bench', 'Bench');
        INSERT INTO publisher_prefixes (prefix, publisher) VALUES ('B-', 'bench')";
    connection.batch_execute(publisher).await?;
    let mut lines = String::new();
    for n in 0..50 {
        let place = json!({"collection": "locations", "identifier": format!("B-L{n}"), "kind": "country", "name": {"en": "Place"}, "country": "RS"});
        let programme = json!({"collection": "programmes", "identifier": format!("B-P{n}"), "title": {"en": "Programme"}, "status": "closed"});
        let _ = writeln!(lines, "{place}\n{programme}");
    }
    for n in grants / 2..grants {
        let mut grant = grant(n, "Computers");
        grant["collection"] = "grants".into();
        let _ = writeln!(lines, "{grant}");
    }
    let source = Source { name: None, format: Format::Ndjson, body: Box::new(Cursor::new(lines.into_bytes())) };
    let report = run(&mut connection, shapes, &Order::default(), vec![source], 100, &mut Unwatched).await?;
    anyhow::ensure!(report.errors.is_empty(), "{:?}", report.errors);
    connection.batch_execute("VACUUM ANALYZE").await?;
    Ok(())
}

fn psql(folder: &Path, url: &str, grants: u64) -> anyhow::Result<Duration> {
    let plain = |sql: &str| {
        let sql = sql.replace("{new}", "upsert AS new").replace("{collection}", "grants");
        let author = ["'bench'", "'bench'", "'bench'", "NULL", "NULL"];
        let sql = author.iter().enumerate().fold(sql, |sql, (n, value)| sql.replace(&format!("${}", n + 3), value));
        sql + ";\n"
    };
    let dated = |sql: &str| plain(&sql.replace("$1", ":'at'::timestamptz"));
    let versions =
        include_str!("../src/store/commit/versions.sql").replace("$1", ":position").replace("$2", ":'at'::timestamptz");
    let statements = [
        plain(include_str!("../src/store/commit/records.sql")),
        dated(include_str!("../src/store/commit/supersede.sql")),
        plain(&versions),
        dated(include_str!("../src/store/commit/collection.sql")),
        plain(include_str!("../src/store/commit/unlink.sql")),
        plain(include_str!("../src/store/commit/links.sql")),
    ];
    let script = UPSERT
        .replace("{file}", &folder.join("rows.csv").display().to_string())
        .replace("{statements}", &statements.concat())
        .replace("{count}", &grants.to_string());
    let file = folder.join("upsert.sql");
    std::fs::write(&file, script)?;
    let started = Instant::now();
    let done = Command::new("psql").args(["-X", "-q", "-f"]).arg(&file).arg(url).output()?;
    anyhow::ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(started.elapsed())
}

/// Sends the body to the program; how long until it is done, and its most memory over idle in kB.
fn register(folder: &Path, url: &str, grants: u64) -> anyhow::Result<(Duration, u64)> {
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aid-register"));
        command.args(arguments).env("DATABASE_URL", url).env("REGISTER_DATA_DIR", folder);
        command.env("REGISTER_ADDR", "127.0.0.1:0").env("REGISTER_LOG", "warn").env("REGISTER_LOAD_CONTENT", "false");
        command
    };
    let token = program(&["token", "--publisher", "bench", "--scope", "grants:write"]).output()?.stdout;
    let token = format!("Authorization: Bearer {}", String::from_utf8(token)?.trim());
    let mut child = Server(program(&["serve"]).stdout(Stdio::piped()).spawn()?);
    let mut lines = BufReader::new(child.0.stdout.take().ok_or(std::fmt::Error)?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let base = first.split_whitespace().last().unwrap_or_default().to_owned();
    let curl = |arguments: &[&str]| -> anyhow::Result<Value> {
        let answer = Command::new("curl").args(["-s", "-H", &token]).args(arguments).output()?.stdout;
        serde_json::from_slice(&answer).map_err(|_| anyhow::anyhow!("{}", String::from_utf8_lossy(&answer)))
    };
    curl(&[&format!("{base}/grants?limit=1")])?;
    let idle = memory(child.0.id(), "VmRSS")?;
    let body = format!("@{}", folder.join("body.ndjson").display());
    let started = Instant::now();
    let mut job =
        curl(&["--data-binary", &body, &format!("{base}/imports?format=ndjson&collection=grants&confirm=true")])?;
    let place = job["links"]["self"].as_str().unwrap_or_default().to_owned();
    while matches!(job["status"].as_str(), Some("queued" | "running")) {
        std::thread::sleep(Duration::from_millis(50));
        job = curl(&[&place])?;
    }
    let took = started.elapsed();
    let expected = json!({"read": grants, "created": grants / 2, "updated": grants / 2, "unchanged": 0, "deleted": 0, "refused": 0});
    anyhow::ensure!(job["counts"] == expected, "{job}");
    Ok((took, memory(child.0.id(), "VmHWM")?.saturating_sub(idle)))
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn memory(process: u32, of: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(of)?.strip_prefix(':'));
    Ok(line.and_then(|line| line.split_whitespace().next()).unwrap_or("0").parse()?)
}
