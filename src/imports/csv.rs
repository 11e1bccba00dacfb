//! CSV as it comes: with commas, semicolons or tabs, from spreadsheets of any country,
//! read in bounded memory whatever quote is missing.

use std::io::Read;
use std::sync::Arc;

use csv_core::{ReadRecordResult, ReaderBuilder};

use super::sink::{Closed, Raw, Sink, broken};
use super::table::Header;
use crate::error::Fault;
use crate::formats::csv::un_neutral;
use crate::http::body::LIMIT;
use crate::kind::Kind;

/// A table has this many columns at most.
pub const COLUMNS: usize = 1000;

/// Reads CSV; the separator is the one that the header uses.
pub fn read(kind: &'static Kind, mut input: Box<dyn Read + Send>, sink: &mut Sink) -> Result<(), Closed> {
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    // The first line decides on the separator.
    while filled < buffer.len() && !buffer[..filled].contains(&b'\n') {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) => return sink.fault(0, broken(&error)),
        }
    }
    let mut start = if buffer.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let first = buffer[start..filled].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |separator: u8| first.iter().filter(|byte| **byte == separator).count();
    let separator =
        *[b',', b';', b'\t'].iter().max_by_key(|separator| (count(**separator), **separator == b',')).unwrap_or(&b',');
    let mut reader = ReaderBuilder::new().delimiter(separator).build();
    let (mut record, mut ends) = (vec![0; LIMIT], vec![0; COLUMNS]);
    let mut header: Option<Arc<Header>> = None;
    let (mut written, mut fields, mut line, mut quotes) = (0, 0, 1, 0);
    loop {
        let (result, read, wrote, ended) =
            reader.read_record(&buffer[start..filled], &mut record[written..], &mut ends[fields..]);
        quotes += buffer[start..start + read].iter().filter(|byte| **byte == b'"').count();
        (start, written, fields) = (start + read, written + wrote, fields + ended);
        let fault = |code: &str, words: &str| Fault { code: code.into(), detail: words.into(), ..Fault::default() };
        match result {
            ReadRecordResult::InputEmpty => match input.read(&mut buffer) {
                Ok(read) => (start, filled) = (0, read),
                Err(error) => return sink.fault(line, broken(&error)),
            },
            ReadRecordResult::OutputFull => {
                return sink.fault(line, fault("record_too_large", "a row is too long: is a quote missing in it?"));
            }
            ReadRecordResult::OutputEndsFull => {
                return sink.fault(line, fault("columns_too_many", "a table has at most 1000 columns"));
            }
            ReadRecordResult::End if header.is_none() => return row(kind, &mut header, line, &[], sink),
            ReadRecordResult::End => return Ok(()),
            // A quote that is not closed takes the rows after it for text.
            ReadRecordResult::Record if quotes % 2 == 1 => {
                let words = "a quote is opened and not closed, here or in a row before; nothing after it can be read";
                return sink.fault(line, fault("quote_open", words));
            }
            ReadRecordResult::Record => {
                quotes = 0;
                let mut from = 0;
                let bytes: Vec<&[u8]> =
                    ends[..fields].iter().map(|end| &record[std::mem::replace(&mut from, *end)..*end]).collect();
                let broken = bytes.iter().position(|cell| std::str::from_utf8(cell).is_err());
                let cells: Vec<String> =
                    bytes.into_iter().map(|cell| un_neutral(&String::from_utf8_lossy(cell)).to_owned()).collect();
                (written, fields) = (0, 0);
                match broken {
                    None => row(kind, &mut header, line, &cells, sink)?,
                    Some(at) => {
                        let fault = fault("encoding_invalid", "the row is not UTF-8; save the table as CSV UTF-8");
                        let column = header.as_ref().and_then(|header| header.name(at)).map(String::from);
                        let identifier = header.as_ref().and_then(|header| header.identifier(&cells));
                        sink.fault(line, Fault { column, identifier, ..fault })?;
                    }
                }
                if header.is_none() {
                    return Ok(());
                }
                line += 1;
            }
        }
    }
}

/// One row of a table: the header, if there is none yet, or a record.
pub fn row(
    kind: &'static Kind,
    header: &mut Option<Arc<Header>>,
    line: i64,
    cells: &[String],
    sink: &mut Sink,
) -> Result<(), Closed> {
    let Some(table) = header else {
        match Header::read(kind, cells) {
            Ok(read) => *header = Some(Arc::new(read)),
            Err(faults) => {
                let (json, table) = (Vec::new(), None);
                sink.push(Raw {
                    line,
                    place: String::new(),
                    kind: Some(kind),
                    json,
                    table,
                    faults,
                    notes: Vec::new(),
                    kept: Vec::new(),
                })?;
            }
        }
        return Ok(());
    };
    if cells.iter().all(String::is_empty) {
        return Ok(());
    }
    let unnamed = |(n, cell): (usize, &String)| !cell.is_empty() && table.name(n).is_none_or(str::is_empty);
    if cells.len() != table.width() || cells.iter().enumerate().any(unnamed) {
        let detail = match cells.len() == table.width() {
            true => "the row has a cell under a column without a name".to_owned(),
            false => format!("the row has {} cells, the header {}: is a quote missing?", cells.len(), table.width()),
        };
        let identifier = table.identifier(cells);
        return sink.fault(line, Fault { code: "row_length".into(), detail, identifier, ..Fault::default() });
    }
    let (record, faults) = table.record(cells);
    let json = record.to_string().into_bytes();
    sink.push(Raw {
        line,
        place: String::new(),
        kind: Some(kind),
        json,
        table: Some(Arc::clone(table)),
        faults,
        notes: Vec::new(),
        kept: Vec::new(),
    })
}
