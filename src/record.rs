//! The values that records are made of, and the rules that hold between them.
//!
//! What belongs here is the same in every collection; what is one collection's
//! own stands in [`crate::collections`].

pub mod links;
pub mod original;
pub mod parts;
pub mod rules;
pub mod split;
pub mod values;

pub use links::{Link, Links};
pub use original::Original;
pub use parts::{
    Citation, Document, FundingLine, InKindItem, KindOfMoney, OrganisationRole, OtherIdentifier, Participation,
    PlaceShare, Point, SectorShare, Status, Tag, TargetGroup,
};
pub use values::{
    Amount, Exactness, Identifier, Money, PartialDate, Percentage, Quantity, Translations, VISIBLE, is_visible,
};
