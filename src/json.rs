//! Reading JSON strictly: what parsers disagree about is refused, not guessed.
//!
//! Refused are keys that stand twice, the character U+0000 (which PostgreSQL
//! cannot hold), and numbers with more than 15 significant digits (which not
//! every parser reads exactly).

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::error::{FAULTS, Fault};

/// Numbers may have this many significant digits, and are below this power of ten.
const DIGITS: i64 = 15;
/// Numbers may have this many decimal places.
const PLACES: i64 = 12;
/// The key under which the parser hands a number over.
const NUMBER: &str = "$serde_json::private::Number";
/// Keys may have this many bytes.
const KEY: usize = 300;

/// Parses a document, or names every fault of its form.
pub fn parse(bytes: &[u8]) -> Result<Value, Vec<Fault>> {
    let (value, faults) = parse_on(bytes)?;
    if faults.is_empty() { Ok(value) } else { Err(faults) }
}

/// Parses a document as far as it can be read, for its other faults to be named too.
/// A number that is at fault is 0 in it.
pub fn parse_on(bytes: &[u8]) -> Result<(Value, Vec<Fault>), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut numbers_seen = 0;
    let scanned = Scan { pointer: "", faults: &mut faults, numbers: &mut numbers_seen }.deserialize(&mut deserializer);
    if let Err(error) = scanned.and_then(|()| deserializer.end()) {
        return Err(vec![Fault::at("", "json_malformed", format!("This is not JSON: {error}"))]);
    }
    let mut value = serde_json::from_slice(bytes)
        .map_err(|error| vec![Fault::at("", "json_malformed", format!("This is not JSON: {error}"))])?;
    // The parser hands some numbers over as objects with a key of its own: nobody else may write that key.
    if numbers_seen != number_tokens(bytes) {
        return Err(vec![Fault::at("", "json_malformed", format!("{NUMBER} is no key to be used"))]);
    }
    let ambiguous = !faults.is_empty();
    numbers(&mut value, &mut String::new(), &mut faults);
    if ambiguous { Err(faults) } else { Ok((value, faults)) }
}

/// Extends a JSON Pointer (RFC 6901).
pub fn push(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Walks a document without building it, looking for repeated keys and U+0000.
struct Scan<'a> {
    pointer: &'a str,
    faults: &'a mut Vec<Fault>,
    /// Numbers met so far, and objects with the parser's own key for numbers.
    numbers: &'a mut usize,
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
        *self.numbers += 1;
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        *self.numbers += 1;
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        *self.numbers += 1;
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
            match items.next_element_seed(Scan { pointer: &pointer, faults: self.faults, numbers: self.numbers })? {
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
            *self.numbers += usize::from(key == NUMBER);
            let pointer = push(self.pointer, &key);
            if key.contains('\0') {
                self.faults.push(Fault::at(&pointer, "nul_character", "a key must not contain U+0000"));
            }
            members.next_value_seed(Scan { pointer: &pointer, faults: self.faults, numbers: self.numbers })?;
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
                *number = Number::from(0);
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

/// How many numbers stand in a text that is JSON.
fn number_tokens(json: &[u8]) -> usize {
    let (mut count, mut in_text, mut in_number, mut escaped) = (0, false, false, false);
    for byte in json {
        if in_text {
            in_text = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        let of_number =
            byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.') || (in_number && matches!(byte, b'e' | b'E'));
        count += usize::from(of_number && !in_number);
        in_number = of_number;
        in_text = *byte == b'"';
    }
    count
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
        assert_eq!(codes(r#"{"a": {"$serde_json::private::Number": "5"}}"#), ["json_malformed"]);
        assert_eq!(codes(r#"{"\u0024serde_json::private::Number": "5", "b": "1 \" 2"}"#), ["json_malformed"]);
        assert_eq!(codes(r#"{"a": 1} x"#), ["json_malformed"]);
        assert_eq!(codes("{\"a\": \"\u{0001}\"}"), ["json_malformed"]);
        assert_eq!(codes(&"[".repeat(1000)), ["json_malformed"]);
    }
}
