//! What a collection is to the rest of the program: a table of what may be asked
//! of it, and two functions, one for what comes in and one for what goes out.
//!
//! The core (`store`, `http`, `formats`, `openapi`) knows collections only through
//! [`Kind`]; each collection's file states its own.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use validator::{Validate, ValidationErrorsKind};

use crate::error::Fault;
use crate::record::{Link, Links};

/// One collection.
pub struct Kind {
    /// Its name in paths, and of its table: `grants`.
    pub collection: &'static str,
    /// Its name in sentences: `grant`.
    pub singular: &'static str,
    /// Its schema in the OpenAPI document: `Grant`.
    pub schema: &'static str,
    /// What it holds, in a sentence.
    pub about: &'static str,
    /// Filters, in groups of which several collections share some.
    pub filters: &'static [&'static [Filter]],
    /// Sort keys, in groups likewise.
    pub sorts: &'static [&'static [Sort]],
    /// Its main amount, if it has one.
    pub money: Option<Dated>,
    /// The document of the activity that its amounts are divided by, over `t`, where it has one.
    pub activity: Option<&'static str>,
    /// The flows `t` that a record `own` reports, or its grants do.
    pub flows: Option<&'static str>,
    /// Columns of its own in tabular formats.
    pub columns: &'static [Column],
    /// Members that the register computes for the view.
    pub derived: &'static [&'static str],
    /// The collections that its records refer to, for `include`.
    pub refers_to: &'static [&'static str],
    /// Reads and checks what a publisher sent.
    pub check: fn(&Value) -> Checked,
    /// The view of a stored document.
    pub view: fn(&str) -> serde_json::Result<Map<String, Value>>,
}

/// The main amount of a kind, in the columns `amount` and `currency` of its table.
#[derive(Clone, Copy)]
pub struct Dated {
    /// The member that states it.
    pub member: &'static str,
    /// The date whose rate it is converted by, over `t`: its value date, else the one that
    /// stands for it.
    pub dated: &'static str,
}

/// What came of checking a document.
#[derive(Default)]
pub struct Checked {
    /// The document in its canonical form.
    pub doc: Value,
    /// Whom it refers to.
    pub links: Vec<Link>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// A record of one collection, as its publisher writes it.
pub trait Record: Serialize + DeserializeOwned + Validate + Default {
    /// Collects the references to other records.
    fn links(&self, links: &mut Links);

    /// Adds what the register computes; see [`Kind::derived`].
    fn derive(&self, _view: &mut Map<String, Value>) {}
}

/// [`Kind::check`] for a record type. The document has the right shape already, or
/// lacks the members that have not; these are taken as empty, so that the others
/// are checked all the same.
pub fn check<T: Record>(value: &Value) -> Checked {
    let record: T = match T::deserialize(value).or_else(|_| T::deserialize(completed::<T>(value))) {
        Ok(record) => record,
        Err(error) => {
            let fault = Fault::at("", "unreadable", error.to_string());
            return Checked { faults: vec![fault], ..Checked::default() };
        }
    };
    let mut faults = Vec::new();
    if let Err(errors) = record.validate() {
        for (_, kind) in errors.0 {
            let ValidationErrorsKind::Field(errors) = kind else { continue };
            faults.extend(errors.into_iter().map(|error| {
                let pointer = error.params.get("pointer").and_then(Value::as_str).unwrap_or_default();
                Fault::at(pointer, &error.code, error.message.unwrap_or_default())
            }));
        }
    }
    let mut links = Links::default();
    record.links(&mut links);
    match serde_json::to_value(&record) {
        Ok(doc) => Checked { doc, links: links.0, faults },
        Err(error) => Checked { faults: vec![Fault::at("", "unreadable", error.to_string())], ..Checked::default() },
    }
}

/// The document, with empty members for those that it lacks.
fn completed<T: Record>(value: &Value) -> Value {
    let mut whole = serde_json::to_value(T::default()).unwrap_or_default();
    if let (Some(whole), Some(members)) = (whole.as_object_mut(), value.as_object()) {
        whole.extend(members.clone());
    }
    whole
}

/// [`Kind::view`] for a record type.
pub fn view<T: Record>(doc: &str) -> serde_json::Result<Map<String, Value>> {
    let record: T = serde_json::from_str(doc)?;
    let Value::Object(mut view) = serde_json::to_value(&record)? else { return Ok(Map::new()) };
    record.derive(&mut view);
    Ok(view)
}

/// A filter: one query parameter, and the condition it sets on the table `t`.
pub struct Filter {
    /// The parameter.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// The condition; `$?` stands for the bound value.
    pub sql: &'static str,
    /// What it finds, for the documentation.
    pub about: &'static str,
    /// What to count the records of a list by.
    pub facet: Option<Facet>,
}

/// What records are counted by.
#[derive(Clone, Copy)]
pub enum Facet {
    /// Over `t`: a value, or a set of them.
    By(&'static str),
    /// The places of records, and all that these lie in, as the filter by place finds them.
    Places,
}

impl Filter {
    /// The filter, its values counted by this.
    pub const fn counted(self, by: &'static str) -> Self {
        Self { facet: Some(Facet::By(by)), ..self }
    }

    /// The filter by place, its places counted.
    pub const fn placed(self) -> Self {
        Self { facet: Some(Facet::Places), ..self }
    }
}

/// What a filter's parameter takes.
#[derive(Clone, Copy)]
pub enum Takes {
    /// Any of a comma list of free values.
    AnyOf,
    /// Any of a comma list of these codes.
    Codes(&'static [&'static str]),
    /// Any of a comma list of ISO 4217 currencies.
    Currencies,
    /// A date, perhaps of reduced precision.
    Date,
    /// An instant.
    Instant,
    /// A decimal number.
    Number,
    /// A box on the map: west, south, east, north, in degrees.
    Box,
    /// A point on the map and a distance: latitude, longitude, kilometres.
    Circle,
}

/// A sort key: an expression over `t` that is never null, and its type.
pub struct Sort {
    /// Its name in `sort=`.
    pub name: &'static str,
    /// The expression; an index on it and `identifier` stands in the migrations.
    pub sql: &'static str,
    /// The expression's type, to read it back from a cursor.
    pub of_type: &'static str,
}

/// How a member is spread over columns.
#[derive(Clone, Copy)]
pub enum Column {
    /// One column with the value.
    Plain(&'static str),
    /// A column for each usual language, and one for all others.
    Text(&'static str),
    /// Amount, currency, value date and exactness.
    Money(&'static str),
    /// One column with one member of an object: `population_year`.
    Member(&'static str, &'static str),
    /// One column: this key of each item, separated by `|`.
    Keys(&'static str, &'static str),
    /// Codes, names and percentages of sectors, separated by `|`.
    Sectors(&'static str),
    /// One column with the member as JSON.
    Json(&'static str),
}

/// A filter by a comma list of free values.
pub const fn any_of(name: &'static str, sql: &'static str, about: &'static str) -> Filter {
    Filter { name, takes: Takes::AnyOf, sql, about, facet: None }
}

/// A filter by a comma list of known codes.
pub const fn codes(
    name: &'static str,
    sql: &'static str,
    codes: &'static [&'static str],
    about: &'static str,
) -> Filter {
    Filter { name, takes: Takes::Codes(codes), sql, about, facet: None }
}

/// A filter by one date.
pub const fn date(name: &'static str, sql: &'static str, about: &'static str) -> Filter {
    Filter { name, takes: Takes::Date, sql, about, facet: None }
}

/// A filter by one instant.
pub const fn instant(name: &'static str, sql: &'static str, about: &'static str) -> Filter {
    Filter { name, takes: Takes::Instant, sql, about, facet: None }
}

/// A filter by one number.
pub const fn number(name: &'static str, sql: &'static str, about: &'static str) -> Filter {
    Filter { name, takes: Takes::Number, sql, about, facet: None }
}

/// A sort key.
pub const fn sort(name: &'static str, sql: &'static str, of_type: &'static str) -> Sort {
    Sort { name, sql, of_type }
}

/// Filters of every collection.
const COMMON_FILTERS: &[Filter] = &[
    any_of("identifier", "t.identifier = ANY($?)", "These records."),
    any_of("publisher", "t.publisher = ANY($?)", "Written by these publishers.").counted("t.publisher"),
    any_of(
        "source",
        "t.identifier IN (SELECT l.record FROM links l WHERE l.role = 'source' AND l.target = ANY($?))",
        "Resting on these sources.",
    ),
    instant("created_at_gte", "t.created_at >= $?::timestamptz", "First written then or later."),
    instant("created_at_lte", "t.created_at <= $?::timestamptz", "First written then or earlier."),
    instant("updated_at_gte", "t.updated_at >= $?::timestamptz", "Last changed then or later."),
    instant("updated_at_lte", "t.updated_at <= $?::timestamptz", "Last changed then or earlier."),
];

/// Sort keys of every collection.
const COMMON_SORTS: &[Sort] = &[
    sort("identifier", "t.identifier", "text"),
    sort("created_at", "t.created_at", "timestamptz"),
    sort("updated_at", "t.updated_at", "timestamptz"),
];

/// Members that the register adds to each record; sent back, they are ignored.
pub const READ_ONLY: &[&str] = &["publisher", "version", "created_at", "updated_at"];

/// The member with what must be said of a record's places, which the register adds.
pub const PLACE_NOTES: &str = "place_notes";
/// The member with the main amount in another currency, which it adds when that is asked for.
pub const CONVERTED: &str = "converted";

/// Whether these members name places: what must be said of those stands beside them.
pub fn names_places(fields: Option<&[String]>) -> bool {
    let placed = |field: &String| matches!(field.as_str(), "places" | "place" | "location");
    fields.is_none_or(|fields| fields.iter().any(placed))
}

impl Kind {
    /// All its filters.
    pub fn all_filters(&self) -> impl Iterator<Item = &'static Filter> {
        self.filters.iter().copied().flatten().chain(COMMON_FILTERS)
    }

    /// The filters whose values can be counted.
    pub fn facets(&self) -> impl Iterator<Item = &'static Filter> {
        self.all_filters().filter(|filter| filter.facet.is_some())
    }

    /// All its sort keys.
    pub fn all_sorts(&self) -> impl Iterator<Item = &'static Sort> {
        COMMON_SORTS.iter().chain(self.sorts.iter().copied().flatten())
    }

    /// The members that a record shows.
    pub fn members(&self) -> Vec<&'static str> {
        let mut members = vec!["identifier"];
        members.extend(self.columns.iter().map(|column| column.member()));
        members.extend(READ_ONLY);
        members.sort_unstable();
        members.dedup();
        members
    }

    /// Whether its records are somewhere on the map.
    pub fn is_placed(&self) -> bool {
        self.all_filters().any(|filter| filter.name == "bbox")
    }

    /// Whether its records name places; a place itself does not, it is one.
    pub fn has_places(&self) -> bool {
        self.is_placed() && self.collection != "locations"
    }

    /// The scope that a token needs to write here.
    pub fn scope(&self) -> String {
        format!("{}:write", self.collection)
    }
}
