//! Dividing an amount so that the parts add up to the whole.

use std::cmp::Reverse;

use rust_decimal::{Decimal, RoundingStrategy};

/// Divides an amount by shares in per cent that sum to 100, in cents, by largest
/// remainder: each part is rounded down, and the cents left over go to the parts
/// that lost most, the earlier first. Amounts finer than cents keep their places.
pub fn split(amount: Decimal, shares: &[Decimal]) -> Vec<Decimal> {
    let places = amount.normalize().scale().max(2);
    let unit = Decimal::new(1, places);
    let exact: Vec<Decimal> = shares.iter().map(|share| amount * *share / Decimal::ONE_HUNDRED).collect();
    let mut parts: Vec<Decimal> =
        exact.iter().map(|part| part.round_dp_with_strategy(places, RoundingStrategy::ToNegativeInfinity)).collect();
    let mut order: Vec<usize> = (0..parts.len()).filter(|n| !shares[*n].is_zero()).collect();
    order.sort_by_key(|n| Reverse(exact[*n] - parts[*n]));
    let mut left = amount - parts.iter().sum::<Decimal>();
    for n in order {
        if left < unit {
            break;
        }
        parts[n] += unit;
        left -= unit;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_add_up(cents in -1_000_000_000_000i64..1_000_000_000_000, cuts in prop::collection::vec(0u32..=1_000_000, 0..12)) {
            let mut cuts = cuts;
            cuts.extend([0, 1_000_000]);
            cuts.sort();
            let shares: Vec<Decimal> = cuts.windows(2).map(|pair| Decimal::new(i64::from(pair[1] - pair[0]), 4)).collect();
            let amount = Decimal::new(cents, 2);
            let parts = split(amount, &shares);
            prop_assert_eq!(parts.iter().sum::<Decimal>(), amount);
            for (part, share) in parts.iter().zip(&shares) {
                let exact = amount * share / Decimal::ONE_HUNDRED;
                prop_assert!((part - exact).abs() < Decimal::new(1, 2), "{} is a cent or more from {}", part, exact);
            }
        }
    }
}
