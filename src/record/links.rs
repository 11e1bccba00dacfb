//! References from one record to others. Each is stored in the table `links`,
//! whose foreign key demands a target that exists and was not deleted.

use serde::Serialize;

use super::{Citation, FundingLine, Identifier, Participation, PlaceShare};

/// One reference: from a place in the record, to a record of a collection, as something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// JSON Pointer to the member that holds the identifier.
    pub pointer: String,
    /// What the target is to the record: `programme`, `funding`, `place`, `source`, …
    pub role: String,
    /// The identifier referred to.
    pub target: String,
    /// The collection in which it must exist.
    pub collection: &'static str,
}

/// Collects the links of a record.
#[derive(Debug, Default)]
pub struct Links(pub Vec<Link>);

impl Links {
    /// Adds one reference, if the record makes it.
    pub fn add(
        &mut self,
        pointer: impl Into<String>,
        role: &str,
        collection: &'static str,
        target: Option<&Identifier>,
    ) {
        if let Some(Identifier(target)) = target {
            self.0.push(Link { pointer: pointer.into(), role: role.to_owned(), target: target.clone(), collection });
        }
    }

    /// The places of a record.
    pub fn places(&mut self, places: &[PlaceShare]) {
        for (n, place) in places.iter().enumerate() {
            self.add(format!("/places/{n}/location"), "place", "locations", Some(&place.location));
        }
    }

    /// The organisations of a record, each under its role.
    pub fn organisations(&mut self, organisations: &[Participation]) {
        for (n, part) in organisations.iter().enumerate() {
            let pointer = format!("/organisations/{n}/organisation");
            self.add(pointer, &part.role.to_string(), "organisations", Some(&part.organisation));
        }
    }

    /// Who pays.
    pub fn funding(&mut self, lines: &[FundingLine]) {
        for (n, line) in lines.iter().enumerate() {
            self.add(format!("/funding/{n}/organisation"), "funding", "organisations", line.organisation.as_ref());
        }
    }

    /// The sources that a record rests on.
    pub fn sources(&mut self, sources: &[Citation]) {
        for (n, citation) in sources.iter().enumerate() {
            self.add(format!("/sources/{n}/source"), "source", "sources", Some(&citation.source));
        }
    }
}
