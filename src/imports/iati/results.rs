//! Results of an activity: indicators, and their values as observations.

use serde_json::{Map, Value, json};

use super::activity::Reading;
use super::money::kept;
use super::words::{date, joined, number, object, texts, within};
use crate::collections::indicators::{self, Indicator};
use crate::collections::observations::{self, Observation};
use crate::formats::iati::xml::Element;
use crate::formats::iati::{codes, groups};
use crate::imports::known::Record;
use crate::imports::table::Header;
use crate::record::{Identifier, is_visible};

/// The indicators of an activity with their values, as records; results without any are only kept.
pub fn results(activity: &Element, reading: &mut Reading) {
    for (n, result) in activity.all("result").enumerate() {
        let (mut measured, mut observed) = (Vec::new(), Vec::new());
        for (m, one) in result.all("indicator").enumerate() {
            let own = one.get("register:identifier").map(str::to_owned);
            let identifier =
                own.unwrap_or_else(|| within(&reading.identifier, "indicator-", &format!("{}-{}", n + 1, m + 1)));
            let json = indicator(result, one, &identifier, reading);
            observed.extend(values(one, &identifier, json["measure"] == "qualitative", reading));
            measured.push((json, one.line()));
        }
        // The first one of them keeps the whole result.
        let is_read = !reading.is_own || result.all("indicator").any(|one| one.has("register:original"));
        if is_read
            && let Some(original) = original(result, &measured, &observed, reading)
            && let Some((first, _)) = measured.first_mut()
        {
            first["original"] = original;
        }
        let indicators = measured.into_iter().map(|(json, line)| {
            let mut said = vec!["title", "description", "programme", "grant", "measure", "additive"];
            // The register's own files cannot say each direction that it has.
            said.extend(Some("direction").filter(|member| !reading.is_own || json.get(member).is_some()));
            said.extend(Some("original").filter(|member| json.get(member).is_some()));
            let said = Some(Header::saying(&indicators::KIND, &said).into());
            Record { said, ..Record::whole(&indicators::KIND, json, line) }
        });
        reading.out.extend(indicators);
        reading.out.extend(observed);
    }
}

/// The result as it came, as long as its indicators and their values say the same.
fn original(result: &Element, measured: &[(Value, i64)], observed: &[Record], reading: &Reading) -> Option<Value> {
    let mut indicators = Vec::new();
    for (json, _) in measured {
        indicators.push(serde_json::from_value::<Indicator>(json.clone()).ok()?);
    }
    let mut observations = Vec::new();
    for record in observed {
        observations.push(serde_json::from_value::<Observation>(record.json.clone()).ok()?);
    }
    indicators.sort_by(|a, b| a.identifier.cmp(&b.identifier));
    observations.sort_by(|a, b| a.identifier.cmp(&b.identifier));
    let (indicators, observations): (Vec<&Indicator>, Vec<&Observation>) =
        (indicators.iter().collect(), observations.iter().collect());
    let digest = groups::result(&indicators, &observations);
    let mut own = result.plain();
    reading.scope.context.state(&mut own);
    let named = own.children_mut().filter(|child| child.name() == "indicator");
    for (indicator, (json, _)) in named.zip(measured) {
        indicator.set("register:identifier", json["identifier"].as_str());
    }
    Some(json!(kept(&own, "result", digest, &reading.version)))
}

fn indicator(result: &Element, one: &Element, identifier: &str, reading: &Reading) -> Value {
    let language = &reading.scope.language;
    let title = one.first("title").and_then(|title| texts(title, language));
    let title = title.or_else(|| result.first("title").and_then(|title| texts(title, language)));
    let measure = one.get("measure").map(|code| codes::value_of("IndicatorMeasure", code).unwrap_or(code));
    // Nobody says which way is better where values have no order.
    let ascending = one.get("ascending").filter(|_| !matches!(measure, Some("nominal" | "qualitative")));
    let direction = ascending.map(|text| if matches!(text, "1" | "true") { "increase" } else { "decrease" });
    let additive = measure == Some("unit") && matches!(one.get("aggregation-status"), Some("1" | "true"));
    Value::Object(object([
        ("identifier", Some(identifier.into())),
        ("title", title),
        ("description", one.first("description").and_then(|text| texts(text, language))),
        (reading.singular, Some(reading.identifier.clone().into())),
        ("measure", measure.map(Value::from)),
        ("direction", direction.map(Value::from)),
        ("additive", Some(additive.into())),
    ]))
}

/// The values of an indicator: its baselines, and the targets and actual ones of its periods.
fn values(one: &Element, indicator: &str, is_words: bool, reading: &mut Reading) -> Vec<Record> {
    let mut found = Vec::new();
    for (n, baseline) in one.all("baseline").enumerate() {
        let end = date(baseline, "iso-date").or_else(|| baseline.get("year").map(str::to_owned));
        found.push((baseline, "baseline", format!("{}", n + 1), None, end));
    }
    for (n, period) in one.all("period").enumerate() {
        let of = |name: &str| period.first(name).and_then(|element| date(element, "iso-date"));
        for kind in ["target", "actual"] {
            for (m, value) in period.all(kind).enumerate() {
                found.push((value, kind, format!("{}-{}", n + 1, m + 1), of("period-start"), of("period-end")));
            }
        }
    }
    // What the register wrote itself, in the order in which it stands.
    let listed = |name: &str| one.get(name).unwrap_or_default().split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (own, periods) = (listed("register:values"), listed("register:periods"));
    let numbers = one.has("register:numbers").then(|| listed("register:numbers"));
    let is_own = one.has("register:values") && own.len() == found.len() && periods.len() == found.len();
    let mut records = Vec::new();
    for (n, (element, kind, which, start, end)) in found.into_iter().enumerate() {
        let stated = is_own.then(|| periods[n].split_once('/')).flatten();
        let date = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
        let (start, end) = stated.map_or((start, end), |(start, end)| (date(start), date(end)));
        let own = is_own.then(|| own[n].as_str());
        let identifier = own.map_or_else(|| format!("{indicator}:{kind}-{which}"), str::to_owned);
        let mut dated = |date| reading.dated(date, element.line(), "the value");
        let period = (dated(start), dated(end));
        let number = numbers.as_ref().and_then(|numbers| numbers.get(n)).filter(|_| is_own);
        let value = number.map(String::as_str).filter(|number| *number != "-").or(element.get("value"));
        records.extend(observation((element, value), kind, (identifier, is_own), indicator, period, is_words, reading));
    }
    records
}

fn observation(
    (element, value): (&Element, Option<&str>),
    kind: &str,
    (identifier, is_own): (String, bool),
    indicator: &str,
    (start, end): (Option<String>, Option<String>),
    is_words: bool,
    reading: &Reading,
) -> Option<Record> {
    let language = &reading.scope.language;
    let stated = value.map(number);
    let (marked, comments): (Vec<&Element>, Vec<&Element>) =
        element.all("comment").partition(|comment| comment.get("register:of") == Some("value"));
    let comment = joined(&comments, language);
    let (value, words, note) = match stated {
        stated if !marked.is_empty() => (stated.filter(Value::is_number), joined(&marked, language), comment),
        Some(Value::String(text)) if is_visible(&text) => (None, Some(json!({language: text})), comment),
        None if !is_own || is_words => (None, comment, None),
        stated => (stated, None, comment),
    };
    if value.is_none() && words.is_none() && !is_own {
        return None;
    }
    let mut groups = Map::new();
    let mut beneficiary = None;
    for dimension in element.all("dimension") {
        let (Some(name), Some(value)) = (dimension.get("name"), dimension.get("value")) else { continue };
        match name {
            "beneficiary" if is_own => beneficiary = Some(value.into()),
            _ => drop(groups.insert(name.to_owned(), value.into())),
        }
    }
    let place = element.first("location").and_then(|location| location.get("ref"));
    let place = place.filter(|place| reading.known.is_place(place));
    let json = object([
        ("identifier", Some(identifier.into())),
        ("indicator", Some(indicator.into())),
        ("kind", Some(kind.into())),
        ("start_date", start.map(Value::from)),
        ("end_date", end.map(Value::from)),
        ("value", value),
        ("value_text", words),
        ("place", place.map(Value::from)),
        ("beneficiary", beneficiary),
        ("disaggregation", Some(Value::Object(groups))),
        ("note", note),
    ]);
    let mut said =
        vec!["indicator", "kind", "start_date", "end_date", "value", "place", "beneficiary", "disaggregation"];
    if !is_own {
        said.extend(["value_text", "note"]);
    }
    let identifier = json.get("identifier").and_then(Value::as_str).unwrap_or_default();
    if !Identifier::is_valid(identifier) {
        return None;
    }
    let said = Some(Header::saying(&observations::KIND, &said).into());
    Some(Record { said, ..Record::whole(&observations::KIND, Value::Object(json), element.line()) })
}
