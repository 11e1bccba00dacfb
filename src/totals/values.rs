//! Values of indicators: those of the latest date count, of what is stated of one thing the value in use; of
//! a whole and its parts the parts, if they are all of it, or else the whole; and for all people
//! where it is stated for groups of them too.

use diesel::sql_types::{Array, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::measures::Measure;
use super::question::Question;
use crate::error::{FAULTS, Fault, Problem};

/// What a fact has of a value.
const FACT: &str =
    "c.identifier, c.publisher, c.amount, c.currency, c.exactness, c.dated, c.indicator, c.kind, c.programme, c.call,
    c.grant_id, c.status, c.place, c.beneficiary, c.kept_by, c.day, c.parties";

/// Whether a dimension is a period; values of different periods are kept apart then.
fn is_period(name: &str) -> bool {
    matches!(name, "year" | "quarter" | "month")
}

/// The statements that find values and say why some do not count: the last is `valued`, with the
/// columns of facts. `matching` is what the filters find.
pub fn statements(question: &Question, matching: &str) -> Vec<String> {
    let periods: Vec<&str> = question
        .dimensions
        .iter()
        .filter(|dimension| is_period(dimension.name))
        .map(|dimension| match dimension.name {
            "year" => "left(day, 4)",
            "quarter" => "CASE WHEN length(day) >= 7 THEN left(day, 4) || (substr(day, 6, 2)::integer + 2) / 3 END",
            _ => "CASE WHEN length(day) >= 7 THEN left(day, 7) END",
        })
        .collect();
    let period = if periods.is_empty() { "''".to_owned() } else { format!("concat_ws(' ', {})", periods.join(", ")) };
    let added = question.measures.contains(&Measure::Sum);
    let refused = if added { "WHEN NOT additive THEN 'not_additive'" } else { "" };
    // As they are stated: a year is another date than its last day, and the later one.
    let stated = |name: &str| {
        let date = format!("t.doc ->> '{name}' COLLATE \"C\"");
        format!("({date}) || substr('9999-99-99', length({date}) + 1)")
    };
    let (start, end) = (stated("start_date"), stated("end_date"));
    vec![
        format!(
            "seen AS MATERIALIZED (
               SELECT t.identifier, t.publisher, t.value AS amount, t.exactness, t.indicator, t.kind, i.additive,
                 coalesce(i.doc #>> '{{unit,en}}', (SELECT min(value) FROM jsonb_each_text(nullif(i.doc -> 'unit', 'null')))) AS currency,
                 NULL::text AS dated, coalesce(i.programme, g.programme) AS programme, g.call, i.grant_id,
                 coalesce(g.status, p.status) AS status, t.doc ->> 'place' COLLATE \"C\" AS place, t.doc ->> 'beneficiary' AS beneficiary,
                 coalesce(t.doc -> 'disaggregation', '{{}}') AS people, i.doc ->> 'kept_by' AS kept_by,
                 t.doc ->> 'end_date' AS day, {start} AS starts, {end} AS ends,
                 concat_ws(' ', i.doc ->> 'kept_by', t.doc ->> 'beneficiary') AS parties,
                 (SELECT max(s.doc ->> 'published') FROM links l JOIN sources s ON s.identifier = l.target
                  WHERE l.record = t.identifier AND l.role = 'source') AS published
               FROM (SELECT t.* FROM observations t{matching}) AS t
               JOIN indicators i ON i.identifier = t.indicator
               LEFT JOIN grants g ON g.identifier = i.grant_id
               LEFT JOIN programmes p ON p.identifier = i.programme)"
        ),
        format!(
            "numbered AS (
               SELECT seen.*, {period} AS period,
                 CASE WHEN amount IS NULL THEN 'not_a_number' {refused} END AS unfit
               FROM seen)"
        ),
        "ranked AS MATERIALIZED (
           SELECT *, first_value(identifier) OVER same AS first,
             (ends, starts) IS DISTINCT FROM (first_value(ends) OVER latest, first_value(starts) OVER latest) AS earlier
           FROM numbered
           WINDOW latest AS (PARTITION BY unfit, indicator, kind, period ORDER BY ends DESC NULLS LAST, starts DESC NULLS LAST),
             same AS (PARTITION BY unfit, indicator, kind, period, place, beneficiary, people
             ORDER BY ends DESC NULLS LAST, starts DESC NULLS LAST, exactness <> 'exact', published DESC NULLS LAST, identifier))"
            .into(),
        "counting AS MATERIALIZED (
           SELECT *, dense_rank() OVER (PARTITION BY indicator, kind, period, place, beneficiary ORDER BY keys) AS way
           FROM ranked,
             LATERAL (SELECT to_char(count(*), '000') || coalesce(string_agg(key, ' ' ORDER BY key), '') AS keys
                      FROM jsonb_object_keys(people) AS key) AS of
           WHERE unfit IS NULL AND NOT earlier AND identifier = first)"
            .into(),
        // The places around those that count, up to the country.
        "around AS (
           SELECT c.identifier, c.indicator, c.kind, c.period, l.parent AS place, 1 AS steps
           FROM counting c JOIN locations l ON l.identifier = c.place WHERE c.way = 1
           UNION ALL
           SELECT around.identifier, around.indicator, around.kind, around.period, l.parent, steps + 1
           FROM around JOIN locations l ON l.identifier = around.place)"
            .into(),
        // The nearest whole of which there is a value too: of all beneficiaries there, of a place
        // around, or of everywhere; of the same beneficiary before that of all.
        "wholes AS MATERIALIZED (
           SELECT DISTINCT ON (part) part, whole FROM (
             SELECT c.identifier AS part, w.identifier AS whole, 0 AS steps
             FROM counting c JOIN counting w ON (w.indicator, w.kind, w.period, w.place) = (c.indicator, c.kind, c.period, c.place)
             WHERE c.way = 1 AND w.way = 1 AND c.beneficiary IS NOT NULL AND w.beneficiary IS NULL
             UNION ALL
             SELECT around.identifier, w.identifier, 2 * around.steps + (w.beneficiary IS NULL)::integer
             FROM around JOIN counting c ON c.identifier = around.identifier
             JOIN counting w
               ON (w.indicator, w.kind, w.period, w.place) = (around.indicator, around.kind, around.period, around.place)
             WHERE w.way = 1 AND (w.beneficiary IS NULL OR w.beneficiary = c.beneficiary)
             UNION ALL
             SELECT c.identifier, w.identifier, 1000000 + (w.beneficiary IS NULL)::integer
             FROM counting c JOIN counting w ON (w.indicator, w.kind, w.period) = (c.indicator, c.kind, c.period)
             WHERE c.way = 1 AND w.way = 1 AND w.place IS NULL
               AND (w.beneficiary IS NULL AND (c.place IS NOT NULL OR c.beneficiary IS NOT NULL)
                 OR w.beneficiary = c.beneficiary AND c.place IS NOT NULL)) AS found
           ORDER BY part, steps, whole)"
            .into(),
        // A whole gives way to its parts only if they are all of it, where they can be added up.
        "divided AS MATERIALIZED (
           SELECT w.identifier, NOT w.additive OR sum(c.amount) = w.amount AS whole
           FROM wholes JOIN counting c ON c.identifier = wholes.part JOIN counting w ON w.identifier = wholes.whole
           GROUP BY w.identifier, w.additive, w.amount)"
            .into(),
        "left_out AS (
           SELECT wholes.part FROM wholes JOIN divided ON divided.identifier = wholes.whole WHERE NOT divided.whole
           UNION
           SELECT wholes.part FROM wholes JOIN left_out ON left_out.part = wholes.whole)"
            .into(),
        format!(
            "valued AS (
               SELECT {FACT}, CASE
                 WHEN way > 1 OR left_out.part IS NOT NULL THEN 'part'
                 WHEN divided.whole THEN 'replaced'
               END AS rule
               FROM counting c LEFT JOIN left_out ON left_out.part = c.identifier
               LEFT JOIN divided ON divided.identifier = c.identifier
               UNION ALL
               SELECT {FACT}, CASE
                 WHEN unfit IS NOT NULL THEN unfit
                 WHEN earlier THEN 'earlier'
                 ELSE 'other_value'
               END
               FROM ranked c WHERE unfit IS NOT NULL OR earlier OR identifier <> first)"
        ),
    ]
}

#[derive(QueryableByName)]
struct Apart {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    measure: String,
}

/// Refuses to add up what was asked for by name and may not be.
pub async fn refuse_sums(connection: &mut AsyncPgConnection, question: &Question) -> Result<(), Problem> {
    if question.indicators.is_empty() || !question.measures.contains(&Measure::Sum) {
        return Ok(());
    }
    let found: Vec<Apart> = sql_query(
        "SELECT identifier, measure FROM indicators WHERE identifier = ANY($1) AND NOT additive ORDER BY identifier",
    )
    .bind::<Array<Text>, _>(&question.indicators)
    .load(connection)
    .await?;
    let fault = |Apart { identifier, measure }: Apart| {
        let words = format!(
            "values of {identifier} (measured by {measure}) may not be added up; ask for measure=average,median,min,max,count"
        );
        Fault::parameter("measure", "not_additive", words)
    };
    let faults: Vec<Fault> = found.into_iter().take(FAULTS).map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}
