//! Dumps of the whole register.

use serde_json::{Map, Value, json};

use crate::formats::Format;

use super::common::{READ_PROBLEMS, header_refs, if_none_match_read, not_modified, with_problems};

/// Adds the operations.
pub fn add(paths: &mut Map<String, Value>) {
    let dump = json!({"name": "2026-11-22T180000Z", "made_at": "2026-11-22T18:00:00Z", "as_of": "2026-11-22T17:59:58.123456Z",
        "position": 604, "bytes": 1_250_000, "url": "http://127.0.0.1:8080/v1/dumps/2026-11-22T180000Z"});
    let list = json!({"type": "object", "properties": {
        "data": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "made_at": {"type": "string", "format": "date-time"}, "as_of": {"type": "string", "format": "date-time"},
            "position": {"type": "integer", "description": "The last change in it; the feed goes on from there."},
            "bytes": {"type": "integer"}, "url": {"type": "string", "format": "uri"}}}},
        "links": {"$ref": "#/components/schemas/Links"}}});
    let manifest = json!({"name": "2026-11-22T180000Z", "made_at": "2026-11-22T18:00:00Z", "as_of": "2026-11-22T17:59:58.123456Z",
        "position": 604, "changes": "/v1/changes?after=WyI2MDQiLCIiXQ", "api_version": "1.0.0", "licence": "CC-BY-4.0",
        "citation": "Aid Register, dump of 22 November 2026", "files": [
            {"name": "grants.csv.gz", "media_type": "application/gzip", "bytes": 4096,
             "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "rows": 11,
             "schema": "/v1/openapi.json#/components/schemas/Grant", "unpacked": "grants.csv"}]});
    let part = |name: &str, about: &str, example: &str| json!({"name": name, "in": "path", "required": true, "description": about, "schema": {"type": "string"}, "example": example});
    let on = json!({"description": "To the newest, where `latest` was asked for.", "headers": header_refs(&["X-Request-Id", "API-Version", "Location"])});
    let read = |id: &str, summary: &str, about: &str, answers: Value, problems: &[u16]| {
        json!({"tags": ["dumps"], "operationId": id, "summary": summary, "description": about, "parameters": [if_none_match_read()],
            "responses": with_problems(answers, problems)})
    };
    let headers = header_refs(&["X-Request-Id", "API-Version", "ETag"]);
    paths.insert("/v1/dumps".into(), json!({"get": read("list_dumps", "List the dumps", "The whole register as files, of which none ever changes; the newest first.",
        json!({"200": {"description": "The dumps.", "headers": headers, "content": {"application/json": {"schema": list,
            "example": {"data": [dump], "links": {"self": "http://127.0.0.1:8080/v1/dumps", "next": null}}}}}, "304": not_modified()}), READ_PROBLEMS)}));
    let name = part("dump", "The dump's name, or `latest`.", "latest");
    paths.insert("/v1/dumps/{dump}".into(), json!({"parameters": [name], "get": read("show_dump", "Show a dump",
        "Its manifest: each file with its size, SHA-256, number of records and schema, the licence, and the point in the history.",
        json!({"200": {"description": "The manifest.", "headers": headers,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Manifest"}, "example": manifest}}}, "304": not_modified(), "307": on}), READ_PROBLEMS)}));
    // Ranges that there are not, and other files than the one that is meant.
    let problems: Vec<u16> = READ_PROBLEMS.iter().copied().filter(|status| *status != 406).chain([412, 416]).collect();
    let types = [Format::Csv, Format::Ndjson, Format::Parquet, Format::Xml].map(Format::essence);
    let bytes = |media: &str| (media.to_owned(), json!({"schema": {"type": "string", "format": "binary"}}));
    let mut content: Map<String, Value> =
        types.into_iter().chain(["application/gzip", "application/json"]).map(bytes).collect();
    content["text/csv"]["example"] =
        "identifier,title_en\nAR-CUPRIJA-CAC-GRANT,Citizens Assistance Centre in Ćuprija\n".into();
    let whole = json!({"description": "The file.", "headers": headers, "content": content});
    let mut range = whole.clone();
    range["description"] = "The range that was asked for.".into();
    paths.insert("/v1/dumps/{dump}/{file}".into(), json!({
        "parameters": [name, part("file", "A file that the manifest names: a collection as `.csv`, `.ndjson` or `.parquet`, or `activities.xml`; text also as `.gz`.", "grants.csv.gz")],
        "get": read("get_dump_file", "Get a file of a dump", "Whole, or with `Range` a part of it.",
            json!({"200": whole, "206": range, "304": not_modified(), "307": on}), &problems)}));
}
