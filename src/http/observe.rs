//! The outermost layer: a request id for every request, a line in the log, and
//! every failure as a problem document.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, VARY, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, ResponseError};
use serde_json::json;
use uuid::Uuid;

use crate::API_VERSION;
use crate::error::{Problem, Reason};

/// The header that names a request.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header that names the version of this API.
const VERSION: HeaderName = HeaderName::from_static("api-version");

/// Methods that HTTP has.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::POST,
    Method::TRACE,
    Method::CONNECT,
];

/// The answer to a page of another site that would write.
const NO_FOREIGN_WRITES: &str =
    "Pages of other sites may read, with GET and HEAD and the usual headers of a read, and nothing else";

/// The id of a request, for its log lines and versions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    /// The id of this request.
    pub fn of(request: &HttpRequest) -> String {
        request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.clone())
    }
}

/// The client's own id where it is harmless, else a new one.
fn request_id(request: &ServiceRequest) -> String {
    let sent = request.headers().get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
    let harmless = |id: &&str| {
        (1..=100).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b))
    };
    sent.filter(harmless).map_or_else(|| Uuid::now_v7().to_string(), String::from)
}

/// The middleware.
pub async fn middleware(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let id = request_id(&request);
    let path = request.path().to_owned();
    let method = request.method().clone();
    request.extensions_mut().insert(RequestId(id.clone()));
    // Methods that nothing takes are one: each would be a series of its own in the metrics.
    if !METHODS.contains(&method) {
        request.head_mut().method = Method::TRACE;
    }
    let mut response = next.call(request).await?.map_into_boxed_body();
    if response.status().is_client_error() || response.status().is_server_error() {
        response = as_problem(response, &path, &id);
    }
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, HeaderValue::from_str(&id)?);
    headers.insert(VERSION, HeaderValue::from_static(API_VERSION));
    // The route is what logs are counted by; the path names the record, percent-encoded as it came.
    let route = response.request().match_pattern().unwrap_or_else(|| "-".into());
    let millis = started.elapsed().as_secs_f64() * 1000.0;
    log::info!(target: "aid_register::access", "{id} {} {method} {route} {path:.300} {millis:.1}ms", response.status().as_u16());
    Ok(response)
}

/// Replaces the body of a failure by its problem document, if it is none yet.
fn as_problem(response: ServiceResponse<BoxBody>, path: &str, id: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    // An answer that is kept to be repeated is rendered already.
    if response.headers().get(CONTENT_TYPE).is_some_and(|media| media == "application/problem+json") {
        return response;
    }
    let problem = match response.response().error().and_then(|error| error.as_error::<Problem>()) {
        Some(problem) => problem.clone(),
        None => {
            let reason = Reason::of_status(status);
            let preflight = response.request().method() == Method::OPTIONS && status.is_client_error();
            let words = if preflight { NO_FOREIGN_WRITES } else { reason.status_and_title().1 };
            Problem::new(reason, words)
        }
    };
    if let Some(cause) = &problem.cause {
        log::error!("{id} {cause}");
    }
    let body = document(&problem, path, id).to_string();
    let mut response = response.map_body(|_, _| BoxBody::new(body.clone()));
    let headers = response.headers_mut();
    for name in [CONTENT_LENGTH, ETAG, VARY] {
        headers.remove(name);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if problem.reason == Reason::Unauthorized && !headers.contains_key(WWW_AUTHENTICATE) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"aid-register\""));
    }
    *response.response_mut().status_mut() = problem.status_code();
    response
}

/// The document itself.
pub fn document(problem: &Problem, path: &str, id: &str) -> serde_json::Value {
    let (status, title) = problem.reason.status_and_title();
    json!({
        "type": format!("urn:aid-register:problem:{}", problem.reason.code()),
        "title": title,
        "status": status.as_u16(),
        "detail": problem.detail,
        "instance": path,
        "code": problem.reason.code(),
        "request_id": id,
        "errors": problem.errors,
    })
}
