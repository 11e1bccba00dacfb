//! Publishers and their prefixes.

use std::collections::HashMap;

use diesel::sql_types::{Array, Text};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde::Serialize;

use serde_json::json;

use super::audit;
use super::change::Author;
use crate::error::{Fault, Problem, Reason};

/// A publisher.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Serialize)]
pub struct Publisher {
    /// Its id, as tokens name it.
    #[diesel(sql_type = Text)]
    pub id: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The prefixes of its identifiers; the empty one is that of all that nobody else has.
    #[diesel(sql_type = Array<Text>)]
    pub prefixes: Vec<String>,
}

impl Publisher {
    /// In words, which identifiers are its.
    pub fn identifiers(&self) -> String {
        let prefixes: Vec<&str> =
            self.prefixes.iter().map(String::as_str).filter(|prefix| !prefix.is_empty()).collect();
        let id = &self.id;
        match (prefixes.len(), self.prefixes.len()) {
            (_, 0) => format!("{id} has no prefix of its own"),
            (0, _) => format!("{id} has those that nobody else has"),
            (named, all) if named == all => format!("identifiers of {id} start with {}", prefixes.join(", ")),
            _ => format!("identifiers of {id} start with {}, or are nobody else's", prefixes.join(", ")),
        }
    }
}

/// All publishers.
pub async fn list(connection: &mut AsyncPgConnection) -> Result<Vec<Publisher>, Problem> {
    let publishers = sql_query(
        "SELECT p.id, p.name, ARRAY(SELECT prefix FROM publisher_prefixes WHERE publisher = p.id AND NOT whole ORDER BY prefix) AS prefixes
         FROM publishers p ORDER BY p.id",
    );
    Ok(publishers.load(connection).await?)
}

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    publisher: String,
}

/// To whom identifiers belong: to the publisher with the longest prefix that they start with.
pub async fn owners(
    connection: &mut AsyncPgConnection,
    identifiers: &[&str],
) -> diesel::QueryResult<HashMap<String, String>> {
    let owners: Vec<Owner> = sql_query(
        "SELECT DISTINCT ON (identifier) identifier, publisher FROM unnest($1) AS identifier
         JOIN publisher_prefixes ON owns(prefix, whole, identifier)
         ORDER BY identifier, length(prefix) DESC",
    )
    .bind::<Array<Text>, _>(identifiers)
    .load(connection)
    .await?;
    Ok(owners.into_iter().map(|owner| (owner.identifier, owner.publisher)).collect())
}

/// To whom an identifier belongs.
pub async fn owner(connection: &mut AsyncPgConnection, identifier: &str) -> diesel::QueryResult<Option<String>> {
    Ok(owners(connection, &[identifier]).await?.remove(identifier))
}

/// Adds a publisher, or prefixes to one that exists. A prefix that another
/// publisher has, or under which it has published, is refused.
pub async fn add(connection: &mut AsyncPgConnection, author: &Author, new: &Publisher) -> Result<(), Problem> {
    write(connection, author, new, false).await
}

/// Adds a publisher, or gives one that exists this name and these prefixes and no
/// others. A prefix under which something was published stays.
pub async fn replace(connection: &mut AsyncPgConnection, author: &Author, new: &Publisher) -> Result<(), Problem> {
    write(connection, author, new, true).await
}

async fn write(
    connection: &mut AsyncPgConnection,
    author: &Author,
    new: &Publisher,
    only: bool,
) -> Result<(), Problem> {
    let well_formed = |id: &str| {
        (1..=63).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !id.starts_with('-')
    };
    if !well_formed(&new.id) {
        let words = format!("{:?} is no publisher id: 1 to 63 of a-z, 0-9 and -, not beginning with -", new.id);
        return Err(Problem::invalid(vec![Fault::at("/id", "id_invalid", words)]));
    }
    if new.name.trim().is_empty() || new.name.chars().any(char::is_control) {
        return Err(Problem::invalid(vec![Fault::at("/name", "name_invalid", "a publisher has a name, in one line")]));
    }
    connection
        .transaction(async |connection| {
            // The clock: no record appears under a prefix while it changes hands.
            sql_query("SELECT FROM commit_clock FOR UPDATE").execute(connection).await?;
            sql_query(
                "INSERT INTO publishers (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            )
            .bind::<Text, _>(&new.id)
            .bind::<Text, _>(&new.name)
            .execute(connection)
            .await?;
            let (mut faults, mut reason) = (Vec::new(), Reason::Conflict);
            for (n, prefix) in new.prefixes.iter().enumerate() {
                match take(connection, &new.id, prefix).await {
                    Err(problem) if matches!(problem.reason, Reason::Conflict | Reason::InvalidRequest) => {
                        let conflict = problem.reason == Reason::Conflict;
                        let code = if conflict { "prefix_taken" } else { "prefix_invalid" };
                        reason = if conflict { reason } else { Reason::InvalidRequest };
                        faults.push(Fault::at(format!("/prefixes/{n}"), code, problem.detail));
                    }
                    taken => taken?,
                }
            }
            if !faults.is_empty() {
                let words: Vec<&str> = faults.iter().map(|fault| fault.detail.as_str()).collect();
                let detail = words.join("; ");
                return Err(Problem { errors: faults, ..Problem::new(reason, detail) });
            }
            if only {
                leave(connection, &new.id, &new.prefixes).await?;
            }
            let details = json!({"publisher": new.id, "name": new.name, "prefixes": new.prefixes});
            audit::append(connection, audit::act("publisher", author, details)).await?;
            Ok(())
        })
        .await
}

/// Gives a publisher single identifiers, as far as nobody owns them.
pub async fn own(connection: &mut AsyncPgConnection, publisher: &str, identifiers: &[&str]) -> diesel::QueryResult<()> {
    sql_query(
        "INSERT INTO publisher_prefixes (prefix, publisher, whole) SELECT identifier, $1, true FROM unnest($2) AS identifier
         ON CONFLICT (prefix) DO NOTHING",
    )
    .bind::<Text, _>(publisher)
    .bind::<Array<Text>, _>(identifiers)
    .execute(connection)
    .await?;
    Ok(())
}

async fn take(connection: &mut AsyncPgConnection, publisher: &str, prefix: &str) -> Result<(), Problem> {
    let conflict = |words: String| Err(Problem::new(Reason::Conflict, words));
    if !prefix.is_empty() && !crate::record::Identifier::is_valid(prefix) {
        let words = format!("{prefix:?} is no prefix: printable characters without spaces");
        return Err(Problem::invalid(vec![Fault::at("/prefixes", "prefix_invalid", words)]));
    }
    let holder: Option<Owner> =
        sql_query("SELECT prefix AS identifier, publisher FROM publisher_prefixes WHERE prefix = $1")
            .bind::<Text, _>(prefix)
            .get_result(connection)
            .await
            .optional()?;
    match holder {
        Some(holder) if holder.publisher == publisher => return Ok(()),
        Some(holder) => return conflict(format!("the prefix {prefix:?} belongs to {}", holder.publisher)),
        None => {}
    }
    // Records that would change hands: those whose owner has a shorter prefix.
    let published: Option<Owner> = sql_query(
        "SELECT records.identifier, owner.publisher FROM records, LATERAL (
           SELECT publisher, prefix FROM publisher_prefixes WHERE owns(prefix, whole, records.identifier)
           ORDER BY length(prefix) DESC LIMIT 1) AS owner
         WHERE starts_with(records.identifier, $1) AND length(owner.prefix) < length($1) AND owner.publisher <> $2 LIMIT 1",
    )
    .bind::<Text, _>(prefix)
    .bind::<Text, _>(publisher)
    .get_result(connection)
    .await
    .optional()?;
    if let Some(Owner { identifier, publisher: other }) = published {
        return conflict(format!("{other} has published {identifier} under {prefix} already"));
    }
    sql_query("INSERT INTO publisher_prefixes (prefix, publisher) VALUES ($1, $2)")
        .bind::<Text, _>(prefix)
        .bind::<Text, _>(publisher)
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives up all prefixes but these.
async fn leave(connection: &mut AsyncPgConnection, publisher: &str, kept: &[String]) -> Result<(), Problem> {
    let published: Option<Owner> = sql_query(
        "SELECT records.identifier, owner.prefix AS publisher FROM publisher_prefixes AS left_over
         JOIN records ON owns(left_over.prefix, left_over.whole, records.identifier), LATERAL (
           SELECT prefix FROM publisher_prefixes WHERE owns(prefix, whole, records.identifier)
           ORDER BY length(prefix) DESC LIMIT 1) AS owner
         WHERE left_over.publisher = $1 AND left_over.prefix <> ALL($2) AND NOT left_over.whole AND owner.prefix = left_over.prefix LIMIT 1",
    )
    .bind::<Text, _>(publisher)
    .bind::<Array<Text>, _>(kept)
    .get_result(connection)
    .await
    .optional()?;
    if let Some(Owner { identifier, publisher: prefix }) = published {
        let words = format!("{identifier} was published under {prefix}, which therefore stays");
        return Err(Problem::new(Reason::Conflict, words));
    }
    sql_query("DELETE FROM publisher_prefixes WHERE publisher = $1 AND prefix <> ALL($2) AND NOT whole")
        .bind::<Text, _>(publisher)
        .bind::<Array<Text>, _>(kept)
        .execute(connection)
        .await?;
    Ok(())
}
