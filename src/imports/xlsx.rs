//! Workbooks: their sheets as tables, and the template that a clerk fills in.

use std::io::{Cursor, Read};

use calamine::{Data, DataRef, Reader, Xlsx};
use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, DocProperties, ExcelDateTime, Format, Workbook, XlsxError,
};

use super::csv::COLUMNS;
use super::rows::Rows;
use super::sink::{Closed, broken};
use super::workbook::{UNPACKED, measure};
use crate::error::Fault;
use crate::formats::xlsx::is_cut;
use crate::kind::Kind;

/// Rows of the template that have drop-downs.
const ROWS: u32 = 10_000;

/// Reads the first sheet, and as many more as `rows` takes.
pub fn read(mut input: impl Read, rows: &mut dyn Rows) -> Result<(), Closed> {
    let mut body = Vec::new();
    if let Err(error) = input.read_to_end(&mut body) {
        return rows.end(0, broken(&error));
    }
    let unreadable = |words: String| Fault { code: "workbook_invalid".into(), detail: words, ..Fault::default() };
    if let Err(words) = measure(&body) {
        return rows.end(0, unreadable(words));
    }
    let mut book: Xlsx<_> = match Xlsx::new(Cursor::new(body)) {
        Ok(book) => book,
        Err(error) => return rows.end(0, unreadable(format!("this is no workbook: {error}"))),
    };
    let names = book.sheet_names();
    if names.is_empty() {
        return rows.end(0, unreadable("the workbook has no sheet".into()));
    }
    let mut text_left = UNPACKED;
    for name in &names[..rows.sheets(names.len()).min(names.len())] {
        rows.sheet(name);
        match cells(&mut book, name, &mut text_left, rows) {
            Ok(done) => done?,
            Err(words) => return rows.end(0, unreadable(words)),
        }
    }
    Ok(())
}

/// Hands on the rows of a sheet, cell by cell: neither where its last cell is said to
/// be, nor how often it repeats a text, costs memory.
fn cells(
    book: &mut Xlsx<Cursor<Vec<u8>>>,
    name: &str,
    text_left: &mut u64,
    rows: &mut dyn Rows,
) -> Result<Result<(), Closed>, String> {
    let broken = |error: calamine::XlsxError| format!("the sheet {name:.100} cannot be read: {error}");
    let mut cells = book.worksheet_cells_reader(name).map_err(broken)?;
    let mut line = Line::default();
    loop {
        let cell = cells.next_cell_with_formula_metadata().map_err(broken)?;
        let at = cell.as_ref().map(|cell| cell.pos);
        if at.is_none_or(|(row, _)| row != line.row) && line.is_filled() {
            if line.end(rows).is_err() {
                return Ok(Err(Closed));
            }
            if rows.width().is_none() {
                return Ok(Ok(()));
            }
        }
        let (Some(cell), Some((row, column))) = (cell, at) else {
            // A table without a header is told so.
            return Ok(if rows.width().is_none() { line.end(rows) } else { Ok(()) });
        };
        if column as usize >= COLUMNS {
            return Err(format!("a table has at most {COLUMNS} columns"));
        }
        line.row = row;
        let value: Data = match cell.value {
            // Formulas are not read, let alone expanded: a file may say that there are any number.
            DataRef::Empty if cell.formula.is_some() => {
                line.fault(
                    column,
                    "the cell is a formula without a value: open and save the workbook in a spreadsheet program",
                );
                continue;
            }
            other => other.into(),
        };
        if let Data::Error(error) = &value {
            line.fault(column, &format!("the cell is an error: {error}"));
            continue;
        }
        let value = text(&value);
        if is_cut(&value) {
            line.fault(column, "the text was cut to what a cell holds: leave the column out to keep it, or send CSV");
            continue;
        }
        *text_left = text_left
            .checked_sub(value.len() as u64)
            .ok_or("the workbook has more than 64 MB of text; send CSV or NDJSON")?;
        line.set(column, value);
    }
}

/// The cells of one row.
#[derive(Default)]
struct Line {
    row: u32,
    cells: Vec<String>,
    wrong: Option<(u32, String)>,
}

impl Line {
    fn is_filled(&self) -> bool {
        !self.cells.is_empty() || self.wrong.is_some()
    }

    fn set(&mut self, column: u32, value: String) {
        let column = column as usize;
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        self.cells[column] = value;
    }

    fn fault(&mut self, column: u32, words: &str) {
        self.wrong.get_or_insert((column, words.to_owned()));
    }

    /// Hands the row on and begins the next.
    fn end(&mut self, rows: &mut dyn Rows) -> Result<(), Closed> {
        let Line { row: at, mut cells, wrong } = std::mem::take(self);
        let line = i64::from(at) + 1;
        if let Some((column, detail)) = wrong {
            let column = rows.name(column as usize).map(String::from);
            let identifier = rows.identifier(&cells);
            return rows
                .fault(line, Fault { column, identifier, code: "cell_invalid".into(), detail, ..Fault::default() });
        }
        // A sheet does not say where its rows end.
        if let Some(width) = rows.width() {
            if cells.iter().all(String::is_empty) {
                return Ok(());
            }
            cells.resize(cells.len().max(width), String::new());
        }
        rows.row(line, &cells)
    }
}

/// A cell as the text that a CSV would have.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::DateTime(at) => match at.as_datetime() {
            Some(at) if at.time() == chrono::NaiveTime::MIN => at.format("%Y-%m-%d").to_string(),
            Some(at) => at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            None => at.as_f64().to_string(),
        },
        Data::Error(error) => format!("#{error:?}"),
        other => other.to_string(),
    }
}

/// An empty table of a collection, with the codes that its columns take as drop-downs.
/// `codes` are columns and their codes.
pub fn template(kind: &Kind, columns: &[String], codes: &[(String, Vec<String>)]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // The same bytes each time: a workbook otherwise says when it was made.
    let made = ExcelDateTime::from_ymd(2026, 1, 1)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let bold = Format::new().set_bold();
    let sheet = book.add_worksheet().set_name(kind.collection)?;
    for (n, name) in (0u16..).zip(columns) {
        sheet.write_with_format(0, n, name, &bold)?;
        sheet.set_column_width(n, 18)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    for (n, (column, list)) in (0u16..).zip(codes) {
        let Some(at) = columns.iter().position(|name| name == column) else { continue };
        let letter = rust_xlsxwriter::utility::column_number_to_name(n);
        let range = format!("=codes!${letter}$2:${letter}${}", list.len() + 1);
        // A list offers; it does not forbid: a cell may hold several sectors.
        let allowed = DataValidation::new().allow_list_formula(range.as_str().into());
        let allowed = allowed.set_error_style(DataValidationErrorStyle::Information);
        sheet.add_data_validation(1, at as u16, ROWS, at as u16, &allowed)?;
    }
    let sheet = book.add_worksheet().set_name("codes")?;
    for (n, (column, list)) in (0u16..).zip(codes) {
        sheet.write_with_format(0, n, column, &bold)?;
        for (m, code) in (1u32..).zip(list) {
            sheet.write(m, n, code)?;
        }
    }
    book.save_to_buffer()
}
