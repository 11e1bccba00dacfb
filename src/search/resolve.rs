//! How the register reads what was typed: as words that it has, else as beginnings of
//! words, else as mistyped names. Decided for the whole register, not for each
//! collection, so that a word that is known somewhere is nowhere taken for a mistake.

use diesel::sql_types::{Array, Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::terms::Typed;
use super::{Reading, Search, Term};
use crate::collections;
use crate::error::{Fault, Problem};
use crate::kind::Kind;

/// One letter begins too much.
const PREFIX_FROM: usize = 2;
/// Shorter words are not taken for mistyped ones: too much looks like them.
const SIMILAR_FROM: usize = 4;

#[derive(QueryableByName)]
struct Folded {
    #[diesel(sql_type = Text)]
    folded: String,
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Bool)]
    known: bool,
}

impl Search {
    /// Reads the terms as the register has them, now or at the instant that was entered.
    pub async fn resolve(connection: &mut AsyncPgConnection, typed: &[Typed]) -> Result<Self, Problem> {
        let texts: Vec<&str> = typed.iter().map(|term| term.text.as_str()).collect();
        let folded: Vec<Folded> =
            sql_query("SELECT fold(text) AS folded FROM unnest($1) WITH ORDINALITY AS typed (text, n) ORDER BY n")
                .bind::<Array<Text>, _>(&texts)
                .load(connection)
                .await?;
        let whole: Vec<&str> = folded.iter().map(|one| one.folded.as_str()).filter(|one| !one.is_empty()).collect();
        let whole = whole.join(" ");
        if whole.is_empty() {
            let words = "q has no letter and no digit to search for";
            return Err(Problem::invalid(vec![Fault::parameter("q", "search_empty", words)]));
        }
        let folded: Vec<(&Typed, String)> = typed
            .iter()
            .zip(folded)
            .map(|(typed, one)| (typed, one.folded))
            .filter(|(_, one)| !one.is_empty())
            .collect();
        let only_words = folded.iter().all(|(typed, folded)| is_function_word(typed, folded));
        let mut terms = Vec::new();
        for (typed, folded) in folded {
            let reading = match is_function_word(typed, &folded) && !only_words {
                true => Reading::Ignored,
                false => read(connection, typed, &folded).await?,
            };
            terms.push(Term { typed: typed.text.clone(), folded, reading });
        }
        let needed = terms.iter().filter(|term| term.reading != Reading::Ignored).map(|term| term.folded.as_str());
        let bare = needed.collect::<Vec<_>>().join(" ");
        // Where one word is like nothing, all of them together may be like a name.
        let absent = terms.iter().any(|term| term.reading == Reading::Absent);
        let is_quoted = typed.iter().any(|term| term.quoted);
        if absent && !is_quoted && terms.len() > 1 && knows(connection, &bare, Reading::Similar).await? {
            terms = vec![Term { typed: texts.join(" "), folded: bare.clone(), reading: Reading::Similar }];
        }
        let typed = texts.join(" ");
        Ok(Self { terms, typed, whole, bare })
    }
}

/// Words that say nothing alone, folded: English and Serbian articles, prepositions, conjunctions, and
/// the forms of "to be" that stand between others.
const FUNCTION_WORDS: [&str; 40] = [
    "a", "an", "and", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to", "was", "were",
    "with", // English
    "ali", "da", "do", "i", "ili", "iz", "je", "kod", "koji", "na", "od", "o", "po", "pri", "s", "sa", "se", "su", "u",
    "uz", "za", "k", "ka",
];

/// Whether a term is such a word, outside of quotes and whole.
fn is_function_word(typed: &Typed, folded: &str) -> bool {
    !typed.open && !typed.quoted && FUNCTION_WORDS.contains(&folded)
}

async fn read(connection: &mut AsyncPgConnection, typed: &Typed, folded: &str) -> Result<Reading, Problem> {
    let mut readings = if typed.open { vec![] } else { vec![Reading::Word] };
    if folded.chars().count() >= PREFIX_FROM {
        readings.push(Reading::Prefix);
    }
    // What stands in quotes is meant as it stands.
    if !typed.open && !typed.quoted && folded.len() >= SIMILAR_FROM {
        readings.push(Reading::Similar);
    }
    for reading in readings {
        if knows(connection, folded, reading).await? {
            return Ok(reading);
        }
    }
    Ok(Reading::Absent)
}

/// Whether any record has this.
async fn knows(connection: &mut AsyncPgConnection, folded: &str, reading: Reading) -> Result<bool, Problem> {
    let condition = match reading {
        Reading::Similar => "$1 <% names".to_owned(),
        other => format!("words @@ term($1, '{}')", other.name()),
    };
    let exists = |kind: &&Kind| format!("EXISTS (SELECT FROM {} WHERE {condition})", kind.collection);
    let sql: Vec<String> = collections::ALL.iter().map(exists).collect();
    let known: Known = sql_query(format!("SELECT {} AS known", sql.join(" OR ")))
        .bind::<Text, _>(folded)
        .get_result(connection)
        .await?;
    Ok(known.known)
}
