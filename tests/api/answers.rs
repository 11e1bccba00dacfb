//! Totals and searches say what they are: the note on a place, the rows of any question, what a
//! filter leaves out, and where nothing was found because nothing is called so.

use serde_json::{Value, json};

use crate::make;
use crate::support::{Client, TestApp};

async fn total(anon: &Client, question: &str) -> Value {
    anon.get(&format!("/v1/totals/{question}")).await.expect(200).json()
}

/// The sum and count of a whole.
fn whole(answer: &Value) -> (String, String) {
    let total = &answer["meta"]["total"][0];
    (total["sum"].to_string(), total["count"].to_string())
}

fn reasons(answer: &Value) -> Vec<(String, String)> {
    let excluded = answer["meta"]["excluded"].as_array().unwrap().iter();
    excluded.map(|judged| (judged["reason"].as_str().unwrap().to_owned(), judged["amount"].to_string())).collect()
}

#[actix_web::test]
async fn only_the_part_that_a_filter_finds_counts() {
    let app = TestApp::shipped().await;
    let mut connection = app.connection().await;
    let mut grant = make::any("grants", "T-1", 1);
    grant["budget"] = json!({"amount": 1000, "currency": "SEK"});
    grant["places"] = json!([{"location": "RS-71200", "percentage": 25}, {"location": "RS-80152", "percentage": 75}]);
    grant["sectors"] = json!([{"code": "11220", "vocabulary": "1"}, {"code": "112", "vocabulary": "2"}]);
    make::write(&mut connection, &[("grants", grant)]).await;
    let anon = app.anon();
    let sek = "grants?original_currency=SEK";
    let point = anon.get("/v1/locations/RS-71200").await.json()["point"].clone();
    let (north, east) = (point["latitude"].as_f64().unwrap(), point["longitude"].as_f64().unwrap());
    let near = format!("near={north},{east},2");
    let around = format!("bbox={},{},{},{}", east - 0.01, north - 0.01, east + 0.01, north + 0.01);
    for filter in ["place=RS-71200", near.as_str(), around.as_str(), &format!("{around}&place=RS")] {
        let answer = total(&anon, &format!("{sek}&{filter}&group_by=place")).await;
        assert_eq!(whole(&answer), ("250.00".into(), "1".into()), "{filter}");
        assert_eq!((answer["data"].as_array().unwrap().len(), &answer["data"][0]["place"]), (1, &json!("RS-71200")));
    }
    // Found by a code that amounts are not divided by.
    for question in ["sector=112", "sector=112&group_by=sector"] {
        let answer = total(&anon, &format!("{sek}&{question}")).await;
        assert_eq!(reasons(&answer), [("share_unknown".into(), "1000.00".into())], "{question}");
    }
    assert_eq!(whole(&total(&anon, &format!("{sek}&sector=112,11220")).await).0, "1000.00");
}

#[actix_web::test]
async fn every_total_leads_to_its_rows() {
    let app = TestApp::shipped().await;
    let mut connection = app.connection().await;
    let mut flows = Vec::new();
    for n in 0..6 {
        let mut flow = make::any("transactions", &format!("T-{n}"), n + 1);
        flow["type"] = json!(["disbursement", "expenditure"][n % 2]);
        flows.push(("transactions", flow));
    }
    make::write(&mut connection, &flows).await;
    let anon = app.anon();
    for question in [
        "transactions?measure=count",
        "transactions?measure=count,organisations&group_by=year",
        "transactions?measure=average&type=disbursement&average_gte=1&group_by=type",
        "indicators?measure=count&group_by=place&place=RS",
        "indicators?measure=average,median&indicator=AR-LNOB-TEACHERS&kind=actual",
        "grants?group_by=status&shape=long&sort=key",
    ] {
        let answer = total(&anon, question).await;
        let rows = anon.get(answer["meta"]["explain"].as_str().unwrap()).await.expect(200).json();
        let included: u64 =
            answer["meta"]["included"].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum();
        let mut records: Vec<&str> =
            rows["data"].as_array().unwrap().iter().map(|row| row["identifier"].as_str().unwrap()).collect();
        records.sort_unstable();
        records.dedup();
        assert!(included > 0 && records.len() as u64 == included, "{question}: {included} {records:?}");
        for group in answer["data"].as_array().unwrap() {
            let rows = anon.get(group["explain"].as_str().unwrap()).await.expect(200).json();
            assert!(!rows["data"].as_array().unwrap().is_empty(), "{question} {group}");
        }
    }
    // Commitments and payments are nowhere added up.
    let all = total(&anon, "transactions?measure=count").await;
    let types: Vec<&str> =
        all["meta"]["included"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["disbursement", "expenditure"]);
    let csv = anon.get("/v1/totals/transactions/rows.csv?type=expenditure&group_by=type").await.expect(200);
    let lines: Vec<String> = csv.text().lines().map(String::from).collect();
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert_eq!(
        (lines.len(), lines[0].as_str()),
        (4, "identifier,amount,currency,part,part_currency,reason,url,place_notes,type")
    );
    assert!(lines[1].starts_with("T-1,200.00,EUR,200.00,EUR,,http") && lines[1].ends_with(",expenditure"), "{lines:?}");
    for (address, fault) in [
        ("grants/rows?excluded=foo", "excluded value_unknown"),
        ("grants/rows?group=RS", "group not_without_group_by"),
        ("transactions/rows?type=disbursement&excluded=inside", "excluded not_without_boundary"),
        ("grants/rows?shape=wide", "shape unknown_parameter"),
        ("grants/rows?sum_gte=1", "sum_gte unknown_parameter"),
        ("grants/rows.csv?limit=1", "limit not_with_format"),
        ("grants?measure=sum,sum", "measure measure_repeated"),
        ("grants?place=RS999,rs222", "place place_unknown"),
        ("grants?group_by=status,year&shape=wide&measure=sum&limit=5", "limit not_with_shape"),
    ] {
        let faults = anon.get(&format!("/v1/totals/{address}")).await.problem(400);
        assert_eq!(faults[0], fault, "{address}");
    }
    let hint = anon.get("/v1/totals/grants?place=rs222").await.text();
    assert!(hint.contains("did you mean RS222?"), "{hint}");
}

#[actix_web::test]
async fn a_flow_whose_parts_a_filter_leaves_out_says_so() {
    let app = TestApp::empty().await;
    let flow = |id: &str, date: &str, amount: u32, parent: Option<&str>| json!({"identifier": id, "type": "disbursement", "date": date, "value": {"amount": amount, "currency": "EUR"}, "parent": parent});
    let flows = [
        ("transactions", flow("T-1", "2021-01-05", 100, None)),
        ("transactions", flow("T-2", "2021-05-05", 60, Some("T-1"))),
        ("transactions", flow("T-3", "2021-05-06", 40, Some("T-1"))),
    ];
    make::write(&mut app.connection().await, &flows).await;
    let before = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let anon = app.anon();
    let all = total(&anon, "transactions?type=disbursement").await;
    assert_eq!(
        (whole(&all), reasons(&all)),
        (("100.00".into(), "2".into()), vec![("replaced".into(), "100.00".into())])
    );
    let early = total(&anon, "transactions?type=disbursement&date_lte=2021-03-31").await;
    assert_eq!(reasons(&early), [("parts_elsewhere".into(), "100.00".into())]);
    let rows = anon.get(early["meta"]["excluded"][0]["explain"].as_str().unwrap()).await.expect(200).json();
    assert_eq!(rows["data"][0]["identifier"], "T-1");
    // Of three levels the upper two alone: neither has a part here that counts.
    let below = [("transactions", flow("T-4", "2021-07-07", 40, Some("T-3")))];
    make::write(&mut app.connection().await, &below).await;
    let upper = total(&anon, "transactions?type=disbursement&identifier=T-1,T-3").await;
    assert_eq!(reasons(&upper), [("parts_elsewhere".into(), "140.00".into())]);
    app.admin().delete("/v1/transactions/T-4", &[("if-match", "*")]).await.expect(204);
    // As of then it is the same, whatever becomes of the parts.
    app.admin().delete("/v1/transactions/T-2", &[("if-match", "*")]).await.expect(204);
    app.admin().delete("/v1/transactions/T-3", &[("if-match", "*")]).await.expect(204);
    assert_eq!(whole(&total(&anon, "transactions?type=disbursement").await).1, "1");
    let then = total(&anon, &format!("transactions?type=disbursement&as_of={before}")).await;
    assert_eq!((whole(&then), reasons(&then)), (whole(&all), reasons(&all)));
}

#[actix_web::test]
async fn tables_and_maps_of_totals_say_what_is_left_out() {
    let app = TestApp::shipped().await;
    let anon = app.anon();
    let csv = anon.get("/v1/totals/grants.csv?group_by=place&currency=RSD").await.expect(200).text();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<std::collections::BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let of = |kind: &str| rows.iter().filter(|row| row["row"] == kind).collect::<Vec<_>>();
    let json = total(&anon, "grants?group_by=place&currency=RSD").await;
    assert_eq!(of("excluded").len(), json["meta"]["excluded"].as_array().unwrap().len());
    for (row, judged) in of("excluded").iter().zip(json["meta"]["excluded"].as_array().unwrap()) {
        assert_eq!(
            (&row["reason"], &row["records"]),
            (&judged["reason"].as_str().unwrap().into(), &judged["count"].to_string())
        );
        assert!(row["explain"].contains("excluded="));
    }
    assert!(!of("included").is_empty() || !of("excluded").is_empty());
    assert!(of("method")[0]["explain"].ends_with("/docs/METHOD.md"));
    let map = anon.get("/v1/totals/grants.geojson?group_by=place").await.expect(200).json();
    assert_eq!(map["meta"]["excluded"], total(&anon, "grants?group_by=place").await["meta"]["excluded"]);
    assert!(map["features"][0]["properties"]["explain"].is_string());
    let mut ids: Vec<&str> =
        map["features"].as_array().unwrap().iter().map(|feature| feature["id"].as_str().unwrap()).collect();
    let features = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), features);
    // Wide: the sums of rows and columns, and the names of columns.
    let mut connection = app.connection().await;
    let mut records = Vec::new();
    for n in 0..6usize {
        let mut grant = make::any("grants", &format!("T-{n}"), n);
        grant["budget"] = json!({"amount": 10 * (n + 1), "currency": "CHF"});
        grant["status"] = json!(["closed", "pipeline"][n % 2]);
        let place = ["XK", "AL", "RS"][n % 3];
        grant["places"] = json!([{"location": place}]);
        records.push(("grants", grant));
    }
    make::write(&mut connection, &records).await;
    let wide = "group_by=status,place&shape=wide&measure=sum&original_currency=CHF";
    let csv = anon.get(&format!("/v1/totals/grants.csv?{wide}")).await.expect(200).text();
    let start = |line: &str| csv.lines().find(|found| found.starts_with(line)).map(String::from).unwrap_or_default();
    assert_eq!(
        start("row"),
        "row,status,status_name,status_note,status_reason,currency,AL,RS,XK,total,reason,records,amount,counted,inexact,explain"
    );
    assert!(start("group,closed").starts_with("group,closed,,,,CHF,50.00,30.00,10.00,90.00,"), "{csv}");
    assert!(start("total").starts_with("total,,,,,CHF,70.00,90.00,50.00,210.00,"), "{csv}");
    assert!(csv.contains("column,,,,,,,,Kosovo*,,") && csv.contains("1244"), "{csv}");
    // What may not be added up has no sums.
    let flows = [
        (
            "transactions",
            json!({"identifier": "T-F1", "type": "disbursement", "date": "2024", "grant": "T-1", "value": {"amount": 5, "currency": "CHF"}}),
        ),
        (
            "transactions",
            json!({"identifier": "T-F2", "type": "expenditure", "date": "2024", "grant": "T-1", "value": {"amount": 7, "currency": "CHF"}}),
        ),
    ];
    make::write(&mut connection, &flows).await;
    let apart =
        anon.get("/v1/totals/transactions.csv?group_by=status,type&shape=wide&measure=sum").await.expect(200).text();
    assert!(apart.contains("\r\ngroup,pipeline,,,,CHF,5.00,7.00,,") && !apart.contains("\r\ntotal,"), "{apart}");
    let json = total(&anon, &format!("grants?{wide}")).await;
    let columns = json["meta"]["columns"].as_array().unwrap();
    assert!(
        columns
            .iter()
            .any(|column| column["column"] == "XK" && column["place_note"]["en"].as_str().unwrap().contains("1244"))
    );
}

#[actix_web::test]
async fn the_note_on_a_place_stands_wherever_it_is_named() {
    let app = TestApp::shipped().await;
    let mut grant = make::any("grants", "T-1", 1);
    grant["places"] = json!([{"location": "XK"}]);
    let mut flow = make::any("transactions", "T-2", 1);
    flow["grant"] = json!("T-1");
    make::write(&mut app.connection().await, &[("grants", grant), ("transactions", flow)]).await;
    for address in [
        "locations/XK",
        "locations/XK?fields=name",
        "locations?country=XK&fields=name",
        "locations.csv?country=XK&fields=name",
        "locations.ndjson?country=XK&fields=name",
        "locations.geojson?country=XK&fields=name",
        "search?q=Kosovo",
        "search?q=Косово&collection=locations",
        "grants/T-1",
        "grants?identifier=T-1&fields=places",
        "grants.csv?identifier=T-1&grain=place",
        "grants.csv?identifier=T-1&grain=place&fields=budget",
        "transactions.csv?identifier=T-2&grain=place&fields=value",
        "grants?identifier=T-1&facets=place",
        "totals/grants?group_by=place&identifier=T-1",
        "totals/grants/rows?group_by=place&identifier=T-1",
        "totals/grants/rows.csv?group_by=place&identifier=T-1",
    ] {
        let text = app.anon().get(&format!("/v1/{address}")).await.expect(200).text();
        assert!(text.contains("1244"), "{address}: {text}");
    }
}

#[actix_web::test]
async fn facets_of_places_count_what_the_filter_finds() {
    let app = TestApp::shipped().await;
    for collection in ["programmes", "organisations", "observations", "beneficiaries"] {
        let counted = app.anon().get(&format!("/v1/{collection}?facets=place&limit=1")).await.expect(200).json();
        let values = counted["meta"]["facets"]["place"].as_array().unwrap().clone();
        assert!(!values.is_empty());
        for value in values {
            let list = format!("/v1/{collection}?place={}&count=exact&limit=1", value["value"].as_str().unwrap());
            assert_eq!(app.anon().get(&list).await.json()["meta"]["total"], value["count"], "{list}");
        }
    }
}

#[actix_web::test]
async fn words_between_others_need_not_be_found() {
    let app = TestApp::shipped().await;
    let anon = app.anon();
    let first = async |q: &str| {
        let q: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let found = anon.get(&format!("/v1/search?q={q}")).await.expect(200).json();
        found["data"][0]["identifier"].as_str().unwrap_or("none").to_owned()
    };
    for (q, identifier) in [
        ("in Ćuprija", "RS-71200"),
        ("u Ćuprija", "RS-71200"),
        ("the European Union", "AR-ORG-EC"),
        ("Pomoravski upravni okrug", "RS215"),
        ("Браничевски округ", "RS222"),
        ("Nvi Pazar", "RS-70874"),
        ("Vladičin Hna", "RS-70416"),
    ] {
        assert_eq!(first(q).await, identifier, "{q}");
    }
    let read = anon.get("/v1/search?q=in%20Bor").await.expect(200).json();
    assert_eq!(read["meta"]["search"][0]["reading"], "ignored");
    for address in ["totals/grants", "totals/grants/rows"] {
        let totals = anon.get(&format!("/v1/{address}?q=in%20Bor")).await.expect(200).json();
        assert_eq!(totals["meta"]["search"], read["meta"]["search"], "{address}");
    }
    let quoted = anon.get("/v1/search?q=%22in%20Bor%22").await.expect(200).json();
    assert_eq!(quoted["meta"]["search"].as_array().unwrap().len(), 1);
    anon.get("/v1/search?q=the").await.expect(200);
    assert_eq!(anon.get("/v1/grants?q=a*").await.problem(400), ["q search_too_short"]);
    let tiny = format!("0.{}1", "0".repeat(330));
    anon.get(&format!("/v1/grants?near={tiny},20,5")).await.expect(200);
    anon.get(&format!("/v1/totals/grants?bbox={tiny},1,2,3")).await.expect(200);
    assert_eq!(anon.get("/v1/exchange-rates?date=-20000-01-01").await.problem(400), ["date date_invalid"]);
}

#[actix_web::test]
async fn what_some_feed_is_neither_drawn_nor_held_against_a_target() {
    let app = TestApp::empty().await;
    let indicator = |id: &str, parent: Option<&str>| {
        let made = json!({"identifier": id, "title": {"en": id}, "measure": "unit", "unit": {"en": "people"},
            "additive": true, "direction": "increase", "parent": parent});
        ("indicators", made)
    };
    let value = |id: &str, of: &str, kind: &str, value: u32| {
        ("observations", json!({"identifier": id, "indicator": of, "kind": kind, "end_date": "2024", "value": value}))
    };
    let records = [
        indicator("T-TOP", None),
        indicator("T-MIDDLE", Some("T-TOP")),
        indicator("T-A", Some("T-MIDDLE")),
        indicator("T-B", Some("T-MIDDLE")),
        value("T-1", "T-A", "target", 10),
        value("T-2", "T-B", "target", 10),
        value("T-3", "T-A", "actual", 5),
    ];
    make::write(&mut app.connection().await, &records).await;
    for id in ["T-MIDDLE", "T-TOP"] {
        let found = app.anon().get(&format!("/v1/indicators/{id}/progress")).await.expect(200).json();
        let latest = &found["data"][0]["latest"];
        assert_eq!((&latest["value"], &latest["missing"]), (&json!(5), &json!(["T-B"])), "{id}: {found:#}");
        assert_eq!((&latest["achieved_reason"], &latest["target_met"]), (&json!("roll_up_incomplete"), &Value::Null));
        let lines = found["chart"]["datasets"].as_array().unwrap();
        let actual = lines.iter().find(|line| line["kind"] == "actual").unwrap();
        assert_eq!(actual["data"], json!([null]), "{id}");
    }
}

#[actix_web::test]
async fn who_is_not_named_is_no_organisation() {
    let app = TestApp::empty().await;
    let value = json!({"amount": 1, "currency": "EUR"});
    let flow = |n: usize, provider: Value| {
        (
            "transactions",
            json!({"identifier": format!("T-{n}"), "type": "expenditure", "date": "2020", "value": value, "provider": provider}),
        )
    };
    let body = ("organisations", json!({"identifier": "T-O", "name": {"en": "O"}, "type": "government"}));
    make::write(&mut app.connection().await, &[flow(1, Value::Null), flow(2, Value::Null)]).await;
    let organisations = async || {
        let answer =
            app.anon().get("/v1/totals/transactions?type=expenditure&measure=organisations").await.expect(200).json();
        answer["meta"]["total"][0]["organisations"].clone()
    };
    assert_eq!(organisations().await, 0);
    make::write(&mut app.connection().await, &[body, flow(3, json!({"organisation": "T-O"}))]).await;
    assert_eq!(organisations().await, 1);
}
