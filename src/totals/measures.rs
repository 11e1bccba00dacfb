//! What totals measure.

use rust_decimal::Decimal;
use serde_json::{Number, Value};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// A measure of the parts that fall into a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, VariantNames, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Measure {
    /// Their sum.
    Sum,
    /// How many records they are of.
    Count,
    /// The sum by the number of records.
    Average,
    /// The middle one, or the mean of the two in the middle.
    Median,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// How many organisations and beneficiaries take part.
    Organisations,
}

impl Measure {
    /// Its name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether it is an amount, and no count.
    pub fn is_amount(self) -> bool {
        !matches!(self, Self::Count | Self::Organisations)
    }

    /// Its SQL over the parts of a group; without parts there is nothing to add up.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Sum => "coalesce(sum(part), 0)",
            Self::Count => "count(DISTINCT identifier)::numeric",
            Self::Average => "round(sum(part) / nullif(count(DISTINCT identifier), 0), 2)",
            // The middle of an even number is the mean of the two, no finer than they are.
            Self::Median => {
                "round((percentile_disc(0.5) WITHIN GROUP (ORDER BY part) + percentile_disc(0.5) WITHIN GROUP (ORDER BY part DESC)) / 2,
                   greatest(2, min_scale(percentile_disc(0.5) WITHIN GROUP (ORDER BY part))))"
            }
            Self::Min => "min(part)",
            Self::Max => "max(part)",
            Self::Organisations => {
                "(SELECT count(DISTINCT party) FROM unnest(string_to_array(string_agg(parties, ' '), ' ')) AS party WHERE party <> '')::numeric"
            }
        }
    }
}

/// A number of the database as JSON; an amount of money with cents at least.
pub fn number(text: Option<&String>, money: bool) -> Value {
    let Some(mut number) = text.and_then(|text| text.parse::<Decimal>().ok()).map(|number| number.normalize()) else {
        return Value::Null;
    };
    if money && number.scale() < 2 {
        number.rescale(2);
    }
    Value::Number(Number::from_string_unchecked(number.to_string()))
}
