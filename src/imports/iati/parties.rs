//! Who is named in a file of IATI: as an organisation or beneficiary of the register where it is known,
//! else as a new one.

use serde_json::{Value, json};

use super::words::{identifiers, slug, spelt, texts};
use crate::collections::{beneficiaries, organisations};
use crate::formats::iati::codes;
use crate::formats::iati::context::Context;
use crate::formats::iati::xml::Element;
use crate::imports::known::{Known, Record};
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

impl Who {
    /// Who an element names; nobody where it says nothing.
    pub fn of(element: &Element, reporting: &Option<Who>) -> Option<Who> {
        if let Some(own) = element.get("register:identifier") {
            let is_beneficiary = element.get("register:collection") == Some("beneficiaries");
            return Some(Self::Identifier(own.to_owned(), is_beneficiary));
        }
        let is_reporting = |reference: &&str| reporting.as_ref().and_then(Who::reference) == Some(reference);
        if let Some(reference) = element.get("ref").filter(|one| is_reporting(one) || tells_apart(one)) {
            return Some(Self::Reference(reference.to_owned()));
        }
        let name = element.all("narrative").map(Element::words).find(|words| is_visible(words))?;
        let by = match reporting {
            Some(Self::Reference(by) | Self::Identifier(by, _)) => by.clone(),
            _ => String::new(),
        };
        Some(Self::Name(by, slug(&name)))
    }

    /// Who reports an activity.
    pub fn reporting(activity: &Element) -> Option<Who> {
        Some(Self::Reference(activity.first("reporting-org")?.get("ref")?.to_owned()))
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
        match self {
            Self::Identifier(identifier, _) => identifier.clone(),
            Self::Reference(reference) => known.name(&spelt(reference)),
            Self::Name(by, slug) => known.name(&format!("{}-org-{slug}", spelt(by))),
        }
    }
}

/// Whether a reference is one body's: an agency or a country, a list and a code; or the code of a channel of the OECD
/// that is no kind of channel. `22000`, `N/A` and `10-Government` stand for many.
fn tells_apart(reference: &str) -> bool {
    const KINDS: [&str; 8] = ["10", "11", "12", "13", "60", "61", "62", "63"];
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_channel = |code: &str| !code.ends_with("000") && KINDS.iter().all(|kind| !code.starts_with(kind));
    let listed = reference.strip_prefix("XM-DAC-");
    match listed.unwrap_or(reference) {
        code if is_number(code) && code.len() == 5 => is_channel(code),
        code if is_number(code) => listed.is_some(),
        _ => reference.split_once('-').is_some_and(|(agency, code)| {
            let is_coded =
                code.bytes().any(|b| b.is_ascii_digit()) || !reference.bytes().any(|b| b.is_ascii_lowercase());
            !code.ends_with('-')
                && !agency.is_empty()
                && agency.bytes().all(|b| b.is_ascii_alphabetic())
                && !code.is_empty()
                && is_coded
        }),
    }
}

/// Who takes part in an activity, and in which role.
pub fn participants(activity: &Element) -> impl Iterator<Item = (&Element, &str)> {
    activity.all("participating-org").map(|element| (element, element.get("role").unwrap_or_default()))
}

/// All that an activity names.
pub fn parties(activity: &Element) -> impl Iterator<Item = Who> {
    let reporting = Who::reporting(activity);
    let flows = activity.all("transaction").chain(activity.all("planned-disbursement"));
    let ends = flows.flat_map(|flow| flow.all("provider-org").chain(flow.all("receiver-org")));
    let named: Vec<Who> =
        participants(activity).map(|(who, _)| who).chain(ends).filter_map(|who| Who::of(who, &reporting)).collect();
    named.into_iter()
}

/// The organisation that an element names; a new one is added to the records.
pub fn organisation(element: &Element, activity: &Scope, known: &mut Known, out: &mut Vec<Record>) -> Option<String> {
    let who = Who::of(element, &activity.reporting)?;
    if let Some(found) = known.organisation(&who) {
        return Some(found.to_owned());
    }
    let identifier = who.name(known);
    if known.is_new(&identifier) {
        let code = element.get("type").and_then(|code| codes::value_of("OrganisationType", code)).unwrap_or("other");
        let mut record = described(element, &who, &identifier, activity);
        record["type"] = json!(code);
        out.push(Record::if_absent(&organisations::KIND, record, element.line()));
    }
    Some(identifier)
}

/// The beneficiary that an element names; a new one is added to the records.
pub fn beneficiary(element: &Element, activity: &Scope, known: &mut Known, out: &mut Vec<Record>) -> Option<String> {
    let who = Who::of(element, &activity.reporting)?;
    if let Some(found) = known.beneficiary(&who) {
        return Some(found.to_owned());
    }
    let name = who.name(known);
    let identifier = if matches!(who, Who::Identifier(..)) { name } else { format!("{name}:beneficiary") };
    if known.is_new(&identifier) {
        let kind = element.get("type").map_or("institution", kind_of);
        let mut record = described(element, &who, &identifier, activity);
        record["kind"] = kind.into();
        // One body may pay here and receive there.
        let is_own = matches!(who, Who::Identifier(..));
        let name = who.name(known);
        let added = || known.was_added(&name).then_some(name.as_str());
        if let Some(organisation) = known.organisation(&who).or_else(added).filter(|_| !is_own) {
            record["organisation"] = organisation.into();
        }
        out.push(Record::if_absent(&beneficiaries::KIND, record, element.line()));
    }
    Some(identifier)
}

/// What an activity says of all that it names.
pub struct Scope {
    /// Who reports it.
    pub reporting: Option<Who>,
    /// The language of its texts.
    pub language: String,
    /// The currency of its amounts.
    pub currency: Option<String>,
    /// Both as it says them itself.
    pub context: Context,
}

fn described(element: &Element, who: &Who, identifier: &str, activity: &Scope) -> Value {
    let given = who.reference().unwrap_or(identifier);
    let name = texts(element, &activity.language).unwrap_or_else(|| json!({&activity.language: given}));
    let identifiers = who.reference().map_or(json!([]), identifiers);
    json!({"identifier": identifier, "name": name, "identifiers": identifiers})
}

/// What a beneficiary is, by its type as an organisation.
fn kind_of(code: &str) -> &'static str {
    match code {
        "11" => "local_government",
        "21" | "22" | "23" | "24" | "60" => "association",
        "70" | "71" | "72" | "73" => "enterprise",
        _ => "institution",
    }
}

#[cfg(test)]
mod tests {
    use super::tells_apart;

    #[test]
    fn codes_of_kinds_tell_nobody_apart() {
        for one in [
            "XM-DAC-41114",
            "41114",
            "GB-1",
            "GB-CHC-1164859",
            "XI-IATI-CABI",
            "XM-DAC-7",
            "nl-kvk-41152786",
            "AR-ORG-EC",
        ] {
            assert!(tells_apart(one), "{one}");
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
            "7",
            "",
        ] {
            assert!(!tells_apart(many), "{many}");
        }
    }
}
