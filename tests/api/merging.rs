//! Two records of one body become one: references move, identifiers are joined, the address redirects.

use serde_json::{Value, json};

use crate::imports::send;
use crate::make;
use crate::support::TestApp;

#[actix_web::test]
async fn a_merge_moves_what_refers_and_leaves_a_redirect() {
    let app = TestApp::empty().await;
    let body = |id: &str, code: &str| json!({"identifier": id, "name": {"en": id}, "type": "government", "identifiers": [{"scheme": "XM-DAC", "code": code}, {"scheme": "RS-PIB", "code": "1"}]});
    let mut grant = make::any("grants", "T-G", 1);
    grant["budget"] = json!({"amount": 100, "currency": "EUR"});
    grant["funding"] = json!([{"organisation": "T-A", "kind": "eu", "percentage": 60}, {"organisation": "T-B", "kind": "eu", "percentage": 40}]);
    grant["organisations"] = json!([{"organisation": "T-A", "role": "implementing"}]);
    let mut flow = make::any("transactions", "T-T", 1);
    flow["type"] = json!("disbursement");
    flow["provider"] = json!({"organisation": "T-A"});
    let beneficiary = json!({"identifier": "T-BEN", "kind": "institution", "name": {"en": "x"}, "organisation": "T-A"});
    let records = [
        ("organisations", body("T-A", "41114")),
        ("organisations", body("T-B", "46004")),
        ("grants", grant),
        ("transactions", flow),
        ("beneficiaries", beneficiary),
    ];
    make::write(&mut app.connection().await, &records).await;
    let before = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let (town, anon) = (app.town(), app.anon());
    let merge = async |into: &str, headers: &[(&str, &str)]| {
        town.post_with("/v1/organisations/T-A/merge", &json!({"into": into}), headers).await
    };
    merge("T-B", &[]).await.problem(428);
    merge("T-B", &[("if-match", "\"9\"")]).await.problem(412);
    for wrong in ["T-A", "T-G", "T-none"] {
        assert_eq!(merge(wrong, &[("if-match", "*")]).await.problem(400), ["/into reference_unknown"], "{wrong}");
    }
    assert_eq!(merge(" ", &[("if-match", "*")]).await.problem(400).len(), 1);
    anon.post("/v1/organisations/T-A/merge", &json!({"into": "T-B"})).await.problem(401);
    let answer = merge("T-B", &[("if-match", "*")]).await.expect(200);
    assert_eq!(answer.json(), json!({"merged": "T-A", "into": "T-B", "changed": 4}));
    // What referred to the one refers to the other, and is found by it.
    let grant = anon.get("/v1/grants/T-G").await.json();
    assert_eq!((&grant["version"], &grant["funding"][0]["organisation"]), (&json!(2), &json!("T-B")));
    assert_eq!(grant["organisations"], json!([{"organisation": "T-B", "role": "implementing"}]));
    assert_eq!(anon.get("/v1/grants?implementer=T-B").await.identifiers(), ["T-G"]);
    assert_eq!(anon.get("/v1/transactions?provider=T-B").await.identifiers(), ["T-T"]);
    assert!(anon.get("/v1/grants?organisation=T-A").await.identifiers().is_empty());
    assert_eq!(anon.get("/v1/beneficiaries/T-BEN").await.json()["organisation"], "T-B");
    let totals = anon.get("/v1/totals/grants?group_by=funder").await.json();
    assert_eq!((&totals["data"][0]["funder"], totals["data"][0]["sum"].to_string()), (&json!("T-B"), "100.00".into()));
    // The other is found by the identifiers of both.
    for code in ["41114", "46004", "1", "XM-DAC-41114", "RS-PIB-1,none"] {
        assert_eq!(anon.get(&format!("/v1/organisations?code={code}")).await.identifiers(), ["T-B"], "{code}");
    }
    for other in ["GB-CHC-41114", "DAC-41114", "XM-DAC", "XM-DAC-1"] {
        assert!(anon.get(&format!("/v1/organisations?code={other}")).await.identifiers().is_empty(), "{other}");
    }
    assert_eq!(anon.get("/v1/organisations/T-B").await.json()["identifiers"].as_array().unwrap().len(), 3);
    // Who still names the other is told which one to name.
    let late = json!({"name": {"en": "x"}, "kind": "institution", "organisation": "T-A"});
    let written = town.put("/v1/beneficiaries/T-LATE", &late, &[]).await.expect(400).text();
    let line = json!({"collection": "beneficiaries", "identifier": "T-LATE"}).as_object().unwrap().clone();
    let line: Value = line.into_iter().chain(late.as_object().unwrap().clone()).collect();
    let sent = send(&town, "format=ndjson", line.to_string(), &[]).await.text();
    for told in [written, sent] {
        assert!(told.contains("T-A was merged into T-B: name that"), "{told}");
    }
    // The address redirects for ever; the history and the feed tell it.
    assert_eq!(anon.get("/v1/organisations/T-A").await.expect(308).header("location"), "/v1/organisations/T-B");
    let versions = anon.get("/v1/organisations/T-A/versions").await.json();
    assert_eq!(
        (&versions["data"][0]["change"], &versions["data"][0]["merged_into"]),
        (&json!("merged"), &json!("T-B"))
    );
    let feed = anon.get("/v1/changes?limit=1000").await.json();
    let last: Vec<String> = feed["data"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .take(5)
        .map(|change| format!("{} {}", change["change"].as_str().unwrap(), change["identifier"].as_str().unwrap()))
        .collect();
    assert_eq!(last, ["merged T-A", "changed T-T", "changed T-G", "changed T-BEN", "changed T-B"]);
    merge("T-B", &[("if-match", "*")]).await.problem(410);
    // As it was before.
    let then = anon.get(&format!("/v1/grants?organisation=T-A&as_of={before}")).await;
    assert_eq!(then.identifiers(), ["T-G"]);
    assert_eq!(anon.get(&format!("/v1/grants/T-G?as_of={before}")).await.json()["funding"][0]["organisation"], "T-A");
}

#[actix_web::test]
async fn nobody_merges_what_others_refer_to_but_an_administrator() {
    let app = TestApp::shipped().await;
    let mut connection = app.connection().await;
    make::write(
        &mut connection,
        &[
            ("organisations", make::any("organisations", "T-EC", 1)),
            ("organisations", make::any("organisations", "T-EU", 1)),
        ],
    )
    .await;
    let mut grant = make::any("grants", "AR-G", 1);
    grant["organisations"] = json!([{"organisation": "T-EC", "role": "funding"}]);
    make::write(&mut connection, &[("grants", grant)]).await;
    let (path, body, any) = ("/v1/organisations/T-EC/merge", json!({"into": "T-EU"}), [("if-match", "*")]);
    let refused = app.town().post_with(path, &body, &any).await;
    assert!(refused.text().contains("1 grants of"), "{}", refused.text());
    refused.problem(403);
    app.anon().get("/v1/organisations/T-EC").await.expect(200);
    app.admin().post_with(path, &body, &any).await.expect(200);
    app.anon().get("/v1/organisations/T-EC").await.expect(308);
    // There are no merges of what is not a body.
    app.admin().post_with("/v1/grants/AR-G/merge", &body, &any).await.problem(404);
}
