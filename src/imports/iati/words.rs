//! Texts, dates, numbers and codes of IATI as members of records.

use serde_json::{Map, Number, Value, json};

use crate::codes::is_language;
use crate::formats::iati::context::{ASSUMED, LANGUAGE};
use crate::formats::iati::xml::Element;
use crate::record::{Identifier, is_visible};

/// The language that an activity says its texts are in.
pub fn language(element: &Element) -> String {
    element.get(LANGUAGE).and_then(tag).unwrap_or_else(|| ASSUMED.to_owned())
}

/// A language as records name it.
fn tag(given: &str) -> Option<String> {
    let normal = oxilangtag::LanguageTag::parse_and_normalize(given).ok()?.into_inner();
    is_language(&normal).then_some(normal)
}

/// The narratives of an element, by language; several in one language follow one another.
pub fn texts(element: &Element, language: &str) -> Option<Value> {
    joined(&[element], language)
}

/// The narratives of several elements that say one thing.
pub fn joined(elements: &[&Element], language: &str) -> Option<Value> {
    let mut found: Map<String, Value> = Map::new();
    for narrative in elements.iter().flat_map(|element| element.all("narrative")) {
        let words = narrative.words();
        if !is_visible(&words) {
            continue;
        }
        let language = narrative.get("xml:lang").and_then(tag).unwrap_or_else(|| language.to_owned());
        let words = match found.get(&language).and_then(Value::as_str) {
            Some(before) => format!("{before}\n\n{words}"),
            None => words,
        };
        found.insert(language, words.into());
    }
    (!found.is_empty()).then_some(Value::Object(found))
}

/// A day, as exact as the register's own attribute says; what is no date stays what it is, to be told.
pub fn date(element: &Element, attribute: &str) -> Option<String> {
    let stated = element.get("register:date").map(str::to_owned);
    stated.or_else(|| Some(day(element.get(attribute)?)))
}

/// A day of an `xsd:date`, which may name a zone.
pub fn day(text: &str) -> String {
    let text = text.trim();
    let is_day = |day: &&str| day.parse::<chrono::NaiveDate>().is_ok();
    text.get(..10).filter(is_day).unwrap_or(text).to_owned()
}

/// A number as JSON has it; what is none stays a text, to be told.
pub fn number(text: &str) -> Value {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number =
        (!whole.is_empty() || !part.is_empty()) && [whole, part].iter().all(|d| d.bytes().all(|b| b.is_ascii_digit()));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let part = part.trim_end_matches('0');
    let point = if part.is_empty() { "" } else { "." };
    match format!("{sign}{whole}{point}{part}").parse::<Number>() {
        Ok(number) if is_number => number.into(),
        _ => text.into(),
    }
}

/// Money in the element's currency, else in the activity's.
pub fn money(value: &Element, currency: Option<&str>) -> Value {
    let mut money = Map::new();
    money.insert("amount".into(), number(&value.words()));
    if let Some(currency) = value.get("currency").or(currency) {
        money.insert("currency".into(), currency.to_ascii_uppercase().into());
    }
    // What the register wrote says whether its day is one that it was stated with.
    let date = match value.has("register:value-date") {
        true => value.get("register:value-date").map(str::to_owned),
        false => value.get("value-date").map(day),
    };
    money.extend(date.map(|date| ("value_date".to_owned(), date.into())));
    if let Some(exactness) = value.get("register:exactness") {
        money.insert("exactness".into(), exactness.into());
    }
    Value::Object(money)
}

/// The members that are there.
pub fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A name within an activity: what it belongs to, what it is, and which.
pub fn within(of: &str, what: &str, which: &str) -> String {
    let name = format!("{of}:{what}{}", spelt(which));
    match Identifier::is_valid(&name) {
        true => name,
        // Too long for a name: what is left of it can still be told apart.
        false => format!("{of}:{what}-{}", crate::digest::digest(which.as_bytes())),
    }
}

/// The register's identifier of an activity that is named so.
pub fn named(activity: &str) -> String {
    if Identifier::is_valid(activity) { activity.to_owned() } else { spelt(activity) }
}

/// A text with what no identifier may have in it written as its code.
pub fn spelt(text: &str) -> String {
    text.chars().fold(String::new(), |mut spelt, c| {
        match Identifier::is_valid(&c.to_string()) || c == '.' {
            true => spelt.push(c),
            false => spelt.push_str(&format!("%{:02X}", u32::from(c))),
        }
        spelt
    })
}

/// A name as a part of an identifier: its letters and digits.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        match c.is_alphanumeric() {
            true => slug.push(c),
            false if !slug.ends_with('-') && !slug.is_empty() => slug.push('-'),
            false => {}
        }
    }
    let slug = slug.trim_end_matches('-');
    match slug.chars().count() {
        0..=60 if Identifier::is_valid(slug) => slug.to_owned(),
        _ => crate::digest::digest(name.as_bytes()),
    }
}

/// A reference as scheme and code: those of org-id.guide have two parts before it.
pub fn identifiers(reference: &str) -> Value {
    let mut parts = reference.splitn(3, '-');
    let known = match (parts.next(), parts.next(), parts.next()) {
        (Some(country), Some(list), Some(code))
            if (2..=3).contains(&country.len())
                && [country, list].iter().all(|part| part.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
                && !list.is_empty()
                && !code.is_empty() =>
        {
            Some((format!("{country}-{list}"), code))
        }
        _ => None,
    };
    let (scheme, code) = known.unwrap_or(("IATI".to_owned(), reference));
    json!([{"scheme": scheme, "code": code}])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_what_is_none_is_told() {
        for (text, wanted) in [("1500", "1500"), (" +01.50 ", "1.5"), (".5", "0.5"), ("-5.", "-5"), ("0.00", "0")] {
            assert_eq!(number(text).to_string(), wanted, "{text}");
        }
        for text in ["1,500", "1e3", "", ".", "NaN"] {
            assert!(number(text).is_string(), "{text}");
        }
    }

    #[test]
    fn references_are_told_apart_as_the_lists_do() {
        assert_eq!(identifiers("XM-DAC-41114")[0], json!({"scheme": "XM-DAC", "code": "41114"}));
        assert_eq!(identifiers("GB-COH-0123-4")[0], json!({"scheme": "GB-COH", "code": "0123-4"}));
        assert_eq!(identifiers("44000")[0], json!({"scheme": "IATI", "code": "44000"}));
    }
}
