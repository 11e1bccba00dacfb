//! Beneficiaries: who receives.

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Kind, Record, any_of, check, codes, number, sort, view};
use crate::record::rules::Rules;
use crate::record::{Citation, Identifier, Links, OtherIdentifier, PartialDate, Translations};

/// What a beneficiary is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BeneficiaryKind {
    /// A municipality, town or city.
    #[default]
    LocalGovernment,
    /// An agency, such as one for regional development.
    Agency,
    /// A school, hospital, ministry or other institution.
    Institution,
    /// An association or other civil society organisation.
    Association,
    /// An enterprise.
    Enterprise,
    /// A group of people.
    Group,
}

/// A number of inhabitants or members, and when it was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// How many.
    #[schema(maximum = 20000000000_i64, examples(27393))]
    pub value: u64,
    /// When.
    #[serde(default)]
    pub year: Option<PartialDate>,
}

/// A local government, agency, institution, association, enterprise, or group of people that receives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Beneficiary {
    /// Its identifier.
    pub identifier: Identifier,
    /// What it is.
    pub kind: BeneficiaryKind,
    /// Its name, by language and script (`sr-Cyrl`, `sr-Latn`).
    pub name: Translations,
    /// What others should know about it.
    #[serde(default)]
    pub description: Option<Translations>,
    /// Its identifiers elsewhere.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub identifiers: Vec<OtherIdentifier>,
    /// Where it is.
    #[serde(default)]
    pub location: Option<Identifier>,
    /// How many people it is or governs: the figure in use. Others stand among the observations.
    #[serde(default)]
    pub population: Option<Population>,
    /// The same body as an organisation, if it is one.
    #[serde(default)]
    pub organisation: Option<Identifier>,
    /// Which source says which field.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub sources: Vec<Citation>,
}

impl Validate for Beneficiary {
    fn validate(&self) -> Result<(), ValidationErrors> {
        Rules::default().identifiers(&self.identifiers).citations(&self.sources).finish()
    }
}

impl Record for Beneficiary {
    fn links(&self, links: &mut Links) {
        links.add("/location", "place", "locations", self.location.as_ref());
        links.add("/organisation", "organisation", "organisations", self.organisation.as_ref());
        links.sources(&self.sources);
    }
}

/// The collection.
pub static KIND: Kind = Kind {
    collection: "beneficiaries",
    singular: "beneficiary",
    schema: "Beneficiary",
    about: "Who receives: local governments, agencies, institutions, associations, enterprises, groups.",
    filters: &[
        shared::MAP,
        &[
            codes("kind", "t.kind = ANY($?)", BeneficiaryKind::VARIANTS, "Of one of these kinds.").counted("t.kind"),
            shared::PLACE,
            any_of("organisation", "t.organisation = ANY($?)", "The same body as one of these organisations.")
                .counted("t.organisation"),
            any_of(
                "code",
                shared::CODED,
                "With one of these codes among its identifiers elsewhere: `41114`, or with its scheme, `XM-DAC-41114`.",
            ),
            number("population_gte", "coalesce(t.population, -1) >= $?::numeric", "Of this population or more."),
            number(
                "population_lte",
                "t.population IS NOT NULL AND coalesce(t.population, -1) <= $?::numeric",
                "Of this population or less.",
            ),
        ],
    ],
    sorts: &[shared::NAME_SORT, &[sort("population", "coalesce(t.population, -1)", "numeric")]],
    money: None,
    activity: None,
    flows: None,
    columns: &[
        Column::Plain("kind"),
        Column::Text("name"),
        Column::Text("description"),
        Column::Plain("location"),
        Column::Plain("organisation"),
        Column::Member("population", "value"),
        Column::Member("population", "year"),
        Column::Json("identifiers"),
        Column::Json("sources"),
    ],
    derived: &[],
    refers_to: &["locations", "organisations", "sources"],
    check: check::<Beneficiary>,
    view: view::<Beneficiary>,
};
