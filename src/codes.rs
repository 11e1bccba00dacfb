//! Code lists that the program needs at run time, as facts of its own.

use crate::codelists;

/// The name of a five-digit OECD DAC sector, if there is one with this code.
pub fn sector_name(code: &str) -> Option<&'static str> {
    codelists::find("Sector")?.code(code)?.en.as_deref()
}

/// All five-digit OECD DAC sectors.
pub fn sector_codes() -> Vec<String> {
    codelists::find("Sector").map(|list| list.codes.iter().map(|code| code.code.clone()).collect()).unwrap_or_default()
}

/// IATI SectorVocabulary.
pub const SECTOR_VOCABULARIES: &[&str] = &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "98", "99"];

/// IATI TagVocabulary.
pub const TAG_VOCABULARIES: &[&str] = &["1", "2", "3", "4", "5", "99"];

/// The targets of each Sustainable Development Goal: how many are numbered, how many lettered.
const SDG_TARGETS: [(u8, u8); 17] = [
    (5, 2),
    (5, 3),
    (9, 4),
    (7, 3),
    (6, 3),
    (6, 2),
    (3, 2),
    (10, 2),
    (5, 3),
    (7, 3),
    (7, 3),
    (8, 3),
    (3, 2),
    (7, 3),
    (9, 3),
    (10, 2),
    (19, 0),
];

/// Whether there is such a Sustainable Development Goal: `1` to `17`.
pub fn is_sdg_goal(code: &str) -> bool {
    code.parse().is_ok_and(|goal: usize| (1..=SDG_TARGETS.len()).contains(&goal) && goal.to_string() == code)
}

/// Whether there is such a target of a goal: `1.1`, `1.a`.
pub fn is_sdg_target(code: &str) -> bool {
    let Some((goal, target)) = code.split_once('.').filter(|(goal, _)| is_sdg_goal(goal)) else { return false };
    let (numbered, lettered) = SDG_TARGETS[goal.parse::<usize>().unwrap_or(1) - 1];
    let known = (1..=numbered).map(|n| n.to_string()).chain((b'a'..b'a' + lettered).map(|c| char::from(c).to_string()));
    known.into_iter().any(|one| one == target)
}

/// Whether there is such an indicator of a target: `1.1.1`.
pub fn is_sdg_indicator(code: &str) -> bool {
    let Some((target, number)) = code.rsplit_once('.') else { return false };
    is_sdg_target(target) && number.parse().is_ok_and(|n: u8| n > 0 && n.to_string() == number)
}

/// Whether there is such a three-digit OECD DAC sector, which five-digit ones begin with.
pub fn is_sector_category(code: &str) -> bool {
    codelists::find("SectorCategory").is_some_and(|list| list.code(code).is_some())
}

/// All ISO 4217 currencies.
pub fn currencies() -> Vec<String> {
    use iso_currency::IntoEnumIterator;
    iso_currency::Currency::iter().map(|currency| currency.code().to_owned()).filter(|code| is_currency(code)).collect()
}

/// ISO 4217 currencies, but the codes for tests and for none.
pub fn is_currency(code: &str) -> bool {
    !matches!(code, "XXX" | "XTS") && iso_currency::Currency::from_code(code).is_some()
}

/// Well-formed BCP 47 language tags, in their usual letter case, so that none stands twice.
pub fn is_language(tag: &str) -> bool {
    oxilangtag::LanguageTag::parse_and_normalize(tag).is_ok_and(|normal| normal.as_str() == tag)
}

/// SPDX licence identifiers and expressions.
pub fn is_licence(id: &str) -> bool {
    spdx::Expression::parse(id).is_ok()
}

/// Absolute http and https addresses.
pub fn is_web_address(text: &str) -> bool {
    text.contains("://")
        && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}
