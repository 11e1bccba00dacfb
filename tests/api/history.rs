//! Every write keeps the version before it, and a past state is rebuilt from the versions alone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Jsonb, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    change: String,
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    request_id: String,
    #[diesel(sql_type = Jsonb)]
    links: Value,
}

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Jsonb)]
    doc: Value,
}

#[derive(QueryableByName)]
struct Instant {
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

#[actix_web::test]
async fn a_version_says_who_when_and_which_request() {
    let app = TestApp::empty().await;
    let town = app.town();
    let mut grant = make::grant("A");
    town.put("/v1/programmes/T-P", &make::programme("P"), &[]).await.expect(201);
    grant["programme"] = "T-P".into();
    town.put("/v1/grants/T-1", &grant, &[("x-request-id", "first")]).await.expect(201);
    town.put("/v1/grants/T-1", &grant, &[("x-request-id", "repeated")]).await.expect(200);
    town.patch("/v1/grants/T-1", &json!({"programme": null}), &[("if-match", "*"), ("x-request-id", "second")])
        .await
        .expect(200);
    town.delete("/v1/grants/T-1", &[("if-match", "*"), ("x-request-id", "third")]).await.expect(204);
    let versions: Vec<Version> = sql_query(
        "SELECT change, issuer, subject, request_id, links FROM versions WHERE identifier = 'T-1' ORDER BY version",
    )
    .load(&mut app.connection().await)
    .await
    .unwrap();
    let said: Vec<(&str, &str)> = versions.iter().map(|v| (v.change.as_str(), v.request_id.as_str())).collect();
    assert_eq!(said, [("created", "first"), ("changed", "second"), ("deleted", "third")]);
    assert!(versions.iter().all(|version| version.issuer == "aid-register" && version.subject == "town"));
    assert_eq!(versions[0].links[0]["target"], "T-P");
    assert_eq!(versions[1].links, json!([]));
}

#[actix_web::test]
async fn past_states_are_rebuilt_from_versions() {
    let app = TestApp::empty().await;
    let mut connection = app.connection().await;
    make::write(&mut connection, &make::basics()).await;
    let town = app.town();
    let mut snapshots: Vec<(DateTime<Utc>, BTreeMap<String, Value>)> = Vec::new();
    for n in 0..60usize {
        let path = format!("/v1/grants/T-{}", n * 7 % 5);
        let mut grant = make::any("grants", &format!("T-{}", n * 7 % 5), n);
        grant["target_groups"] = json!([{"name": {"en": format!("group {n}")}, "size": n}]);
        let answer = town.put(&path, &grant, &[("if-match", "*")]).await;
        if answer.status == 412 {
            town.put(&path, &grant, &[]).await.expect(201);
        }
        let now: Vec<State> = sql_query("SELECT identifier, doc FROM grants").load(&mut connection).await.unwrap();
        let at: Instant = sql_query("SELECT at FROM commit_clock").get_result(&mut connection).await.unwrap();
        snapshots.push((at.at, now.into_iter().map(|state| (state.identifier, state.doc)).collect()));
    }
    for (at, expected) in snapshots {
        let then: Vec<State> = sql_query(
            "SELECT identifier, doc FROM versions WHERE collection = 'grants' AND recorded_at <= $1
             AND (superseded_at IS NULL OR superseded_at > $1) AND doc IS NOT NULL",
        )
        .bind::<Timestamptz, _>(at)
        .load(&mut connection)
        .await
        .unwrap();
        let then: BTreeMap<String, Value> = then.into_iter().map(|state| (state.identifier, state.doc)).collect();
        assert_eq!(then, expected, "as of {at}");
    }
}
