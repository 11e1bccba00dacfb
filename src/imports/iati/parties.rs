//! Who is named in a file of IATI: as an organisation or beneficiary of the register where it is known,
//! else as a new one.

use serde_json::{Value, json};

use super::who::{Reporting, Who, reporting_org};
use super::words::{identifiers, language, texts};
use crate::collections::{beneficiaries, organisations};
use crate::formats::iati::codes;
use crate::formats::iati::context::Context;
use crate::formats::iati::xml::Element;
use crate::imports::known::{Known, Record};
use crate::imports::table::Header;
use crate::kind::Kind;

/// Who takes part in an activity, and in which role.
pub fn participants(activity: &Element) -> impl Iterator<Item = (&Element, &str)> {
    activity.all("participating-org").map(|element| (element, element.get("role").unwrap_or_default()))
}

/// How somebody who reports names itself.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// Its name.
    pub name: Option<Value>,
    /// What it is, by the standard's code.
    pub of_type: Option<String>,
}

impl Reporter {
    /// What an activity says of who reports it.
    pub fn of(activity: &Element) -> Option<Self> {
        let element = reporting_org(activity)?;
        let name = texts(&element, &language(activity));
        Some(Self { name, of_type: element.get("type").map(str::to_owned) })
    }
}

/// All that an activity names.
pub fn parties(activity: &Element) -> impl Iterator<Item = Who> {
    let reporting = Reporting::of(activity);
    let flows = activity.all("transaction").chain(activity.all("planned-disbursement"));
    let ends = flows.flat_map(|flow| flow.all("provider-org").chain(flow.all("receiver-org")));
    let all = participants(activity).map(|(who, _)| who).chain(ends).chain(activity.first("reporting-org"));
    let named: Vec<Who> = all.filter_map(|who| Who::of(who, &reporting)).collect();
    named.into_iter()
}

/// The organisation that an element names; a new one is added to the records.
pub fn organisation(element: &Element, activity: &Scope, known: &mut Known, out: &mut Vec<Record>) -> Option<String> {
    if let Some(own) = named(element, &organisations::KIND, known) {
        return Some(own);
    }
    let who = meant(element, activity, known)?;
    if let Some(found) = known.organisation_of(&who, &activity.identifier) {
        return Some(found);
    }
    let identifier = who.name(known);
    if known.is_new(&identifier) {
        let own = known.reporter(&who).and_then(|own| own.of_type.as_deref());
        let code = own.or(element.get("type")).and_then(|code| codes::value_of("OrganisationType", code));
        let mut record = described(element, &who, &identifier, activity, known);
        record["type"] = json!(code.unwrap_or("other"));
        out.push(Record::if_absent(&organisations::KIND, record, element.line()));
    }
    Some(identifier)
}

/// How who reports names itself, where the register has only heard of it from others.
pub fn introduced(activity: &Scope, line: i64, known: &mut Known) -> Option<Record> {
    let who = activity.reporting.who.as_ref()?;
    let identifier = known.organisation_of(who, &activity.identifier).filter(|one| known.is_hearsay(one))?;
    let Reporter { name, of_type } = known.reporter(who).cloned()?;
    let of_type = of_type.and_then(|code| codes::value_of("OrganisationType", &code));
    let (name, members) = (name?, if of_type.is_some() { &["name", "type"][..] } else { &["name"] });
    let record = json!({"identifier": identifier, "name": name, "type": of_type});
    let said = Some(Header::saying(&organisations::KIND, members).into());
    known.is_new(&identifier).then(|| Record { said, ..Record::whole(&organisations::KIND, record, line) })
}

/// The beneficiary that an element names; a new one is added to the records.
pub fn beneficiary(element: &Element, activity: &Scope, known: &mut Known, out: &mut Vec<Record>) -> Option<String> {
    if let Some(own) = named(element, &beneficiaries::KIND, known) {
        return Some(own);
    }
    let who = meant(element, activity, known)?;
    if let Some(found) = known.beneficiary_of(&who, &activity.identifier) {
        return Some(found);
    }
    let name = who.name(known);
    let identifier = if matches!(who, Who::Identifier(..)) { name } else { format!("{name}:beneficiary") };
    if known.is_new(&identifier) {
        let kind = element.get("type").map_or("institution", kind_of);
        let mut record = described(element, &who, &identifier, activity, known);
        record["kind"] = kind.into();
        // One body may pay here and receive there.
        let is_own = matches!(who, Who::Identifier(..));
        let name = who.name(known);
        let added = || known.was_added(&name).then(|| name.clone());
        if let Some(organisation) = known.organisation_of(&who, &activity.identifier).or_else(added).filter(|_| !is_own)
        {
            record["organisation"] = organisation.into();
        }
        out.push(Record::if_absent(&beneficiaries::KIND, record, element.line()));
    }
    Some(identifier)
}

/// What is named by the register's own identifier, whatever that looks like.
fn named(element: &Element, kind: &Kind, known: &Known) -> Option<String> {
    let is_one = |one: &&str| element.get("register:identifier").is_none() && known.is_of(one, kind.collection);
    element.get("ref").filter(is_one).map(str::to_owned)
}

/// Who is named; a reference that is the writer's own to give, or by which somebody reports in the file, needs no list
/// before it.
fn meant(element: &Element, activity: &Scope, known: &Known) -> Option<Who> {
    let reports = |who: &Who| known.reporter(who).is_some();
    let is_meant = |who: &Who| reports(who) || who.reference().is_some_and(|reference| known.is_own(reference));
    let own = element.get("ref").map(|own| Who::Reference(own.to_owned())).filter(is_meant);
    let who = Who::of(element, &activity.reporting)?;
    Some(own.filter(|_| matches!(who, Who::Name(..))).unwrap_or(who))
}

/// What an activity says of all that it names.
pub struct Scope {
    /// Its identifier.
    pub identifier: String,
    /// Who reports it.
    pub reporting: Reporting,
    /// The language of its texts.
    pub language: String,
    /// The currency of its amounts.
    pub currency: Option<String>,
    /// Both as it says them itself.
    pub context: Context,
}

/// What a new record says: how it names itself, where the file has what it reports, else how it is named.
fn described(element: &Element, who: &Who, identifier: &str, activity: &Scope, known: &Known) -> Value {
    let given = who.reference().unwrap_or(identifier);
    let own = known.reporter(who).and_then(|own| own.name.clone());
    let named = own.or_else(|| texts(element, &activity.language));
    let name = named.unwrap_or_else(|| json!({&activity.language: given}));
    let identifiers = who.reference().map_or(json!([]), identifiers);
    json!({"identifier": identifier, "name": name, "identifiers": identifiers})
}

/// What a beneficiary is, by its type as an organisation.
fn kind_of(code: &str) -> &'static str {
    match code {
        "11" => "local_government",
        "21" | "22" | "23" | "24" | "60" => "association",
        "70" | "71" | "72" | "73" => "enterprise",
        _ => "institution",
    }
}
