//! Totals by several dimensions: each list of a record is divided once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;
use crate::support::client::Client;

/// The sums of a total, by its keys.
async fn cells(anon: &Client, question: &str) -> BTreeMap<String, String> {
    let answer = anon.get(&format!("/v1/totals/{question}")).await.expect(200).json();
    let names: Vec<String> = serde_json::from_value(answer["meta"]["group_by"].clone()).unwrap();
    let key = |group: &Value, name: &String| match group[name].as_str() {
        Some(key) => key.to_owned(),
        None => format!("({})", group[format!("{name}_reason")].as_str().unwrap()),
    };
    let groups = answer["data"].as_array().unwrap().iter();
    groups
        .map(|group| {
            let keys: Vec<String> = names.iter().map(|name| key(group, name)).collect();
            (keys.join(" "), group["sum"].to_string())
        })
        .collect()
}

fn expected<const N: usize>(cells: [(&str, &str); N]) -> BTreeMap<String, String> {
    cells.into_iter().map(|(key, sum)| (key.to_owned(), sum.to_owned())).collect()
}

#[actix_web::test]
async fn a_list_that_two_dimensions_read_is_divided_once() {
    let app = TestApp::empty().await;
    let euro = |amount: f64| json!({"amount": amount, "currency": "EUR"});
    let place = |id: &str| json!({"identifier": id, "kind": "country", "name": {"en": id}, "country": "RS"});
    let body = |id: &str| json!({"identifier": id, "name": {"en": id}, "type": "government"});
    let mut grant = make::grant("G");
    grant["identifier"] = json!("T-1");
    grant["budget"] = euro(1000.0);
    grant["funding"] = json!([
        {"organisation": "T-EU", "kind": "eu", "amount": euro(850.0)},
        {"organisation": "T-MIN", "kind": "own_contribution", "amount": euro(100.0)},
        {"organisation": "T-MIN", "kind": "state_budget", "amount": euro(30.0)},
        {"kind": "state_budget", "amount": euro(20.0)}]);
    grant["sectors"] = json!([{"code": "14030", "percentage": 50}, {"code": "31120", "percentage": 50}]);
    grant["recipients"] = json!([{"beneficiary": "T-TOWN", "role": "lead", "percentage": 60},
        {"beneficiary": "T-SCHOOL", "role": "partner", "percentage": 40}]);
    grant["places"] = json!([{"location": "T-A", "percentage": 33.33}, {"location": "T-B", "percentage": 66.67}]);
    let mut undivided = make::grant("H");
    undivided["identifier"] = json!("T-2");
    undivided["budget"] = euro(7.0);
    undivided["funding"] = json!([{"organisation": "T-EU", "kind": "eu"}, {"organisation": "T-MIN", "kind": "eu"}]);
    let beneficiary = |id: &str, kind: &str| json!({"identifier": id, "kind": kind, "name": {"en": id}});
    let records = [
        ("locations", place("T-A")),
        ("locations", place("T-B")),
        ("organisations", body("T-EU")),
        ("organisations", body("T-MIN")),
        ("beneficiaries", beneficiary("T-TOWN", "local_government")),
        ("beneficiaries", beneficiary("T-SCHOOL", "institution")),
        ("grants", grant),
        ("grants", undivided),
    ];
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    let funded = expected([
        ("T-EU eu", "850.00"),
        ("T-MIN own_contribution", "100.00"),
        ("T-MIN state_budget", "30.00"),
        ("(unstated) state_budget", "20.00"),
        ("(undivided) eu", "7.00"),
    ]);
    assert_eq!(cells(&anon, "grants?group_by=funder,kind_of_money").await, funded);
    let paid = cells(&anon, "grants?group_by=kind_of_money&funder=T-MIN").await;
    assert_eq!(paid, expected([("own_contribution", "100.00"), ("state_budget", "30.00")]));
    let paid = cells(&anon, "grants?group_by=kind_of_money,funder&funder=T-MIN").await;
    assert_eq!(paid, expected([("own_contribution T-MIN", "100.00"), ("state_budget T-MIN", "30.00")]));
    let sectors = cells(&anon, "grants?group_by=sector_category,sector&identifier=T-1").await;
    assert_eq!(sectors, expected([("140 14030", "500.00"), ("311 31120", "500.00")]));
    let kinds = cells(&anon, "grants?group_by=beneficiary,beneficiary_kind&identifier=T-1").await;
    assert_eq!(kinds, expected([("T-TOWN local_government", "600.00"), ("T-SCHOOL institution", "400.00")]));
    // Whichever comes first: the same cells.
    for (one, other) in [("place", "sector"), ("funder", "kind_of_money"), ("beneficiary", "place"), ("sdg", "funder")]
    {
        let there = cells(&anon, &format!("grants?group_by={one},{other}")).await;
        let back = cells(&anon, &format!("grants?group_by={other},{one}")).await;
        let turned = |(key, sum): (&String, &String)| {
            let (first, second) = key.split_once(' ').unwrap();
            (format!("{second} {first}"), sum.clone())
        };
        assert_eq!(there.iter().map(turned).collect::<BTreeMap<_, _>>(), back, "{one}, {other}");
    }
    // The rows show the parts of the cell.
    let rows = anon.get("/v1/totals/grants/rows?group_by=funder,kind_of_money&group=T-MIN%20state_budget").await;
    assert_eq!(rows.expect(200).json()["data"][0]["part"].to_string(), "30.00");
    // A shipped one: what the Commission paid for Ćuprija is the European Union's money.
    let app = TestApp::shipped().await;
    let shipped = cells(&app.anon(), "grants?group_by=funder,kind_of_money&place=RS-71200").await;
    assert_eq!(shipped, expected([("AR-ORG-EC eu", "149379.00"), ("(unstated) other_donor", "27821.00")]));
}

#[actix_web::test]
async fn several_that_are_one_at_the_level_asked_for_need_no_shares() {
    let app = TestApp::shipped().await;
    let mut connection = app.connection().await;
    let mut grant = make::any("grants", "T-1", 1);
    grant["budget"] = json!({"amount": 1000, "currency": "SEK"});
    // Ćuprija and Jagodina lie in one district.
    grant["places"] = json!([{"location": "RS-71200"}, {"location": "RS-71048"}]);
    grant["sectors"] = json!([{"code": "11220"}, {"code": "11230"}]);
    grant["organisations"] = json!([{"organisation": "AR-ORG-EC", "role": "funding"}]);
    let recipients = [("T-B1", "institution"), ("T-B2", "institution")];
    for (id, kind) in recipients {
        make::write(&mut connection, &[("beneficiaries", json!({"identifier": id, "kind": kind, "name": {"en": id}}))])
            .await;
    }
    grant["recipients"] = json!([{"beneficiary": "T-B1", "role": "lead"}, {"beneficiary": "T-B2", "role": "partner"}]);
    make::write(&mut connection, &[("grants", grant)]).await;
    let anon = app.anon();
    // The raw path and that of what is summed up.
    for path in ["&updated_at_gte=1970-01-01", ""] {
        for (question, key) in [
            ("group_by=place&place_level=nuts3", "RS215"),
            ("group_by=place&place_level=country", "RS"),
            ("group_by=place&place_level=municipality", "(undivided)"),
            ("group_by=place", "(undivided)"),
            ("group_by=sector_category", "112"),
            ("group_by=sector", "(undivided)"),
            ("group_by=beneficiary_kind", "institution"),
            ("group_by=beneficiary", "(undivided)"),
            ("group_by=funder", "AR-ORG-EC"),
        ] {
            let answer = anon.get(&format!("/v1/totals/grants?{question}{path}")).await.expect(200).json();
            let name = question.split(['=', '&']).nth(1).unwrap();
            let group = answer["data"].as_array().unwrap().iter().find(|group| group["currency"] == "SEK").unwrap();
            let found = group[name]
                .as_str()
                .map_or_else(|| format!("({})", group[format!("{name}_reason")].as_str().unwrap()), String::from);
            assert_eq!((found.as_str(), group["sum"].to_string()), (key, "1000.00".into()), "{question}{path}");
        }
    }
    assert_eq!(
        cells(&anon, "grants?group_by=place&place_level=nuts3&place=RS215&identifier=T-1").await,
        expected([("RS215", "1000.00")])
    );
    assert_eq!(
        cells(&anon, "grants?group_by=funder&funder=AR-ORG-EC&identifier=T-1").await,
        expected([("AR-ORG-EC", "1000.00")])
    );
}

#[actix_web::test]
async fn a_body_is_itself_as_organisation_and_as_beneficiary() {
    let app = TestApp::empty().await;
    let flow = |id: &str, provider: Value, receiver: Value, amount: u32| {
        let made = json!({"identifier": id, "type": "disbursement", "date": "2024-01-01", "value": {"amount": amount, "currency": "EUR"},
            "provider": provider, "receiver": receiver});
        ("transactions", made)
    };
    let body = |id: &str| ("organisations", json!({"identifier": id, "name": {"en": id}, "type": "government"}));
    let receiving = |id: &str, organisation: Option<&str>| {
        (
            "beneficiaries",
            json!({"identifier": id, "kind": "institution", "name": {"en": id}, "organisation": organisation}),
        )
    };
    let records = [
        body("T-O"),
        body("T-OUT"),
        receiving("T-B", Some("T-O")),
        receiving("T-B2", None),
        flow("T-1", json!({"organisation": "T-O"}), json!({"beneficiary": "T-B"}), 500),
        flow("T-2", json!({"organisation": "T-OUT"}), json!({"organisation": "T-O"}), 70),
        flow("T-3", json!({"beneficiary": "T-B"}), json!({"beneficiary": "T-B2"}), 3),
    ];
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    for path in ["&updated_at_gte=1970-01-01", ""] {
        let all = anon.get(&format!("/v1/totals/transactions?type=disbursement{path}")).await.json();
        assert_eq!(all["meta"]["total"][0]["sum"].to_string(), "73.00", "{path}");
        assert_eq!(
            (&all["meta"]["excluded"][0]["reason"], &all["meta"]["excluded"][0]["count"]),
            (&json!("parked"), &json!(1))
        );
    }
    for boundary in ["T-O", "T-B"] {
        let into = anon.get(&format!("/v1/totals/transactions?type=disbursement&boundary={boundary}")).await.json();
        assert_eq!(into["meta"]["total"][0]["sum"].to_string(), "70.00", "{boundary}");
    }
    // Where the beneficiary is another body from now on, the flow counts.
    app.admin().patch("/v1/beneficiaries/T-B", &json!({"organisation": null}), &[("if-match", "*")]).await.expect(200);
    for path in ["&updated_at_gte=1970-01-01", ""] {
        let all = anon.get(&format!("/v1/totals/transactions?type=disbursement{path}")).await.json();
        assert_eq!(all["meta"]["total"][0]["sum"].to_string(), "573.00", "{path}");
    }
}

#[actix_web::test]
async fn what_is_left_out_is_listed_by_its_own_currency() {
    let app = TestApp::empty().await;
    let mut records = Vec::new();
    for (n, currency) in ["RSD", "USD", "RSD"].into_iter().enumerate() {
        let mut grant = make::any("grants", &format!("T-{n}"), 1);
        grant["budget"] = json!({"amount": 100 + n, "currency": currency, "value_date": "2024"});
        records.push(("grants", grant));
    }
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    for currency in ["", "&currency=EUR"] {
        let question = format!("grants?group_by=place{currency}");
        let answer = anon.get(&format!("/v1/totals/{question}")).await.expect(200).json();
        for judged in answer["meta"]["excluded"].as_array().unwrap() {
            let rows = anon.get(judged["explain"].as_str().unwrap()).await.expect(200).json();
            assert_eq!(rows["data"].as_array().unwrap().len() as u64, judged["count"].as_u64().unwrap(), "{judged}");
        }
        assert_eq!(answer["meta"]["excluded"].as_array().unwrap().len(), if currency.is_empty() { 0 } else { 2 });
    }
    // Of what counts it says how much of it does.
    let mut grant = make::any("grants", "T-9", 1);
    grant["budget"] = json!({"amount": 1000, "currency": "SEK"});
    grant["sectors"] = json!([{"code": "11220", "percentage": 25}, {"code": "14030", "percentage": 75}]);
    make::write(&mut app.connection().await, &[("grants", grant)]).await;
    let part = anon.get("/v1/totals/grants?sector=11220").await.json();
    let included = &part["meta"]["included"][0];
    assert_eq!((included["amount"].to_string(), included["counted"].to_string()), ("1000.00".into(), "250.00".into()));
}

#[actix_web::test]
async fn a_record_with_long_lists_is_not_multiplied_out() {
    let app = TestApp::empty().await;
    let place = |n: usize| {
        ("locations", json!({"identifier": format!("T-L{n}"), "kind": "country", "name": {"en": "L"}, "country": "RS"}))
    };
    let town =
        |n: usize| ("beneficiaries", json!({"identifier": format!("T-B{n}"), "kind": "group", "name": {"en": "B"}}));
    let euro = |amount: u32| json!({"amount": amount, "currency": "EUR"});
    let mut grant = make::grant("Wide");
    grant["identifier"] = json!("T-WIDE");
    grant["budget"] = euro(500);
    grant["places"] = (0..400).map(|n| json!({"location": format!("T-L{n}"), "percentage": 0.25})).collect();
    grant["recipients"] =
        (0..500).map(|n| json!({"beneficiary": format!("T-B{n}"), "role": "lead", "amount": euro(1)})).collect();
    let line = |n: usize| json!({"kind": "other_donor", "organisation": format!("T-O{n}"), "amount": euro(5)});
    grant["funding"] = (0..100).map(line).collect();
    let donor =
        |n: usize| ("organisations", json!({"identifier": format!("T-O{n}"), "name": {"en": "O"}, "type": "other"}));
    let records: Vec<_> =
        (0..400).map(place).chain((0..500).map(town)).chain((0..100).map(donor)).chain([("grants", grant)]).collect();
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    let three = "group_by=place,beneficiary,funder&measure=median";
    for path in ["/v1/totals/grants", "/v1/totals/grants/rows"] {
        assert_eq!(anon.get(&format!("{path}?{three}")).await.problem(400), ["group_by parts_too_many"]);
    }
    let two =
        anon.get("/v1/totals/grants?group_by=beneficiary,funder&measure=sum&beneficiary=T-B1").await.expect(200).json();
    assert_eq!(two["data"].as_array().unwrap().len(), 100);
}
