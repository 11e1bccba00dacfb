//! CSV (RFC 4180): header first, one row a record, columns in a fixed order. Cells that a
//! spreadsheet would run as a formula begin with an apostrophe.

use std::io;

use serde_json::{Map, Value};

use super::Writer;
use super::columns::{Columns, raw};

/// The writer.
pub struct Csv {
    columns: Columns,
    bom: bool,
}

impl Csv {
    /// A table of these columns, perhaps after a byte order mark.
    pub fn new(columns: Columns, bom: bool) -> Self {
        Self { columns, bom }
    }
}

impl Writer for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) {
        if self.bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        row(&self.columns.names(), out);
    }

    fn record(&mut self, record: &Map<String, Value>, _beside: Option<&str>, out: &mut Vec<u8>) -> io::Result<()> {
        let cells: Vec<String> = self.columns.cells(record).iter().map(cell).collect();
        row(&cells, out);
        Ok(())
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
pub fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => neutral(text),
        other => raw(other),
    }
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
pub fn neutral(text: &str) -> String {
    if text.trim_start_matches('\'').starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}
