//! Files of rates: the European Central Bank's history (a column for each currency), the
//! International Monetary Fund's yearly averages per dollar, and a table with the columns
//! `currency,basis,date,per_euro,source`.

use std::collections::HashMap;
use std::str::FromStr;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use csv::StringRecord;
use rust_decimal::Decimal;

use super::{Basis, ECB, Rate};

/// Decimal places of a rate that is computed from two others.
const PLACES: u32 = 8;

/// Reads a file; which it is, its header says.
pub fn read(bytes: &[u8]) -> anyhow::Result<Vec<Rate>> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().context("reading the header")?.clone();
    let names: Vec<String> = header.iter().map(str::to_lowercase).collect();
    let column = |name: &str| names.iter().position(|other| other == name);
    let rows = reader
        .records()
        .enumerate()
        .map(|(n, row)| row.with_context(|| format!("row {}", n + 2)).map(|row| (n + 2, row)));
    if let (Some(currency), Some(basis), Some(date), Some(per_euro), Some(source)) =
        (column("currency"), column("basis"), column("date"), column("per_euro"), column("source"))
    {
        return rows
            .map(|row| {
                let (n, row) = row?;
                let cell = |n: usize| row.get(n).unwrap_or_default();
                let basis = Basis::from_str(cell(basis)).ok();
                let basis =
                    basis.with_context(|| format!("row {n}: basis is value_date, month_average or year_average"))?;
                one(cell(currency), basis, cell(date), cell(per_euro), cell(source)).with_context(|| format!("row {n}"))
            })
            .collect();
    }
    if let (Some(date), Some(rate), Some(currency), Some(_)) =
        (column("date"), column("rate"), column("currency"), column("frequency"))
    {
        let rows: Vec<(usize, StringRecord)> = rows.collect::<anyhow::Result<_>>()?;
        return yearly(&rows, date, rate, currency);
    }
    if column("date") == Some(0) && header.iter().skip(1).filter(|name| !name.is_empty()).all(|name| name.len() == 3) {
        let mut rates = Vec::new();
        for row in rows {
            let (n, row) = row?;
            for (at, currency) in header.iter().enumerate().skip(1).filter(|(_, name)| !name.is_empty()) {
                let cell = row.get(at).unwrap_or_default();
                if cell.is_empty() || cell == "N/A" {
                    continue;
                }
                let date = row.get(0).unwrap_or_default();
                rates.push(one(currency, Basis::ValueDate, date, cell, ECB).with_context(|| format!("row {n}"))?);
            }
        }
        return Ok(rates);
    }
    bail!(
        "the header is not that of a file of rates: currency,basis,date,per_euro,source, or Date,USD,JPY,… as the \
         European Central Bank has it, or Date,Rate,Currency,Frequency,… as the International Monetary Fund has it"
    )
}

fn one(currency: &str, basis: Basis, date: &str, per_euro: &str, source: &str) -> anyhow::Result<Rate> {
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) || currency == "EUR" {
        bail!("{currency:?} is no currency to have a rate against the euro");
    }
    if source.is_empty() {
        bail!("a rate has a source");
    }
    let per_euro = Decimal::from_str_exact(per_euro).ok().filter(|rate| *rate > Decimal::ZERO);
    Ok(Rate {
        currency: currency.to_owned(),
        basis,
        date: first_day(date).with_context(|| format!("{date:?} is no date"))?,
        per_euro: per_euro.context("a rate is a number above zero")?,
        source: source.to_owned(),
    })
}

/// A day, or the first of a month or year.
pub fn first_day(text: &str) -> Option<NaiveDate> {
    let whole = format!("{text}{}", "0000-01-01".get(text.len()..)?);
    NaiveDate::from_str(&whole).ok().filter(|_| matches!(text.len(), 4 | 7 | 10))
}

/// Yearly averages per dollar, as such per euro.
fn yearly(rows: &[(usize, StringRecord)], date: usize, rate: usize, currency: usize) -> anyhow::Result<Vec<Rate>> {
    let cell = |row: &StringRecord, n: usize| row.get(n).unwrap_or_default().to_owned();
    let number = |row: &StringRecord| {
        let text = cell(row, rate);
        Decimal::from_str_exact(&text)
            .or_else(|_| Decimal::from_scientific(&text))
            .or_else(|_| Decimal::from_str(&text))
    };
    let mut euros = HashMap::new();
    for (n, row) in rows.iter().filter(|(_, row)| cell(row, currency) == "EUR") {
        let year = cell(row, date).get(..4).unwrap_or_default().to_owned();
        euros.insert(year, number(row).with_context(|| format!("row {n}: a rate is a number"))?);
    }
    let mut rates = Vec::new();
    for (n, row) in rows.iter().filter(|(_, row)| cell(row, currency) != "EUR") {
        let year = cell(row, date).get(..4).unwrap_or_default().to_owned();
        let Some(euro) = euros.get(&year).filter(|euro| !euro.is_zero()) else { continue };
        let per_dollar = number(row).with_context(|| format!("row {n}: a rate is a number"))?;
        let per_euro = (per_dollar / euro).round_dp(PLACES).normalize();
        // Too small for the places of a rate: nothing could be converted by it.
        if per_euro > Decimal::ZERO {
            let source = "International Monetary Fund, yearly averages through the US dollar";
            let rate = one(&cell(row, currency), Basis::YearAverage, &year, &per_euro.to_string(), source);
            rates.push(rate.with_context(|| format!("row {n}"))?);
        }
    }
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_header() {
        let bank = read(b"Date,USD,JPY,\n2026-10-30,1.1172,N/A,\n").unwrap();
        assert_eq!((bank.len(), bank[0].per_euro.to_string(), bank[0].source.as_str()), (1, "1.1172".into(), ECB));
        let fund =
            read(b"Date,Rate,Currency,Frequency,Source\n2020-12-31,0.8,EUR,A,IMF\n2020-12-31,100,RSD,A,IMF\n").unwrap();
        assert_eq!((fund.len(), fund[0].per_euro.to_string(), fund[0].basis), (1, "125".into(), Basis::YearAverage));
        let own = read(b"currency,basis,date,per_euro,source\nRSD,month_average,2020-03,117.5,x\n").unwrap();
        assert_eq!(own[0].date.to_string(), "2020-03-01");
        for bad in [
            "a,b\n1,2\n",
            "currency,basis,date,per_euro,source\nRSD,value_date,2020-13,1,x\n",
            "Date,USD\n2020-01-01,-1\n",
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
