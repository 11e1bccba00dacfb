//! What HTTP clients of all kinds rely on.

use crate::support::TestApp;

#[actix_web::test]
async fn floods_of_faults_are_cut_short() {
    let app = TestApp::empty().await;
    for flood in [
        vec!["a"; 9000].join("&"),
        format!("fields={}", vec!["a"; 9000].join(",")),
        format!("sort={}", "a".repeat(20_000)),
    ] {
        let answer = app.anon().get(&format!("/v1/grants?{flood}")).await;
        answer.problem(400);
        assert!(answer.body.len() < 100_000, "{} bytes", answer.body.len());
    }
}

#[actix_web::test]
async fn accept_headers_of_real_clients() {
    let app = TestApp::shipped().await;
    let table = [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
        ("application/xml", "application/xml"),
        ("text/csv", "text/csv; charset=utf-8; header=present"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/*", "text/csv; charset=utf-8; header=present"),
        ("application/json;q=0, */*", "application/x-ndjson"),
    ];
    for (accept, expected) in table {
        let headers = [("accept", accept)];
        let answer =
            app.anon().get_with("/v1/grants", if accept.is_empty() { &[] } else { &headers }).await.expect(200);
        assert_eq!(answer.header("content-type"), expected, "{accept}");
    }
    for accept in ["text/html", "application/pdf"] {
        let answer = app.anon().get_with("/v1/grants", &[("accept", accept)]).await;
        answer.problem(406);
        assert!(answer.text().contains("application/x-ndjson"), "what there is is named");
    }
}

#[actix_web::test]
async fn the_extension_wins_over_the_parameter_and_that_over_the_header() {
    let app = TestApp::shipped().await;
    let get = |path: &'static str| {
        let anon = app.anon();
        async move { anon.get_with(path, &[("accept", "text/csv")]).await }
    };
    assert_eq!(get("/v1/grants.ndjson?format=json").await.header("content-type"), "application/x-ndjson");
    assert_eq!(get("/v1/grants?format=json").await.header("content-type"), "application/json");
    get("/v1/grants.xls").await.problem(404);
    assert_eq!(get("/v1/grants?format=xls").await.problem(400), ["format format_unknown"]);
}

#[actix_web::test]
async fn failures_of_the_framework_are_problems_too() {
    let app = TestApp::empty().await;
    let anon = app.anon();
    let nowhere = anon.get("/v1/grant").await;
    nowhere.problem(404);
    assert!(nowhere.text().contains("did you mean \\\"grants\\\""));
    for path in ["/", "/docs"] {
        assert_eq!(anon.get(path).await.expect(302).header("location"), "docs/");
    }
    for path in ["/nothing", "/v1/grants/a/b", "/v1/grants/", "/v2/grants", "/v1//grants"] {
        anon.get(path).await.problem(404);
    }
    let coded = app.town().request("PUT", "/v1/grants/T-1").header("content-type", "application/json");
    app.town().send(coded.header("content-encoding", "gzip").body("x")).await.problem(415);
    let large = app.town().request("PUT", "/v1/grants/T-1").header("content-type", "application/json");
    app.town().send(large.body(" ".repeat(2 * 1024 * 1024))).await.problem(413);
    let none = anon.get_with("/v1/grants", &[("accept-encoding", "identity;q=0, *;q=0")]).await;
    none.problem(406);
}

#[actix_web::test]
async fn anyones_page_may_read_and_none_may_write() {
    let app = TestApp::shipped().await;
    let origin = ("origin", "https://example.org");
    let read = app.anon().get_with("/v1/grants", &[origin]).await.expect(200);
    assert_eq!(read.header("access-control-allow-origin"), "*");
    for name in ["etag", "link", "x-request-id", "api-version"] {
        assert!(read.header("access-control-expose-headers").contains(name), "{name}");
    }
    let ask = |method: &'static str| {
        let anon = app.anon();
        async move {
            let request = anon.request("OPTIONS", "/v1/grants/T-1").header("origin", "https://example.org");
            anon.send(request.header("access-control-request-method", method)).await
        }
    };
    let allowed = ask("GET").await.expect(200);
    assert_eq!(allowed.header("access-control-allow-origin"), "*");
    let refused = ask("PUT").await;
    refused.problem(400);
    assert!(refused.text().contains("Pages of other sites may read"));
    let written = app.town().put("/v1/grants/T-1", &crate::make::grant("A"), &[origin]).await.expect(201);
    assert_eq!(written.header("access-control-allow-origin"), "");
}

#[actix_web::test]
async fn a_request_keeps_its_id() {
    let app = TestApp::empty().await;
    let kept = app.anon().get_with("/v1/grants", &[("x-request-id", "job-17.3")]).await;
    assert_eq!(kept.header("x-request-id"), "job-17.3");
    let replaced = app.anon().get_with("/v1/grants", &[("x-request-id", "a b<script>")]).await;
    assert_ne!(replaced.header("x-request-id"), "a b<script>");
}

#[actix_web::test]
async fn the_register_tells_how_it_is() {
    let app = TestApp::empty().await;
    assert_eq!(app.anon().get("/health/live").await.expect(200).json()["status"], "live");
    assert_eq!(app.anon().get("/health/ready").await.expect(200).json()["status"], "ready");
    app.anon().get("/v1/grants").await.expect(200);
    let metrics = app.anon().get("/metrics").await.expect(200).text();
    assert!(metrics.contains("aid_register_http_requests_total{endpoint=\"/v1/grants\""), "{metrics}");
    for n in 0..5 {
        app.anon().send(app.anon().request(&format!("M{n}"), "/v1/grants")).await.problem(405);
    }
    let unknown = app.anon().send(app.anon().request("PROPFIND", "/v1/grants")).await;
    assert_eq!(unknown.header("allow"), "GET, HEAD, OPTIONS");
    assert!(!app.anon().get("/metrics").await.text().contains("method=\"M1\""), "methods of clients are no series");
    let docs = app.anon().get("/docs/").await.expect(200).text();
    let elsewhere = ["src=\"http", "href=\"http", "url(http", "@import"].iter().any(|loads| docs.contains(loads));
    assert!(docs.contains("swagger") && !elsewhere, "the documentation loads nothing from elsewhere");
}
