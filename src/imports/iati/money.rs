//! Budgets and flows of an activity.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::activity::Reading;
use super::older;
use super::parties::{beneficiary, organisation};
use super::who::{Who, reporting_org};
use super::words::{date, day, money, named, number, object, texts, within};
use crate::codes::is_currency;
use crate::collections::transactions::{self, Transaction};
use crate::error::Fault;
use crate::formats::iati::xml::Element;
use crate::formats::iati::{codes, groups};
use crate::imports::known::Record;
use crate::imports::table::Header;
use crate::record::Original;
use crate::record::rules::sum;

/// Decimal places of amounts, and digits of numbers, that are kept.
const PLACES: u32 = 4;
const DIGITS: u32 = 15;
/// What amounts stay below.
const LIMIT: i64 = 10_000_000_000_000;
/// What of a flow's elements has members.
const READ: [&str; 6] =
    ["transaction-type", "transaction-date", "value", "description", "provider-org", "receiver-org"];

/// The budget of an activity: what its periods sum to, a revised one instead of the original.
pub fn budget(activity: &Element, start: Option<&str>, reading: &mut Reading) -> Option<Value> {
    let mut periods: BTreeMap<(&str, &str), (bool, Vec<&Element>)> = BTreeMap::new();
    for budget in activity.all("budget") {
        let of = |name: &str| budget.first(name).and_then(|period| period.get("iso-date")).unwrap_or_default();
        let Some(value) = budget.first("value") else { continue };
        let is_revised = budget.get("type") == Some("2");
        let (revised, values) = periods.entry((of("period-start"), of("period-end"))).or_default();
        if is_revised && !*revised {
            values.clear();
            *revised = true;
        }
        if is_revised == *revised {
            values.push(value);
        }
    }
    let values = periods.values().flat_map(|(_, values)| values);
    let values: Vec<Value> = values.map(|value| dated(value, "the budget", reading)).collect();
    let Some(first) = values.first() else {
        // One that has no room in the standard.
        return activity.first("register:budget").map(|budget| money(budget, None));
    };
    let amounts: Vec<Decimal> = values.iter().filter_map(|value| value["amount"].to_string().parse().ok()).collect();
    let sum = sum(amounts.iter().copied());
    let wrong = if amounts.len() < values.len() {
        "one of its periods has no number"
    } else if values.iter().any(|value| value["currency"] != first["currency"]) {
        "its periods are in different currencies"
    } else if sum.is_some_and(|sum| sum.is_sign_negative()) {
        "it is below zero"
    } else if !first["currency"].as_str().is_some_and(is_currency) {
        "it has no currency of ISO 4217"
    } else if sum.is_some_and(|sum| sum >= Decimal::from(LIMIT)) {
        "it is 10000000000000 or more, which no amount can be here"
    } else if let Some(sum) = sum {
        let mut budget = first.as_object().cloned().unwrap_or_default();
        let sum = exact(&number(&sum.to_string())).unwrap_or(sum);
        budget.insert("amount".into(), number(&sum.to_string()));
        // Without a day of its own an amount has that of the start.
        let is_stated = periods.values().flat_map(|(_, values)| values).any(|value| value.has("register:value-date"));
        if budget.get("value_date").and_then(Value::as_str) == start && !is_stated {
            budget.shift_remove("value_date");
        }
        return Some(Value::Object(budget));
    } else {
        "its periods are more than a number holds"
    };
    let line = activity.first("budget").map_or(reading.line, Element::line);
    reading.note("budget_unclear", line, format!("the budget is left out: {wrong}"));
    None
}

/// Money with its value date, if that is one.
fn dated(value: &Element, what: &str, reading: &mut Reading) -> Value {
    let mut money = money(value, reading.scope.currency.as_deref());
    if let Some(date) = money["value_date"].as_str().map(str::to_owned)
        && reading.dated(Some(date), value.line(), what).is_none()
        && let Some(money) = money.as_object_mut()
    {
        money.shift_remove("value_date");
    }
    money
}

/// An amount that is finer than amounts are here, or has more digits than a number of JSON keeps, as it
/// is without these.
fn exact(amount: &Value) -> Option<Decimal> {
    let given: Decimal = amount.as_number()?.to_string().parse().ok()?;
    let whole = given.trunc().abs().to_string().len() as u32;
    let rounded = given.round_dp(PLACES.min(DIGITS.saturating_sub(whole)));
    (rounded != given).then(|| rounded.normalize())
}

/// The flows of an activity, as records.
pub fn transactions(activity: &Element, reading: &mut Reading) {
    let flows: Vec<&Element> = activity.all("transaction").collect();
    let mut references: HashMap<&str, usize> = HashMap::new();
    for reference in flows.iter().filter_map(|flow| flow.get("ref")) {
        *references.entry(reference).or_default() += 1;
    }
    let own = reporter(activity, reading);
    for (n, flow) in flows.into_iter().enumerate() {
        let reference = flow.get("ref").filter(|reference| references[reference] == 1);
        let identifier = match (flow.get("register:identifier"), reference) {
            (Some(own), _) => own.to_owned(),
            (None, Some(reference)) => within(&reading.identifier, "transaction:", reference),
            (None, None) => within(&reading.identifier, "transaction-", &(n + 1).to_string()),
        };
        let of_type = flow.first("transaction-type").and_then(|of| of.get("code"));
        let of_type = of_type
            .map(|code| codes::value_of("TransactionType", older::code("transaction-type", code)).unwrap_or(code));
        let date = flow.first("transaction-date").and_then(|element| date(element, "iso-date"));
        transaction(flow, identifier, of_type, date, own.as_deref(), reading);
    }
    // What the register wrote of flows to come.
    for flow in activity.all("planned-disbursement") {
        let Some(identifier) = flow.get("register:identifier") else { continue };
        let date = flow.first("period-start").and_then(|element| date(element, "iso-date"));
        transaction(flow, identifier.to_owned(), flow.get("register:type"), date, None, reading);
    }
}

/// Who reports an activity, if some of its flows leave out who they mean by that. Who only passes on what others did is
/// meant by none.
fn reporter(activity: &Element, reading: &mut Reading) -> Option<String> {
    let is_meant = |flow: &Element| {
        let code = flow.first("transaction-type").and_then(|of| of.get("code")).unwrap_or_default();
        let of_type = codes::value_of("TransactionType", older::code("transaction-type", code));
        left_out(flow, of_type, reading).is_some() && reporter_then(flow, reading).is_none()
    };
    let is_primary = |element: &Element| !matches!(element.get("secondary-reporter"), Some("1" | "true"));
    let element = reporting_org(activity).filter(is_primary).filter(|_| activity.all("transaction").any(is_meant))?;
    organisation(&element, &reading.scope, reading.known, &mut reading.out)
}

/// The side that a flow leaves out, as the standard says that it is who reports.
fn left_out(flow: &Element, of_type: Option<&str>, reading: &Reading) -> Option<&'static str> {
    let (side, element) = match of_type? {
        "outgoing_commitment" | "outgoing_pledge" | "disbursement" | "expenditure" => ("provider", "provider-org"),
        "incoming_commitment" | "incoming_pledge" | "incoming_funds" => ("receiver", "receiver-org"),
        _ => return None,
    };
    (is_told(flow, reading) && flow.first(element).is_none()).then_some(side)
}

/// Who reported a flow of the register's own files when it was read, wherever the register has it now.
fn reporter_then<'f>(flow: &'f Element, reading: &Reading) -> Option<&'f str> {
    flow.get("register:reporter").filter(|then| reading.known.is_of(then, "organisations"))
}

/// Whether a flow is as somebody told it: what the register made itself says all there is.
fn is_told(flow: &Element, reading: &Reading) -> bool {
    (!reading.is_own || flow.has("register:original")) && flow.name() == "transaction"
}

fn transaction(
    flow: &Element,
    identifier: String,
    of_type: Option<&str>,
    date: Option<String>,
    own: Option<&str>,
    reading: &mut Reading,
) {
    let value = flow.first("value").map(|value| {
        let mut money = dated(value, "the amount", reading);
        if let Some(exact) = exact(&money["amount"]) {
            let words = format!("{} is rounded to {exact}, as exact as amounts are here", money["amount"]);
            money["amount"] = number(&exact.to_string());
            reading.note("amount_rounded", value.line(), words);
        }
        if let Some(money) = money.as_object_mut()
            && !value.has("register:value-date")
            && money.get("value_date").and_then(Value::as_str) == date.as_deref().map(day).as_deref()
        {
            money.shift_remove("value_date");
        }
        money
    });
    let description = flow.first("description").or(flow.first("register:description"));
    let description = description.and_then(|text| texts(text, &reading.scope.language));
    let mut record = object([
        ("identifier", Some(identifier.into())),
        ("type", of_type.map(Value::from)),
        ("date", date.map(Value::from)),
        ("value", value),
        (reading.singular, Some(reading.identifier.clone().into())),
        ("parent", flow.get("register:parent").map(Value::from)),
        ("description", description),
    ]);
    for (role, element, activity) in
        [("provider", "provider-org", "provider-activity-id"), ("receiver", "receiver-org", "receiver-activity-id")]
    {
        let named = flow.first(element).and_then(|element| party(element, activity, reading));
        let alone = flow.get(&format!("register:{role}-activity"));
        if let Some(end) = named.or_else(|| Some(Value::Object([its(alone?, reading)?].into_iter().collect()))) {
            record.insert(role.into(), end);
        }
    }
    let assumed = left_out(flow, of_type, reading).zip(reporter_then(flow, reading).or(own));
    if let Some((side, own)) = assumed {
        record.insert(side.into(), json!({"organisation": own}));
    }
    let mut said = vec!["type", "date", "value", "programme", "grant", "provider", "receiver", "description"];
    said.extend(record.contains_key("parent").then_some("parent"));
    let unread = flow.children().map(Element::name).filter(|name| !READ.contains(name));
    let names: BTreeSet<String> = unread.map(|name| format!("{}/{name}", flow.name())).collect();
    let unread: Vec<String> = names.into_iter().collect();
    let mut faults = Vec::new();
    if let Some(value) = flow.first("value").filter(|value| number(&value.words()).is_string()) {
        let words = format!("{:?} is no number", value.words());
        faults.push(Fault::at("/value", "number_invalid", words));
        record.shift_remove("value");
    }
    if is_told(flow, reading)
        && let Ok(read) = serde_json::from_value::<Transaction>(Value::Object(record.clone()))
    {
        let mut own = flow.plain().attribute("register:identifier", &read.identifier.0);
        own = own.attribute_if("register:reporter", assumed.map(|(_, own)| own));
        reading.scope.context.state(&mut own);
        let original = kept(&own, "transaction", groups::flow(&read), &reading.version);
        record.insert("original".into(), json!(original));
        said.push("original");
    }
    reading.out.push(Record {
        said: Some(Header::saying(&transactions::KIND, &said).into()),
        faults,
        kept: unread,
        ..Record::whole(&transactions::KIND, Value::Object(record), flow.line())
    });
}

/// An element as it came, as long as the record says the same.
pub fn kept(element: &Element, name: &str, of: String, version: &str) -> Original {
    let mut text = Vec::new();
    element.write(0, &mut text);
    Original::of_iati(version, [(name.to_owned(), String::from_utf8_lossy(&text).into_owned(), Some(of))])
}

/// One end of a flow.
fn party(element: &Element, activity: &str, reading: &mut Reading) -> Option<Value> {
    let mut party = Map::new();
    let who = Who::of(element, &reading.scope.reporting);
    let receives = who.as_ref().is_some_and(|who| {
        reading.recipients.contains(who)
            || matches!(who, Who::Identifier(_, true))
            || reading
                .known
                .beneficiary_of(who, &reading.identifier)
                .is_some_and(|found| reading.received.contains(&found))
    });
    let found = match receives {
        true => ("beneficiary", beneficiary(element, &reading.scope, reading.known, &mut reading.out)),
        false => ("organisation", organisation(element, &reading.scope, reading.known, &mut reading.out)),
    };
    party.extend(found.1.map(|identifier| (found.0.to_owned(), identifier.into())));
    party.extend(element.get(activity).and_then(|activity| its(activity, reading)));
    (!party.is_empty()).then_some(Value::Object(party))
}

/// The member that names an activity of the register or the file.
fn its(activity: &str, reading: &Reading) -> Option<(String, Value)> {
    let activity = named(activity);
    let member = if reading.known.collection(&activity)? == "grants" { "grant" } else { "programme" };
    Some((member.to_owned(), activity.into()))
}
