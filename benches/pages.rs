//! What a page of 100 costs at the beginning and at the end of a long list, and
//! beside the same SQL in pgbench.
//!
//! `cargo bench --bench pages` makes a million grants in a private PostgreSQL in
//! a temporary folder; `GRANTS=100000` makes fewer. It needs pgbench, which comes
//! with PostgreSQL's server.

mod support;

use std::time::Instant;

use aid_register::collections::grants::KIND;
use aid_register::db;
use aid_register::http::query::Query;
use aid_register::page;
use aid_register::store::ask::Ask;
use aid_register::store::cursor::Cursor;
use aid_register::store::read;
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use support::{pgbench, time};

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
    let grants = support::grants(1_000_000)?;
    let (folder, server) = support::postgres()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        db::migrate(server.url()).await?;
        let mut connection = AsyncPgConnection::establish(server.url()).await?;
        let started = Instant::now();
        connection.batch_execute(&MAKE.replace("{grants}", &grants.to_string())).await?;
        println!("{grants} grants made in {:.0} s", started.elapsed().as_secs_f64());
        anyhow::Ok(())
    })?;
    let base = support::serve(server.url())?;
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
    let first = time(&format!("{base}/v1/grants?sort={name}"), 200).await?;
    let last = time(&format!("{base}/v1/grants?sort={name}&cursor={cursor}"), 200).await?;
    // The register's own statement, with its values written out.
    let sql = format!(
        "SELECT t.identifier, t.publisher, t.version, t.created_at, t.updated_at, t.doc::text, ({key})::text FROM grants t \
         WHERE ({key}, t.identifier) > ('{}'::{}, '{}') ORDER BY {key}, t.identifier LIMIT 101",
        place.key, ask.sort.of_type, place.identifier
    );
    let plain = pgbench(folder, &sql, 200)?;
    println!("| {name} | {first:.2} ms | {last:.2} ms | {:.2} | {plain:.2} ms | {:.1} |", last / first, last / plain);
    Ok(())
}
