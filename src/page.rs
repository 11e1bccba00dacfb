//! One page of a list as JSON: data, meta, links, and what was asked to be included.

use actix_web::http::Uri;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value, json};

use crate::error::{FAULTS, Fault, Problem};
use crate::formats::Format;
use crate::hint::nearest;
use crate::http::identifier::QUERY;
use crate::http::query::Query;
use crate::kind::{Kind, READ_ONLY};
use crate::store::ask::{self, Ask};
use crate::store::cursor::Cursor;
use crate::store::past::{self, AsOf};
use crate::store::read::{self, Row};

/// Records on a page, unless asked otherwise.
const LIMIT: i64 = 100;
/// Records on a page at most.
const LIMIT_MAX: i64 = 1000;
/// So many records are counted even where an estimate would do.
const COUNTED: i64 = 10_000;
/// Parameters of every list, beside the filters.
pub const PARAMETERS: &[&str] =
    &["limit", "cursor", "sort", "fields", "include", "count", "shape", "format", "bom", "as_of"];
/// Of these, the ones that only pages have.
const OF_PAGES: &[&str] = &["limit", "cursor", "include", "count", "shape"];

/// Values that are as good as none.
const NEUTRAL: &[(&str, &str)] = &[("count", "none"), ("shape", "object"), ("bom", "false")];

/// All parameters of a collection's list.
pub fn parameters(kind: &'static Kind) -> Vec<&'static str> {
    kind.all_filters().map(|filter| filter.name).chain(PARAMETERS.iter().copied()).collect()
}

/// How to show what was found.
pub struct Options {
    limit: i64,
    /// Members to show; all without.
    pub fields: Option<Vec<String>>,
    /// Collections to embed referred records of.
    pub include: Vec<String>,
    count: Counting,
    bare: bool,
    /// Begin CSV with a byte order mark.
    pub bom: bool,
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
        let mut fault = |name: &str, code: &str, words: String| faults.push(Fault::parameter(name, code, words));
        // Values that change nothing are taken with any format: generated clients send them.
        let asked = |name: &str| query.get(name).is_some_and(|value| !NEUTRAL.contains(&(name, value)));
        for name in OF_PAGES.iter().filter(|name| format != Format::Json && asked(name)) {
            fault(name, "not_with_format", format!("{} gives every record; {name} is for JSON", format.name()));
        }
        if asked("bom") && format != Format::Csv {
            fault("bom", "not_with_format", "a byte order mark is for CSV".into());
        }
        let as_of = query.get("as_of").and_then(|text| {
            let instant = ask::instant(text);
            if instant.is_none() {
                fault("as_of", "instant_invalid", "as_of takes an instant: 2026-01-31T12:00:00Z".into());
            }
            instant.map(AsOf)
        });
        let mut chosen = |name: &str, known: &[&str]| -> Option<Vec<String>> {
            let items = query.list(name)?;
            for item in items.iter().filter(|item| !known.contains(item)).take(FAULTS) {
                fault(name, "name_unknown", format!("{name} has no {item:?}{}", nearest(item, known)));
            }
            Some(items.into_iter().map(String::from).collect())
        };
        let fields = chosen("fields", &members(kind));
        let include = chosen("include", kind.refers_to).unwrap_or_default();
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
        if bare && !include.is_empty() {
            fault("include", "not_with_shape", "shape=array has no room for included records".into());
        }
        if bare && count != Counting::None {
            fault("count", "not_with_shape", "shape=array has no room for a count".into());
        }
        match limit(query) {
            Ok(limit) if faults.is_empty() => Ok(Self { limit, fields, include, count, bare, bom, as_of }),
            Ok(_) => Err(faults),
            Err(fault) => {
                faults.push(fault);
                Err(faults)
            }
        }
    }

    /// Leaves the wanted members; the identifier always stays.
    pub fn pick(&self, mut view: Map<String, Value>) -> Map<String, Value> {
        if let Some(fields) = &self.fields {
            view.retain(|name, _| name == "identifier" || fields.contains(name));
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

/// The members that a record shows.
pub fn members(kind: &'static Kind) -> Vec<&'static str> {
    let mut members = vec!["identifier"];
    members.extend(kind.columns.iter().map(|column| column.member()));
    members.extend(READ_ONLY);
    members.sort_unstable();
    members.dedup();
    members
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
    ask: &Ask,
    options: &Options,
    address: &str,
    query: &Query,
) -> Result<Page, Problem> {
    if options.count == Counting::None && options.include.is_empty() && options.as_of.is_none() {
        return read_now(connection, ask, options, address, query).await;
    }
    past::read(connection, options.as_of, async |connection| read_now(connection, ask, options, address, query).await)
        .await
}

async fn read_now(
    connection: &mut AsyncPgConnection,
    ask: &Ask,
    options: &Options,
    address: &str,
    query: &Query,
) -> Result<Page, Problem> {
    let mut rows = ask.rows(Some(options.limit + 1)).load::<Row>(connection).await?;
    let more = rows.len() as i64 > options.limit;
    rows.truncate(options.limit as usize);
    let last = rows.last().filter(|_| more);
    let cursor = last.map(|row| Cursor { key: row.key.clone(), identifier: row.identifier.clone() }.encode(&ask.seal));
    let next = cursor.map(|cursor| link(address, query, Some(&cursor)));
    let views: Result<Vec<Value>, Problem> =
        rows.iter().map(|row| Ok(Value::Object(options.pick(row.view(ask.kind)?)))).collect();
    let data = Value::Array(views?);
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
    if !options.include.is_empty() {
        let identifiers: Vec<String> = rows.iter().map(|row| row.identifier.clone()).collect();
        body["included"] = read::included(connection, &identifiers, &options.include).await?.into();
    }
    Ok(Page { body, next })
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
