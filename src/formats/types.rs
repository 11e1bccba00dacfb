//! What the members of records hold, by their published schema.

use std::sync::LazyLock;

use serde_json::Value;

use crate::codes::{currencies, sector_codes};
use crate::kind::{Column, Kind};
use crate::openapi;

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// An amount of money: at most 4 places and 15 digits.
    Money,
    /// True or false.
    Boolean,
    /// A date, perhaps of reduced precision.
    Date,
    /// An instant.
    Instant,
}

impl Type {
    /// What a member holds, or a member of it.
    pub fn of(kind: &Kind, member: &str, part: Option<&str>) -> Self {
        match member {
            "version" => return Self::Integer,
            "created_at" | "updated_at" => return Self::Instant,
            _ => {}
        }
        let schema = schema(kind, member, part);
        let types = schema["type"].as_array();
        let is = |name: &str| schema["type"] == name || types.is_some_and(|types| types.iter().any(|of| of == name));
        match () {
            () if is("number") => Self::Number,
            () if is("integer") => Self::Integer,
            () if is("boolean") => Self::Boolean,
            () if schema["format"] == "partial-date" => Self::Date,
            () => Self::Text,
        }
    }
}

/// The columns of a kind that take codes, with their codes.
pub fn codes(kind: &Kind) -> Vec<(String, Vec<String>)> {
    let list = |schema: &Value| -> Vec<String> {
        schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(String::from).collect()
    };
    let mut codes = Vec::new();
    for column in kind.columns.iter().filter(|column| !kind.derived.contains(&column.member())) {
        match column {
            Column::Plain(member) => codes.push(((*member).to_owned(), list(schema(kind, member, None)))),
            Column::Member(member, part) => {
                codes.push((format!("{member}_{part}"), list(schema(kind, member, Some(part)))));
            }
            Column::Sectors(_) => codes.push(("sector_code".to_owned(), sector_codes())),
            Column::Money(member) => {
                codes.push((format!("{member}_currency"), currencies()));
                codes.push((format!("{member}_exactness"), list(schema(kind, member, Some("exactness")))));
            }
            _ => {}
        }
    }
    codes.retain(|(_, list)| !list.is_empty());
    codes
}

/// The published schema of a member, or of a member of it.
fn schema(kind: &Kind, member: &str, part: Option<&str>) -> &'static Value {
    static COMPONENTS: LazyLock<Value> = LazyLock::new(openapi::components);
    let follow = |mut schema: &'static Value| {
        loop {
            let branches = ["oneOf", "allOf"].iter().find_map(|word| schema[word].as_array());
            let next = branches.and_then(|branches| branches.iter().find(|branch| branch["type"] != "null"));
            let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix("#/components"));
            match next.or(target.and_then(|target| COMPONENTS.pointer(target))) {
                Some(next) => schema = next,
                None => return schema,
            }
        }
    };
    let whole = follow(&COMPONENTS["schemas"][kind.schema]["properties"][member]);
    part.map_or(whole, |part| follow(&whole["properties"][part]))
}
