//! A rule of the ruleset, and how it is checked.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;

use super::expression::Expression;
use super::path::{Found, Path};
use super::{Checked, Row};
use crate::formats::iati::finding::{Severity, short};
use crate::formats::iati::xml::Element;

/// Different values that a rule looks at one after another: more than vocabularies there are, and too
/// few for someone to keep us busy with.
const GROUPS: usize = 50;
/// Days of the longest year.
const YEAR: i64 = 366;
/// How far sums of shares may be off, as some shares are no sums of halves.
const CLOSE: f64 = 1e-9;

/// What a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// That a condition holds.
    Require,
    /// That no value is there twice.
    Distinct,
    /// That the first value begins with one of others and a hyphen.
    Begins,
    /// That days are not to come.
    Past,
    /// That one day is not after another.
    Ordered,
    /// That days are not before one day nor after another.
    Within,
    /// That one day is at most a year after another.
    Year,
    /// That identifiers have no symbols in them that are none of theirs.
    Symbols,
    /// That there are no spaces around values.
    Trimmed,
    /// That shares are 100 together.
    Total,
    /// That shares are from 0 to 100.
    Share,
    /// Something that an activity alone does not tell.
    Outside,
}

/// A rule.
pub struct Rule {
    /// Its number in the ruleset.
    pub id: &'static str,
    /// How bad it is to break it.
    pub severity: Severity,
    /// What is wrong where it is broken.
    pub detail: &'static str,
    kind: Kind,
    each: Option<Path>,
    when: Option<Expression>,
    require: Option<Expression>,
    of: Vec<Path>,
    with: Vec<Path>,
}

impl Rule {
    /// The rule of a line; none of one that nobody can read.
    pub fn new(row: &'static Row) -> Option<Self> {
        let condition = |text: &str| match text {
            "" => Some(None),
            text => Expression::new(text).map(Some),
        };
        let (require, of) = match row.kind {
            Kind::Require => (condition(&row.of)?, Vec::new()),
            _ => (None, Path::several(&row.of)?),
        };
        Some(Self {
            id: &row.id,
            severity: row.severity,
            detail: &row.detail,
            kind: row.kind,
            each: if row.each.is_empty() { None } else { Some(Path::new(&row.each)?) },
            when: condition(&row.when)?,
            require,
            of,
            with: Path::several(&row.with)?,
        })
    }

    /// Checks an element that `at` came to.
    pub fn check(&'static self, element: &Element, at: &Path, checked: &mut Checked<'_>) {
        let Some(each) = &self.each else { return self.check_group(element, "", at, checked) };
        let mut groups = BTreeSet::new();
        each.visit(element, "", &mut |found| {
            groups.insert(found.value());
            groups.len() == GROUPS
        });
        for group in groups {
            self.check_group(element, &group, at, checked);
        }
    }

    fn check_group(&'static self, element: &Element, group: &str, at: &Path, checked: &mut Checked<'_>) {
        if self.when.as_ref().is_some_and(|when| !when.holds(element, group)) {
            return;
        }
        if let Some(wrong) = self.wrong(element, group, checked.today) {
            let parts = self.parts(at);
            for (found, more) in wrong {
                checked.add(self, found.element, found.attribute.map(|(name, _)| name), &parts, &more);
            }
        }
    }

    /// What breaks the rule, with what is to be said of it; none of what keeps it.
    fn wrong<'a>(&self, element: &'a Element, group: &str, today: NaiveDate) -> Option<Vec<(Found<'a>, String)>> {
        let whole = |is_wrong: bool| is_wrong.then(|| vec![(Found { element, attribute: None }, String::new())]);
        let each = |is_wrong: &dyn Fn(&str) -> bool| {
            let mut wrong = Vec::new();
            for path in &self.of {
                path.visit(element, group, &mut |found| {
                    let value = found.value();
                    if is_wrong(&value) {
                        wrong.push((found, format!(": {:?}", short(&value))));
                    }
                    false
                });
            }
            (!wrong.is_empty()).then_some(wrong)
        };
        let first = |paths: &[Path], number: usize| {
            paths.get(number).and_then(|path| path.first(element, group)).and_then(|found| day(&found.value()))
        };
        match self.kind {
            Kind::Require => whole(self.require.as_ref().is_some_and(|require| !require.holds(element, group))),
            Kind::Distinct => {
                let values: Vec<_> = self.of.iter().flat_map(|path| path.all(element, group)).collect();
                let different: BTreeSet<_> = values.iter().map(Found::value).collect();
                whole(different.len() < values.len())
            }
            Kind::Begins => {
                let value = self.of.first()?.first(element, group)?.value();
                let mut with = self.with.iter();
                let has_prefix =
                    |found: Found<'_>| value.strip_prefix(&*found.value()).is_some_and(|rest| rest.starts_with('-'));
                whole(!with.any(|path| path.visit(element, group, &mut |found| has_prefix(found))))
            }
            Kind::Past => each(&|value| day(value).is_some_and(|day| day > today)),
            Kind::Ordered => {
                let (start, end) = (first(&self.of, 0)?, first(&self.with, 0)?);
                let found = self.of.first()?.first(element, group)?;
                (start > end).then(|| vec![(found, format!(": {start}, {end}"))])
            }
            Kind::Within => {
                let (start, end) = (first(&self.with, 0)?, first(&self.with, 1)?);
                each(&|value| day(value).is_some_and(|day| day < start || day > end))
            }
            Kind::Year => {
                let (start, end) = (first(&self.of, 0)?, first(&self.with, 0)?);
                whole((end - start).num_days() > YEAR)
            }
            Kind::Symbols => each(&|value| value.is_empty() || value.contains(['/', '&', '|', '?'])),
            Kind::Trimmed => each(&|value| value.trim() != value),
            Kind::Total => {
                let values = self.of.iter().flat_map(|path| path.all(element, group));
                let values: Option<Vec<f64>> = values.map(|found| share(&found.value())).collect();
                // What is no number is a fault of its own.
                let values = values.filter(|values| !values.is_empty())?;
                let off = (values.iter().sum::<f64>() - 100.0).abs();
                whole(off.is_nan() || off > CLOSE)
            }
            Kind::Share => each(&|value| share(value).is_some_and(|share| !(0.0..=100.0).contains(&share))),
            Kind::Outside => None,
        }
    }

    /// The children of the activity that it is about.
    fn parts<'a>(&'a self, at: &'a Path) -> Vec<&'a str> {
        if let Some(part) = at.part_of_top() {
            return vec![part];
        }
        let paths = self.of.iter().chain(&self.with).chain(&self.each).filter_map(Path::part);
        paths.chain(self.require.iter().flat_map(Expression::parts)).collect()
    }
}

/// The day of a date or a time.
fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.trim().get(..10)?, "%Y-%m-%d").ok().filter(|day| day.year() > 0)
}

/// The number that a share is.
fn share(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}
