//! An organisation or beneficiary as an `iati-organisation`.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

use super::activity::{narratives, reporting};
use super::xml::Element;
use super::{codes, original};
use crate::collections::organisations::OrganisationType;
use crate::formats::related::{Related, reference};
use crate::record::original::digest_of;
use crate::record::{Identifier, Original, OtherIdentifier, Translations};

/// The members of both that IATI has room for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Organisation {
    identifier: Identifier,
    publisher: String,
    updated_at: DateTime<Utc>,
    name: Translations,
    #[serde(rename = "type")]
    organisation_type: Option<OrganisationType>,
    identifiers: Vec<OtherIdentifier>,
    website: Option<String>,
    original: Option<Original>,
}

/// The digest of the members that say what elements of this name say; nothing where none do.
pub fn members(name: &str, of: &Organisation) -> Option<String> {
    (name == "name").then(|| digest_of(&of.name))
}

/// The organisation: who it is. Of its budgets the register knows only what activities say, and what was
/// read in the standard.
pub fn organisation(of: &Organisation, collection: &str, related: &Related, today: NaiveDate) -> Element {
    let website = of.website.as_ref().map(|url| {
        let title = Element::new("title").with(narratives(&of.name));
        let category = Element::new("category").attribute("code", "B16");
        let link = Element::new("document-link").attribute("format", "text/html").attribute("url", url);
        link.attribute("register:of", "website").with([title, category])
    });
    let made = |_: &BTreeSet<String>| {
        let reference = reference(&of.identifiers, &of.identifier.0);
        let listed = of.identifiers.iter().map(|other| {
            Element::new("register:identifier").attribute("scheme", &other.scheme).attribute("code", &other.code)
        });
        let groups = [
            ("register:identifier", listed.collect()),
            ("organisation-identifier", vec![Element::new("organisation-identifier").text(reference)]),
            ("name", vec![Element::new("name").with(narratives(&of.name))]),
            ("reporting-org", vec![reporting(&of.publisher, &related.publisher)]),
            ("document-link", website.clone().into_iter().collect()),
        ];
        let organisation = Element::new("iati-organisation")
            .attribute("last-updated-datetime", of.updated_at.format("%Y-%m-%dT%H:%M:%SZ"))
            .attribute("register:identifier", &of.identifier.0)
            .attribute("register:collection", collection)
            .attribute_if("register:type", of.organisation_type.map(codes::organisation_type));
        (organisation, groups.map(|(name, elements)| (name.to_owned(), elements)).into())
    };
    original::restored(of.original.as_ref(), &|name| members(name, of), made, today)
}
