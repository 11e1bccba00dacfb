//! Totals by what is asked for most, kept up to date by whatever writes, in its transaction: by
//! place (and each level of places), sector, programme, funder or kind of beneficiary, with or
//! without year and type. They are used only if they are as far as the register; all other
//! questions add up the records themselves.

mod shares;

use std::time::Duration;

use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::dimension::{Dimension, Subject};
use super::measures::Measure;
use super::question::Question;
use super::statement::Statement;
use crate::db::Database;
use crate::error::Problem;
use crate::store::commit;

/// What is summarised; of beneficiaries only their kind.
const DIMENSIONS: [&str; 5] = ["place", "sector", "programme", "funder", "beneficiary"];
/// The dimensions that a question may have; one of them, and these two.
const KEYS: [&str; 5] = ["place", "sector", "programme", "funder", "beneficiary_kind"];
const YEAR: &str = "year";
const TYPE: &str = "type";
/// The rules by which summaries are made. Others than those in the database make them anew.
const RULES: &str = "5";
/// How often is looked whether they have to be.
const PAUSE: Duration = Duration::from_secs(10);

/// Asks whose share in the summaries may change by what is to be written.
pub const AFFECTED: &str = include_str!("summary/affected.sql");

/// The records whose shares may change.
#[derive(QueryableByName)]
pub struct Affected {
    #[diesel(sql_type = Array<Text>)]
    grants: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    transactions: Vec<String>,
}

#[derive(QueryableByName)]
struct Fresh {
    #[diesel(sql_type = Bool)]
    fresh: bool,
}

/// Places by level are a dimension each.
fn level_of(level: &str) -> String {
    format!("place:{level}")
}

/// Whether the summaries are as far as the register.
pub async fn is_fresh(connection: &mut AsyncPgConnection) -> diesel::QueryResult<bool> {
    let sql = "SELECT summary_state.position = commit_clock.position AND rules = $1 AS fresh FROM summary_state, commit_clock";
    let state: Fresh = sql_query(sql).bind::<Text, _>(RULES).get_result(connection).await?;
    Ok(state.fresh)
}

/// The records whose share may change by what is to be written, as the statement [`AFFECTED`] finds
/// them; none at all, if the summaries are behind.
pub async fn affected(
    connection: &mut AsyncPgConnection,
    statement: commit::Statement<'_>,
) -> diesel::QueryResult<Option<Affected>> {
    if !is_fresh(connection).await? {
        return Ok(None);
    }
    statement.get_result(connection).await.map(Some)
}

/// Takes the shares of records out before they are written, or puts them in afterwards.
pub async fn count(connection: &mut AsyncPgConnection, affected: &Affected, sign: i32) -> diesel::QueryResult<()> {
    for (subject, those) in [(Subject::Grants, &affected.grants), (Subject::Transactions, &affected.transactions)] {
        if !those.is_empty() {
            let statement = shares::statement(subject, false, sign);
            sql_query(statement).bind::<Array<Text>, _>(those).execute(connection).await?;
        }
    }
    Ok(())
}

/// Says that the summaries are as far as the register again, after so many more versions.
pub async fn advance(connection: &mut AsyncPgConnection, versions: i64) -> diesel::QueryResult<()> {
    sql_query("UPDATE summary_state SET position = position + $1")
        .bind::<BigInt, _>(versions)
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes the summaries anew, if they are not as far as the register. Writers wait.
pub async fn refresh(connection: &mut AsyncPgConnection) -> diesel::QueryResult<bool> {
    if is_fresh(connection).await? {
        return Ok(false);
    }
    connection
        .transaction(async |connection| {
            connection.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB'").await?;
            let clock = commit::lock(connection).await?;
            // Another instance may have been here.
            if is_fresh(connection).await? {
                return Ok(false);
            }
            connection.batch_execute("DELETE FROM summaries").await?;
            for subject in [Subject::Grants, Subject::Transactions] {
                sql_query(shares::statement(subject, true, 1)).execute(connection).await?;
            }
            sql_query("UPDATE summary_state SET position = $1, rules = $2")
                .bind::<BigInt, _>(clock.position)
                .bind::<Text, _>(RULES)
                .execute(connection)
                .await?;
            Ok(true)
        })
        .await
}

/// Sees to it that the summaries are as far as the register, for as long as the program runs.
pub async fn keep(db: Database) {
    loop {
        match now(&db).await {
            Ok(true) => log::info!("totals were summarised anew"),
            Ok(false) => {}
            Err(problem) => log::warn!("totals could not be summarised: {problem}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn now(db: &Database) -> Result<bool, Problem> {
    Ok(refresh(&mut *db.get_for_write().await?).await?)
}

/// How a question is answered from the summaries.
pub struct Plan {
    subject: Subject,
    dimension: String,
    types: Option<Vec<String>>,
}

impl Plan {
    /// For a question that they can answer.
    pub fn of(question: &Question) -> Option<Self> {
        let names = question.dimensions.iter().map(|dimension| dimension.name);
        let main: Vec<&str> = names.filter(|name| !matches!(*name, YEAR | TYPE)).collect();
        let fits = question.is_whole
            && question.subject != Subject::Indicators
            && question.measures.iter().all(|measure| summed(*measure).is_some())
            && main.len() <= 1
            && main.iter().all(|name| KEYS.contains(name));
        let dimension = match (main.as_slice().first(), &question.place_level) {
            (Some(&"place"), Some(level)) => level_of(level),
            (main, _) => main.copied().unwrap_or_default().to_owned(),
        };
        fits.then(|| Self { subject: question.subject, dimension, types: question.types.clone() })
    }

    /// The parts of what counts, as facts are divided, by the keys of these of the question's dimensions: `parts`.
    pub fn parts(&self, dimensions: &[&'static Dimension], which: &[usize]) -> Statement {
        let mut statement = Statement::default();
        let key = |n: &usize| match dimensions[*n].name {
            YEAR => format!(", year AS k{n}"),
            TYPE => format!(", type AS k{n}"),
            _ => format!(", key AS k{n}"),
        };
        let keys: String = which.iter().map(key).collect();
        // The whole is not divided by a dimension that it has no key for.
        let is_whole = which.iter().all(|n| matches!(dimensions[*n].name, YEAR | TYPE));
        let dimension = statement.text(if is_whole { "" } else { &self.dimension });
        let rows = self.rows(&format!("dimension = {dimension} AND reason = ''"), &mut statement);
        statement.add(format!("parts AS (SELECT currency AS unit, part, count{keys} {rows})"));
        statement
    }

    /// What counts and what does not, as facts have it.
    pub fn judged(&self, statement: &mut Statement) -> String {
        let rows = self.rows("dimension = ''", statement);
        format!(
            "SELECT nullif(reason, '') AS reason, nullif(currency, '') AS currency, nullif(type, '') AS type, sum(count)::bigint AS count,
               CASE WHEN currency <> '' THEN trim_scale(sum(amount))::text END AS amount,
               trim_scale(sum(part))::text AS counted, sum(inexact)::bigint AS inexact
             {rows} GROUP BY summaries.reason, summaries.currency, summaries.type HAVING sum(count) <> 0 ORDER BY 1 NULLS FIRST, 2, 3"
        )
    }

    fn rows(&self, condition: &str, statement: &mut Statement) -> String {
        let subject = self.subject.name();
        let mut rows = format!("FROM summaries WHERE subject = '{subject}' AND count <> 0 AND {condition}");
        if let Some(types) = &self.types {
            rows.push_str(&format!(" AND type = ANY({})", statement.list(types)));
        }
        rows
    }
}

/// A measure over the rows of the summaries, if they have it.
pub fn summed(measure: Measure) -> Option<&'static str> {
    match measure {
        Measure::Sum => Some("coalesce(sum(part), 0)"),
        Measure::Count => Some("sum(count)"),
        Measure::Average => Some("round(sum(part) / nullif(sum(count), 0), 2)"),
        Measure::Median | Measure::Min | Measure::Max | Measure::Organisations => None,
    }
}
