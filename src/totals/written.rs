//! Totals as JSON, long or wide.

use rust_decimal::Decimal;
use serde_json::{Map, Number, Value, json};

use super::METHOD;
use super::answer::{Answer, Group, parsed};
use super::dimension::Subject;
use super::measures::{Measure, number};
use super::question::{Question, bounds};
use crate::codes::sector_name;
use crate::http::query::Query;
use crate::page::link;

/// An answer that is written, and the addresses that show its rows.
pub struct Written<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// What was asked.
    pub question: &'a Question,
    base: &'a str,
    rows: String,
    asked: Query,
}

/// Why a key is none: `unstated`, `undivided`, `above`.
pub fn why(key: &str) -> Option<&str> {
    key.strip_prefix(',')
}

/// The key, its name and what must be said of it.
pub fn told(answer: &Answer, question: &Question, n: usize, key: &str) -> Vec<(String, Value)> {
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

/// The measures of a group.
pub fn measured(question: &Question, group: &Group) -> impl Iterator<Item = (String, Value)> {
    let measures = question.measures.iter().zip(&group.measured);
    measures.map(|(measure, text)| (measure.name().to_owned(), number(text.as_ref(), is_money(question, *measure))))
}

impl<'a> Written<'a> {
    /// An answer to these parameters, at a register's address.
    pub fn new(answer: &'a Answer, question: &'a Question, base: &'a str, query: &Query) -> Self {
        let mut asked = query.clone();
        // A measure stays: it decides what may be asked without a type.
        let of_answers = ["shape", "sort", "limit", "cursor", "format", "bom"].map(String::from);
        for name in of_answers.into_iter().chain(bounds()) {
            asked = asked.without(&name);
        }
        Self { answer, question, base, rows: format!("{base}/v1/totals/{}/rows", question.subject.name()), asked }
    }

    /// The rows of the whole.
    pub fn explain(&self) -> String {
        link(&self.rows, &self.asked, None)
    }

    /// The rows of one group.
    pub fn explain_group(&self, group: &Group) -> String {
        let asked = self.asked.with("group", &group.keys.join(" "));
        let asked = group.unit.as_ref().map_or(asked.clone(), |unit| asked.with("unit", unit));
        link(&self.rows, &asked, None)
    }

    /// The page with the rules.
    pub fn method(&self) -> String {
        format!("{}/docs/METHOD.md", self.base)
    }

    /// What counts, or what does not: how many records in each currency, for one reason each.
    pub fn judged(&self, counted: bool) -> Vec<Value> {
        let unit = self.question.subject.unit();
        let judged = self.answer.judged.iter().filter(|judged| judged.reason.is_none() == counted);
        let told = judged.map(|judged| {
            let mut told = json!({"count": judged.count, unit: judged.currency, "inexact": judged.inexact});
            if let Some(of_type) = &judged.of_type {
                told["type"] = json!(of_type);
            }
            // Values of different indicators and dates have no sum.
            if self.question.subject != Subject::Indicators {
                told["amount"] = number(judged.amount.as_ref(), is_money(self.question, Measure::Sum));
                if counted {
                    told["counted"] = number(judged.counted.as_ref(), is_money(self.question, Measure::Sum));
                }
            }
            if let Some(reason) = &judged.reason {
                told["reason"] = json!(reason);
                let asked = self.asked.with("excluded", reason);
                let asked = judged.of_type.as_ref().map_or(asked.clone(), |of_type| asked.with("type", of_type));
                let own = judged.currency.as_ref();
                told["explain"] =
                    link(&self.rows, &own.map_or(asked.clone(), |own| asked.with("unit", own)), None).into();
            }
            told
        });
        told.collect()
    }

    /// What the answer is, beside its groups.
    pub fn meta(&self) -> Value {
        let (answer, question) = (self.answer, self.question);
        let total: Vec<Map<String, Value>> = answer.total.iter().map(|group| self.group(group)).collect();
        let mut meta = json!({
            "measure": question.measures.iter().map(|measure| measure.name()).collect::<Vec<_>>(),
            "group_by": question.dimensions.iter().map(|dimension| dimension.name).collect::<Vec<_>>(),
            "total": total,
            "included": self.judged(true),
            "excluded": self.judged(false),
            "method": {"url": self.method(), "version": METHOD},
            "explain": self.explain(),
        });
        if question.wide {
            meta["columns"] = columns(answer).into_iter().map(|key| self.column(key)).collect();
        } else {
            meta["limit"] = question.limit.into();
        }
        if let Some(conversion) = &question.conversion {
            meta["conversion"] = converted(answer, &conversion.currency, &conversion.basis.to_string());
        }
        if let Some(search) = question.ask.search() {
            meta["search"] = search.readings();
        }
        meta
    }

    /// The document, without its links.
    pub fn json(&self) -> Value {
        let data: Vec<Map<String, Value>> = match self.question.wide {
            true => wide(self.answer, self.question),
            false => self.answer.groups.iter().map(|group| self.group(group)).collect(),
        };
        json!({"data": data, "meta": self.meta()})
    }

    fn group(&self, group: &Group) -> Map<String, Value> {
        let keys = group.keys.iter().enumerate();
        let mut told: Map<String, Value> = keys.flat_map(|(n, key)| told(self.answer, self.question, n, key)).collect();
        told.insert(self.question.subject.unit().into(), json!(group.unit));
        told.extend(measured(self.question, group));
        if !group.keys.is_empty() && !group.keys.iter().any(String::is_empty) {
            told.insert("explain".into(), self.explain_group(group).into());
        }
        told
    }

    /// A second key of a wide answer, under which values stand.
    fn column(&self, key: &str) -> Value {
        let mut column = Map::from_iter([("column".to_owned(), Value::from(key.trim_start_matches(',')))]);
        column.extend(told(self.answer, self.question, 1, key));
        column.into()
    }
}

/// The second keys of a wide answer, in their order.
pub fn columns(answer: &Answer) -> Vec<&str> {
    let mut second: Vec<&str> = answer.groups.iter().map(|group| group.keys[1].as_str()).collect();
    second.sort_unstable();
    second.dedup();
    second
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
pub fn wide(answer: &Answer, question: &Question) -> Vec<Map<String, Value>> {
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
