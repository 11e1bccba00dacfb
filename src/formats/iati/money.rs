//! Budgets and flows of an activity.

use std::collections::{BTreeSet, HashMap};

use chrono::{Days, Months, NaiveDate};
use rust_decimal::Decimal;

use super::activity::{inexact, narratives, party};
use super::original::{FLOW, nth};
use super::xml::Element;
use super::{codes, groups, original};
use crate::collections::transactions::{Party, Transaction, TransactionType};
use crate::formats::related;
use crate::record::split::split;
use crate::record::{Exactness, Money, PartialDate};

/// The budget by years, as no period of the standard may be longer: in proportion to their days, to
/// the cent. Without a start and an end nobody can say by which years.
pub fn budgets(budget: Option<&Money>, start: Option<&PartialDate>, end: Option<&PartialDate>) -> Vec<Element> {
    let (Some(budget), Some(start), Some(end)) = (budget, start, end) else { return Vec::new() };
    let (Some((first, _)), Some((_, last))) = (start.days(), end.days()) else { return Vec::new() };
    let years = years(first, last);
    let days: Vec<Decimal> = years.iter().map(|(from, to)| Decimal::from((*to - *from).num_days() + 1)).collect();
    let all: Decimal = days.iter().sum();
    let shares: Vec<Decimal> = days.iter().map(|days| days * Decimal::ONE_HUNDRED / all).collect();
    let parts = split(budget.amount.0, &shares);
    let value_date = budget.value_date.as_ref().unwrap_or(start);
    let one = |((from, to), part): ((NaiveDate, NaiveDate), Decimal)| {
        Element::new("budget").attribute("type", "1").attribute("status", "1").with([
            Element::new("period-start").attribute("iso-date", from),
            Element::new("period-end").attribute("iso-date", to),
            value(part, budget, Some(value_date)),
        ])
    };
    years.into_iter().zip(parts).map(one).collect()
}

/// A budget of which nobody can say by which years: the standard has no room for it, so it stands beside.
pub fn unperiodic(budget: &Money) -> Element {
    value(budget.amount.0, budget, budget.value_date.as_ref()).named("register:budget")
}

/// Whether some flows have no room in the standard: what is promised for a day to come.
pub fn leaves_out(transactions: &[Transaction], today: NaiveDate) -> bool {
    transactions.iter().any(|flow| flow.date.days().is_none_or(|(day, _)| day > today && !is_payment(flow)))
}

fn is_payment(flow: &Transaction) -> bool {
    matches!(flow.transaction_type, TransactionType::Disbursement | TransactionType::Expenditure)
}

/// A period in parts of a year at most.
fn years(first: NaiveDate, last: NaiveDate) -> Vec<(NaiveDate, NaiveDate)> {
    let mut years = Vec::new();
    let mut from = first;
    while from <= last {
        let Some(next) = from.checked_add_months(Months::new(12)) else { break };
        let to = next.checked_sub_days(Days::new(1)).map_or(last, |to| to.min(last));
        years.push((from, to));
        from = next;
    }
    years
}

/// An amount of a budget or flow, which has to have a day.
fn value(amount: Decimal, of: &Money, date: Option<&PartialDate>) -> Element {
    let exactness = match of.exactness {
        Exactness::Exact => None,
        Exactness::Approximate => Some("approximate"),
        Exactness::AtLeast => Some("at_least"),
        Exactness::AtMost => Some("at_most"),
    };
    Element::new("value")
        .attribute("currency", &of.currency)
        .attribute_if("value-date", date.and_then(|date| date.days()).map(|(first, _)| first))
        .attribute("register:value-date", of.value_date.as_ref().map_or("", |date| date.0.as_str()))
        .attribute_if("register:exactness", exactness)
        .text(amount.normalize().to_string())
}

/// The flows, and those that are to come, which the standard has apart: of these only payments. Those that
/// were read from it, and still say the same, are as they were, unless they are to be `without` that: all of them, or those
/// of these numbers.
pub fn flows(
    transactions: &[Transaction],
    parties: &HashMap<String, related::Party>,
    today: NaiveDate,
    without: &BTreeSet<String>,
) -> (Vec<Element>, Vec<Element>) {
    let (mut flows, mut planned) = (Vec::new(), Vec::new());
    for transaction in transactions {
        let Some((day, _)) = transaction.date.days() else { continue };
        let value_date = transaction.value.value_date.as_ref().unwrap_or(&transaction.date);
        if day > today && is_payment(transaction) {
            planned.push(
                Element::new("planned-disbursement")
                    .attribute("type", "1")
                    .attribute("register:identifier", &transaction.identifier.0)
                    .attribute("register:type", type_of(transaction))
                    .attribute_if("register:provider-activity", activity_alone(&transaction.provider))
                    .attribute_if("register:receiver-activity", activity_alone(&transaction.receiver))
                    .with([
                        Element::new("period-start")
                            .attribute("iso-date", day)
                            .attribute_if("register:date", inexact(&transaction.date)),
                        value(transaction.value.amount.0, &transaction.value, Some(value_date)),
                    ])
                    .with(ends(transaction, parties))
                    .with(
                        transaction
                            .description
                            .as_ref()
                            .map(|text| Element::new("register:description").with(narratives(text))),
                    ),
            );
        } else if day <= today {
            // A value of a day to come is not known.
            let is_past = value_date.days().is_some_and(|(first, _)| first <= today);
            let value_date = if is_past { value_date } else { &transaction.date };
            let is_wrong = without.contains(FLOW) || without.contains(&nth(FLOW, flows.len() + 1));
            let original = transaction.original.as_ref().filter(|_| !is_wrong);
            let original = original.and_then(|of| original::read(of, "transaction", Some(&groups::flow(transaction))));
            let original = original.and_then(|elements| elements.into_iter().next());
            let original = original.map(|element| element.attribute("register:original", true));
            flows.push(original.unwrap_or_else(|| flow(transaction, day, value_date, parties)));
        }
    }
    (flows, planned)
}

/// What a flow is, as records say it.
fn type_of(transaction: &Transaction) -> String {
    let value = serde_json::to_value(transaction.transaction_type).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn flow(
    transaction: &Transaction,
    day: NaiveDate,
    value_date: &PartialDate,
    parties: &HashMap<String, related::Party>,
) -> Element {
    let date = Element::new("transaction-date").attribute("iso-date", day);
    let of_type =
        Element::new("transaction-type").attribute("code", codes::transaction_type(transaction.transaction_type));
    let description = transaction.description.as_ref().map(|text| Element::new("description").with(narratives(text)));
    Element::new("transaction")
        .attribute("ref", &transaction.identifier.0)
        .attribute("register:identifier", &transaction.identifier.0)
        .attribute_if("register:parent", transaction.parent.as_ref().map(|parent| &parent.0))
        .attribute_if("register:provider-activity", activity_alone(&transaction.provider))
        .attribute_if("register:receiver-activity", activity_alone(&transaction.receiver))
        .with([
            of_type,
            date.attribute_if("register:date", inexact(&transaction.date)),
            value(transaction.value.amount.0, &transaction.value, Some(value_date)),
        ])
        .with(description)
        .with(ends(transaction, parties))
}

/// The activity of a party of which nothing else is known, for whom the standard has no element.
fn activity_alone(of: &Option<Party>) -> Option<&String> {
    let of = of.as_ref().filter(|of| of.organisation.is_none() && of.beneficiary.is_none())?;
    of.grant.as_ref().or(of.programme.as_ref()).map(|its| &its.0)
}

/// Who pays and who receives.
fn ends(transaction: &Transaction, parties: &HashMap<String, related::Party>) -> Vec<Element> {
    let end = |name: &'static str, activity: &'static str, of: &Option<Party>| {
        let of = of.as_ref()?;
        let who = of.organisation.as_ref().or(of.beneficiary.as_ref())?;
        let its = of.grant.as_ref().or(of.programme.as_ref());
        Some(party(Element::new(name).attribute_if(activity, its.map(|its| &its.0)), &who.0, parties))
    };
    end("provider-org", "provider-activity-id", &transaction.provider)
        .into_iter()
        .chain(end("receiver-org", "receiver-activity-id", &transaction.receiver))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Amount;

    #[test]
    fn a_budget_is_divided_by_years_to_the_cent() {
        let budget = Money { amount: Amount(Decimal::new(1000, 2)), currency: "EUR".into(), ..Money::default() };
        let (start, end) = (PartialDate("2012-02-29".into()), PartialDate("2015".into()));
        let written = budgets(Some(&budget), Some(&start), Some(&end));
        assert_eq!(written.len(), 4);
        let mut out = Vec::new();
        written.iter().for_each(|element| element.write(0, &mut out));
        let out = String::from_utf8(out).unwrap();
        let values = out.lines().filter_map(|line| {
            line.split_once("value-date=\"2012-02-29\" register:value-date=\"\">")?.1.strip_suffix("</value>")
        });
        assert_eq!(values.map(|value| value.parse::<Decimal>().unwrap()).sum::<Decimal>(), Decimal::new(10, 0));
        assert!(out.contains("<period-end iso-date=\"2013-02-27\"/>"), "{out}");
        assert!(budgets(Some(&budget), Some(&start), None).is_empty());
    }
}
