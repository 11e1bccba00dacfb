//! Entity tags, conditional requests, and what caches must know.
//!
//! A record's tag begins with its version, so any of its representations names
//! the state that a change starts from: `"3-9f8ae1c2b4d60718"`. A compressed
//! representation has a tag of its own, with the coding at its end. This
//! middleware stands outside of compression and sees the final coding.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_MATCH, IF_NONE_MATCH, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use sha2::{Digest, Sha256};

use crate::error::{Fault, Problem};

/// Sixteen hexadecimal digits that stand for some bytes.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The tag of a representation of one version of a record.
pub fn record_tag(version: i32, body: &[u8]) -> String {
    format!("\"{version}-{}\"", digest(body))
}

/// What a write demands of the record as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing: only creating and repeating are allowed.
    None,
    /// `If-None-Match: *`: it must not exist.
    Absent,
    /// `If-Match: *`: it must exist.
    Present,
    /// Whatever there is or is not; no request says so, a loaded file does.
    Any,
    /// `If-Match: "3-…"`: it must be at one of these versions.
    Versions(Vec<i32>),
}

impl Precondition {
    /// Reads the headers of a write.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let fault = |header, words: &str| Problem::invalid(vec![Fault::header(header, "precondition_invalid", words)]);
        let if_match = list(headers, &IF_MATCH);
        let if_none_match = list(headers, &IF_NONE_MATCH);
        match (if_match, if_none_match) {
            (Some(_), Some(_)) => Err(fault("If-None-Match", "If-Match and If-None-Match exclude each other here")),
            (None, None) => Ok(Self::None),
            (None, Some(tags)) if tags == ["*"] => Ok(Self::Absent),
            (None, Some(_)) => Err(fault("If-None-Match", "a write takes only If-None-Match: *")),
            (Some(tags), None) if tags == ["*"] => Ok(Self::Present),
            (Some(tags), None) => {
                let quoted = |tag: &String| tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"');
                if tags.is_empty() || !tags.iter().all(|tag| quoted(tag) || tag.starts_with("W/\"")) {
                    return Err(fault("If-Match", "entity tags stand in double quotes, as ETag gave them"));
                }
                // A weak tag, or one that is not ours, matches nothing.
                Ok(Self::Versions(tags.iter().filter_map(|tag| version(tag)).collect()))
            }
        }
    }
}

/// The version that a tag of ours names.
fn version(tag: &str) -> Option<i32> {
    tag.strip_prefix('"')?.strip_suffix('"')?.split('-').next()?.parse().ok()
}

/// The items of a list header, in all its lines.
fn list(headers: &HeaderMap, name: &actix_web::http::header::HeaderName) -> Option<Vec<String>> {
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
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let authorized = request.headers().contains_key(AUTHORIZATION);
    let known = list(request.headers(), &IF_NONE_MATCH).filter(|_| safe);
    let mut response = next.call(request).await?.map_into_boxed_body();
    let success = response.status().is_success();
    let coding = response.headers().get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok()).map(String::from);
    let headers = response.headers_mut();
    let cache = if safe && success && !authorized { "public, max-age=0, must-revalidate" } else { "no-store" };
    if !headers.contains_key(CACHE_CONTROL) || cache == "no-store" {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    }
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn precondition(name: &'static str, value: &'static str) -> Option<Precondition> {
        let mut headers = HeaderMap::new();
        headers.insert(name.parse().unwrap(), HeaderValue::from_static(value));
        Precondition::of(&headers).ok()
    }

    #[test]
    fn preconditions() {
        assert_eq!(Precondition::of(&HeaderMap::new()).unwrap(), Precondition::None);
        assert_eq!(precondition("if-match", "*"), Some(Precondition::Present));
        assert_eq!(precondition("if-none-match", "*"), Some(Precondition::Absent));
        assert_eq!(precondition("if-match", "\"3-ab-gzip\", \"4-cd\""), Some(Precondition::Versions(vec![3, 4])));
        assert_eq!(precondition("if-match", "W/\"3-ab\", \"other\""), Some(Precondition::Versions(vec![])));
        assert_eq!(precondition("if-match", "3-ab"), None);
        assert_eq!(precondition("if-none-match", "\"3-ab\""), None);
    }
}
