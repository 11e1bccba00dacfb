//! The operations that belong to no collection.

use serde_json::{Map, Value, json};

use super::common::{header_refs, with_problems};
use crate::API_VERSION;

/// One of them: a document to be read.
struct Document {
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    about: &'static str,
    media: &'static str,
    example: Value,
    problems: &'static [u16],
}

/// Adds them.
pub fn add(paths: &mut Map<String, Value>) {
    for document in documents() {
        let Document { path, id, summary, about, media, example, problems } = document;
        let schema = json!({"type": if example.is_string() { "string" } else { "object" }});
        let ok = json!({
            "description": summary,
            "headers": header_refs(&["X-Request-Id", "API-Version"]),
            "content": {media: {"schema": schema, "example": example}}
        });
        let operation = json!({
            "tags": ["register"], "operationId": id, "summary": summary, "description": about,
            "responses": with_problems(json!({"200": ok}), problems)
        });
        paths.insert(path.into(), json!({"get": operation}));
    }
}

fn documents() -> [Document; 6] {
    let json = "application/json";
    let local = "http://127.0.0.1:8080";
    [
        Document {
            path: "/v1",
            id: "show_index",
            summary: "Where everything is",
            about: "The collections and the documentation.",
            media: json,
            example: json!({
                "version": API_VERSION,
                "collections": [{"name": "grants", "about": "Awards under a programme or call, in money or in kind.",
                    "url": format!("{local}/v1/grants")}],
                "openapi": format!("{local}/v1/openapi.json"),
                "docs": format!("{local}/docs/")
            }),
            problems: &[400, 405, 500],
        },
        Document {
            path: "/v1/openapi.json",
            id: "show_openapi",
            summary: "This document",
            about: "OpenAPI 3.1.",
            media: json,
            example: json!({"openapi": "3.1.0"}),
            problems: &[400, 405, 500],
        },
        Document {
            path: "/v1/openapi-3.0.json",
            id: "show_openapi_3_0",
            summary: "This document as OpenAPI 3.0.3",
            about: "For generators that know no 3.1.",
            media: json,
            example: json!({"openapi": "3.0.3"}),
            problems: &[400, 405, 500],
        },
        Document {
            path: "/health/live",
            id: "show_live",
            summary: "Whether the program runs",
            about: "For a supervisor that restarts it.",
            media: json,
            example: json!({"status": "live"}),
            problems: &[400, 405, 500],
        },
        Document {
            path: "/health/ready",
            id: "show_ready",
            summary: "Whether the register can answer",
            about: "For a load balancer. `position` counts the versions ever written.",
            media: json,
            example: json!({"status": "ready", "position": 367}),
            problems: &[400, 405, 500, 503],
        },
        Document {
            path: "/metrics",
            id: "show_metrics",
            summary: "Numbers for Prometheus",
            about: "Counts and times of requests by route, method and status.",
            media: "text/plain",
            example: json!(
                "aid_register_http_requests_total{endpoint=\"/v1/grants\",method=\"GET\",status=\"200\"} 17\n"
            ),
            problems: &[405, 500],
        },
    ]
}
