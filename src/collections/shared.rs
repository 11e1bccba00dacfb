//! Conditions and computations that several collections state alike.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use strum::VariantNames;

use crate::kind::{Facet, Filter, Sort, Takes, any_of, codes, date, number, sort};
use crate::record::split::split;

use crate::record::{Amount, Exactness, FundingLine, KindOfMoney, Money, Percentage, Status};

/// Filters by place, on the records' links.
pub const PLACE: Filter = any_of(
    "place",
    "t.identifier IN (SELECT l.record FROM links l WHERE l.role = 'place'
      AND l.target = ANY(ARRAY(SELECT places_within($?))))",
    "In these locations, or anywhere inside them.",
)
.placed();

/// By a code among the identifiers, or the same with its scheme before it: schemes have hyphens of their own.
pub const CODED: &str = "t.codes && ARRAY(
      SELECT regexp_replace(code, '^([^-]*-){' || n || '}', '') FROM unnest($?::text[]) AS code, generate_series(0, 5) AS n)
    AND (t.codes && $?::text[] OR EXISTS (
      SELECT FROM jsonb_array_elements(t.doc -> 'identifiers') AS one
      WHERE concat(one ->> 'scheme', '-', one ->> 'code') = ANY($?::text[])))";

/// Filters by where the places are.
pub const MAP: &[Filter] = &[
    Filter {
        name: "bbox",
        takes: Takes::Box,
        sql: "t.identifier IN (SELECT l.record FROM links l WHERE l.role = 'place' AND l.target = ANY(ARRAY(SELECT places_in_box($?::double precision[]))))",
        about: "In places with their point in this box: west, south, east, north, in degrees.",
        facet: None,
    },
    Filter {
        name: "near",
        takes: Takes::Circle,
        sql: "t.identifier IN (SELECT l.record FROM links l WHERE l.role = 'place' AND l.target = ANY(ARRAY(SELECT places_near($?::double precision[]))))",
        about: "In places with their point so near: latitude, longitude, kilometres.",
        facet: None,
    },
];

/// Filters by organisation, in any role.
pub const ORGANISATION: Filter = any_of(
    "organisation",
    "t.identifier IN (SELECT l.record FROM links l WHERE l.target_collection = 'organisations' AND l.target = ANY($?))",
    "With these organisations, in any role.",
);

/// Filters by beneficiary, in any role.
pub const BENEFICIARY: Filter = any_of(
    "beneficiary",
    "t.identifier IN (SELECT l.record FROM links l WHERE l.target_collection = 'beneficiaries' AND l.target = ANY($?))",
    "With these beneficiaries.",
)
.counted("unnest(ARRAY(SELECT l.target FROM links l WHERE l.record = t.identifier AND l.target_collection = 'beneficiaries'))");

/// Filters by what an organisation does.
pub const ROLES: &[Filter] = &[
    any_of(
        "funder",
        "t.identifier IN (SELECT l.record FROM links l WHERE l.role = 'funding' AND l.target = ANY($?))",
        "Paid for by these organisations.",
    )
    .counted("unnest(ARRAY(SELECT l.target FROM links l WHERE l.record = t.identifier AND l.role = 'funding'))"),
    any_of(
        "implementer",
        "t.identifier IN (SELECT l.record FROM links l WHERE l.role = 'implementing' AND l.target = ANY($?))",
        "Carried out by these organisations.",
    )
    .counted("unnest(ARRAY(SELECT l.target FROM links l WHERE l.record = t.identifier AND l.role = 'implementing'))"),
];

/// Filters by the record's main amount.
pub const AMOUNT: &[Filter] = &[
    number(
        "amount_gte",
        "coalesce(t.amount, '-Infinity') >= $?::numeric",
        "Of this amount or more, each in its own currency.",
    ),
    number(
        "amount_lte",
        "t.amount IS NOT NULL AND coalesce(t.amount, '-Infinity') <= $?::numeric",
        "Of this amount or less, each in its own currency.",
    ),
    Filter {
        name: "original_currency",
        takes: Takes::Currencies,
        sql: "t.currency = ANY($?)",
        about: "With an amount in one of these currencies.",
        facet: Some(Facet::By("t.currency")),
    },
    codes("exactness", "t.exactness = ANY($?)", Exactness::VARIANTS, "With an amount stated this exactly.")
        .counted("t.exactness"),
];

/// Sorts by the record's main amount; a record without one counts as lowest.
pub const AMOUNT_SORT: &[Sort] = &[sort("amount", "coalesce(t.amount, '-Infinity')", "numeric")];

/// Filters by period. A date of reduced precision counts from its first to its last day.
pub const PERIOD: &[Filter] = &[
    date("start_date_gte", "coalesce(t.start_date, '-infinity') >= first_day($?)", "Beginning then or later."),
    date(
        "start_date_lte",
        "t.start_date IS NOT NULL AND coalesce(t.start_date, '-infinity') <= last_day($?)",
        "Beginning then or earlier.",
    ),
    date("end_date_gte", "coalesce(t.end_date, '-infinity') >= first_day($?)", "Ending then or later."),
    date(
        "end_date_lte",
        "t.end_date IS NOT NULL AND coalesce(t.end_date, '-infinity') <= last_day($?)",
        "Ending then or earlier.",
    ),
];

/// Sorts by period; a record without the date counts as earliest.
pub const PERIOD_SORTS: &[Sort] = &[
    sort("start_date", "coalesce(t.start_date, '-infinity')", "date"),
    sort("end_date", "coalesce(t.end_date, '-infinity')", "date"),
];

/// Filters of activities: what they are about and where they stand.
pub const ACTIVITY: &[Filter] = &[
    codes("status", "t.status = ANY($?)", Status::VARIANTS, "In one of these states.").counted("t.status"),
    any_of("sector", "t.sectors && $?", "In one of these sectors, by code.").counted("unnest(t.sectors)"),
    any_of("tag", "t.tags && $?", "With one of these tags, by code.").counted("unnest(t.tags)"),
    PLACE,
    ORGANISATION,
];

/// Sorts by title.
pub const TITLE_SORT: &[Sort] = &[sort("title", "t.title", "text")];

/// Sorts by name.
pub const NAME_SORT: &[Sort] = &[sort("name", "t.name", "text")];

/// Members of a view that these computations add.
pub const FUNDING_TOTALS: &[&str] = &["funding_totals"];

/// What is known of each kind of money: where it has the same share of the budget
/// under every rule, that share and the amount that it comes to. The amounts are
/// rounded to cents by largest remainder, so they never exceed the budget.
pub fn funding_totals(budget: Option<&Money>, lines: &[FundingLine], view: &mut Map<String, Value>) {
    let mut totals = Vec::new();
    if let Some(budget) = budget.filter(|budget| budget.exactness == Exactness::Exact && !budget.amount.0.is_zero()) {
        let kinds: BTreeSet<KindOfMoney> = lines.iter().map(|line| line.kind).collect();
        let mut known: Vec<(KindOfMoney, Decimal)> =
            kinds.into_iter().filter_map(|kind| Some((kind, share(budget, lines, kind)?))).collect();
        known.retain(|(_, share)| !share.is_zero());
        let rest = Decimal::ONE_HUNDRED - known.iter().map(|(_, share)| share).sum::<Decimal>();
        let shares: Vec<Decimal> = known.iter().map(|(_, share)| *share).chain([rest]).collect();
        let amounts = split(budget.amount.0, &shares);
        totals.extend(known.iter().zip(amounts).map(|((kind, share), amount)| {
            let money = Money { amount: Amount(amount), ..budget.clone() };
            json!({"kind": kind, "percentage": Percentage(share.round_dp(2).normalize()), "amount": money})
        }));
    }
    view.insert("funding_totals".into(), Value::Array(totals));
}

/// The share of one kind of money, if it is the same under every rule.
fn share(budget: &Money, lines: &[FundingLine], kind: KindOfMoney) -> Option<Decimal> {
    let rules: BTreeSet<Option<&str>> = lines.iter().map(|line| line.rule.as_deref()).collect();
    let mut of_rules = rules.into_iter().map(|rule| {
        let of_rule: Vec<&FundingLine> = lines.iter().filter(|line| line.rule.as_deref() == rule).collect();
        let shares = line_shares(budget, &of_rule).into_iter();
        shares.filter(|(line, _)| line.kind == kind).map(|(_, share)| share).sum()
    });
    let first: Option<Decimal> = of_rules.next()?;
    of_rules.all(|other| other == first).then_some(first)?
}

/// The shares of the lines of one rule: from the amount where that is exact. What these
/// leave over is divided among the others as their stated shares say.
fn line_shares<'a>(budget: &Money, lines: &[&'a FundingLine]) -> Vec<(&'a FundingLine, Option<Decimal>)> {
    let exact = |line: &FundingLine| {
        let part = line.amount.as_ref().filter(|part| part.exactness == Exactness::Exact)?;
        (part.currency == budget.currency).then(|| part.amount.0 / budget.amount.0 * Decimal::ONE_HUNDRED)
    };
    let stated = |line: &FundingLine| line.percentage.map(|share| share.0);
    let known: Decimal = lines.iter().filter_map(|line| exact(line)).sum();
    let others: Option<Decimal> = lines.iter().filter(|line| exact(line).is_none()).map(|line| stated(line)).sum();
    let rest = Decimal::ONE_HUNDRED - known;
    let of_others = |share: Decimal| match others {
        Some(others) if !others.is_zero() && !known.is_zero() => share / others * rest,
        _ => share,
    };
    lines.iter().map(|line| (*line, exact(line).or_else(|| stated(line).map(of_others)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(budget: Value, lines: Value) -> Value {
        let budget: Money = serde_json::from_value(budget).unwrap();
        let lines: Vec<FundingLine> = serde_json::from_value(lines).unwrap();
        let mut view = Map::new();
        funding_totals(Some(&budget), &lines, &mut view);
        view.remove("funding_totals").unwrap()
    }

    #[test]
    fn a_share_that_holds_under_every_rule_is_a_share_of_the_whole() {
        let totals = totals(
            json!({"amount": 87725681, "currency": "EUR"}),
            json!([
                {"rule": "ro", "kind": "eu", "percentage": 85},
                {"rule": "ro", "kind": "state_budget", "percentage": 13},
                {"rule": "ro", "kind": "own_contribution", "percentage": 2},
                {"rule": "rs", "kind": "eu", "percentage": 85},
                {"rule": "rs", "kind": "own_contribution", "percentage": 15},
            ]),
        );
        assert_eq!(totals.as_array().unwrap().len(), 1, "the other shares depend on the rule: {totals}");
        assert_eq!(totals[0]["amount"]["amount"].to_string(), "74566828.85");
    }

    #[test]
    fn what_exact_amounts_leave_over_is_divided() {
        let totals = totals(
            json!({"amount": 177200, "currency": "EUR"}),
            json!([{"kind": "eu", "percentage": 84.3, "amount": {"amount": 149379, "currency": "EUR"}},
                   {"kind": "own_contribution", "percentage": 15.7}]),
        );
        assert_eq!(totals[1]["amount"]["amount"].to_string(), "27821.00");
    }

    #[test]
    fn amounts_add_up_to_the_budget() {
        let totals = totals(
            json!({"amount": 0.05, "currency": "EUR"}),
            json!([{"kind": "eu", "percentage": 50}, {"kind": "state_budget", "percentage": 50}]),
        );
        assert_eq!(
            (totals[0]["amount"]["amount"].to_string(), totals[1]["amount"]["amount"].to_string()),
            ("0.03".into(), "0.02".into())
        );
    }
}
