//! Observations: single values of an indicator. Where sources disagree, each
//! value is an observation of its own with its own source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Kind, Record, any_of, check, codes, number, sort, view};
use crate::record::rules::Rules;
use crate::record::{Citation, Exactness, Identifier, Links, PartialDate, Quantity, Translations};

/// What a value is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ObservationKind {
    /// Where it started from.
    Baseline,
    /// Where it should get to.
    Target,
    /// What it is.
    #[default]
    Actual,
}

/// One value of an indicator.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Its identifier.
    pub identifier: Identifier,
    /// The indicator.
    pub indicator: Identifier,
    /// Baseline, target or actual.
    pub kind: ObservationKind,
    /// The first day of the period observed, if it is not one date.
    #[serde(default)]
    pub start_date: Option<PartialDate>,
    /// The date of the value, or the last day of the period; absent where no source states it.
    #[serde(default)]
    pub end_date: Option<PartialDate>,
    /// The value, if it is a number.
    #[serde(default)]
    #[schema(value_type = Option<f64>, examples(46))]
    pub value: Option<Quantity>,
    /// How exact the value is; `exact` unless stated.
    #[serde(default)]
    pub exactness: Exactness,
    /// The value in words, if it is not a number.
    #[serde(default)]
    pub value_text: Option<Translations>,
    /// Where it was observed.
    #[serde(default)]
    pub place: Option<Identifier>,
    /// Whom it was observed of.
    #[serde(default)]
    pub beneficiary: Option<Identifier>,
    /// The part of the people or things that it is about: `{"sex": "female", "age": "15-24"}`.
    #[serde(default)]
    pub disaggregation: BTreeMap<String, String>,
    /// What a reader should know.
    #[serde(default)]
    pub note: Option<Translations>,
    /// Which source says which field.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub sources: Vec<Citation>,
}

impl Validate for Observation {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut rules = Rules::default();
        if self.value.is_none() && self.value_text.is_none() {
            rules.fault("/value", "required", "a number or a text is missing".into());
        }
        rules
            .period(("/start_date", self.start_date.as_ref()), ("/end_date", self.end_date.as_ref()))
            .citations(&self.sources)
            .finish()
    }
}

impl Record for Observation {
    fn links(&self, links: &mut Links) {
        links.add("/indicator", "indicator", "indicators", Some(&self.indicator));
        links.add("/place", "place", "locations", self.place.as_ref());
        links.add("/beneficiary", "beneficiary", "beneficiaries", self.beneficiary.as_ref());
        links.sources(&self.sources);
    }
}

/// The collection.
pub static KIND: Kind = Kind {
    collection: "observations",
    singular: "observation",
    schema: "Observation",
    about: "Values of indicators: baselines, targets and actual ones, each with its source.",
    filters: &[
        shared::MAP,
        &[
            any_of("indicator", "t.indicator = ANY($?)", "Of these indicators.").counted("t.indicator"),
            any_of(
                "programme",
                "t.indicator IN (SELECT identifier FROM indicators WHERE programme = ANY($?)
                  UNION ALL SELECT i.identifier FROM grants g JOIN indicators i ON i.grant_id = g.identifier WHERE g.programme = ANY($?))",
                "Of indicators of these programmes, or of their grants.",
            ),
            any_of(
                "grant",
                "t.indicator IN (SELECT identifier FROM indicators WHERE grant_id = ANY($?))",
                "Of indicators of these grants.",
            ),
            codes("kind", "t.kind = ANY($?)", ObservationKind::VARIANTS, "Of one of these kinds.").counted("t.kind"),
            shared::PLACE,
            shared::BENEFICIARY,
            codes("exactness", "t.exactness = ANY($?)", Exactness::VARIANTS, "With a value stated this exactly.")
                .counted("t.exactness"),
            number("value_gte", "coalesce(t.value, '-Infinity') >= $?::numeric", "Of this value or more."),
            number(
                "value_lte",
                "t.value IS NOT NULL AND coalesce(t.value, '-Infinity') <= $?::numeric",
                "Of this value or less.",
            ),
        ],
        shared::PERIOD,
    ],
    sorts: &[shared::PERIOD_SORTS, &[sort("value", "coalesce(t.value, '-Infinity')", "numeric")]],
    money: None,
    activity: None,
    flows: None,
    columns: &[
        Column::Plain("indicator"),
        Column::Plain("kind"),
        Column::Plain("start_date"),
        Column::Plain("end_date"),
        Column::Plain("value"),
        Column::Plain("exactness"),
        Column::Text("value_text"),
        Column::Plain("place"),
        Column::Plain("beneficiary"),
        Column::Json("disaggregation"),
        Column::Text("note"),
        Column::Json("sources"),
    ],
    derived: &[],
    refers_to: &["indicators", "locations", "beneficiaries", "sources"],
    check: check::<Observation>,
    view: view::<Observation>,
};
