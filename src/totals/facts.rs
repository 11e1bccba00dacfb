//! The records of a subject with what counts of each, and why the others do not count: found
//! once for a question, and kept for all that is asked about them.

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::deadline::Deadline;
use super::dimension::Subject;
use super::divide::Division;
use super::question::Question;
use super::rules::{HAD_PARTS, PARKED, Rules, SELVES, WHOLES};
use super::statement::Statement;
use super::values;
use crate::store::bound::bind;

/// The statement that finds them, and the tables that it makes on its way.
struct Facts<'q> {
    question: &'q Question,
    statement: Statement,
    /// Temporary tables, by name and statement. How many rows such a table has is known; of an
    /// expression it is guessed, and over several of them in a row guessed so badly that joins
    /// of a few rows are prepared for billions.
    kept: Vec<(&'static str, String)>,
}

/// Which kind of thing a boundary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// A place, with what lies in it.
    Place,
    /// A programme, with its components and projects.
    Programme,
    /// An organisation or beneficiary.
    Party,
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

/// The flows that have parts among what the filters find; around a boundary, a part counts for all
/// that it is a part of, of whichever type. Those of others, found alone, say so.
const HERE: &str = "here AS MATERIALIZED (
    WITH RECURSIVE up AS (
      SELECT x.parent AS identifier, x.type FROM found JOIN transactions x USING (identifier)
      WHERE x.parent IS NOT NULL AND coalesce(found.rule, 'replaced') = 'replaced'
      UNION
      SELECT x.parent, up.type FROM up JOIN transactions x USING (identifier) WHERE x.parent IS NOT NULL)
    SELECT * FROM up)";
const ELSEWHERE: &str = "CASE WHEN reason IS NOT DISTINCT FROM 'replaced'
      AND (priced.identifier, priced.type) NOT IN (SELECT here.identifier, here.type FROM here) THEN 'parts_elsewhere' ELSE reason END";

/// Why a record does not count.
pub const REASONS: [&str; 17] = [
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
    "side_unknown",
    "not_a_number",
    "not_additive",
    "other_value",
    "earlier",
    "part",
];

/// What crosses a boundary inward counts, unless a part of it crosses too, or it is only parked there.
const CROSSING: &str = "CASE
      WHEN (ends.giving IS NULL OR ends.taking IS NULL) AND divided.identifier IS NOT NULL THEN 'replaced'
      WHEN ends.giving IS NULL OR ends.taking IS NULL THEN 'side_unknown'
      WHEN ends.giving AND ends.taking THEN 'inside'
      WHEN ends.giving THEN 'outward'
      WHEN NOT ends.taking THEN 'outside'
      WHEN divided.identifier IS NOT NULL THEN 'replaced'
      WHEN ends.parked THEN 'parked'
    END";
const ENDS: &str = "
  LEFT JOIN ends ON ends.identifier = t.identifier
  LEFT JOIN divided ON divided.identifier = t.identifier AND divided.type = t.type";

/// Where a part comes from whose payer is nobody knows where: from where the whole does.
const ORIGIN: &str = "origin AS (
    SELECT identifier, parent, type, giving FROM stated WHERE giving IS NULL AND parent IS NOT NULL
    UNION
    SELECT origin.identifier, whole.parent, origin.type, whole.giving
    FROM origin JOIN stated whole ON whole.identifier = origin.parent AND whole.type = origin.type WHERE origin.giving IS NULL),
  ends AS (
    SELECT * FROM stated WHERE giving IS NOT NULL OR parent IS NULL
    UNION ALL
    SELECT stated.identifier, stated.parent, stated.type, origin.giving, stated.taking, stated.parked
    FROM stated LEFT JOIN origin ON origin.identifier = stated.identifier AND origin.giving IS NOT NULL
    WHERE stated.giving IS NULL AND stated.parent IS NOT NULL)";

/// The flows that those which cross are parts of.
const DIVIDED: &str = "divided AS (
    SELECT parent AS identifier, type FROM ends WHERE NOT giving AND taking AND NOT parked AND parent IS NOT NULL
    UNION
    SELECT t.parent, divided.type FROM divided JOIN transactions t USING (identifier) WHERE t.parent IS NOT NULL)";

/// Whether the places of a record, or of what a flow comes from or goes to, lie inside. A place
/// that the boundary lies in is neither inside nor apart from it.
const SITES: &str = "sites AS (
    SELECT l.record, bool_or(w.place IS NOT NULL) AS some, bool_and(w.place IS NOT NULL) AS every,
      bool_and(w.place IS NULL AND b.place IS NULL) AS none
    FROM links l LEFT JOIN within w ON w.place = l.target LEFT JOIN beyond b ON b.place = l.target
    WHERE l.role = 'place' GROUP BY l.record)";
/// Whether the seats of organisations and beneficiaries do. Who states none is where the same body is as the other:
/// an organisation, if the beneficiaries that it is lie on one side.
const HOMES: &str = "homes AS (
    SELECT sites.record, sites.some FROM sites
    UNION ALL
    SELECT b.identifier, s.some FROM beneficiaries b JOIN sites s ON s.record = b.organisation
    WHERE NOT EXISTS (SELECT FROM sites own WHERE own.record = b.identifier)
    UNION ALL
    SELECT b.organisation, CASE WHEN bool_and(s.some) THEN true WHEN NOT bool_or(s.some) THEN false END
    FROM beneficiaries b JOIN sites s ON s.record = b.identifier
    WHERE b.organisation IS NOT NULL AND NOT EXISTS (SELECT FROM sites own WHERE own.record = b.organisation)
    GROUP BY b.organisation)";
const SEATS: &str = "seats AS (
    SELECT r.record, bool_or(h.some) FILTER (WHERE r.role = 'provider') AS provider,
      bool_or(h.some) FILTER (WHERE r.role = 'receiver') AS receiver
    FROM links r JOIN homes h ON h.record = r.target WHERE r.role IN ('provider', 'receiver') GROUP BY r.record)";

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
        // The document is read once: what stays of it are keys and parts.
        let divided = Division(question).columns();
        let narrowed: String = question
            .narrowing
            .iter()
            .enumerate()
            .map(|(n, narrowing)| format!(", {} AS n{n}", narrowing.dimension.by.sql()))
            .collect();
        facts.statement.add(format!(
            "found AS MATERIALIZED (SELECT f.identifier, f.amount, f.currency, f.exactness, f.dated, f.parties, f.rule, {of_type} AS type{divided}{narrowed}
             FROM ({base}) AS f)"
        ));
        facts.price();
        facts.narrow();
        facts.keep("facts");
        facts
    }

    /// What comes from here is of this name, and of its own table from now on.
    fn keep(&mut self, name: &'static str) {
        let statement = self.statement.take(&format!("SELECT * FROM {name}"));
        self.kept.push((name, format!("CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {statement}")));
    }

    /// Which ends of flows lie inside of a boundary.
    fn cross(&mut self, around: Around, boundary: &str) {
        let value = self.statement.text(boundary);
        let side = |side: &str, reports: bool| {
            match around {
            // Who receives without a seat receives where the activity works.
            Around::Place if side == "receiver" => {
                "coalesce(seats.receiver, CASE WHEN works.every THEN true WHEN works.none THEN false END)".to_owned()
            }
            Around::Place => "seats.provider".to_owned(),
            Around::Programme => {
                let own = if reports { "t.grant_id, t.programme" } else { "NULL" };
                format!(
                    "coalesce((SELECT coalesce(g.programme, x.id) IN (SELECT identifier FROM within)
                       FROM (SELECT coalesce(t.doc #>> '{{{side},grant}}', t.doc #>> '{{{side},programme}}', {own}) AS id) AS x
                       LEFT JOIN grants g ON g.identifier = x.id), false)"
                )
            }
            Around::Party => format!(
                "CASE WHEN t.doc #>> '{{{side},organisation}}' IS NULL AND t.doc #>> '{{{side},beneficiary}}' IS NULL THEN NULL
                 ELSE coalesce(t.doc #>> '{{{side},organisation}}' IN (SELECT identifier FROM selves), false)
                   OR coalesce(t.doc #>> '{{{side},beneficiary}}' IN (SELECT identifier FROM selves), false) END"
            ),
        }
        };
        let mut sites = String::new();
        // From one programme of an organisation's to another it may go, into a place it must come from elsewhere.
        // What has parts went on: it is not only parked.
        let parked = match around {
            Around::Place => {
                format!("{PARKED} IS TRUE AND (t.identifier, t.type) NOT IN (SELECT identifier, type FROM wholes)")
            }
            _ => "false".to_owned(),
        };
        match around {
            Around::Place => {
                self.statement.add(format!("within AS MATERIALIZED (SELECT places_within(ARRAY[{value}]) AS place)"));
                self.statement.add(format!(
                    "beyond AS (SELECT parent AS place FROM locations WHERE identifier = {value} AND parent IS NOT NULL
                       UNION SELECT l.parent FROM beyond JOIN locations l ON l.identifier = beyond.place WHERE l.parent IS NOT NULL)"
                ));
                self.statement.add(SITES);
                self.keep("sites");
                self.statement.add(Rules::now("").fill(WHOLES));
                self.keep("wholes");
                self.statement.add(HOMES);
                self.keep("homes");
                self.statement.add(SEATS);
                self.keep("seats");
                sites = SELVES.to_owned()
                    + " LEFT JOIN seats ON seats.record = t.identifier
                  LEFT JOIN sites works ON works.record
                    = coalesce(t.doc #>> '{receiver,grant}', t.doc #>> '{receiver,programme}', t.grant_id, t.programme)";
            }
            Around::Programme => self.statement.add(format!(
                "within AS (SELECT {value}::text COLLATE \"C\" AS identifier UNION
                   SELECT p.identifier FROM within JOIN programmes p ON p.parent = within.identifier)"
            )),
            // The organisation, and what it is as a beneficiary.
            Around::Party => self.statement.add(format!(
                "body AS MATERIALIZED (SELECT coalesce((SELECT organisation FROM beneficiaries WHERE identifier = {value}), {value}) AS identifier),
                 selves AS MATERIALIZED (SELECT {value}::text COLLATE \"C\" AS identifier UNION SELECT identifier FROM body
                   UNION SELECT b.identifier FROM beneficiaries b JOIN body ON b.organisation = body.identifier)"
            )),
        }
        // Only flows of one type are parts of one another.
        let those = match &self.question.types {
            Some(types) => format!(" WHERE t.type = ANY({})", self.statement.list(types)),
            None => String::new(),
        };
        // Incoming flows are reported by who receives, all others by who pays.
        let incoming = "t.type IN ('incoming_funds', 'incoming_commitment', 'incoming_pledge')";
        let end = |name: &str, receives: bool| {
            let (if_incoming, else_) = (side(name, receives), side(name, !receives));
            if if_incoming == else_ {
                if_incoming
            } else {
                format!("CASE WHEN {incoming} THEN {if_incoming} ELSE {else_} END")
            }
        };
        self.statement.add(format!(
            "stated AS MATERIALIZED (SELECT t.identifier, t.parent, t.type, {} AS giving, {} AS taking, {parked} AS parked
             FROM transactions t{sites}{those})",
            end("provider", false),
            end("receiver", true)
        ));
        self.statement.add(ORIGIN);
        self.keep("ends");
        self.statement.add(DIVIDED);
        self.keep("divided");
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
        let mut unknown = Vec::new();
        for (n, narrowing) in self.question.narrowing.iter().enumerate() {
            let wanted = narrowing.wanted.iter().map(|(sql, values)| sql.replace("{}", &self.statement.list(values)));
            let wanted = wanted.collect::<Vec<_>>().join(" INTERSECT ");
            self.statement.add(format!("wanted{n} AS MATERIALIZED (SELECT ARRAY({wanted}) AS keys)"));
            let inside = format!("inside({{amount}}, n{n}, (SELECT keys FROM wanted{n}))");
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
            "facts AS (SELECT identifier, type, amount, currency, exactness, dated, parties, unit{own}, {whole} AS whole, {reason} AS reason FROM priced)"
        ));
    }
}
