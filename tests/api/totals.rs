//! Totals: the groups add up to the whole, and nothing is counted twice.

use std::collections::BTreeMap;

use aid_register::totals::dimension::Subject;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::flows::{chain, named, places, random};
use crate::make;
use crate::support::{Client, TestApp};

/// An exact number of an answer.
fn exact(value: &Value) -> Decimal {
    value.to_string().parse().unwrap_or_else(|error| panic!("{value}: {error}"))
}

pub async fn totals(client: &Client, query: &str) -> Value {
    let answer = client.get(&format!("/v1/totals/{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()
}

/// The sum of a total with one currency; zero for none.
pub async fn sum(client: &Client, query: &str) -> Decimal {
    let total = totals(client, query).await["meta"]["total"].clone();
    total.as_array().unwrap().iter().map(|total| exact(&total["sum"])).sum()
}

#[actix_web::test]
async fn what_is_parked_inside_a_place_does_not_come_into_it() {
    let app = TestApp::empty().await;
    let mut records = places();
    let organisation = |id: &str, place: Option<&str>| {
        named("organisations", id, json!({"name": {"en": id}, "type": "government", "location": place}))
    };
    let programme = json!({"title": {"en": "P"}, "status": "implementation", "places": [{"location": "T-COUNTRY"}]});
    let flow = |n: u32, value: u32, to: Value| {
        let (parent, from) = if n == 1 { (None, "T-EU") } else { (Some("T-F1"), "T-UNDP") };
        let value = json!({"amount": value, "currency": "EUR"});
        let (from, record) = (json!({"organisation": from}), format!("T-F{n}"));
        named(
            "transactions",
            &record,
            json!({"type": "disbursement", "date": "2024-04-02", "value": value,
            "parent": parent, "provider": from, "receiver": to, "programme": "T-P"}),
        )
    };
    let undp = json!({"organisation": "T-UNDP"});
    let town = json!({"kind": "local_government", "name": {"en": "Town"}, "location": "T-A"});
    records.extend([
        organisation("T-EU", Some("T-ABROAD")),
        // Nobody says where it sits: it receives where the programme works.
        organisation("T-UNDP", None),
        named("beneficiaries", "T-TOWN", town),
        named("programmes", "T-P", programme),
        flow(1, 1000, undp.clone()),
        flow(2, 400, undp),
    ]);
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    assert_eq!(sum(&anon, "transactions?type=disbursement&boundary=T-COUNTRY").await, Decimal::from(1000));
    make::write(&mut app.connection().await, &[flow(3, 300, json!({"beneficiary": "T-TOWN"}))]).await;
    // It came into the country to who works there; of that the town has a part.
    for (boundary, expected) in [("", 300), ("&boundary=T-COUNTRY", 1000), ("&boundary=T-A", 300)] {
        assert_eq!(
            sum(&anon, &format!("transactions?type=disbursement{boundary}")).await,
            Decimal::from(expected),
            "{boundary}"
        );
    }
    // What a head office sent to its office here went on from there: it did come in.
    let office = json!({"kind": "institution", "name": {"en": "Office"}, "location": "T-D2", "organisation": "T-EU"});
    let sent = |n: u32, parent: Option<&str>, from: Value, to: Value| {
        let value = json!({"amount": 70, "currency": "EUR"});
        named(
            "transactions",
            &format!("T-S{n}"),
            json!({"type": "expenditure", "date": "2024-04-02", "value": value,
            "parent": parent, "provider": from, "receiver": to, "programme": "T-P"}),
        )
    };
    let (eu, office_of) = (json!({"organisation": "T-EU"}), json!({"beneficiary": "T-OFFICE"}));
    let chain = [
        named("beneficiaries", "T-OFFICE", office),
        sent(1, None, eu, office_of.clone()),
        sent(2, Some("T-S1"), office_of, json!({"beneficiary": "T-TOWN"})),
    ];
    make::write(&mut app.connection().await, &chain).await;
    for boundary in ["", "&boundary=T-COUNTRY", "&boundary=T-D2", "&boundary=T-D1", "&boundary=T-A"] {
        assert_eq!(
            sum(&anon, &format!("transactions?type=expenditure{boundary}")).await,
            Decimal::from(70),
            "{boundary}"
        );
    }
}

#[actix_web::test]
async fn a_chain_that_payers_and_receivers_tell_in_turn_is_counted_once() {
    let app = TestApp::empty().await;
    let body = |id: &str| named("organisations", id, json!({"name": {"en": id}, "type": "other"}));
    let flow = |n: usize, of_type: &str, from: &str, to: &str| {
        let parent = (n > 0).then(|| format!("T-{}", n - 1));
        let made = json!({"type": of_type, "date": "2024-04-02", "value": {"amount": 100, "currency": "EUR"}, "parent": parent,
            "provider": {"organisation": from}, "receiver": {"organisation": to}});
        named("transactions", &format!("T-{n}"), made)
    };
    let mut records = vec![body("T-EU"), body("T-UN"), body("T-MIN"), body("T-TOWN")];
    for (n, hop) in ["T-EU", "T-UN", "T-MIN", "T-TOWN"].windows(2).enumerate() {
        records.push(flow(2 * n, "disbursement", hop[0], hop[1]));
        records.push(flow(2 * n + 1, "incoming_funds", hop[0], hop[1]));
    }
    make::write(&mut app.connection().await, &records).await;
    let then = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let anon = app.anon();
    for path in ["", "&updated_at_gte=1970-01-01", &format!("&as_of={then}"), "&boundary=T-UN", "&boundary=T-TOWN"] {
        for of_type in ["disbursement", "incoming_funds"] {
            let question = format!("transactions?type={of_type}{path}");
            assert_eq!(sum(&anon, &question).await, Decimal::from(100), "{question}");
        }
    }
}

#[actix_web::test]
async fn a_chain_is_counted_once_at_each_boundary() {
    let app = TestApp::empty().await;
    make::write(&mut app.connection().await, &chain()).await;
    let rate = json!({"rates": [{"currency": "RSD", "date": "2024-04-02", "per_euro": 117, "source": "S"}]});
    app.admin().put("/v1/exchange-rates", &rate, &[]).await.expect(200);
    let anon = app.anon();
    for (query, expected) in [
        // What reached the end of the chain: 93 600 / 117.
        ("", "800.00"),
        ("&boundary=T-A", "800.00"),
        ("&boundary=T-TOWN", "800.00"),
        // Into the country, to the ministry; what the ministry passed on moved inside.
        ("&boundary=T-COUNTRY", "900.00"),
        ("&boundary=T-D2", "900.00"),
        ("&boundary=T-D1", "800.00"),
        ("&boundary=T-B", "0"),
        ("&boundary=T-UNDP", "1000.00"),
        ("&boundary=T-MINISTRY", "900.00"),
        ("&boundary=T-ABROAD", "0"),
        ("&place=T-D1", "800.00"),
    ] {
        for kind in ["disbursement", "incoming_funds"] {
            let found = sum(&anon, &format!("transactions?type={kind}&currency=EUR{query}")).await;
            assert_eq!(found, expected.parse::<Decimal>().unwrap(), "{kind} {query}");
        }
    }
    let whole = totals(&anon, "transactions?type=disbursement&currency=EUR").await;
    let reasons: Vec<(String, i64)> = whole["meta"]["excluded"]
        .as_array()
        .unwrap()
        .iter()
        .map(|judged| (judged["reason"].as_str().unwrap().to_owned(), judged["count"].as_i64().unwrap()))
        .collect();
    assert_eq!(reasons, [("parked".to_owned(), 1), ("replaced".to_owned(), 2)]);
    // Each reason lists its records, and the rest adds up.
    for judged in whole["meta"]["excluded"].as_array().unwrap() {
        let rows = anon.get(judged["explain"].as_str().unwrap()).await.expect(200);
        assert_eq!(rows.identifiers().len() as i64, judged["count"].as_i64().unwrap(), "{judged}");
    }
    let rows = anon.get(whole["meta"]["explain"].as_str().unwrap()).await.expect(200).json();
    assert_eq!(
        (&rows["data"][0]["identifier"], exact(&rows["data"][0]["part"])),
        (&json!("T-disbursement-2"), "800.00".parse().unwrap())
    );
    // Without a currency the amounts stay in their own; with one, a missing rate leaves them out.
    let own = totals(&anon, "transactions?type=disbursement").await;
    assert_eq!(
        (&own["meta"]["total"][0]["currency"], exact(&own["meta"]["total"][0]["sum"])),
        (&json!("RSD"), "93600.00".parse().unwrap())
    );
    let dollars = totals(&anon, "transactions?type=disbursement&currency=USD").await;
    assert_eq!((&dollars["meta"]["total"], &dollars["meta"]["excluded"][0]["reason"]), (&json!([]), &json!("no_rate")));
    assert_eq!(dollars["meta"]["conversion"]["from"][1]["share_of_rows"], 0);
    anon.get(whole["meta"]["method"]["url"].as_str().unwrap()).await.expect(200);
}

#[test]
fn the_groups_of_every_dimension_add_up_to_the_whole() {
    let system = actix_web::rt::System::new();
    let seeds = prop::collection::vec((any::<u8>(), 1u32..10_000_000), 4..14);
    let mut runner = TestRunner::new(Config { cases: 3, ..Config::default() });
    let run = runner.run(&seeds, |seeds| {
        system.block_on(async {
            let app = TestApp::empty().await;
            make::write(&mut app.connection().await, &random(&seeds)).await;
            let anon = app.anon();
            for subject in [Subject::Grants, Subject::Transactions] {
                let name = subject.kind().collection;
                for filter in ["", "&place=T-D1", "&sector=11110", "&place=T-A,T-C&sector=11110,12220"] {
                    let mixed = if subject == Subject::Transactions { "&type=disbursement" } else { "" };
                    let whole = totals(&anon, &format!("{name}?measure=sum,count{mixed}{filter}")).await;
                    let by_currency = |items: &Value| {
                        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
                        for item in items.as_array().unwrap() {
                            *sums.entry(item["currency"].as_str().unwrap().to_owned()).or_default() +=
                                exact(&item["sum"]);
                        }
                        sums.retain(|_, sum| !sum.is_zero());
                        sums
                    };
                    let expected = by_currency(&whole["meta"]["total"]);
                    let dimensions: Vec<&str> = subject.dimensions().map(|dimension| dimension.name).collect();
                    let pairs = dimensions.windows(2).map(|pair| pair.join(","));
                    for group_by in dimensions
                        .iter()
                        .map(|name| (*name).to_owned())
                        .chain(pairs)
                        .chain(["place,sector,year".into()])
                    {
                        let level =
                            if group_by.contains("place") && filter.is_empty() { "&place_level=nuts3" } else { "" };
                        let query = format!("{name}?group_by={group_by}&limit=1000{mixed}{filter}{level}");
                        let groups = totals(&anon, &query).await;
                        assert_eq!(by_currency(&groups["data"]), expected, "{query}");
                        // The rows of a group add up to it.
                        if let Some(group) = groups["data"].as_array().unwrap().first() {
                            let rows = anon
                                .get(&format!("{}&limit=1000", group["explain"].as_str().unwrap()))
                                .await
                                .expect(200)
                                .json();
                            let sum: Decimal =
                                rows["data"].as_array().unwrap().iter().map(|row| exact(&row["part"])).sum();
                            assert_eq!(sum, exact(&group["sum"]), "{query} {group}");
                        }
                    }
                    // Every record that the filter finds is counted, or left out with a reason.
                    let judged: i64 = ["included", "excluded"]
                        .iter()
                        .flat_map(|side| whole["meta"][*side].as_array().unwrap().clone())
                        .map(|judged| judged["count"].as_i64().unwrap())
                        .sum();
                    let list =
                        anon.get(&format!("/v1/{name}?count=exact&limit=1{mixed}{filter}")).await.expect(200).json();
                    assert_eq!(list["meta"]["total"], judged, "{name} {filter}");
                }
            }
        });
        Ok(())
    });
    run.unwrap();
}

#[actix_web::test]
async fn measures_pages_bounds_and_shapes() {
    let app = TestApp::empty().await;
    let mut records = Vec::new();
    for (n, amount) in [10, 20, 30, 45, 5].into_iter().enumerate() {
        let mut grant = make::grant("G");
        grant["identifier"] = format!("T-{n}").into();
        grant["budget"] = json!({"amount": amount, "currency": "EUR"});
        grant["start_date"] = json!(["2011", "2012"][n % 2]);
        grant["status"] = json!(["closed", "closed", "closed", "pipeline", "pipeline"][n]);
        records.push(("grants", grant));
    }
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    let all = totals(&anon, "grants?measure=sum,count,average,median,min,max,organisations").await["meta"]["total"][0]
        .clone();
    let values = ["sum", "count", "average", "median", "min", "max", "organisations"].map(|name| all[name].to_string());
    assert_eq!(values, ["110.00", "5", "22.00", "20.00", "5.00", "45.00", "0"]);
    let even = totals(&anon, "grants?measure=median&status=pipeline").await;
    assert_eq!(even["meta"]["total"][0]["median"].to_string(), "25.00");
    let keys = |answer: &Value| {
        answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["grant"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&totals(&anon, "grants?group_by=grant").await), ["T-3", "T-2", "T-1", "T-0", "T-4"]);
    assert_eq!(
        keys(&totals(&anon, "grants?group_by=grant&sort=sum&sum_gte=10&sum_lte=30").await),
        ["T-0", "T-1", "T-2"]
    );
    assert_eq!(keys(&totals(&anon, "grants?group_by=grant&sort=key").await), ["T-0", "T-1", "T-2", "T-3", "T-4"]);
    for sort in ["sort=key", "sort=sum", "sort=-sum", "sort=count"] {
        let (mut seen, mut next) = (Vec::new(), format!("/v1/totals/grants?group_by=grant&limit=2&{sort}"));
        loop {
            let page = anon.get(&next).await.expect(200).json();
            seen.extend(keys(&page));
            match page["links"]["next"].as_str() {
                Some(address) => next = address.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen.len(), 5, "{sort}: {seen:?}");
        assert_eq!(seen, keys(&totals(&anon, &format!("grants?group_by=grant&{sort}")).await), "{sort}");
    }
    let wide = totals(&anon, "grants?group_by=status,year&measure=sum&shape=wide&sort=key").await;
    assert_eq!(wide["data"][0]["values"].to_string(), r#"{"2011":40.00,"2012":20.00}"#);
    let csv =
        anon.get("/v1/totals/grants.csv?group_by=status,year&measure=sum&shape=wide&sort=key").await.expect(200).text();
    let expected = "row,status,status_name,status_note,status_reason,currency,2011,2012,total,reason,records,amount,counted,inexact,explain\r\n\
        group,closed,,,,EUR,40.00,20.00,60.00,,,,,,\r\ngroup,pipeline,,,,EUR,5.00,45.00,50.00,,,,,,\r\n\
        total,,,,,EUR,45.00,65.00,110.00,,,,,,";
    assert!(csv.starts_with(expected), "{csv}");
    let long = anon.get("/v1/totals/grants.csv?group_by=status").await.expect(200).text();
    assert!(long.contains("\r\ntotal,,,,,EUR,110.00,5,,,,,,http"), "{long}");
    assert!(long.contains("\r\nincluded,,,,,EUR,,,,5,110.00,110.00,0,\r\nmethod,"), "{long}");
    for (query, codes) in [
        ("transactions", vec!["type measures_mixed"]),
        ("transactions?type=disbursement,expenditure&measure=sum", vec!["type measures_mixed"]),
        ("grants?measure=total&group_by=town", vec!["measure measure_unknown", "group_by dimension_unknown"]),
        ("grants?group_by=year,month,quarter,status", vec!["group_by dimensions_too_many"]),
        ("grants?group_by=year,year", vec!["group_by dimension_repeated"]),
        ("grants?currency=EURO", vec!["currency currency_invalid"]),
        ("grants?boundary=T-0", vec!["boundary not_with_subject"]),
        ("transactions?type=disbursement&boundary=NOWHERE", vec!["boundary boundary_unknown"]),
        ("transactions?type=disbursement&boundary=T-0", vec!["boundary boundary_unknown"]),
        ("grants?shape=wide&group_by=year", vec!["shape not_with_dimensions"]),
        ("grants?sort=median", vec!["sort sort_unknown"]),
        ("grants?median_gte=5", vec!["median_gte measure_missing"]),
        ("grants?place_level=town&group_by=place", vec!["place_level value_unknown"]),
        ("grants?statsu=closed&limit=0", vec!["statsu unknown_parameter", "limit limit_invalid"]),
        ("grants.csv?limit=5", vec!["limit not_with_format"]),
    ] {
        assert_eq!(anon.get(&format!("/v1/totals/{query}")).await.problem(400), codes, "{query}");
    }
    anon.get("/v1/totals/programmes").await.problem(404);
    anon.get("/v1/totals/grants.xlsx").await.problem(404);
    // The past stays as it was.
    let as_of = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let then = anon.get(&format!("/v1/totals/grants?group_by=status&as_of={as_of}")).await.expect(200).text();
    app.admin().patch("/v1/grants/T-0", &json!({"status": "cancelled"}), &[("if-match", "*")]).await.expect(200);
    assert_ne!(totals(&anon, "grants?group_by=status").await["data"].as_array().unwrap().len(), 2);
    assert_eq!(anon.get(&format!("/v1/totals/grants?group_by=status&as_of={as_of}")).await.expect(200).text(), then);
}

#[actix_web::test]
async fn parts_that_fall_together_are_one_and_every_row_is_listed_once() {
    let app = TestApp::empty().await;
    let mut records = places();
    for n in 0..3 {
        let places = json!([{"location": "T-A", "percentage": 30}, {"location": "T-B", "percentage": 30}, {"location": "T-C", "percentage": 40}]);
        let grant = json!({"title": {"en": "G"}, "status": "closed", "budget": {"amount": 100, "currency": "EUR"}, "places": places});
        records.push(named("grants", &format!("T-G{n}"), grant));
    }
    make::write(&mut app.connection().await, &records).await;
    let anon = app.anon();
    for (level, groups) in [("country", 1), ("nuts3", 2)] {
        let query = format!("grants?group_by=place&place_level={level}&measure=sum,count,average,median,min,max");
        let found = totals(&anon, &query).await;
        assert_eq!(found["data"].as_array().unwrap().len(), groups);
        for group in found["data"].as_array().unwrap() {
            let average = exact(&group["average"]);
            for measure in ["median", "min", "max"] {
                assert_eq!(exact(&group[measure]), average, "{group}");
            }
        }
        // However small the pages are.
        let mut next = Some(format!("/v1/totals/grants/rows?group_by=place&place_level={level}&limit=1"));
        let mut sum = Decimal::ZERO;
        while let Some(address) = next {
            let page = anon.get(&address).await.expect(200).json();
            sum += page["data"].as_array().unwrap().iter().map(|row| exact(&row["part"])).sum::<Decimal>();
            next = page["links"]["next"].as_str().map(String::from);
        }
        assert_eq!(sum, Decimal::from(300), "{level}");
    }
}
