//! A question about totals, read from the parameters of a request.

use std::str::FromStr;

use rust_decimal::Decimal;
use strum::VariantNames;

use super::dimension::{Dimension, Subject};
use super::measures::Measure;
use crate::collections::locations::LocationKind;
use crate::error::{FAULTS, Fault};
use crate::hint::nearest;
use crate::http::query::Query;
use crate::page;
use crate::rates::convert::{self, Conversion};
use crate::record::Identifier;
use crate::store::ask::Ask;
use crate::store::bound::coordinates;
use crate::store::cursor::{Cursor, foreign_cursor};
use crate::store::past::AsOf;

/// Dimensions at most.
const DIMENSIONS: usize = 3;
/// Parameters beside the filters, the bounds and those of a conversion.
pub const PARAMETERS: &[&str] = &[
    "q",
    "measure",
    "group_by",
    "place_level",
    "boundary",
    "shape",
    "format",
    "bom",
    "sort",
    "limit",
    "cursor",
    "as_of",
];

/// What is wanted of a list that a dimension divides: what all these name.
pub struct Narrowing {
    /// The dimension.
    pub dimension: &'static Dimension,
    /// Conditions, each as SQL of the wanted keys over the bound values `{}`.
    pub wanted: Vec<(&'static str, Vec<String>)>,
}

/// The keys that a filter wants, over its values; by its name.
const WANTED: [(&str, &str); 3] = [
    ("place", "SELECT places_within({})"),
    ("bbox", "SELECT places_in_box({}::double precision[])"),
    ("near", "SELECT places_near({}::double precision[])"),
];

/// The filters that count only what falls on their values.
fn narrowing(subject: Subject, query: &Query) -> Vec<Narrowing> {
    let of = |dimension: &'static Dimension| {
        let filters: &[&str] = if dimension.name == "place" { &["place", "bbox", "near"] } else { &[dimension.name] };
        let wanted = filters.iter().filter_map(|name| {
            let values = match *name {
                "bbox" | "near" => coordinates(query.get(name)?),
                name => query.list(name)?.into_iter().map(String::from).collect(),
            };
            let known = WANTED.iter().find(|(other, _)| other == name);
            Some((known.map_or("SELECT unnest({}::text[])", |(_, sql)| sql), values))
        });
        Narrowing { dimension, wanted: wanted.collect() }
    };
    let all = subject.dimensions().filter(|dimension| dimension.narrows).map(of);
    all.filter(|narrowing| !narrowing.wanted.is_empty()).collect()
}

/// The question.
pub struct Question {
    /// What is totalled.
    pub subject: Subject,
    /// Which records.
    pub ask: Ask,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// By what it is grouped.
    pub dimensions: Vec<&'static Dimension>,
    /// Filters that count only what falls on their values, by what they divide.
    pub narrowing: Vec<Narrowing>,
    /// The level that places are counted at.
    pub place_level: Option<String>,
    /// The indicators that are named.
    pub indicators: Vec<String>,
    /// What money has to cross inward to count.
    pub boundary: Option<String>,
    /// Into what to convert.
    pub conversion: Option<Conversion>,
    /// Bounds: a measure, whether it is the least, and the number.
    pub bounds: Vec<(Measure, bool, Decimal)>,
    /// The order: a measure, or the keys; highest first.
    pub sort: Option<(Measure, bool)>,
    /// One row for each first key, with a member for each second one.
    pub wide: bool,
    /// Groups on a page.
    pub limit: i64,
    /// The end of the page before.
    pub after: Option<Cursor>,
    /// What cursors are bound to.
    pub seal: String,
    /// Whether it is about all records, as they are now and state their amounts, but for their type.
    pub is_whole: bool,
    /// The types of flows that are asked for.
    pub types: Option<Vec<String>>,
    /// The places that are asked for.
    pub places: Vec<String>,
    /// The instant to look from.
    pub as_of: Option<AsOf>,
}

/// Parameters that say how groups are shown, which the rows of a total have no use for.
const OF_GROUPS: [&str; 2] = ["shape", "sort"];

/// All parameters of the rows of a subject's totals, but those that only rows have.
pub fn parameters_of_rows(subject: Subject) -> Vec<String> {
    let bounds: Vec<String> = bounds().collect();
    let of_groups = |name: &String| OF_GROUPS.contains(&name.as_str()) || bounds.contains(name);
    parameters(subject).into_iter().filter(|name| !of_groups(name)).collect()
}

/// All parameters of a subject's totals.
pub fn parameters(subject: Subject) -> Vec<String> {
    let filters = subject.kind().all_filters().map(|filter| filter.name.to_owned());
    let of_money = convert::PARAMETERS.iter().filter(|_| subject.kind().money.is_some());
    let others = PARAMETERS.iter().chain(of_money).map(|name| (*name).to_owned());
    filters.chain(others).chain(bounds()).collect()
}

/// The bounds that measures may have: `sum_gte`, `count_lte`, …
pub fn bounds() -> impl Iterator<Item = String> {
    Measure::VARIANTS.iter().flat_map(|measure| [format!("{measure}_gte"), format!("{measure}_lte")])
}

impl Question {
    /// Reads it, or names all that is wrong with it.
    pub fn read(subject: Subject, query: &Query, register: &str) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let measures = measures(query, &mut faults);
        let dimensions = dimensions(subject, query, &mut faults);
        faults.extend(mixed(subject, query, &measures, &dimensions));
        let place_level = query.get("place_level").map(String::from);
        if let Some(level) = place_level.as_deref().filter(|level| !LocationKind::VARIANTS.contains(level)) {
            let words = format!("there is no level {level:?}{}", nearest(level, LocationKind::VARIANTS));
            faults.push(Fault::parameter("place_level", "value_unknown", words));
        }
        if place_level.is_some() && !dimensions.iter().any(|dimension| dimension.name == "place") {
            let words = "place_level says how finely to group by place: add group_by=place";
            faults.push(Fault::parameter("place_level", "not_without_place", words));
        }
        let boundary = query.get("boundary").map(String::from);
        if let Some(boundary) = &boundary {
            if subject != Subject::Transactions {
                let words = "a boundary is crossed by transactions; nothing else moves";
                faults.push(Fault::parameter("boundary", "not_with_subject", words));
            } else if !Identifier::is_valid(boundary) {
                faults.push(Fault::parameter("boundary", "identifier_invalid", "a boundary is one identifier"));
            }
        }
        let wide = match query.get("shape") {
            None | Some("long") => false,
            Some("wide") if dimensions.len() == 2 && measures.len() == 1 => true,
            Some("wide") => {
                let words = "shape=wide takes two dimensions and one measure: the values of the second become columns";
                faults.push(Fault::parameter("shape", "not_with_dimensions", words));
                false
            }
            Some(_) => {
                faults.push(Fault::parameter("shape", "value_unknown", "shape is long or wide"));
                false
            }
        };
        let bounds = read_bounds(query, &measures, &mut faults);
        let sort = sort(query, &measures, &mut faults);
        let conversion = Conversion::read(query).map_err(|more| faults.extend(more)).unwrap_or_default();
        let limit = page::limit(query).map_err(|fault| faults.push(fault)).unwrap_or_default();
        let as_of = AsOf::read(query).map_err(|fault| faults.push(fault)).unwrap_or_default();
        let seal = query
            .pairs()
            .filter(|(name, _)| !matches!(*name, "cursor" | "limit"))
            .fold(format!("{register} totals {}", subject.name()), |seal, (name, value)| {
                format!("{seal}&{name}={value}")
            });
        let after = query.get("cursor").map(|text| Cursor::decode(text, &seal));
        if after == Some(None) {
            faults.push(foreign_cursor());
        }
        let named = query.list("indicator").filter(|_| subject == Subject::Indicators).unwrap_or_default();
        let indicators = named.into_iter().map(String::from).collect();
        let places = query.list("place").unwrap_or_default().into_iter().map(String::from).collect();
        // The filters are those of the list, and mean the same.
        let ask = match Ask::filters(subject.kind(), query) {
            Ok(ask) => ask,
            Err(more) => {
                faults.extend(more);
                faults.truncate(FAULTS);
                return Err(faults);
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            subject,
            ask,
            measures,
            dimensions,
            narrowing: narrowing(subject, query),
            places,
            place_level,
            indicators,
            boundary,
            conversion,
            bounds,
            sort,
            wide,
            limit,
            after: after.flatten(),
            is_whole: query.pairs().all(|(name, _)| name == "type" || !narrows(subject, name)),
            types: query.list("type").map(|types| types.into_iter().map(String::from).collect()),
            seal,
            as_of,
        })
    }
}

/// Whether a parameter makes a question about fewer records, or others, or about their amounts otherwise.
fn narrows(subject: Subject, name: &str) -> bool {
    matches!(name, "q" | "boundary" | "as_of")
        || convert::PARAMETERS.contains(&name)
        || subject.kind().all_filters().any(|filter| filter.name == name)
}

/// Faults of a question that adds up what nobody may add up.
fn mixed(subject: Subject, query: &Query, measures: &[Measure], dimensions: &[&'static Dimension]) -> Vec<Fault> {
    if !measures.iter().any(|measure| measure.is_amount()) {
        return Vec::new();
    }
    let apart = subject.apart().iter().filter(|name| {
        let grouped = dimensions.iter().any(|dimension| dimension.name == **name);
        !grouped && query.list(name).is_none_or(|stated| stated.len() > 1)
    });
    let fault = |name: &&'static str| {
        let words = match *name {
            "type" => {
                "commitments, disbursements and other types of flows are never added together: state one type, \
                such as type=disbursement, or group by type"
            }
            "kind" => {
                "baselines, targets and actual values are never added together: state one kind, such as kind=actual, \
                or group by kind"
            }
            _ => "values of different indicators are never added together: state one indicator, or group by indicator",
        };
        Fault::parameter(name, "measures_mixed", words)
    };
    apart.map(fault).collect()
}

fn measures(query: &Query, faults: &mut Vec<Fault>) -> Vec<Measure> {
    let Some(names) = query.list("measure") else { return vec![Measure::Sum, Measure::Count] };
    let mut measures = Vec::new();
    for name in names {
        match Measure::from_str(name) {
            Ok(measure) if measures.contains(&measure) => {
                faults.push(Fault::parameter("measure", "measure_repeated", format!("{name} stands twice")));
            }
            Ok(measure) => measures.push(measure),
            Err(_) => {
                let words = format!("there is no measure {name:?}{}", nearest(name, Measure::VARIANTS));
                faults.push(Fault::parameter("measure", "measure_unknown", words));
            }
        }
    }
    measures
}

fn dimensions(subject: Subject, query: &Query, faults: &mut Vec<Fault>) -> Vec<&'static Dimension> {
    let known: Vec<&str> = subject.dimensions().map(|dimension| dimension.name).collect();
    let names = query.list("group_by").unwrap_or_default();
    let mut dimensions: Vec<&'static Dimension> = Vec::new();
    for name in &names {
        match subject.dimension(name) {
            Some(dimension) if dimensions.iter().any(|other| other.name == dimension.name) => {
                faults.push(Fault::parameter("group_by", "dimension_repeated", format!("{name} stands twice")));
            }
            Some(dimension) => dimensions.push(dimension),
            None => {
                let words = format!("there is no dimension {name:?}{}", nearest(name, &known));
                faults.push(Fault::parameter("group_by", "dimension_unknown", words));
            }
        }
    }
    if names.len() > DIMENSIONS {
        let words = format!("group_by takes {DIMENSIONS} dimensions at most");
        faults.push(Fault::parameter("group_by", "dimensions_too_many", words));
    }
    dimensions
}

fn read_bounds(query: &Query, measures: &[Measure], faults: &mut Vec<Fault>) -> Vec<(Measure, bool, Decimal)> {
    let mut bounds = Vec::new();
    for (name, value) in query.pairs() {
        let Some((measure, end)) = name.rsplit_once('_').filter(|(_, end)| matches!(*end, "gte" | "lte")) else {
            continue;
        };
        let Ok(measure) = Measure::from_str(measure) else { continue };
        if !measures.contains(&measure) {
            let words = format!("{name} bounds a measure that is not asked for: add it to measure");
            faults.push(Fault::parameter(name, "measure_missing", words));
        }
        match Decimal::from_str_exact(value) {
            Ok(number) => bounds.push((measure, end == "gte", number)),
            Err(_) => faults.push(Fault::parameter(name, "number_invalid", format!("{name} takes a decimal number"))),
        }
    }
    bounds
}

fn sort(query: &Query, measures: &[Measure], faults: &mut Vec<Fault>) -> Option<(Measure, bool)> {
    // Unless asked otherwise the largest come first.
    let Some(wanted) = query.get("sort") else { return measures.first().map(|measure| (*measure, true)) };
    let (descending, name) = wanted.strip_prefix('-').map_or((false, wanted), |name| (true, name));
    let known: Vec<&str> = measures.iter().map(|measure| measure.name()).chain(["key"]).collect();
    match Measure::from_str(name).ok().filter(|measure| measures.contains(measure)) {
        Some(measure) => return Some((measure, descending)),
        None if wanted == "key" => {}
        None => {
            let words = format!("these totals cannot be sorted by {wanted:?}{}", nearest(name, &known));
            faults.push(Fault::parameter("sort", "sort_unknown", words));
        }
    }
    None
}
