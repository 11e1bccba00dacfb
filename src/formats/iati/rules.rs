//! The ruleset of IATI: what the schema cannot say. `rules/rules.csv` has its rules, `rules/codelists.csv`
//! which codes are from which list; docs/RULES.md explains each rule.

mod codelist;
mod expression;
mod path;
mod rule;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Deserialize;

use super::finding::{Finding, Findings, Place, Severity};
use super::xml::Element;
use path::Path;
use rule::{Kind, Rule};

/// The version of the ruleset.
pub const VERSION: &str = "2.03, 2023-04-05, a88f835";

/// A line of `rules.csv`.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    severity: Severity,
    /// The elements that it is about.
    at: String,
    /// Attributes whose values it is about, one after another: `$`.
    each: String,
    /// When it applies.
    when: String,
    kind: Kind,
    /// What it looks at.
    of: String,
    /// What it holds that against.
    with: String,
    detail: String,
}

/// The rules of one kind of element.
struct Group {
    at: Vec<Path>,
    rules: Vec<Rule>,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_bytes!("rules/rules.csv").as_slice()).into_deserialize().flatten().collect()
});

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let mut groups: Vec<(&str, Group)> = Vec::new();
    for row in ROWS.iter().filter(|row| row.kind != Kind::Outside) {
        let Some(rule) = Rule::new(row) else { continue };
        match groups.iter_mut().find(|(at, _)| *at == row.at) {
            Some((_, group)) => group.rules.push(rule),
            None => {
                let Some(at) = Path::several(&row.at) else { continue };
                groups.push((&row.at, Group { at, rules: vec![rule] }));
            }
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
});

/// The rules that are not applied, as they need more than an activity, with the reason.
pub fn not_applied() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROWS.iter().filter(|row| row.kind == Kind::Outside).map(|row| (row.id.as_str(), row.detail.as_str()))
}

/// What is wrong with one `iati-activity` or `iati-organisation`, as of this day.
pub fn check(element: &Element, today: NaiveDate) -> Vec<Finding> {
    let mut checked = Checked { top: element, today, findings: Findings::default() };
    for group in GROUPS.iter() {
        for at in &group.at {
            at.visit_top(element, &mut |found| {
                group.rules.iter().for_each(|rule| rule.check(found.element, at, &mut checked));
                false
            });
        }
    }
    codelist::check(element, &mut checked.findings);
    checked.findings.into_all()
}

/// An activity that is being checked.
struct Checked<'a> {
    top: &'a Element,
    today: NaiveDate,
    findings: Findings,
}

impl Checked<'_> {
    /// Adds a finding about an element or its attribute; `parts` are those that it is about where that is
    /// the activity itself.
    fn add(&mut self, rule: &'static Rule, element: &Element, attribute: Option<&str>, parts: &[&str], more: &str) {
        let id = Cow::Borrowed(rule.id);
        let top = Place::top(self.top);
        self.findings.add(&id, || {
            let placed = top.locate(element, &mut |place| (place.path_of(attribute), place.part()));
            let (path, part) = placed.unwrap_or_default();
            let parts: BTreeSet<String> = match part {
                Some(part) => [part].into(),
                None => parts.iter().map(|part| (*part).to_owned()).collect(),
            };
            Finding {
                rule: id.clone(),
                severity: rule.severity,
                line: element.line(),
                parts: parts.into_iter().collect(),
                path,
                detail: format!("{}{more}", rule.detail),
            }
        });
    }
}

#[cfg(test)]
mod tests;
