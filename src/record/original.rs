//! What a publisher's file said, where the register has no member for it, or says it in other words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use utoipa::ToSchema;

use crate::digest::digest;

/// A standard of exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Standard {
    /// The International Aid Transparency Initiative.
    #[default]
    #[serde(rename = "iati")]
    Iati,
    /// 360Giving.
    #[serde(rename = "360giving")]
    #[strum(serialize = "360giving")]
    ThreeSixtyGiving,
}

/// What a record was read from, so that an export in the same standard says it again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// The standard.
    pub standard: Standard,
    /// Its version.
    #[schema(min_length = 1, max_length = 20, examples("2.03"))]
    pub version: String,
    /// By name: of IATI the elements of one name, of 360Giving the members without a place here.
    pub parts: BTreeMap<String, Part>,
}

/// A part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// As it came: XML or JSON.
    pub text: String,
    /// The digest of the members that say the same; once they say something else, this part is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub of: Option<String>,
}

impl Original {
    /// Parts of IATI: a name, the elements, and the digest of the members that say the same.
    pub fn of_iati(version: &str, parts: impl IntoIterator<Item = (String, String, Option<String>)>) -> Self {
        let parts = parts.into_iter().map(|(name, text, of)| (name, Part { text, of })).collect();
        Self { standard: Standard::Iati, version: version.chars().take(20).collect(), parts }
    }

    /// The text of a part, if the register has no members for it, or their digest is still the same.
    pub fn part(&self, name: &str, members: Option<&str>) -> Option<&str> {
        let part = self.parts.get(name)?;
        (part.of.as_deref() == members).then_some(part.text.as_str())
    }
}

/// The digest of members as they stand in a record.
pub fn digest_of(members: &impl Serialize) -> String {
    let value = serde_json::to_value(members).unwrap_or_default();
    digest(value.to_string().as_bytes())
}
