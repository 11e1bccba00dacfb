//! Summaries are what a recount would give, after whatever was written.

use aid_register::totals::summary;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::flows::{named, random};
use crate::make;
use crate::support::{Client, TestApp};
use crate::totals::{sum, totals};

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

#[actix_web::test]
async fn what_is_only_parked_replaces_nothing() {
    let app = TestApp::empty().await;
    let (anon, mut connection) = (app.anon(), app.connection().await);
    let town = |organisation: Option<&str>| json!({"kind": "local_government", "name": {"en": "Town"}, "organisation": organisation});
    let flow = |n: u32, parent: Option<u32>, amount: u32, from: &str, to: Value| {
        let value = json!({"amount": amount, "currency": "EUR"});
        named(
            "transactions",
            &format!("T-F{n}"),
            json!({"type": "disbursement", "date": "2024", "value": value, "programme": "T-P",
                "parent": parent.map(|n| format!("T-F{n}")), "provider": {"organisation": from}, "receiver": to}),
        )
    };
    let is = |name: &'static str| json!({"organisation": name});
    let organisation = |id: &str| named("organisations", id, json!({"name": {"en": id}, "type": "other"}));
    let whole = async |expected: i64, when: &str| {
        assert_eq!(sum(&anon, "transactions?type=disbursement").await, expected.into(), "{when}");
        equal_recount(&anon, when).await;
    };
    let at = async |instant: &Value, expected: i64| {
        let question = format!("transactions?type=disbursement&as_of={}", instant.as_str().unwrap());
        assert_eq!(sum(&anon, &question).await, expected.into(), "{instant}");
    };
    // The agency parks in two steps what the Union sent.
    let records = [
        organisation("T-EU"),
        organisation("T-UNDP"),
        organisation("T-NGO"),
        named("programmes", "T-P", json!({"title": {"en": "P"}, "status": "implementation"})),
        named("beneficiaries", "T-TOWN", town(None)),
        flow(1, None, 1000, "T-EU", is("T-UNDP")),
        flow(2, Some(1), 600, "T-UNDP", is("T-UNDP")),
        flow(3, Some(2), 500, "T-UNDP", is("T-UNDP")),
    ];
    make::write(&mut connection, &records).await;
    whole(1000, "all parts are parked").await;
    let before = anon.get("/v1/transactions/T-F3").await.expect(200).json()["updated_at"].clone();
    // Of which something leaves at last.
    make::write(&mut connection, &[flow(4, Some(3), 300, "T-UNDP", json!({"beneficiary": "T-TOWN"}))]).await;
    whole(300, "a part of the last is not").await;
    at(&before, 1000).await;
    let then = anon.get("/v1/transactions/T-F4").await.expect(200).json()["updated_at"].clone();
    // The town turns out to be the agency, and is itself again.
    make::write(&mut connection, &[named("beneficiaries", "T-TOWN", town(Some("T-UNDP")))]).await;
    whole(1000, "the last is parked too").await;
    make::write(&mut connection, &[named("beneficiaries", "T-TOWN", town(None))]).await;
    whole(300, "and is not").await;
    // What the agency spends itself is spent.
    let mut spent = flow(5, None, 70, "T-UNDP", is("T-UNDP"));
    spent.1["type"] = json!("expenditure");
    make::write(&mut connection, &[spent]).await;
    assert_eq!(sum(&anon, "transactions?type=expenditure").await, 70.into());
    whole(300, "an expenditure is no disbursement").await;
    at(&then, 300).await;
    // One in the middle moves to another whole, with all below it.
    make::write(
        &mut connection,
        &[flow(5, None, 50, "T-EU", is("T-NGO")), flow(3, Some(5), 500, "T-UNDP", is("T-UNDP"))],
    )
    .await;
    whole(1300, "the parts moved").await;
    make::change(&mut connection, &[], &[("transactions", "T-F4".to_owned())]).await;
    whole(1050, "the part is gone").await;
    assert!(is_fresh(&mut connection).await, "the summaries answered");
}
