//! CSV (RFC 4180): header first, one row a record, columns in a fixed order.
//!
//! Texts have a column for each usual language and one, as JSON, for all others;
//! lists are JSON in one cell, and the codes in them also stand in columns of
//! their own, separated by `|`. Cells that a spreadsheet would run as a formula
//! begin with an apostrophe.

use serde_json::{Map, Value};

use super::Writer;
use crate::codes;
use crate::kind::{CONVERTED, Column, Kind, PLACE_NOTES, READ_ONLY, names_places};

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

/// The writer.
pub struct Csv {
    columns: Vec<Column>,
    bom: bool,
}

impl Csv {
    /// The columns of a kind, or those of the wanted members.
    pub fn new(kind: &'static Kind, fields: Option<&[String]>, bom: bool, converts: bool) -> Self {
        let wanted =
            |member: &str| member == "identifier" || fields.is_none_or(|fields| fields.iter().any(|f| f == member));
        let mut columns = vec![Column::Plain("identifier")];
        columns.extend(kind.columns.iter().copied());
        columns.extend(READ_ONLY.iter().map(|name| Column::Plain(name)));
        columns.retain(|column| wanted(column.member()));
        columns.extend(Some(Column::Json(PLACE_NOTES)).filter(|_| kind.is_placed() && names_places(fields)));
        columns.extend(OF_CONVERSION.iter().filter(|_| converts).copied());
        Self { columns, bom }
    }
}

impl Writer for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        let header: Vec<String> = self.columns.iter().flat_map(|column| column.names()).collect();
        row(&header, out);
    }

    fn record(&mut self, record: &Map<String, Value>, _points: Option<&str>, out: &mut Vec<u8>) {
        let mut cells = Vec::new();
        for column in &self.columns {
            column.cells(record.get(column.member()).unwrap_or(&Value::Null), &mut cells);
        }
        row(&cells, out);
    }
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
    fn cells(&self, value: &Value, cells: &mut Vec<String>) {
        match self {
            Self::Plain(_) => cells.push(cell(value)),
            Self::Text(_) => {
                cells.extend(LANGUAGES.iter().map(|(tag, _)| cell(&value[tag])));
                let mut others = value.as_object().cloned().unwrap_or_default();
                others.retain(|tag, _| !LANGUAGES.iter().any(|(usual, _)| usual == tag));
                cells.push(if others.is_empty() { String::new() } else { Value::Object(others).to_string() });
            }
            Self::Money(_) => cells.extend(MONEY.iter().map(|part| cell(&value[part]))),
            Self::Member(_, part) => cells.push(cell(&value[part])),
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
            Self::Json(_) => cells.push(match value {
                Value::Array(items) if items.is_empty() => String::new(),
                Value::Object(members) if members.is_empty() => String::new(),
                Value::Null => String::new(),
                value => value.to_string(),
            }),
        }
    }
}

/// One line.
pub fn row(cells: &[String], out: &mut Vec<u8>) {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
    // Writing to memory cannot fail, and every row has the header's length.
    let _ = writer.write_record(cells);
    let _ = writer.flush();
}

/// A value as the text of a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => neutral(text),
        other => raw(other),
    }
}

/// A value as text.
fn raw(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The cells of a list's items in one, separated by `|`; one within an item has `\` before it.
fn joined(list: &Value, of: impl Fn(&Value) -> String) -> String {
    let escaped = |item: &Value| of(item).replace('\\', "\\\\").replace('|', "\\|");
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    neutral(&items.iter().map(escaped).collect::<Vec<_>>().join("|"))
}

/// What would start a formula.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The text of a cell that [`neutral`] wrote.
pub fn un_neutral(cell: &str) -> &str {
    let marked = cell.starts_with('\'') && cell.trim_start_matches('\'').starts_with(FORMULA);
    if marked { &cell[1..] } else { cell }
}

/// Text that no spreadsheet runs: an apostrophe stands before what would start a
/// formula, and before text that looks as if one stood there already.
fn neutral(text: &str) -> String {
    if text.trim_start_matches('\'').starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}
