//! Publishers and clients over HTTP, and the log of what was done.

use std::time::Instant;

use aid_register::store::audit::{Head, verify};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;
use crate::support::app::ALL_SCOPES;

#[actix_web::test]
async fn publishers_are_made_renamed_and_bounded() {
    let app = TestApp::empty().await;
    let admin = app.admin();
    let put = async |id: &str, body: Value| admin.put(&format!("/v1/publishers/{id}"), &body, &[]).await;
    let made = put("village", json!({"name": "Village", "prefixes": ["V-", "T-V-"]})).await.expect(201);
    assert!(made.header("location").ends_with("/v1/publishers/village"));
    app.client("village", ALL_SCOPES).put("/v1/grants/V-1", &make::grant("A"), &[]).await.expect(201);
    app.client("village", ALL_SCOPES).put("/v1/grants/T-V-1", &make::grant("A"), &[]).await.expect(201);
    app.town().put("/v1/grants/T-V-2", &make::grant("A"), &[]).await.problem(403);
    put("village", json!({"name": "The Village", "prefixes": ["V-"]})).await.problem(409);
    put("village", json!({"name": "The Village", "prefixes": ["V-", "T-V-", "W-"]})).await.expect(200);
    put("village", json!({"name": "The Village", "prefixes": ["V-", "T-V-"]})).await.expect(200);
    let shown = app.anon().get("/v1/publishers/village").await.expect(200).json();
    assert_eq!(shown, json!({"id": "village", "name": "The Village", "prefixes": ["T-V-", "V-"]}));
    put("other", json!({"name": "Other", "prefixes": ["V-"]})).await.problem(409);
    put("Other", json!({"name": "Other", "prefixes": []})).await.problem(400);
    put("other", json!({"name": "", "prefixes": ["a b"]})).await.problem(400);
    put("other", json!({"name": "Other", "prefix": "O-"})).await.problem(400);
    put("other", json!({"id": "another", "name": "Other"})).await.problem(400);
    let ids = app.anon().get("/v1/publishers").await.expect(200).json()["data"].clone();
    let ids: Vec<&str> = ids.as_array().unwrap().iter().map(|publisher| publisher["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["city", "town", "village"]);
    for client in [app.town(), app.client("town", "grants:write")] {
        client.put("/v1/publishers/town", &json!({"name": "Town"}), &[]).await.problem(403);
        client.get("/v1/publishers/town/clients").await.problem(403);
    }
}

#[actix_web::test]
async fn a_client_writes_for_its_publisher_until_it_is_revoked() {
    let app = TestApp::empty().await;
    let admin = app.admin();
    // The local key signs for anybody; what counts is for whom the register has the client.
    let clerk = app.client("clerk", "grants:write");
    clerk.put("/v1/grants/T-1", &make::grant("A"), &[]).await.problem(403);
    let body = json!({"issuer": "aid-register", "subject": "clerk"});
    let added = admin.post("/v1/publishers/town/clients", &body).await.expect(201);
    clerk.put("/v1/grants/T-1", &make::grant("A"), &[]).await.expect(201);
    admin.post("/v1/publishers/city/clients", &body).await.problem(409);
    let wrong = json!({"issuer": "https://elsewhere.example", "subject": ""});
    let faults = admin.post("/v1/publishers/town/clients", &wrong).await.problem(400);
    assert_eq!(faults, ["/subject minLength", "/issuer issuer_unknown"]);
    let place = added.header("location").to_owned();
    admin.delete(&place, &[]).await.expect(200);
    clerk.put("/v1/grants/T-2", &make::grant("A"), &[]).await.problem(403);
    let import = clerk.request("POST", "/v1/imports?format=ndjson&collection=grants").body("{}");
    clerk.send(import).await.problem(403);
    admin.post("/v1/publishers/town/clients", &body).await.expect(201);
    clerk.put("/v1/grants/T-2", &make::grant("A"), &[]).await.expect(201);
    // A revoked one can be bound elsewhere; a token that names another publisher is refused.
    admin.delete(&place, &[]).await.expect(200);
    let moved = admin.post("/v1/publishers/city/clients", &body).await.expect(201);
    clerk.put("/v1/grants/T-3", &make::grant("A"), &[]).await.problem(403);
    clerk.put("/v1/grants/C-3", &make::grant("A"), &[]).await.expect(201);
    admin.delete(moved.header("location"), &[]).await.expect(200);
    admin.post("/v1/publishers/town/clients", &body).await.expect(201);
    let town = json!({"issuer": "aid-register", "subject": "town"});
    admin.post("/v1/publishers/city/clients", &town).await.expect(201);
    app.town().put("/v1/grants/T-4", &make::grant("A"), &[]).await.problem(403);
    let clients = admin.get("/v1/publishers/town/clients").await.expect(200).json();
    assert_eq!((clients["data"].as_array().unwrap().len(), &clients["data"][0]["revoked_at"]), (1, &Value::Null));
}

#[actix_web::test]
async fn nobody_fills_the_log() {
    let app = TestApp::empty().await;
    let mut connection = app.connection().await;
    let before = entries(&mut connection).await.len();
    let started = Instant::now();
    for _ in 0..300 {
        app.anon().delete("/v1/grants/T-1", &[]).await.problem(401);
    }
    let logged = entries(&mut connection).await.len() - before;
    // A hundred in ten seconds; the requests may begin in the middle of ten.
    let spans = started.elapsed().as_secs() as usize / 10 + 2;
    assert!((1..=100 * spans).contains(&logged), "{logged} in {spans} times ten seconds");
}

async fn entries(connection: &mut AsyncPgConnection) -> Vec<Value> {
    let mut entries = Vec::new();
    let take = |entry: aid_register::store::audit::Entry| {
        entries.push(serde_json::from_str(&entry.entry)?);
        Ok(())
    };
    aid_register::store::audit::each(connection, take).await.unwrap();
    entries
}

#[actix_web::test]
async fn every_write_refusal_and_act_is_logged_and_no_token() {
    let app = TestApp::empty().await;
    let mut connection = app.connection().await;
    let before = entries(&mut connection).await.len();
    let town = app.town();
    let id = [("x-request-id", "r-1")];
    town.put("/v1/grants/T-1", &make::grant("A"), &id).await.expect(201);
    town.put("/v1/grants/T-1", &make::grant("A"), &id).await.expect(200);
    town.put("/v1/grants/C-1", &make::grant("A"), &[("x-request-id", "r-2")]).await.problem(403);
    app.anon().put("/v1/grants/T-2", &make::grant("A"), &[("x-request-id", "r-3")]).await.problem(401);
    let bad = crate::support::Client::new(&app.base, Some("secret.token.text".into()));
    bad.get_with("/v1/imports", &[("x-request-id", "r-4")]).await.problem(401);
    app.admin().put("/v1/publishers/new", &json!({"name": "New"}), &[("x-request-id", "r-5")]).await.expect(201);
    let body = json!({"identifier": "T-3", "title": {"en": "A"}, "status": "closed"}).to_string();
    for dry in ["true", "false"] {
        let request = town.request("POST", &format!("/v1/imports?format=ndjson&collection=grants&dry_run={dry}"));
        town.send(request.header("x-request-id", "r-6").body(body.clone())).await.expect(200);
    }
    app.anon().get("/v1/grants/T-9").await.problem(404);
    let log = entries(&mut connection).await.split_off(before);
    let said: Vec<Vec<String>> = log
        .iter()
        .map(|entry| {
            ["act", "request_id", "subject", "code"].map(|name| entry[name].as_str().unwrap_or("-").to_owned()).to_vec()
        })
        .collect();
    assert_eq!(
        said,
        [
            ["write", "r-1", "town", "-"],
            ["refused", "r-2", "town", "forbidden"],
            ["token_refused", "r-3", "", "unauthorized"],
            ["token_refused", "r-4", "", "unauthorized"],
            ["publisher", "r-5", "office", "-"],
            ["import", "r-6", "town", "-"],
        ]
    );
    assert_eq!((&log[0]["identifiers"], &log[5]["identifiers"]), (&json!(["T-1"]), &json!(["T-3"])));
    assert!(!json!(log).to_string().contains("secret"), "no token is logged");
    let head = verify(&mut connection, None).await.unwrap();
    let shown = app.anon().get("/v1/audit/head").await.expect(200).json();
    assert_eq!(shown, json!({"entries": head.n, "hash": head.hash}));
}

#[actix_web::test]
async fn a_log_that_was_touched_is_found_out() {
    // What an attacker with all rights does, and what is found.
    let table = [
        ("edited", "UPDATE audit_log SET entry = replace(entry, 'T-2', 'T-9') WHERE n = 5", "was changed"),
        ("removed", "DELETE FROM audit_log WHERE n = 5", "is missing"),
        (
            "reordered",
            "UPDATE audit_log SET n = -n WHERE n IN (5, 6); UPDATE audit_log SET n = CASE n WHEN -5 THEN 6 ELSE 5 END WHERE n < 0",
            "is another one",
        ),
        (
            "inserted",
            "UPDATE audit_log SET n = n + 100 WHERE n > 4; INSERT INTO audit_log SELECT 5, replace(entry, '\"n\": 4', '\"n\": 5'), hash FROM audit_log WHERE n = 4; UPDATE audit_log SET n = n - 99 WHERE n > 100",
            "was changed",
        ),
        ("cut off", "DELETE FROM audit_log WHERE n > 5", "cut off"),
        (
            "cut off with its end",
            "DELETE FROM audit_log WHERE n > 5; UPDATE audit_head SET n = 5, hash = (SELECT hash FROM audit_log WHERE n = 5)",
            "cut off",
        ),
        (
            "written anew",
            "TRUNCATE audit_log; UPDATE audit_head SET n = 0, hash = repeat('0', 64); SELECT audit_append('{\"act\": \"x\"}') FROM generate_series(1, 8)",
            "written anew",
        ),
    ];
    for (what, attack, finding) in table {
        let app = TestApp::empty().await;
        let mut connection = app.connection().await;
        for n in 0..5 {
            app.town().put(&format!("/v1/grants/T-{n}"), &make::grant("A"), &[]).await.expect(201);
        }
        let noted: Head = verify(&mut connection, None).await.unwrap();
        for statement in ["UPDATE audit_log SET entry = ''", "DELETE FROM audit_log", "TRUNCATE audit_log"] {
            let refused = connection.batch_execute(statement).await.unwrap_err().to_string();
            assert!(refused.contains("append-only") || refused.contains("permission denied"), "{statement}: {refused}");
        }
        connection.batch_execute("ALTER TABLE audit_log DISABLE TRIGGER USER").await.unwrap();
        connection.batch_execute(attack).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = verify(&mut connection, Some(&noted)).await.unwrap_err().to_string();
        assert!(found.contains(finding), "{what}: {found}");
    }
}
