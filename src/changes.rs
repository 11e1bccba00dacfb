//! The change feed: every version of every record in the order of its commit,
//! as pages, by waiting for the next one, or as a stream of events.
//!
//! Positions are handed out under the lock that orders all writes, so they become
//! visible in their order and without gaps: a reader that goes on after the last
//! one it saw misses none.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::collections;
use crate::error::{Fault, Problem};
use crate::formats::Format;
use crate::hint::nearest;
use crate::http::negotiate;
use crate::http::query::Query;
use crate::page::{self, link};
use crate::state::State;
use crate::store::cursor::Cursor;
use crate::store::history::{self, Version};
use crate::store::read;
use crate::watch::Watch;

/// Parameters of the feed.
const PARAMETERS: [&str; 5] = ["after", "limit", "collection", "include", "wait"];
/// The longest wait for a change, in seconds.
const WAIT: u64 = 60;
/// A stream without changes says so this often, lest a proxy closes it.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What the feed's cursors are bound to.
fn seal(register: &str) -> String {
    format!("{register} changes")
}

fn cursor(position: i64, seal: &str) -> String {
    Cursor { key: position.to_string(), identifier: String::new() }.encode(seal)
}

/// Where the feed goes on after a position.
pub fn after(position: i64, register: &str) -> String {
    format!("/v1/changes?after={}", cursor(position, &seal(register)))
}

/// `after=latest`: what comes from now on.
const LATEST: &str = "latest";

/// What a reader of the feed wants.
struct Follow {
    /// The position after which to go on; `None` is where the register is now.
    after: Option<i64>,
    limit: i64,
    collections: Option<Vec<String>>,
    records: bool,
    wait: Duration,
    seal: String,
    base: String,
}

/// Some changes, and the position after them.
struct Batch {
    changes: Vec<(i64, Map<String, Value>)>,
    end: i64,
    more: bool,
}

/// `GET /v1/changes`.
pub async fn changes(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), PARAMETERS).map_err(Problem::invalid)?;
    let events = negotiate::events(&request)?;
    let mut follow = Follow::read(&query, &request, &state, events).map_err(Problem::invalid)?;
    if events {
        return follow.stream(state, request.method() == Method::HEAD).await;
    }
    let watch = state.watch.clone();
    let mut batch = follow.next(&state).await?;
    if batch.changes.is_empty() && !follow.wait.is_zero() {
        follow.after = Some(batch.end);
        batch = timeout(follow.wait, follow.wait_for(&state, watch)).await.unwrap_or(Ok(batch))?;
    }
    let address = state.address(&request);
    let next = batch.more.then(|| {
        let cursor = follow.cursor(batch.end);
        link(&address, &query.with("after", &cursor), None)
    });
    let data: Vec<Value> = batch.changes.into_iter().map(|(_, change)| change.into()).collect();
    let body = json!({
        "data": data,
        "meta": {"limit": follow.limit, "cursor": follow.cursor(batch.end)},
        "links": {"self": link(&address, &query, None), "next": next},
    })
    .to_string();
    Ok(page::respond(Format::Json, body.into_bytes(), next.as_deref()))
}

impl Follow {
    fn read(query: &Query, request: &HttpRequest, state: &State, events: bool) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let seal = seal(&state.register);
        // A client that was cut off says where it was.
        let resumed = request.headers().get("last-event-id").filter(|_| events);
        let after = match (resumed.map(|id| id.to_str().unwrap_or_default()), query.get("after")) {
            (None, None) => Some(0),
            (None, Some(LATEST)) => None,
            (header, parameter) => {
                let text = header.or(parameter).unwrap_or_default();
                let position = Cursor::decode(text, &seal).and_then(|cursor| cursor.key.parse().ok());
                if position.is_none() {
                    let words = "this is no cursor of this feed; without `after` it begins at the beginning";
                    faults.push(match header {
                        Some(_) => Fault::header("Last-Event-ID", "cursor_invalid", words),
                        None => Fault::parameter("after", "cursor_invalid", words),
                    });
                }
                position
            }
        };
        let limit = page::limit(query).unwrap_or_else(|fault| {
            faults.push(fault);
            1
        });
        let known: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).collect();
        let wanted = query.list("collection");
        for name in wanted.iter().flatten().filter(|name| !known.contains(name)) {
            let words = format!("there is no collection {name:?}{}", nearest(name, &known));
            faults.push(Fault::parameter("collection", "collection_unknown", words));
        }
        if query.get("include").is_some_and(|include| include != "records") {
            faults.push(Fault::parameter("include", "name_unknown", "include is: records"));
        }
        let wait = query.get("wait").map_or(Some(0), |text| text.parse().ok().filter(|seconds| *seconds <= WAIT));
        if wait.is_none() || (events && query.get("wait").is_some()) {
            let words = format!("wait is a number of seconds up to {WAIT}, for JSON");
            faults.push(Fault::parameter("wait", "wait_invalid", words));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            after,
            limit,
            collections: wanted.map(|names| names.into_iter().map(String::from).collect()),
            records: query.get("include").is_some(),
            wait: Duration::from_secs(wait.unwrap_or_default()),
            seal,
            base: state.base(request),
        })
    }

    fn cursor(&self, position: i64) -> String {
        cursor(position, &self.seal)
    }

    /// What is there to be read now.
    async fn next(&self, state: &State) -> Result<Batch, Problem> {
        let mut connection = state.db.get().await?;
        let now = read::position(&mut connection).await?;
        let after = self.after.unwrap_or(now);
        let only = self.collections.as_deref();
        let tell = |version: Version| {
            let kind = collections::find(&version.collection);
            let kind = kind.ok_or_else(|| Problem::internal(format!("a version in {}", version.collection)))?;
            let record = version.record(kind)?;
            let mut change = version.describe(record.as_ref(), &self.base);
            change.insert("cursor".into(), self.cursor(version.position).into());
            if self.records {
                change.insert("record".into(), record.map_or(Value::Null, Value::Object));
            }
            Ok((version.position, change))
        };
        let (changes, more) = history::between(&mut connection, after, now, only, self.limit, tell).await?;
        let end = changes.last().filter(|_| more).map_or(now.max(after), |(position, _)| *position);
        Ok(Batch { changes, end, more })
    }

    /// The next changes, however long that takes.
    async fn wait_for(&self, state: &State, mut watch: Watch) -> Result<Batch, Problem> {
        let mut after = self.after.unwrap_or_default();
        loop {
            if watch.beyond(after).await.is_none() {
                return Err(Problem::unavailable("The register is stopping"));
            }
            let batch = self.next(state).await?;
            if !batch.changes.is_empty() {
                return Ok(batch);
            }
            after = batch.end;
        }
    }

    /// All changes from here on, as server-sent events.
    async fn stream(mut self, state: Data<State>, head: bool) -> Result<HttpResponse, Problem> {
        let place = state.streams.clone().try_acquire_owned();
        let place = place.map_err(|_| Problem::unavailable("Too many follow the feed; try again in a moment"))?;
        // What is wrong with the question shows before the stream begins.
        let first = self.next(&state).await?;
        if head {
            return Ok(events(HttpResponse::Ok()).finish());
        }
        let watch = state.watch.clone();
        self.after = Some(first.end);
        let body = stream::unfold((self, state, watch, Some(first), place), async |mut reader| {
            let (follow, state, watch, ready, _) = &mut reader;
            let piece = match ready.take() {
                Some(batch) => {
                    // Who is behind does not wait.
                    *ready = if batch.more { follow.go_on(state).await } else { None };
                    follow.events(&batch)
                }
                None => match timeout(HEARTBEAT, watch.beyond(follow.after.unwrap_or_default())).await {
                    Err(_) => Bytes::from_static(b": still here\n\n"),
                    Ok(None) => return None,
                    Ok(Some(())) => {
                        *ready = Some(follow.go_on(state).await?);
                        Bytes::new()
                    }
                },
            };
            Some((Ok::<_, Problem>(piece), reader))
        });
        let body = body.try_filter(|piece| std::future::ready(!piece.is_empty()));
        Ok(events(HttpResponse::Ok()).streaming(Box::pin(body)))
    }

    /// The changes after the last ones. A fault ends the stream; the client comes
    /// again with `Last-Event-ID`.
    async fn go_on(&mut self, state: &State) -> Option<Batch> {
        match self.next(state).await {
            Ok(batch) => {
                self.after = Some(batch.end);
                Some(batch)
            }
            Err(problem) => {
                log::warn!("a reader of the feed was left: {problem}");
                None
            }
        }
    }

    fn events(&self, batch: &Batch) -> Bytes {
        let events = batch.changes.iter().map(|(position, change)| {
            let data = serde_json::to_string(change).unwrap_or_default();
            format!("id: {}\nevent: change\ndata: {data}\n\n", self.cursor(*position))
        });
        let text: String = events.collect();
        if text.is_empty() { Bytes::from_static(b": nothing yet\n\n") } else { text.into() }
    }
}

/// The headers of a stream of events.
fn events(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression would hold events back until a block is full.
        .insert_header((CONTENT_ENCODING, "identity"));
    response
}
