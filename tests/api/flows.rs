//! Places, grants and flows of money, to be totalled.

use rust_decimal::Decimal;
use serde_json::{Value, json};

/// An exact number to be sent.
pub fn amount(number: Decimal) -> Value {
    serde_json::from_str(&number.to_string()).unwrap()
}

/// A record with its collection and identifier.
pub fn named(collection: &'static str, identifier: &str, mut record: Value) -> (&'static str, Value) {
    record["identifier"] = identifier.into();
    (collection, record)
}

/// Places: a country, two districts, three towns and one abroad.
pub fn places() -> Vec<(&'static str, Value)> {
    let place = |identifier: &str, kind: &str, parent: Option<&str>| {
        let country = if identifier.contains("ABROAD") { "SI" } else { "RS" };
        named(
            "locations",
            identifier,
            json!({"kind": kind, "name": {"en": identifier}, "country": country, "parent": parent}),
        )
    };
    vec![
        place("T-COUNTRY", "country", None),
        place("T-ABROAD", "country", None),
        place("T-D1", "nuts3", Some("T-COUNTRY")),
        place("T-D2", "nuts3", Some("T-COUNTRY")),
        place("T-A", "municipality", Some("T-D1")),
        place("T-B", "municipality", Some("T-D1")),
        place("T-C", "municipality", Some("T-D2")),
    ]
}

/// The European Union pays UNDP, which pays the ministry, which pays the town in dinars;
/// each reports what it pays, and what it receives.
pub fn chain() -> Vec<(&'static str, Value)> {
    let mut records = places();
    let organisation = |id: &str, place: &str| {
        named("organisations", id, json!({"name": {"en": id}, "type": "government", "location": place}))
    };
    records.extend([
        organisation("T-EU", "T-ABROAD"),
        organisation("T-UNDP", "T-ABROAD"),
        organisation("T-MINISTRY", "T-D2"),
        named(
            "beneficiaries",
            "T-TOWN",
            json!({"kind": "local_government", "name": {"en": "Town"}, "location": "T-A"}),
        ),
        named(
            "programmes",
            "T-P",
            json!({"title": {"en": "P"}, "status": "implementation", "places": [{"location": "T-COUNTRY"}]}),
        ),
        named("programmes", "T-P1", json!({"title": {"en": "P1"}, "status": "implementation", "parent": "T-P"})),
        named(
            "grants",
            "T-G",
            json!({"title": {"en": "G"}, "status": "closed", "programme": "T-P1", "places": [{"location": "T-A"}]}),
        ),
    ]);
    let money =
        |amount: i64, currency: &str| json!({"amount": amount, "currency": currency, "value_date": "2024-04-02"});
    let party = |id: &str| if id == "T-TOWN" { json!({"beneficiary": id}) } else { json!({"organisation": id}) };
    let links = [
        ("T-EU", "T-UNDP", money(1000, "EUR")),
        ("T-UNDP", "T-MINISTRY", money(900, "EUR")),
        ("T-MINISTRY", "T-TOWN", money(93_600, "RSD")),
    ];
    for (n, (from, to, value)) in links.into_iter().enumerate() {
        for kind in ["disbursement", "incoming_funds"] {
            let parent = (n > 0).then(|| format!("T-{kind}-{}", n - 1));
            let grant = (n == 2).then_some("T-G");
            let programme = (n < 2).then_some("T-P1");
            records.push(named(
                "transactions",
                &format!("T-{kind}-{n}"),
                json!({"type": kind, "date": "2024-04-02", "value": value, "parent": parent,
                "provider": party(from), "receiver": party(to), "grant": grant, "programme": programme}),
            ));
        }
    }
    let moved = json!({"type": "disbursement", "date": "2024-04-02", "value": money(500, "EUR"), "provider": party("T-UNDP"), "receiver": party("T-UNDP"), "programme": "T-P1"});
    records.push(named("transactions", "T-PARKED", moved));
    records
}

/// Random grants and flows with shares, amounts and gaps.
pub fn random(seeds: &[(u8, u32)]) -> Vec<(&'static str, Value)> {
    let mut records = places();
    records.push(named("programmes", "T-P", json!({"title": {"en": "P"}, "status": "closed", "sectors": [{"code": "15112", "percentage": 33.3333}, {"code": "11110", "percentage": 66.6667}]})));
    for n in 0..3 {
        records.push(named("organisations", &format!("T-O{n}"), json!({"name": {"en": "O"}, "type": "other"})));
        records.push(named(
            "beneficiaries",
            &format!("T-B{n}"),
            json!({"kind": (["local_government", "group", "agency"][n]), "name": {"en": "B"}}),
        ));
    }
    for (n, (seed, cents)) in seeds.iter().enumerate() {
        let pick = |of: usize| (usize::from(*seed) / of.max(1) + n) % 4;
        let number = Decimal::new((*cents).into(), 2);
        let places = [
            json!([]),
            json!([{"location": "T-A", "percentage": 33.33}, {"location": "T-B", "percentage": 33.33}, {"location": "T-C", "percentage": 33.34}]),
            json!([{"location": "T-A"}, {"location": "T-C"}]),
            json!([{"location": "T-D1"}]),
        ];
        let sectors = [
            json!([]),
            json!([{"code": "15112", "percentage": 14.29}, {"code": "11110", "percentage": 85.71}]),
            json!([{"code": "12220"}]),
            json!([{"code": "11110"}, {"code": "12220"}]),
        ];
        let funding = [
            json!([]),
            json!([{"kind": "eu", "organisation": "T-O1", "percentage": 84.3}, {"kind": "state_budget", "percentage": 15.7}]),
            json!([{"kind": "eu", "rule": "a", "percentage": 100}, {"kind": "other_donor", "rule": "b", "percentage": 100}]),
            json!([{"kind": "other_donor", "organisation": "T-O2"}]),
        ];
        let recipients = [
            json!([]),
            json!([{"beneficiary": "T-B0", "role": "lead", "percentage": 1}, {"beneficiary": "T-B1", "role": "partner", "percentage": 99}]),
            json!([{"beneficiary": "T-B2", "role": "lead"}]),
            json!([{"beneficiary": "T-B0", "role": "lead"}, {"beneficiary": "T-B1", "role": "partner"}]),
        ];
        let dates = [Value::Null, json!("2011"), json!("2011-03"), json!("2012-07-09")];
        let currency = ["EUR", "RSD"][usize::from(*seed) % 2];
        let budget = if seed % 7 == 0 { Value::Null } else { json!({"amount": amount(number), "currency": currency}) };
        records.push(named("grants", &format!("T-G{n}"), json!({"title": {"en": "G"}, "status": "closed", "programme": if n % 2 == 0 { json!("T-P") } else { Value::Null },
            "budget": budget, "start_date": dates[pick(1)], "places": places[pick(2)], "sectors": sectors[pick(3)], "funding": funding[pick(5)], "recipients": recipients[pick(7)],
            "tags": if n % 3 == 0 { json!([{"vocabulary": "2", "code": "1"}, {"vocabulary": "2", "code": "11"}]) } else { json!([]) },
            "organisations": if n % 2 == 0 { json!([{"organisation": "T-O0", "role": "implementing"}]) } else { json!([]) }})));
        let value = json!({"amount": amount(if n % 5 == 0 { -number } else { number }), "currency": currency});
        records.push(named("transactions", &format!("T-T{n}"), json!({"type": (["disbursement", "expenditure"][n % 2]), "date": if dates[pick(1)].is_null() { json!("2013") } else { dates[pick(1)].clone() },
            "value": value, "grant": if n % 3 == 0 { Value::Null } else { json!(format!("T-G{n}")) }, "programme": if n % 6 == 0 { json!("T-P") } else { Value::Null },
            "provider": {"organisation": format!("T-O{}", n % 3)}, "receiver": {"beneficiary": format!("T-B{}", seed % 3)},
            "parent": if n > 4 && n % 4 == 0 { json!(format!("T-T{}", n - 4)) } else { Value::Null}})));
    }
    records
}
