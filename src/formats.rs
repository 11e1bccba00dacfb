//! The formats of lists, as one closed set. To add one: a variant here, a file
//! beside `csv.rs`, and an arm in [`Format::writer`].

pub mod csv;
pub mod geojson;
pub mod ndjson;

use serde_json::{Map, Value};

use crate::kind::Kind;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Pages with links.
    Json,
    /// One record a line, all of them.
    Ndjson,
    /// One record a row, all of them.
    Csv,
    /// One record a feature, all of them, of collections that are on the map.
    Geojson,
}

/// Turns records into bytes, one after another.
pub trait Writer: Send {
    /// What stands before the first record.
    fn begin(&mut self, out: &mut Vec<u8>);
    /// One record, with the points of its places, where the format has them.
    fn record(&mut self, record: &Map<String, Value>, points: Option<&str>, out: &mut Vec<u8>);
    /// What stands after the last record.
    fn end(&mut self, _out: &mut Vec<u8>) {}
}

impl Format {
    /// All formats, the default first.
    pub const ALL: &'static [Self] = &[Self::Json, Self::Ndjson, Self::Csv, Self::Geojson];

    /// Its name in `format=` and as an extension.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Geojson => "geojson",
        }
    }

    /// The formats of a collection.
    pub fn of(kind: &Kind) -> Vec<Self> {
        Self::ALL.iter().copied().filter(|format| *format != Self::Geojson || kind.is_placed()).collect()
    }

    /// The format with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// Its media type, without parameters.
    pub fn essence(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Geojson => "application/geo+json",
        }
    }

    /// Its media type as it is sent.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.essence(),
        }
    }

    /// What writes it as a stream; JSON is not streamed but paged.
    pub fn writer(
        self,
        kind: &'static Kind,
        fields: Option<&[String]>,
        bom: bool,
        converts: bool,
    ) -> Option<Box<dyn Writer>> {
        match self {
            Self::Json => None,
            Self::Ndjson => Some(Box::new(ndjson::Ndjson)),
            Self::Geojson => Some(Box::new(geojson::Geojson::default())),
            Self::Csv => Some(Box::new(csv::Csv::new(kind, fields, bom, converts))),
        }
    }
}
