//! `GET /v1/totals/{subject}/rows`: the very rows that a total adds up, or leaves out.

use std::collections::BTreeMap;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Value, json};

use super::answer::{Named, names, parsed, refuse_many_cells};
use super::boundary::around;
use super::crossing::OF_BOUNDARIES;
use super::deadline::Deadline;
use super::dimension::Subject;
use super::divide::Division;
use super::facts::{REASONS, find};
use super::measures::number;
use super::question::{Question, parameters_of_rows};
use super::routes::{question, refuse_pages};
use super::statement::Statement;
use crate::error::{Fault, Problem};
use crate::formats::Format;
use crate::formats::csv::{cell, row};
use crate::hint::nearest;
use crate::http::query::Query;
use crate::http::{identifier, negotiate};
use crate::kind::PLACE_NOTES;
use crate::page;
use crate::state::State;
use crate::store::cursor::Cursor;
use crate::store::past;

/// Parameters beside those of the total.
const PARAMETERS: [&str; 3] = ["group", "unit", "excluded"];
/// The formats of rows.
pub const FORMATS: &[Format] = &[Format::Json, Format::Csv];
/// Rows of a table at most.
const ROWS: i64 = 100_000;

/// All parameters of the rows of a subject's totals.
pub fn parameters(subject: Subject) -> Vec<String> {
    parameters_of_rows(subject).into_iter().chain(PARAMETERS.map(String::from)).collect()
}

/// What keys are called, by key.
type Names = BTreeMap<String, Named>;

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
    let (mut question, query) = question(&request, &state, parameters)?;
    let format = negotiate::one_of(&request, query.get("format"), FORMATS)?;
    refuse_pages(format, &query)?;
    if let Some(reason) = query.get("excluded").filter(|reason| !REASONS.contains(reason)) {
        let words = format!("nothing is left out for {reason:?}{}", nearest(reason, &REASONS));
        return Err(Problem::invalid(vec![Fault::parameter("excluded", "value_unknown", words)]));
    }
    if query.get("excluded").is_some_and(|reason| OF_BOUNDARIES.contains(&reason)) && question.boundary.is_none() {
        let words = "nothing is left out for that without a boundary";
        return Err(Problem::invalid(vec![Fault::parameter("excluded", "not_without_boundary", words)]));
    }
    if query.get("group").is_some() && question.dimensions.is_empty() {
        let words = "a group has the keys of its dimensions: add group_by";
        return Err(Problem::invalid(vec![Fault::parameter("group", "not_without_group_by", words)]));
    }
    if format != Format::Json {
        question.limit = ROWS;
    }
    if let Some(as_of) = question.as_of {
        as_of.settle(&state.db).await?;
    }
    let as_of = question.as_of;
    let reads = async |connection: &mut AsyncPgConnection| {
        question.ask.resolve(connection).await?;
        let found = read(connection, &question, &query).await?;
        let names = names(connection, &question, found.iter().map(|part| part.keys.as_slice())).await?;
        Ok((found, names, question))
    };
    let (mut found, names, question) = past::tabulate(&mut *state.db.get_for_totals().await?, as_of, reads).await?;
    let more = found.len() as i64 > question.limit;
    found.truncate(question.limit as usize);
    let address = state.address(&request);
    let next = found.last().filter(|_| more).map(|last| {
        let cursor = Cursor { key: last.at.clone(), identifier: String::new() };
        page::link(&address, &query, Some(&cursor.encode(&question.seal)))
    });
    let base = state.base(&request);
    if format == Format::Csv {
        if more {
            let words = format!("these are more than {ROWS} rows; filter them, or follow the pages of JSON");
            return Err(Problem::invalid(vec![Fault::parameter("format", "rows_too_many", words)]));
        }
        let body = table(&found, &names, &question, &base, query.get("bom") == Some("true"));
        return Ok(page::respond(format, body, None));
    }
    let mut body = json!({
        "data": found.iter().map(|part| view(part, &names, &question, &base)).collect::<Vec<_>>(),
        "meta": {"limit": question.limit},
        "links": {"self": page::link(&address, &query, query.get("cursor")), "next": next},
    });
    if let Some(search) = question.ask.search() {
        body["meta"]["search"] = search.readings();
    }
    let body = serde_json::to_vec(&body).map_err(Problem::internal)?;
    Ok(page::respond(Format::Json, body, next.as_deref()))
}

async fn read(connection: &mut AsyncPgConnection, question: &Question, query: &Query) -> Result<Vec<Part>, Problem> {
    let around = around(connection, question).await?;
    let deadline = Deadline::start();
    find(connection, question, around, &deadline).await?;
    let mut conditions = Vec::new();
    let which: Vec<usize> = (0..question.dimensions.len()).collect();
    let (mut statement, from) = match query.get("excluded") {
        Some(reason) => {
            let mut statement = Statement::default();
            conditions.push(format!("reason = {}", statement.text(reason)));
            let from =
                "(SELECT identifier, ARRAY[]::text[] AS keys, amount, currency, NULL::numeric AS part, unit, reason,
               identifier AS at FROM facts) AS rows";
            (statement, from.to_owned())
        }
        None => {
            refuse_many_cells(connection, question, &deadline).await?;
            let keys = which.iter().map(|n| format!("k{n}")).collect::<Vec<_>>().join(", ");
            let from = format!(
                "(SELECT identifier, ARRAY[{keys}]::text[] AS keys, amount, currency, part, unit, NULL::text AS reason,
                   concat_ws(' ', identifier{}{keys}) AS at FROM parts) AS rows",
                if keys.is_empty() { "" } else { ", " }
            );
            (Division(question).parts(&which), from)
        }
    };
    if let Some(unit) = query.get("unit") {
        // What does not count is in no currency but its own.
        let column = if query.get("excluded").is_some() { "currency" } else { "unit" };
        conditions.push(format!("{column} = {}", statement.text(unit)));
    }
    if let Some(group) = query.get("group") {
        conditions.push(format!("array_to_string(keys, ' ') = {}", statement.text(group)));
    }
    if let Some(after) = &question.after {
        conditions.push(format!("at COLLATE \"C\" > {}", statement.text(&after.key)));
    }
    let conditions = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
    let end = format!(
        "SELECT identifier, keys, trim_scale(amount)::text AS amount, currency, trim_scale(part)::text AS part, unit, reason, at
         FROM {from} {conditions} ORDER BY at COLLATE \"C\" LIMIT {}",
        question.limit + 1
    );
    deadline.limit(connection).await?;
    Ok(statement.query(&end).load(connection).await?)
}

/// The rows as CSV.
fn table(found: &[Part], names: &[Names], question: &Question, base: &str, bom: bool) -> Vec<u8> {
    let unit = question.subject.unit();
    let part_unit = format!("part_{unit}");
    let members = ["identifier", "amount", unit, "part", &part_unit, "reason", "url", PLACE_NOTES];
    let mut out = Vec::from(if bom { "\u{feff}" } else { "" });
    let keys = question.dimensions.iter().map(|dimension| dimension.name);
    row(&members.into_iter().chain(keys).map(String::from).collect::<Vec<_>>(), &mut out);
    for part in found {
        let view = view(part, names, question, base);
        let keys = question.dimensions.iter().map(|dimension| &view["keys"][dimension.name]);
        row(&members.iter().map(|name| &view[*name]).chain(keys).map(cell).collect::<Vec<_>>(), &mut out);
    }
    out
}

fn view(part: &Part, names: &[Names], question: &Question, base: &str) -> Value {
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
    let mut notes = Map::new();
    for (key, names) in part.keys.iter().zip(names) {
        let note = names.get(key).and_then(|named| named.note.as_ref());
        notes.extend(note.map(|note| (key.clone(), parsed(Some(note)))));
    }
    let mut view = json!({
        "identifier": part.identifier,
        "url": format!("{base}{}", identifier::path(kind.collection, &part.identifier)),
        "keys": keys,
        "amount": money(&part.amount),
        unit: part.currency,
        "part": money(&part.part),
        (format!("part_{unit}")): part.unit,
        "reason": part.reason,
    });
    if !notes.is_empty() {
        view[PLACE_NOTES] = notes.into();
    }
    view
}
