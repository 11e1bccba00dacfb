//! Exports: typed workbooks, tables of every grain, and the readers that people use.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use aid_register::collections::{self, grants};
use aid_register::http::query::Query;
use aid_register::store::ask::Ask;
use aid_register::store::grain::Grain;
use aid_register::store::read;
use calamine::{Data, Reader, Xlsx};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::make;
use crate::support::TestApp;

/// The rows of a CSV, by the names of its columns.
fn table(text: &[u8]) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(text).deserialize().map(Result::unwrap).collect()
}

fn amount(text: &str) -> Decimal {
    if text.is_empty() { Decimal::ZERO } else { text.parse().unwrap() }
}

#[actix_web::test]
async fn a_workbook_has_what_the_table_has() {
    let app = TestApp::shipped().await;
    for kind in collections::ALL {
        let name = kind.collection;
        let answer = app.anon().get(&format!("/v1/{name}.xlsx?sort=-identifier")).await.expect(200);
        let csv = app.anon().get(&format!("/v1/{name}.csv?sort=-identifier")).await.expect(200).body;
        let mut book = Xlsx::new(Cursor::new(answer.body.clone())).unwrap();
        assert_eq!(book.sheet_names(), [name, "codes", "about"]);
        let sheet = book.worksheet_range(name).unwrap();
        let mut lines = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_slice()).into_records();
        for row in sheet.rows() {
            let line = lines.next().unwrap().unwrap();
            assert_eq!(row.len(), line.len());
            for (cell, text) in row.iter().zip(&line) {
                let same = match cell {
                    Data::Empty => text.is_empty(),
                    Data::Float(number) => text.parse::<f64>().unwrap() == *number,
                    Data::DateTime(at) => {
                        let at = at.as_datetime().unwrap();
                        text.starts_with(
                            &at.format(if text.len() == 10 { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M" }).to_string(),
                        )
                    }
                    Data::Bool(flag) => text == flag.to_string(),
                    other => *other == text.trim_start_matches('\''),
                };
                assert!(same, "{name}: {cell:?} is not {text:?}");
            }
        }
        assert!(lines.next().is_none(), "{name}");
        let again = app.anon().get(&format!("/v1/{name}.xlsx?sort=-identifier")).await.expect(200);
        assert_eq!((again.header("etag"), &again.body), (answer.header("etag"), &answer.body), "{name}");
    }
    let many: Vec<String> = (0..700).map(|n| format!("RS-{n}-{}", "x".repeat(50))).collect();
    app.anon().get(&format!("/v1/grants.xlsx?place={}", many.join(","))).await.expect(200);
    let grants = app.anon().get("/v1/grants.xlsx?status=closed&limit=1").await;
    assert_eq!(grants.problem(400), ["limit not_with_format"]);
    let book = app.anon().get("/v1/programmes.xlsx?status=finalisation").await.expect(200).body;
    let mut book = Xlsx::new(Cursor::new(book)).unwrap();
    let about = book.worksheet_range("about").unwrap();
    let about: BTreeMap<String, String> = about.rows().map(|row| (row[0].to_string(), row[1].to_string())).collect();
    assert_eq!(
        (about["Licence"].as_str(), &about["Rows"]),
        ("CC-BY-4.0", &(book.worksheet_range("programmes").unwrap().height() - 1).to_string())
    );
    assert!(about["Address"].ends_with("/v1/programmes.xlsx?status=finalisation"), "{about:?}");
    let codes = book.worksheet_range("codes").unwrap();
    let named = codes.rows().find(|row| row[1] == "11220").unwrap();
    assert_eq!((named[0].to_string(), named[2].to_string()), ("sector_code".into(), "Primary education".into()));
}

#[actix_web::test]
async fn a_text_longer_than_a_cell_is_cut_and_that_is_said() {
    let app = TestApp::empty().await;
    let mut record = make::grant("A");
    record["description"] = json!({"en": "🏫".repeat(20_000), "sr": "ш".repeat(32_767)});
    app.town().put("/v1/grants/T-1", &record, &[]).await.expect(201);
    let book = app.anon().get("/v1/grants.xlsx?fields=description").await.expect(200).body;
    let mut book = Xlsx::new(Cursor::new(book)).unwrap();
    let sheet = book.worksheet_range("grants").unwrap();
    let cells: Vec<String> = sheet.rows().nth(1).unwrap().iter().map(ToString::to_string).collect();
    assert!(cells[1].ends_with("🏫 […]") && cells[1].encode_utf16().count() >= 32_766, "{}", cells[1].len());
    assert_eq!(cells[2], "ш".repeat(32_767));
    let about = book.worksheet_range("about").unwrap();
    assert!(about.rows().any(|row| row[0] == "Shortened" && row[1].to_string().starts_with("1 cells")));
}

/// Grants with shares stated and not, flows, and rates to convert them.
async fn divided(app: &TestApp) {
    let mut connection = app.connection().await;
    let id = |letter: &str, n: usize| format!("T-{letter}{n}");
    let mut records = Vec::new();
    for n in 0..5 {
        let mut place = make::any("locations", &id("L", n), n);
        place["kind"] = json!("country");
        records.push(("locations", place));
        records.push(("programmes", make::any("programmes", &id("P", n), n)));
    }
    let sectors = ["11220", "14030", "15112"];
    for n in 0..60 {
        let mut grant = make::any("grants", &id("G", n), n);
        let count = n % 4;
        let share = |m: usize| match (n % 3, m) {
            (0, _) => json!(null),
            _ if m + 1 < count => json!((100 / count) as f64 + 0.33),
            _ => json!(100.0 - (count - 1) as f64 * ((100 / count) as f64 + 0.33)),
        };
        let rounded = |share: Value| share.as_f64().map_or(Value::Null, |share| json!((share * 100.0).round() / 100.0));
        grant["sectors"] = (0..count).map(|m| json!({"code": sectors[m], "percentage": rounded(share(m))})).collect();
        grant["places"] =
            (0..count).map(|m| json!({"location": id("L", (n + m) % 5), "percentage": rounded(share(m))})).collect();
        grant["budget"] = json!({"amount": (n * 7919 % 1000) as f64 + 0.01, "currency": if n % 7 == 0 { "USD" } else { "EUR" }, "value_date": "2024-03-01"});
        grant["programme"] = json!(id("P", n % 5));
        records.push(("grants", grant));
        for m in 0..n % 3 {
            let mut flow = make::any("transactions", &format!("T-T{n}-{m}"), m);
            flow["value"] = json!({"amount": (n * 31 + m) as f64 + 0.05, "currency": "EUR"});
            flow["date"] = json!("2024-03-04");
            flow["grant"] = json!(id("G", n));
            records.push(("transactions", flow));
        }
    }
    for n in 0..4 {
        let mut flow = make::any("transactions", &id("TP", n), n);
        flow["programme"] = json!(id("P", n));
        records.push(("transactions", flow));
    }
    make::write(&mut connection, &records).await;
}

/// What the cells of a column add up to, by those of another.
fn sums(rows: &[BTreeMap<String, String>], by: &str, of: &str) -> BTreeMap<String, Decimal> {
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row[of].is_empty()) {
        *sums.entry(row[by].clone()).or_default() += amount(&row[of]);
    }
    sums
}

#[actix_web::test]
async fn every_grain_adds_up_to_the_same() {
    let app = TestApp::empty().await;
    divided(&app).await;
    let rows = async |address: &str| table(&app.anon().get(address).await.expect(200).body);
    for (collection, money) in [("grants", "budget"), ("programmes", "budget"), ("transactions", "value")] {
        let (currency, of) = (format!("{money}_currency"), format!("{money}_amount"));
        let whole = sums(&rows(&format!("/v1/{collection}.csv")).await, &currency, &of);
        assert!(!whole.is_empty());
        for grain in ["record", "sector", "place"] {
            for filter in ["", "&status=closed"].into_iter().filter(|_| collection == "grants").chain([""]) {
                let parts = rows(&format!("/v1/{collection}.csv?grain={grain}{filter}")).await;
                assert_eq!(sums(&parts, &currency, &of), whole, "{collection} by {grain}");
            }
        }
    }
    // Each group is what totals say.
    for (grain, column) in [("sector", "sector_code"), ("place", "places_location")] {
        let mut parts = rows(&format!("/v1/grants.csv?grain={grain}&original_currency=EUR")).await;
        for row in &mut parts {
            let key =
                if row["part_reason"].is_empty() { row[column].clone() } else { format!(",{}", row["part_reason"]) };
            row.insert("key".into(), key);
        }
        let totals = app.anon().get(&format!("/v1/totals/grants?group_by={grain}&original_currency=EUR")).await.json();
        let groups = totals["data"].as_array().unwrap().iter().map(|group| {
            let key = group[grain].as_str().map(String::from);
            let key = key.unwrap_or_else(|| format!(",{}", group[format!("{grain}_reason")].as_str().unwrap()));
            (key, amount(&group["sum"].to_string()))
        });
        assert_eq!(sums(&parts, "key", "budget_amount"), groups.collect(), "{grain}: {totals:#}");
    }
    // Each flow once, with the record that reports it.
    for (collection, flows) in [("grants", 60), ("programmes", 64)] {
        let address = format!("/v1/{collection}.csv?grain=transaction");
        let past =
            format!("{address}&as_of={}", chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
        let rows = rows(&address).await;
        assert_eq!(rows.len(), flows);
        assert_eq!(app.anon().get(&past).await.expect(200).body, app.anon().get(&address).await.expect(200).body);
        assert!(rows.iter().all(|row| !row.contains_key("budget_amount") && !row["title_en"].is_empty()));
        let mut flows: Vec<&str> = rows.iter().map(|row| row["transaction_identifier"].as_str()).collect();
        flows.sort_unstable();
        flows.dedup();
        assert_eq!(flows.len(), rows.len());
        let flow = app.anon().get(&format!("/v1/transactions/{}", rows[0]["transaction_identifier"])).await.json();
        for member in ["publisher", "created_at", "updated_at"] {
            assert_eq!(flow[member], json!(rows[0][&format!("transaction_{member}")]), "{member}");
        }
    }
}

#[actix_web::test]
async fn a_converted_amount_is_divided_too() {
    let app = TestApp::empty().await;
    divided(&app).await;
    let rate = json!({"currency": "USD", "date": "2024-03-01", "per_euro": 1.0813, "source": "European Central Bank"});
    app.admin().put("/v1/exchange-rates", &json!({"rates": [rate]}), &[]).await.expect(200);
    let rows = async |grain: &str| {
        let address = format!("/v1/grants.csv?currency=EUR&grain={grain}&fields=budget");
        table(&app.anon().get(&address).await.expect(200).body)
    };
    let whole = sums(&rows("record").await, "converted_currency", "converted_amount");
    for grain in ["sector", "place"] {
        let parts = rows(grain).await;
        assert!(parts.len() > 60);
        assert_eq!(sums(&parts, "converted_currency", "converted_amount"), whole);
    }
    let flows = rows("transaction").await;
    assert!(flows.iter().all(|row| row["transaction_converted_amount"] == row["transaction_value_amount"]));
}

#[actix_web::test]
async fn what_a_grain_is_not_for_is_said() {
    let app = TestApp::empty().await;
    let anon = app.anon();
    for (address, fault) in [
        ("grants.csv?grain=town", "grain value_unknown"),
        ("transactions.csv?grain=transaction", "grain value_unknown"),
        ("sources.csv?grain=place", "grain unknown_parameter"),
        ("grants?grain=place", "grain not_with_format"),
        ("grants.ndjson?grain=sector", "grain not_with_format"),
    ] {
        assert_eq!(anon.get(&format!("/v1/{address}")).await.problem(400), [fault], "{address}");
    }
    anon.get("/v1/grants?grain=record").await.expect(200);
    // A sheet ends somewhere; rows are counted no further than that.
    divided(&app).await;
    let mut connection = app.connection().await;
    let mut ask = Ask::read(&grants::KIND, &Query::default(), None, "").unwrap();
    assert!(
        !read::is_over(&mut connection, &ask, 60).await.unwrap()
            && read::is_over(&mut connection, &ask, 59).await.unwrap()
    );
    ask.grain = Grain::Place;
    assert!(read::is_over(&mut connection, &ask, 60).await.unwrap());
    let refused = anon.get_with("/v1/sources", &[("accept", "application/geo+json")]).await.expect(406).text();
    assert!(
        refused.contains("spreadsheetml") && refused.contains("text/csv") && !refused.contains("geo+json, "),
        "{refused}"
    );
}

/// Writes the formats of grants that are hard to read to a folder, and gives what to read there.
async fn hard(app: &TestApp, folder: &Path) -> Vec<(String, String, String)> {
    let texts = [
        "=1+1",
        "+7",
        "-x",
        "@a",
        "\tx",
        "quote \" comma , semicolon ;",
        "two\nlines",
        "🏫 school",
        "\u{202e}right to left\u{202c} \u{200f}",
        "'=x",
        "Ћуприја",
        "a\r\nb",
        "NaN",
        "1e5",
        "007",
        "true",
        "NULL",
        "</a>&amp;",
    ];
    let mut expected = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let mut record = make::grant(text);
        record["budget"] = json!({"amount": n as f64 * 1000.0 + 0.05, "currency": "EUR"});
        record["start_date"] = json!("2024-02-29");
        app.town().put(&format!("/v1/grants/T-{n:02}"), &record, &[]).await.expect(201);
        expected.push((format!("T-{n:02}"), (*text).to_owned(), format!("{:.2}", n as f64 * 1000.0 + 0.05)));
    }
    std::fs::create_dir_all(folder).unwrap();
    for name in ["grants.csv", "grants.xlsx", "grants.parquet", "grants.geojson"] {
        std::fs::write(folder.join(name), app.anon().get(&format!("/v1/{name}")).await.expect(200).body).unwrap();
    }
    expected
}

/// What the readers of Python, and LibreOffice if it is asked for, saw in a folder.
fn readers(folder: &Path, arguments: &[&str]) -> Value {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(root.join("target/tools/python/bin/python"));
    let output = command.arg(root.join("tests/readers.py")).arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[actix_web::test]
#[cfg_attr(no_python_tools, ignore = "pandas, polars, openpyxl and pyogrio are missing: run tests/tools.sh")]
async fn readers_see_what_was_written() {
    let app = TestApp::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let expected = hard(&app, folder.path()).await;
    let seen = readers(folder.path(), &[]);
    assert_eq!(seen["openpyxl types"], json!(["datetime"]));
    let types = json!({"title_en": "String", "budget_amount": "Decimal(precision=18, scale=4)", "version": "Int64",
        "created_at": "Datetime(time_unit='us', time_zone='UTC')", "start_date": "String", "places_location": "String"});
    assert_eq!(seen["polars types"], types);
    for (reader, rows) in seen.as_object().unwrap().iter().filter(|(reader, _)| !reader.ends_with("types")) {
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), expected.len(), "{reader}");
        for (row, (identifier, text, amount)) in rows.iter().zip(&expected) {
            assert_eq!(row[0], json!(identifier), "{reader}");
            // A reader that guesses types takes some words for values, as readers do.
            let guessed = ["NaN", "NULL"].contains(&text.as_str()) && reader.starts_with("pandas");
            let shown = match reader.as_str() {
                "pyogrio" | "polars parquet" => text.clone(),
                reader if reader.ends_with("csv") => neutral(text),
                _ => text.replace("\r\n", "\n"),
            };
            let same = row[1] == json!(shown) || (guessed && row[1].is_null());
            assert!(same, "{reader} saw {} for {shown:?}", row[1]);
            assert!(reader == "pyogrio" || row[2] == json!(amount), "{reader}: {row}");
        }
    }
}

/// As a cell of CSV has it: nothing that a spreadsheet would run.
fn neutral(text: &str) -> String {
    let risky = text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if risky { format!("'{text}") } else { text.to_owned() }
}

#[actix_web::test]
#[cfg_attr(any(no_python_tools, no_libreoffice), ignore = "LibreOffice is missing: run tests/tools.sh")]
async fn libreoffice_opens_the_workbook() {
    let app = TestApp::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let expected = hard(&app, folder.path()).await;
    let seen = readers(folder.path(), &["--libreoffice", "/usr/bin/soffice"]);
    let rows = seen["libreoffice"].as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    for (row, (identifier, text, amount)) in rows.iter().zip(&expected) {
        let text = text.replace("\r\n", "\n");
        assert_eq!(row, &json!([identifier, text, amount]));
    }
}

#[actix_web::test]
async fn parquet_has_the_rows_of_the_table_in_groups() {
    let app = TestApp::empty().await;
    divided(&app).await;
    for (collection, grain) in
        [("grants", "record"), ("grants", "place"), ("transactions", "sector"), ("programmes", "transaction")]
    {
        let address = |format: &str| format!("/v1/{collection}.{format}?grain={grain}&currency=EUR");
        let expected = table(&app.anon().get(&address("csv")).await.expect(200).body);
        let answer = app.anon().get(&address("parquet")).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/vnd.apache.parquet");
        let file = SerializedFileReader::new(bytes::Bytes::from(answer.body)).unwrap();
        let rows: Vec<Row> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), expected.len());
        for (row, expected) in rows.iter().zip(&expected) {
            for (name, field) in row.get_column_iter() {
                let text = &expected[name];
                let same = match field {
                    Field::Null => text.is_empty(),
                    Field::Str(found) => found == text.trim_start_matches('\''),
                    Field::Decimal(amount) => {
                        let units = i64::from_be_bytes(amount.data().try_into().unwrap());
                        Decimal::new(units, 4) == text.parse::<Decimal>().unwrap()
                    }
                    Field::TimestampMicros(micros) => {
                        chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros() == *micros
                    }
                    other => text.parse::<f64>().unwrap() == other.to_string().parse::<f64>().unwrap(),
                };
                assert!(same, "{collection} {name}: {field:?} is not {text:?}");
            }
        }
    }
    // Texts of more than a group holds.
    let mut records = Vec::new();
    for n in 0..400 {
        let mut grant = make::any("grants", &format!("T-X{n:03}"), n);
        grant["description"] = json!({"en": "ш".repeat(25_000)});
        records.push(("grants", grant));
    }
    make::write(&mut app.connection().await, &records).await;
    let body = app.anon().get("/v1/grants.parquet").await.expect(200).body;
    let file = SerializedFileReader::new(bytes::Bytes::from(body)).unwrap();
    assert!(file.metadata().num_row_groups() > 1);
    assert_eq!(file.metadata().file_metadata().num_rows(), 460);
}
