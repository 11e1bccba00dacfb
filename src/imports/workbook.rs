//! What a workbook would cost, before it is opened: a small file can say that it is any size.

use std::io::{BufRead, BufReader, Cursor, Read};

use quick_xml::events::Event;

/// Bytes that a workbook may have when it is unpacked.
pub const UNPACKED: u64 = 64 * 1024 * 1024;
/// Tags that its shared strings may have, and those of its styles and other parts: each
/// costs many times its length in memory.
const STRINGS: usize = 1_000_000;
const ELEMENTS: usize = 100_000;

type Archive<'b> = zip::ZipArchive<Cursor<&'b [u8]>>;

/// Unpacks every part into nothing: what a workbook says of its size may be a lie.
pub fn measure(body: &[u8]) -> Result<(), String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(body)).map_err(|error| broken(&error))?;
    let mut left = UNPACKED;
    for n in 0..archive.len() {
        let part = archive.by_index(n).map_err(|error| broken(&error))?;
        let name = part.name().map_err(|error| broken(&error))?.to_lowercase();
        let most = match name.rsplit('/').next().unwrap_or_default() {
            "sharedstrings.xml" => STRINGS,
            "styles.xml" => ELEMENTS,
            // Sheets are read cell by cell.
            _ if name.starts_with("xl/worksheets/") => usize::MAX,
            _ => ELEMENTS,
        };
        let mut reader = BufReader::new(part.take(left + 1));
        let mut elements = 0;
        loop {
            let piece = reader.fill_buf().map_err(|error| broken(&error))?;
            if piece.is_empty() {
                break;
            }
            elements += piece.iter().filter(|byte| **byte == b'<').count();
            left = left
                .checked_sub(piece.len() as u64)
                .ok_or("the workbook is larger than 64 MB when it is unpacked; send CSV or NDJSON")?;
            if elements > most {
                return Err("the workbook has too many styles, strings or other parts; send CSV or NDJSON".into());
            }
            let length = piece.len();
            reader.consume(length);
        }
        drop(reader);
        match name.as_str() {
            "_rels/.rels" => is_where_workbooks_are(&mut archive, n)?,
            name if name.ends_with("sharedstrings.xml") => is_no_boast(&mut archive, n)?,
            _ => {}
        }
    }
    Ok(())
}

fn broken(error: &dyn std::fmt::Display) -> String {
    format!("this is no workbook: {error}")
}

/// What is not a sheet must not lie where sheets do: its limits are others.
fn is_where_workbooks_are(archive: &mut Archive<'_>, n: usize) -> Result<(), String> {
    let mut text = Vec::new();
    archive.by_index(n).map_err(|error| broken(&error))?.read_to_end(&mut text).map_err(|error| broken(&error))?;
    let text = String::from_utf8(text).map_err(|error| broken(&error))?.to_lowercase();
    if text.contains("worksheets") || text.contains(['&', '\0']) {
        return Err("this is no workbook: it lies among its sheets".into());
    }
    Ok(())
}

/// Room is made for as many strings as there are said to be.
fn is_no_boast(archive: &mut Archive<'_>, n: usize) -> Result<(), String> {
    let part = archive.by_index(n).map_err(|error| broken(&error))?;
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(|error| broken(&error))? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "sst" => {
                for attribute in tag.attributes().with_checks(false) {
                    let attribute = attribute.map_err(|error| broken(&error))?;
                    let number = attribute.value.parse::<usize>();
                    if attribute.key.as_ref() == "uniqueCount" && number.map_or(true, |number| number > STRINGS) {
                        return Err("the workbook says that it has too many strings; send CSV or NDJSON".into());
                    }
                }
                return Ok(());
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}
