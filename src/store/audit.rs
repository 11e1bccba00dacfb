//! The audit log: who did what, in a chain of hashes that nobody can edit unseen.
//! Identifiers and request ids stand in it, tokens never.

use diesel::sql_types::{BigInt, Jsonb, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::change::Author;
use crate::digest::sha256;

/// Where a log ends: the number of its entries, and the last hash.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Head {
    /// How many entries there are.
    #[diesel(sql_type = BigInt)]
    pub n: i64,
    /// The hash of the last one.
    #[diesel(sql_type = Text)]
    pub hash: String,
}

/// An entry: a line of JSON, and its hash with the hash before it.
#[derive(Debug, QueryableByName)]
pub struct Entry {
    /// Its number, from 1.
    #[diesel(sql_type = BigInt)]
    pub n: i64,
    /// The line.
    #[diesel(sql_type = Text)]
    pub entry: String,
    /// SHA-256 of the hash before it, in hexadecimal, and the line.
    #[diesel(sql_type = Text)]
    pub hash: String,
}

/// Appends an act, in the transaction of its effect where it has one.
pub async fn append(connection: &mut AsyncPgConnection, act: Value) -> diesel::QueryResult<()> {
    sql_query("SELECT audit_append($1)").bind::<Jsonb, _>(act).execute(connection).await?;
    Ok(())
}

/// An act of somebody; what it was stands in `details`.
pub fn act(kind: &str, author: &Author, details: Value) -> Value {
    let mut act = json!({
        "act": kind, "issuer": author.issuer, "subject": author.subject, "request_id": author.request_id,
    });
    if let (Some(act), Value::Object(details)) = (act.as_object_mut(), details) {
        act.extend(details);
    }
    act
}

/// Where the log ends.
pub async fn head(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Head> {
    sql_query("SELECT n, hash FROM audit_head").get_result(connection).await
}

/// Hands on every entry, in order.
pub async fn each(
    connection: &mut AsyncPgConnection,
    mut take: impl FnMut(Entry) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let entries = sql_query("SELECT n, entry, hash FROM audit_log ORDER BY n");
    let mut entries = entries.load_stream::<Entry>(connection).await?;
    while let Some(entry) = entries.try_next().await? {
        take(entry)?;
    }
    Ok(())
}

/// Holds every entry against the chain, and the chain against a head that was noted
/// earlier; says where the log ends.
pub async fn verify(connection: &mut AsyncPgConnection, noted: Option<&Head>) -> anyhow::Result<Head> {
    let mut end = Head { n: 0, hash: "0".repeat(64) };
    let mut met = noted.is_none_or(|noted| *noted == end);
    each(connection, |entry| {
        let n = end.n + 1;
        anyhow::ensure!(entry.n == n, "entry {n} is missing");
        let line: Value = serde_json::from_str(&entry.entry).unwrap_or_default();
        anyhow::ensure!(line["n"] == n, "entry {n} is another one: it says to be number {}", line["n"]);
        let hash = sha256(format!("{}{}", end.hash, entry.entry).as_bytes());
        anyhow::ensure!(
            entry.hash == hash,
            "entry {n}, or one before it, was changed: its hash is not that of the chain"
        );
        end = Head { n, hash };
        met |= noted == Some(&end);
        Ok(())
    })
    .await?;
    let kept = head(connection).await?;
    anyhow::ensure!(kept == end, "the log was cut off: it ends at {}, and once ended at {}", end.n, kept.n);
    match noted {
        Some(noted) if noted.n > end.n => {
            anyhow::bail!("the log was cut off: it ends at {}, and once ended at {}", end.n, noted.n)
        }
        Some(noted) if !met => {
            anyhow::bail!("the log was written anew: entry {} does not have the noted hash", noted.n)
        }
        _ => Ok(end),
    }
}
