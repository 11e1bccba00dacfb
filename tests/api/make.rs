//! Records with good defaults, so that a test shows only what matters to it.

use std::sync::LazyLock;

use aid_register::collections;
use aid_register::http::precondition::Precondition;
use aid_register::input::Shapes;
use aid_register::openapi;
use aid_register::store::change::{Author, Change, Intent, Outcome};
use aid_register::store::write::apply;
use diesel_async::{AsyncConnection, AsyncPgConnection};
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

/// Writes records of any collections as one batch, past HTTP.
pub async fn write(connection: &mut AsyncPgConnection, records: &[(&str, Value)]) -> Vec<Outcome> {
    batch(connection, records, &[]).await
}

/// Writes and deletes records as one batch, and says how many changed by that.
pub async fn change(
    connection: &mut AsyncPgConnection,
    records: &[(&str, Value)],
    deleted: &[(&str, String)],
) -> usize {
    let outcomes = batch(connection, records, deleted).await;
    outcomes.iter().filter(|outcome| **outcome != Outcome::Unchanged).count()
}

async fn batch(
    connection: &mut AsyncPgConnection,
    records: &[(&str, Value)],
    deleted: &[(&str, String)],
) -> Vec<Outcome> {
    static SHAPES: LazyLock<Shapes> = LazyLock::new(|| Shapes::compile(&openapi::components()));
    let change = |collection: &str, identifier: String, intent: Intent| Change {
        kind: collections::find(collection).unwrap(),
        identifier,
        publisher: "town".into(),
        intent,
        precondition: Precondition::Any,
    };
    let puts = records.iter().map(|(collection, record)| {
        let kind = collections::find(collection).unwrap();
        let identifier = record["identifier"].as_str().unwrap().to_owned();
        let checked = aid_register::input::check_value(&SHAPES, kind, &identifier, record.clone());
        assert!(checked.faults.is_empty(), "{record}: {:?}", checked.faults);
        change(collection, identifier, Intent::Put { doc: checked.doc, links: checked.links })
    });
    let deletes = deleted
        .iter()
        .map(|(collection, identifier)| change(collection, identifier.clone(), Intent::Delete { merged_into: None }));
    let changes: Vec<Change> = puts.chain(deletes).collect();
    let author = Author::program("test");
    connection.transaction(async |connection| apply(connection, &author, &changes).await).await.unwrap()
}

/// What the others refer to.
pub fn basics() -> Vec<(&'static str, Value)> {
    vec![("programmes", any("programmes", "T-PROGRAMME", 1)), ("indicators", any("indicators", "T-INDICATOR", 1))]
}
