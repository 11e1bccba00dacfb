//! The register's own rules that advise and do not refuse: docs/RULES.md lists them with what is refused.

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::report::{NAMED, Report};
use crate::error::Fault;
use crate::formats::iati::finding::Severity;

/// The version of the register's own rules.
pub const VERSION: &str = "1.0";

/// A list, the rule of its numbers, and whether a number keeps it.
type Numbers = (&'static str, &'static str, fn(&str) -> bool);

/// Serbian lists whose numbers have a check digit.
const NUMBERS: [Numbers; 2] = [
    ("RS-PIB", "register.tax_number", is_tax_number),
    ("RS-APR", "register.registration_number", is_registration_number),
];

/// Numbers of organisations and beneficiaries that cannot be right.
pub fn numbers(identifier: &str, line: i64, record: &Value) -> Vec<Fault> {
    let identifiers = record["identifiers"].as_array().into_iter().flatten().enumerate();
    identifiers
        .filter_map(|(n, one)| {
            let (scheme, code) = (one["scheme"].as_str()?, one["code"].as_str()?);
            let (_, rule, _) = NUMBERS.iter().find(|(list, _, is_good)| *list == scheme && !is_good(code))?;
            let words = format!("{code:?} is no number of {scheme}: its check digit is wrong, or its length");
            let fault = advice(rule, Severity::Warning, words);
            let pointer = Some(format!("/identifiers/{n}/code"));
            Some(Fault { row: Some(line), identifier: Some(identifier.to_owned()), pointer, ..fault })
        })
        .collect()
}

fn advice(rule: &str, severity: Severity, detail: String) -> Fault {
    let (rule, severity) = (Some(rule.to_owned()), Some(severity));
    Fault { code: "register_rule".into(), rule, severity, detail, ..Fault::default() }
}

/// Nine digits, the last by ISO 7064, MOD 11,10.
fn is_tax_number(text: &str) -> bool {
    let Some(digits) = digits(text, 9) else { return false };
    let product = digits[..8].iter().fold(10, |product, digit| {
        let sum = match (digit + product) % 10 {
            0 => 10,
            sum => sum,
        };
        sum * 2 % 11
    });
    (11 - product) % 10 == digits[8]
}

/// Eight digits, the last by weights and modulo 11.
fn is_registration_number(text: &str) -> bool {
    let Some(digits) = digits(text, 8) else { return false };
    let sum: u32 = digits[..7].iter().zip([2, 7, 6, 5, 4, 3, 2]).map(|(digit, weight)| digit * weight).sum();
    match 11 - sum % 11 {
        11 | 10 => digits[7] == 0,
        check => digits[7] == check,
    }
}

fn digits(text: &str, length: usize) -> Option<Vec<u32>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
    digits.filter(|digits| digits.len() == length)
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    line: i64,
    #[diesel(sql_type = Text)]
    identifier: String,
    #[diesel(sql_type = Text)]
    rule: String,
    #[diesel(sql_type = Text)]
    detail: String,
}

/// What is odd about records of the batch beside others, once they are written.
pub async fn beside_others(connection: &mut AsyncPgConnection, report: &mut Report) -> diesel::QueryResult<()> {
    let found: Vec<Found> =
        sql_query(include_str!("advice.sql")).bind::<BigInt, _>(NAMED as i64).load(connection).await?;
    for Found { line, identifier, rule, detail } in found {
        let severity = if rule == "register.outlier" { Severity::Advisory } else { Severity::Warning };
        let row = Some(line).filter(|line| *line > 0);
        report.warn(Fault { row, identifier: Some(identifier), ..advice(&rule, severity, detail) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_the_registers() {
        // Those of companies that everybody knows: Telekom, the oil company, the power company, the national bank.
        for good in ["100002887", "104052135", "103920327"] {
            assert!(is_tax_number(good), "{good}");
        }
        for good in ["17162543", "20084693", "20053658", "07007965"] {
            assert!(is_registration_number(good), "{good}");
        }
        for wrong in ["100002886", "10000288", "1000028871", "10000288a", ""] {
            assert!(!is_tax_number(wrong), "{wrong}");
        }
        for wrong in ["17162544", "7162543", "171625430", "1716254a", ""] {
            assert!(!is_registration_number(wrong), "{wrong}");
        }
    }
}
