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

use crate::make;
use crate::reference;
use crate::support::TestApp;

/// What the standard says of files.
fn held(files: &[PathBuf]) -> Value {
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
    let budgets =
        cuprija.split("</value>").filter_map(|part| part.rsplit_once("currency=\"EUR\" value-date=\"2011-03-01\">"));
    let budget: Decimal = budgets.map(|(_, amount)| amount.parse::<Decimal>().unwrap()).sum();
    assert_eq!(budget, Decimal::from(177_200));
    assert!(cuprija.contains("<narrative xml:lang=\"sr-Cyrl\">Ћуприја</narrative>"));
    assert!(cuprija.contains("<related-activity ref=\"AR-CUPRIJA-CAC\" type=\"1\"/>"));
    // A grant of which nobody stated the start has that of its programme, and says so.
    assert_eq!(grants.matches("register:of=\"programme\"").count(), 10);
    // The past is another file.
    let before = app.anon().get("/v1/grants.xml?as_of=2001-01-01").await.expect(200).text();
    assert!(!before.contains("<iati-activity "));
}

/// A record's texts, as awkward as they come.
fn awkward() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[a-zA-Z<>&'\" -]{0,20}x", Just("Ћуприја ]]> \u{202e}🙂\r\n\tx\u{1}--".to_owned())];
    let language = prop_oneof![Just("en"), Just("sr-Cyrl"), Just("sr-Latn")];
    prop::collection::hash_map(language, text, 1..3).prop_map(|texts| json!(texts))
}

fn date() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::Null),
        2 => (1990u32..2040).prop_map(|year| json!(year.to_string())),
        2 => (1990u32..2040, 1u32..13).prop_map(|(year, month)| json!(format!("{year}-{month:02}"))),
        2 => (1990u32..2040, 1u32..13, 1u32..29).prop_map(|(y, m, d)| json!(format!("{y}-{m:02}-{d:02}"))),
    ]
}

fn money() -> impl Strategy<Value = Value> {
    (0i64..100_000_000, prop::sample::select(vec!["EUR", "RSD", "USD"]), date()).prop_map(
        |(cents, currency, day)| json!({"amount": cents as f64 / 100.0, "currency": currency, "value_date": day}),
    )
}

/// Shares that sum to 100, or none.
fn shares(member: &'static str, items: Vec<Value>, cut: Option<u32>) -> Value {
    let last = items.len().saturating_sub(1);
    let part = |n: usize, cut: u32| if n == last { 100 - cut * last as u32 } else { cut };
    items
        .into_iter()
        .enumerate()
        .map(|(n, item)| {
            let mut share = json!({member: item});
            if let Some(cut) = cut {
                share["percentage"] = json!(part(n, cut));
            }
            share
        })
        .collect()
}

prop_compose! {
    fn activity()(
        title in awkward(), description in prop::option::of(awkward()), start in date(), end in date(),
        status in prop::sample::select(vec!["pipeline", "implementation", "finalisation", "closed", "cancelled", "suspended"]),
        budget in prop::option::of(money()),
        places in prop::sample::subsequence(vec!["T-RS", "T-TOWN", "T-RO", "T-WORLD"], 0..4),
        sectors in prop::sample::subsequence(vec!["15112", "43040", "11220"], 0..3),
        own in prop::bool::ANY, place_cut in prop::option::of(0u32..34), sector_cut in prop::option::of(0u32..34),
        funders in prop::sample::subsequence(vec!["T-EU", "T-UNDP"], 0..3), group in prop::option::of(awkward()),
        flows in prop::collection::vec((date(), money(), 0usize..13, prop::option::of(awkward()), 0usize..4), 0..4),
        values in prop::collection::vec((date(), prop::option::of(-1000i32..1000), 0usize..3, 0usize..5), 0..5),
    ) -> (Value, Vec<Value>, Vec<Value>) {
        // A start after the end is refused before anything is written.
        let year = |date: &Value| date.as_str().map(|text| text[..4].to_owned());
        let (start, end) = match (year(&start), year(&end)) {
            (Some(from), Some(to)) if from >= to => (json!(to), json!(from)),
            _ => (start, end),
        };
        let mut sectors = shares("code", sectors.into_iter().map(|code| json!(code)).collect(), sector_cut);
        if own {
            sectors.as_array_mut().unwrap().push(json!({"vocabulary": "99", "code": "bridges", "percentage": 100}));
        }
        let activity = json!({
            "title": title, "description": description, "start_date": start, "end_date": end, "status": status, "budget": budget,
            "places": shares("location", places.into_iter().map(|place| json!(place)).collect(), place_cut),
            "sectors": sectors, "objectives": group.iter().collect::<Vec<_>>(),
            "organisations": funders.iter().map(|who| json!({"organisation": who, "role": "funding"})).collect::<Vec<_>>(),
            "tags": [{"vocabulary": "2", "code": "10"}],
            "documents": [{"url": "https://example.org/a?b=1&c=2.pdf", "title": title, "published": end}],
        });
        let types = aid_register::collections::transactions::TransactionType::VARIANTS;
        let party = |n: usize| [json!(null), json!({"organisation": "T-EU"}), json!({"beneficiary": "T-SCHOOL"}), json!({"organisation": "T-UNDP", "programme": "T-P0"})][n].clone();
        let flows = flows.into_iter().map(|(date, value, of_type, description, who)| {
            let date = if date.is_null() { json!("2020") } else { date };
            json!({"type": types[of_type], "date": date, "value": value, "description": description, "provider": party(who), "receiver": party(3 - who)})
        });
        let kinds = ["baseline", "target", "actual"];
        let measures = ["unit", "percentage", "nominal", "ordinal", "qualitative"];
        let values = values.into_iter().map(|(date, value, kind, measure)| {
            let text = value.is_none().then(|| json!({"en": "many"}));
            json!({"measure": measures[measure], "kind": kinds[kind], "end_date": date, "value": value, "value_text": text,
                "place": "T-TOWN", "beneficiary": "T-SCHOOL", "disaggregation": {"sex": "female"}})
        });
        (activity, flows.collect(), values.collect())
    }
}

/// Records of a register of such activities: programmes and grants by turns.
fn register(activities: Vec<(Value, Vec<Value>, Vec<Value>)>) -> Vec<(&'static str, Value)> {
    let place = |id: &str, kind: &str, parent: Option<&str>| json!({"identifier": id, "kind": kind, "name": {"en": id}, "country": "RS", "parent": parent, "note": {"en": "A note"}});
    let mut records = vec![
        ("locations", place("T-RS", "country", None)),
        ("locations", place("T-RO", "country", None)),
        ("locations", place("T-TOWN", "municipality", Some("T-RS"))),
        ("locations", place("T-WORLD", "nuts1", Some("T-RS"))),
        ("organisations", json!({"identifier": "T-EU", "name": {"en": "EU"}, "type": "multilateral"})),
        (
            "organisations",
            json!({"identifier": "T-UNDP", "name": {"en": "UNDP"}, "type": "multilateral",
            "identifiers": [{"scheme": "XM-DAC", "code": "41114"}], "website": "https://undp.example/"}),
        ),
        ("beneficiaries", json!({"identifier": "T-SCHOOL", "name": {"en": "School"}, "kind": "institution"})),
    ];
    for (n, (mut activity, flows, values)) in activities.into_iter().enumerate() {
        let (collection, member, id) = match n % 2 {
            0 => ("programmes", "programme", format!("T-P{n}")),
            _ => ("grants", "grant", format!("T-G{n}")),
        };
        if n % 4 == 1 {
            activity["programme"] = json!("T-P0");
            activity["recipients"] = json!([{"beneficiary": "T-SCHOOL", "role": "lead"}]);
        }
        if n < 2 {
            // A file without any activity is none, says the standard's schema.
            (activity["start_date"], activity["end_date"]) = (json!("2010"), json!(null));
        }
        activity["identifier"] = json!(id);
        records.push((collection, activity));
        for (m, mut flow) in flows.into_iter().enumerate() {
            flow["identifier"] = json!(format!("{id}-{m}"));
            flow[member] = json!(id);
            records.push(("transactions", flow));
        }
        for (m, mut value) in values.into_iter().enumerate() {
            let indicator = format!("{id}-I{m}");
            let measure = value.as_object_mut().unwrap().shift_remove("measure");
            records.push((
                "indicators",
                json!({"identifier": indicator, "title": {"en": "Classes"}, "measure": measure, member: id}),
            ));
            value["identifier"] = json!(format!("{id}-O{m}"));
            value["indicator"] = json!(indicator);
            records.push(("observations", value));
        }
    }
    records
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
