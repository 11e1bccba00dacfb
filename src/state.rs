//! What handlers share.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web_prom::{PrometheusMetrics, PrometheusMetricsBuilder};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use url::Url;

use crate::auth::Auth;
use crate::db::Database;
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
    pub shapes: Shapes,
    /// The OpenAPI document, 3.1.
    pub openapi: Value,
    /// What tells this register from any other.
    pub register: String,
    /// How far the register is.
    pub watch: Watch,
    /// Who follows the change feed as a stream.
    pub streams: Arc<Semaphore>,
    /// Numbers for `/metrics`.
    pub metrics: PrometheusMetrics,
    public_url: Option<Url>,
}

impl State {
    /// Prepares the state of a migrated register; `public_url` overrides the Host of
    /// requests in links.
    pub async fn new(db: Database, auth: Auth, public_url: Option<Url>) -> anyhow::Result<Self> {
        let mut openapi = openapi::document();
        if let Some(url) = &public_url {
            openapi["servers"] = json!([{"url": url.as_str().trim_end_matches('/')}]);
        }
        let shapes = Shapes::compile(&openapi::components());
        let register = read::register(&mut *db.get().await?).await?;
        let metrics = PrometheusMetricsBuilder::new("aid_register").mask_unmatched_patterns("-").build();
        let metrics = metrics.map_err(|error| anyhow::anyhow!("preparing metrics: {error}"))?;
        let watch = Watch::start(db.clone());
        let streams = Arc::new(Semaphore::new(STREAMS));
        Ok(Self { db, auth, shapes, openapi, register, watch, streams, metrics, public_url })
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
