//! The database's own rules: what the program checks holds there too, whoever writes.

use diesel::sql_types::{Bool, Jsonb, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;

/// Writes a document past the program; gives the constraint that refused it.
async fn refused_by(connection: &mut AsyncPgConnection, collection: &str, identifier: &str, change: Value) -> String {
    let mut doc = make::any(collection, identifier, 1);
    if matches!(collection, "programmes" | "grants" | "calls") {
        for list in ["places", "sectors", "funding", "recipients", "tags"] {
            doc[list] = json!([]);
        }
    }
    if collection == "transactions" {
        doc["value"]["exactness"] = "exact".into();
    }
    if collection == "observations" {
        doc["exactness"] = "exact".into();
    }
    json_patch::merge(&mut doc, &change);
    connection.batch_execute("BEGIN").await.unwrap();
    sql_query("INSERT INTO records (identifier, collection, version, live) VALUES ($1, $2, 1, true)")
        .bind::<Text, _>(identifier)
        .bind::<Text, _>(collection)
        .execute(connection)
        .await
        .unwrap();
    let insert = format!(
        "INSERT INTO {collection} (identifier, publisher, version, created_at, updated_at, doc) VALUES ($1, 'town', 1, now(), now(), $2)"
    );
    let inserted = sql_query(insert).bind::<Text, _>(identifier).bind::<Jsonb, _>(doc).execute(connection).await;
    let committed = match inserted {
        Ok(_) => connection.batch_execute("COMMIT").await,
        Err(error) => {
            connection.batch_execute("ROLLBACK").await.unwrap();
            Err(error)
        }
    };
    match committed {
        Ok(()) => "nothing".into(),
        Err(diesel::result::Error::DatabaseError(_, info)) => {
            info.constraint_name().unwrap_or(info.message()).to_owned()
        }
        Err(other) => panic!("{other}"),
    }
}

#[actix_web::test]
async fn constraints() {
    let app = TestApp::empty().await;
    let mut connection = app.connection().await;
    make::write(&mut connection, &make::basics()).await;
    let shares = |a: i32, b: i32| json!([{"percentage": a, "kind": "eu"}, {"percentage": b, "kind": "eu"}]);
    let parts = |a: i32, b: i32| json!([{"amount": {"amount": a}}, {"amount": {"amount": b}}]);
    let table = [
        ("grants", json!({}), "nothing"),
        (
            "grants",
            json!({"places": shares(50, 50), "funding": shares(85, 15), "recipients": shares(1, 99)}),
            "nothing",
        ),
        ("grants", json!({"places": shares(50, 49)}), "grants_places_whole"),
        ("grants", json!({"sectors": [{"code": "1", "vocabulary": "1", "percentage": 90}]}), "grants_sectors_whole"),
        ("grants", json!({"funding": shares(50, 49)}), "grants_funding_whole"),
        ("grants", json!({"recipients": shares(50, 51)}), "grants_recipients_whole"),
        (
            "grants",
            json!({"budget": {"amount": 100, "currency": "EUR", "exactness": "exact"}, "funding": parts(60, 39)}),
            "grants_funding_meets_budget",
        ),
        (
            "grants",
            json!({"budget": {"amount": 100, "currency": "EUR", "exactness": "exact"}, "recipients": parts(60, 41)}),
            "grants_recipients_meet_budget",
        ),
        ("grants", json!({"funding": parts(-60, 160)}), "grants_funding_meets_budget"),
        (
            "grants",
            json!({"budget": {"amount": 100, "currency": "EUR", "exactness": "at_most"}, "funding": parts(60, 41)}),
            "grants_funding_meets_budget",
        ),
        ("grants", json!({"budget": {"amount": -1, "currency": "EUR"}}), "grants_budget_not_negative"),
        ("grants", json!({"budget": {"amount": 1, "currency": null}}), "grants_budget_has_currency"),
        ("grants", json!({"start_date": "2012", "end_date": "2011-12"}), "grants_period_forward"),
        ("grants", json!({"programme": "T-NONE"}), "grants_programme_fkey"),
        ("grants", json!({"call": "T-NONE"}), "grants_call_fkey"),
        ("programmes", json!({"start_date": "2012", "end_date": "2011-12"}), "programmes_period_forward"),
        ("programmes", json!({"parent": "T-NONE"}), "programmes_parent_fkey"),
        (
            "programmes",
            json!({"funding": [{"rule": "a", "percentage": 85}, {"rule": "b", "percentage": 100}]}),
            "programmes_funding_whole",
        ),
        ("calls", json!({"opens": "2025-07", "closes": "2025-06"}), "calls_period_forward"),
        ("calls", json!({"opens": null, "announced": "2025-07", "closes": "2025-06"}), "calls_announced_before_close"),
        ("calls", json!({"programme": "T-NONE"}), "calls_programme_fkey"),
        ("transactions", json!({"grant": "T-NONE"}), "transactions_grant_fkey"),
        ("transactions", json!({"parent": "T-NONE"}), "transactions_parent_fkey"),
        ("transactions", json!({"programme": "T-PROGRAMME", "grant": "T-x"}), "transactions_one_activity"),
        ("indicators", json!({"programme": "T-NONE"}), "indicators_programme_fkey"),
        ("observations", json!({"indicator": "T-NONE"}), "observations_indicator_fkey"),
        ("observations", json!({"start_date": "2099"}), "observations_period_forward"),
        ("beneficiaries", json!({"organisation": "T-NONE"}), "beneficiaries_organisation_fkey"),
        ("locations", json!({"parent": "T-NONE"}), "locations_parent_fkey"),
    ];
    for (n, (collection, change, expected)) in table.into_iter().enumerate() {
        let by = refused_by(&mut connection, collection, &format!("T-{n}"), change.clone()).await;
        assert_eq!(by, expected, "{collection} {change}");
    }
    let itself = refused_by(&mut connection, "programmes", "T-SELF", json!({"parent": "T-SELF"})).await;
    assert_eq!(itself, "programmes_parent_is_other");
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    right: bool,
}

#[actix_web::test]
async fn money_is_numeric_and_every_constraint_is_named_by_rule() {
    let app = TestApp::empty().await;
    let mut connection = app.connection().await;
    let money: Vec<Column> = sql_query(
        "SELECT table_name || '.' || column_name AS name, data_type = 'numeric' AS right
         FROM information_schema.columns WHERE table_schema = 'public' AND column_name IN ('amount', 'part', 'value', 'population')",
    )
    .load(&mut connection)
    .await
    .unwrap();
    assert_eq!(money.len(), 8);
    let named: Vec<Column> = sql_query(
        "SELECT conname::text AS name, starts_with(conname, conrelid::regclass::text || '_') AS right FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE '\\_\\_%'",
    )
    .load(&mut connection)
    .await
    .unwrap();
    assert!(named.len() > 60);
    for column in money.iter().chain(&named) {
        assert!(column.right, "{}", column.name);
    }
}
