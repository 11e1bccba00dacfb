//! `GET /v1/totals/{subject}`.

use std::str::FromStr;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use diesel_async::AsyncPgConnection;
use serde_json::Value;
use strum::VariantNames;

use super::answer::Answer;
use super::dimension::Subject;
use super::question::{Question, parameters};
use super::summary::{self, Plan};
use super::tables;
use super::written::Written;
use crate::error::{Fault, Problem, Reason};
use crate::formats::Format;
use crate::hint::nearest;
use crate::http::negotiate;
use crate::http::query::Query;
use crate::page;
use crate::state::State;
use crate::store::past;

/// The formats of totals.
pub const FORMATS: &[Format] = &[Format::Json, Format::Csv, Format::Geojson];

/// The subject that the address names.
pub fn subject(request: &HttpRequest) -> Result<Subject, Problem> {
    let name = request.match_info().get("subject").unwrap_or_default();
    Subject::from_str(name).map_err(|_| {
        let words = format!("There are no totals of {name:.100}{}", nearest(name, Subject::VARIANTS));
        Problem::new(Reason::NotFound, words)
    })
}

/// The question of a request, with its parameters.
pub fn question(
    request: &HttpRequest,
    state: &State,
    parameters: fn(Subject) -> Vec<String>,
) -> Result<(Question, Query), Problem> {
    let subject = subject(request)?;
    let known = parameters(subject);
    let (query, mut wrong) = Query::parse_on(request.query_string(), known.iter().map(String::as_str));
    match Question::read(subject, &query, &state.register) {
        Ok(question) if wrong.is_empty() => Ok((question, query)),
        Ok(_) => Err(Problem::invalid(wrong)),
        Err(faults) => {
            wrong.extend(faults);
            Err(Problem::invalid(wrong))
        }
    }
}

/// Refuses parameters of pages where a format gives everything.
pub fn refuse_pages(format: Format, query: &Query) -> Result<(), Problem> {
    match ["limit", "cursor"].iter().find(|name| format != Format::Json && query.get(name).is_some()) {
        Some(name) => {
            let words = format!("{} gives everything; {name} is for JSON", format.name());
            Err(Problem::invalid(vec![Fault::parameter(name, "not_with_format", words)]))
        }
        None => Ok(()),
    }
}

/// `GET /v1/totals/{subject}`.
pub async fn totals(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let (mut question, query) = question(&request, &state, parameters)?;
    let format = negotiate::one_of(&request, query.get("format"), FORMATS)?;
    refuse_pages(format, &query)?;
    if let Some(name) = ["limit", "cursor"].iter().find(|name| question.wide && query.get(name).is_some()) {
        let words = format!("shape=wide gives every group; {name} is for the long one");
        return Err(Problem::invalid(vec![Fault::parameter(name, "not_with_shape", words)]));
    }
    if format == Format::Geojson
        && (question.wide || !question.dimensions.iter().any(|dimension| dimension.name == "place"))
    {
        let words = "a map shows totals by place: add group_by=place, and leave shape=wide out";
        return Err(Problem::invalid(vec![Fault::parameter("group_by", "not_without_place", words)]));
    }
    if let Some(as_of) = question.as_of {
        as_of.settle(&state.db).await?;
    }
    let (as_of, all) = (question.as_of, format != Format::Json || question.wide);
    // What stands summed up does not wait behind what has much to add up.
    let summed = match Plan::of(&question) {
        Some(plan) => {
            let summed = async |connection: &mut AsyncPgConnection| match summary::is_fresh(connection).await? {
                true => Answer::of(connection, &question, all, Some(plan)).await.map(Some),
                false => Ok(None),
            };
            past::read(&mut *state.db.get().await?, None, summed).await?
        }
        None => None,
    };
    let added = async |connection: &mut AsyncPgConnection| {
        question.ask.resolve(connection).await?;
        Answer::of(connection, &question, all, None).await
    };
    let answer = match summed {
        Some(answer) => answer,
        None => past::tabulate(&mut *state.db.get_for_totals().await?, as_of, added).await?,
    };
    let address = state.address(&request);
    let next = answer.next.as_ref().map(|cursor| page::link(&address, &query, Some(&cursor.encode(&question.seal))));
    let base = state.base(&request);
    let written = Written::new(&answer, &question, &base, &query);
    let body = match format {
        Format::Csv => tables::csv(&written, query.get("bom") == Some("true")),
        Format::Geojson => tables::geojson(&written),
        _ => {
            let mut body = written.json();
            body["links"] =
                serde_json::json!({"self": page::link(&address, &query, query.get("cursor")), "next": next});
            serde_json::to_vec::<Value>(&body).map_err(Problem::internal)?
        }
    };
    Ok(page::respond(format, body, next.as_deref()))
}
