//! Codes that are not in the lists which the standard names for them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::codelists::{self, Codelist};
use crate::formats::iati::finding::{Finding, Findings, Place, Severity, short};
use crate::formats::iati::xml::Element;

/// The lists that are a part of the standard, and change only with it.
const CORE: [&str; 9] = [
    "ActivityDateType",
    "ActivityStatus",
    "BudgetStatus",
    "BudgetType",
    "DocumentCategory",
    "GazetteerAgency",
    "OrganisationRole",
    "RelatedActivityType",
    "TransactionType",
];

/// A line of `codelists.csv`.
#[derive(Debug, Deserialize)]
struct Row {
    /// The path of the element.
    element: String,
    /// Its attribute; none where its text is the code.
    attribute: String,
    list: String,
    /// The vocabulary in which it is; 1 is also that of those which name none.
    vocabulary: String,
}

/// The elements of one path.
#[derive(Default)]
struct Step {
    children: HashMap<&'static str, usize>,
    codes: Vec<(&'static Row, &'static Codelist)>,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_bytes!("codelists.csv").as_slice()).into_deserialize().flatten().collect()
});

/// All steps of all paths; the first is where they begin.
static STEPS: LazyLock<Vec<Step>> = LazyLock::new(|| {
    let mut steps = vec![Step::default()];
    for row in ROWS.iter() {
        let Some(list) = codelists::find(&row.list) else { continue };
        let mut at = 0;
        for name in row.element.split('/') {
            let next = steps.len();
            at = *steps[at].children.entry(name).or_insert(next);
            if at == next {
                steps.push(Step::default());
            }
        }
        steps[at].codes.push((row, list));
    }
    steps
});

static LANGUAGES: LazyLock<Option<&'static Codelist>> = LazyLock::new(|| codelists::find("Language"));

/// Adds what is wrong with the codes of an activity.
pub fn check(element: &Element, findings: &mut Findings) {
    walk(&Place::top(element), step(&STEPS[0], element), findings);
}

fn step(above: &Step, element: &Element) -> Option<&'static Step> {
    above.children.get(element.name()).map(|number| &STEPS[*number])
}

fn walk(place: &Place<'_>, at: Option<&'static Step>, findings: &mut Findings) {
    for (name, value) in place.element.attributes() {
        if name == "xml:lang" {
            check_language(place, value, findings);
        }
        for (row, list) in at.iter().flat_map(|step| &step.codes).filter(|(row, _)| row.attribute == name) {
            check_code(place, row, list, value, findings);
        }
    }
    for (row, list) in at.iter().flat_map(|step| &step.codes).filter(|(row, _)| row.attribute.is_empty()) {
        check_code(place, row, list, &place.element.words(), findings);
    }
    for child in place.element.children() {
        walk(&place.child(child), at.and_then(|at| step(at, child)), findings);
    }
}

fn check_code(place: &Place<'_>, row: &'static Row, list: &Codelist, value: &str, findings: &mut Findings) {
    if !row.vocabulary.is_empty() {
        let named = place.element.attributes().find(|(name, _)| *name == "vocabulary").map_or("1", |(_, value)| value);
        if named != row.vocabulary {
            return;
        }
    }
    if list.code(value).is_none() {
        let attribute = Some(row.attribute.as_str()).filter(|name| !name.is_empty());
        add(place, attribute, list, value, findings);
    }
}

/// Languages are in no matter what letter case, and may say more than the list does: `sr-Latn`.
fn check_language(place: &Place<'_>, value: &str, findings: &mut Findings) {
    let Some(list) = *LANGUAGES else { return };
    let language = value.split('-').next().unwrap_or_default();
    if !value.is_empty() && list.code(&language.to_ascii_lowercase()).is_none() {
        add(place, Some("xml:lang"), list, value, findings);
    }
}

fn add(place: &Place<'_>, attribute: Option<&str>, list: &Codelist, value: &str, findings: &mut Findings) {
    let severity = match list.complete {
        true if CORE.contains(&list.name.as_str()) => Severity::Error,
        true => Severity::Warning,
        // Such a list says itself that there are others.
        false => Severity::Advisory,
    };
    let rule = Cow::Owned(format!("codelist.{}", list.name));
    findings.add(&rule, || Finding {
        rule: rule.clone(),
        severity,
        line: place.element.line(),
        parts: place.part().into_iter().collect(),
        path: place.path_of(attribute),
        detail: format!("{:?} is no code of {}", short(value), list.name),
    });
}
