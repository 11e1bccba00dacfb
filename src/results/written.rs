//! Progress as JSON.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::{Map, Number, Value, json};

use super::checks::Check;
use super::observed::{Observed, Period, Slice};
use super::progress::{Figure, Series, is_met};
use super::read::Known;
use super::roll_up::{Refusal, Rolled};
use crate::collections::indicators::Indicator;
use crate::collections::observations::ObservationKind as Kind;
use crate::http::identifier;
use crate::record::Exactness;

/// Dated values.
type Points = Vec<(Period, Option<Decimal>)>;

/// Writes for one register, at one address.
pub struct Writer<'k> {
    /// What is known.
    pub known: &'k Known,
    /// The address of the register.
    pub base: &'k str,
    /// Items that its lists may still have: one observation may be a part of many wholes.
    left: Cell<usize>,
}

/// Items of all lists of one answer together; further ones are counted.
const ITEMS: usize = 10_000;
/// Values of a chart at most.
const POINTS: usize = 200_000;

/// A number as it is, without zeros at its end.
pub fn number(number: Decimal) -> Value {
    Value::Number(Number::from_string_unchecked(number.normalize().to_string()))
}

fn optional(value: Option<Decimal>) -> Value {
    value.map_or(Value::Null, number)
}

impl<'k> Writer<'k> {
    /// With room for a whole answer.
    pub fn new(known: &'k Known, base: &'k str) -> Self {
        Self { known, base, left: Cell::new(ITEMS) }
    }

    /// A list as long as there is room, and how many are left out.
    fn list<T>(&self, items: &[T], write: impl Fn(&T) -> Value) -> (Value, usize) {
        let room = self.left.get().min(items.len());
        self.left.set(self.left.get() - room);
        (items[..room].iter().map(write).collect::<Vec<_>>().into(), items.len() - room)
    }

    fn named(&self, identifier: Option<&String>) -> Value {
        let Some(identifier) = identifier else { return Value::Null };
        let known = self.known.names.get(identifier);
        let mut named = json!({"identifier": identifier, "name": known.map(|name| name.name())});
        if let Some(note) = known.and_then(|name| name.note()) {
            named["note"] = note;
        }
        named
    }

    fn slice(&self, slice: &Slice) -> Map<String, Value> {
        let members = json!({
            "place": self.named(slice.place.as_ref()),
            "beneficiary": self.named(slice.beneficiary.as_ref()),
            "disaggregation": slice.disaggregation,
        });
        members.as_object().cloned().unwrap_or_default()
    }

    /// A slice in a few words, for the legend of a chart.
    fn label(&self, slice: &Slice) -> String {
        let name = |identifier: &String| {
            let names = self.known.names.get(identifier).map(|name| name.name()).unwrap_or_default();
            let name = names.get("en").or_else(|| names.as_object()?.values().next()).and_then(Value::as_str);
            name.map_or_else(|| identifier.clone(), String::from)
        };
        let who = slice.beneficiary.as_ref().or(slice.place.as_ref()).map(name);
        let words: Vec<String> = who.into_iter().chain(slice.disaggregation.values().cloned()).collect();
        if words.is_empty() { "all".into() } else { words.join(", ") }
    }

    fn observation(&self, one: &Observed) -> Value {
        json!({
            "identifier": one.record.identifier,
            "url": format!("{}{}", self.base, identifier::path("observations", &one.record.identifier.0)),
            "value": optional(one.number()),
            "exactness": one.record.exactness,
            "published": one.published,
            "sources": one.record.sources.iter().map(|citation| &citation.source.0).collect::<BTreeSet<_>>(),
        })
    }

    fn figure(&self, figure: &Figure<'_>) -> Map<String, Value> {
        let text = figure.of.iter().find_map(|one| one.record.value_text.as_ref());
        let mut members = period(&figure.period);
        members.insert("value".into(), optional(figure.value));
        if let Some(text) = text {
            members.insert("value_text".into(), json!(text));
        }
        members.insert("exact".into(), figure.of.iter().all(|one| one.record.exactness == Exactness::Exact).into());
        for (name, observed) in [("observations", &figure.of), ("others", &figure.others)] {
            let (list, omitted) = self.list(observed, |one| self.observation(one));
            members.insert(name.into(), list);
            if omitted > 0 {
                members.insert(format!("{name}_omitted"), omitted.into());
            }
        }
        if !figure.fed.is_empty() {
            members.insert("indicators".into(), fed(&figure.fed));
            members.insert("missing".into(), json!(figure.missing));
        }
        members
    }

    /// One slice: where it started, where it should get to, and how far it is.
    pub fn series(&self, indicator: &Indicator, series: &Series<'_>) -> Value {
        let point = |figure: &Figure<'_>| {
            let target = series.target(figure);
            let achieved = series.achieved(indicator, figure);
            let mut members = self.figure(figure);
            members.insert("target".into(), optional(target.and_then(|target| target.value)));
            members.insert("achieved_percentage".into(), optional(achieved.ok()));
            members.insert("achieved_reason".into(), json!(achieved.err()));
            members.insert(
                "target_met".into(),
                json!(
                    target
                        .filter(|target| figure.missing.is_empty() && target.missing.is_empty())
                        .and_then(|target| is_met(indicator, figure.value, target.value))
                ),
            );
            Value::Object(members)
        };
        let mut members = self.slice(&series.slice);
        members.insert("baseline".into(), json!(series.baseline.as_ref().map(|baseline| self.figure(baseline))));
        let targets: Vec<_> = series.targets.iter().map(|target| self.figure(target)).collect();
        members.insert("targets".into(), json!(targets));
        members.insert("latest".into(), series.actual.last().map_or(Value::Null, point));
        members.insert("actual".into(), series.actual.iter().map(point).collect::<Vec<_>>().into());
        members.into()
    }

    /// A whole against its parts.
    pub fn check(&self, check: &Check<'_>) -> Value {
        let part = |one: &&Observed| {
            let mut members = self.slice(&one.slice());
            members.insert("identifier".into(), json!(one.record.identifier));
            members.insert("value".into(), optional(one.number()));
            Value::Object(members)
        };
        let (parts, omitted) = self.list(&check.parts, part);
        let mut members = self.slice(&check.whole.slice());
        members.insert("kind".into(), json!(check.whole.record.kind));
        members.extend(period(&check.whole.period()));
        members.insert("identifier".into(), json!(check.whole.record.identifier));
        members.insert("value".into(), number(check.value));
        members.insert("by".into(), json!(check.by));
        members.insert("parts".into(), parts);
        if omitted > 0 {
            members.insert("parts_omitted".into(), omitted.into());
        }
        members.insert("count".into(), check.parts.len().into());
        members.insert("sum".into(), number(check.sum));
        members.insert("difference".into(), optional(check.difference()));
        members.insert("adds_up".into(), (check.sum == check.value).into());
        members.into()
    }

    /// What a chart takes as it is: labels, and for each slice and kind a list of values.
    pub fn chart(&self, all: &[Series<'_>]) -> Value {
        let figures = |series: &'_ Series<'_>| -> Vec<(Kind, Points)> {
            let dated = |figures: &[Figure<'_>]| -> Points {
                let dated = figures.iter().filter(|figure| figure.period.end.is_some() && figure.value.is_some());
                // What is made of some of the indicators only would look like a fall.
                let whole = |figure: &Figure<'_>| figure.value.filter(|_| figure.missing.is_empty());
                dated.map(|figure| (figure.period.clone(), whole(figure))).collect()
            };
            vec![
                (Kind::Baseline, dated(series.baseline.as_slice())),
                (Kind::Target, dated(&series.targets)),
                (Kind::Actual, dated(&series.actual)),
            ]
        };
        let lines: Vec<(String, Kind, Points)> = all
            .iter()
            .flat_map(|series| {
                figures(series).into_iter().map(|(kind, points)| (self.label(&series.slice), kind, points))
            })
            .filter(|(_, _, points)| !points.is_empty())
            .collect();
        let periods: BTreeSet<((String, String), Period)> = lines
            .iter()
            .flat_map(|(_, _, points)| points.iter())
            .map(|(period, _)| (period.order(), period.clone()))
            .collect();
        let periods: Vec<&Period> = periods.iter().map(|(_, period)| period).collect();
        if periods.len() * lines.len() > POINTS {
            return Value::Null;
        }
        // A period is told by its end, unless others end then too.
        let label = |period: &&Period| match periods.iter().filter(|other| other.end == period.end).count() {
            1 => period.end.clone().unwrap_or_default(),
            _ => format!("{}/{}", period.start.as_deref().unwrap_or(".."), period.end.as_deref().unwrap_or_default()),
        };
        let datasets = lines.iter().map(|(label, kind, points)| {
            let values: BTreeMap<&Period, Option<Decimal>> =
                points.iter().map(|(period, value)| (period, *value)).collect();
            let data: Vec<Value> =
                periods.iter().map(|period| optional(values.get(period).copied().flatten())).collect();
            json!({"label": label, "kind": kind, "data": data})
        });
        json!({"labels": periods.iter().map(label).collect::<Vec<_>>(), "datasets": datasets.collect::<Vec<_>>()})
    }
}

fn period(period: &Period) -> Map<String, Value> {
    let members = json!({"start_date": period.start, "end_date": period.end});
    members.as_object().cloned().unwrap_or_default()
}

fn fed(of: &[(String, Decimal)]) -> Value {
    of.iter()
        .map(|(indicator, value)| json!({"identifier": indicator, "value": number(*value)}))
        .collect::<Vec<_>>()
        .into()
}

/// What feeds a wider indicator, or why it may not.
pub fn roll_up(feeding: &[&Indicator], refusals: &[Refusal], rolled: &[Rolled]) -> Value {
    let value = |rolled: &Rolled| {
        let mut members = period(&rolled.period);
        members.insert("kind".into(), json!(rolled.kind));
        members.insert("value".into(), number(rolled.value));
        members.insert("indicators".into(), fed(&rolled.of));
        members.insert("missing".into(), json!(rolled.missing));
        members.insert("stated".into(), optional(rolled.stated));
        members
    };
    let refused: Vec<Value> = refusals
        .iter()
        .map(|refusal| json!({"indicator": refusal.indicator, "reason": refusal.reason, "detail": refusal.detail}))
        .collect();
    json!({
        "indicators": feeding.iter().map(|indicator| &indicator.identifier).collect::<Vec<_>>(),
        "values": if refused.is_empty() { json!(rolled.iter().map(value).collect::<Vec<_>>()) } else { Value::Null },
        "refused": refused,
    })
}
