//! What the program ships: five real programmes, and whose records they are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::codelists::{self, Code};

/// The shipped files, in the order in which a reader would want them.
pub const FILES: &[(&str, &str)] = &[
    ("content/places.json", include_str!("../../content/places.json")),
    ("content/settlements.json", include_str!("../../content/settlements.json")),
    ("content/organisations.json", include_str!("../../content/organisations.json")),
    ("content/eu-integra.json", include_str!("../../content/eu-integra.json")),
    ("content/leave-no-one-behind.json", include_str!("../../content/leave-no-one-behind.json")),
    ("content/cuprija.json", include_str!("../../content/cuprija.json")),
    ("content/egovernment-for-all.json", include_str!("../../content/egovernment-for-all.json")),
    ("content/interreg-romania-serbia.json", include_str!("../../content/interreg-romania-serbia.json")),
];

/// The middle of each other country, by code: latitude and longitude.
const POINTS: &str = include_str!("../../content/countries.csv");

/// Countries that the shipped places describe further.
const DESCRIBED: [&str; 8] = ["AL", "BA", "DE", "MK", "RO", "RS", "SI", "XK"];

/// The codes of all countries, which whoever keeps places owns, with one town.
pub fn single_places() -> Vec<&'static str> {
    let all = codelists::find("Country").map(|list| list.codes.as_slice()).unwrap_or_default();
    let codes = all.iter().filter(|code| code.withdrawn.is_none()).map(|code| code.code.as_str());
    codes.chain(["SI-CELJE"]).collect()
}

/// The countries that are not described further, as a file of records.
pub fn countries() -> Vec<u8> {
    let all = codelists::find("Country").map(|list| list.codes.as_slice()).unwrap_or_default();
    let others = all.iter().filter(|code| code.withdrawn.is_none() && !DESCRIBED.contains(&code.code.as_str()));
    let points: BTreeMap<&str, (&str, &str)> = POINTS
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .filter_map(|(code, point)| Some((code, point.split_once(',')?)))
        .collect();
    let country = |code: &Code| {
        let mut sources = vec![json!({"source": "AR-SRC-ISO-3166", "fields": [""]})];
        let number = |text: &&str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let point = points.get(code.code.as_str()).map(|(latitude, longitude)| {
            sources.push(json!({"source": "AR-SRC-NATURAL-EARTH", "fields": ["/point"]}));
            json!({"latitude": number(latitude), "longitude": number(longitude)})
        });
        json!({
            "identifier": code.code, "kind": "country", "name": code.names().collect::<BTreeMap<_, _>>(), "country": code.code,
            "point": point, "sources": sources,
        })
    };
    let countries: Vec<Value> = others.map(country).collect();
    json!({"locations": countries}).to_string().into_bytes()
}

/// The shipped exchange rates.
pub const RATES: &[(&str, &str)] = &[
    ("content/rates/ecb.csv", include_str!("../../content/rates/ecb.csv")),
    ("content/rates/dinar.csv", include_str!("../../content/rates/dinar.csv")),
];

/// Whose the shipped records are: id, name, prefixes.
pub const PUBLISHERS: &[(&str, &str, &[&str])] = &[
    ("aid-register", "Aid Register: programmes entered from published documents", &["AR-"]),
    ("places", "Aid Register: places", &["RO1", "RO2", "RO3", "RO4", "RS"]),
];
