//! Code lists that the program needs at run time, as facts of its own.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Five-digit OECD DAC sectors with their English names.
static SECTORS: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    include_str!("codes/sectors.csv")
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .map(|(code, name)| (code, name.trim_matches('"')))
        .collect()
});

/// The name of a five-digit OECD DAC sector, if there is one with this code.
pub fn sector_name(code: &str) -> Option<&'static str> {
    SECTORS.get(code).copied()
}

/// All five-digit OECD DAC sectors.
pub fn sector_codes() -> Vec<String> {
    SECTORS.keys().map(|code| (*code).to_owned()).collect()
}

/// All ISO 4217 currencies.
pub fn currencies() -> Vec<String> {
    use iso_currency::IntoEnumIterator;
    iso_currency::Currency::iter().map(|currency| currency.code().to_owned()).collect()
}

/// ISO 4217 currencies.
pub fn is_currency(code: &str) -> bool {
    iso_currency::Currency::from_code(code).is_some()
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
