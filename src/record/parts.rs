//! Parts that several collections share: who takes part, where, in which
//! sector, who pays, and which source says so.

use serde::{Deserialize, Serialize};
use strum::{Display, VariantNames};
use utoipa::ToSchema;

use super::{Identifier, Money, PartialDate, Percentage, Quantity, Translations};

/// Where an activity stands (IATI ActivityStatus).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// IATI 1: being planned.
    #[default]
    Pipeline,
    /// IATI 2: under way.
    Implementation,
    /// IATI 3: work done, accounts open.
    Finalisation,
    /// IATI 4: done.
    Closed,
    /// IATI 5: given up.
    Cancelled,
    /// IATI 6: halted for now.
    Suspended,
}

/// What an organisation does in an activity (IATI OrganisationRole).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OrganisationRole {
    /// IATI 1: provides the money.
    #[default]
    Funding,
    /// IATI 2: answers for it.
    Accountable,
    /// IATI 3: manages it on behalf of others.
    Extending,
    /// IATI 4: does the work.
    Implementing,
}

/// An organisation and its role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Participation {
    /// The organisation.
    pub organisation: Identifier,
    /// Its role.
    #[serde(default)]
    #[schema(required)]
    pub role: OrganisationRole,
}

/// A place, and the share of the whole that goes there. None or all places state one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceShare {
    /// The location.
    pub location: Identifier,
    /// Its share.
    #[serde(default)]
    pub percentage: Option<Percentage>,
}

/// A sector, and its share of the whole. Within a vocabulary none or all state one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SectorShare {
    /// IATI SectorVocabulary; `1`, the five-digit OECD DAC codes, unless stated.
    #[serde(default = "dac_five_digit")]
    #[schema(min_length = 1, max_length = 10, default = "1")]
    pub vocabulary: String,
    /// The code in that vocabulary.
    #[schema(min_length = 1, max_length = 100, examples("15112"))]
    pub code: String,
    /// Its share.
    #[serde(default)]
    pub percentage: Option<Percentage>,
}

fn dac_five_digit() -> String {
    "1".to_owned()
}

/// A tag such as a Sustainable Development Goal (IATI TagVocabulary `2`: goals, `3`: targets).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// IATI TagVocabulary.
    #[schema(min_length = 1, max_length = 10, examples("2"))]
    pub vocabulary: String,
    /// The code in that vocabulary.
    #[schema(min_length = 1, max_length = 100, examples("10"))]
    pub code: String,
}

/// What kind of money a funding line is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum KindOfMoney {
    /// From the European Union.
    Eu,
    /// From another donor.
    #[default]
    OtherDonor,
    /// From a state's budget.
    StateBudget,
    /// From those who receive.
    OwnContribution,
}

/// Who pays which part of a budget.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FundingLine {
    /// What kind of money it is.
    #[serde(default)]
    #[schema(required)]
    pub kind: KindOfMoney,
    /// Who pays, if known.
    #[serde(default)]
    pub organisation: Option<Identifier>,
    /// The rule that this line is part of, where different rules hold for different
    /// recipients. The shares of one rule sum to 100, its amounts to the budget.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub rule: Option<String>,
    /// To whom the rule applies.
    #[serde(default)]
    pub applies_to: Option<Translations>,
    /// The share of the budget.
    #[serde(default)]
    pub percentage: Option<Percentage>,
    /// The amount.
    #[serde(default)]
    pub amount: Option<Money>,
}

/// People whom an activity is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetGroup {
    /// Who they are.
    pub name: Translations,
    /// How many they are.
    #[serde(default)]
    #[schema(maximum = 20000000000_i64)]
    pub size: Option<u64>,
}

/// Goods or services given instead of money.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InKindItem {
    /// What it is.
    pub name: Translations,
    /// How many.
    #[schema(minimum = 1, maximum = 1000000000)]
    pub quantity: u64,
    /// In which unit, if not pieces.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub unit: Option<String>,
}

/// A document about the record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Where it is.
    #[schema(format = "uri", max_length = 2000)]
    pub url: String,
    /// Its title.
    pub title: Translations,
    /// When it was published.
    #[serde(default)]
    pub published: Option<PartialDate>,
}

/// An identifier of an organisation or beneficiary in somebody else's list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherIdentifier {
    /// The list: an org-id.guide code, or a name such as `RS-MB` (official municipality code).
    #[schema(min_length = 1, max_length = 50, examples("RS-PIB"))]
    pub scheme: String,
    /// The code in that list.
    #[schema(min_length = 1, max_length = 200, examples("71200"))]
    pub code: String,
}

/// A point on the earth, WGS 84.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Degrees north.
    #[schema(value_type = f64, minimum = -90, maximum = 90)]
    pub latitude: Quantity,
    /// Degrees east.
    #[schema(value_type = f64, minimum = -180, maximum = 180)]
    pub longitude: Quantity,
}

/// Which source says which field, and where in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Citation {
    /// The source.
    pub source: Identifier,
    /// JSON Pointers to the members that it vouches for; the empty pointer is the whole record.
    #[schema(min_items = 1, max_items = 200)]
    #[schema(examples(json!(["/budget", "/funding/0/amount"])))]
    pub fields: Vec<String>,
    /// Where in the source: a page, paragraph, table or row.
    #[serde(default, rename = "where")]
    #[schema(min_length = 1, max_length = 500)]
    pub location: Option<String>,
    /// What a reader should know about the reading.
    #[serde(default)]
    pub note: Option<Translations>,
}
