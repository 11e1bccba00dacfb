//! Values against targets over time.

use std::collections::BTreeSet;

use rust_decimal::{Decimal, RoundingStrategy};

use super::observed::{Above, Cell, Cells, Observed, Period, Slice};
use super::roll_up::Rolled;
use crate::collections::indicators::{Direction, Indicator, Measure};
use crate::collections::observations::ObservationKind as Kind;

/// A number with what it is made of: one observation, or the parts that add up to it.
#[derive(Debug, Clone)]
pub struct Figure<'o> {
    /// When.
    pub period: Period,
    /// The number; absent where the value is in words.
    pub value: Option<Decimal>,
    /// The observations that it is made of.
    pub of: Vec<&'o Observed>,
    /// What else is said of the same.
    pub others: Vec<&'o Observed>,
    /// The indicators that it is rolled up from, with what each gave.
    pub fed: Vec<(String, Decimal)>,
    /// Indicators that feed it too and of which nothing is known for the period.
    pub missing: Vec<String>,
}

impl Figure<'_> {
    fn rolled(rolled: &Rolled) -> Self {
        let (period, fed, missing) = (rolled.period.clone(), rolled.of.clone(), rolled.missing.clone());
        Self { period, value: Some(rolled.value), of: Vec::new(), others: Vec::new(), fed, missing }
    }
}

/// One slice over time.
#[derive(Debug)]
pub struct Series<'o> {
    /// What it is about.
    pub slice: Slice,
    /// Where it started from.
    pub baseline: Option<Figure<'o>>,
    /// Where it should get to, the earliest first.
    pub targets: Vec<Figure<'o>>,
    /// What it is, the earliest first.
    pub actual: Vec<Figure<'o>>,
}

/// How much of the way a value has gone, or why nobody can say.
pub type Achieved = Result<Decimal, &'static str>;

/// Figures that one answer has, at most: a whole may be made of the same parts at any number of dates.
const FIGURES: usize = 10_000;

/// The series of an indicator: one for each slice that was observed, and one for the whole
/// where that is known by its parts alone, or by the indicators that feed it. None, if these
/// are too many.
pub fn series<'o>(
    indicator: &Indicator,
    cells: &Cells<'o>,
    above: &Above,
    rolled: &[Rolled],
) -> Option<Vec<Series<'o>>> {
    let mut slices: BTreeSet<Slice> =
        cells.values().flat_map(|cell| cell.stated.iter().map(|stated| stated.slice.clone())).collect();
    // The whole is one of the slices, or the sum of what no other contains.
    let is_divided = |cell: &Cell<'_>| cell.parts(&Slice::default(), above).values().any(|parts| parts.len() > 1);
    if !rolled.is_empty() || cells.values().any(is_divided) {
        slices.insert(Slice::default());
    }
    // What is aimed at is looked for among its parts; of others what is stated is enough.
    let aims: BTreeSet<&Slice> = cells
        .iter()
        .filter(|((kind, _), _)| *kind != Kind::Actual)
        .flat_map(|(_, cell)| cell.stated.iter().map(|stated| &stated.slice))
        .collect();
    let (mut all, mut left) = (Vec::new(), FIGURES);
    for slice in slices {
        let is_whole = slice == Slice::default();
        let mut figures = |kind: Kind| -> Option<Vec<Figure<'o>>> {
            let of_parts = is_whole || (kind == Kind::Actual && aims.contains(&slice));
            let mut figures = Vec::new();
            for ((_, period), cell) in cells.iter().filter(|((of, _), _)| *of == kind) {
                let Some(figure) = figure(indicator, cell, period, &slice, above, of_parts) else { continue };
                left = left.checked_sub(1)?;
                figures.push(figure);
            }
            if is_whole {
                let known: BTreeSet<Period> = figures.iter().map(|figure| figure.period.clone()).collect();
                let rolled = rolled.iter().filter(|rolled| rolled.kind == kind && !known.contains(&rolled.period));
                figures.extend(rolled.map(Figure::rolled));
            }
            figures.sort_by_key(|figure| figure.period.order());
            Some(figures)
        };
        let baseline = figures(Kind::Baseline)?.pop();
        let series = Series { baseline, targets: figures(Kind::Target)?, actual: figures(Kind::Actual)?, slice };
        if series.baseline.is_some() || !series.targets.is_empty() || !series.actual.is_empty() {
            all.push(series);
        }
    }
    Some(all)
}

fn figure<'o>(
    indicator: &Indicator,
    cell: &Cell<'o>,
    period: &Period,
    slice: &Slice,
    above: &Above,
    of_parts: bool,
) -> Option<Figure<'o>> {
    let figure = |value, of, others: &[&'o Observed]| {
        let (period, others) = (period.clone(), others.to_vec());
        Figure { period, value, of, others, fed: Vec::new(), missing: Vec::new() }
    };
    if let Some((one, others)) = cell.of_slice(slice) {
        return Some(figure(one.number(), vec![one], others));
    }
    // Parts make a whole of what was not observed itself; one part alone is not the whole.
    let (value, of) = cell.value(slice, indicator.additive, above).filter(|_| of_parts)?;
    (of.len() > 1).then(|| figure(Some(value), of, &[]))
}

impl<'o> Series<'o> {
    /// The target that a value is held against: the first that ends with it or later, else the last.
    pub fn target(&self, figure: &Figure<'o>) -> Option<&Figure<'o>> {
        let due = |target: &&Figure<'o>| target.period.end.is_none() || target.period.last() >= figure.period.last();
        self.targets.iter().find(due).or(self.targets.last())
    }

    /// How much of the way from the baseline to the target a value has gone, in per cent.
    pub fn achieved(&self, indicator: &Indicator, figure: &Figure<'o>) -> Achieved {
        if !matches!(indicator.measure, Measure::Unit | Measure::Percentage) {
            return Err("not_measured_in_numbers");
        }
        let aim = self.target(figure).ok_or("no_target")?;
        // What is made of different indicators cannot be compared.
        if [Some(figure), Some(aim), self.baseline.as_ref()]
            .into_iter()
            .flatten()
            .any(|figure| !figure.missing.is_empty())
        {
            return Err("roll_up_incomplete");
        }
        let target = aim.value.ok_or("target_not_a_number")?;
        let value = figure.value.ok_or("value_not_a_number")?;
        let baseline = self.baseline.as_ref().and_then(|baseline| baseline.value);
        let from = match (indicator.direction, baseline) {
            (None, _) => return Err("direction_unstated"),
            (Some(Direction::Neutral), _) => return Err("direction_neutral"),
            (Some(Direction::Increase), None) => Decimal::ZERO,
            (Some(Direction::Decrease), None) => return Err("no_baseline"),
            (_, Some(baseline)) => baseline,
        };
        let way = target.checked_sub(from).ok_or("too_large")?;
        if way.is_zero() {
            return Err("target_is_baseline");
        }
        if way.is_sign_negative() != (indicator.direction == Some(Direction::Decrease)) {
            return Err("target_against_direction");
        }
        let gone = value.checked_sub(from).and_then(|gone| gone.checked_mul(Decimal::ONE_HUNDRED));
        let achieved = gone.and_then(|gone| gone.checked_div(way)).ok_or("too_large")?;
        Ok(achieved.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }
}

/// Whether a value is at its target or beyond, in the direction that is better.
pub fn is_met(indicator: &Indicator, value: Option<Decimal>, target: Option<Decimal>) -> Option<bool> {
    match (indicator.direction?, value?, target?) {
        (Direction::Increase, value, target) => Some(value >= target),
        (Direction::Decrease, value, target) => Some(value <= target),
        (Direction::Neutral, ..) => None,
    }
}
