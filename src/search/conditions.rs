//! The conditions and the order that a search sets on a collection's table `t`.

use super::{Reading, Search, Term};
use crate::kind::Kind;
use crate::store::bound::Bound;

/// Collections whose names are found in the records that refer to them.
const NAMED: [&str; 3] = ["locations", "organisations", "beneficiaries"];

impl Search {
    /// One condition for each term: it stands in the record, or in the name of a place,
    /// organisation or beneficiary that the record refers to.
    pub fn conditions(&self, kind: &Kind, values: &mut Vec<Bound>) -> Vec<String> {
        let needed = self.terms.iter().filter(|term| term.reading != Reading::Ignored);
        needed.map(|term| condition(term, kind, values)).collect()
    }

    /// How well a record fits, as a number: it has just this code, it is called just this, in these very letters
    /// (Индија is a country, Indija a town too), its name begins so; beyond that, where the words stand and how often.
    pub fn relevance(&self, values: &mut Vec<Bound>) -> String {
        let letters = bind(&self.typed, values);
        let named = |text: &str, values: &mut Vec<Bound>| {
            let text = bind(text, values);
            format!(
                "CASE WHEN strpos(t.names, '#' || {text} || '#') > 0 THEN 8 \
                 WHEN strpos(t.names, '|' || {text} || '|') > 0 THEN 4 + \
                   (strpos(lower(called(t.doc)::text COLLATE \"und-x-icu\"), lower(to_json({letters}::text)::text COLLATE \"und-x-icu\")) > 0)::integer * 0.5 \
                 WHEN strpos(t.names, '|' || {text} || ' ') > 0 THEN 2 ELSE 0 END"
            )
        };
        let mut ranks = vec![named(&self.whole, values)];
        if self.bare != self.whole {
            ranks.push(named(&self.bare, values));
        }
        for term in &self.terms {
            let text = bind(&term.folded, values);
            ranks.push(match term.reading {
                Reading::Word | Reading::Prefix => {
                    format!("round(ts_rank(t.words, term({text}, '{}'))::numeric, 6)", term.reading.name())
                }
                // A whole name that is like it, before one that has a word like it.
                Reading::Similar => format!(
                    "round((SELECT max(similarity({text}, name)) FROM regexp_split_to_table(t.names, '[|#]+') AS name)::numeric, 6) \
                     + round(word_similarity({text}, t.names)::numeric / 10, 6)"
                ),
                Reading::Absent | Reading::Ignored => "0".into(),
            });
        }
        format!("({})", ranks.join(" + "))
    }
}

fn condition(term: &Term, kind: &Kind, values: &mut Vec<Bound>) -> String {
    let text = bind(&term.folded, values);
    let found = match term.reading {
        Reading::Word | Reading::Prefix => format!("words @@ term({text}, '{}')", term.reading.name()),
        Reading::Similar => format!("{text} <% names"),
        Reading::Absent | Reading::Ignored => return "false".into(),
    };
    let own = format!("SELECT identifier FROM {} WHERE {found}", kind.collection);
    let refers = |name: &&&str| kind.refers_to.contains(*name) && **name != kind.collection;
    let named: Vec<String> =
        NAMED.iter().filter(refers).map(|name| format!("SELECT identifier FROM {name} WHERE {found}")).collect();
    if named.is_empty() {
        return format!("t.identifier IN ({own})");
    }
    let named = named.join(" UNION ALL ");
    format!("t.identifier IN ({own} UNION SELECT l.record FROM links l WHERE l.target IN ({named}))")
}

/// Binds a text; gives its placeholder.
fn bind(text: &str, values: &mut Vec<Bound>) -> String {
    values.push(Bound::Text(text.to_owned()));
    format!("${}", values.len())
}
