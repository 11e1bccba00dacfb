//! `Idempotency-Key`: one effect, and the same answer for ever.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

async fn send(client: &Client, key: &str, query: &str, body: &str) -> Answer {
    let request = client.request("POST", &format!("/v1/imports?format=ndjson&collection=grants{query}"));
    client.send(request.header("idempotency-key", key).body(body.to_owned())).await
}

fn line(title: &str) -> String {
    format!("{}\n", json!({"identifier": "T-1", "title": {"en": title}, "status": "closed"}))
}

#[actix_web::test]
async fn fifty_twins_have_one_effect_and_equal_answers() {
    let app = TestApp::empty().await;
    let town = app.town();
    let body = line("A");
    let answers = join_all((0..50).map(|_| send(&town, "\"twin\"", "", &body))).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{:?}",
        answers.iter().map(|a| a.status).collect::<Vec<_>>()
    );
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count(), 1);
    assert_eq!(town.get("/v1/imports").await.json()["data"].as_array().unwrap().len(), 1);
    assert_eq!(app.anon().get("/v1/grants/T-1/versions").await.json()["data"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_key_belongs_to_one_request_of_one_client() {
    let app = TestApp::empty().await;
    let town = app.town();
    let first = send(&town, "k", "", &line("A")).await.expect(200);
    // Somebody changes the record; the answer stays what it was.
    town.patch("/v1/grants/T-1", &json!({"status": "finalisation"}), &[("if-match", "*")]).await.expect(200);
    let again = send(&town, "k", "", &line("A")).await.expect(200);
    assert_eq!((&again.body, again.header("content-type")), (&first.body, "application/json"));
    for (query, body) in [("", line("B")), ("&dry_run=true", line("A"))] {
        assert_eq!(send(&town, "k", query, &body).await.problem(422), ["Idempotency-Key key_reused"]);
    }
    let other = send(&app.admin(), "k", "", &line("C")).await.expect(200).json();
    assert_eq!(other["counts"]["updated"], 1);
    for key in ["", "\"", "ž", &"x".repeat(300)] {
        assert_eq!(send(&town, key, "", &line("A")).await.problem(400), ["Idempotency-Key key_invalid"], "{key}");
    }
}

#[actix_web::test]
async fn refusals_and_accepted_jobs_are_repeated_too() {
    let app = TestApp::empty().await;
    let town = app.town();
    let bad = send(&town, "bad", "", "{}\n").await;
    assert_eq!(bad.problem(400), ["/identifier required", "/status required", "/title required"]);
    let again = send(&town, "bad", "", "{}\n").await;
    assert_eq!((again.status, again.body), (400, bad.body));
    let large: String = (0..9000)
        .map(|n| {
            format!(
                "{}\n",
                json!({"identifier": format!("T-{n}"), "title": {"en": "x".repeat(100)}, "status": "closed"})
            )
        })
        .collect();
    let answers = join_all((0..5).map(|_| send(&town, "large", "", &large))).await;
    let places: Vec<&str> = answers.iter().map(|answer| answer.header("location")).collect();
    assert!(answers.iter().all(|answer| answer.status == 202) && places.iter().all(|place| *place == places[0]));
    let jobs: Value = town.get("/v1/imports").await.json();
    assert_eq!(jobs["data"].as_array().unwrap().len(), 2);
}
