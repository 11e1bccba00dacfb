//! What a register that grows must not become: slower by the square of its size.

use aid_register::db;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::Value;

use crate::imports::grant;
use crate::make;
use crate::support::TestApp;

#[derive(QueryableByName)]
struct Read {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// A connection that looked references up while there were few records still does it by an
/// index when there are many: reading all of them for each would take the square of the time.
#[actix_web::test]
async fn a_large_import_after_small_ones_reads_no_table_for_each_record() {
    let app = TestApp::shipped().await;
    let mut connection = app.connection().await;
    // What it learns, it learns of a table that is known to be small.
    connection.batch_execute("ANALYZE").await.unwrap();
    for n in 0..3 {
        let few: Vec<(&str, Value)> = (0..8).map(|m| ("grants", grant(&format!("T-FEW-{n}-{m}"), "A"))).collect();
        make::write(&mut connection, &few).await;
    }
    db::begin(&mut connection).await.unwrap();
    let many: Vec<(&str, Value)> = (0..3000).map(|n| ("grants", grant(&format!("T-{n}"), "A"))).collect();
    make::write(&mut connection, &many).await;
    let read: Read =
        sql_query("SELECT sum(seq_tup_read)::bigint AS rows FROM pg_stat_xact_user_tables WHERE relname = 'records'")
            .get_result(&mut connection)
            .await
            .unwrap();
    assert!(read.rows < 100_000, "{} rows of records were read one after another", read.rows);
}

/// A date that no rate holds for is seen at once, however many rates there were before it.
#[actix_web::test]
async fn a_date_without_a_rate_reads_few_of_them() {
    let app = TestApp::shipped().await;
    let mut connection = app.connection().await;
    db::begin(&mut connection).await.unwrap();
    let rates: Read = sql_query(
        "SELECT count(*) AS rows FROM generate_series(1, 100) AS day, LATERAL rate_of('USD', 'value_date', (date '2090-01-01' + day::integer)::text) AS rate",
    )
    .get_result(&mut connection)
    .await
    .unwrap();
    let read: Read = sql_query(
        "SELECT (seq_tup_read + idx_tup_fetch)::bigint AS rows FROM pg_stat_xact_user_tables WHERE relname = 'exchange_rates'",
    )
    .get_result(&mut connection)
    .await
    .unwrap();
    assert_eq!(rates.rows, 0);
    assert!(read.rows < 1000, "{} rates were read for 100 dates", read.rows);
}
