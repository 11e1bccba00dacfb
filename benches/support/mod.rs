//! What benchmarks share: a register in a temporary folder, and two ways to ask it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
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

/// How many grants, unless the environment says so.
pub fn grants(usually: u64) -> anyhow::Result<u64> {
    Ok(std::env::var("GRANTS").map_or(Ok(usually), |text| text.parse())?)
}

/// A private PostgreSQL in a folder of its own.
pub fn postgres() -> anyhow::Result<(PathBuf, PrivatePostgres)> {
    let folder = std::env::temp_dir().join(format!("aid-register-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o711))?;
    let server = PrivatePostgres::start(&folder)?;
    Ok((folder, server))
}

/// Fills a register with what is shipped and demonstration data, and says how long it took.
#[allow(dead_code, reason = "the benchmarks of pages and imports make their own")]
pub async fn fill(url: &str, grants: u64) -> anyhow::Result<()> {
    db::migrate(url).await?;
    let mut connection = AsyncPgConnection::establish(url).await?;
    let shapes = Arc::new(Shapes::compile(&openapi::components()));
    let started = Instant::now();
    content::load_shipped(&mut connection, &shapes).await?;
    content::demo::load(&mut connection, &shapes, grants, |_| Ok(())).await?;
    connection.batch_execute("VACUUM ANALYZE").await?;
    println!("{grants} grants and {} transactions made in {:.0} s", grants * 5, started.elapsed().as_secs_f64());
    Ok(())
}

/// Serves the register of a database; gives its address.
#[allow(dead_code, reason = "the benchmark of imports starts the program itself")]
pub fn serve(url: &str) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base = format!("http://{}", listener.local_addr()?);
    let db = Database::new(url, 4, 1)?;
    std::thread::spawn(move || {
        let served = actix_web::rt::System::new().block_on(async {
            let state = State::new(db, Auth::new(Vec::new()), Settings::default()).await?;
            anyhow::Ok(app::server(listener, state)?.await?)
        });
        served.unwrap();
    });
    Ok(base)
}

/// The median of many requests, after some to warm up, in milliseconds.
#[allow(dead_code, reason = "the benchmark of imports has one request")]
pub async fn time(url: &str, requests: usize) -> anyhow::Result<f64> {
    let times = times(url, requests).await?;
    Ok(times[times.len() / 2])
}

/// What each of many requests took, after some to warm up, in milliseconds, the shortest first.
#[allow(dead_code, reason = "the benchmark of imports has one request")]
pub async fn times(url: &str, requests: usize) -> anyhow::Result<Vec<f64>> {
    const WARM: usize = 10;
    let client = reqwest::Client::new();
    let mut times = Vec::new();
    for _ in 0..requests + WARM {
        let started = Instant::now();
        client.get(url).send().await?.error_for_status()?.bytes().await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    let mut warm = times.split_off(WARM);
    warm.sort_by(f64::total_cmp);
    Ok(warm)
}

/// The mean time of a statement in pgbench, in milliseconds.
#[allow(dead_code, reason = "the benchmark of imports has psql beside it")]
pub fn pgbench(folder: &Path, sql: &str, times: usize) -> anyhow::Result<f64> {
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
