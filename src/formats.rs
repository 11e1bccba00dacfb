//! The formats of lists, as one closed set. To add one: a variant here, a file
//! beside `csv.rs`, and an arm in [`Format::writer`].

pub mod activity;
pub mod columns;
pub mod csv;
pub mod geojson;
pub mod iati;
pub mod ndjson;
pub mod parquet;
pub mod related;
pub mod threesixty;
pub mod types;
pub mod xlsx;

use std::fs::File;
use std::io;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::store::grain::Grain;
use columns::Columns;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Pages with links.
    Json,
    /// One record a line, all of them.
    Ndjson,
    /// One record a row, all of them.
    Csv,
    /// A workbook with one record a row, all of them.
    Xlsx,
    /// The same table with typed columns, for notebooks.
    Parquet,
    /// One record a feature, all of them, of collections that are on the map.
    Geojson,
    /// IATI 2.03, of activities and organisations.
    Xml,
    /// A package of 360Giving, of grants.
    ThreeSixtyGiving,
}

/// Turns records into bytes, one after another.
pub trait Writer: Send {
    /// What stands before the first record.
    fn begin(&mut self, out: &mut Vec<u8>);
    /// One record, with what the format wants to know beside it ([`Format::beside`]).
    fn record(&mut self, record: &Map<String, Value>, beside: Option<&str>, out: &mut Vec<u8>) -> io::Result<()>;
    /// What stands after the last record, and where a format has to be whole before it can be
    /// sent, the file of it. This may take as long as the records did.
    fn end(self: Box<Self>, _out: &mut Vec<u8>) -> io::Result<Option<File>> {
        Ok(None)
    }
}

/// What an export is of.
pub struct Export {
    /// The collection.
    pub kind: &'static Kind,
    /// Members to show; all without.
    pub fields: Option<Vec<String>>,
    /// Whether CSV begins with a byte order mark.
    pub bom: bool,
    /// Whether main amounts are converted.
    pub converts: bool,
    /// What a row of a table is about.
    pub grain: Grain,
    /// Its own address.
    pub address: String,
    /// The moment that it shows.
    pub moment: DateTime<Utc>,
    /// The licence of the register, by SPDX identifier.
    pub licence: String,
}

impl Export {
    /// How to cite it.
    pub fn citation(&self) -> String {
        format!("Aid Register, {}, {}, {}", self.kind.collection, self.moment.format("%-d %B %Y"), self.address)
    }
}

/// A record's members that a format has room for.
fn typed<T: DeserializeOwned>(record: &Map<String, Value>) -> io::Result<T> {
    Ok(serde_json::from_value(Value::Object(record.clone()))?)
}

impl Format {
    /// All formats, the default first.
    pub const ALL: &'static [Self] = &[
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Xlsx,
        Self::Parquet,
        Self::Geojson,
        Self::Xml,
        Self::ThreeSixtyGiving,
    ];

    /// Its name in `format=` and as an extension.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
            Self::Geojson => "geojson",
            Self::Xml => "xml",
            Self::ThreeSixtyGiving => "360giving",
        }
    }

    /// What a file of it is called after the collection.
    pub fn extension(self) -> &'static str {
        if self == Self::ThreeSixtyGiving { "360giving.json" } else { self.name() }
    }

    /// The formats of a collection.
    pub fn of(kind: &Kind) -> Vec<Self> {
        let has = |format: &Self| match format {
            Self::Geojson => kind.is_placed(),
            Self::Xml | Self::ThreeSixtyGiving => format.beside(kind, false).is_some(),
            _ => true,
        };
        Self::ALL.iter().copied().filter(has).collect()
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
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Geojson => "application/geo+json",
            Self::Xml => "application/xml",
            // The standard has no media type of its own: the address has to ask for it.
            Self::ThreeSixtyGiving => "application/json",
        }
    }

    /// Its media type as it is sent.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.essence(),
        }
    }

    /// The SQL of what it wants to know beside each record `t`, as JSON. What a standard wants of the
    /// past, [`related::PAST`] has to have laid out.
    pub fn beside(self, kind: &Kind, is_past: bool) -> Option<String> {
        let sql = match self {
            Self::Geojson => Some(geojson::points(kind).to_owned()),
            Self::Xml => iati::beside(kind),
            Self::ThreeSixtyGiving => threesixty::beside(kind),
            _ => None,
        };
        sql.map(|sql| sql.replace("{beside_}", if is_past { "beside_" } else { "" }))
    }

    /// Whether a standard lays down what it says of a record.
    pub fn is_standard(self) -> bool {
        matches!(self, Self::Xml | Self::ThreeSixtyGiving)
    }

    /// Whether it is a table, which may have several rows a record.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Xlsx | Self::Parquet)
    }

    /// The rows that it can have at most.
    pub fn rows(self) -> Option<i64> {
        (self == Self::Xlsx).then_some(xlsx::ROWS)
    }

    /// What writes it as a stream; JSON is not streamed but paged.
    pub fn writer(self, export: &Export) -> io::Result<Option<Box<dyn Writer>>> {
        let columns = || Columns::new(export);
        Ok(match self {
            Self::Json => None,
            Self::Ndjson => Some(Box::new(ndjson::Ndjson)),
            Self::Geojson => Some(Box::new(geojson::Geojson::default())),
            Self::Xml => Some(Box::new(iati::Iati::new(export))),
            Self::ThreeSixtyGiving => Some(Box::new(threesixty::ThreeSixtyGiving::new(export))),
            Self::Csv => Some(Box::new(csv::Csv::new(columns(), export.bom))),
            Self::Xlsx => Some(Box::new(xlsx::Xlsx::new(columns(), export)?)),
            Self::Parquet => Some(Box::new(parquet::Parquet::new(columns(), export)?)),
        })
    }
}
