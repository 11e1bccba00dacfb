//! The OpenAPI documents: committed as the program makes them, and valid by
//! tools of others. `UPDATE=1 cargo test documents` writes them anew.

use std::path::{Path, PathBuf};
use std::process::Command;

use aid_register::openapi;
use serde_json::Value;

use crate::support::TestApp;

fn committed(name: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi").join(name);
    let text = serde_json::to_string_pretty(document).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let same = std::fs::read_to_string(&path).is_ok_and(|other| other == text);
    assert!(same, "{} is not what the program makes: run UPDATE=1 cargo test documents", path.display());
}

#[test]
fn the_committed_document_is_the_programs() {
    committed("v1.json", &openapi::document());
    committed("v1-3.0.json", &openapi::to_3_0(openapi::document()));
}

#[actix_web::test]
async fn the_program_serves_them() {
    let app = TestApp::empty().await;
    assert_eq!(app.anon().get("/v1/openapi.json").await.expect(200).json(), openapi::document());
    let older = app.anon().get("/v1/openapi-3.0.json").await.expect(200).json();
    assert_eq!(older["openapi"], "3.0.3");
    assert!(!older.to_string().contains("\"null\""));
    assert_eq!(app.anon().get("/docs/openapi.json").await.expect(200).json(), openapi::document());
}

/// Runs a tool that `tests/tools.sh` fetched.
fn tool(program: &str, arguments: &[&str]) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("target/tools").join(program)).args(arguments).current_dir(root).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; run tests/tools.sh"));
    let words = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
}

#[test]
#[cfg_attr(
    no_python_tools,
    ignore = "openapi-spec-validator is missing: run tests/tools.sh with python3 and a package index"
)]
fn openapi_spec_validator_agrees() {
    tool("python/bin/openapi-spec-validator", &["openapi/v1.json"]);
    tool("python/bin/openapi-spec-validator", &["openapi/v1-3.0.json"]);
}

#[test]
#[cfg_attr(no_node_tools, ignore = "redocly is missing: run tests/tools.sh with npm and a registry")]
fn redocly_finds_no_error() {
    tool("node_modules/.bin/redocly", &["lint", "--config", "tests/redocly.yaml", "openapi/v1.json"]);
}
