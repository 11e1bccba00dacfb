//! One grant of a package as records of the register: the inverse of the way out, in docs/MAPPING.md.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::flows::{self, Award, check, flows, money};
use super::part::{self, Part};
use super::{Known, Mapped, fields, kept, parties};
use crate::codes;
use crate::collections::{grants, transactions};
use crate::formats::threesixty::{DERIVED, period as period_key, sector as sector_key};
use crate::record::original::digest_of;
use crate::record::{PartialDate, PlaceShare};

/// What the way out writes before the number of a sector vocabulary.
const SECTOR_VOCABULARY: &str = "IATI SectorVocabulary ";

/// What the register itself says of a place.
const OF_PLACES: [&str; 5] = ["name", "countryCode", "latitude", "longitude", "description"];

/// What the standard requires, and the register does not.
const REQUIRED: [&str; 4] = ["description", "amountAwarded", "awardDate", "fundingOrganization"];

/// Maps a grant; what ended before `today` is closed.
pub fn grant(known: &dyn Known, today: NaiveDate, grant: &Value) -> Mapped {
    let mut out = Mapped::default();
    let identifier = grant["id"].as_str().map(|id| id.trim().to_owned()).filter(|id| !id.contains('\0'));
    if has_nul(grant) {
        out.fault("", "text_invalid", "no text of the register has the character U+0000");
    } else if let Some(part) = Part::of("", grant.clone(), &mut out) {
        map(known, today, part, &mut out);
    }
    if !out.faults.is_empty() {
        out.records.clear();
    }
    for told in out.faults.iter_mut().chain(&mut out.notes) {
        told.identifier.clone_from(&identifier);
    }
    out
}

/// Whether a text in it has U+0000, which PostgreSQL keeps in none: even to ask for such a name is an error.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn map(known: &dyn Known, today: NaiveDate, mut part: Part, out: &mut Mapped) {
    required(&part, out);
    // Kept with the grant, so that no award is made of it by whoever reads it next.
    let is_derived = part.has(DERIVED);
    let is_to_individual = part.has("recipientIndividual");
    // Also what a table has of them in columns of its own.
    if part.forget(|name| fields::bare(name).starts_with("recipientind")) {
        out.note(
            "/recipientIndividual",
            "person_left_out",
            "the register has no records of persons: the group stands for them",
        );
    }
    let (id, title) = (part.text("id", out), part.text("title", out));
    let (Some(id), Some(title)) = (id, title) else { return };
    check(&id, "/id", out);

    let (places, locations) = places(known, &mut part, out);
    let funders = parties::funders(known, &mut part, out);
    let mut recipients = parties::recipients(known, &mut part, out);
    if is_to_individual {
        recipients.push(parties::individuals(known, funders.first(), out));
    }
    let mut record = json!({"identifier": id, "title": {"en": title}});
    if let Some(description) = part.text("description", out) {
        record["description"] = json!({"en": description});
    }
    let (amount, currency) =
        (part.amount("amountAwarded", out), part.text("currency", out).map(|code| code.to_uppercase()));
    if amount.as_ref().is_some_and(|amount| amount.to_string().starts_with('-')) {
        out.fault("/amountAwarded", "negative_amount", "an award is not below zero");
    }
    let budget = match (&amount, &currency) {
        (Some(amount), Some(currency)) => Some(money(amount, currency)),
        _ => None,
    };
    let ((start, end), dated) = period(&mut part, out);
    let dated = (!dated.is_empty()).then(|| (Value::Object(dated), digest_of(&json!([start, end]))));
    let is_over = end.as_ref().and_then(|end| PartialDate(end.clone()).days()).is_some_and(|(_, last)| last < today);
    record["status"] = if is_over { "closed" } else { "implementation" }.into();
    let list = |parties: &[parties::Party], own: &str, role: &str| -> Vec<Value> {
        parties.iter().map(|party| json!({own: party.identifier, "role": role})).collect()
    };
    let members = [
        ("programme", programme(known, &mut part, out).into()),
        ("start_date", start.into()),
        ("end_date", end.into()),
        ("budget", json!(budget)),
        // Nobody says that one of them leads the others: each holds the award.
        ("recipients", list(&recipients, "beneficiary", "lead").into()),
        ("organisations", list(&funders, "organisation", "funding").into()),
        ("places", places.clone().into()),
        ("sectors", sectors(&mut part, out).into()),
        ("documents", documents(&mut part, out).into()),
    ];
    for (member, value) in members {
        if !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()) {
            record[member] = value;
        }
    }

    // Flows refer to the grant, which has to stand before them: it is put there when it is whole.
    let at = out.records.len();
    let award = Award {
        identifier: &id,
        currency: currency.as_deref(),
        funders: &funders,
        recipients: &recipients,
        is_derived,
    };
    let date = part.date("awardDate", out);
    let commitments = flows(known, &award, "outgoing_commitment", "commitmentTransaction", &mut part, out);
    match (date, &budget) {
        _ if is_derived => {}
        (Some(date), Some(budget)) if commitments.is_empty() => {
            out.records.push((&transactions::KIND, flows::award(&award, budget, &date)));
        }
        // The first commitment says the same; any other date is kept.
        (Some(date), _) if commitments.iter().filter_map(|flow| flow["date"].as_str()).min() != Some(date.as_str()) => {
            part.keep("awardDate", date);
        }
        _ => {}
    }
    flows(known, &award, "disbursement", "disbursementTransaction", &mut part, out);
    if let (None, Some(currency)) = (&budget, &currency) {
        part.keep("currency", currency.as_str());
    }
    // When it was changed here, the register says itself.
    let _ = part.text("dateModified", out).inspect(|date| part::dated("/dateModified", date, out));
    let rest = part.rest();
    let locations = locations.map(|locations| (locations, digest_of(&json!([typed(&places)]))));
    if !rest.is_empty() || locations.is_some() || dated.is_some() {
        record["original"] = kept(rest, locations, dated);
    }
    out.records.insert(at, (&grants::KIND, record));
}

/// Places as records have them.
fn typed(places: &[Value]) -> Vec<PlaceShare> {
    serde_json::from_value(places.into()).unwrap_or_default()
}

/// Says what is missing: what the register requires too is a fault.
fn required(part: &Part, out: &mut Mapped) {
    for member in ["id", "title"] {
        if !part.has(member) {
            out.fault(part.at(member), "required", format!("the grant has no {member}"));
        }
    }
    if part.has("amountAwarded") && !part.has("currency") {
        out.fault("/currency", "required", "the amount has no currency");
    }
    for member in REQUIRED.into_iter().filter(|member| !part.has(member)) {
        out.breaks(part.at(member), "standard_requires", format!("360Giving requires {member}"));
    }
    if !part.has("recipientOrganization") && !part.has("recipientIndividual") {
        out.breaks("/recipientOrganization", "standard_requires", "360Giving requires a recipient");
    }
}

/// When it begins and ends: as it did, else as it was planned; and which member said which.
fn period(part: &mut Part, out: &mut Mapped) -> ((Option<String>, Option<String>), Map<String, Value>) {
    let (mut start, mut end, mut said) = (None, None, Map::new());
    let mut all = ["actualDates", "plannedDates"].map(|member| (member, part.parts(member, out)));
    for (member, events) in &mut all {
        if let Some(event) = events.first_mut() {
            for (date, own) in [("startDate", &mut start), ("endDate", &mut end)] {
                if own.is_none() {
                    *own = event.date(date, out);
                    said.extend(own.is_some().then(|| (date.to_owned(), (*member).into())));
                }
            }
        }
    }
    if let (Some(from), Some(to)) = (&start, &end)
        && !PartialDate(from.clone()).may_precede(&PartialDate(to.clone()))
    {
        out.note("", "period_backwards", format!("{to} is before {from}; the end is left out"));
        end = None;
        said.shift_remove("endDate");
    }
    for (member, mut events) in all {
        if let Some(event) = events.first_mut().filter(|_| said.values().any(|other| other == member)) {
            event.became(period_key(start.as_deref(), end.as_deref()));
        }
        part.put(member, events);
    }
    ((start, end), said)
}

/// The first programme that the register has.
fn programme(known: &dyn Known, part: &mut Part, out: &mut Mapped) -> Option<String> {
    let mut found = None;
    let mut programmes = part.parts("grantProgramme", out);
    for programme in &mut programmes {
        match programme.text("code", out) {
            Some(code) if found.is_none() && known.is_programme(&code) => {
                programme.became(&code);
                found = Some(code);
            }
            Some(code) => programme.keep("code", code),
            None => {}
        }
    }
    part.put("grantProgramme", programmes);
    found
}

/// Locations of the register: by their own identifiers, else the countries; and the list as it came, if it
/// says more than these.
fn places(known: &dyn Known, part: &mut Part, out: &mut Mapped) -> (Vec<Value>, Option<Value>) {
    let mut seen = HashSet::new();
    let mut places = Vec::new();
    let mut says_more = false;
    let given = part.value("beneficiaryLocation");
    for mut location in part.parts("beneficiaryLocation", out) {
        let is_own = location.peek("id").is_some_and(|id| known.is_place(id));
        let codes = ["id", "countryCode"].map(|member| location.text(member, out));
        // A place that is known lies in its country.
        match codes.into_iter().flatten().find(|code| known.is_place(code)) {
            Some(code) if seen.insert(code.clone()) => places.push(json!({"location": code})),
            Some(_) => {}
            None => says_more = true,
        }
        let rest = location.rest();
        says_more |= rest.keys().any(|name| !is_own || !OF_PLACES.contains(&name.as_str()));
    }
    (places, given.filter(|_| says_more))
}

/// Classifications that are sectors.
fn sectors(part: &mut Part, out: &mut Mapped) -> Vec<Value> {
    let mut sectors = Vec::new();
    let mut classifications = part.parts("classifications", out);
    for class in &mut classifications {
        let (vocabulary, code) = (class.text("vocabulary", out), class.text("code", out));
        let number = vocabulary.as_deref().and_then(|vocabulary| vocabulary.strip_prefix(SECTOR_VOCABULARY));
        match (number.filter(|number| codes::SECTOR_VOCABULARIES.contains(number)), &code) {
            (Some(number), Some(code)) => {
                class.became(sector_key(number, code));
                sectors.push(json!({"vocabulary": number, "code": code}));
            }
            _ => [("vocabulary", vocabulary), ("code", code)]
                .into_iter()
                .for_each(|(member, text)| text.into_iter().for_each(|text| class.keep(member, text))),
        }
    }
    part.put("classifications", classifications);
    sectors
}

/// Documents with an address and a title.
fn documents(part: &mut Part, out: &mut Mapped) -> Vec<Value> {
    let mut documents = Vec::new();
    let mut related = part.parts("relatedDocument", out);
    for document in &mut related {
        let (url, title) = (document.text("url", out), document.text("title", out));
        match (&url, &title) {
            (Some(url), Some(title)) if codes::is_web_address(url) => {
                document.became(url);
                documents.push(json!({"url": url, "title": {"en": title}}));
            }
            _ => [("url", url), ("title", title)]
                .into_iter()
                .for_each(|(member, text)| text.into_iter().for_each(|text| document.keep(member, text))),
        }
    }
    part.put("relatedDocument", related);
    documents
}
