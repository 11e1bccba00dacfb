//! The operations on imports.

use serde_json::{Map, Value, json};
use strum::VariantArray;

use super::common::{header_refs, query, reason, with_problems};
use crate::collections;
use crate::imports::report::versions;
use crate::imports::{Format, Mode};

const LOCAL: &str = "http://127.0.0.1:8080";
const ID: &str = "0198f3a2-6c1e-7d60-9a55-3f2d0c1b4e77";

/// An activity of IATI, as short as the standard allows.
const ACTIVITY: &str = "<iati-activities version=\"2.03\"><iati-activity default-currency=\"EUR\">\
    <iati-identifier>RS-MYTOWN-1</iati-identifier>\
    <reporting-org ref=\"RS-MYTOWN\" type=\"11\"><narrative>My Town</narrative></reporting-org>\
    <title><narrative>New roof for the school</narrative></title>\
    <description><narrative>The roof of the primary school is renewed</narrative></description>\
    <participating-org role=\"1\" ref=\"RS-MYTOWN\"/><activity-status code=\"1\"/>\
    <activity-date type=\"1\" iso-date=\"2026-04-01\"/></iati-activity></iati-activities>";
/// Adds them; `example` is a record of the grants.
pub fn add(example: &Value, paths: &mut Map<String, Value>) {
    let names: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).collect();
    let formats: Vec<&str> = Format::VARIANTS.iter().map(|format| format.name()).collect();
    let modes: Vec<&str> = Mode::VARIANTS.iter().map(|mode| mode.into()).collect();
    let collection = |required: bool, about: &str| {
        let mut parameter = query("collection", about, json!({"type": "string", "enum": names}));
        parameter["required"] = required.into();
        parameter["example"] = "grants".into();
        parameter
    };
    let flag = |name: &str, about: &str| query(name, about, json!({"type": "string", "enum": ["false", "true"]}));
    let seen = header_refs(&["X-Request-Id", "API-Version"]);
    let answer = |words: &str, example: Value| {
        let schema = json!({"$ref": "#/components/schemas/Import"});
        json!({"description": words, "headers": seen, "content": {"application/json": {"schema": schema, "example": example}}})
    };
    let mut accepted = answer("Kept for later; `Location` says where to look.", import("queued"));
    accepted["headers"] = header_refs(&["X-Request-Id", "API-Version", "Location", "Retry-After"]);
    let line = |record: &Value| format!("{record}\n");
    let bodies: Map<String, Value> = Format::VARIANTS
        .iter()
        .map(|format| {
            let body = match format {
                Format::Ndjson => json!({"schema": {"type": "string"}, "example": line(example)}),
                Format::Json => json!({"schema": {"oneOf": [{"type": "object"}, {"type": "array"}]}, "example": {"grants": [example]}}),
                Format::Csv => json!({"schema": {"type": "string"}, "example": "identifier,title_en,status\nRS-MYTOWN-1,New roof for the school,pipeline\n"}),
                Format::ThreeSixty => json!({"schema": {"type": "object"}, "example": {"grants": [{
                    "id": "RS-MYTOWN-1", "title": "New roof for the school", "currency": "EUR", "amountAwarded": 12500,
                    "awardDate": "2026-03-01"}]}}),
                Format::Iati => json!({"schema": {"type": "string"}, "example": ACTIVITY}),
                Format::Xlsx => json!({"schema": {"type": "string", "contentMediaType": format.essence()}}),
            };
            (format.essence().to_owned(), body)
        })
        .collect();
    let id = json!({"name": "id", "in": "path", "required": true, "description": "The import's id.",
        "schema": {"type": "string", "format": "uuid"}, "example": ID});
    let security = json!([{"token": []}]);
    let page = json!({"type": "object", "properties": {
        "data": {"type": "array", "items": {"$ref": "#/components/schemas/Import"}},
        "meta": {"type": "object", "properties": {"limit": {"type": "integer"}}},
        "links": {"$ref": "#/components/schemas/Links"}}});
    let own = &[400, 401, 403, 405, 406, 408, 414, 431, 500, 503];
    let one = &[400, 401, 403, 404, 405, 406, 408, 414, 431, 500, 503];
    paths.insert("/v1/imports".into(), json!({
        "get": {
            "tags": ["imports"], "operationId": "list_imports", "summary": "List your imports", "security": security,
            "description": "Those of the token's publisher, the newest first.",
            "parameters": [query("limit", "Imports on a page; 100 without it.", json!({"type": "integer", "minimum": 1, "maximum": 1000})),
                query("cursor", "Where to go on, from `links.next`.", json!({"type": "string"}))],
            "responses": with_problems(json!({"200": {"description": "Your imports.", "headers": seen,
                "content": {"application/json": {"schema": page, "example": {"data": [import("completed")], "meta": {"limit": 100},
                    "links": {"self": format!("{LOCAL}/v1/imports"), "next": null}}}}}}), own)
        },
        "post": {
            "tags": ["imports"], "operationId": "create_import", "summary": "Send many records at once", "security": security,
            "description": "Records are created, replaced, or with `\"deleted\": true` deleted. What stands in a column of CSV and XLSX is set, and what has no column stays. Small bodies are answered at once, large ones with 202. Where something is wrong, the problem names each fault with its row, and `report` the numbers.",
            "parameters": [
                collection(false, "The collection of all records. Without it each says its own in `collection`, or stands in a list of that name. Tables need it."),
                query("format", "What the body is; without it, its Content-Type says so.", json!({"type": "string", "enum": formats})),
                query("mode", "`atomic`, without it: all or none. `independent`: each record by itself.", json!({"type": "string", "enum": modes})),
                flag("dry_run", "Only try: the same in all, and rolled back."),
                flag("confirm", "That many of the publisher's records change at once is meant."),
                reason(),
                {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                    "description": "The same key and request get the first answer again, for a week."},
                {"name": "Prefer", "in": "header", "schema": {"type": "string"}, "example": "respond-async",
                    "description": "`respond-async`: answer with 202 in any case."}
            ],
            "requestBody": {"required": true, "content": bodies.clone()},
            "responses": with_problems(
                json!({"200": answer("Done.", import("completed")), "202": accepted}),
                &[400, 401, 403, 405, 408, 409, 413, 414, 415, 422, 431, 500, 503],
            )
        }
    }));
    paths.insert(
        "/v1/imports/{id}".into(),
        json!({"parameters": [id], "get": {
            "tags": ["imports"], "operationId": "show_import", "summary": "Show an import", "security": security,
            "description": "How far it is, or what it came to. Only its publisher sees it.",
            "responses": with_problems(json!({"200": answer("The import.", import("completed"))}), one)
        }}),
    );
    paths.insert("/v1/imports/{id}/cancel".into(), json!({"parameters": [id], "post": {
        "tags": ["imports"], "operationId": "cancel_import", "summary": "Cancel an import", "security": security,
        "description": "One that has not ended yet; nothing of it is stored then.",
        "responses": with_problems(json!({"202": answer("It will end soon.", import("cancelling"))}), &[one, [409].as_slice()].concat())
    }}));
    paths.insert("/v1/validate".into(), json!({"post": {
        "tags": ["imports"], "operationId": "validate", "summary": "Hold a body against all rules", "security": security,
        "description": "What an import of each record by itself would say, with nothing changed: errors (what would be refused), warnings (rules of IATI and of the register that are broken, and what would be left out), what would be kept. `valid` if there is nothing worse than a warning. At most 8 MB; larger ones go to `/v1/imports?dry_run=true`.",
        "parameters": [
            collection(false, "The collection of all records. Tables need it."),
            query("format", "What the body is; without it, its Content-Type says so.", json!({"type": "string", "enum": formats})),
        ],
        "requestBody": {"required": true, "content": bodies},
        "responses": with_problems(
            json!({"200": {"description": "What was found.", "headers": seen,
                "content": {"application/json": {"schema": validation(), "example": validated()}}}}),
            &[400, 401, 403, 405, 406, 408, 413, 414, 415, 422, 431, 500, 503],
        )
    }}));
    paths.insert("/v1/imports/template.xlsx".into(), json!({"get": {
        "tags": ["imports"], "operationId": "show_import_template", "summary": "Get a table to fill in",
        "description": "A workbook with the columns of a collection, and its codes as drop-downs.",
        "parameters": [collection(true, "Of which collection.")],
        "responses": with_problems(json!({"200": {"description": "The workbook.", "headers": header_refs(&["X-Request-Id", "API-Version", "ETag"]),
            "content": {(Format::Xlsx.essence()): {"schema": {"type": "string", "contentMediaType": Format::Xlsx.essence()}, "example": ""}}}}),
            &[400, 405, 408, 414, 431, 500, 503])
    }}));
}

/// What is shown of an import, as schema.
pub fn schema() -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    let maybe = |about: &str| json!({"type": ["string", "null"], "description": about});
    json!({
        "type": "object", "description": "An import and what it came to.",
        "required": ["id", "status", "dry_run", "counts", "errors"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "status": {"type": "string", "enum": ["queued", "running", "cancelling", "completed", "refused", "unconfirmed", "cancelled", "failed"]},
            "dry_run": {"type": "boolean"},
            "counts": {"$ref": "#/components/schemas/Counts"},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
            "errors_omitted": {"type": "integer", "description": "Faults beyond those named."},
            "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"},
                "description": "Rules that are broken and what was left out, of records that are stored all the same."},
            "warnings_omitted": {"type": "integer", "description": "Warnings beyond those named."},
            "kept": {"type": "object", "additionalProperties": {"type": "integer"},
                "description": "Elements of IATI that are kept with the records without a member of their own: how many records have some of that name."},
            "rules": {"type": "object", "additionalProperties": {"type": "string"}, "description": "The versions of the rules."},
            "format": text("What the body was."), "collection": maybe("The collection of all records."), "mode": text("All or none, or each by itself."),
            "publisher": maybe("For whom."), "author": {"type": "object"}, "request_id": text("The request that sent it."),
            "reason": maybe("What for."), "created_at": {"type": "string", "format": "date-time"},
            "finished_at": {"type": ["string", "null"], "format": "date-time"}, "links": {"$ref": "#/components/schemas/Links"}
        }
    })
}

/// The members of a report that say what was found.
const FOUND: [&str; 8] =
    ["counts", "errors", "errors_omitted", "warnings", "warnings_omitted", "kept", "rules", "format"];

/// What is said of a body that is only held against the rules, as schema.
fn validation() -> Value {
    let mut schema = schema();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.retain(|name, _| FOUND.contains(&name.as_str()));
        properties.insert(
            "valid".into(),
            json!({"type": "boolean", "description": "Whether all would be stored and no error was found."}),
        );
    }
    schema["description"] = "What was found in a body.".into();
    schema["required"] = json!(["valid", "counts", "errors", "warnings", "rules"]);
    schema
}

fn validated() -> Value {
    let mut example = import("completed");
    if let Some(members) = example.as_object_mut() {
        members.retain(|name, _| FOUND.contains(&name.as_str()));
        members.insert("valid".into(), true.into());
    }
    example
}

fn import(status: &str) -> Value {
    let done = status == "completed";
    let n = |number: i64| if done { number } else { 0 };
    json!({
        "id": ID, "status": status, "dry_run": false,
        "counts": {"read": n(3), "created": n(1), "updated": n(1), "unchanged": n(1), "deleted": 0, "refused": 0},
        "errors": [], "errors_omitted": 0, "warnings": [], "warnings_omitted": 0, "kept": {}, "rules": versions(), "format": "ndjson", "collection": "grants", "mode": "atomic", "publisher": "my-town",
        "author": {"issuer": "aid-register", "subject": "my-town"}, "request_id": "nightly-2026-11-22", "reason": null,
        "created_at": "2026-11-22T02:00:00.000000Z", "finished_at": if done { json!("2026-11-22T02:00:00.120000Z") } else { Value::Null },
        "links": {"self": format!("{LOCAL}/v1/imports/{ID}")}
    })
}
