//! Code lists.

use serde_json::{Map, Value, json};

use super::common::{READ_PROBLEMS, header_refs, if_none_match_read, not_modified, query, with_problems};
use crate::codelists::routes::{PARAMETERS, STATUSES};

/// Adds the operations.
pub fn add(paths: &mut Map<String, Value>) {
    let list = json!({"name": "ActivityStatus", "about": "IATI ActivityStatus", "version": "2024-03-11", "complete": true,
        "categories": null, "languages": ["en", "fr", "sr-Latn"], "count": 6, "url": "http://127.0.0.1:8080/v1/codelists/ActivityStatus"});
    let code = json!({"code": "2", "value": "implementation", "name": {"en": "Implementation", "fr": "Actif", "sr-Latn": "Sprovođenje"},
        "category": null, "status": "active", "withdrawn": null, "url": "http://127.0.0.1:8080/v1/codelists/ActivityStatus/2"});
    let text = |about: &str| json!({"type": "string", "description": about});
    let codelist = json!({"type": "object", "properties": {
        "name": text("Its name."), "about": text("What it is."),
        "version": text("Of IATI's lists the day on which they were as they are here."),
        "complete": {"type": "boolean", "description": "Whether there are no other codes."},
        "categories": {"type": ["string", "null"], "description": "The list of the categories of its codes."},
        "languages": {"type": "array", "items": {"type": "string"}}, "count": {"type": "integer"}, "url": text("Its address.")}});
    let one = json!({"type": "object", "properties": {
        "code": text("The code."),
        "value": {"type": ["string", "null"], "description": "How records of the register say it, where they do in words."},
        "name": {"type": "object", "description": "By language.", "additionalProperties": {"type": "string"}},
        "category": {"type": ["string", "null"]}, "status": {"type": "string", "enum": STATUSES},
        "withdrawn": {"type": ["string", "null"], "format": "date", "description": "Since when it is not to be used any more, if that is known."},
        "url": text("Its address.")}});
    let mut whole = codelist.clone();
    whole["properties"]["data"] = json!({"type": "array", "items": one});
    let mut example = list.clone();
    example["data"] = json!([code]);
    let part = |name: &str, about: &str, example: &str| json!({"name": name, "in": "path", "required": true, "description": about, "schema": {"type": "string"}, "example": example});
    let read = |id: &str, summary: &str, about: &str, parameters: Vec<Value>, content: Value| {
        let parameters: Vec<Value> = parameters.into_iter().chain([if_none_match_read()]).collect();
        let found = json!({"description": summary, "headers": header_refs(&["X-Request-Id", "API-Version", "ETag"]), "content": content});
        json!({"tags": ["codelists"], "operationId": id, "summary": summary, "description": about, "parameters": parameters,
            "responses": with_problems(json!({"200": found, "304": not_modified()}), READ_PROBLEMS)})
    };
    let lists = json!({"type": "object", "properties": {"data": {"type": "array", "items": codelist}, "links": {"$ref": "#/components/schemas/Links"}}});
    let links = json!({"self": "http://127.0.0.1:8080/v1/codelists", "next": null});
    paths.insert(
        "/v1/codelists".into(),
        json!({"get": read("list_codelists", "List the code lists",
        "IATI's and the register's own.", Vec::new(),
        json!({"application/json": {"schema": lists, "example": {"data": [list], "links": links}}}))}),
    );
    let parameters = vec![
        json!({"name": "code", "in": "query", "description": "These codes.", "style": "form", "explode": false,
            "schema": {"type": "array", "minItems": 1, "items": {"type": "string"}}}),
        query(
            "status",
            "Active codes, or withdrawn ones; both without it.",
            json!({"type": "string", "enum": STATUSES}),
        ),
        query(
            "format",
            "The format; also as an extension: `.csv`.",
            json!({"type": "string", "enum": ["json", "csv"]}),
        ),
        query(
            "bom",
            "Begin CSV with a byte order mark, for Excel.",
            json!({"type": "string", "enum": ["false", "true"]}),
        ),
    ];
    debug_assert!(PARAMETERS.iter().all(|name| parameters.iter().any(|parameter| parameter["name"] == *name)));
    let name = part("name", "The list's name.", "ActivityStatus");
    paths.insert("/v1/codelists/{name}".into(), json!({"parameters": [name], "get": read("show_codelist", "Show a code list",
        "Its codes with their names; withdrawn ones too.", parameters,
        json!({"application/json": {"schema": whole, "example": example}, "text/csv": {"schema": {"type": "string"}}}))}));
    paths.insert(
        "/v1/codelists/{name}/{code}".into(),
        json!({"parameters": [name, part("code", "The code.", "2")],
        "get": read("show_code", "Show a code", "Withdrawn codes still resolve.", Vec::new(),
            json!({"application/json": {"schema": one, "example": code}}))}),
    );
}
