//! Parts against their whole: what values of an additive indicator must add up to.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::observed::{Above, Cells, Observed, Stated, sum};

/// A whole that was observed, and one way in which its parts were.
pub struct Check<'o> {
    /// The whole.
    pub whole: &'o Observed,
    /// Its value.
    pub value: Decimal,
    /// What its parts are narrower by: `place`, `beneficiary`, or keys of the disaggregation.
    pub by: BTreeSet<String>,
    /// The parts.
    pub parts: Vec<&'o Observed>,
    /// What they add up to.
    pub sum: Decimal,
}

impl Check<'_> {
    /// How much more the parts are than the whole.
    pub fn difference(&self) -> Option<Decimal> {
        self.sum.checked_sub(self.value)
    }
}

/// Every whole with every way in which it is divided.
pub fn checks<'o>(cells: &Cells<'o>, above: &Above) -> Vec<Check<'o>> {
    let mut checks = Vec::new();
    for cell in cells.values() {
        for Stated { slice, same } in &cell.stated {
            let Some(value) = same[0].number() else { continue };
            for (by, parts) in cell.parts(slice, above) {
                // A single part of a place is no division of it.
                let Some(sum) = sum(&parts).filter(|_| parts.len() > 1) else { continue };
                checks.push(Check { whole: same[0], value, by, parts, sum });
            }
        }
    }
    checks
}
