//! What a package said of a grant beyond what the register has members for: it is given back with what it belongs to,
//! as far as the standard has it in that form.

use std::collections::HashMap;

use chrono::DateTime;
use serde_json::{Map, Value};

use super::{NO_COUNTRY, OF};
use crate::codelists;
use crate::codes;
use crate::record::PartialDate;

/// Members that hold numbers.
const NUMBERS: [&str; 7] =
    ["amountAppliedFor", "amountAwarded", "amountDisbursed", "duration", "latitude", "longitude", "value"];

/// Adds what is not there: members to the grant and to the items of its lists, each to that of its [`OF`], by their
/// `keys`; and items that the register has none of.
pub fn complete(grant: &mut Value, rest: Map<String, Value>, keys: &HashMap<&str, Vec<String>>) {
    for (name, more) in rest {
        let of = keys.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let there = &mut grant[&name];
        let more = match standing(more) {
            Value::Array(more) => more,
            more => {
                if there.is_null() && fits(&name, &more) {
                    *there = more;
                }
                continue;
            }
        };
        let mut items = there.as_array_mut().map(std::mem::take).unwrap_or_default();
        for mut more in more {
            match more.as_object_mut().and_then(|more| more.shift_remove(OF)) {
                Some(key) => {
                    let own = items.iter_mut().zip(of).filter(|(_, of)| key == of.as_str());
                    own.for_each(|(item, _)| add(item, &more));
                }
                None => items.push(more),
            }
        }
        match items.is_empty() {
            true => drop(grant.as_object_mut().and_then(|grant| grant.shift_remove(&name))),
            false => *there = items.into(),
        }
    }
}

/// Adds the members that an object does not have.
fn add(item: &mut Value, more: &Value) {
    let Some(item) = item.as_object_mut() else { return };
    for (name, value) in more.as_object().into_iter().flatten() {
        item.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

/// What of a value the standard has in this form.
pub fn standing(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(standing).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter(|(name, value)| fits(name, value));
            members.map(|(name, value)| (name, standing(value))).collect()
        }
        value => value,
    }
}

fn fits(name: &str, value: &Value) -> bool {
    let is = |wanted: fn(&str) -> bool| value.as_str().is_some_and(wanted);
    match name {
        "url" | "dataSource" => is(codes::is_web_address),
        "dateModified" => is(is_instant),
        "awardDate" | "transactionDate" | "valueDate" => {
            is(|text| text.len() >= 10 && PartialDate::is_valid(text) || is_instant(text))
        }
        "startDate" | "endDate" => is(|text| PartialDate::is_valid(text) || is_instant(text)),
        "currency" => is(codes::is_currency),
        "countryCode" => is(is_country),
        _ if NUMBERS.contains(&name) => value.is_number(),
        _ => true,
    }
}

fn is_instant(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok()
}

fn is_country(code: &str) -> bool {
    let listed = codelists::find("Country").and_then(|list| list.code(code));
    code != NO_COUNTRY && listed.is_some_and(|country| country.withdrawn.is_none())
}
