//! Conditions, as in XPath: `count(sector) > 1 and not(recipient-region)`, `@percentage = 100`. `$` is the
//! value of the group that a rule looks at, and `dac` says that `@vocabulary` names the OECD DAC's
//! vocabulary, which it does where it says nothing.

use super::path::Path;
use crate::formats::iati::xml::Element;

/// A condition, or a part of one.
#[derive(Debug)]
pub enum Expression {
    /// One of these holds.
    Or(Vec<Expression>),
    /// All of these hold.
    And(Vec<Expression>),
    /// This does not hold.
    Not(Box<Expression>),
    /// The one compares to the other.
    Compare(Box<Expression>, Comparison, Box<Expression>),
    /// How many paths come to, all together.
    Count(Vec<Path>),
    /// The first that a path comes to, as a number.
    ToNumber(Path),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// The value of the group.
    Group,
    /// The vocabulary is the OECD DAC's.
    Dac,
    /// A path comes to something.
    Path(Path),
}

/// How two values compare.
#[derive(Debug, Clone, Copy)]
pub enum Comparison {
    /// `=`
    Same,
    /// `!=`
    Different,
    /// `>=`
    AtLeast,
    /// `>`
    More,
    /// `<`
    Less,
}

impl Comparison {
    fn of(self, left: f64, right: f64) -> bool {
        match self {
            Self::Same => left == right,
            Self::Different => left != right,
            Self::AtLeast => left >= right,
            Self::More => left > right,
            Self::Less => left < right,
        }
    }
}

impl Expression {
    /// One, and nothing after it.
    pub fn new(text: &str) -> Option<Self> {
        let mut words = Words::new(text);
        let expression = Self::parse(&mut words)?;
        words.is_end().then_some(expression)
    }

    /// Reads one.
    pub fn parse(words: &mut Words<'_>) -> Option<Self> {
        let mut any = vec![Self::and(words)?];
        while words.skip("or ") {
            any.push(Self::and(words)?);
        }
        if any.len() == 1 { any.pop() } else { Some(Self::Or(any)) }
    }

    fn and(words: &mut Words<'_>) -> Option<Self> {
        let mut all = vec![Self::comparison(words)?];
        while words.skip("and ") {
            all.push(Self::comparison(words)?);
        }
        if all.len() == 1 { all.pop() } else { Some(Self::And(all)) }
    }

    fn comparison(words: &mut Words<'_>) -> Option<Self> {
        let left = Self::value(words)?;
        let known = [
            ("=", Comparison::Same),
            ("!=", Comparison::Different),
            (">=", Comparison::AtLeast),
            (">", Comparison::More),
            ("<", Comparison::Less),
        ];
        match known.into_iter().find(|(sign, _)| words.skip(sign)) {
            Some((_, comparison)) => Some(Self::Compare(Box::new(left), comparison, Box::new(Self::value(words)?))),
            None => Some(left),
        }
    }

    fn value(words: &mut Words<'_>) -> Option<Self> {
        if words.skip("not(") {
            let inner = Self::parse(words)?;
            return words.skip(")").then(|| Self::Not(Box::new(inner)));
        }
        if words.skip("count(") {
            let mut paths = vec![Path::parse(words)?];
            while words.skip("|") {
                paths.push(Path::parse(words)?);
            }
            return words.skip(")").then_some(Self::Count(paths));
        }
        if words.skip("number(") {
            let path = Path::parse(words)?;
            return words.skip(")").then_some(Self::ToNumber(path));
        }
        if words.skip("(") {
            let inner = Self::parse(words)?;
            return words.skip(")").then_some(inner);
        }
        if words.skip("$") {
            return Some(Self::Group);
        }
        if words.skip("dac") {
            return Some(Self::Dac);
        }
        words.text().map(|text| Self::Text(text.to_owned())).or_else(|| words.number().map(Self::Number)).or_else(
            || {
                let path = Path::parse(words)?;
                Some(Self::Path(path))
            },
        )
    }

    /// Whether it holds of an element.
    pub fn holds(&self, of: &Element, group: &str) -> bool {
        match self {
            Self::Or(any) => any.iter().any(|one| one.holds(of, group)),
            Self::And(all) => all.iter().all(|one| one.holds(of, group)),
            Self::Not(one) => !one.holds(of, group),
            Self::Path(path) => path.visit(of, group, &mut |_| true),
            Self::Dac => of
                .attributes()
                .find(|(name, _)| *name == "vocabulary")
                .is_none_or(|(_, value)| matches!(value, "" | "1")),
            Self::Compare(left, comparison, right) => compare(left, *comparison, right, of, group),
            Self::Count(_) | Self::ToNumber(_) | Self::Number(_) => self.number(of, group) > 0.0,
            Self::Text(_) | Self::Group => true,
        }
    }

    fn number(&self, of: &Element, group: &str) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::ToNumber(path) => path.first(of, group).map_or(f64::NAN, |found| number(&found.value())),
            Self::Count(paths) => {
                let mut count = 0_u32;
                for path in paths {
                    path.visit(of, group, &mut |_| {
                        count += 1;
                        false
                    });
                }
                f64::from(count)
            }
            _ => f64::NAN,
        }
    }

    /// The parts of an element that it looks at.
    pub fn parts(&self) -> Vec<&str> {
        match self {
            Self::Or(all) | Self::And(all) => all.iter().flat_map(Self::parts).collect(),
            Self::Not(one) => one.parts(),
            Self::Compare(left, _, right) => [left.parts(), right.parts()].concat(),
            Self::Count(paths) => paths.iter().filter_map(Path::part).collect(),
            Self::ToNumber(path) | Self::Path(path) => path.part().into_iter().collect(),
            Self::Number(_) | Self::Text(_) | Self::Group | Self::Dac => Vec::new(),
        }
    }
}

/// What a path comes to compares if any of it does.
fn compare(left: &Expression, comparison: Comparison, right: &Expression, of: &Element, group: &str) -> bool {
    let Expression::Path(path) = left else {
        return match right {
            Expression::Path(path) => {
                let left = left.number(of, group);
                path.visit(of, group, &mut |found| comparison.of(left, number(&found.value())))
            }
            _ => comparison.of(left.number(of, group), right.number(of, group)),
        };
    };
    let text = match right {
        Expression::Text(text) => Some(text.as_str()),
        Expression::Group => Some(group),
        _ => None,
    };
    match text {
        Some(text) => {
            let wants_same = matches!(comparison, Comparison::Same);
            path.visit(of, group, &mut |found| (found.value() == text) == wants_same)
        }
        None => {
            let right = right.number(of, group);
            path.visit(of, group, &mut |found| comparison.of(number(&found.value()), right))
        }
    }
}

/// A number as XPath has it: without an exponent, and without `+`.
fn number(text: &str) -> f64 {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_number.then(|| text.parse().ok()).flatten().unwrap_or(f64::NAN)
}

/// A path or condition that is being read.
pub struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    /// Reads this.
    pub fn new(text: &'a str) -> Self {
        Self(text.trim())
    }

    /// Whether all is read.
    pub fn is_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads this, if it comes next.
    pub fn skip(&mut self, what: &str) -> bool {
        match self.0.trim_start().strip_prefix(what) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Reads what consists of these.
    fn take(&mut self, is_part: impl Fn(char) -> bool) -> Option<&'a str> {
        let text = self.0.trim_start();
        let (taken, rest) = text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()));
        if taken.is_empty() {
            return None;
        }
        self.0 = rest;
        Some(taken)
    }

    /// Reads a name.
    pub fn name(&mut self) -> Option<&'a str> {
        self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':'))
    }

    /// Reads a number.
    fn number(&mut self) -> Option<f64> {
        self.take(|c| c.is_ascii_digit())?.parse().ok()
    }

    /// Reads a text in quotes.
    fn text(&mut self) -> Option<&'a str> {
        let (text, rest) = self.0.trim_start().strip_prefix('\'')?.split_once('\'')?;
        self.0 = rest;
        Some(text)
    }
}
