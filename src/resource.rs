//! What is the same for every collection: list, export, show, put, patch, remove.
//!
//! A read goes: parameters → question → rows → views → bytes. A write goes:
//! token → right → precondition → body → checks → one transaction → view.

use std::time::{Duration, Instant};

use actix_web::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value};

use crate::auth;
use crate::error::{Fault, Problem, Reason};
use crate::formats::Format;
use crate::http::conditional::record_tag;
use crate::http::observe::RequestId;
use crate::http::precondition::Precondition;
use crate::http::query::Query;
use crate::http::{body, identifier, negotiate};
use crate::input;
use crate::kind::Kind;
use crate::page::{self, Options};
use crate::state::State;
use crate::store::ask::Ask;
use crate::store::change::{Author, Change, Intent, Outcome};
use crate::store::past;
use crate::store::read::{self, Row};
use crate::{export, store};

/// A patch is tried again for so long when others come between.
const PATIENCE: Duration = Duration::from_secs(10);
/// A reason has this many characters at most.
const REASON: usize = 500;

/// `GET /v1/{collection}`, and the same with a fixed filter for a record's own list.
pub async fn list(
    kind: &'static Kind,
    fixed: Option<&'static str>,
    request: HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let known = page::parameters(kind).into_iter().filter(|name| Some(*name) != fixed);
    let (query, wrong) = Query::parse_on(request.query_string(), known);
    let format = negotiate::list(&request, kind, query.get("format")).map_err(|problem| problem.and(&wrong))?;
    let parent = match fixed {
        Some(filter) => Some((filter, identifier::from_path(&request)?)),
        None => None,
    };
    let ask = Ask::read(kind, &query, parent.as_ref().map(|(filter, id)| (*filter, id.as_str())), &state.register);
    let (ask, options) = both(ask, Options::read(kind, &query, format)).map_err(|problem| problem.and(&wrong))?;
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    if let Some(as_of) = options.as_of {
        as_of.settle(&state.db).await?;
    }
    if let Some((_, parent)) = &parent {
        let kind = &crate::collections::indicators::KIND;
        let exists = async |connection: &mut _| read::one(connection, kind, parent).await;
        let found = past::read(&mut *state.db.get().await?, options.as_of, exists).await;
        found.map_err(|problem| problem.redirected(&request))?;
    }
    if format != Format::Json {
        let mut ask = ask;
        ask.beside = format.beside(kind, options.as_of.is_some());
        ask.grain = options.grain;
        return export::stream(&state, ask, options, format, &request).await;
    }
    let address = state.address(&request);
    // What has much to look through keeps nobody waiting who asks for a page.
    let by_place = ["place", "bbox", "near"].iter().any(|name| query.get(name).is_some());
    let much = ask.searches() || by_place || options.counts() || options.as_of.is_some();
    let mut connection = if much { state.db.get_for_search().await? } else { state.db.get().await? };
    let page = page::read(&mut connection, ask, &options, &address, &query).await?;
    let body = serde_json::to_vec(&page.body).map_err(Problem::internal)?;
    Ok(page::respond(Format::Json, body, page.next.as_deref()))
}

/// `GET /v1/{collection}/{identifier}`.
pub async fn show(kind: &'static Kind, request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), ["fields", "include", "as_of"]).map_err(Problem::invalid)?;
    let options = Options::read(kind, &query, Format::Json).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let identifier = identifier::from_path(&request)?;
    if let Some(as_of) = options.as_of {
        as_of.settle(&state.db).await?;
    }
    let mut connection = state.db.get().await?;
    let reads = async |connection: &mut AsyncPgConnection| {
        let row = read::one(connection, kind, &identifier).await.map_err(|problem| problem.redirected(&request))?;
        let mut view = options.pick(row.view(kind)?);
        if !options.include.is_empty() {
            let included = read::included(connection, std::slice::from_ref(&identifier), &options.include).await?;
            view.insert("included".into(), included.into());
        }
        Ok((row.version, view))
    };
    let (version, view) = match options.as_of {
        None if options.include.is_empty() => reads(&mut connection).await?,
        as_of => past::read(&mut connection, as_of, reads).await?,
    };
    record(HttpResponse::Ok(), version, &view)
}

/// `PUT /v1/{collection}/{identifier}`.
pub async fn put(
    kind: &'static Kind,
    request: HttpRequest,
    state: Data<State>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let write = Write::begin(kind, &request, &state, &[]).await?;
    let body = body::read(&request, payload, "application/json").await?;
    let checked = input::check(&state.shapes, kind, &write.identifier, &body);
    write.put(&state, checked).await
}

/// `PATCH /v1/{collection}/{identifier}`, RFC 7396.
pub async fn patch(
    kind: &'static Kind,
    request: HttpRequest,
    state: Data<State>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let mut write = Write::begin(kind, &request, &state, &[]).await?;
    let body = body::read(&request, payload, "application/merge-patch+json").await?;
    let patch = crate::json::parse(&body).map_err(Problem::invalid)?;
    let demanded = write.precondition.clone();
    match demanded {
        Precondition::None => return Err(Problem::new(Reason::PreconditionRequired, "A patch needs If-Match")),
        Precondition::Absent => return Err(Problem::new(Reason::PreconditionFailed, "A patch needs a record")),
        _ => {}
    }
    // Another change may come between, and its version be as welcome: then it is read again.
    let started = Instant::now();
    loop {
        let row = read::one(&mut *state.db.get().await?, kind, &write.identifier).await.map_err(gone)?;
        if matches!(&demanded, Precondition::Versions(versions) if !versions.contains(&row.version)) {
            let words =
                format!("The {} {} is at version {}; read it again", kind.singular, row.identifier, row.version);
            return Err(Problem::new(Reason::PreconditionFailed, words));
        }
        // What is written was made from this version and no other.
        write.precondition = Precondition::Versions(vec![row.version]);
        let mut document: Value = serde_json::from_str(&row.doc).map_err(Problem::internal)?;
        json_patch::merge(&mut document, &patch);
        let checked = input::check_value(&state.shapes, kind, &write.identifier, document);
        match write.clone().put(&state, checked).await {
            Err(problem) if problem.reason == Reason::PreconditionFailed => {
                if started.elapsed() > PATIENCE {
                    return Err(Problem::unavailable("The record changes too often; try again"));
                }
            }
            answer => return answer,
        }
    }
}

/// `DELETE /v1/{collection}/{identifier}`.
pub async fn remove(kind: &'static Kind, request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let write = Write::begin(kind, &request, &state, &["merged_into"]).await?;
    let merged_into = write.query.get("merged_into").map(String::from);
    write.apply(&state, Intent::Delete { merged_into }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A record that was merged is gone for whoever would change it.
fn gone(problem: Problem) -> Problem {
    match problem.reason {
        Reason::Merged => Problem::new(Reason::Gone, problem.detail),
        _ => problem,
    }
}

/// A write whose token, right and precondition were read; its body was not yet.
#[derive(Clone)]
struct Write {
    kind: &'static Kind,
    identifier: String,
    publisher: String,
    precondition: Precondition,
    author: Author,
    base: String,
    query: Query,
}

impl Write {
    async fn begin(
        kind: &'static Kind,
        request: &HttpRequest,
        state: &State,
        parameters: &[&str],
    ) -> Result<Self, Problem> {
        let token = state.auth.authenticate(request).await?;
        let identifier = identifier::from_path(request)?;
        let publisher = auth::authorize(&mut *state.db.get().await?, &token, kind, &identifier).await?;
        let known = parameters.iter().copied().chain(["reason"]);
        let query = Query::parse(request.query_string(), known).map_err(Problem::invalid)?;
        let precondition = Precondition::of(request.headers())?;
        let author = Author {
            issuer: token.issuer,
            subject: token.subject,
            request_id: RequestId::of(request),
            reason: reason(&query)?,
            import: None,
        };
        Ok(Self { kind, identifier, publisher, precondition, author, base: state.base(request), query })
    }

    async fn put(self, state: &State, checked: crate::kind::Checked) -> Result<HttpResponse, Problem> {
        if !checked.faults.is_empty() {
            let mut connection = state.db.get().await?;
            let faults = input::with_dangling(&mut connection, self.kind, &self.identifier, checked).await?;
            return Err(Problem::invalid(faults));
        }
        if checked.doc.to_string().len() > body::RECORD {
            let words = format!("A record has at most {} bytes", body::RECORD);
            return Err(Problem::new(Reason::ContentTooLarge, words));
        }
        let (kind, place) = (self.kind, self.base.clone() + &identifier::path(self.kind.collection, &self.identifier));
        let (outcome, row) = self.apply(state, Intent::Put { doc: checked.doc, links: checked.links }).await?;
        let row = row.ok_or_else(|| Problem::internal("a written record is not there"))?;
        let mut response = HttpResponse::Ok();
        if outcome == Outcome::Created {
            response = HttpResponse::Created();
            response.insert_header((LOCATION, place));
        }
        record(response, row.version, &row.view(kind)?)
    }

    /// Writes in a task of its own: a client that goes away cannot leave a transaction open.
    async fn apply(self, state: &State, intent: Intent) -> Result<(Outcome, Option<Row>), Problem> {
        let db = state.db.clone();
        let task = actix_web::rt::spawn(async move {
            let mut connection = db.get_for_write().await?;
            let change = Change {
                kind: self.kind,
                identifier: self.identifier,
                publisher: self.publisher,
                intent,
                precondition: self.precondition,
            };
            store::write::one(&mut connection, &self.author, change).await
        });
        task.await.map_err(Problem::internal)?
    }
}

/// Characters that a line of text has no room for: controls, line ends, turns of direction.
fn unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Why something is written, in the author's words.
pub fn reason(query: &Query) -> Result<Option<String>, Problem> {
    match query.get("reason") {
        Some(text) if text.chars().count() > REASON || text.chars().any(unseen) => {
            let words = format!("a reason is one line of at most {REASON} characters");
            Err(Problem::invalid(vec![Fault::parameter("reason", "reason_invalid", words)]))
        }
        reason => Ok(reason.map(String::from)),
    }
}

/// A record as a response.
pub fn record(
    mut response: actix_web::HttpResponseBuilder,
    version: i32,
    view: &Map<String, Value>,
) -> Result<HttpResponse, Problem> {
    let body = serde_json::to_vec(view).map_err(Problem::internal)?;
    response.insert_header((CONTENT_TYPE, Format::Json.content_type()));
    response.insert_header((ETAG, record_tag(version, &body)));
    Ok(response.body(body))
}

/// Both, or the faults of both.
fn both<A, B>(a: Result<A, Vec<Fault>>, b: Result<B, Vec<Fault>>) -> Result<(A, B), Problem> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut faults), Err(more)) => {
            faults.extend(more);
            Err(Problem::invalid(faults))
        }
        (Err(faults), _) | (_, Err(faults)) => Err(Problem::invalid(faults)),
    }
}
