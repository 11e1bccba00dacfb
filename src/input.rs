//! A record from bytes to a checked document: form, shape, meaning. All faults
//! of all three are found at once, as far as one does not hide the other.

use std::collections::HashMap;

use diesel_async::AsyncPgConnection;
use serde_json::Value;

use crate::collections;
use crate::error::{FAULTS, Fault, Problem};
use crate::json;
use crate::kind::{CONVERTED, Checked, Kind, PLACE_NOTES, READ_ONLY};
use crate::shape::{Shape, prune, prune_members};
use crate::store::refer;

/// The compiled schemas of all collections.
#[derive(Default)]
pub struct Shapes(HashMap<&'static str, Shape>);

impl Shapes {
    /// Compiles them from the components of the OpenAPI document.
    pub fn compile(components: &Value) -> Self {
        let shapes = collections::ALL.iter().map(|kind| (kind.collection, Shape::of(components, kind.schema)));
        let others =
            ["NewPublisher", "NewClient", "NewExchangeRates", "Merge"].map(|name| (name, Shape::of(components, name)));
        Self(shapes.chain(others).collect())
    }

    /// Every fault of the shape of something that is no record, by the name of its schema.
    pub fn faults(&self, name: &str, value: &Value) -> Vec<Fault> {
        self.0.get(name).map(|shape| shape.faults(value)).unwrap_or_default()
    }
}

/// Checks a body.
pub fn check(shapes: &Shapes, kind: &Kind, identifier: &str, body: &[u8]) -> Checked {
    match json::parse_on(body) {
        Ok((value, inexact)) => check_parsed(shapes, kind, identifier, value, inexact),
        Err(faults) => Checked { faults, ..Checked::default() },
    }
}

/// Checks a document that is to become the record with this identifier.
pub fn check_value(shapes: &Shapes, kind: &Kind, identifier: &str, value: Value) -> Checked {
    check_parsed(shapes, kind, identifier, value, Vec::new())
}

/// The same for a document in which faults were found already.
pub fn check_parsed(
    shapes: &Shapes,
    kind: &Kind,
    identifier: &str,
    mut value: Value,
    mut faults: Vec<Fault>,
) -> Checked {
    let Some(members) = value.as_object_mut() else {
        let fault = Fault::at("", "type", format!("a {} is a JSON object", kind.singular));
        return Checked { faults: vec![fault], ..Checked::default() };
    };
    for name in READ_ONLY.iter().chain(kind.derived).chain(&["included", "highlights", CONVERTED, PLACE_NOTES]) {
        members.shift_remove(*name);
    }
    // Absent and null are the same; a list that is null is an empty one.
    members.retain(|_, member| !member.is_null());
    let stated = members.entry("identifier").or_insert_with(|| identifier.into());
    if stated != identifier {
        let words = format!("the address says {identifier}; the body says {stated}");
        faults.push(Fault::at("/identifier", "identifier_differs", words));
        *stated = identifier.into();
    }
    let shape = shapes.0.get(kind.collection).map(|shape| shape.faults(&value)).unwrap_or_default();
    faults.extend(shape);
    if faults.len() >= FAULTS {
        // Not all were looked for: what the rules would read may be anything.
        return refused(faults);
    }
    // A member at fault has no further faults for want of it, unless it can be read all the same.
    let mut unreadable: Vec<Fault> =
        faults.iter().filter(|fault| !READABLE.contains(&fault.code.as_str())).cloned().collect();
    let mut checked = (kind.check)(&prune(value.clone(), &unreadable));
    if !faults.is_empty() && checked.faults.iter().any(|fault| fault.code == "unreadable") {
        unreadable.clone_from(&faults);
        checked = (kind.check)(&prune(value.clone(), &unreadable));
    }
    // What a list refers to is looked at too, if the rest of it can be read.
    if !unreadable.is_empty() {
        let mut links = (kind.check)(&prune_members(value.clone(), &unreadable)).links;
        links.retain(|link| !unreadable.iter().any(|fault| fault.surrounds(&link.pointer)));
        if links.len() > checked.links.len() {
            checked.links = links;
        }
    }
    // A source may name what was sent, and what stands there by default.
    let absent = unresolved(&value);
    checked.faults.extend(unresolved(&checked.doc).into_iter().filter(|fault| absent.contains(fault)));
    checked
        .faults
        .retain(|fault| !unreadable.iter().any(|other| top(other) == top(fault)) || fault.code == "field_absent");
    faults.append(&mut checked.faults);
    Checked { doc: checked.doc, links: checked.links, ..refused(faults) }
}

/// Faults in their order, each once, and not too many.
fn refused(mut faults: Vec<Fault>) -> Checked {
    faults.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    faults.dedup();
    faults.truncate(FAULTS);
    Checked { faults, ..Checked::default() }
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
    let dangling = refer::dangling(connection, kind, Some(identifier), &links).await?;
    let new = |fault: &Fault| {
        let place = fault.pointer.as_deref().unwrap_or_default();
        !faults.iter().any(|known| known.touches(place))
    };
    let more: Vec<Fault> = dangling.into_iter().filter(new).collect();
    faults.extend(more);
    faults.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    Ok(faults)
}

/// Faults that leave a member readable, so that rules can look at it too.
const READABLE: &[&str] = &[
    "currency_invalid",
    "identifier_differs",
    "identifier_invalid",
    "uri_invalid",
    "spdx_invalid",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
];

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
