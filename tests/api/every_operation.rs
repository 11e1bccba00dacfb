//! Walks openapi/v1.json: what every operation owes its clients. An operation
//! that is added is covered when it is born.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

/// One operation of the document.
struct Operation {
    path: String,
    method: String,
    spec: Value,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(include_str!("../../openapi/v1.json")).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "put", "patch", "delete", "post"] {
            if let Some(spec) = item.get(method) {
                operations.push(Operation { path: path.clone(), method: method.to_uppercase(), spec: spec.clone() });
            }
        }
    }
    assert!(operations.len() > 50, "the document has lost its operations");
    operations
}

/// The path of a record, of its first version, or of an import that nobody sent.
fn at(path: &str, identifier: &str) -> String {
    let import = "0198f3a2-6c1e-7d60-9a55-3f2d0c1b4e77";
    path.replace("{identifier}", identifier)
        .replace("{version}", "1")
        .replace("{id}", import)
        .replace("{publisher}", "nobody")
        .replace("{client}", "0f1e2d3c4b5a6978")
        .replace("{name}", "ActivityStatus")
        .replace("{code}", "2")
        .replace("{dump}", "latest")
        .replace("{file}", "grants.csv")
}

impl Operation {
    /// Its address, with the parameters that it requires.
    fn at(&self, identifier: &str) -> String {
        let parameters = self.spec["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let required =
            parameters.iter().filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
        let required: Vec<String> = required
            .map(|parameter| {
                format!("{}={}", parameter["name"].as_str().unwrap(), parameter["example"].as_str().unwrap())
            })
            .collect();
        // Amounts of several types of flows are never added up: one is stated.
        let one_type = match self.path.as_str() {
            path if path.starts_with("/v1/totals/transactions") => Some("type=disbursement".to_owned()),
            path if path.starts_with("/v1/totals/indicators") => Some("indicator=AR-POPULATION&kind=actual".to_owned()),
            _ => None,
        };
        let required: Vec<String> = required.into_iter().chain(one_type).collect();
        let joint = if required.is_empty() { "" } else { "?" };
        format!("{}{joint}{}", at(&self.path, identifier), required.join("&"))
    }

    /// Whether anybody may.
    fn is_open(&self) -> bool {
        self.spec["security"].is_null()
    }

    fn is_read(&self) -> bool {
        self.method == "GET"
    }

    fn has_identifier(&self) -> bool {
        self.path.contains('{')
    }

    /// The status of an answer stands in the document.
    #[track_caller]
    fn documents(&self, answer: &Answer) {
        let known = self.spec["responses"].get(answer.status.to_string()).is_some();
        assert!(known, "{} {} answers {}, undocumented: {}", self.method, self.path, answer.status, answer.text());
    }

    /// The example body of a write, from the document.
    fn body(&self) -> Value {
        let content = self.spec["requestBody"]["content"].as_object();
        content.and_then(|content| content.values().next()).map_or(Value::Null, |media| media["example"].clone())
    }
}

async fn send(client: &Client, operation: &Operation, path: &str, body: &str) -> Answer {
    let media = operation.spec["requestBody"]["content"].as_object().and_then(|content| content.keys().next().cloned());
    let mut request = client.request(&operation.method, path);
    if let Some(media) = media {
        request = request.header("content-type", media).body(body.to_owned());
    }
    client.send(request).await
}

#[actix_web::test]
async fn reads_answer_200_and_head_says_the_same() {
    let app = TestApp::shipped().await;
    let dump = crate::dumps::dump(&app).await.unwrap();
    app.admin().put("/v1/transactions/AR-CUPRIJA-T1", &operation_example("transactions"), &[]).await.expect(201);
    for operation in operations().iter().filter(|operation| operation.is_read() && operation.is_open()) {
        let identifier = operation.spec["tags"][0].as_str().filter(|_| operation.path.contains("{identifier}"));
        let list = match identifier {
            Some(_) if operation.path.ends_with("/observations") => "/v1/indicators?limit=1".to_owned(),
            Some(collection) => format!("/v1/{collection}?limit=1"),
            None => String::new(),
        };
        let first = if list.is_empty() {
            String::new()
        } else {
            app.anon().get(&list).await.expect(200).identifiers().remove(0)
        };
        let path = operation.at(&first).replace("nobody", "town").replace("latest", &dump.name);
        let get = app.anon().get(&path).await.expect(200);
        operation.documents(&get);
        for header in ["x-request-id", "api-version", "cache-control"] {
            assert!(get.headers.contains_key(header), "{path} lacks {header}");
        }
        let head = app.anon().send(app.anon().request("HEAD", &path)).await.expect(200);
        assert!(head.body.is_empty(), "{path}");
        // The numbers for Prometheus count these requests too, and grow.
        let length = if operation.path == "/metrics" { "content-type" } else { "content-length" };
        for header in ["content-type", "etag", "cache-control", "vary", length] {
            assert_eq!(get.header(header), head.header(header), "{header} of HEAD {path}");
        }
        if operation.path.starts_with("/v1") {
            let tag = get.header("etag").to_owned();
            assert!(tag.starts_with('"'), "{path} has no strong tag");
            let again = app.anon().get_with(&path, &[("if-none-match", &tag)]).await.expect(304);
            assert_eq!((again.body.len(), again.header("etag")), (0, tag.as_str()));
            assert!(!again.header("vary").is_empty() && !again.header("cache-control").is_empty());
        }
    }
}

fn operation_example(collection: &str) -> Value {
    let path = format!("/v1/{collection}/{{identifier}}");
    operations().iter().find(|operation| operation.path == path && operation.method == "PUT").unwrap().body()
}

#[actix_web::test]
async fn unknown_records_are_404() {
    let app = TestApp::empty().await;
    for operation in operations().iter().filter(|operation| operation.has_identifier()) {
        let path = operation.at("T-nothing");
        let admin = operation.spec["tags"][0] == "publishers";
        // Code lists are no records; their own tests ask for what is not there.
        if operation.spec["tags"][0] == "codelists" {
            continue;
        }
        let client = if operation.is_open() {
            app.anon()
        } else if admin {
            app.admin()
        } else {
            app.town()
        };
        let answer = match operation.method.as_str() {
            "PUT" => continue,
            "POST" if operation.spec["requestBody"].is_object() => {
                send(&client, operation, &path, &operation.body().to_string()).await
            }
            "PATCH" => client.patch(&path, &json!({}), &[("if-match", "*")]).await,
            _ => client.send(client.request(&operation.method, &path).header("if-match", "*")).await,
        };
        assert!(answer.problem(404).is_empty(), "{path}");
        operation.documents(&answer);
    }
}

#[actix_web::test]
async fn other_methods_are_405_and_named() {
    let app = TestApp::empty().await;
    let all = operations();
    for path in all.iter().map(|operation| &operation.path).collect::<HashSet<_>>() {
        let taken: HashSet<&str> =
            all.iter().filter(|operation| operation.path == *path).map(|operation| operation.method.as_str()).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            if taken.contains(method) {
                continue;
            }
            let answer = app
                .town()
                .send(app.town().request(method, &path.replace("{identifier}", "T-1").replace("{version}", "1")))
                .await;
            answer.problem(405);
            if method == "BREW" {
                assert!(!answer.header("allow").is_empty());
                continue;
            }
            let allow: HashSet<&str> = answer.header("allow").split(", ").collect();
            let head = taken.contains("GET").then_some("HEAD");
            let expected: HashSet<&str> = taken.iter().copied().chain(["OPTIONS"]).chain(head).collect();
            assert_eq!(allow, expected, "{method} {path}");
        }
        let options = app
            .anon()
            .send(app.anon().request("OPTIONS", &path.replace("{identifier}", "T-1").replace("{version}", "1")))
            .await
            .expect(204);
        assert!(options.header("allow").contains("OPTIONS"), "{path}");
    }
}

#[actix_web::test]
async fn collections_refuse_unknown_media_types_and_parameters() {
    let app = TestApp::shipped().await;
    for operation in operations().iter().filter(|operation| operation.path.starts_with("/v1")) {
        let path = operation.at("T-1");
        let client = if operation.is_open() { app.anon() } else { app.admin() };
        let joint = if path.contains('?') { '&' } else { '?' };
        let answer = send(&client, operation, &format!("{path}{joint}nonsense=1"), "{}").await;
        assert_eq!(answer.problem(400), ["nonsense unknown_parameter"], "{} {path}", operation.method);
        operation.documents(&answer);
        if operation.is_read() && operation.spec["responses"].get("406").is_some() {
            let answer = client.get_with(&path, &[("accept", "application/pdf")]).await;
            assert!(answer.problem(406).is_empty());
            assert!(answer.json()["detail"].as_str().unwrap().contains("application/json"));
        }
    }
}

#[actix_web::test]
async fn writes_judge_the_token_before_the_body() {
    let app = TestApp::empty().await;
    let writes: Vec<Operation> = operations().into_iter().filter(|operation| !operation.is_open()).collect();
    assert!(writes.len() > 30 && operations().iter().all(|operation| operation.is_read() || !operation.is_open()));
    for operation in &writes {
        let path = operation.at("T-1").replace("nobody", "town");
        let answer = send(&app.anon(), operation, &path, "this is no JSON").await;
        assert!(answer.problem(401).is_empty());
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{path}");
        operation.documents(&answer);
        let other = app.client("town", "nothing:write");
        let answer = send(&other, operation, &path, "this is no JSON").await;
        assert!(answer.problem(403).is_empty());
        operation.documents(&answer);
        if operation.spec["requestBody"].is_object() {
            let request = app
                .admin()
                .request(&operation.method, &path)
                .header("content-type", "text/plain")
                .header("if-match", "*");
            let answer = app.admin().send(request.body("{}")).await;
            answer.problem(415);
            operation.documents(&answer);
            let answer = send(&app.admin(), operation, &path, "this is no JSON").await;
            // What is only looked at is no request that fails.
            if path == "/v1/validate" {
                assert_eq!(answer.expect(200).json()["valid"], false);
                assert_eq!(operation.spec["security"], json!([{"token": []}]), "{path}");
                continue;
            }
            assert_eq!(answer.problem(400), [" json_malformed"], "{path}");
            operation.documents(&answer);
        }
        assert_eq!(operation.spec["security"], json!([{"token": []}]), "{path}");
    }
}

#[actix_web::test]
async fn examples_are_shipped_records_and_can_be_sent() {
    let app = TestApp::shipped().await;
    for operation in operations().iter().filter(|operation| operation.method == "PUT") {
        let example = operation.body();
        if operation.spec["tags"][0] == "publishers" {
            continue;
        }
        let path = operation.at(example["identifier"].as_str().unwrap_or_default());
        let answer = app.admin().put(&path, &example, &[]).await;
        assert!(matches!(answer.status, 200 | 201), "{}: {}", operation.path, answer.text());
        operation.documents(&answer);
    }
}

#[test]
fn every_operation_is_described() {
    let mut ids = HashSet::new();
    for operation in operations() {
        let spec = &operation.spec;
        for member in ["summary", "description", "operationId"] {
            assert!(spec[member].as_str().is_some_and(|text| !text.is_empty()), "{} {member}", operation.path);
        }
        assert!(ids.insert(spec["operationId"].clone()), "{} is there twice", spec["operationId"]);
        let content = spec["responses"].get("200").and_then(|ok| ok["content"].as_object());
        let shown = content.is_none_or(|content| content.values().any(|media| !media["example"].is_null()));
        assert!(shown, "{} {} has no example", operation.method, operation.path);
        let statuses: HashSet<&str> = spec["responses"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(statuses.contains("500") && statuses.contains("405"), "{}", operation.path);
    }
}
