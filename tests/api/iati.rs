//! IATI files of the register hold by the standard's schemas and rules, and say what it says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use aid_register::record::PartialDate;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use strum::VariantNames;

use crate::exchanged::{activity, register};
use crate::make;
use crate::reference;
use crate::support::TestApp;

/// What the standard says of files.
pub fn held(files: &[PathBuf]) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("target/tools/python/bin/python"))
        .arg(root.join("tests/iati.py"))
        .args([reference::file("iati/schemas"), reference::file("iati/rulesets/standard.json")])
        .args(files)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The files of a register, by the collection, each with no fault.
async fn exported(app: &TestApp, collections: &[&str]) -> BTreeMap<String, (String, Value)> {
    let folder = tempfile::tempdir().unwrap();
    let mut texts = BTreeMap::new();
    for collection in collections {
        let answer = app.anon().get(&format!("/v1/{collection}.xml")).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/xml");
        let path = folder.path().join(collection);
        std::fs::write(&path, &answer.body).unwrap();
        texts.insert(path, (collection.to_string(), answer.text()));
    }
    let paths: Vec<PathBuf> = texts.keys().cloned().collect();
    let told = held(&paths);
    let told = |path: &PathBuf| told[path.to_str().unwrap()].clone();
    texts
        .into_iter()
        .map(|(path, (collection, text))| {
            let told = told(&path);
            assert_eq!(told["faults"], json!([]), "{collection}: {text}");
            (collection, (text, told))
        })
        .collect()
}

#[actix_web::test]
#[cfg_attr(any(no_python_tools, no_reference), ignore = "lxml or the standard is missing: run tests/tools.sh")]
async fn the_shipped_register_is_valid() {
    let app = TestApp::shipped().await;
    let files = exported(&app, &["programmes", "grants", "organisations", "beneficiaries"]).await;
    for (collection, (text, told)) in &files {
        let found = app.anon().get(&format!("/v1/{collection}?fields=identifier")).await.expect(200);
        // Only programmes that no source gives a start are not there, and are named.
        let named = text.split_once("IATI requires: ").map_or("", |(_, named)| named.split(" -->").next().unwrap());
        let named: Vec<&str> = named.split(", ").filter(|name| !name.is_empty()).collect();
        let all = found.json()["data"].as_array().unwrap().len();
        assert_eq!(
            (told["number"].as_u64().unwrap() as usize, named.len()),
            (all - named.len(), if collection == "programmes" { 6 } else { 0 }),
            "{named:?}"
        );
    }
    // What towns were given for a year and a half is told by years, and nothing is lost.
    let grants = &files["grants"].0;
    let cuprija = grants.split("</iati-activity>").find(|activity| activity.contains("AR-CUPRIJA-CAC-GRANT<")).unwrap();
    let budgets = cuprija
        .split("</value>")
        .filter_map(|part| part.rsplit_once("currency=\"EUR\" value-date=\"2011-03-01\" register:value-date=\"\">"));
    let budget: Decimal = budgets.map(|(_, amount)| amount.parse::<Decimal>().unwrap()).sum();
    assert_eq!(budget, Decimal::from(177_200));
    assert!(cuprija.contains("<narrative xml:lang=\"sr-Cyrl\">Ћуприја</narrative>"));
    assert!(cuprija.contains("<related-activity ref=\"AR-CUPRIJA-CAC\" type=\"1\"/>"));
    // A grant of which nobody stated the start has that of its programme, and says so.
    assert_eq!(grants.matches("register:of=\"programme\"").count(), 10);
    // As it was just now it is the same, and in the past another file.
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let same = app.anon().get(&format!("/v1/grants.xml?as_of={now}")).await.expect(200).text();
    let of = |text: &str| text.split_once("<iati-activity ").unwrap().1.to_owned();
    assert_eq!(of(&same), of(grants));
    let before = app.anon().get("/v1/grants.xml?as_of=2001-01-01").await.expect(200).text();
    assert!(!before.contains("<iati-activity "));
}

#[test]
#[cfg_attr(any(no_python_tools, no_reference), ignore = "lxml or the standard is missing: run tests/tools.sh")]
fn any_register_is_valid() {
    let system = actix_web::rt::System::new();
    let mut runner = TestRunner::new(Config { cases: 4, max_shrink_iters: 20, ..Config::default() });
    let run = runner.run(&prop::collection::vec(activity(), 2..40), |activities| {
        system.block_on(async {
            let app = TestApp::empty().await;
            let records = register(activities);
            make::write(&mut app.connection().await, &records).await;
            let files = exported(&app, &["programmes", "grants", "organisations", "beneficiaries"]).await;
            // Of each collection all that has a start, itself or above it, is there; the rest is named.
            let mut flows = BTreeMap::<String, Decimal>::new();
            for collection in ["programmes", "grants"] {
                let (text, told) = &files[collection];
                let all = records.iter().filter(|(of, _)| *of == collection);
                for (_, record) in all.clone() {
                    assert!(text.contains(record["identifier"].as_str().unwrap()), "{text}");
                }
                let left_out = all.clone().filter(|(_, record)| record["start_date"].is_null()).count() as u64;
                assert!(all.count() as u64 - told["number"].as_u64().unwrap() <= left_out);
                for (key, sum) in told["sums"].as_object().unwrap() {
                    *flows.entry(key.clone()).or_default() += sum.as_str().unwrap().parse::<Decimal>().unwrap();
                }
            }
            assert_eq!(flows, expected(&records));
        });
        Ok(())
    });
    run.unwrap();
}

/// What the flows of activities that have a start add up to, by type and currency, as far as they took place.
fn expected(records: &[(&str, Value)]) -> BTreeMap<String, Decimal> {
    let of = |id: &Value| records.iter().find(|(_, record)| record["identifier"] == *id).map(|(_, record)| record);
    let date = |date: &Value| date.as_str().map(|text| PartialDate(text.to_owned()));
    let can_begin = |above: &Value, activity: &Value| {
        let end = date(&activity["end_date"]);
        date(&above["start_date"]).is_some_and(|start| end.is_none_or(|end| start.may_precede(&end)))
    };
    let has_start = |activity: &Value| {
        !activity["start_date"].is_null() || of(&activity["programme"]).is_some_and(|above| can_begin(above, activity))
    };
    let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
    let types = aid_register::collections::transactions::TransactionType::VARIANTS;
    let mut sums = BTreeMap::new();
    for (_, flow) in records.iter().filter(|(collection, _)| *collection == "transactions") {
        let activity = of(&flow["programme"]).or_else(|| of(&flow["grant"])).unwrap();
        let date = flow["date"].as_str().unwrap();
        if has_start(activity) && *date <= *today {
            let code = types.iter().position(|of_type| flow["type"] == *of_type).unwrap() + 1;
            let key = format!("{code} {}", flow["value"]["currency"].as_str().unwrap());
            *sums.entry(key).or_insert(Decimal::ZERO) +=
                flow["value"]["amount"].to_string().parse::<Decimal>().unwrap();
        }
    }
    sums
}

#[actix_web::test]
async fn what_the_standard_has_no_room_for_is_refused() {
    let app = TestApp::shipped().await;
    let codes = app.anon().get("/v1/grants.xml?fields=title&currency=EUR&limit=3").await.problem(400);
    assert_eq!(codes.len(), 3, "{codes:?}");
    app.anon().get("/v1/transactions.xml").await.problem(404);
}
