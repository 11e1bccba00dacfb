//! The catalogue: every collection in every format, and tables that are what they are said to be.

use std::path::PathBuf;
use std::process::Command;

use aid_register::collections;
use aid_register::formats::Format;
use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;

#[actix_web::test]
async fn every_distribution_is_there_with_its_licence() {
    let app = TestApp::shipped().await;
    let anon = app.anon();
    let answer = anon.get("/v1/catalog.jsonld").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/ld+json");
    let catalogue = answer.json();
    let sets = catalogue["dcat:dataset"].as_array().unwrap();
    assert_eq!(sets.len(), collections::ALL.len());
    for (set, kind) in sets.iter().zip(collections::ALL) {
        assert_eq!(set["dct:identifier"], kind.collection);
        assert!(set["dct:bibliographicCitation"].as_str().unwrap().starts_with("Aid Register, "));
        let distributions = set["dcat:distribution"].as_array().unwrap();
        assert_eq!(distributions.len(), Format::of(kind).len() - 1);
        for distribution in distributions {
            let found = anon.get(distribution["dcat:downloadURL"]["@id"].as_str().unwrap()).await.expect(200);
            let media = distribution["dcat:mediaType"]["@id"].as_str().unwrap();
            let given = found.header("content-type").split(';').next().unwrap().to_owned();
            assert!(media.ends_with(&given), "{media} {given}");
            assert_eq!(distribution["dct:license"]["@id"], "https://spdx.org/licenses/CC-BY-4.0");
        }
    }
    let page = anon.get("/docs/index.html").await.expect(200).text();
    let (_, rest) = page.split_once("<script type=\"application/ld+json\">").unwrap();
    let set: Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    assert_eq!((&set["@type"], &set["license"]), (&json!("Dataset"), &json!("https://spdx.org/licenses/CC-BY-4.0")));
}

#[actix_web::test]
#[cfg_attr(no_python_tools, ignore = "frictionless is missing: run tests/tools.sh")]
async fn frictionless_finds_the_tables_as_they_are_described() {
    let app = TestApp::shipped().await;
    for (n, collection) in ["transactions", "grants"].into_iter().enumerate() {
        app.admin()
            .put(&format!("/v1/{collection}/AR-X{n}"), &make::any(collection, &format!("AR-X{n}"), 3), &[])
            .await
            .expect(201);
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let base = app.base.clone();
    let output = actix_web::rt::task::spawn_blocking(move || {
        let mut command = Command::new(root.join("target/tools/python/bin/python"));
        command.arg(root.join("tests/catalogue.py")).arg(base).output().unwrap()
    });
    let output = output.await.unwrap();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!((&found["valid"], &found["tasks"]), (&json!(true), &json!(collections::ALL.len())), "{found:#}");
}
