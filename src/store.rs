//! The register in the database: questions to it, and changes of it.
//!
//! Every change keeps the version before it. A record's past state, with its
//! parts, is the document of the version in force then; what it referred to
//! stands beside it. Nothing else needs rebuilding.

pub mod ask;
pub mod audit;
pub mod batch;
pub mod bound;
pub mod change;
pub mod clients;
pub mod commit;
pub mod cursor;
pub mod grain;
pub mod history;
pub mod merge;
pub mod past;
pub mod publishers;
pub mod rates;
pub mod read;
pub mod refer;
pub mod write;
