//! Totals as JSON, long or wide, and as CSV.

use rust_decimal::Decimal;
use serde_json::{Map, Number, Value, json};

use super::METHOD;
use super::answer::{Answer, Group, parsed};
use super::dimension::Subject;
use super::measures::{Measure, number};
use super::question::Question;
use crate::codes::sector_name;
use crate::formats::csv::{neutral, row};
use crate::formats::geojson::geometry;
use crate::http::query::Query;
use crate::page::link;

/// The columns of CSV that say whether a row is a group or the whole.
const ROW: &str = "row";

/// Why a key is none: `unstated`, `undivided`, `above`.
fn why(key: &str) -> Option<&str> {
    key.strip_prefix(',')
}

/// The key, its name and what must be said of it.
fn told(answer: &Answer, question: &Question, n: usize, key: &str) -> Vec<(String, Value)> {
    let dimension = question.dimensions[n].name;
    if key.is_empty() {
        return Vec::new();
    }
    let mut told = vec![(dimension.to_owned(), why(key).map_or(json!(key), |_| Value::Null))];
    if let Some(reason) = why(key) {
        told.push((format!("{dimension}_reason"), reason.into()));
    } else if let Some(named) = answer.names[n].get(key) {
        told.push((format!("{dimension}_name"), parsed(named.name.as_ref())));
        if named.note.is_some() {
            told.push((format!("{dimension}_note"), parsed(named.note.as_ref())));
        }
    } else if let Some(name) = sector_name(key).filter(|_| dimension == "sector") {
        told.push((format!("{dimension}_name"), json!({"en": name})));
    }
    told
}

fn is_money(question: &Question, measure: Measure) -> bool {
    measure.is_amount() && question.subject.kind().money.is_some()
}

fn measured(question: &Question, group: &Group) -> impl Iterator<Item = (String, Value)> {
    let measures = question.measures.iter().zip(&group.measured);
    measures.map(|(measure, text)| (measure.name().to_owned(), number(text.as_ref(), is_money(question, *measure))))
}

/// The document, without its links.
pub fn json(answer: &Answer, question: &Question, base: &str, query: &Query) -> Value {
    let rows = format!("{base}/v1/totals/{}/rows", question.subject.name());
    let mut asked = query.clone();
    for name in ["measure", "shape", "sort", "limit", "cursor", "format", "bom"] {
        asked = asked.without(name);
    }
    let explain = |name: &str, value: &str| link(&rows, &asked.with(name, value), None);
    let explain_group = |group: &Group| {
        let asked = asked.with("group", &group.keys.join(" "));
        let asked = group.unit.as_ref().map_or(asked.clone(), |unit| asked.with("unit", unit));
        link(&rows, &asked, None)
    };
    let group = |group: &Group| -> Map<String, Value> {
        let mut told: Map<String, Value> =
            group.keys.iter().enumerate().flat_map(|(n, key)| told(answer, question, n, key)).collect();
        told.insert(question.subject.unit().into(), json!(group.unit));
        told.extend(measured(question, group));
        if !group.keys.is_empty() && !group.keys.iter().any(String::is_empty) {
            told.insert("explain".into(), explain_group(group).into());
        }
        told
    };
    let data: Vec<Map<String, Value>> =
        if question.wide { wide(answer, question) } else { answer.groups.iter().map(group).collect() };
    let total: Vec<Map<String, Value>> = answer.total.iter().map(group).collect();
    let judged = |counted: bool| {
        let judged = answer.judged.iter().filter(move |judged| judged.reason.is_none() == counted);
        judged.map(|judged| {
            let amount = number(judged.amount.as_ref(), is_money(question, Measure::Sum));
            let mut told =
                json!({"count": judged.count, (question.subject.unit()): judged.currency, "inexact": judged.inexact});
            // Values of different indicators and dates have no sum.
            if question.subject != Subject::Indicators {
                told["amount"] = amount;
            }
            if let Some(reason) = &judged.reason {
                told["reason"] = json!(reason);
                told["explain"] = explain("excluded", reason).into();
            }
            told
        })
    };
    let mut meta = json!({
        "measure": question.measures.iter().map(|measure| measure.name()).collect::<Vec<_>>(),
        "group_by": question.dimensions.iter().map(|dimension| dimension.name).collect::<Vec<_>>(),
        "total": total,
        "included": judged(true).collect::<Vec<_>>(),
        "excluded": judged(false).collect::<Vec<_>>(),
        "method": {"url": format!("{base}/docs/METHOD.md"), "version": METHOD},
        "explain": link(&rows, &asked, None),
    });
    if !question.wide {
        meta["limit"] = question.limit.into();
    }
    if let Some(conversion) = &question.conversion {
        meta["conversion"] = converted(answer, &conversion.currency, &conversion.basis.to_string());
    }
    json!({"data": data, "meta": meta})
}

/// How much of what counts otherwise could be converted, by the currency that it is stated in.
fn converted(answer: &Answer, currency: &str, basis: &str) -> Value {
    let rates = ["no_rate", "no_date", "date_not_exact"];
    let mut currencies: Vec<&str> = answer.judged.iter().filter_map(|judged| judged.currency.as_deref()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let parts: Vec<Value> = currencies
        .into_iter()
        .map(|of| {
            let sum = |wanted: &dyn Fn(Option<&str>) -> bool| {
                let judged = answer.judged.iter().filter(|judged| judged.currency.as_deref() == Some(of));
                judged.filter(|judged| wanted(judged.reason.as_deref())).fold((0, Decimal::ZERO), |(rows, sum), judged| {
                    let amount = judged.amount.as_ref().and_then(|text| text.parse::<Decimal>().ok());
                    (rows + judged.count, sum + amount.unwrap_or_default())
                })
            };
            let (rows, amount) = sum(&|reason| reason.is_none());
            let (missing, unknown) = sum(&|reason| reason.is_some_and(|reason| rates.contains(&reason)));
            let share = |part: Decimal, whole: Decimal| {
                let share = (!whole.is_zero()).then(|| (part / whole).round_dp(4).normalize());
                share.map(|share| Number::from_string_unchecked(share.to_string()))
            };
            json!({"currency": of, "rows": rows + missing, "rows_converted": rows,
                "share_of_rows": share(rows.into(), (rows + missing).into()), "share_of_amount": share(amount, amount + unknown)})
        })
        .collect();
    json!({"currency": currency, "rate_basis": basis, "from": parts})
}

/// One row for each first key and currency, its values by the second key.
fn wide(answer: &Answer, question: &Question) -> Vec<Map<String, Value>> {
    let mut rows: Vec<(&str, Option<&str>, Map<String, Value>)> = Vec::new();
    for group in &answer.groups {
        let (first, unit) = (group.keys[0].as_str(), group.unit.as_deref());
        let at = rows.iter().position(|(key, of, _)| *key == first && *of == unit).unwrap_or_else(|| {
            rows.push((first, unit, Map::new()));
            rows.len() - 1
        });
        let value = number(group.measured[0].as_ref(), is_money(question, question.measures[0]));
        rows[at].2.insert(group.keys[1].trim_start_matches(',').to_owned(), value);
    }
    rows.into_iter()
        .map(|(key, unit, values)| {
            let mut row: Map<String, Value> = told(answer, question, 0, key).into_iter().collect();
            row.insert(question.subject.unit().into(), json!(unit));
            row.insert("values".into(), Value::Object(values));
            row
        })
        .collect()
}

/// A name in English, or in the first language there is.
fn name(answer: &Answer, question: &Question, n: usize, key: &str) -> String {
    let told = told(answer, question, n, key);
    let names = told.iter().find(|(name, _)| name.ends_with("_name")).and_then(|(_, name)| name.as_object());
    let best = names.and_then(|names| names.get("en").or_else(|| names.values().next()));
    best.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What must be said of a key.
fn note(answer: &Answer, n: usize, key: &str) -> String {
    let note = answer.names[n].get(key).map(|named| parsed(named.note.as_ref()));
    note.as_ref().and_then(|note| note["en"].as_str()).unwrap_or_default().to_owned()
}

/// All groups as GeoJSON: a feature for each, at the point of its place if that has one.
pub fn geojson(answer: &Answer, question: &Question) -> Vec<u8> {
    let place = question.dimensions.iter().position(|dimension| dimension.name == "place").unwrap_or_default();
    let feature = |group: &Group| {
        let mut properties: Map<String, Value> =
            group.keys.iter().enumerate().flat_map(|(n, key)| told(answer, question, n, key)).collect();
        properties.insert(question.subject.unit().into(), json!(group.unit));
        properties.extend(measured(question, group));
        let points = answer.names[place].get(&group.keys[place]).and_then(|named| named.points.as_deref());
        json!({"type": "Feature", "id": group.keys.join(" "), "geometry": geometry(points), "properties": properties})
    };
    let features: Vec<Value> = answer.groups.iter().map(feature).collect();
    json!({"type": "FeatureCollection", "features": features}).to_string().into_bytes()
}

/// All groups as CSV, and the whole in the last rows.
pub fn csv(answer: &Answer, question: &Question, bom: bool) -> Vec<u8> {
    let mut out = Vec::from(if bom { "\u{feff}" } else { "" });
    let mut header = vec![ROW.to_owned()];
    let dimensions = if question.wide { &question.dimensions[..1] } else { &question.dimensions[..] };
    for dimension in dimensions {
        header.extend(["", "_name", "_note", "_reason"].map(|ending| format!("{}{ending}", dimension.name)));
    }
    header.push(question.subject.unit().into());
    let mut second: Vec<&str> = Vec::new();
    if question.wide {
        second = answer.groups.iter().map(|group| group.keys[1].as_str()).collect();
        second.sort_unstable();
        second.dedup();
        header.extend(second.iter().map(|key| neutral(key.trim_start_matches(','))));
    } else {
        header.extend(question.measures.iter().map(|measure| measure.name().to_owned()));
    }
    row(&header, &mut out);
    let lead = |kind: &str, keys: &[String]| {
        let mut cells = vec![kind.to_owned()];
        for (n, _) in dimensions.iter().enumerate() {
            let key = keys.get(n).map_or("", String::as_str);
            let shown = why(key).map_or(key, |_| "");
            let (name, note) = (name(answer, question, n, key), note(answer, n, key));
            cells.extend([shown, &name, &note, why(key).unwrap_or("")].map(neutral));
        }
        cells
    };
    let text = |value: &Value| if value.is_null() { String::new() } else { value.to_string() };
    if question.wide {
        for line in wide(answer, question) {
            let dimension = dimensions[0].name;
            let key = match line.get(&format!("{dimension}_reason")).and_then(Value::as_str) {
                Some(reason) => format!(",{reason}"),
                None => line[dimension].as_str().unwrap_or_default().to_owned(),
            };
            let mut cells = lead("group", &[key]);
            cells.push(line[question.subject.unit()].as_str().unwrap_or_default().to_owned());
            let of = |key: &&str| line["values"].get(key.trim_start_matches(',')).map(text).unwrap_or_default();
            cells.extend(second.iter().map(of));
            row(&cells, &mut out);
        }
        return out;
    }
    for (kind, group) in
        answer.groups.iter().map(|group| ("group", group)).chain(answer.total.iter().map(|group| ("total", group)))
    {
        let mut cells = lead(kind, &group.keys);
        cells.push(group.unit.clone().unwrap_or_default());
        cells.extend(measured(question, group).map(|(_, value)| text(&value)));
        row(&cells, &mut out);
    }
    out
}
