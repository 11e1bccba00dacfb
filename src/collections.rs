//! The ten collections, one file each: its record, its rules, its filters.

use crate::kind::Kind;

pub mod beneficiaries;
pub mod calls;
pub mod grants;
pub mod indicators;
pub mod locations;
pub mod observations;
pub mod organisations;
pub mod programmes;
pub mod shared;
pub mod sources;
pub mod transactions;

/// All of them, in the order in which references point back: a batch in this
/// order never refers to what comes later, hierarchies apart.
pub static ALL: [&Kind; 10] = [
    &sources::KIND,
    &locations::KIND,
    &organisations::KIND,
    &beneficiaries::KIND,
    &programmes::KIND,
    &calls::KIND,
    &grants::KIND,
    &transactions::KIND,
    &indicators::KIND,
    &observations::KIND,
];

/// The collection with this name.
pub fn find(collection: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.collection == collection)
}
