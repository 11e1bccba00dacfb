//! Asking for amounts in one currency.

use std::str::FromStr;

use super::{Basis, unknown_basis};
use crate::codes::is_currency;
use crate::error::Fault;
use crate::http::query::Query;
use crate::kind::Kind;

/// The parameters.
pub const PARAMETERS: [&str; 2] = ["currency", "rate_basis"];

/// Into which currency, and by which rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// The currency.
    pub currency: String,
    /// The rates.
    pub basis: Basis,
}

impl Conversion {
    /// What the parameters ask for, if they do.
    pub fn read(query: &Query) -> Result<Option<Self>, Vec<Fault>> {
        let mut faults = Vec::new();
        let currency = query.get("currency");
        if let Some(code) = currency.filter(|code| !is_currency(code)) {
            let words = format!(
                "{code:?} is not one ISO 4217 currency such as EUR; to filter by currency use original_currency"
            );
            faults.push(Fault::parameter("currency", "currency_invalid", words));
        }
        let basis = query.get("rate_basis").map(|name| Basis::from_str(name).map_err(|_| unknown_basis(name)));
        if basis.is_some() && currency.is_none() {
            let words = "rate_basis says how to convert: say into what, with currency=EUR";
            faults.push(Fault::parameter("rate_basis", "not_without_currency", words));
        }
        let basis = match basis {
            Some(Err(fault)) => {
                faults.push(fault);
                Basis::default()
            }
            Some(Ok(basis)) => basis,
            None => Basis::default(),
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(currency.map(|currency| Self { currency: currency.to_owned(), basis }))
    }

    /// The SQL of a record's converted main amount, as JSON, over `t`. The values are a
    /// checked code and a name of ours.
    pub fn sql(&self, kind: &Kind) -> Option<String> {
        let money = kind.money?;
        Some(format!("converted(t.amount, t.currency, '{}', '{}', {})::text", self.currency, self.basis, money.dated))
    }
}
