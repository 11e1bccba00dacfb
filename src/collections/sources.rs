//! Sources: the documents and feeds that statements rest on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationErrors};

use super::shared;
use crate::kind::{Column, Kind, Record, any_of, check, date, sort, view};
use crate::record::rules::Rules;
use crate::record::{Identifier, Links, PartialDate, Translations};

/// A document or feed that statements rest on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its identifier.
    pub identifier: Identifier,
    /// Its title.
    pub title: Translations,
    /// Where it is.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000)]
    pub url: Option<String>,
    /// Its file name, if it is a file.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub file: Option<String>,
    /// Who published it, in words.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub published_by: Option<String>,
    /// Who published it, as an organisation of the register.
    #[serde(default)]
    pub organisation: Option<Identifier>,
    /// When it was published.
    #[serde(default)]
    pub published: Option<PartialDate>,
    /// When it was read.
    #[serde(default)]
    pub accessed: Option<PartialDate>,
    /// Its language.
    #[serde(default)]
    #[schema(format = "bcp-47", examples("en"))]
    pub language: Option<String>,
    /// Its licence, by SPDX identifier.
    #[serde(default)]
    #[schema(format = "spdx", max_length = 200, examples("CC-BY-4.0"))]
    pub licence: Option<String>,
    /// What a reader should know.
    #[serde(default)]
    pub note: Option<Translations>,
}

impl Validate for Source {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut rules = Rules::default();
        if self.url.is_none() && self.file.is_none() {
            rules.fault("/url", "required", "an address or a file is missing".into());
        }
        rules.finish()
    }
}

impl Record for Source {
    fn links(&self, links: &mut Links) {
        links.add("/organisation", "organisation", "organisations", self.organisation.as_ref());
    }
}

/// The collection.
pub static KIND: Kind = Kind {
    collection: "sources",
    singular: "source",
    schema: "Source",
    about: "The documents and feeds that statements rest on.",
    filters: &[&[
        shared::ORGANISATION,
        any_of("licence", "t.licence = ANY($?)", "Under one of these licences.").counted("t.licence"),
        date("published_gte", "coalesce(t.published, '-infinity') >= first_day($?)", "Published then or later."),
        date("published_lte", "t.published_last <= last_day($?)", "Published then or earlier."),
    ]],
    sorts: &[shared::TITLE_SORT, &[sort("published", "coalesce(t.published, '-infinity')", "date")]],
    money: None,
    activity: None,
    flows: None,
    columns: &[
        Column::Text("title"),
        Column::Plain("url"),
        Column::Plain("file"),
        Column::Plain("published_by"),
        Column::Plain("organisation"),
        Column::Plain("published"),
        Column::Plain("accessed"),
        Column::Plain("language"),
        Column::Plain("licence"),
        Column::Text("note"),
    ],
    derived: &[],
    refers_to: &["organisations"],
    check: check::<Source>,
    view: view::<Source>,
};
