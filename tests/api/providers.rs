//! Tokens of real identity providers: a certified one, and its careless twin.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use aid_register::auth::trusted::Trusted;
use serde_json::{Value, json};

use crate::make;
use crate::support::{Client, TestApp};

/// A running provider; it ends with its standard input.
struct Provider {
    issuer: String,
    child: Child,
    input: ChildStdin,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Provider {
    fn start(kind: &str) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut child = Command::new("node")
            .args([&format!("{root}/tests/providers/provider.mjs"), kind, &format!("{root}/target/tools")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = lines.find_map(|line| line.ok().filter(|line| line.starts_with("http"))).unwrap();
        Self { issuer, child, input, lines }
    }

    /// Signs with another key from now on.
    fn rotate(&mut self) {
        writeln!(self.input, "rotate").unwrap();
        self.lines.find(|line| line.as_ref().is_ok_and(|line| line == "rotated")).unwrap().unwrap();
    }

    /// A token for a client, with further parameters.
    async fn token(&self, client: &str, parameters: &str) -> String {
        let body = format!("grant_type=client_credentials&scope=grants%3Awrite{parameters}");
        let request = reqwest::Client::new()
            .post(format!("{}/token", self.issuer))
            .basic_auth(client, Some("secret"))
            .header("content-type", "application/x-www-form-urlencoded");
        let answer: Value =
            serde_json::from_str(&request.body(body).send().await.unwrap().text().await.unwrap()).unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    fn trusted(&self) -> Trusted {
        Trusted {
            issuer: self.issuer.clone(),
            audience: None,
            jwks: None,
            algorithms: None,
            types: None,
            publisher_claim: None,
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[actix_web::test]
#[cfg_attr(no_node_tools, ignore = "needs npm's oidc-provider, see tests/tools.sh")]
async fn a_provider_with_discovery_rotation_and_outage() {
    let mut provider = Provider::start("real");
    let mut bound = provider.trusted();
    bound.algorithms = Some(vec!["RS256".into()]);
    bound.types = Some(vec!["at+jwt".into()]);
    let app = TestApp::trusting(vec![bound.trust("aid-register").unwrap()]).await;
    let client = Client::new(&app.base, Some(provider.token("nightly-push", "").await));
    // The token names no publisher: the register must be told for whom the client writes.
    let refused = client.put("/v1/grants/T-1", &make::grant("A"), &[]).await;
    refused.problem(403);
    assert!(refused.json()["detail"].as_str().unwrap().contains("names no publisher"));
    let place = "/v1/publishers/town/clients";
    let registered = json!({"issuer": provider.issuer, "subject": "nightly-push"});
    let added = app.admin().post(place, &registered).await.expect(201);
    client.put("/v1/grants/T-1", &make::grant("A"), &[]).await.expect(201);
    client.put("/v1/grants/C-1", &make::grant("A"), &[]).await.problem(403);
    let version = app.anon().get("/v1/grants/T-1/versions").await.json()["data"][0].clone();
    assert_eq!(version["author"], json!({"issuer": provider.issuer, "subject": "nightly-push"}));
    // A new key is found without a restart, if not at once.
    provider.rotate();
    let rotated = Client::new(&app.base, Some(provider.token("nightly-push", "").await));
    let started = Instant::now();
    while rotated.put("/v1/grants/T-2", &make::grant("A"), &[]).await.status == 401 {
        assert!(started.elapsed() < Duration::from_secs(30), "the new key is not found");
    }
    // The provider goes away; known keys stay good.
    let before = provider.token("nightly-push", "").await;
    drop(provider);
    let later = Client::new(&app.base, Some(before));
    later.put("/v1/grants/T-3", &make::grant("A"), &[]).await.expect(201);
    // A client that is revoked is refused at once, however long its token is good.
    app.admin().delete(&format!("{place}/{}", added.json()["id"].as_str().unwrap()), &[]).await.expect(200);
    let refused = later.put("/v1/grants/T-4", &make::grant("A"), &[]).await;
    refused.problem(403);
    assert!(refused.json()["detail"].as_str().unwrap().contains("revoked"));
}

#[actix_web::test]
#[cfg_attr(no_node_tools, ignore = "needs npm's oauth2-mock-server, see tests/tools.sh")]
async fn a_careless_provider_is_told_what_is_missing() {
    let provider = Provider::start("careless");
    let app = TestApp::trusting(vec![provider.trusted().trust("aid-register").unwrap()]).await;
    let put = async |parameters: &str| {
        let client = Client::new(&app.base, Some(provider.token("any", parameters).await));
        client.put("/v1/grants/T-1", &make::grant("A"), &[]).await
    };
    for (parameters, words) in
        [("", "no audience (aud)"), ("&aud=other", "another audience"), ("&aud=aid-register", "no subject")]
    {
        let refused = put(parameters).await;
        refused.problem(401);
        assert!(refused.json()["detail"].as_str().unwrap().contains(words), "{parameters}: {}", refused.text());
    }
}
