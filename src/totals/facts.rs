//! The records of a subject with what counts of each, and why the others do not count: found
//! once for a question, and kept for all that is asked about them.

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::crossing::{Around, CROSSING, ENDS};
use super::deadline::Deadline;
use super::dimension::Subject;
use super::divide::Division;
use super::question::Question;
use super::rules::{HAD_PARTS, Rules, WHOLES};
use super::statement::Statement;
use super::values;
use crate::store::bound::bind;

/// The statement that finds them, and the tables that it makes on its way.
pub struct Facts<'q> {
    /// What is asked.
    pub question: &'q Question,
    /// What is written of it so far.
    pub statement: Statement,
    /// Temporary tables, by name and statement. How many rows such a table has is known; of an
    /// expression it is guessed, and over several of them in a row guessed so badly that joins
    /// of a few rows are prepared for billions.
    kept: Vec<(&'static str, String)>,
}

/// What both kinds of facts have.
pub const GRANTS: &str = "SELECT t.identifier, t.publisher, t.amount, t.currency, t.exactness, {dated} AS dated,
    t.programme, t.call, t.identifier AS grant_id, t.status, t.doc AS activity, t.doc ->> 'start_date' AS day,
    (SELECT string_agg(l.target, ' ') FROM links l WHERE l.record = t.identifier
       AND l.target_collection IN ('organisations', 'beneficiaries')) AS parties,
    CASE WHEN t.amount IS NULL THEN 'no_amount' END AS rule
  FROM grants t";

/// A flow belongs to the grant or programme that reports it; without one, it is where its receiver is.
pub const TRANSACTIONS: &str =
    "SELECT t.identifier, t.publisher, t.amount, t.currency, t.exactness, {dated} AS dated, t.type,
    coalesce(t.programme, g.programme) AS programme, g.call, t.grant_id, coalesce(g.status, p.status) AS status,
    coalesce(g.doc, p.doc, (
      SELECT jsonb_build_object('places', coalesce(jsonb_agg(jsonb_build_object('location', l.target)), '[]'))
      FROM links r JOIN links l ON l.record = r.target AND l.role = 'place'
      WHERE r.record = t.identifier AND r.role = 'receiver')) AS activity,
    t.doc #>> '{provider,organisation}' AS provider, t.doc #>> '{receiver,beneficiary}' AS beneficiary,
    t.doc ->> 'kind_of_money' AS kind_of_money, t.doc ->> 'date' AS day,
    concat_ws(' ', t.doc #>> '{provider,organisation}', t.doc #>> '{provider,beneficiary}',
      t.doc #>> '{receiver,organisation}', t.doc #>> '{receiver,beneficiary}') AS parties,
    {rule} AS rule
  FROM transactions t
  LEFT JOIN grants g ON g.identifier = t.grant_id
  LEFT JOIN programmes p ON p.identifier = t.programme {selves}";

/// The flows that have parts among what the filters find that count; around a boundary, a part counts for all
/// that it is a part of, of whichever type. Those of others, found alone, say so.
const HERE: &str = "here AS MATERIALIZED (
    WITH RECURSIVE up AS (
      SELECT x.parent AS identifier, x.type FROM found JOIN transactions x USING (identifier)
      WHERE x.parent IS NOT NULL AND found.rule IS NULL
      UNION
      SELECT x.parent, up.type FROM up JOIN transactions x USING (identifier) WHERE x.parent IS NOT NULL)
    SELECT * FROM up)";
const ELSEWHERE: &str = "CASE WHEN reason IS NOT DISTINCT FROM 'replaced'
      AND (priced.identifier, priced.type) NOT IN (SELECT here.identifier, here.type FROM here) THEN 'parts_elsewhere' ELSE reason END";

/// Why a record does not count.
pub const REASONS: [&str; 18] = [
    "replaced",
    "parts_elsewhere",
    "parked",
    "no_amount",
    "share_unknown",
    "no_rate",
    "no_date",
    "date_not_exact",
    "inside",
    "outward",
    "outside",
    "already_inside",
    "side_unknown",
    "not_a_number",
    "not_additive",
    "other_value",
    "earlier",
    "part",
];

/// Finds the facts of a question, for the rest of the transaction: the table `facts`, each with the amount that
/// counts of it, `whole`, in the currency `unit`, or the `reason` why it does not count, and what
/// the dimensions divide it by.
pub async fn find(
    connection: &mut AsyncPgConnection,
    question: &Question,
    around: Option<Around>,
    deadline: &Deadline,
) -> diesel::QueryResult<()> {
    let facts = Facts::of(question, around);
    for (name, statement) in facts.kept {
        deadline.limit(connection).await?;
        bind(statement, facts.statement.values.clone()).execute(connection).await?;
        connection.batch_execute(&format!("ANALYZE {name}")).await?;
    }
    Ok(())
}

impl<'q> Facts<'q> {
    fn of(question: &'q Question, around: Option<Around>) -> Self {
        let mut facts = Self { question, statement: Statement::default(), kept: Vec::new() };
        let dated = question.subject.kind().money.map_or("NULL", |money| money.dated);
        let in_past = question.as_of.is_some() && around.is_none() && question.subject == Subject::Transactions;
        let mut rules = Rules::now(dated);
        if in_past {
            facts.statement.add(rules.fill(WHOLES));
            rules.has_parts = HAD_PARTS;
        }
        if let (Some(around), Some(boundary)) = (around, &question.boundary) {
            facts.cross(around, boundary);
            rules.rule = CROSSING;
        }
        let matching = question.ask.matching(&mut facts.statement.values);
        let base = match question.subject {
            Subject::Transactions => {
                let ends = match around {
                    Some(_) => ENDS,
                    None if in_past => " LEFT JOIN wholes ON wholes.identifier = t.identifier AND wholes.type = t.type",
                    None => "",
                };
                format!("{TRANSACTIONS}{ends}{matching}")
            }
            Subject::Grants => format!("{GRANTS}{matching}"),
            Subject::Indicators => {
                for expression in values::statements(question, &matching) {
                    facts.statement.add(expression);
                }
                "SELECT * FROM valued".to_owned()
            }
        };
        let base = rules.fill(&base);
        let of_type = if question.subject == Subject::Transactions { "f.type" } else { "NULL::text" };
        // The document is read once, and the rule found once (hence OFFSET): what stays of it are keys and parts.
        let divided = Division(question).columns();
        let narrowed: String = question
            .narrowing
            .iter()
            .enumerate()
            .map(|(n, narrowing)| format!(", {} AS n{n}", narrowing.dimension.by.sql()))
            .collect();
        facts.statement.add(format!(
            "found AS MATERIALIZED (SELECT f.identifier, f.amount, f.currency, f.exactness, f.dated, f.parties, f.rule, {of_type} AS type{divided}{narrowed}
             FROM ({base} OFFSET 0) AS f)"
        ));
        facts.price();
        facts.narrow();
        facts.keep("facts");
        facts
    }

    /// What comes from here is of this name, and of its own table from now on.
    pub fn keep(&mut self, name: &'static str) {
        let statement = self.statement.take(&format!("SELECT * FROM {name}"));
        self.kept.push((name, format!("CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {statement}")));
    }

    /// Amounts in one currency, where that is asked for.
    fn price(&mut self) {
        let Some(conversion) = &self.question.conversion else {
            self.statement
                .add("priced AS (SELECT found.*, currency AS unit, amount AS whole, rule AS reason FROM found)");
            return;
        };
        let (to, basis) =
            (self.statement.text(&conversion.currency), self.statement.text(&conversion.basis.to_string()));
        self.statement.add(format!(
            "known AS MATERIALIZED (
               SELECT pair.currency, pair.dated, giving.per_euro AS from_rate, taking.per_euro AS to_rate
               FROM (SELECT DISTINCT currency, coalesce(dated, '') AS dated FROM found WHERE currency <> {to}) AS pair
               LEFT JOIN rate_of(pair.currency, {basis}, nullif(pair.dated, '')) AS giving ON true
               LEFT JOIN rate_of({to}, {basis}, nullif(pair.dated, '')) AS taking ON true),
             priced AS (
               SELECT found.*, {to}::text AS unit,
                 CASE WHEN found.currency = {to} THEN found.amount ELSE exchanged(found.amount, from_rate, to_rate) END AS whole,
                 CASE WHEN rule IS NOT NULL THEN rule
                   WHEN found.currency = {to} THEN NULL
                   WHEN found.dated IS NULL THEN 'no_date'
                   WHEN from_rate IS NULL OR to_rate IS NULL THEN
                     CASE WHEN length(found.dated) < CASE {basis} WHEN 'value_date' THEN 10 WHEN 'month_average' THEN 7 ELSE 4 END
                       THEN 'date_not_exact' ELSE 'no_rate' END
                 END AS reason
               FROM found LEFT JOIN known ON known.currency = found.currency AND known.dated = coalesce(found.dated, ''))"
        ));
    }

    /// Of records that a filter finds for a part, the part that it finds them for.
    fn narrow(&mut self) {
        let mut whole = "whole".to_owned();
        let (mut unknown, mut joins) = (Vec::new(), String::new());
        for (n, narrowing) in self.question.narrowing.iter().enumerate() {
            let wanted = narrowing.wanted.iter().map(|(sql, values)| sql.replace("{}", &self.statement.list(values)));
            let wanted = wanted.collect::<Vec<_>>().join(" INTERSECT ");
            self.statement.add(format!("wanted{n} AS MATERIALIZED (SELECT ARRAY({wanted}) AS keys)"));
            joins.push_str(&format!(", wanted{n}"));
            let inside = format!("inside({{amount}}, n{n}, wanted{n}.keys)");
            unknown.push(format!("{} IS NULL", inside.replace("{amount}", "1")));
            whole = inside.replace("{amount}", &whole);
        }
        let ruled = match self.question.subject == Subject::Transactions && !self.question.is_whole {
            true => {
                self.statement.add(HERE);
                ELSEWHERE
            }
            false => "reason",
        };
        let reason = match unknown.is_empty() {
            true => ruled.to_owned(),
            false => format!("coalesce({ruled}, CASE WHEN {} THEN 'share_unknown' END)", unknown.join(" OR ")),
        };
        // First the part is taken, then it is divided: so the groups add up to it.
        let own = Division(self.question).narrowed_columns();
        self.statement.add(format!(
            "facts AS (SELECT identifier, type, amount, currency, exactness, dated, parties, unit{own}, {whole} AS whole, {reason} AS reason FROM priced{joins})"
        ));
    }
}
