//! Totals as CSV, long or wide, and as GeoJSON.
//!
//! A table says all that the JSON does: the groups, the whole, what counts and what does not for
//! which reason, each with the address of its rows, and by which rules. What a row is stands in
//! its first cell.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::METHOD;
use super::answer::{Answer, Group, parsed};
use super::measures::Measure;
use super::question::Question;
use super::written::{Written, columns, measured, told, why, wide};
use crate::formats::columns::raw;
use crate::formats::csv::{neutral, row};
use crate::formats::geojson::geometry;

/// The columns after the measures: of what counts and what does not, and where the rows are.
const LAST: [&str; 6] = ["reason", "records", "amount", "counted", "inexact", "explain"];

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

/// The four cells of a key: it, its name, what must be said of it, and why there is none.
fn key_cells(written: &Written<'_>, n: usize, key: &str) -> [String; 4] {
    let shown = why(key).map_or(key, |_| "");
    let (name, note) = (name(written.answer, written.question, n, key), note(written.answer, n, key));
    [shown, &name, &note, why(key).unwrap_or("")].map(neutral)
}

/// A table in the making.
struct Table<'a> {
    written: &'a Written<'a>,
    /// The dimensions that have cells of their own.
    dimensions: usize,
    /// The columns of values.
    values: usize,
    out: Vec<u8>,
}

impl Table<'_> {
    /// One row; keys, values and last cells that are missing are empty.
    fn row(&mut self, kind: &str, keys: &[&str], unit: &Value, values: Vec<String>, last: [String; LAST.len()]) {
        let mut cells = vec![kind.to_owned()];
        for n in 0..self.dimensions {
            cells.extend(key_cells(self.written, n, keys.get(n).copied().unwrap_or_default()));
        }
        cells.push(raw(unit));
        cells.extend(values);
        cells.resize(2 + 4 * self.dimensions + self.values, String::new());
        cells.extend(last);
        row(&cells, &mut self.out);
    }

    /// What counts and what does not, and the rules.
    fn end(mut self) -> Vec<u8> {
        let written = self.written;
        let unit = written.question.subject.unit();
        for (kind, counted) in [("included", true), ("excluded", false)] {
            for judged in written.judged(counted) {
                let last =
                    ["reason", "count", "amount", "counted", "inexact", "explain"].map(|name| raw(&judged[name]));
                self.row(kind, &[], &judged[unit], Vec::new(), last);
            }
        }
        // A word that was taken for another one is seen where its sum is.
        let search = written.question.ask.search().map(|search| search.readings());
        for term in search.as_ref().and_then(Value::as_array).into_iter().flatten() {
            let mut last = explained(String::new());
            last[0] = neutral(&format!("{}: {}", raw(&term["reading"]), raw(&term["term"])));
            self.row("search", &[], &Value::Null, Vec::new(), last);
        }
        let mut last = explained(written.method());
        last[0] = format!("version {METHOD}");
        self.row("method", &[], &Value::Null, Vec::new(), last);
        self.out
    }
}

/// A sum of both; none of what is more than a number holds.
fn plus(sum: Option<Decimal>, number: Option<Decimal>) -> Option<Decimal> {
    sum?.checked_add(number?)
}

/// A sum as a cell.
fn cell(sum: Option<Decimal>) -> String {
    sum.map(|sum| sum.to_string()).unwrap_or_default()
}

fn explained(address: String) -> [String; LAST.len()] {
    let mut last = [const { String::new() }; LAST.len()];
    last[LAST.len() - 1] = address;
    last
}

/// All groups as CSV, and then the whole.
pub fn csv(written: &Written<'_>, bom: bool) -> Vec<u8> {
    let (answer, question) = (written.answer, written.question);
    let dimensions = if question.wide { 1 } else { question.dimensions.len() };
    let second = if question.wide { columns(answer) } else { Vec::new() };
    let mut header = vec!["row".to_owned()];
    for dimension in &question.dimensions[..dimensions] {
        header.extend(["", "_name", "_note", "_reason"].map(|ending| format!("{}{ending}", dimension.name)));
    }
    header.push(question.subject.unit().into());
    let values: Vec<String> = match question.wide {
        true => second.iter().map(|key| neutral(key.trim_start_matches(','))).chain(["total".to_owned()]).collect(),
        false => question.measures.iter().map(|measure| measure.name().to_owned()).collect(),
    };
    let mut out = Vec::from(if bom { "\u{feff}" } else { "" });
    row(&header.into_iter().chain(values.clone()).chain(LAST.map(String::from)).collect::<Vec<_>>(), &mut out);
    let mut table = Table { written, dimensions, values: values.len(), out };
    if question.wide {
        wide_rows(&mut table, &second);
        return table.end();
    }
    let lines = answer.groups.iter().map(|group| ("group", group));
    for (kind, group) in lines.chain(answer.total.iter().map(|group| ("total", group))) {
        let keys: Vec<&str> = group.keys.iter().map(String::as_str).collect();
        let values = measured(question, group).map(|(_, value)| raw(&value)).collect();
        let explain = if kind == "group" { written.explain_group(group) } else { written.explain() };
        table.row(kind, &keys, &json!(group.unit), values, explained(explain));
    }
    table.end()
}

/// A row for each first key, one for the whole, and one for each second key that needs words.
fn wide_rows(table: &mut Table<'_>, second: &[&str]) {
    let (answer, question) = (table.written.answer, table.written.question);
    let unit = question.subject.unit();
    // Sums of all groups can be added up; averages cannot, nor what bounds have left, nor what
    // nobody may add to one another: types of flows, indicators, values of different dates.
    let apart = question.dimensions.iter().any(|dimension| question.subject.is_apart(dimension.name));
    let adds_up = question.measures == [Measure::Sum] && question.bounds.is_empty() && !apart;
    let mut wholes: BTreeMap<String, BTreeMap<&str, Option<Decimal>>> = BTreeMap::new();
    for line in wide(answer, question) {
        let dimension = question.dimensions[0].name;
        let key = match line.get(&format!("{dimension}_reason")).and_then(Value::as_str) {
            Some(reason) => format!(",{reason}"),
            None => raw(&line[dimension]),
        };
        let of = |key: &&str| line["values"].get(key.trim_start_matches(',')).unwrap_or(&Value::Null);
        let mut values: Vec<String> = second.iter().map(|key| raw(of(key))).collect();
        if adds_up {
            let whole = wholes.entry(raw(&line[unit])).or_default();
            let numbers = second.iter().filter_map(|key| Some((*key, raw(of(key)).parse::<Decimal>().ok()?)));
            let mut sum = Some(Decimal::ZERO);
            for (key, number) in numbers {
                let of_key = whole.entry(key).or_insert(Some(Decimal::ZERO));
                (*of_key, sum) = (plus(*of_key, Some(number)), plus(sum, Some(number)));
            }
            values.push(cell(sum));
        }
        table.row("group", &[&key], &line[unit], values, explained(String::new()));
    }
    for (of, whole) in wholes {
        let values = second.iter().map(|key| cell(whole.get(key).copied().flatten()));
        let all = whole.values().try_fold(Decimal::ZERO, |sum, of_key| plus(Some(sum), *of_key));
        let values = values.chain([cell(all)]).collect();
        table.row("total", &[], &of.into(), values, explained(table.written.explain()));
    }
    for (n, key) in second.iter().enumerate() {
        let [_, name, note, _] = key_cells(table.written, 1, key);
        if !name.is_empty() || !note.is_empty() {
            let mut values = vec![String::new(); n];
            values.push(name);
            let mut last = explained(String::new());
            last[0] = note;
            table.row("column", &[], &Value::Null, values, last);
        }
    }
}

/// All groups as GeoJSON: a feature for each, at the point of its place if that has one. Beside them
/// stands what the JSON has in `meta`.
pub fn geojson(written: &Written<'_>) -> Vec<u8> {
    let (answer, question) = (written.answer, written.question);
    let place = question.dimensions.iter().position(|dimension| dimension.name == "place").unwrap_or_default();
    let feature = |group: &Group| {
        let mut properties: Map<String, Value> =
            group.keys.iter().enumerate().flat_map(|(n, key)| told(answer, question, n, key)).collect();
        properties.insert(question.subject.unit().into(), json!(group.unit));
        properties.extend(measured(question, group));
        properties.insert("explain".into(), written.explain_group(group).into());
        // Each currency has features of its own.
        let id: Vec<&str> = group.keys.iter().map(String::as_str).chain(group.unit.as_deref()).collect();
        let points = answer.names[place].get(&group.keys[place]).and_then(|named| named.points.as_deref());
        json!({"type": "Feature", "id": id.join(" "), "geometry": geometry(points), "properties": properties})
    };
    let features: Vec<Value> = answer.groups.iter().map(feature).collect();
    json!({"type": "FeatureCollection", "meta": written.meta(), "features": features}).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_no_number_holds_is_an_empty_cell() {
        let (one, most) = (Some(Decimal::ONE), Some(Decimal::MAX));
        assert_eq!(cell(plus(one, one)), "2");
        assert_eq!(cell(plus(plus(one, most), one)), "");
    }
}
