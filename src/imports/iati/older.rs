//! Files of IATI 1.0x as ones of 2.0x: texts in narratives, and the codes that words were.

use crate::formats::iati::xml::Element;

/// Elements whose text is a narrative since 2.01.
const TEXTS: [&str; 11] = [
    "title",
    "description",
    "participating-org",
    "reporting-org",
    "provider-org",
    "receiver-org",
    "name",
    "comment",
    "sector",
    "activity-description",
    "location-description",
];

/// An element, its attribute, and what its codes are now.
type Codes = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What codes of 1.0x were numbered as in 2.01.
const CODES: [Codes; 3] = [
    (
        "activity-date",
        "type",
        &[("start-planned", "1"), ("start-actual", "2"), ("end-planned", "3"), ("end-actual", "4")],
    ),
    ("participating-org", "role", &[("Funding", "1"), ("Accountable", "2"), ("Extending", "3"), ("Implementing", "4")]),
    (
        "transaction-type",
        "code",
        &[
            ("IF", "1"),
            ("C", "2"),
            ("D", "3"),
            ("E", "4"),
            ("IR", "5"),
            ("LR", "6"),
            ("R", "7"),
            ("QP", "8"),
            ("QS", "9"),
            ("CG", "10"),
        ],
    ),
];
/// Vocabularies of sectors.
const VOCABULARIES: [(&str, &str); 5] = [("DAC", "1"), ("DAC-3", "2"), ("WB", "99"), ("RO", "99"), ("ADT", "99")];

/// Words that stand for codes where there are none, or as these.
const WORDS: [(&str, &[(&str, &str)]); 2] = [
    (
        "activity-status",
        &[
            ("pipeline/identification", "1"),
            ("pipeline", "1"),
            ("implementation", "2"),
            ("completion", "3"),
            ("finalisation", "3"),
            ("post-completion", "4"),
            ("closed", "4"),
            ("cancelled", "5"),
            ("suspended", "6"),
        ],
    ),
    (
        "transaction-type",
        &[
            ("incoming funds", "1"),
            ("commitment", "2"),
            ("disbursement", "3"),
            ("expenditure", "4"),
            ("interest repayment", "5"),
            ("loan repayment", "6"),
            ("reimbursement", "7"),
        ],
    ),
];
/// Elements whose text is a day, where no attribute says one.
const DAYS: [&str; 4] = ["transaction-date", "activity-date", "period-start", "period-end"];

/// What a code of 1.0x is now, for files that say to be newer and still have it.
pub fn code<'c>(element: &str, code: &'c str) -> &'c str {
    let codes = CODES.iter().find(|(name, ..)| *name == element).map(|(.., codes)| *codes).unwrap_or_default();
    codes.iter().find(|(old, _)| old.eq_ignore_ascii_case(code)).map_or(code, |(_, new)| new)
}

/// Whether a version is one of these.
pub fn is_old(version: &str) -> bool {
    version.is_empty() || version.starts_with('1')
}

/// The same in 2.03, as far as it can be.
pub fn renewed(element: Element) -> Element {
    let name = element.name().to_owned();
    let words = element.words();
    let mut renewed = element.bare();
    for (of, attribute, codes) in CODES {
        let code = renewed.get(attribute).filter(|_| of == name).map(str::to_owned);
        let new = code.and_then(|code| codes.iter().find(|(old, _)| old.eq_ignore_ascii_case(&code)));
        if let Some((_, new)) = new {
            renewed.set(attribute, Some(new));
        }
    }
    if let Some((_, coded)) = WORDS.iter().find(|(of, _)| *of == name) {
        let code = renewed.get("code").unwrap_or_default().trim().trim_start_matches('0').to_owned();
        let word = if code.is_empty() { words.to_lowercase() } else { code.to_lowercase() };
        let code = coded.iter().find(|(one, _)| *one == word).map_or(code.as_str(), |(_, code)| *code);
        renewed.set("code", Some(code).filter(|code| !code.is_empty()));
    }
    if DAYS.contains(&name.as_str()) && !renewed.has("iso-date") && words.parse::<chrono::NaiveDate>().is_ok() {
        renewed.set("iso-date", Some(&words));
    }
    if name == "sector" {
        let vocabulary = renewed.get("vocabulary").map(str::to_owned);
        let new = VOCABULARIES.iter().find(|(old, _)| Some(*old) == vocabulary.as_deref());
        if let Some((_, new)) = new {
            renewed.set("vocabulary", Some(new));
        }
    }
    if name == "related-activity" || name == "document-link" {
        // What a related activity or document is called stands elsewhere since.
    } else if TEXTS.contains(&name.as_str()) && !words.is_empty() {
        let language = renewed.get("xml:lang").map(str::to_owned);
        renewed.set("xml:lang", None);
        renewed.push(Element::new("narrative").attribute_if("xml:lang", language).text(&words));
    } else if !words.is_empty() {
        renewed.push_text(&words);
    }
    for child in element.into_children() {
        renewed.push(self::renewed(child));
    }
    merged(renewed)
}

/// Texts that stood once for each language, in one element.
fn merged(element: Element) -> Element {
    let mut whole = element.bare();
    if element.children().next().is_none() {
        whole.push_text(&element.words());
        return whole;
    }
    for child in element.into_children() {
        let same = |other: &Element| {
            matches!(child.name(), "title" | "description" | "name" | "comment")
                && other.name() == child.name()
                && other.get("type") == child.get("type")
        };
        if let Some(other) = whole.children_mut().find(|other| same(other)) {
            child.into_children().into_iter().for_each(|narrative| other.push(narrative));
            continue;
        }
        whole.push(child);
    }
    whole
}
