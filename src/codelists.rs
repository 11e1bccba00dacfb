//! Code lists: IATI's and the register's own, with the names of their codes, and codes that were
//! withdrawn, which still resolve. Serbian names of countries are those of the Unicode
//! CLDR. The facts stand in `codes/lists.csv` and `codes/codelists.csv`.

pub mod routes;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

/// One list.
#[derive(Debug, Deserialize)]
pub struct Codelist {
    /// Its name, IATI's where it is one of IATI's.
    #[serde(rename = "list")]
    pub name: String,
    /// What it is.
    pub about: String,
    /// The version: of IATI's lists the day on which they were as they are here.
    pub version: String,
    /// Whether there are no other codes.
    pub complete: bool,
    /// The list that the categories of its codes are in.
    pub categories: Option<String>,
    /// Its codes, in their order.
    #[serde(skip)]
    pub codes: Vec<Code>,
    /// Where each stands among them.
    #[serde(skip)]
    places: HashMap<String, usize>,
}

/// One code.
#[derive(Debug, Clone, Deserialize)]
pub struct Code {
    #[serde(rename = "list")]
    of: String,
    /// The code.
    pub code: String,
    /// How records of the register say it, where they do in words.
    pub value: Option<String>,
    /// Its name in English.
    pub en: Option<String>,
    /// Its name in French.
    pub fr: Option<String>,
    /// Its name in Serbian.
    #[serde(rename = "sr-Latn")]
    pub latin: Option<String>,
    /// The same in Cyrillic: of countries.
    #[serde(rename = "sr-Cyrl")]
    pub cyrillic: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// Since when it is not to be used any more; `?` where nobody says.
    pub withdrawn: Option<String>,
}

impl Code {
    /// Its names, by language.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [("en", &self.en), ("fr", &self.fr), ("sr-Cyrl", &self.cyrillic), ("sr-Latn", &self.latin)];
        all.into_iter().filter_map(|(language, name)| Some((language, name.as_deref()?)))
    }

    /// `active` or `withdrawn`.
    pub fn status(&self) -> &'static str {
        if self.withdrawn.is_some() { "withdrawn" } else { "active" }
    }
}

impl Codelist {
    /// The code, withdrawn or not.
    pub fn code(&self, code: &str) -> Option<&Code> {
        self.places.get(code).map(|n| &self.codes[*n])
    }
}

static LISTS: LazyLock<BTreeMap<String, Codelist>> = LazyLock::new(|| {
    let lists = csv::Reader::from_reader(include_bytes!("codes/lists.csv").as_slice()).into_deserialize::<Codelist>();
    let mut lists: BTreeMap<String, Codelist> = lists.flatten().map(|list| (list.name.clone(), list)).collect();
    let codes = csv::Reader::from_reader(include_bytes!("codes/codelists.csv").as_slice()).into_deserialize::<Code>();
    for code in codes.flatten() {
        if let Some(list) = lists.get_mut(&code.of) {
            list.places.insert(code.code.clone(), list.codes.len());
            list.codes.push(code);
        }
    }
    lists
});

/// All lists, by name.
pub fn all() -> impl ExactSizeIterator<Item = &'static Codelist> {
    LISTS.values()
}

/// The list with this name.
pub fn find(name: &str) -> Option<&'static Codelist> {
    LISTS.get(name)
}

#[cfg(test)]
mod tests {
    use strum::VariantNames;

    use super::*;
    use crate::collections::beneficiaries::BeneficiaryKind;
    use crate::collections::grants::RecipientRole;
    use crate::collections::indicators::{Direction, Measure};
    use crate::collections::locations::LocationKind;
    use crate::collections::observations::ObservationKind;
    use crate::collections::organisations::OrganisationType;
    use crate::collections::transactions::TransactionType;
    use crate::record::{Exactness, KindOfMoney, OrganisationRole, Status};

    #[test]
    fn every_line_is_a_code_and_every_list_has_some() {
        let lines = include_str!("codes/codelists.csv").lines().count() - 1;
        assert_eq!(all().map(|list| list.codes.len()).sum::<usize>(), lines);
        for list in all() {
            assert!(!list.codes.is_empty(), "{}", list.name);
            assert!(list.categories.as_deref().is_none_or(|name| find(name).is_some()), "{}", list.name);
        }
    }

    #[test]
    fn the_values_of_records_are_codes() {
        for (name, values) in [
            ("ActivityStatus", Status::VARIANTS),
            ("OrganisationRole", OrganisationRole::VARIANTS),
            ("OrganisationType", OrganisationType::VARIANTS),
            ("TransactionType", TransactionType::VARIANTS),
            ("IndicatorMeasure", Measure::VARIANTS),
            ("KindOfMoney", KindOfMoney::VARIANTS),
            ("BeneficiaryKind", BeneficiaryKind::VARIANTS),
            ("RecipientRole", RecipientRole::VARIANTS),
            ("ObservationKind", ObservationKind::VARIANTS),
            ("Exactness", Exactness::VARIANTS),
            ("LocationKind", LocationKind::VARIANTS),
            ("Direction", Direction::VARIANTS),
        ] {
            let codes: Vec<&str> = find(name).unwrap().codes.iter().filter_map(|code| code.value.as_deref()).collect();
            assert_eq!(codes, values, "{name}");
        }
    }
}
