//! Identifiers in addresses: percent-encoded, one path segment.

use actix_web::HttpRequest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Problem, Reason};
use crate::record::Identifier;

/// What stays as it is in a path segment (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What stays as it is in a query: commas separate the items of lists.
pub const QUERY: &AsciiSet = &SEGMENT.remove(b',');

/// The identifier in `/v1/{collection}/{identifier}`, decoded once from the raw path.
pub fn from_path(request: &HttpRequest) -> Result<String, Problem> {
    let segment = request.uri().path().split('/').nth(3).unwrap_or_default();
    let decoded = percent_decode_str(segment).decode_utf8().ok().filter(|text| Identifier::is_valid(text));
    decoded.map(String::from).ok_or_else(|| {
        Problem::new(
            Reason::NotFound,
            "An identifier has 1 to 200 visible characters without spaces and commas, in UTF-8",
        )
    })
}

/// The path of a record.
pub fn path(collection: &str, identifier: &str) -> String {
    format!("/v1/{collection}/{}", utf8_percent_encode(identifier, SEGMENT))
}
