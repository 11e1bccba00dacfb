//! A file of 360Giving: a package as JSON, or a table of the template as CSV or a workbook; which of these it
//! is, its first bytes say. Like one of IATI it is read twice: for what it names, and for its records.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use chrono::{NaiveDate, Utc};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::flat::Columns;
use super::{Known, Package};
use crate::collections::{grants, transactions};
use crate::error::Fault;
use crate::imports::iati::parties::Who;
use crate::imports::known::{self, Named, Record};
use crate::imports::rows::Rows;
use crate::imports::sink::{Closed, Sink};
use crate::imports::table::Header;
use crate::imports::{csv, xlsx};

/// Bytes of a grant of a package, with room for what was read ahead.
const LARGEST: usize = 4 * 1024 * 1024;
/// The members of grants that the standard has.
const GRANT: [&str; 13] = [
    "programme",
    "title",
    "description",
    "status",
    "start_date",
    "end_date",
    "budget",
    "recipients",
    "organisations",
    "places",
    "sectors",
    "documents",
    "original",
];
/// The members of transactions that the standard has.
const FLOW: [&str; 7] = ["type", "date", "value", "grant", "provider", "receiver", "description"];

/// What a file names, as far as it can be read; what is wrong is told when it is read for good.
pub fn names(file: &File) -> Named {
    let asked = Asked::default();
    let mut package = Package::new(&asked, today());
    let _ = each(file, &mut |_, grant| {
        if let Ok(grant) = grant {
            package.grant(&grant);
            let names = &mut asked.0.borrow_mut().0;
            names.extend(grant["id"].as_str().map(str::to_owned));
        }
        Ok(())
    });
    let (others, parties) = asked.0.into_inner();
    Named { others, parties: parties.into_iter().map(Who::Reference).collect(), ..Named::default() }
}

/// Reads the records of a file, by what is known of what it names.
pub fn records(file: &File, known: &known::Known, sink: &mut Sink) -> Result<(), Closed> {
    let mut package = Package::new(known, today());
    let grant_says: Arc<Header> = Header::saying(&grants::KIND, &GRANT).into();
    let flow_says: Arc<Header> = Header::saying(&transactions::KIND, &FLOW).into();
    each(file, &mut |line, grant| {
        let grant = match grant {
            Ok(grant) => grant,
            Err(faults) => return faults.into_iter().try_for_each(|fault| sink.fault(line, fault)),
        };
        let mapped = package.grant(&grant);
        for note in mapped.notes {
            sink.note(Fault { row: Some(line), ..note })?;
        }
        if !mapped.faults.is_empty() {
            let record = Record { faults: mapped.faults, ..Record::whole(&grants::KIND, Value::Null, line) };
            return sink.push(record.raw());
        }
        // What the register derived from more than a package can say is not taken for more.
        if mapped.is_derived && grant["id"].as_str().is_some_and(|grant| known.is_of(grant, "grants")) {
            return Ok(());
        }
        for (kind, mut json) in mapped.records {
            let said = match kind.collection {
                "grants" => Some(Arc::clone(&grant_says)),
                "transactions" => Some(Arc::clone(&flow_says)),
                _ => None,
            };
            without_lines(&mut json, known);
            let record = match kind.collection {
                "organisations" | "beneficiaries" => Record::if_absent(kind, json, line),
                _ => Record { said, kept: kept(&json), ..Record::whole(kind, json, line) },
            };
            sink.push(record.raw())?;
        }
        Ok(())
    })
}

/// The names of what is kept with a grant without a member of its own.
fn kept(record: &Value) -> Vec<String> {
    let rest = record["original"]["parts"]["rest"]["text"].as_str();
    let rest: Map<String, Value> = rest.and_then(|rest| serde_json::from_str(rest).ok()).unwrap_or_default();
    let within = |name: &str, part: &Value| -> BTreeSet<String> {
        let all =
            part.as_object().into_iter().chain(part.as_array().into_iter().flatten().filter_map(Value::as_object));
        all.flat_map(Map::keys).map(|member| format!("{name}/{member}")).collect()
    };
    let named = rest.iter().flat_map(|(name, part)| match within(name, part) {
        parts if parts.is_empty() => [name.clone()].into(),
        parts => parts,
    });
    named.collect()
}

fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// Without the funders that have lines of their own, which say more.
fn without_lines(grant: &mut Value, known: &known::Known) {
    let identifier = grant["identifier"].as_str().unwrap_or_default().to_owned();
    if let Some(organisations) = grant.get_mut("organisations").and_then(Value::as_array_mut) {
        organisations.retain(|one| !known.is_funder(&identifier, one["organisation"].as_str().unwrap_or_default()));
    }
}

impl Known for known::Known {
    fn organisation(&self, reference: &str) -> Option<String> {
        let found = known::Known::organisation(self, &Who::Reference(reference.to_owned()));
        let own = known::Known::name(self, &format!("{reference}:funder"));
        found.map(str::to_owned).or_else(|| self.is_of(&own, "organisations").then_some(own))
    }

    fn beneficiary(&self, reference: &str) -> Option<String> {
        known::Known::beneficiary(self, &Who::Reference(reference.to_owned())).map(str::to_owned)
    }

    fn is_programme(&self, identifier: &str) -> bool {
        self.is_of(identifier, "programmes")
    }

    fn is_place(&self, identifier: &str) -> bool {
        known::Known::is_place(self, identifier)
    }

    fn name(&self, reference: &str) -> String {
        known::Known::name(self, reference)
    }
}

/// Knows nothing, and what it was asked for: names, and who is named.
#[derive(Default)]
struct Asked(RefCell<(HashSet<String>, HashSet<String>)>);

impl Known for Asked {
    fn organisation(&self, reference: &str) -> Option<String> {
        let mut asked = self.0.borrow_mut();
        asked.0.insert(format!("{reference}:funder"));
        asked.1.insert(reference.to_owned());
        None
    }

    fn beneficiary(&self, reference: &str) -> Option<String> {
        self.0.borrow_mut().1.insert(reference.to_owned());
        None
    }

    fn is_programme(&self, identifier: &str) -> bool {
        self.0.borrow_mut().0.insert(identifier.to_owned());
        false
    }

    fn is_place(&self, identifier: &str) -> bool {
        self.0.borrow_mut().0.insert(identifier.to_owned());
        false
    }

    fn name(&self, reference: &str) -> String {
        reference.to_owned()
    }
}

/// What takes grants, or what is wrong where one should be, each with its row or number.
type Each<'e> = dyn FnMut(i64, Result<Value, Vec<Fault>>) -> Result<(), Closed> + 'e;

/// Hands on each grant of a file.
fn each(mut file: &File, on: &mut Each<'_>) -> Result<(), Closed> {
    let mut first = [0; 64];
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read(&mut first));
    if let Err(error) = read.and_then(|_| file.seek(SeekFrom::Start(0))) {
        return on(0, Err(vec![crate::imports::sink::broken(&error)]));
    }
    let text = first.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&first).trim_ascii_start();
    // A mark of the order of bytes is no part of JSON.
    if first.starts_with("\u{feff}".as_bytes()) && matches!(text.first(), Some(b'{' | b'[')) {
        let _ = file.seek(SeekFrom::Start(3));
    }
    let input = BufReader::new(file);
    match text.first() {
        _ if first.starts_with(b"PK") => xlsx::read(input, &mut Sheet { columns: None, width: 0, on }),
        Some(b'{' | b'[') => package(input, on),
        _ => csv::read(input, &mut Sheet { columns: None, width: 0, on }),
    }
}

/// The rows of the template as grants.
struct Sheet<'e, 'f> {
    columns: Option<Columns>,
    width: usize,
    on: &'e mut Each<'f>,
}

impl Rows for Sheet<'_, '_> {
    fn width(&self) -> Option<usize> {
        self.columns.as_ref().map(|_| self.width)
    }

    fn name(&self, _n: usize) -> Option<&str> {
        None
    }

    fn identifier(&self, _cells: &[String]) -> Option<String> {
        None
    }

    fn row(&mut self, line: i64, cells: &[String]) -> Result<(), Closed> {
        let Some(columns) = &self.columns else {
            match Columns::read(cells) {
                Ok(columns) => (self.columns, self.width) = (Some(columns), cells.len()),
                Err(faults) => (self.on)(line, Err(faults))?,
            }
            return Ok(());
        };
        let (grant, faults) = columns.grant(cells);
        if faults.is_empty() {
            return (self.on)(line, Ok(grant));
        }
        let identifier = grant["id"].as_str().map(str::to_owned);
        let faults = faults.into_iter().map(|fault| Fault { identifier: identifier.clone(), ..fault });
        (self.on)(line, Err(faults.collect()))
    }

    fn fault(&mut self, line: i64, fault: Fault) -> Result<(), Closed> {
        (self.on)(line, Err(vec![fault]))
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
        closed = closed || on(line, Ok(grant)).is_err();
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
            on(0, Err(vec![Fault::at("/grants", "required", words)]))
        }
        Err(error) => {
            let words = format!("This is not JSON, or no package of 360Giving: {error}");
            on(line + 1, Err(vec![Fault::at("", "json_malformed", words)]))
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
