//! A file of 360Giving: a package as JSON, or a table of the template as CSV or a workbook; which of these it
//! is, its first bytes say.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::sheets::Sheets;
use crate::error::Fault;
use crate::imports::sink::Closed;
use crate::imports::{csv, xlsx};

/// Bytes of a grant of a package, with room for what was read ahead.
const LARGEST: usize = 4 * 1024 * 1024;
/// What is found in a file.
pub enum Found {
    /// A grant.
    Grant(Value),
    /// What is wrong where one should be.
    Wrong(Vec<Fault>),
    /// What is left out, or is odd, without being wrong.
    Note(Fault),
    /// Why the rest cannot be read.
    End(Fault),
}

/// What takes what is found, each with its row or number.
pub type Each<'e> = dyn FnMut(i64, Found) -> Result<(), Closed> + 'e;

/// Hands on each grant of a file.
pub fn each(mut file: &File, on: &mut Each<'_>) -> Result<(), Closed> {
    let mut first = [0; 64];
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read(&mut first));
    if let Err(error) = read.and_then(|_| file.seek(SeekFrom::Start(0))) {
        return on(0, Found::End(crate::imports::sink::broken(&error)));
    }
    let text = first.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&first).trim_ascii_start();
    // A mark of the order of bytes is no part of JSON.
    if first.starts_with("\u{feff}".as_bytes()) && matches!(text.first(), Some(b'{' | b'[')) {
        let _ = file.seek(SeekFrom::Start(3));
    }
    let input = BufReader::new(file);
    match text.first() {
        Some(b'{' | b'[') => package(input, on),
        _ => {
            let mut rows = Sheets::new(on);
            match first.starts_with(b"PK") {
                true => xlsx::read(input, &mut rows)?,
                false => csv::read(input, &mut rows)?,
            }
            rows.finish()
        }
    }
}

/// Hands on the grants of a package, one after another: the list of its member `grants`.
fn package(input: impl Read, on: &mut Each<'_>) -> Result<(), Closed> {
    let mut closed = false;
    let mut read = 0;
    let since = Cell::new(0);
    let mut taking = |line: i64, grant: Value| {
        since.set(0);
        read = line;
        closed = closed || on(line, Found::Grant(grant)).is_err();
        !closed
    };
    let mut json = serde_json::Deserializer::from_reader(Bounded { input, read: &since });
    let done = Grants(&mut taking).deserialize(&mut json).and_then(|found| json.end().map(|()| found));
    let line = read;
    match done {
        _ if closed => Err(Closed),
        Ok(true) => Ok(()),
        Ok(false) => {
            let words = "this is no package of 360Giving: it has no list of grants";
            on(0, Found::End(Fault::at("/grants", "required", words)))
        }
        Err(error) => {
            let words = format!("This is not JSON, or no package of 360Giving: {error}");
            on(line + 1, Found::End(Fault::at("", "json_malformed", words)))
        }
    }
}

/// Input that is not read further than one grant may be long.
struct Bounded<'r, R> {
    input: R,
    /// Bytes since the last grant.
    read: &'r Cell<usize>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read.get() > LARGEST {
            return Err(std::io::Error::other(format!("a grant has at most {LARGEST} bytes")));
        }
        let length = self.input.read(buffer)?;
        self.read.set(self.read.get() + length);
        Ok(length)
    }
}

/// The member `grants` of a package, or a list of them alone; says whether there was one.
struct Grants<'g>(&'g mut dyn FnMut(i64, Value) -> bool);

impl<'de> DeserializeSeed<'de> for Grants<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Grants<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a package with a list of grants")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "grants" if !found => found = members.next_value_seed(Grants(self.0))?,
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let mut line = 0;
        while let Some(grant) = items.next_element::<Value>()? {
            line += 1;
            if !(self.0)(line, grant) {
                break;
            }
        }
        Ok(true)
    }
}
