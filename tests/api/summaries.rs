//! Summaries are what a recount would give, after whatever was written.

use aid_register::totals::summary;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::flows::{named, random};
use crate::make;
use crate::support::{Client, TestApp};
use crate::totals::totals;

/// An answer without its addresses and the measure that only a recount has.
fn plain(mut answer: Value) -> Value {
    let strip = |items: &mut Value| {
        for item in items.as_array_mut().into_iter().flatten() {
            let item = item.as_object_mut().unwrap();
            item.retain(|name, _| !matches!(name.as_str(), "explain" | "max"));
        }
    };
    strip(&mut answer["data"]);
    for name in ["total", "included", "excluded"] {
        strip(&mut answer["meta"][name]);
    }
    json!([answer["data"], answer["meta"]["total"], answer["meta"]["included"], answer["meta"]["excluded"]])
}

/// Every question that the summaries answer, beside the same that needs the records.
async fn equal_recount(client: &Client, when: &str) {
    let main = [
        "",
        "place",
        "place&place_level=nuts3",
        "place&place_level=municipality",
        "place&place_level=country",
        "sector",
        "programme",
        "funder",
        "beneficiary_kind",
    ];
    for (subject, more) in [("grants", ""), ("transactions", "&type=disbursement"), ("transactions", "type")] {
        for dimension in main {
            for year in ["", "year"] {
                let (name, level) = dimension.split_once('&').map_or((dimension, ""), |(name, level)| (name, level));
                let keys: Vec<&str> = [name, year, if more == "type" { more } else { "" }]
                    .into_iter()
                    .filter(|key| !key.is_empty())
                    .collect();
                let group_by = if keys.is_empty() { String::new() } else { format!("&group_by={}", keys.join(",")) };
                let filter = if more == "type" { "" } else { more };
                let question = format!("{subject}?limit=1000&sort=key&{level}{group_by}{filter}").replace("&&", "&");
                let found = plain(totals(client, &format!("{question}&measure=sum,count,average")).await);
                let recount = plain(totals(client, &format!("{question}&measure=sum,count,average,max")).await);
                assert_eq!(found, recount, "{when}: {question}");
            }
        }
    }
}

async fn is_fresh(connection: &mut AsyncPgConnection) -> bool {
    summary::is_fresh(connection).await.unwrap()
}

#[test]
fn they_equal_a_recount_after_random_writes_imports_and_deletions() {
    let system = actix_web::rt::System::new();
    let seeds = prop::collection::vec((any::<u8>(), 1u32..10_000_000), 4..10);
    let mut runner = TestRunner::new(Config { cases: 3, ..Config::default() });
    let run = runner.run(&(seeds.clone(), seeds), |(first, second)| {
        system.block_on(async {
            let app = TestApp::empty().await;
            let (anon, admin) = (app.anon(), app.admin());
            let mut connection = app.connection().await;
            make::write(&mut connection, &random(&first)).await;
            equal_recount(&anon, "first").await;
            // The same records, otherwise.
            make::write(&mut connection, &random(&second)).await;
            // A part comes, and goes: what it is part of does not count meanwhile.
            let value = json!({"amount": 1, "currency": "EUR"});
            let kind = anon.get("/v1/transactions/T-T1").await.expect(200).json()["type"].clone();
            let part = json!({"type": kind, "date": "2012", "value": value, "parent": "T-T1"});
            admin.put("/v1/transactions/T-PART", &part, &[]).await.expect(201);
            equal_recount(&anon, "with a part").await;
            admin.delete("/v1/transactions/T-PART", &[("if-match", "*")]).await.expect(204);
            // What flows take from others changes.
            let programme = json!({"title": {"en": "P"}, "status": "closed", "places": [{"location": "T-B"}], "sectors": [{"code": "12220"}]});
            admin.put("/v1/programmes/T-P", &programme, &[("if-match", "*")]).await.expect(200);
            let town = json!({"kind": "enterprise", "name": {"en": "B"}, "location": "T-C"});
            admin.put("/v1/beneficiaries/T-B0", &town, &[("if-match", "*")]).await.expect(200);
            let grant = json!({"title": {"en": "G"}, "status": "closed", "places": [{"location": "T-A"}]});
            admin.put("/v1/grants/T-G1", &grant, &[("if-match", "*")]).await.expect(200);
            let organisation = json!({"name": {"en": "O"}, "type": "other", "location": "T-A"});
            admin.put("/v1/organisations/T-O0", &organisation, &[("if-match", "*")]).await.expect(200);
            equal_recount(&anon, "after changes").await;
            let flows: Vec<(&str, String)> = (0..second.len().min(3)).map(|n| ("transactions", format!("T-T{n}"))).collect();
            make::change(&mut connection, &[], &flows).await;
            equal_recount(&anon, "after deletions").await;
            assert!(is_fresh(&mut connection).await, "the summaries answered");
            Ok(())
        })
    });
    run.unwrap();
}

#[actix_web::test]
async fn nothing_stale_is_told() {
    let app = TestApp::empty().await;
    let (anon, mut connection) = (app.anon(), app.connection().await);
    let mut seeds = vec![(1, 100), (2, 250), (3, 999), (4, 5), (5, 77)];
    make::write(&mut connection, &random(&seeds)).await;
    // A place that lies elsewhere moves what was counted there.
    let elsewhere = named(
        "locations",
        "T-A",
        json!({"kind": "municipality", "name": {"en": "T-A"}, "country": "RS", "parent": "T-D2"}),
    );
    make::write(&mut connection, &[elsewhere]).await;
    equal_recount(&anon, "while they are not").await;
    summary::refresh(&mut connection).await.unwrap();
    assert!(is_fresh(&mut connection).await);
    equal_recount(&anon, "made anew").await;
    // A program that knows nothing of summaries writes beside this one.
    connection.batch_execute("UPDATE commit_clock SET position = position + 1").await.unwrap();
    assert!(!is_fresh(&mut connection).await);
    seeds[0].1 = 123_456;
    make::write(&mut connection, &random(&seeds)).await;
    assert!(!is_fresh(&mut connection).await, "what was missed is not made up for by going on");
    equal_recount(&anon, "behind").await;
    assert!(summary::refresh(&mut connection).await.unwrap());
    assert!(!summary::refresh(&mut connection).await.unwrap());
    equal_recount(&anon, "made anew again").await;
}

#[actix_web::test]
async fn a_circle_of_places_is_refused_at_once_with_records_in_it() {
    let app = TestApp::empty().await;
    let town = app.town();
    let place = |kind: &str, parent: Option<&str>| json!({"kind": kind, "name": {"en": "C"}, "country": "RS", "parent": parent});
    town.put("/v1/locations/T-RS", &place("country", None), &[]).await.expect(201);
    town.put("/v1/locations/T-C1", &place("nuts3", Some("T-RS")), &[]).await.expect(201);
    town.put("/v1/locations/T-C2", &place("settlement", Some("T-C1")), &[]).await.expect(201);
    let mut grant = make::grant("G");
    grant["budget"] = json!({"amount": 1, "currency": "EUR"});
    grant["places"] = json!([{"location": "T-C2"}]);
    town.put("/v1/grants/T-G", &grant, &[]).await.expect(201);
    let circle = place("nuts3", Some("T-C2"));
    assert_eq!(town.put("/v1/locations/T-C1", &circle, &[("if-match", "*")]).await.problem(400), ["/parent circle"]);
    let mut line = circle.clone();
    line["identifier"] = json!("T-C1");
    let path = "/v1/imports?format=ndjson&collection=locations&mode=independent";
    let sent = town.send(town.request("POST", path).body(format!("{line}\n"))).await.expect(200).json();
    assert_eq!(sent["errors"][0]["code"], "circle");
    equal_recount(&app.anon(), "afterwards").await;
}
