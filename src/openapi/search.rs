//! The search over all collections.

use serde_json::{Map, Value, json};

use super::common::{READ_PROBLEMS, header_refs, if_none_match_read, not_modified, query, with_problems};
use crate::collections;
use crate::search::PARAMETERS;

/// What `q` takes.
pub fn q() -> Value {
    let about = "Text to search for in names, titles, descriptions, objectives and identifiers, and in the names of the \
        places, organisations and beneficiaries that a record refers to. Cyrillic, Latin and plain ASCII are one. Every \
        word must be found, in any inflection; \"several words\" in quotes stand next to each other; `munic*` begins a \
        word. A word that the register has nowhere is read as the beginning of one, or as mistyped: `meta.search` says how.";
    query("q", about, json!({"type": "string", "minLength": 1, "maxLength": 200}))
}

/// What `highlight` takes.
pub fn highlight() -> Value {
    query(
        "highlight",
        "Whether to show where the search was found: `highlights`, by JSON Pointer, as HTML with `<mark>`.",
        json!({"type": "string", "enum": ["false", "true"]}),
    )
}

/// Adds it.
pub fn add(paths: &mut Map<String, Value>) {
    let names: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).collect();
    let mut q = q();
    q["required"] = true.into();
    q["example"] = "Ћуприја".into();
    let parameters = vec![
        q,
        json!({"name": "collection", "in": "query", "description": "Only in these collections.", "style": "form", "explode": false,
            "schema": {"type": "array", "items": {"type": "string", "enum": names}}}),
        highlight(),
        query(
            "facets",
            "Whether to count what was found in each collection, into `meta.facets`.",
            json!({"type": "string", "enum": ["none", "collection"]}),
        ),
        query("limit", "Results on a page; 100 without it.", json!({"type": "integer", "minimum": 1, "maximum": 1000})),
        query("cursor", "Where to go on, from `links.next`.", json!({"type": "string"})),
        super::common::as_of(),
        if_none_match_read(),
    ];
    debug_assert!(PARAMETERS.iter().all(|name| parameters.iter().any(|parameter| parameter["name"] == *name)));
    let text = json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Translations"}]});
    let hit = json!({"type": "object", "required": ["collection", "identifier", "url"], "properties": {
        "collection": {"type": "string", "enum": names}, "identifier": {"type": "string"},
        "title": text, "description": text, "url": {"type": "string", "format": "uri"},
        "highlights": {"type": "object", "additionalProperties": {"type": "string"}}}});
    let page = json!({"type": "object", "required": ["data", "meta", "links"], "properties": {
        "data": {"type": "array", "items": hit},
        "meta": {"type": "object", "properties": {"limit": {"type": "integer"}, "search": readings(),
            "facets": {"type": "object", "properties": {"collection": {"type": "object", "additionalProperties": {"type": "integer"}}}}}},
        "links": {"$ref": "#/components/schemas/Links"}}});
    let local = "http://127.0.0.1:8080/v1";
    let example = json!({
        "data": [{"collection": "locations", "identifier": "RS-71200", "title": {"en": "Ćuprija", "sr-Cyrl": "Ћуприја"},
            "description": null, "url": format!("{local}/locations/RS-71200")}],
        "meta": {"limit": 100, "search": [{"term": "Ћуприја", "reading": "word"}]},
        "links": {"self": format!("{local}/search?q=%D0%8B%D1%83%D0%BF%D1%80%D0%B8%D1%98%D0%B0"), "next": null}
    });
    let found = json!({"description": "What was found, best first.",
        "headers": header_refs(&["X-Request-Id", "API-Version", "ETag", "Link"]),
        "content": {"application/json": {"schema": page, "example": example}}});
    paths.insert(
        "/v1/search".into(),
        json!({"get": {
            "tags": ["search"], "operationId": "search", "summary": "Search everything",
            "description": "One search over all collections: a record with just this code first, then one that is called just this, then by where the words stand.",
            "parameters": parameters,
            "responses": with_problems(json!({"200": found, "304": not_modified()}), READ_PROBLEMS)
        }}),
    );
}

/// How terms were read.
pub fn readings() -> Value {
    json!({"type": "array", "description": "With `q`: how each term was read.", "items": {"type": "object", "properties": {
        "term": {"type": "string"}, "reading": {"type": "string", "enum": ["word", "prefix", "similar", "absent", "ignored"]}}}})
}
