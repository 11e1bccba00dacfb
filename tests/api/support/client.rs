//! A client that shows what it got.

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// Sends requests to one register.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    http: reqwest::Client,
}

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(300);

/// Waiting for what must come, again and again.
pub struct Patience(Instant);

impl Patience {
    pub fn new() -> Self {
        Self(Instant::now())
    }

    /// Once more, unless it has been too long.
    pub fn wait(&self, wanted: &str) {
        assert!(self.0.elapsed() < PATIENCE, "still waiting for {wanted}");
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Client {
    pub fn new(base: &str, token: Option<String>) -> Self {
        // An answer that never comes is a failure of its test, not of all.
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let http = http.build().unwrap();
        Self { base: base.into(), token, http }
    }

    /// A request to a path, or to an absolute address of this register.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), url);
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path)).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(with(self.request("GET", path), headers)).await
    }

    pub async fn put(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = self.request("PUT", path).header("content-type", "application/json").body(body.to_string());
        self.send(with(request, headers)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, body, &[]).await
    }

    pub async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = self.request("POST", path).header("content-type", "application/json").body(body.to_string());
        self.send(with(request, headers)).await
    }

    pub async fn patch(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = self.request("PATCH", path).header("content-type", "application/merge-patch+json");
        self.send(with(request.body(body.to_string()), headers)).await
    }

    pub async fn delete(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(with(self.request("DELETE", path), headers)).await
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }
}

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails with the body unless the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// Fails unless this is a complete problem document with this status; gives its fault codes with their places.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Vec<String> {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        let problem = self.json();
        for member in ["type", "title", "detail", "instance", "code", "request_id"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        let faults = problem["errors"].as_array().unwrap().iter();
        let place = |fault: &Value| {
            ["pointer", "parameter", "header"].iter().find_map(|kind| fault[*kind].as_str()).map(String::from).unwrap()
        };
        faults.map(|fault| format!("{} {}", place(fault), fault["code"].as_str().unwrap())).collect()
    }

    /// The identifiers of a list, in their order.
    pub fn identifiers(&self) -> Vec<String> {
        let json = self.json();
        let list = json.get("data").unwrap_or(&json).as_array().unwrap().clone();
        list.iter().map(|record| record["identifier"].as_str().unwrap().to_owned()).collect()
    }
}
