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
    let found: Vec<Known> = sql_query(
        "SELECT identifier, CASE WHEN live THEN collection ELSE '>' || merged_into END AS collection FROM records
         WHERE identifier = ANY($1) AND (live OR merged_into IS NOT NULL)",
    )
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

/// What is wrong with a reference: `elsewhere` is the collection that its target is in, or after a `>` what that was
/// merged into.
pub fn unknown(target: &str, collection: &str, elsewhere: Option<&str>) -> String {
    match elsewhere.map(|other| other.strip_prefix('>').ok_or(other)) {
        Some(Ok(other)) => format!("{target} was merged into {other}: name that"),
        Some(Err(other)) => format!("{target} is in {other}, not in {collection}"),
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

/// A hierarchy is so many steps deep at most: what is asked of it climbs and descends each of them.
pub const DEPTH: usize = 32;

/// What is wrong with the place of records in their hierarchies, by its code: `circle` of those that
/// would be their own ancestors; where there are none, `too_deep` of those by which a hierarchy
/// would become too deep.
pub async fn misplaced(
    connection: &mut AsyncPgConnection,
    written: &[String],
) -> diesel::QueryResult<Option<(&'static str, Vec<String>)>> {
    // Each step upward or downward is read once, however many records share it.
    let steps: Vec<Step> = sql_query(
        "WITH RECURSIVE above AS (
           SELECT record, target FROM links WHERE role = 'parent' AND record = ANY($1)
           UNION
           SELECT links.record, links.target FROM links JOIN above ON links.record = above.target AND links.role = 'parent'
         ), below AS (
           SELECT record, target FROM links WHERE role = 'parent' AND target = ANY($1)
           UNION
           SELECT links.record, links.target FROM links JOIN below ON links.target = below.record AND links.role = 'parent'
         )
         SELECT record, target FROM above UNION SELECT record, target FROM below",
    )
    .bind::<Array<Text>, _>(written)
    .load(connection)
    .await?;
    Ok(among(&steps, written))
}

/// What that means.
pub fn misplacement(identifier: &str, code: &str) -> String {
    match code {
        "circle" => format!("{identifier} would be its own ancestor"),
        "hierarchy_unclear" => {
            format!(
                "what this import moves makes circle upon circle; {identifier} and all else that would move stays where it is"
            )
        }
        _ => format!("a hierarchy has at most {DEPTH} levels; with {identifier} there, it would have more"),
    }
}

/// The same among steps that are known.
pub fn among(steps: &[Step], written: &[String]) -> Option<(&'static str, Vec<String>)> {
    let parents: HashMap<&str, &str> = steps.iter().map(|step| (step.record.as_str(), step.target.as_str())).collect();
    let circles = circles(&parents);
    if !circles.is_empty() {
        return Some(("circle", circles));
    }
    let deep = too_deep(&parents, &written.iter().map(String::as_str).collect());
    if deep.is_empty() { None } else { Some(("too_deep", deep)) }
}

/// Records that are their own ancestors.
fn circles(parents: &HashMap<&str, &str>) -> Vec<String> {
    let mut done: HashSet<&str> = HashSet::new();
    let mut circles = Vec::new();
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

/// Written records that are too deep themselves, or the nearest above something that is. There is no circle.
fn too_deep(parents: &HashMap<&str, &str>, written: &HashSet<&str>) -> Vec<String> {
    let mut depths: HashMap<&str, usize> = HashMap::new();
    let mut deep = HashSet::new();
    for start in parents.keys() {
        let mut path = vec![*start];
        while let Some(parent) = path
            .last()
            .and_then(|node| parents.get(node))
            .filter(|_| path.last().is_some_and(|node| !depths.contains_key(node)))
        {
            path.push(parent);
        }
        for pair in (1..path.len()).rev() {
            let above = depths.get(path[pair]).copied().unwrap_or(0);
            depths.insert(path[pair - 1], above + 1);
        }
        if depths.get(start).copied().unwrap_or(0) >= DEPTH {
            let mut line = std::iter::successors(Some(*start), |node| parents.get(node).copied());
            deep.extend(line.find(|node| written.contains(node)));
        }
    }
    deep.into_iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(pairs: &[(usize, usize)]) -> Vec<Step> {
        pairs.iter().map(|(record, target)| Step { record: record.to_string(), target: target.to_string() }).collect()
    }

    #[test]
    fn circles_are_found_before_depth() {
        let steps = steps(&[(1, 2), (2, 3), (3, 2)]);
        let (code, mut records) = among(&steps, &["1".into()]).unwrap();
        records.sort();
        assert_eq!((code, records), ("circle", vec!["2".to_owned(), "3".to_owned()]));
    }

    #[test]
    fn a_hierarchy_has_so_many_steps_and_no_more() {
        let line = |length: usize| steps(&(1..length).map(|n| (n, n - 1)).collect::<Vec<_>>());
        assert_eq!(among(&line(DEPTH), &["7".into()]), None);
        // What moved is at fault for what lies below it.
        assert_eq!(among(&line(DEPTH + 1), &["7".into()]), Some(("too_deep", vec!["7".into()])));
    }
}
