//! `/v1/exchange-rates`: which rates there are, and further ones.

use std::str::FromStr;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use diesel_async::AsyncPgConnection;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Number, Value, json};
use strum::VariantNames;

use super::files::first_day;
use super::{Basis, PARAMETERS, Rate, unknown_basis};
use crate::auth;
use crate::codes::is_currency;
use crate::error::{Fault, Problem};
use crate::formats::Format;
use crate::http::query::Query;
use crate::http::{body, negotiate};
use crate::json;
use crate::page;
use crate::record::PartialDate;
use crate::state::State;
use crate::store::cursor::{Cursor, foreign_cursor};
use crate::store::past::{self, AsOf};
use crate::store::rates::{self, Stored, Wanted};

/// A rate, as an administrator writes it.
#[derive(Deserialize)]
struct Written {
    currency: String,
    #[serde(default)]
    rate_basis: Option<String>,
    date: String,
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    per_euro: Decimal,
    source: String,
}

/// `GET /v1/exchange-rates`.
pub async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let query = Query::parse(request.query_string(), PARAMETERS).map_err(Problem::invalid)?;
    negotiate::json(&request)?;
    let seal = sealed(&state.register, &query);
    let (wanted, limit, as_of) = wanted(&query, &seal).map_err(Problem::invalid)?;
    if let Some(as_of) = as_of {
        as_of.settle(&state.db).await?;
    }
    let reads = async |connection: &mut AsyncPgConnection| Ok(rates::list(connection, &wanted, limit + 1).await?);
    let mut found = past::read(&mut *state.db.get().await?, as_of, reads).await?;
    let more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let address = state.address(&request);
    let next = found.last().filter(|_| more).map(|last| {
        let key = format!("{} {} {}", last.currency, last.basis, last.date);
        page::link(&address, &query, Some(&Cursor { key, identifier: String::new() }.encode(&seal)))
    });
    let body = json!({
        "data": found.iter().map(view).collect::<Vec<_>>(),
        "meta": {"limit": limit},
        "links": {"self": page::link(&address, &query, query.get("cursor")), "next": next},
    });
    let body = body.to_string();
    Ok(page::respond(Format::Json, body.into_bytes(), next.as_deref()))
}

fn view(rate: &Stored) -> Value {
    json!({
        "currency": rate.currency, "rate_basis": rate.basis, "date": rate.date, "until": rate.until,
        "per_euro": Number::from_string_unchecked(rate.per_euro.clone()), "source": rate.source,
    })
}

fn sealed(register: &str, query: &Query) -> String {
    let pairs = query.pairs().filter(|(name, _)| !matches!(*name, "cursor" | "limit"));
    pairs.fold(format!("{register} rates"), |seal, (name, value)| format!("{seal}&{name}={value}"))
}

fn wanted(query: &Query, seal: &str) -> Result<(Wanted, i64, Option<AsOf>), Vec<Fault>> {
    let mut faults = Vec::new();
    let currencies: Option<Vec<String>> =
        query.list("currency").map(|items| items.into_iter().map(String::from).collect());
    for item in currencies.iter().flatten().filter(|item| !is_currency(item)) {
        let words = format!("{item:?} is not an ISO 4217 currency such as RSD");
        faults.push(Fault::parameter("currency", "currency_invalid", words));
    }
    let day = |text: &str| NaiveDate::from_str(text).ok().filter(|_| PartialDate::is_valid(text));
    let date = query.get("date").map(day);
    if matches!(date, Some(None)) {
        faults.push(Fault::parameter("date", "date_invalid", "date takes a day: 2011-03-01"));
    }
    let basis = query.get("rate_basis").map(String::from);
    if let Some(name) = basis.as_deref().filter(|name| !Basis::VARIANTS.contains(name)) {
        faults.push(unknown_basis(name));
    }
    let as_of = AsOf::read(query).map_err(|fault| faults.push(fault)).unwrap_or_default();
    let after = query.get("cursor").map(|text| {
        let key = Cursor::decode(text, seal)?.key;
        let mut parts = key.split(' ');
        Some((parts.next()?.to_owned(), parts.next()?.to_owned(), parts.next()?.parse().ok()?))
    });
    if after == Some(None) {
        faults.push(foreign_cursor());
    }
    let limit = page::limit(query).map_err(|fault| faults.push(fault)).unwrap_or_default();
    let wanted = Wanted { currencies, basis, date: date.flatten(), after: after.flatten() };
    if faults.is_empty() { Ok((wanted, limit, as_of)) } else { Err(faults) }
}

/// `PUT /v1/exchange-rates`: adds these, or puts them in the place of those that there are.
pub async fn put(request: HttpRequest, state: Data<State>, payload: Payload) -> Result<HttpResponse, Problem> {
    let token = state.auth.authenticate(&request).await?;
    auth::administrate(&mut *state.db.get().await?, &token).await?;
    Query::parse(request.query_string(), []).map_err(Problem::invalid)?;
    let body = body::read(&request, payload, "application/json").await?;
    let value = json::parse(&body).map_err(Problem::invalid)?;
    let mut faults = state.shapes.faults("NewExchangeRates", &value);
    let mut read = Vec::new();
    if faults.is_empty() {
        let written: Vec<Written> = serde_json::from_value(value["rates"].clone()).map_err(Problem::internal)?;
        for (n, rate) in written.into_iter().enumerate() {
            match checked(rate) {
                Ok(rate) => read.push(rate),
                Err((member, words)) => {
                    faults.push(Fault::at(format!("/rates/{n}/{member}"), &format!("{member}_invalid"), words));
                }
            }
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let (mut connection, author, number) = (state.db.get_for_write().await?, auth::author(&request), read.len());
    // Like every write, in a task of its own.
    let task = actix_web::rt::spawn(async move { rates::put(&mut connection, &author, &read).await });
    let changed = task.await.map_err(Problem::internal)??;
    Ok(HttpResponse::Ok().json(json!({"read": number, "changed": changed})))
}

fn checked(rate: Written) -> Result<Rate, (&'static str, String)> {
    let basis = rate.rate_basis.as_deref().map_or(Ok(Basis::ValueDate), Basis::from_str);
    let basis = basis.map_err(|_| ("rate_basis", "no such basis".to_owned()))?;
    let length = match basis {
        Basis::ValueDate => 10,
        Basis::MonthAverage => 7,
        Basis::YearAverage => 4,
    };
    let date = first_day(&rate.date).filter(|_| rate.date.len() == length);
    let date = date
        .ok_or_else(|| ("date", format!("{:?} is not a date of {length} characters, as {basis} takes", rate.date)))?;
    if rate.currency == "EUR" {
        return Err(("currency", "the euro has no rate against itself".to_owned()));
    }
    if rate.per_euro <= Decimal::ZERO {
        return Err(("per_euro", "a rate is above zero".to_owned()));
    }
    Ok(Rate { currency: rate.currency, basis, date, per_euro: rate.per_euro, source: rate.source })
}
