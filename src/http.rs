//! HTTP without knowledge of any collection: what came in, in which form to
//! answer, and what caches and logs need.

pub mod audit;
pub mod body;
pub mod conditional;
pub mod identifier;
pub mod negotiate;
pub mod observe;
pub mod precondition;
pub mod query;
pub mod upload;
