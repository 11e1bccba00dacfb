//! Code lists: what they hold, and that withdrawn codes still resolve.

use serde_json::json;

use crate::reference;
use crate::support::TestApp;

#[actix_web::test]
async fn lists_have_their_codes_with_names_and_what_was_withdrawn() {
    let app = TestApp::empty().await;
    let anon = app.anon();
    let lists = anon.get("/v1/codelists").await.expect(200).json();
    let lists = lists["data"].as_array().unwrap();
    for name in ["ActivityStatus", "Sector", "SectorCategory", "KindOfMoney", "UNSDG-Goals"] {
        let list = lists.iter().find(|list| list["name"] == name).unwrap();
        let whole = anon.get(&format!("/v1/codelists/{name}")).await.expect(200).json();
        let codes = whole["data"].as_array().unwrap();
        assert_eq!((&whole["version"], codes.len()), (&list["version"], list["count"].as_u64().unwrap() as usize));
        let csv = anon.get(&format!("/v1/codelists/{name}.csv")).await.expect(200).text();
        assert_eq!(csv.lines().count(), codes.len() + 1, "{name}");
        for code in codes {
            let path = code["url"].as_str().unwrap();
            assert_eq!(&anon.get(path).await.expect(200).json(), code);
        }
    }
    let status = anon.get("/v1/codelists/ActivityStatus/2").await.json();
    assert_eq!((&status["value"], &status["name"]["en"]), (&json!("implementation"), &json!("Implementation")));
    let withdrawn = anon.get("/v1/codelists/Sector?status=withdrawn").await.json();
    let gone = &withdrawn["data"][0];
    assert_eq!(gone["status"], "withdrawn");
    anon.get(gone["url"].as_str().unwrap()).await.expect(200);
    let two = anon.get("/v1/codelists/Sector?code=11220,14030").await.json();
    assert_eq!(two["data"].as_array().unwrap().len(), 2);
    anon.get("/v1/codelists/Sectr").await.problem(404);
    anon.get("/v1/codelists/Sector/1").await.problem(404);
    assert_eq!(anon.get("/v1/codelists/Sector?status=gone").await.problem(400), ["status value_unknown"]);
}

#[actix_web::test]
#[cfg_attr(no_reference, ignore = "the reference files are missing: set REGISTER_REFERENCE")]
async fn the_lists_are_iatis() {
    let app = TestApp::empty().await;
    for name in
        ["ActivityStatus", "TransactionType", "Sector", "Country", "TagVocabulary", "OrganisationType", "FinanceType"]
    {
        let list = app.anon().get(&format!("/v1/codelists/{name}")).await.expect(200).json();
        let found: Vec<(String, String)> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|code| (code["code"].as_str().unwrap().into(), code["status"].as_str().unwrap().into()))
            .collect();
        let expected: Vec<(String, String)> = reference::table(&format!("iati/codelists/csv/{name}.csv"))
            .into_iter()
            .map(|mut row| (row.remove("code").unwrap(), row.remove("status").unwrap()))
            .collect();
        assert_eq!(found, expected, "{name}");
    }
}
