//! Imports: every format, all or nothing or each by itself, tried and done alike.

use aid_register::collections;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::make;
use crate::support::{Answer, Client, TestApp};

/// Sends a body to `/v1/imports?…`.
pub async fn send(client: &Client, query: &str, body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Answer {
    let mut request = client.request("POST", &format!("/v1/imports?{query}")).body(body.into());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.send(request).await
}

/// Faults with their places: `row column pointer identifier code`.
pub fn faults(problem: &Value) -> Vec<String> {
    let text = |fault: &Value, name: &str| match &fault[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let errors = problem["errors"].as_array().unwrap().iter();
    errors
        .map(|fault| ["row", "column", "pointer", "identifier", "code"].map(|name| text(fault, name)).join(" "))
        .collect()
}

pub fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

pub fn grant(identifier: &str, title: &str) -> Value {
    let mut grant = make::grant(title);
    grant["identifier"] = identifier.into();
    grant
}

#[actix_web::test]
async fn a_batch_is_stored_with_its_history() {
    let app = TestApp::empty().await;
    let town = app.town();
    let mut child = grant("T-1", "A");
    child["programme"] = "T-P".into();
    child["collection"] = "grants".into();
    let mut parent = make::programme("P");
    parent["identifier"] = "T-P".into();
    parent["collection"] = "programmes".into();
    // The reference comes before what it refers to.
    let answer =
        send(&town, "format=ndjson&reason=nightly", lines(&[child.clone(), parent]), &[("x-request-id", "night")])
            .await;
    let report = answer.expect(200).json();
    assert_eq!(report["status"], "completed");
    assert_eq!(
        report["counts"],
        json!({"read": 2, "created": 2, "updated": 0, "unchanged": 0, "deleted": 0, "refused": 0})
    );
    let version = app.anon().get("/v1/grants/T-1/versions").await.expect(200).json()["data"][0].clone();
    assert_eq!(
        (&version["import"], &version["reason"], &version["request_id"]),
        (&report["id"], &json!("nightly"), &json!("night"))
    );
    // Again, changed, and gone.
    child["title"]["en"] = "B".into();
    let body = lines(&[json!({"identifier": "T-1", "deleted": true}), grant("T-2", "New")]);
    let query = "format=ndjson&collection=grants";
    assert_eq!(send(&town, query, body.clone(), &[]).await.expect(200).json()["counts"]["deleted"], 1);
    let again = send(&town, query, body, &[]).await.expect(200).json();
    assert_eq!(
        again["counts"],
        json!({"read": 2, "created": 0, "updated": 0, "unchanged": 2, "deleted": 0, "refused": 0})
    );
    app.anon().get("/v1/grants/T-1").await.problem(410);
    let positions = app.anon().get("/v1/changes").await.json()["data"].as_array().unwrap().len();
    assert_eq!(positions, 4, "an unchanged replay makes no version");
    let shown = town.get(&format!("/v1/imports/{}", report["id"].as_str().unwrap())).await.expect(200).json();
    assert_eq!(shown, report);
}

#[actix_web::test]
async fn every_fault_of_a_mixed_batch_is_named_and_nothing_stored() {
    let app = TestApp::empty().await;
    let town = app.town();
    town.put("/v1/sources/T-S", &make::any("sources", "T-S", 1), &[]).await.expect(201);
    town.put("/v1/sources/T-S2", &make::any("sources", "T-S2", 1), &[]).await.expect(201);
    town.put("/v1/grants/T-GONE", &make::grant("A"), &[]).await.expect(201);
    town.delete("/v1/grants/T-GONE", &[("if-match", "*")]).await.expect(204);
    let mut refers = grant("T-3", "C");
    refers["programme"] = "T-NONE".into();
    let mut to_wrong = grant("T-10", "D");
    to_wrong["call"] = "T-S2".into();
    let body = [
        grant("T-1", "fine").to_string(),
        r#"{"identifier": "T-2", "title": {"en": "x"}, "status": "opne", "budget": {"amount": 1}}"#.into(),
        refers.to_string(),
        "{not JSON".into(),
        grant("C-1", "foreign").to_string(),
        grant("X-1", "nobody's").to_string(),
        grant("T-1", "twice").to_string(),
        grant("T-S", "taken").to_string(),
        String::new(),
        grant("T-GONE", "gone").to_string(),
        r#"{"identifier": "T-9", "deleted": true}"#.into(),
        r#"{"title": {"en": "x"}, "status": "closed", "status": "closed"}"#.into(),
        to_wrong.to_string(),
        r#"{"title": {"en": "x"}, "status": "closed"}"#.into(),
    ]
    .join("\n");
    let before = app.anon().get("/v1/changes?limit=1000").await.json()["meta"]["cursor"].clone();
    let refused = send(&town, "format=ndjson&collection=grants", body.clone(), &[]).await;
    let expected = [
        "2 - /budget/currency T-2 required",
        "2 - /status T-2 code_unknown",
        "3 - /programme T-3 reference_unknown",
        "4 -  - json_malformed",
        "5 - /identifier C-1 prefix_foreign",
        "6 - /identifier X-1 prefix_unknown",
        "7 - /identifier T-1 duplicate",
        "8 - /identifier T-S identifier_taken",
        "10 - /identifier T-GONE identifier_gone",
        "11 - /identifier T-9 record_unknown",
        "12 - /status - duplicate_key",
        "13 - /call T-10 reference_unknown",
        "14 - /identifier - required",
    ];
    assert_eq!(faults(&refused.json()), expected);
    assert_eq!(refused.status, 400);
    let report = refused.json()["report"].clone();
    assert_eq!(
        (&report["status"], &report["counts"]["refused"], &report["counts"]["read"]),
        (&json!("refused"), &json!(12), &json!(13))
    );
    assert_eq!(app.anon().get("/v1/changes?limit=1000").await.json()["meta"]["cursor"], before);
    // Each by itself: what is right goes in.
    let done = send(&town, "format=ndjson&collection=grants&mode=independent", body, &[]).await.expect(200).json();
    assert_eq!(
        done["counts"],
        json!({"read": 13, "created": 1, "updated": 0, "unchanged": 0, "deleted": 0, "refused": 12})
    );
    assert_eq!(faults(&done), expected);
    assert_eq!(app.anon().get("/v1/grants").await.identifiers(), ["T-1"]);
}

#[actix_web::test]
async fn what_refers_to_a_refused_record_is_refused_with_it() {
    let app = TestApp::empty().await;
    let programme = |id: &str, parent: Value| {
        let mut programme = make::programme("P");
        programme["identifier"] = id.into();
        programme["parent"] = parent;
        programme
    };
    let mut bad = programme("T-1", Value::Null);
    bad["status"] = "x".into();
    let records = [programme("T-3", json!("T-2")), programme("T-2", json!("T-1")), bad, programme("T-4", Value::Null)];
    let query = "format=ndjson&collection=programmes&mode=independent";
    let done = send(&app.town(), query, lines(&records), &[]).await.expect(200).json();
    let expected =
        ["1 - /parent T-3 reference_refused", "2 - /parent T-2 reference_refused", "3 - /status T-1 code_unknown"];
    assert_eq!(faults(&done), expected);
    let circle = [programme("T-5", json!("T-6")), programme("T-6", json!("T-5")), programme("T-7", json!("T-4"))];
    let done = send(&app.town(), query, lines(&circle), &[]).await.expect(200).json();
    assert_eq!(faults(&done), ["1 - /parent T-5 circle", "2 - /parent T-6 circle"]);
    // What others refer to stays, unless they go in the same batch.
    let gone = |id: &str| json!({"identifier": id, "deleted": true});
    let done = send(&app.town(), query, lines(&[gone("T-4")]), &[]).await.expect(200).json();
    assert_eq!(faults(&done), ["1 -  T-4 still_referred"]);
    let done = send(&app.town(), query, lines(&[gone("T-4"), gone("T-7")]), &[]).await.expect(200).json();
    assert_eq!(done["counts"]["deleted"], 2);
}

#[actix_web::test]
async fn tables_take_back_what_they_gave() {
    let app = TestApp::shipped().await;
    let admin = app.admin();
    app.admin().put("/v1/transactions/AR-T1", &make::any("transactions", "AR-T1", 1), &[]).await.expect(201);
    for kind in collections::ALL {
        let name = kind.collection;
        let total = app.anon().get(&format!("/v1/{name}?count=exact&limit=1")).await.json()["meta"]["total"].clone();
        for format in ["csv", "ndjson"] {
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

/// A workbook that says to be as large as one can be.
fn sparse() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "identifier").unwrap().write(1_048_575, 16_383, "x").unwrap();
    book.save_to_buffer().unwrap()
}

/// A workbook with a formula that nobody computed, as programs write them.
fn formula() -> Vec<u8> {
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

#[actix_web::test]
async fn bad_bodies_are_refused_and_cost_little() {
    let app = TestApp::empty().await;
    let town = app.town();
    let bomb = {
        use std::io::Write;
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        archive.start_file("xl/sharedStrings.xml", zip::write::SimpleFileOptions::default()).unwrap();
        for _ in 0..100 {
            archive.write_all(&vec![b' '; 1024 * 1024]).unwrap();
        }
        archive.finish().unwrap().into_inner()
    };
    assert!(bomb.len() < 200_000);
    let quote = format!("identifier,title_en,status\nT-1,\"lost,closed\n{}", "T-2,b,closed\n".repeat(100_000));
    let table: Vec<(&str, &str, Vec<u8>, &str)> = vec![
        ("a bomb", "format=xlsx&collection=grants", bomb, "workbook_invalid"),
        ("no workbook", "format=xlsx&collection=grants", b"PK\x03\x04 nonsense".to_vec(), "workbook_invalid"),
        ("a lost quote", "format=csv&collection=grants", quote.into_bytes(), "record_too_large"),
        (
            "an open quote",
            "format=csv&collection=grants",
            b"identifier,title_en\nT-1,\"a\nT-2,b\n".to_vec(),
            "quote_open",
        ),
        ("a short row", "format=csv&collection=grants", b"identifier,title_en,status\nT-1,a\n".to_vec(), "row_length"),
        ("no name", "format=csv&collection=grants", b"identifier,\nT-1,a\n".to_vec(), "row_length"),
        (
            "NUL in an identifier",
            "format=csv&collection=grants",
            b"identifier,status\nT-\0B,closed\n".to_vec(),
            "nul_character",
        ),
        (
            "a long identifier",
            "format=ndjson&collection=grants",
            json!({"identifier": "T".repeat(8000), "deleted": true}).to_string().into_bytes(),
            "identifier_invalid",
        ),
        (
            "deleted in words",
            "format=ndjson&collection=grants",
            br#"{"identifier": "T-1", "deleted": "yes"}"#.to_vec(),
            "boolean_invalid",
        ),
        ("a far cell", "format=xlsx&collection=grants", sparse(), "workbook_invalid"),
        ("a formula", "format=xlsx&collection=grants", formula(), "cell_invalid"),
        ("many columns", "format=csv&collection=grants", "a,".repeat(1_000_000).into_bytes(), "columns_too_many"),
        (
            "a code page",
            "format=csv&collection=grants",
            b"identifier,title_en\nT-1,\xc8uprija\n".to_vec(),
            "encoding_invalid",
        ),
        ("no collection", "format=csv", b"identifier\nT-1\n".to_vec(), "required"),
        ("a long line", "format=ndjson&collection=grants", vec![b'x'; 3_000_000], "record_too_large"),
        ("zeros", "format=ndjson&collection=grants", vec![0; 500_000], "json_malformed"),
        ("deep", "format=ndjson&collection=grants", vec![b'['; 500_000], "json_malformed"),
        ("half of it", "format=json", b"{\"grants\": [{\"identifier\": \"T-1\"}".to_vec(), "json_malformed"),
        ("a list twice", "format=json", b"{\"grants\": [], \"grants\": []}".to_vec(), "duplicate_key"),
        ("no such list", "format=json", b"{\"grant\": []}".to_vec(), "collection_unknown"),
        (
            "NUL",
            "format=csv&collection=grants",
            b"identifier,title_en,status\nT-1,a\0b,closed\n".to_vec(),
            "nul_character",
        ),
    ];
    for (what, query, body, code) in table {
        let answer = send(&town, &format!("{query}&dry_run=false"), body, &[]).await;
        // A large body is a job; then its report says the same.
        let problem = if answer.status == 202 {
            finished(&town, &answer).await
        } else {
            assert_eq!(answer.status, 400, "{what}: {}", answer.text());
            answer.json()
        };
        assert!(faults(&problem).iter().any(|fault| fault.ends_with(code)), "{what}: {:?}", faults(&problem));
    }
    assert_eq!(app.anon().get("/v1/grants").await.identifiers().len(), 0);
    let large = vec![b' '; 9 * 1024 * 1024];
    send(&town, "format=json", large, &[]).await.problem(413);
    assert_eq!(send(&town, "", "x", &[]).await.status, 415);
    assert_eq!(send(&town, "format=ndjson", "x", &[("content-encoding", "gzip")]).await.status, 415);
    let wrong = send(&town, "format=ndjson&mode=all&collection=grnts&dry_run=1", "x", &[]).await;
    assert_eq!(wrong.problem(400), ["collection collection_unknown", "mode value_unknown", "dry_run value_unknown"]);
}

/// The report of a job, once it has ended.
pub async fn finished(client: &Client, accepted: &Answer) -> Value {
    let place = accepted.header("location").to_owned();
    loop {
        let job = client.get(&place).await.expect(200).json();
        if !["queued", "running", "cancelling"].contains(&job["status"].as_str().unwrap()) {
            return job;
        }
    }
}

#[actix_web::test]
async fn large_imports_are_jobs_and_private() {
    let app = TestApp::empty().await;
    let town = app.town();
    let records: Vec<Value> =
        (0..12_000).map(|n| grant(&format!("T-{n}"), &format!("Grant {n} {}", "x".repeat(60)))).collect();
    let accepted = send(&town, "format=ndjson&collection=grants", lines(&records), &[]).await.expect(202);
    assert_eq!(accepted.json()["status"], "queued");
    let done = finished(&town, &accepted).await;
    assert_eq!((&done["status"], &done["counts"]["created"]), (&json!("completed"), &json!(12_000)), "{done}");
    let total = app.anon().get("/v1/grants?count=exact&limit=1").await.json()["meta"]["total"].clone();
    assert_eq!(total, 12_000);
    // Others do not see it; an administrator does.
    let place = accepted.header("location");
    app.client("city", "grants:write").get(place).await.problem(404);
    app.anon().get(place).await.problem(401);
    app.admin().get(place).await.expect(200);
    assert_eq!(app.client("city", "grants:write").get("/v1/imports").await.expect(200).json()["data"], json!([]));
    assert_eq!(town.get("/v1/imports").await.expect(200).json()["data"][0]["id"], done["id"]);
    let over = town.send(town.request("POST", &format!("{place}/cancel"))).await;
    over.problem(409);
    // One that is cancelled before its end stores nothing.
    let changed: Vec<Value> =
        (0..12_000).map(|n| grant(&format!("T-{n}"), &format!("Changed {n} {}", "x".repeat(60)))).collect();
    let accepted = send(&town, "format=ndjson&collection=grants&confirm=true", lines(&changed), &[]).await.expect(202);
    let cancelled =
        town.send(town.request("POST", &format!("{}/cancel", accepted.header("location")))).await.expect(202);
    assert!(["cancelling", "cancelled"].contains(&cancelled.json()["status"].as_str().unwrap()));
    assert_eq!(finished(&town, &accepted).await["status"], "cancelled");
    assert!(app.anon().get("/v1/grants/T-7").await.text().contains("Grant 7"));
    // A small one may wait, too.
    let waits =
        send(&town, "format=ndjson&collection=grants", lines(&changed[..1]), &[("prefer", "respond-async")]).await;
    assert_eq!(finished(&town, &waits.expect(202)).await["counts"]["updated"], 1);
}

#[actix_web::test]
async fn many_changes_want_to_be_confirmed() {
    let app = TestApp::empty().await;
    let town = app.town();
    let all = |title: &str| lines(&(0..20).map(|n| grant(&format!("T-{n}"), title)).collect::<Vec<_>>());
    let query = "format=ndjson&collection=grants";
    send(&town, query, all("A"), &[]).await.expect(200);
    for dry in ["&dry_run=true", ""] {
        let answer = send(&town, &format!("{query}{dry}"), all("B"), &[]).await;
        assert_eq!((answer.status, faults(&answer.json())), (409, vec!["- - - - confirmation_needed".to_owned()]));
        assert_eq!(answer.json()["report"]["status"], "unconfirmed");
    }
    let few = lines(&(0..10).map(|n| grant(&format!("T-{n}"), "B")).collect::<Vec<_>>());
    send(&town, query, few, &[]).await.expect(200);
    send(&town, &format!("{query}&confirm=true"), all("C"), &[]).await.expect(200);
}

#[actix_web::test]
async fn rights_are_judged_first() {
    let app = TestApp::empty().await;
    let body = lines(&[grant("T-1", "A")]);
    send(&app.anon(), "nonsense=1", "x", &[]).await.problem(401);
    let query = "format=ndjson&collection=grants";
    send(&app.client("town", "calls:write"), query, body.clone(), &[]).await.problem(403);
    send(&app.client("nobody", "grants:write"), query, body.clone(), &[]).await.problem(403);
    let mixed = json!({"collection": "programmes", "identifier": "T-P", "title": {"en": "P"}, "status": "closed"});
    let refused = send(&app.client("town", "grants:write"), "format=ndjson", lines(&[mixed]), &[]).await;
    assert_eq!(faults(&refused.json()), ["1 -  T-P scope_missing"]);
    send(&app.client("city", "grants:write"), query, body.clone(), &[]).await.problem(400);
    send(&app.admin(), query, body, &[]).await.expect(200);
    assert_eq!(app.anon().get("/v1/grants/T-1").await.json()["publisher"], "town");
}

/// A batch of random quality: titles, references and identifiers, some of them wrong.
fn batch() -> impl Strategy<Value = Vec<Value>> {
    let record = (0usize..14, 0usize..6, 0usize..9, 0usize..4).prop_map(|(id, fault, target, title)| {
        let mut programme = make::programme(["A", "B", "C", "D"][title]);
        programme["identifier"] = format!("T-{id}").into();
        match fault {
            0 => programme["status"] = "wrong".into(),
            1 => programme["parent"] = format!("T-{}", target + 10).into(),
            2 => programme = json!({"identifier": format!("T-{id}"), "deleted": true}),
            3 if target == 0 => programme["identifier"] = "C-1".into(),
            _ => {}
        }
        programme
    });
    prop::collection::vec(record, 1..12)
}

#[test]
fn a_dry_run_says_what_the_run_will_say() {
    let config = Config { cases: 12, max_shrink_iters: 0, ..Config::default() };
    actix_web::rt::System::new().block_on(async {
        let app = TestApp::empty().await;
        let town = app.town();
        let mut runner = TestRunner::new(config);
        let strategy = (batch(), prop::bool::ANY);
        for _ in 0..40 {
            let (records, independent) = strategy.new_tree(&mut runner).unwrap().current();
            let mode = if independent { "independent" } else { "atomic" };
            let query = format!("format=ndjson&collection=programmes&mode={mode}");
            let state = app.anon().get("/v1/programmes.ndjson").await.body;
            let tried = send(&town, &format!("{query}&dry_run=true"), lines(&records), &[]).await;
            assert_eq!(app.anon().get("/v1/programmes.ndjson").await.body, state, "a dry run changes nothing");
            let done = send(&town, &query, lines(&records), &[]).await;
            assert_eq!(tried.status, done.status);
            let said = |answer: &Answer| {
                let json = answer.json();
                let report = if json["report"].is_null() { json.clone() } else { json["report"].clone() };
                (report["status"].clone(), report["counts"].clone(), json["errors"].clone(), json["detail"].clone())
            };
            assert_eq!(said(&tried), said(&done), "{mode}: {}", lines(&records));
        }
    });
}
