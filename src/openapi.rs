//! The OpenAPI document: schemas from the types, operations from the tables of
//! the collections, examples from the shipped content, and the answers that
//! every operation may give by rule.

mod administration;
mod catalogue;
mod codelists;
mod common;
mod dumps;
mod history;
mod imports;
mod operations;
mod rates;
mod register;
mod results;
mod search;
mod totals;
mod version_3_0;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::API_VERSION;
use crate::collections::{self, *};
use crate::content::shipped;
use crate::dumps::manifest::Manifest;
use crate::error::{Fault, Reason};
use crate::imports::report::Counts;
use crate::kind::{CONVERTED, Kind, PLACE_NOTES};

pub use version_3_0::to_3_0;

/// What utoipa collects: every schema that the program's types have.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Aid Register",
        description = "An open register of development assistance: programmes, grants, beneficiaries and indicators, with the organisations, calls, transactions, observations, places and sources that they refer to.\n\nReading needs no key. Writing needs a bearer token whose scope names the collection, and an identifier that starts with one of the publisher's prefixes.\n\nLists come in pages: follow `links.next` until it is null. NDJSON and CSV give every record at once. Unknown parameters and members are refused. Every failure is a problem document (RFC 9457) that names all faults.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This register")),
    components(schemas(
        programmes::Programme,
        calls::Call,
        grants::Grant,
        transactions::Transaction,
        beneficiaries::Beneficiary,
        organisations::Organisation,
        indicators::Indicator,
        observations::Observation,
        locations::Location,
        sources::Source,
        Fault,
        Counts,
        Manifest,
    ))
)]
struct Schemas;

/// The schemas that input is held against: those of the document, with the exact
/// rules that clients' floating-point validators would trip over.
pub fn components() -> Value {
    whole()["components"].take()
}

/// The document, OpenAPI 3.1.
pub fn document() -> Value {
    let mut document = whole();
    without_multiples(&mut document["components"]);
    document
}

fn without_multiples(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.shift_remove("multipleOf");
            members.values_mut().for_each(without_multiples);
        }
        Value::Array(items) => items.iter_mut().for_each(without_multiples),
        _ => {}
    }
}

fn whole() -> Value {
    let mut openapi = Schemas::openapi();
    openapi.info.version = API_VERSION.into();
    // The types are the program's own: they always have a JSON form.
    let mut document = serde_json::to_value(&openapi).unwrap_or_default();
    let examples = examples();
    for kind in collections::ALL {
        let schema = &mut document["components"]["schemas"][kind.schema];
        complete(schema, kind);
        if let Some(example) = examples.get(kind.collection) {
            schema["examples"] = json!([example]);
        }
        // With `fields`, a client gets what it asked for: only the identifier is sure.
        let mut view = schema.clone();
        view["required"] = json!(["identifier"]);
        document["components"]["schemas"][format!("{}View", kind.schema)] = view;
    }
    let components = &mut document["components"];
    components["schemas"]["Problem"] = problem_schema();
    components["schemas"]["Change"] = history::change_schema();
    components["schemas"]["Import"] = imports::schema();
    for (name, schema) in administration::schemas().into_iter().chain(rates::schemas()) {
        components["schemas"][name] = schema;
    }
    components["schemas"]["Links"] = json!({"type": "object", "properties": {
        "self": {"type": "string", "format": "uri"}, "next": {"type": ["string", "null"], "format": "uri"}}});
    components["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "A JWT of a trusted issuer. Its `scope` has `{collection}:write`, or `admin`, which may write every publisher's records; its publisher claim says for whom it writes."}
    });
    components["responses"] = problem_responses();
    components["headers"] = common::headers();
    document["tags"] = collections::ALL
        .iter()
        .map(|kind| json!({"name": kind.collection, "description": kind.about}))
        .chain([
            json!({"name": "search", "description": "Text, over all collections."}),
            json!({"name": "totals", "description": "Sums that count nothing twice."}),
            json!({"name": "dumps", "description": "The whole register as files that never change."}),
            json!({"name": "exchange-rates", "description": "What amounts are converted by."}),
            json!({"name": "changes", "description": "Every change of every record, in the order of their commits."}),
            json!({"name": "imports", "description": "Many records at once."}),
            json!({"name": "publishers", "description": "Who publishes, and the audit log of what was done."}),
            json!({"name": "register", "description": "The register itself."}),
        ])
        .collect();
    let mut paths = Map::new();
    for kind in collections::ALL {
        let example = examples.get(kind.collection).cloned().unwrap_or_default();
        operations::of_collection(kind, &example, &mut paths);
        history::of_collection(kind, &view_of(kind, &example), &mut paths);
    }
    let grants = &collections::grants::KIND;
    let example = view_of(grants, examples.get(grants.collection).unwrap_or(&Value::Null));
    history::feed(history::change(grants, &example), &mut paths);
    search::add(&mut paths);
    rates::add(&mut paths);
    codelists::add(&mut paths);
    catalogue::add(&mut paths);
    dumps::add(&mut paths);
    totals::add(&mut paths);
    results::add(&mut paths);
    imports::add(examples.get(grants.collection).unwrap_or(&Value::Null), &mut paths);
    administration::add(&mut paths);
    register::add(&mut paths);
    document["paths"] = paths.into();
    document
}

/// Adds what the register writes into each record: read-only, ignored when sent back.
fn complete(schema: &mut Value, kind: &Kind) {
    let instant = json!({"type": "string", "format": "date-time", "readOnly": true});
    let properties = &mut schema["properties"];
    for name in kind.derived {
        properties[*name] = json!({"type": "array", "readOnly": true, "description": "Per kind of money, the share of the budget that holds under every rule, and the amount it comes to.",
            "items": {"type": "object", "properties": {
                "kind": {"$ref": "#/components/schemas/KindOfMoney"},
                "percentage": {"$ref": "#/components/schemas/Percentage"},
                "amount": {"$ref": "#/components/schemas/Money"}}}});
    }
    properties["publisher"] = json!({"type": "string", "readOnly": true, "description": "Who published it."});
    properties["version"] =
        json!({"type": "integer", "minimum": 1, "readOnly": true, "description": "How many times it was written."});
    properties["created_at"] = instant.clone();
    properties["updated_at"] = instant;
    properties["included"] = json!({"type": "object", "readOnly": true, "description": "With `include=`: the records referred to, by collection and identifier.",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "object"}}});
    if kind.money.is_some() {
        properties[CONVERTED] = rates::converted();
    }
    if kind.is_placed() {
        properties[PLACE_NOTES] = json!({"type": "object", "readOnly": true, "description": "What must be said of its places, by place.",
            "additionalProperties": {"$ref": "#/components/schemas/Translations"}});
    }
    properties["highlights"] = json!({"type": "object", "readOnly": true, "description": "With `highlight=true`: texts in which the search was found, by JSON Pointer, as HTML with `<mark>`.",
        "additionalProperties": {"type": "string"}});
    // The address names the record; a body need not.
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| name != "identifier");
    }
}

/// A record as the register shows it, from one as a client sends it.
fn view_of(kind: &Kind, sent: &Value) -> Value {
    let doc = (kind.check)(sent).doc.to_string();
    let mut view = (kind.view)(&doc).unwrap_or_default();
    view.insert("publisher".into(), "aid-register".into());
    view.insert("version".into(), 1.into());
    for name in ["created_at", "updated_at"] {
        view.insert(name.into(), "2026-11-22T09:00:00.000000Z".into());
    }
    view.into()
}

/// One shipped record of each collection, as a client would send it.
fn examples() -> BTreeMap<String, Value> {
    let mut examples = BTreeMap::from([("transactions".to_owned(), operations::transaction_example())]);
    for (_, file) in shipped::FILES {
        let lists: Map<String, Value> = serde_json::from_str(file).unwrap_or_default();
        for (collection, records) in lists {
            let records = records.as_array().map(Vec::as_slice).unwrap_or_default();
            let richest = records.iter().max_by_key(|record| record.to_string().len().min(3000));
            let best = examples.get(&collection).map_or(0, |other| other.to_string().len());
            if let Some(record) = richest.filter(|record| record.to_string().len().min(3000) > best) {
                examples.insert(collection, record.clone());
            }
        }
    }
    examples
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "code", "request_id", "errors"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "`urn:aid-register:problem:` and the code."},
            "title": {"type": "string", "description": "What kind of problem, for people."},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "What went wrong this time, for people."},
            "instance": {"type": "string", "description": "The path that was asked."},
            "code": {"type": "string", "description": "What kind of problem, for programs; it does not change."},
            "request_id": {"type": "string", "description": "The request, for questions to the register."},
            "errors": {"type": "array", "description": "Every fault found.", "items": {"$ref": "#/components/schemas/Fault"}},
            "errors_omitted": {"type": "integer", "description": "Of an import: faults beyond those named."},
            "report": {"type": "object", "description": "Of an import: what it came to."}
        }
    })
}

/// A response for every reason to fail, named by its status.
fn problem_responses() -> Value {
    use strum::VariantArray;
    let responses: Map<String, Value> = Reason::VARIANTS
        .iter()
        .map(|reason| {
            let (status, title) = reason.status_and_title();
            let example = json!({
                "type": format!("urn:aid-register:problem:{}", reason.code()), "title": title, "status": status.as_u16(),
                "detail": title, "instance": "/v1/grants", "code": reason.code(),
                "request_id": "0198f3a2-6c1e-7d60-9a55-3f2d0c1b4e77", "errors": []
            });
            let content = json!({"schema": {"$ref": "#/components/schemas/Problem"}, "example": example});
            let response = json!({
                "description": title,
                "headers": common::header_refs(&["X-Request-Id", "API-Version"]),
                "content": {"application/problem+json": content}
            });
            (format!("Problem{}", status.as_u16()), response)
        })
        .collect();
    responses.into()
}
