//! Every route there is. The OpenAPI document lists the same collections, and a
//! test walks it against this.

use std::sync::Arc;

use actix_web::guard::{Any, Get, Head};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, ETAG, LOCATION};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Route};
use prometheus::TextEncoder;
use serde_json::{Value, json};

use crate::administration;
use crate::catalogue::{self, Catalogue};
use crate::changes;
use crate::codelists;
use crate::collections;
use crate::digest::digest;
use crate::dumps;
use crate::error::{Problem, Reason};
use crate::history;
use crate::http::query::Query;
use crate::imports::routes as imports;
use crate::imports::validate;
use crate::kind::Kind;
use crate::merge;
use crate::openapi::to_3_0;
use crate::rates::routes as rates;
use crate::resource;
use crate::results;
use crate::search;
use crate::state::State;
use crate::store::read;
use crate::totals;

/// How totals are made, for whoever wants to check one.
const METHOD: &str = include_str!("../docs/METHOD.md");

/// Methods of an address that is only read.
const READ: &str = "GET, HEAD, OPTIONS";
/// Methods of a record.
const WRITE: &str = "GET, HEAD, OPTIONS, PUT, PATCH, DELETE";

/// Methods of a list that takes more.
const SEND: &str = "GET, HEAD, OPTIONS, POST";
/// Methods of an address that only does something.
const CALL: &str = "OPTIONS, POST";

/// Methods of what is made or replaced whole.
const REPLACE: &str = "GET, HEAD, OPTIONS, PUT";
/// Methods of what is only taken away.
const REVOKE: &str = "OPTIONS, DELETE";

/// Adds all routes.
pub fn routes(config: &mut ServiceConfig, openapi: Value) {
    for kind in collections::ALL {
        let name = kind.collection;
        config
            .service(one_read(&format!("/v1/{name}/{{identifier}}/versions"), kind, history::versions))
            .service(one_read(&format!("/v1/{name}/{{identifier}}/versions/{{version}}"), kind, history::version))
            .service(one_read(&format!("/v1/{name}/{{identifier}}/diff"), kind, history::diff));
        if merge::COLLECTIONS.contains(&name) {
            let merge =
                move |request: HttpRequest, state: Data<State>, body: Payload| merge::merge(kind, request, state, body);
            let path = format!("/v1/{name}/{{identifier}}/merge");
            config.service(web::resource(path).route(web::post().to(merge)).default_service(only(CALL)));
        }
        let list = move |request: HttpRequest, state: Data<State>| resource::list(kind, None, request, state);
        let lists = [format!("/v1/{name}"), format!("/v1/{name}.{{format}}")];
        config.service(web::resource(lists).route(read().to(list)).default_service(only(READ)));
        config.service(
            web::resource(format!("/v1/{name}/{{identifier}}"))
                .route(read().to(move |request: HttpRequest, state: Data<State>| resource::show(kind, request, state)))
                .route(web::put().to(move |request: HttpRequest, state: Data<State>, body: Payload| {
                    resource::put(kind, request, state, body)
                }))
                .route(web::patch().to(move |request: HttpRequest, state: Data<State>, body: Payload| {
                    resource::patch(kind, request, state, body)
                }))
                .route(
                    web::delete()
                        .to(move |request: HttpRequest, state: Data<State>| resource::remove(kind, request, state)),
                )
                .default_service(only(WRITE)),
        );
    }
    let observations = |request: HttpRequest, state: Data<State>| {
        resource::list(&collections::observations::KIND, Some("indicator"), request, state)
    };
    config
        .service(
            web::resource([
                "/v1/indicators/{identifier}/observations",
                "/v1/indicators/{identifier}/observations.{format}",
            ])
            .route(read().to(observations))
            .default_service(only(READ)),
        )
        .service(
            web::resource("/v1/indicators/{identifier}/progress")
                .route(read().to(results::routes::progress))
                .default_service(only(READ)),
        )
        .service(web::resource("/v1/catalog.jsonld").route(read().to(catalogue::dcat)).default_service(only(READ)))
        .service(
            web::resource("/v1/datapackage.json").route(read().to(catalogue::data_package)).default_service(only(READ)),
        )
        .service(web::resource("/v1/dumps").route(read().to(dumps::routes::index)).default_service(only(READ)))
        .service(web::resource("/v1/dumps/{dump}").route(read().to(dumps::routes::show)).default_service(only(READ)))
        .service(
            web::resource("/v1/dumps/{dump}/{file}").route(read().to(dumps::routes::file)).default_service(only(READ)),
        )
        .service(web::resource("/v1/codelists").route(read().to(codelists::routes::index)).default_service(only(READ)))
        .service(
            web::resource(["/v1/codelists/{name:[^/.]+}", "/v1/codelists/{name:[^/.]+}.{format}"])
                .route(read().to(codelists::routes::show))
                .default_service(only(READ)),
        )
        .service(
            web::resource("/v1/codelists/{name}/{code}")
                .route(read().to(codelists::routes::code))
                .default_service(only(READ)),
        )
        .service(web::resource("/v1/search").route(read().to(search::everywhere::search)).default_service(only(READ)))
        .service(
            web::resource("/v1/exchange-rates")
                .route(read().to(rates::list))
                .route(web::put().to(rates::put))
                .default_service(only(REPLACE)),
        )
        .service(
            web::resource(["/v1/totals/{subject}/rows", "/v1/totals/{subject}/rows.{format}"])
                .route(read().to(totals::rows::rows))
                .default_service(only(READ)),
        )
        .service(
            web::resource(["/v1/totals/{subject:[^/.]+}", "/v1/totals/{subject:[^/.]+}.{format}"])
                .route(read().to(totals::routes::totals))
                .default_service(only(READ)),
        )
        .service(web::resource("/v1/changes").route(read().to(changes::changes)).default_service(only(READ)))
        .service(
            web::resource("/v1/imports")
                .route(read().to(imports::list))
                .route(web::post().to(imports::create))
                .default_service(only(SEND)),
        )
        .service(web::resource("/v1/validate").route(web::post().to(validate::validate)).default_service(only(CALL)))
        .service(
            web::resource("/v1/imports/template.xlsx").route(read().to(imports::template)).default_service(only(READ)),
        )
        .service(web::resource("/v1/imports/{id}").route(read().to(imports::show)).default_service(only(READ)))
        .service(
            web::resource("/v1/imports/{id}/cancel").route(web::post().to(imports::cancel)).default_service(only(CALL)),
        )
        .service(web::resource("/v1/publishers").route(read().to(administration::list)).default_service(only(READ)))
        .service(
            web::resource("/v1/publishers/{publisher}")
                .route(read().to(administration::show))
                .route(web::put().to(administration::put))
                .default_service(only(REPLACE)),
        )
        .service(
            web::resource("/v1/publishers/{publisher}/clients")
                .route(read().to(administration::list_clients))
                .route(web::post().to(administration::add_client))
                .default_service(only(SEND)),
        )
        .service(
            web::resource("/v1/publishers/{publisher}/clients/{client}")
                .route(web::delete().to(administration::revoke_client))
                .default_service(only(REVOKE)),
        )
        .service(
            web::resource("/v1/audit/head").route(read().to(administration::audit_head)).default_service(only(READ)),
        )
        .service(web::resource("/v1").route(read().to(index)).default_service(only(READ)))
        .service(fixed("/v1/openapi.json", openapi.to_string()))
        .service(fixed("/v1/openapi-3.0.json", to_3_0(openapi.clone()).to_string()))
        .service(web::resource("/health/live").route(read().to(live)).default_service(only(READ)))
        .service(web::resource("/health/ready").route(read().to(ready)).default_service(only(READ)))
        .service(web::resource(["/", "/docs"]).route(read().to(docs)).default_service(only(READ)))
        .service(fixed("/docs/openapi.json", openapi.to_string()))
        .service(web::resource("/docs/{file:.*}").route(read().to(documentation)).default_service(only(READ)))
        .service(web::resource("/metrics").route(read().to(metrics)).default_service(only(READ)))
        .default_service(web::to(nowhere));
}

/// An address of a collection that is only read.
fn one_read<F>(
    path: &str,
    kind: &'static Kind,
    handler: impl Fn(&'static Kind, HttpRequest, Data<State>) -> F + Copy + 'static,
) -> actix_web::Resource
where
    F: Future<Output = Result<HttpResponse, Problem>> + 'static,
{
    let answer = move |request: HttpRequest, state: Data<State>| handler(kind, request, state);
    web::resource(path).route(read().to(answer)).default_service(only(READ))
}

/// GET and HEAD.
fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

/// What answers all other methods.
fn only(allowed: &'static str) -> Route {
    web::to(move |request: HttpRequest| async move {
        if request.method() == Method::OPTIONS {
            return Ok(HttpResponse::NoContent().insert_header((ALLOW, allowed)).finish());
        }
        let words = format!("This address takes {allowed}");
        Err::<HttpResponse, Problem>(Problem::new(Reason::MethodNotAllowed, words).with_header(ALLOW, allowed))
    })
}

/// A document that never changes while the program runs.
fn fixed(path: &str, body: String) -> actix_web::Resource {
    let tag = format!("\"{}\"", digest(body.as_bytes()));
    let answer = move |request: HttpRequest| {
        let (body, tag) = (body.clone(), tag.clone());
        async move {
            Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
            let json = (CONTENT_TYPE, "application/json");
            Ok::<_, Problem>(HttpResponse::Ok().insert_header(json).insert_header((ETAG, tag)).body(body))
        }
    };
    web::resource(path).route(read().to(answer)).default_service(only(READ))
}

async fn nowhere(request: HttpRequest) -> Result<HttpResponse, Problem> {
    if request.path().len() > 1 && request.path().ends_with('/') {
        let words = format!("There is no address {}; leave out the slash at its end", request.path());
        return Err(Problem::new(Reason::NotFound, words));
    }
    let others =
        ["search", "totals/grants", "exchange-rates", "codelists", "changes", "imports", "publishers", "audit/head"];
    let names: Vec<&str> = collections::ALL.iter().map(|kind| kind.collection).chain(others).collect();
    let given = request.path().split('/').nth(2).unwrap_or_default();
    let hint = crate::hint::nearest(given, &names);
    Err(Problem::new(Reason::NotFound, format!("There is no address {}{hint}", request.path())))
}

/// The collections and where to read on.
async fn index(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    let base = state.base(&request);
    let collections: Vec<Value> = collections::ALL
        .iter()
        .map(|kind| json!({"name": kind.collection, "about": kind.about, "url": format!("{base}/v1/{}", kind.collection)}))
        .collect();
    let body = json!({
        "version": crate::API_VERSION,
        "collections": collections,
        "openapi": format!("{base}/v1/openapi.json"),
        "docs": format!("{base}/docs/"),
    });
    let tag = format!("\"{}\"", digest(body.to_string().as_bytes()));
    Ok(HttpResponse::Ok().insert_header((ETAG, tag)).json(body))
}

/// Swagger UI, from the program itself.
async fn documentation(
    request: HttpRequest,
    state: Data<State>,
    file: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    if *file == "METHOD.md" {
        let tag = format!("\"{}\"", digest(METHOD.as_bytes()));
        let markdown = (CONTENT_TYPE, "text/markdown; charset=utf-8");
        return Ok(HttpResponse::Ok().insert_header(markdown).insert_header((ETAG, tag)).body(METHOD));
    }
    let config = Arc::new(utoipa_swagger_ui::Config::from("openapi.json"));
    let found = utoipa_swagger_ui::serve(&file, config).map_err(Problem::internal)?;
    let found = found.ok_or_else(|| Problem::new(Reason::NotFound, format!("There is no {}", request.path())))?;
    let mut bytes = found.bytes.to_vec();
    if found.content_type.starts_with("text/html") {
        // Search engines read what the register is from its documentation.
        let about = Catalogue::now(&request, &state).await?.schema_org().to_string().replace('<', "\\u003c");
        let script = format!("<script type=\"application/ld+json\">{about}</script></head>");
        bytes = String::from_utf8_lossy(&bytes).replacen("</head>", &script, 1).into_bytes();
    }
    let tag = format!("\"{}\"", digest(&bytes));
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, found.content_type)).insert_header((ETAG, tag)).body(bytes))
}

/// Counts and times of requests, for Prometheus.
async fn metrics(state: Data<State>) -> Result<HttpResponse, Problem> {
    let text = TextEncoder::new().encode_to_string(&state.metrics.registry.gather()).map_err(Problem::internal)?;
    let plain = (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).insert_header(plain).body(text))
}

async fn docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "docs/")).finish()
}

/// The program runs.
async fn live(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(json!({"status": "live"})))
}

/// The program can answer from its database.
async fn ready(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    let position = read::position(&mut *state.db.get().await?).await?;
    Ok(HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .json(json!({"status": "ready", "position": position})))
}
