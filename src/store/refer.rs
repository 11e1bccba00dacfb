//! References between records: those that a change makes must have a target,
//! those that it leaves behind must not lose theirs, and a hierarchy has no circle.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::error::Fault;
use crate::record::Link;

#[derive(QueryableByName)]
struct Referrer {
    #[diesel(sql_type = Text)]
    record: String,
    #[diesel(sql_type = Text)]
    pointer: String,
    #[diesel(sql_type = Text)]
    target: String,
}

#[derive(QueryableByName)]
struct Step {
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

/// A record of a batch, and whom it will refer to; nothing if it is to be gone.
pub struct Making<'a> {
    /// Its identifier.
    pub identifier: &'a str,
    /// Its collection.
    pub collection: &'static str,
    /// Its references.
    pub links: Option<&'a [Link]>,
}

/// References without a target, neither in the register nor in the same batch: the
/// number of the record in the batch, and the fault.
pub async fn dangling(
    connection: &mut AsyncPgConnection,
    batch: &[Making<'_>],
) -> diesel::QueryResult<Vec<(usize, Fault)>> {
    let links = || {
        let numbered = batch.iter().enumerate();
        numbered.flat_map(|(n, making)| making.links.unwrap_or_default().iter().map(move |link| (n, link)))
    };
    let wanted: HashSet<&str> = links().map(|(_, link)| link.target.as_str()).collect();
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let found: Vec<Known> = sql_query("SELECT identifier, collection FROM records WHERE identifier = ANY($1) AND live")
        .bind::<Array<Text>, _>(&wanted)
        .load(connection)
        .await?;
    let mut known: HashSet<(&str, &str)> =
        found.iter().map(|known| (known.identifier.as_str(), known.collection.as_str())).collect();
    for making in batch {
        let place = (making.identifier, making.collection);
        if making.links.is_some() {
            known.insert(place)
        } else {
            known.remove(&place)
        };
    }
    let missing = links().filter(|(_, link)| !known.contains(&(link.target.as_str(), link.collection)));
    let faults = missing.map(|(n, link)| {
        let words = match found.iter().find(|known| known.identifier == link.target) {
            Some(other) => format!("{} is in {}, not in {}", link.target, other.collection, link.collection),
            None => format!("there is no {} in {}", link.target, link.collection),
        };
        (n, Fault::at(&link.pointer, "reference_unknown", words))
    });
    Ok(faults.collect())
}

/// Records that still refer to one that is to be deleted, itself and the batch's own deletions apart.
pub async fn referrers(connection: &mut AsyncPgConnection, deleted: &[String]) -> diesel::QueryResult<Vec<String>> {
    let referrers: Vec<Referrer> = sql_query(
        "SELECT record, pointer, target FROM links WHERE target = ANY($1) AND record <> ALL($1) \
         ORDER BY target, record, pointer LIMIT 20",
    )
    .bind::<Array<Text>, _>(deleted)
    .load(connection)
    .await?;
    Ok(referrers.into_iter().map(|r| format!("{} at {} refers to {}", r.record, r.pointer, r.target)).collect())
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
    Ok(circles)
}
