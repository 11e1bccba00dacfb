//! The same document as OpenAPI 3.0.3, for generators that know no 3.1.

use serde_json::{Map, Value, json};

/// Rewrites what 3.0 says otherwise or cannot say.
pub fn to_3_0(mut document: Value) -> Value {
    document["openapi"] = "3.0.3".into();
    if let Some(license) = document["info"]["license"].as_object_mut() {
        license.remove("identifier");
    }
    schemas(&mut document, false);
    document
}

/// Walks the document. Examples are data and stay as they are, and so does what
/// stands where names are free.
fn schemas(value: &mut Value, names: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| schemas(item, false)),
        Value::Object(members) => {
            if !names {
                rewrite(members);
            }
            for (name, member) in members.iter_mut() {
                let data = !names && matches!(name.as_str(), "example" | "examples" | "enum" | "default" | "required");
                if !data {
                    schemas(
                        member,
                        !names && matches!(name.as_str(), "properties" | "responses" | "schemas" | "paths"),
                    );
                }
            }
        }
        _ => {}
    }
}

fn rewrite(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get("type").cloned() {
        if types.iter().any(|kind| kind == "null") {
            schema.insert("nullable".into(), true.into());
        }
        match types.iter().find(|kind| *kind != "null") {
            Some(kind) => schema.insert("type".into(), kind.clone()),
            None => schema.shift_remove("type"),
        };
    }
    // "Null or this" is this, nullable.
    let is_null = |branch: &Value| branch == &json!({"type": "null"});
    if let Some(Value::Array(branches)) = schema.get("oneOf").cloned()
        && branches.iter().any(is_null)
    {
        schema.shift_remove("oneOf");
        schema.insert("nullable".into(), true.into());
        schema.insert("allOf".into(), branches.into_iter().filter(|branch| !is_null(branch)).collect());
    }
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if let Some(limit @ Value::Number(_)) = schema.get(exclusive).cloned() {
            schema.insert(bound.into(), limit);
            schema.insert(exclusive.into(), true.into());
        }
    }
    if let Some(Value::Array(examples)) = schema.get("examples").cloned() {
        schema.shift_remove("examples");
        if let Some(example) = examples.into_iter().next() {
            schema.insert("example".into(), example);
        }
    }
    if schema.shift_remove("contentMediaType").is_some() {
        schema.insert("format".into(), "binary".into());
    }
    schema.shift_remove("propertyNames");
    if let Some(constant) = schema.shift_remove("const") {
        schema.insert("enum".into(), json!([constant]));
    }
}
