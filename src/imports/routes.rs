//! `/v1/imports`: sending one, seeing what came of it, cancelling it, and the
//! template for clerks.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, HeaderMap, LINK};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::Utc;
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use strum::VariantArray;
use uuid::Uuid;

use super::jobs::{self, Job};
use super::report::Report;
use super::run::{Source, Unwatched, run};
use super::{Format, Mode, Order, cells, xlsx};
use crate::auth::{self, Rights};
use crate::collections;
use crate::db;
use crate::digest::{digest, sha256};
use crate::error::{Fault, Problem, Reason};
use crate::hint::nearest;
use crate::http::negotiate;
use crate::http::observe::{RequestId, document};
use crate::http::query::Query;
use crate::http::upload::Upload;
use crate::idempotency::{Answer, Key};
use crate::kind::Kind;
use crate::page::{self, link};
use crate::resource::reason;
use crate::state::State;
use crate::store::change::Author;
use crate::store::cursor::{Cursor, foreign_cursor};

/// Parameters of an import.
const PARAMETERS: [&str; 6] = ["format", "collection", "mode", "dry_run", "confirm", "reason"];

/// `POST /v1/imports`.
pub async fn create(request: HttpRequest, state: Data<State>, payload: Payload) -> Result<HttpResponse, Problem> {
    let token = state.auth.authenticate(&request).await?;
    let (query, wrong) = Query::parse_on(request.query_string(), PARAMETERS);
    let collection = query.get("collection").and_then(collections::find);
    let rights = auth::rights(&mut *state.db.get().await?, &token, collection).await?;
    let mut wrong = wrong;
    let ordered = order(&query).map_err(|more| wrong.extend(more)).unwrap_or_default();
    let format = format(&query, request.headers()).map_err(|problem| problem.and(&wrong))?;
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    let key = Key::of(request.headers(), &token)?;
    let Rights { publisher, everywhere, scopes } = rights;
    let author = Author {
        issuer: token.issuer,
        subject: token.subject,
        request_id: RequestId::of(&request),
        reason: reason(&query)?,
        import: None,
    };
    let order = Order { format, publisher, everywhere, scopes, author, ..ordered };
    let limit = format.whole().unwrap_or(usize::MAX).min(state.import_limit);
    let upload = Upload::receive(&request, payload, limit).await?;
    let later = !upload.is_small() && format.whole().is_none() || prefers_later(request.headers());
    let fingerprint = sha256(format!("{} {} {}", request.method(), request.uri(), upload.digest).as_bytes());
    let import =
        Import { order, upload, later, key, fingerprint, base: state.base(&request), path: request.path().into() };
    // In a task of its own: a client that goes away cannot leave a transaction open.
    let task = actix_web::rt::spawn(async move { import.carry_out(&state).await });
    task.await.map_err(Problem::internal)?
}

/// An import whose body has arrived.
struct Import {
    order: Order,
    upload: Upload,
    later: bool,
    key: Option<Key>,
    fingerprint: String,
    base: String,
    path: String,
}

impl Import {
    /// Carries it out or keeps it for later, with the answer, in one transaction.
    async fn carry_out(mut self, state: &State) -> Result<HttpResponse, Problem> {
        let mut connection = state.db.get_for_write().await?;
        db::begin(&mut connection).await?;
        let done = self.within(&mut connection, state).await;
        db::end(&mut connection, done.is_ok()).await?;
        if self.later {
            state.call.notify_one();
        }
        done
    }

    async fn within(&mut self, connection: &mut AsyncPgConnection, state: &State) -> Result<HttpResponse, Problem> {
        if let Some(key) = &self.key
            && let Some(answer) = key.take(connection, &self.fingerprint).await?
        {
            return Ok(answer);
        }
        let (id, since) = (Uuid::now_v7(), Utc::now());
        self.order.author.import = Some(id);
        let nothing = Upload::default();
        let mut body = std::mem::replace(&mut self.upload, nothing).into_read();
        let report = if self.later {
            jobs::insert(connection, id, &self.order, None, since).await?;
            jobs::insert_body(connection, id, &mut body).await?;
            None
        } else {
            let sources = vec![Source { name: None, format: self.order.format, body }];
            let report =
                run(connection, &state.shapes, &self.order, sources, state.import_guard, &mut Unwatched).await?;
            jobs::insert(connection, id, &self.order, Some(&report), since).await?;
            Some(report)
        };
        let job = jobs::find(connection, id, None).await?.ok_or_else(|| Problem::internal("an import is not there"))?;
        let answer = self.answer(&job, report)?;
        if let Some(key) = &self.key {
            key.keep(connection, &answer).await?;
        }
        Ok(answer.respond())
    }

    /// The report, as what it is: done, kept for later, or refused.
    fn answer(&self, job: &Job, report: Option<Report>) -> Result<Answer, Problem> {
        use super::report::Status;
        let mut view = job.view(&self.base)?;
        let json = |status: StatusCode, view: &Value| Answer {
            status,
            headers: vec![("content-type", "application/json".into())],
            body: view.to_string().into_bytes(),
        };
        let Some(report) = report else {
            let mut answer = json(StatusCode::ACCEPTED, &view);
            answer.headers.push(("location", format!("{}/v1/imports/{}", self.base, job.id)));
            answer.headers.push(("retry-after", "1".into()));
            return Ok(answer);
        };
        let refused =
            |reason: Reason, words: String| Problem { errors: report.errors.clone(), ..Problem::new(reason, words) };
        let problem = match report.status {
            Status::Completed => return Ok(json(StatusCode::OK, &view)),
            Status::Unconfirmed => {
                let words: Vec<&str> = report.errors.iter().rev().take(3).map(|fault| fault.detail.as_str()).collect();
                let words = words.join("; ");
                refused(Reason::Conflict, words)
            }
            _ => {
                let counts = report.counts;
                let whole = report.errors.first().filter(|_| counts.read == 0);
                let words = whole.map(|fault| fault.detail.clone());
                refused(
                    Reason::InvalidRequest,
                    words.unwrap_or_else(|| {
                        format!("{} of {} records are refused; nothing is stored", counts.refused, counts.read)
                    }),
                )
            }
        };
        let (status, _) = problem.reason.status_and_title();
        let mut body = document(&problem, &self.path, &self.order.author.request_id);
        for member in ["errors", "errors_omitted"] {
            if let Some(members) = view.as_object_mut() {
                members.shift_remove(member);
            }
        }
        body["errors_omitted"] = report.errors_omitted.into();
        body["report"] = view;
        let headers = vec![("content-type", "application/problem+json".into())];
        Ok(Answer { status, headers, body: body.to_string().into_bytes() })
    }
}

/// The order, as far as the parameters say it.
pub fn order(query: &Query) -> Result<Order, Vec<Fault>> {
    let mut order = Order { confirmed: false, everywhere: false, ..Order::default() };
    let mut faults = Vec::new();
    if let Some(name) = query.get("collection") {
        order.collection = collections::find(name);
        faults.extend(order.collection.is_none().then(|| unknown_collection(name)));
    }
    match query.get("mode").map(str::parse::<Mode>) {
        Some(Ok(mode)) => order.mode = mode,
        Some(Err(_)) => faults.push(Fault::parameter("mode", "value_unknown", "mode is atomic or independent")),
        None => {}
    }
    for (name, flag) in [("dry_run", &mut order.dry_run), ("confirm", &mut order.confirmed)] {
        match query.get(name).map(str::parse) {
            Some(Ok(value)) => *flag = value,
            Some(Err(_)) => faults.push(Fault::parameter(name, "value_unknown", format!("{name} is true or false"))),
            None => {}
        }
    }
    if faults.is_empty() { Ok(order) } else { Err(faults) }
}

fn unknown_collection(name: &str) -> Fault {
    let names: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).collect();
    let words = format!("there is no collection {name:?}{}", nearest(name, &names));
    Fault::parameter("collection", "collection_unknown", words)
}

/// The format: by its parameter, else by what the body says it is.
pub fn format(query: &Query, headers: &HeaderMap) -> Result<Format, Problem> {
    let names: Vec<&str> = Format::VARIANTS.iter().map(|format| format.name()).collect();
    if let Some(name) = query.get("format") {
        return name.parse().map_err(|_| {
            let words = format!("there is no format {name:?}{}", nearest(name, &names));
            Problem::invalid(vec![Fault::parameter("format", "format_unknown", words)])
        });
    }
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let found = Format::VARIANTS.iter().copied().find(|format| essence.eq_ignore_ascii_case(format.essence()));
    found.ok_or_else(|| {
        let types: Vec<&str> = Format::VARIANTS.iter().map(|format| format.essence()).collect();
        let words =
            format!("Say what the body is, by format={} or by Content-Type: {}", names.join(", "), types.join(", "));
        Problem::new(Reason::UnsupportedMediaType, words)
    })
}

/// `Prefer: respond-async` (RFC 7240).
fn prefers_later(headers: &HeaderMap) -> bool {
    let lines = headers.get_all("prefer").filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| item.trim().eq_ignore_ascii_case("respond-async"))
}

/// Whose imports a token may see: those of its publisher, or all.
async fn seen_by(request: &HttpRequest, state: &State) -> Result<Option<String>, Problem> {
    let token = state.auth.authenticate(request).await?;
    let rights = auth::rights(&mut *state.db.get().await?, &token, None).await?;
    Ok(rights.publisher.filter(|_| !rights.everywhere))
}

/// `GET /v1/imports`: one's own, the newest first.
pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let publisher = seen_by(&request, &state).await?;
    let query = Query::parse(request.query_string(), ["limit", "cursor"]).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let limit = page::limit(&query).map_err(|fault| Problem::invalid(vec![fault]))?;
    let seal = format!("{} imports", state.register);
    let before =
        match query.get("cursor").map(|text| Cursor::decode(text, &seal).and_then(|cursor| cursor.key.parse().ok())) {
            Some(None) => return Err(Problem::invalid(vec![foreign_cursor()])),
            before => before.flatten(),
        };
    let mut found = jobs::list(&mut *state.db.get().await?, publisher.as_deref(), before, limit + 1).await?;
    let more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let (base, address) = (state.base(&request), state.address(&request));
    let next = found.last().filter(|_| more).map(|last| {
        let cursor = Cursor { key: last.id.to_string(), identifier: String::new() };
        link(&address, &query, Some(&cursor.encode(&seal)))
    });
    let brief = |job: &Job| {
        let mut view = job.view(&base)?;
        if let Some(members) = view.as_object_mut() {
            members.shift_remove("errors");
            members.shift_remove("warnings");
        }
        Ok(view)
    };
    let data = found.iter().map(brief).collect::<Result<Vec<Value>, Problem>>()?;
    let body = json!({
        "data": data,
        "meta": {"limit": limit},
        "links": {"self": link(&address, &query, query.get("cursor")), "next": next},
    });
    let mut response = HttpResponse::Ok();
    if let Some(next) = &next {
        response.insert_header((LINK, format!("<{next}>; rel=\"next\"")));
    }
    Ok(response.json(body))
}

/// `GET /v1/imports/{id}`.
pub async fn show(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let publisher = seen_by(&request, &state).await?;
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let job = find(&request, &state, publisher.as_deref()).await?;
    Ok(HttpResponse::Ok().json(job.view(&state.base(&request))?))
}

/// `POST /v1/imports/{id}/cancel`.
pub async fn cancel(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let publisher = seen_by(&request, &state).await?;
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    let job = find(&request, &state, publisher.as_deref()).await?;
    if job.status != "queued" {
        return Err(Problem::new(Reason::Conflict, format!("The import has ended: it is {}", job.status)));
    }
    jobs::cancel(&mut *state.db.get().await?, job.id).await?;
    state.call.notify_one();
    let job = find(&request, &state, publisher.as_deref()).await?;
    Ok(HttpResponse::Accepted().json(job.view(&state.base(&request))?))
}

async fn find(request: &HttpRequest, state: &State, publisher: Option<&str>) -> Result<Job, Problem> {
    let text = request.match_info().get("id").unwrap_or_default();
    let id = Uuid::parse_str(text).ok();
    let job = match id {
        Some(id) => jobs::find(&mut *state.db.get().await?, id, publisher).await?,
        None => None,
    };
    job.ok_or_else(|| Problem::new(Reason::NotFound, format!("There is no import {text:.100} of yours")))
}

/// `GET /v1/imports/template.xlsx?collection=`.
pub async fn template(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), ["collection"]).map_err(Problem::invalid)?;
    let kind: &'static Kind = match query.get("collection") {
        Some(name) => collections::find(name).ok_or_else(|| Problem::invalid(vec![unknown_collection(name)]))?,
        None => {
            let words = "say of which collection: collection=grants";
            return Err(Problem::invalid(vec![Fault::parameter("collection", "required", words)]));
        }
    };
    let book = xlsx::template(kind, &cells::fillable(kind), &cells::codes(kind)).map_err(Problem::internal)?;
    let name = format!("attachment; filename=\"{}-template.xlsx\"", kind.collection);
    let tag = format!("\"{}\"", digest(format!("{}{:?}", crate::API_VERSION, cells::codes(kind)).as_bytes()));
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, Format::Xlsx.essence()))
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((ETAG, tag))
        .body(book))
}
