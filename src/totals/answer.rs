//! Asking the database for groups, the whole, and what was left out.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::boundary::around;
use super::deadline::Deadline;
use super::dimension::Dimension;
use super::divide::Division;
use super::facts::find;
use super::measures::Measure;
use super::question::Question;
use super::statement::Statement;
use super::summary::{Plan, summed};
use super::values::refuse_sums;
use crate::error::{Fault, Problem};
use crate::store::cursor::Cursor;

/// Groups at most, where all are given at once.
const GROUPS: i64 = 100_000;

/// Parts of all records, at most: a list of thousand places by one of thousand beneficiaries is a million.
const CELLS: u64 = 10_000_000;

/// One group, or the whole in one currency.
#[derive(Debug, QueryableByName)]
pub struct Group {
    /// Its keys, by dimension.
    #[diesel(sql_type = Array<Text>)]
    pub keys: Vec<String>,
    /// The currency of its amounts.
    #[diesel(sql_type = Nullable<Text>)]
    pub unit: Option<String>,
    /// Its measures, in the order in which they were asked for.
    #[diesel(sql_type = Array<Nullable<Text>>)]
    pub measured: Vec<Option<String>>,
    /// What it is ordered by.
    #[diesel(sql_type = Text)]
    place: String,
}

/// Records that count, or do not for one reason.
#[derive(Debug, QueryableByName)]
pub struct Judged {
    /// Why they do not.
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    /// The currency in which they are stated.
    #[diesel(sql_type = Nullable<Text>)]
    pub currency: Option<String>,
    /// Of flows, their type: nobody adds commitments to payments.
    #[diesel(sql_type = Nullable<Text>, column_name = "type")]
    pub of_type: Option<String>,
    /// How many they are.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// Their amounts as they are stated.
    #[diesel(sql_type = Nullable<Text>)]
    pub amount: Option<String>,
    /// What of them counts, in the currency of the total.
    #[diesel(sql_type = Nullable<Text>)]
    pub counted: Option<String>,
    /// How many of them are not exact.
    #[diesel(sql_type = BigInt)]
    pub inexact: i64,
}

/// What a key is called.
#[derive(Debug, QueryableByName)]
pub struct Named {
    #[diesel(sql_type = Text)]
    identifier: String,
    /// Its name, by language.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    /// What must be said wherever it is named.
    #[diesel(sql_type = Nullable<Text>)]
    pub note: Option<String>,
    /// Where it is, in a list.
    #[diesel(sql_type = Nullable<Text>)]
    pub points: Option<String>,
}

/// The answer.
pub struct Answer {
    /// The groups.
    pub groups: Vec<Group>,
    /// The whole, by currency.
    pub total: Vec<Group>,
    /// What counts and what does not.
    pub judged: Vec<Judged>,
    /// Names, by dimension and key.
    pub names: Vec<BTreeMap<String, Named>>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

impl Answer {
    /// Asks the records, or by a plan the summaries; for all groups, or for a page of them.
    pub async fn of(
        connection: &mut AsyncPgConnection,
        question: &Question,
        all: bool,
        plan: Option<Plan>,
    ) -> Result<Self, Problem> {
        let deadline = Deadline::start();
        let around = around(connection, question).await?;
        refuse_sums(connection, question).await?;
        if plan.is_none() {
            find(connection, question, around, &deadline).await?;
            refuse_many_cells(connection, question, &deadline).await?;
        }
        let asked = Asked { question, plan, deadline };
        let limit = if all { GROUPS } else { question.limit };
        let mut groups = match question.dimensions.is_empty() {
            true => Vec::new(),
            false => asked.groups(connection, limit + 1).await?,
        };
        let more = groups.len() as i64 > limit;
        if more && all {
            let words = format!("these are more than {GROUPS} groups; filter them, or follow the pages of long JSON");
            return Err(Problem::invalid(vec![Fault::parameter("group_by", "groups_too_many", words)]));
        }
        groups.truncate(limit as usize);
        let next = groups.last().filter(|_| more).map(|last| {
            let keys: Vec<&str> =
                last.keys.iter().map(String::as_str).chain([last.unit.as_deref().unwrap_or("")]).collect();
            Cursor { key: last.place.clone(), identifier: keys.join(" ") }
        });
        let total = asked.total(connection).await?;
        let judged = asked.judged(connection).await?;
        let keys = groups.iter().chain(&total).map(|group| group.keys.as_slice());
        let names = names(connection, question, keys).await?;
        Ok(Self { groups, total, judged, names, next })
    }
}

#[derive(QueryableByName)]
struct Largest {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Bool)]
    too_many: bool,
}

/// Refuses to divide records by long lists that are multiplied with each other.
pub async fn refuse_many_cells(
    connection: &mut AsyncPgConnection,
    question: &Question,
    deadline: &Deadline,
) -> Result<(), Problem> {
    let Some(cells) = Division(question).cells() else { return Ok(()) };
    deadline.limit(connection).await?;
    let sql = format!(
        "SELECT identifier, sum(cells) OVER () > {CELLS} AS too_many
         FROM (SELECT f.identifier, {cells} AS cells FROM facts f WHERE f.reason IS NULL) AS f ORDER BY cells DESC LIMIT 1"
    );
    let largest: Option<Largest> = sql_query(sql).get_result(connection).await.optional()?;
    match largest.filter(|largest| largest.too_many) {
        Some(Largest { identifier, .. }) => {
            let words = format!(
                "these records have more than {CELLS} parts by these dimensions, most of them {identifier}: filter them, or ask for fewer dimensions"
            );
            Err(Problem::invalid(vec![Fault::parameter("group_by", "parts_too_many", words)]))
        }
        None => Ok(()),
    }
}

/// A question, and where its answer comes from.
struct Asked<'q> {
    question: &'q Question,
    plan: Option<Plan>,
    deadline: Deadline,
}

impl Asked<'_> {
    /// The parts of what counts, by these of the dimensions.
    fn parts(&self, which: &[usize]) -> Statement {
        match &self.plan {
            Some(plan) => plan.parts(&self.question.dimensions, which),
            None => Division(self.question).parts(which),
        }
    }

    fn measure(&self, measure: Measure) -> &'static str {
        self.plan.as_ref().and_then(|_| summed(measure)).unwrap_or(measure.sql())
    }

    /// The keys as one array, and the measures as another.
    fn columns(&self, which: &[usize]) -> (String, String) {
        let keys: Vec<String> = which.iter().map(|n| format!("k{n}")).collect();
        let measured: Vec<String> =
            self.question.measures.iter().map(|measure| format!("({})::text", self.measure(*measure))).collect();
        (keys.join(", "), measured.join(", "))
    }

    async fn groups(&self, connection: &mut AsyncPgConnection, limit: i64) -> Result<Vec<Group>, Problem> {
        let question = self.question;
        let all: Vec<usize> = (0..question.dimensions.len()).collect();
        let mut statement = self.parts(&all);
        let (keys, measured) = self.columns(&all);
        let bounds: Vec<String> = question
            .bounds
            .iter()
            .map(|(measure, least, number)| {
                let than = if *least { ">=" } else { "<=" };
                format!("{} {than} {}::numeric", self.measure(*measure), statement.text(&number.to_string()))
            })
            .collect();
        let having = if bounds.is_empty() { String::new() } else { format!("HAVING {}", bounds.join(" AND ")) };
        // With `sort=key` the keys decide alone.
        let (place, descending) = match question.sort {
            Some((measure, descending)) => (format!("coalesce({}, '-Infinity')", self.measure(measure)), descending),
            None => ("0::numeric".to_owned(), false),
        };
        let (than, order) = if descending { ("<", "DESC") } else { (">", "ASC") };
        let after = question.after.as_ref().map(|after| {
            let (place, keys) = (statement.text(&after.key), statement.text(&after.identifier));
            format!("WHERE place {than} {place}::numeric OR (place = {place}::numeric AND at > {keys} COLLATE \"C\")")
        });
        let end = format!(
            "SELECT keys, unit, measured, place::text AS place FROM (
           SELECT ARRAY[{keys}]::text[] AS keys, unit, ARRAY[{measured}]::text[] AS measured, {place} AS place,
             concat_ws(' ', {keys}, coalesce(unit, '')) COLLATE \"C\" AS at
           FROM parts GROUP BY {keys}, unit {having}) AS groups
         {} ORDER BY groups.place {order}, at LIMIT {limit}",
            after.unwrap_or_default()
        );
        self.deadline.limit(connection).await?;
        Ok(statement.query(&end).load(connection).await?)
    }

    /// The whole, divided by nothing but what may not be added up.
    async fn total(&self, connection: &mut AsyncPgConnection) -> Result<Vec<Group>, Problem> {
        let question = self.question;
        let apart: Vec<usize> = (0..question.dimensions.len())
            .filter(|n| question.subject.is_apart(question.dimensions[*n].name))
            .collect();
        let (keys, measured) = self.columns(&apart);
        let by = if keys.is_empty() { "unit".to_owned() } else { format!("{keys}, unit") };
        let end = format!(
            "SELECT ARRAY[{keys}]::text[] AS keys, unit, ARRAY[{measured}]::text[] AS measured, '' AS place
         FROM parts GROUP BY {by} ORDER BY {by}"
        );
        self.deadline.limit(connection).await?;
        let mut total: Vec<Group> = self.parts(&apart).query(&end).load(connection).await?;
        // Over the other dimensions it has no key.
        for group in &mut total {
            let mut keys = std::mem::take(&mut group.keys).into_iter();
            let key = |dimension: &&Dimension| match question.subject.is_apart(dimension.name) {
                true => keys.next().unwrap_or_default(),
                false => String::new(),
            };
            group.keys = question.dimensions.iter().map(key).collect();
        }
        Ok(total)
    }

    async fn judged(&self, connection: &mut AsyncPgConnection) -> Result<Vec<Judged>, Problem> {
        self.deadline.limit(connection).await?;
        if let Some(plan) = &self.plan {
            let mut statement = Statement::default();
            let end = plan.judged(&mut statement);
            return Ok(statement.query(&end).load(connection).await?);
        }
        let end = "SELECT reason, currency, type, count(*) AS count, trim_scale(sum(amount))::text AS amount,
          trim_scale(sum(whole) FILTER (WHERE reason IS NULL))::text AS counted, count(*) FILTER (WHERE exactness <> 'exact') AS inexact
        FROM facts GROUP BY reason, currency, type ORDER BY reason NULLS FIRST, currency, type";
        Ok(sql_query(end).load(connection).await?)
    }
}

/// What the keys of the groups are called.
pub async fn names<'k>(
    connection: &mut AsyncPgConnection,
    question: &Question,
    groups: impl Iterator<Item = &'k [String]> + Clone,
) -> Result<Vec<BTreeMap<String, Named>>, Problem> {
    let mut names = Vec::new();
    for (n, dimension) in question.dimensions.iter().enumerate() {
        let Some(kind) = dimension.named else {
            names.push(BTreeMap::new());
            continue;
        };
        let keys: BTreeSet<&str> = groups.clone().filter_map(|keys| keys.get(n)).map(String::as_str).collect();
        let sql = format!(
            "SELECT identifier, coalesce(doc -> 'title', doc -> 'name')::text AS name, nullif(doc -> 'note', 'null')::text AS note,
               CASE WHEN jsonb_typeof(doc -> 'point') = 'object' THEN jsonb_build_array(doc -> 'point')::text END AS points
             FROM {} WHERE identifier = ANY($1)",
            kind.collection
        );
        let found: Vec<Named> =
            sql_query(sql).bind::<Array<Text>, _>(keys.into_iter().collect::<Vec<_>>()).load(connection).await?;
        names.push(found.into_iter().map(|named| (named.identifier.clone(), named)).collect());
    }
    Ok(names)
}

/// A text of the database as JSON.
pub fn parsed(text: Option<&String>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
