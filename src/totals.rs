//! Totals: sums and other measures of transactions and grants, by one to three
//! dimensions, counting nothing twice. The rules stand in `docs/METHOD.md`.
//!
//! A question ([`question`]) is told in parameters. The [`facts`] of a subject are its
//! records with what counts of them; those that do not count have a reason. Amounts are
//! divided among the keys of a [`dimension`] as the record says, so that the groups add up.
//! [`routes`] answers with the groups, the whole, and what was left out; [`rows`] lists the
//! very rows that add up to it.

pub mod answer;
pub mod boundary;
pub mod crossing;
pub mod deadline;
pub mod dimension;
pub mod divide;
pub mod facts;
pub mod measures;
pub mod question;
pub mod routes;
pub mod rows;
pub mod rules;
pub mod sides;
pub mod statement;
pub mod summary;
pub mod tables;
pub mod told;
pub mod values;
pub mod written;

/// The version of the rules in `docs/METHOD.md`.
pub const METHOD: &str = "1.10";

#[cfg(test)]
mod tests {
    #[test]
    fn answers_name_the_version_of_the_page() {
        let page = include_str!("../docs/METHOD.md");
        assert!(page.contains(&format!("Version {}. ", super::METHOD)));
    }
}
