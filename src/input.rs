//! A record from bytes to a checked document: form, shape, meaning. All faults
//! of all three are found at once, as far as one does not hide the other.

use std::collections::HashMap;

use diesel_async::AsyncPgConnection;
use serde_json::Value;

use crate::collections;
use crate::error::{Fault, Problem};
use crate::json;
use crate::kind::{Checked, Kind, READ_ONLY};
use crate::shape::{Shape, prune};
use crate::store::refer::{self, Making};

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
pub fn check(shapes: &Shapes, kind: &Kind, identifier: &str, body: &[u8]) -> Checked {
    match json::parse(body) {
        Ok(value) => check_value(shapes, kind, identifier, value),
        Err(faults) => Checked { faults, ..Checked::default() },
    }
}

/// Checks a document that is to become the record with this identifier.
pub fn check_value(shapes: &Shapes, kind: &Kind, identifier: &str, mut value: Value) -> Checked {
    let Some(members) = value.as_object_mut() else {
        let fault = Fault::at("", "type", format!("a {} is a JSON object", kind.singular));
        return Checked { faults: vec![fault], ..Checked::default() };
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
    Checked { faults, ..checked }
}

/// The faults of a document that was refused, and its references without a target,
/// where the member that makes them is not at fault already.
pub async fn with_dangling(
    connection: &mut AsyncPgConnection,
    kind: &Kind,
    identifier: &str,
    checked: Checked,
) -> Result<Vec<Fault>, Problem> {
    let Checked { links, mut faults, .. } = checked;
    let making = Making { identifier, collection: kind.collection, links: Some(&links) };
    let dangling = refer::dangling(connection, &[making]).await?;
    let new = |fault: &Fault| !faults.iter().any(|known| top(known) == top(fault));
    let more: Vec<Fault> = dangling.into_iter().map(|(_, fault)| fault).filter(new).collect();
    faults.extend(more);
    faults.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    Ok(faults)
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
