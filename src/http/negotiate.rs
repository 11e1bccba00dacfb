//! In which form to answer: extension, then `format=`, then `Accept`.

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::error::{Fault, Problem, Reason};
use crate::formats::Format;
use crate::hint::nearest;
use crate::kind::Kind;

/// Chooses the format of a list.
pub fn list(request: &HttpRequest, kind: &Kind, parameter: Option<&str>) -> Result<Format, Problem> {
    one_of(request, parameter, &Format::of(kind))
}

/// Chooses among the formats that an address has, without an extension.
pub fn one_of(request: &HttpRequest, parameter: Option<&str>, offer: &[Format]) -> Result<Format, Problem> {
    let extension = request.match_info().get("format");
    let names: Vec<&str> = offer.iter().map(|format| format.name()).collect();
    match (extension, parameter) {
        (Some(name), _) => Format::named(name).filter(|format| offer.contains(format)).ok_or_else(|| {
            Problem::new(Reason::NotFound, format!("There is no .{name} here{}", nearest(name, &names)))
        }),
        (None, Some(name)) => Format::named(name).filter(|format| offer.contains(format)).ok_or_else(|| {
            let words = format!("there is no format {name:?} here{}", nearest(name, &names));
            Problem::invalid(vec![Fault::parameter("format", "format_unknown", words)])
        }),
        (None, None) => accepted(request, offer),
    }
}

/// Checks that JSON is welcome, for what exists in no other form.
pub fn json(request: &HttpRequest) -> Result<(), Problem> {
    accepted(request, &[Format::Json]).map(|_| ())
}

/// The same for a kind of JSON that has a media type of its own, which is as good.
pub fn json_as(request: &HttpRequest, media: &str) -> Result<(), Problem> {
    let ranges = ranges(request);
    if ranges.is_empty() || quality(&ranges, media) > 0.0 { Ok(()) } else { json(request) }
}

/// The most welcome of the formats on offer; JSON where nothing is said. Written
/// for what clients really send: `*; q=.2` is none of the standard's, but Java's.
fn accepted(request: &HttpRequest, offer: &[Format]) -> Result<Format, Problem> {
    let ranges = ranges(request);
    if ranges.is_empty() {
        return Ok(Format::Json);
    }
    // A browser would rather have XML than anything, but not for this.
    let is_browser = ranges.iter().any(|(range, _)| range == "application/xhtml+xml");
    // Of equally welcome formats the first on offer is given.
    let mut best: Option<(Format, f32)> = None;
    for format in offer.iter().filter(|format| **format != Format::Xml || !is_browser) {
        let quality = quality(&ranges, format.essence());
        if quality > best.map_or(0.0, |(_, other)| other) {
            best = Some((*format, quality));
        }
    }
    best.map(|(format, _)| format).ok_or_else(|| {
        let types: Vec<&str> = offer.iter().map(|format| format.essence()).collect();
        Problem::new(Reason::NotAcceptable, format!("This is given as {}", types.join(", ")))
    })
}

/// Whether a stream of events is more welcome than JSON.
pub fn events(request: &HttpRequest) -> Result<bool, Problem> {
    let ranges = ranges(request);
    let named = ranges.iter().any(|(range, quality)| range == "text/event-stream" && *quality > 0.0);
    if named && quality(&ranges, "text/event-stream") >= quality(&ranges, Format::Json.essence()) {
        return Ok(true);
    }
    json(request)
        .map(|()| false)
        .map_err(|problem| Problem { detail: format!("{}, text/event-stream", problem.detail), ..problem })
}

/// What the client accepts.
fn ranges(request: &HttpRequest) -> Vec<(String, f32)> {
    let lines = request.headers().get_all(header::ACCEPT).map(|line| line.to_str().unwrap_or_default());
    lines.flat_map(|line| line.split(',')).filter_map(range).collect()
}

/// A media range and its quality.
fn range(item: &str) -> Option<(String, f32)> {
    let mut parts = item.split(';').map(str::trim);
    let media = parts.next().filter(|media| !media.is_empty())?.to_ascii_lowercase();
    let quality = parts
        .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
        .map_or(Some(1.0), |q| q.parse().ok())
        .unwrap_or(1.0);
    Some((media, quality))
}

/// How welcome a media type is: by the most specific range that covers it.
fn quality(ranges: &[(String, f32)], essence: &str) -> f32 {
    let family = format!("{}/*", essence.split('/').next().unwrap_or_default());
    let by = |media: &str| ranges.iter().find(|(range, _)| range == media).map(|(_, quality)| *quality);
    by(essence).or_else(|| by(&family)).or_else(|| by("*/*")).or_else(|| by("*")).unwrap_or(0.0)
}
