//! Reading JSON strictly: what parsers disagree about is refused, not guessed.
//!
//! Refused are keys that stand twice, the character U+0000 (which PostgreSQL
//! cannot hold), and numbers with more than 15 significant digits (which not
//! every parser reads exactly).

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::error::Fault;

/// Numbers may have this many significant digits, and are below this power of ten.
const DIGITS: i64 = 15;
/// Numbers may have this many decimal places.
const PLACES: i64 = 12;
/// After so many faults the rest is not looked for.
pub const FAULTS: usize = 100;
/// Keys may have this many bytes.
const KEY: usize = 300;

/// Parses a document, or names every fault of its form.
pub fn parse(bytes: &[u8]) -> Result<Value, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let scanned = Scan { pointer: "", faults: &mut faults }.deserialize(&mut deserializer);
    if let Err(error) = scanned.and_then(|()| deserializer.end()) {
        return Err(vec![Fault::at("", "json_malformed", format!("This is not JSON: {error}"))]);
    }
    let mut value = serde_json::from_slice(bytes)
        .map_err(|error| vec![Fault::at("", "json_malformed", format!("This is not JSON: {error}"))])?;
    numbers(&mut value, &mut String::new(), &mut faults);
    if faults.is_empty() { Ok(value) } else { Err(faults) }
}

/// Extends a JSON Pointer (RFC 6901).
pub fn push(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Walks a document without building it, looking for repeated keys and U+0000.
struct Scan<'a> {
    pointer: &'a str,
    faults: &'a mut Vec<Fault>,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if text.contains('\0') {
            self.faults.push(Fault::at(self.pointer, "nul_character", "text must not contain U+0000"));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut n = 0;
        loop {
            let pointer = format!("{}/{n}", self.pointer);
            match items.next_element_seed(Scan { pointer: &pointer, faults: self.faults })? {
                Some(()) => n += 1,
                None => return Ok(()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if key.len() > KEY || self.faults.len() >= FAULTS {
                return Err(A::Error::custom(format!("a key longer than {KEY} bytes, or {FAULTS} faults")));
            }
            let pointer = push(self.pointer, &key);
            if key.contains('\0') {
                self.faults.push(Fault::at(&pointer, "nul_character", "a key must not contain U+0000"));
            }
            members.next_value_seed(Scan { pointer: &pointer, faults: self.faults })?;
            if !seen.insert(key) {
                self.faults.push(Fault::at(&pointer, "duplicate_key", "this key stands twice in one object"));
            }
        }
        Ok(())
    }
}

/// Writes numbers plainly (`100` for `1e2`, `5` for `5.0`) and finds those that
/// would not survive every parser or every calculation.
fn numbers(value: &mut Value, pointer: &mut String, faults: &mut Vec<Fault>) {
    if faults.len() >= FAULTS {
        return;
    }
    match value {
        Value::Number(number) => match plain(&number.to_string()) {
            Some(text) => *number = Number::from_string_unchecked(text),
            None => {
                let words = format!(
                    "{:.60} has more than {DIGITS} significant digits or {PLACES} decimal places, or is too large",
                    number.to_string()
                );
                faults.push(Fault::at(pointer.as_str(), "number_inexact", words));
            }
        },
        Value::Array(items) => {
            for (n, item) in items.iter_mut().enumerate() {
                let length = pointer.len();
                pointer.push_str(&format!("/{n}"));
                numbers(item, pointer, faults);
                pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let length = pointer.len();
                pointer.push_str(&push("", key));
                numbers(member, pointer, faults);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// A number without exponent and needless zeros, if it is exact everywhere.
fn plain(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().ok().filter(|power: &i64| power.abs() <= 1000)?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    // The value is `significant` × 10^power.
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let power = exponent - fraction.len() as i64 + trailing as i64;
    let length = significant.len() as i64;
    if length > DIGITS || length + power > DIGITS || -power > PLACES {
        return None;
    }
    Some(if power >= 0 {
        format!("{sign}{significant}{}", "0".repeat(power as usize))
    } else if -power < length {
        let (whole, fraction) = significant.split_at((length + power) as usize);
        format!("{sign}{whole}.{fraction}")
    } else {
        format!("{sign}0.{}{significant}", "0".repeat((-power - length) as usize))
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn codes(text: &str) -> Vec<String> {
        parse(text.as_bytes()).err().unwrap_or_default().into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn numbers_are_written_plainly() {
        for (given, plain) in [
            ("5.0", "5"),
            ("1e2", "100"),
            ("-0.50", "-0.5"),
            ("-0", "0"),
            ("0.00012", "0.00012"),
            ("12.5E1", "125"),
            ("149379.00", "149379"),
            ("123456789012345", "123456789012345"),
            ("1.5e-3", "0.0015"),
            ("0e9", "0"),
        ] {
            assert_eq!(super::plain(given).as_deref(), Some(plain), "{given}");
        }
    }

    #[test]
    fn strictness() {
        assert_eq!(codes(r#"{"a": [1, 177200.00, -0.5e3, "x"], "b": {"a": null}}"#), Vec::<String>::new());
        assert_eq!(codes(r#"{"a": 1, "b": {"c": 1, "c": 2}}"#), ["duplicate_key"]);
        assert_eq!(codes(r#"{"a": "\u0000", "b": 1.0000000000000001}"#), ["nul_character", "number_inexact"]);
        assert_eq!(codes(r#"{"a": 1e999, "b": 1e15, "c": 1e-13, "d": 1e14, "e": 1e-12}"#), ["number_inexact"; 3]);
        assert_eq!(codes(r#"{"a": 1} x"#), ["json_malformed"]);
        assert_eq!(codes("{\"a\": \"\u{0001}\"}"), ["json_malformed"]);
        assert_eq!(codes(&"[".repeat(1000)), ["json_malformed"]);
    }
}
