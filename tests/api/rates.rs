//! Exchange rates: only what a source says, on the days that it says it for, for ever.

use aid_register::content;
use aid_register::store::change::Author;
use serde_json::{Value, json};

use crate::support::{Client, TestApp};
use crate::{make, reference};

async fn load(app: &TestApp, files: &[&str]) {
    let files: Vec<(String, Vec<u8>)> =
        files.iter().map(|name| ((*name).to_owned(), std::fs::read(reference::file(name)).unwrap())).collect();
    content::load_rates(&mut app.connection().await, &Author::program("test"), &files).await.unwrap();
}

async fn transaction(app: &TestApp, identifier: &str, value: Value) {
    let record = json!({"type": "disbursement", "date": "2020", "value": value});
    app.admin().put(&format!("/v1/transactions/{identifier}"), &record, &[]).await.expect(201);
}

/// What became of each amount: `amount rate date reason`.
async fn converted(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("/v1/transactions?{query}")).await.expect(200).json();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
    let records = list["data"].as_array().unwrap().iter();
    records
        .map(|record| {
            let converted = &record["converted"];
            let parts = [&converted["amount"], &converted["rates"][0]["date"], &converted["reason"]];
            parts.map(text).join(" ")
        })
        .collect()
}

#[actix_web::test]
#[cfg_attr(no_reference, ignore = "the reference files are missing: set REGISTER_REFERENCE")]
async fn amounts_are_converted_by_the_rate_of_their_day_and_no_other() {
    let app = TestApp::empty().await;
    load(&app, &["rates/ecb-eurofxref-hist.csv", "rates/imf-annual-average-per-usd.csv"]).await;
    for (n, (amount, currency, date)) in [
        (100, "USD", "2024-03-28"), // Maundy Thursday
        (100, "USD", "2024-03-31"), // Easter Sunday: the rate of Thursday
        (100, "USD", "2024-04-01"), // Easter Monday
        (100, "USD", "2024-04-02"),
        (100, "RSD", "2024-04-02"), // no source has the dinar of that day
        (100, "USD", "2024-04"),
        (100, "USD", "1998-01-05"), // before there was a rate
        (100, "EUR", "1998-01-05"),
        (-3, "JPY", "2024-04-02"),
    ]
    .into_iter()
    .enumerate()
    {
        transaction(&app, &format!("T-{n}"), json!({"amount": amount, "currency": currency, "value_date": date})).await;
    }
    let anon = app.anon();
    // The Bank's file has 1.0811 on 28 March, 1.0749 and 163.01 on 2 April 2024.
    assert_eq!(
        converted(&anon, "currency=EUR").await,
        [
            "92.50 2024-03-28 null",
            "92.50 2024-03-28 null",
            "92.50 2024-03-28 null",
            "93.03 2024-04-02 null",
            "null null no_rate",
            "null null date_not_exact",
            "null null no_rate",
            "100.00 null null",
            "-0.02 2024-04-02 null",
        ]
    );
    let by_month = converted(&anon, "currency=EUR&rate_basis=month_average").await;
    assert_eq!((by_month[5].split(' ').nth(1), by_month[4].as_str()), (Some("2024-04-01"), "null null no_rate"));
    let by_year = converted(&anon, "currency=EUR&rate_basis=year_average").await;
    assert_eq!(by_year[4].split(' ').nth(1), Some("2024-01-01"), "{by_year:?}");
    assert_eq!(by_year[6], "null null no_rate");
    // What was converted once is converted so for ever, as of then.
    let as_of = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let path = format!("/v1/transactions?currency=EUR&as_of={as_of}");
    let then = anon.get(&path).await.expect(200).text();
    let csv = anon.get("/v1/transactions.csv?currency=EUR").await.expect(200);
    let rates = json!({"rates": [{"currency": "USD", "date": "2024-04-02", "per_euro": 2, "source": "a correction"}]});
    let changed = app.admin().put("/v1/exchange-rates", &rates, &[]).await.expect(200).json();
    assert_eq!((&changed["read"], &changed["changed"]), (&json!(1), &json!(1)));
    assert_eq!(converted(&anon, "currency=EUR").await[3].split(' ').next(), Some("50.00"));
    assert_eq!(anon.get(&path).await.expect(200).text(), then);
    let again = anon.get("/v1/transactions.csv?currency=EUR").await.expect(200);
    assert_ne!(csv.header("etag"), again.header("etag"));
    assert_eq!(app.admin().put("/v1/exchange-rates", &rates, &[]).await.expect(200).json()["changed"], 0);
}

#[actix_web::test]
#[cfg_attr(no_reference, ignore = "the reference files are missing: set REGISTER_REFERENCE")]
async fn the_register_has_the_rates_of_the_file() {
    let app = TestApp::empty().await;
    load(&app, &["rates/ecb-eurofxref-hist.csv"]).await;
    let rows = reference::table("rates/ecb-eurofxref-hist.csv");
    for row in rows.iter().step_by(rows.len() / 40) {
        for currency in ["USD", "CHF", "RON", "HUF"].into_iter().filter(|currency| row[*currency] != "N/A") {
            let path = format!("/v1/exchange-rates?currency={currency}&rate_basis=value_date&date={}", row["Date"]);
            let found = app.anon().get(&path).await.expect(200).json();
            let number = |text: &str| text.parse::<f64>().unwrap();
            assert_eq!(found["data"][0]["per_euro"].as_f64(), Some(number(&row[currency])), "{path}");
            assert_eq!((&found["data"][0]["date"], found["data"].as_array().unwrap().len()), (&json!(row["Date"]), 1));
        }
    }
    // An average that somebody states does not replace the one of the Bank's own rates.
    let path = "/v1/exchange-rates?currency=USD&rate_basis=year_average&date=2021-06-30";
    let average = app.anon().get(path).await.expect(200).json()["data"][0].clone();
    let stated =
        json!({"currency": "USD", "rate_basis": "year_average", "date": "2021", "per_euro": 1.5, "source": "S"});
    let kept = app.admin().put("/v1/exchange-rates", &json!({"rates": [stated]}), &[]).await.expect(200).json();
    assert_eq!(kept["changed"], 0);
    assert_eq!(app.anon().get(path).await.json()["data"][0], average);
    let pages = app.anon().get("/v1/exchange-rates?limit=3&currency=CHF").await.expect(200).json();
    let next = app.anon().get(pages["links"]["next"].as_str().unwrap()).await.expect(200).json();
    assert!(pages["data"][2]["date"].as_str() < next["data"][0]["date"].as_str());
}

#[actix_web::test]
async fn only_administrators_keep_rates_and_all_faults_are_named() {
    let app = TestApp::empty().await;
    let rate = |currency: &str, date: &str, per_euro: f64| json!({"currency": currency, "date": date, "per_euro": per_euro, "source": "S"});
    let good = json!({"rates": [rate("RSD", "2024-04-02", 117.2)]});
    app.town().put("/v1/exchange-rates", &good, &[]).await.problem(403);
    app.anon().put("/v1/exchange-rates", &good, &[]).await.problem(401);
    let bad = json!({"rates": [rate("EUR", "2024-04-02", 1.0), rate("RSD", "2024-04", 1.0)]});
    assert_eq!(
        app.admin().put("/v1/exchange-rates", &bad, &[]).await.problem(400),
        ["/rates/0/currency currency_invalid", "/rates/1/date date_invalid"]
    );
    let shape = json!({"rates": [{"currency": "XXZ", "date": "2024-13-01", "per_euro": 0}], "x": 1});
    let faults = app.admin().put("/v1/exchange-rates", &shape, &[]).await.problem(400);
    assert!(faults.len() >= 4, "{faults:?}");
    for query in ["currency=euro", "rate_basis=daily&currency=EUR", "rate_basis=value_date"] {
        assert_eq!(app.anon().get(&format!("/v1/grants?{query}")).await.problem(400).len(), 1, "{query}");
    }
    app.anon().get("/v1/beneficiaries?currency=EUR").await.problem(400);
    // What a converted export has beside the record is no obstacle to importing it.
    app.admin().put("/v1/exchange-rates", &good, &[]).await.expect(200);
    let mut grant = make::grant("A");
    grant["budget"] = json!({"amount": 1172, "currency": "RSD", "value_date": "2024-04-02"});
    app.town().put("/v1/grants/T-1", &grant, &[]).await.expect(201);
    let csv = app.anon().get("/v1/grants.csv?currency=EUR").await.expect(200).text();
    assert!(csv.contains(",10.00,EUR,"), "{csv}");
    let import = app.town().request("POST", "/v1/imports?format=csv&collection=grants").body(csv);
    assert_eq!(app.town().send(import).await.expect(200).json()["counts"]["unchanged"], 1);
}
