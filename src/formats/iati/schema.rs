//! Whether an activity or organisation has what the schema of IATI 2.03 asks for, in its order. The
//! facts stand in `schema.txt`. What is in elements of other namespaces is theirs, and not looked at.

mod types;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::finding::{Finding, Findings, Place, Severity, short};
use super::xml::Element;
use types::Type;

/// What may be in an element.
#[derive(Default)]
struct Shape {
    attributes: Vec<Attribute>,
    /// Whether it has attributes of other namespaces.
    foreign: bool,
    /// The type of its text; none of one that has elements instead.
    text: Option<Type>,
    children: Vec<Child>,
    /// Whether it may have whatever it wants.
    anything: bool,
}

struct Attribute {
    name: &'static str,
    required: bool,
    of: Type,
}

/// Elements of one name in another; `*` for those of other namespaces.
struct Child {
    name: &'static str,
    shape: usize,
    required: bool,
    several: bool,
}

static SHAPES: LazyLock<Vec<(&'static str, Shape)>> = LazyLock::new(|| {
    let lines = include_str!("schema.txt").lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<(&str, &str)> = lines.map(|line| line.split_once(' ').unwrap_or((line, ""))).collect();
    let numbers: HashMap<&str, usize> = lines.iter().enumerate().map(|(number, (name, _))| (*name, number)).collect();
    lines.iter().map(|(name, facts)| (*name, shape(name, facts, &numbers))).collect()
});

/// One line of the facts.
fn shape(name: &str, facts: &'static str, numbers: &HashMap<&str, usize>) -> Shape {
    let own = name.rsplit('/').next().unwrap_or(name);
    let mut shape = Shape::default();
    for fact in facts.split(' ') {
        if fact == "@*" {
            shape.foreign = true;
        } else if fact == ":any" {
            shape.anything = true;
        } else if let Some(attribute) = fact.strip_prefix('@') {
            let (name, of) = attribute.split_once(':').unwrap_or((attribute, "string"));
            let required = name.ends_with('!');
            let of = of.parse().unwrap_or(Type::String);
            shape.attributes.push(Attribute { name: name.trim_end_matches('!'), required, of });
        } else if let Some(of) = fact.strip_prefix(':') {
            shape.text = Some(of.parse().unwrap_or(Type::String));
        } else if fact == "*" {
            shape.children.push(Child { name: "*", shape: 0, required: false, several: true });
        } else {
            let name = fact.trim_end_matches(['?', '*', '+']);
            let number = numbers.get(format!("{own}/{name}").as_str()).or_else(|| numbers.get(name));
            let (required, several) = (!fact.ends_with(['?', '*']), fact.ends_with(['*', '+']));
            shape.children.extend(number.map(|shape| Child { name, shape: *shape, required, several }));
        }
    }
    shape
}

/// What is wrong with one `iati-activity` or `iati-organisation`: nothing, exactly where it is valid.
pub fn check(element: &Element) -> Vec<Finding> {
    let mut checked = Checked::default();
    match SHAPES.iter().find(|(name, _)| *name == element.name()) {
        Some((_, shape)) => checked.element(&Place::top(element), shape),
        None => checked.add("schema.element_unknown", &Place::top(element), None, "IATI has no such element".into()),
    }
    checked.findings.into_all()
}

#[derive(Default)]
struct Checked {
    findings: Findings,
}

impl Checked {
    fn add(&mut self, rule: &'static str, place: &Place<'_>, attribute: Option<&str>, detail: String) {
        self.add_part(rule, place, attribute, place.part(), detail);
    }

    fn add_part(
        &mut self,
        rule: &'static str,
        place: &Place<'_>,
        attribute: Option<&str>,
        part: Option<String>,
        detail: String,
    ) {
        let rule = rule.into();
        self.findings.add(&rule, || Finding {
            rule: rule.clone(),
            severity: Severity::Error,
            line: place.element.line(),
            parts: part.into_iter().collect(),
            path: place.path_of(attribute),
            detail,
        });
    }

    fn element(&mut self, place: &Place<'_>, shape: &Shape) {
        if shape.anything {
            return;
        }
        self.attributes(place, shape);
        match shape.text {
            Some(of) => self.text(place, of),
            None => self.children(place, shape),
        }
    }

    fn attributes(&mut self, place: &Place<'_>, shape: &Shape) {
        let mut required = shape.attributes.iter().filter(|attribute| attribute.required).count();
        for (name, value) in place.element.attributes() {
            let of = match shape.attributes.iter().find(|attribute| attribute.name == name) {
                Some(attribute) => {
                    required = required.saturating_sub(usize::from(attribute.required));
                    Some(attribute.of)
                }
                None => foreign(name, shape.foreign),
            };
            match of {
                Some(of) if !of.has(value) => {
                    let detail = format!("{:?} is not {}", short(value), of.words());
                    self.add("schema.value_invalid", place, Some(name), detail);
                }
                Some(_) => {}
                None => {
                    let detail = format!("<{}> has no attribute {name:.100}", place.element.name());
                    self.add("schema.attribute_unknown", place, Some(name), detail);
                }
            }
        }
        if required == 0 {
            return;
        }
        for attribute in shape.attributes.iter().filter(|attribute| attribute.required) {
            if place.element.attributes().all(|(name, _)| name != attribute.name) {
                let detail = format!("<{}> needs the attribute {}", place.element.name(), attribute.name);
                self.add("schema.attribute_missing", place, Some(attribute.name), detail);
            }
        }
    }

    fn text(&mut self, place: &Place<'_>, of: Type) {
        for child in place.element.children().filter(|child| !is_ours(child.name())) {
            let detail = format!("<{}> has only text", place.element.name());
            self.add("schema.element_unknown", &place.child(child), None, detail);
        }
        let value = place.element.raw();
        if !of.has(&value) {
            self.add("schema.value_invalid", place, None, format!("{:?} is not {}", short(&value), of.words()));
        }
    }

    fn children(&mut self, place: &Place<'_>, shape: &Shape) {
        let name = place.element.name();
        if !place.element.raw().trim().is_empty() {
            self.add("schema.text_unexpected", place, None, format!("<{name}> has elements and no text of its own"));
        }
        let mut counts = vec![0_usize; shape.children.len()];
        let (mut last, mut in_order) = (0, true);
        for child in place.element.children().filter(|child| !is_ours(child.name())) {
            let wanted = if is_foreign(child) { "*" } else { child.name() };
            // Where the last one was, or a little later, is where the next one mostly is.
            let mut found = (last..counts.len()).chain(0..last);
            let Some(number) = found.find(|number| shape.children[*number].name == wanted) else {
                let detail = format!("<{name}> has no <{:.100}> in it", child.name());
                self.add("schema.element_unknown", &place.child(child), None, detail);
                continue;
            };
            let known = &shape.children[number];
            counts[number] += 1;
            if counts[number] == 2 && !known.several {
                let detail = format!("<{name}> has at most one <{}>", child.name());
                self.add("schema.element_repeated", &place.child(child), None, detail);
            }
            if number < last && in_order {
                in_order = false;
                let before = shape.children[last].name;
                let before = if before == "*" { "elements of other namespaces".into() } else { format!("<{before}>") };
                let detail = format!("<{}> comes before {before}", child.name());
                self.add("schema.element_order", &place.child(child), None, detail);
            }
            last = last.max(number);
            if wanted != "*" {
                self.element(&place.child(child), &SHAPES[known.shape].1);
            }
        }
        for (known, _) in shape.children.iter().zip(&counts).filter(|(known, count)| known.required && **count == 0) {
            // Of the activity itself, the part is the one that is missing.
            let part = place.part().or_else(|| Some(known.name.to_owned()));
            let detail = format!("<{name}> needs a <{}>", known.name);
            self.add_part("schema.element_missing", place, None, part, detail);
        }
    }
}

/// The type of an attribute that the schema does not name; none of one that may not be there.
fn foreign(name: &str, allowed: bool) -> Option<Type> {
    match name.split_once(':') {
        None if name == "xmlns" => Some(Type::String),
        Some(("xmlns" | "register", _)) => Some(Type::String),
        Some(("xsi", "schemaLocation" | "noNamespaceSchemaLocation")) => Some(Type::String),
        // No element of IATI can be nil.
        Some(("xsi", "nil")) | None => None,
        Some(_) if !allowed => None,
        Some(("xml", "lang")) => Some(Type::Language),
        Some(("xml", "space")) => Some(Type::Space),
        Some(("xml", "base")) => Some(Type::AnyUri),
        Some(_) => Some(Type::String),
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with("register:")
}

fn is_foreign(element: &Element) -> bool {
    element.name().contains(':') || element.get("xmlns").is_some()
}

/// Whether there is an element of this path with this attribute, or with text where that is empty.
#[cfg(test)]
pub fn knows(path: &str, attribute: &str) -> bool {
    let mut names = path.split('/');
    let top = SHAPES.iter().find(|(name, _)| Some(*name) == path.split('/').next()).map(|(_, shape)| shape);
    names.next();
    let found = names.try_fold(top, |shape, name| {
        let child = shape?.children.iter().find(|child| child.name == name)?;
        Some(Some(&SHAPES[child.shape].1))
    });
    found.flatten().is_some_and(|shape| match attribute {
        "" => shape.text.is_some(),
        _ => shape.attributes.iter().any(|known| known.name == attribute),
    })
}

#[cfg(test)]
mod tests;
