//! Cells as members of records: the inverse of what [`crate::formats::csv`] writes.
//!
//! A column that a table does not have leaves what would stand in it as it is; an
//! empty cell empties it.

use std::sync::LazyLock;

use serde_json::{Map, Number, Value};

use crate::codes::{currencies, sector_codes};
use crate::error::Fault;
use crate::formats::csv::{LANGUAGES, MONEY};
use crate::hint::nearest;
use crate::json;
use crate::kind::{Column, Kind, READ_ONLY};
use crate::openapi;

/// The column that says of a record that it is to be gone.
const DELETED: &str = "deleted";

/// What the cells of a plain column are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Text,
    Number,
    Boolean,
}

/// The columns of a table, as far as they say something.
pub struct Header {
    kind: &'static Kind,
    names: Vec<String>,
    /// Members of which the table says nothing.
    absent: Vec<&'static str>,
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
        if faults.is_empty() { Ok(Self { kind, names, absent }) } else { Err(faults) }
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The name of a column.
    pub fn name(&self, n: usize) -> Option<&str> {
        self.names.get(n).map(String::as_str)
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
        for column in self.kind.columns {
            let member = column.member();
            let old = &now[member];
            if self.absent.contains(&member) {
                members.extend((!old.is_null()).then(|| (member.to_owned(), old.clone())));
                continue;
            }
            let new = members.get(member).cloned().unwrap_or_default();
            let whole = match column {
                Column::Text(_) => self.texts(member, new, old),
                Column::Money(_) if new.is_null() && self.has(&format!("{member}_amount")) => new,
                Column::Money(_) => with_parts(new, old, |part| !self.has(&format!("{member}_{part}"))),
                Column::Member(..) => with_parts(new, old, |part| !self.has(&format!("{member}_{part}"))),
                Column::Sectors(_) => same_items(new, old, "code", |part| !self.has(&format!("sector_{part}"))),
                Column::Keys(_, key) if !self.has(&format!("{member}_json")) => same_items(new, old, key, |_| true),
                _ => continue,
            };
            members.insert(member.to_owned(), whole);
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
            if codes != whole && !faults.iter().any(|fault| fault.pointer == Some(format!("/{member}"))) {
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
    own.chain(others).collect()
}

/// The columns that somebody may fill in.
pub fn fillable(kind: &Kind) -> Vec<String> {
    let lists = |member: &str| kind.columns.iter().any(|c| matches!(c, Column::Json(other) if *other == member));
    let own = kind.columns.iter().filter(|column| {
        let member = column.member();
        let said_whole = matches!(column, Column::Keys(..)) && lists(member);
        !said_whole && !kind.derived.contains(&member)
    });
    let names = own.flat_map(|column| column.names()).filter(|name| name != "sector_name");
    ["identifier".to_owned()].into_iter().chain(names).chain([DELETED.to_owned()]).collect()
}

/// The columns that take codes, with their codes.
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
    codes.push((DELETED.to_owned(), vec!["true".to_owned()]));
    codes.retain(|(_, list)| !list.is_empty());
    codes
}

/// What the cells of a column say of its member; nothing where there are none.
fn value<'c>(
    kind: &Kind,
    column: &Column,
    cell: &impl Fn(&str) -> Option<&'c str>,
    faults: &mut Vec<Fault>,
) -> Option<Value> {
    let names = column.names();
    let cells: Vec<Option<&str>> = names.iter().map(|name| cell(name)).collect();
    let codes_only = matches!(column, Column::Sectors(_)) && cells[0].is_none();
    if codes_only || cells.iter().all(Option::is_none) || kind.derived.contains(&column.member()) {
        return None;
    }
    let filled = |n: usize| cells.get(n).copied().flatten().filter(|cell| !cell.is_empty());
    Some(match *column {
        Column::Plain(member) => plain(filled(0), scalar(kind, member, None), &format!("/{member}"), faults),
        Column::Member(member, part) => {
            match plain(filled(0), scalar(kind, member, Some(part)), &format!("/{member}/{part}"), faults) {
                Value::Null => Value::Null,
                value => Value::Object(Map::from_iter([(part.to_owned(), value)])),
            }
        }
        Column::Text(member) => {
            let mut texts = Map::new();
            for (n, (tag, _)) in LANGUAGES.iter().enumerate() {
                texts.extend(filled(n).map(|text| ((*tag).to_owned(), text.into())));
            }
            match filled(LANGUAGES.len()).map(|text| parsed(text, &format!("/{member}"), faults)) {
                Some(Value::Object(others)) => texts.extend(others),
                Some(other) if !other.is_null() => return Some(other),
                _ => {}
            }
            if texts.is_empty() { Value::Null } else { texts.into() }
        }
        Column::Money(member) => {
            let mut money = Map::new();
            for (n, part) in MONEY.iter().enumerate() {
                let of = if *part == "amount" { Scalar::Number } else { Scalar::Text };
                let value = plain(filled(n), of, &format!("/{member}/{part}"), faults);
                money.extend((!value.is_null()).then(|| ((*part).to_owned(), value)));
            }
            if money.is_empty() { Value::Null } else { money.into() }
        }
        Column::Keys(_, key) => {
            let items = filled(0).map(split).unwrap_or_default();
            items.into_iter().map(|item| Value::Object(Map::from_iter([(key.to_owned(), item.into())]))).collect()
        }
        Column::Sectors(member) => sectors(member, [filled(0), filled(2), filled(3)], faults),
        Column::Json(member) => filled(0).map_or(Value::Null, |text| parsed(text, &format!("/{member}"), faults)),
    })
}

/// Sectors from their codes, percentages and vocabularies, each list as long as the first.
fn sectors(member: &str, [codes, percentages, vocabularies]: [Option<&str>; 3], faults: &mut Vec<Fault>) -> Value {
    let [codes, percentages, vocabularies] =
        [codes, percentages, vocabularies].map(|cell| cell.map(split).unwrap_or_default());
    for list in [&percentages, &vocabularies] {
        if !list.is_empty() && list.len() != codes.len() {
            let words = format!("there are {} codes and {} of these", codes.len(), list.len());
            faults.push(Fault::at(format!("/{member}"), "list_length", words));
            return Value::Null;
        }
    }
    let mut sectors = Vec::new();
    for (n, code) in codes.into_iter().enumerate() {
        let mut sector = Map::from_iter([("code".to_owned(), code.into())]);
        if let Some(vocabulary) = vocabularies.get(n).filter(|text| !text.is_empty()) {
            sector.insert("vocabulary".into(), vocabulary.clone().into());
        }
        let share = percentages.get(n).map(String::as_str).filter(|text| !text.is_empty());
        let share = plain(share, Scalar::Number, &format!("/{member}/{n}/percentage"), faults);
        sector.insert("percentage".into(), share);
        sectors.push(sector.into());
    }
    Value::Array(sectors)
}

/// One cell as a value.
fn plain(cell: Option<&str>, of: Scalar, pointer: &str, faults: &mut Vec<Fault>) -> Value {
    let Some(text) = cell else { return Value::Null };
    let (value, code, words) = match of {
        Scalar::Text => return text.into(),
        Scalar::Number => {
            let number = serde_json::from_str::<Number>(text.trim()).ok().map(Value::Number);
            (number, "number_invalid", "is not a number: write 1234.5, without separators between thousands")
        }
        Scalar::Boolean => {
            let boolean = text.trim().to_ascii_lowercase().parse().ok().map(Value::Bool);
            (boolean, "boolean_invalid", "is not true or false")
        }
    };
    value.unwrap_or_else(|| {
        faults.push(Fault::at(pointer, code, format!("{text:.100} {words}")));
        Value::Null
    })
}

/// A cell that holds JSON.
fn parsed(text: &str, pointer: &str, faults: &mut Vec<Fault>) -> Value {
    json::parse(text.as_bytes()).unwrap_or_else(|found| {
        let detail = found.first().map_or(String::new(), |fault| fault.detail.clone());
        faults.push(Fault::at(pointer, "json_malformed", detail));
        Value::Null
    })
}

/// The items of a cell, separated by `|`; `\` before one makes it part of the item.
fn split(cell: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut escaped = false;
    for c in cell.chars() {
        match (c, items.last_mut()) {
            ('\\', _) if !escaped => escaped = true,
            ('|', _) if !escaped => items.push(String::new()),
            (c, Some(item)) => {
                item.push(c);
                escaped = false;
            }
            _ => {}
        }
    }
    items
}

/// What a member is.
fn scalar(kind: &Kind, member: &str, part: Option<&str>) -> Scalar {
    let schema = schema(kind, member, part);
    let types = schema["type"].as_array();
    let is = |name: &str| schema["type"] == name || types.is_some_and(|types| types.iter().any(|of| of == name));
    match () {
        () if is("number") || is("integer") => Scalar::Number,
        () if is("boolean") => Scalar::Boolean,
        () => Scalar::Text,
    }
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
