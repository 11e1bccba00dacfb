//! The shipped content: complete, sourced, and loaded as a write is.

use std::collections::BTreeSet;

use aid_register::collections;
use serde_json::Value;

use crate::support::TestApp;

/// Members that need no source: what the register adds, and the sources themselves.
const OWN: &[&str] = &[
    "identifier",
    "sources",
    "place_notes",
    "publisher",
    "version",
    "created_at",
    "updated_at",
    "funding_totals",
    "additive",
];

#[actix_web::test]
async fn every_field_has_a_source() {
    let app = TestApp::shipped().await;
    let mut checked = 0;
    for kind in collections::ALL.iter().filter(|kind| kind.collection != "sources") {
        let list = app.anon().get(&format!("/v1/{}?limit=1000", kind.collection)).await.expect(200).json();
        for record in list["data"].as_array().unwrap() {
            let cited: BTreeSet<&str> = record["sources"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|citation| citation["fields"].as_array().unwrap())
                .map(|field| field.as_str().unwrap().split('/').nth(1).unwrap_or(""))
                .collect();
            for (member, value) in record.as_object().unwrap() {
                let empty = value.is_null()
                    || value.as_array().is_some_and(Vec::is_empty)
                    || value.as_object().is_some_and(serde_json::Map::is_empty);
                let usual = member == "exactness" && value == "exact";
                if !empty && !usual && !OWN.contains(&member.as_str()) {
                    let sourced = cited.contains("") || cited.contains(member.as_str());
                    assert!(sourced, "{} {}: no source says {member}", kind.singular, record["identifier"]);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 1000, "{checked}");
}

#[actix_web::test]
async fn the_five_programmes_are_there() {
    let app = TestApp::shipped().await;
    let programmes = app.anon().get("/v1/programmes").await.identifiers();
    for programme in ["AR-EUINTEGRA", "AR-LNOB", "AR-CUPRIJA-CAC", "AR-EGOV-FOR-ALL", "AR-INTERREG-RORS"] {
        assert!(programmes.contains(&programme.to_owned()), "{programme}");
    }
    let kosovo = app.anon().get("/v1/locations/XK").await.expect(200).json();
    assert!(kosovo["note"]["en"].as_str().unwrap().contains("1244"));
    let csv = app.anon().get("/v1/locations.csv?place=XK").await.expect(200).text();
    assert!(csv.contains("1244"), "the note travels with every format");
    let local: Value = app.anon().get("/v1/locations?kind=municipality&country=RS&count=exact").await.json();
    assert_eq!(local["meta"]["total"], 175);
}
