//! Merging a record into another of its kind: what refers to the one refers to the other from then
//! on, each as a new version; the one answers with a redirect for ever, and its history stays.

use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::json;

use super::change::{Author, Change, decide};
use super::commit::{self, New};
use super::{audit, clients, write};
use crate::auth::Rights;
use crate::collections;
use crate::error::{Fault, Problem, Reason};

/// Identifiers elsewhere that a record may have.
const IDENTIFIERS: i64 = 50;

/// The versions of a merge.
struct Moved {
    collections: Vec<&'static str>,
    count: i64,
}

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = Text)]
    collection: String,
    #[diesel(sql_type = Nullable<Text>)]
    owner: Option<String>,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct TooMany {
    #[diesel(sql_type = Bool)]
    too_many: bool,
}

/// Merges what a change says is gone into `survivor`; gives how many records were moved.
pub async fn merge(
    connection: &mut AsyncPgConnection,
    author: &Author,
    rights: &Rights,
    change: Change,
    survivor: &str,
) -> Result<i64, Problem> {
    connection
        .transaction(async |connection| {
            let clock = commit::lock(connection).await?;
            clients::still_welcome(connection, author).await?;
            let identifier = &change.identifier;
            decide(&change, write::current(connection, identifier).await?.as_ref())?;
            let unknown = |words| Fault::at("/into", "reference_unknown", words);
            write::survives(connection, change.kind, identifier, survivor, unknown).await?;
            connection.batch_execute(include_str!("merge/create.sql")).await?;
            sql_query(include_str!("merge/stage.sql"))
                .bind::<Text, _>(identifier)
                .bind::<Text, _>(survivor)
                .execute(connection)
                .await?;
            let touched = touched(connection).await?;
            may(rights, &touched)?;
            let number = "SELECT coalesce(jsonb_array_length(doc -> 'identifiers'), 0) > $2 AS too_many FROM merging WHERE identifier = $1";
            let number: Vec<TooMany> =
                sql_query(number).bind::<Text, _>(survivor).bind::<BigInt, _>(IDENTIFIERS).load(connection).await?;
            if number.iter().any(|found| found.too_many) {
                let words = format!("{survivor} would have more than {IDENTIFIERS} identifiers elsewhere");
                return Err(Problem::invalid(vec![Fault::at("/into", "list_invalid", words)]));
            }
            let count: i64 = touched.iter().map(|touched| touched.number).sum();
            let mut collections: Vec<&'static str> =
                touched.iter().filter_map(|touched| collections::find(&touched.collection)).map(|kind| kind.collection).collect();
            collections.sort_unstable();
            collections.dedup();
            commit::commit(connection, author, &clock, &Moved { collections, count }).await?;
            let details = json!({"collection": change.kind.collection, "identifiers": [identifier], "into": survivor, "moved": count - 1});
            audit::append(connection, audit::act("merge", author, details)).await?;
            Ok(count - 1)
        })
        .await
}

/// How many records of whom are touched, by collection.
async fn touched(connection: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<Touched>> {
    sql_query(
        "SELECT collection, owner, count(*) AS number FROM (
           SELECT collection, (
             SELECT p.publisher FROM publisher_prefixes p WHERE owns(p.prefix, p.whole, merging.identifier)
             ORDER BY length(p.prefix) DESC LIMIT 1) AS owner
           FROM merging) AS owned
         GROUP BY collection, owner ORDER BY collection, owner",
    )
    .load(connection)
    .await
}

/// Refuses to change what the token may not.
fn may(rights: &Rights, touched: &[Touched]) -> Result<(), Problem> {
    let strange = |touched: &&Touched| {
        let own = rights.everywhere || (touched.owner.is_some() && touched.owner == rights.publisher);
        !own || !rights.scopes.contains(&touched.collection)
    };
    let strange: Vec<String> = touched
        .iter()
        .filter(strange)
        .map(|touched| {
            format!("{} {} of {}", touched.number, touched.collection, touched.owner.as_deref().unwrap_or("nobody"))
        })
        .collect();
    match strange.is_empty() {
        true => Ok(()),
        false => {
            let words = format!(
                "A merge changes what refers to the record, here {}, which this token may not write: an administrator may",
                strange.join(", ")
            );
            Err(Problem::new(Reason::Forbidden, words))
        }
    }
}

impl New for Moved {
    fn sql(&self, _first: usize) -> String {
        "merging AS new".into()
    }

    fn collections(&self) -> Vec<&'static str> {
        self.collections.clone()
    }

    fn count(&self) -> i64 {
        self.count
    }

    fn deletes(&self) -> bool {
        true
    }
}
