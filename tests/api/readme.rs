//! The README is true: its questions have their answers, its settings are the program's.

use aid_register::config::SETTINGS;
use aid_register::content;
use regex::Regex;
use serde_json::Value;

use crate::support::TestApp;

const README: &str = include_str!("../../README.md");

/// The rows of the table in a section, as cells without code marks.
fn table(section: &str) -> Vec<Vec<String>> {
    let text = README.split(&format!("\n## {section}\n")).nth(1).unwrap_or_else(|| panic!("no section {section}"));
    let text = text.split("\n## ").next().unwrap();
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

/// The values at a place such as `/data/*/value`.
fn at<'a>(value: &'a Value, place: &str) -> Vec<&'a Value> {
    place.split('/').skip(1).fold(vec![value], |found, step| {
        found
            .into_iter()
            .flat_map(|value| match (step, value) {
                ("*", Value::Array(items)) => items.iter().collect::<Vec<_>>(),
                ("*", Value::Object(members)) => members.values().collect(),
                (step, Value::Array(items)) => {
                    step.parse::<usize>().ok().and_then(|n| items.get(n)).into_iter().collect()
                }
                (step, value) => value.get(step).into_iter().collect(),
            })
            .collect()
    })
}

#[actix_web::test]
async fn questions_have_their_answers() {
    let app = TestApp::shipped().await;
    content::load_shipped_rates(&mut app.connection().await).await.unwrap();
    let rows = table("Questions you can ask");
    assert!(rows.len() >= 12, "{} questions", rows.len());
    for row in rows {
        let [question, address, place, answer] = row.as_slice() else { panic!("{row:?}") };
        let json = app.anon().get(code(address)).await.expect(200).json();
        let (place, sum) = match place.strip_suffix(", added up") {
            Some(place) => (place, true),
            None => (place.as_str(), false),
        };
        let found = at(&json, code(place));
        let got = if sum {
            found.iter().map(|value| value.as_i64().unwrap()).sum::<i64>().to_string()
        } else {
            let texts = found.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), String::from));
            texts.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(&got, code(answer), "{question}");
    }
}

#[test]
fn settings_are_the_programs() {
    let mut expected: Vec<(String, String)> =
        SETTINGS.iter().map(|setting| (setting.name.to_owned(), setting.default.to_owned())).collect();
    let mut written: Vec<(String, String)> =
        table("Settings").iter().map(|row| (code(&row[0]).to_owned(), code(&row[1]).to_owned())).collect();
    expected.sort();
    written.sort();
    assert_eq!(written, expected);
}

#[test]
fn the_map_names_files_that_exist() {
    let names = Regex::new(r"`((?:src|tests|content|migrations|openapi|benches|docs)/[\w./-]*)`").unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for found in names.captures_iter(README) {
        assert!(root.join(&found[1]).exists(), "{} does not exist", &found[1]);
        count += 1;
    }
    assert!(count > 15, "{count}");
}
