//! `GET /v1/dumps`, one dump, and its files.

use std::io::ErrorKind;

use actix_files::NamedFile;
use actix_web::body::SizedStream;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, ContentDisposition, ETAG, HeaderValue, IF_MATCH, IF_RANGE, LOCATION, RANGE,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::io::AsyncReadExt;

use super::manifest::{self, Manifest};
use crate::digest::digest;
use crate::error::{Problem, Reason};
use crate::formats::Format;
use crate::http::negotiate;
use crate::http::query::Query;
use crate::page;
use crate::state::State;

/// Bytes are handed to the client in pieces of about this size.
const PIECE: usize = 64 * 1024;
/// What never changes may be kept for a year.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// `GET /v1/dumps`.
pub async fn index(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let base = state.base(&request);
    let dumps = state.dumps.as_ref().map(|dumps| dumps.list()).unwrap_or_default();
    let data: Vec<_> = dumps
        .iter()
        .map(|dump| {
            json!({"name": dump.name, "made_at": dump.made_at, "as_of": dump.as_of, "position": dump.position,
                "bytes": dump.files.iter().map(|file| file.bytes).sum::<u64>(), "url": format!("{base}/v1/dumps/{}", dump.name)})
        })
        .collect();
    let body = json!({"data": data, "links": {"self": format!("{base}/v1/dumps"), "next": null}});
    Ok(page::respond(Format::Json, body.to_string().into_bytes(), None))
}

/// The dump that an address names; `latest` sends on to it.
fn dump(request: &HttpRequest, state: &State) -> Result<Manifest, Problem> {
    let name = request.match_info().get("dump").unwrap_or_default();
    let found = state.dumps.as_ref().and_then(|dumps| dumps.find(name));
    found.ok_or_else(|| Problem::new(Reason::NotFound, format!("There is no dump {name:.100}; /v1/dumps lists them")))
}

/// From `latest` to the name of the newest: what follows is of one dump then.
fn on_to(request: &HttpRequest, manifest: &Manifest) -> Option<HttpResponse> {
    let rest = request.path().strip_prefix("/v1/dumps/latest")?;
    let place = format!("/v1/dumps/{}{rest}", manifest.name);
    Some(HttpResponse::TemporaryRedirect().insert_header((LOCATION, place)).finish())
}

/// `GET /v1/dumps/{dump}`: its manifest.
pub async fn show(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let manifest = dump(&request, &state)?;
    if let Some(on) = on_to(&request, &manifest) {
        return Ok(on);
    }
    let body = serde_json::to_vec(&manifest).map_err(Problem::internal)?;
    let etag = format!("\"{}\"", digest(&body));
    let mut response = page::respond(Format::Json, body, None);
    response.headers_mut().insert(CACHE_CONTROL, FOR_EVER);
    response.headers_mut().insert(ETAG, HeaderValue::from_str(&etag).map_err(Problem::internal)?);
    Ok(response)
}

/// `GET /v1/dumps/{dump}/{file}`: whole, or the range that is asked for.
pub async fn file(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    let manifest = dump(&request, &state)?;
    if let Some(on) = on_to(&request, &manifest) {
        return Ok(on);
    }
    let name = request.match_info().get("file").unwrap_or_default();
    // Only what the manifest names is a file of the dump.
    let (media_type, name, etag) = match manifest.files.iter().find(|file| file.name == name) {
        Some(file) => (file.media_type.as_str(), file.name.as_str(), file.sha256.clone()),
        None if name == manifest::FILE => ("application/json", manifest::FILE, digest(manifest.name.as_bytes())),
        None => return Err(absent(&manifest, name)),
    };
    let dumps = state.dumps.as_ref().ok_or_else(|| Problem::internal("a dump without dumps"))?;
    // It may be removed right now, with the whole dump.
    let file = NamedFile::open_async(dumps.path(&manifest.name).join(name)).await;
    let file = file.map_err(|error| match error.kind() {
        ErrorKind::NotFound => absent(&manifest, name),
        _ => Problem::internal(error),
    })?;
    let etag = format!("\"{etag}\"");
    let media_type = media_type.parse().map_err(Problem::internal)?;
    let disposition = ContentDisposition::attachment(format!("{}-{name}", manifest.name));
    let file = file.use_etag(false).set_content_type(media_type).set_content_disposition(disposition);
    let headers = request.headers();
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    let wanted = text(IF_MATCH);
    if wanted.is_some_and(|tags| !tags.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag)) {
        return Err(Problem::new(Reason::PreconditionFailed, format!("The file is {etag}, not what If-Match names")));
    }
    // A part of another file than the client has the beginning of is no use to it (RFC 9110, 13.1.5); ranges are
    // of bytes, and of what is got (14.2).
    let is_other = text(IF_RANGE).is_some_and(|begun| begun != etag);
    let is_part = text(RANGE).is_some_and(|range| range.starts_with("bytes=")) && request.method() == Method::GET;
    let plain = is_other || wanted.is_some() || headers.contains_key(RANGE) && !is_part;
    let mut response = if plain { whole(&file)? } else { file.into_response(&request) };
    // Its bytes are those of the manifest: nothing packs them on their way.
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("identity"));
    response.headers_mut().insert(CACHE_CONTROL, FOR_EVER);
    response.headers_mut().insert(ETAG, HeaderValue::from_str(&etag).map_err(Problem::internal)?);
    Ok(response)
}

/// All of a file, whatever range was asked for.
fn whole(file: &NamedFile) -> Result<HttpResponse, Problem> {
    let from = tokio::fs::File::from_std(file.file().try_clone().map_err(Problem::internal)?);
    let body = stream::try_unfold(from, async |mut from| {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = from.read_buf(&mut piece).await?;
        std::io::Result::Ok((read > 0).then(|| (piece.freeze(), from)))
    });
    let body = SizedStream::new(file.metadata().len(), body.boxed_local());
    Ok(HttpResponse::Ok().content_type(file.content_type().clone()).body(body))
}

fn absent(manifest: &Manifest, name: &str) -> Problem {
    let words = format!("The dump {} has no file {name:.100}; its manifest names them", manifest.name);
    Problem::new(Reason::NotFound, words)
}
