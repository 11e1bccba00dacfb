//! Good and bad tokens, of the local key and of another issuer's key set.

use std::path::Path;

use aid_register::auth::keys::{Keys, Origin};
use aid_register::auth::token::{ALGORITHMS, Issuer, TYPES};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::make;
use crate::support::{Client, TestApp};

const ISSUER: &str = "https://id.example.org";

/// A key pair of an issuer.
struct Pair {
    kid: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Pair {
    fn new(kid: &'static str, algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let key = match algorithm {
            Algorithm::RS256 => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
                let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der>::as_der(&pair).unwrap();
                let pem = format!(
                    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
                    base64::prelude::BASE64_STANDARD.encode(der.as_ref())
                );
                EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
            }
            Algorithm::ES256 => {
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
                EncodingKey::from_ec_der(pkcs8.as_ref())
            }
            _ => EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref()),
        };
        Self { kid, algorithm, key }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.into());
        serde_json::to_value(jwk).unwrap()
    }

    fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.into());
        header
    }

    fn sign(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.header(), claims, &self.key).unwrap()
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// Good claims, with some replaced or (by null) left out.
fn claims(change: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": "aid-register", "sub": "clerk", "publisher": "town", "scope": "grants:write calls:write",
        "iat": now(), "exp": now() + 300
    });
    json_patch::merge(&mut claims, &change);
    claims
}

fn write_set(path: &Path, pairs: &[&Pair]) {
    let keys: Vec<Value> = pairs.iter().map(|pair| pair.public()).collect();
    std::fs::write(path, json!({"keys": keys}).to_string()).unwrap();
}

async fn app(path: &Path) -> TestApp {
    let keys = Keys::new(Origin::File(path.to_owned()));
    let issuer = Issuer {
        name: ISSUER.into(),
        audience: "aid-register".into(),
        publisher_claim: "publisher".into(),
        algorithms: ALGORITHMS.to_vec(),
        types: TYPES.map(String::from).to_vec(),
        keys,
    };
    TestApp::trusting(vec![issuer]).await
}

/// What a write with this token gets: its status and words.
async fn judged(app: &TestApp, token: &str) -> (u16, String) {
    let client = Client::new(&app.base, Some(token.to_owned()));
    let answer = client.put("/v1/grants/T-1", &make::grant("A"), &[]).await;
    if answer.status == 401 {
        answer.problem(401);
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
        assert!(!answer.text().contains(token), "no token is told back");
    }
    (answer.status, answer.text())
}

#[actix_web::test]
async fn the_three_algorithms() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("jwks.json");
    let pairs = [Pair::new("r", Algorithm::RS256), Pair::new("e", Algorithm::ES256), Pair::new("d", Algorithm::EdDSA)];
    write_set(&path, &pairs.iter().collect::<Vec<_>>());
    let app = app(&path).await;
    for pair in &pairs {
        let (status, words) = judged(&app, &pair.sign(&claims(json!({})))).await;
        assert!(matches!(status, 200 | 201), "{:?}: {words}", pair.algorithm);
    }
    for form in [
        json!({"scope": null, "scp": ["grants:write"]}),
        json!({"sub": null, "client_id": "cron"}),
        json!({"aud": ["x", "aid-register"]}),
    ] {
        assert_eq!(judged(&app, &pairs[1].sign(&claims(form))).await.0, 200);
    }
}

#[actix_web::test]
async fn bad_tokens_are_told_what_is_wrong() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("jwks.json");
    let (pair, rsa, stranger) =
        (Pair::new("e", Algorithm::ES256), Pair::new("r", Algorithm::RS256), Pair::new("e", Algorithm::ES256));
    write_set(&path, &[&pair, &rsa]);
    let app = app(&path).await;
    let signed = |change: Value| pair.sign(&claims(change));
    let header = |change: &dyn Fn(&mut Header)| {
        let mut header = pair.header();
        change(&mut header);
        jsonwebtoken::encode(&header, &claims(json!({})), &pair.key).unwrap()
    };
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let good = signed(json!({}));
    let mut cut = good.clone();
    cut.truncate(good.len() - 4);
    let unsigned = format!("{}.{}.", part(json!({"alg": "none"})), part(claims(json!({}))));
    let public = pair.public().to_string();
    let confused = {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("e".into());
        jsonwebtoken::encode(&header, &claims(json!({})), &EncodingKey::from_secret(public.as_bytes())).unwrap()
    };
    let critical = {
        let mut parts = good.splitn(2, '.');
        parts.next();
        format!(
            "{}.{}",
            part(json!({"alg": "ES256", "kid": "e", "crit": ["b64"], "b64": false})),
            parts.next().unwrap()
        )
    };
    let table = [
        ("not a token", "abc".to_owned(), "JSON Web Token"),
        ("cut off", cut, "signature"),
        ("unsigned", unsigned, ""),
        ("confused", confused, "signed with HS256"),
        ("stranger", stranger.sign(&claims(json!({}))), "signature is wrong"),
        ("critical", critical, "\"crit\""),
        ("no aud", signed(json!({"aud": null})), "no audience (aud)"),
        ("other aud", signed(json!({"aud": "other"})), "another audience"),
        ("no iss", signed(json!({"iss": null})), "no issuer"),
        ("other iss", signed(json!({"iss": "https://other"})), "not trusted"),
        ("list of iss", signed(json!({"iss": [ISSUER]})), "not a string"),
        ("no exp", signed(json!({"exp": null})), "no claim exp"),
        ("expired", signed(json!({"exp": now() - 120})), "expired"),
        ("text exp", signed(json!({"exp": "tomorrow"})), ""),
        ("early", signed(json!({"nbf": now() + 120})), "not valid yet"),
        ("from the future", signed(json!({"iat": now() + 120})), "future"),
        ("a subject with U+0000", signed(json!({"sub": "a\u{0}b"})), "no subject"),
        ("nobody's", signed(json!({"sub": null})), "no subject"),
        ("another type", header(&|header| header.typ = Some("logout+jwt".into())), "logout+jwt"),
        ("unknown key", header(&|header| header.kid = Some("x".into())), "not among the issuer's"),
        ("no key named", header(&|header| header.kid = None), "names no key"),
        ("another key", header(&|header| header.kid = Some("r".into())), "its key is for RS256"),
        ("huge", "a".repeat(20_000), "8 KiB"),
    ];
    for (what, token, words) in table {
        let (status, text) = judged(&app, &token).await;
        assert_eq!(status, 401, "{what}: {text}");
        let escaped = words.replace('"', "\\\"");
        assert!(text.contains(&escaped), "{what}: {text}");
    }
    let anon = app.anon();
    for value in ["Basic dG93bg==", "Bearer", "Bearer  "] {
        anon.put("/v1/grants/T-1", &make::grant("A"), &[("authorization", value)]).await.problem(401);
    }
    let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    anon.put("/v1/grants/T-1", &make::grant("A"), &twice).await.problem(401);
    // Reading needs no token, and a bad one does not hinder it.
    anon.get_with("/v1/grants", &[("authorization", "Bearer rubbish")]).await.expect(200);
}

#[actix_web::test]
async fn a_new_key_is_fetched_and_an_outage_stops_nobody() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("jwks.json");
    let (old, new) = (Pair::new("old", Algorithm::ES256), Pair::new("new", Algorithm::EdDSA));
    write_set(&path, &[&old]);
    let app = app(&path).await;
    assert_eq!(judged(&app, &old.sign(&claims(json!({})))).await.0, 201);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(judged(&app, &old.sign(&claims(json!({})))).await.0, 200);
    // Just fetched: an unknown key does not make the register ask again at once.
    write_set(&path, &[&old, &new]);
    assert_eq!(judged(&app, &new.sign(&claims(json!({})))).await.0, 401);
}

#[actix_web::test]
async fn keys_that_cannot_be_had_are_no_fault_of_the_token() {
    let app = app(Path::new("/nowhere/jwks.json")).await;
    let (status, words) = judged(&app, &Pair::new("e", Algorithm::ES256).sign(&claims(json!({})))).await;
    assert_eq!(status, 503, "{words}");
}

#[actix_web::test]
async fn the_local_key_is_for_its_audience() {
    let app = TestApp::empty().await;
    let token = app.token("town", "grants:write");
    assert_eq!(judged(&app, &token).await.0, 201);
    let mut parts: Vec<String> = token.split('.').map(String::from).collect();
    let mut claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(&parts[1]).unwrap()).unwrap();
    claims["publisher"] = "city".into();
    parts[1] = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    assert_eq!(judged(&app, &parts.join(".")).await.0, 401);
}

/// Answers every request with the same bytes, until the test ends.
fn serve(answer: String) -> url::Url {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap()).parse().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[actix_web::test]
async fn keys_come_from_an_address_too() {
    let pair = Pair::new("e", Algorithm::ES256);
    let set = json!({"keys": [pair.public()]}).to_string();
    let ok =
        |body: &str| format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let good = serve(ok(&set));
    let moved = format!("HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {good}\r\nContent-Length: 0\r\n\r\n");
    let large = ok(&format!("{set}{}", " ".repeat(300_000)));
    for (what, url, expected) in [
        ("an address", good, 201),
        ("a redirect", serve(moved), 503),
        ("a flood", serve(large), 503),
        ("rubbish", serve(ok("{")), 503),
    ] {
        let keys = Keys::new(Origin::Address(url));
        let issuer = Issuer {
            name: ISSUER.into(),
            audience: "aid-register".into(),
            publisher_claim: "publisher".into(),
            algorithms: ALGORITHMS.to_vec(),
            types: TYPES.map(String::from).to_vec(),
            keys,
        };
        let app = TestApp::trusting(vec![issuer]).await;
        let (status, words) = judged(&app, &pair.sign(&claims(json!({})))).await;
        assert_eq!(status, expected, "{what}: {words}");
    }
}
