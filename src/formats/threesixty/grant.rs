//! One grant of a package.

use std::collections::{BTreeMap, HashMap};

use chrono::{NaiveDate, SecondsFormat};
use rust_decimal::Decimal;
use serde_json::{Map, Number, Value, json};

use super::rest::{complete, standing};
use super::{DATES, DERIVED, NO_COUNTRY, period, sector};
use crate::collections::grants::RecipientRole;
use crate::collections::transactions::{self, Transaction, TransactionType};
use crate::formats::activity::Activity;
use crate::formats::related::{Party, Place, Related};
use crate::record::original::{Standard, digest_of};
use crate::record::{Identifier, OrganisationRole, Original, PartialDate, Status, Translations};

/// The languages of a text that has to be in one, the first best.
const LANGUAGES: [&str; 3] = ["en", "sr-Latn", "sr-Cyrl"];

/// An item of a list, with what stands for it in [`OF`].
type Item = (String, Value);

/// What came to be, and what was planned.
const ACTUAL: &str = "actualDates";
const PLANNED: &str = "plannedDates";

/// Members of organisations, and the lists that their numbers are of.
const NUMBERS: [(&str, &[&str]); 2] =
    [("charityNumber", &["GB-CHC", "GB-SC", "GB-NIC"]), ("companyNumber", &["GB-COH"])];

/// The grant, and which members of the standard it lacks.
pub fn grant(of: &Activity, related: &Related) -> (Value, Vec<&'static str>) {
    let recipients = recipients(of, related);
    let award_date = award_date(of, related);
    let (funder_keys, funders): (Vec<String>, Vec<Value>) = funders(of, related).into_iter().unzip();
    let missing: Vec<&str> = [
        ("amountAwarded", of.budget.is_none()),
        ("awardDate", award_date.is_none()),
        ("recipientOrganization", recipients.is_empty()),
    ]
    .into_iter()
    .filter_map(|(member, is_missing)| is_missing.then_some(member))
    .collect();
    // What a package said of it that the register has no members for.
    let original = of.original.as_ref().filter(|original| original.standard == Standard::ThreeSixtyGiving);
    let mut grant = json!({
        "id": of.identifier,
        "title": text(&of.title),
        "description": text(of.description.as_ref().unwrap_or(&of.title)),
        "fundingOrganization": funders,
        "dateModified": of.updated_at.to_rfc3339_opts(SecondsFormat::Secs, true),
    });
    if let Some(budget) = &of.budget {
        (grant["currency"], grant["amountAwarded"]) = (json!(budget.currency), number(budget.amount.0));
    }
    if let Some(date) = award_date {
        grant["awardDate"] = json!(date);
    }
    let mut keys = HashMap::from([("fundingOrganization", funder_keys)]);
    let mut add = |member: &'static str, items: Vec<Item>| {
        if !items.is_empty() {
            let (of, items): (Vec<String>, Vec<Value>) = items.into_iter().unzip();
            keys.insert(member, of);
            grant[member] = items.into();
        }
    };
    add("recipientOrganization", recipients);
    for (member, dates) in dates(of, original) {
        let [start, end] = [&of.start_date, &of.end_date].map(|date| date.as_ref().map(|date| date.0.as_str()));
        add(member, vec![(period(start, end), dates.into())]);
    }
    let places = of.places.iter().map(|share| &share.location.0);
    add("beneficiaryLocation", places.map(|place| (place.clone(), location(place, &related.places))).collect());
    let classified = of.sectors.iter().map(|share| {
        let vocabulary = format!("IATI SectorVocabulary {}", share.vocabulary);
        (sector(&share.vocabulary, &share.code), json!({"vocabulary": vocabulary, "code": share.code}))
    });
    add("classifications", classified.collect());
    add("grantProgramme", programme(of, related).into_iter().collect());
    let documents = of
        .documents
        .iter()
        .map(|document| (document.url.clone(), json!({"title": text(&document.title), "url": document.url})));
    add("relatedDocument", documents.collect());
    add("commitmentTransaction", flows(of, related, &[TransactionType::OutgoingCommitment]));
    add("disbursementTransaction", flows(of, related, &[TransactionType::Disbursement, TransactionType::Expenditure]));
    // Nor is a commitment to be made of a date that is its first day.
    let is_committed =
        related.transactions.iter().any(|flow| flow.transaction_type == TransactionType::OutgoingCommitment);
    if original.is_none() || !is_committed {
        grant[DERIVED] = true.into();
    }
    let places = digest_of(&json!([of.places]));
    let locations = original.and_then(|original| original.part("beneficiaryLocation", Some(&places)));
    if let Some(locations) = locations.and_then(|text| serde_json::from_str(text).ok()) {
        grant["beneficiaryLocation"] = standing(locations);
    }
    if let Some(rest) = original.and_then(|original| serde_json::from_str(original.part("rest", None)?).ok()) {
        complete(&mut grant, rest, &keys);
    }
    (grant, missing)
}

/// A text in one language.
fn text(text: &Translations) -> &str {
    let known = LANGUAGES.iter().find_map(|language| text.0.get(*language));
    known.or_else(|| text.0.values().next()).map_or("", String::as_str)
}

fn number(amount: Decimal) -> Value {
    Value::Number(Number::from_string_unchecked(amount.normalize().to_string()))
}

fn day(date: &PartialDate) -> Option<NaiveDate> {
    date.days().map(|(first, _)| first)
}

/// When it was awarded: the day of its first commitment, else its first day.
fn award_date(of: &Activity, related: &Related) -> Option<NaiveDate> {
    let commitments =
        related.transactions.iter().filter(|flow| flow.transaction_type == TransactionType::OutgoingCommitment);
    commitments.filter_map(|flow| day(&flow.date)).min().or_else(|| day(of.start_date.as_ref()?))
}

/// Its first and last day, in the members that said them; else as its status has it.
fn dates(of: &Activity, original: Option<&Original>) -> BTreeMap<&'static str, Map<String, Value>> {
    let said =
        original.and_then(|original| original.part(DATES, Some(&digest_of(&json!([of.start_date, of.end_date])))));
    let said: Value = said.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let is_over = matches!(of.status, Status::Finalisation | Status::Closed);
    let last = of.end_date.as_ref().and_then(PartialDate::days).map(|(_, last)| last);
    let mut dates: BTreeMap<&'static str, Map<String, Value>> = BTreeMap::new();
    for (name, day) in [("startDate", of.start_date.as_ref().and_then(day)), ("endDate", last)] {
        let is_actual = said[name].as_str().map_or(is_over, |member| member == ACTUAL);
        let member = if is_actual { ACTUAL } else { PLANNED };
        if let Some(day) = day {
            dates.entry(member).or_default().insert(name.to_owned(), json!(day));
        }
    }
    dates
}

fn organisation(identifier: &Identifier, parties: &HashMap<String, Party>) -> Value {
    match parties.get(&identifier.0) {
        Some(party) => {
            let reference = party.reference(&identifier.0);
            let mut organisation = json!({"id": reference, "name": text(&party.name)});
            for (member, schemes) in NUMBERS {
                let mut listed = party.identifiers.iter().filter(|one| schemes.contains(&one.scheme.as_str()));
                if let Some(one) = listed.next() {
                    organisation[member] = one.code.as_str().into();
                }
            }
            organisation
        }
        None => json!({"id": identifier, "name": identifier}),
    }
}

/// Who holds the award, before its partners.
fn recipients(of: &Activity, related: &Related) -> Vec<Item> {
    let with = |role: RecipientRole| of.recipients.iter().filter(move |recipient| recipient.role == role);
    with(RecipientRole::Lead)
        .chain(with(RecipientRole::Partner))
        .map(|recipient| (recipient.beneficiary.0.clone(), organisation(&recipient.beneficiary, &related.parties)))
        .collect()
}

/// Who pays for it, else for its programme; else who publishes it.
fn funders(of: &Activity, related: &Related) -> Vec<Item> {
    let lines = of.funding.iter().filter_map(|line| line.organisation.as_ref());
    let others = of.organisations.iter().filter(|other| other.role == OrganisationRole::Funding);
    let mut own: Vec<&Identifier> = lines.chain(others.map(|other| &other.organisation)).collect();
    if own.is_empty() {
        own = related.programme.iter().flat_map(|programme| &programme.funders).collect();
    }
    let mut seen = std::collections::HashSet::new();
    own.retain(|funder| seen.insert(*funder));
    match own.is_empty() {
        true => vec![(String::new(), json!({"id": of.publisher, "name": related.publisher}))],
        false => own.into_iter().map(|who| (who.0.clone(), organisation(who, &related.parties))).collect(),
    }
}

fn location(identifier: &str, places: &HashMap<String, Place>) -> Value {
    let mut location = json!({"id": identifier});
    let Some(place) = places.get(identifier) else { return location };
    location["name"] = text(&place.name).into();
    if let Some(country) = place.country.as_deref().filter(|country| *country != NO_COUNTRY) {
        location["countryCode"] = country.into();
    }
    if let Some(point) = &place.point {
        (location["latitude"], location["longitude"]) = (number(point.latitude.0), number(point.longitude.0));
    }
    if let Some(note) = &place.note {
        location["description"] = text(note).into();
    }
    location
}

fn programme(of: &Activity, related: &Related) -> Option<Item> {
    let programme = related.programme.as_ref()?;
    Some((of.programme.as_ref()?.0.clone(), json!({"code": of.programme, "title": text(&programme.title)})))
}

fn flows(of: &Activity, related: &Related, types: &[TransactionType]) -> Vec<Item> {
    let of_types = related.transactions.iter().filter(|flow| types.contains(&flow.transaction_type));
    of_types.map(|flow| (flow.identifier.0.clone(), transaction(of, flow, &related.parties))).collect()
}

/// What a package called a flow, which the register calls so within its grant.
fn name<'f>(of: &Activity, flow: &'f Transaction) -> &'f str {
    let is_told = of.original.as_ref().is_some_and(|original| original.standard == Standard::ThreeSixtyGiving);
    let kind = if flow.transaction_type == TransactionType::OutgoingCommitment {
        "outgoing_commitment"
    } else {
        "disbursement"
    };
    let prefix = format!("{}:{kind}-", of.identifier.0);
    flow.identifier.0.strip_prefix(&prefix).filter(|_| is_told).unwrap_or(&flow.identifier.0)
}

fn transaction(of: &Activity, flow: &Transaction, parties: &HashMap<String, Party>) -> Value {
    let mut written = json!({
        "id": name(of, flow),
        "transactionDate": day(&flow.date),
        "currency": flow.value.currency,
        "value": number(flow.value.amount.0),
    });
    if let Some(date) = flow.value.value_date.as_ref().and_then(day) {
        written["valueDate"] = json!(date);
    }
    if let Some(description) = &flow.description {
        written["description"] = text(description).into();
    }
    let reference = |of: &Option<transactions::Party>| {
        let of = of.as_ref()?;
        let who = of.organisation.as_ref().or(of.beneficiary.as_ref())?;
        Some(parties.get(&who.0).map_or(who.0.clone(), |party| party.reference(&who.0)))
    };
    for (member, of) in [("provider", &flow.provider), ("recipient", &flow.receiver)] {
        if let Some(who) = reference(of) {
            written[member] = who.into();
        }
    }
    written
}
