//! Exchange rates in the database. A rate that changes keeps the one before it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{Datelike, NaiveDate};
use diesel::sql_types::{Array, BigInt, Date, Integer, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use rust_decimal::Decimal;
use serde_json::json;

use super::change::Author;
use super::{audit, clients, commit};
use crate::error::Problem;
use crate::rates::calendar::averages;
use crate::rates::{Basis, ECB, Rate};

/// A rate as it is stored.
#[derive(Debug, QueryableByName)]
pub struct Stored {
    /// The currency.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// What it is the rate of.
    #[diesel(sql_type = Text)]
    pub basis: String,
    /// The day, or the first of the period.
    #[diesel(sql_type = Date)]
    pub date: NaiveDate,
    /// The last day that it holds for.
    #[diesel(sql_type = Date)]
    pub until: NaiveDate,
    /// Units for one euro, as a decimal.
    #[diesel(sql_type = Text)]
    pub per_euro: String,
    /// Who says so.
    #[diesel(sql_type = Text)]
    pub source: String,
}

#[derive(QueryableByName)]
struct Daily {
    #[diesel(sql_type = Date)]
    date: NaiveDate,
    #[diesel(sql_type = Text)]
    per_euro: String,
}

/// Keeps rates, and the averages that follow from them; says how many are new or changed.
pub async fn put(connection: &mut AsyncPgConnection, author: &Author, rates: &[Rate]) -> Result<usize, Problem> {
    connection
        .transaction(async |connection| {
            let clock = commit::lock(connection).await?;
            clients::still_welcome(connection, author).await?;
            let (daily_rates, mut others): (Vec<Rate>, Vec<Rate>) =
                rates.iter().cloned().partition(|rate| rate.basis == Basis::ValueDate);
            let mut changed = write(connection, &clock, &daily_rates).await?;
            let mut touched: BTreeMap<&str, BTreeSet<i32>> = BTreeMap::new();
            // Averages that somebody states stand only where the Bank's rates give none.
            for rate in rates.iter().filter(|rate| rate.source == ECB || rate.basis != Basis::ValueDate) {
                touched.entry(&rate.currency).or_default().insert(rate.date.year());
            }
            for (currency, years) in touched {
                let daily = daily(connection, currency, &years).await?;
                // Of two averages of one period in one batch, the one that can be computed again counts.
                let computed = averages(currency, &daily);
                let period = |rate: &Rate| (rate.basis, rate.date);
                let known: HashSet<_> = computed.iter().map(period).collect();
                others.retain(|other| other.currency != currency || !known.contains(&period(other)));
                others.extend(computed);
            }
            changed += write(connection, &clock, &others).await?;
            if changed > 0 {
                sql_query("UPDATE commit_clock SET at = $1")
                    .bind::<Timestamptz, _>(clock.at)
                    .execute(connection)
                    .await?;
                let currencies: BTreeSet<&str> = rates.iter().map(|rate| rate.currency.as_str()).collect();
                let details = json!({"currencies": currencies, "rates": changed});
                audit::append(connection, audit::act("exchange_rates", author, details)).await?;
            }
            Ok(changed)
        })
        .await
}

async fn write(
    connection: &mut AsyncPgConnection,
    clock: &commit::Clock,
    rates: &[Rate],
) -> diesel::QueryResult<usize> {
    sql_query(include_str!("rates/put.sql"))
        .bind::<Array<Text>, _>(rates.iter().map(|rate| rate.currency.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rates.iter().map(|rate| rate.basis.to_string()).collect::<Vec<_>>())
        .bind::<Array<Date>, _>(rates.iter().map(|rate| rate.date).collect::<Vec<_>>())
        .bind::<Array<Date>, _>(rates.iter().map(Rate::until).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rates.iter().map(|rate| rate.per_euro.to_string()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rates.iter().map(|rate| rate.source.as_str()).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(clock.at)
        .execute(connection)
        .await
}

/// The daily rates of a currency by the European Central Bank, of some years.
async fn daily(
    connection: &mut AsyncPgConnection,
    currency: &str,
    years: &BTreeSet<i32>,
) -> Result<BTreeMap<NaiveDate, Decimal>, Problem> {
    let found: Vec<Daily> = sql_query(
        "SELECT date, per_euro::text AS per_euro FROM rates
         WHERE currency = $1 AND basis = 'value_date' AND source = $2 AND extract(year FROM date)::integer = ANY($3)",
    )
    .bind::<Text, _>(currency)
    .bind::<Text, _>(ECB)
    .bind::<Array<Integer>, _>(years.iter().copied().collect::<Vec<_>>())
    .load(connection)
    .await?;
    found
        .into_iter()
        .map(|daily| Ok((daily.date, daily.per_euro.parse::<Decimal>().map_err(Problem::internal)?.normalize())))
        .collect()
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// How many rates were ever recorded: the state of all of them in one number.
pub async fn number(connection: &mut AsyncPgConnection) -> diesel::QueryResult<i64> {
    let sql = "SELECT count(*) AS number FROM exchange_rates";
    Ok(sql_query(sql).get_result::<Number>(connection).await?.number)
}

/// What to look for among the rates.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Of these currencies.
    pub currencies: Option<Vec<String>>,
    /// Of this kind.
    pub basis: Option<String>,
    /// Holding on this day.
    pub date: Option<NaiveDate>,
    /// After this one in the order of the list.
    pub after: Option<(String, String, NaiveDate)>,
}

/// Rates in force, by currency, basis and date; at most so many.
pub async fn list(connection: &mut AsyncPgConnection, wanted: &Wanted, limit: i64) -> diesel::QueryResult<Vec<Stored>> {
    let after = wanted.after.as_ref();
    sql_query(
        "SELECT currency, basis, date, until, trim_scale(per_euro)::text AS per_euro, source FROM rates
         WHERE ($1 IS NULL OR currency = ANY($1)) AND ($2 IS NULL OR basis = $2)
           AND ($3 IS NULL OR $3 BETWEEN date AND until)
           AND ($4 IS NULL OR (currency, basis, date) > ($4, $5, $6))
         ORDER BY currency, basis, date LIMIT $7",
    )
    .bind::<Nullable<Array<Text>>, _>(&wanted.currencies)
    .bind::<Nullable<Text>, _>(&wanted.basis)
    .bind::<Nullable<Date>, _>(wanted.date)
    .bind::<Nullable<Text>, _>(after.map(|after| after.0.as_str()))
    .bind::<Nullable<Text>, _>(after.map(|after| after.1.as_str()))
    .bind::<Nullable<Date>, _>(after.map(|after| after.2))
    .bind::<BigInt, _>(limit)
    .load(connection)
    .await
}
