//! What each record has in the summaries: the facts and parts that totals are made of, for all
//! summarised dimensions in one statement.

use strum::VariantNames;

use super::super::dimension::{By, Subject};
use super::super::divide::only;
use super::super::facts::{GRANTS, TRANSACTIONS};
use super::super::rules::Rules;
use super::{DIMENSIONS, level_of};
use crate::collections::locations::LocationKind;
use crate::store::refer::DEPTH;

/// The statement that adds the shares of records, those in `$1` or all, as often as `sign` says. What is
/// being written may still have a circle of places, which is refused afterwards: so it climbs no further
/// than a hierarchy can be deep.
pub fn statement(subject: Subject, all: bool, sign: i32) -> String {
    let base = match subject {
        Subject::Transactions => TRANSACTIONS,
        _ => GRANTS,
    };
    let base = Rules::now("NULL").fill(base);
    let those = if all { "" } else { " WHERE t.identifier = ANY($1)" };
    let of_type = if subject == Subject::Transactions { "f.type" } else { "''" };
    let (mut columns, mut pieces) = (String::new(), Vec::new());
    for (n, name) in DIMENSIONS.iter().enumerate() {
        let Some(dimension) = subject.dimension(name) else { continue };
        let common = format!("SELECT identifier, year, type, currency, '{name}' AS dimension");
        match dimension.by {
            By::Key(sql) => {
                columns.push_str(&format!(", {sql} AS d{n}"));
                pieces.push(format!(
                    "{common}, coalesce(d{n}, ',unstated') AS key, amount AS part, false AS many, NULL::jsonb AS divisor FROM counting"
                ));
            }
            // Most lists have one item: that takes all of it.
            By::Parts(items, key) => {
                columns.push_str(&format!(", {items} AS d{n}"));
                pieces.push(format!(
                    "{common}, coalesce(d{n} -> 0 ->> '{key}', ',unstated') AS key, amount AS part, false AS many, NULL::jsonb AS divisor FROM counting
                     WHERE coalesce(jsonb_array_length(d{n}), 0) <= 1"
                ));
                // The parts are made once, however often they are looked at.
                pieces.push(format!(
                    "{common}, divided.key, divided.part, true, CASE WHEN divided.key = ',undivided' THEN divisor END
                     FROM (SELECT *, parts(d{n}, '{key}') AS divisor FROM counting WHERE jsonb_array_length(d{n}) > 1 OFFSET 0) AS several,
                       divide(amount, divisor) AS divided"
                ));
            }
        }
    }
    let levels: Vec<String> =
        LocationKind::VARIANTS.iter().map(|level| format!("('{level}', '{}')", level_of(level))).collect();
    format!(
        "WITH RECURSIVE found AS MATERIALIZED (
           SELECT f.identifier, f.amount, coalesce(f.currency, '') AS currency, f.exactness, coalesce(f.rule, '') AS reason,
             coalesce(left(f.day, 4), ',unstated') AS year, {of_type} AS type{columns}
           FROM ({base}{those}) AS f),
         counting AS (SELECT * FROM found WHERE reason = ''),
         pieces AS MATERIALIZED ({pieces}),
         up AS (
           SELECT DISTINCT one COLLATE \"C\" AS place, one COLLATE \"C\" AS at, 0 AS steps
           FROM pieces, LATERAL (SELECT key AS one UNION ALL SELECT jsonb_array_elements_text(divisor -> 'keys')) AS named WHERE dimension = 'place'
           UNION ALL
           SELECT up.place, l.parent, steps + 1 FROM up JOIN locations l ON l.identifier = up.at WHERE l.parent IS NOT NULL AND steps < {DEPTH}),
         -- By place, the nearest at or above it of each level; one column joins, so that no plan sorts by the level alone.
         nearest AS MATERIALIZED (
           SELECT place, jsonb_object_agg(kind, at) AS levels
           FROM (SELECT DISTINCT ON (up.place, l.kind) up.place, l.kind, up.at FROM up JOIN locations l ON l.identifier = up.at
                 ORDER BY up.place, l.kind, steps) AS each GROUP BY place),
         -- The same of several places without shares that lie in one, for all of them at once: many records name the same.
         within AS MATERIALIZED (
           SELECT divisor, jsonb_object_agg(kind, at) AS levels FROM (
             SELECT divisor, level.kind, min(coalesce(nearest.levels ->> level.kind, ',above')) AS at
             FROM (SELECT DISTINCT divisor FROM pieces WHERE dimension = 'place' AND divisor IS NOT NULL) AS undivided
             CROSS JOIN LATERAL jsonb_array_elements_text(divisor -> 'keys') AS listed (key)
             LEFT JOIN nearest ON nearest.place = listed.key
             CROSS JOIN (VALUES {levels}) AS level (kind, dimension)
             GROUP BY divisor, level.kind HAVING count(DISTINCT coalesce(nearest.levels ->> level.kind, ',above')) = 1) AS each
           GROUP BY divisor),
         mapped AS (
           SELECT identifier, year, type, currency, level.dimension,
             CASE WHEN key = ',undivided' THEN coalesce(within.levels ->> level.kind, key) WHEN key LIKE ',%' THEN key
               ELSE coalesce(nearest.levels ->> level.kind, ',above') END AS key, part, many
           FROM pieces LEFT JOIN nearest ON nearest.place = key LEFT JOIN within ON within.divisor = pieces.divisor
           CROSS JOIN (VALUES {levels}) AS level (kind, dimension)
           WHERE pieces.dimension = 'place'
           UNION ALL
           SELECT identifier, year, type, currency, 'beneficiary_kind',
             CASE WHEN key = ',undivided' THEN coalesce({only_kind}, key) WHEN key LIKE ',%' THEN key
               ELSE coalesce((SELECT b.kind FROM beneficiaries b WHERE b.identifier = key), ',unstated') END,
             part, many
           FROM pieces WHERE dimension = 'beneficiary'),
         shares AS (
           SELECT year, type, currency, dimension, key, part FROM pieces WHERE dimension <> 'beneficiary'
           UNION ALL
           SELECT year, type, currency, dimension, key, part FROM mapped WHERE NOT many
           UNION ALL
           -- Several parts of a record may have become one.
           SELECT year, type, currency, dimension, key, sum(part) FROM mapped WHERE many
           GROUP BY identifier, year, type, currency, dimension, key)
         INSERT INTO summaries AS known (subject, dimension, key, year, type, currency, reason, part, amount, count, inexact)
         SELECT '{subject}', dimension, key, year, type, currency, '', {sign} * sum(part), 0, {sign} * count(*), 0
         FROM shares GROUP BY dimension, key, year, type, currency
         UNION ALL
         SELECT '{subject}', '', '', year, type, currency, reason, {sign} * coalesce(sum(amount) FILTER (WHERE reason = ''), 0),
           {sign} * coalesce(sum(amount), 0), {sign} * count(*), {sign} * count(*) FILTER (WHERE exactness <> 'exact')
         FROM found GROUP BY year, type, currency, reason
         ON CONFLICT (subject, dimension, key, year, type, currency, reason) DO UPDATE SET part = known.part + excluded.part,
           amount = known.amount + excluded.amount, count = known.count + excluded.count, inexact = known.inexact + excluded.inexact",
        only_kind = only("coalesce((SELECT b.kind FROM beneficiaries b WHERE b.identifier = key), ',unstated')", "divisor"),
        pieces = pieces.join(" UNION ALL "),
        levels = levels.join(", "),
        subject = subject.name(),
    )
}
