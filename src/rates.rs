//! Exchange rates: where they come from ([`files`], `PUT /v1/exchange-rates` in
//! [`routes`]), on which days they hold ([`calendar`]), and converting by them
//! ([`convert`]).
//!
//! Every rate is against the euro, of one day or the average of a month or year, with
//! its source. A weekend has the rate of the day before it, and so have the days on which
//! the European Central Bank publishes none; nothing else is guessed. Two other currencies
//! are converted through the euro.

pub mod calendar;
pub mod convert;
pub mod files;
pub mod routes;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use strum::{Display, EnumString, VariantNames};

use crate::error::Fault;
use crate::hint::nearest;

/// Parameters of the list of rates.
pub const PARAMETERS: [&str; 6] = ["currency", "date", "rate_basis", "as_of", "limit", "cursor"];

/// The source of the euro's reference rates.
pub const ECB: &str = "European Central Bank";

/// Which rate an amount is converted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, VariantNames, EnumString, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Basis {
    /// That of its value date.
    #[default]
    ValueDate,
    /// The average of that date's month.
    MonthAverage,
    /// The average of that date's year.
    YearAverage,
}

/// A rate against the euro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The currency.
    pub currency: String,
    /// Of a day, a month or a year.
    pub basis: Basis,
    /// The day, or the first of the period.
    pub date: NaiveDate,
    /// So many units for one euro.
    pub per_euro: Decimal,
    /// Who says so.
    pub source: String,
}

impl Rate {
    /// The last day that it holds for.
    pub fn until(&self) -> NaiveDate {
        match self.basis {
            Basis::ValueDate => calendar::until(self.date, self.source == ECB),
            Basis::MonthAverage => calendar::end_of_month(self.date),
            Basis::YearAverage => calendar::end_of_year(self.date),
        }
    }
}

/// A basis that there is not.
pub fn unknown_basis(name: &str) -> Fault {
    let words = format!("there is no basis {name:?}{}", nearest(name, Basis::VARIANTS));
    Fault::parameter("rate_basis", "value_unknown", words)
}
