//! What the program ships: five real programmes, and whose records they are.

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

/// The shipped exchange rates.
pub const RATES: &[(&str, &str)] = &[
    ("content/rates/ecb.csv", include_str!("../../content/rates/ecb.csv")),
    ("content/rates/dinar.csv", include_str!("../../content/rates/dinar.csv")),
];

/// Whose the shipped records are: id, name, prefixes.
pub const PUBLISHERS: &[(&str, &str, &[&str])] = &[
    ("aid-register", "Aid Register: programmes entered from published documents", &["AR-"]),
    ("places", "Aid Register: places", &["AL", "BA", "DE", "MK", "RO", "RS", "SI", "XK"]),
];
