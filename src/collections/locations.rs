//! Locations: a tree of countries, statistical regions, municipalities and settlements.

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Filter, Kind, Record, Takes, any_of, check, codes, view};
use crate::record::rules::Rules;
use crate::record::{Citation, Identifier, Links, OtherIdentifier, Point, Translations};

/// What a location is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LocationKind {
    /// A country or territory with an ISO 3166 code of its own or a user-assigned one.
    #[default]
    Country,
    /// A major region.
    Nuts1,
    /// A region.
    Nuts2,
    /// A district or county.
    Nuts3,
    /// A municipality, town or city with a government of its own.
    Municipality,
    /// A settlement.
    Settlement,
}

/// A country, statistical region, municipality or settlement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Its identifier: the ISO 3166 or NUTS code where it has one.
    pub identifier: Identifier,
    /// What it is.
    pub kind: LocationKind,
    /// Its name, by language and script (`sr-Cyrl`, `sr-Latn`).
    pub name: Translations,
    /// Other names that it is found by.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub other_names: Vec<Translations>,
    /// The location that it lies in.
    #[serde(default)]
    pub parent: Option<Identifier>,
    /// The country, as an ISO 3166-1 alpha-2 code; `XK` for Kosovo*.
    #[schema(pattern = "^[A-Z]{2}$", examples("RS"))]
    pub country: String,
    /// Its identifiers elsewhere.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub identifiers: Vec<OtherIdentifier>,
    /// A point in it: its seat, or the middle of its area.
    #[serde(default)]
    pub point: Option<Point>,
    /// What must be said wherever it is named.
    #[serde(default)]
    pub note: Option<Translations>,
    /// Which source says which field.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub sources: Vec<Citation>,
}

impl Validate for Location {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut rules = Rules::default();
        rules.parent(&self.identifier, self.parent.as_ref());
        if (self.kind == LocationKind::Country) == self.parent.is_some() {
            rules.fault("/parent", "parent", "a country lies in nothing, and everything else in something".into());
        }
        rules.identifiers(&self.identifiers).citations(&self.sources).finish()
    }
}

impl Record for Location {
    fn links(&self, links: &mut Links) {
        links.add("/parent", "parent", "locations", self.parent.as_ref());
        links.sources(&self.sources);
    }
}

/// Filters by where they are.
const MAP: &[Filter] = &[
    Filter {
        name: "bbox",
        takes: Takes::Box,
        sql: "t.identifier = ANY(ARRAY(SELECT places_in_box($?::double precision[])))",
        about: "With their point in this box: west, south, east, north, in degrees.",
        facet: None,
    },
    Filter {
        name: "near",
        takes: Takes::Circle,
        sql: "t.identifier = ANY(ARRAY(SELECT places_near($?::double precision[])))",
        about: "With their point so near: latitude, longitude, kilometres.",
        facet: None,
    },
];

/// The collection.
pub static KIND: Kind = Kind {
    collection: "locations",
    singular: "location",
    schema: "Location",
    about: "Countries, statistical regions, municipalities and settlements, as a tree.",
    filters: &[
        MAP,
        &[
            codes("kind", "t.kind = ANY($?)", LocationKind::VARIANTS, "Of one of these kinds.").counted("t.kind"),
            any_of("country", "t.country = ANY($?)", "In one of these countries.").counted("t.country"),
            any_of("parent", "t.parent = ANY($?)", "Directly in these locations.").counted("t.parent"),
            any_of(
                "place",
                "t.identifier = ANY(ARRAY(SELECT places_within($?)))",
                "These locations and all inside them.",
            ),
        ],
    ],
    sorts: &[shared::NAME_SORT],
    money: None,
    activity: None,
    flows: None,
    columns: &[
        Column::Plain("kind"),
        Column::Text("name"),
        Column::Json("other_names"),
        Column::Plain("parent"),
        Column::Plain("country"),
        Column::Member("point", "latitude"),
        Column::Member("point", "longitude"),
        Column::Text("note"),
        Column::Json("identifiers"),
        Column::Json("sources"),
    ],
    derived: &[],
    refers_to: &["locations", "sources"],
    check: check::<Location>,
    view: view::<Location>,
};
