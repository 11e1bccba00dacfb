//! The server: the layers around its routes, and its life.

use std::net::TcpListener;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, LINK,
    PRAGMA, RETRY_AFTER,
};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::Data;
use actix_web::{App, HttpServer};

use crate::api;
use crate::http::{audit, conditional, observe};
use crate::state::State;

/// The server, ready to be awaited; it ends on SIGINT and SIGTERM, when what is under way is done.
pub fn server(listener: TcpListener, state: State) -> std::io::Result<Server> {
    let state = Data::new(state);
    let server = HttpServer::new(move || {
        let openapi = state.openapi.clone();
        App::new()
            .app_data(state.clone())
            .configure(move |config| api::routes(config, openapi))
            .wrap(cors())
            .wrap(Compress::default())
            .wrap(from_fn(audit::middleware))
            .wrap(from_fn(conditional::middleware))
            .wrap(state.metrics.clone())
            .wrap(from_fn(observe::middleware))
    })
    .client_request_timeout(Duration::from_secs(10))
    .keep_alive(Duration::from_secs(75))
    // Who hangs up wants no answer, and what is looked for on its behalf ends.
    .h1_allow_half_closed(false)
    .shutdown_timeout(10)
    .listen(listener)?;
    Ok(server.run())
}

/// Anyone's page may read; none may write with its visitor's rights.
fn cors() -> Cors {
    Cors::default()
        .allow_any_origin()
        .send_wildcard()
        .allowed_methods(["GET", "HEAD", "OPTIONS"])
        .allowed_headers([ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, IF_NONE_MATCH, PRAGMA])
        .allowed_headers([HeaderName::from_static("last-event-id"), observe::X_REQUEST_ID])
        .expose_headers([
            ETAG,
            LINK,
            CONTENT_DISPOSITION,
            RETRY_AFTER,
            observe::X_REQUEST_ID,
            HeaderName::from_static("api-version"),
        ])
        .max_age(86_400)
        .disable_vary_header()
}
