//! Single values: identifiers, texts by language, dates that keep their
//! precision, and money that keeps its cents.

use std::collections::BTreeMap;

use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use strum::VariantNames;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The name that a publisher gave a record; unique in the whole register, for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, format = "identifier", min_length = 1, max_length = 200, examples("RS222"))]
#[serde(transparent)]
pub struct Identifier(pub String);

impl Identifier {
    /// 1 to 200 visible characters, in Unicode's composed form. Excluded is what cannot
    /// be told apart, or addressed: invisible characters, commas (lists have them), dots alone.
    pub fn is_valid(text: &str) -> bool {
        (1..=200).contains(&text.chars().count())
            && !text.chars().any(|c| c == ',' || is_invisible(c))
            && !matches!(text, "." | "..")
            && unicode_normalization::is_nfc(text)
    }
}

/// Whether nobody can see a character, or tell it from another that cannot be seen.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The format of texts that say something.
pub const VISIBLE: &str = "visible-text";

/// Whether there is something to be seen in a text.
pub fn is_visible(text: &str) -> bool {
    text.chars().any(|c| !is_invisible(c))
}

/// Text that people read, by BCP 47 language tag: `{"en": "...", "sr": "..."}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Translations(pub BTreeMap<String, String>);

impl PartialSchema for Translations {
    fn schema() -> RefOr<Schema> {
        let tag =
            ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom("bcp-47".into()))).build();
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"\S"))
            .format(Some(SchemaFormat::Custom(VISIBLE.into())))
            .max_length(Some(100_000));
        ObjectBuilder::new()
            .min_properties(Some(1))
            .max_properties(Some(100))
            .property_names(Some(tag))
            .additional_properties(Some(text))
            .description(Some("Text by BCP 47 language tag."))
            .examples([serde_json::json!({"en": "Citizens Assistance Centre"})])
            .into()
    }
}

impl ToSchema for Translations {}

/// A date as exact as its source states it: `2011`, `2011-03` or `2011-03-01`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, format = "partial-date", pattern = r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", examples("2011-03"))]
#[serde(transparent)]
pub struct PartialDate(pub String);

impl PartialDate {
    /// True for a year, a month or a day that the calendar has.
    pub fn is_valid(text: &str) -> bool {
        let shaped =
            text.bytes().enumerate().all(|(n, b)| if matches!(n, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
        let full = match text.len() {
            4 => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            10 => text.to_owned(),
            _ => return false,
        };
        shaped && !full.starts_with("0000") && NaiveDate::parse_from_str(&full, "%Y-%m-%d").is_ok()
    }

    /// The first and the last day that it can mean.
    pub fn days(&self) -> Option<(NaiveDate, NaiveDate)> {
        let first = self.first().parse::<NaiveDate>().ok()?;
        let next = match self.0.len() {
            4 => first.checked_add_months(Months::new(12)),
            7 => first.checked_add_months(Months::new(1)),
            _ => first.succ_opt(),
        };
        Some((first, next?.pred_opt()?))
    }

    /// The first day that it can mean, as text that sorts.
    fn first(&self) -> String {
        format!("{}{}", self.0, "0000-01-01".get(self.0.len()..).unwrap_or_default())
    }

    /// True when this date may lie on or before `other`, given what is known of both.
    pub fn may_precede(&self, other: &PartialDate) -> bool {
        // The last day `other` can mean: padding with the highest digits keeps text order.
        self.first() <= format!("{}{}", other.0, "9999-99-99".get(other.0.len()..).unwrap_or_default())
    }
}

/// An exact decimal, sent and stored as a JSON number of at most 15 significant digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Decimal);

impl Serialize for Amount {
    /// Money is printed with cents at least: `149379.00`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut amount = self.0.normalize();
        if amount.scale() < 2 {
            amount.rescale(2);
        }
        rust_decimal::serde::arbitrary_precision::serialize(&amount, serializer)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        rust_decimal::serde::arbitrary_precision::deserialize(deserializer).map(Self)
    }
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
            .multiple_of(Some(0.0001))
            .exclusive_minimum(Some(-1e13))
            .exclusive_maximum(Some(1e13))
            .description(Some("An exact decimal with at most 4 places and 15 significant digits."))
            .examples([serde_json::json!(177200)])
            .into()
    }
}

impl ToSchema for Amount {}

/// A share of a whole, in per cent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Percentage(#[serde(with = "rust_decimal::serde::arbitrary_precision")] pub Decimal);

/// An exact number that is neither money nor a share: a value, a coordinate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Quantity(#[serde(with = "rust_decimal::serde::arbitrary_precision")] pub Decimal);

impl Serialize for Percentage {
    /// Equal shares are printed alike: `84.3` for 84.30.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        rust_decimal::serde::arbitrary_precision::serialize(&self.0.normalize(), serializer)
    }
}

impl Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        rust_decimal::serde::arbitrary_precision::serialize(&self.0.normalize(), serializer)
    }
}

impl PartialSchema for Percentage {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .multiple_of(Some(0.0001))
            .minimum(Some(0.0))
            .maximum(Some(100.0))
            .description(Some("Per cent, with at most 4 places."))
            .examples([serde_json::json!(85)])
            .into()
    }
}

impl ToSchema for Percentage {}

/// How exact a figure is. "Nearly 13 million" is at most 13 000 000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Exactness {
    /// The figure itself.
    #[default]
    Exact,
    /// About this much.
    Approximate,
    /// This much or more.
    AtLeast,
    /// This much or less.
    AtMost,
}

/// An amount of money in one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// The exact amount.
    pub amount: Amount,
    /// ISO 4217 code.
    #[schema(format = "currency", examples("EUR"))]
    pub currency: String,
    /// The day on which the amount had this value, for conversion.
    #[serde(default)]
    pub value_date: Option<PartialDate>,
    /// How exact the amount is; `exact` unless stated.
    #[serde(default)]
    pub exactness: Exactness,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_the_calendar() {
        for good in ["2011", "2011-03", "2012-02-29", "0001-01-01"] {
            assert!(PartialDate::is_valid(good), "{good}");
        }
        let days = |text: &str| PartialDate(text.into()).days().map(|(first, last)| format!("{first} {last}"));
        assert_eq!(days("2012-02").unwrap(), "2012-02-01 2012-02-29");
        assert_eq!(days("2011").unwrap(), "2011-01-01 2011-12-31");
        assert_eq!(days("2011-12-31").unwrap(), "2011-12-31 2011-12-31");
        for bad in ["-000", "-201-01", "-2011-1-01", "0000", "2011-13", "2011-02-29", "2011-3", "2011-03-1", "20110301"]
        {
            assert!(!PartialDate::is_valid(bad), "{bad}");
        }
    }

    #[test]
    fn identifiers_that_look_alike_are_refused() {
        for good in ["RS222", "T-a/b", "T-Ć%?", "XM-DAC-41114", "T-а"] {
            assert!(Identifier::is_valid(good), "{good}");
        }
        for bad in ["", "a b", "a,b", "..", "a\u{3164}", "a\u{fe0f}", "a\u{2800}", "a\u{200b}", "c\u{301}"] {
            assert!(!Identifier::is_valid(bad), "{bad:?}");
        }
    }
}
