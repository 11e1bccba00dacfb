//! Observations side by side: which say the same thing, which one of these is in use,
//! and which are parts of others.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use fixedbitset::FixedBitSet;
use rust_decimal::Decimal;

use crate::collections::observations::{Observation, ObservationKind};
use crate::record::{Exactness, PartialDate};

/// An observation with what the register knows of its sources.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The observation.
    pub record: Observation,
    /// When the last of its sources was published.
    pub published: Option<String>,
}

/// What an observation is about: everyone and everywhere, or a part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slice {
    /// Where.
    pub place: Option<String>,
    /// Of whom.
    pub beneficiary: Option<String>,
    /// Of which people or things.
    pub disaggregation: BTreeMap<String, String>,
}

/// When, as it is stated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    /// The last day, or the date itself.
    pub end: Option<String>,
    /// The first day.
    pub start: Option<String>,
}

impl Period {
    /// The last day that it can mean, as text that sorts; what has no date comes first.
    pub fn last(&self) -> String {
        padded(&self.end)
    }

    /// Its place in the order of time: by its end, then its start, a year after its last day.
    pub fn order(&self) -> (String, String) {
        (padded(&self.end), padded(&self.start))
    }
}

fn padded(date: &Option<String>) -> String {
    let whole = |date: &String| format!("{date}{}", "9999-99-99".get(date.len()..).unwrap_or_default());
    date.as_ref().map(whole).unwrap_or_default()
}

/// For each place the ones that it lies in.
pub type Above = HashMap<String, HashSet<String>>;

impl Observed {
    /// What it is about.
    pub fn slice(&self) -> Slice {
        Slice {
            place: self.record.place.as_ref().map(|place| place.0.clone()),
            beneficiary: self.record.beneficiary.as_ref().map(|beneficiary| beneficiary.0.clone()),
            disaggregation: self.record.disaggregation.clone(),
        }
    }

    /// When it was observed.
    pub fn period(&self) -> Period {
        let text = |date: &Option<PartialDate>| date.as_ref().map(|date| date.0.clone());
        Period { end: text(&self.record.end_date), start: text(&self.record.start_date) }
    }

    /// Its value, if that is a number.
    pub fn number(&self) -> Option<Decimal> {
        self.record.value.map(|value| value.0)
    }
}

impl Slice {
    /// Whether it is a part of another.
    pub fn is_part_of(&self, other: &Self, above: &Above) -> bool {
        let inside = match (&self.place, &other.place) {
            (_, None) => true,
            (Some(own), Some(wider)) => own == wider || above.get(own).is_some_and(|above| above.contains(wider)),
            (None, Some(_)) => false,
        };
        let of_them = other.beneficiary.is_none() || self.beneficiary == other.beneficiary;
        let finer = other.disaggregation.iter().all(|(key, value)| self.disaggregation.get(key) == Some(value));
        inside && of_them && finer && self != other
    }

    /// By what it is narrower than another.
    pub fn narrower_by(&self, other: &Self) -> BTreeSet<String> {
        let mut by: BTreeSet<String> =
            self.disaggregation.keys().filter(|key| !other.disaggregation.contains_key(*key)).cloned().collect();
        if self.place != other.place {
            by.insert("place".into());
        }
        if self.beneficiary != other.beneficiary {
            by.insert("beneficiary".into());
        }
        by
    }
}

/// What is said of one slice: the observation in use first, then the others.
#[derive(Debug)]
pub struct Stated<'o> {
    /// The slice.
    pub slice: Slice,
    /// What is said of it.
    pub same: Vec<&'o Observed>,
}

/// All that is said of one kind (baseline, target, actual) and period.
#[derive(Debug, Default)]
pub struct Cell<'o> {
    /// By slice, in their order.
    pub stated: Vec<Stated<'o>>,
    /// Of which of the others each is a part, as numbers of `stated`.
    wider: Vec<FixedBitSet>,
}

/// The cells of observations, by kind and period.
pub type Cells<'o> = BTreeMap<(ObservationKind, Period), Cell<'o>>;

/// Sorts observations into cells.
pub fn cells<'o>(observed: &'o [Observed], above: &Above) -> Cells<'o> {
    type Slices<'o> = BTreeMap<Slice, Vec<&'o Observed>>;
    let mut cells: BTreeMap<(ObservationKind, Period), Slices<'_>> = BTreeMap::new();
    for one in observed {
        let cell = cells.entry((one.record.kind, one.period())).or_default();
        cell.entry(one.slice()).or_default().push(one);
    }
    cells.into_iter().map(|(at, slices)| (at, Cell::of(slices, above))).collect()
}

impl<'o> Cell<'o> {
    fn of(slices: BTreeMap<Slice, Vec<&'o Observed>>, above: &Above) -> Self {
        let mut stated: Vec<Stated<'o>> = slices.into_iter().map(|(slice, same)| Stated { slice, same }).collect();
        // The exact before the others, then what was published last, then by identifier.
        for Stated { same, .. } in &mut stated {
            same.sort_by_key(|one| {
                let inexact = one.record.exactness != Exactness::Exact;
                (inexact, Reverse(one.published.clone()), one.record.identifier.0.clone())
            });
        }
        let wider = |part: &Stated<'_>| {
            let mut wider = FixedBitSet::with_capacity(stated.len());
            wider.extend((0..stated.len()).filter(|n| part.slice.is_part_of(&stated[*n].slice, above)));
            wider
        };
        let wider = stated.iter().map(wider).collect();
        Self { stated, wider }
    }

    fn position(&self, slice: &Slice) -> Option<usize> {
        self.stated.binary_search_by(|stated| stated.slice.cmp(slice)).ok()
    }

    /// What is said of a slice: the observation in use, and the others.
    pub fn of_slice(&self, slice: &Slice) -> Option<(&'o Observed, &[&'o Observed])> {
        let stated = &self.stated[self.position(slice)?];
        let (first, others) = stated.same.split_first()?;
        Some((first, others))
    }

    /// The nearest parts of a slice, by what they are narrower by: each list is one way to
    /// divide it. Only numbers can be parts.
    pub fn parts(&self, of: &Slice, above: &Above) -> BTreeMap<BTreeSet<String>, Vec<&'o Observed>> {
        let is_part = |n: &usize| match self.position(of) {
            Some(whole) => self.wider[*n].contains(whole),
            None => self.stated[*n].slice.is_part_of(of, above),
        };
        let mut below = FixedBitSet::with_capacity(self.stated.len());
        below.extend((0..self.stated.len()).filter(is_part).filter(|n| self.stated[*n].same[0].number().is_some()));
        let mut parts: BTreeMap<BTreeSet<String>, Vec<&'o Observed>> = BTreeMap::new();
        for n in below.ones().filter(|n| self.wider[*n].is_disjoint(&below)) {
            let Stated { slice, same } = &self.stated[n];
            parts.entry(slice.narrower_by(of)).or_default().push(same[0]);
        }
        parts
    }

    /// The value of a slice: as it is observed, or, where values may be added, as the one way
    /// in which its parts are stated adds up; with the observations that it is made of.
    pub fn value(&self, of: &Slice, additive: bool, above: &Above) -> Option<(Decimal, Vec<&'o Observed>)> {
        if let Some((one, _)) = self.of_slice(of) {
            return Some((one.number()?, vec![one]));
        }
        let mut ways = self.parts(of, above).into_values();
        let parts = ways.next().filter(|parts| additive || parts.len() == 1)?;
        if ways.next().is_some() {
            return None;
        }
        sum(&parts).map(|sum| (sum, parts))
    }
}

/// What values add up to, unless that is more than a number holds.
pub fn sum(parts: &[&Observed]) -> Option<Decimal> {
    parts.iter().try_fold(Decimal::ZERO, |sum, part| sum.checked_add(part.number()?))
}
