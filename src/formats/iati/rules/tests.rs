use serde_json::Value;

use super::*;
use crate::formats::iati::samples::{element, reference};

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

fn broken(inner: &str) -> BTreeSet<String> {
    check(&element(inner), today()).into_iter().map(|finding| finding.rule.into_owned()).collect()
}

/// A line of `cases.csv`: what is in an activity that breaks a rule, and what keeps it, as
/// `samples::element` reads it.
#[derive(Deserialize)]
struct Case {
    test: String,
    id: String,
    wrong: String,
    right: String,
}

fn cases() -> Vec<Case> {
    let cases = csv::Reader::from_reader(include_bytes!("tests/cases.csv").as_slice()).into_deserialize();
    cases.map(Result::unwrap).collect()
}

/// Breaks and keeps each rule of a test.
fn shows(test: &str) {
    let mut number = 0;
    for Case { id, wrong, right, .. } in cases().iter().filter(|case| case.test == test) {
        assert!(broken(wrong).contains(id), "{id}: {wrong}");
        assert!(!broken(right).contains(id), "{id}: {right}");
        number += 1;
    }
    assert!(number > 0);
}

#[test]
fn identifiers_are_clean() {
    shows("identifiers_are_clean");
}

#[test]
fn languages_currencies_and_texts_are_there() {
    shows("languages_currencies_and_texts_are_there");
}

#[test]
fn organisations_have_an_identifier_or_a_name() {
    shows("organisations_have_an_identifier_or_a_name");
}

#[test]
fn days_are_past_and_in_order() {
    shows("days_are_past_and_in_order");
}

#[test]
fn shares_add_up() {
    shows("shares_add_up");
}

#[test]
fn sectors_places_and_aid_types_stand_in_one_place() {
    shows("sectors_places_and_aid_types_stand_in_one_place");
}

#[test]
fn results_are_measured_as_they_say() {
    shows("results_are_measured_as_they_say");
}

#[test]
fn organisations_keep_their_rules() {
    shows("organisations_keep_their_rules");
}

#[test]
fn each_line_is_a_rule_and_each_rule_is_told_with_its_place() {
    let lines = include_str!("rules.csv").lines().count() - 1;
    assert_eq!(ROWS.len(), lines);
    let rules: usize = GROUPS.iter().map(|group| group.rules.len()).sum();
    assert_eq!(rules + not_applied().count(), lines);
    let told = check(&element("<sector/>\n<sector/><sector percentage='101'/>"), today());
    let share = told.iter().find(|finding| finding.rule == "12.3.1").unwrap();
    assert_eq!(
        (share.line, share.path.as_str(), share.parts.as_slice()),
        (3, "sector[3]/@percentage", &["sector".into()][..])
    );
    let start = told.iter().find(|finding| finding.rule == "6.11.1").unwrap();
    assert_eq!((start.line, start.path.as_str(), start.parts.as_slice()), (2, "", &["activity-date".into()][..]));
    assert_eq!(start.severity, Severity::Error);
}

#[test]
fn codes_are_those_of_their_lists() {
    let told = |inner: &str| {
        let found = check(&element(inner), today()).into_iter().filter(|finding| finding.rule.starts_with("codelist."));
        found.map(|finding| (finding.rule.into_owned(), finding.severity, finding.path)).collect::<Vec<_>>()
    };
    let of = |rule: &str, severity, path: &str| vec![(rule.to_owned(), severity, path.to_owned())];
    assert_eq!(
        told("<activity-status code='7'/>"),
        of("codelist.ActivityStatus", Severity::Error, "activity-status/@code")
    );
    assert_eq!(told("<activity-status code='2'/>"), []);
    assert_eq!(told("<sector code='x'/>"), of("codelist.Sector", Severity::Warning, "sector/@code"));
    assert_eq!(told("<sector vocabulary='99' code='x'/><sector vocabulary='1' code='11110'/>"), []);
    assert_eq!(
        told("<sector vocabulary='7' code='18'/>"),
        of("codelist.UNSDG-Goals", Severity::Warning, "sector/@code")
    );
    assert_eq!(
        told("<recipient-country code='ZZ'/>"),
        of("codelist.Country", Severity::Advisory, "recipient-country/@code")
    );
    assert_eq!(
        told("<crs-add><channel-code>1</channel-code></crs-add>"),
        of("codelist.CRSChannelCode", Severity::Warning, "crs-add/channel-code")
    );
    assert_eq!(
        told("<title><narrative xml:lang='EN'/><narrative xml:lang='sr-Latn'/><narrative xml:lang='qq'/></title>"),
        of("codelist.Language", Severity::Advisory, "title/narrative[3]/@xml:lang")
    );
}

#[test]
fn each_path_of_the_codes_is_in_the_schema() {
    for row in csv::Reader::from_reader(include_bytes!("codelists.csv").as_slice()).into_records() {
        let row = row.unwrap();
        let (path, attribute, list) = (&row[0], &row[1], &row[2]);
        assert!(crate::codelists::find(list).is_some(), "{list}");
        assert!(crate::formats::iati::schema::knows(path, attribute), "{path} {attribute}");
    }
}

/// The rules of the ruleset with their severities, wherever they stand in it.
fn named(value: &Value, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(fields) => {
            if let Some(info) = fields.get("ruleInfo") {
                found.insert((info["id"].as_str().unwrap().into(), info["severity"].as_str().unwrap().into()));
            }
            fields.values().for_each(|value| named(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| named(value, found)),
        _ => {}
    }
}

#[test]
#[cfg_attr(no_reference, ignore = "the reference files are missing: set REGISTER_REFERENCE")]
fn all_rules_of_the_ruleset_are_here_and_in_the_docs() {
    let ruleset = std::fs::read(reference("iati/rulesets/standard.json")).unwrap();
    let mut official = BTreeSet::new();
    named(&serde_json::from_slice(&ruleset).unwrap(), &mut official);
    let name = |severity: Severity| <&str>::from(severity).to_owned();
    let ours: BTreeSet<_> = ROWS.iter().map(|row| (row.id.clone(), name(row.severity))).collect();
    assert_eq!(ours, official);
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/RULES.md")).unwrap();
    let (docs, _) = docs.split_once("## The register's own").unwrap();
    let rows = docs.lines().filter(|line| line.starts_with("| ")).skip(2);
    let rows: Vec<Vec<&str>> = rows.map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect();
    let told: Vec<_> = rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    assert_eq!(told.len(), official.len());
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), official);
    let cases = cases();
    for row in rows {
        let shown_by = *row.last().unwrap();
        let is_shown = cases.iter().any(|case| case.id == row[0] && format!("`{}`", case.test) == shown_by);
        let reason = not_applied().find(|(id, _)| *id == row[0]).map(|(_, reason)| format!("not applied: {reason}"));
        assert!(is_shown || reason.as_deref() == Some(shown_by), "{row:?}");
    }
}
