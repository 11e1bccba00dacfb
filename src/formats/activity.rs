//! Programmes and grants as standards of exchange know them: both are activities.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::collections::grants::Recipient;
use crate::record::{
    Document, FundingLine, Identifier, InKindItem, Money, Original, PartialDate, Participation, PlaceShare,
    SectorShare, Status, Tag, TargetGroup, Translations,
};

/// The members of programmes and grants that standards of exchange have room for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Activity {
    /// Its identifier.
    pub identifier: Identifier,
    /// Who publishes it.
    pub publisher: String,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Of a programme, what it is a part of.
    pub parent: Option<Identifier>,
    /// Of a grant, what it was awarded under.
    pub programme: Option<Identifier>,
    /// Its title.
    pub title: Translations,
    /// What it is.
    pub description: Option<Translations>,
    /// What it is to achieve.
    pub objectives: Vec<Translations>,
    /// Where it stands.
    pub status: Status,
    /// When it begins.
    pub start_date: Option<PartialDate>,
    /// When it ends.
    pub end_date: Option<PartialDate>,
    /// Its budget.
    pub budget: Option<Money>,
    /// Who pays.
    pub funding: Vec<FundingLine>,
    /// Of a grant, who receives.
    pub recipients: Vec<Recipient>,
    /// Who else takes part.
    pub organisations: Vec<Participation>,
    /// Whom it is for.
    pub target_groups: Vec<TargetGroup>,
    /// Goods and services given.
    pub in_kind: Vec<InKindItem>,
    /// Where it works.
    pub places: Vec<PlaceShare>,
    /// In which sectors.
    pub sectors: Vec<SectorShare>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Documents about it.
    pub documents: Vec<Document>,
    /// What a file of another standard said beyond it.
    pub original: Option<Original>,
}
