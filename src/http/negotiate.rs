//! In which form to answer: extension, then `format=`, then `Accept`.

use actix_web::HttpRequest;
use actix_web::http::header::{self, Accept, Header};

use super::query::nearest;
use crate::error::{Fault, Problem, Reason};
use crate::formats::Format;

/// Chooses the format of a list.
pub fn list(request: &HttpRequest, parameter: Option<&str>) -> Result<Format, Problem> {
    let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    if let Some(extension) = request.match_info().get("format") {
        return Format::named(extension).ok_or_else(|| {
            let words = format!("There is no .{extension} of a collection{}", nearest(extension, &names));
            Problem::new(Reason::NotFound, words)
        });
    }
    if let Some(name) = parameter {
        return Format::named(name).ok_or_else(|| {
            let words = format!("there is no format {name:?}{}", nearest(name, &names));
            Problem::invalid(vec![Fault::parameter("format", "format_unknown", words)])
        });
    }
    accepted(request, Format::ALL)
}

/// Checks that JSON is welcome, for what exists in no other form.
pub fn json(request: &HttpRequest) -> Result<(), Problem> {
    accepted(request, &[Format::Json]).map(|_| ())
}

/// The first of the accepted media types that is on offer; JSON where anything is
/// welcome or nothing is said. An unreadable header says nothing.
fn accepted(request: &HttpRequest, offer: &[Format]) -> Result<Format, Problem> {
    if !request.headers().contains_key(header::ACCEPT) {
        return Ok(Format::Json);
    }
    let Ok(accept) = Accept::parse(request) else { return Ok(Format::Json) };
    let ranges = accept.ranked();
    let refused = |format: &Format| {
        accept.0.iter().any(|item| item.quality == header::Quality::ZERO && item.item.essence_str() == format.essence())
    };
    for range in &ranges {
        let found = match (range.type_().as_str(), range.subtype().as_str()) {
            ("*", "*") => offer.iter().find(|format| !refused(format)),
            (kind, "*") => {
                offer.iter().find(|format| format.essence().split('/').next() == Some(kind) && !refused(format))
            }
            _ => offer.iter().find(|format| format.essence() == range.essence_str() && !refused(format)),
        };
        if let Some(format) = found {
            return Ok(*format);
        }
    }
    if ranges.is_empty() && accept.0.is_empty() {
        return Ok(Format::Json);
    }
    let types: Vec<&str> = offer.iter().map(|format| format.essence()).collect();
    Err(Problem::new(Reason::NotAcceptable, format!("This is given as {}", types.join(", "))))
}
