//! Every failure, from any stage, as one problem document (RFC 9457).
//!
//! Errors are named by meaning in [`Reason`]; status, title and advice stand
//! beside each other in one table. The document itself is rendered in
//! [`crate::http::observe`], where the request is known.

use std::fmt;

use crate::formats::iati::finding::Severity;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong. The snake_case name is the stable `code` of the problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema, strum::IntoStaticStr, strum::VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// The request is not what this address takes; `errors` names each fault.
    InvalidRequest,
    /// No token, or one that is not good.
    Unauthorized,
    /// A good token without the right.
    Forbidden,
    /// No such address or record.
    NotFound,
    /// The address does not take this method.
    MethodNotAllowed,
    /// None of the accepted media types or codings can be given.
    NotAcceptable,
    /// The request took too long to arrive.
    RequestTimeout,
    /// The change would contradict what the register holds.
    Conflict,
    /// Another record stands for this one.
    Merged,
    /// The record was deleted.
    Gone,
    /// The record changed meanwhile.
    PreconditionFailed,
    /// The body is too large.
    ContentTooLarge,
    /// The address is too long.
    UriTooLong,
    /// A file has no such part.
    RangeNotSatisfiable,
    /// The body's media type or coding is not taken here.
    UnsupportedMediaType,
    /// The `Idempotency-Key` was used for another request.
    KeyReused,
    /// A change needs `If-Match`.
    PreconditionRequired,
    /// The headers are too large.
    HeadersTooLarge,
    /// A fault of the register.
    Internal,
    /// The register is busy or cannot reach its database.
    Unavailable,
}

impl Reason {
    /// The stable code.
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// HTTP status and human title.
    pub fn status_and_title(self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidRequest => (S::BAD_REQUEST, "The request is not valid"),
            Self::Unauthorized => (S::UNAUTHORIZED, "A valid token is needed"),
            Self::Forbidden => (S::FORBIDDEN, "The token does not give this right"),
            Self::NotFound => (S::NOT_FOUND, "There is nothing here"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "This address does not take this method"),
            Self::NotAcceptable => (S::NOT_ACCEPTABLE, "This cannot be given in an accepted form"),
            Self::RequestTimeout => (S::REQUEST_TIMEOUT, "The request took too long to arrive"),
            Self::Conflict => (S::CONFLICT, "The change contradicts what the register holds"),
            Self::Merged => (S::PERMANENT_REDIRECT, "Another record stands for this one"),
            Self::Gone => (S::GONE, "The record was deleted"),
            Self::PreconditionFailed => (S::PRECONDITION_FAILED, "The record is not as the request expects"),
            Self::ContentTooLarge => (S::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UriTooLong => (S::URI_TOO_LONG, "The address is too long"),
            Self::RangeNotSatisfiable => (S::RANGE_NOT_SATISFIABLE, "The file has no such part"),
            Self::UnsupportedMediaType => (S::UNSUPPORTED_MEDIA_TYPE, "The body's media type is not taken here"),
            Self::KeyReused => (S::UNPROCESSABLE_ENTITY, "This key was used for another request"),
            Self::PreconditionRequired => (S::PRECONDITION_REQUIRED, "A change needs If-Match"),
            Self::HeadersTooLarge => (S::REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large"),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "The register failed"),
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "The register cannot answer now"),
        }
    }

    /// The reason for a status that the framework chose by itself.
    pub fn of_status(status: StatusCode) -> Self {
        use strum::VariantArray;
        let same = Self::VARIANTS.iter().copied().find(|reason| reason.status_and_title().0 == status);
        same.unwrap_or(if status.is_server_error() { Self::Internal } else { Self::InvalidRequest })
    }
}

/// After so many faults the rest is not looked for, or not told.
pub const FAULTS: usize = 100;
/// A value in a message is not longer than this.
pub const SHORT: usize = 160;
/// And a message about an address not longer than this.
const LONG: usize = 1000;

/// One thing wrong with a request, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// Line of NDJSON, or row of a table with its header as the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<i64>,
    /// Column of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// JSON Pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("/funding/0/percentage"))]
    pub pointer: Option<String>,
    /// Query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Request header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The record, where several were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// What kind of fault, for programs.
    #[schema(examples("share_disagrees"))]
    pub code: String,
    /// The rule of a standard that is broken; docs/RULES.md says what it demands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("2.1.2"))]
    pub rule: Option<String>,
    /// How bad that is: `error`, `warning`, `advisory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What is wrong, for people.
    pub detail: String,
}

impl Fault {
    /// A fault in the body.
    pub fn at(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), code: code.into(), detail: detail.into(), ..Self::default() }
    }

    /// Whether it is at this place of the body, or in something there.
    pub fn touches(&self, pointer: &str) -> bool {
        let rest = self.pointer.as_deref().and_then(|own| own.strip_prefix(pointer));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether it is at this place of the body, or at something that this is in.
    pub fn surrounds(&self, pointer: &str) -> bool {
        let rest = self.pointer.as_deref().and_then(|own| pointer.strip_prefix(own));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// A fault in a query parameter.
    pub fn parameter(name: &str, code: &str, detail: impl Into<String>) -> Self {
        let (parameter, detail) = (clip(name, SHORT), clip(&detail.into(), LONG));
        Self { parameter: Some(parameter), code: code.into(), detail, ..Self::default() }
    }

    /// A fault in a header.
    pub fn header(name: &str, code: &str, detail: impl Into<String>) -> Self {
        Self { header: Some(name.into()), code: code.into(), detail: detail.into(), ..Self::default() }
    }
}

/// Of a long text its first and last characters are enough for a message.
pub fn clip(text: &str, length: usize) -> String {
    let given = text.chars().count();
    if given <= length {
        return text.to_owned();
    }
    let first: String = text.chars().take(length / 2).collect();
    let last: String = text.chars().skip(given - length / 2).collect();
    format!("{first} … {last}")
}

/// A failure on its way to the client.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What went wrong.
    pub reason: Reason,
    /// What went wrong this time, for people.
    pub detail: String,
    /// Every fault found.
    pub errors: Vec<Fault>,
    /// What a fault of the register was, for the log alone.
    pub cause: Option<String>,
    /// Headers that belong to the answer, such as `Allow`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with a sentence of its own.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), errors: Vec::new(), cause: None, headers: Vec::new() }
    }

    /// All faults of one request.
    pub fn invalid(mut errors: Vec<Fault>) -> Self {
        errors.truncate(FAULTS);
        let detail = match errors.as_slice() {
            [only] => only.detail.clone(),
            many => format!("{} things are wrong; `errors` names each", many.len()),
        };
        Self { errors, ..Self::new(Reason::InvalidRequest, detail) }
    }

    /// Where the request is not valid: with these faults, which were found before.
    pub fn and(self, faults: &[Fault]) -> Self {
        match self.reason {
            Reason::InvalidRequest => Self::invalid(faults.iter().cloned().chain(self.errors).collect()),
            _ => self,
        }
    }

    /// Adds a header to the answer.
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Where another record stands for one in the address, the rest of the address goes with it.
    pub fn redirected(mut self, request: &HttpRequest) -> Self {
        for (_, place) in self.headers.iter_mut().filter(|(name, _)| *name == header::LOCATION) {
            let rest = request.uri().path().splitn(5, '/').nth(4).map(|rest| format!("/{rest}"));
            let query = request.uri().query().map(|query| format!("?{query}"));
            let whole =
                [place.to_str().unwrap_or_default(), rest.as_deref().unwrap_or(""), query.as_deref().unwrap_or("")];
            if let Ok(value) = HeaderValue::from_str(&whole.concat()) {
                *place = value;
            }
        }
        self
    }

    /// A fault of the register: it goes into the log with the request's id, and the
    /// client is told no more than that.
    pub fn internal(error: impl fmt::Display) -> Self {
        let problem = Self::new(Reason::Internal, "The fault is recorded under the request id");
        Self { cause: Some(error.to_string()), ..problem }
    }

    /// The register cannot serve this now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Reason::Unavailable, detail).with_header(header::RETRY_AFTER, "2")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.code(), self.cause.as_ref().unwrap_or(&self.detail))?;
        for fault in &self.errors {
            let place = fault.pointer.as_ref().or(fault.parameter.as_ref()).or(fault.header.as_ref());
            write!(f, "\n  {}: {}", place.map_or("", String::as_str), fault.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.reason.status_and_title().0
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.finish()
    }
}

impl From<diesel::result::Error> for Problem {
    /// Errors of the database that no handler foresaw. Those that name a rule of
    /// the register are told to the client; a time-out is the register's state.
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        match &error {
            Error::DatabaseError(Kind::CheckViolation, info) => Self::invalid(vec![Fault::at(
                "",
                info.constraint_name().unwrap_or("rule"),
                "the record breaks a rule of the register",
            )]),
            Error::DatabaseError(Kind::ForeignKeyViolation, info) => Self::new(
                Reason::Conflict,
                format!("other records depend on this one ({})", info.constraint_name().unwrap_or("reference")),
            ),
            Error::DatabaseError(_, info) if info.message().contains("statement timeout") => {
                Self::unavailable("The question took too long; ask for less")
            }
            Error::DatabaseError(_, info) if info.message().contains("lock timeout") => {
                Self::unavailable("Others are writing; try again")
            }
            Error::DatabaseError(_, info) if info.message().contains("communicating with the server") => {
                Self::unavailable("The database is not reachable; try again")
            }
            Error::DatabaseError(Kind::ClosedConnection | Kind::SerializationFailure, _) => {
                Self::unavailable("The database is not reachable; try again")
            }
            Error::DatabaseError(_, info)
                if info.message().contains("terminating connection") || info.message().contains("closed") =>
            {
                Self::unavailable("The database is not reachable; try again")
            }
            _ => Self::internal(format!("database: {error}")),
        }
    }
}
