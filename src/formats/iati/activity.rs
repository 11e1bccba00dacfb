//! A programme or grant as an `iati-activity`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;

use super::codes;
use super::places;
use super::xml::Element;
use super::{groups, money, original, results, sectors};
use crate::collections::grants::RecipientRole;
use crate::formats::activity::Activity;
use crate::formats::related::{Party, Related};
use crate::record::{
    Document, Identifier, InKindItem, OrganisationRole, PartialDate, Status, TargetGroup, Translations,
};

/// Elements by their names.
pub type Groups = BTreeMap<String, Vec<Element>>;

/// The activity in the order of the standard's schema. The standard requires a start: what has none
/// itself has that of what it is a part of, and says so; without that it is no activity.
pub fn activity(of: &Activity, collection: &str, related: &Related, today: NaiveDate) -> Option<Element> {
    let start = of
        .start_date
        .as_ref()
        .or_else(|| related.above.iter().flatten().next().filter(|above| can_begin(above, of)))?;
    let made = |without: &BTreeSet<String>| {
        let mut groups = generated(of, related, today, without);
        groups.insert("activity-date".to_owned(), dates(of, start, today));
        let mut activity = Element::new("iati-activity");
        activity.set("last-updated-datetime", Some(&of.updated_at.format("%Y-%m-%dT%H:%M:%SZ").to_string()));
        activity.set("hierarchy", Some(&(related.above.len() + 1).to_string()));
        activity.set("register:collection", Some(collection));
        // Related activities that were read may say otherwise.
        let above = of.parent.as_ref().or(of.programme.as_ref()).map_or("", |above| above.0.as_str());
        activity.set("register:part-of", Some(above));
        let omitted = [
            money::leaves_out(&related.transactions, today).then_some("transaction"),
            results::leaves_out(related).then_some("result"),
        ];
        let omitted: Vec<&str> = omitted.into_iter().flatten().collect();
        activity.set("register:omitted", Some(omitted.join(" ").as_str()).filter(|omitted| !omitted.is_empty()));
        (activity, groups)
    };
    Some(original::restored(of.original.as_ref(), &|name| groups::members(name, of), made, today))
}

/// What the register says of it, by the names of the elements; flows and results as they were read,
/// unless they are to be `without` that.
fn generated(of: &Activity, related: &Related, today: NaiveDate, without: &BTreeSet<String>) -> Groups {
    let (sectors, unshared) = sectors::sectors(&of.sectors);
    let (flows, planned) = money::flows(&related.transactions, &related.parties, today, without);
    let budgets = money::budgets(of.budget.as_ref(), of.start_date.as_ref(), of.end_date.as_ref());
    let unperiodic = of.budget.iter().filter(|_| budgets.is_empty()).map(money::unperiodic).collect();
    let tags = of.tags.iter().map(sectors::tag).chain(unshared);
    let beside = |above: &Identifier| beside(above, "1");
    let below = related.below.iter().map(|below| self::beside(below, "2"));
    let mut groups: Groups = BTreeMap::new();
    for (name, elements) in [
        ("iati-identifier", vec![Element::new("iati-identifier").text(&of.identifier.0)]),
        ("reporting-org", vec![reporting(&of.publisher, &related.publisher)]),
        ("title", vec![Element::new("title").with(narratives(&of.title))]),
        ("description", descriptions(of)),
        ("participating-org", participants(of, related)),
        ("activity-status", vec![Element::new("activity-status").attribute("code", codes::status(of.status))]),
        ("location", places::locations(&of.places, &related.places)),
        ("sector", sectors),
        ("tag", tags.collect()),
        ("budget", budgets),
        ("register:budget", unperiodic),
        ("planned-disbursement", planned),
        ("transaction", flows),
        ("document-link", of.documents.iter().map(document).collect()),
        ("related-activity", of.parent.iter().chain(&of.programme).map(beside).chain(below).collect()),
        ("result", results::results(related, !without.contains("result"))),
    ] {
        groups.insert(name.to_owned(), elements);
    }
    for country in places::countries(&of.places, &related.places) {
        groups.entry(country.name().to_owned()).or_default().push(country);
    }
    groups
}

/// What it is, and what it is to achieve, for whom, and with what; without words of its own it has
/// those of its title, as the standard wants some.
fn descriptions(of: &Activity) -> Vec<Element> {
    let own = match &of.description {
        Some(description) => described("1", description),
        None => described("1", &of.title).attribute("register:of", "title"),
    };
    let objectives = of.objectives.iter().map(|objective| described("2", objective));
    let groups = of.target_groups.iter().map(|group| described("3", &sized(group)));
    let in_kind = of.in_kind.iter().map(|item| described("4", &counted(item)));
    [own].into_iter().chain(objectives).chain(groups).chain(in_kind).collect()
}

/// Whether something can begin with what it is a part of: it has not ended before.
fn can_begin(above: &PartialDate, of: &Activity) -> bool {
    of.end_date.as_ref().is_none_or(|end| above.may_precede(end))
}

/// Who publishes it here.
pub fn reporting(publisher: &str, name: &str) -> Element {
    let name = Element::new("narrative").attribute("xml:lang", "en").text(name);
    Element::new("reporting-org").attribute("ref", publisher).attribute("type", "90").with([name])
}

/// A text in each of its languages.
pub fn narratives(text: &Translations) -> impl Iterator<Item = Element> {
    text.0.iter().map(|(language, text)| Element::new("narrative").attribute("xml:lang", language).text(text))
}

fn described(of_type: &str, text: &Translations) -> Element {
    Element::new("description").attribute("type", of_type).with(narratives(text))
}

/// Whom it is for, and how many they are.
fn sized(group: &TargetGroup) -> Translations {
    let size = group.size.map(|size| format!(": {size}")).unwrap_or_default();
    Translations(group.name.0.iter().map(|(language, name)| (language.clone(), format!("{name}{size}"))).collect())
}

/// What is given, and how much of it.
fn counted(item: &InKindItem) -> Translations {
    let unit = item.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
    let words = |name: &String| format!("{}{unit}: {name}", item.quantity);
    Translations(item.name.0.iter().map(|(language, name)| (language.clone(), words(name))).collect())
}

/// An element about an organisation or beneficiary, with its name.
pub fn party(element: Element, identifier: &str, related: &HashMap<String, Party>) -> Element {
    let Some(party) = related.get(identifier) else { return element.attribute("ref", identifier) };
    let of_type =
        party.organisation_type.map(codes::organisation_type).or_else(|| party.kind.map(codes::beneficiary_kind));
    element
        .attribute("ref", party.reference(identifier))
        .attribute_if("type", of_type)
        .attribute("register:identifier", identifier)
        .attribute_if("register:collection", party.kind.map(|_| "beneficiaries"))
        .with(narratives(&party.name))
}

/// Who takes part, each in a role once. The standard wants somebody: without anybody else, who publishes.
fn participants(of: &Activity, related: &Related) -> Vec<Element> {
    let funding =
        of.funding.iter().filter_map(|line| Some((line.organisation.as_ref()?, OrganisationRole::Funding, None)));
    let others = of.organisations.iter().map(|other| (&other.organisation, other.role, None));
    let recipients = of.recipients.iter().map(|to| (&to.beneficiary, OrganisationRole::Implementing, said(to.role)));
    let is_line = |who: &Identifier| of.funding.iter().any(|line| line.organisation.as_ref() == Some(who));
    let is_listed = |who: &Identifier, role: OrganisationRole| {
        of.organisations.iter().any(|other| other.organisation == *who && other.role == role)
    };
    let mut seen = HashSet::new();
    let mut found: Vec<Element> = funding
        .chain(others)
        .chain(recipients)
        .filter(|(who, role, _)| seen.insert((&who.0, codes::role(*role))))
        .map(|(who, role, of_recipient)| {
            // Who has a line of the funding may be named beside it too.
            let both = role == OrganisationRole::Funding && is_line(who) && is_listed(who, role);
            let element = Element::new("participating-org")
                .attribute("role", codes::role(role))
                .attribute_if("register:role", of_recipient)
                .attribute_if("register:listed", both.then_some(true));
            party(element, &who.0, &related.parties)
        })
        .collect();
    if found.is_empty() {
        let name = Element::new("narrative").attribute("xml:lang", "en").text(&related.publisher);
        let role = codes::role(OrganisationRole::Accountable);
        let publisher = Element::new("participating-org").attribute("role", role).attribute("ref", &of.publisher);
        let publisher = publisher.attribute("register:of", "publisher");
        found.push(publisher.with([name]));
    }
    found
}

/// The role of who receives, where it is another than the usual one.
fn said(role: RecipientRole) -> Option<String> {
    let role = serde_json::to_value(role).ok().filter(|_| role != RecipientRole::default())?;
    role.as_str().map(str::to_owned)
}

/// Begin and end: as they were, if that is over, else as they are planned.
fn dates(of: &Activity, start: &PartialDate, today: NaiveDate) -> Vec<Element> {
    let date = |of_type: &str, day: NaiveDate, stated: &PartialDate| {
        let date = Element::new("activity-date").attribute("type", of_type).attribute("iso-date", day);
        date.attribute_if("register:date", inexact(stated))
    };
    let has_begun = of.status != Status::Pipeline;
    let has_ended = matches!(of.status, Status::Finalisation | Status::Closed | Status::Cancelled);
    let begin = start.days().map(|(first, _)| {
        let begin = date(if has_begun && first <= today { "2" } else { "1" }, first, start);
        match of.start_date {
            Some(_) => begin,
            None => begin.attribute("register:of", "programme").with([Element::new("narrative")
                .attribute("xml:lang", "en")
                .text("The start of the programme; when this starts itself is not stated")]),
        }
    });
    let end = of.end_date.as_ref().and_then(|end| {
        let (_, last) = end.days()?;
        Some(date(if has_ended && last <= today { "4" } else { "3" }, last, end))
    });
    begin.into_iter().chain(end).collect()
}

/// A date as it is stated, where that is no day.
pub fn inexact(date: &PartialDate) -> Option<&str> {
    Some(date.0.as_str()).filter(|text| text.len() < 10)
}

/// A document on the web; of what kind it is, its ending says.
fn document(document: &Document) -> Element {
    let ending = document.url.rsplit(['.', '/']).next().unwrap_or_default().to_ascii_lowercase();
    let format = match ending.as_str() {
        "pdf" => "application/pdf",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "csv" => "text/csv",
        "json" => "application/json",
        "xml" => "application/xml",
        _ => "text/html",
    };
    let day = document.published.as_ref().and_then(|date| Some((date.days()?.0, date)));
    Element::new("document-link")
        .attribute("format", format)
        .attribute("url", &document.url)
        .with([
            Element::new("title").with(narratives(&document.title)),
            Element::new("category").attribute("code", "A12"),
        ])
        .with(day.map(|(day, stated)| {
            let date = Element::new("document-date").attribute("iso-date", day);
            date.attribute_if("register:date", inexact(stated))
        }))
}

fn beside(identifier: &Identifier, of_type: &str) -> Element {
    Element::new("related-activity").attribute("ref", &identifier.0).attribute("type", of_type)
}
