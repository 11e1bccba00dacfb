//! Who may write what, as a table: each caller × each write of each collection.

use aid_register::collections;
use serde_json::{Value, json};

use crate::make;
use crate::support::app::ALL_SCOPES;
use crate::support::{Answer, Client, TestApp};

async fn all_writes(client: &Client, collection: &str, identifier: &str) -> Vec<Answer> {
    let path = format!("/v1/{collection}/{identifier}");
    let record = make::any(collection, identifier, 2);
    let note: Value = json!({"sources": []});
    let any = [("if-match", "*")];
    let mut answers = vec![client.put(&path, &record, &[]).await];
    answers.push(client.put(&path, &make::any(collection, identifier, 3), &any).await);
    answers.push(client.patch(&path, if collection == "sources" { &record } else { &note }, &any).await);
    answers.push(client.delete(&path, &any).await);
    answers
}

#[actix_web::test]
async fn table() {
    let app = TestApp::empty().await;
    make::write(&mut app.connection().await, &make::basics()).await;
    let all: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).collect();
    for (n, collection) in all.iter().enumerate() {
        let own = format!("{collection}:write");
        let others: Vec<String> =
            all.iter().filter(|other| *other != collection).map(|other| format!("{other}:write")).collect();
        let table: Vec<(&str, Client, Vec<u16>)> = vec![
            ("anonymous", app.anon(), vec![401; 4]),
            ("every other scope", app.client("town", &others.join(" ")), vec![403; 4]),
            ("another publisher", app.client("city", ALL_SCOPES), vec![403; 4]),
            ("an unknown publisher", app.client("nobody", ALL_SCOPES), vec![403; 4]),
            ("the owner with this scope alone", app.client("town", &own), vec![201, 200, 200, 204]),
            ("admin", app.admin(), vec![201, 200, 200, 204]),
        ];
        for (m, (who, client, expected)) in table.into_iter().enumerate() {
            let answers = all_writes(&client, collection, &format!("T-{n}-{m}")).await;
            let got: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
            assert_eq!(got, expected, "{who} on {collection}: {}", answers[0].text());
        }
        // The prefix decides, not the publisher that the token names.
        let foreign = app.town().put(&format!("/v1/{collection}/X-1"), &make::any(collection, "X-1", 1), &[]).await;
        assert_eq!(foreign.status, 403, "{}", foreign.text());
    }
}

#[actix_web::test]
async fn refusals_say_what_is_missing() {
    let app = TestApp::empty().await;
    let put = |client: Client, id: &'static str| async move {
        client.put(&format!("/v1/grants/{id}"), &make::grant("A"), &[]).await
    };
    let detail = |answer: Answer| answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail(put(app.client("town", "calls:write"), "T-1").await).contains("grants:write"));
    assert!(detail(put(app.town(), "C-1").await).contains("identifiers of town start with T-"));
    assert!(detail(put(app.client("nobody", ALL_SCOPES), "T-1").await).contains("nobody is not known"));
    let scope = put(app.client("town", "calls:write"), "T-1").await;
    assert!(scope.header("www-authenticate").contains("insufficient_scope"));
}
