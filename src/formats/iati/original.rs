//! What a file of the standard said, said again as long as the record says the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::activity::Groups;
use super::context::{ASSUMED, ASSUMES, Context, LANGUAGE};
use super::finding::{Finding, Severity};
use super::groups::{ATTRIBUTES, ORDER};
use super::parse::Parser;
use super::xml::Element;
use super::{rules, schema};
use crate::record::original::Standard;
use crate::record::{Original, is_visible};

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
    let mut left = Left::default();
    let mut read = original.map(|original| as_read(original, members)).unwrap_or_default();
    loop {
        let (activity, groups) = made(&left.names);
        let whole = put(original, &read, activity, groups, &left);
        let is_read = whole.get("register:original").is_some()
            || whole.descendants().iter().any(|element| element.has("register:original"));
        if !is_read {
            return whole;
        }
        let findings = schema::check(&whole).into_iter().chain(rules::check(&whole, today));
        let wrong: Vec<Finding> = findings.filter(|finding| finding.severity == Severity::Error).collect();
        if !left.leave(&wrong, &mut read) {
            return whole;
        }
    }
}

/// The parts that still hold.
fn as_read(original: &Original, members: &dyn Fn(&str) -> Option<String>) -> Read {
    let names = original.parts.iter();
    let read = names.filter_map(|(name, part)| {
        let elements = self::read(original, name, members(name).as_deref())?;
        Some((name.clone(), (elements, part.of.is_none())))
    });
    read.collect()
}

/// The elements of each part that holds, and whether nothing else says what they say.
type Read = BTreeMap<String, (Vec<Element>, bool)>;

/// What is not said as it was read, as it breaks the standard.
#[derive(Default)]
struct Left {
    /// Parts.
    names: BTreeSet<String>,
    /// Attributes of the activity itself.
    attributes: BTreeSet<String>,
    /// Of these parts some elements.
    some: BTreeSet<String>,
}

impl Left {
    /// Leaves out as little as findings are about; says whether that is any more than before.
    fn leave(&mut self, wrong: &[Finding], read: &mut Read) -> bool {
        let (mut more, mut single, mut flows) = (false, BTreeSet::new(), BTreeSet::new());
        for finding in wrong {
            let attribute = match LANGUAGE_RULES.contains(&&*finding.rule) {
                true => Some(LANGUAGE),
                false => finding.path.strip_prefix('@').filter(|_| finding.parts.is_empty()),
            };
            if attribute.is_some_and(|attribute| self.attributes.insert(attribute.to_owned())) {
                more = true;
            } else if CURRENCY_RULES.contains(&&*finding.rule) {
                // The amounts are wrong, not that the activity has no currency.
                for (name, (elements, is_alone)) in read.iter() {
                    let unpriced = (0..elements.len()).filter(|n| has_unpriced(&elements[*n]));
                    let mut unpriced = unpriced.map(|n| (name.clone(), n)).peekable();
                    match is_alone {
                        true => single.extend(unpriced),
                        false => more |= unpriced.peek().is_some() && self.names.insert(name.clone()),
                    }
                }
            } else if let Some((name, n)) = one_of(finding, read) {
                single.insert((name.to_owned(), n));
            } else if finding.parts == [FLOW] {
                // Some rules are about all flows together.
                flows.insert(number(finding, FLOW).map_or(FLOW.to_owned(), |n| nth(FLOW, n)));
            } else if finding.parts.is_empty() {
                more |= self.names.insert(ATTRIBUTES.to_owned());
            } else {
                finding.parts.iter().for_each(|name| more |= self.names.insert(name.clone()));
            }
        }
        more |= !single.is_empty();
        // What the register tells is wrong beside others that it does not; and of very many not each is looked at.
        let is_told = flows.iter().any(|flow| self.names.contains(flow));
        flows.into_iter().for_each(|flow| more |= self.names.insert(flow));
        if is_told || self.names.iter().filter(|name| name.starts_with(FLOW)).count() > MOST {
            more |= self.names.insert(FLOW.to_owned());
        }
        // The last first: the others keep their numbers.
        for (name, n) in single.into_iter().rev() {
            read.entry(name.clone()).or_default().0.remove(n);
            self.some.insert(name);
        }
        more
    }

    /// All of which something is left out.
    fn all(&self) -> impl Iterator<Item = &String> {
        self.names.union(&self.some)
    }
}

/// The name of a flow's element.
pub const FLOW: &str = "transaction";
/// So many wrong ones are told one by one.
const MOST: usize = 100;
/// The rules by which texts have a language, of their own or the activity's.
const LANGUAGE_RULES: [&str; 2] = ["4.1.1", "4.5.1"];

/// The rules by which amounts have a currency, of their own or the activity's.
const CURRENCY_RULES: [&str; 2] = ["7.8.1", "7.8.2"];

/// Whether it has an amount without a currency of its own.
fn has_unpriced(element: &Element) -> bool {
    let is_amount = |one: &&Element| matches!(one.name(), "value" | "forecast");
    element.descendants().into_iter().filter(is_amount).any(|one| one.get("currency").is_none_or(str::is_empty))
}

/// The attributes that tell elements apart of which the register says some itself.
fn key(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "activity-date" => Some(&["type"]),
        "document-link" => Some(&["url"]),
        "related-activity" => Some(&["type", "ref"]),
        _ => None,
    }
}

/// The one element, of those that nothing else says or that can be told apart, that a finding is about: its name, and
/// which it is.
fn one_of<'f>(finding: &'f Finding, read: &Read) -> Option<(&'f str, usize)> {
    let [name] = finding.parts.as_slice() else { return None };
    let (elements, is_alone) = read.get(name)?;
    if !is_alone && key(name).is_none() {
        return None;
    }
    let n = number(finding, name)?.checked_sub(1)?;
    (n < elements.len()).then_some((name, n))
}

/// Which of the elements of a name it is about, from 1.
fn number(finding: &Finding, name: &str) -> Option<usize> {
    match finding.path.strip_prefix(name)?.strip_prefix('[') {
        Some(number) => number.split(']').next()?.parse().ok(),
        None => Some(1),
    }
}

/// An element by its name and number, as paths have it.
pub fn nth(name: &str, n: usize) -> String {
    format!("{name}[{n}]")
}

/// The elements in the order of the standard's schema, with those that were read where they still hold and
/// the register has nothing else to say.
fn put(original: Option<&Original>, read: &Read, mut restored: Element, mut groups: Groups, left: &Left) -> Element {
    let without = &left.names;
    let is_elsewhere = |name: &&str| matches!(*name, FLOW | "result") || read.contains_key(*name);
    let all: BTreeSet<&str> = left.all().map(|name| name.split('[').next().unwrap_or_default()).collect();
    let mut omitted: Vec<&str> = all.into_iter().filter(is_elsewhere).collect();
    omitted.extend((!left.attributes.is_empty() && !without.contains(ATTRIBUTES)).then_some(ATTRIBUTES));
    if !omitted.is_empty() {
        let before = restored.get("register:omitted").map(str::to_owned);
        let all: Vec<&str> = before.as_deref().into_iter().chain(omitted).collect();
        restored.set("register:omitted", Some(&all.join(" ")));
    }
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
    for (name, (elements, _)) in read.iter().filter(|(name, _)| !is_wrong(name)) {
        let elements = elements.clone();
        said.push(name.as_str());
        match name.as_str() {
            ATTRIBUTES => {
                if left.attributes.contains(LANGUAGE) && !restored.has(LANGUAGE) {
                    restored.set(LANGUAGE, Some(ASSUMED));
                    restored.set(ASSUMES, Some(LANGUAGE));
                }
                let was = elements.first().map(Element::attributes).into_iter().flatten();
                let own: Vec<(String, String)> =
                    restored.attributes().filter(|(name, _)| name.starts_with("register:")).map(owned).collect();
                let said = was.filter(|(name, _)| !left.attributes.contains(*name)).map(owned);
                // What breaks the standard is as the register says it, where it does.
                let of_register = restored.attributes().filter(|(name, _)| left.attributes.contains(*name)).map(owned);
                let all: Vec<(String, String)> = of_register.chain(said).chain(own).collect();
                restored = restored.unattributed();
                all.into_iter().for_each(|(name, value)| restored.set(&name, Some(&value)));
            }
            "planned-disbursement" | "result" => drop(groups.entry(name.clone()).or_default().splice(0..0, elements)),
            // Sectors without shares are among the tags.
            "tag" => {
                let tags = groups.entry(name.clone()).or_default();
                tags.retain(|tag| tag.has("register:sector-vocabulary"));
                tags.splice(0..0, elements);
            }
            _ => {
                let mut own = groups.insert(name.clone(), elements).unwrap_or_default();
                // What stands for a member of its own stands beside.
                let websites = own.extract_if(.., |one| one.get("register:of") == Some("website"));
                groups.entry(name.clone()).or_default().extend(websites);
                // In the place of those that are left out stands what the register says.
                if let Some(key) = key(name).filter(|_| left.some.contains(name)) {
                    fill(groups.entry(name.clone()).or_default(), own, key);
                }
            }
        }
    }
    // What was said one way is not said another way too.
    for family in FAMILIES {
        if said.iter().any(|name| family.contains(name)) {
            family.iter().filter(|name| !said.contains(name)).for_each(|name| drop(groups.remove(*name)));
        }
    }
    if said.contains(&"budget") {
        groups.remove("register:budget");
    }
    if said.contains(&"sector") {
        let tags = groups.entry("tag".to_owned()).or_default();
        tags.retain(|tag| !tag.has("register:sector-vocabulary"));
    }
    // Who has no reference goes by name, per who reported.
    if restored.name() == "iati-activity" && !said.contains(&"reporting-org") {
        groups.insert("register:reporter".to_owned(), vec![reporter(original)]);
    }
    restored.set("register:original", Some(&said.join(" ")));
    restored.set("register:version", Some(&original.version));
    assembled(restored, groups)
}

/// Puts in what is missing of the register's own, each after the one that it follows there.
fn fill(all: &mut Vec<Element>, own: Vec<Element>, key: &[&str]) {
    // The register joins what stands in one language, and sorts the languages.
    let titles = |of: &Element| -> Vec<String> {
        let narratives = of.all("title").flat_map(|title| title.all("narrative"));
        narratives.map(Element::words).filter(|words| is_visible(words)).collect()
    };
    let (mut next, mut is_said) = (0, vec![false; all.len()]);
    for one in own {
        let mine = titles(&one);
        let is_date = one.name() == "activity-date";
        let is_it = |other: &Element| {
            // A day that is said as planned need not be said as actual.
            if is_date && side(&one) == side(other) && one.get("iso-date") == other.get("iso-date") {
                return true;
            }
            let read = titles(other);
            let is_called_so = read.iter().any(|read| mine.iter().any(|mine| mine.contains(read.as_str())));
            key.iter().all(|part| one.get(part) == other.get(part))
                && (is_called_so || mine.is_empty() && read.is_empty())
        };
        match (0..all.len()).find(|at| !is_said[*at] && is_it(&all[*at])) {
            Some(at) => {
                // There is one day of each type: the one that the register has.
                if is_date && one.get("iso-date") != all[at].get("iso-date") {
                    all[at] = one;
                }
                (is_said[at], next) = (true, at + 1);
            }
            None => {
                all.insert(next, one);
                is_said.insert(next, true);
                next += 1;
            }
        }
    }
}

/// Whether a date is of the beginning or the end.
fn side(date: &Element) -> Option<bool> {
    date.get("type").map(|of_type| matches!(of_type, "1" | "2"))
}

/// Who reported what was read, where that is not said as it was.
fn reporter(original: &Original) -> Element {
    let was = read(original, "reporting-org", None).unwrap_or_default().into_iter().next();
    let was = was.unwrap_or_else(|| Element::new("reporting-org"));
    let name = was.all("narrative").map(Element::words).find(|words| is_visible(words));
    Element::new("register:reporter")
        .attribute_if("ref", was.get("ref"))
        .attribute_if("secondary-reporter", was.get("secondary-reporter"))
        .attribute_if("name", name)
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
    let context = Context::of(&activity);
    activity.children_mut().for_each(|child| context.leave(child));
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
