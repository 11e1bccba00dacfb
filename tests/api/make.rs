//! Records with good defaults, so that a test shows only what matters to it.

use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use aid_register::imports::report::Status;
use aid_register::imports::run::{Source, Unwatched, run};
use aid_register::imports::{Format, Order};
use aid_register::input::Shapes;
use aid_register::openapi;
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

/// A programme.
pub fn programme(title: &str) -> Value {
    json!({"title": {"en": title}, "status": "implementation"})
}

/// A grant.
pub fn grant(title: &str) -> Value {
    json!({"title": {"en": title}, "status": "closed"})
}

/// A record of any collection that refers to nothing but what [`basics`] makes.
/// `n` varies its sortable members so that many records tie.
pub fn any(collection: &str, identifier: &str, n: usize) -> Value {
    let words = ["Bridge", "School", "Ćuprija"];
    let title = json!({"en": words[n % 3]});
    let money = json!({"amount": n % 4 * 100, "currency": "EUR"});
    let date = format!("20{:02}-0{}", 10 + n % 3, 1 + n % 5);
    let money_or_none = if n.is_multiple_of(5) { Value::Null } else { money.clone() };
    let date_or_none = if n.is_multiple_of(4) { Value::Null } else { json!(date) };
    let mut record = match collection {
        "sources" => json!({"title": title, "file": "a.txt", "published": date_or_none}),
        "locations" => json!({"kind": "country", "name": title, "country": "RS"}),
        "organisations" => json!({"name": title, "type": "foundation"}),
        "beneficiaries" => {
            json!({"name": title, "kind": "group", "population": if n.is_multiple_of(3) { Value::Null } else { json!({"value": n % 4}) }})
        }
        "programmes" | "grants" => {
            json!({"title": title, "status": "closed", "start_date": date_or_none, "end_date": date_or_none, "budget": money_or_none})
        }
        "calls" => {
            json!({"title": title, "programme": "T-PROGRAMME", "opens": date_or_none, "closes": date_or_none, "amount_on_offer": money_or_none})
        }
        "transactions" => json!({"type": "expenditure", "date": date, "value": money}),
        "indicators" => json!({"title": title, "measure": "unit"}),
        "observations" => {
            json!({"indicator": "T-INDICATOR", "kind": "actual", "start_date": date_or_none, "end_date": date, "value": n % 4})
        }
        other => panic!("no such collection: {other}"),
    };
    record["identifier"] = identifier.into();
    record
}

/// Writes records of any collections as one batch, past HTTP; says how many changed by that.
pub async fn write(connection: &mut AsyncPgConnection, records: &[(&str, Value)]) -> usize {
    change(connection, records, &[]).await
}

/// Writes and deletes records as one batch, and says how many changed by that.
pub async fn change(
    connection: &mut AsyncPgConnection,
    records: &[(&str, Value)],
    deleted: &[(&str, String)],
) -> usize {
    static SHAPES: LazyLock<Arc<Shapes>> = LazyLock::new(|| Arc::new(Shapes::compile(&openapi::components())));
    let mut lines = String::new();
    for (collection, record) in records {
        let mut line = record.clone();
        line["collection"] = (*collection).into();
        lines.push_str(&format!("{line}\n"));
    }
    for (collection, identifier) in deleted {
        let line = json!({"collection": collection, "identifier": identifier, "deleted": true});
        lines.push_str(&format!("{line}\n"));
    }
    let source = Source { name: None, format: Format::Ndjson, body: Box::new(Cursor::new(lines.into_bytes())) };
    let report = run(connection, &SHAPES, &Order::default(), vec![source], 100, &mut Unwatched).await.unwrap();
    assert_eq!(report.status, Status::Completed, "{:?}", report.errors);
    (report.counts.created + report.counts.updated + report.counts.deleted).try_into().unwrap()
}

/// What the others refer to.
pub fn basics() -> Vec<(&'static str, Value)> {
    vec![("programmes", any("programmes", "T-PROGRAMME", 1)), ("indicators", any("indicators", "T-INDICATOR", 1))]
}
