//! The operations on the history of a record: the same three for each collection.

use serde_json::{Map, Value, json};

use super::common::{READ_PROBLEMS, header_refs, if_none_match_read, not_modified, query, with_problems};
use crate::collections;
use crate::kind::Kind;

/// Adds the operations of one collection.
pub fn of_collection(kind: &'static Kind, example: &Value, paths: &mut Map<String, Value>) {
    let (name, one) = (kind.collection, kind.singular);
    let seen = header_refs(&["X-Request-Id", "API-Version", "ETag"]);
    let identifier = json!({"name": "identifier", "in": "path", "required": true,
        "description": format!("The {one}'s identifier, percent-encoded."),
        "schema": {"type": "string", "minLength": 1, "maxLength": 200}, "example": example["identifier"]});
    let mut add =
        |path: &str, id: String, summary: String, about: &str, parameters: Vec<Value>, ok: Value, problems: &[u16]| {
            let parameters: Vec<Value> = parameters.into_iter().chain([if_none_match_read()]).collect();
            let operation = json!({
                "tags": [name], "operationId": id, "summary": summary, "description": about, "parameters": parameters,
                "responses": with_problems(json!({"200": ok, "304": not_modified()}), problems)
            });
            paths.insert(
                format!("/v1/{name}/{{identifier}}/{path}"),
                json!({"parameters": [identifier.clone()], "get": operation}),
            );
        };
    let answer = |description: String, media: &str, schema: Value, example: Value| json!({"description": description, "headers": seen, "content": {media: {"schema": schema, "example": example}}});
    let page = json!({
        "type": "object", "required": ["data", "meta", "links"], "properties": {
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/Change"}},
            "meta": {"type": "object", "properties": {"limit": {"type": "integer"}}},
            "links": {"$ref": "#/components/schemas/Links"}}
    });
    add(
        "versions",
        format!("list_{one}_versions"),
        format!("List the versions of a{} {one}", n(one)),
        "Who wrote it, when, and why; the newest first. Those of a deleted record stay.",
        vec![
            query(
                "limit",
                "Versions on a page; 100 without it.",
                json!({"type": "integer", "minimum": 1, "maximum": 1000}),
            ),
            query("cursor", "Where to go on, from `links.next`.", json!({"type": "string"})),
        ],
        answer(
            format!("The versions of the {one}."),
            "application/json",
            page,
            json!({
                "data": [change(kind, example)], "meta": {"limit": 100},
                "links": {"self": format!("http://127.0.0.1:8080/v1/{name}/{}/versions", example["identifier"].as_str().unwrap_or_default()), "next": null}
            }),
        ),
        READ_PROBLEMS,
    );
    let mut version = json!({"$ref": format!("#/components/schemas/{}View", kind.schema)});
    add(
        "versions/{version}",
        format!("show_{one}_version"),
        format!("Show a version of a{} {one}", n(one)),
        "The record as it was; 410 for the version with which it was deleted or merged.",
        vec![json!({"name": "version", "in": "path", "required": true, "description": "Its number, from 1.",
            "schema": {"type": "integer", "minimum": 1}, "example": 1})],
        answer(format!("The {one} as it was."), "application/json", version.take(), example.clone()),
        &[READ_PROBLEMS, &[410]].concat(),
    );
    let number = json!({"type": "integer", "minimum": 1});
    add(
        "diff",
        format!("diff_{one}"),
        format!("Show what changed in a{} {one}", n(one)),
        "A JSON Patch (RFC 6902) that turns one version, as its address gives it, into another. Before the first version and after a deletion there is null.",
        vec![
            query("from", "The version before; without it, the one before `to`.", number.clone()),
            query("to", "The version after; without it, the latest.", number),
        ],
        answer(
            "The patch.".into(),
            "application/json-patch+json",
            json!({"type": "array", "items": {"type": "object", "required": ["op", "path"], "properties": {
                "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
                "path": {"type": "string"}, "from": {"type": "string"}, "value": {}}}}),
            json!([{"op": "replace", "path": "/version", "value": 2}]),
        ),
        READ_PROBLEMS,
    );
}

/// Adds the change feed.
pub fn feed(mut change: Value, paths: &mut Map<String, Value>) {
    let known: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).collect();
    let cursor = "WyIxNyIsIiIsIjBmMWUyZDNjNGI1YTY5NzgiXQ";
    change["cursor"] = cursor.into();
    let event = format!("id: {cursor}\nevent: change\ndata: {change}\n\n");
    let page = json!({
        "type": "object", "required": ["data", "meta", "links"], "properties": {
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/Change"}},
            "meta": {"type": "object", "properties": {"limit": {"type": "integer"},
                "cursor": {"type": "string", "description": "Where to go on later, whether or not there is a next page now."}}},
            "links": {"$ref": "#/components/schemas/Links"}}
    });
    let ok = json!({
        "description": "The changes, the oldest first.",
        "headers": header_refs(&["X-Request-Id", "API-Version", "ETag", "Link"]),
        "content": {
            "application/json": {"schema": page, "example": {"data": [change], "meta": {"limit": 100, "cursor": cursor},
                "links": {"self": "http://127.0.0.1:8080/v1/changes", "next": null}}},
            "text/event-stream": {"schema": {"type": "string"}, "example": event}}
    });
    let mut collection = query(
        "collection",
        "Changes in these collections.",
        json!({"type": "array", "items": {"type": "string", "enum": known}}),
    );
    collection["style"] = "form".into();
    collection["explode"] = false.into();
    let operation = json!({
        "tags": ["changes"], "operationId": "list_changes", "summary": "Follow every change",
        "description": "Every create, change, deletion and merge in the order of its commit, without gaps: who goes on after the last cursor misses nothing. With `Accept: text/event-stream` it does not end.",
        "parameters": [
            query("after", "Where to go on, from `meta.cursor` or a change's `cursor`; `latest` for what comes from now on. Without it, from the beginning.", json!({"type": "string"})),
            query("limit", "Changes on a page; 100 without it.", json!({"type": "integer", "minimum": 1, "maximum": 1000})),
            collection,
            query("include", "`records` adds each record as it was.", json!({"type": "string", "enum": ["records"]})),
            query("wait", "If there is no change, wait for one for so many seconds.", json!({"type": "integer", "minimum": 0, "maximum": 60})),
            {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "description": "In a stream of events: the last one seen."},
            if_none_match_read()
        ],
        "responses": with_problems(json!({"200": ok, "304": not_modified()}), &[400, 405, 406, 408, 414, 431, 500, 503])
    });
    paths.insert("/v1/changes".into(), json!({"get": operation}));
}

fn n(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "n" } else { "" }
}

/// What is said of a version, as schema.
pub fn change_schema() -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    let maybe = |about: &str| json!({"type": ["string", "null"], "description": about});
    json!({
        "type": "object",
        "description": "One version of one record: who made it, when, and how.",
        "required": ["collection", "identifier", "version", "change", "recorded_at", "publisher", "author", "request_id", "url"],
        "properties": {
            "collection": text("The record's collection."),
            "identifier": text("The record."),
            "version": {"type": "integer", "minimum": 1, "description": "Its number among the record's versions."},
            "change": {"type": "string", "enum": ["created", "changed", "deleted", "merged"]},
            "recorded_at": {"type": "string", "format": "date-time", "description": "When it came into force."},
            "publisher": text("Whose the record is."),
            "author": {"type": "object", "description": "Who wrote it, by their token.", "properties": {
                "issuer": text("Who vouches for them."), "subject": text("Who they are.")}},
            "request_id": text("The request that wrote it."),
            "import": maybe("The import that it was part of."),
            "reason": maybe("What for, in the author's words."),
            "merged_into": maybe("The record that stands for it from then on."),
            "content_hash": maybe("SHA-256 of the bytes that `url` gives, in hexadecimal; null where the record is gone."),
            "url": {"type": "string", "format": "uri", "description": "This version, whole."},
            "cursor": text("In the feed: where to go on after it."),
            "record": {"type": ["object", "null"], "description": "In the feed, with `include=records`: the record as it was."}
        }
    })
}

/// One of them.
pub fn change(kind: &Kind, example: &Value) -> Value {
    let identifier = example["identifier"].as_str().unwrap_or_default();
    json!({
        "collection": kind.collection, "identifier": identifier, "version": 1, "change": "created",
        "recorded_at": "2026-11-22T09:00:00.000000Z", "publisher": "aid-register",
        "author": {"issuer": "aid-register", "subject": "shipped-content"},
        "request_id": "0198f3a2-6c1e-7d60-9a55-3f2d0c1b4e77", "import": null, "reason": null, "merged_into": null,
        "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "url": format!("http://127.0.0.1:8080/v1/{}/{identifier}/versions/1", kind.collection)
    })
}
