//! What a file of the standard said, said again as long as the record says the same.

use chrono::NaiveDate;

use super::activity::Groups;
use super::groups::{self, ATTRIBUTES, ORDER};
use super::parse::Parser;
use super::xml::Element;
use crate::formats::activity::Activity;
use crate::record::Original;
use crate::record::original::Standard;

/// The activity of these elements in the order of the standard's schema, with those that were read
/// where they still hold and the register has nothing else to say.
pub fn restored(of: &Activity, activity: Element, mut groups: Groups, _today: NaiveDate) -> Element {
    let Some(original) = of.original.as_ref().filter(|original| original.standard == Standard::Iati) else {
        return assembled(activity, groups);
    };
    let mut activity = activity;
    for (name, _) in &original.parts {
        let Some(elements) = read(original, name, groups::members(name, of).as_deref()) else { continue };
        match name.as_str() {
            ATTRIBUTES => {
                let attributes = elements.first().map(Element::attributes).into_iter().flatten();
                attributes.for_each(|(name, value)| activity.set(name, Some(value)));
            }
            "planned-disbursement" | "result" => {
                let all = groups.entry(name.clone()).or_default();
                all.splice(0..0, elements);
            }
            // Countries and regions are written one way or the other.
            "recipient-country" | "recipient-region" => {
                let has = |other: &str| original.parts.contains_key(other);
                groups.retain(|other, _| {
                    !matches!(other.as_str(), "recipient-country" | "recipient-region") || has(other)
                });
                groups.insert(name.clone(), elements);
            }
            _ => drop(groups.insert(name.clone(), elements)),
        }
    }
    assembled(activity, groups)
}

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
    Some(parser.next().ok()??.into_children())
}
