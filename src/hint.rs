//! "Did you mean": the end of a message about a name that is not known.

/// The end of a message about an unknown name: the nearest known one, or all of them.
pub fn nearest(given: &str, known: &[&str]) -> String {
    let best = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&given.to_lowercase(), &name.to_lowercase()), *name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4);
    match best {
        Some((_, name)) => format!("; did you mean {name:?}?"),
        None if known.is_empty() => String::new(),
        None => format!("; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_offered() {
        assert_eq!(nearest("statsu", &["limit", "status"]), "; did you mean \"status\"?");
        assert_eq!(nearest("xyz", &["limit", "status"]), "; there are limit, status");
    }
}
