//! What is refused, and that all of it is said at once.

use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;

#[actix_web::test]
async fn all_faults_at_once() {
    let app = TestApp::empty().await;
    let bad = json!({
        "identifier": "T-2",
        "titel": {"en": "x"},
        "title": {"not a tag": "", "en": 3},
        "status": "closd",
        "start_date": "2012-13",
        "end_date": "2011",
        "budget": {"amount": 100, "currency": "EURO"},
        "funding": [{"kind": "eu", "percentage": 50}, {"kind": "own_contribution", "percentage": 40}],
        "sectors": [{"code": "99999"}],
        "places": [{"location": "T-NOWHERE"}],
    });
    let refused = app.town().put("/v1/programmes/T-1", &bad, &[]).await;
    assert_eq!(
        refused.problem(400),
        [
            "/budget/currency currency_invalid",
            "/funding shares_not_whole",
            "/identifier identifier_differs",
            "/places/0/location reference_unknown",
            "/sectors/0/code code_unknown",
            "/start_date partial_date_invalid",
            "/status code_unknown",
            "/titel unknown_field",
            "/title/en type",
            "/title/not a tag pattern",
            "/title/not a tag language_unknown",
        ]
    );
    for hint in ["did you mean \\\"title\\\"", "did you mean \\\"closed\\\"", "sum to 90, not 100"] {
        assert!(refused.text().contains(hint), "{hint}: {}", refused.text());
    }
    app.anon().get("/v1/programmes/T-1").await.problem(404);
    let several = json!({
        "title": {"en": "A"}, "status": "bogus", "stauts": 1, "parent": "T-NONE",
        "budget": {"amount": -1, "currency": "XXZ"}, "sources": [{"source": "T-NONE", "fields": ["/nope"]}],
    });
    let refused = app.town().put("/v1/programmes/T-1", &several, &[]).await;
    assert_eq!(
        refused.problem(400),
        [
            "/budget/amount negative_amount",
            "/budget/currency currency_invalid",
            "/parent reference_unknown",
            "/sources/0/fields/0 field_absent",
            "/sources/0/source reference_unknown",
            "/status code_unknown",
            "/stauts unknown_field",
        ]
    );
    let inexact = r#"{"title": {"en": "A"}, "status": "closed", "stauts": 1, "budget": {"amount": 1.12345678901234567890, "currency": "EUR"}}"#;
    let request = app.town().request("PUT", "/v1/programmes/T-1").header("content-type", "application/json");
    let refused = app.town().send(request.body(inexact)).await;
    assert_eq!(refused.problem(400), ["/budget/amount number_inexact", "/stauts unknown_field"]);
}

#[actix_web::test]
async fn periods_keep_their_precision_and_do_not_run_backwards() {
    let app = TestApp::empty().await;
    for (start, end, good) in [
        ("2011-03", "2012-06", true),
        ("2011", "2011-03", true),
        ("2011-03-31", "2011-03", true),
        ("2012", "2011", false),
        ("2011-04", "2011-03-31", false),
        ("2011-03-02", "2011-03-01", false),
        ("2011-02-29", "2012", false),
        ("0000", "2012", false),
        ("11", "2012", false),
    ] {
        let mut grant = make::grant("A");
        grant["start_date"] = start.into();
        grant["end_date"] = end.into();
        let answer = app.town().put(&format!("/v1/grants/T-{start}-{end}"), &grant, &[]).await;
        assert_eq!(answer.status == 201, good, "{start} {end}: {}", answer.text());
        if good {
            assert_eq!((&answer.json()["start_date"], &answer.json()["end_date"]), (&json!(start), &json!(end)));
        }
    }
}

#[actix_web::test]
async fn json_that_parsers_disagree_about_is_refused() {
    let app = TestApp::empty().await;
    for (body, expected) in [
        (r#"{"title": {"en": "a"}, "title": {"en": "b"}, "status": "closed"}"#, "/title duplicate_key"),
        (r#"{"title": {"en": "a\u0000"}, "status": "closed"}"#, "/title/en nul_character"),
        (r#"[]"#, " type"),
        (r#"null"#, " type"),
        ("{\"title\": {\"en\": \"\u{feff}\"}", " json_malformed"),
        ("", " json_malformed"),
    ] {
        let request = app.town().request("PUT", "/v1/grants/T-1").header("content-type", "application/json");
        let answer = app.town().send(request.body(body)).await;
        assert_eq!(answer.problem(400), [expected], "{body}");
    }
    let request = app.town().request("PUT", "/v1/grants/T-1").header("content-type", "application/json; charset=utf-8");
    app.town().send(request.body(b"{\"title\": \"\xff\"}".to_vec())).await.problem(400);
}

#[actix_web::test]
async fn sources_vouch_for_what_is_there() {
    let app = TestApp::empty().await;
    app.town().put("/v1/sources/T-S", &json!({"title": {"en": "S"}, "file": "s.txt"}), &[]).await.expect(201);
    let mut grant = make::grant("A");
    grant["sources"] = json!([{"source": "T-S", "fields": ["/title/en", "/budget", "status", ""]}]);
    let refused = app.town().put("/v1/grants/T-1", &grant, &[]).await;
    assert_eq!(refused.problem(400), ["/sources/0/fields/1 field_absent", "/sources/0/fields/2 pointer_invalid"]);
}

#[actix_web::test]
async fn query_parameters_are_strict() {
    let app = TestApp::empty().await;
    for (query, expected) in [
        ("statsu=closed", "statsu unknown_parameter"),
        ("status=closed&status=pipeline", "status repeated_parameter"),
        ("status=", "status empty_parameter"),
        ("status=closd", "status code_unknown"),
        ("programme=a,,b", "programme list_invalid"),
        ("place=%ff", "place encoding_invalid"),
        ("place=%00", "place encoding_invalid"),
        ("amount_gte=many", "amount_gte number_invalid"),
        ("amount_gte=1e400", "amount_gte number_invalid"),
        ("start_date_gte=2011-02-30", "start_date_gte date_invalid"),
        ("start_date_gte=-000", "start_date_gte date_invalid"),
        ("updated_at_gte=yesterday", "updated_at_gte instant_invalid"),
        ("limit=0", "limit limit_invalid"),
        ("limit=%2B5", "limit limit_invalid"),
        ("fields=,", "fields name_unknown"),
        ("limit=1001", "limit limit_invalid"),
        ("sort=colour", "sort sort_unknown"),
        ("fields=colour", "fields name_unknown"),
        ("include=colours", "include name_unknown"),
        ("cursor=abc", "cursor cursor_invalid"),
        ("count=maybe", "count value_unknown"),
        ("format=csv&limit=3", "limit not_with_format"),
        ("shape=array&include=programmes", "include not_with_shape"),
    ] {
        let answer = app.anon().get(&format!("/v1/grants?{query}")).await;
        assert_eq!(answer.problem(400)[0], expected, "{query}");
    }
    let many = app.anon().get("/v1/grants?status=x&limit=0&sort=y").await;
    assert_eq!(many.problem(400).len(), 3);
}

#[actix_web::test]
async fn texts_say_something_and_may_be_long() {
    let app = TestApp::empty().await;
    for (title, expected) in [
        (json!({}), "/title minProperties"),
        (json!({"en": " "}), "/title/en pattern"),
        (json!({"EN": "a"}), "/title/EN language_unknown"),
    ] {
        let mut grant = make::grant("A");
        grant["title"] = title;
        assert_eq!(app.town().put("/v1/grants/T-1", &grant, &[]).await.problem(400), [expected]);
    }
    let mut random = 1u64;
    let long: String = std::iter::repeat_with(|| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        char::from_u32(0x400 + (random >> 33) as u32 % 90).unwrap()
    })
    .take(90_000)
    .collect();
    app.town().put("/v1/grants/T-1", &make::grant(&long), &[]).await.expect(201);
    let name = json!({"name": {"sr": long}, "type": "other"});
    app.town().put("/v1/organisations/T-2", &name, &[]).await.expect(201);
}

#[actix_web::test]
async fn numbers_are_kept_exactly_or_refused() {
    let app = TestApp::empty().await;
    make::write(&mut app.connection().await, &make::basics()).await;
    let table = [
        ("0.1", Some("0.1")),
        ("5.0", Some("5")),
        ("1e2", Some("100")),
        ("-123456789012345", Some("-123456789012345")),
        ("0.000000000001", Some("0.000000000001")),
        ("1e-13", None),
        ("1.23456789012345e-20", None),
        ("1e15", None),
        ("1234567890123456", None),
    ];
    for (n, (given, kept)) in table.into_iter().enumerate() {
        let body = format!(r#"{{"indicator": "T-INDICATOR", "kind": "actual", "value": {given}}}"#);
        let path = format!("/v1/observations/T-{n}");
        let request = app.town().request("PUT", &path).header("content-type", "application/json");
        let answer = app.town().send(request.body(body)).await;
        match kept {
            Some(kept) => assert!(answer.expect(201).text().contains(&format!("\"value\":{kept},")), "{given}"),
            None => assert_eq!(answer.problem(400), ["/value number_inexact"], "{given}"),
        }
    }
}

#[actix_web::test]
async fn a_body_full_of_faults_costs_little() {
    let app = TestApp::empty().await;
    let keys: Vec<String> = (0..70_000).map(|n| format!("\"k{n}\": 1")).collect();
    for body in [
        format!("{{{}}}", keys.join(",")),
        format!(r#"{{"title": {{"en": "a"}}, "status": "closed", "sectors": [{}1]}}"#, "1,".repeat(200_000)),
        format!(r#"{{"{}": [{}1]}}"#, "k".repeat(400_000), "1,".repeat(200_000)),
        format!(r#"{{"a": [{}1]}}"#, "1.00000000000000001,".repeat(40_000)),
    ] {
        let request = app.town().request("PUT", "/v1/grants/T-1").header("content-type", "application/json");
        let answer = app.town().send(request.body(body)).await;
        answer.problem(400);
        assert!(answer.body.len() < 100_000, "{} bytes of answer", answer.body.len());
        assert!(answer.json()["errors"].as_array().unwrap().len() <= 101);
    }
}

#[actix_web::test]
async fn what_lies_beyond_the_hundredth_fault_is_not_read() {
    let app = TestApp::empty().await;
    let groups: Vec<Value> = (0..150).map(|_| json!({"name": {"en": "!"}, "size": -5})).collect();
    let mut grant = make::grant("A");
    grant["target_groups"] = groups.into();
    grant["start_date"] = "abcdefghijklmnopq".into();
    grant["end_date"] = "2010".into();
    app.town().put("/v1/grants/T-1", &grant, &[]).await.problem(400);
    let line = r#"{"kind": "eu", "amount": {"amount": 7e28, "currency": "EUR"}}"#;
    let body = format!(
        r#"{{"x": [{}1], "budget": {{"amount": 7e28, "currency": "EUR"}}, "funding": [{line}, {line}, {line}]}}"#,
        "1e999,".repeat(100)
    );
    let request = app.town().request("PUT", "/v1/grants/T-1").header("content-type", "application/json");
    app.town().send(request.body(body)).await.problem(400);
}

#[actix_web::test]
async fn a_fault_here_makes_none_there() {
    let app = TestApp::empty().await;
    app.town().put("/v1/sources/T-S", &json!({"title": {"en": "S"}, "file": "s.txt"}), &[]).await.expect(201);
    let mut grant = make::grant("€");
    grant["budget"] = json!({"amount": 1, "currency": "EUR"});
    grant["sources"] = json!([{"source": "T-S", "fields": ["/budget/exactness", "/tags", "/budget/amount"]}]);
    app.town().put("/v1/grants/T-1", &grant, &[]).await.expect(201);
    grant["zz"] = 1.into();
    assert_eq!(app.town().put("/v1/grants/T-2", &grant, &[]).await.problem(400), ["/zz unknown_field"]);
    let mut grant = make::grant("A");
    grant["target_groups"] = json!([{"name": {"en": "a"}, "size": -5}]);
    grant["start_date"] = "2012".into();
    grant["end_date"] = "2011".into();
    let refused = app.town().put("/v1/grants/T-3", &grant, &[]).await;
    assert_eq!(refused.problem(400), ["/end_date period_backwards", "/target_groups/0/size minimum"]);
    let line = |share: f64| json!({"kind": "eu", "percentage": share, "amount": {"amount": 100, "currency": "EUR"}});
    let mut lines = vec![line(9.09); 10];
    lines.push(line(9.10));
    let mut grant = make::grant("A");
    grant["budget"] = json!({"amount": 1100, "currency": "EUR"});
    grant["funding"] = lines.into();
    app.town().put("/v1/grants/T-4", &grant, &[]).await.expect(201);
}
