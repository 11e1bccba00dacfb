//! Records to try the register with at any size: the same ones each time, and none of them true.
//! Programmes have calls, these have grants, and each grant has five flows of money: commitment,
//! two disbursements, what its receiver says it got, and what that spent.

use std::io::Cursor;
use std::sync::Arc;

use anyhow::{Context, bail};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::shipped::FILES;
use crate::imports::report::Status;
use crate::imports::run::{Source, Unwatched, run};
use crate::imports::{Format, Order};
use crate::input::Shapes;
use crate::store::change::Author;
use crate::store::publishers::{self, Publisher};

/// Grants of one import.
const AT_ONCE: u64 = 10_000;
/// Grants of a programme, of a beneficiary, and of a funder, about.
const OF_PROGRAMME: u64 = 500;
const OF_BENEFICIARY: u64 = 40;
const OF_FUNDER: u64 = 4000;

const STATUSES: [&str; 4] = ["pipeline", "implementation", "finalisation", "closed"];
const SECTORS: [&str; 10] = ["11220", "11330", "12220", "14030", "15112", "15150", "16010", "21020", "31120", "41010"];
const KINDS: [&str; 5] = ["local_government", "institution", "association", "enterprise", "agency"];
const MONEY: [&str; 3] = ["eu", "other_donor", "state_budget"];
const WORKS: [&str; 8] =
    ["School", "Road", "Water supply", "Kindergarten", "Library", "Health centre", "Market", "Bridge"];

/// Numbers that look drawn by lot and are the same for the same place (SplitMix64).
fn draw(n: u64, what: u64, below: u64) -> u64 {
    let mut z = n.wrapping_mul(31).wrapping_add(what).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % below
}

fn pick<T: Copy>(items: &[T], n: u64, what: u64) -> T {
    items[draw(n, what, items.len() as u64) as usize]
}

/// The towns of the shipped places, with their English names.
fn towns() -> anyhow::Result<Vec<(String, String)>> {
    let (_, text) = FILES.iter().find(|(name, _)| name.ends_with("places.json")).context("no places are shipped")?;
    let places: Value = serde_json::from_str(text)?;
    let towns = places["locations"].as_array().into_iter().flatten().filter(|place| place["kind"] == "municipality");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(towns.map(|town| (text(&town["identifier"]), text(&town["name"]["en"]))).collect())
}

/// Writes so many grants and what belongs to them; tells how far it is.
pub async fn load(
    connection: &mut AsyncPgConnection,
    shapes: &Arc<Shapes>,
    grants: u64,
    told: impl Fn(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let towns = towns()?;
    let author = Author::program("demo-data");
    let publisher = Publisher { id: "demo".into(), name: "Demonstration data".into(), prefixes: vec!["DEMO-".into()] };
    publishers::add(connection, &author, &publisher).await?;
    let mut first = 1;
    while first <= grants {
        let last = grants.min(first + AT_ONCE - 1);
        let mut lines = Vec::new();
        for n in first..=last {
            let is_new = |of: u64| n == first || n.is_multiple_of(of);
            let mut records = Vec::new();
            if is_new(OF_FUNDER) {
                records.push(organisation(n / OF_FUNDER));
            }
            if is_new(OF_PROGRAMME) {
                records.extend([programme(n / OF_PROGRAMME, &towns), call(n / OF_PROGRAMME)]);
            }
            if is_new(OF_BENEFICIARY) {
                records.push(beneficiary(n / OF_BENEFICIARY, &towns));
            }
            records.push(grant(n, &towns));
            records.extend(flows(n));
            for record in records {
                lines.extend(record.to_string().into_bytes());
                lines.push(b'\n');
            }
        }
        let source = Source { name: None, format: Format::Ndjson, body: Box::new(Cursor::new(lines)) };
        let order = Order { author: author.clone(), ..Order::default() };
        let report = run(connection, shapes, &order, vec![source], 100, &mut Unwatched).await?;
        if report.status != Status::Completed {
            bail!("the demonstration data was refused: {:?}", report.errors.first());
        }
        told(&format!("{last} of {grants} grants"))?;
        first = last + 1;
    }
    Ok(())
}

fn id(what: &str, n: u64) -> String {
    format!("DEMO-{what}{n:07}")
}

fn organisation(n: u64) -> Value {
    json!({"collection": "organisations", "identifier": id("F", n), "name": {"en": format!("Demonstration fund {n}")}, "type": "foundation"})
}

fn programme(n: u64, towns: &[(String, String)]) -> Value {
    let title = format!("Demonstration programme {n} for {}", towns[draw(n, 1, towns.len() as u64) as usize].1);
    json!({"collection": "programmes", "identifier": id("P", n), "title": {"en": title}, "status": "implementation",
        "places": [{"location": "RS"}], "sectors": [{"vocabulary": "1", "code": pick(&SECTORS, n, 2)}]})
}

fn call(n: u64) -> Value {
    json!({"collection": "calls", "identifier": id("C", n), "title": {"en": format!("Demonstration call {n}")}, "programme": id("P", n)})
}

fn beneficiary(n: u64, towns: &[(String, String)]) -> Value {
    let (town, name) = &towns[draw(n, 3, towns.len() as u64) as usize];
    json!({"collection": "beneficiaries", "identifier": id("B", n), "kind": pick(&KINDS, n, 4), "location": town,
        "name": {"en": format!("{} {n} of {name}", pick(&WORKS, n, 5))}})
}

/// Of three grants one works in two towns, and of four one has two sectors.
fn grant(n: u64, towns: &[(String, String)]) -> Value {
    let town = |what| &towns[draw(n, what, towns.len() as u64) as usize];
    let (first, second) = (town(6), town(7));
    let places = if draw(n, 8, 3) == 0 && first.0 != second.0 {
        let share = 10 + draw(n, 9, 80);
        json!([{"location": first.0, "percentage": share}, {"location": second.0, "percentage": 100 - share}])
    } else {
        json!([{"location": first.0}])
    };
    let (one, other) = (pick(&SECTORS, n, 10), pick(&SECTORS, n, 11));
    let sectors = if draw(n, 12, 4) == 0 && one != other {
        json!([{"vocabulary": "1", "code": one, "percentage": 50}, {"vocabulary": "1", "code": other, "percentage": 50}])
    } else {
        json!([{"vocabulary": "1", "code": one}])
    };
    let title = format!("{} for {}, part {n}", pick(&WORKS, n, 13), first.1);
    json!({"collection": "grants", "identifier": id("G", n), "title": {"en": title}, "status": pick(&STATUSES, n, 14),
        "programme": id("P", n / OF_PROGRAMME), "call": id("C", n / OF_PROGRAMME), "start_date": day(n),
        "budget": money(n), "places": places, "sectors": sectors,
        "funding": [{"organisation": id("F", n / OF_FUNDER), "kind": pick(&MONEY, n, 15), "percentage": 100}],
        "recipients": [{"beneficiary": id("B", n / OF_BENEFICIARY), "role": "lead", "percentage": 100}]})
}

/// The first of four years from which grants begin, and a day in it.
fn day(n: u64) -> String {
    format!("{}-{:02}-{:02}", 2015 + draw(n, 16, 10), 1 + draw(n, 17, 12), 1 + draw(n, 18, 28))
}

fn cents(n: u64) -> u64 {
    100_000 + draw(n, 19, 50_000_000)
}

fn currency(n: u64) -> &'static str {
    if draw(n, 20, 10) < 7 { "EUR" } else { "RSD" }
}

fn amount(cents: u64, n: u64) -> Value {
    let number = serde_json::Number::from_string_unchecked(format!("{}.{:02}", cents / 100, cents % 100));
    json!({"amount": number, "currency": currency(n)})
}

fn money(n: u64) -> Value {
    amount(cents(n), n)
}

fn flows(n: u64) -> Vec<Value> {
    let (funder, receiver) =
        (json!({"organisation": id("F", n / OF_FUNDER)}), json!({"beneficiary": id("B", n / OF_BENEFICIARY)}));
    let half = cents(n) / 2;
    let parts = [
        ("outgoing_commitment", cents(n)),
        ("disbursement", half),
        ("disbursement", cents(n) - half),
        ("incoming_funds", cents(n)),
        ("expenditure", half),
    ];
    let flow = |(m, (kind, value)): (usize, (&str, u64))| {
        let mut flow = json!({"collection": "transactions", "identifier": format!("{}-{m}", id("T", n)), "type": kind,
            "date": day(n * 5 + m as u64), "value": amount(value, n), "grant": id("G", n), "kind_of_money": pick(&MONEY, n, 15)});
        match kind {
            "expenditure" => flow["provider"] = receiver.clone(),
            _ => (flow["provider"], flow["receiver"]) = (funder.clone(), receiver.clone()),
        }
        flow
    };
    parts.into_iter().enumerate().map(flow).collect()
}
