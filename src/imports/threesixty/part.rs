//! An object of a package, whose members are taken out one by one: what nobody took is kept as it is.

use rust_decimal::Decimal;
use serde_json::{Map, Number, Value};

use super::Mapped;
use crate::error::{SHORT, clip};
use crate::formats::threesixty::OF;
use crate::json::push;
use crate::record::{PartialDate, is_visible};

/// Decimal places of money in the register.
const PLACES: u32 = 4;
/// What is less than this is no money, but a binary fraction that stands for a decimal one: 41133.770000000004.
const RESIDUE: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

/// An object and where in the grant it stands.
#[derive(Clone)]
pub struct Part {
    /// Its JSON Pointer.
    pub pointer: String,
    members: Map<String, Value>,
    /// What of the register it says more of.
    of: Option<String>,
}

impl Part {
    /// An object; anything else is a fault.
    pub fn of(pointer: impl Into<String>, value: Value, out: &mut Mapped) -> Option<Self> {
        let pointer = pointer.into();
        match value {
            Value::Object(mut members) => {
                members.retain(|name, member| !is_nothing(member) && name != OF);
                Some(Self { pointer, members, of: None })
            }
            other => {
                wrong(&pointer, &other, "an object", out);
                None
            }
        }
    }

    /// The pointer to a member.
    pub fn at(&self, member: &str) -> String {
        push(&self.pointer, member)
    }

    /// Whether it has a member that says something.
    pub fn has(&self, member: &str) -> bool {
        self.members.contains_key(member)
    }

    /// Takes a text.
    pub fn text(&mut self, member: &str, out: &mut Mapped) -> Option<String> {
        match self.members.shift_remove(member)? {
            Value::String(text) => Some(text.trim().to_owned()),
            other => {
                wrong(&self.at(member), &other, "a text", out);
                None
            }
        }
    }

    /// Takes an amount of money, without what spreadsheet programs add to it in calculating.
    pub fn amount(&mut self, member: &str, out: &mut Mapped) -> Option<Number> {
        let value = self.members.shift_remove(member)?;
        let at = self.at(member);
        let Value::Number(number) = &value else {
            wrong(&at, &value, "a number", out);
            return None;
        };
        let Some(amount) = exact(number) else {
            out.fault(at, "number_inexact", format!("{:.60} cannot be told exactly", number.to_string()));
            return None;
        };
        let meant = amount.round_dp(PLACES).normalize();
        let residue = (amount - meant).abs();
        if residue.is_zero() || residue > RESIDUE {
            // The rules of the register judge it as it is.
            return Some(number.clone());
        }
        out.note(at, "number_rounded", format!("{number} is read as {meant}: the rest comes of binary fractions"));
        Some(Number::from_string_unchecked(meant.to_string()))
    }

    /// Takes a date, or the day of an instant.
    pub fn date(&mut self, member: &str, out: &mut Mapped) -> Option<String> {
        let text = self.text(member, out)?;
        let at = self.at(member);
        if let Some(date) = iso(&text) {
            // The standard has months and years where something begins or ends.
            if date.len() < 10 && !matches!(member, "startDate" | "endDate") {
                undated(&at, &text, out);
            }
            return Some(date.to_owned());
        }
        let date = british(&text);
        match &date {
            Some(date) => out.note(
                at.clone(),
                "date_order",
                format!("{} is read as {date}, the day before the month", clip(&text, SHORT)),
            ),
            None => {
                out.fault(at.clone(), "date_invalid", format!("{} is no date: write 2024-03-31", clip(&text, SHORT)))
            }
        }
        undated(&at, &text, out);
        date
    }

    /// The value of a member, which stays.
    pub fn value(&self, member: &str) -> Option<Value> {
        self.members.get(member).cloned()
    }

    /// The text of a member, which stays.
    pub fn peek(&self, member: &str) -> Option<&str> {
        self.members.get(member)?.as_str()
    }

    /// Takes a list of objects, to be [put back](Self::put) with what is left of them.
    pub fn parts(&mut self, member: &str, out: &mut Mapped) -> Vec<Self> {
        let at = self.at(member);
        match self.members.shift_remove(member) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                let items = items.into_iter().enumerate();
                items.filter_map(|(n, item)| Self::of(format!("{at}/{n}"), item, out)).collect()
            }
            Some(other) => {
                wrong(&at, &other, "a list", out);
                Vec::new()
            }
        }
    }

    /// Says what of the register it became: what is left is kept for that, as long as it is there.
    pub fn became(&mut self, of: impl Into<String>) {
        self.of = Some(of.into());
    }

    /// Keeps what is left of a list of objects: of those that became something, and the others whole. In which order
    /// the first stand makes no difference.
    pub fn put(&mut self, member: &str, mut parts: Vec<Self>) {
        parts.retain(|part| !part.members.is_empty());
        parts.sort_by(|one, other| match (&one.of, &other.of) {
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        });
        if !parts.is_empty() {
            let items = parts.into_iter().map(|mut part| {
                part.members.extend(part.of.map(|of| (OF.to_owned(), of.into())));
                Value::Object(part.members)
            });
            self.keep(member, items.collect::<Value>());
        }
    }

    /// Keeps a value.
    pub fn keep(&mut self, member: &str, value: impl Into<Value>) {
        self.members.insert(member.to_owned(), value.into());
    }

    /// Forgets members, and says whether there were any.
    pub fn forget(&mut self, unwanted: impl Fn(&str) -> bool) -> bool {
        let before = self.members.len();
        self.members.retain(|name, _| !unwanted(name));
        self.members.len() < before
    }

    /// What nobody took. Days that a spreadsheet program wrote as midnights are days, but for what was modified then.
    pub fn rest(self) -> Map<String, Value> {
        let mut rest = Value::Object(self.members);
        days(&mut rest);
        match rest {
            Value::Object(rest) => rest,
            _ => Map::new(),
        }
    }
}

/// Notes a date that the standard does not have in this form.
pub fn dated(pointer: &str, text: &str, out: &mut Mapped) {
    if iso(text).is_none() {
        undated(pointer, text, out);
    }
}

fn undated(pointer: &str, text: &str, out: &mut Mapped) {
    let words = format!("{} is no date of 360Giving: 2024-03-31, or an instant of it", clip(text, SHORT));
    out.breaks(pointer, "date_format", words);
}

/// Nothing, or an empty cell of it.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => !is_visible(text),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn wrong(pointer: &str, value: &Value, wanted: &str, out: &mut Mapped) {
    let words = format!("{} is not {wanted}", clip(&value.to_string(), SHORT));
    out.fault(pointer, "type", words);
}

/// A number as the register calculates with it.
fn exact(number: &Number) -> Option<Decimal> {
    let text = number.to_string();
    Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
}

/// The date that an ISO 8601 date or instant begins with.
fn iso(text: &str) -> Option<&str> {
    let is_time =
        |rest: &str| rest.starts_with(['T', 't', ' ']) && rest[1..].chars().all(|c| "0123456789:.+-Zz".contains(c));
    let date = match text.split_at_checked(10) {
        Some((date, rest)) if is_time(rest) => date,
        _ => text,
    };
    PartialDate::is_valid(date).then_some(date)
}

/// A date as spreadsheet programs in Britain write it: day, month, year.
fn british(text: &str) -> Option<String> {
    let mut parts = text.split(' ').next()?.split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let date = format!("{year}-{month:0>2}-{day:0>2}");
    (parts.next().is_none() && date.len() == 10 && PartialDate::is_valid(&date)).then_some(date)
}

fn days(value: &mut Value) {
    match value {
        Value::String(text) => {
            let is_midnight = |time: &str| {
                let zone = time.strip_prefix("T00:00:00").map(|rest| rest.trim_start_matches(['.', '0']));
                matches!(time.strip_prefix("T00:00:00"), Some("Z" | "+00:00")) || matches!(zone, Some("Z" | "+00:00"))
            };
            if text.split_at_checked(10).is_some_and(|(day, time)| PartialDate::is_valid(day) && is_midnight(time)) {
                text.truncate(10);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(days),
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            // Of these the standard wants the instant, and days that a spreadsheet program wrote as such are midnights.
            Value::String(text) if name == "dateModified" => {
                if text.len() == 10 && PartialDate::is_valid(text) {
                    text.push_str("T00:00:00Z");
                }
            }
            value => days(value),
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_they_come() {
        for (written, read) in [
            ("2020-11-03", Some("2020-11-03")),
            ("2020-11", Some("2020-11")),
            ("2020-11-03T00:00:00+00:00", Some("2020-11-03")),
            ("2017-11-21T00:00:00.000Z", Some("2017-11-21")),
            ("2020-11-03 10:30", Some("2020-11-03")),
            ("2020-11-03Tomorrow", None),
            ("2020-13-03", None),
            ("2020-11-0é", None),
        ] {
            assert_eq!(iso(written), read, "{written}");
        }
        assert_eq!(british("05/06/2014").as_deref(), Some("2014-06-05"));
        assert_eq!(british("5/6/2014 00:00").as_deref(), Some("2014-06-05"));
        for wrong in ["13/31/2014", "05/06/14", "05/06", "a/b/c", "", "/ /", "1/2/2014/5"] {
            assert_eq!(british(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn amounts_are_what_was_meant() {
        for (written, read) in [
            ("41133.770000000004", "41133.77"),
            ("0.1", "0.1"),
            ("1000.50", "1000.50"),
            ("1e3", "1e+3"),
            // What may be meant is left to the rules.
            ("1.00001", "1.00001"),
        ] {
            let mut out = Mapped::default();
            let given = serde_json::from_str(&format!("{{\"a\": {written}}}")).unwrap();
            let amount = Part::of("", given, &mut out).unwrap().amount("a", &mut out).unwrap();
            assert_eq!((amount.to_string().as_str(), out.notes.len()), (read, usize::from(written.len() > 12)));
        }
    }

    #[test]
    fn midnights_are_days() {
        for (written, kept) in [
            ("2021-02-15T00:00:00+00:00", "2021-02-15"),
            ("2018-08-24T00:00:00.000Z", "2018-08-24"),
            ("2018-08-24T13:12:00.000Z", "2018-08-24T13:12:00.000Z"),
            ("2018-08-24T00:00:00+02:00", "2018-08-24T00:00:00+02:00"),
            ("words", "words"),
        ] {
            let mut value = Value::from(written);
            days(&mut value);
            assert_eq!(value, kept);
        }
    }
}
