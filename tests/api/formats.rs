//! CSV and NDJSON: the same records as JSON, all of them.

use aid_register::collections;
use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;

#[actix_web::test]
async fn every_format_has_every_record() {
    let app = TestApp::shipped().await;
    for kind in collections::ALL {
        let collection = kind.collection;
        let json = app.anon().get(&format!("/v1/{collection}?limit=1000")).await.expect(200).json();
        let records = json["data"].as_array().unwrap();
        assert_eq!(json["links"]["next"], Value::Null);
        let ndjson = app.anon().get(&format!("/v1/{collection}.ndjson")).await.expect(200).text();
        let lines: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(&lines, records, "{collection}");
        let array = app.anon().get(&format!("/v1/{collection}?limit=1000&shape=array")).await.expect(200).json();
        assert_eq!(array.as_array().unwrap(), records);
        let csv = app.anon().get(&format!("/v1/{collection}.csv")).await.expect(200);
        let mut reader = csv::Reader::from_reader(csv.body.as_slice());
        let header = reader.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), records.len());
        for (row, record) in rows.iter().zip(records) {
            assert_eq!(&row[0], record["identifier"].as_str().unwrap());
            for (member, value) in record.as_object().unwrap() {
                let shows = kind.columns.iter().filter(|column| column.member() == member);
                let mut names: Vec<String> = shows.flat_map(|column| column.names()).collect();
                names.extend([member.clone(), format!("{member}_json")]);
                let columns: Vec<usize> =
                    (0..header.len()).filter(|n| names.iter().any(|name| *name == header[*n])).collect();
                assert!(!columns.is_empty(), "{collection}: no column shows {member}");
                let filled = columns.iter().any(|n| !row[*n].is_empty());
                let empty = value.is_null() || value == &json!([]) || value == &json!({});
                assert_eq!(filled, !empty, "{collection} {member}: {value}");
            }
        }
    }
}

#[actix_web::test]
async fn cells_are_safe_and_exact() {
    let app = TestApp::empty().await;
    let town = app.town();
    let mut record = make::grant("=cmd|' /C calc'!A0");
    record["title"] = json!({"en": "=1+1", "sr": "quote \" comma , line\nend", "ro": "Ț", "sr-Cyrl": "\u{202e}Ћ 🏫"});
    record["budget"] = json!({"amount": 1234.5, "currency": "EUR"});
    record["sectors"] = json!([{"code": "15112", "percentage": 60}, {"code": "11220", "percentage": 40}]);
    town.put("/v1/grants/T-1", &record, &[]).await.expect(201);
    let csv = app.anon().get("/v1/grants.csv").await.expect(200);
    let mut reader = csv::Reader::from_reader(csv.body.as_slice());
    let header = reader.headers().unwrap().clone();
    let row = reader.records().next().unwrap().unwrap();
    let cell = |name: &str| row.get(header.iter().position(|other| other == name).unwrap()).unwrap().to_owned();
    assert_eq!(cell("title_en"), "'=1+1");
    assert_eq!(cell("title_sr"), "quote \" comma , line\nend");
    assert_eq!(cell("title_sr_cyrl"), "\u{202e}Ћ 🏫");
    assert_eq!(cell("title_other"), "{\"ro\":\"Ț\"}");
    assert_eq!((cell("budget_amount").as_str(), cell("budget_currency").as_str()), ("1234.50", "EUR"));
    assert_eq!(cell("sector_code"), "15112|11220");
    assert_eq!(cell("sector_name"), "Decentralisation and support to subnational government|Primary education");
    assert!(csv.text().starts_with("identifier,") && csv.text().contains("\r\n"));
    town.put("/v1/programmes/T-P", &make::programme("=2"), &[]).await.expect(201);
    record["programme"] = json!("T-P");
    town.put("/v1/grants/T-1", &record, &[("if-match", "*")]).await.expect(200);
    let totals = app.anon().get("/v1/totals/grants.csv?group_by=programme").await.expect(200).text();
    assert!(totals.contains("\ngroup,T-P,'=2,,,EUR,1234.50,1,"), "{totals}");
    let bom = app.anon().get("/v1/grants.csv?bom=true&fields=budget").await.expect(200).text();
    assert!(
        bom.starts_with("\u{feff}identifier,budget_amount,budget_currency,budget_value_date,budget_exactness\r\n"),
        "{bom}"
    );
}

#[actix_web::test]
async fn fields_and_includes() {
    let app = TestApp::shipped().await;
    let few = app.anon().get("/v1/programmes?fields=title,budget&limit=2").await.expect(200).json();
    let members: Vec<&String> = few["data"][0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["identifier", "title", "budget"]);
    let lines = app.anon().get("/v1/programmes.ndjson?fields=title").await.expect(200).text();
    assert!(lines.lines().all(|line| line.starts_with("{\"identifier\":") && !line.contains("status")));
    let grant =
        app.anon().get("/v1/grants/AR-CUPRIJA-CAC-GRANT?include=programmes,beneficiaries").await.expect(200).json();
    assert!(grant["included"]["programmes"]["AR-CUPRIJA-CAC"]["title"].is_object());
    assert!(grant["included"]["beneficiaries"]["AR-BEN-CUPRIJA"]["name"].is_object());
    let page = app.anon().get("/v1/grants?include=sources&count=exact").await.expect(200).json();
    assert!(!page["included"]["sources"].as_object().unwrap().is_empty());
    assert_eq!(page["meta"]["total"].as_u64().unwrap() as usize, page["data"].as_array().unwrap().len());
    let few = app.anon().get("/v1/grants?count=estimated").await.expect(200).json();
    assert_eq!(
        (&few["meta"]["count"], &few["meta"]["total"]),
        (&json!("exact"), &json!(few["data"].as_array().unwrap().len()))
    );
}
