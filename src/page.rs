//! One page of a list as JSON: data, meta, links, and what was asked to be included.

use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::http::Uri;
use actix_web::http::header::{CONTENT_TYPE, ETAG, LINK};
use diesel_async::AsyncPgConnection;
use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value, json};

use crate::digest::digest;
use crate::error::{FAULTS, Fault, Problem};
use crate::formats::Format;
use crate::hint::nearest;
use crate::http::identifier::QUERY;
use crate::http::query::Query;
use crate::kind::{CONVERTED, Filter, Kind, PLACE_NOTES, names_places};
use crate::rates::convert;
use crate::search::highlight::highlights;
use crate::store::ask::Ask;
use crate::store::cursor::Cursor;
use crate::store::grain::Grain;
use crate::store::past::{self, AsOf};
use crate::store::read;

/// Records on a page, unless asked otherwise.
const LIMIT: i64 = 100;
/// Records on a page at most.
const LIMIT_MAX: i64 = 1000;
/// So many records are counted even where an estimate would do.
const COUNTED: i64 = 10_000;
/// Facets of a list at most, and values of each.
const FACETS: usize = 10;
const FACET_VALUES: i64 = 100;
/// Parameters of every list, beside the filters.
pub const PARAMETERS: &[&str] = &[
    "q",
    "highlight",
    "facets",
    "limit",
    "cursor",
    "sort",
    "fields",
    "include",
    "count",
    "shape",
    "format",
    "bom",
    "as_of",
];
/// Of these, the ones that only pages have.
const OF_PAGES: &[&str] = &["highlight", "facets", "limit", "cursor", "include", "count", "shape"];

/// Values that are as good as none.
const NEUTRAL: &[(&str, &str)] =
    &[("count", "none"), ("shape", "object"), ("bom", "false"), ("grain", "record"), ("highlight", "false")];

/// All parameters of a collection's list.
pub fn parameters(kind: &'static Kind) -> Vec<&'static str> {
    let converting = convert::PARAMETERS.iter().copied().filter(|_| kind.money.is_some());
    let grain = Some("grain").filter(|_| Grain::of(kind).len() > 1);
    kind.all_filters()
        .map(|filter| filter.name)
        .chain(PARAMETERS.iter().copied())
        .chain(converting)
        .chain(grain)
        .collect()
}

/// How to show what was found.
pub struct Options {
    limit: i64,
    /// Members to show; all without.
    pub fields: Option<Vec<String>>,
    /// Collections to embed referred records of.
    pub include: Vec<String>,
    count: Counting,
    /// Filters to count the values of.
    facets: Vec<&'static Filter>,
    highlight: bool,
    bare: bool,
    /// Begin CSV with a byte order mark.
    pub bom: bool,
    /// What a row of a table is about.
    pub grain: Grain,
    /// The instant to look from; without one, now.
    pub as_of: Option<AsOf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    None,
    Exact,
    Estimated,
}

impl Options {
    /// Reads the parameters that say how to show.
    pub fn read(kind: &'static Kind, query: &Query, format: Format) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let as_of = AsOf::read(query).map_err(|fault| faults.push(fault)).unwrap_or_default();
        let mut fault = |name: &str, code: &str, words: String| faults.push(Fault::parameter(name, code, words));
        // Values that change nothing are taken with any format: generated clients send them.
        let asked = |name: &str| query.get(name).is_some_and(|value| !NEUTRAL.contains(&(name, value)));
        for name in OF_PAGES.iter().filter(|name| format != Format::Json && asked(name)) {
            fault(name, "not_with_format", format!("{} gives every record; {name} is for JSON", format.name()));
        }
        let grains: Vec<&str> = Grain::of(kind).iter().map(|grain| grain.name()).collect();
        let grain = query.get("grain").and_then(|name| Grain::from_str(name).ok().filter(|_| grains.contains(&name)));
        if let Some(name) = query.get("grain").filter(|_| grain.is_none()) {
            let words = format!("{} have no rows by {name:?}; grain is {}", kind.collection, grains.join(" or "));
            fault("grain", "value_unknown", words);
        } else if asked("grain") && !format.is_table() {
            fault("grain", "not_with_format", "a grain is for tables: CSV, XLSX and Parquet".into());
        }
        for name in convert::PARAMETERS.iter().chain(&["fields"]).filter(|name| format.is_standard() && asked(name)) {
            fault(name, "not_with_format", format!("what {} says, its standard lays down", format.name()));
        }
        if asked("bom") && format != Format::Csv {
            fault("bom", "not_with_format", "a byte order mark is for CSV".into());
        }
        let mut chosen = |name: &str, known: &[&str]| -> Option<Vec<String>> {
            let items = query.list(name)?;
            for item in items.iter().filter(|item| !known.contains(item)).take(FAULTS) {
                fault(name, "name_unknown", format!("{name} has no {item:?}{}", nearest(item, known)));
            }
            Some(items.into_iter().map(String::from).collect())
        };
        let mut fields = chosen("fields", &kind.members());
        // What must be said of a place stands wherever it is named.
        if let Some(fields) =
            fields.as_mut().filter(|fields| kind.collection == "locations" && !fields.contains(&"note".into()))
        {
            fields.push("note".into());
        }
        let include = chosen("include", kind.refers_to).unwrap_or_default();
        let facets: Vec<&str> = kind.facets().map(|filter| filter.name).collect();
        let facets = chosen("facets", &facets).unwrap_or_default();
        if facets.len() > FACETS {
            fault("facets", "list_invalid", format!("facets takes {FACETS} names at most"));
        }
        let facets: Vec<_> = kind.facets().filter(|filter| facets.iter().any(|name| name == filter.name)).collect();
        let mut one_of = |name: &str, known: &[&'static str]| -> Option<&'static str> {
            let text = query.get(name)?;
            let found = known.iter().copied().find(|known| *known == text);
            if found.is_none() {
                fault(name, "value_unknown", format!("{name} is {}", known.join(" or ")));
            }
            found
        };
        let count = match one_of("count", &["none", "exact", "estimated"]) {
            Some("exact") => Counting::Exact,
            Some("estimated") => Counting::Estimated,
            _ => Counting::None,
        };
        let bare = one_of("shape", &["object", "array"]) == Some("array");
        let bom = one_of("bom", &["false", "true"]) == Some("true");
        let highlight = one_of("highlight", &["false", "true"]) == Some("true");
        if highlight && query.get("q").is_none() {
            fault("highlight", "not_without_search", "highlight marks what q found: add q".into());
        }
        for (name, given) in
            [("include", !include.is_empty()), ("count", count != Counting::None), ("facets", !facets.is_empty())]
        {
            if bare && given {
                fault(name, "not_with_shape", format!("shape=array has no room for {name}"));
            }
        }
        match limit(query) {
            Ok(limit) if faults.is_empty() => Ok(Self {
                limit,
                fields,
                include,
                count,
                facets,
                highlight,
                bare,
                bom,
                grain: grain.unwrap_or_default(),
                as_of,
            }),
            Ok(_) => Err(faults),
            Err(fault) => {
                faults.push(fault);
                Err(faults)
            }
        }
    }

    /// Whether all that matches is counted, not only shown.
    pub fn counts(&self) -> bool {
        self.count == Counting::Exact || !self.facets.is_empty()
    }

    /// Leaves the wanted members; the identifier always stays.
    pub fn pick(&self, mut view: Map<String, Value>) -> Map<String, Value> {
        if let Some(fields) = &self.fields {
            view.retain(|name, _| {
                name == "identifier"
                    || name == CONVERTED
                    || (name == PLACE_NOTES && names_places(self.fields.as_deref()))
                    || fields.contains(name)
            });
        }
        view
    }
}

/// How many items a page has.
pub fn limit(query: &Query) -> Result<i64, Fault> {
    let Some(text) = query.get("limit") else { return Ok(LIMIT) };
    let number = text.parse().ok().filter(|n| (1..=LIMIT_MAX).contains(n));
    number
        .filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| Fault::parameter("limit", "limit_invalid", format!("limit is a number from 1 to {LIMIT_MAX}")))
}

/// A page, and the address of the next.
pub struct Page {
    /// The document.
    pub body: Value,
    /// Where to go on.
    pub next: Option<String>,
}

/// Reads one page. `address` is the absolute address of the list. Where several
/// statements make the page, they see one moment of the register.
pub async fn read(
    connection: &mut AsyncPgConnection,
    mut ask: Ask,
    options: &Options,
    address: &str,
    query: &Query,
) -> Result<Page, Problem> {
    let alone = options.count == Counting::None && options.include.is_empty() && options.facets.is_empty();
    if alone && options.as_of.is_none() && !ask.searches() {
        return read_now(connection, &ask, options, address, query).await;
    }
    let reads = async |connection: &mut AsyncPgConnection| {
        ask.resolve(connection).await?;
        read_now(connection, &ask, options, address, query).await
    };
    past::read(connection, options.as_of, reads).await
}

async fn read_now(
    connection: &mut AsyncPgConnection,
    ask: &Ask,
    options: &Options,
    address: &str,
    query: &Query,
) -> Result<Page, Problem> {
    let (rows, more) = read::page(connection, ask, options.limit).await?;
    let last = rows.last().filter(|_| more);
    let cursor = last.map(|row| Cursor { key: row.key.clone(), identifier: row.identifier.clone() }.encode(&ask.seal));
    let next = cursor.map(|cursor| link(address, query, Some(&cursor)));
    let views: Result<Vec<_>, Problem> = rows.iter().map(|row| Ok(options.pick(row.view(ask.kind)?))).collect();
    let mut views = views?;
    if let Some(search) = ask.search().filter(|_| options.highlight) {
        let marks = highlights(connection, search, &views).await?;
        for (view, marks) in views.iter_mut().zip(marks) {
            view.insert("highlights".into(), json!(marks));
        }
    }
    let data = Value::Array(views.into_iter().map(Value::Object).collect());
    if options.bare {
        return Ok(Page { body: data, next });
    }
    let total = match options.count {
        Counting::None => None,
        Counting::Exact => Some(("exact", read::count(connection, ask).await?)),
        // The planner knows little of small tables, and they are soon counted.
        Counting::Estimated => match read::estimate(connection, ask).await? {
            few if few <= COUNTED => Some(("exact", read::count(connection, ask).await?)),
            many => Some(("estimated", many)),
        },
    };
    let mut body = json!({
        "data": data,
        "meta": {"limit": options.limit, "count": total.map_or("none", |(how, _)| how), "total": total.map(|(_, total)| total)},
        "links": {"self": link(address, query, query.get("cursor")), "next": next},
    });
    if let Some(search) = ask.search() {
        body["meta"]["search"] = search.readings();
    }
    if !options.facets.is_empty() {
        body["meta"]["facets"] = facets(connection, ask, &options.facets).await?;
    }
    if !options.include.is_empty() {
        let identifiers: Vec<String> = rows.iter().map(|row| row.identifier.clone()).collect();
        body["included"] = read::included(connection, &identifiers, &options.include).await?.into();
    }
    Ok(Page { body, next })
}

/// How many of the records that a question finds have each value, by facet.
async fn facets(connection: &mut AsyncPgConnection, ask: &Ask, facets: &[&'static Filter]) -> Result<Value, Problem> {
    let mut counts = Map::new();
    for facet in facets {
        let Some(by) = facet.facet else { continue };
        counts.insert(facet.name.into(), json!(read::facet(connection, ask, by, FACET_VALUES).await?));
    }
    Ok(counts.into())
}

/// A page as a response: with its tag, and the next one named in the header too (RFC 8288).
pub fn respond(format: Format, body: Vec<u8>, next: Option<&str>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, format.content_type()));
    response.insert_header((ETAG, format!("\"{}\"", digest(&body))));
    if let Some(next) = next {
        response.insert_header((LINK, format!("<{next}>; rel=\"next\"")));
    }
    response.body(body)
}

/// The address of the same question with another cursor.
pub fn link(address: &str, query: &Query, cursor: Option<&str>) -> String {
    let encode = |text: &str| utf8_percent_encode(text, QUERY).to_string();
    let kept = query.pairs().filter(|(name, _)| *name != "cursor");
    let pairs: Vec<String> = kept
        .chain(cursor.map(|cursor| ("cursor", cursor)))
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let link = if pairs.is_empty() { address.to_owned() } else { format!("{address}?{}", pairs.join("&")) };
    // A link that is no address would be a fault of ours.
    debug_assert!(link.parse::<Uri>().is_ok(), "{link}");
    link
}
