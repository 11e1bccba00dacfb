//! IATI: activities and organisations as records of the register.
//!
//! A file is read twice, from a copy on disk: first for what it names ([`index`]), so that the register can be
//! asked once ([`super::known`]), then for its records ([`activity`], [`organisation`]), one after another. What the
//! register has no member for is kept with the record ([`crate::record::Original`]). docs/MAPPING.md
//! says field by field what becomes what.

pub mod activity;
pub mod index;
pub mod money;
pub mod older;
pub mod organisation;
pub mod parties;
pub mod places;
pub mod results;
pub mod who;
pub mod words;

use std::collections::HashMap;
use std::io::Read;

use chrono::Utc;

use super::known::{Known, Named};
use super::sink::{Closed, Sink};
use crate::error::{Fault, clip};
use crate::formats::iati::finding::Finding;
use crate::formats::iati::parse::{Content, Parser};
use crate::formats::iati::xml::Element;
use crate::formats::iati::{rules, schema};
use index::Index;

/// What a file names, as far as it can be read.
pub fn names(input: impl Read + 'static) -> Named {
    let mut index = Index::default();
    if let Ok(mut parser) = Parser::begin(input) {
        while let Ok(Some(element)) = parser.next_element() {
            let element = as_current(element, &parser.version);
            match parser.content {
                Content::Activities => index.add(&element),
                Content::Organisations => index.parties.extend(organisation::who(&element)),
            }
        }
    }
    index.named()
}

fn as_current(element: Element, version: &str) -> Element {
    let version = element.get("version").map_or(version, |own| own);
    if older::is_old(version) { older::renewed(element) } else { element }
}

/// Reads the records of a file, by what is known of what it names.
pub fn records(input: impl Read + 'static, known: &mut Known, sink: &mut Sink) -> Result<(), Closed> {
    let mut parser = match Parser::begin(input) {
        Ok(parser) => parser,
        Err(fault) => return tell(fault, sink),
    };
    let version = if parser.version.is_empty() { "1.01".to_owned() } else { parser.version.clone() };
    let today = Utc::now().date_naive();
    // Where each activity or organisation stands.
    let mut seen: HashMap<String, i64> = HashMap::new();
    let mut is_empty = true;
    loop {
        let element = match parser.next_element() {
            Ok(Some(element)) => as_current(element, &version),
            Ok(None) if is_empty => return sink.nothing("activity or organisation"),
            Ok(None) => return Ok(()),
            Err(fault) => return tell(fault, sink),
        };
        is_empty = false;
        if let Some(name) = name(&element)
            && let Some(first) = seen.insert(name.clone(), element.line())
        {
            // Parts of both would be neither.
            let words = format!("{name} stands in line {first} already; this one is left out, with all that it says");
            let fault = Fault { identifier: Some(clip(&name, 200)), ..Fault::at("/identifier", "duplicate", words) };
            sink.fault(element.line(), fault)?;
            seen.insert(name, first);
            continue;
        }
        if !older::is_old(&version) {
            for finding in schema::check(&element) {
                sink.note(told(finding, &element))?;
            }
        }
        for finding in rules::check(&element, today) {
            sink.note(told(finding, &element))?;
        }
        let (records, notes) = match parser.content {
            Content::Activities => activity::activity(&element, &version, known),
            Content::Organisations => (organisation::organisation(&element, &version, known), Vec::new()),
        };
        for note in notes {
            sink.note(note)?;
        }
        for record in records {
            sink.push(record.raw())?;
        }
    }
}

/// What an activity or organisation calls itself.
fn name(element: &Element) -> Option<String> {
    let name = element.first("iati-identifier").or(element.first("organisation-identifier")).map(Element::words);
    name.filter(|name| !name.is_empty())
}

/// A rule of the standard that is broken, as reports tell it.
fn told(finding: Finding, element: &Element) -> Fault {
    let Finding { rule, severity, line, path, detail, .. } = finding;
    let code = match rule.split_once('.').map(|(kind, _)| kind) {
        Some("schema") => "iati_schema",
        Some("codelist") => "iati_codelist",
        _ => "iati_rule",
    };
    Fault {
        row: Some(line),
        identifier: name(element).map(|name| clip(&name, 200)),
        code: code.into(),
        rule: Some(rule.into_owned()),
        severity: Some(severity),
        detail: if path.is_empty() { detail } else { format!("{path}: {detail}") },
        ..Fault::default()
    }
}

/// What makes a file unreadable from here on.
fn tell(fault: Fault, sink: &mut Sink) -> Result<(), Closed> {
    sink.end(fault.row.unwrap_or_default(), fault)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio::sync::mpsc::channel;

    use super::*;

    /// The first record of a file with this activity, and the codes of what is noted.
    fn read(inner: &str) -> (serde_json::Value, Vec<String>) {
        let xml = format!(
            "<iati-activities version='2.03'><iati-activity default-currency='EUR'>\
             <iati-identifier>A</iati-identifier>{inner}</iati-activity></iati-activities>"
        );
        let mut known = Known::nothing(names(Cursor::new(xml.clone())));
        let (sender, mut groups) = channel(1);
        let mut sink = Sink::new(sender);
        assert!(records(Cursor::new(xml), &mut known, &mut sink).and_then(|()| sink.flush()).is_ok());
        let group = groups.try_recv().unwrap();
        let codes = group.iter().flat_map(|raw| &raw.notes).map(|note| note.code.clone()).collect();
        let record = group.iter().find(|raw| !raw.json.is_empty()).unwrap();
        (serde_json::from_slice(&record.json).unwrap(), codes)
    }

    #[test]
    fn sums_that_no_number_holds_are_left_out() {
        let most = rust_decimal::Decimal::MAX;
        let budget = |year| {
            format!(
                "<budget><period-start iso-date='{year}-01-01'/><value value-date='2020-01-01'>{most}</value></budget>"
            )
        };
        let (record, codes) = read(&(budget(2020) + &budget(2021)));
        assert!(record["budget"].is_null());
        assert!(codes.contains(&"budget_unclear".into()), "{codes:?}");
        let sector = |code| format!("<sector code='{code}' percentage='{most}'/>");
        let (record, codes) = read(&(sector("11110") + &sector("11110") + &sector("14030") + &sector("14031")));
        assert_eq!(record["sectors"].as_array().map(Vec::len), Some(3));
        assert!(record["sectors"].to_string().find("percentage").is_none());
        assert!(codes.contains(&"shares_not_whole".into()), "{codes:?}");
        let (record, _) = read(&(sector("14030") + &sector("14031")));
        assert!(record["sectors"].to_string().find("percentage").is_none());
    }
}
