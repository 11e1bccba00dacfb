//! What a file of the standard said, said again as long as the record says the same.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::activity::Groups;
use super::finding::Severity;
use super::groups::{ATTRIBUTES, ORDER};
use super::parse::Parser;
use super::xml::Element;
use super::{rules, schema};
use crate::record::Original;
use crate::record::original::Standard;

/// The activity or organisation that is `made` of what the register says, with what was read where that still
/// holds: where the digest of the `members` that say the same is as it was. What breaks the standard's
/// schema or its rules was read so, and is not said again.
pub fn restored(
    original: Option<&Original>,
    members: &dyn Fn(&str) -> Option<String>,
    made: impl Fn(&BTreeSet<String>) -> (Element, Groups),
    today: NaiveDate,
) -> Element {
    let original = original.filter(|original| original.standard == Standard::Iati);
    let mut without = BTreeSet::new();
    loop {
        let (activity, groups) = made(&without);
        let whole = put(original, members, activity, groups, &without);
        let is_read = whole.get("register:original").is_some()
            || whole.descendants().iter().any(|element| element.has("register:original"));
        if !is_read {
            return whole;
        }
        let findings = schema::check(&whole).into_iter().chain(rules::check(&whole, today));
        let wrong = findings.filter(|finding| finding.severity == Severity::Error);
        let named = wrong.flat_map(|finding| match finding.parts.is_empty() {
            true => vec![ATTRIBUTES.to_owned()],
            false => finding.parts,
        });
        let more: Vec<String> = named.filter(|name| !without.contains(name)).collect();
        if more.is_empty() {
            return whole;
        }
        without.extend(more);
    }
}

/// The elements in the order of the standard's schema, with those that were read where they still hold and
/// the register has nothing else to say.
fn put(
    original: Option<&Original>,
    members: &dyn Fn(&str) -> Option<String>,
    mut restored: Element,
    mut groups: Groups,
    without: &BTreeSet<String>,
) -> Element {
    let Some(original) = original else {
        restored.set("register:original", Some(""));
        return assembled(restored, groups);
    };
    let mut said = Vec::new();
    // What stands for nothing stated was not there.
    for (_, elements) in groups.iter_mut().filter(|(name, _)| !without.contains(*name)) {
        elements.retain(|element| element.get("register:of") != Some("nothing"));
    }
    // Of what says one thing together all is as it was read, or nothing.
    let family = |name: &str| FAMILIES.iter().find(|family| family.contains(&name)).copied().unwrap_or_default();
    let is_wrong = |name: &str| without.contains(name) || family(name).iter().any(|other| without.contains(*other));
    for name in original.parts.keys().filter(|name| !is_wrong(name)) {
        let Some(elements) = read(original, name, members(name).as_deref()) else { continue };
        said.push(name.as_str());
        match name.as_str() {
            ATTRIBUTES => {
                let was = elements.first().map(Element::attributes).into_iter().flatten();
                let own: Vec<(String, String)> =
                    restored.attributes().filter(|(name, _)| name.starts_with("register:")).map(owned).collect();
                restored = restored.unattributed();
                was.map(owned).chain(own).for_each(|(name, value)| restored.set(&name, Some(&value)));
            }
            "planned-disbursement" | "result" => drop(groups.entry(name.clone()).or_default().splice(0..0, elements)),
            // Sectors without shares are among the tags.
            "tag" => {
                let tags = groups.entry(name.clone()).or_default();
                tags.retain(|tag| tag.has("register:sector-vocabulary"));
                tags.splice(0..0, elements);
            }
            _ => drop(groups.insert(name.clone(), elements)),
        }
    }
    // What was said one way is not said another way too.
    for family in FAMILIES {
        if said.iter().any(|name| family.contains(name)) {
            family.iter().filter(|name| !said.contains(name)).for_each(|name| drop(groups.remove(*name)));
        }
    }
    if said.contains(&"sector") {
        let tags = groups.entry("tag".to_owned()).or_default();
        tags.retain(|tag| !tag.has("register:sector-vocabulary"));
    }
    restored.set("register:original", Some(&said.join(" ")));
    restored.set("register:version", Some(&original.version));
    assembled(restored, groups)
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Elements that say one thing together.
const FAMILIES: [&[&str]; 1] = [&["recipient-country", "recipient-region", "location"]];

/// The elements in their order, those of other namespaces at the end.
fn assembled(mut activity: Element, mut groups: Groups) -> Element {
    for name in ORDER {
        groups.remove(name).into_iter().flatten().for_each(|element| activity.push(element));
    }
    let others = groups.into_iter().filter(|(name, _)| name.contains(':')).flat_map(|(_, elements)| elements);
    others.for_each(|element| activity.push(element));
    activity
}

/// The elements of a part, if it still holds.
pub fn read(original: &Original, name: &str, members: Option<&str>) -> Option<Vec<Element>> {
    let text = original.part(name, members)?;
    let register = super::NAMESPACE;
    let whole = format!(
        "<iati-activities xmlns:register=\"{register}\"><iati-activity>{text}</iati-activity></iati-activities>"
    );
    let mut parser = Parser::begin(std::io::Cursor::new(whole)).ok()?;
    Some(parser.next_element().ok()??.into_children())
}
