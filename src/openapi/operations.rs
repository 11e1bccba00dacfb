//! The operations of a collection: the same five for each.

use serde_json::{Map, Value, json};

use super::common::{
    READ_PROBLEMS, as_of, filter, header_refs, if_none_match_read, not_modified, query, reason, with_problems,
};
use super::{rates, search};
use crate::formats::Format;
use crate::kind::Kind;
use crate::merge;
use crate::page;
use crate::search::RELEVANCE;
use crate::store::grain::Grain;

/// Answers that any write may give.
const WRITE_PROBLEMS: &[u16] = &[400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 414, 415, 428, 431, 500, 503];

/// Adds the operations of one collection.
pub fn of_collection(kind: &'static Kind, example: &Value, paths: &mut Map<String, Value>) {
    let (name, one, title) = (kind.collection, kind.singular, capital(kind.singular));
    let shown = super::view_of(kind, example);
    paths.insert(
        format!("/v1/{name}"),
        json!({"get": list(kind, &format!("list_{name}"), &format!("List {name}"), None, &shown)}),
    );
    let a = if one.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    let body = |schema: Value, media: &str, example: Value| json!({"required": true, "content": {media: {"schema": schema, "example": example}}});
    let schema = json!({"$ref": format!("#/components/schemas/{}", kind.schema)});
    let view = json!({"$ref": format!("#/components/schemas/{}View", kind.schema)});
    let answer = |description: &str, headers: &[&str]| {
        json!({"description": description, "headers": header_refs(headers),
            "content": {"application/json": {"schema": view, "example": shown}}})
    };
    let seen = ["X-Request-Id", "API-Version", "ETag"];
    let created = ["X-Request-Id", "API-Version", "ETag", "Location"];
    let write = |id: &str, summary: String, about: &str, body: Option<Value>, responses: Value| {
        let mut operation = json!({
            "tags": [name], "operationId": format!("{id}_{one}"), "summary": summary, "description": about,
            "security": [{"token": []}],
            "parameters": [if_match(), if_none_match(), reason()],
            "responses": with_problems(responses, WRITE_PROBLEMS)
        });
        if let Some(body) = body {
            operation["requestBody"] = body;
        }
        match id {
            "put" => {}
            "delete" => {
                let about = "The record that stands for this one from then on: its address answers 308 to that one's, for ever.";
                let merged_into = query("merged_into", about, json!({"type": "string"}));
                operation["parameters"] = json!([if_match(), reason(), merged_into]);
            }
            _ => operation["parameters"] = json!([if_match(), reason()]),
        }
        operation
    };
    let patch_example = match &example["title"] {
        Value::Null => json!({"name": example["name"]}),
        title => json!({"title": title}),
    };
    let identifier = json!({"name": "identifier", "in": "path", "required": true, "description": format!("The {one}'s identifier, percent-encoded."),
        "schema": {"type": "string", "minLength": 1, "maxLength": 200}, "example": example["identifier"]});
    let path = json!({
        "parameters": [identifier.clone()],
        "get": {
            "tags": [name], "operationId": format!("show_{one}"), "summary": format!("Show {a} {one}"),
            "description": format!("{title} as a bare object. Its ETag is what a change needs as If-Match."),
            "parameters": [fields(kind), include(kind), as_of(), if_none_match_read()],
            "responses": with_problems(
                json!({"200": answer(&format!("The {one}."), &seen), "304": not_modified(),
                    "308": merged()}),
                &[READ_PROBLEMS, &[410]].concat(),
            )
        },
        "put": write("put", format!("Create or replace {a} {one}"),
            "Creating needs no precondition, and neither does repeating what is there. Changing needs If-Match.",
            Some(body(schema.clone(), "application/json", example.clone())),
            json!({"200": answer("Replaced, or unchanged.", &seen), "201": answer("Created.", &created)})),
        "patch": write("patch", format!("Change parts of {a} {one}"),
            "A JSON merge patch (RFC 7396): members replace, null removes, lists replace whole.",
            Some(body(json!({"type": "object"}), "application/merge-patch+json", patch_example)),
            json!({"200": answer("Changed, or unchanged.", &seen)})),
        "delete": write("delete", format!("Delete {a} {one}"),
            "The address answers 410 from then on; the history stays, and the identifier is not used again.",
            None, json!({"204": {"description": "Deleted, or merged.", "headers": header_refs(&["X-Request-Id", "API-Version"])}}))
    });
    paths.insert(format!("/v1/{name}/{{identifier}}"), path);
    if merge::COLLECTIONS.contains(&name) {
        let merged = json!({"type": "object", "properties": {"merged": {"type": "string", "description": "The record that is no more."},
            "into": {"type": "string", "description": "The one that stands for it."},
            "changed": {"type": "integer", "description": "Records that refer to that one now, and itself if it was given identifiers."}}});
        let survivor = example["identifier"].clone();
        let mut operation = write(
            "merge",
            format!("Merge {a} {one} into another"),
            "What refers to it refers to the other from then on, each record as a new version; the other takes over its identifiers elsewhere. Its address answers 308 to the other's for ever, and its history stays. The token must be allowed to write all that refers to it, as an administrator is.",
            Some(body(json!({"$ref": "#/components/schemas/Merge"}), "application/json", json!({"into": survivor}))),
            json!({"200": {"description": "Merged.", "headers": header_refs(&["X-Request-Id", "API-Version"]),
                "content": {"application/json": {"schema": merged, "example": {"merged": "AR-ORG-EU", "into": survivor, "changed": 12}}}}}),
        );
        operation["operationId"] = format!("merge_{one}").into();
        paths.insert(
            format!("/v1/{name}/{{identifier}}/merge"),
            json!({"parameters": [identifier.clone()], "post": operation}),
        );
    }
    if name == "observations" {
        let about = "The observations of one indicator, as in the list of all.";
        let mut operation =
            list(kind, "list_indicator_observations", "List the observations of an indicator", Some(about), &shown);
        if let Some(parameters) = operation["parameters"].as_array_mut() {
            parameters.retain(|parameter| parameter["name"] != "indicator");
        }
        operation["responses"]["308"] = merged();
        operation["responses"]["410"] = json!({"$ref": "#/components/responses/Problem410"});
        let mut identifier = identifier;
        identifier["description"] = "The indicator's identifier, percent-encoded.".into();
        identifier["example"] = example["indicator"].clone();
        paths.insert(
            "/v1/indicators/{identifier}/observations".into(),
            json!({"parameters": [identifier], "get": operation}),
        );
    }
}

fn list(kind: &'static Kind, id: &str, summary: &str, about: Option<&str>, example: &Value) -> Value {
    let mut parameters: Vec<Value> = kind.all_filters().map(filter).collect();
    let sorts: Vec<String> = kind
        .all_sorts()
        .chain([&RELEVANCE])
        .flat_map(|sort| [sort.name.to_owned(), format!("-{}", sort.name)])
        .collect();
    let formats: Vec<&str> = Format::of(kind).iter().map(|format| format.name()).collect();
    let facets: Vec<&str> = kind.facets().map(|filter| filter.name).collect();
    parameters.extend([
        search::q(),
        search::highlight(),
        json!({"name": "facets", "in": "query", "style": "form", "explode": false,
            "description": "Filters to count the values of, among all records that match, into `meta.facets`: the 100 most frequent.",
            "schema": {"type": "array", "maxItems": 10, "items": {"type": "string", "enum": facets}}}),
        query(
            "sort",
            "The order, by identifier without it (of a search, by relevance); `-` for descending. What is absent counts as lowest.",
            json!({"type": "string", "enum": sorts}),
        ),
        query(
            "limit",
            "Records on a page; 100 without it. Only with JSON.",
            json!({"type": "integer", "minimum": 1, "maximum": 1000}),
        ),
        query("cursor", "Where to go on, from `links.next`.", json!({"type": "string"})),
        fields(kind),
        include(kind),
        query(
            "count",
            "Whether to count all records that match, into `meta.total`. An estimate is the planner's; where it is low, the records are counted, and `meta.count` says `exact`.",
            json!({"type": "string", "enum": ["none", "exact", "estimated"]}),
        ),
        query(
            "shape",
            "`array` gives the bare array of records.",
            json!({"type": "string", "enum": ["object", "array"]}),
        ),
        query(
            "format",
            &format!(
                "The format; also as an extension: `/v1/{}.csv`. All but JSON give every record.",
                kind.collection
            ),
            json!({"type": "string", "enum": formats}),
        ),
        query(
            "bom",
            "Begin CSV with a byte order mark, for Excel.",
            json!({"type": "string", "enum": ["false", "true"]}),
        ),
        as_of(),
        if_none_match_read(),
    ]);
    let grains: Vec<&str> = Grain::of(kind).iter().map(|grain| grain.name()).collect();
    if grains.len() > 1 {
        parameters.push(query(
            "grain",
            "What a row of a table (CSV, XLSX, Parquet) is about: a record; the part of it that falls on one OECD DAC sector or on one place, with its part of the amount; or one transaction that it or a grant of it reports. Parts add up to the whole.",
            json!({"type": "string", "enum": grains}),
        ));
    }
    debug_assert!(page::PARAMETERS.iter().all(|name| parameters.iter().any(|parameter| parameter["name"] == *name)));
    let record = json!({"$ref": format!("#/components/schemas/{}View", kind.schema)});
    let page = json!({
        "oneOf": [
            {"type": "object", "required": ["data", "meta", "links"], "properties": {
                "data": {"type": "array", "items": record},
                "meta": {"type": "object", "properties": {"limit": {"type": "integer"},
                    "count": {"type": "string", "enum": ["none", "exact", "estimated"]}, "total": {"type": ["integer", "null"]},
                    "search": search::readings(),
                    "facets": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object",
                        "properties": {"value": {"type": ["string", "null"]}, "count": {"type": "integer"}}}}}}},
                "links": {"type": "object", "properties": {"self": {"type": "string", "format": "uri"},
                    "next": {"type": ["string", "null"], "format": "uri"}}},
                "included": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "object"}}}}},
            {"type": "array", "items": record}
        ]
    });
    let content = json!({
        "application/json": {"schema": page, "example": {
            "data": [example],
            "meta": {"limit": 100, "count": "none", "total": null},
            "links": {"self": format!("http://127.0.0.1:8080/v1/{}", kind.collection), "next": null}
        }},
        "application/x-ndjson": {"schema": {"type": "string"}},
        "text/csv": {"schema": {"type": "string"}},
        (Format::Xlsx.essence()): {"schema": {"type": "string", "format": "binary"}},
        (Format::Parquet.essence()): {"schema": {"type": "string", "format": "binary"}}
    });
    if kind.money.is_some() {
        parameters.extend(rates::parameters());
    }
    let mut content = content;
    if kind.is_placed() {
        content[Format::Geojson.essence()] =
            json!({"schema": {"type": "object", "description": "A FeatureCollection (RFC 7946), whole."}});
    }
    if formats.contains(&Format::Xml.name()) {
        content[Format::Xml.essence()] = json!({"schema": {"type": "string", "description": "IATI 2.03, whole; the project's MAPPING.md says what becomes what."}});
    }
    let found = json!({"description": format!("The {} that match.", kind.collection),
        "headers": header_refs(&["X-Request-Id", "API-Version", "ETag", "Link"]), "content": content});
    json!({
        "tags": [kind.collection], "operationId": id, "summary": summary, "description": about.unwrap_or(kind.about),
        "parameters": parameters,
        "responses": with_problems(json!({"200": found, "304": not_modified()}), READ_PROBLEMS)
    })
}

fn fields(kind: &'static Kind) -> Value {
    json!({"name": "fields", "in": "query", "description": "Only these members, and the identifier.", "style": "form", "explode": false,
        "schema": {"type": "array", "items": {"type": "string", "enum": kind.members()}}})
}

fn include(kind: &Kind) -> Value {
    json!({"name": "include", "in": "query", "description": "Embed the records of these collections that are referred to.", "style": "form", "explode": false,
        "schema": {"type": "array", "items": {"type": "string", "enum": kind.refers_to}}})
}

fn if_match() -> Value {
    json!({"name": "If-Match", "in": "header", "schema": {"type": "string"}, "example": "*",
        "description": "The ETag of the version that is to be changed, or `*` for whatever is there."})
}

fn if_none_match() -> Value {
    json!({"name": "If-None-Match", "in": "header", "schema": {"type": "string", "enum": ["*"]},
        "description": "`*`: only create."})
}

fn merged() -> Value {
    json!({"description": "Another record stands for this one.", "headers": header_refs(&["X-Request-Id", "API-Version", "Location"])})
}

/// The shipped documents name no flow of money; this one is made of the facts of one of them.
pub fn transaction_example() -> Value {
    json!({
        "identifier": "AR-CUPRIJA-T1",
        "type": "outgoing_commitment",
        "date": "2011-03",
        "value": {"amount": 149379, "currency": "EUR", "value_date": "2011-03"},
        "grant": "AR-CUPRIJA-CAC-GRANT",
        "provider": {"organisation": "AR-ORG-EC"},
        "receiver": {"beneficiary": "AR-BEN-CUPRIJA"},
        "kind_of_money": "eu"
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
