//! Totals and the rows that they are made of.

use serde_json::{Map, Value, json};
use strum::VariantNames;

use super::common::{
    READ_PROBLEMS, as_of, filter, header_refs, if_none_match_read, not_modified, query, with_problems,
};
use super::{rates, search};
use crate::collections::locations::LocationKind;
use crate::totals::dimension::Subject;
use crate::totals::facts::REASONS;
use crate::totals::measures::Measure;
use crate::totals::question;
use crate::totals::{self, METHOD};

/// Where examples come from.
const LOCAL: &str = "http://127.0.0.1:8080";

/// Adds them.
pub fn add(paths: &mut Map<String, Value>) {
    for subject in [Subject::Transactions, Subject::Grants, Subject::Indicators] {
        let name = subject.name();
        let asked = parameters(subject, false);
        debug_assert!(
            question::parameters(subject).iter().all(|name| asked.iter().any(|given| given["name"] == **name))
        );
        let operation = |id: &str, summary: &str, about: &str, parameters: Vec<Value>, content: Value| {
            let found = json!({"description": summary, "headers": header_refs(&["X-Request-Id", "API-Version", "ETag", "Link"]), "content": content});
            json!({"get": {"tags": ["totals"], "operationId": format!("{id}_{name}"), "summary": format!("{summary} of {name}"),
                "description": about, "parameters": parameters,
                "responses": with_problems(json!({"200": found, "304": not_modified()}), READ_PROBLEMS)}})
        };
        paths.insert(
            format!("/v1/totals/{name}"),
            operation(
                "total",
                "Totals",
                "Measures by one to three dimensions, the whole, and what was left out. Nothing is counted twice: `/docs/METHOD.md` has the rules.",
                asked,
                json!({"application/json": {"schema": page(group(), meta()), "example": groups(name)}, "text/csv": {"schema": {"type": "string"}}, "application/geo+json": {"schema": {"type": "object"}}}),
            ),
        );
        paths.insert(
            format!("/v1/totals/{name}/rows"),
            operation(
                "explain_total",
                "The rows of totals",
                "The very rows that a total adds up, each with its part; or those that it leaves out for a reason.",
                parameters(subject, true),
                json!({"application/json": {"schema": page(row(), json!({"type": "object", "properties": {"limit": {"type": "integer"}, "search": search::readings()}})), "example": rows(name)}, "text/csv": {"schema": {"type": "string"}}}),
            ),
        );
    }
}

fn page(item: Value, meta: Value) -> Value {
    json!({"type": "object", "properties": {"data": {"type": "array", "items": item}, "meta": meta, "links": {"$ref": "#/components/schemas/Links"}}})
}

fn number(about: &str) -> Value {
    json!({"type": ["number", "null"], "description": about})
}

fn address(about: &str) -> Value {
    json!({"type": "string", "format": "uri", "description": about})
}

fn group() -> Value {
    let mut members = json!({"currency": {"type": ["string", "null"], "description": "Of its amounts."}, "explain": address("The rows that add up to it.")});
    for measure in Measure::VARIANTS {
        members[*measure] = number("If it was asked for.");
    }
    json!({"type": "object", "properties": members,
        "description": "Its keys under the names of the dimensions, with `_name` (by language), `_note`, and `_reason` where a key is null; and its measures. With `shape=wide`, `values` by the second key."})
}

fn meta() -> Value {
    let judged = json!({"type": "array", "items": {"type": "object", "properties": {
        "reason": {"type": "string", "description": "Why they do not count."}, "count": {"type": "integer"},
        "currency": {"type": ["string", "null"]}, "amount": number("Their amounts as they are stated."), "counted": number("Of what is included: what of them counts, in the currency of the total."),
        "inexact": {"type": "integer", "description": "How many of them are not exact."}, "explain": address("These rows.")}}});
    json!({"type": "object", "properties": {
        "measure": {"type": "array", "items": {"type": "string"}}, "group_by": {"type": "array", "items": {"type": "string"}},
        "total": {"type": "array", "description": "The whole, by currency.", "items": group()},
        "included": judged, "excluded": judged,
        "method": {"type": "object", "properties": {"url": address("The rules."), "version": {"type": "string"}}},
        "explain": address("The rows that add up to the whole."),
        "conversion": {"type": "object", "description": "How much could be converted, by original currency."},
        "search": search::readings()}})
}

fn row() -> Value {
    json!({"type": "object", "properties": {
        "identifier": {"type": "string"}, "url": address("The record."), "keys": {"type": "object"},
        "amount": number("As the record states it."), "currency": {"type": ["string", "null"]},
        "part": number("What of it counts here."), "part_currency": {"type": ["string", "null"]},
        "reason": {"type": ["string", "null"], "description": "Why it does not count."}}})
}

fn groups(name: &str) -> Value {
    let explain = format!("{LOCAL}/v1/totals/{name}/rows?group_by=place");
    json!({
        "data": [{"place": "RS-71200", "place_name": {"en": "Ćuprija"}, "currency": "EUR", "sum": 177200.00, "count": 1, "explain": format!("{explain}&group=RS-71200&unit=EUR")}],
        "meta": {"measure": ["sum", "count"], "group_by": ["place"], "total": [{"currency": "EUR", "sum": 177200.00, "count": 1}],
            "included": [{"count": 1, "currency": "EUR", "amount": 177200.00, "inexact": 0}], "excluded": [],
            "method": {"url": format!("{LOCAL}/docs/METHOD.md"), "version": METHOD}, "explain": explain, "limit": 100},
        "links": {"self": format!("{LOCAL}/v1/totals/{name}?group_by=place"), "next": null}
    })
}

fn rows(name: &str) -> Value {
    json!({
        "data": [{"identifier": "AR-CUPRIJA-CAC-GRANT", "url": format!("{LOCAL}/v1/grants/AR-CUPRIJA-CAC-GRANT"), "keys": {"place": "RS-71200"},
            "amount": 177200.00, "currency": "EUR", "part": 177200.00, "part_currency": "EUR", "reason": null}],
        "meta": {"limit": 100}, "links": {"self": format!("{LOCAL}/v1/totals/{name}/rows?group_by=place"), "next": null}
    })
}

fn list(name: &str, about: &str, items: Value) -> Value {
    json!({"name": name, "in": "query", "description": about, "style": "form", "explode": false,
        "schema": {"type": "array", "minItems": 1, "items": items}})
}

fn parameters(subject: Subject, rows: bool) -> Vec<Value> {
    let mut parameters: Vec<Value> = subject.kind().all_filters().map(filter).collect();
    if subject == Subject::Transactions {
        for parameter in parameters.iter_mut().filter(|parameter| parameter["name"] == "type") {
            parameter["description"] =
                "Of one of these types. A total of amounts states one, or is grouped by type.".into();
        }
    }
    let dimensions: Vec<&str> = subject.dimensions().map(|dimension| dimension.name).collect();
    let about: Vec<String> =
        subject.dimensions().map(|dimension| format!("`{}`: {}", dimension.name, dimension.about)).collect();
    let about = format!("One to three dimensions. {}", about.join(" "));
    let mut group_by = list("group_by", &about, json!({"type": "string", "enum": dimensions}));
    group_by["schema"]["maxItems"] = 3.into();
    let text = || json!({"type": "string"});
    let one_of = |names: &[&str]| json!({"type": "string", "enum": names});
    parameters.extend([
        search::q(),
        list("measure", "What to measure; `sum,count` without it.", json!({"type": "string", "enum": Measure::VARIANTS})),
        group_by,
        query("place_level", "With `group_by=place`: the level that places are counted at; as they are stated without it.", one_of(LocationKind::VARIANTS)),
        query("boundary", "Of transactions: count what crosses inward into this place, programme, organisation or beneficiary, and not what moves inside it.", text()),
        query("shape", "`wide` gives one row for each key of the first of two dimensions, with a value for each key of the second.", one_of(&["long", "wide"])),
        query("format", "The format; also as an extension: `.csv`, and with `group_by=place` `.geojson`, with every group.", one_of(&["json", "csv", "geojson"])),
        query("bom", "Begin CSV with a byte order mark, for Excel.", one_of(&["false", "true"])),
        query("sort", "The order: a measure, `-` for descending, or `key`. The largest of the first measure come first without it.", text()),
        query("limit", "Groups on a page; 100 without it.", json!({"type": "integer", "minimum": 1, "maximum": 1000})),
        query("cursor", "Where to go on, from `links.next`.", text()),
        as_of(),
        if_none_match_read(),
    ]);
    if subject.kind().money.is_some() {
        parameters.extend(rates::parameters());
    }
    for measure in Measure::VARIANTS {
        parameters.push(query(
            &format!("{measure}_gte"),
            "Only groups with this or more of it.",
            json!({"type": "number"}),
        ));
        parameters.push(query(
            &format!("{measure}_lte"),
            "Only groups with this or less of it.",
            json!({"type": "number"}),
        ));
    }
    if rows {
        parameters.push(query("unit", "Only the parts in this currency, or of values in this unit.", text()));
        parameters.push(query("group", "Only the rows of this group: its keys, separated by spaces.", text()));
        parameters.push(query("excluded", "The records that were left out for this reason instead.", one_of(&REASONS)));
        let known = totals::rows::parameters(subject);
        parameters.retain(|parameter| {
            let name = parameter["name"].as_str().unwrap_or_default();
            name == "If-None-Match" || known.iter().any(|known| known == name)
        });
        for parameter in parameters.iter_mut().filter(|parameter| parameter["name"] == "format") {
            parameter["description"] = "The format; also as an extension: `.csv`, with every row.".into();
            parameter["schema"] = one_of(&["json", "csv"]);
        }
    }
    parameters
}
