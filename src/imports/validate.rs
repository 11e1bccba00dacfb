//! `/v1/validate`: what an import would say of a body, with nothing changed.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::report::Status;
use super::routes::{format, order};
use super::run::{Source, Unwatched, run};
use super::{Mode, Order};
use crate::auth;
use crate::error::Problem;
use crate::http::negotiate;
use crate::http::observe::RequestId;
use crate::http::query::Query;
use crate::http::upload::Upload;
use crate::state::State;
use crate::store::change::Author;

/// Bytes of the largest body that is answered at once; larger ones are imports with `dry_run=true`.
pub const LARGEST: usize = 8 * 1024 * 1024;

/// `POST /v1/validate`.
pub async fn validate(request: HttpRequest, state: Data<State>, payload: Payload) -> Result<HttpResponse, Problem> {
    let token = state.auth.authenticate(&request).await?;
    negotiate::json(&request)?;
    let (query, mut wrong) = Query::parse_on(request.query_string(), ["format", "collection"]);
    let ordered = order(&query).map_err(|more| wrong.extend(more)).unwrap_or_default();
    let format = format(&query, request.headers()).map_err(|problem| problem.and(&wrong))?;
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let rights = auth::rights(&mut *state.db.get().await?, &token, ordered.collection).await?;
    let author = Author {
        issuer: token.issuer,
        subject: token.subject,
        request_id: RequestId::of(&request),
        reason: None,
        import: None,
    };
    let order = Order {
        format,
        mode: Mode::Independent,
        dry_run: true,
        confirmed: true,
        publisher: rights.publisher,
        everywhere: rights.everywhere,
        author,
        ..ordered
    };
    let upload = Upload::receive(&request, payload, LARGEST.min(state.import_limit)).await?;
    // In a task of its own: a client that goes away cannot leave a transaction open.
    let task = actix_web::rt::spawn(async move {
        let mut connection = state.db.get_for_write().await?;
        let sources = vec![Source { name: None, format, body: upload.into_read() }];
        run(&mut connection, &state.shapes, &order, sources, state.import_guard, &mut Unwatched).await
    });
    let report = task.await.map_err(Problem::internal)??;
    let valid = report.status == Status::Completed && report.errors.is_empty() && !report.breaks_rules;
    let mut answer = report.view();
    answer["valid"] = valid.into();
    answer["format"] = format.name().into();
    Ok(HttpResponse::Ok().json(answer))
}
