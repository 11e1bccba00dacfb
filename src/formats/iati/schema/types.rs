//! The types of values that the schema names, as XML Schema has them.

use chrono::NaiveDate;

/// A type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "camelCase")]
pub enum Type {
    /// Whatever there is.
    String,
    /// A day, perhaps with a time zone.
    Date,
    /// A day and a time, perhaps with a time zone.
    DateTime,
    /// A number without an exponent.
    Decimal,
    /// A whole number of 32 bits.
    Int,
    /// A whole number from 0.
    NonNegativeInteger,
    /// A whole number from 1.
    PositiveInteger,
    /// `true`, `false`, `1` or `0`.
    Boolean,
    /// An address, or a part of one.
    #[strum(serialize = "anyURI")]
    AnyUri,
    /// A word of letters, digits and `.-_:`.
    #[strum(serialize = "NMTOKEN")]
    Nmtoken,
    /// A language, or nothing.
    Language,
    /// What `xml:space` says.
    Space,
}

impl Type {
    /// Whether the value is of this type.
    pub fn has(self, value: &str) -> bool {
        let value = match self {
            Self::String => return true,
            _ => value.trim_matches([' ', '\t', '\n', '\r']),
        };
        match self {
            Self::String => true,
            Self::Date => date(value).is_some_and(is_zone),
            Self::DateTime => date(value).and_then(time).is_some_and(is_zone),
            Self::Decimal => is_decimal(value),
            Self::Int => is_whole(value) && value.strip_prefix('+').unwrap_or(value).parse::<i32>().is_ok(),
            Self::NonNegativeInteger => {
                is_whole(value) && (!value.starts_with('-') || value[1..].bytes().all(|byte| byte == b'0'))
            }
            Self::PositiveInteger => {
                is_whole(value) && !value.starts_with('-') && value.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
            }
            Self::Boolean => matches!(value, "true" | "false" | "1" | "0"),
            Self::AnyUri => is_address(value),
            Self::Nmtoken => {
                !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
            }
            Self::Language => value.is_empty() || is_language(value),
            Self::Space => matches!(value, "default" | "preserve"),
        }
    }

    /// What a value of this type is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Date => "a date as 2024-01-31",
            Self::DateTime => "a date and time as 2024-01-31T09:30:00Z",
            Self::Decimal => "a number as 1234.56",
            Self::Int => "a whole number",
            Self::NonNegativeInteger => "a whole number from 0",
            Self::PositiveInteger => "a whole number from 1",
            Self::Boolean => "true, false, 1 or 0",
            Self::AnyUri => "an address",
            Self::Nmtoken => "a name",
            Self::Language => "a language as en or pt-BR",
            Self::Space => "default or preserve",
        }
    }
}

/// What stands after so many digits.
fn digits(text: &str, number: usize) -> Option<(&str, u32)> {
    let (digits, rest) = text.split_at_checked(number)?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?.map(|value| (rest, value))
}

/// What stands after a date.
fn date(text: &str) -> Option<&str> {
    let years = text.strip_prefix('-').unwrap_or(text);
    let length = years.bytes().take_while(u8::is_ascii_digit).count();
    let (year, rest) = years.split_at_checked(length)?;
    // There is no year 0, and more than four digits begin with none.
    if length < 4 || (length > 4 && year.starts_with('0')) || year.bytes().all(|byte| byte == b'0') {
        return None;
    }
    let (rest, month) = digits(rest.strip_prefix('-')?, 2)?;
    let (rest, day) = digits(rest.strip_prefix('-')?, 2)?;
    // Leap years come again every four centuries, of which ten thousand years are a multiple.
    let year: i32 = year[length - 4..].parse().ok()?;
    NaiveDate::from_ymd_opt(year % 400 + 400, month, day).map(|_| rest)
}

/// What stands after a time.
fn time(text: &str) -> Option<&str> {
    let (rest, hour) = digits(text.strip_prefix('T')?, 2)?;
    let (rest, minute) = digits(rest.strip_prefix(':')?, 2)?;
    let (rest, second) = digits(rest.strip_prefix(':')?, 2)?;
    let (rest, has_part) = match rest.strip_prefix('.') {
        Some(part) => {
            let after = part.trim_start_matches(|c: char| c.is_ascii_digit());
            if after.len() == part.len() {
                return None;
            }
            (after, part[..part.len() - after.len()].bytes().any(|byte| byte != b'0'))
        }
        None => (rest, false),
    };
    let midnight = hour == 24 && minute == 0 && second == 0 && !has_part;
    ((hour < 24 && minute < 60 && second < 60) || midnight).then_some(rest)
}

fn is_zone(text: &str) -> bool {
    let zone = || {
        let (rest, hour) = digits(text.strip_prefix(['+', '-'])?, 2)?;
        let (rest, minute) = digits(rest.strip_prefix(':')?, 2)?;
        Some(rest.is_empty() && (hour < 14 && minute < 60 || hour == 14 && minute == 0))
    };
    matches!(text, "" | "Z") || zone() == Some(true)
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    whole.len() + part.len() > 0 && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit())
}

fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let fits = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    parts.next().is_some_and(|first| fits(first) && first.bytes().all(|byte| byte.is_ascii_alphabetic()))
        && parts.all(fits)
}

/// A reference as RFC 3986 has it, in which spaces, letters beyond ASCII and what no address has stand
/// as if they were escaped.
fn is_address(text: &str) -> bool {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let scheme = rest.split_once(':').filter(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    });
    let (rest, is_relative) = scheme.map_or((rest, true), |(_, rest)| (rest, false));
    let path = match rest.strip_prefix("//") {
        Some(after) => {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            if !is_authority(authority) {
                return false;
            }
            path
        }
        // The first part of a relative path has no colon, as that would be a scheme.
        None if is_relative && rest.split('/').next().is_some_and(|first| first.contains(':')) => return false,
        None => rest,
    };
    escaped(path, b":@/") && escaped(query, b":@/?") && escaped(fragment, b":@/?[]")
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let (host, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((_, "")) => ("", ""),
        Some((_, port)) if port.starts_with(':') => ("", &port[1..]),
        Some(_) => return false,
        None => host.split_once(':').unwrap_or((host, "")),
    };
    escaped(user, b":") && escaped(host, b"") && port.len() < 9 && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether this is made of what stands in all parts of an address, and of these.
fn escaped(text: &str, more: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(place, byte)| match byte {
        b'%' => bytes.get(place + 1..place + 3).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit)),
        b'#' | b'/' | b'?' | b':' | b'@' | b'[' | b']' => more.contains(byte),
        _ => true,
    })
}
