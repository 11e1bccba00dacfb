//! A record from bytes to a checked document: form, shape, meaning. All faults
//! of all three are found at once, as far as one does not hide the other.

use std::collections::HashMap;

use serde_json::Value;

use crate::collections;
use crate::error::Fault;
use crate::json;
use crate::kind::{Checked, Kind, READ_ONLY};
use crate::shape::{Shape, prune};

/// The compiled schemas of all collections.
pub struct Shapes(HashMap<&'static str, Shape>);

impl Shapes {
    /// Compiles them from the components of the OpenAPI document.
    pub fn compile(components: &Value) -> Self {
        let shapes = collections::ALL.iter().map(|kind| (kind.collection, Shape::of(components, kind.schema)));
        Self(shapes.collect())
    }
}

/// Checks a body.
pub fn check(shapes: &Shapes, kind: &Kind, identifier: &str, body: &[u8]) -> Result<Checked, Vec<Fault>> {
    check_value(shapes, kind, identifier, json::parse(body)?)
}

/// Checks a document that is to become the record with this identifier.
pub fn check_value(shapes: &Shapes, kind: &Kind, identifier: &str, mut value: Value) -> Result<Checked, Vec<Fault>> {
    let Some(members) = value.as_object_mut() else {
        return Err(vec![Fault::at("", "type", format!("a {} is a JSON object", kind.singular))]);
    };
    for name in READ_ONLY.iter().chain(kind.derived).chain(&["included"]) {
        members.shift_remove(*name);
    }
    // Absent and null are the same; a list that is null is an empty one.
    members.retain(|_, member| !member.is_null());
    let stated = members.entry("identifier").or_insert_with(|| identifier.into());
    let mut faults = Vec::new();
    if stated != identifier {
        let words = format!("the address says {identifier}; the body says {stated}");
        faults.push(Fault::at("/identifier", "identifier_differs", words));
        *stated = identifier.into();
    }
    let shape = shapes.0.get(kind.collection).map(|shape| shape.faults(&value)).unwrap_or_default();
    let mut checked = (kind.check)(&if shape.is_empty() { value } else { prune(value, &shape) });
    // A member whose shape is wrong already has no further faults for want of it.
    let wrong: Vec<&str> = shape.iter().map(top).collect();
    checked.faults.retain(|fault| !wrong.contains(&top(fault)));
    faults.append(&mut checked.faults);
    faults.extend(unresolved(&checked.doc).into_iter().filter(|_| shape.is_empty()));
    faults.extend(shape);
    faults.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    faults.dedup();
    if faults.is_empty() { Ok(checked) } else { Err(faults) }
}

/// The member of the record that a fault is in.
fn top(fault: &Fault) -> &str {
    fault.pointer.as_deref().and_then(|pointer| pointer.split('/').nth(1)).unwrap_or_default()
}

/// Sources vouch for members that the record has.
fn unresolved(doc: &Value) -> Vec<Fault> {
    let citations = doc["sources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields = citations.iter().enumerate().flat_map(|(n, citation)| {
        let fields = citation["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
        fields.iter().enumerate().map(move |(m, field)| (n, m, field.as_str().unwrap_or_default()))
    });
    fields
        .filter(|(_, _, field)| field.starts_with('/') && doc.pointer(field).is_none_or(Value::is_null))
        .map(|(n, m, field)| {
            Fault::at(format!("/sources/{n}/fields/{m}"), "field_absent", format!("the record has nothing at {field}"))
        })
        .collect()
}
