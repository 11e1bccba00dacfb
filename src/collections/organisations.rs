//! Organisations: who funds, manages, implements, publishes.

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Kind, Record, any_of, check, codes, view};
use crate::record::rules::Rules;
use crate::record::{Citation, Identifier, Links, Original, OtherIdentifier, Translations};

/// What an organisation is (IATI OrganisationType).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OrganisationType {
    /// IATI 10.
    Government,
    /// IATI 11.
    LocalGovernment,
    /// IATI 15.
    OtherPublicSector,
    /// IATI 21.
    InternationalNgo,
    /// IATI 22.
    NationalNgo,
    /// IATI 23.
    RegionalNgo,
    /// IATI 24.
    PartnerCountryNgo,
    /// IATI 30.
    PublicPrivatePartnership,
    /// IATI 40.
    Multilateral,
    /// IATI 60.
    Foundation,
    /// IATI 70.
    PrivateSector,
    /// IATI 71.
    PrivateSectorInProviderCountry,
    /// IATI 72.
    PrivateSectorInAidRecipientCountry,
    /// IATI 73.
    PrivateSectorInThirdCountry,
    /// IATI 80.
    AcademicTrainingAndResearch,
    /// IATI 90.
    #[default]
    Other,
}

/// An organisation that funds, manages, implements or publishes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Its identifier.
    pub identifier: Identifier,
    /// Its name.
    pub name: Translations,
    /// Its usual short name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 50)]
    pub acronym: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub organisation_type: OrganisationType,
    /// Its identifiers elsewhere.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub identifiers: Vec<OtherIdentifier>,
    /// Where it is.
    #[serde(default)]
    pub location: Option<Identifier>,
    /// Its address on the web.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000)]
    pub website: Option<String>,
    /// Which source says which field.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub sources: Vec<Citation>,
    /// What a file of another standard said beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

impl Validate for Organisation {
    fn validate(&self) -> Result<(), ValidationErrors> {
        Rules::default().identifiers(&self.identifiers).citations(&self.sources).finish()
    }
}

impl Record for Organisation {
    fn links(&self, links: &mut Links) {
        links.add("/location", "place", "locations", self.location.as_ref());
        links.sources(&self.sources);
    }
}

/// The collection.
pub static KIND: Kind = Kind {
    collection: "organisations",
    singular: "organisation",
    schema: "Organisation",
    about: "Who funds, manages, implements, publishes.",
    filters: &[
        shared::MAP,
        &[
            codes("type", "t.type = ANY($?)", OrganisationType::VARIANTS, "Of one of these types.").counted("t.type"),
            shared::PLACE,
            any_of(
                "code",
                shared::CODED,
                "With one of these codes among its identifiers elsewhere: `41114`, or with its scheme, `XM-DAC-41114`.",
            ),
        ],
    ],
    sorts: &[shared::NAME_SORT],
    money: None,
    activity: None,
    flows: None,
    columns: &[
        Column::Text("name"),
        Column::Plain("acronym"),
        Column::Plain("type"),
        Column::Plain("location"),
        Column::Plain("website"),
        Column::Json("identifiers"),
        Column::Json("sources"),
        Column::Json("original"),
    ],
    derived: &[],
    refers_to: &["locations", "sources"],
    check: check::<Organisation>,
    view: view::<Organisation>,
};
