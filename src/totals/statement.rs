//! A statement in the making: named expressions, and the values that are bound into them.

use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};

use crate::store::bound::{Bound, bind};

/// Expressions and values, in their order.
#[derive(Default)]
pub struct Statement {
    with: Vec<String>,
    /// The values bound so far: the first is `$1`.
    pub values: Vec<Bound>,
}

impl Statement {
    /// Adds an expression: `name AS (…)`.
    pub fn add(&mut self, expression: impl Into<String>) {
        self.with.push(expression.into());
    }

    /// Binds a text; gives its placeholder.
    pub fn text(&mut self, text: &str) -> String {
        self.values.push(Bound::Text(text.to_owned()));
        format!("${}", self.values.len())
    }

    /// Binds a list of texts; gives its placeholder.
    pub fn list(&mut self, items: &[String]) -> String {
        self.values.push(Bound::List(items.to_vec()));
        format!("${}", self.values.len())
    }

    /// What reads the expressions, with them before it; they are taken out.
    pub fn take(&mut self, end: &str) -> String {
        match self.with.is_empty() {
            true => end.to_owned(),
            false => format!("WITH RECURSIVE {} {end}", std::mem::take(&mut self.with).join(",\n")),
        }
    }

    /// The whole statement, to be run.
    pub fn query(mut self, end: &str) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
        bind(self.take(end), self.values)
    }
}
