//! Strict query strings: an unknown, repeated, empty or undecodable parameter is
//! refused, since a typo must never return the whole register.

use percent_encoding::percent_decode_str;

use crate::error::{FAULTS, Fault};
use crate::hint::nearest;

/// The parameters of a request, in their order.
#[derive(Debug, Default, Clone)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query string and holds it against the names that the address knows.
    pub fn parse<'a>(raw: &str, known: impl IntoIterator<Item = &'a str>) -> Result<Self, Vec<Fault>> {
        let (query, faults) = Self::parse_on(raw, known);
        if faults.is_empty() { Ok(query) } else { Err(faults) }
    }

    /// The same, with what can be read beside what is wrong: for other faults to be told too.
    pub fn parse_on<'a>(raw: &str, known: impl IntoIterator<Item = &'a str>) -> (Self, Vec<Fault>) {
        let known: Vec<&str> = known.into_iter().collect();
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut faults = Vec::new();
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            if faults.len() >= FAULTS {
                break;
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                let words = "percent-encoding must spell UTF-8 without U+0000";
                faults.push(Fault::parameter(name, "encoding_invalid", words));
                continue;
            };
            if !known.contains(&name.as_str()) {
                let words = format!("there is no parameter {name:?}{}", nearest(&name, &known));
                faults.push(Fault::parameter(&name, "unknown_parameter", words));
            } else if pairs.iter().any(|(other, _)| *other == name) {
                let words = format!("{name} stands twice; where it takes several values, list them: {name}=a,b");
                faults.push(Fault::parameter(&name, "repeated_parameter", words));
            } else if value.is_empty() {
                faults.push(Fault::parameter(&name, "empty_parameter", format!("{name} has no value")));
            } else {
                pairs.push((name, value));
            }
        }
        (Self(pairs), faults)
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The items of a comma list.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.get(name).map(|value| value.split(',').map(str::trim).collect())
    }

    /// The same parameters without this one.
    pub fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(other, _)| other != name).cloned().collect())
    }

    /// The same parameters, but for this one.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut pairs: Vec<_> = self.0.iter().filter(|(other, _)| other != name).cloned().collect();
        pairs.push((name.to_owned(), value.to_owned()));
        Self(pairs)
    }

    /// All parameters.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Decodes one name or value; `+` is a space, as forms write it.
fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    (!decoded.contains('\0')).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(raw: &str) -> Vec<String> {
        let result = Query::parse(raw, ["status", "limit"]);
        result.err().unwrap_or_default().into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn strictness() {
        assert!(codes("status=closed,%C4%86&limit=1").is_empty());
        assert_eq!(codes("statsu=closed"), ["unknown_parameter"]);
        assert_eq!(codes("status=a&status=b&limit="), ["repeated_parameter", "empty_parameter"]);
        assert_eq!(codes("status=%ff&limit=%00"), ["encoding_invalid", "encoding_invalid"]);
    }
}
