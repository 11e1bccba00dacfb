//! `GET /v1/totals/{subject}/rows`: the very rows that a total adds up, or leaves out.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Value, json};

use super::boundary::around;
use super::facts::Facts;
use super::measures::number;
use super::question::Question;
use super::routes::question;
use crate::error::Problem;
use crate::formats::Format;
use crate::http::query::Query;
use crate::http::{identifier, negotiate};
use crate::page;
use crate::state::State;
use crate::store::ask::bind;
use crate::store::cursor::Cursor;
use crate::store::past;

/// Parameters beside those of the total.
pub const PARAMETERS: [&str; 3] = ["group", "unit", "excluded"];

#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Array<Text>)]
    keys: Vec<String>,
    #[diesel(sql_type = Nullable<Text>)]
    amount: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    currency: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    part: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    unit: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Text)]
    at: String,
}

/// `GET /v1/totals/{subject}/rows`.
pub async fn rows(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let (mut question, query) = question(&request, &state, &PARAMETERS)?;
    negotiate::json(&request)?;
    if let Some(as_of) = question.as_of {
        as_of.settle(&state.db).await?;
    }
    let as_of = question.as_of;
    let reads = async |connection: &mut AsyncPgConnection| {
        question.ask.resolve(connection).await?;
        let found = read(connection, &question, &query).await?;
        Ok((found, question))
    };
    let (mut found, question) = past::read(&mut *state.db.get_for_totals().await?, as_of, reads).await?;
    let more = found.len() as i64 > question.limit;
    found.truncate(question.limit as usize);
    let address = state.address(&request);
    let next = found.last().filter(|_| more).map(|last| {
        let cursor = Cursor { key: last.at.clone(), identifier: String::new() };
        page::link(&address, &query, Some(&cursor.encode(&question.seal)))
    });
    let base = state.base(&request);
    let body = json!({
        "data": found.iter().map(|part| view(part, &question, &base)).collect::<Vec<_>>(),
        "meta": {"limit": question.limit},
        "links": {"self": page::link(&address, &query, query.get("cursor")), "next": next},
    });
    let body = serde_json::to_vec(&body).map_err(Problem::internal)?;
    Ok(page::respond(Format::Json, body, next.as_deref()))
}

async fn read(connection: &mut AsyncPgConnection, question: &Question, query: &Query) -> Result<Vec<Part>, Problem> {
    let around = around(connection, question).await?;
    let mut facts = Facts::of(question, &question.dimensions, around);
    let mut conditions = Vec::new();
    let keys: Vec<String> = (0..question.dimensions.len()).map(|n| format!("k{n}")).collect();
    let keys = keys.join(", ");
    let from = match query.get("excluded") {
        Some(reason) => {
            conditions.push(format!("reason = {}", facts.bind_text(reason)));
            "(SELECT identifier, ARRAY[]::text[] AS keys, amount, currency, NULL::numeric AS part, unit, reason,
               identifier AS at FROM facts) AS rows"
                .to_owned()
        }
        None => {
            facts.divide();
            format!(
                "(SELECT identifier, ARRAY[{keys}]::text[] AS keys, amount, currency, part, unit, NULL::text AS reason,
                   concat_ws(' ', identifier{}{keys}) AS at FROM parts) AS rows",
                if keys.is_empty() { "" } else { ", " }
            )
        }
    };
    if let Some(unit) = query.get("unit") {
        conditions.push(format!("unit = {}", facts.bind_text(unit)));
    }
    if let Some(group) = query.get("group") {
        conditions.push(format!("array_to_string(keys, ' ') = {}", facts.bind_text(group)));
    }
    if let Some(after) = &question.after {
        conditions.push(format!("at COLLATE \"C\" > {}", facts.bind_text(&after.key)));
    }
    let conditions = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let end = format!(
        "SELECT identifier, keys, trim_scale(amount)::text AS amount, currency, trim_scale(part)::text AS part, unit, reason, at
         FROM {from} {conditions} ORDER BY at COLLATE \"C\" LIMIT {}",
        question.limit + 1
    );
    let (sql, values) = facts.statement(&end);
    Ok(bind(sql, values).load(connection).await?)
}

fn view(part: &Part, question: &Question, base: &str) -> Value {
    let (kind, unit) = (question.subject.kind(), question.subject.unit());
    let money = |text: &Option<String>| number(text.as_ref(), kind.money.is_some());
    let keys: Map<String, Value> = question
        .dimensions
        .iter()
        .zip(&part.keys)
        .map(|(dimension, key)| {
            (dimension.name.to_owned(), if key.starts_with(',') { Value::Null } else { json!(key) })
        })
        .collect();
    json!({
        "identifier": part.identifier,
        "url": format!("{base}{}", identifier::path(kind.collection, &part.identifier)),
        "keys": keys,
        "amount": money(&part.amount),
        unit: part.currency,
        "part": money(&part.part),
        (format!("part_{unit}")): part.unit,
        "reason": part.reason,
    })
}
