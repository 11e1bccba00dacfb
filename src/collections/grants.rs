//! Grants: awards under a programme or call.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{Display, VariantNames};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Dated, Kind, Record, any_of, check, view};
use crate::record::rules::{Rules, whole};
use crate::record::{
    Citation, Document, FundingLine, Identifier, InKindItem, Links, Money, Original, PartialDate, Participation,
    Percentage, PlaceShare, SectorShare, Status, Tag, TargetGroup, Translations,
};

/// What a recipient is to a grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, VariantNames, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RecipientRole {
    /// Holds the award.
    #[default]
    Lead,
    /// Takes part in it.
    Partner,
}

/// Who receives, and which part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The beneficiary.
    pub beneficiary: Identifier,
    /// Lead or partner.
    #[serde(default)]
    #[schema(required)]
    pub role: RecipientRole,
    /// Its share of the budget. None or all recipients state one.
    #[serde(default)]
    pub percentage: Option<Percentage>,
    /// Its amount.
    #[serde(default)]
    pub amount: Option<Money>,
}

/// An award under a programme or call.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its identifier.
    pub identifier: Identifier,
    /// The programme that it was awarded under.
    #[serde(default)]
    pub programme: Option<Identifier>,
    /// The call that it was awarded under.
    #[serde(default)]
    pub call: Option<Identifier>,
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
    /// Who receives.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub recipients: Vec<Recipient>,
    /// Who else takes part, in which role.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub organisations: Vec<Participation>,
    /// Whom it is for.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub target_groups: Vec<TargetGroup>,
    /// Goods and services given.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub in_kind: Vec<InKindItem>,
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

impl Validate for Grant {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let budget = self.budget.as_ref();
        let mut rules = Rules::default();
        rules
            .period(("/start_date", self.start_date.as_ref()), ("/end_date", self.end_date.as_ref()))
            .not_negative("/budget", budget)
            .funding(budget, &self.funding)
            .shares("/recipients", self.recipients.iter().map(|recipient| ("", recipient.percentage)))
            .places(&self.places)
            .sectors(&self.sectors)
            .tags(&self.tags)
            .citations(&self.sources);
        let parts: Vec<Option<&Money>> = self.recipients.iter().map(|recipient| recipient.amount.as_ref()).collect();
        rules.amounts("/recipients", budget, &parts);
        // Without a budget the parts are parts of their sum.
        let sum = whole(&parts);
        for (n, recipient) in self.recipients.iter().enumerate() {
            let budget = budget.or(sum.as_ref());
            rules.share_agrees(&format!("/recipients/{n}"), budget, recipient.percentage, recipient.amount.as_ref());
        }
        rules.finish()
    }
}

impl Record for Grant {
    fn links(&self, links: &mut Links) {
        links.add("/programme", "programme", "programmes", self.programme.as_ref());
        links.add("/call", "call", "calls", self.call.as_ref());
        links.funding(&self.funding);
        for (n, recipient) in self.recipients.iter().enumerate() {
            let pointer = format!("/recipients/{n}/beneficiary");
            links.add(pointer, &recipient.role.to_string(), "beneficiaries", Some(&recipient.beneficiary));
        }
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
    collection: "grants",
    singular: "grant",
    schema: "Grant",
    about: "Awards under a programme or call, in money or in kind.",
    filters: &[
        shared::MAP,
        &[
            any_of(
                "programme",
                "t.programme = ANY($?)",
                "Under these programmes; their components and projects are programmes of their own.",
            )
            .counted("t.programme"),
            any_of("call", "t.call = ANY($?)", "Under these calls.").counted("t.call"),
            shared::BENEFICIARY,
        ],
        shared::ACTIVITY,
        shared::ROLES,
        shared::AMOUNT,
        shared::PERIOD,
    ],
    sorts: &[shared::TITLE_SORT, shared::PERIOD_SORTS, shared::AMOUNT_SORT],
    money: Some(Dated { member: "budget", dated: "coalesce(t.doc #>> '{budget,value_date}', t.doc ->> 'start_date')" }),
    activity: Some("t.doc"),
    flows: Some("t.grant_id = own.identifier"),
    columns: &[
        Column::Plain("programme"),
        Column::Plain("call"),
        Column::Text("title"),
        Column::Text("description"),
        Column::Plain("status"),
        Column::Plain("start_date"),
        Column::Plain("end_date"),
        Column::Money("budget"),
        Column::Sectors("sectors"),
        Column::Keys("recipients", "beneficiary"),
        Column::Keys("places", "location"),
        Column::Json("objectives"),
        Column::Json("funding"),
        Column::Json("recipients"),
        Column::Json("organisations"),
        Column::Json("target_groups"),
        Column::Json("in_kind"),
        Column::Json("places"),
        Column::Json("tags"),
        Column::Json("documents"),
        Column::Json("sources"),
        Column::Json("original"),
        Column::Json("funding_totals"),
    ],
    derived: shared::FUNDING_TOTALS,
    refers_to: &["programmes", "calls", "beneficiaries", "organisations", "locations", "sources"],
    check: check::<Grant>,
    view: view::<Grant>,
};
