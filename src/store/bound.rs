//! Values that are bound into statements, and the parameters that they are read from.

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_query;
use diesel::sql_types::{Array, Text};
use rust_decimal::Decimal;

use crate::codes::is_currency;
use crate::error::Fault;
use crate::hint::nearest;
use crate::kind::{Filter, Takes};
use crate::record::PartialDate;

/// A value bound into a statement.
#[derive(Debug, Clone)]
pub enum Bound {
    /// One text, cast in the statement.
    Text(String),
    /// Any of these.
    List(Vec<String>),
}

/// A statement with its values.
pub fn bind(sql: String, values: Vec<Bound>) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
    values.into_iter().fold(sql_query(sql).into_boxed(), |query, value| match value {
        Bound::Text(text) => query.bind::<Text, _>(text),
        Bound::List(items) => query.bind::<Array<Text>, _>(items),
    })
}

/// The value of a filter, checked.
pub fn bound(filter: &Filter, value: &str) -> Result<Bound, Fault> {
    let fault = |code: &str, words: String| Err(Fault::parameter(filter.name, code, words));
    let items = || value.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>();
    match filter.takes {
        Takes::AnyOf if items().iter().any(String::is_empty) => {
            fault("list_invalid", format!("{} takes values separated by single commas", filter.name))
        }
        Takes::AnyOf if items().len() > 1000 => {
            fault("list_invalid", format!("{} takes 1000 values at most", filter.name))
        }
        Takes::AnyOf => Ok(Bound::List(items())),
        Takes::Currencies => match items().iter().find(|item| !is_currency(item)) {
            Some(item) => fault("currency_invalid", format!("{item:?} is not an ISO 4217 currency such as EUR or RSD")),
            None => Ok(Bound::List(items())),
        },
        Takes::Codes(codes) => {
            let items = items();
            match items.iter().find(|item| !codes.contains(&item.as_str())) {
                Some(item) => fault("code_unknown", format!("{} has no {item:?}{}", filter.name, nearest(item, codes))),
                None => Ok(Bound::List(items)),
            }
        }
        Takes::Box => match numbers(value).as_deref() {
            Some([west, south, east, north])
                if [west, east].iter().all(|n| (-180.0..=180.0).contains(*n))
                    && [south, north].iter().all(|n| (-90.0..=90.0).contains(*n))
                    && south <= north =>
            {
                Ok(Bound::List(coordinates(value)))
            }
            _ => fault(
                "box_invalid",
                format!("{} takes west,south,east,north in degrees: 18.8,42.2,23.0,46.2", filter.name),
            ),
        },
        Takes::Circle => match numbers(value).as_deref() {
            Some([latitude, longitude, kilometres])
                if (-90.0..=90.0).contains(latitude)
                    && (-180.0..=180.0).contains(longitude)
                    && (0.0..=20_100.0).contains(kilometres) =>
            {
                Ok(Bound::List(coordinates(value)))
            }
            _ => {
                fault("circle_invalid", format!("{} takes latitude,longitude,kilometres: 43.93,21.37,25", filter.name))
            }
        },
        Takes::Date if PartialDate::is_valid(value) => Ok(Bound::Text(value.to_owned())),
        Takes::Date => fault("date_invalid", format!("{} takes a date: 2011, 2011-03 or 2011-03-01", filter.name)),
        Takes::Instant => match instant(value) {
            Some(instant) => Ok(Bound::Text(instant.to_rfc3339_opts(SecondsFormat::Micros, true))),
            None => fault("instant_invalid", format!("{} takes an instant: 2026-01-31T12:00:00Z", filter.name)),
        },
        Takes::Number if value.contains('_') => fault("number_invalid", format!("{} takes a number", filter.name)),
        Takes::Number => match Decimal::from_str_exact(value).or_else(|_| Decimal::from_scientific(value)) {
            Ok(number) => Ok(Bound::Text(number.to_string())),
            Err(_) => fault("number_invalid", format!("{} takes a decimal number: 1000.50", filter.name)),
        },
    }
}

/// The same numbers, as the database reads any of them.
pub fn coordinates(value: &str) -> Vec<String> {
    numbers(value).unwrap_or_default().iter().map(f64::to_string).collect()
}

/// Numbers in a comma list.
fn numbers(value: &str) -> Option<Vec<f64>> {
    let plain = |text: &&str| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    value.split(',').map(|text| Some(text.trim()).filter(plain)?.parse().ok()).collect()
}

/// An instant, or a day's first. A `+` that the query string turned into a space is put back.
pub fn instant(value: &str) -> Option<DateTime<Utc>> {
    let value = value.replace(' ', "+");
    let day =
        || NaiveDate::parse_from_str(&value, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0).map(|midnight| midnight.and_utc());
    let instant = DateTime::parse_from_rfc3339(&value).map(|instant| instant.to_utc()).ok().or_else(day)?;
    // A leap second is the first of the next minute, as the database has it.
    let instant = DateTime::from_timestamp(
        instant.timestamp() + i64::from(instant.timestamp_subsec_nanos() / 1_000_000_000),
        instant.timestamp_subsec_nanos() % 1_000_000_000,
    )?;
    (1..=9999).contains(&instant.year()).then_some(instant)
}
