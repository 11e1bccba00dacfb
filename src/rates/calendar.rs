//! Days on which rates are published.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Basis, ECB, Rate};

/// Decimal places of an average.
const PLACES: u32 = 8;

/// Whether the European Central Bank publishes rates on a day: not on weekends and on the
/// closing days of TARGET (its calendar since 2002, and those of the years before).
pub fn is_published(day: NaiveDate) -> bool {
    let easter = computus::gregorian_naive(day.year()).ok();
    let around_easter = |days: i64| easter.is_some_and(|easter| (day - easter).num_days() == days);
    let closed = match (day.month(), day.day()) {
        (1, 1) | (12, 25) => true,
        (5, 1) | (12, 26) => day.year() >= 2000,
        (12, 31) => matches!(day.year(), 1999 | 2001),
        _ => day.year() >= 2000 && (around_easter(-2) || around_easter(1)),
    };
    !is_weekend(day) && !closed
}

fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// The last day that the rate of a day holds for: to the day before the next that could
/// have one. Of a source whose closing days are not known, only weekends are bridged.
pub fn until(day: NaiveDate, of_ecb: bool) -> NaiveDate {
    let open = |day: NaiveDate| if of_ecb { is_published(day) } else { !is_weekend(day) };
    let mut last = day;
    while let Some(next) = last.checked_add_days(Days::new(1)).filter(|next| !open(*next)) {
        last = next;
    }
    last
}

/// The last day of a month.
pub fn end_of_month(day: NaiveDate) -> NaiveDate {
    let first = day.with_day(1).unwrap_or(day);
    first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(day)
}

/// The last day of a year.
pub fn end_of_year(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year(), 12, 31).unwrap_or(day)
}

/// The averages of the months and years of which every published day is there.
pub fn averages(currency: &str, daily: &BTreeMap<NaiveDate, Decimal>) -> Vec<Rate> {
    let mut averages = Vec::new();
    for (basis, start, end) in [
        (Basis::MonthAverage, first_of_month as fn(NaiveDate) -> NaiveDate, end_of_month as fn(NaiveDate) -> NaiveDate),
        (Basis::YearAverage, first_of_year, end_of_year),
    ] {
        let mut periods: Vec<NaiveDate> = daily.keys().map(|day| start(*day)).collect();
        periods.dedup();
        for first in periods {
            let published: Vec<NaiveDate> =
                first.iter_days().take_while(|day| *day <= end(first)).filter(|day| is_published(*day)).collect();
            let rates: Option<Vec<Decimal>> = published.iter().map(|day| daily.get(day).copied()).collect();
            let Some(rates) = rates.filter(|rates| !rates.is_empty()) else { continue };
            let sum: Decimal = rates.iter().sum();
            let average = sum / Decimal::from(rates.len());
            averages.push(Rate {
                currency: currency.to_owned(),
                basis,
                date: first,
                per_euro: average.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero),
                source: format!("{ECB}, average of {} days", rates.len()),
            });
        }
    }
    averages
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn first_of_year(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year(), 1, 1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_holds_until_the_next_could_be() {
        for (from, of_ecb, to) in [
            ("2024-03-25", true, "2024-03-25"),
            ("2024-03-28", true, "2024-04-01"),
            ("2024-03-28", false, "2024-03-28"),
            ("2024-03-01", false, "2024-03-03"),
            ("2015-12-24", true, "2015-12-27"),
            ("2015-12-31", true, "2016-01-03"),
            ("2024-03-02", false, "2024-03-03"),
        ] {
            assert_eq!(until(day(from), of_ecb), day(to), "{from} {of_ecb}");
        }
    }

    #[test]
    fn only_whole_periods_have_an_average() {
        let mut daily: BTreeMap<NaiveDate, Decimal> = day("2024-02-01")
            .iter_days()
            .take(35)
            .filter(|day| is_published(*day))
            .map(|day| (day, Decimal::from(day.day())))
            .collect();
        let found = averages("USD", &daily);
        assert_eq!(found.len(), 1, "March is not whole, nor the year: {found:?}");
        assert_eq!((found[0].date, found[0].per_euro.to_string()), (day("2024-02-01"), "15.38095238".into()));
        daily.remove(&day("2024-02-05"));
        assert!(averages("USD", &daily).is_empty());
    }
}
