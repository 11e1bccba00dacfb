//! One record of an import, checked by itself: form, shape, meaning, as a PUT
//! checks it, and whether the token may write its collection.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::sink::Raw;
use super::table::Header;
use super::{Order, advice};
use crate::collections;
use crate::error::{Fault, clip};
use crate::hint::nearest;
use crate::http::body::RECORD;
use crate::input::{Shapes, check_parsed};
use crate::json::{self, push};
use crate::record::Identifier;
use crate::store::batch::Entry;

/// Records as the register has them: their versions and documents.
pub type Current = HashMap<String, (i32, Value)>;

/// What came of it.
#[derive(Default)]
pub struct Examined {
    /// Its line, row or number.
    pub line: i64,
    /// Its identifier, if it has one.
    pub identifier: Option<String>,
    /// The record, as far as the register can look at it.
    pub entry: Option<Entry>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// What is odd about it.
    pub notes: Vec<Fault>,
}

/// Checks one record. What a table has no column for stays as it is in `current`.
pub fn examine(shapes: &Shapes, order: &Order, raw: Raw, current: &Current) -> Examined {
    let Raw { line, place, kind, json, table, stance, mut faults, .. } = raw;
    let whole = |mut fault: Fault| {
        fault.pointer = fault.pointer.map(|pointer| format!("{place}{pointer}"));
        fault
    };
    if json.is_empty() {
        return Examined { line, faults: faults.into_iter().map(whole).collect(), ..Examined::default() };
    }
    let (mut value, inexact) = match json::parse_on(&json) {
        Ok(parsed) => parsed,
        Err(mut faults) => {
            let named = serde_json::from_slice::<Named>(&json).ok().and_then(|named| named.identifier);
            in_columns(&mut faults, table.as_deref());
            let identifier = named.map(|id| clip(&id, 200));
            return Examined {
                line,
                identifier,
                entry: None,
                faults: faults.into_iter().map(whole).collect(),
                notes: Vec::new(),
            };
        }
    };
    let identifier = value["identifier"].as_str().map(|id| clip(id, 200));
    let fail = |mut faults: Vec<Fault>| {
        in_columns(&mut faults, table.as_deref());
        let faults = faults.into_iter().map(whole).collect();
        Examined { line, identifier: identifier.clone(), entry: None, faults, notes: Vec::new() }
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
    let id = match identifier.clone().filter(|id| Identifier::is_valid(id)) {
        Some(id) => id,
        // The rest of it is looked at all the same, under a name that no record has.
        None => {
            faults.push(match members.shift_remove("identifier").filter(|given| !given.is_null()) {
                None => Fault::at("/identifier", "required", "the record has no identifier"),
                Some(_) => {
                    let words = "an identifier has 1 to 200 visible characters without spaces and commas";
                    Fault::at("/identifier", "identifier_invalid", words)
                }
            });
            members.insert("identifier".into(), NOBODY.into());
            NOBODY.to_owned()
        }
    };
    let deleted = members.shift_remove("deleted").unwrap_or_default();
    if !matches!(deleted, Value::Bool(_) | Value::Null) {
        faults.push(Fault::at("/deleted", "boolean_invalid", "deleted is true or false"));
    }
    if deleted == Value::Bool(true) {
        let known = kind.members();
        for name in members.keys().filter(|name| *name != "identifier" && !known.contains(&name.as_str())) {
            let words = format!("a deletion says nothing more than its identifier{}", nearest(name, &["deleted"]));
            faults.push(Fault::at(push("", name), "unknown_field", words));
        }
        if !faults.is_empty() {
            return fail(faults);
        }
        let (place, links) = (place.clone(), Vec::new());
        let entry =
            Entry { n: 0, line, place, kind, identifier: id, doc: None, links, seen: None, stance, faulty: false };
        return Examined { line, identifier, entry: Some(entry), faults, notes: Vec::new() };
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
    // Of one that is at fault the other members' references are looked at too.
    let (mut links, faulty) = (checked.links, !faults.is_empty());
    links.retain(|link| !faults.iter().any(|fault| fault.touches(&link.pointer)));
    let notes = advice::numbers(&id, line, &checked.doc);
    let doc = Some(if faulty { json!({}) } else { checked.doc });
    let entry = Entry { n: 0, line, place: place.clone(), kind, identifier: id, doc, links, seen, stance, faulty };
    Examined { entry: Some(entry), notes, ..fail(faults) }
}

/// Stands for an identifier that is missing or no good, and is replaced when it is staged.
pub const NOBODY: &str = "?";

/// What can be read of a record that is not to be read otherwise.
#[derive(Deserialize)]
pub struct Named {
    /// Its identifier.
    pub identifier: Option<String>,
}

/// The columns of a table in which faults are.
fn in_columns(faults: &mut [Fault], table: Option<&Header>) {
    let Some(table) = table else { return };
    for fault in faults {
        fault.column = fault.pointer.as_deref().and_then(|pointer| table.column_of(pointer));
    }
}
