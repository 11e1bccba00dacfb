//! From bytes to records, each with its place; in memory that does not grow with
//! the body. Nothing is judged here but whether records can be told apart.

use std::io::{BufRead, BufReader, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::rows::Table;
use super::sink::{Closed, Raw, Sink, broken};
use super::spooled::Spooled;
use super::{Format, csv, xlsx};
use crate::collections;
use crate::error::Fault;
use crate::hint::nearest;
use crate::http::body::LIMIT;
use crate::json::push;
use crate::kind::Kind;

/// What is to be read.
pub enum Prepared {
    /// A body in a format that says all by itself.
    Body(Format, Box<dyn Read + Send>),
    /// One in a format of which the register is asked before.
    Spooled(Box<Spooled>),
}

/// Reads a body to its end; blocks its thread.
pub fn read(prepared: Prepared, kind: Option<&'static Kind>, sink: &mut Sink) -> Result<(), Closed> {
    let (format, input) = match prepared {
        Prepared::Body(format, input) => (format, input),
        Prepared::Spooled(spooled) => {
            spooled.read(sink)?;
            return sink.flush();
        }
    };
    match (format, kind) {
        (Format::Ndjson, _) => ndjson(kind, input, sink)?,
        (Format::Json, _) => json(kind, input, sink)?,
        (Format::Csv, Some(kind)) => csv::read(input, &mut Table::new(kind, sink))?,
        (Format::Xlsx, Some(kind)) => xlsx::read(input, &mut Table::new(kind, sink))?,
        // They are prepared before.
        (Format::Iati | Format::ThreeSixty, _) => {}
        (Format::Csv | Format::Xlsx, None) => {
            let words = "a table holds records of one collection: say which";
            sink.fault(0, Fault::parameter("collection", "required", words))?;
        }
    }
    sink.flush()
}

fn ndjson(kind: Option<&'static Kind>, input: Box<dyn Read + Send>, sink: &mut Sink) -> Result<(), Closed> {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut empty = true;
    for line in 1.. {
        let mut json = Vec::new();
        let read = input.by_ref().take(LIMIT as u64 + 1).read_until(b'\n', &mut json);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return sink.end(line, broken(&error)),
        }
        if json.len() > LIMIT {
            empty = false;
            sink.fault(line, Fault::at("", "record_too_large", format!("a record has at most {LIMIT} bytes")))?;
            if let Err(error) = skip_line(&mut input) {
                return sink.end(line, broken(&error));
            }
            continue;
        }
        if line == 1 && json.starts_with("\u{feff}".as_bytes()) {
            json.drain(..3);
        }
        if !json.trim_ascii().is_empty() {
            empty = false;
            sink.push(Raw { line, kind, json, ..Raw::default() })?;
        }
    }
    if empty { sink.fault(0, nothing()) } else { Ok(()) }
}

/// A body without anything in it is rather one that was lost.
fn nothing() -> Fault {
    let detail = "the body has no record".to_owned();
    Fault { code: "body_empty".into(), detail, ..Fault::default() }
}

/// Reads on to the next line, keeping nothing.
fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (length, done) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(length);
        if done {
            return Ok(());
        }
    }
}

/// The lists of a document, by name; a name may stand twice.
struct Lists(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Lists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Lists;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with a list for each collection")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Lists, A::Error> {
                let mut lists = Vec::new();
                while let Some(member) = members.next_entry()? {
                    lists.push(member);
                }
                Ok(Lists(lists))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Members of a page of a list, which are no records.
const OF_PAGES: [&str; 3] = ["meta", "links", "included"];

fn json(kind: Option<&'static Kind>, mut input: Box<dyn Read + Send>, sink: &mut Sink) -> Result<(), Closed> {
    let mut body = Vec::new();
    if let Err(error) = input.read_to_end(&mut body) {
        return sink.end(0, broken(&error));
    }
    let malformed = |error: serde_json::Error| Fault::at("", "json_malformed", format!("This is not JSON: {error}"));
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&body);
    if body.trim_ascii_start().starts_with(b"[") {
        return match serde_json::from_slice::<Vec<Box<RawValue>>>(body) {
            Ok(records) => list(kind, "", records, sink),
            Err(error) => sink.end(0, malformed(error)),
        };
    }
    let lists = match serde_json::from_slice::<Lists>(body) {
        Ok(Lists(lists)) => lists,
        Err(error) => return sink.end(0, malformed(error)),
    };
    if lists.is_empty() {
        return sink.fault(0, nothing());
    }
    let is_page = kind.is_some() && lists.iter().any(|(name, _)| name == "data");
    let names: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).collect();
    let mut seen = Vec::new();
    for (name, records) in lists {
        let place = push("", &name);
        let of = match collections::find(&name) {
            _ if is_page && name == "data" => kind,
            _ if is_page && OF_PAGES.contains(&name.as_str()) => continue,
            Some(of) if kind.is_none_or(|kind| kind.collection == of.collection) => Some(of),
            Some(_) => {
                let words = format!("the address says other records than {name}");
                sink.fault(0, Fault::at(place, "collection_differs", words))?;
                continue;
            }
            None => {
                let words = format!("there is no collection {name:.100}{}", nearest(&name, &names));
                sink.fault(0, Fault::at(place, "collection_unknown", words))?;
                continue;
            }
        };
        if seen.contains(&name) {
            sink.fault(0, Fault::at(place, "duplicate_key", "this key stands twice in one object"))?;
            continue;
        }
        match serde_json::from_str::<Vec<Box<RawValue>>>(records.get()) {
            Ok(records) => list(of, &place, records, sink)?,
            Err(_) => sink.fault(0, Fault::at(&place, "type", format!("{name} is a list of records")))?,
        }
        seen.push(name);
    }
    Ok(())
}

fn list(kind: Option<&'static Kind>, place: &str, records: Vec<Box<RawValue>>, sink: &mut Sink) -> Result<(), Closed> {
    for (n, record) in records.into_iter().enumerate() {
        let (line, place) = (n as i64 + 1, format!("{place}/{n}"));
        let json = record.get().as_bytes().to_vec();
        sink.push(Raw { line, place, kind, json, ..Raw::default() })?;
    }
    Ok(())
}
