//! An organisation or beneficiary as an `iati-organisation`.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::activity::{narratives, reporting};
use super::xml::Element;
use crate::formats::related::{Party, Related};
use crate::record::original::digest_of;
use crate::record::{Identifier, OtherIdentifier, Translations};

/// The members of both that IATI has room for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Organisation {
    identifier: Identifier,
    publisher: String,
    updated_at: DateTime<Utc>,
    name: Translations,
    identifiers: Vec<OtherIdentifier>,
    website: Option<String>,
}

/// The digest of the members that say what elements of this name say; nothing where none do.
pub fn members(name: &str, of: &Organisation) -> Option<String> {
    (name == "name").then(|| digest_of(&of.name))
}

/// The organisation: who it is. Of its budgets the register knows only what activities say.
pub fn organisation(of: Organisation, related: &Related) -> Element {
    let party = Party { identifiers: of.identifiers, ..Party::default() };
    let website = of.website.as_ref().map(|url| {
        let title = Element::new("title").with(narratives(&of.name));
        let category = Element::new("category").attribute("code", "B16");
        Element::new("document-link").attribute("format", "text/html").attribute("url", url).with([title, category])
    });
    Element::new("iati-organisation")
        .attribute("last-updated-datetime", of.updated_at.format("%Y-%m-%dT%H:%M:%SZ"))
        .attribute("register:identifier", &of.identifier.0)
        .with([
            Element::new("organisation-identifier").text(party.reference(&of.identifier.0)),
            Element::new("name").with(narratives(&of.name)),
            reporting(&of.publisher, &related.publisher),
        ])
        .with(website)
}
