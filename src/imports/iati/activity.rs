//! An activity as a programme or grant, with all that stands in records of its own.

use std::collections::{BTreeMap, HashSet};

use chrono::Utc;
use serde_json::{Value, json};

use super::index::{identifier, wholes};
use super::parties::{Scope, beneficiary, introduced, organisation, participants};
use super::who::{Reporting, Who};
use super::words::{date, joined, language, object, texts};
use super::{money, places, results};
use crate::codes::is_web_address;
use crate::collections::{grants, programmes};
use crate::error::{Fault, clip};
use crate::formats::activity::Activity;
use crate::formats::iati::context::Context;
use crate::formats::iati::xml::Element;
use crate::formats::iati::{codes, groups};
use crate::imports::known::{Known, Record};
use crate::imports::table::Header;
use crate::record::original::Part;
use crate::record::{Identifier, Original, PartialDate};
use crate::store::batch::Stance;

/// The largest number of documents and texts of a record.
const MOST: usize = 100;
/// Elements that become records of their own, or are the record's name.
const ELSEWHERE: [&str; 4] = ["iati-identifier", "organisation-identifier", "transaction", "result"];

/// An activity that is being read.
pub struct Reading<'a> {
    /// What is known.
    pub known: &'a mut Known,
    /// What was found.
    pub out: Vec<Record>,
    /// What holds for all that it says.
    pub scope: Scope,
    /// Its identifier.
    pub identifier: String,
    /// What a record of it is called in members of others: `programme` or `grant`.
    pub singular: &'static str,
    /// The version of the standard.
    pub version: String,
    /// Who receives it, as the file names them.
    pub recipients: HashSet<Who>,
    /// The same as the register does.
    pub received: HashSet<String>,
    /// Whether the register wrote it.
    pub is_own: bool,
    /// The line on which it begins.
    pub line: i64,
    /// What a reader should know.
    pub notes: Vec<Fault>,
}

impl Reading<'_> {
    /// Notes something that is left out.
    pub fn note(&mut self, code: &str, line: i64, detail: String) {
        let (row, identifier) = (Some(line), Some(self.identifier.clone()));
        self.notes.push(Fault { row, identifier, code: code.into(), detail, ..Fault::default() });
    }

    /// A date that the calendar has; what is none is left out of `what`, and told.
    pub fn dated(&mut self, date: Option<String>, line: i64, what: &str) -> Option<String> {
        let date = date?;
        let is_date = PartialDate::is_valid(&date);
        if !is_date {
            self.note("date_unclear", line, format!("{:?} is no date; {what} is kept without one", clip(&date, 50)));
        }
        is_date.then_some(date)
    }
}

/// What was found in an activity: its records, and what was left out.
pub fn activity(element: &Element, version: &str, known: &mut Known) -> (Vec<Record>, Vec<Fault>) {
    let identifier = identifier(element).unwrap_or_default();
    if !Identifier::is_valid(&identifier) {
        let (code, words) = match identifier.is_empty() {
            true => ("required", "the activity has no iati-identifier"),
            false => ("identifier_invalid", "an identifier has 1 to 200 visible characters"),
        };
        let (row, name) = (Some(element.line()), Some(clip(&identifier, 200)).filter(|name| !name.is_empty()));
        let fault = Fault { row, identifier: name, code: code.into(), detail: words.into(), ..Fault::default() };
        let nothing = Record { faults: vec![fault], ..Record::whole(&programmes::KIND, Value::Null, element.line()) };
        return (vec![nothing], Vec::new());
    }
    let is_grant = known.collection(&identifier) == Some("grants");
    let scope = Scope {
        identifier: identifier.clone(),
        reporting: Reporting::of(element),
        language: language(element),
        currency: element.get("default-currency").map(str::to_owned),
        context: Context::of(element),
    };
    let mut reading = Reading {
        known,
        out: Vec::new(),
        scope,
        identifier,
        singular: if is_grant { "grant" } else { "programme" },
        version: element.get("register:version").unwrap_or(version).to_owned(),
        recipients: HashSet::new(),
        received: HashSet::new(),
        is_own: element.has("register:collection"),
        line: element.line(),
        notes: Vec::new(),
    };
    let record = whole(element, is_grant, &mut reading);
    reading.out.push(record);
    if !reading.is_own {
        let introduced = introduced(&reading.scope, reading.line, reading.known);
        reading.out.extend(introduced);
    }
    money::transactions(element, &mut reading);
    results::results(element, &mut reading);
    (reading.out, reading.notes)
}

fn whole(element: &Element, is_grant: bool, reading: &mut Reading) -> Record {
    let language = reading.scope.language.clone();
    let described = |types: &[&str]| -> Vec<&Element> {
        let of =
            |text: &&Element| types.contains(&text.get("type").unwrap_or("1")) && text.get("register:of").is_none();
        element.all("description").filter(of).collect()
    };
    let objectives: Vec<Value> =
        described(&["2"]).into_iter().filter_map(|text| texts(text, &language)).take(MOST).collect();
    let (start, end) = period(element, reading);
    let (organisations, recipients) = parties(element, is_grant, reading);
    let places = places::places(element, reading);
    let sectors = places::sectors(element, reading);
    let tags = places::tags(element, reading);
    let budget = money::budget(element, start.as_deref(), reading);
    let documents = documents(element, reading);
    let above = above(element, reading);
    let (status, is_stated) = status(element, end.as_deref(), reading);
    let title = element.first("title").and_then(|title| texts(title, &language));
    let kind = if is_grant { &grants::KIND } else { &programmes::KIND };
    let up = if is_grant { "programme" } else { "parent" };
    let mut said = vec!["description", "objectives", "start_date", "end_date", "organisations"];
    said.extend(["places", "sectors", "tags", "documents", up]);
    said.extend(is_stated.then_some("status").into_iter().chain(title.is_some().then_some("title")));
    let title = title.unwrap_or_else(|| {
        reading.note(
            "title_missing",
            reading.line,
            "without words in its title it is called by its identifier".to_owned(),
        );
        json!({&language: element.first("iati-identifier").map(Element::words)})
    });
    said.extend(is_grant.then_some("recipients"));
    // A budget without a period has no room in the standard: that there is none says nothing.
    said.extend(element.first("budget").or(element.first("register:budget")).map(|_| "budget"));
    let mut record = object([
        ("identifier", Some(reading.identifier.clone().into())),
        (up, above.map(Value::from)),
        ("title", Some(title)),
        ("description", joined(&described(&["1"]), &language)),
        ("objectives", Some(objectives.into())),
        ("status", Some(status.into())),
        ("start_date", start.map(Value::from)),
        ("end_date", end.map(Value::from)),
        ("budget", budget),
        ("organisations", Some(organisations.into())),
        ("places", Some(places.into())),
        ("sectors", Some(sectors.into())),
        ("tags", Some(tags.into())),
        ("documents", Some(documents.into())),
    ]);
    if is_grant {
        record.insert("recipients".into(), recipients.into());
    }
    let read: Option<Activity> = serde_json::from_value(Value::Object(record.clone())).ok();
    let original = original(element, &reading.version, &|name| groups::members(name, read.as_ref()?));
    if !original.parts.is_empty() {
        said.push("original");
        record.insert("original".into(), json!(original));
    }
    let said = Some(said_by(element, Header::saying(kind, &said)).into());
    let kept = unread(&original);
    // What the register left out of what it wrote is not gone.
    let stance = if element.has("register:omitted") { Stance::Incomplete } else { Stance::Whole };
    Record { said, stance, kept, ..Record::whole(kind, Value::Object(record), element.line()) }
}

/// All that an element says, by the names of those in it, but for what stands in records of its own, with the
/// digests of the `members` that say the same.
pub fn original(element: &Element, version: &str, members: &dyn Fn(&str) -> Option<String>) -> Original {
    // Of what the register wrote itself only what it had read is worth keeping.
    let own: Option<Vec<&str>> = element
        .has("register:collection")
        .then(|| element.get("register:original").unwrap_or_default().split(' ').collect());
    let is_kept = |name: &str| own.as_ref().is_none_or(|own| own.contains(&name));
    let context = Context::of(element);
    let mut parts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for child in element.children().filter(|child| is_kept(child.name())) {
        let is_elsewhere = ELSEWHERE.contains(&child.name())
            && (child.name() != "result" || child.first("indicator").is_some())
            && (child.name() != "iati-identifier" || Identifier::is_valid(&child.words()))
            || child.has("register:identifier") && child.name() == "planned-disbursement"
            || child.has("register:of")
            || child.has("register:sector-vocabulary");
        if !is_elsewhere {
            let mut own = child.plain();
            context.state(&mut own);
            own.write(0, parts.entry(child.name().to_owned()).or_default());
        }
    }
    if is_kept(groups::ATTRIBUTES) {
        element.bare().plain().write(0, parts.entry(groups::ATTRIBUTES.to_owned()).or_default());
    }
    let parts = parts.into_iter().map(|(name, text)| {
        let of = members(&name);
        (name, String::from_utf8_lossy(&text).into_owned(), of)
    });
    Original::of_iati(element.get("register:version").unwrap_or(version), parts)
}

/// Which members an element says something of; what the register wrote may leave something out.
pub fn said_by(element: &Element, said: Header) -> Header {
    let omitted = element.get("register:omitted").unwrap_or_default().split(' ').map(str::to_owned);
    if element.has("register:collection") { said.of_register(omitted.collect()) } else { said }
}

/// The names of elements that nothing of the record says.
pub fn unread(original: &Original) -> Vec<String> {
    let is_kept = |(name, part): &(&String, &Part)| part.of.is_none() && *name != groups::ATTRIBUTES;
    original.parts.iter().filter(is_kept).map(|(name, _)| name.clone()).collect()
}

/// Begin and end: as they were, else as they are planned; what runs backwards is none.
fn period(element: &Element, reading: &mut Reading) -> (Option<String>, Option<String>) {
    let mut of = |of_type: &str| {
        let mut dates = element.all("activity-date").filter(|date| date.get("register:of").is_none());
        let found = dates.find(|date| date.get("type") == Some(of_type))?;
        reading.dated(date(found, "iso-date"), found.line(), "the activity")
    };
    let (start, end) = (of("2").or_else(|| of("1")), of("4").or_else(|| of("3")));
    if let (Some(from), Some(to)) = (&start, &end)
        && !PartialDate(from.clone()).may_precede(&PartialDate(to.clone()))
    {
        reading.note("period_backwards", reading.line, format!("{to} is before {from}; the end is left out"));
        return (start, None);
    }
    (start, end)
}

/// Where it stands, and whether it says so; one that does not is over when its end is.
fn status(element: &Element, end: Option<&str>, reading: &mut Reading) -> (&'static str, bool) {
    let code = element.first("activity-status").and_then(|status| status.get("code"));
    if let Some(status) = code.and_then(|code| codes::value_of("ActivityStatus", code)) {
        return (status, true);
    }
    let end = end.and_then(|end| PartialDate(end.to_owned()).days());
    let status = if end.is_some_and(|(_, last)| last < Utc::now().date_naive()) { "closed" } else { "implementation" };
    reading.note(
        "status_unclear",
        reading.line,
        format!("its status is no code of the standard; by its end it is {status}"),
    );
    (status, false)
}

/// Who takes part, and who receives.
fn parties(element: &Element, is_grant: bool, reading: &mut Reading) -> (Vec<Value>, Vec<Value>) {
    let (mut organisations, mut recipients) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for (one, role) in participants(element) {
        let Some(who) = Who::of(one, &reading.scope.reporting).filter(|_| one.get("register:of").is_none()) else {
            continue;
        };
        let receives = matches!(who, Who::Identifier(_, true))
            || is_grant
                && role == "4"
                && Some(&who) != reading.scope.reporting.who.as_ref()
                && !matches!(who, Who::Identifier(..));
        if receives && is_grant {
            let found = beneficiary(one, &reading.scope, reading.known, &mut reading.out);
            if let Some(identifier) = found.clone().filter(|identifier| seen.insert((identifier.clone(), "recipient")))
            {
                recipients.push(json!({"beneficiary": identifier, "role": one.get("register:role").unwrap_or("lead")}));
            }
            reading.recipients.insert(who);
            reading.received.extend(found);
            continue;
        }
        let Some(role) = codes::value_of("OrganisationRole", role).filter(|_| !receives) else { continue };
        let Some(identifier) = organisation(one, &reading.scope, reading.known, &mut reading.out) else { continue };
        let is_line = role == "funding"
            && !one.has("register:listed")
            && reading.known.is_funder(&reading.identifier, &identifier);
        if !is_line && seen.insert((identifier.clone(), role)) {
            organisations.push(json!({"organisation": identifier, "role": role}));
        }
    }
    (organisations, recipients)
}

/// What it is a part of, if the register or the file has that.
fn above(element: &Element, reading: &mut Reading) -> Option<String> {
    let above = wholes(element);
    let whole = reading.known.whole(&reading.identifier, above.iter().map(String::as_str))?;
    if reading.known.is_circular(&reading.identifier) {
        let words = format!("{whole} is, after some steps, a part of this; what this is a part of is only kept");
        reading.note("circle", reading.line, words);
        return None;
    }
    Some(whole.to_owned())
}

/// Documents that have an address and a title.
fn documents(element: &Element, reading: &mut Reading) -> Vec<Value> {
    let mut documents = Vec::new();
    for link in element.all("document-link") {
        let url = link.get("url").filter(|url| is_web_address(url) && url.chars().count() <= 2000);
        let title = link.first("title").and_then(|title| texts(title, &reading.scope.language));
        let (Some(url), Some(title)) = (url, title) else {
            reading.note(
                "document_unclear",
                link.line(),
                "a document without an address or title is only kept".to_owned(),
            );
            continue;
        };
        if documents.len() == MOST {
            reading.note("documents_too_many", link.line(), format!("documents beyond {MOST} are only kept"));
            break;
        }
        let published = link.first("document-date").and_then(|element| date(element, "iso-date"));
        let published = reading.dated(published, link.line(), "the document");
        documents.push(Value::Object(object([
            ("url", Some(url.into())),
            ("title", Some(title)),
            ("published", published.map(Value::from)),
        ])));
    }
    documents
}
