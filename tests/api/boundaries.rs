//! What crosses a boundary: once, whoever passes it on, splits it up or sends it back.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::flows::named;
use crate::make;
use crate::support::{Client, TestApp};
use crate::totals::sum;

#[actix_web::test]
async fn an_intermediary_of_unknown_seat_lets_through_what_came_from_outside() {
    let app = TestApp::shipped().await;
    let records = [
        body("T-OUT", Some("RO424")),
        body("T-MID", None),
        body("T-TOWN", Some("RS-71200")),
        flow("T-1", "T-OUT", "T-MID", 100, None),
        flow("T-2", "T-MID", "T-TOWN", 90, Some("T-1")),
        // Nobody knows where this came from.
        flow("T-3", "T-MID", "T-TOWN", 7, None),
    ];
    make::write(&mut app.connection().await, &records).await;
    for place in ["RS-71200", "RS215", "RS"] {
        let into = app.anon().get(&format!("/v1/totals/transactions?type=disbursement&boundary={place}")).await.json();
        assert_eq!(into["meta"]["total"][0]["sum"].to_string(), "90.00", "{place}");
        let reasons: Vec<(&str, String)> = into["meta"]["excluded"]
            .as_array()
            .unwrap()
            .iter()
            .map(|judged| (judged["reason"].as_str().unwrap(), judged["amount"].to_string()))
            .collect();
        assert_eq!(reasons, [("replaced", "100.00".to_owned()), ("side_unknown", "7.00".to_owned())]);
    }
    // What works in a region works in a town of it or not, and surely not in one of another.
    let mut works = make::any("programmes", "T-REGION", 1);
    works["places"] = json!([{"location": "RS22"}]);
    let mut given = flow("T-4", "T-OUT", "T-MID", 5, None);
    given.1["programme"] = json!("T-REGION");
    make::write(&mut app.connection().await, &[("programmes", works), given]).await;
    for (place, expected) in [("RS222", "side_unknown"), ("RS", ""), ("RO424", "outward"), ("RS215", "outside")] {
        let path = format!("/v1/totals/transactions/rows?type=disbursement&boundary={place}");
        let rows = match expected {
            "" => app.anon().get(&path).await,
            reason => app.anon().get(&format!("{path}&excluded={reason}")).await,
        };
        assert!(rows.expect(200).identifiers().contains(&"T-4".to_owned()), "{place} {expected}");
    }
}

#[actix_web::test]
async fn one_body_has_one_seat_as_organisation_and_as_beneficiary() {
    let app = TestApp::shipped().await;
    let flow = |id: &str, from: Value, to: Value, parent: Option<&str>| {
        let made = json!({"identifier": id, "type": "disbursement", "date": "2024-01-01", "value": {"amount": 100, "currency": "CHF"},
            "provider": from, "receiver": to, "parent": parent});
        ("transactions", made)
    };
    let town = |id: &str, location: Option<&str>, organisation: &str| {
        let town = json!({"identifier": id, "kind": "local_government", "name": {"en": id}, "location": location, "organisation": organisation});
        ("beneficiaries", town)
    };
    let (of, at) = (|id: &str| json!({"organisation": id}), |id: &str| json!({"beneficiary": id}));
    let records = [
        body("T-OUT", Some("RO424")),
        body("T-CITY", None),
        body("T-STATE", Some("RS-71200")),
        body("T-CHAIN", None),
        town("T-TOWN", Some("RS-71200"), "T-CITY"),
        town("T-OFFICE", None, "T-STATE"),
        town("T-NEAR", Some("RS-71200"), "T-CHAIN"),
        town("T-FAR", Some("RO424"), "T-CHAIN"),
        town("T-NEXT", None, "T-CITY"),
        flow("T-1", of("T-OUT"), of("T-CITY"), None),
        flow("T-2", of("T-CITY"), at("T-TOWN"), Some("T-1")),
        flow("T-3", of("T-OUT"), at("T-OFFICE"), None),
        flow("T-4", of("T-OUT"), of("T-CHAIN"), None),
        // Where the one beneficiary is, the city is, and so the other.
        flow("T-5", of("T-OUT"), at("T-NEXT"), None),
        flow("T-6", at("T-NEXT"), at("T-TOWN"), Some("T-5")),
    ];
    make::write(&mut app.connection().await, &records).await;
    for (reason, expected) in
        [("", ["T-1", "T-3", "T-5"].as_slice()), ("inside", &["T-2", "T-6"]), ("side_unknown", &["T-4"])]
    {
        let excluded = if reason.is_empty() { String::new() } else { format!("&excluded={reason}") };
        let path = format!("/v1/totals/transactions/rows?type=disbursement&boundary=RS-71200{excluded}");
        let rows = app.anon().get(&path).await.expect(200);
        assert_eq!(rows.identifiers(), expected, "{reason}");
    }
}

/// An organisation that sits there, or nobody knows where.
pub fn body(id: &str, place: Option<&str>) -> (&'static str, Value) {
    named("organisations", id, json!({"name": {"en": id}, "type": "government", "location": place}))
}

/// A flow of CHF in 2024, from and to organisations; `-` is nobody.
pub fn flow(id: &str, from: &str, to: &str, amount: u32, parent: Option<&str>) -> (&'static str, Value) {
    let party = |id: &str| match id {
        "-" => Value::Null,
        _ if id.starts_with("T-B") => json!({"beneficiary": id}),
        _ => json!({"organisation": id}),
    };
    let made = json!({"type": "disbursement", "date": "2024-01-01", "value": {"amount": amount, "currency": "CHF"},
        "provider": party(from), "receiver": party(to), "parent": parent});
    named("transactions", id, made)
}

/// Who counts into a place, and who is left out for which reason, as `reason: identifiers`.
pub async fn judged(anon: &Client, boundary: &str) -> Vec<String> {
    let path = format!("/v1/totals/transactions/rows?type=disbursement&boundary={boundary}");
    let mut told = vec![anon.get(&path).await.expect(200).identifiers().join(" ")];
    let totals = anon.get(&path.replace("/rows", "")).await.expect(200).json();
    for judged in totals["meta"]["excluded"].as_array().unwrap() {
        let reason = judged["reason"].as_str().unwrap();
        let rows = anon.get(&format!("{path}&excluded={reason}")).await.expect(200).identifiers();
        told.push(format!("{reason}: {}", rows.join(" ")));
    }
    told
}

#[actix_web::test]
async fn a_party_is_all_that_it_names() {
    let app = TestApp::empty().await;
    let body = |id: &str| named("organisations", id, json!({"name": {"en": id}, "type": "other"}));
    let programme = json!({"title": {"en": "P"}, "status": "closed"});
    let who = json!({"name": {"en": "B"}, "kind": "institution", "organisation": "T-O"});
    let between = |id: &str, year: u32, from: Value, to: Value| {
        let (mut flow, date) = (flow(id, "-", "-", 9, None), format!("{year}"));
        flow.1["date"] = json!(date);
        (flow.1["provider"], flow.1["receiver"]) = (from, to);
        flow
    };
    let part_of = |mut flow: (&'static str, Value), whole: &str| {
        flow.1["parent"] = json!(whole);
        flow
    };
    let records = [
        body("T-O"),
        body("T-OTHER"),
        named("beneficiaries", "T-B", who),
        named("beneficiaries", "T-B2", json!({"name": {"en": "B2"}, "kind": "institution"})),
        named("programmes", "T-P", programme),
        named("grants", "T-G", json!({"title": {"en": "G"}, "status": "closed"})),
        named("grants", "T-H", json!({"title": {"en": "H"}, "status": "closed", "programme": "T-P"})),
        // A grant of no programme, and the programme.
        between(
            "T-1",
            2001,
            json!({"organisation": "T-OTHER"}),
            json!({"organisation": "T-O", "programme": "T-P", "grant": "T-G"}),
        ),
        // Who received it for a grant of the programme passes it on, and names no grant.
        between("T-4", 2003, json!({"organisation": "T-OTHER"}), json!({"organisation": "T-O", "grant": "T-H"})),
        part_of(
            between("T-5", 2003, json!({"organisation": "T-O"}), json!({"organisation": "T-OTHER", "grant": "T-H"})),
            "T-4",
        ),
        // Who received it for the programme moves it to a grant of it, and names no programme.
        between("T-6", 2004, json!({"organisation": "T-OTHER"}), json!({"organisation": "T-O", "programme": "T-P"})),
        part_of(
            between("T-7", 2004, json!({"organisation": "T-O"}), json!({"organisation": "T-O", "grant": "T-H"})),
            "T-6",
        ),
        // The same, after its receipt was told without one.
        between("T-8", 2005, json!({"organisation": "T-OTHER"}), json!({"organisation": "T-O", "programme": "T-P"})),
        part_of(between("T-9", 2005, json!({"organisation": "T-OTHER"}), json!({"beneficiary": "T-B"})), "T-8"),
        part_of(
            between("T-10", 2005, json!({"organisation": "T-O"}), json!({"organisation": "T-OTHER", "grant": "T-H"})),
            "T-9",
        ),
        // One body pays itself, under another's name beside.
        between("T-2", 2002, json!({"organisation": "T-O", "beneficiary": "T-B2"}), json!({"beneficiary": "T-B"})),
        between("T-3", 2002, json!({"beneficiary": "T-B"}), json!({"organisation": "T-O", "beneficiary": "T-B2"})),
    ];
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    for (question, expected) in [
        ("boundary=T-P&date_gte=2003&date_lte=2003", 9),
        ("boundary=T-P&date_gte=2001&date_lte=2001", 9),
        ("boundary=T-P&date_gte=2004&date_lte=2004", 9),
        ("boundary=T-P&date_gte=2005&date_lte=2005", 9),
        ("date_gte=2002&date_lte=2002", 0),
        ("boundary=T-B2&date_gte=2002&date_lte=2002", 0),
    ] {
        let found = sum(&anon, &format!("transactions?type=disbursement&{question}")).await;
        assert_eq!(found, Decimal::from(expected), "{question}");
    }
}
