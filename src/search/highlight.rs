//! Marking what was found, in the texts as they were written.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use diesel::sql_types::{Array, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::{Reading, Search};
use crate::json::push;

/// Texts longer than this are shown in part, from a little before the first mark on.
const WINDOW: usize = 240;
/// So many characters stand before the first mark.
const BEFORE: usize = 60;
/// Members that are not searched.
const SKIPPED: [&str; 2] = ["sources", "included"];

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    word: String,
}

/// The texts of each view in which a term stands, by JSON Pointer: as HTML, with `<mark>`.
pub async fn highlights(
    connection: &mut AsyncPgConnection,
    search: &Search,
    views: &[Map<String, Value>],
) -> diesel::QueryResult<Vec<BTreeMap<String, String>>> {
    let texts: Vec<Vec<(String, &str)>> = views
        .iter()
        .map(|view| {
            let mut texts = Vec::new();
            let members = view.iter().filter(|(name, _)| !SKIPPED.contains(&name.as_str()));
            members.for_each(|(name, value)| collect(&push("", name), value, &mut texts));
            texts
        })
        .collect();
    let all: BTreeSet<&str> = texts.iter().flatten().flat_map(|(_, text)| text.unicode_words()).collect();
    let found = found(connection, search, all.into_iter().collect()).await?;
    let marked = |texts: &Vec<(String, &str)>| {
        texts.iter().filter_map(|(pointer, text)| Some((pointer.clone(), mark(text, &found)?))).collect()
    };
    Ok(texts.iter().map(marked).collect())
}

/// Texts of a value, with their places.
fn collect<'v>(pointer: &str, value: &'v Value, texts: &mut Vec<(String, &'v str)>) {
    match value {
        Value::String(text) => texts.push((pointer.to_owned(), text)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| collect(&format!("{pointer}/{n}"), item, texts))
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| collect(&push(pointer, name), member, texts))
        }
        _ => {}
    }
}

/// Of these words the ones that a term of the search finds; a phrase finds its words.
async fn found(
    connection: &mut AsyncPgConnection,
    search: &Search,
    words: Vec<&str>,
) -> diesel::QueryResult<HashSet<String>> {
    let of = |reading: Reading| {
        let terms = search.terms.iter().filter(move |term| term.reading == reading);
        terms.flat_map(|term| term.folded.split(' ')).collect::<Vec<&str>>()
    };
    let sql =
        "SELECT word FROM unnest($1) AS word, LATERAL (SELECT fold(word) AS folded, stems(fold(word)) AS stems) AS one
        WHERE EXISTS (SELECT FROM unnest($2) AS term WHERE stems @@ term(term, 'word'))
           OR EXISTS (SELECT FROM unnest($3) AS term WHERE stems @@ term(term, 'prefix'))
           OR EXISTS (SELECT FROM unnest($4) AS term WHERE term <% folded)";
    let found: Vec<Found> = sql_query(sql)
        .bind::<Array<Text>, _>(words)
        .bind::<Array<Text>, _>(of(Reading::Word))
        .bind::<Array<Text>, _>(of(Reading::Prefix))
        .bind::<Array<Text>, _>(of(Reading::Similar))
        .load(connection)
        .await?;
    Ok(found.into_iter().map(|found| found.word).collect())
}

/// The text as HTML with marks, if there is something to mark.
fn mark(text: &str, found: &HashSet<String>) -> Option<String> {
    let marks: Vec<(usize, &str)> = text.unicode_word_indices().filter(|(_, word)| found.contains(*word)).collect();
    let (first, _) = *marks.as_slice().first()?;
    let (mut from, mut to) = (0, text.len());
    if text.len() > WINDOW {
        from = text.floor_char_boundary(first.saturating_sub(BEFORE));
        to = text.floor_char_boundary((from + WINDOW).min(text.len()));
    }
    let mut html = String::from(if from > 0 { "…" } else { "" });
    let mut at = from;
    for (start, word) in marks.into_iter().filter(|(start, word)| start + word.len() <= to) {
        html.push_str(&escape(&text[at..start]));
        html.push_str(&format!("<mark>{}</mark>", escape(word)));
        at = start + word.len();
    }
    html.push_str(&escape(&text[at..to.max(at)]));
    html.push_str(if to < text.len() { "…" } else { "" });
    Some(html)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_in_html() {
        let found = HashSet::from(["Ćuprija".to_owned()]);
        assert_eq!(
            mark("A <b>roof</b> in Ćuprija & more", &found).as_deref(),
            Some("A &lt;b&gt;roof&lt;/b&gt; in <mark>Ćuprija</mark> &amp; more")
        );
        assert_eq!(mark("nothing", &found), None);
        let long = format!("{} Ćuprija {}", "ж ".repeat(300), "ш ".repeat(300));
        let marked = mark(&long, &found).unwrap();
        assert!(marked.starts_with('…') && marked.ends_with('…') && marked.contains("<mark>Ćuprija</mark>"));
    }
}
