//! What belongs to an activity and stands in records of its own: its flows, its results, who takes
//! part, and where.

use std::collections::HashMap;

use serde::Deserialize;

use crate::collections::beneficiaries::BeneficiaryKind;
use crate::collections::indicators::Indicator;
use crate::collections::observations::Observation;
use crate::collections::organisations::OrganisationType;
use crate::collections::transactions::Transaction;
use crate::kind::Kind;
use crate::record::{Identifier, OtherIdentifier, PartialDate, Point, Translations};

/// The SQL of it for a programme or grant `t`: it has one activity above it, and others name it by one
/// key. What is `{beside_}` is a table of the register, or of the same name in [`PAST`].
const OF_ACTIVITY: &str = include_str!("related/activity.sql");

/// The SQL of what belongs to each record `t` of a collection, if it is one of activities.
pub fn of_activity(kind: &Kind) -> Option<String> {
    let (above, key) = match kind.collection {
        "programmes" => ("t.parent", "programme"),
        "grants" => ("t.programme", "grant_id"),
        _ => return None,
    };
    Some(OF_ACTIVITY.replace("{above}", above).replace("{key}", key))
}

/// Makes temporary tables of an instant that was entered.
pub const PAST: &str = include_str!("related/past.sql");
/// Of an organisation or beneficiary only who publishes it is of interest.
pub const OF_PARTY: &str =
    "(SELECT jsonb_build_object('publisher', p.name)::text FROM publishers p WHERE p.id = t.publisher)";

/// What belongs to one record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Related {
    /// The name of its publisher.
    pub publisher: String,
    /// When the activities above it start, the nearest first.
    pub above: Vec<Option<PartialDate>>,
    /// Of a grant, the programme that it was awarded under.
    pub programme: Option<Programme>,
    /// The activities right below it.
    pub below: Vec<Identifier>,
    /// Flows that it reports, by date.
    pub transactions: Vec<Transaction>,
    /// What is measured of it.
    pub indicators: Vec<Indicator>,
    /// The values of that.
    pub observations: Vec<Observation>,
    /// Organisations and beneficiaries that are named.
    pub parties: HashMap<String, Party>,
    /// Places that are named.
    pub places: HashMap<String, Place>,
}

/// What a grant was awarded under.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Programme {
    /// Its title.
    pub title: Translations,
    /// Who pays for it.
    pub funders: Vec<Identifier>,
}

/// Who takes part.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Party {
    /// What it is called.
    pub name: Translations,
    /// What it is, as an organisation.
    #[serde(rename = "type")]
    pub organisation_type: Option<OrganisationType>,
    /// What it is, as a beneficiary.
    pub kind: Option<BeneficiaryKind>,
    /// Its identifiers elsewhere.
    pub identifiers: Vec<OtherIdentifier>,
}

/// Somewhere.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    /// What it is called.
    pub name: Translations,
    /// Where it is.
    pub point: Option<Point>,
    /// What must be said of it.
    pub note: Option<Translations>,
    /// The country that it lies in, or is, by ISO 3166-1.
    pub country: Option<String>,
    /// What that is called.
    pub country_name: Translations,
}

/// Whose codes stand for organisations anywhere: those of the OECD and IATI, and Serbia's registers.
const SCHEMES: [&str; 4] = ["XM-DAC", "XI-IATI", "RS-APR", "RS-PIB"];

/// Whether a scheme is named as org-id.guide names lists: where, and which. That of municipalities is none.
fn is_list(scheme: &str) -> bool {
    let parts: Vec<&str> = scheme.split('-').collect();
    let named = |part: &&str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    parts.len() == 2 && parts.iter().all(named) && scheme != "RS-MB"
}

impl Party {
    /// How it is named: by a code that others know too, else as the register names it.
    pub fn reference(&self, identifier: &str) -> String {
        reference(&self.identifiers, identifier)
    }
}

/// How somebody with these identifiers elsewhere is named.
pub fn reference(identifiers: &[OtherIdentifier], identifier: &str) -> String {
    let known = |scheme: &&str| identifiers.iter().find(|other| other.scheme == **scheme);
    // The only code that it has, of a list of org-id.guide.
    let alone = || identifiers.first().filter(|other| identifiers.len() == 1 && is_list(&other.scheme));
    match SCHEMES.iter().find_map(known).or_else(alone) {
        Some(other) => format!("{}-{}", other.scheme, other.code),
        None => identifier.to_owned(),
    }
}
