//! Random registers, to be exchanged by other standards: awkward texts, dates that are no days,
//! shares that nobody stated, flows and values of every kind.

use aid_register::collections::transactions::TransactionType;
use proptest::prelude::*;
use serde_json::{Value, json};
use strum::VariantNames;

/// A programme or grant, its flows, and its values with their measures.
pub type Activity = (Value, Vec<Value>, Vec<Value>);

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
    pub fn activity()(
        title in awkward(), description in prop::option::of(awkward()), start in date(), end in date(),
        status in prop::sample::select(vec!["pipeline", "implementation", "finalisation", "closed", "cancelled", "suspended"]),
        budget in prop::option::of(money()),
        places in prop::sample::subsequence(vec!["T-RS", "T-TOWN", "T-RO", "T-WORLD"], 0..4),
        sectors in prop::sample::subsequence(vec!["15112", "43040", "11220"], 0..3),
        own in prop::bool::ANY, place_cut in prop::option::of(0u32..34), sector_cut in prop::option::of(0u32..34),
        funders in prop::sample::subsequence(vec!["T-EU", "T-UNDP"], 0..3), group in prop::option::of(awkward()),
        flows in prop::collection::vec((date(), money(), 0usize..13, prop::option::of(awkward()), 0usize..4), 0..4),
        values in prop::collection::vec((date(), prop::option::of(-1000i32..1000), 0usize..3, 0usize..5), 0..5),
    ) -> Activity {
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
        let types = TransactionType::VARIANTS;
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
pub fn register(activities: Vec<Activity>) -> Vec<(&'static str, Value)> {
    let place = |id: &str, kind: &str, parent: Option<&str>| json!({"identifier": id, "kind": kind, "name": {"en": id}, "country": if id == "T-RO" { "RO" } else { "RS" }, "parent": parent, "note": {"en": "A note"}});
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
