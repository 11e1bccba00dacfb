//! What is measured of an activity: each indicator as a `result`.

use std::collections::{BTreeMap, HashSet};

use chrono::{Datelike, NaiveDate};

use super::activity::{inexact, narratives};
use super::xml::Element;
use super::{codes, groups, original};
use crate::collections::indicators::{Direction, Indicator, Measure};
use crate::collections::observations::{Observation, ObservationKind};
use crate::formats::related::Related;
use crate::record::{Original, PartialDate};

/// The results: those that were read, and still say the same, as they were, if that is wanted. Of others nobody
/// stated whether they are outputs or outcomes: they are of another kind.
pub fn results(related: &Related, as_read: bool) -> Vec<Element> {
    let mut observations: BTreeMap<&str, Vec<&Observation>> = BTreeMap::new();
    for observation in &related.observations {
        observations.entry(&observation.indicator.0).or_default().push(observation);
    }
    let mut found = Vec::new();
    let mut said: HashSet<String> = HashSet::new();
    for indicator in related.indicators.iter().filter(|_| as_read) {
        let Some(original) = &indicator.original else { continue };
        let Some((elements, names)) = restored(original, related, &observations) else { continue };
        said.extend(names);
        found.extend(elements);
    }
    let result = |indicator: &Indicator| {
        let of = observations.get(indicator.identifier.0.as_str()).map(Vec::as_slice).unwrap_or_default();
        Element::new("result")
            .attribute("type", "9")
            .attribute("aggregation-status", indicator.additive)
            .with([Element::new("title").with(narratives(&indicator.title)), measured(indicator, of)])
    };
    let others = related.indicators.iter().filter(|indicator| !said.contains(&indicator.identifier.0));
    found.extend(others.map(result));
    found
}

/// Whether some values have no room in the standard.
pub fn leaves_out(related: &Related) -> bool {
    let measure = |of: &Observation| {
        related.indicators.iter().find(|one| one.identifier == of.indicator).map_or(Measure::Unit, |one| one.measure)
    };
    let has_room = |of: &Observation| {
        of.end_date.as_ref().is_some_and(|end| end.days().is_some()) && stated(measure(of), of).is_some()
    };
    !related.observations.iter().all(has_room)
}

/// A result as it was read, with the names of its indicators, if these and their values still say the same.
fn restored(
    original: &Original,
    related: &Related,
    observations: &BTreeMap<&str, Vec<&Observation>>,
) -> Option<(Vec<Element>, Vec<String>)> {
    // Which indicators it has, it says itself.
    let of = original.parts.get("result")?.of.as_deref();
    let mut elements = original::read(original, "result", of)?;
    let indicators = elements.iter_mut().flat_map(Element::children_mut).filter(|one| one.name() == "indicator");
    indicators.for_each(|one| one.set("register:original", Some("true")));
    let named =
        elements.iter().flat_map(|result| result.all("indicator")).filter_map(|one| one.get("register:identifier"));
    let mut names: Vec<String> = named.map(str::to_owned).collect();
    names.sort_unstable();
    let indicators: Vec<&Indicator> =
        related.indicators.iter().filter(|one| names.binary_search(&one.identifier.0).is_ok()).collect();
    let values = names.iter().flat_map(|name| observations.get(name.as_str()).into_iter().flatten().copied());
    let mut values: Vec<&Observation> = values.collect();
    values.sort_by(|a, b| a.identifier.cmp(&b.identifier));
    (indicators.len() == names.len() && of == Some(&groups::result(&indicators, &values))).then_some((elements, names))
}

fn measured(indicator: &Indicator, observations: &[&Observation]) -> Element {
    let ascending = match indicator.direction {
        Some(Direction::Increase) => Some(true),
        Some(Direction::Decrease) => Some(false),
        Some(Direction::Neutral) | None => None,
    };
    let (mut baselines, mut own) = (Vec::new(), Vec::new());
    let mut periods: BTreeMap<(NaiveDate, NaiveDate), (Vec<Said>, Vec<Said>)> = BTreeMap::new();
    for observation in observations {
        // The standard has no value of a time that nobody stated.
        let Some(end) = &observation.end_date else { continue };
        let Some((first, last)) = end.days() else { continue };
        let Some(value) = stated(indicator.measure, observation) else { continue };
        if observation.kind == ObservationKind::Baseline {
            let baseline = Element::new("baseline").attribute("year", last.year()).attribute("iso-date", last);
            baselines.push(said(baseline.attribute_if("register:date", inexact(end)), value, observation));
            own.push(*observation);
            continue;
        }
        let start = observation.start_date.as_ref().and_then(|start| start.days()).map_or(first, |(first, _)| first);
        let (targets, actuals) = periods.entry((start, last)).or_default();
        match observation.kind {
            ObservationKind::Target => targets.push((said(Element::new("target"), value, observation), observation)),
            _ => actuals.push((said(Element::new("actual"), value, observation), observation)),
        }
    }
    let periods: Vec<Element> = periods
        .into_iter()
        .map(|((start, end), (targets, actuals))| {
            let period = Element::new("period").with([
                Element::new("period-start").attribute("iso-date", start),
                Element::new("period-end").attribute("iso-date", end),
            ]);
            let (values, of): (Vec<Element>, Vec<&Observation>) = targets.into_iter().chain(actuals).unzip();
            own.extend(of);
            period.with(values)
        })
        .collect();
    // Values have no room for names of their own; an end says more of a period than its last day.
    let listed = |of: fn(&Observation) -> &str| own.iter().map(|one| of(one)).collect::<Vec<&str>>().join(" ");
    let date = |date: &Option<PartialDate>| date.as_ref().map_or("-", |date| date.0.as_str()).to_owned();
    let dates: Vec<String> =
        own.iter().map(|one| format!("{}/{}", date(&one.start_date), date(&one.end_date))).collect();
    // Nor have numbers of what is measured in words.
    let number =
        |one: &&Observation| one.value.as_ref().map_or("-".to_owned(), |value| value.0.normalize().to_string());
    let numbers = || own.iter().map(number).collect::<Vec<String>>().join(" ");
    let has_numbers = indicator.measure == Measure::Qualitative && own.iter().any(|one| one.value.is_some());
    Element::new("indicator")
        .attribute("measure", codes::measure(indicator.measure))
        .attribute_if("ascending", ascending)
        .attribute("aggregation-status", indicator.additive)
        .attribute("register:identifier", &indicator.identifier.0)
        .attribute("register:values", listed(|one| &one.identifier.0))
        .attribute("register:periods", dates.join(" "))
        .attribute_if("register:numbers", has_numbers.then(numbers))
        .with([Element::new("title").with(narratives(&indicator.title))])
        .with(indicator.description.as_ref().map(|text| Element::new("description").with(narratives(text))))
        .with(baselines)
        .with(periods)
}

/// An element, and the value that it is of.
type Said<'o> = (Element, &'o Observation);

/// The value as its attribute says it, which words have none of; none of what is a number by its
/// measure and was not stated as one.
fn stated(measure: Measure, observation: &Observation) -> Option<Option<String>> {
    let number = observation.value.as_ref().map(|value| value.0.normalize().to_string());
    match measure {
        Measure::Qualitative => Some(None),
        Measure::Nominal | Measure::Ordinal => {
            let words = || observation.value_text.as_ref()?.0.values().next().cloned();
            number.or_else(words).map(Some)
        }
        Measure::Unit | Measure::Percentage => number.map(Some),
    }
}

/// Where it was observed, of whom, and in which words.
fn said(element: Element, value: Option<String>, observation: &Observation) -> Element {
    let place = observation.place.as_ref().map(|place| Element::new("location").attribute("ref", &place.0));
    let beneficiary = observation.beneficiary.as_ref().map(|who| ("beneficiary", &who.0));
    let groups = observation.disaggregation.iter().map(|(name, value)| (name.as_str(), value));
    let dimensions = beneficiary.into_iter().chain(groups);
    let comment = |text| Element::new("comment").with(narratives(text));
    // Where a comment is no comment, that is said.
    let is_marked = observation.note.is_some() || value.is_some() || observation.value.is_some();
    let words = observation.value_text.as_ref().map(comment);
    let words = words.map(|words| words.attribute_if("register:of", is_marked.then_some("value")));
    // There is room for one: where words are the value, the note has none.
    let words = words.or_else(|| observation.note.as_ref().map(comment));
    element
        .attribute_if("value", value)
        .with(place)
        .with(
            dimensions.map(|(name, value)| Element::new("dimension").attribute("name", name).attribute("value", value)),
        )
        .with(words)
}
