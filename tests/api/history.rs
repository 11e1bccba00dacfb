//! Every write keeps the version before it, and the register can be asked how it stood.

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::sql_types::Timestamptz;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;

#[derive(QueryableByName)]
struct Instant {
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

/// The instant of the last change, for `as_of`.
async fn now(connection: &mut AsyncPgConnection) -> String {
    let instant: Instant = sql_query("SELECT at FROM commit_clock").get_result(connection).await.unwrap();
    instant.at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[actix_web::test]
async fn a_version_says_who_when_what_for_and_which_request() {
    let app = TestApp::empty().await;
    let town = app.town();
    let mut grant = make::grant("A");
    town.put("/v1/programmes/T-P", &make::programme("P"), &[]).await.expect(201);
    grant["programme"] = "T-P".into();
    town.put("/v1/grants/T-1?reason=first%20entry", &grant, &[("x-request-id", "first")]).await.expect(201);
    town.put("/v1/grants/T-1", &grant, &[("x-request-id", "repeated")]).await.expect(200);
    let patch = json!({"programme": null, "title": {"sr": "А"}});
    town.patch("/v1/grants/T-1", &patch, &[("if-match", "*"), ("x-request-id", "second")]).await.expect(200);
    let second = app.anon().get("/v1/grants/T-1").await.expect(200);
    town.delete("/v1/grants/T-1?reason=twice", &[("if-match", "*"), ("x-request-id", "third")]).await.expect(204);

    let page = app.anon().get("/v1/grants/T-1/versions").await.expect(200).json();
    let said: Vec<Vec<&str>> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| ["change", "request_id", "reason"].map(|name| v[name].as_str().unwrap_or("-")).to_vec())
        .collect();
    assert_eq!(said, [["deleted", "third", "twice"], ["changed", "second", "-"], ["created", "first", "first entry"]]);
    assert!(
        page["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|v| v["author"] == json!({"issuer": "aid-register", "subject": "town"}))
    );
    assert_eq!(page["data"][0]["content_hash"], Value::Null);

    // A version's address gives what the record's address gave, to the letter, and its hash is that of the bytes.
    let version = app.anon().get("/v1/grants/T-1/versions/2").await.expect(200);
    assert_eq!((version.text(), version.header("etag")), (second.text(), second.header("etag")));
    assert_eq!(page["data"][1]["content_hash"], aid_register::digest::sha256(&version.body));
    app.anon().get("/v1/grants/T-1/versions/3").await.problem(410);
    for missing in ["T-1/versions/4", "T-1/versions/0", "T-1/versions/x", "T-2/versions", "T-2/versions/1", "T-2/diff"]
    {
        app.anon().get(&format!("/v1/grants/{missing}")).await.problem(404);
    }
    app.anon().get("/v1/programmes/T-1/versions").await.problem(404);

    // The patch between two versions turns the one into the other.
    let value = async |n: i32| app.anon().get(&format!("/v1/grants/T-1/versions/{n}")).await.json();
    let patch = app.anon().get("/v1/grants/T-1/diff?from=1&to=2").await.expect(200);
    assert_eq!(patch.header("content-type"), "application/json-patch+json");
    let mut turned = value(1).await;
    let patch: json_patch::Patch = serde_json::from_value(patch.json()).unwrap();
    json_patch::patch(&mut turned, &patch).unwrap();
    assert_eq!(turned, value(2).await);
    let last = app.anon().get("/v1/grants/T-1/diff").await.expect(200).json();
    assert_eq!(last, json!([{"op": "replace", "path": "", "value": null}]));
    let first = app.anon().get("/v1/grants/T-1/diff?to=1").await.expect(200).json();
    assert_eq!(first, json!([{"op": "replace", "path": "", "value": value(1).await}]));
    let faults = app.anon().get("/v1/grants/T-1/diff?from=a&to=-1").await.problem(400);
    assert_eq!(faults, ["from version_invalid", "to version_invalid"]);
}

#[actix_web::test]
async fn versions_come_in_pages() {
    let app = TestApp::empty().await;
    app.town().put("/v1/grants/T-1", &make::grant("0"), &[]).await.expect(201);
    for n in 1..7 {
        app.town().put("/v1/grants/T-1", &make::grant(&n.to_string()), &[("if-match", "*")]).await.expect(200);
    }
    let mut next = "/v1/grants/T-1/versions?limit=3".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = app.anon().get(&next).await.expect(200).json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|version| version["version"].as_i64().unwrap()));
        match page["links"]["next"].as_str() {
            Some(address) => next = address.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    let other = next.replace("T-1", "T-2");
    assert_eq!(app.anon().get(&other).await.problem(400), ["cursor cursor_invalid"]);
}

#[actix_web::test]
async fn a_merged_record_answers_308_for_ever() {
    let app = TestApp::empty().await;
    let town = app.town();
    for id in ["T-A", "T-B", "T-C"] {
        town.put(&format!("/v1/organisations/{id}"), &make::any("organisations", id, 1), &[]).await.expect(201);
    }
    let any = [("if-match", "*")];
    let mut grant = make::grant("A");
    grant["organisations"] = json!([{"organisation": "T-A", "role": "implementing"}]);
    town.put("/v1/grants/T-1", &grant, &[]).await.expect(201);
    town.delete("/v1/organisations/T-A?merged_into=T-B", &any).await.problem(409);
    town.patch("/v1/grants/T-1", &json!({"organisations": []}), &any).await.expect(200);
    for survivor in ["T-A", "T-1", "T-none"] {
        let answer = town.delete(&format!("/v1/organisations/T-A?merged_into={survivor}"), &any).await;
        assert_eq!(answer.problem(400), ["merged_into reference_unknown"]);
    }
    town.delete("/v1/organisations/T-A?merged_into=T-B", &any).await.expect(204);
    let merged = app.anon().get("/v1/organisations/T-A").await.expect(308);
    assert_eq!(merged.header("location"), "/v1/organisations/T-B");
    let merged = app.anon().get("/v1/organisations/T-A?fields=name").await.expect(308);
    assert_eq!(merged.header("location"), "/v1/organisations/T-B?fields=name");
    for id in ["T-I1", "T-I2"] {
        town.put(&format!("/v1/indicators/{id}"), &make::any("indicators", id, 1), &[]).await.expect(201);
    }
    town.delete("/v1/indicators/T-I1?merged_into=T-I2", &any).await.expect(204);
    let merged = app.anon().get("/v1/indicators/T-I1/observations.csv?sort=value").await.expect(308);
    assert_eq!(merged.header("location"), "/v1/indicators/T-I2/observations.csv?sort=value");
    town.delete("/v1/organisations/T-B?merged_into=T-C", &any).await.expect(204);
    app.anon().get("/v1/organisations/T-A").await.expect(308);
    town.put("/v1/organisations/T-A", &make::any("organisations", "T-A", 2), &any).await.problem(410);
    town.patch("/v1/organisations/T-A", &json!({}), &any).await.problem(410);
    let versions = app.anon().get("/v1/organisations/T-A/versions").await.expect(200).json();
    assert_eq!(
        (&versions["data"][0]["change"], &versions["data"][0]["merged_into"]),
        (&json!("merged"), &json!("T-B"))
    );
}

/// A sequence that is the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

/// Questions whose answers are kept along the way. What an address has in itself
/// (`links`) differs by `as_of`, so pages are compared by their data.
const QUESTIONS: &[&str] = &[
    "grants.ndjson",
    "grants.csv?sort=-amount",
    "grants.ndjson?programme=T-P3,T-P4&amount_gte=200",
    "grants?count=exact&limit=7&sort=title&include=programmes,locations",
    "grants.csv?place=T-L1",
    "programmes.ndjson?updated_at_gte=2020-01-01&sort=updated_at",
    "locations.ndjson",
    "observations?count=exact&limit=3",
    "indicators/T-INDICATOR/observations.ndjson",
    "grants/T-G5",
    "grants/T-G6?include=programmes",
];

async fn answers(app: &TestApp, as_of: Option<&str>) -> Vec<(u16, Vec<u8>)> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        let joint = if question.contains('?') { '&' } else { '?' };
        let as_of = as_of.map_or(String::new(), |instant| format!("{joint}as_of={instant}"));
        let mut answer = app.anon().get(&format!("/v1/{question}{as_of}")).await;
        if answer.status == 200 && question.contains("count=") {
            let mut page = answer.json();
            page["links"] = Value::Null;
            answer.body = page.to_string().into_bytes();
        } else if answer.status != 200 {
            answer.body.clear();
        }
        answers.push((answer.status, answer.body));
    }
    answers
}

#[actix_web::test]
async fn ten_thousand_changes_and_every_snapshot_again() {
    let app = TestApp::empty().await;
    let mut connection = app.connection().await;
    let before = now(&mut connection).await;
    make::write(&mut connection, &make::basics()).await;
    let all = (0..20).flat_map(|n| [("programmes", format!("T-P{n}")), ("locations", format!("T-L{n}"))]);
    let all: Vec<_> = all.map(|(collection, id)| (collection, make::any(collection, &id, 1))).collect();
    make::write(&mut connection, &all).await;
    let mut dice = Dice(7);
    let mut snapshots = Vec::new();
    let mut changes = 0;
    let mut gone: std::collections::HashSet<String> = std::collections::HashSet::new();
    for batch in 0.. {
        let mut records: Vec<(&str, Value)> = Vec::new();
        let mut deleted: Vec<(&str, String)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..80 {
            let n = dice.below(60) as usize;
            let (collection, prefix) =
                [("grants", "G"), ("programmes", "P"), ("observations", "O"), ("locations", "L")]
                    [dice.below(4) as usize];
            let identifier = format!("T-{prefix}{n}");
            if gone.contains(&identifier) || !seen.insert(identifier.clone()) {
                continue;
            }
            if collection == "grants" && n > 50 && batch > 20 && dice.below(9) == 0 {
                gone.insert(identifier.clone());
                deleted.push((collection, identifier));
                continue;
            }
            let mut record = make::any(collection, &identifier, dice.below(1000) as usize);
            if collection == "grants" && batch > 2 {
                record["programme"] = format!("T-P{}", dice.below(8)).into();
                record["places"] = json!([{"location": format!("T-L{}", dice.below(8))}]);
                record["target_groups"] = json!([{"name": {"en": format!("group {n}")}, "size": n}]);
            }
            if collection == "locations" && n > 20 && batch > 2 {
                record["parent"] = format!("T-L{}", dice.below(20)).into();
                record["kind"] = "municipality".into();
            }
            records.push((collection, record));
        }
        changes += make::change(&mut connection, &records, &deleted).await;
        if batch % 12 == 5 {
            snapshots.push((now(&mut connection).await, answers(&app, None).await));
        }
        if changes >= 10_000 {
            break;
        }
    }
    assert!(snapshots.len() > 8 && gone.len() > 3, "{} snapshots, {} deleted", snapshots.len(), gone.len());
    for (at, expected) in &snapshots {
        let then = answers(&app, Some(at)).await;
        for ((question, then), expected) in QUESTIONS.iter().zip(&then).zip(expected) {
            assert_eq!(String::from_utf8_lossy(&then.1), String::from_utf8_lossy(&expected.1), "{question} as of {at}");
            assert_eq!(then.0, expected.0, "{question} as of {at}");
        }
    }
    // Before the first of them there was none, and what is deleted now was there then.
    app.anon().get(&format!("/v1/grants/T-G5?as_of={before}")).await.problem(404);
    for deleted in gone {
        app.anon().get(&format!("/v1/grants/{deleted}")).await.problem(410);
        let versions = app.anon().get(&format!("/v1/grants/{deleted}/versions")).await.expect(200).json();
        let alive = versions["data"][1]["recorded_at"].as_str().unwrap();
        app.anon().get(&format!("/v1/grants/{deleted}?as_of={alive}")).await.expect(200);
    }
}

#[actix_web::test]
async fn the_past_can_be_paged_and_the_future_not_be_asked() {
    let app = TestApp::empty().await;
    let mut connection = app.connection().await;
    let records: Vec<_> = (0..25).map(|n| ("sources", make::any("sources", &format!("T-{n}"), n))).collect();
    make::write(&mut connection, &records).await;
    let then = now(&mut connection).await;
    let old = app.anon().get("/v1/sources?shape=array").await.json();
    let gone: Vec<_> = (0..25).map(|n| ("sources", format!("T-{n}"))).collect();
    make::change(&mut connection, &[], &gone).await;
    assert_eq!(app.anon().get("/v1/sources").await.identifiers().len(), 0);
    let mut seen = Vec::new();
    let mut next = format!("/v1/sources?limit=4&as_of={then}");
    loop {
        let page = app.anon().get(&next).await.expect(200).json();
        seen.extend(page["data"].as_array().unwrap().clone());
        match page["links"]["next"].as_str() {
            Some(address) => next = address.to_owned(),
            None => break,
        }
    }
    assert_eq!(Value::from(seen), old);
    let future = app.anon().get("/v1/sources?as_of=2999-01-01").await;
    assert_eq!(future.problem(400), ["as_of instant_future"]);
    assert_eq!(app.anon().get("/v1/sources?as_of=yesterday").await.problem(400), ["as_of instant_invalid"]);
    // Whoever asks for this very moment waits for who is writing, and nobody writes into it later.
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let first = app.anon().get(&format!("/v1/sources.ndjson?as_of={now}")).await.expect(200).body;
    app.town().put("/v1/sources/T-new", &make::any("sources", "T-new", 1), &[]).await.expect(201);
    assert_eq!(app.anon().get(&format!("/v1/sources.ndjson?as_of={now}")).await.expect(200).body, first);
}
