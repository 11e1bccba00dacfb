//! `/v1/publishers`: who publishes under which prefixes, and which clients write for
//! them. Anyone may read who publishes; only the `admin` scope changes it.

use actix_web::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth;
use crate::auth::token::Token;
use crate::digest::digest;
use crate::error::{Fault, Problem, Reason};
use crate::http::query::Query;
use crate::http::{body, negotiate};
use crate::json;
use crate::state::State;
use crate::store::publishers::{self, Publisher};
use crate::store::{audit, clients};

/// A publisher, as an administrator writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, rename = "id")]
    _id: Option<String>,
    name: String,
    #[serde(default)]
    prefixes: Vec<String>,
}

/// A client, as an administrator writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClient {
    issuer: String,
    subject: String,
}

/// `GET /v1/publishers`.
pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let publishers = publishers::list(&mut *state.db.get().await?).await?;
    Ok(tagged(&json!({
        "data": publishers, "meta": {}, "links": {"self": state.address(&request), "next": null}
    })))
}

/// `GET /v1/publishers/{publisher}`.
pub async fn show(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let publisher = named(&request, &state).await?;
    Ok(tagged(&json!(publisher)))
}

/// `PUT /v1/publishers/{publisher}`: makes it, or names it anew and gives it these prefixes.
pub async fn put(request: HttpRequest, state: Data<State>, payload: Payload) -> Result<HttpResponse, Problem> {
    administrator(&request, &state).await?;
    let id = part(&request, "publisher");
    let (value, mut faults) = shaped(&request, &state, payload, "NewPublisher").await?;
    if value["id"].as_str().is_some_and(|stated| stated != id) {
        let words = "the address says another publisher than the body";
        faults.push(Fault::at("/id", "identifier_differs", words));
    }
    let Written { name, prefixes, .. } = read(value, faults)?;
    let mut connection = state.db.get_for_write().await?;
    let is_new = !publishers::list(&mut connection).await?.iter().any(|known| known.id == id);
    let publisher = Publisher { id, name, prefixes };
    let (author, body, id) = (auth::author(&request), json!(publisher), publisher.id.clone());
    // Like every write, in a task of its own.
    let task = actix_web::rt::spawn(async move { publishers::replace(&mut connection, &author, &publisher).await });
    task.await.map_err(Problem::internal)??;
    if !is_new {
        return Ok(HttpResponse::Ok().json(body));
    }
    let place = format!("{}/v1/publishers/{}", state.base(&request), id);
    Ok(HttpResponse::Created().insert_header((LOCATION, place)).json(body))
}

/// `GET /v1/publishers/{publisher}/clients`.
pub async fn list_clients(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    administrator(&request, &state).await?;
    negotiate::json(&request)?;
    let publisher = named(&request, &state).await?;
    let clients = clients::list(&mut *state.db.get().await?, &publisher.id).await?;
    let data: Vec<Value> = clients.iter().map(clients::Client::view).collect();
    Ok(HttpResponse::Ok()
        .json(json!({"data": data, "meta": {}, "links": {"self": state.address(&request), "next": null}})))
}

/// `POST /v1/publishers/{publisher}/clients`: lets a subject of an issuer write for it.
pub async fn add_client(request: HttpRequest, state: Data<State>, payload: Payload) -> Result<HttpResponse, Problem> {
    administrator(&request, &state).await?;
    let publisher = named(&request, &state).await?;
    let (value, mut faults) = shaped(&request, &state, payload, "NewClient").await?;
    let issuer = value["issuer"].as_str().unwrap_or_default();
    if value["issuer"].is_string() && !state.auth.issuers().any(|known| known == issuer) {
        let known: Vec<&str> = state.auth.issuers().collect();
        let words = format!("this issuer is not trusted here; trusted are {}", known.join(", "));
        faults.push(Fault::at("/issuer", "issuer_unknown", words));
    }
    if value["subject"].as_str().is_some_and(|subject| subject.chars().any(char::is_control)) {
        faults.push(Fault::at("/subject", "subject_invalid", "a subject is one line"));
    }
    let WrittenClient { issuer, subject } = read(value, faults)?;
    let (mut connection, author) = (state.db.get_for_write().await?, auth::author(&request));
    let task =
        actix_web::rt::spawn(
            async move { clients::add(&mut connection, &author, &publisher.id, &issuer, &subject).await },
        );
    let client = task.await.map_err(Problem::internal)??;
    let place = format!("{}/{}", state.address(&request), client.id);
    Ok(HttpResponse::Created().insert_header((LOCATION, place)).json(client.view()))
}

/// `DELETE /v1/publishers/{publisher}/clients/{client}`: refuses it from now on.
pub async fn revoke_client(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    administrator(&request, &state).await?;
    let publisher = named(&request, &state).await?;
    let id = part(&request, "client");
    let (mut connection, author) = (state.db.get_for_write().await?, auth::author(&request));
    let (of, client) = (publisher.id.clone(), id.clone());
    let task = actix_web::rt::spawn(async move { clients::revoke(&mut connection, &author, &of, &client).await });
    let revoked = task.await.map_err(Problem::internal)??;
    match revoked {
        Some(client) => Ok(HttpResponse::Ok().json(client.view())),
        None => Err(Problem::new(Reason::NotFound, format!("{} has no client {id:.100}", publisher.id))),
    }
}

/// `GET /v1/audit/head`: where the audit log ends, for whoever wants to hold it against that later.
pub async fn audit_head(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let head = audit::head(&mut *state.db.get().await?).await?;
    Ok(tagged(&json!({"entries": head.n, "hash": head.hash})))
}

/// The token of a request, which must have the admin scope.
async fn administrator(request: &HttpRequest, state: &State) -> Result<Token, Problem> {
    let token = state.auth.authenticate(request).await?;
    auth::administrate(&mut *state.db.get().await?, &token).await?;
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    Ok(token)
}

fn part(request: &HttpRequest, name: &str) -> String {
    request.match_info().get(name).unwrap_or_default().to_owned()
}

/// The publisher that the address names.
async fn named(request: &HttpRequest, state: &State) -> Result<Publisher, Problem> {
    let id = part(request, "publisher");
    let found = publishers::list(&mut *state.db.get().await?).await?.into_iter().find(|known| known.id == id);
    found.ok_or_else(|| Problem::new(Reason::NotFound, format!("There is no publisher {id:.100}")))
}

/// The body, and what is wrong with its shape.
async fn shaped(
    request: &HttpRequest,
    state: &State,
    payload: Payload,
    schema: &str,
) -> Result<(Value, Vec<Fault>), Problem> {
    let body = body::read(request, payload, "application/json").await?;
    let value = json::parse(&body).map_err(Problem::invalid)?;
    let faults = state.shapes.faults(schema, &value);
    Ok((value, faults))
}

/// What was written, unless something is wrong with it.
fn read<T: for<'de> Deserialize<'de>>(value: Value, faults: Vec<Fault>) -> Result<T, Problem> {
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    serde_json::from_value(value)
        .map_err(|error| Problem::invalid(vec![Fault::at("", "body_invalid", error.to_string())]))
}

fn tagged(body: &Value) -> HttpResponse {
    let bytes = body.to_string();
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((ETAG, format!("\"{}\"", digest(bytes.as_bytes()))))
        .body(bytes)
}
