//! The history of one record: its versions, each of them whole, and what changed between two.

use actix_web::http::header::{CONTENT_TYPE, ETAG, LINK};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value, json};

use crate::digest::digest;
use crate::error::{Fault, Problem, Reason};
use crate::formats::Format;
use crate::http::query::Query;
use crate::http::{identifier, negotiate};
use crate::kind::Kind;
use crate::page::{self, link};
use crate::resource;
use crate::state::State;
use crate::store::cursor::{Cursor, foreign_cursor};
use crate::store::history::{self, Version};
use crate::store::read;

/// `GET /v1/{collection}/{identifier}/versions`: who wrote it when, the newest first.
pub async fn versions(kind: &'static Kind, request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), ["limit", "cursor"]).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let identifier = identifier::from_path(&request)?;
    let seal = format!("{} versions of {} {identifier}", state.register, kind.collection);
    let limit = page::limit(&query);
    let cursor = query.get("cursor").map(|text| Cursor::decode(text, &seal));
    let mut faults = Vec::new();
    faults.extend(limit.as_ref().err().cloned());
    if cursor == Some(None) {
        faults.push(foreign_cursor());
    }
    let (Ok(limit), true) = (limit, faults.is_empty()) else { return Err(Problem::invalid(faults)) };
    let before = cursor.flatten().and_then(|cursor| cursor.key.parse().ok());
    let mut connection = state.db.get().await?;
    let (base, address) = (state.base(&request), state.address(&request));
    let line = |version: Version| {
        let described = version.describe(version.record(kind)?.as_ref(), &base);
        Ok((version.version, Value::Object(described)))
    };
    let mut found = history::of_record(&mut connection, kind, &identifier, before, limit + 1, line).await?;
    if found.is_empty() && before.is_none() {
        return Err(read::absent(&mut connection, kind, &identifier).await?);
    }
    let more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more);
    let next = last.map(|(number, _)| {
        let cursor = Cursor { key: number.to_string(), identifier: identifier.clone() };
        link(&address, &query, Some(&cursor.encode(&seal)))
    });
    let data: Vec<Value> = found.into_iter().map(|(_, line)| line).collect();
    let body = json!({
        "data": data,
        "meta": {"limit": limit},
        "links": {"self": link(&address, &query, query.get("cursor")), "next": next},
    });
    let mut response = HttpResponse::Ok();
    if let Some(next) = &next {
        response.insert_header((LINK, format!("<{next}>; rel=\"next\"")));
    }
    Ok(tagged(response, Format::Json.content_type(), &body))
}

/// `GET /v1/{collection}/{identifier}/versions/{version}`: the record as it was.
pub async fn version(kind: &'static Kind, request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let identifier = identifier::from_path(&request)?;
    let number = request.match_info().get("version").and_then(number);
    let number = number.ok_or_else(|| Problem::new(Reason::NotFound, "A version is a number, from 1"))?;
    let version = one(&mut *state.db.get().await?, kind, &identifier, number).await?;
    match version.record(kind)? {
        Some(view) => resource::record(HttpResponse::Ok(), version.version, &view),
        None => {
            let words = format!("With version {number} the {} {identifier} was {}", kind.singular, version.change);
            Err(Problem::new(Reason::Gone, words))
        }
    }
}

/// `GET /v1/{collection}/{identifier}/diff?from=&to=`: what turns one version into
/// another, as JSON Patch (RFC 6902). Without `to` it is the latest, without `from` the one before.
pub async fn diff(kind: &'static Kind, request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), ["from", "to"]).map_err(Problem::invalid)?;
    negotiate::json_as(&request, JSON_PATCH)?;
    let identifier = identifier::from_path(&request)?;
    let read = |name: &'static str| query.get(name).map(|text| number(text).ok_or(name)).transpose();
    let (from, to) = (read("from"), read("to"));
    let faults: Vec<Fault> = [&from, &to]
        .into_iter()
        .filter_map(|number| number.err())
        .map(|name| Fault::parameter(name, "version_invalid", format!("{name} is the number of a version, from 1")))
        .collect();
    let (Ok(from), Ok(to)) = (from, to) else { return Err(Problem::invalid(faults)) };
    let mut connection = state.db.get().await?;
    let to = match to {
        Some(number) => one(&mut connection, kind, &identifier, number).await?,
        None => match history::of_record(&mut connection, kind, &identifier, None, 1, Ok).await?.pop() {
            Some(latest) => latest,
            None => return Err(read::absent(&mut connection, kind, &identifier).await?),
        },
    };
    let before = match from.unwrap_or(to.version - 1) {
        // Before the first version there was nothing.
        0 => None,
        number => one(&mut connection, kind, &identifier, number).await?.record(kind)?,
    };
    let value = |view: Option<Map<String, Value>>| view.map_or(Value::Null, Value::Object);
    let patch = json_patch::diff(&value(before), &value(to.record(kind)?));
    let patch = serde_json::to_value(&patch).map_err(Problem::internal)?;
    Ok(tagged(HttpResponse::Ok(), JSON_PATCH, &patch))
}

/// The media type of RFC 6902.
const JSON_PATCH: &str = "application/json-patch+json";

fn number(text: &str) -> Option<i32> {
    text.parse().ok().filter(|number| *number >= 1 && text.bytes().all(|b| b.is_ascii_digit()))
}

async fn one(
    connection: &mut AsyncPgConnection,
    kind: &Kind,
    identifier: &str,
    number: i32,
) -> Result<Version, Problem> {
    let before = number.checked_add(1);
    let found = history::of_record(connection, kind, identifier, before, 1, Ok).await?.pop();
    match found {
        Some(version) if version.version == number => Ok(version),
        Some(version) => {
            let words = format!("The {} {identifier} has {} versions", kind.singular, version.version);
            Err(Problem::new(Reason::NotFound, words))
        }
        None => Err(read::absent(connection, kind, identifier).await?),
    }
}

fn tagged(mut response: actix_web::HttpResponseBuilder, media: &'static str, body: &Value) -> HttpResponse {
    let bytes = body.to_string();
    response.insert_header((CONTENT_TYPE, media));
    response.insert_header((ETAG, format!("\"{}\"", digest(bytes.as_bytes()))));
    response.body(bytes)
}
