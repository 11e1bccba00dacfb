//! Imports: every format, all or nothing or each by itself, tried and done alike.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::make;
use crate::support::{Answer, Client, Patience, TestApp};
use crate::tables::{formula, sparse};

/// Sends a body to `/v1/imports?…`.
pub async fn send(client: &Client, query: &str, body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request("POST", &format!("/v1/imports?{query}")).body(body.into());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request).await
}

/// Faults with their places: `row column pointer identifier code`.
pub fn faults(problem: &Value) -> Vec<String> {
    let text = |fault: &Value, name: &str| match &fault[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|fault| ["row", "column", "pointer", "identifier", "code"].map(|name| text(fault, name)).join(" "))
        .collect()
}

pub fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

pub fn grant(identifier: &str, title: &str) -> Value {
    let mut grant = make::grant(title);
    grant["identifier"] = identifier.into();
    grant
}

#[actix_web::test]
async fn a_batch_is_stored_with_its_history() {
    let app = TestApp::empty().await;
    let town = app.town();
    let mut child = grant("T-1", "A");
    child["programme"] = "T-P".into();
    child["collection"] = "grants".into();
    let mut parent = make::programme("P");
    parent["identifier"] = "T-P".into();
    parent["collection"] = "programmes".into();
    // The reference comes before what it refers to.
    let answer =
        send(&town, "format=ndjson&reason=nightly", lines(&[child.clone(), parent]), &[("x-request-id", "night")])
            .await;
    let report = answer.expect(200).json();
    assert_eq!(report["status"], "completed");
    assert_eq!(
        report["counts"],
        json!({"read": 2, "created": 2, "updated": 0, "unchanged": 0, "deleted": 0, "refused": 0})
    );
    let version = app.anon().get("/v1/grants/T-1/versions").await.expect(200).json()["data"][0].clone();
    assert_eq!(
        (&version["import"], &version["reason"], &version["request_id"]),
        (&report["id"], &json!("nightly"), &json!("night"))
    );
    // Again, changed, and gone.
    child["title"]["en"] = "B".into();
    let body = lines(&[json!({"identifier": "T-1", "deleted": true}), grant("T-2", "New")]);
    let query = "format=ndjson&collection=grants";
    assert_eq!(send(&town, query, body.clone(), &[]).await.expect(200).json()["counts"]["deleted"], 1);
    let again = send(&town, query, body, &[]).await.expect(200).json();
    assert_eq!(
        again["counts"],
        json!({"read": 2, "created": 0, "updated": 0, "unchanged": 2, "deleted": 0, "refused": 0})
    );
    app.anon().get("/v1/grants/T-1").await.problem(410);
    let positions = app.anon().get("/v1/changes").await.json()["data"].as_array().unwrap().len();
    assert_eq!(positions, 4, "an unchanged replay makes no version");
    let shown = town.get(&format!("/v1/imports/{}", report["id"].as_str().unwrap())).await.expect(200).json();
    assert_eq!(shown, report);
}

#[actix_web::test]
async fn every_fault_of_a_mixed_batch_is_named_and_nothing_stored() {
    let app = TestApp::empty().await;
    let town = app.town();
    town.put("/v1/sources/T-S", &make::any("sources", "T-S", 1), &[]).await.expect(201);
    town.put("/v1/sources/T-S2", &make::any("sources", "T-S2", 1), &[]).await.expect(201);
    town.put("/v1/grants/T-GONE", &make::grant("A"), &[]).await.expect(201);
    town.delete("/v1/grants/T-GONE", &[("if-match", "*")]).await.expect(204);
    let mut refers = grant("T-3", "C");
    refers["programme"] = "T-NONE".into();
    let mut to_wrong = grant("T-10", "D");
    to_wrong["call"] = "T-S2".into();
    let body = [
        grant("T-1", "fine").to_string(),
        r#"{"identifier": "T-2", "title": {"en": "x"}, "status": "opne", "budget": {"amount": 1}}"#.into(),
        refers.to_string(),
        "{not JSON".into(),
        grant("C-1", "foreign").to_string(),
        grant("X-1", "nobody's").to_string(),
        grant("T-1", "twice").to_string(),
        grant("T-S", "taken").to_string(),
        String::new(),
        grant("T-GONE", "gone").to_string(),
        r#"{"identifier": "T-9", "deleted": true}"#.into(),
        r#"{"title": {"en": "x"}, "status": "closed", "status": "closed"}"#.into(),
        to_wrong.to_string(),
        r#"{"title": {"en": "x"}, "status": "closed"}"#.into(),
    ]
    .join("\n");
    let before = app.anon().get("/v1/changes?limit=1000").await.json()["meta"]["cursor"].clone();
    let refused = send(&town, "format=ndjson&collection=grants", body.clone(), &[]).await;
    let expected = [
        "2 - /budget/currency T-2 required",
        "2 - /status T-2 code_unknown",
        "3 - /programme T-3 reference_unknown",
        "4 -  - json_malformed",
        "5 - /identifier C-1 prefix_foreign",
        "6 - /identifier X-1 prefix_unknown",
        "7 - /identifier T-1 duplicate",
        "8 - /identifier T-S identifier_taken",
        "10 - /identifier T-GONE identifier_gone",
        "11 - /identifier T-9 record_unknown",
        "12 - /status - duplicate_key",
        "13 - /call T-10 reference_unknown",
        "14 - /identifier - required",
    ];
    assert_eq!(faults(&refused.json()), expected);
    assert_eq!(refused.status, 400);
    let report = refused.json()["report"].clone();
    assert_eq!(
        (&report["status"], &report["counts"]["refused"], &report["counts"]["read"]),
        (&json!("refused"), &json!(12), &json!(13))
    );
    assert_eq!(app.anon().get("/v1/changes?limit=1000").await.json()["meta"]["cursor"], before);
    // Each by itself: what is right goes in.
    let done = send(&town, "format=ndjson&collection=grants&mode=independent", body, &[]).await.expect(200).json();
    assert_eq!(
        done["counts"],
        json!({"read": 13, "created": 1, "updated": 0, "unchanged": 0, "deleted": 0, "refused": 12})
    );
    assert_eq!(faults(&done), expected);
    assert_eq!(app.anon().get("/v1/grants").await.identifiers(), ["T-1"]);
}

#[actix_web::test]
async fn what_refers_to_a_refused_record_is_refused_with_it() {
    let app = TestApp::empty().await;
    let programme = |id: &str, parent: Value| {
        let mut programme = make::programme("P");
        programme["identifier"] = id.into();
        programme["parent"] = parent;
        programme
    };
    let mut bad = programme("T-1", Value::Null);
    bad["status"] = "x".into();
    let records = [programme("T-3", json!("T-2")), programme("T-2", json!("T-1")), bad, programme("T-4", Value::Null)];
    let query = "format=ndjson&collection=programmes&mode=independent";
    let done = send(&app.town(), query, lines(&records), &[]).await.expect(200).json();
    let expected =
        ["1 - /parent T-3 reference_refused", "2 - /parent T-2 reference_refused", "3 - /status T-1 code_unknown"];
    assert_eq!(faults(&done), expected);
    let circle = [programme("T-5", json!("T-6")), programme("T-6", json!("T-5")), programme("T-7", json!("T-4"))];
    let done = send(&app.town(), query, lines(&circle), &[]).await.expect(200).json();
    assert_eq!(faults(&done), ["1 - /parent T-5 circle", "2 - /parent T-6 circle"]);
    // What others refer to stays, unless they go in the same batch.
    let gone = |id: &str| json!({"identifier": id, "deleted": true});
    let done = send(&app.town(), query, lines(&[gone("T-4")]), &[]).await.expect(200).json();
    assert_eq!(faults(&done), ["1 -  T-4 still_referred"]);
    let done = send(&app.town(), query, lines(&[gone("T-4"), gone("T-7")]), &[]).await.expect(200).json();
    assert_eq!(done["counts"]["deleted"], 2);
}

#[actix_web::test]
async fn bad_bodies_are_refused_and_cost_little() {
    let app = TestApp::empty().await;
    let town = app.town();
    let bomb = {
        use std::io::Write;
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("xl/sharedStrings.xml", zip::write::SimpleFileOptions::default()).unwrap();
        for _ in 0..100 {
            archive.write_all(&vec![b' '; 1024 * 1024]).unwrap();
        }
        archive.finish().unwrap().into_inner()
    };
    assert!(bomb.len() < 200_000);
    let quote = format!("identifier,title_en,status\nT-1,\"lost,closed\n{}", "T-2,b,closed\n".repeat(100_000));
    let table: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        ("a bomb", "format=xlsx&collection=grants", bomb, "workbook_invalid"),
        ("no workbook", "format=xlsx&collection=grants", b"PK\x03\x04 nonsense".to_vec(), "workbook_invalid"),
        ("a lost quote", "format=csv&collection=grants", quote.into_bytes(), "record_too_large"),
        (
            "an open quote",
            "format=csv&collection=grants",
            b"identifier,title_en\nT-1,\"a\nT-2,b\n".to_vec(),
            "quote_open",
        ),
        ("a short row", "format=csv&collection=grants", b"identifier,title_en,status\nT-1,a\n".to_vec(), "row_length"),
        ("no name", "format=csv&collection=grants", b"identifier,\nT-1,a\n".to_vec(), "row_length"),
        (
            "NUL in an identifier",
            "format=csv&collection=grants",
            b"identifier,status\nT-\0B,closed\n".to_vec(),
            "nul_character",
        ),
        (
            "a long identifier",
            "format=ndjson&collection=grants",
            json!({"identifier": "T".repeat(8000), "deleted": true}).to_string().into_bytes(),
            "identifier_invalid",
        ),
        (
            "deleted in words",
            "format=ndjson&collection=grants",
            br#"{"identifier": "T-1", "deleted": "yes"}"#.to_vec(),
            "boolean_invalid",
        ),
        ("a far cell", "format=xlsx&collection=grants", sparse(), "workbook_invalid"),
        ("a formula", "format=xlsx&collection=grants", formula(), "cell_invalid"),
        ("many columns", "format=csv&collection=grants", "a,".repeat(1_000_000).into_bytes(), "columns_too_many"),
        (
            "a code page",
            "format=csv&collection=grants",
            b"identifier,title_en\nT-1,\xc8uprija\n".to_vec(),
            "encoding_invalid",
        ),
        ("no collection", "format=csv", b"identifier\nT-1\n".to_vec(), "required"),
        ("a long line", "format=ndjson&collection=grants", vec![b'x'; 3_000_000], "record_too_large"),
        ("zeros", "format=ndjson&collection=grants", vec![0; 500_000], "json_malformed"),
        ("deep", "format=ndjson&collection=grants", vec![b'['; 500_000], "json_malformed"),
        ("half of it", "format=json", b"{\"grants\": [{\"identifier\": \"T-1\"}".to_vec(), "json_malformed"),
        ("a list twice", "format=json", b"{\"grants\": [], \"grants\": []}".to_vec(), "duplicate_key"),
        ("no such list", "format=json", b"{\"grant\": []}".to_vec(), "collection_unknown"),
        (
            "NUL",
            "format=csv&collection=grants",
            b"identifier,title_en,status\nT-1,a\0b,closed\n".to_vec(),
            "nul_character",
        ),
    ];
    for (what, query, body, code) in table {
        let answer = send(&town, &format!("{query}&dry_run=false"), body, &[]).await;
        // A large body is a job; then its report says the same.
        let problem = if answer.status == 202 {
            finished(&town, &answer).await
        } else {
            assert_eq!(answer.status, 400, "{what}: {}", answer.text());
            answer.json()
        };
        assert!(faults(&problem).iter().any(|fault| fault.ends_with(code)), "{what}: {:?}", faults(&problem));
    }
    assert_eq!(app.anon().get("/v1/grants").await.identifiers().len(), 0);
    let large = vec![b' '; 9 * 1024 * 1024];
    send(&town, "format=json", large, &[]).await.problem(413);
    assert_eq!(send(&town, "", "x", &[]).await.status, 415);
    assert_eq!(send(&town, "format=ndjson", "x", &[("content-encoding", "gzip")]).await.status, 415);
    let wrong = send(&town, "format=ndjson&mode=all&collection=grnts&dry_run=1", "x", &[]).await;
    assert_eq!(wrong.problem(400), ["collection collection_unknown", "mode value_unknown", "dry_run value_unknown"]);
}

/// The report of a job, once it has ended.
pub async fn finished(client: &Client, accepted: &Answer) -> Value {
    let place = accepted.header("location").to_owned();
    let patience = Patience::new();
    loop {
        patience.wait("the end of an import");
        let job = client.get(&place).await.expect(200).json();
        if !["queued", "running", "cancelling"].contains(&job["status"].as_str().unwrap()) {
            return job;
        }
    }
}

#[actix_web::test]
async fn large_imports_are_jobs_and_private() {
    let app = TestApp::empty().await;
    let town = app.town();
    let records: Vec<Value> =
        (0..12_000).map(|n| grant(&format!("T-{n}"), &format!("Grant {n} {}", "x".repeat(60)))).collect();
    let accepted = send(&town, "format=ndjson&collection=grants", lines(&records), &[]).await.expect(202);
    assert_eq!(accepted.json()["status"], "queued");
    let done = finished(&town, &accepted).await;
    assert_eq!((&done["status"], &done["counts"]["created"]), (&json!("completed"), &json!(12_000)), "{done}");
    let total = app.anon().get("/v1/grants?count=exact&limit=1").await.json()["meta"]["total"].clone();
    assert_eq!(total, 12_000);
    // Others do not see it; an administrator does.
    let place = accepted.header("location");
    app.client("city", "grants:write").get(place).await.problem(404);
    app.anon().get(place).await.problem(401);
    app.admin().get(place).await.expect(200);
    assert_eq!(app.client("city", "grants:write").get("/v1/imports").await.expect(200).json()["data"], json!([]));
    assert_eq!(town.get("/v1/imports").await.expect(200).json()["data"][0]["id"], done["id"]);
    let over = town.send(town.request("POST", &format!("{place}/cancel"))).await;
    over.problem(409);
    // One that is cancelled before its end stores nothing.
    let changed: Vec<Value> =
        (0..12_000).map(|n| grant(&format!("T-{n}"), &format!("Changed {n} {}", "x".repeat(60)))).collect();
    let accepted = send(&town, "format=ndjson&collection=grants&confirm=true", lines(&changed), &[]).await.expect(202);
    let cancelled =
        town.send(town.request("POST", &format!("{}/cancel", accepted.header("location")))).await.expect(202);
    assert!(["cancelling", "cancelled"].contains(&cancelled.json()["status"].as_str().unwrap()));
    assert_eq!(finished(&town, &accepted).await["status"], "cancelled");
    assert!(app.anon().get("/v1/grants/T-7").await.text().contains("Grant 7"));
    // A small one may wait, too.
    let waits =
        send(&town, "format=ndjson&collection=grants", lines(&changed[..1]), &[("prefer", "respond-async")]).await;
    assert_eq!(finished(&town, &waits.expect(202)).await["counts"]["updated"], 1);
}

#[actix_web::test]
async fn many_changes_want_to_be_confirmed() {
    let app = TestApp::empty().await;
    let town = app.town();
    let all = |title: &str| lines(&(0..20).map(|n| grant(&format!("T-{n}"), title)).collect::<Vec<_>>());
    let query = "format=ndjson&collection=grants";
    send(&town, query, all("A"), &[]).await.expect(200);
    for dry in ["&dry_run=true", ""] {
        let answer = send(&town, &format!("{query}{dry}"), all("B"), &[]).await;
        assert_eq!((answer.status, faults(&answer.json())), (409, vec!["- - - - confirmation_needed".to_owned()]));
        assert_eq!(answer.json()["report"]["status"], "unconfirmed");
    }
    let few = lines(&(0..10).map(|n| grant(&format!("T-{n}"), "B")).collect::<Vec<_>>());
    send(&town, query, few, &[]).await.expect(200);
    send(&town, &format!("{query}&confirm=true"), all("C"), &[]).await.expect(200);
}

#[actix_web::test]
async fn rights_are_judged_first() {
    let app = TestApp::empty().await;
    let body = lines(&[grant("T-1", "A")]);
    send(&app.anon(), "nonsense=1", "x", &[]).await.problem(401);
    let query = "format=ndjson&collection=grants";
    send(&app.client("town", "calls:write"), query, body.clone(), &[]).await.problem(403);
    send(&app.client("nobody", "grants:write"), query, body.clone(), &[]).await.problem(403);
    let mixed = json!({"collection": "programmes", "identifier": "T-P", "title": {"en": "P"}, "status": "closed"});
    let refused = send(&app.client("town", "grants:write"), "format=ndjson", lines(&[mixed]), &[]).await;
    assert_eq!(faults(&refused.json()), ["1 -  T-P scope_missing"]);
    send(&app.client("city", "grants:write"), query, body.clone(), &[]).await.problem(400);
    send(&app.admin(), query, body, &[]).await.expect(200);
    assert_eq!(app.anon().get("/v1/grants/T-1").await.json()["publisher"], "town");
}

/// A batch of random quality: titles, references and identifiers, some of them wrong.
fn batch() -> impl Strategy<Value = Vec<Value>> {
    let record = (0usize..14, 0usize..6, 0usize..9, 0usize..4).prop_map(|(id, fault, target, title)| {
        let mut programme = make::programme(["A", "B", "C", "D"][title]);
        programme["identifier"] = format!("T-{id}").into();
        match fault {
            0 => programme["status"] = "wrong".into(),
            1 => programme["parent"] = format!("T-{}", target + 10).into(),
            2 => programme = json!({"identifier": format!("T-{id}"), "deleted": true}),
            3 if target == 0 => programme["identifier"] = "C-1".into(),
            _ => {}
        }
        programme
    });
    prop::collection::vec(record, 1..12)
}

#[test]
fn a_dry_run_says_what_the_run_will_say() {
    let config = Config { cases: 12, max_shrink_iters: 0, ..Config::default() };
    actix_web::rt::System::new().block_on(async {
        let app = TestApp::empty().await;
        let town = app.town();
        let mut runner = TestRunner::new(config);
        let strategy = (batch(), prop::bool::ANY);
        for _ in 0..40 {
            let (records, independent) = strategy.new_tree(&mut runner).unwrap().current();
            let mode = if independent { "independent" } else { "atomic" };
            let query = format!("format=ndjson&collection=programmes&mode={mode}");
            let state = app.anon().get("/v1/programmes.ndjson").await.body;
            let tried = send(&town, &format!("{query}&dry_run=true"), lines(&records), &[]).await;
            assert_eq!(app.anon().get("/v1/programmes.ndjson").await.body, state, "a dry run changes nothing");
            let done = send(&town, &query, lines(&records), &[]).await;
            assert_eq!(tried.status, done.status);
            let said = |answer: &Answer| {
                let json = answer.json();
                let report = if json["report"].is_null() { json.clone() } else { json["report"].clone() };
                (report["status"].clone(), report["counts"].clone(), json["errors"].clone(), json["detail"].clone())
            };
            assert_eq!(said(&tried), said(&done), "{mode}: {}", lines(&records));
        }
    });
}
