//! A workbook: one row a record with typed cells, and beside it the codes that stand in them and
//! what the table is. Rows go to a file as they come, so it takes no more memory than the others.

use std::fs::File;
use std::io::{self, Seek};

use chrono::{DateTime, NaiveDate, SecondsFormat};
use rust_xlsxwriter::{DocProperties, Format, Workbook, Worksheet, XlsxError};
use serde_json::{Map, Value};

use super::columns::{Columns, raw};
use super::types::{Type, codes};
use super::{Export, Writer};
use crate::codes::sector_name;

/// Rows of records at most; a sheet ends soon after.
pub const ROWS: i64 = 1_000_000;
/// Characters of a cell at most.
const CELL: usize = 32_767;
/// What stands at the end of a text that is longer.
const CUT: &str = " […]";

/// The writer.
pub struct Xlsx {
    book: Workbook,
    columns: Columns,
    types: Vec<Type>,
    dates: Format,
    instants: Format,
    rows: u32,
    cut: u32,
    about: Vec<(&'static str, String)>,
    codes: Vec<(String, Vec<String>)>,
}

impl Xlsx {
    /// A table of these columns.
    pub fn new(columns: Columns, export: &Export) -> io::Result<Self> {
        let kind = export.kind;
        let mut book = Workbook::new();
        // The same bytes each time: a workbook otherwise says when it was made.
        let properties = DocProperties::new()
            .set_title(format!("Aid Register: {}", kind.collection))
            .set_creation_datetime(&export.moment);
        book.set_properties(&properties);
        let bold = Format::new().set_bold();
        let sheet = book.add_worksheet_with_constant_memory().and_then(|sheet| sheet.set_name(kind.collection));
        let sheet = sheet.map_err(io::Error::other)?;
        header(sheet, &columns.names(), &bold).map_err(io::Error::other)?;
        let about = vec![
            ("Register", "Aid Register".to_owned()),
            ("Collection", format!("{}: {}", kind.collection, kind.about)),
            ("Address", export.address.clone()),
            ("As of", export.moment.to_rfc3339_opts(SecondsFormat::Micros, true)),
            ("Licence", export.licence.clone()),
            ("Cite as", export.citation()),
        ];
        Ok(Self {
            book,
            types: columns.types(kind),
            columns,
            dates: Format::new().set_num_format("yyyy-mm-dd"),
            instants: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            rows: 0,
            cut: 0,
            about,
            codes: codes(kind),
        })
    }

    fn row(&mut self, record: &Map<String, Value>) -> Result<(), XlsxError> {
        self.rows += 1;
        let sheet = self.book.worksheet_from_index(0)?;
        for ((n, cell), of) in (0u16..).zip(self.columns.cells(record)).zip(&self.types) {
            match (of, &cell) {
                (_, Value::Null) => {}
                (_, Value::Bool(flag)) => drop(sheet.write_boolean(self.rows, n, *flag)?),
                // A spreadsheet has 15 digits, as amounts have.
                (_, Value::Number(number)) if number.as_f64().is_some() => {
                    sheet.write_number(self.rows, n, number.as_f64().unwrap_or_default())?;
                }
                (Type::Date, Value::String(text)) if let Some(date) = day(text) => {
                    sheet.write_datetime_with_format(self.rows, n, date, &self.dates)?;
                }
                (Type::Instant, Value::String(text)) if let Ok(at) = DateTime::parse_from_rfc3339(text) => {
                    sheet.write_datetime_with_format(self.rows, n, at.naive_utc(), &self.instants)?;
                }
                _ => {
                    // Within a cell a line ends so.
                    let text = raw(&cell).replace("\r\n", "\n");
                    self.cut += u32::from(!fits(&text));
                    sheet.write_string(self.rows, n, fitting(text))?;
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<File, XlsxError> {
        let bold = Format::new().set_bold();
        let width = u16::try_from(self.types.len()).unwrap_or(u16::MAX).saturating_sub(1);
        self.book.worksheet_from_index(0)?.autofilter(0, 0, self.rows, width)?;
        let sheet = self.book.add_worksheet().set_name("codes")?;
        header(sheet, &["column".into(), "code".into(), "name".into()], &bold)?;
        let codes = self.codes.iter().flat_map(|(column, list)| list.iter().map(move |code| (column, code)));
        for (n, (column, code)) in (1u32..).zip(codes) {
            sheet.write_string(n, 0, column)?.write_string(n, 1, code)?;
            if let Some(name) = sector_name(code).filter(|_| column == "sector_code") {
                sheet.write_string(n, 2, name)?;
            }
        }
        let sheet = self.book.add_worksheet().set_name("about")?;
        sheet.set_column_width(0, 18)?.set_column_width(1, 100)?;
        self.about.push(("Rows", self.rows.to_string()));
        if self.cut > 0 {
            let words =
                format!("{} cells end in {CUT:?}: a cell has at most {CELL} characters, CSV has them whole", self.cut);
            self.about.push(("Shortened", words));
        }
        for (n, (name, text)) in (0u32..).zip(&self.about) {
            sheet.write_string_with_format(n, 0, *name, &bold)?.write_string(n, 1, fitting(text.clone()))?;
        }
        let mut file = tempfile::tempfile()?;
        self.book.save_to_writer(&mut file)?;
        file.rewind()?;
        Ok(file)
    }
}

impl Writer for Xlsx {
    fn begin(&mut self, _out: &mut Vec<u8>) {}

    fn record(&mut self, record: &Map<String, Value>, _beside: Option<&str>, _out: &mut Vec<u8>) -> io::Result<()> {
        self.row(record).map_err(io::Error::other)
    }

    fn end(self: Box<Self>, _out: &mut Vec<u8>) -> io::Result<Option<File>> {
        self.finish().map(Some).map_err(io::Error::other)
    }
}

/// The names of columns, which stay in sight.
fn header(sheet: &mut Worksheet, names: &[String], bold: &Format) -> Result<(), XlsxError> {
    for (n, name) in (0u16..).zip(names) {
        sheet.set_column_width(n, 18)?.write_string_with_format(0, n, name, bold)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

/// A whole date that a sheet can show: its calendar begins in 1900.
fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10 && text >= "1900-03-01")
}

fn fits(text: &str) -> bool {
    text.encode_utf16().count() <= CELL
}

/// Whether a text is no more than what a cell took of it.
pub fn is_cut(text: &str) -> bool {
    text.ends_with(CUT) && text.encode_utf16().count() >= CELL - 1
}

/// As much of a text as a cell takes.
fn fitting(text: String) -> String {
    if fits(&text) {
        return text;
    }
    let mut left = CELL - CUT.encode_utf16().count();
    let fits = |c: &char| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    };
    text.chars().take_while(fits).chain(CUT.chars()).collect()
}
