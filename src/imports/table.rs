//! Rows of a table as records: the inverse of what [`crate::formats::columns`] writes.
//!
//! A column that a table does not have leaves what would stand in it as it is; an
//! empty cell empties it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::cells::{DELETED, split, value};
use crate::error::{Fault, clip};
use crate::formats::columns::{LANGUAGES, added};
use crate::hint::nearest;
use crate::kind::{Column, Kind, READ_ONLY};

/// The columns of a table, as far as they say something.
pub struct Header {
    kind: &'static Kind,
    names: Vec<String>,
    /// Members of which the table says nothing.
    absent: Vec<&'static str>,
    /// Whether it has columns that can be named to people.
    is_table: bool,
    /// Of a file of the register's own: parts of an original that are not whole in it; what it does not say of
    /// one stays anyway.
    partial: Option<Vec<String>>,
}

impl Header {
    /// Reads the names of the columns, or says which are not known.
    pub fn read(kind: &'static Kind, cells: &[String]) -> Result<Self, Vec<Fault>> {
        let names: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        let known = known(kind);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut faults = Vec::new();
        for (n, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let fault = |code: &str, detail: String| Fault {
                row: Some(1),
                column: Some(name.chars().take(100).collect()),
                code: code.into(),
                detail,
                ..Fault::default()
            };
            if !known.contains(&name.as_str()) {
                faults.push(fault(
                    "column_unknown",
                    format!("{name:.100} is no column of {}{}", kind.collection, nearest(name, &known)),
                ));
            } else if names[..n].contains(name) {
                faults.push(fault("column_repeated", format!("{name} stands twice")));
            }
        }
        if !names.iter().any(|name| name == "identifier") {
            let detail = "there is no column identifier".to_owned();
            faults.push(Fault {
                row: Some(1),
                column: Some("identifier".into()),
                code: "required".into(),
                detail,
                ..Fault::default()
            });
        }
        let says = |column: &Column| match column {
            // Names and shares of sectors say nothing without their codes.
            Column::Sectors(_) => names.iter().any(|name| name == "sector_code"),
            column => column.names().iter().any(|name| names.contains(name)),
        };
        let members = kind.columns.iter().map(|column| column.member());
        let said = |member: &str| kind.columns.iter().any(|column| column.member() == member && says(column));
        let mut absent: Vec<&'static str> = members.filter(|member| !said(member)).collect();
        absent.dedup();
        if faults.is_empty() { Ok(Self { kind, names, absent, is_table: true, partial: None }) } else { Err(faults) }
    }

    /// One for what is no table and says something of these members alone.
    pub fn saying(kind: &'static Kind, members: &[&str]) -> Self {
        let column = |column: &&Column| members.contains(&column.member());
        let said = kind.columns.iter().filter(column);
        // What stands beside the names of those who receive is the register's to keep.
        let names = said.flat_map(|column| column.names()).filter(|name| name != "recipients_json").collect();
        let mut absent: Vec<&'static str> = kind.columns.iter().map(|column| column.member()).collect();
        absent.retain(|member| !members.contains(member));
        absent.dedup();
        Self { kind, names, absent, is_table: false, partial: None }
    }

    /// The same for what the register itself wrote, which leaves out what breaks a standard: in `partial` stands, of
    /// which parts of an original.
    pub fn of_register(self, partial: Vec<String>) -> Self {
        Self { partial: Some(partial), ..self }
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The name of a column.
    pub fn name(&self, n: usize) -> Option<&str> {
        self.names.get(n).map(String::as_str)
    }

    /// The identifier in a row, for whatever is wrong with the row.
    pub fn identifier(&self, cells: &[String]) -> Option<String> {
        let cell = cells.get(self.names.iter().position(|name| name == "identifier")?)?;
        Some(clip(cell, 200)).filter(|cell| !cell.is_empty())
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|other| other == name)
    }

    /// Whether the table says nothing of some members, or of parts of them.
    pub fn is_partial(&self) -> bool {
        let partial = |column: &Column| column.names().iter().any(|name| !self.has(name));
        self.kind.columns.iter().any(|column| partial(column) || matches!(column, Column::Member(..)))
    }

    /// Takes from the record as it is what the table says nothing of.
    pub fn complete(&self, members: &mut Map<String, Value>, now: &Value) {
        let old_original = &now["original"];
        for column in self.kind.columns {
            let member = column.member();
            let old = &now[member];
            if self.absent.contains(&member) {
                // What was read from elements that are there no more is not said any more.
                let original = members.get("original").filter(|_| !self.is_table && self.partial.is_none());
                let was_read = !old_original["parts"][member].is_null();
                if was_read && original.is_some_and(|original| original["parts"][member].is_null()) {
                    continue;
                }
                members.extend((!old.is_null()).then(|| (member.to_owned(), old.clone())));
                continue;
            }
            let new = members.get(member).cloned().unwrap_or_default();
            let whole = match column {
                Column::Json("original") => match &self.partial {
                    Some(partial) if new["standard"] == old["standard"] => {
                        let mut new = new;
                        let parts = new["parts"].as_object_mut();
                        parts.into_iter().for_each(|parts| {
                            parts.retain(|name, _| !partial.contains(name) || old["parts"][name].is_null())
                        });
                        new["parts"] = with_parts(new["parts"].take(), &old["parts"], |_| true);
                        new
                    }
                    _ => continue,
                },
                Column::Text(_) => self.texts(member, new, old),
                Column::Money(_) if new.is_null() && self.has(&format!("{member}_amount")) => new,
                Column::Money(_) => with_parts(new, old, |part| !self.has(&format!("{member}_{part}"))),
                Column::Member(..) => with_parts(new, old, |part| !self.has(&format!("{member}_{part}"))),
                Column::Sectors(_) => same_items(new, old, "code", |part| !self.has(&format!("sector_{part}"))),
                Column::Keys(_, key) if !self.has(&format!("{member}_json")) => {
                    // Shares of a whole that others have a part of now are not known any more.
                    let stay = self.is_table || same_keys(&new, old, key);
                    let items = same_items(new, old, key, |part| stay || part != "percentage");
                    if self.is_table { items } else { with_repeated(items, old, key) }
                }
                _ => continue,
            };
            members.insert(member.to_owned(), whole);
        }
        if self.partial.is_some() {
            // Where an order means nothing, a file of the register's own need not have it.
            let stated = |items: &Value| -> Option<Vec<Value>> {
                let mut items = items.as_array()?.clone();
                items
                    .iter_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(|item| item.retain(|_, part| !part.is_null()));
                Some(items)
            };
            let is_same = |one: &Value, other: &Value| {
                let (Some(one), Some(other)) = (stated(one), stated(other)) else { return false };
                one.len() == other.len() && one.iter().all(|item| other.contains(item))
            };
            for member in ["sectors", "tags", "organisations"] {
                if let Some(new) = members.get_mut(member).filter(|new| is_same(new, &now[member])) {
                    *new = now[member].clone();
                }
            }
        }
    }

    /// Texts in the languages that have columns, and in the others as they are.
    fn texts(&self, member: &str, new: Value, old: &Value) -> Value {
        let column = |tag: &str| {
            let usual = LANGUAGES.iter().find(|(usual, _)| *usual == tag);
            usual.map_or(format!("{member}_other"), |(_, ending)| format!("{member}_{ending}"))
        };
        let texts = with_parts(new, old, |tag| !self.has(&column(tag)));
        if texts.as_object().is_some_and(Map::is_empty) { Value::Null } else { texts }
    }

    /// The column in which a member stands.
    pub fn column_of(&self, pointer: &str) -> Option<String> {
        if !self.is_table {
            return None;
        }
        let mut parts = pointer.split('/').skip(1);
        let member = parts.next().filter(|member| !member.is_empty())?;
        let rest: Vec<&str> = parts.collect();
        let own = |name: &String| self.names.contains(name);
        let columns = self.kind.columns.iter().filter(|column| column.member() == member);
        let names: Vec<String> = columns.flat_map(|column| column.names()).filter(own).collect();
        let ending = rest.last().map_or(String::new(), |part| format!("_{}", part.replace('-', "_").to_lowercase()));
        let exact = names.iter().find(|name| !ending.is_empty() && name.ends_with(&ending));
        exact.or(names.first()).cloned().or_else(|| self.names.iter().find(|name| *name == member).cloned())
    }

    /// One row as a record, and what is wrong with its cells.
    pub fn record(&self, cells: &[String]) -> (Value, Vec<Fault>) {
        let mut record = Map::new();
        let mut faults = Vec::new();
        let cell = |name: &str| {
            let at = self.names.iter().position(|other| other == name)?;
            Some(cells.get(at).map_or("", |cell| cell.as_str()))
        };
        if let Some(identifier) = cell("identifier").filter(|cell| !cell.is_empty()) {
            record.insert("identifier".into(), identifier.into());
        }
        if let Some(collection) = cell("collection").filter(|cell| !cell.is_empty()) {
            record.insert("collection".into(), collection.into());
        }
        match cell(DELETED).unwrap_or_default().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => drop(record.insert(DELETED.into(), true.into())),
            "" | "false" | "0" | "no" => {}
            other => {
                faults.push(Fault::at("/deleted", "boolean_invalid", format!("{other:.100} is not true or false")))
            }
        }
        for column in self.kind.columns {
            let value = match value(self.kind, column, &cell, &mut faults) {
                Some(value) => value,
                None => continue,
            };
            match (column, record.get_mut(column.member()), value) {
                (Column::Member(..), Some(Value::Object(whole)), Value::Object(part)) => whole.extend(part),
                (Column::Member(..), Some(Value::Object(_)), Value::Null) => {}
                // A list that is told by its codes alone.
                (Column::Json(_), Some(Value::Array(_)), Value::Null) => {}
                (_, _, value) => drop(record.insert(column.member().into(), value)),
            }
        }
        for column in self.kind.columns {
            let Column::Keys(member, key) = column else { continue };
            let name = format!("{member}_{key}");
            let (Some(codes), true) = (cell(&name), self.has(&format!("{member}_json"))) else { continue };
            let whole: Vec<&str> = record
                .get(*member)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|item| item[*key].as_str())
                .collect();
            let codes = if codes.is_empty() { Vec::new() } else { split(codes) };
            if !codes.is_empty()
                && codes != whole
                && !faults.iter().any(|fault| fault.pointer == Some(format!("/{member}")))
            {
                let words = format!("{name} says something else than {member}_json; leave one of the two columns out");
                faults.push(Fault::at(format!("/{member}"), "columns_disagree", words));
            }
        }
        (Value::Object(record), faults)
    }
}

/// An object with the parts of another that it does not say itself, as far as these are wanted.
fn with_parts(new: Value, old: &Value, wanted: impl Fn(&str) -> bool) -> Value {
    let mut parts = match new {
        Value::Object(parts) => parts,
        _ => Map::new(),
    };
    for (name, value) in old.as_object().into_iter().flatten().filter(|(name, _)| wanted(name)) {
        parts.entry(name.clone()).or_insert_with(|| value.clone());
    }
    if parts.is_empty() { Value::Null } else { Value::Object(parts) }
}

/// Whether two lists have items of the same keys.
fn same_keys(one: &Value, other: &Value, key: &str) -> bool {
    let keys = |list: &Value| -> BTreeSet<String> {
        list.as_array().into_iter().flatten().map(|item| item[key].to_string()).collect()
    };
    keys(one) == keys(other)
}

/// Items with those that the list had beside them under the same key: what is no table names each once.
fn with_repeated(new: Value, old: &Value, key: &str) -> Value {
    let Value::Array(mut items) = new else { return new };
    let number = |items: &[Value], of: &Value| items.iter().filter(|item| item[key] == *of).count();
    let (old, named) = (old.as_array().map(Vec::as_slice).unwrap_or_default(), items.clone());
    for (n, item) in old.iter().enumerate() {
        let stated = number(&named, &item[key]);
        if stated > 0 && number(&old[..n], &item[key]) >= stated {
            items.push(item.clone());
        }
    }
    Value::Array(items)
}

/// Items with the other parts of those that the list had under the same key.
fn same_items(new: Value, old: &Value, key: &str, wanted: impl Fn(&str) -> bool) -> Value {
    let Value::Array(items) = new else { return new };
    let mut old: Vec<&Value> = old.as_array().into_iter().flatten().collect();
    let mut completed = Vec::with_capacity(items.len());
    for mut item in items {
        if let Some(at) = old.iter().position(|other| other[key] == item[key]) {
            let known = old.remove(at);
            // An empty cell says null, an absent one nothing.
            let empty: Vec<String> = match item.as_object() {
                Some(parts) => {
                    parts.iter().filter(|(name, v)| v.is_null() && wanted(name)).map(|(n, _)| n.clone()).collect()
                }
                None => Vec::new(),
            };
            for name in empty {
                item.as_object_mut().map(|parts| parts.shift_remove(&name));
            }
            item = with_parts(item, known, &wanted);
        }
        completed.push(item);
    }
    Value::Array(completed)
}

/// The columns that a table of a kind may have.
pub fn known(kind: &Kind) -> Vec<String> {
    let own = kind.columns.iter().flat_map(|column| column.names());
    let others = READ_ONLY.iter().chain(&["identifier", DELETED, "collection"]).map(|name| (*name).to_owned());
    own.chain(others).chain(added()).collect()
}
