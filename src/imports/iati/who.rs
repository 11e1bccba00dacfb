//! How a file of IATI names somebody: by the register's identifier, a reference or a name.

use super::words::{slug, spelt};
use crate::codelists;
use crate::formats::iati::xml::Element;
use crate::imports::known::Known;
use crate::record::is_visible;

/// How somebody is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// By the register's identifier, in a file of its own, which says whether it is a beneficiary.
    Identifier(String, bool),
    /// By a reference.
    Reference(String),
    /// By a name alone, by whoever reports.
    Name(String, String),
}

/// Who reports an activity.
#[derive(Debug, Clone, Default)]
pub struct Reporting {
    /// Who that is.
    pub who: Option<Who>,
    /// What it calls itself, as names are compared.
    name: Option<String>,
}

impl Reporting {
    /// Who reports an activity: by any reference of its own, as long as it is not one of a kind.
    pub fn of(activity: &Element) -> Self {
        let own = |one: &String| tells_apart(one) || !is_kind(one);
        let element = reporting_org(activity);
        let name = element.as_ref().and_then(name).as_deref().map(slug);
        let reference = element.as_ref().and_then(|element| element.get("ref"));
        let reference = reference.map(canonical).filter(own).map(Who::Reference);
        let who = reference.or_else(|| Some(Who::Name(String::new(), name.clone()?)));
        Self { who, name }
    }

    /// What names are told apart by that it gives to others.
    fn by(&self) -> &str {
        match &self.who {
            Some(Who::Reference(by) | Who::Identifier(by, _) | Who::Name(_, by)) => by,
            None => "",
        }
    }
}

/// The element of who reports an activity: in the register's own files the one that was read, where the standard's says
/// something else.
pub fn reporting_org(activity: &Element) -> Option<Element> {
    let Some(was) = activity.first("register:reporter") else { return activity.first("reporting-org").cloned() };
    let name = was.get("name").map(|name| Element::new("narrative").text(name));
    let element = Element::new("reporting-org").attribute_if("ref", was.get("ref"));
    Some(element.attribute_if("secondary-reporter", was.get("secondary-reporter")).with(name))
}

impl Who {
    /// Who an element names; nobody where it says nothing.
    pub fn of(element: &Element, reporting: &Reporting) -> Option<Who> {
        if let Some(own) = element.get("register:identifier") {
            let is_beneficiary = element.get("register:collection") == Some("beneficiaries");
            return Some(Self::Identifier(own.to_owned(), is_beneficiary));
        }
        let reference = element.get("ref").map(canonical);
        let is_reporting = |one: &String| reporting.who.as_ref().and_then(Who::reference) == Some(one.as_str());
        if let Some(reference) = reference.filter(|one| is_reporting(one) || tells_apart(one)) {
            return Some(Self::Reference(reference));
        }
        let name = slug(&name(element)?);
        match reporting.name.as_ref() == Some(&name) {
            true => reporting.who.clone(),
            false => Some(Self::Name(reporting.by().to_owned(), name)),
        }
    }

    /// The reference, where there is one.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Reference(reference) => Some(reference),
            _ => None,
        }
    }

    /// What a new record of it is called.
    pub fn name(&self, known: &Known) -> String {
        self.name_by(known, known.writer())
    }

    /// What it is called by a writer.
    pub fn name_by(&self, known: &Known, writer: Option<&str>) -> String {
        let given = match self {
            Self::Identifier(identifier, _) => return identifier.clone(),
            Self::Reference(reference) => spelt(reference),
            Self::Name(by, slug) if by.is_empty() => format!("org-{slug}"),
            Self::Name(by, slug) => format!("{}-org-{slug}", spelt(by)),
        };
        known.name_by(&given, writer)
    }
}

/// The first words of a name.
pub fn name(element: &Element) -> Option<String> {
    element.all("narrative").map(Element::words).find(|words| is_visible(words))
}

/// The list of the OECD's codes of channels and agencies.
const CHANNELS: &str = "XM-DAC-";

/// The code of a channel: one of the list, or one with capitals that the list has dropped (`41AAA`). Other numbers of
/// five digits are their publisher's own.
fn is_code(text: &str) -> bool {
    let is_listed = || codelists::find("CRSChannelCode").is_some_and(|list| list.code(text).is_some());
    is_like_code(text) && (text.bytes().any(|b| b.is_ascii_uppercase()) || is_listed())
}

/// Two digits and three more, or capitals.
fn is_like_code(text: &str) -> bool {
    let (kind, rest) = text.as_bytes().split_at(text.len().min(2));
    let is_rest = |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase();
    text.len() == 5 && kind.iter().all(u8::is_ascii_digit) && rest.iter().all(is_rest)
}

/// A reference as it is spelt in full: a code of the OECD's with the name of its list.
pub fn canonical(reference: &str) -> String {
    let reference = reference.trim();
    match reference.strip_prefix("DAC-").unwrap_or(reference) {
        code if code != reference || is_code(code) => format!("{CHANNELS}{code}"),
        _ => reference.to_owned(),
    }
}

/// Whether a reference is one body's: a country or an international agency, a list and a code, or the code of a channel of
/// the OECD that is no kind of channel. `22000`, `N/A`, `NO-REF` and `10-Government` stand for many.
fn tells_apart(reference: &str) -> bool {
    const WORDS: [&str; 14] = ["AM", "AS", "AT", "BE", "BY", "DO", "IN", "IS", "IT", "ME", "MY", "NO", "SO", "TO"];
    const KINDS: [&str; 8] = ["10", "11", "12", "13", "60", "61", "62", "63"];
    let has_digit = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    if let Some(code) = reference.strip_prefix(CHANNELS) {
        return has_digit(code) && !(is_like_code(code) && (code.ends_with("000") || KINDS.contains(&&code[..2])));
    }
    reference.split_once('-').is_some_and(|(agency, code)| {
        let is_list = agency.len() == 2 && agency.bytes().all(|b| b.is_ascii_alphabetic());
        let is_coded = has_digit(code) || !reference.bytes().any(|b| b.is_ascii_lowercase());
        // Those of Norway, Tonga and India have digits; `NO-REF`, `TO-BE-CONFIRMED` and `IN-KIND` are none of it.
        let is_words = WORDS.contains(&agency) && !has_digit(code);
        is_list && is_coded && !is_words && !code.is_empty() && !code.ends_with('-')
    })
}

/// Whether a reference is none at all, or the code of a kind of bodies.
fn is_kind(reference: &str) -> bool {
    let words = ["N/A", "NA", "NONE", "NULL", "UNKNOWN", "TBC", "TBD", "OTHER"];
    let is_word = words.iter().any(|word| reference.eq_ignore_ascii_case(word));
    is_word || reference.starts_with(CHANNELS) || !reference.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::{canonical, is_kind, tells_apart};

    #[test]
    fn codes_of_kinds_tell_nobody_apart() {
        for one in [
            "XM-DAC-41114",
            "41114",
            "41AAA",
            "DAC-1601",
            "NO-BRC-971277882",
            "GB-1",
            "GB-CHC-1164859",
            "XI-IATI-CABI",
            "XM-DAC-7",
            "nl-kvk-41152786",
            "AR-ORG-EC",
        ] {
            assert!(tells_apart(&canonical(one)), "{one}");
        }
        for many in [
            "22000",
            "XM-DAC-22000",
            "12001",
            "N/A",
            "#",
            "Excluded",
            "70-Private Sector",
            "Not-available",
            "Non-profit",
            "NON-PROFIT",
            "NOT-APPLICABLE",
            "NO-REF",
            "TO-BE-CONFIRMED",
            "IN-KIND",
            "UNKNOWN-1",
            "00117",
            "Other-90",
            "Government-2",
            "GB-COH-",
            "7",
            "",
        ] {
            assert!(!tells_apart(&canonical(many)), "{many}");
        }
        for (reference, many) in [("22000", true), ("n/a", true), ("#", true), ("DAC-1601", true), ("oxfamgb", false)] {
            assert_eq!(is_kind(&canonical(reference)), many, "{reference}");
        }
    }
}
