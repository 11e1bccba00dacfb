//! One record of an import, checked by itself: form, shape, meaning, as a PUT
//! checks it, and whether the token may write its collection.

use std::collections::HashMap;

use serde_json::Value;

use super::Order;
use super::sink::Raw;
use crate::collections;
use crate::error::{Fault, clip};
use crate::hint::nearest;
use crate::http::body::RECORD;
use crate::input::{Shapes, check_parsed};
use crate::json;
use crate::record::Identifier;
use crate::store::batch::Entry;

/// Records as the register has them: their versions and documents.
pub type Current = HashMap<String, (i32, Value)>;

/// What came of it.
pub struct Examined {
    /// Its line, row or number.
    pub line: i64,
    /// Its identifier, if it has one.
    pub identifier: Option<String>,
    /// The record, or what is wrong with it.
    pub result: Result<Entry, Vec<Fault>>,
}

/// Checks one record. What a table has no column for stays as it is in `current`.
pub fn examine(shapes: &Shapes, order: &Order, raw: Raw, current: &Current) -> Examined {
    let Raw { line, place, kind, json, table, mut faults } = raw;
    let whole = |mut fault: Fault| {
        fault.pointer = fault.pointer.map(|pointer| format!("{place}{pointer}"));
        fault
    };
    if json.is_empty() {
        return Examined { line, identifier: None, result: Err(faults.into_iter().map(whole).collect()) };
    }
    let (mut value, inexact) = match json::parse_on(&json) {
        Ok(parsed) => parsed,
        Err(faults) => {
            return Examined { line, identifier: None, result: Err(faults.into_iter().map(whole).collect()) };
        }
    };
    let identifier = value["identifier"].as_str().map(|id| clip(id, 200));
    let fail = |mut faults: Vec<Fault>| {
        if let Some(table) = &table {
            for fault in &mut faults {
                fault.column = fault.pointer.as_deref().and_then(|pointer| table.column_of(pointer));
            }
        }
        Examined { line, identifier: identifier.clone(), result: Err(faults.into_iter().map(whole).collect()) }
    };
    let Some(members) = value.as_object_mut() else {
        return fail(vec![Fault::at("", "type", "a record is a JSON object")]);
    };
    let named = members.shift_remove("collection");
    let kind = match (kind, &named) {
        (Some(kind), None) => kind,
        (Some(kind), Some(Value::String(name))) if name == kind.collection => kind,
        (None, Some(Value::String(name))) if collections::find(name).is_some() => {
            collections::find(name).unwrap_or(collections::ALL[0])
        }
        _ => {
            let names: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).collect();
            let given = named.as_ref().and_then(Value::as_str).unwrap_or_default();
            let words = match kind {
                Some(kind) => format!("these are {}, as the address says", kind.collection),
                None => format!("say the record's collection, here or in the address{}", nearest(given, &names)),
            };
            return fail(vec![Fault::at("/collection", "collection_unknown", words)]);
        }
    };
    if !order.scopes.iter().any(|scope| *scope == kind.collection) {
        return fail(vec![Fault::at("", "scope_missing", format!("the token lacks the scope {}", kind.scope()))]);
    }
    let Some(id) = identifier.clone() else {
        faults.push(Fault::at("/identifier", "required", "the record has no identifier"));
        return fail(faults);
    };
    if !Identifier::is_valid(&id) {
        let words = "an identifier has 1 to 200 visible characters without spaces and commas";
        faults.push(Fault::at("/identifier", "identifier_invalid", words));
        return fail(faults);
    }
    let deleted = members.shift_remove("deleted").unwrap_or_default();
    if !matches!(deleted, Value::Bool(_) | Value::Null) {
        faults.push(Fault::at("/deleted", "boolean_invalid", "deleted is true or false"));
    }
    if deleted == Value::Bool(true) {
        if !faults.is_empty() {
            return fail(faults);
        }
        let entry =
            Entry { n: 0, line, place: place.clone(), kind, identifier: id, doc: None, links: Vec::new(), seen: None };
        return Examined { line, identifier, result: Ok(entry) };
    }
    let seen = table.as_ref().filter(|table| table.is_partial()).map(|table| {
        let (version, now) = current.get(&id).map_or((0, &Value::Null), |(version, doc)| (*version, doc));
        table.complete(members, now);
        version
    });
    let wrong: Vec<String> = faults.iter().filter_map(|fault| fault.pointer.clone()).collect();
    let checked = check_parsed(shapes, kind, &id, value, inexact);
    // A cell that cannot be read leaves its member out: that is no further fault.
    let told = |fault: &Fault| {
        wrong.iter().any(|pointer| fault.pointer.as_deref().is_some_and(|other| other.starts_with(pointer)))
    };
    faults.extend(checked.faults.into_iter().filter(|fault| !told(fault)));
    if faults.is_empty() && checked.doc.to_string().len() > RECORD {
        faults.push(Fault::at("", "record_too_large", format!("a record has at most {RECORD} bytes")));
    }
    if !faults.is_empty() {
        return fail(faults);
    }
    let (doc, links) = (Some(checked.doc), checked.links);
    let entry = Entry { n: 0, line, place: place.clone(), kind, identifier: id, doc, links, seen };
    Examined { line, identifier, result: Ok(entry) }
}
