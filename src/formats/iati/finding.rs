//! What is wrong with an activity or organisation of IATI, and where.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::xml::Element;

/// Findings of one rule in one activity; of more, nobody reads the rest, and telling where each stands
/// takes the longer the more there is.
const MOST: usize = 50;

/// How bad it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// Against the standard.
    Error,
    /// Against what the standard recommends.
    Warning,
    /// Worth a look.
    Advisory,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// The rule that is broken: `1.1.3`, `schema.attribute_missing`, `codelist.Sector`.
    #[schema(value_type = String)]
    pub rule: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// The line on which it begins, from 1.
    pub line: i64,
    /// Names of the children of the activity that it is about; none where it is about the activity.
    pub parts: Vec<String>,
    /// Where it is in the activity: `transaction[3]/value/@currency`; empty for the activity itself.
    pub path: String,
    /// What is wrong, in words.
    pub detail: String,
}

/// What was found in one activity.
#[derive(Default)]
pub struct Findings {
    all: Vec<Finding>,
    /// How many there are of each rule.
    counts: HashMap<Cow<'static, str>, usize>,
}

impl Findings {
    /// Adds what `finding` makes, but not where there is enough of its rule.
    #[allow(clippy::ptr_arg, reason = "what is borrowed for ever is kept so")]
    pub fn add(&mut self, rule: &Cow<'static, str>, finding: impl FnOnce() -> Finding) {
        let count = match self.counts.get_mut(rule) {
            Some(count) => count,
            None => self.counts.entry(rule.clone()).or_default(),
        };
        if *count < MOST {
            *count += 1;
            self.all.push(finding());
        }
    }

    /// All of them.
    pub fn into_all(self) -> Vec<Finding> {
        self.all
    }
}

/// An element, and what it stands in, up to the activity.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The element.
    pub element: &'a Element,
    /// What it stands in.
    pub within: Option<&'a Place<'a>>,
}

impl<'a> Place<'a> {
    /// The place of an activity.
    pub fn top(element: &'a Element) -> Self {
        Self { element, within: None }
    }

    /// The place of a child.
    pub fn child(&'a self, element: &'a Element) -> Self {
        Self { element, within: Some(self) }
    }

    /// The child of the activity that it is in.
    pub fn part(&self) -> Option<String> {
        match self.within {
            None => None,
            Some(Place { within: None, .. }) => Some(short(self.element.name())),
            Some(above) => above.part(),
        }
    }

    /// Its path in the activity, with the number of each that has siblings of its name.
    pub fn path(&self) -> String {
        let Some(above) = self.within else { return String::new() };
        let mut path = above.path();
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(&short(self.element.name()));
        let mut same = above.element.all(self.element.name());
        let before = same.by_ref().take_while(|other| !std::ptr::eq(*other, self.element)).count();
        if before > 0 || same.next().is_some() {
            path.push_str(&format!("[{}]", before + 1));
        }
        path
    }

    /// Its path, or that of its attribute.
    pub fn path_of(&self, attribute: Option<&str>) -> String {
        match (self.path(), attribute) {
            (path, None) => path,
            (path, Some(name)) if path.is_empty() => format!("@{name:.100}"),
            (path, Some(name)) => format!("{path}/@{name:.100}"),
        }
    }

    /// Looks for an element in it, and tells `f` its place.
    pub fn locate<T>(&self, element: &Element, f: &mut dyn FnMut(&Place<'_>) -> T) -> Option<T> {
        if std::ptr::eq(self.element, element) {
            return Some(f(self));
        }
        self.element.children().find_map(|child| self.child(child).locate(element, f))
    }
}

/// A name or value as findings tell it: of one that never ends only the beginning.
pub fn short(text: &str) -> String {
    text.chars().take(100).collect()
}
