//! Every documented filter and sort: it works, and an index serves it.

use aid_register::collections;
use aid_register::http::query::Query;
use aid_register::kind::{Filter, Kind, Takes};
use aid_register::page;
use aid_register::search::{Reading, Search, Term};
use aid_register::store::ask::Ask;
use aid_register::store::read;
use diesel_async::SimpleAsyncConnection;
use serde_json::Value;

use crate::make;
use crate::support::TestApp;

/// A value that the filter takes.
fn sample(filter: &Filter) -> &'static str {
    match filter.takes {
        Takes::AnyOf => "RS222,AR-LNOB",
        Takes::Codes(codes) => codes[0],
        Takes::Currencies => "EUR,RSD",
        Takes::Date => "2011-03",
        Takes::Instant => "2026-01-31T12:00:00Z",
        Takes::Number => "1000.50",
        Takes::Box => "18.8,42.2,23.0,46.2",
        Takes::Circle => "43.93,21.37,25",
    }
}

fn ask(kind: &'static Kind, query: &str) -> Ask {
    Ask::read(kind, &Query::parse(query, page::parameters(kind)).unwrap(), None, "").unwrap()
}

/// The tables that a plan reads row by row.
fn scanned(plan: &Value, tables: &mut Vec<String>) {
    match plan {
        Value::Object(members) => {
            if members.get("Node Type").and_then(Value::as_str) == Some("Seq Scan") {
                tables.push(members["Relation Name"].as_str().unwrap().to_owned());
            }
            members.values().for_each(|member| scanned(member, tables));
        }
        Value::Array(items) => items.iter().for_each(|item| scanned(item, tables)),
        _ => {}
    }
}

#[actix_web::test]
async fn an_index_serves_every_filter_and_sort() {
    let app = TestApp::shipped().await;
    let mut connection = app.connection().await;
    // On small tables the planner would rather scan; what counts is that it need not.
    connection.batch_execute("SET enable_seqscan = off; SET enable_sort = off").await.unwrap();
    for kind in collections::ALL {
        for filter in kind.all_filters() {
            let ask = ask(kind, &format!("{}={}", filter.name, sample(filter)));
            let plan = read::plan(&mut connection, &ask, None).await.unwrap();
            let mut tables = Vec::new();
            scanned(&plan, &mut tables);
            assert!(tables.is_empty(), "{} {} scans {tables:?}: {plan:#}", kind.collection, filter.name);
            assert!(plan.to_string().contains("Index"), "{} {}", kind.collection, filter.name);
            let by_condition = plan.to_string().contains("Index Cond");
            assert!(by_condition, "{} {} filters row by row: {plan:#}", kind.collection, filter.name);
        }
        let mut search = ask(kind, "q=school+Cuprija&sort=relevance");
        for reading in [Reading::Word, Reading::Prefix, Reading::Similar] {
            let term = |text: &str| Term { typed: text.into(), folded: text.into(), reading };
            search.set_search(&Search {
                terms: vec![term("school"), term("cuprija")],
                typed: "water".into(),
                whole: "school cuprija".into(),
                bare: String::new(),
            });
            let plan = read::plan(&mut connection, &search, None).await.unwrap();
            let mut tables = Vec::new();
            scanned(&plan, &mut tables);
            assert!(tables.is_empty(), "{} q scans {tables:?}: {plan:#}", kind.collection);
        }
        for sort in kind.all_sorts() {
            let plan =
                read::plan(&mut connection, &ask(kind, &format!("sort={}", sort.name)), Some(100)).await.unwrap();
            let text = plan.to_string();
            assert!(
                text.contains("Index") && !text.contains("\"Sort\""),
                "{} {}: {plan:#}",
                kind.collection,
                sort.name
            );
        }
    }
}

#[actix_web::test]
async fn every_filter_and_sort_answers() {
    let app = TestApp::shipped().await;
    for kind in collections::ALL {
        for filter in kind.all_filters() {
            let path = format!("/v1/{}?{}={}", kind.collection, filter.name, sample(filter));
            app.anon().get(&path).await.expect(200);
        }
        for sort in kind.all_sorts() {
            let rising =
                app.anon().get(&format!("/v1/{}?sort={}&limit=1000", kind.collection, sort.name)).await.expect(200);
            let falling =
                app.anon().get(&format!("/v1/{}?sort=-{}&limit=1000", kind.collection, sort.name)).await.expect(200);
            let mut reversed = falling.identifiers();
            reversed.reverse();
            assert_eq!(rising.identifiers(), reversed, "{} {}", kind.collection, sort.name);
        }
    }
}

#[actix_web::test]
async fn filters_find_what_they_say() {
    let app = TestApp::empty().await;
    let mut records = make::basics();
    for n in 0..40 {
        records.push(("grants", make::any("grants", &format!("T-{n:02}"), n)));
    }
    make::write(&mut app.connection().await, &records).await;
    let all = app.anon().get("/v1/grants?limit=1000").await.json()["data"].as_array().unwrap().clone();
    let amount = |record: &Value| record["budget"]["amount"].as_f64();
    let text = |record: &Value, name: &str| record[name].as_str().map(String::from);
    type Holds = Box<dyn Fn(&Value) -> bool>;
    let table: Vec<(&str, Holds)> = vec![
        ("amount_gte=200", Box::new(move |r| amount(r).is_some_and(|a| a >= 200.0))),
        ("amount_lte=100", Box::new(move |r| amount(r).is_some_and(|a| a <= 100.0))),
        ("original_currency=EUR", Box::new(move |r| amount(r).is_some())),
        ("original_currency=RSD", Box::new(|_| false)),
        ("start_date_gte=2011-03", Box::new(move |r| text(r, "start_date").is_some_and(|d| d.as_str() >= "2011-03"))),
        ("start_date_lte=2011-03", Box::new(move |r| text(r, "start_date").is_some_and(|d| d.as_str() <= "2011-03"))),
        ("end_date_gte=2011-03-31", Box::new(move |r| text(r, "end_date").is_some_and(|d| d.as_str() >= "2011-03"))),
        ("end_date_lte=2011-03-30", Box::new(move |r| text(r, "end_date").is_some_and(|d| d.as_str() < "2011-03"))),
        ("status=closed,pipeline", Box::new(|_| true)),
        ("identifier=T-03,T-07", Box::new(|r| r["identifier"] == "T-03" || r["identifier"] == "T-07")),
        ("publisher=city", Box::new(|_| false)),
        (
            "status=closed&amount_gte=100&amount_lte=200",
            Box::new(move |r| amount(r).is_some_and(|a| (100.0..=200.0).contains(&a))),
        ),
    ];
    for (query, holds) in table {
        let found = app.anon().get(&format!("/v1/grants?limit=1000&count=exact&{query}")).await.expect(200);
        let expected: Vec<String> = all
            .iter()
            .filter(|record| holds(record))
            .map(|record| record["identifier"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found.identifiers(), expected, "{query}");
        assert_eq!(found.json()["meta"]["total"].as_u64().unwrap() as usize, expected.len(), "{query}");
    }
}

#[actix_web::test]
async fn a_place_holds_what_lies_inside_it() {
    let app = TestApp::shipped().await;
    let find = |query: &'static str| {
        let anon = app.anon();
        async move { anon.get(&format!("/v1/{query}")).await.expect(200).identifiers() }
    };
    assert_eq!(find("programmes?place=RS222").await, ["AR-INTERREG-RORS"]);
    assert!(find("grants?place=RS2").await.contains(&"AR-CUPRIJA-CAC-GRANT".to_owned()));
    assert!(!find("grants?place=RS1").await.contains(&"AR-CUPRIJA-CAC-GRANT".to_owned()));
    assert!(find("beneficiaries?place=RS").await.contains(&"AR-BEN-CUPRIJA".to_owned()));
    assert_eq!(find("beneficiaries?place=SI").await, ["AR-BEN-CELJE"]);
}
