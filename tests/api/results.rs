//! Results: values against targets, parts against wholes, and what feeds a wider indicator.

use serde_json::{Value, json};

use crate::make;
use crate::support::{Client, TestApp};

pub async fn progress(client: &Client, indicator: &str) -> Value {
    client.get(&format!("/v1/indicators/{indicator}/progress")).await.expect(200).json()
}

/// A country with two districts of two towns each, and an indicator.
pub fn basics(indicator: Value) -> Vec<(&'static str, Value)> {
    let place = |id: &str, kind: &str, parent: Option<&str>| {
        ("locations", json!({"identifier": id, "kind": kind, "name": {"en": id}, "country": "RS", "parent": parent}))
    };
    let mut own = json!({"identifier": "T-I", "title": {"en": "I"}, "measure": "unit", "unit": {"en": "people"}});
    own.as_object_mut().unwrap().extend(indicator.as_object().unwrap().clone());
    vec![
        place("T-C", "country", None),
        place("T-D1", "nuts3", Some("T-C")),
        place("T-D2", "nuts3", Some("T-C")),
        place("T-A", "municipality", Some("T-D1")),
        place("T-B", "municipality", Some("T-D1")),
        place("T-E", "municipality", Some("T-D2")),
        ("indicators", own),
    ]
}

pub fn observation(id: &str, more: Value) -> (&'static str, Value) {
    let mut own = json!({"identifier": id, "indicator": "T-I", "kind": "actual", "end_date": "2024"});
    own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ("observations", own)
}

#[actix_web::test]
async fn values_are_held_against_their_targets_in_the_right_direction() {
    for (indicator, baseline, target, value, percentage, reason, met) in [
        (json!({"direction": "increase"}), Some(10), Some(50), 20, json!(25), Value::Null, json!(false)),
        (json!({"direction": "increase"}), None, Some(80), 90, json!(112.5), Value::Null, json!(true)),
        (json!({"direction": "decrease"}), Some(40), Some(10), 30, json!(33.33), Value::Null, json!(false)),
        (json!({"direction": "decrease"}), Some(40), Some(10), 50, json!(-33.33), Value::Null, json!(false)),
        (json!({"direction": "decrease"}), None, Some(10), 5, Value::Null, json!("no_baseline"), json!(true)),
        (json!({"direction": "increase"}), Some(5), Some(5), 5, Value::Null, json!("target_is_baseline"), json!(true)),
        (
            json!({"direction": "increase"}),
            Some(9),
            Some(5),
            7,
            Value::Null,
            json!("target_against_direction"),
            json!(true),
        ),
        (json!({"direction": "neutral"}), Some(1), Some(5), 7, Value::Null, json!("direction_neutral"), Value::Null),
        (json!({}), Some(1), Some(5), 7, Value::Null, json!("direction_unstated"), Value::Null),
        (json!({"direction": "increase"}), Some(1), None, 7, Value::Null, json!("no_target"), Value::Null),
        (
            json!({"direction": "increase", "measure": "ordinal"}),
            None,
            Some(1),
            7,
            Value::Null,
            json!("not_measured_in_numbers"),
            json!(true),
        ),
    ] {
        let app = TestApp::empty().await;
        let mut records = basics(indicator.clone());
        records.extend(
            baseline.map(|value| observation("T-0", json!({"kind": "baseline", "end_date": "2020", "value": value}))),
        );
        records.extend(
            target.map(|value| observation("T-1", json!({"kind": "target", "end_date": "2025", "value": value}))),
        );
        records.push(observation("T-2", json!({"end_date": "2023", "value": value})));
        make::write(&mut app.connection().await, &records).await;
        let latest = progress(&app.anon(), "T-I").await["data"][0]["latest"].clone();
        let found = (&latest["achieved_percentage"], &latest["achieved_reason"], &latest["target_met"]);
        assert_eq!(found, (&percentage, &reason, &met), "{indicator} {baseline:?} {target:?} {value}");
    }
}

#[actix_web::test]
async fn a_value_has_the_target_of_its_time_and_a_chart_takes_both() {
    let app = TestApp::empty().await;
    let mut records = basics(json!({"direction": "increase"}));
    for (n, (kind, date, value)) in [
        ("target", "2023", 10),
        ("target", "2025", 40),
        ("actual", "2023-06", 5),
        ("actual", "2024", 20),
        ("actual", "2026", 44),
    ]
    .into_iter()
    .enumerate()
    {
        records.push(observation(&format!("T-{n}"), json!({"kind": kind, "end_date": date, "value": value})));
    }
    make::write(&mut app.connection().await, &records).await;
    let found = progress(&app.anon(), "T-I").await;
    let achieved: Vec<String> =
        found["data"][0]["actual"].as_array().unwrap().iter().map(|p| p["achieved_percentage"].to_string()).collect();
    assert_eq!(achieved, ["50", "50", "110"]);
    assert_eq!(
        found["chart"],
        json!({"labels": ["2023-06", "2023", "2024", "2025", "2026"], "datasets": [
            {"label": "all", "kind": "target", "data": [null, 10, null, 40, null]},
            {"label": "all", "kind": "actual", "data": [5, null, 20, null, 44]}]})
    );
    let before = app.anon().get("/v1/indicators/T-I/progress?end_date_lte=2024&kind=actual").await.expect(200).json();
    assert_eq!(before["data"][0]["latest"]["value"], json!(20));
}

#[actix_web::test]
async fn what_disagrees_is_kept_and_one_is_in_use() {
    let app = TestApp::empty().await;
    let mut records = basics(json!({"additive": true}));
    let source = |id: &str, published: &str| {
        (
            "sources",
            json!({"identifier": id, "title": {"en": id}, "url": "https://a.example/x", "published": published}),
        )
    };
    records.extend([source("T-OLD", "2020"), source("T-NEW", "2024-05")]);
    let says = |id: &str, value: u32, exactness: &str, source: &str| {
        observation(
            id,
            json!({"value": value, "exactness": exactness, "place": "T-A", "sources": [{"source": source, "fields": ["/value"]}]}),
        )
    };
    records.extend([
        says("T-1", 1, "exact", "T-OLD"),
        says("T-2", 2, "exact", "T-NEW"),
        says("T-3", 3, "approximate", "T-NEW"),
        says("T-4", 4, "exact", "T-NEW"),
    ]);
    make::write(&mut app.connection().await, &records).await;
    let found = progress(&app.anon(), "T-I").await;
    let latest = &found["data"][0]["latest"];
    assert_eq!(latest["value"], json!(2));
    let others: Vec<&Value> = latest["others"].as_array().unwrap().iter().map(|other| &other["identifier"]).collect();
    assert_eq!(others, ["T-4", "T-1", "T-3"]);
    let total = app.anon().get("/v1/totals/indicators?indicator=T-I&kind=actual").await.expect(200).json();
    assert_eq!(
        (&total["meta"]["total"][0]["sum"], &total["meta"]["excluded"][0]["reason"]),
        (&json!(2), &json!("other_value"))
    );
    assert_eq!(total["meta"]["excluded"][0]["count"], json!(3));
}

#[actix_web::test]
async fn an_indicator_rolls_up_only_what_may_be_added() {
    let app = TestApp::empty().await;
    let mut records = basics(json!({"additive": true, "direction": "increase"}));
    records.push(("grants", json!({"identifier": "T-G", "title": {"en": "G"}, "status": "closed"})));
    let feeding = |id: &str, parent: &str| {
        (
            "indicators",
            json!({"identifier": id, "title": {"en": id}, "measure": "unit", "unit": {"en": "people"}, "additive": true, "parent": parent, "grant": "T-G"}),
        )
    };
    records.extend([feeding("T-F1", "T-I"), feeding("T-F2", "T-I"), feeding("T-F3", "T-F2")]);
    let of = |id: &str, indicator: &str, more: Value| {
        let (kind, mut record) = observation(id, more);
        record["indicator"] = indicator.into();
        (kind, record)
    };
    records.extend([
        of("T-1", "T-I", json!({"kind": "target", "value": 200})),
        of("T-2", "T-F1", json!({"value": 30, "place": "T-A"})),
        of("T-3", "T-F1", json!({"value": 20, "place": "T-B"})),
        // What F3 feeds into F2 has no value of its own there.
        of("T-4", "T-F3", json!({"value": 100})),
    ]);
    make::write(&mut app.connection().await, &records).await;
    let found = progress(&app.anon(), "T-I").await;
    let rolled = &found["roll_up"]["values"][0];
    assert_eq!(
        (&rolled["value"], &rolled["indicators"]),
        (&json!(150), &json!([{"identifier": "T-F1", "value": 50}, {"identifier": "T-F2", "value": 100}]))
    );
    assert_eq!(
        (&found["data"][0]["latest"]["value"], &found["data"][0]["latest"]["achieved_percentage"]),
        (&json!(150), &json!(75))
    );
    // What is rolled up from some only is not compared.
    make::write(&mut app.connection().await, &[of("T-5", "T-F1", json!({"value": 7, "end_date": "2025"}))]).await;
    let found = progress(&app.anon(), "T-I").await;
    let latest = &found["data"][0]["latest"];
    let told = (&latest["value"], &latest["achieved_reason"], &latest["missing"]);
    assert_eq!(told, (&json!(7), &json!("roll_up_incomplete"), &json!(["T-F2"])));
    // Another unit, or values that may not be added, and nothing is added.
    let admin = app.admin();
    for (unit, additive, reason) in [("hours", true, "unit_differs"), ("people", false, "not_additive")] {
        let mut other = feeding("T-F3", "T-F2").1;
        (other["unit"], other["additive"]) = (json!({"en": unit}), additive.into());
        admin.put("/v1/indicators/T-F3", &other, &[("if-match", "*")]).await.expect(200);
        let found = progress(&app.anon(), "T-I").await;
        assert_eq!(
            (&found["roll_up"]["values"], &found["roll_up"]["refused"][0]["reason"]),
            (&Value::Null, &json!(reason))
        );
        assert_eq!(found["data"][0]["latest"], Value::Null);
    }
    let mut circle = feeding("T-F1", "T-F1").1;
    assert_eq!(admin.put("/v1/indicators/T-F1", &circle, &[("if-match", "*")]).await.problem(400), ["/parent circle"]);
    circle["parent"] = "T-NONE".into();
    assert_eq!(
        admin.put("/v1/indicators/T-F1", &circle, &[("if-match", "*")]).await.problem(400),
        ["/parent reference_unknown"]
    );
}

#[actix_web::test]
async fn totals_of_indicators_refuse_to_mix_and_count_nothing_twice() {
    let app = TestApp::empty().await;
    let mut records = basics(json!({"additive": true}));
    let of = |n: u32, more: Value| observation(&format!("T-{n}"), more);
    records.extend([
        of(0, json!({"value": 60, "place": "T-C"})),
        of(1, json!({"value": 30, "place": "T-A"})),
        of(2, json!({"value": 20, "place": "T-B"})),
        of(3, json!({"value": 8, "place": "T-A", "disaggregation": {"sex": "female"}})),
        of(4, json!({"value": 22, "place": "T-A", "disaggregation": {"sex": "male"}})),
        // Only by groups, in two ways.
        of(5, json!({"value": 6, "place": "T-E", "disaggregation": {"sex": "female"}})),
        of(6, json!({"value": 4, "place": "T-E", "disaggregation": {"sex": "male"}})),
        of(7, json!({"value": 10, "place": "T-E", "disaggregation": {"years": "15-24"}})),
        of(8, json!({"value": 25, "place": "T-A", "end_date": "2023"})),
        of(9, json!({"value": 999, "kind": "target"})),
        of(10, json!({"value_text": {"en": "many"}, "place": "T-B", "end_date": "2025"})),
    ]);
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    let ask = async |query: &str| anon.get(&format!("/v1/totals/indicators?{query}")).await.expect(200).json();
    let whole = ask("indicator=T-I&kind=actual").await;
    assert_eq!(whole["meta"]["total"], json!([{"unit": "people", "sum": 60, "count": 4}]));
    let mut excluded: Vec<(String, u64)> = Vec::new();
    for judged in whole["meta"]["excluded"].as_array().unwrap() {
        excluded.push((judged["reason"].as_str().unwrap().into(), judged["count"].as_u64().unwrap()));
        let rows = anon.get(judged["explain"].as_str().unwrap()).await.expect(200).json();
        assert_eq!(rows["data"].as_array().unwrap().len() as u64, judged["count"].as_u64().unwrap());
    }
    let expected = [("earlier", 1), ("not_a_number", 1), ("part", 3), ("replaced", 1)];
    assert_eq!(excluded, expected.map(|(reason, count)| (reason.to_owned(), count)));
    let districts = ask("indicator=T-I&kind=actual&group_by=place&place_level=nuts3").await;
    let sums: Vec<(&Value, &Value)> =
        districts["data"].as_array().unwrap().iter().map(|group| (&group["place"], &group["sum"])).collect();
    assert_eq!(sums, [(&json!("T-D1"), &json!(50)), (&json!("T-D2"), &json!(10))]);
    // A whole of which some parts are missing counts itself, as progress has it.
    let replace = async |value: u32| {
        let (_, whole) = observation("T-0", json!({"value": value, "place": "T-C"}));
        app.admin().put("/v1/observations/T-0", &whole, &[("if-match", "*")]).await.expect(200);
    };
    replace(61).await;
    let whole = ask("indicator=T-I&kind=actual").await;
    assert_eq!(whole["meta"]["total"], json!([{"unit": "people", "sum": 61, "count": 1}]));
    let quarters = ask("indicator=T-I&kind=actual&group_by=quarter").await;
    assert_eq!(quarters["data"][0]["quarter_reason"], "unstated");
    replace(60).await;
    // By year each has its own whole: what is of different years is not added.
    let years = ask("indicator=T-I&kind=actual&group_by=year&sort=key").await;
    let of = |items: &Value| {
        items.as_array().unwrap().iter().map(|group| format!("{} {}", group["year"], group["sum"])).collect::<Vec<_>>()
    };
    assert_eq!(of(&years["data"]), ["\"2023\" 25", "\"2024\" 60"]);
    assert_eq!(of(&years["meta"]["total"]), of(&years["data"]));
    for (query, fault) in [
        ("kind=actual", "indicator measures_mixed"),
        ("indicator=T-I", "kind measures_mixed"),
        ("indicator=T-I,T-J&kind=actual", "indicator measures_mixed"),
        ("indicator=T-I&kind=actual&currency=EUR", "currency unknown_parameter"),
        ("indicator=T-I&kind=actual&boundary=T-C", "boundary not_with_subject"),
    ] {
        assert_eq!(anon.get(&format!("/v1/totals/indicators?{query}")).await.problem(400), [fault], "{query}");
    }
    app.admin()
        .put("/v1/indicators/T-I", &json!({"title": {"en": "I"}, "measure": "unit"}), &[("if-match", "*")])
        .await
        .expect(200);
    assert_eq!(
        anon.get("/v1/totals/indicators?indicator=T-I&kind=actual").await.problem(400),
        ["measure not_additive"]
    );
    let grouped = ask("group_by=indicator&kind=actual").await;
    assert_eq!(grouped["data"], json!([]));
}

#[actix_web::test]
async fn an_answer_stays_small_however_parts_and_wholes_are_entangled() {
    let app = TestApp::empty().await;
    let mut records = basics(json!({"additive": true, "direction": "increase"}));
    for n in 0..500_usize {
        let keys = (0..9).filter(|key| n < 400 || n >> key & 1 == 1).map(|key| (format!("k{key}"), json!("1")));
        let mut people: serde_json::Map<String, Value> = keys.collect();
        if n < 400 {
            people.insert("own".into(), n.to_string().into());
        }
        let kind = if n < 400 { "actual" } else { "target" };
        records.push(observation(&format!("T-{n}"), json!({"kind": kind, "value": 1, "disaggregation": people})));
    }
    make::write(&mut app.connection().await, &records).await;
    let answer = app.anon().get("/v1/indicators/T-I/progress").await.expect(200);
    assert!(answer.text().len() < 5_000_000, "{} bytes", answer.text().len());
    let found = answer.json();
    let series = found["data"].as_array().unwrap();
    assert!(series.iter().any(|series| series["latest"]["observations_omitted"].is_number()));
    app.anon().get("/v1/totals/indicators?indicator=T-I&group_by=kind").await.expect(200);
}
