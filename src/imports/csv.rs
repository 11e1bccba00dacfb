//! CSV as it comes: with commas, semicolons or tabs, from spreadsheets of any country,
//! read in bounded memory whatever quote is missing.

use std::io::Read;

use csv_core::{ReadRecordResult, ReaderBuilder};

use super::rows::Rows;
use super::sink::{Closed, broken};
use crate::error::Fault;
use crate::formats::csv::un_neutral;
use crate::http::body::LIMIT;

/// A table has this many columns at most.
pub const COLUMNS: usize = 1000;

/// How many columns there are up to the last that has a name.
fn named(rows: &dyn Rows) -> usize {
    let is_named = |at: &usize| rows.name(*at).is_some_and(|name| !name.trim().is_empty());
    let width = rows.width().unwrap_or_default();
    (0..width).rev().find(is_named).map_or(width, |last| last + 1)
}

/// Reads CSV; the separator is the one that the header uses.
pub fn read(mut input: impl Read, rows: &mut dyn Rows) -> Result<(), Closed> {
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    // The first line decides on the separator.
    while filled < buffer.len() && !buffer[..filled].contains(&b'\n') {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) => return rows.end(0, broken(&error)),
        }
    }
    let mut start = if buffer.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
    let first = buffer[start..filled].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |separator: u8| first.iter().filter(|byte| **byte == separator).count();
    let separator =
        *[b',', b';', b'\t'].iter().max_by_key(|separator| (count(**separator), **separator == b',')).unwrap_or(&b',');
    let mut reader = ReaderBuilder::new().delimiter(separator).build();
    let (mut record, mut ends) = (vec![0; LIMIT], vec![0; COLUMNS]);
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
                Err(error) => return rows.end(line, broken(&error)),
            },
            ReadRecordResult::OutputFull => {
                return rows.end(line, fault("record_too_large", "a row is too long: is a quote missing in it?"));
            }
            ReadRecordResult::OutputEndsFull => {
                return rows.end(line, fault("columns_too_many", "a table has at most 1000 columns"));
            }
            ReadRecordResult::End if rows.width().is_none() => return rows.row(line, &[]),
            ReadRecordResult::End => return Ok(()),
            // A quote that is not closed takes the rows after it for text.
            ReadRecordResult::Record if quotes % 2 == 1 => {
                let words = "a quote is opened and not closed, here or in a row before; nothing after it can be read";
                return rows.end(line, fault("quote_open", words));
            }
            // The last row has no line end, and not all of its cells.
            ReadRecordResult::Record
                if filled == 0
                    && record[..written].iter().any(|byte| !byte.is_ascii_whitespace() && *byte != 0x1a)
                    && fields < named(rows) =>
            {
                return rows
                    .end(line, fault("row_truncated", "the last row is cut off: it has fewer cells than the header"));
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
                    None if rows.width().is_some() && cells.iter().all(String::is_empty) => {}
                    None => rows.row(line, &cells)?,
                    Some(at) => {
                        let fault = fault("encoding_invalid", "the row is not UTF-8; save the table as CSV UTF-8");
                        let column = rows.name(at).map(String::from);
                        let identifier = rows.identifier(&cells);
                        rows.fault(line, Fault { column, identifier, ..fault })?;
                    }
                }
                if rows.width().is_none() {
                    return Ok(());
                }
                line += 1;
            }
        }
    }
}
