//! Paths in an activity, as in XPath: `transaction/value/@currency`, `sector[@vocabulary = '2']`,
//! `//title`, `narrative/text()`. `expression.rs` has what may stand in the brackets.

use std::borrow::Cow;

use super::expression::{Expression, Words};
use crate::formats::iati::xml::Element;

/// A path.
#[derive(Debug, Default)]
pub struct Path(Vec<Step>);

#[derive(Debug)]
struct Step {
    /// Whether it goes down through all that lies between.
    deep: bool,
    to: To,
    /// What must hold of the elements that it comes to.
    filters: Vec<Expression>,
}

#[derive(Debug)]
enum To {
    Elements(String),
    Attribute(String),
    Text,
}

/// What a path comes to: an element, its text or one of its attributes.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// The element.
    pub element: &'a Element,
    /// Name and value of the attribute.
    pub attribute: Option<(&'a str, &'a str)>,
}

impl<'a> Found<'a> {
    /// Its value: of an element the text.
    pub fn value(&self) -> Cow<'a, str> {
        match self.attribute {
            Some((_, value)) => Cow::Borrowed(value),
            None => self.element.raw(),
        }
    }
}

impl Path {
    /// Several, with `|` between them.
    pub fn several(text: &str) -> Option<Vec<Path>> {
        text.split('|').map(str::trim).filter(|path| !path.is_empty()).map(Self::new).collect()
    }

    /// One, and nothing after it.
    pub fn new(text: &str) -> Option<Self> {
        let mut words = Words::new(text);
        let path = Self::parse(&mut words)?;
        words.is_end().then_some(path)
    }

    /// Reads one.
    pub fn parse(words: &mut Words<'_>) -> Option<Self> {
        let mut steps = Vec::new();
        let mut deep = words.skip("//");
        loop {
            let to = match words.skip("@") {
                true => To::Attribute(words.name()?.to_owned()),
                false => match words.name()? {
                    "text" if words.skip("()") => To::Text,
                    name => To::Elements(name.to_owned()),
                },
            };
            let mut filters = Vec::new();
            while words.skip("[") {
                filters.push(Expression::parse(words)?);
                words.skip("]").then_some(())?;
            }
            steps.push(Step { deep, to, filters });
            deep = words.skip("//");
            if !deep && !words.skip("/") {
                return Some(Self(steps));
            }
        }
    }

    /// Tells `f` what it comes to from an element, until it answers that this is enough; `group` is
    /// what `$` stands for.
    pub fn visit<'a>(&self, from: &'a Element, group: &str, f: &mut dyn FnMut(Found<'a>) -> bool) -> bool {
        visit(&self.0, from, group, f)
    }

    /// The same from the element that the path begins with: `iati-activity/sector`.
    pub fn visit_top<'a>(&self, top: &'a Element, f: &mut dyn FnMut(Found<'a>) -> bool) -> bool {
        match self.0.split_first() {
            Some((Step { deep: false, to: To::Elements(name), .. }, rest)) => {
                name == top.name() && visit(rest, top, "", f)
            }
            _ => visit(&self.0, top, "", f),
        }
    }

    /// All that it comes to.
    pub fn all<'a>(&self, from: &'a Element, group: &str) -> Vec<Found<'a>> {
        let mut all = Vec::new();
        self.visit(from, group, &mut |found| {
            all.push(found);
            false
        });
        all
    }

    /// The first that it comes to.
    pub fn first<'a>(&self, from: &'a Element, group: &str) -> Option<Found<'a>> {
        let mut first = None;
        self.visit(from, group, &mut |found| {
            first = Some(found);
            true
        });
        first
    }

    /// The element right in `from` through which it goes.
    pub fn part(&self) -> Option<&str> {
        self.part_at(0)
    }

    /// The same of one that begins with the activity.
    pub fn part_of_top(&self) -> Option<&str> {
        self.part_at(1)
    }

    fn part_at(&self, step: usize) -> Option<&str> {
        match self.0.get(step)? {
            Step { deep: false, to: To::Elements(name), .. } => Some(name),
            _ => None,
        }
    }
}

fn visit<'a>(steps: &[Step], from: &'a Element, group: &str, f: &mut dyn FnMut(Found<'a>) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else { return f(Found { element: from, attribute: None }) };
    match &step.to {
        To::Attribute(name) => from
            .attributes()
            .find(|(other, _)| other == name)
            .is_some_and(|attribute| f(Found { element: from, attribute: Some(attribute) })),
        To::Text => !from.raw().is_empty() && f(Found { element: from, attribute: None }),
        To::Elements(name) => from.children().any(|child| {
            let fits = child.name() == name && step.filters.iter().all(|filter| filter.holds(child, group));
            (fits && visit(rest, child, group, f)) || (step.deep && visit(steps, child, group, f))
        }),
    }
}
