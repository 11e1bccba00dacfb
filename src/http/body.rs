//! Request bodies: the right media type, no coding, bounded in size and time.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use actix_web::web::Payload;
use bytes::BytesMut;
use futures_util::StreamExt;

use crate::error::{Problem, Reason};

/// The largest record, as the register keeps it.
pub const RECORD: usize = 1024 * 1024;
/// The largest body of one record: what was read can be sent back with what the register added.
pub const LIMIT: usize = RECORD + 64 * 1024;
/// The longest that a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads a body of one media type.
pub async fn read(request: &HttpRequest, mut payload: Payload, media_type: &'static str) -> Result<BytesMut, Problem> {
    let headers = request.headers();
    check_coding(headers, media_type)?;
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(media_type) {
        let words = format!("Send the body as {media_type}");
        return Err(Problem::new(Reason::UnsupportedMediaType, words).with_header(ACCEPT, media_type));
    }
    check_charset(given)?;
    let too_large = || Problem::new(Reason::ContentTooLarge, format!("A record has at most {RECORD} bytes"));
    if announced(headers).is_some_and(|length| length > LIMIT) {
        return Err(too_large());
    }
    let reading = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk =
                chunk.map_err(|error| Problem::new(Reason::InvalidRequest, format!("The body broke off: {error}")))?;
            if body.len() + chunk.len() > LIMIT {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| {
        Err(Problem::new(Reason::RequestTimeout, format!("The body did not arrive within {} s", PATIENCE.as_secs())))
    })
}

/// Refuses a body with a coding: a few hundred bytes could stand for any amount.
pub fn check_coding(headers: &HeaderMap, media_type: &'static str) -> Result<(), Problem> {
    match headers.get(CONTENT_ENCODING) {
        Some(coding) if coding.as_bytes() != b"identity" => {
            let words = "Send the body without Content-Encoding";
            Err(Problem::new(Reason::UnsupportedMediaType, words).with_header(ACCEPT, media_type))
        }
        _ => Ok(()),
    }
}

/// Refuses a body that says it is in anything but UTF-8.
fn check_charset(content_type: &str) -> Result<(), Problem> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.trim().split_once('='));
    let charset = parameters.filter(|(name, _)| name.eq_ignore_ascii_case("charset")).map(|(_, value)| value).next();
    if charset.is_some_and(|charset| !charset.trim_matches('"').eq_ignore_ascii_case("utf-8")) {
        return Err(Problem::new(Reason::UnsupportedMediaType, "Send the body in UTF-8"));
    }
    Ok(())
}

/// The length that a body is announced with.
pub fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok())
}
