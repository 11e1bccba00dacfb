//! Indicators that feed a wider one: from grant to programme. Values are added up only
//! where they may be, for the same kind and period.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::observed::{Above, Cells, Period, Slice};
use crate::collections::indicators::Indicator;
use crate::collections::observations::ObservationKind;

/// Why an indicator cannot be added to the wider one.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub indicator: String,
    /// Why, as a code.
    pub reason: &'static str,
    /// Why, in words.
    pub detail: String,
}

/// What the indicators that feed one add up to in a period.
pub struct Rolled {
    /// Baseline, target or actual.
    pub kind: ObservationKind,
    /// When.
    pub period: Period,
    /// The sum.
    pub value: Decimal,
    /// What each gave.
    pub of: Vec<(String, Decimal)>,
    /// Indicators of which nothing is known for the period.
    pub missing: Vec<String>,
    /// What the wider indicator itself says.
    pub stated: Option<Decimal>,
}

/// Why values may not be added up; nothing, if they may.
pub fn refusals(wider: &Indicator, feeding: &[&Indicator]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut refuse = |indicator: &Indicator, reason: &'static str, detail: String| {
        refusals.push(Refusal { indicator: indicator.identifier.0.clone(), reason, detail });
    };
    for indicator in std::iter::once(wider).chain(feeding.iter().copied()) {
        if !indicator.additive {
            let words = format!("the values of {} may not be added up", indicator.identifier.0);
            refuse(indicator, "not_additive", words);
        } else if indicator.unit != wider.unit {
            let words = format!("{} has another unit than {}", indicator.identifier.0, wider.identifier.0);
            refuse(indicator, "unit_differs", words);
        }
    }
    refusals
}

/// Adds up what feeds an indicator directly; each of these has its own value, or what feeds it.
pub fn roll_up(wider: &Indicator, all: &[Indicator], cells: &BTreeMap<&str, Cells<'_>>, above: &Above) -> Vec<Rolled> {
    let mut periods: Vec<(ObservationKind, Period)> = Vec::new();
    for cells in cells.iter().filter(|(id, _)| **id != wider.identifier.0).map(|(_, cells)| cells) {
        periods.extend(cells.keys().cloned());
    }
    periods.sort();
    periods.dedup();
    let rolled = periods.into_iter().filter_map(|(kind, period)| {
        let at = (kind, period);
        let (mut of, mut missing) = (Vec::new(), Vec::new());
        for indicator in feeding(wider, all) {
            match value(indicator, all, cells, &at, above, &mut missing) {
                Some(value) => of.push((indicator.identifier.0.clone(), value)),
                None => missing.push(indicator.identifier.0.clone()),
            }
        }
        let value = of.iter().try_fold(Decimal::ZERO, |sum, (_, value)| sum.checked_add(*value))?;
        let stated = own(wider, cells, &at, above);
        (!of.is_empty()).then_some(Rolled { kind: at.0, period: at.1, value, of, missing, stated })
    });
    rolled.collect()
}

fn feeding<'i>(wider: &'i Indicator, all: &'i [Indicator]) -> impl Iterator<Item = &'i Indicator> {
    all.iter().filter(|indicator| indicator.parent.as_ref() == Some(&wider.identifier))
}

/// What an indicator says of everyone and everywhere.
fn own(
    indicator: &Indicator,
    cells: &BTreeMap<&str, Cells<'_>>,
    at: &(ObservationKind, Period),
    above: &Above,
) -> Option<Decimal> {
    let cell = cells.get(indicator.identifier.0.as_str())?.get(at)?;
    cell.value(&Slice::default(), indicator.additive, above).map(|(value, _)| value)
}

/// What an indicator says, or what feeds it adds up to; where something does, whatever else should
/// have fed it is `missing`.
fn value(
    indicator: &Indicator,
    all: &[Indicator],
    cells: &BTreeMap<&str, Cells<'_>>,
    at: &(ObservationKind, Period),
    above: &Above,
    missing: &mut Vec<String>,
) -> Option<Decimal> {
    own(indicator, cells, at, above).or_else(|| {
        let (mut sum, mut unknown) = (None, Vec::new());
        for feeding in feeding(indicator, all) {
            match value(feeding, all, cells, at, above, &mut unknown) {
                Some(value) => sum = Some(sum.unwrap_or(Decimal::ZERO).checked_add(value)?),
                None => unknown.push(feeding.identifier.0.clone()),
            }
        }
        if sum.is_some() {
            missing.append(&mut unknown);
        }
        sum
    })
}
