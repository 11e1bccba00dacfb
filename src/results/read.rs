//! The observations of an indicator and of those that feed it, from the database.

use std::collections::{BTreeMap, HashSet};

use diesel::sql_types::{Array, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::observed::{Above, Observed};
use crate::collections::indicators::{self, Indicator};
use crate::error::{Fault, Problem};
use crate::store::ask::Ask;
use crate::store::bound::{Bound, bind};
use crate::store::read;

/// Observations that one answer is made of, at most.
pub const OBSERVATIONS: usize = 5000;
/// Indicators that may feed one, at most.
const INDICATORS: usize = 500;

/// What is known of an indicator.
pub struct Known {
    /// The indicator, and those that feed it directly or through others.
    pub indicators: Vec<Indicator>,
    /// All their observations that the filters find.
    pub observed: Vec<Observed>,
    /// Where their places lie.
    pub above: Above,
    /// Names and notes of places and beneficiaries.
    pub names: BTreeMap<String, Name>,
}

/// What something is called.
#[derive(Debug, QueryableByName)]
pub struct Name {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    note: Option<String>,
}

impl Name {
    /// By language.
    pub fn name(&self) -> Value {
        serde_json::from_str(&self.name).unwrap_or_default()
    }

    /// What must be said wherever it is named.
    pub fn note(&self) -> Option<Value> {
        self.note.as_ref().and_then(|note| serde_json::from_str(note).ok())
    }
}

#[derive(QueryableByName)]
struct Document {
    #[diesel(sql_type = Text)]
    doc: String,
    #[diesel(sql_type = Nullable<Text>)]
    published: Option<String>,
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Text)]
    above: String,
}

/// Which observations are wanted.
pub struct Wanted {
    /// By all filters.
    pub all: Ask,
    /// By those that say nothing of dates: a baseline or target is not of the dates that are looked at.
    pub undated: Ask,
}

/// Reads an indicator with its observations.
pub async fn known(connection: &mut AsyncPgConnection, identifier: &str, ask: &Wanted) -> Result<Known, Problem> {
    read::one(connection, &indicators::KIND, identifier).await?;
    let indicators = indicators(connection, identifier).await?;
    let observed = observed(connection, &indicators, ask).await?;
    let of = |place: fn(&Observed) -> Option<&String>| -> Vec<&String> {
        observed.iter().filter_map(place).collect::<HashSet<_>>().into_iter().collect()
    };
    let places = of(|one| one.record.place.as_ref().map(|place| &place.0));
    let beneficiaries = of(|one| one.record.beneficiary.as_ref().map(|beneficiary| &beneficiary.0));
    let steps: Vec<Step> = sql_query(
        "WITH RECURSIVE up AS (
           SELECT identifier AS place, parent AS above FROM locations WHERE identifier = ANY($1)
           UNION
           SELECT up.place, l.parent FROM up JOIN locations l ON l.identifier = up.above
         )
         SELECT place, above FROM up WHERE above IS NOT NULL",
    )
    .bind::<Array<Text>, _>(&places)
    .load(connection)
    .await?;
    let mut above = Above::new();
    for Step { place, above: wider } in steps {
        above.entry(place).or_default().insert(wider);
    }
    let names: Vec<Name> = sql_query(
        "SELECT identifier, (doc -> 'name')::text AS name, nullif(doc -> 'note', 'null')::text AS note
         FROM locations WHERE identifier = ANY($1)
         UNION ALL
         SELECT identifier, (doc -> 'name')::text, NULL FROM beneficiaries WHERE identifier = ANY($2)",
    )
    .bind::<Array<Text>, _>(&places)
    .bind::<Array<Text>, _>(&beneficiaries)
    .load(connection)
    .await?;
    let names = names.into_iter().map(|name| (name.identifier.clone(), name)).collect();
    Ok(Known { indicators, observed, above, names })
}

async fn indicators(connection: &mut AsyncPgConnection, identifier: &str) -> Result<Vec<Indicator>, Problem> {
    let sql = format!(
        "WITH RECURSIVE fed AS (
           SELECT identifier, 0 AS depth FROM indicators WHERE identifier = $1
           UNION ALL
           SELECT i.identifier, depth + 1 FROM fed JOIN indicators i ON i.parent = fed.identifier
         )
         SELECT i.doc::text AS doc, NULL::text AS published FROM fed JOIN indicators i USING (identifier)
         ORDER BY depth, identifier LIMIT {}",
        INDICATORS + 1
    );
    let found: Vec<Document> = sql_query(sql).bind::<Text, _>(identifier).load(connection).await?;
    if found.len() > INDICATORS {
        let words = format!("more than {INDICATORS} indicators feed {identifier}; ask for one of them");
        return Err(Problem::invalid(vec![Fault {
            code: "indicators_too_many".into(),
            detail: words,
            ..Fault::default()
        }]));
    }
    found.iter().map(|found| serde_json::from_str(&found.doc).map_err(Problem::internal)).collect()
}

async fn observed(
    connection: &mut AsyncPgConnection,
    indicators: &[Indicator],
    wanted: &Wanted,
) -> Result<Vec<Observed>, Problem> {
    let mut values = Vec::new();
    let (matching, undated) = (wanted.all.matching(&mut values), wanted.undated.matching(&mut values));
    values.push(Bound::List(indicators.iter().map(|indicator| indicator.identifier.0.clone()).collect()));
    let sql = format!(
        "SELECT found.doc::text AS doc,
           (SELECT max(s.doc ->> 'published') FROM links l JOIN sources s ON s.identifier = l.target
            WHERE l.record = found.identifier AND l.role = 'source') AS published
         FROM (SELECT t.identifier, t.doc, t.indicator FROM observations t{matching}
           UNION
           SELECT * FROM (SELECT t.identifier, t.doc, t.indicator FROM observations t{undated}) AS any_date
           WHERE any_date.doc ->> 'kind' <> 'actual') AS found
         WHERE found.indicator = ANY(${}) ORDER BY found.identifier LIMIT {}",
        values.len(),
        OBSERVATIONS + 1
    );
    let found: Vec<Document> = bind(sql, values).load(connection).await?;
    if found.len() > OBSERVATIONS {
        let words = format!("these are more than {OBSERVATIONS} observations: filter them by place, kind or dates");
        let fault = Fault { code: "observations_too_many".into(), detail: words, ..Fault::default() };
        return Err(Problem::invalid(vec![fault]));
    }
    let read = |found: Document| {
        let record = serde_json::from_str(&found.doc).map_err(Problem::internal)?;
        Ok(Observed { record, published: found.published })
    };
    found.into_iter().map(read).collect()
}
