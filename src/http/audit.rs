//! Every write that was refused, and every token that was not good, goes into the
//! audit log. Writes that took effect stand there from their own transactions.

use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use serde_json::json;

use crate::auth::author;
use crate::error::{Problem, Reason, SHORT, clip};
use crate::state::State;
use crate::store::audit;

/// Of requests whose sender nobody knows, so many are logged in a stretch of time;
/// further ones are counted, lest anybody could fill the log.
const UNKNOWN: u32 = 100;
const STRETCH: Duration = Duration::from_secs(10);

/// What came from senders that nobody knows.
#[derive(Default)]
pub struct Unknown {
    since: Option<Instant>,
    logged: u32,
    omitted: u64,
}

impl Unknown {
    /// Whether one more is to be logged; if so, how many were not since the last.
    fn admit(&mut self) -> Option<u64> {
        if self.since.is_none_or(|since| since.elapsed() > STRETCH) {
            (self.since, self.logged) = (Some(Instant::now()), 0);
        }
        self.logged += 1;
        if self.logged > UNKNOWN {
            self.omitted += 1;
            return None;
        }
        Some(std::mem::take(&mut self.omitted))
    }
}

/// The middleware.
pub async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let with_token = request.headers().contains_key(AUTHORIZATION);
    let response = next.call(request).await?;
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    if !refused || (safe && !(with_token && status.as_u16() == 401)) {
        return Ok(response);
    }
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>());
    let reason = problem.map_or(Reason::of_status(status), |problem| problem.reason);
    let kind = if reason == Reason::Unauthorized { "token_refused" } else { "refused" };
    let request = response.request();
    let author = author(request);
    let mut details = json!({
        "method": request.method().as_str(), "path": clip(request.path(), SHORT),
        "status": status.as_u16(), "code": reason.code(),
    });
    if let Some(state) = request.app_data::<Data<State>>() {
        if author.subject.is_empty() {
            match state.unknown.lock().ok().and_then(|mut unknown| unknown.admit()) {
                None => return Ok(response),
                Some(0) => {}
                Some(omitted) => details["omitted"] = omitted.into(),
            }
        }
        let act = audit::act(kind, &author, details);
        let kept = async { Ok::<_, Problem>(audit::append(&mut *state.db.get().await?, act.clone()).await?) };
        if let Err(problem) = kept.await {
            log::error!("the audit log lacks {act}: {problem}");
        }
    }
    Ok(response)
}
