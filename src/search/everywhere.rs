//! `GET /v1/search`: one search over all collections, best first.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use diesel_async::AsyncPgConnection;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::PARAMETERS;
use super::highlight::highlights;
use crate::collections;
use crate::error::{Fault, Problem};
use crate::formats::Format;
use crate::hint::nearest;
use crate::http::query::Query;
use crate::http::{identifier, negotiate};
use crate::kind::{Kind, PLACE_NOTES};
use crate::page;
use crate::state::State;
use crate::store::ask::Ask;
use crate::store::cursor::Cursor;
use crate::store::past::{self, AsOf};
use crate::store::read::{self, Row};

/// All collections together have so much time.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was asked for.
struct Asked {
    asks: Vec<Ask>,
    seal: String,
    limit: i64,
    highlight: bool,
    facets: bool,
    as_of: Option<AsOf>,
}

/// One record that was found.
struct Hit {
    kind: &'static Kind,
    row: Row,
    relevance: Decimal,
}

/// `GET /v1/search`.
pub async fn search(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), PARAMETERS.iter().copied()).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let asked = Asked::read(&query, &state.register).map_err(Problem::invalid)?;
    if let Some(as_of) = asked.as_of {
        as_of.settle(&state.db).await?;
    }
    let as_of = asked.as_of;
    let (base, address) = (state.base(&request), state.address(&request));
    let reads = async |connection: &mut AsyncPgConnection| asked.answer(connection, &base, &address, &query).await;
    let (body, next) = past::read(&mut *state.db.get_for_search().await?, as_of, reads).await?;
    let body = serde_json::to_vec(&body).map_err(Problem::internal)?;
    Ok(page::respond(Format::Json, body, next.as_deref()))
}

impl Asked {
    fn read(query: &Query, register: &str) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let names: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).collect();
        let wanted = query.list("collection");
        for name in wanted.iter().flatten().filter(|name| !names.contains(name)) {
            let words = format!("there is no collection {name:?}{}", nearest(name, &names));
            faults.push(Fault::parameter("collection", "name_unknown", words));
        }
        if query.get("q").is_none() {
            faults.push(Fault::parameter("q", "required", "q says what to search for"));
        }
        let as_of = AsOf::read(query).map_err(|fault| faults.push(fault)).unwrap_or_default();
        let mut flag = |name: &str, on: &str, off: &str| match query.get(name) {
            Some(value) if value != on && value != off => {
                faults.push(Fault::parameter(name, "value_unknown", format!("{name} is {on} or {off}")));
                false
            }
            value => value == Some(on),
        };
        let highlight = flag("highlight", "true", "false");
        let facets = flag("facets", "collection", "none");
        let limit = page::limit(query).map_err(|fault| faults.push(fault)).unwrap_or_default();
        let kinds = collections::ALL.into_iter();
        let kinds = kinds.filter(|kind| wanted.as_ref().is_none_or(|wanted| wanted.contains(&kind.collection)));
        // A cursor is bound to the whole search, of whatever collection its record is.
        let seal = format!("{register} search {:?} {:?} {:?}", query.get("q"), wanted, query.get("as_of"));
        let mut asks = Vec::new();
        for kind in kinds.filter(|_| query.get("q").is_some()) {
            match Ask::search_of(kind, query, &seal) {
                Ok(ask) => asks.push(ask),
                Err(more) => {
                    faults.extend(more);
                    break;
                }
            }
        }

        if faults.is_empty() { Ok(Self { asks, seal, limit, highlight, facets, as_of }) } else { Err(faults) }
    }

    async fn answer(
        mut self,
        connection: &mut AsyncPgConnection,
        base: &str,
        address: &str,
        query: &Query,
    ) -> Result<(Value, Option<String>), Problem> {
        let started = Instant::now();
        let mut hits = Vec::new();
        let mut counts = Map::new();
        let mut readings = None;
        let mut horizon = None;
        for ask in &mut self.asks {
            match &readings {
                // The terms are read once: for the whole register.
                Some(search) => ask.set_search(search),
                None => ask.resolve(connection).await?,
            }
            readings = ask.search().cloned();
            if started.elapsed() > PATIENCE {
                return Err(Problem::unavailable("This search takes too long; name a collection, or longer words"));
            }
            let (rows, more) = read::page(connection, ask, self.limit).await?;
            for row in rows {
                let relevance = row.key.parse().map_err(Problem::internal)?;
                hits.push(Hit { kind: ask.kind, row, relevance });
            }
            // Nothing is shown that something unread might come before.
            if let Some(last) = hits.last().filter(|_| more).map(Hit::place) {
                horizon = Some(horizon.map_or(last.clone(), |other: (Decimal, String)| other.max(last)));
            }
            if self.facets {
                counts.insert(ask.kind.collection.into(), read::count(connection, ask).await?.into());
            }
        }
        hits.sort_by_key(|hit| Reverse(hit.place()));
        hits.retain(|hit| horizon.as_ref().is_none_or(|horizon| hit.place() >= *horizon));
        let more = horizon.is_some() || hits.len() as i64 > self.limit;
        hits.truncate(self.limit as usize);
        let last = hits.last().filter(|_| more).map(|hit| &hit.row);
        let cursor = last.map(|row| Cursor { key: row.key.clone(), identifier: row.identifier.clone() });
        let next = cursor.map(|cursor| page::link(address, query, Some(&cursor.encode(&self.seal))));
        let mut data = Vec::new();
        let mut views = Vec::new();
        for hit in &hits {
            let view = hit.row.view(hit.kind)?;
            data.push(hit.summary(base, &view));
            views.push(view);
        }
        let Some(search) = readings else { return Err(Problem::internal("a search without terms")) };
        if self.highlight {
            for (item, marks) in data.iter_mut().zip(highlights(connection, &search, &views).await?) {
                item["highlights"] = json!(marks);
            }
        }
        let mut meta = json!({"limit": self.limit, "search": search.readings()});
        if self.facets {
            meta["facets"] = json!({"collection": counts});
        }
        let links = json!({"self": page::link(address, query, query.get("cursor")), "next": next});
        Ok((json!({"data": data, "meta": meta, "links": links}), next))
    }
}

impl Hit {
    /// Where it stands among the others.
    fn place(&self) -> (Decimal, String) {
        (self.relevance, self.row.identifier.clone())
    }

    /// What a list of results shows of a record.
    fn summary(&self, base: &str, view: &Map<String, Value>) -> Value {
        let title = ["title", "name", "description", "value_text"].iter().find_map(|name| view.get(*name));
        let mut summary = json!({
            "collection": self.kind.collection,
            "identifier": self.row.identifier,
            "title": title,
            "description": view.get("description").filter(|_| view.contains_key("title")),
            "url": format!("{base}{}", identifier::path(self.kind.collection, &self.row.identifier)),
        });
        // What must be said of a place stands wherever it is named.
        for name in
            [PLACE_NOTES, "note"].into_iter().filter(|name| *name == PLACE_NOTES || self.kind.collection == "locations")
        {
            if let Some(note) = view.get(name).filter(|note| !note.is_null()) {
                summary[name] = note.clone();
            }
        }
        summary
    }
}
