//! Tags, 304, codings, caches.

use crate::support::TestApp;

#[actix_web::test]
async fn each_coding_has_its_own_tag() {
    let app = TestApp::shipped().await;
    for path in ["/v1/programmes", "/v1/programmes/AR-LNOB", "/v1/programmes.csv", "/v1/programmes.ndjson"] {
        let mut tags = std::collections::HashSet::new();
        for coding in ["identity", "gzip", "br", "zstd"] {
            let answer = app.anon().get_with(path, &[("accept-encoding", coding)]).await.expect(200);
            let expected = if coding == "identity" { "" } else { coding };
            assert_eq!(answer.header("content-encoding"), expected, "{path}");
            assert_eq!(answer.header("vary"), "Accept, Accept-Encoding");
            let tag = answer.header("etag").to_owned();
            assert!(!tag.starts_with("W/") && tags.insert(tag.clone()), "{path} {coding}: {tag}");
            let headers = [("accept-encoding", coding), ("if-none-match", tag.as_str())];
            let again = app.anon().get_with(path, &headers).await.expect(304);
            assert_eq!((again.header("etag"), again.header("vary")), (tag.as_str(), "Accept, Accept-Encoding"));
            assert_eq!((again.body.len(), again.header("content-encoding")), (0, ""));
        }
    }
}

#[actix_web::test]
async fn a_change_gives_new_tags() {
    let app = TestApp::empty().await;
    for path in ["/v1/grants", "/v1/grants.csv", "/v1/grants.ndjson"] {
        let tag = app.anon().get(path).await.header("etag").to_owned();
        app.anon().get_with(path, &[("if-none-match", &format!("\"other\", {tag}"))]).await.expect(304);
        app.anon().get_with(path, &[("if-none-match", "*")]).await.expect(304);
        let id = path.replace(['/', '.'], "-");
        app.town().put(&format!("/v1/grants/T{id}"), &crate::make::grant("A"), &[]).await.expect(201);
        app.anon().get_with(path, &[("if-none-match", &tag)]).await.expect(200);
    }
}

#[actix_web::test]
async fn what_may_be_cached() {
    let app = TestApp::shipped().await;
    let public = "public, max-age=0, must-revalidate";
    assert_eq!(app.anon().get("/v1/grants").await.header("cache-control"), public);
    assert_eq!(app.town().get("/v1/grants").await.header("cache-control"), "no-store");
    assert_eq!(app.anon().get("/v1/grants/none").await.header("cache-control"), "no-store");
}
