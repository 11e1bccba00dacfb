//! What crosses a boundary: once, whoever passes it on, splits it up or sends it back.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::flows::{named, places};
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
fn body(id: &str, place: Option<&str>) -> (&'static str, Value) {
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
async fn judged(anon: &Client, boundary: &str) -> Vec<String> {
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
async fn what_came_in_counts_where_it_came_in() {
    let mut people = places();
    people.extend([
        body("T-EU", Some("T-ABROAD")),
        body("T-UN", Some("T-ABROAD")),
        body("T-MIN", Some("T-COUNTRY")),
        body("T-TOWN", Some("T-A")),
        body("T-SCHOOL", Some("T-A")),
        body("T-SOMEBODY", None),
        named("grants", "T-G", json!({"title": {"en": "G"}, "status": "closed", "places": [{"location": "T-A"}]})),
    ]);
    let granted = |mut flow: (&'static str, Value)| {
        flow.1["grant"] = json!("T-G");
        flow
    };
    let received = |mut flow: (&'static str, Value)| {
        flow.1["type"] = json!("incoming_funds");
        flow
    };
    let cases: [(Vec<_>, &[&str]); 18] = [
        // It goes out and comes back.
        (
            vec![
                flow("T-1", "T-EU", "T-MIN", 100, None),
                flow("T-2", "T-MIN", "T-TOWN", 60, Some("T-1")),
                flow("T-3", "T-MIN", "T-UN", 40, Some("T-1")),
                flow("T-4", "T-UN", "T-SCHOOL", 40, Some("T-3")),
            ],
            &["T-1", "already_inside: T-4", "inside: T-2", "outward: T-3"],
        ),
        // The country's own money does.
        (
            vec![flow("T-1", "T-MIN", "T-UN", 40, None), flow("T-2", "T-UN", "T-SCHOOL", 40, Some("T-1"))],
            &["", "already_inside: T-2", "outward: T-1"],
        ),
        // Parts say the same crossing in more detail.
        (
            vec![
                flow("T-1", "T-EU", "T-MIN", 100, None),
                flow("T-2", "T-EU", "T-TOWN", 60, Some("T-1")),
                flow("T-3", "T-EU", "T-UN", 40, Some("T-1")),
                flow("T-4", "T-UN", "T-SCHOOL", 40, Some("T-3")),
            ],
            &["T-2 T-4", "outside: T-3", "replaced: T-1"],
        ),
        // One part was passed on by who received, another came straight.
        (
            vec![
                flow("T-1", "T-EU", "T-MIN", 100, None),
                flow("T-2", "T-MIN", "T-TOWN", 60, Some("T-1")),
                flow("T-3", "T-EU", "T-SCHOOL", 40, Some("T-1")),
            ],
            &["T-1", "already_inside: T-3", "inside: T-2"],
        ),
        // What a part's receiver passed on came in with that part.
        (
            vec![
                flow("T-1", "T-EU", "T-MIN", 100, None),
                flow("T-2", "T-EU", "T-TOWN", 60, Some("T-1")),
                flow("T-3", "T-TOWN", "T-SCHOOL", 50, Some("T-2")),
            ],
            &["T-2", "inside: T-3", "replaced: T-1"],
        ),
        // Who pays is not said: whoever had received.
        (
            vec![
                flow("T-1", "T-EU", "T-TOWN", 100, None),
                flow("T-2", "T-TOWN", "T-SCHOOL", 60, Some("T-1")),
                flow("T-3", "-", "T-SCHOOL", 40, Some("T-1")),
            ],
            &["T-1", "inside: T-2 T-3"],
        ),
        // Who receives without a seat is where the grant works, as long as the money is there.
        (
            vec![
                granted(flow("T-1", "T-EU", "T-SOMEBODY", 100, None)),
                flow("T-2", "T-SOMEBODY", "T-SCHOOL", 60, Some("T-1")),
                flow("T-3", "T-SOMEBODY", "T-UN", 40, Some("T-1")),
            ],
            &["T-1", "inside: T-2", "outward: T-3"],
        ),
        // Each hop is told by who receives too, as a part of what was paid.
        (
            vec![
                flow("T-1", "T-EU", "T-SOMEBODY", 100, None),
                received(flow("T-2", "T-EU", "T-SOMEBODY", 100, Some("T-1"))),
                flow("T-3", "T-SOMEBODY", "T-SCHOOL", 100, Some("T-2")),
            ],
            &["T-3", "replaced: T-1"],
        ),
        // Who received says so too, and what was passed on is a part of that.
        (
            vec![
                flow("T-1", "T-EU", "T-UN", 100, None),
                granted(received(flow("T-2", "T-UN", "T-SOMEBODY", 100, Some("T-1")))),
                granted(flow("T-3", "T-UN", "T-SOMEBODY", 100, Some("T-1"))),
                flow("T-4", "T-SOMEBODY", "T-SCHOOL", 60, Some("T-2")),
                flow("T-5", "-", "T-SCHOOL", 10, Some("T-2")),
            ],
            &["T-3", "inside: T-4 T-5", "outside: T-1"],
        ),
        // The receipt is told without the grant: where its receiver is, the payment says.
        (
            vec![
                granted(flow("T-1", "T-EU", "T-SOMEBODY", 100, None)),
                received(flow("T-2", "T-EU", "T-SOMEBODY", 100, Some("T-1"))),
                flow("T-3", "T-SOMEBODY", "T-SCHOOL", 60, Some("T-2")),
            ],
            &["T-1", "inside: T-3"],
        ),
        // It is told the other way round.
        (
            vec![
                granted(received(flow("T-1", "T-EU", "T-SOMEBODY", 100, None))),
                flow("T-2", "T-EU", "T-SOMEBODY", 100, Some("T-1")),
                flow("T-3", "T-SOMEBODY", "T-SCHOOL", 60, Some("T-2")),
            ],
            &["T-2", "inside: T-3"],
        ),
        // Who received says where, in parts of all that was paid: through a receipt that does not.
        (
            vec![
                flow("T-1", "T-EU", "T-SOMEBODY", 100, None),
                received(flow("T-2", "T-EU", "T-SOMEBODY", 100, Some("T-1"))),
                granted(received(flow("T-3", "T-EU", "T-SOMEBODY", 70, Some("T-2")))),
                granted(received(flow("T-4", "-", "T-SOMEBODY", 30, Some("T-2")))),
                flow("T-5", "T-SOMEBODY", "T-SCHOOL", 60, Some("T-3")),
            ],
            &["T-1", "inside: T-5"],
        ),
        // Of the rest nobody says anything.
        (
            vec![
                flow("T-1", "T-EU", "T-SOMEBODY", 100, None),
                granted(received(flow("T-2", "T-EU", "T-SOMEBODY", 70, Some("T-1")))),
                flow("T-3", "T-SOMEBODY", "T-SCHOOL", 60, Some("T-1")),
            ],
            &["T-3", "replaced: T-1"],
        ),
        // What its receiver put aside is not the payment told again.
        (
            vec![
                flow("T-1", "T-EU", "T-SOMEBODY", 100, None),
                granted(flow("T-2", "T-SOMEBODY", "T-SOMEBODY", 100, Some("T-1"))),
            ],
            &["", "parked: T-2", "side_unknown: T-1"],
        ),
        // A receipt that does not say where either.
        (
            vec![
                granted(flow("T-1", "T-EU", "T-SOMEBODY", 100, None)),
                received(flow("T-2", "-", "T-SOMEBODY", 100, Some("T-1"))),
                received(flow("T-3", "T-EU", "T-SOMEBODY", 100, Some("T-2"))),
                flow("T-4", "T-SOMEBODY", "T-UN", 60, Some("T-3")),
                flow("T-5", "T-UN", "T-SCHOOL", 60, Some("T-4")),
            ],
            &["T-1", "already_inside: T-5", "outward: T-4"],
        ),
        // Who received puts some of it aside, which is not the payment told again.
        (
            vec![
                granted(flow("T-1", "T-EU", "T-SOMEBODY", 100, None)),
                granted(flow("T-2", "T-SOMEBODY", "T-SOMEBODY", 60, Some("T-1"))),
                flow("T-3", "T-SOMEBODY", "T-SCHOOL", 50, Some("T-2")),
            ],
            &["T-1", "inside: T-2 T-3"],
        ),
        // As does who received nobody knows where.
        (
            vec![
                flow("T-1", "T-EU", "T-SOMEBODY", 100, None),
                flow("T-2", "T-SOMEBODY", "T-SOMEBODY", 60, Some("T-1")),
                flow("T-3", "T-SOMEBODY", "T-SCHOOL", 50, Some("T-2")),
            ],
            &["T-3", "replaced: T-1 T-2"],
        ),
        // Where who had received is, nobody knows.
        (
            vec![
                flow("T-1", "T-EU", "T-SOMEBODY", 100, None),
                flow("T-2", "T-SOMEBODY", "T-SCHOOL", 60, Some("T-1")),
                flow("T-3", "-", "T-SCHOOL", 40, Some("T-1")),
            ],
            &["T-2 T-3", "replaced: T-1"],
        ),
    ];
    for (flows, expected) in cases {
        let app = TestApp::empty().await;
        make::write(&mut app.connection().await, &people).await;
        make::write(&mut app.connection().await, &flows).await;
        assert_eq!(judged(&app.anon(), "T-COUNTRY").await, expected, "{flows:?}");
    }
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
