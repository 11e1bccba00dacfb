//! Which dumps stay: the newest, and the first of each month.

use std::collections::HashSet;

use super::manifest::Manifest;

/// Those of them that go, by name; they come the newest first.
pub fn gone(dumps: &[Manifest], kept: usize) -> Vec<&str> {
    let month = |dump: &Manifest| dump.made_at.format("%Y-%m").to_string();
    let mut months = HashSet::new();
    let firsts: HashSet<&str> =
        dumps.iter().rev().filter(|dump| months.insert(month(dump))).map(|dump| dump.name.as_str()).collect();
    dumps.iter().skip(kept).map(|dump| dump.name.as_str()).filter(|name| !firsts.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_and_the_first_of_each_month() {
        let dump = |day: &str| Manifest {
            name: day.to_owned(),
            made_at: format!("{day}T03:00:00Z").parse().unwrap(),
            as_of: Default::default(),
            position: 1,
            changes: String::new(),
            api_version: String::new(),
            licence: String::new(),
            citation: String::new(),
            files: Vec::new(),
        };
        let days = ["2026-03-03", "2026-03-02", "2026-03-01", "2026-02-28", "2026-02-02", "2026-02-01", "2026-01-31"];
        let dumps: Vec<Manifest> = days.iter().map(|day| dump(day)).collect();
        assert_eq!(gone(&dumps, 2), ["2026-02-28", "2026-02-02"]);
        assert!(gone(&dumps, 7).is_empty());
    }
}
