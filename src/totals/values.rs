//! Values of indicators: of what is stated of one thing the value in use counts, the latest,
//! at the lowest place, and for all people where it is stated for groups of them too.

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
            "quarter" => "left(day, 4) || (substr(day, 6, 2)::integer + 2) / 3",
            _ => "left(day, 7)",
        })
        .collect();
    let period = if periods.is_empty() { "''".to_owned() } else { format!("concat_ws(' ', {})", periods.join(", ")) };
    let added = question.measures.contains(&Measure::Sum);
    let refused = if added { "WHEN NOT additive THEN 'not_additive'" } else { "" };
    vec![
        format!(
            "seen AS MATERIALIZED (
               SELECT t.identifier, t.publisher, t.value AS amount, t.exactness, t.indicator, t.kind, i.additive,
                 coalesce(i.doc #>> '{{unit,en}}', (SELECT min(value) FROM jsonb_each_text(nullif(i.doc -> 'unit', 'null')))) AS currency,
                 NULL::text AS dated, coalesce(i.programme, g.programme) AS programme, g.call, i.grant_id,
                 coalesce(g.status, p.status) AS status, t.doc ->> 'place' COLLATE \"C\" AS place, t.doc ->> 'beneficiary' AS beneficiary,
                 coalesce(t.doc -> 'disaggregation', '{{}}') AS people, i.doc ->> 'kept_by' AS kept_by,
                 t.doc ->> 'end_date' AS day, t.start_date, t.end_date,
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
           SELECT *, first_value(identifier) OVER same AS first, first_value(end_date) OVER same AS last_day,
             first_value(start_date) OVER same AS first_day
           FROM numbered
           WINDOW same AS (PARTITION BY unfit, indicator, kind, period, place, beneficiary, people
             ORDER BY end_date DESC NULLS LAST, start_date DESC NULLS LAST, exactness <> 'exact', published DESC NULLS LAST, identifier))"
            .into(),
        "counting AS MATERIALIZED (
           SELECT *, concat_ws(chr(1), indicator, kind, period, coalesce(place, ''), coalesce(beneficiary, '')) AS cell,
             bool_or(place IS NOT NULL) OVER (PARTITION BY indicator, kind, period) AS placed,
             bool_or(beneficiary IS NOT NULL) OVER (PARTITION BY indicator, kind, period, place) AS owned,
             dense_rank() OVER (PARTITION BY indicator, kind, period, place, beneficiary ORDER BY keys) AS way
           FROM ranked,
             LATERAL (SELECT to_char(count(*), '000') || coalesce(string_agg(key, ' ' ORDER BY key), '') AS keys
                      FROM jsonb_object_keys(people) AS key) AS of
           WHERE unfit IS NULL AND identifier = first)"
            .into(),
        "finer AS (
           SELECT DISTINCT c.identifier FROM counting c JOIN counting w
             ON w.cell = c.cell AND w.people <> c.people AND c.people @> w.people)"
            .into(),
        // What lies around the places that count.
        "around AS (
           SELECT c.indicator, c.kind, c.period, l.parent AS place FROM counting c JOIN locations l ON l.identifier = c.place
           UNION
           SELECT around.indicator, around.kind, around.period, l.parent
           FROM around JOIN locations l ON l.identifier = around.place)"
            .into(),
        format!(
            "valued AS (
               SELECT {FACT}, CASE
                 WHEN finer.identifier IS NOT NULL THEN 'part'
                 WHEN way > 1 THEN 'other_breakdown'
                 WHEN around.place IS NOT NULL OR placed AND c.place IS NULL OR owned AND c.beneficiary IS NULL THEN 'replaced'
               END AS rule
               FROM counting c LEFT JOIN finer ON finer.identifier = c.identifier
               LEFT JOIN around ON (around.indicator, around.kind, around.period, around.place) = (c.indicator, c.kind, c.period, c.place)
               UNION ALL
               SELECT {FACT}, CASE
                 WHEN unfit IS NOT NULL THEN unfit
                 WHEN (end_date, start_date) IS NOT DISTINCT FROM (last_day, first_day) THEN 'other_value'
                 ELSE 'earlier'
               END
               FROM ranked c WHERE unfit IS NOT NULL OR identifier <> first)"
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
