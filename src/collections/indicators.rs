//! Indicators: what is measured, of a programme, of a grant, or independently.

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Kind, Record, any_of, check, codes, view};
use crate::record::rules::Rules;
use crate::record::{Citation, Identifier, Links, Original, Translations};

/// How values are to be read (IATI IndicatorMeasure).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Measure {
    /// IATI 1: a number of units.
    #[default]
    Unit,
    /// IATI 2: per cent.
    Percentage,
    /// IATI 3: names without an order.
    Nominal,
    /// IATI 4: ranks.
    Ordinal,
    /// IATI 5: words.
    Qualitative,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Direction {
    /// More is better.
    #[default]
    Increase,
    /// Less is better.
    Decrease,
    /// Neither.
    Neutral,
}

/// What is measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// Its identifier.
    pub identifier: Identifier,
    /// Its title.
    pub title: Translations,
    /// What it measures, and how.
    #[serde(default)]
    pub description: Option<Translations>,
    /// The programme whose results it measures; an independent indicator has neither programme nor grant.
    #[serde(default)]
    pub programme: Option<Identifier>,
    /// The grant whose results it measures.
    #[serde(default)]
    pub grant: Option<Identifier>,
    /// The wider indicator that its values add to: that of the programme for one of a grant.
    #[serde(default)]
    pub parent: Option<Identifier>,
    /// Who keeps it, if it is independent.
    #[serde(default)]
    pub kept_by: Option<Identifier>,
    /// How its values are to be read.
    pub measure: Measure,
    /// The unit of its values.
    #[serde(default)]
    pub unit: Option<Translations>,
    /// Which way is better.
    #[serde(default)]
    pub direction: Option<Direction>,
    /// Whether values of different places or groups may be added up.
    #[serde(default)]
    pub additive: bool,
    /// Which source says which field.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub sources: Vec<Citation>,
    /// What a file of another standard said beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

impl Validate for Indicator {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut rules = Rules::default();
        rules.parent(&self.identifier, self.parent.as_ref());
        if self.programme.is_some() && self.grant.is_some() {
            rules.fault("/grant", "one_activity", "an indicator has a programme or a grant, not both".into());
        }
        if self.additive && self.measure != Measure::Unit {
            rules.fault("/additive", "not_additive", "only values in units may be added up".into());
        }
        rules.citations(&self.sources).finish()
    }
}

impl Record for Indicator {
    fn links(&self, links: &mut Links) {
        links.add("/programme", "programme", "programmes", self.programme.as_ref());
        links.add("/grant", "grant", "grants", self.grant.as_ref());
        links.add("/parent", "parent", "indicators", self.parent.as_ref());
        links.add("/kept_by", "kept_by", "organisations", self.kept_by.as_ref());
        links.sources(&self.sources);
    }
}

/// The collection.
pub static KIND: Kind = Kind {
    collection: "indicators",
    singular: "indicator",
    schema: "Indicator",
    about: "What is measured: of a programme, of a grant, or kept independently.",
    filters: &[&[
        any_of(
            "programme",
            "t.identifier IN (SELECT i.identifier FROM indicators i WHERE i.programme = ANY($?)
              UNION ALL SELECT i.identifier FROM grants g JOIN indicators i ON i.grant_id = g.identifier WHERE g.programme = ANY($?))",
            "Of these programmes, or of their grants.",
        )
        .counted("coalesce(t.programme, (SELECT g.programme FROM grants g WHERE g.identifier = t.grant_id))"),
        any_of("grant", "t.grant_id = ANY($?)", "Of these grants.").counted("t.grant_id"),
        any_of("parent", "t.parent = ANY($?)", "Whose values add to these indicators.").counted("t.parent"),
        codes("measure", "t.measure = ANY($?)", Measure::VARIANTS, "With one of these measures.").counted("t.measure"),
        shared::ORGANISATION,
    ]],
    sorts: &[shared::TITLE_SORT],
    money: None,
    activity: None,
    flows: None,
    columns: &[
        Column::Text("title"),
        Column::Text("description"),
        Column::Plain("programme"),
        Column::Plain("grant"),
        Column::Plain("parent"),
        Column::Plain("kept_by"),
        Column::Plain("measure"),
        Column::Text("unit"),
        Column::Plain("direction"),
        Column::Plain("additive"),
        Column::Json("sources"),
        Column::Json("original"),
    ],
    derived: &[],
    refers_to: &["programmes", "grants", "indicators", "organisations", "sources"],
    check: check::<Indicator>,
    view: view::<Indicator>,
};
