//! The columns of tables, the same in each tabular format: which member of a record each shows,
//! and the values of its cells, as JSON scalars.
//!
//! Texts have a column for each usual language and one, as JSON, for all others;
//! lists are JSON in one cell, and the codes in them also stand in columns of
//! their own, separated by `|`.

use serde_json::{Map, Value};

use super::Export;
use super::types::Type;
use crate::codes;
use crate::collections::transactions;
use crate::kind::{CONVERTED, Column, Kind, PLACE_NOTES, READ_ONLY, names_places};
use crate::store::grain::{FLOW, Grain, NAME, REASON};

/// Languages with columns of their own, and the columns' endings.
pub const LANGUAGES: &[(&str, &str)] = &[("en", "en"), ("sr", "sr"), ("sr-Cyrl", "sr_cyrl"), ("sr-Latn", "sr_latn")];

/// The members of an amount, and the columns' endings.
pub const MONEY: &[&str] = &["amount", "currency", "value_date", "exactness"];

/// What becomes of the main amount in another currency.
const OF_CONVERSION: &[Column] = &[
    Column::Member(CONVERTED, "amount"),
    Column::Member(CONVERTED, "currency"),
    Column::Member(CONVERTED, "rate"),
    Column::Member(CONVERTED, "rate_basis"),
    Column::Member(CONVERTED, "rates"),
    Column::Member(CONVERTED, "reason"),
];

/// The names of columns that say nothing of a record that is sent.
pub fn added() -> impl Iterator<Item = String> {
    OF_CONVERSION.iter().chain(&[Column::Json(PLACE_NOTES)]).flat_map(|column| column.names())
}

/// The columns of a table.
pub struct Columns {
    own: Vec<Column>,
    /// Those of the flow that a row is about.
    flow: Vec<Column>,
}

impl Columns {
    /// The columns of an export, or those of the wanted members.
    pub fn new(export: &Export) -> Self {
        let (kind, fields, grain) = (export.kind, export.fields.as_deref(), export.grain);
        let wanted =
            |member: &str| member == "identifier" || fields.is_none_or(|fields| fields.iter().any(|f| f == member));
        let mut own = all(kind);
        own.retain(|column| wanted(column.member()));
        let codes = match grain {
            Grain::Sector => Some(Column::Sectors("sectors")),
            Grain::Place => Some(Column::Keys("places", "location")),
            Grain::Record | Grain::Transaction => None,
        };
        let named = Some(Column::Text(NAME)).filter(|_| grain == Grain::Place);
        if let Some(codes) = codes {
            // What the row is about stands there once.
            own.retain(|column| column.member() != codes.member());
            own.extend([codes].into_iter().chain(named).chain([Column::Plain(REASON)]));
        }
        own.extend(
            Some(Column::Json(PLACE_NOTES))
                .filter(|_| (kind.is_placed() && names_places(fields)) || grain == Grain::Place),
        );
        let converted = OF_CONVERSION.iter().copied().filter(|_| export.converts);
        let flow = match grain {
            Grain::Transaction => {
                // An amount of the whole would be counted with each of its flows.
                own.retain(|column| !matches!(column, Column::Money(_)));
                all(&transactions::KIND).into_iter().chain(converted).collect()
            }
            _ => {
                own.extend(converted);
                Vec::new()
            }
        };
        Self { own, flow }
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        let flow = self.flow.iter().flat_map(|column| column.names()).map(|name| format!("{FLOW}_{name}"));
        self.own.iter().flat_map(|column| column.names()).chain(flow).collect()
    }

    /// What the cells of each hold.
    pub fn types(&self, kind: &Kind) -> Vec<Type> {
        let flow = self.flow.iter().flat_map(|column| column.types(&transactions::KIND));
        self.own.iter().flat_map(|column| column.types(kind)).chain(flow).collect()
    }

    /// The cells of one row: text, number, boolean or null.
    pub fn cells(&self, record: &Map<String, Value>) -> Vec<Value> {
        let mut cells = Vec::new();
        for column in &self.own {
            column.cells(record.get(column.member()).unwrap_or(&Value::Null), &mut cells);
        }
        let flow = record.get(FLOW).unwrap_or(&Value::Null);
        for column in &self.flow {
            column.cells(&flow[column.member()], &mut cells);
        }
        cells
    }
}

/// All columns of a kind.
fn all(kind: &Kind) -> Vec<Column> {
    let read_only = READ_ONLY.iter().map(|name| Column::Plain(name));
    [Column::Plain("identifier")].into_iter().chain(kind.columns.iter().copied()).chain(read_only).collect()
}

impl Column {
    /// The member of the record that it shows.
    pub fn member(&self) -> &'static str {
        match self {
            Self::Plain(member)
            | Self::Text(member)
            | Self::Money(member)
            | Self::Member(member, _)
            | Self::Keys(member, _)
            | Self::Sectors(member)
            | Self::Json(member) => member,
        }
    }

    /// The names of its columns.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Plain(member) => vec![(*member).to_owned()],
            Self::Text(member) => {
                let languages = LANGUAGES.iter().map(|(_, ending)| format!("{member}_{ending}"));
                languages.chain([format!("{member}_other")]).collect()
            }
            Self::Money(member) => MONEY.iter().map(|part| format!("{member}_{part}")).collect(),
            Self::Member(member, part) => vec![format!("{member}_{part}")],
            Self::Keys(member, key) => vec![format!("{member}_{key}")],
            Self::Sectors(_) => {
                ["sector_code", "sector_name", "sector_percentage", "sector_vocabulary"].map(String::from).into()
            }
            Self::Json(member) => vec![format!("{member}_json")],
        }
    }

    /// Adds its cells for one record.
    fn cells(&self, value: &Value, cells: &mut Vec<Value>) {
        match self {
            Self::Plain(_) => cells.push(value.clone()),
            Self::Text(_) => {
                cells.extend(LANGUAGES.iter().map(|(tag, _)| value[tag].clone()));
                let mut others = value.as_object().cloned().unwrap_or_default();
                others.retain(|tag, _| !LANGUAGES.iter().any(|(usual, _)| usual == tag));
                cells.push(json(Value::Object(others)));
            }
            Self::Money(_) => cells.extend(MONEY.iter().map(|part| value[part].clone())),
            Self::Member(_, part) => cells.push(match &value[part] {
                Value::Array(_) | Value::Object(_) => json(value[part].clone()),
                plain => plain.clone(),
            }),
            Self::Keys(_, key) => cells.push(joined(value, |item| raw(&item[*key]))),
            Self::Sectors(_) => {
                cells.push(joined(value, |sector| raw(&sector["code"])));
                cells.push(joined(value, |sector| {
                    let dac = sector["vocabulary"] == "1";
                    let name = sector["code"].as_str().filter(|_| dac).and_then(codes::sector_name);
                    name.unwrap_or_default().to_owned()
                }));
                cells.push(joined(value, |sector| raw(&sector["percentage"])));
                cells.push(joined(value, |sector| raw(&sector["vocabulary"])));
            }
            Self::Json(_) => cells.push(json(value.clone())),
        }
    }

    /// What its cells hold.
    fn types(&self, kind: &Kind) -> Vec<Type> {
        match self {
            Self::Plain(member) => vec![Type::of(kind, member, None)],
            Self::Money(_) => vec![Type::Money, Type::Text, Type::Date, Type::Text],
            Self::Member(CONVERTED, part) => {
                vec![match *part {
                    "amount" => Type::Money,
                    "rate" => Type::Number,
                    _ => Type::Text,
                }]
            }
            Self::Member(member, part) => vec![Type::of(kind, member, Some(part))],
            other => vec![Type::Text; other.names().len()],
        }
    }
}

/// A value as the JSON in a cell; nothing for an empty one.
fn json(value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Object(members) if members.is_empty() => Value::Null,
        value => value.to_string().into(),
    }
}

/// The cells of a list's items in one, separated by `|`; one within an item has `\` before it.
fn joined(list: &Value, of: impl Fn(&Value) -> String) -> Value {
    let escaped = |item: &Value| of(item).replace('\\', "\\\\").replace('|', "\\|");
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() { Value::Null } else { items.iter().map(escaped).collect::<Vec<_>>().join("|").into() }
}

/// A value as text.
pub fn raw(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
