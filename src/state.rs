//! What handlers share.

use std::sync::{Arc, Mutex};

use actix_web::HttpRequest;
use actix_web_prom::{PrometheusMetrics, PrometheusMetricsBuilder};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};
use url::Url;
use uuid::Uuid;

use crate::auth::Auth;
use crate::db::Database;
use crate::dumps::Dumps;
use crate::http::audit::Unknown;
use crate::imports::work::Worker;
use crate::input::Shapes;
use crate::openapi;
use crate::store::read;
use crate::watch::Watch;

/// So many may follow the change feed as a stream at the same time.
const STREAMS: usize = 1000;

/// What handlers share.
pub struct State {
    /// Connections.
    pub db: Database,
    /// Who may write.
    pub auth: Auth,
    /// The schemas that input is held against.
    pub shapes: Arc<Shapes>,
    /// The OpenAPI document, 3.1.
    pub openapi: Value,
    /// What tells this register from any other.
    pub register: String,
    /// The percentage of a publisher's records that an import may change without confirmation.
    pub import_guard: i32,
    /// Bytes of the largest import.
    pub import_limit: usize,
    /// Calls whoever carries out imports.
    pub call: Arc<Notify>,
    /// The import that is under way.
    pub importing: Arc<Mutex<Option<Uuid>>>,
    /// How far the register is.
    pub watch: Watch,
    /// Who follows the change feed as a stream.
    pub streams: Arc<Semaphore>,
    /// Refusals of senders that nobody knows.
    pub unknown: Mutex<Unknown>,
    /// Numbers for `/metrics`.
    pub metrics: PrometheusMetrics,
    /// The licence of what is published here, by SPDX identifier.
    pub licence: String,
    /// Where dumps are, if they are made.
    pub dumps: Option<Dumps>,
    public_url: Option<Url>,
}

/// What a register is told at its start.
#[derive(Clone)]
pub struct Settings {
    /// Overrides the Host of requests in links.
    pub public_url: Option<Url>,
    /// The licence of what is published here, by SPDX identifier.
    pub licence: String,
    /// The percentage of a publisher's records that an import may change without confirmation.
    pub import_guard: i32,
    /// Bytes of the largest import.
    pub import_limit: usize,
    /// Where dumps are, if they are made.
    pub dumps: Option<Dumps>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: None,
            licence: "CC-BY-4.0".into(),
            import_guard: 50,
            import_limit: 256 * 1024 * 1024,
            dumps: None,
        }
    }
}

impl State {
    /// Prepares the state of a migrated register, and begins to work on imports that wait.
    pub async fn new(db: Database, auth: Auth, settings: Settings) -> anyhow::Result<Self> {
        let Settings { public_url, licence, import_guard, import_limit, dumps } = settings;
        let mut openapi = openapi::document();
        if let Some(url) = &public_url {
            openapi["servers"] = json!([{"url": url.as_str().trim_end_matches('/')}]);
        }
        let shapes = Arc::new(Shapes::compile(&openapi::components()));
        let register = read::register(&mut *db.get().await?).await?;
        let metrics = PrometheusMetricsBuilder::new("aid_register").mask_unmatched_patterns("-").build();
        let metrics = metrics.map_err(|error| anyhow::anyhow!("preparing metrics: {error}"))?;
        let call = Arc::new(Notify::new());
        let importing = Arc::new(Mutex::default());
        let worker = Worker {
            db: db.clone(),
            shapes: Arc::clone(&shapes),
            guard: import_guard,
            call: Arc::clone(&call),
            current: Arc::clone(&importing),
        };
        actix_web::rt::spawn(worker.work());
        let watch = Watch::start(db.clone());
        let streams = Arc::new(Semaphore::new(STREAMS));
        Ok(Self {
            db,
            auth,
            shapes,
            openapi,
            register,
            import_guard,
            import_limit,
            call,
            importing,
            watch,
            streams,
            unknown: Mutex::default(),
            metrics,
            licence,
            dumps,
            public_url,
        })
    }

    /// Scheme and host of this register, as the client knows it.
    pub fn base(&self, request: &HttpRequest) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => {
                let host = request.headers().get("host").and_then(|host| host.to_str().ok());
                let harmless = |host: &&str| {
                    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
                };
                format!("http://{}", host.filter(harmless).unwrap_or("localhost"))
            }
        }
    }

    /// The absolute address of a request, without its query.
    pub fn address(&self, request: &HttpRequest) -> String {
        self.base(request) + request.uri().path()
    }
}
