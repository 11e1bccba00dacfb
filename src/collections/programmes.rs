//! Programmes: a programme, or a component or project of one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Dated, Kind, Record, any_of, check, view};
use crate::record::rules::Rules;
use crate::record::{
    Citation, Document, FundingLine, Identifier, Links, Money, Original, PartialDate, Participation, PlaceShare,
    SectorShare, Status, Tag, Translations,
};

/// A programme, or a component or project of one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    /// Its identifier.
    pub identifier: Identifier,
    /// The programme that this is a component or project of.
    #[serde(default)]
    pub parent: Option<Identifier>,
    /// Its title.
    pub title: Translations,
    /// What it is.
    #[serde(default)]
    pub description: Option<Translations>,
    /// What it is to achieve.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub objectives: Vec<Translations>,
    /// Where it stands.
    pub status: Status,
    /// When it begins.
    #[serde(default)]
    pub start_date: Option<PartialDate>,
    /// When it ends.
    #[serde(default)]
    pub end_date: Option<PartialDate>,
    /// Its total budget.
    #[serde(default)]
    pub budget: Option<Money>,
    /// Who pays.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub funding: Vec<FundingLine>,
    /// Who takes part, in which role.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub organisations: Vec<Participation>,
    /// Where it works.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub places: Vec<PlaceShare>,
    /// In which sectors.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub sectors: Vec<SectorShare>,
    /// Sustainable Development Goals and other tags.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub tags: Vec<Tag>,
    /// Its own priorities.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub priorities: Vec<Translations>,
    /// Documents about it.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub documents: Vec<Document>,
    /// Which source says which field.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub sources: Vec<Citation>,
    /// What a file of another standard said beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

impl Validate for Programme {
    fn validate(&self) -> Result<(), ValidationErrors> {
        Rules::default()
            .parent(&self.identifier, self.parent.as_ref())
            .period(("/start_date", self.start_date.as_ref()), ("/end_date", self.end_date.as_ref()))
            .not_negative("/budget", self.budget.as_ref())
            .funding(self.budget.as_ref(), &self.funding)
            .places(&self.places)
            .sectors(&self.sectors)
            .tags(&self.tags)
            .citations(&self.sources)
            .finish()
    }
}

impl Record for Programme {
    fn links(&self, links: &mut Links) {
        links.add("/parent", "parent", "programmes", self.parent.as_ref());
        links.funding(&self.funding);
        links.organisations(&self.organisations);
        links.places(&self.places);
        links.sources(&self.sources);
    }

    fn derive(&self, view: &mut Map<String, Value>) {
        shared::funding_totals(self.budget.as_ref(), &self.funding, view);
    }
}

/// The collection.
pub static KIND: Kind = Kind {
    collection: "programmes",
    singular: "programme",
    schema: "Programme",
    about: "Programmes, their components and projects.",
    filters: &[
        shared::MAP,
        &[any_of("parent", "t.parent = ANY($?)", "Components and projects of these programmes.").counted("t.parent")],
        shared::ACTIVITY,
        shared::ROLES,
        shared::AMOUNT,
        shared::PERIOD,
    ],
    sorts: &[shared::TITLE_SORT, shared::PERIOD_SORTS, shared::AMOUNT_SORT],
    money: Some(Dated { member: "budget", dated: "coalesce(t.doc #>> '{budget,value_date}', t.doc ->> 'start_date')" }),
    activity: Some("t.doc"),
    flows: Some(
        "t.programme = own.identifier
          OR t.programme IS NULL AND t.grant_id IN (SELECT g.identifier FROM grants g WHERE g.programme = own.identifier)",
    ),
    columns: &[
        Column::Plain("parent"),
        Column::Text("title"),
        Column::Text("description"),
        Column::Plain("status"),
        Column::Plain("start_date"),
        Column::Plain("end_date"),
        Column::Money("budget"),
        Column::Sectors("sectors"),
        Column::Keys("places", "location"),
        Column::Json("objectives"),
        Column::Json("funding"),
        Column::Json("organisations"),
        Column::Json("places"),
        Column::Json("tags"),
        Column::Json("priorities"),
        Column::Json("documents"),
        Column::Json("sources"),
        Column::Json("original"),
        Column::Json("funding_totals"),
    ],
    derived: shared::FUNDING_TOTALS,
    refers_to: &["programmes", "organisations", "locations", "sources"],
    check: check::<Programme>,
    view: view::<Programme>,
};
