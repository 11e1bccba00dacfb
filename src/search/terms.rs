//! What was typed: words, "several words" in quotes, and the beginning of one (`munic*`).

use crate::error::Fault;

/// A search has this many characters at most.
const LONGEST: usize = 200;
/// And this many terms.
const MOST: usize = 12;

/// One term as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// Its text, without quotes and asterisk.
    pub text: String,
    /// Whether it ends in an asterisk.
    pub open: bool,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// Splits what was typed. What is no letter or digit separates words and means nothing
/// else, but for quotes, and an asterisk at the end of a word.
pub fn parse(q: &str) -> Result<Vec<Typed>, Fault> {
    let fault = |code: &str, words: String| Err(Fault::parameter("q", code, words));
    if q.chars().count() > LONGEST {
        return fault("search_too_long", format!("a search has {LONGEST} characters at most"));
    }
    let mut terms = Vec::new();
    // The pieces at odd places stand between quotes.
    let quoted = |n: usize| n % 2 == 1;
    for (n, piece) in q.split(['"', '“', '”', '„']).enumerate() {
        let words: Vec<&str> = if quoted(n) { vec![piece] } else { piece.split_whitespace().collect() };
        for word in words.into_iter().filter(|word| word.contains(char::is_alphanumeric)) {
            if word.ends_with('*') && word.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
                return fault("search_too_short", "the beginning of a word has two letters at least".into());
            }
            terms.push(Typed { text: word.to_owned(), open: !quoted(n) && word.ends_with('*'), quoted: quoted(n) });
        }
    }
    match terms.len() {
        0 => fault("search_empty", "q has no letter and no digit to search for".into()),
        1..=MOST => Ok(terms),
        _ => fault("search_too_long", format!("a search has {MOST} words or phrases at most")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(q: &str) -> Vec<(String, bool)> {
        parse(q).unwrap().into_iter().map(|term| (term.text, term.open)).collect()
    }

    #[test]
    fn words_phrases_and_beginnings() {
        let expected = [("Ćuprija", false), ("citizens assistance", false), ("munic*", true)];
        let expected: Vec<(String, bool)> = expected.map(|(text, open)| (text.into(), open)).into();
        assert_eq!(texts("  Ćuprija \"citizens assistance\" munic* % ' _ "), expected);
        assert_eq!(texts("„Nova škola” x"), [("Nova škola".into(), false), ("x".into(), false)]);
        assert_eq!(texts("one \"left open"), [("one".into(), false), ("left open".into(), false)]);
    }

    #[test]
    fn bounds() {
        let code = |q: &str| parse(q).unwrap_err().code;
        assert_eq!(code(" %_*'\\ "), "search_empty");
        assert_eq!(code(&"x".repeat(201)), "search_too_long");
        assert_eq!(code(&"x ".repeat(13)), "search_too_long");
    }
}
