//! Requests that may be repeated: the answer to a POST with an `Idempotency-Key` is
//! kept in the transaction of its effect, and the same request gets it again, to the
//! letter. Twins that come at the same time wait for the first of them.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use diesel::sql_types::{Binary, Integer, Jsonb, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::auth::token::Token;
use crate::db::Database;
use crate::error::{Fault, Problem, Reason};

/// The header.
const HEADER: &str = "idempotency-key";
/// Answers are kept at least this many days.
const DAYS: i32 = 8;

/// What names a request among those of one client.
pub struct Key {
    owner: String,
    key: String,
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Its own headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// As a response.
    pub fn respond(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for (name, value) in self.headers {
            response.insert_header((name, value));
        }
        response.body(self.body)
    }
}

impl Key {
    /// The key of a request, if it has one; it may stand in quotes.
    pub fn of(headers: &HeaderMap, token: &Token) -> Result<Option<Self>, Problem> {
        let mut lines = headers.get_all(HEADER);
        let Some(line) = lines.next() else { return Ok(None) };
        let text = line.to_str().unwrap_or_default().trim();
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        let good = (1..=255).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"');
        if !good || lines.next().is_some() {
            let words = "a key is one text of 1 to 255 printable ASCII characters, such as a UUID";
            return Err(Problem::invalid(vec![Fault::header("Idempotency-Key", "key_invalid", words)]));
        }
        let publisher = token.publisher.as_deref().unwrap_or_default();
        let owner = format!("{}\n{}\n{publisher}", token.issuer, token.subject);
        Ok(Some(Self { owner, key: text.to_owned() }))
    }

    /// Takes the key for a request with this fingerprint, within the transaction of its
    /// effect; gives the answer if there is one already.
    pub async fn take(
        &self,
        connection: &mut AsyncPgConnection,
        fingerprint: &str,
    ) -> Result<Option<HttpResponse>, Problem> {
        let taken = sql_query(
            "INSERT INTO idempotency_keys (owner, key, fingerprint) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind::<Text, _>(&self.owner)
        .bind::<Text, _>(&self.key)
        .bind::<Text, _>(fingerprint)
        .execute(connection)
        .await?;
        if taken == 1 {
            return Ok(None);
        }
        let kept: Kept =
            sql_query("SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE owner = $1 AND key = $2")
                .bind::<Text, _>(&self.owner)
                .bind::<Text, _>(&self.key)
                .get_result(connection)
                .await?;
        if kept.fingerprint != fingerprint {
            let words = format!("the key {} was used for another request", self.key);
            let fault = Fault::header("Idempotency-Key", "key_reused", words.clone());
            return Err(Problem { errors: vec![fault], ..Problem::new(Reason::KeyReused, words) });
        }
        kept.respond().map(Some)
    }

    /// Keeps the answer.
    pub async fn keep(&self, connection: &mut AsyncPgConnection, answer: &Answer) -> Result<(), Problem> {
        let headers: Value =
            answer.headers.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
        sql_query("UPDATE idempotency_keys SET status = $3, headers = $4, body = $5 WHERE owner = $1 AND key = $2")
            .bind::<Text, _>(&self.owner)
            .bind::<Text, _>(&self.key)
            .bind::<Integer, _>(i32::from(answer.status.as_u16()))
            .bind::<Jsonb, _>(headers)
            .bind::<Binary, _>(&answer.body)
            .execute(connection)
            .await?;
        Ok(())
    }
}

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Text)]
    fingerprint: String,
    #[diesel(sql_type = Nullable<Integer>)]
    status: Option<i32>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    headers: Option<Value>,
    #[diesel(sql_type = Nullable<Binary>)]
    body: Option<Vec<u8>>,
}

impl Kept {
    fn respond(self) -> Result<HttpResponse, Problem> {
        let status =
            self.status.and_then(|status| u16::try_from(status).ok()).and_then(|s| StatusCode::from_u16(s).ok());
        let status = status.ok_or_else(|| Problem::internal("a kept answer has no status"))?;
        let mut response = HttpResponse::build(status);
        for (name, value) in self.headers.as_ref().and_then(Value::as_object).into_iter().flatten() {
            response.insert_header((name.as_str(), value.as_str().unwrap_or_default()));
        }
        response.insert_header(("idempotency-replayed", "true"));
        Ok(response.body(self.body.unwrap_or_default()))
    }
}

/// Removes answers that need not be kept any longer.
pub async fn forget(db: &Database) -> Result<(), Problem> {
    sql_query("DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(days => $1)")
        .bind::<Integer, _>(DAYS)
        .execute(&mut *db.get().await?)
        .await?;
    Ok(())
}
