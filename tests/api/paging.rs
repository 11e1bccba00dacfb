//! Following `links.next` visits every record that stayed exactly once, in
//! order, with ties, for every sort key of every collection, while others write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aid_register::collections;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::make;
use crate::support::TestApp;

/// Follows the pages of a list and gives the identifiers in the order of the visit.
pub async fn follow(app: &TestApp, path: &str) -> Vec<String> {
    let mut visited = Vec::new();
    let mut next = format!("{}{path}", app.base);
    loop {
        let page = app.anon().get(&next).await.expect(200);
        visited.extend(page.identifiers());
        let json = page.json();
        match json["links"]["next"].as_str() {
            Some(address) => {
                assert_eq!(page.header("link"), format!("<{address}>; rel=\"next\""));
                next = address.to_owned();
            }
            None => return visited,
        }
        assert!(visited.len() < 10_000, "the pages do not end");
    }
}

async fn check(app: &TestApp, path: &str, stayed: &[String]) {
    let visited = follow(app, path).await;
    let mut seen: Vec<&String> = visited.iter().filter(|id| stayed.contains(id)).collect();
    seen.sort();
    assert_eq!(seen, stayed.iter().collect::<Vec<_>>(), "{path}");
}

#[test]
fn every_record_once() {
    let cases = Config { cases: 3, ..Config::default() };
    let strategy = (prop::collection::vec(0usize..60, 10..18), 3usize..9);
    TestRunner::new(cases)
        .run(&strategy, |(seeds, limit)| {
            actix_web::rt::System::new().block_on(visit_all(seeds, limit));
            Ok(())
        })
        .unwrap();
}

async fn visit_all(seeds: Vec<usize>, limit: usize) {
    let app = TestApp::empty().await;
    let mut connection = app.connection().await;
    let mut records = make::basics();
    for kind in collections::ALL {
        for (n, seed) in seeds.iter().enumerate() {
            let identifier = format!("T-{}-{n:03}", kind.collection);
            records.push((kind.collection, make::any(kind.collection, &identifier, *seed)));
        }
    }
    make::write(&mut connection, &records).await;
    // Others write all the while: new records everywhere, and these change and go.
    let done = Arc::new(AtomicBool::new(false));
    let (town, stop) = (app.town(), Arc::clone(&done));
    let writer = actix_web::rt::spawn(async move {
        for n in 0.. {
            for kind in collections::ALL {
                if stop.load(Ordering::Relaxed) {
                    return n;
                }
                let identifier = format!("T-{}-{:03}-x", kind.collection, n % 37);
                let path = format!("/v1/{}/{identifier}", kind.collection);
                let record = make::any(kind.collection, &identifier, n);
                let put = town.put(&path, &record, &[]).await;
                if put.status == 428 && n % 3 == 0 {
                    town.put(&path, &record, &[("if-match", "*")]).await.expect(200);
                }
            }
        }
        0
    });
    for kind in collections::ALL {
        let mut stayed: Vec<String> = records
            .iter()
            .filter(|(collection, _)| *collection == kind.collection)
            .map(|(_, record)| record["identifier"].as_str().unwrap().to_owned())
            .collect();
        stayed.sort();
        for sort in kind.all_sorts() {
            for order in ["", "-"] {
                let path = format!("/v1/{}?sort={order}{}&limit={limit}", kind.collection, sort.name);
                check(&app, &path, &stayed).await;
                if kind.collection == "observations" && ["identifier", "value"].contains(&sort.name) {
                    let path = path.replace("/observations", "/indicators/T-INDICATOR/observations");
                    check(&app, &path, &stayed).await;
                }
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}

#[actix_web::test]
async fn a_cursor_belongs_to_its_question() {
    let app = TestApp::empty().await;
    let records: Vec<_> = (0..9).map(|n| ("grants", make::any("grants", &format!("T-{n}"), n))).collect();
    make::write(&mut app.connection().await, &records).await;
    let page = app.anon().get("/v1/grants?sort=amount&limit=2&status=closed").await.expect(200).json();
    let next = page["links"]["next"].as_str().unwrap().to_owned();
    app.anon().get(&next).await.expect(200);
    app.anon().get(&next.replace("limit=2", "limit=5")).await.expect(200);
    for other in [
        next.replace("sort=amount", "sort=title"),
        next.replace("closed", "pipeline"),
        next.replace("grants?", "programmes?"),
    ] {
        assert_eq!(app.anon().get(&other).await.problem(400), ["cursor cursor_invalid"]);
    }
}

#[actix_web::test]
async fn a_cursor_cannot_be_made_by_hand() {
    use base64::Engine;
    let app = TestApp::empty().await;
    for key in ["abc", "2020-99-99", "a\0b"] {
        let seal = aid_register::digest::digest(format!("grants&sort=-amount\n{key}\nX").as_bytes());
        let forged = serde_json::json!([key, "X", seal]).to_string();
        let forged = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(forged);
        let answer = app.anon().get(&format!("/v1/grants?sort=-amount&cursor={forged}")).await;
        assert_eq!(answer.problem(400), ["cursor cursor_invalid"]);
    }
}

#[actix_web::test]
async fn a_page_of_large_records_ends_early_and_the_next_goes_on() {
    let app = TestApp::empty().await;
    let large: String = "ž".repeat(50_000);
    let records: Vec<(&str, Value)> = (0..30)
        .map(|n| {
            let texts: serde_json::Map<String, Value> = ["en", "sr", "de", "fr", "it", "ro", "hu", "bg", "hr"]
                .map(|tag| (tag.to_owned(), large.clone().into()))
                .into_iter()
                .collect();
            let mut grant = make::grant("L");
            grant["identifier"] = format!("T-{n:02}").into();
            grant["description"] = texts.into();
            ("grants", grant)
        })
        .collect();
    make::write(&mut app.connection().await, &records).await;
    let first = app.anon().get("/v1/grants").await.expect(200);
    let shown = first.identifiers().len();
    assert!((1..30).contains(&shown), "{shown}");
    let all: Vec<String> = (0..30).map(|n| format!("T-{n:02}")).collect();
    assert_eq!(follow(&app, "/v1/grants").await, all);
    let feed = app.anon().get("/v1/changes?include=records").await.expect(200).json();
    assert!(feed["data"].as_array().unwrap().len() < 30 && feed["links"]["next"].is_string());
}
