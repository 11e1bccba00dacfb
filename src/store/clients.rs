//! Clients: the subjects of trusted issuers that write for a publisher, and those
//! that may not any more.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Nullable, Text, Timestamptz};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};

use super::audit;
use super::change::Author;
use super::read::instant;
use crate::digest::digest;
use crate::error::{Problem, Reason};

/// What a revoked client is told.
pub const REVOKED: &str = "This client was revoked; it writes nothing any more";

/// A client.
#[derive(Debug, QueryableByName)]
pub struct Client {
    /// Its id, made of issuer and subject.
    #[diesel(sql_type = Text)]
    pub id: String,
    /// For whom it writes.
    #[diesel(sql_type = Text)]
    pub publisher: String,
    /// Who vouches for it.
    #[diesel(sql_type = Text)]
    pub issuer: String,
    /// Who it is there.
    #[diesel(sql_type = Text)]
    pub subject: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    /// Since when it is refused.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Client {
    /// What administrators see.
    pub fn view(&self) -> Value {
        json!({
            "id": self.id, "publisher": self.publisher, "issuer": self.issuer, "subject": self.subject,
            "created_at": instant(self.created_at), "revoked_at": self.revoked_at.map(instant)
        })
    }
}

/// The client of a token, if it is registered.
pub async fn of_token(
    connection: &mut AsyncPgConnection,
    issuer: &str,
    subject: &str,
) -> diesel::QueryResult<Option<Client>> {
    sql_query("SELECT * FROM clients WHERE issuer = $1 AND subject = $2")
        .bind::<Text, _>(issuer)
        .bind::<Text, _>(subject)
        .get_result(connection)
        .await
        .optional()
}

/// Refuses an author whose client was revoked since the request began. To be asked under
/// the clock, where nothing comes between any more.
pub async fn still_welcome(connection: &mut AsyncPgConnection, author: &Author) -> Result<(), Problem> {
    match of_token(connection, &author.issuer, &author.subject).await? {
        Some(client) if client.revoked_at.is_some() => Err(Problem::new(Reason::Forbidden, REVOKED)),
        _ => Ok(()),
    }
}

/// The clients of a publisher.
pub async fn list(connection: &mut AsyncPgConnection, publisher: &str) -> diesel::QueryResult<Vec<Client>> {
    sql_query("SELECT * FROM clients WHERE publisher = $1 ORDER BY id")
        .bind::<Text, _>(publisher)
        .load(connection)
        .await
}

/// Registers a client, or takes one back that was revoked. One that writes for
/// another publisher is refused.
pub async fn add(
    connection: &mut AsyncPgConnection,
    author: &Author,
    publisher: &str,
    issuer: &str,
    subject: &str,
) -> Result<Client, Problem> {
    connection
        .transaction(async |connection| {
            let known = of_token(connection, issuer, subject).await?;
            // One that was revoked is free for another.
            let bound = known.filter(|other| other.publisher != publisher && other.revoked_at.is_none());
            if let Some(other) = bound {
                let words = format!("{subject} of {issuer} is a client of {}", other.publisher);
                return Err(Problem::new(Reason::Conflict, words));
            }
            let client: Client = sql_query(
                "INSERT INTO clients (id, publisher, issuer, subject) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (id) DO UPDATE SET revoked_at = NULL, publisher = excluded.publisher RETURNING *",
            )
            .bind::<Text, _>(digest(format!("{issuer}\n{subject}").as_bytes()))
            .bind::<Text, _>(publisher)
            .bind::<Text, _>(issuer)
            .bind::<Text, _>(subject)
            .get_result(connection)
            .await?;
            audit::append(connection, audit::act("client", author, json!({"client": client.view()}))).await?;
            Ok(client)
        })
        .await
}

/// Refuses a client from now on; nothing if the publisher has none with this id.
pub async fn revoke(
    connection: &mut AsyncPgConnection,
    author: &Author,
    publisher: &str,
    id: &str,
) -> Result<Option<Client>, Problem> {
    connection
        .transaction(async |connection| {
            let revoked: Option<Client> = sql_query(
                "UPDATE clients SET revoked_at = coalesce(revoked_at, now())
                 WHERE publisher = $1 AND id = $2 RETURNING *",
            )
            .bind::<Text, _>(publisher)
            .bind::<Text, _>(id)
            .get_result(connection)
            .await
            .optional()?;
            if let Some(client) = &revoked {
                audit::append(connection, audit::act("revocation", author, json!({"client": client.view()}))).await?;
            }
            Ok(revoked)
        })
        .await
}
