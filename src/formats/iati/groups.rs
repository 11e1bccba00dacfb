//! Which elements of an activity say what which members of a record say: as long as these are as they
//! were read, the elements can be given back as they came.

use serde_json::{Value, json};

use crate::collections::indicators::Indicator;
use crate::collections::observations::Observation;
use crate::collections::transactions::Transaction;
use crate::formats::activity::Activity;
use crate::record::SectorShare;
use crate::record::original::digest_of;

/// The part of an original that holds the attributes of an activity itself.
pub const ATTRIBUTES: &str = "@";

/// The elements of an activity or organisation in the order of the standard's schema.
pub const ORDER: [&str; 41] = [
    "iati-identifier",
    "organisation-identifier",
    "name",
    "reporting-org",
    "title",
    "description",
    "participating-org",
    "other-identifier",
    "activity-status",
    "activity-date",
    "contact-info",
    "activity-scope",
    "recipient-country",
    "recipient-region",
    "location",
    "sector",
    "tag",
    "country-budget-items",
    "humanitarian-scope",
    "policy-marker",
    "collaboration-type",
    "default-flow-type",
    "default-finance-type",
    "default-aid-type",
    "default-tied-status",
    "budget",
    "planned-disbursement",
    "capital-spend",
    "transaction",
    "total-budget",
    "recipient-org-budget",
    "recipient-region-budget",
    "recipient-country-budget",
    "total-expenditure",
    "document-link",
    "related-activity",
    "legacy-data",
    "conditions",
    "result",
    "crs-add",
    "fss",
];

/// The digest of the members that say what elements of this name say; nothing where none do.
pub fn members(name: &str, of: &Activity) -> Option<String> {
    let members: Value = match name {
        "title" => json!(of.title),
        "description" => json!([of.description, of.objectives, of.target_groups, of.in_kind]),
        "participating-org" => json!([of.funding, of.organisations, of.recipients]),
        "activity-status" => json!(of.status),
        "activity-date" => json!([of.start_date, of.end_date]),
        "recipient-country" | "recipient-region" | "location" => json!(of.places),
        "sector" => json!(sorted(&of.sectors)),
        "tag" => json!([of.tags, sorted(&of.sectors)]),
        "budget" => json!([of.budget, of.start_date, of.end_date]),
        "document-link" => json!(of.documents),
        "related-activity" => json!([of.parent, of.programme]),
        _ => return None,
    };
    Some(digest_of(&members))
}

/// Sectors in an order of their own: theirs means nothing, and those without shares are written elsewhere.
fn sorted(sectors: &[SectorShare]) -> Vec<&SectorShare> {
    let mut sorted: Vec<&SectorShare> = sectors.iter().collect();
    sorted.sort_by(|a, b| (&a.vocabulary, &a.code).cmp(&(&b.vocabulary, &b.code)));
    sorted
}

/// The digest of what a flow's element says of it.
pub fn flow(of: &Transaction) -> String {
    let Transaction { transaction_type, date, value, provider, receiver, description, .. } = of;
    digest_of(&json!([transaction_type, date, value, provider, receiver, description]))
}

/// The digest of what a result's element says: its indicators and their values, each in the order of
/// their identifiers.
pub fn result(indicators: &[&Indicator], observations: &[&Observation]) -> String {
    let measured = indicators.iter().map(|one| {
        let Indicator { identifier, title, description, measure, unit, direction, additive, .. } = one;
        json!([identifier, title, description, measure, unit, direction, additive])
    });
    let observed = observations.iter().map(|one| json!(Observation { sources: Vec::new(), ..(*one).clone() }));
    digest_of(&json!([measured.collect::<Vec<_>>(), observed.collect::<Vec<_>>()]))
}
