//! The operations on publishers, their clients, and the audit log.

use serde_json::{Map, Value, json};

use super::common::{header_refs, if_none_match_read, not_modified, with_problems};

const READ: &[u16] = &[400, 404, 405, 406, 408, 414, 431, 500, 503];
const MANAGE: &[u16] = &[400, 401, 403, 404, 405, 406, 408, 409, 413, 414, 415, 431, 500, 503];

/// Adds them.
pub fn add(paths: &mut Map<String, Value>) {
    let publisher = json!({"id": "my-town", "name": "My Town", "prefixes": ["RS-MYTOWN-"]});
    let client = json!({"id": "0f1e2d3c4b5a6978", "publisher": "my-town", "issuer": "https://id.example.org",
        "subject": "nightly-push", "created_at": "2026-11-22T09:00:00.000000Z", "revoked_at": null});
    let part = |name: &str, about: &str, example: &str| json!({"name": name, "in": "path", "required": true, "description": about, "schema": {"type": "string"}, "example": example});
    let of = part("publisher", "The publisher's id, as tokens name it.", "my-town");
    let page = |items: &str, example: &Value| {
        let schema = json!({"type": "object", "properties": {
            "data": {"type": "array", "items": {"$ref": format!("#/components/schemas/{items}")}},
            "meta": {"type": "object"}, "links": {"$ref": "#/components/schemas/Links"}}});
        json!({"schema": schema, "example": {"data": [example], "meta": {},
            "links": {"self": "http://127.0.0.1:8080/v1/publishers", "next": null}}})
    };
    let one = |name: &str, example: &Value| json!({"schema": {"$ref": format!("#/components/schemas/{name}")}, "example": example});
    let ok = |words: &str, content: Value, headers: &[&str]| {
        let headers = [&["X-Request-Id", "API-Version"], headers].concat();
        json!({"description": words, "headers": header_refs(&headers), "content": {"application/json": content}})
    };
    let read = |id: &str, summary: &str, about: &str, content: Value| {
        json!({"tags": ["publishers"], "operationId": id, "summary": summary, "description": about,
            "parameters": [if_none_match_read()],
            "responses": with_problems(json!({"200": ok(summary, content, &["ETag"]), "304": not_modified()}), READ)})
    };
    let manage = |id: &str, summary: &str, about: &str, body: Option<Value>, responses: Value| {
        let mut operation = json!({"tags": ["publishers"], "operationId": id, "summary": summary, "description": about,
            "security": [{"token": []}], "responses": with_problems(responses, MANAGE)});
        if let Some(body) = body {
            operation["requestBody"] = json!({"required": true, "content": {"application/json": body}});
        }
        operation
    };
    let new_publisher = one("NewPublisher", &publisher);
    let new_client = one("NewClient", &json!({"issuer": "aid-register", "subject": "nightly-push"}));
    paths.insert(
        "/v1/publishers".into(),
        json!({"get": read("list_publishers", "List the publishers", "Who publishes here, and under which prefixes.", page("Publisher", &publisher))}),
    );
    paths.insert("/v1/publishers/{publisher}".into(), json!({"parameters": [of],
        "get": read("show_publisher", "Show a publisher", "Its name and prefixes.", one("Publisher", &publisher)),
        "put": manage("put_publisher", "Create or replace a publisher",
            "Its name, and its prefixes: these and no others. A prefix that is another's, or under which something was published, stays where it is. Needs the scope admin.",
            Some(new_publisher),
            json!({"200": ok("Replaced.", one("Publisher", &publisher), &[]), "201": ok("Created.", one("Publisher", &publisher), &["Location"])}))
    }));
    paths.insert("/v1/publishers/{publisher}/clients".into(), json!({"parameters": [of],
        "get": manage("list_clients", "List the clients of a publisher", "Subjects of identity providers that write for it. Needs the scope admin.", None,
            json!({"200": ok("The clients.", page("Client", &client), &[])})),
        "post": manage("add_client", "Let a client write for a publisher",
            "Tokens of this issuer and subject need no claim that names the publisher. One that was revoked is taken back. Needs the scope admin.",
            Some(new_client), json!({"201": ok("It may write.", one("Client", &client), &["Location"])}))
    }));
    paths.insert("/v1/publishers/{publisher}/clients/{client}".into(), json!({
        "parameters": [of, part("client", "The client's id.", "0f1e2d3c4b5a6978")],
        "delete": manage("revoke_client", "Revoke a client", "Its tokens are refused from now on, however long they are good. Needs the scope admin.", None,
            json!({"200": ok("It is refused.", one("Client", &client), &[])}))
    }));
    let head = json!({"schema": {"type": "object", "properties": {
        "entries": {"type": "integer"}, "hash": {"type": "string", "description": "SHA-256 of the chain, in hexadecimal."}}},
        "example": {"entries": 7, "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}});
    paths.insert("/v1/audit/head".into(), json!({"get": read("show_audit_head", "Show where the audit log ends",
        "Note it elsewhere: `aid-register audit verify --head ENTRIES:HASH` shows later whether the log is still the same up to there.", head)}));
}

/// Their schemas.
pub fn schemas() -> [(&'static str, Value); 5] {
    let text = |about: &str| json!({"type": "string", "description": about});
    [
        (
            "Publisher",
            json!({"type": "object", "description": "Who publishes.", "required": ["id", "name", "prefixes"], "properties": {
            "id": text("As tokens name it."), "name": text("Its name."),
            "prefixes": {"type": "array", "items": {"type": "string"}, "description": "What its identifiers start with."}}}),
        ),
        (
            "NewPublisher",
            json!({"type": "object", "description": "A publisher, as an administrator writes it.", "required": ["name"],
            "additionalProperties": false, "properties": {
            "id": text("As the address says."), "name": {"type": "string", "pattern": "\\S", "maxLength": 500},
            "prefixes": {"type": "array", "items": {"type": "string", "maxLength": 200}, "uniqueItems": true,
                "description": "What its identifiers start with. The empty prefix is that of all that no other publisher's prefix begins: for one that publishes what others report."}}}),
        ),
        (
            "Merge",
            json!({"type": "object", "description": "Into what a record is merged.", "required": ["into"],
            "additionalProperties": false, "properties": {"into": {"type": "string", "format": "identifier",
                "description": "The record of the same kind that stands for it from then on."}}}),
        ),
        (
            "NewClient",
            json!({"type": "object", "description": "A client, as an administrator writes it.", "required": ["issuer", "subject"],
            "additionalProperties": false, "properties": {
            "issuer": {"type": "string", "description": "The `iss` of its tokens; it must be trusted."},
            "subject": {"type": "string", "minLength": 1, "maxLength": 200, "description": "The `sub` of its tokens."}}}),
        ),
        (
            "Client",
            json!({"type": "object", "description": "A subject of an identity provider that writes for a publisher.", "properties": {
            "id": text("Made of issuer and subject."), "publisher": text("For whom it writes."),
            "issuer": text("The `iss` of its tokens."), "subject": text("The `sub` of its tokens."),
            "created_at": {"type": "string", "format": "date-time"},
            "revoked_at": {"type": ["string", "null"], "format": "date-time", "description": "Since when it is refused."}}}),
        ),
    ]
}
