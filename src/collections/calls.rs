//! Calls for proposals and grant schemes of a programme.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Dated, Kind, Record, any_of, check, date, sort, view};
use crate::record::rules::Rules;
use crate::record::{
    Citation, Document, Identifier, Links, Money, PartialDate, Participation, PlaceShare, Translations,
};

/// A call for proposals or grant scheme of a programme.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its identifier.
    pub identifier: Identifier,
    /// The programme that it belongs to.
    pub programme: Identifier,
    /// Its title.
    pub title: Translations,
    /// What it is.
    #[serde(default)]
    pub description: Option<Translations>,
    /// The money on offer.
    #[serde(default)]
    pub amount_on_offer: Option<Money>,
    /// When it was announced.
    #[serde(default)]
    pub announced: Option<PartialDate>,
    /// The first day to apply; where no source states it, the call counts as open from its announcement.
    #[serde(default)]
    pub opens: Option<PartialDate>,
    /// The last day to apply.
    #[serde(default)]
    pub closes: Option<PartialDate>,
    /// Who may apply.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub eligible: Vec<Translations>,
    /// How many awards are foreseen.
    #[serde(default)]
    #[schema(maximum = 1000000)]
    pub awards_foreseen: Option<u32>,
    /// What the awards may offer or pay for.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub supports: Vec<Translations>,
    /// Who takes part, in which role.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub organisations: Vec<Participation>,
    /// Where awards may work.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub places: Vec<PlaceShare>,
    /// Documents about it.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub documents: Vec<Document>,
    /// Which source says which field.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub sources: Vec<Citation>,
}

impl Validate for Call {
    fn validate(&self) -> Result<(), ValidationErrors> {
        Rules::default()
            .period(("/opens", self.opens.as_ref()), ("/closes", self.closes.as_ref()))
            .period(("/announced", self.announced.as_ref()), ("/closes", self.closes.as_ref()))
            .not_negative("/amount_on_offer", self.amount_on_offer.as_ref())
            .places(&self.places)
            .citations(&self.sources)
            .finish()
    }
}

impl Record for Call {
    fn links(&self, links: &mut Links) {
        links.add("/programme", "programme", "programmes", Some(&self.programme));
        links.organisations(&self.organisations);
        links.places(&self.places);
        links.sources(&self.sources);
    }
}

/// A call whose opening and announcement nobody states was not open on any day that is known.
const OPEN_ON: &str = "coalesce(t.opens, t.announced, '-infinity') <= first_day($?)
    AND coalesce(t.opens, t.announced) IS NOT NULL AND coalesce(t.closes, 'infinity') >= last_day($?)";

/// The collection.
pub static KIND: Kind = Kind {
    collection: "calls",
    singular: "call",
    schema: "Call",
    about: "Calls for proposals and grant schemes of programmes.",
    filters: &[
        shared::MAP,
        &[
            any_of("programme", "t.programme = ANY($?)", "Of these programmes.").counted("t.programme"),
            date("open_on", OPEN_ON, "Open to applications on this day."),
            date("opens_gte", "coalesce(t.opens, t.announced, '-infinity') >= first_day($?)", "Opening then or later."),
            date(
                "opens_lte",
                "coalesce(t.opens, t.announced, '-infinity') <= last_day($?) AND coalesce(t.opens, t.announced) IS NOT NULL",
                "Opening then or earlier.",
            ),
            date(
                "closes_gte",
                "coalesce(t.closes, 'infinity') >= first_day($?) AND t.closes IS NOT NULL",
                "Closing then or later.",
            ),
            date("closes_lte", "coalesce(t.closes, 'infinity') <= last_day($?)", "Closing then or earlier."),
            shared::PLACE,
            shared::ORGANISATION,
        ],
        shared::ROLES,
        shared::AMOUNT,
    ],
    sorts: &[
        shared::TITLE_SORT,
        &[
            sort("opens", "coalesce(t.opens, t.announced, '-infinity')", "date"),
            sort("closes", "coalesce(t.closes, 'infinity')", "date"),
        ],
        shared::AMOUNT_SORT,
    ],
    money: Some(Dated {
        member: "amount_on_offer",
        dated: "coalesce(t.doc #>> '{amount_on_offer,value_date}', t.doc ->> 'opens', t.doc ->> 'announced')",
    }),
    activity: None,
    flows: None,
    columns: &[
        Column::Plain("programme"),
        Column::Text("title"),
        Column::Text("description"),
        Column::Money("amount_on_offer"),
        Column::Plain("announced"),
        Column::Plain("opens"),
        Column::Plain("closes"),
        Column::Plain("awards_foreseen"),
        Column::Keys("places", "location"),
        Column::Json("eligible"),
        Column::Json("supports"),
        Column::Json("organisations"),
        Column::Json("places"),
        Column::Json("documents"),
        Column::Json("sources"),
    ],
    derived: &[],
    refers_to: &["programmes", "organisations", "locations", "sources"],
    check: check::<Call>,
    view: view::<Call>,
};
