//! Entity tags, conditional requests, and what caches must know.
//!
//! A record's tag begins with its version, so any of its representations names
//! the state that a change starts from: `"3-9f8ae1c2b4d60718"`. A compressed
//! representation has a tag of its own, with the coding at its end. This
//! middleware stands outside of compression and sees the final coding.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderValue, IF_NONE_MATCH, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;

use crate::digest::digest;

/// The tag of a representation of one version of a record.
pub fn record_tag(version: i32, body: &[u8]) -> String {
    format!("\"{version}-{}\"", digest(body))
}

/// The items of a list header, in all its lines.
pub fn list(headers: &HeaderMap, name: &actix_web::http::header::HeaderName) -> Option<Vec<String>> {
    let lines: Vec<&str> = headers.get_all(name).map(|line| line.to_str().unwrap_or("")).collect();
    (!lines.is_empty()).then(|| {
        lines
            .iter()
            .flat_map(|line| line.split(','))
            .map(|tag| tag.trim().to_owned())
            .filter(|tag| !tag.is_empty())
            .collect()
    })
}

/// The middleware: tags per coding, 304, `Vary` and `Cache-Control`.
pub async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let preflight = request.method() == Method::OPTIONS;
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let authorized = request.headers().contains_key(AUTHORIZATION);
    let known = list(request.headers(), &IF_NONE_MATCH).filter(|_| safe);
    let mut response = next.call(request).await?.map_into_boxed_body();
    let success = response.status().is_success();
    let coding = response.headers().get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    let coding = coding.filter(|coding| *coding != "identity").map(String::from);
    let headers = response.headers_mut();
    let cache = if safe && success && !authorized { "public, max-age=0, must-revalidate" } else { "no-store" };
    if !headers.contains_key(CACHE_CONTROL) || cache == "no-store" {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    }
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if !safe && !preflight {
        headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
    }
    let Some(tag) = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(String::from) else { return Ok(response) };
    let tag = match coding {
        Some(coding) => format!("{}-{coding}\"", tag.trim_end_matches('"')),
        None => tag,
    };
    headers.insert(ETAG, HeaderValue::from_str(&tag)?);
    let unchanged = success
        && known.is_some_and(|tags| tags.iter().any(|other| other == "*" || other.trim_start_matches("W/") == tag));
    if unchanged {
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LENGTH);
        headers.remove(CONTENT_ENCODING);
        *response.response_mut().status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response.map_body(|_, _| BoxBody::new(())));
    }
    Ok(response)
}
