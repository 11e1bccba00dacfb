//! Imports: many records at once, in one of several formats, all or none of them or
//! each by itself; at once where the body is small, as a job where it is not.
//!
//! A body goes: bytes → records ([`read`]; [`csv`] and [`xlsx`] as [`table`]s of [`cells`]) → checked records ([`examine`]) → staged,
//! decided and written ([`run`], on [`crate::store::batch`]) → a report ([`report`], with the register's [`complaints`]) and
//! a [`record`] of it in the audit log.
//! A dry run is the same, rolled back at its end.

pub mod advice;
pub mod cells;
pub mod complaints;
pub mod csv;
pub mod examine;
pub mod iati;
pub mod jobs;
pub mod known;
pub mod partial;
pub mod read;
pub mod record;
pub mod report;
pub mod routes;
pub mod rows;
pub mod run;
pub mod sink;
pub mod spooled;
pub mod table;
pub mod threesixty;
pub mod validate;
pub mod work;
pub mod workbook;
pub mod xlsx;

use crate::collections;
use crate::kind::Kind;
use crate::store::change::Author;

/// The formats that imports are sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Format {
    /// One record a line.
    Ndjson,
    /// A list of records, or an object with a list for each collection.
    Json,
    /// One record a row, with the columns of the export.
    Csv,
    /// The same as a workbook; its first sheet counts.
    Xlsx,
    /// Activities or organisations of IATI.
    Iati,
    /// Grants of 360Giving: a package, or the template as CSV or a workbook.
    #[strum(serialize = "360giving")]
    ThreeSixty,
}

impl Format {
    /// Its name in `format=`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Its media type.
    pub fn essence(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
            Self::Csv => "text/csv",
            Self::Iati => "application/xml",
            Self::ThreeSixty => "application/x-360giving",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// Bytes of the largest body, where it has to be in memory as a whole.
    pub fn whole(self) -> Option<usize> {
        matches!(self, Self::Json | Self::Xlsx).then_some(8 * 1024 * 1024)
    }

    /// Whether a file says all that its publisher says of an activity or grant: what is not in it any
    /// more is gone, and back with it when it is again.
    pub fn sweeps(self) -> bool {
        matches!(self, Self::Iati | Self::ThreeSixty)
    }

    /// Whether records are rows of a table, which says nothing of what it has no column for.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Xlsx)
    }
}

/// What happens to a batch in which something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Mode {
    /// Nothing of it is stored.
    Atomic,
    /// What is right is stored.
    Independent,
}

/// What is to be imported, by whom, and how.
#[derive(Clone)]
pub struct Order {
    /// The collection of all records; without it each says its own.
    pub collection: Option<&'static Kind>,
    /// The format.
    pub format: Format,
    /// All or none, or each by itself.
    pub mode: Mode,
    /// Whether it is only to be tried.
    pub dry_run: bool,
    /// Whether many changes at once are meant.
    pub confirmed: bool,
    /// For whom.
    pub publisher: Option<String>,
    /// Whether it may write the records of all publishers.
    pub everywhere: bool,
    /// The collections that it may write.
    pub scopes: Vec<String>,
    /// By whom, for the versions.
    pub author: Author,
}

impl Order {
    /// Whose records it may write; nobody's in particular means everybody's.
    pub fn writes_for(&self) -> Option<&str> {
        self.publisher.as_deref().filter(|_| !self.everywhere)
    }
}

impl Default for Order {
    /// Everything, by the program itself.
    fn default() -> Self {
        Self {
            collection: None,
            format: Format::Json,
            mode: Mode::Atomic,
            dry_run: false,
            confirmed: true,
            publisher: None,
            everywhere: true,
            scopes: collections::ALL.iter().map(|kind| kind.collection.to_owned()).collect(),
            author: Author::program("load"),
        }
    }
}
