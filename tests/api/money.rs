//! Rules of money: funding, shares, amounts.

use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;

#[actix_web::test]
async fn rules_of_money() {
    let app = TestApp::empty().await;
    let eur = |amount: f64| json!({"amount": amount, "currency": "EUR"});
    let line = |kind: &str, share: Value, amount: Value| json!({"kind": kind, "percentage": share, "amount": amount});
    let table = [
        (
            "whole",
            eur(177200.0),
            json!([line("eu", json!(84.30), eur(149379.0)), line("own_contribution", json!(15.70), eur(27821.0))]),
            vec![],
        ),
        (
            "amounts short",
            eur(100.0),
            json!([line("eu", Value::Null, eur(60.0)), line("own_contribution", Value::Null, eur(39.99))]),
            vec!["/funding amounts_not_whole"],
        ),
        (
            "amounts over",
            eur(100.0),
            json!([line("eu", Value::Null, eur(100.01)), line("own_contribution", Value::Null, Value::Null)]),
            vec!["/funding amounts_not_whole"],
        ),
        (
            "largest remainder",
            eur(100000.0),
            json!([
                line("eu", json!(33.33), eur(33333.33)),
                line("state_budget", json!(33.33), eur(33333.33)),
                line("own_contribution", json!(33.34), eur(33333.34))
            ]),
            vec![],
        ),
        (
            "negative part",
            eur(100.0),
            json!([line("eu", Value::Null, eur(-100.0)), line("own_contribution", Value::Null, eur(200.0))]),
            vec!["/funding/0/amount/amount negative_amount"],
        ),
        (
            "more than at most",
            json!({"amount": 100, "currency": "EUR", "exactness": "at_most"}),
            json!([line("eu", Value::Null, eur(500.0))]),
            vec!["/funding amounts_not_whole"],
        ),
        (
            "a large budget, a little off",
            eur(87725681.0),
            json!([line("eu", json!(85), eur(74575000.0)), line("own_contribution", json!(15), eur(13150681.0))]),
            vec!["/funding/0/percentage share_disagrees", "/funding/1/percentage share_disagrees"],
        ),
        (
            "no budget, and parts that disagree",
            Value::Null,
            json!([line("eu", json!(85), eur(10.0)), line("own_contribution", json!(15), eur(90.0))]),
            vec!["/funding/0/percentage share_disagrees", "/funding/1/percentage share_disagrees"],
        ),
        (
            "share and amount disagree",
            eur(100.0),
            json!([line("eu", json!(60), eur(50.0)), line("own_contribution", json!(40), eur(50.0))]),
            vec!["/funding/0/percentage share_disagrees", "/funding/1/percentage share_disagrees"],
        ),
        (
            "one share missing",
            eur(100.0),
            json!([line("eu", json!(60), Value::Null), line("own_contribution", Value::Null, Value::Null)]),
            vec!["/funding shares_incomplete"],
        ),
        (
            "another currency",
            eur(100.0),
            json!([line("eu", Value::Null, json!({"amount": 100, "currency": "RSD"}))]),
            vec!["/funding/0/amount/currency currency_differs"],
        ),
        (
            "a part that is not exact hides nothing",
            eur(100.0),
            json!([
                line("eu", Value::Null, eur(500.0)),
                line(
                    "own_contribution",
                    Value::Null,
                    json!({"amount": 1, "currency": "EUR", "exactness": "approximate"})
                )
            ]),
            vec!["/funding amounts_not_whole"],
        ),
        (
            "a lowest amount is too much",
            eur(100.0),
            json!([
                line("eu", Value::Null, eur(80.0)),
                line(
                    "own_contribution",
                    Value::Null,
                    json!({"amount": 50, "currency": "EUR", "exactness": "at_least"})
                )
            ]),
            vec!["/funding amounts_not_whole"],
        ),
        (
            "highest amounts are too little",
            eur(100.0),
            json!([
                line("eu", Value::Null, eur(50.0)),
                line("own_contribution", Value::Null, json!({"amount": 10, "currency": "EUR", "exactness": "at_most"}))
            ]),
            vec!["/funding amounts_not_whole"],
        ),
        (
            "a lowest amount above its share",
            eur(100.0),
            json!([
                line("eu", json!(40), Value::Null),
                line("own_contribution", json!(60), json!({"amount": 70, "currency": "EUR", "exactness": "at_least"}))
            ]),
            vec!["/funding/1/percentage share_disagrees"],
        ),
        ("negative budget", eur(-1.0), json!([]), vec!["/budget/amount negative_amount"]),
        ("five places", json!({"amount": 0.00001, "currency": "EUR"}), json!([]), vec!["/budget/amount multipleOf"]),
        (
            "sixteen digits",
            serde_json::from_str(r#"{"amount": 1234567890123.456, "currency": "EUR"}"#).unwrap(),
            json!([]),
            vec!["/budget/amount number_inexact"],
        ),
        ("no currency", json!({"amount": 1}), json!([]), vec!["/budget/currency required"]),
        ("text", json!({"amount": "1", "currency": "EUR"}), json!([]), vec!["/budget/amount type"]),
        (
            "about",
            json!({"amount": 100, "currency": "EUR", "exactness": "at_most"}),
            json!([line("eu", Value::Null, eur(60.0))]),
            vec![],
        ),
    ];
    for (n, (what, budget, funding, expected)) in table.into_iter().enumerate() {
        let mut record = make::programme("A");
        record["budget"] = budget;
        record["funding"] = funding;
        let answer = app.town().put(&format!("/v1/programmes/T-{n}"), &record, &[]).await;
        if expected.is_empty() {
            answer.expect(201);
        } else {
            assert_eq!(answer.problem(400), expected, "{what}");
        }
    }
    let exact = app.anon().get("/v1/programmes/T-0").await.text();
    assert!(exact.contains(r#""amount":177200.00,"#) && exact.contains(r#""percentage":84.3,"#), "{exact}");
}
