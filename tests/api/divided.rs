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
