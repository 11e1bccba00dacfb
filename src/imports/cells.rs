//! The cells of a column as the member of a record that they say, and what the cells
//! of a column may be.

use serde_json::{Map, Number, Value};

use crate::error::Fault;
use crate::formats::columns::{LANGUAGES, MONEY};
use crate::formats::types::{self, Type};
use crate::json;
use crate::kind::{Column, Kind};

/// The column that says of a record that it is to be gone.
pub const DELETED: &str = "deleted";

/// The columns that somebody may fill in.
pub fn fillable(kind: &Kind) -> Vec<String> {
    let lists = |member: &str| kind.columns.iter().any(|c| matches!(c, Column::Json(other) if *other == member));
    let own = kind.columns.iter().filter(|column| {
        let member = column.member();
        // Places may be told by their codes alone.
        let said_whole = matches!(column, Column::Keys(..)) && lists(member) && member != "places";
        !said_whole && !kind.derived.contains(&member)
    });
    let names = own.flat_map(|column| column.names()).filter(|name| name != "sector_name");
    ["identifier".to_owned()].into_iter().chain(names).chain([DELETED.to_owned()]).collect()
}

/// The columns that take codes, with their codes.
pub fn codes(kind: &Kind) -> Vec<(String, Vec<String>)> {
    types::codes(kind).into_iter().chain([(DELETED.to_owned(), vec!["true".to_owned()])]).collect()
}

/// What the cells of a column say of its member; nothing where there are none.
pub fn value<'c>(
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
        Column::Plain(member) => plain(filled(0), Type::of(kind, member, None), &format!("/{member}"), faults),
        Column::Member(member, part) => {
            match plain(filled(0), Type::of(kind, member, Some(part)), &format!("/{member}/{part}"), faults) {
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
                let of = if *part == "amount" { Type::Number } else { Type::Text };
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
        let share = plain(share, Type::Number, &format!("/{member}/{n}/percentage"), faults);
        sector.insert("percentage".into(), share);
        sectors.push(sector.into());
    }
    Value::Array(sectors)
}

/// One cell as a value.
fn plain(cell: Option<&str>, of: Type, pointer: &str, faults: &mut Vec<Fault>) -> Value {
    let Some(text) = cell else { return Value::Null };
    let (value, code, words) = match of {
        Type::Text | Type::Date | Type::Instant => return text.into(),
        Type::Number | Type::Integer | Type::Money => {
            let number = serde_json::from_str::<Number>(text.trim()).ok().map(Value::Number);
            (number, "number_invalid", "is not a number: write 1234.5, without separators between thousands")
        }
        Type::Boolean => {
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
pub fn split(cell: &str) -> Vec<String> {
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
