//! What several operations have in common: headers, parameters, problems.

use serde_json::{Map, Value, json};

use crate::kind::{Filter, Takes};

/// Answers that any read may give.
pub const READ_PROBLEMS: &[u16] = &[400, 404, 405, 406, 408, 414, 431, 500, 503];
/// Headers of answers, described once.
pub fn headers() -> Value {
    let text = |words: &str| json!({"description": words, "schema": {"type": "string"}});
    json!({
        "X-Request-Id": text("The request, as it stands in logs and versions."),
        "API-Version": text("The version of this API (SemVer)."),
        "ETag": text("The representation; a record's begins with its version."),
        "Link": text("The next page, with rel=\"next\" (RFC 8288)."),
        "Location": text("What is new, or where to go."),
        "Retry-After": text("Seconds after which to ask again."),
    })
}

/// References to some of them.
pub fn header_refs(names: &[&str]) -> Value {
    let refs: Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})))
        .collect();
    refs.into()
}

/// A filter as a parameter.
pub fn filter(filter: &Filter) -> Value {
    let comma_list = |items: Value| json!({"type": "array", "items": items, "minItems": 1});
    let schema = match filter.takes {
        Takes::AnyOf => comma_list(json!({"type": "string", "minLength": 1})),
        Takes::Codes(codes) => comma_list(json!({"type": "string", "enum": codes})),
        Takes::Currencies => comma_list(json!({"type": "string", "pattern": "^[A-Z]{3}$"})),
        Takes::Date => json!({"type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"}),
        Takes::Instant => json!({"type": "string", "format": "date-time"}),
        Takes::Number => json!({"type": "number"}),
        Takes::Box => json!({"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}),
        Takes::Circle => json!({"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}),
    };
    let mut parameter = json!({"name": filter.name, "in": "query", "description": filter.about, "schema": schema});
    if matches!(filter.takes, Takes::AnyOf | Takes::Codes(_) | Takes::Currencies | Takes::Box | Takes::Circle) {
        parameter["style"] = "form".into();
        parameter["explode"] = false.into();
    }
    parameter
}

/// A query parameter.
pub fn query(name: &str, about: &str, schema: Value) -> Value {
    json!({"name": name, "in": "query", "description": about, "schema": schema})
}

/// The instant to look from.
pub fn as_of() -> Value {
    let about =
        "The register as it stood at this instant, parts and references included; a day means its first instant.";
    query("as_of", about, json!({"type": "string", "format": "date-time"}))
}

pub fn if_none_match_read() -> Value {
    json!({"name": "If-None-Match", "in": "header", "schema": {"type": "string"},
        "description": "The ETag of what the client has; 304 if it is still that."})
}

pub fn not_modified() -> Value {
    json!({"description": "The client has it already.", "headers": header_refs(&["X-Request-Id", "API-Version", "ETag"])})
}

/// Adds the problems that an operation may answer with.
pub fn with_problems(mut responses: Value, statuses: &[u16]) -> Value {
    for status in statuses {
        responses[status.to_string()] = json!({"$ref": format!("#/components/responses/Problem{status}")});
    }
    responses
}

/// What a write takes as its reason.
pub fn reason() -> Value {
    query("reason", "What for, in a line; the history keeps it.", json!({"type": "string", "maxLength": 500}))
}
