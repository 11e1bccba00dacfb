//! Query strings: of the list of a collection that the first byte chooses, with its filters, places on the map and
//! instants, and of questions about totals.
#![no_main]

use aid_register::formats::Format;
use aid_register::http::query::Query;
use aid_register::kind::Kind;
use aid_register::page::{self, Options, link};
use aid_register::store::ask::Ask;
use aid_register::totals::dimension::Subject;
use aid_register::totals::question::{self, Question};
use aid_register::totals::values;
use aid_register_fuzz::chosen;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = chosen(data) else { return };
    let Ok(raw) = std::str::from_utf8(rest) else { return };
    list(kind, raw);
    for subject in [Subject::Transactions, Subject::Grants, Subject::Indicators] {
        totals(subject, raw);
    }
});

/// A list, as far as it goes without a database.
fn list(kind: &'static Kind, raw: &str) {
    let (query, _) = Query::parse_on(raw, page::parameters(kind));
    for format in [Format::Json, Format::Csv, Format::Xml] {
        let _ = Options::read(kind, &query, format).is_ok();
    }
    again(&query);
    let fixed = kind.all_filters().next().map(|filter| (filter.name, "x"));
    if let Ok(ask) = Ask::read(kind, &query, fixed, "fuzz") {
        let mut values = Vec::new();
        let conditions = ask.matching(&mut values);
        assert!(!conditions.contains("$?") && conditions.contains(&format!("${}", values.len())), "{conditions}");
        drop((ask.rows(), ask.page(10), ask.count()));
    }
}

/// A question about totals, likewise.
fn totals(subject: Subject, raw: &str) {
    let known = question::parameters(subject);
    let (query, _) = Query::parse_on(raw, known.iter().map(String::as_str));
    if let Ok(question) = Question::read(subject, &query, "fuzz") {
        let mut bound = Vec::new();
        let matching = question.ask.matching(&mut bound);
        drop(values::statements(&question, &matching));
    }
}

/// The address of the same question says the same.
fn again(query: &Query) {
    let address = link("https://example.org/v1/grants", query, None);
    let raw = address.split_once('?').map_or("", |(_, raw)| raw);
    let names: Vec<&str> = query.pairs().map(|(name, _)| name).collect();
    let Ok(same) = Query::parse(raw, names.iter().copied()) else { panic!("{raw}") };
    let but_cursor = query.without("cursor");
    assert!(same.pairs().eq(but_cursor.pairs()), "{raw}");
}
