//! Rows of tables that do not say everything of their records: what they leave out is read from
//! the register, in parts of bounded size.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, Integer, Jsonb, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::examine::{Current, Named};
use super::sink::Raw;
use crate::error::{Fault, Problem};
use crate::kind::Kind;
use crate::record::Identifier;
use crate::store::batch;

/// Records that a table completes are read in parts of so many bytes.
const PART: i32 = 2 * 1024 * 1024;

#[derive(QueryableByName)]
struct Document {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Jsonb)]
    doc: Value,
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Integer)]
    bytes: i32,
}

/// The identifier of a row of a table that does not say everything of its record.
fn incomplete(raw: &Raw) -> Option<String> {
    raw.table.as_ref().filter(|table| table.is_partial())?;
    serde_json::from_slice::<Named>(&raw.json).ok()?.identifier.filter(|id| Identifier::is_valid(id))
}

/// The collections of records that are to be completed.
fn kinds(group: &[Raw]) -> Vec<&'static Kind> {
    let mut kinds: Vec<&'static Kind> = Vec::new();
    for kind in group.iter().filter(|raw| raw.table.is_some()).filter_map(|raw| raw.kind) {
        if !kinds.iter().any(|other| other.collection == kind.collection) {
            kinds.push(kind);
        }
    }
    kinds
}

/// The group in parts: rows of a few bytes may stand for records of many.
pub async fn bounded(connection: &mut AsyncPgConnection, mut group: Vec<Raw>) -> Result<Vec<Vec<Raw>>, Problem> {
    let identifiers: Vec<String> = group.iter().filter_map(incomplete).collect();
    if identifiers.is_empty() {
        return Ok(vec![group]);
    }
    // A second row for a record is refused before it is completed.
    let mut seen: HashSet<String> = batch::staged(connection, &identifiers).await?.into_iter().collect();
    for raw in &mut group {
        let Some(id) = incomplete(raw).filter(|id| !seen.insert(id.clone())) else { continue };
        let detail = format!("{id} stands in an earlier row already");
        let pointer = Some("/identifier".to_owned());
        let identifier = Some(id);
        raw.faults.push(Fault { code: "duplicate".into(), pointer, detail, identifier, ..Fault::default() });
        raw.json.clear();
    }
    let mut sizes: Vec<Size> = Vec::new();
    for kind in kinds(&group) {
        let sql = format!(
            "SELECT identifier, octet_length(doc::text) AS bytes FROM {} WHERE identifier = ANY($1)",
            kind.collection
        );
        sizes.extend(sql_query(sql).bind::<Array<Text>, _>(&identifiers).load::<Size>(connection).await?);
    }
    let sizes: HashMap<String, i32> = sizes.into_iter().map(|size| (size.identifier, size.bytes)).collect();
    let (mut parts, mut bytes) = (vec![Vec::new()], 0);
    for raw in group {
        bytes += incomplete(&raw).and_then(|id| sizes.get(&id).copied()).unwrap_or_default();
        if bytes > PART {
            parts.push(Vec::new());
            bytes = 0;
        }
        if let Some(part) = parts.last_mut() {
            part.push(raw);
        }
    }
    Ok(parts)
}

/// The records as they are of which a table does not say everything.
pub async fn current(connection: &mut AsyncPgConnection, group: &[Raw]) -> Result<Current, Problem> {
    let identifiers: Vec<String> = group.iter().filter_map(incomplete).collect();
    let mut found: Vec<Document> = Vec::new();
    if !identifiers.is_empty() {
        for kind in kinds(group) {
            let sql = format!("SELECT identifier, version, doc FROM {} WHERE identifier = ANY($1)", kind.collection);
            found.extend(sql_query(sql).bind::<Array<Text>, _>(&identifiers).load::<Document>(connection).await?);
        }
    }
    Ok(found.into_iter().map(|document| (document.identifier, (document.version, document.doc))).collect())
}
