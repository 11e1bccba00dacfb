//! Tables: CSV and workbooks as they come back from a spreadsheet.

use aid_register::collections;
use serde_json::json;

use crate::imports::{faults, grant, send};
use crate::make;
use crate::support::TestApp;

#[actix_web::test]
async fn tables_take_back_what_they_gave() {
    let app = TestApp::shipped().await;
    let admin = app.admin();
    app.admin().put("/v1/transactions/AR-T1", &make::any("transactions", "AR-T1", 1), &[]).await.expect(201);
    for kind in collections::ALL {
        let name = kind.collection;
        let total = app.anon().get(&format!("/v1/{name}?count=exact&limit=1")).await.json()["meta"]["total"].clone();
        for format in ["csv", "ndjson", "xlsx"] {
            let exported = app.anon().get(&format!("/v1/{name}.{format}")).await.expect(200).body;
            let report =
                send(&admin, &format!("collection={name}&format={format}"), exported, &[]).await.expect(200).json();
            assert_eq!(
                (&report["counts"]["unchanged"], &report["counts"]["read"]),
                (&total, &total),
                "{name} {format}: {report}"
            );
        }
        let page = app.anon().get(&format!("/v1/{name}?limit=1000")).await.expect(200).body;
        let json = [("content-type", "application/json")];
        let report = send(&admin, &format!("collection={name}"), page, &json).await.expect(200).json();
        assert_eq!(report["counts"]["unchanged"], total, "{name}");
    }
}

#[actix_web::test]
async fn a_table_changes_what_it_has_columns_for() {
    let app = TestApp::empty().await;
    let town = app.town();
    let mut whole = grant("T-1", "=1+1");
    whole["budget"] = json!({"amount": 149379.5, "currency": "EUR"});
    whole["sectors"] = json!([{"code": "a|b\\", "vocabulary": "99", "percentage": 100}]);
    whole["places"] = json!([]);
    town.put("/v1/grants/T-1", &whole, &[]).await.expect(201);
    let table = "identifier;title_sr;status\r\nT-1;Мост;finalisation\r\nT-2;Кров;pipeline\r\n";
    let report = send(&town, "collection=grants&format=csv", format!("\u{feff}{table}"), &[]).await.expect(200).json();
    assert_eq!((&report["counts"]["updated"], &report["counts"]["created"]), (&json!(1), &json!(1)));
    let changed = app.anon().get("/v1/grants/T-1").await.json();
    assert_eq!(changed["title"], json!({"en": "=1+1", "sr": "Мост"}), "a language without a column stays");
    assert_eq!(changed["status"], "finalisation");
    assert_eq!(
        (changed["budget"]["amount"].to_string(), &changed["sectors"][0]["code"]),
        ("149379.50".into(), &json!("a|b\\"))
    );
    let exported = app.anon().get("/v1/grants.csv?fields=sectors").await.text();
    let again = send(&town, "collection=grants&format=csv", exported, &[]).await.expect(200).json();
    assert_eq!(again["counts"]["unchanged"], 2);
    let wrong = "identifier,titel_en,status,budget_amount,budget_currency\nT-1,x,closed,1,EUR\n";
    let refused = send(&town, "collection=grants&format=csv", wrong, &[]).await;
    assert_eq!(faults(&refused.json()), ["1 titel_en - - column_unknown"]);
    let wrong = "identifier,title_en,status,budget_amount,budget_currency,deleted\nT-3,x,clsd,\"1.234,5\",EURO,\nT-4,,closed,,,maybe\nT-5,a,closed,1,EUR,,,\n";
    let refused = send(&town, "collection=grants&format=csv", wrong, &[]).await;
    let expected = [
        "2 budget_amount /budget/amount T-3 number_invalid",
        "2 budget_currency /budget/currency T-3 currency_invalid",
        "2 status /status T-3 code_unknown",
        "3 deleted /deleted T-4 boolean_invalid",
        "3 title_en /title T-4 required",
        "4 - - T-5 row_length",
    ];
    let mut found = faults(&refused.json());
    found.sort();
    assert_eq!(found, expected);
}

#[actix_web::test]
async fn a_table_leaves_what_it_has_no_column_for() {
    let app = TestApp::empty().await;
    let town = app.town();
    let mut whole = grant("T-1", "A");
    whole["budget"] = json!({"amount": 100, "currency": "EUR", "exactness": "approximate", "value_date": "2024"});
    whole["sectors"] = json!([{"code": "11110", "percentage": 60}, {"code": "-x|+", "percentage": 100, "vocabulary": "99"}, {"code": "12110", "percentage": 40}]);
    for id in ["T-L1", "T-L2"] {
        town.put(&format!("/v1/locations/{id}"), &make::any("locations", id, 1), &[]).await.expect(201);
    }
    whole["places"] = json!([{"location": "T-L1", "percentage": 100}]);
    town.put("/v1/grants/T-1", &whole, &[]).await.expect(201);
    let mut group = make::any("beneficiaries", "T-B", 3);
    group["population"] = json!({"value": 10, "year": "2020"});
    town.put("/v1/beneficiaries/T-B", &group, &[]).await.expect(201);
    let import = async |collection: &str, table: &str| {
        send(&town, &format!("collection={collection}&format=csv"), table, &[]).await
    };
    // Nothing that is read-only, and no part alone, changes the rest.
    for table in [
        "identifier,sector_name\nT-1,Foo\n",
        "identifier,publisher,version\nT-1,x,9\n",
        "identifier,sector_code\nT-1,11110|-x\\|+|12110\n",
        "identifier,places_location\nT-1,T-L1\n",
        "identifier,budget_amount\nT-1,100\n",
        "identifier,title_en\nT-1,A\n",
    ] {
        let report = import("grants", table).await.expect(200).json();
        assert_eq!(report["counts"]["unchanged"], 1, "{table}");
    }
    import("grants", "identifier,budget_amount\nT-1,200\n").await.expect(200);
    let budget = app.anon().get("/v1/grants/T-1").await.json()["budget"].clone();
    assert_eq!(
        budget.to_string(),
        r#"{"amount":200.00,"currency":"EUR","value_date":"2024","exactness":"approximate"}"#
    );
    import("beneficiaries", "identifier,population_value,population_year\nT-B,20,\n").await.expect(200);
    assert_eq!(app.anon().get("/v1/beneficiaries/T-B").await.json()["population"]["value"], 20);
    import("beneficiaries", "identifier,population_value\nT-B,30\n").await.expect(200);
    // An export that was changed in one of two columns is not taken for unchanged.
    let exported = app.anon().get("/v1/grants.csv").await.text();
    assert_eq!(import("grants", &exported).await.expect(200).json()["counts"]["unchanged"], 1);
    let edited = exported.replace(",T-L1,", ",T-L2,");
    let refused = import("grants", &edited).await;
    assert_eq!(faults(&refused.json()), ["2 places_location /places T-1 columns_disagree"]);
}

#[actix_web::test]
async fn workbooks_are_tables() {
    let app = TestApp::empty().await;
    let template = app.anon().get("/v1/imports/template.xlsx?collection=grants").await.expect(200).body;
    let twice: Vec<u8> = aid_register::imports::xlsx::template(
        collections::find("grants").unwrap(),
        &aid_register::imports::cells::fillable(collections::find("grants").unwrap()),
        &aid_register::imports::cells::codes(collections::find("grants").unwrap()),
    )
    .unwrap();
    assert_eq!(twice, template, "a strong tag stands for the same bytes");
    use calamine::Reader;
    let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(std::io::Cursor::new(template.clone())).unwrap();
    let header: Vec<String> =
        book.worksheet_range("grants").unwrap().rows().next().unwrap().iter().map(ToString::to_string).collect();
    let codes = book.worksheet_range("codes").unwrap();
    assert!(header.contains(&"title_sr".to_owned()) && header[0] == "identifier");
    assert!(codes.rows().any(|row| row.iter().any(|cell| *cell == *"implementation")));
    // An empty one says nothing; a filled one is taken, dates and numbers as what they are.
    let report = send(&app.town(), "collection=grants&format=xlsx", template, &[]).await.expect(200).json();
    assert_eq!(report["counts"]["read"], 0);
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (n, name) in
        (0u16..).zip(["identifier", "title_en", "status", "start_date", "budget_amount", "budget_currency"])
    {
        sheet.write(0, n, name).unwrap();
    }
    let day = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 3, 1).unwrap();
    let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
    sheet.write(1, 0, "T-1").unwrap().write(1, 1, "Мост").unwrap().write(1, 2, "closed").unwrap();
    sheet.write_with_format(1, 3, &day, &date).unwrap();
    sheet.write(1, 4, 149379.3).unwrap().write(1, 5, "EUR").unwrap();
    let filled = book.save_to_buffer().unwrap();
    send(&app.town(), "collection=grants&format=xlsx", filled, &[]).await.expect(200);
    let grant = app.anon().get("/v1/grants/T-1").await.expect(200).json();
    assert_eq!(
        (&grant["start_date"], grant["budget"]["amount"].to_string()),
        (&json!("2026-03-01"), "149379.30".into())
    );
}

#[actix_web::test]
async fn a_text_that_a_cell_cut_does_not_come_back() {
    let app = TestApp::empty().await;
    let mut grant = make::grant("A");
    grant["description"] = json!({"en": "õ".repeat(40_000)});
    app.town().put("/v1/grants/T-1", &grant, &[]).await.expect(201);
    let book = async |fields: &str| app.anon().get(&format!("/v1/grants.xlsx{fields}")).await.expect(200).body;
    let refused = send(&app.town(), "collection=grants&format=xlsx", book("").await, &[]).await.expect(400).json();
    assert_eq!(faults(&refused), ["2 description_en - T-1 cell_invalid"]);
    let report = send(&app.town(), "collection=grants&format=xlsx", book("?fields=title").await, &[]).await;
    assert_eq!(report.expect(200).json()["counts"]["unchanged"], 1);
}

/// A workbook that says to be as large as one can be.
pub fn sparse() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "identifier").unwrap().write(1_048_575, 16_383, "x").unwrap();
    book.save_to_buffer().unwrap()
}

/// A workbook with a formula that nobody computed, as programs write them.
pub fn formula() -> Vec<u8> {
    use std::io::{Cursor, Read, Write};
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "identifier").unwrap().write(0, 1, "budget_amount").unwrap();
    sheet.write(1, 0, "T-1").unwrap().write_formula(1, 1, "=50+50").unwrap();
    let mut parts = zip::ZipArchive::new(Cursor::new(book.save_to_buffer().unwrap())).unwrap();
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for n in 0..parts.len() {
        let mut part = parts.by_index(n).unwrap();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        archive.start_file(part.name().unwrap(), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.replace("</f><v>0</v>", "</f>").as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
