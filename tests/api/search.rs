//! Searching text: the same record whatever the script, spelling or case.

use aid_register::collections;
use futures::StreamExt;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::reference;
use crate::support::{Client, TestApp};
use crate::{make, paging};

/// The address of a search for this text.
fn address(collection: &str, q: &str) -> String {
    let q: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
    format!("/v1/{collection}?q={q}")
}

/// Plain ASCII, as it is typed where there is no other keyboard: with two letters for `đ`, or one.
fn ascii(name: &str, dj: &str) -> String {
    let of = |c: char| match c {
        'č' | 'ć' => "c".to_owned(),
        'Č' | 'Ć' => "C".to_owned(),
        'š' => "s".to_owned(),
        'Š' => "S".to_owned(),
        'ž' => "z".to_owned(),
        'Ž' => "Z".to_owned(),
        'đ' | 'Đ' => dj.to_owned(),
        other => other.to_string(),
    };
    name.chars().map(of).collect()
}

async fn found(client: &Client, q: &str) -> Vec<Value> {
    let answer = client.get(&address("search", q)).await.expect(200);
    answer.json()["data"].as_array().unwrap().clone()
}

#[actix_web::test]
#[cfg_attr(no_reference, ignore = "the reference files are missing: set REGISTER_REFERENCE")]
async fn every_municipality_and_region_is_found_first_in_any_script_and_case() {
    let app = TestApp::shipped().await;
    let mut places: Vec<(String, [String; 2])> = Vec::new();
    for row in reference::table("geo/serbia-municipalities.csv") {
        places.push((format!("RS-{}", row["maticni_broj"]), [row["name_lat"].clone(), row["name_cyr"].clone()]));
    }
    assert_eq!(places.len(), 175);
    for row in reference::table("geo/nuts-rs-ro.csv") {
        if row["level"] == "3" && row["country"] == "RS" {
            places.push((row["nuts_id"].clone(), [row["name_latn"].clone(), row["nuts_name"].clone()]));
        }
    }
    assert_eq!(places.len(), 200);
    let questions = places.iter().flat_map(|(identifier, [latin, cyrillic])| {
        let spelled = [latin.clone(), cyrillic.clone(), ascii(latin, "dj"), ascii(latin, "d")];
        let cased = spelled.into_iter().flat_map(|name| [name.to_uppercase(), name.to_lowercase(), name]);
        cased.map(move |name| (identifier.clone(), name))
    });
    let client = app.anon();
    let ask = async |(identifier, q): (String, String)| {
        let found = found(&client, &q).await;
        let at = found.iter().position(|hit| hit["identifier"] == identifier.as_str());
        let at = at.unwrap_or_else(|| panic!("{q:?} does not find {identifier}"));
        // Before it stand at most places that are called just the same.
        let called = |hit: &Value| hit["title"]["sr-Latn"].clone();
        for other in &found[..at] {
            assert_eq!(called(other), called(&found[at]), "{q:?} finds {other} before {identifier}");
        }
    };
    futures::stream::iter(questions).map(ask).buffer_unordered(8).collect::<Vec<()>>().await;
    // In these letters it is a country.
    assert_eq!(found(&client, "индија").await[0]["identifier"], "IN");
}

#[actix_web::test]
async fn one_word_in_three_scripts_finds_the_same_rows_everywhere() {
    let app = TestApp::shipped().await;
    for kind in collections::ALL {
        let of = async |q: &str| app.anon().get(&address(kind.collection, q)).await.expect(200).identifiers();
        let first = of("Ћуприја").await;
        for q in ["Ćuprija", "Cuprija", "CUPRIJA", "ћуприја", "Ćuprija"] {
            assert_eq!(of(q).await, first, "{q} in {}", kind.collection);
        }
    }
}

#[actix_web::test]
async fn terms_are_read_as_words_else_as_beginnings_else_as_mistyped() {
    let app = TestApp::shipped().await;
    for (q, first, reading) in [
        ("teacher", "AR-LNOB-TEACHERS", "word"),
        ("општинама", "AR-SRC-SORS-2020", "word"),
        ("Ćupriji", "RS-71200", "word"),
        ("brani*", "RS222", "prefix"),
        ("Smedere", "RS-71099", "prefix"),
        ("Smederveo", "RS-71099", "similar"),
        ("Црна Гора", "ME", "word"),
        ("hrvatska", "HR", "word"),
        ("RS-71200", "RS-71200", "word"),
        ("71200", "RS-71200", "word"),
        ("ar-cuprija-cac", "AR-CUPRIJA-CAC", "word"),
    ] {
        let answer = app.anon().get(&address("search", q)).await.expect(200).json();
        let hits: Vec<&str> =
            answer["data"].as_array().unwrap().iter().map(|hit| hit["identifier"].as_str().unwrap()).collect();
        let top = hits.iter().take(if reading == "word" { 10 } else { 1 });
        assert!(top.into_iter().any(|hit| *hit == first), "{q}: {hits:?}");
        assert_eq!(answer["meta"]["search"][0]["reading"], reading, "{q}");
    }
    let nothing = app.anon().get(&address("search", "xqzwkv")).await.expect(200).json();
    assert_eq!((&nothing["data"], &nothing["meta"]["search"][0]["reading"]), (&json!([]), &json!("absent")));
}

#[actix_web::test]
async fn every_word_must_be_found_and_a_phrase_as_it_stands() {
    let app = TestApp::empty().await;
    let mut records = Vec::new();
    for (identifier, title) in [
        ("T-1", "A new school for the town"),
        ("T-2", "The town has a new road"),
        ("T-3", "School of the new town"),
        ("T-4", "50% of _all_ \\ 'quoted' costs"),
    ] {
        let mut grant = make::grant(title);
        grant["identifier"] = identifier.into();
        records.push(("grants", grant));
    }
    make::write(&mut app.connection().await, &records).await;
    for (q, expected) in [
        ("school town", &["T-1", "T-3"][..]),
        ("\"new school\"", &["T-1"]),
        ("\"new town\" school", &["T-3"]),
        ("schools towns", &["T-1", "T-3"]),
        ("50%", &["T-4"]),
        ("_all_", &["T-4"]),
        ("'quoted'", &["T-4"]),
        ("%", &[]),
    ] {
        let answer = app.anon().get(&address("grants", q)).await;
        if q == "%" {
            assert_eq!(answer.problem(400), ["q search_empty"]);
            continue;
        }
        let mut found = answer.expect(200).identifiers();
        found.sort();
        assert_eq!(found, expected, "{q}");
    }
}

#[actix_web::test]
async fn what_cannot_be_searched_for_is_refused() {
    let app = TestApp::shipped().await;
    for (query, codes) in [
        ("q=%25_%27%22", vec!["q search_empty"]),
        ("q=.*%5B%5D%7B%7D%28%29%5C", vec!["q search_empty"]),
        ("highlight=true", vec!["highlight not_without_search"]),
        ("sort=relevance", vec!["sort sort_unknown"]),
        ("facets=staus", vec!["facets name_unknown"]),
        ("q=x&facets=status&shape=array", vec!["facets not_with_shape"]),
    ] {
        assert_eq!(app.anon().get(&format!("/v1/grants?{query}")).await.problem(400), codes, "{query}");
    }
    let long = format!("/v1/grants?q={}", "x".repeat(10_000));
    assert_eq!(app.anon().get(&long).await.problem(400), ["q search_too_long"]);
    assert_eq!(app.anon().get("/v1/grants.csv?q=x&facets=status").await.problem(400), ["facets not_with_format"]);
    assert_eq!(app.anon().get("/v1/search").await.problem(400), ["q required"]);
    assert_eq!(app.anon().get("/v1/search?q=x&collection=grant").await.problem(400), ["collection name_unknown"]);
}

#[test]
fn any_text_is_searched_for_or_refused() {
    let system = actix_web::rt::System::new();
    let app = system.block_on(TestApp::shipped());
    let text = prop_oneof!["\\PC{1,40}", "[a-zčćšžđ\"*&|!():<>'\\\\ -]{1,40}", "[\\x20-\\x7e]{1,40}"];
    let mut runner = TestRunner::new(ProptestConfig { cases: 64, ..ProptestConfig::default() });
    let run = runner.run(&text, |q| {
        let answer = system.block_on(app.anon().get(&format!("{}&highlight=true", address("grants", &q))));
        prop_assert!(matches!(answer.status, 200 | 400), "{q:?}: {} {}", answer.status, answer.text());
        Ok(())
    });
    run.unwrap();
}

#[actix_web::test]
async fn marks_show_where_and_facets_count_what_was_found() {
    let app = TestApp::shipped().await;
    let path = address("grants", "Ћуприја građana citizens").replace("gra%C4%91ana+", "");
    let answer =
        app.anon().get(&format!("{path}&highlight=true&facets=status,place&count=exact")).await.expect(200).json();
    assert_eq!(
        answer["data"][0]["highlights"]["/title/en"],
        "<mark>Citizens</mark> Assistance Centre in <mark>Ćuprija</mark>"
    );
    // A place counts in all that it lies in.
    let places = ["RS", "RS-71200", "RS2", "RS21", "RS215"].map(|place| json!({"value": place, "count": 1}));
    assert_eq!(answer["meta"]["facets"], json!({"status": [{"value": "closed", "count": 1}], "place": places}));
    // The counts of a facet with one value each add up to the number of records, and each
    // is what its own filter finds.
    for kind in collections::ALL {
        for facet in kind.facets() {
            let list = format!("/v1/{}?count=exact&limit=1000", kind.collection);
            let answer = app.anon().get(&format!("{list}&facets={}", facet.name)).await.expect(200).json();
            for one in answer["meta"]["facets"][facet.name].as_array().unwrap().iter().take(5) {
                let Some(value) = one["value"].as_str() else { continue };
                let filtered = app.anon().get(&format!("{list}&{}={value}", facet.name)).await.expect(200).json();
                let at_least = facet.name == "place";
                let (counted, found) = (one["count"].as_i64().unwrap(), filtered["meta"]["total"].as_i64().unwrap());
                assert!(
                    counted == found || at_least && counted <= found,
                    "{} {}={value}: {counted} and {found}",
                    kind.collection,
                    facet.name
                );
            }
        }
    }
}

#[actix_web::test]
async fn pages_of_a_search_show_each_hit_once_and_the_past_stays_as_it_was() {
    let app = TestApp::empty().await;
    let mut records = Vec::new();
    for n in 0..57 {
        let words = ["roof", "roof roof", "a roof for the school"];
        let mut grant = make::grant(words[n % 3]);
        grant["identifier"] = format!("T-{n:02}").into();
        records.push(("grants", grant));
        let mut programme = make::programme("Roofs");
        programme["identifier"] = format!("T-P{n:02}").into();
        records.push(("programmes", programme));
    }
    make::write(&mut app.connection().await, &records).await;
    for list in ["/v1/search?q=roof&limit=10", "/v1/grants?q=roofs&limit=10", "/v1/grants?q=roof&sort=title&limit=7"] {
        let mut seen = paging::follow(&app, list).await;
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((all, seen.len()), if list.contains("search") { (114, 114) } else { (57, 57) }, "{list}");
    }
    let whole = app.anon().get("/v1/grants?q=roof&limit=1000").await.expect(200);
    let csv = app.anon().get("/v1/grants.csv?q=roof&fields=title").await.expect(200).text();
    assert_eq!(csv.lines().count(), 58);
    let as_of = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let then = app.anon().get(&format!("/v1/grants?q=roof&limit=1000&as_of={as_of}")).await.expect(200);
    assert_eq!(then.identifiers(), whole.identifiers());
    let change = json!({"title": {"en": "A bridge"}});
    app.admin().patch("/v1/grants/T-00", &change, &[("if-match", "*")]).await.expect(200);
    let now = app.anon().get("/v1/grants?q=roof&limit=1000").await.expect(200);
    assert_eq!(now.identifiers().len(), 56);
    let again = app.anon().get(&format!("/v1/grants?q=roof&limit=1000&as_of={as_of}")).await.expect(200);
    assert_eq!(again.text(), then.text());
}
