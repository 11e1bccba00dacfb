//! The rules that hold between the members of a record. Each finds every fault
//! it can, with the place and the numbers; the database holds the same rules as
//! constraints, so that no other way in can break them.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};
use validator::{ValidationError, ValidationErrors};

use super::{
    Amount, Citation, Exactness, FundingLine, Identifier, Money, OtherIdentifier, PartialDate, Percentage, PlaceShare,
    SectorShare, Tag,
};
use crate::codes;

const GOAL: &str = "Sustainable Development Goal, 1 to 17";
const TARGET: &str = "target of a Sustainable Development Goal, such as 1.1 or 1.a";

/// Collects what is wrong with one record.
#[derive(Default)]
pub struct Rules(ValidationErrors);

impl Rules {
    /// Adds a fault at a JSON Pointer.
    pub fn fault(&mut self, pointer: impl Into<String>, code: &'static str, words: String) -> &mut Self {
        let mut error = ValidationError::new(code).with_message(words.into());
        error.add_param("pointer".into(), &pointer.into());
        self.0.add("__all__", error);
        self
    }

    /// Ends the check.
    pub fn finish(&mut self) -> Result<(), ValidationErrors> {
        let errors = std::mem::take(&mut self.0);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// A period does not run backwards; what reduced precision leaves open is allowed.
    pub fn period(
        &mut self,
        (from, start): (&str, Option<&PartialDate>),
        (to, end): (&str, Option<&PartialDate>),
    ) -> &mut Self {
        if let (Some(start), Some(end)) = (start, end)
            && !start.may_precede(end)
        {
            self.fault(to, "period_backwards", format!("{} {} is before {} {}", &to[1..], end.0, &from[1..], start.0));
        }
        self
    }

    /// Nothing is a part of itself; longer circles are found when it is written.
    pub fn parent(&mut self, identifier: &Identifier, parent: Option<&Identifier>) -> &mut Self {
        if parent == Some(identifier) {
            self.fault("/parent", "circle", format!("{} would be its own ancestor", identifier.0));
        }
        self
    }

    /// A budget is not negative.
    pub fn not_negative(&mut self, pointer: &str, money: Option<&Money>) -> &mut Self {
        if let Some(money) = money
            && money.amount.0.is_sign_negative()
        {
            self.fault(format!("{pointer}/amount"), "negative_amount", format!("{} is below zero", money.amount.0));
        }
        self
    }

    /// The shares of places are whole, and no place is named twice.
    pub fn places(&mut self, places: &[PlaceShare]) -> &mut Self {
        let mut seen = BTreeMap::new();
        for (n, place) in places.iter().enumerate() {
            if let Some(first) = seen.insert(&place.location, n) {
                self.fault(
                    format!("/places/{n}/location"),
                    "duplicate",
                    format!("{} stands at /places/{first} already", place.location.0),
                );
            }
        }
        self.shares("/places", places.iter().map(|place| ("", place.percentage)))
    }

    /// The shares of sectors are whole in each vocabulary, and DAC codes exist.
    pub fn sectors(&mut self, sectors: &[SectorShare]) -> &mut Self {
        for (n, sector) in sectors.iter().enumerate() {
            self.vocabulary(&format!("/sectors/{n}"), &sector.vocabulary, codes::SECTOR_VOCABULARIES);
            let wrong = match sector.vocabulary.as_str() {
                "1" if codes::sector_name(&sector.code).is_none() => "five-digit OECD DAC sector",
                "2" if !codes::is_sector_category(&sector.code) => "three-digit OECD DAC sector",
                "7" if !codes::is_sdg_goal(&sector.code) => GOAL,
                "8" if !codes::is_sdg_target(&sector.code) => TARGET,
                "9" if !codes::is_sdg_indicator(&sector.code) => "indicator of a target, such as 1.1.1",
                _ => continue,
            };
            self.fault(format!("/sectors/{n}/code"), "code_unknown", format!("{:?} is no {wrong}", sector.code));
        }
        self.shares("/sectors", sectors.iter().map(|sector| (sector.vocabulary.as_str(), sector.percentage)))
    }

    /// Tags are of a vocabulary that exists, and goals and targets are those that there are.
    pub fn tags(&mut self, tags: &[Tag]) -> &mut Self {
        for (n, tag) in tags.iter().enumerate() {
            self.vocabulary(&format!("/tags/{n}"), &tag.vocabulary, codes::TAG_VOCABULARIES);
            let wrong = match tag.vocabulary.as_str() {
                "2" if !codes::is_sdg_goal(&tag.code) => GOAL,
                "3" if !codes::is_sdg_target(&tag.code) => TARGET,
                _ => continue,
            };
            self.fault(format!("/tags/{n}/code"), "code_unknown", format!("{:?} is no {wrong}", tag.code));
        }
        self
    }

    fn vocabulary(&mut self, pointer: &str, given: &str, known: &[&str]) {
        if !known.contains(&given) {
            let words = format!("there is no vocabulary {given:?}; there are {}", known.join(", "));
            self.fault(format!("{pointer}/vocabulary"), "code_unknown", words);
        }
    }

    /// Shares: within each group none or all are stated, and then they sum to 100.
    pub fn shares<'a>(
        &mut self,
        pointer: &str,
        shares: impl Iterator<Item = (&'a str, Option<Percentage>)>,
    ) -> &mut Self {
        let mut groups: BTreeMap<&str, Vec<Option<Percentage>>> = BTreeMap::new();
        for (group, share) in shares {
            groups.entry(group).or_default().push(share);
        }
        for (group, shares) in groups {
            let of = if group.is_empty() { String::new() } else { format!(" of {group:?}") };
            let stated: Vec<Decimal> = shares.iter().flatten().map(|share| share.0).collect();
            // What is beyond all bounds is told where it stands.
            let Some(sum) = sum(stated.iter().copied()) else { continue };
            if !stated.is_empty() && stated.len() < shares.len() {
                let words = format!("{} of {} shares{of} are stated: state all or none", stated.len(), shares.len());
                self.fault(pointer, "shares_incomplete", words);
            } else if !stated.is_empty() && sum != Decimal::ONE_HUNDRED {
                self.fault(pointer, "shares_not_whole", format!("the shares{of} sum to {}, not 100", sum.normalize()));
            }
        }
        self
    }

    /// Funding lines: shares are whole and amounts meet the budget, rule by rule;
    /// a share and an amount of one line agree.
    pub fn funding(&mut self, budget: Option<&Money>, lines: &[FundingLine]) -> &mut Self {
        self.shares("/funding", lines.iter().map(|line| (line.rule.as_deref().unwrap_or(""), line.percentage)));
        let mut rules: BTreeMap<&str, Vec<Option<&Money>>> = BTreeMap::new();
        for line in lines {
            rules.entry(line.rule.as_deref().unwrap_or("")).or_default().push(line.amount.as_ref());
        }
        for (n, line) in lines.iter().enumerate() {
            let sum = whole(&rules[line.rule.as_deref().unwrap_or("")]);
            let budget = budget.or(sum.as_ref());
            self.share_agrees(&format!("/funding/{n}"), budget, line.percentage, line.amount.as_ref());
        }
        for amounts in rules.values() {
            self.amounts("/funding", budget, amounts);
        }
        self
    }

    /// Amounts that are parts of a budget: in its currency, together the whole of it
    /// where all are stated, and never more.
    pub fn amounts(&mut self, pointer: &str, budget: Option<&Money>, amounts: &[Option<&Money>]) -> &mut Self {
        for (n, amount) in amounts.iter().enumerate() {
            self.not_negative(&format!("{pointer}/{n}/amount"), *amount);
        }
        let Some(budget) = budget else { return self };
        for (n, amount) in amounts.iter().enumerate() {
            if let Some(amount) = amount
                && amount.currency != budget.currency
            {
                self.fault(
                    format!("{pointer}/{n}/amount/currency"),
                    "currency_differs",
                    format!("{} is not the budget's {}", amount.currency, budget.currency),
                );
            }
        }
        let stated: Vec<&Money> = amounts.iter().copied().flatten().collect();
        if stated.is_empty() || stated.iter().any(|part| part.currency != budget.currency) {
            return self;
        }
        use Exactness::{AtLeast, AtMost, Exact};
        let whole = budget.amount.0;
        // The least that they can come to, and the most, where each has a bound.
        let least = stated.iter().filter(|part| matches!(part.exactness, Exact | AtLeast));
        let least = sum(least.map(|part| part.amount.0));
        let bounded =
            stated.len() == amounts.len() && stated.iter().all(|part| matches!(part.exactness, Exact | AtMost));
        let most = sum(stated.iter().map(|part| part.amount.0));
        let (Some(least), Some(most)) = (least, most) else { return self };
        let too_much = least > whole && matches!(budget.exactness, Exact | AtMost);
        let too_little = bounded && most < whole && matches!(budget.exactness, Exact | AtLeast);
        if too_much || too_little {
            let sum = if too_much { least } else { most };
            let words = format!("the amounts sum to {sum} {0}, the budget is {whole} {0}", budget.currency);
            self.fault(pointer, "amounts_not_whole", words);
        }
        self
    }

    /// A stated share and amount agree: the share is the amount's part of the budget,
    /// rounded to two places; one with a fraction may differ by one in the second, as
    /// rounding so that all sum to 100 makes it. A lowest or highest amount binds from its
    /// side. A budget that is not exact says nothing.
    pub fn share_agrees(
        &mut self,
        pointer: &str,
        budget: Option<&Money>,
        share: Option<Percentage>,
        amount: Option<&Money>,
    ) -> &mut Self {
        if let (Some(budget), Some(share), Some(amount)) = (budget, share, amount)
            && budget.exactness == Exactness::Exact
            && budget.currency == amount.currency
            && !budget.amount.0.is_zero()
        {
            let part = amount.amount.0.checked_div(budget.amount.0);
            let Some(part) = part.and_then(|part| part.checked_mul(Decimal::ONE_HUNDRED)) else { return self };
            let rounded = part.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero) == share.0;
            let off = part.checked_sub(share.0);
            let shared_out = !share.0.fract().is_zero() && off.is_some_and(|off| off.abs() < Decimal::new(1, 2));
            let agrees = match amount.exactness {
                Exactness::Exact => rounded || shared_out,
                Exactness::AtLeast => rounded || shared_out || part < share.0,
                Exactness::AtMost => rounded || shared_out || part > share.0,
                Exactness::Approximate => true,
            };
            if !agrees {
                let words = format!(
                    "{} of {} is {} per cent, not the stated {}",
                    amount.amount.0,
                    budget.amount.0,
                    part.round_dp(4).normalize(),
                    share.0.normalize()
                );
                self.fault(format!("{pointer}/percentage"), "share_disagrees", words);
            }
        }
        self
    }

    /// No identifier elsewhere is named twice.
    pub fn identifiers(&mut self, identifiers: &[OtherIdentifier]) -> &mut Self {
        for (n, one) in identifiers.iter().enumerate() {
            if let Some(first) = identifiers[..n].iter().position(|other| other == one) {
                let words = format!("{} {} stands at /identifiers/{first} already", one.scheme, one.code);
                self.fault(format!("/identifiers/{n}"), "duplicate", words);
            }
        }
        self
    }

    /// Every field that a source vouches for is written as a JSON Pointer.
    pub fn citations(&mut self, citations: &[Citation]) -> &mut Self {
        for (n, citation) in citations.iter().enumerate() {
            for (m, field) in citation.fields.iter().enumerate() {
                if !field.is_empty() && !field.starts_with('/') {
                    self.fault(
                        format!("/sources/{n}/fields/{m}"),
                        "pointer_invalid",
                        format!("{field:?} is no JSON Pointer: write \"/{field}\""),
                    );
                }
            }
        }
        self
    }
}

/// A sum, unless it is larger than any number here: rules are also held against what is beyond its bounds.
pub fn sum(mut parts: impl Iterator<Item = Decimal>) -> Option<Decimal> {
    parts.try_fold(Decimal::ZERO, |sum, part| sum.checked_add(part))
}

/// What amounts sum to, if all are stated exactly and in one currency.
pub fn whole(amounts: &[Option<&Money>]) -> Option<Money> {
    let stated: Option<Vec<&Money>> = amounts.iter().copied().collect();
    let stated = stated?;
    let first = *stated.first()?;
    let alike = stated.iter().all(|part| part.exactness == Exactness::Exact && part.currency == first.currency);
    let sum = sum(stated.iter().map(|part| part.amount.0))?;
    alike.then(|| Money { amount: Amount(sum), ..first.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: Decimal) -> Money {
        Money { amount: Amount(amount), currency: "EUR".into(), ..Money::default() }
    }

    #[test]
    fn what_is_beyond_all_bounds_breaks_no_rule() {
        let (most, least) = (money(Decimal::MAX), money(Decimal::new(1, 4)));
        assert_eq!(whole(&[Some(&least), Some(&least)]).map(|sum| sum.amount.0), Some(Decimal::new(2, 4)));
        assert_eq!(whole(&[Some(&most), Some(&most)]), None);
        let share = |share| Some(Percentage(share));
        let mut rules = Rules::default();
        rules.shares("/sectors", [("", share(Decimal::MAX)), ("", share(Decimal::MAX))].into_iter());
        rules.amounts("/funding", Some(&least), &[Some(&most), Some(&most)]);
        rules.share_agrees("/funding/0", Some(&least), share(Decimal::ONE), Some(&most));
        assert!(rules.finish().is_ok());
        rules.share_agrees("/funding/0", Some(&most), share(Decimal::MIN), Some(&most));
        assert!(rules.finish().is_err());
    }
}
