//! Dividing facts by their dimensions: each list of a record once, whichever dimensions read it.
//!
//! The dimensions divide one after another, in the order in which their subject has them, so
//! that the same cells come of any order in which they are asked for. One that reads a list which
//! another has divided already takes the items that the other's key is of: who pays is not
//! multiplied with the kinds of money that others pay.

use super::dimension::{By, Dimension};
use super::question::{Narrowing, Question};
use super::statement::Statement;

/// How a dimension divides what those before it left.
#[derive(Clone, Copy)]
enum Step {
    /// It does not: there is one key.
    Key,
    /// By the parts of a list.
    Parts(&'static str, &'static str),
    /// As that dimension, by the same keys of the same list.
    Same(usize),
    /// By the items of a list, `.1`, that have that dimension's key, `.0`: its number and member.
    Within((usize, &'static str), &'static str),
}

/// What all keys of some parts become, if that is one; `becomes` is over `key`.
pub(super) fn only(becomes: &str, parts: &str) -> String {
    format!(
        "(SELECT min(one) FROM (SELECT {becomes} AS one FROM jsonb_array_elements_text({parts} -> 'keys') AS listed (key)) AS ones
          HAVING count(DISTINCT one) = 1)"
    )
}

/// How the dimensions of a question divide its facts.
pub struct Division<'q>(pub &'q Question);

impl Division<'_> {
    /// The dimensions by their number, in the order in which they divide.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.0.dimensions.len()).collect();
        let place =
            |n: &usize| self.0.subject.dimensions().position(|dimension| dimension.name == self.0.dimensions[*n].name);
        order.sort_by_key(place);
        order
    }

    fn step(&self, n: usize) -> Step {
        let (list, member) = match self.0.dimensions[n].by {
            By::Key(_) => return Step::Key,
            By::Parts(list, member) => (list, member),
        };
        let before = self.order().into_iter().take_while(|other| *other != n);
        let reads = |other: usize| match self.0.dimensions[other].by {
            By::Parts(same, member) if same == list => Some((other, member)),
            _ => None,
        };
        match before.filter_map(reads).next() {
            Some((other, same)) if same == member => Step::Same(other),
            Some(other) => Step::Within(other, member),
            None => Step::Parts(list, member),
        }
    }

    /// The filter, by its number, that counts only some items of a list, and the member that it reads.
    fn filter_of(&self, list: &str) -> Option<(usize, &'static str)> {
        let reads = |(which, narrowing): (usize, &Narrowing)| match narrowing.dimension.by {
            By::Parts(same, member) if same == list => Some((which, member)),
            _ => None,
        };
        self.0.narrowing.iter().enumerate().find_map(reads)
    }

    /// What each dimension needs of a fact `f`, as columns `d0`, `d1`, …: its key, its parts, or the
    /// list itself, where others have a say in which items count.
    pub(super) fn columns(&self) -> String {
        let column = |(n, dimension): (usize, &&'static Dimension)| {
            let whole = match self.step(n) {
                Step::Same(_) => return String::new(),
                Step::Within(..) => true,
                Step::Parts(list, member) => self.filter_of(list).is_some_and(|(_, other)| other != member),
                Step::Key => false,
            };
            let sql = match dimension.by {
                By::Parts(list, _) if whole => list.to_owned(),
                by => by.sql().to_owned(),
            };
            // What does not count is not divided.
            format!(", CASE WHEN f.rule IS NULL THEN {sql} END AS d{n}")
        };
        self.0.dimensions.iter().enumerate().map(column).collect()
    }

    /// The same columns, of the items that filters find.
    pub(super) fn narrowed_columns(&self) -> String {
        let column = |n: usize| match self.step(n) {
            Step::Same(_) => String::new(),
            Step::Key | Step::Within(..) => format!(", d{n}"),
            Step::Parts(list, member) => match self.filter_of(list) {
                Some((which, same)) if same == member => {
                    format!(", restricted(d{n}, wanted{which}.keys) AS d{n}")
                }
                Some((which, other)) => {
                    format!(", parts(picked(d{n}, '{other}', wanted{which}.keys), '{member}') AS d{n}")
                }
                None => format!(", d{n}"),
            },
        };
        (0..self.0.dimensions.len()).map(column).collect()
    }

    /// How many parts a fact `f` may fall into, as SQL; none, where one list at most is divided.
    pub(super) fn cells(&self) -> Option<String> {
        let lists =
            (0..self.0.dimensions.len()).filter(|n| matches!(self.step(*n), Step::Parts(..) | Step::Within(..)));
        let length = |n: usize| {
            format!(
                "greatest(coalesce(jsonb_array_length(CASE jsonb_typeof(f.d{n}) WHEN 'array' THEN f.d{n} ELSE f.d{n} -> 'keys' END), 1), 1)::numeric"
            )
        };
        let lengths: Vec<String> = lists.map(length).collect();
        (lengths.len() > 1).then(|| lengths.join(" * "))
    }

    /// The parts of the facts that count, by the keys of these of the dimensions: `parts`.
    pub fn parts(&self, which: &[usize]) -> Statement {
        let mut statement = Statement::default();
        let mut joins = String::new();
        let mut keys = vec![String::new(); self.0.dimensions.len()];
        let mut part = "f.whole".to_owned();
        for n in self.order().into_iter().filter(|n| which.contains(n)) {
            let dimension = self.0.dimensions[n];
            joins.push_str(&match self.step(n) {
                Step::Key => {
                    format!(" CROSS JOIN LATERAL (SELECT coalesce(f.d{n}, ',unstated') AS key, {part} AS part) AS s{n}")
                }
                Step::Parts(..) => format!(" CROSS JOIN LATERAL divide({part}, f.d{n}) AS s{n}"),
                Step::Same(other) => format!(" CROSS JOIN LATERAL (SELECT s{other}.key, {part} AS part) AS s{n}"),
                Step::Within((other, its), member) => format!(
                    " CROSS JOIN LATERAL divide({part}, parts(picked(f.d{n}, '{its}', ARRAY[s{other}.key]), '{member}')) AS s{n}"
                ),
            });
            let mut key = format!("s{n}.key");
            // What becomes of a key: of the one that a part has, and of any.
            let mut becomes = dimension.mapped.map(|mapped| {
                let any = format!("coalesce({mapped}, ',unstated')");
                (any.replace("key", &format!("s{n}.key")), any)
            });
            if let Some(level) = self.0.place_level.clone().filter(|_| dimension.name == "place") {
                let level = statement.text(&level);
                statement.add(format!(
                    "levels AS MATERIALIZED (SELECT jsonb_object_agg(place, at) AS at FROM places_at({level}))"
                ));
                let at = |key: &str| format!("coalesce((SELECT at FROM levels) ->> {key}, ',above')");
                becomes = Some((at(&format!("s{n}.key")), at("key")));
            }
            if let Some((own, any)) = becomes {
                // Several that are one then need no shares.
                let only = match self.step(n) {
                    Step::Parts(..) => only(&any, &format!("f.d{n}")),
                    Step::Same(other) => only(&any, &format!("f.d{other}")),
                    Step::Key | Step::Within(..) => "NULL".to_owned(),
                };
                key = format!(
                    "CASE WHEN {key} = ',undivided' THEN coalesce({only}, {key}) WHEN {key} LIKE ',%' THEN {key} ELSE {own} END"
                );
            }
            keys[n] = format!(", ({key}) COLLATE \"C\" AS k{n}");
            part = format!("s{n}.part");
        }
        // Parts that have become one by what became of their keys.
        let merges = which.iter().map(|n| self.0.dimensions[*n]).any(|dimension| {
            let by_level = dimension.name == "place" && self.0.place_level.is_some();
            matches!(dimension.by, By::Parts(..)) && (dimension.mapped.is_some() || by_level)
        });
        let keys = keys.concat();
        let names: String = which.iter().map(|n| format!(", k{n}")).collect();
        let of = format!("identifier, unit, parties, amount, currency{names}");
        let (sum, by) = if merges { ("sum(part) AS part", format!(" GROUP BY {of}")) } else { ("part", String::new()) };
        statement.add(format!(
            "parts AS (SELECT {of}, {sum} FROM (
               SELECT f.identifier, f.unit, f.parties, f.amount, f.currency, {part} AS part{keys} FROM facts f{joins}
               WHERE f.reason IS NULL) AS divided{by})"
        ));
        statement
    }
}
