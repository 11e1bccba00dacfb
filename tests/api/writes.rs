//! Creating, replacing, patching, deleting, and what preconditions do.

use serde_json::json;

use crate::make;
use crate::support::TestApp;

#[actix_web::test]
async fn the_life_of_a_record() {
    let app = TestApp::empty().await;
    let town = app.town();
    let path = "/v1/programmes/T-1";
    let created = town.put(path, &make::programme("A"), &[]).await.expect(201);
    assert!(created.header("location").ends_with(path));
    let tag = created.header("etag").to_owned();
    assert!(tag.starts_with("\"1-"));
    assert_eq!(created.header("cache-control"), "no-store");

    let shown = app.anon().get(path).await.expect(200);
    assert_eq!((shown.json(), shown.header("etag")), (created.json(), tag.as_str()));
    assert_eq!(shown.json()["publisher"], "town");

    // Repeating, or sending back what was read, changes nothing.
    assert_eq!(town.put(path, &make::programme("A"), &[]).await.expect(200).json(), created.json());
    assert_eq!(town.put(path, &shown.json(), &[]).await.expect(200).json()["version"], 1);

    town.put(path, &make::programme("B"), &[]).await.problem(428);
    town.put(path, &make::programme("B"), &[("if-match", "\"7-0000000000000000\"")]).await.problem(412);
    town.put(path, &make::programme("B"), &[("if-match", &format!("W/{tag}"))]).await.problem(412);
    town.put(path, &make::programme("B"), &[("if-none-match", "*")]).await.problem(412);
    let changed = town.put(path, &make::programme("B"), &[("if-match", &tag)]).await.expect(200);
    assert_eq!(changed.json()["version"], 2);
    assert_eq!(changed.json()["created_at"], created.json()["created_at"]);
    assert_ne!(changed.json()["updated_at"], created.json()["updated_at"]);
    town.put(path, &make::programme("B"), &[("if-match", &tag)]).await.problem(412);

    let patched = town.patch(path, &json!({"title": {"sr": "Б", "en": null}}), &[("if-match", "*")]).await.expect(200);
    assert_eq!(patched.json()["title"], json!({"sr": "Б"}));
    town.patch(path, &json!({}), &[]).await.problem(428);

    town.delete(path, &[]).await.problem(428);
    town.delete(path, &[("if-match", &tag)]).await.problem(412);
    town.delete(path, &[("if-match", patched.header("etag"))]).await.expect(204);
    app.anon().get(path).await.problem(410);
    town.put(path, &make::programme("C"), &[]).await.problem(410);
    town.delete(path, &[("if-match", "*")]).await.problem(410);
    assert!(app.anon().get("/v1/programmes").await.identifiers().is_empty());
}

#[actix_web::test]
async fn a_tag_of_any_representation_names_the_version() {
    let app = TestApp::empty().await;
    let path = "/v1/programmes/T-1";
    app.town().put(path, &make::programme("A"), &[]).await.expect(201);
    let gzip = app.anon().get_with(path, &[("accept-encoding", "gzip")]).await.expect(200);
    let few = app.anon().get("/v1/programmes/T-1?fields=title").await.expect(200);
    assert!(gzip.header("etag").ends_with("-gzip\""));
    assert_ne!(gzip.header("etag"), few.header("etag"));
    app.town().put(path, &make::programme("B"), &[("if-match", gzip.header("etag"))]).await.expect(200);
    app.town().put(path, &make::programme("C"), &[("if-match", few.header("etag"))]).await.problem(412);
}

#[actix_web::test]
async fn identifiers_are_unique_in_the_whole_register() {
    let app = TestApp::empty().await;
    app.town().put("/v1/programmes/T-1", &make::programme("A"), &[]).await.expect(201);
    let taken = app.town().put("/v1/grants/T-1", &make::grant("A"), &[]).await;
    taken.problem(409);
    let elsewhere = app.anon().get("/v1/grants/T-1").await;
    elsewhere.problem(404);
    assert!(elsewhere.text().contains("/v1/programmes/T-1"));
}

#[actix_web::test]
async fn identifiers_may_have_any_printable_character() {
    let app = TestApp::empty().await;
    for (path, identifier) in
        [("T-a%2Fb", "T-a/b"), ("T-%C4%86%25%3F", "T-Ć%?"), ("T-a%252Fb", "T-a%2Fb"), ("T-a+b", "T-a+b")]
    {
        let path = format!("/v1/grants/{path}");
        let created = app.town().put(&path, &make::grant("A"), &[]).await.expect(201);
        assert_eq!(created.json()["identifier"], identifier);
        let place = created.header("location").to_owned();
        assert_eq!(app.anon().get(&place).await.expect(200).json()["identifier"], identifier);
    }
    for path in ["T-a%20b", "T-a,b", "T-%E2%80%8B", "T-c%CC%81", "T-%00", "T-%FF", &format!("T-{}", "x".repeat(200))] {
        app.town().put(&format!("/v1/grants/{path}"), &make::grant("A"), &[]).await.problem(404);
    }
}

#[actix_web::test]
async fn a_record_does_not_outgrow_its_limit_by_patches() {
    let app = TestApp::empty().await;
    app.town().put("/v1/grants/T-1", &make::grant("A"), &[]).await.expect(201);
    let mut last = 200;
    for n in 0..4 {
        let texts: Vec<(String, serde_json::Value)> =
            (0..5).map(|m| (format!("x-l{n}{m}"), "Ћ".repeat(40_000).into())).collect();
        let patch = json!({"description": texts.into_iter().collect::<serde_json::Map<_, _>>()});
        last = app.town().patch("/v1/grants/T-1", &patch, &[("if-match", "*")]).await.status;
    }
    assert_eq!(last, 413);
    let record = app.anon().get("/v1/grants/T-1").await.expect(200).json();
    app.town().put("/v1/grants/T-1", &record, &[]).await.expect(200);
}

#[actix_web::test]
async fn references_need_targets() {
    let app = TestApp::empty().await;
    let town = app.town();
    let mut grant = make::grant("A");
    grant["programme"] = "T-P".into();
    grant["places"] = json!([{"location": "T-P"}]);
    grant["recipients"] = json!([{"beneficiary": "T-B", "role": "lead"}]);
    town.put("/v1/programmes/T-P", &make::programme("P"), &[]).await.expect(201);
    let refused = town.put("/v1/grants/T-G", &grant, &[]).await;
    assert_eq!(
        refused.problem(400),
        ["/recipients/0/beneficiary reference_unknown", "/places/0/location reference_unknown"]
    );
    grant["places"] = json!([]);
    grant["recipients"] = json!([]);
    town.put("/v1/grants/T-G", &grant, &[]).await.expect(201);
    let still = town.delete("/v1/programmes/T-P", &[("if-match", "*")]).await;
    still.problem(409);
    assert!(still.text().contains("T-G at /programme"));
    town.delete("/v1/grants/T-G", &[("if-match", "*")]).await.expect(204);
    town.delete("/v1/programmes/T-P", &[("if-match", "*")]).await.expect(204);
    grant["identifier"] = "T-H".into();
    assert_eq!(town.put("/v1/grants/T-H", &grant, &[]).await.problem(400), ["/programme reference_unknown"]);
}

#[actix_web::test]
async fn a_hierarchy_has_no_circle() {
    let app = TestApp::empty().await;
    let town = app.town();
    let mut child = make::programme("child");
    child["parent"] = "T-1".into();
    let itself = town.put("/v1/programmes/T-1", &child, &[]).await;
    assert_eq!(itself.problem(400), ["/parent circle"]);
    town.put("/v1/programmes/T-1", &make::programme("top"), &[]).await.expect(201);
    town.put("/v1/programmes/T-2", &child, &[]).await.expect(201);
    let circle = town.patch("/v1/programmes/T-1", &json!({"parent": "T-2"}), &[("if-match", "*")]).await;
    assert_eq!(circle.problem(400), ["/parent circle"]);
    assert_eq!(app.anon().get("/v1/programmes/T-1").await.json()["version"], 1);
}

#[actix_web::test]
async fn a_hierarchy_has_so_many_levels_and_no_more() {
    let app = TestApp::empty().await;
    let line = |from: usize, to: usize| -> Vec<_> {
        (from..to)
            .map(|n| {
                let mut programme = make::any("programmes", &format!("T-{n:05}"), n);
                if n > from {
                    programme["parent"] = format!("T-{:05}", n - 1).into();
                }
                ("programmes", programme)
            })
            .collect()
    };
    let mut connection = app.connection().await;
    assert_eq!(make::write(&mut connection, &line(0, 20)).await, 20);
    assert_eq!(make::write(&mut connection, &line(20, 40)).await, 20);
    let town = app.town();
    let under = async |record: &str, parent: &str| {
        town.patch(&format!("/v1/programmes/{record}"), &json!({"parent": parent}), &[("if-match", "*")]).await
    };
    assert_eq!(under("T-00000", "T-00019").await.problem(400), ["/parent circle"]);
    // What lies below what is moved counts too.
    assert_eq!(under("T-00020", "T-00012").await.problem(400), ["/parent too_deep"]);
    under("T-00020", "T-00011").await.expect(200);
    // Of a line that is too long, what is too deep is refused, and what hangs on it.
    let lines: String = line(100, 140).iter().map(|(_, record)| format!("{record}\n")).collect();
    let path = "/v1/imports?format=ndjson&collection=programmes&mode=independent";
    let sent = town.send(town.request("POST", path).body(lines)).await.expect(200).json();
    assert_eq!((&sent["counts"]["created"], &sent["counts"]["refused"]), (&json!(32), &json!(8)), "{sent}");
    assert_eq!(sent["errors"][0]["code"], "too_deep");
}
