//! Indicators that others keep, and wholes held against their parts, whatever the values.

use std::sync::Arc;

use aid_register::input::Shapes;
use aid_register::store::change::Author;
use aid_register::{content, openapi};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::make;
use crate::reference;
use crate::results::{basics, observation, progress};
use crate::support::TestApp;

#[cfg_attr(no_reference, ignore = "the reference files are missing: set REGISTER_REFERENCE")]
#[actix_web::test]
async fn indicators_that_others_keep_are_loaded_from_their_tables() {
    let app = TestApp::shipped().await;
    let mut connection = app.connection().await;
    let shapes = Arc::new(Shapes::compile(&openapi::components()));
    let file = |name: &str| (name.to_owned(), std::fs::read(reference::file(&format!("indicators/{name}"))).unwrap());
    let files = [file("worldbank-population-cut.csv"), file("sdg-indicators-2016.csv")];
    let author = Author::program("load");
    let (counts, skipped) = content::load_indicators(&mut connection, &shapes, &author, &files).await.unwrap();
    assert_eq!(Vec::from_iter(skipped), ["BGR", "EUU", "HRV", "HUN", "MNE"]);
    let (again, _) = content::load_indicators(&mut connection, &shapes, &author, &files).await.unwrap();
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, counts.created));
    // Each value of the table, once.
    let mut expected = 0;
    for row in reference::table("indicators/worldbank-population-cut.csv") {
        if row["Country Code"] == "SRB" {
            let found = app
                .anon()
                .get(&format!("/v1/observations/WB-SP.POP.TOTL-SRB-{}", row["Year"]))
                .await
                .expect(200)
                .json();
            assert_eq!((found["value"].to_string(), &found["place"]), (row["Value"].clone(), &json!("RS")));
            expected += 1;
        }
    }
    let progress = app.anon().get("/v1/indicators/WB-SP.POP.TOTL/progress?place=RS").await.expect(200).json();
    assert_eq!(progress["data"][0]["actual"].as_array().unwrap().len(), expected);
    assert_eq!(progress["chart"]["labels"].as_array().unwrap().len(), expected);
    let goals = reference::table("indicators/sdg-indicators-2016.csv");
    let codes: std::collections::BTreeSet<&String> = goals.iter().map(|row| &row["indicator"]).collect();
    let found = app.anon().get("/v1/indicators?count=exact&limit=1000&publisher=indicators").await.expect(200).json();
    assert_eq!(found["meta"]["total"], codes.len() + 1);
    let bank = app.anon().get("/v1/indicators?organisation=WB-WORLD-BANK&fields=identifier").await.expect(200).json();
    assert_eq!(bank["data"], json!([{"identifier": "WB-SP.POP.TOTL"}]));
    let wrong = [(
        "a.csv".to_owned(),
        b"a,b
1,2
"
        .to_vec(),
    )];
    assert!(content::load_indicators(&mut connection, &shapes, &author, &wrong).await.is_err());
}

/// Values by town and sex; wholes of towns, districts and the country are what they add up to,
/// but for one that is off by something.
#[test]
fn wholes_are_checked_against_every_way_in_which_they_are_divided() {
    let system = actix_web::rt::System::new();
    let values = prop::collection::vec(0u32..1_000_000, 6);
    let mut runner = TestRunner::new(Config { cases: 8, ..Config::default() });
    let run = runner.run(&(values, 0usize..5, 0u32..3), |(values, wrong, off)| {
        system.block_on(async {
            let app = TestApp::empty().await;
            let mut records = basics(json!({"additive": true}));
            let mut whole = [0u32; 3];
            for (n, place) in ["T-A", "T-B", "T-E"].into_iter().enumerate() {
                for (m, sex) in ["female", "male"].into_iter().enumerate() {
                    let value = values[n * 2 + m];
                    whole[n] += value;
                    let id = format!("T-{place}-{sex}");
                    records.push(observation(
                        &id,
                        json!({"value": value, "place": place, "disaggregation": {"sex": sex}}),
                    ));
                }
            }
            let wholes = [
                ("T-A", whole[0]),
                ("T-B", whole[1]),
                ("T-E", whole[2]),
                ("T-D1", whole[0] + whole[1]),
                ("T-C", whole.iter().sum()),
            ];
            for (n, (place, value)) in wholes.into_iter().enumerate() {
                let value = if n == wrong { value + off } else { value };
                records.push(observation(&format!("T-{place}"), json!({"value": value, "place": place})));
            }
            make::write(&mut app.connection().await, &records).await;
            let found = progress(&app.anon(), "T-I").await;
            let checks = found["checks"].as_array().unwrap();
            // Three towns by sex, and two by place: a country's nearest parts are its district and the town of the other.
            prop_assert_eq!(checks.len(), 5);
            let mut failing = 0;
            for check in checks {
                let of = |value: &Value| value.as_i64().unwrap();
                prop_assert_eq!(of(&check["difference"]), of(&check["sum"]) - of(&check["value"]));
                prop_assert_eq!(check["adds_up"].as_bool().unwrap(), of(&check["difference"]) == 0);
                failing += usize::from(of(&check["difference"]) != 0);
            }
            // A town that is wrong is wrong by sex and for what it lies in.
            let expected = if off == 0 {
                0
            } else if wrong == 4 {
                1
            } else {
                2
            };
            prop_assert_eq!(failing, expected, "{}", found["checks"]);
            Ok(())
        })
    });
    run.unwrap();
}

#[actix_web::test]
async fn values_of_different_dates_are_not_added() {
    let app = TestApp::empty().await;
    let place = |id: &str, parent: Option<&str>| {
        (
            "locations",
            json!({"identifier": id, "kind": if parent.is_none() { "country" } else { "municipality" }, "name": {"en": id}, "country": "RS", "parent": parent}),
        )
    };
    let mut programme = make::programme("P");
    programme["identifier"] = json!("T-P");
    let mut grant = make::grant("G");
    (grant["identifier"], grant["programme"]) = (json!("T-G"), json!("T-P"));
    let indicator = (
        "indicators",
        json!({"identifier": "T-I", "title": {"en": "I"}, "measure": "unit", "additive": true, "direction": "increase", "grant": "T-G"}),
    );
    let value = |n: usize, kind: &str, place: &str, date: &str, value: u32| {
        (
            "observations",
            json!({"identifier": format!("T-{n}"), "indicator": "T-I", "kind": kind, "place": place, "end_date": date, "value": value}),
        )
    };
    let records = vec![
        place("T-RS", None),
        place("T-A", Some("T-RS")),
        place("T-B", Some("T-RS")),
        ("programmes", programme),
        ("grants", grant),
        indicator,
        value(1, "actual", "T-RS", "2020", 150),
        value(2, "actual", "T-A", "2024", 40),
        value(3, "actual", "T-B", "2024", 50),
        value(4, "baseline", "T-A", "2019", 20),
        value(5, "target", "T-A", "2025", 60),
    ];
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    let total = async |more: &str| {
        anon.get(&format!("/v1/totals/indicators?indicator=T-I&kind=actual{more}")).await.expect(200).json()
    };
    let all = total("").await;
    assert_eq!(
        (&all["meta"]["total"][0]["sum"], &all["meta"]["excluded"][0]["reason"]),
        (&json!(90), &json!("earlier"))
    );
    // By year each has its own, and a programme has what its grants measure.
    let years = total("&group_by=year&programme=T-P").await;
    assert_eq!((&years["data"][0]["sum"], &years["data"][1]["sum"]), (&json!(150), &json!(90)));
    assert_eq!(anon.get("/v1/indicators?programme=T-P").await.expect(200).identifiers(), ["T-I"]);
    // Dates choose what is looked at, not what it is held against.
    let path = "/v1/indicators/T-I/progress?place=T-A";
    let per_cent = |answer: Value| answer["data"][0]["actual"].as_array().unwrap().last().unwrap()["achieved"].clone();
    let whole = anon.get(path).await.expect(200).json();
    let dated = anon.get(&format!("{path}&end_date_gte=2023")).await.expect(200).json();
    assert_eq!(per_cent(whole.clone()), per_cent(dated), "{whole}");
    // A year is another date than its last day, as it is for progress.
    let more = [value(6, "actual", "T-A", "2030", 7), value(7, "actual", "T-B", "2030-12-31", 8)];
    make::write(&mut app.connection().await, &more).await;
    assert_eq!(total("").await["meta"]["total"][0]["sum"], json!(7));
}

#[actix_web::test]
async fn values_of_one_beneficiary_are_no_parts_of_anothers() {
    let app = TestApp::empty().await;
    let place = |id: &str, kind: &str, parent: Option<&str>| {
        ("locations", json!({"identifier": id, "kind": kind, "name": {"en": id}, "country": "RS", "parent": parent}))
    };
    let mut records = vec![
        place("T-RS", "country", None),
        place("T-D", "nuts3", Some("T-RS")),
        place("T-E", "nuts3", Some("T-RS")),
        place("T-A", "municipality", Some("T-D")),
    ];
    for name in ["T-B1", "T-B2"] {
        records.push(("beneficiaries", json!({"identifier": name, "kind": "agency", "name": {"en": name}})));
    }
    // Indicator, place, beneficiary, start, value.
    let stated = [
        ("T-I1", None, Some("T-B1"), None, 15),
        ("T-I1", Some("T-A"), Some("T-B1"), None, 10),
        ("T-I1", Some("T-E"), Some("T-B1"), None, 5),
        ("T-I2", Some("T-A"), Some("T-B1"), None, 10),
        ("T-I2", Some("T-D"), Some("T-B2"), None, 7),
        ("T-I3", None, None, Some("2022"), 10),
        ("T-I3", None, None, Some("2022-01-01"), 20),
    ];
    for name in ["T-I1", "T-I2", "T-I3"] {
        let indicator = json!({"identifier": name, "title": {"en": name}, "measure": "unit", "additive": true});
        records.push(("indicators", indicator));
    }
    for (n, (indicator, place, beneficiary, start, value)) in stated.into_iter().enumerate() {
        let observation = json!({"identifier": format!("T-O{n}"), "indicator": indicator, "kind": "actual", "place": place,
            "beneficiary": beneficiary, "start_date": start, "end_date": "2023", "value": value});
        records.push(("observations", observation));
    }
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    for (indicator, sum) in [("T-I1", 15), ("T-I2", 17), ("T-I3", 10)] {
        let path = format!("/v1/totals/indicators?indicator={indicator}&kind=actual");
        let total = anon.get(&path).await.expect(200).json();
        assert_eq!(total["meta"]["total"][0]["sum"], json!(sum), "{indicator}: {total}");
    }
    let progress = anon.get("/v1/indicators/T-I3/progress").await.expect(200).json();
    assert_eq!(progress["data"][0]["latest"]["value"], 10, "{progress}");
}
