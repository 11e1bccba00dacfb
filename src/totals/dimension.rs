//! What totals can be grouped by.

use crate::collections::{beneficiaries, calls, grants, indicators, locations, organisations, programmes};
use crate::kind::Kind;
use crate::store::grain::{PLACES, SECTORS};

/// How a fact is divided by a dimension.
#[derive(Clone, Copy)]
pub enum By {
    /// It has one key: this expression over the fact `f`.
    Key(&'static str),
    /// It has parts: a list over the fact `f`, and the member that names the key of an item.
    Parts(&'static str, &'static str),
}

impl By {
    /// Over the fact `f`: its key, or its parts in the form of the database's function `parts`.
    pub fn sql(self) -> String {
        match self {
            Self::Key(sql) => sql.to_owned(),
            Self::Parts(items, key) => format!("parts({items}, '{key}')"),
        }
    }
}

/// A dimension of a subject.
pub struct Dimension {
    /// Its name in `group_by`.
    pub name: &'static str,
    /// What it is, for the documentation.
    pub about: &'static str,
    /// How it divides.
    pub by: By,
    /// What becomes of a key then: an expression over `key`.
    pub mapped: Option<&'static str>,
    /// The collection in which its keys have names.
    pub named: Option<&'static Kind>,
    /// The filter of the list that counts, in totals, only what falls on its values.
    pub narrows: bool,
}

const fn key(name: &'static str, about: &'static str, sql: &'static str) -> Dimension {
    Dimension { name, about, by: By::Key(sql), mapped: None, named: None, narrows: false }
}

const fn parts(name: &'static str, about: &'static str, (items, key): (&'static str, &'static str)) -> Dimension {
    Dimension { name, about, by: By::Parts(items, key), mapped: None, named: None, narrows: false }
}

impl Dimension {
    const fn of(self, kind: &'static Kind) -> Self {
        Self { named: Some(kind), ..self }
    }

    const fn narrowing(self) -> Self {
        Self { narrows: true, ..self }
    }

    const fn mapped(self, sql: &'static str) -> Self {
        Self { mapped: Some(sql), ..self }
    }
}

const YEAR: &str = "left(f.day, 4)";
const QUARTER: &str =
    "CASE WHEN length(f.day) >= 7 THEN left(f.day, 4) || '-Q' || (substr(f.day, 6, 2)::integer + 2) / 3 END";
const MONTH: &str = "CASE WHEN length(f.day) >= 7 THEN left(f.day, 7) END";
const GOALS: (&str, &str) = (r#"jsonb_path_query_array(f.activity, '$.tags[*] ? (@.vocabulary == "2")')"#, "code");
const IMPLEMENTERS: (&str, &str) =
    (r#"jsonb_path_query_array(f.activity, '$.organisations[*] ? (@.role == "implementing")')"#, "organisation");
const KIND: &str = "(SELECT b.kind FROM beneficiaries b WHERE b.identifier = key)";

/// Dimensions that all subjects have.
const COMMON: &[Dimension] = &[
    key("programme", "The programme of the flow or grant.", "f.programme").of(&programmes::KIND),
    key("call", "The call that the grant was awarded under.", "f.call").of(&calls::KIND),
    key("grant", "The grant.", "f.grant_id").of(&grants::KIND),
    key("publisher", "Who published the record.", "f.publisher"),
    parts("implementer", "Who carries the activity out.", IMPLEMENTERS).of(&organisations::KIND),
    parts("place", "Where the activity works; see `place_level`.", PLACES).of(&locations::KIND).narrowing(),
    parts("sector", "The five-digit OECD DAC sector of the activity.", SECTORS).narrowing(),
    parts("sector_category", "The three-digit OECD DAC sector of the activity.", SECTORS).mapped("left(key, 3)"),
    parts("sdg", "The Sustainable Development Goal of the activity.", GOALS),
    key("status", "Where the activity stands.", "f.status"),
    key("year", "The year of the flow, or in which the grant begins.", YEAR),
    key("quarter", "The quarter of that date, if it is as exact.", QUARTER),
    key("month", "The month of that date, if it is as exact.", MONTH),
];

/// Those of transactions.
const OF_TRANSACTIONS: &[Dimension] = &[
    key("type", "The type of the transaction.", "f.type"),
    key("funder", "The organisation that pays.", "f.provider").of(&organisations::KIND),
    key("beneficiary", "The beneficiary that receives.", "f.beneficiary").of(&beneficiaries::KIND),
    key("beneficiary_kind", "What kind of beneficiary receives.", "f.beneficiary").mapped(KIND),
    key("kind_of_money", "What kind of money it is.", "f.kind_of_money"),
];

/// Those of grants.
const OF_GRANTS: &[Dimension] = &[
    parts("funder", "Who pays, by the funding lines.", (FUNDING, "organisation")).of(&organisations::KIND).narrowing(),
    parts("beneficiary", "Who receives, by the parts of the recipients.", RECIPIENTS)
        .of(&beneficiaries::KIND)
        .narrowing(),
    parts("beneficiary_kind", "What kind of beneficiary receives.", RECIPIENTS).mapped(KIND),
    parts("kind_of_money", "What kind of money it is, by the funding lines.", (FUNDING, "kind")),
];

/// Those of the values of indicators, which have no shares: each has one key.
const OF_INDICATORS: &[Dimension] = &[
    key("indicator", "The indicator.", "f.indicator").of(&indicators::KIND),
    key("kind", "Baseline, target or actual.", "f.kind"),
    key("programme", "The programme of the indicator or of its grant.", "f.programme").of(&programmes::KIND),
    key("call", "The call that its grant was awarded under.", "f.call").of(&calls::KIND),
    key("grant", "The grant of the indicator.", "f.grant_id").of(&grants::KIND),
    key("publisher", "Who published the value.", "f.publisher"),
    key("kept_by", "Who keeps the indicator, if it is independent.", "f.kept_by").of(&organisations::KIND),
    key("place", "Where it was observed; see `place_level`.", "f.place").of(&locations::KIND),
    key("beneficiary", "Whom it was observed of.", "f.beneficiary").of(&beneficiaries::KIND),
    key("beneficiary_kind", "What kind of beneficiary.", "f.beneficiary").mapped(KIND),
    key("status", "Where the programme or grant stands.", "f.status"),
    key("year", "The year of the value, or in which its period ends.", YEAR),
    key("quarter", "The quarter of that date, if it is as exact.", QUARTER),
    key("month", "The month of that date, if it is as exact.", MONTH),
];

/// The lines of a grant's funding; where there are none, the organisations that fund it.
const FUNDING: &str = r#"CASE WHEN jsonb_array_length(coalesce(f.activity -> 'funding', '[]')) > 0 THEN f.activity -> 'funding'
    ELSE jsonb_path_query_array(f.activity, '$.organisations[*] ? (@.role == "funding")') END"#;
const RECIPIENTS: (&str, &str) = ("f.activity -> 'recipients'", "beneficiary");

/// What is totalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantNames, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Subject {
    /// Flows of money.
    Transactions,
    /// Budgets of grants.
    Grants,
    /// Values of indicators.
    Indicators,
}

impl Subject {
    /// Its dimensions.
    pub fn dimensions(self) -> impl Iterator<Item = &'static Dimension> {
        let (common, own) = match self {
            Self::Transactions => (COMMON, OF_TRANSACTIONS),
            Self::Grants => (COMMON, OF_GRANTS),
            Self::Indicators => (&[] as &[Dimension], OF_INDICATORS),
        };
        common.iter().chain(own)
    }

    /// The dimension with this name.
    pub fn dimension(self, name: &str) -> Option<&'static Dimension> {
        self.dimensions().find(|dimension| dimension.name == name)
    }

    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Dimensions whose keys nobody may add to one another: a total states one, or is grouped by it.
    pub fn apart(self) -> &'static [&'static str] {
        match self {
            Self::Transactions => &["type"],
            Self::Grants => &[],
            Self::Indicators => &["indicator", "kind"],
        }
    }

    /// Whether a whole is divided by this dimension all the same, because its keys may not be added up.
    pub fn is_apart(self, name: &str) -> bool {
        self.apart().contains(&name) || (self == Self::Indicators && matches!(name, "year" | "quarter" | "month"))
    }

    /// The member that says in what amounts are.
    pub fn unit(self) -> &'static str {
        if self == Self::Indicators { "unit" } else { "currency" }
    }

    /// The collection of the records that are added up.
    pub fn kind(self) -> &'static Kind {
        match self {
            Self::Transactions => &crate::collections::transactions::KIND,
            Self::Grants => &grants::KIND,
            Self::Indicators => &crate::collections::observations::KIND,
        }
    }
}
