//! References between records: those that a change makes must have a target,
//! those that it leaves behind must not lose theirs, and a hierarchy has no circle.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Fault;
use crate::kind::Kind;
use crate::record::Link;

#[derive(QueryableByName)]
struct Referrer {
    #[diesel(sql_type = Text)]
    record: String,
    #[diesel(sql_type = Text)]
    pointer: String,
}

/// A record and its parent.
#[derive(QueryableByName)]
pub struct Step {
    #[diesel(sql_type = Text)]
    record: String,
    #[diesel(sql_type = Text)]
    target: String,
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    collection: String,
}

/// References of one record without a target. What the record itself will be counts as there.
pub async fn dangling(
    connection: &mut AsyncPgConnection,
    kind: &Kind,
    own: Option<&str>,
    links: &[Link],
) -> diesel::QueryResult<Vec<Fault>> {
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<&str> = links.iter().map(|link| link.target.as_str()).collect();
    let found: Vec<Known> = sql_query("SELECT identifier, collection FROM records WHERE identifier = ANY($1) AND live")
        .bind::<Array<Text>, _>(&wanted)
        .load(connection)
        .await?;
    let mut known: HashSet<(&str, &str)> =
        found.iter().map(|known| (known.identifier.as_str(), known.collection.as_str())).collect();
    known.extend(own.map(|identifier| (identifier, kind.collection)));
    let missing = links.iter().filter(|link| !known.contains(&(link.target.as_str(), link.collection)));
    let faults = missing.map(|link| {
        let elsewhere = found.iter().find(|known| known.identifier == link.target);
        let words = unknown(&link.target, link.collection, elsewhere.map(|known| known.collection.as_str()));
        Fault::at(&link.pointer, "reference_unknown", words)
    });
    Ok(faults.collect())
}

/// What is wrong with a reference.
pub fn unknown(target: &str, collection: &str, elsewhere: Option<&str>) -> String {
    match elsewhere {
        Some(other) => format!("{target} is in {other}, not in {collection}"),
        None => format!("there is no {target} in {collection}"),
    }
}

/// Records that still refer to one that is to be deleted.
pub async fn referrers(connection: &mut AsyncPgConnection, deleted: &str) -> diesel::QueryResult<Vec<String>> {
    let referrers: Vec<Referrer> = sql_query(
        "SELECT record, pointer FROM links WHERE target = $1 AND record <> $1 ORDER BY record, pointer LIMIT 20",
    )
    .bind::<Text, _>(deleted)
    .load(connection)
    .await?;
    Ok(referrers.into_iter().map(|r| format!("{} at {}", r.record, r.pointer)).collect())
}

/// Records that are their own ancestors now.
pub async fn circles(connection: &mut AsyncPgConnection, written: &[String]) -> diesel::QueryResult<HashSet<String>> {
    // Each step upward is read once, however many records share it.
    let steps: Vec<Step> = sql_query(
        "WITH RECURSIVE steps AS (
           SELECT record, target FROM links WHERE role = 'parent' AND record = ANY($1)
           UNION
           SELECT links.record, links.target FROM links JOIN steps ON links.record = steps.target AND links.role = 'parent'
         )
         SELECT record, target FROM steps",
    )
    .bind::<Array<Text>, _>(written)
    .load(connection)
    .await?;
    Ok(among(&steps))
}

/// Those of them that are their own ancestors.
pub fn among(steps: &[Step]) -> HashSet<String> {
    let parents: HashMap<&str, &str> = steps.iter().map(|step| (step.record.as_str(), step.target.as_str())).collect();
    let mut done: HashSet<&str> = HashSet::new();
    let mut circles = HashSet::new();
    for start in parents.keys() {
        let mut path = Vec::new();
        let mut node = *start;
        while done.insert(node) {
            path.push(node);
            match parents.get(node) {
                Some(parent) => node = parent,
                None => break,
            }
        }
        // The walk ended where it had been: on this walk, that is a circle.
        if let Some(n) = path.iter().position(|other| *other == node).filter(|_| parents.contains_key(node)) {
            circles.extend(path[n..].iter().map(|record| (*record).to_owned()));
        }
    }
    circles
}
