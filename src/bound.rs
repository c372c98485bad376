//! What a value must be, as a tester writes it: `>= 2s`, `1004Hz +-4Hz`, `< -40dBm0`, `== 0`, `2s..5s`.
//!
//! Durations, gates and audio checks share this. A text that does not parse tells the byte where it goes wrong, what
//! stands there and what could.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::units::{Db, Dbm0, Hertz, Percent};

/// A condition on one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound<T: Unit> {
    /// `>= 2s`
    AtLeast(T),
    /// `<= 2s`
    AtMost(T),
    /// `> 2s`
    MoreThan(T),
    /// `< 2s`
    LessThan(T),
    /// `== 2s`
    Exactly(T),
    /// `2s..5s`, ends included
    Between(T, T),
    /// `2s +-100ms`
    Within(Within<T>),
}

/// A value and how far off it another may be: `1004Hz +-4Hz`, also written with `±`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Within<T: Unit> {
    pub centre: T,
    pub tolerance: T::Tolerance,
}

impl<T: Unit> Bound<T> {
    /// Whether `value` is as asked. A value that is not a number never is.
    pub fn holds(&self, value: T) -> bool {
        match self {
            Bound::AtLeast(limit) => value >= *limit,
            Bound::AtMost(limit) => value <= *limit,
            Bound::MoreThan(limit) => value > *limit,
            Bound::LessThan(limit) => value < *limit,
            Bound::Exactly(wanted) => value == *wanted,
            Bound::Between(low, high) => value >= *low && value <= *high,
            Bound::Within(within) => within.holds(value),
        }
    }

    /// Whether a greater value might hold where `value` does not.
    pub fn wants_more_than(&self, value: T) -> bool {
        match self {
            Bound::AtLeast(low) | Bound::Exactly(low) | Bound::Between(low, _) => value < *low,
            Bound::MoreThan(low) => value <= *low,
            Bound::AtMost(_) | Bound::LessThan(_) => false,
            Bound::Within(within) => value < within.centre && !within.holds(value),
        }
    }
}

impl<T: Unit> Within<T> {
    /// Whether `value` is within the tolerance, both ends included.
    pub fn holds(&self, value: T) -> bool {
        value.apart(self.centre) <= self.tolerance
    }
}

/// A quantity that a bound can be put on.
pub trait Unit: Copy + PartialOrd + fmt::Debug {
    /// How far two values may be apart is told in this: decibels for levels in dBm0, the same unit for all others.
    type Tolerance: Unit;
    /// The units allowed behind a number, as an error tells them.
    const FORMS: &'static str;

    /// The value of `number` in the unit `suffix`; `None` when that is no unit of this quantity.
    fn read(number: f64, suffix: &str) -> Option<Self>;
    /// The shortest text that reads back as this value.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// The distance of two values.
    fn apart(self, other: Self) -> Self::Tolerance;
    /// Whether the quantity can be less than zero.
    const SIGNED: bool = false;
    /// Whether it may have digits behind the point.
    const FRACTIONS: bool = true;
}

impl Unit for Duration {
    type Tolerance = Duration;
    const FORMS: &'static str = "`us`, `ms`, `s`, `m` or `h`";

    fn read(number: f64, suffix: &str) -> Option<Self> {
        let nanos = match suffix {
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" | "min" => 60e9,
            "h" => 3600e9,
            _ => return None,
        };
        // Whole nanoseconds, so that 0.1s is 100ms; `as` saturates.
        Some(Duration::from_nanos((number * nanos).round() as u64))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.as_nanos() as f64;
        match self.as_nanos() {
            0 => f.write_str("0s"),
            ..1_000_000 => write!(f, "{}us", nanos / 1e3),
            ..1_000_000_000 => write!(f, "{}ms", nanos / 1e6),
            _ => write!(f, "{}s", nanos / 1e9),
        }
    }

    fn apart(self, other: Self) -> Duration {
        self.abs_diff(other)
    }
}

impl Unit for Hertz {
    type Tolerance = Hertz;
    const FORMS: &'static str = "`Hz` or `kHz`";

    fn read(number: f64, suffix: &str) -> Option<Self> {
        match suffix {
            _ if suffix.eq_ignore_ascii_case("Hz") => Some(Hertz(number)),
            _ if suffix.eq_ignore_ascii_case("kHz") => Some(Hertz(number * 1e3)),
            _ => None,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Hz", self.0)
    }

    fn apart(self, other: Self) -> Hertz {
        Hertz((self.0 - other.0).abs())
    }
}

impl Unit for Dbm0 {
    type Tolerance = Db;
    const FORMS: &'static str = "`dBm0`";
    const SIGNED: bool = true;

    fn read(number: f64, suffix: &str) -> Option<Self> {
        suffix.eq_ignore_ascii_case("dBm0").then_some(Dbm0(number))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}dBm0", self.0)
    }

    fn apart(self, other: Self) -> Db {
        Db((self.0 - other.0).abs())
    }
}

impl Unit for Db {
    type Tolerance = Db;
    const FORMS: &'static str = "`dB`";
    const SIGNED: bool = true;

    fn read(number: f64, suffix: &str) -> Option<Self> {
        suffix.eq_ignore_ascii_case("dB").then_some(Db(number))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}dB", self.0)
    }

    fn apart(self, other: Self) -> Db {
        Db((self.0 - other.0).abs())
    }
}

impl Unit for Percent {
    type Tolerance = Percent;
    const FORMS: &'static str = "`%`";

    fn read(number: f64, suffix: &str) -> Option<Self> {
        (suffix == "%").then_some(Percent(number))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }

    fn apart(self, other: Self) -> Percent {
        Percent((self.0 - other.0).abs())
    }
}

impl Unit for f64 {
    type Tolerance = f64;
    const FORMS: &'static str = "no unit";
    const SIGNED: bool = true;

    fn read(number: f64, suffix: &str) -> Option<Self> {
        suffix.is_empty().then_some(number)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn apart(self, other: Self) -> f64 {
        (self - other).abs()
    }
}

impl Unit for u64 {
    type Tolerance = u64;
    const FORMS: &'static str = "no unit";
    const FRACTIONS: bool = false;

    fn read(number: f64, suffix: &str) -> Option<Self> {
        suffix.is_empty().then_some(number as u64)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn apart(self, other: Self) -> u64 {
        self.abs_diff(other)
    }
}

/// Why a text is no bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} at byte {at}: expected {expected}")]
pub struct BoundError {
    /// Bytes from the start of the text.
    pub at: usize,
    /// Length in bytes of what is wrong; 0 where something is missing.
    pub length: usize,
    /// What stands there, in words: `` `apples` `` or `the end`.
    pub found: String,
    pub expected: String,
}

impl<T: Unit> FromStr for Bound<T> {
    type Err = BoundError;

    fn from_str(text: &str) -> Result<Self, BoundError> {
        let mut cursor = Cursor { text, at: 0 };
        cursor.blanks();
        for (mark, make) in [
            // Longer marks first.
            (">=", Bound::AtLeast as fn(T) -> Bound<T>),
            ("<=", Bound::AtMost),
            ("==", Bound::Exactly),
            (">", Bound::MoreThan),
            ("<", Bound::LessThan),
        ] {
            if cursor.takes(mark) {
                let limit = cursor.quantity()?;
                cursor.end("nothing more")?;
                return Ok(make(limit));
            }
        }
        if !cursor.rest().starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
            return Err(cursor.expected(
                "one of `>=`, `<=`, `>`, `<`, `==`, or a value as in `VALUE..VALUE` and `VALUE +-TOLERANCE`",
            ));
        }
        let low = cursor.quantity()?;
        if cursor.takes("..") {
            cursor.blanks();
            let at = cursor.at;
            let high: T = cursor.quantity()?;
            if high < low {
                cursor.at = at;
                return Err(cursor.expected("a value that is not below the first one"));
            }
            cursor.end("nothing more")?;
            return Ok(Bound::Between(low, high));
        }
        match cursor.tolerance::<T>()? {
            Some(tolerance) => Ok(Bound::Within(Within { centre: low, tolerance })),
            None => Err(cursor.expected("`..` or `+-` (or `==` in front of the value)")),
        }
    }
}

impl<T: Unit> FromStr for Within<T> {
    type Err = BoundError;

    fn from_str(text: &str) -> Result<Self, BoundError> {
        let mut cursor = Cursor { text, at: 0 };
        let centre = cursor.quantity()?;
        match cursor.tolerance::<T>()? {
            Some(tolerance) => Ok(Within { centre, tolerance }),
            None => Err(cursor.expected("`+-` and a tolerance")),
        }
    }
}

/// Reads one value and nothing else: `200ms`, `1004Hz`, `99%`.
pub fn parse_value<T: Unit>(text: &str) -> Result<T, BoundError> {
    let mut cursor = Cursor { text, at: 0 };
    let value = cursor.quantity()?;
    cursor.end("nothing more")?;
    Ok(value)
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn takes(&mut self, mark: &str) -> bool {
        self.blanks();
        let taken = self.rest().starts_with(mark);
        self.at += if taken { mark.len() } else { 0 };
        taken
    }

    /// The bytes for which `belongs` says so.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let run = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.at += run.len();
        run
    }

    /// An error at this place, naming the word that stands here.
    fn expected(&self, expected: impl Into<String>) -> BoundError {
        let rest = self.rest();
        let at = self.at + rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        let word = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        let found = if word.is_empty() { "the end".to_owned() } else { format!("`{word}`") };
        BoundError { at, length: word.len(), found, expected: expected.into() }
    }

    fn quantity<T: Unit>(&mut self) -> Result<T, BoundError> {
        self.blanks();
        let start = self.at;
        if self.rest().starts_with(['+', '-']) {
            self.at += 1;
        }
        let digits = self.run(|c| c.is_ascii_digit()).len();
        let mut fraction = 0;
        // The `..` of a range is no decimal point.
        if self.rest().starts_with('.') && !self.rest().starts_with("..") {
            self.at += 1;
            fraction = self.run(|c| c.is_ascii_digit()).len();
        }
        let number = self.text[start..self.at].parse::<f64>().ok().filter(|_| digits + fraction > 0);
        let back = |cursor: &Cursor<'_>, expected: &str| Cursor { text: cursor.text, at: start }.expected(expected);
        let number = number.ok_or_else(|| back(self, "a number"))?;
        if !T::SIGNED && number.is_sign_negative() {
            return Err(back(self, "a number that is not below 0"));
        }
        if !T::FRACTIONS && number.fract() != 0.0 {
            return Err(back(self, "a whole number"));
        }
        let after_number = self.at;
        self.blanks();
        let unit_at = self.at;
        let suffix = self.run(|c| c.is_alphanumeric() || c == '%');
        if suffix.is_empty() {
            self.at = after_number;
        }
        T::read(number, suffix).ok_or_else(|| {
            let expected = format!("{} behind the number", T::FORMS);
            let at = if suffix.is_empty() { after_number } else { unit_at };
            let found = if suffix.is_empty() { None } else { Some(suffix) };
            BoundError {
                at,
                length: suffix.len(),
                found: found
                    .map_or_else(|| Cursor { text: self.text, at }.expected("").found, |unit| format!("`{unit}`")),
                expected,
            }
        })
    }

    /// `+-` and a tolerance, and then the end; `None` when something else stands here.
    fn tolerance<T: Unit>(&mut self) -> Result<Option<T::Tolerance>, BoundError> {
        if !["+-", "±", "+/-"].iter().any(|mark| self.takes(mark)) {
            return Ok(None);
        }
        if self.rest().trim_start().starts_with('-') {
            return Err(self.expected("a tolerance that is not below 0"));
        }
        let tolerance = self.quantity()?;
        self.end("nothing more")?;
        Ok(Some(tolerance))
    }

    fn end(&mut self, expected: &str) -> Result<(), BoundError> {
        self.blanks();
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected(expected)) }
    }
}

impl<T: Unit> fmt::Display for Bound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, value) = match self {
            Bound::AtLeast(value) => (">= ", value),
            Bound::AtMost(value) => ("<= ", value),
            Bound::MoreThan(value) => ("> ", value),
            Bound::LessThan(value) => ("< ", value),
            Bound::Exactly(value) => ("== ", value),
            Bound::Between(low, high) => {
                low.write(f)?;
                f.write_str("..")?;
                return high.write(f);
            }
            Bound::Within(within) => return within.fmt(f),
        };
        f.write_str(mark)?;
        value.write(f)
    }
}

impl<T: Unit> fmt::Display for Within<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.centre.write(f)?;
        f.write_str(" +-")?;
        self.tolerance.write(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound<T: Unit>(text: &str) -> Bound<T> {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn error<T: Unit>(text: &str) -> (usize, String) {
        let error = text.parse::<Bound<T>>().unwrap_err();
        (error.at, error.to_string())
    }

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn every_form_is_read_with_every_unit() {
        assert_eq!(bound(">= 2s"), Bound::AtLeast(2 * S));
        assert_eq!(bound("<=200ms"), Bound::AtMost(Duration::from_millis(200)));
        assert_eq!(bound(" > 1.5s "), Bound::MoreThan(Duration::from_millis(1500)));
        assert_eq!(bound("< 20us"), Bound::LessThan(Duration::from_micros(20)));
        assert_eq!(bound("== 2m"), Bound::Exactly(120 * S));
        assert_eq!(bound("2s..5s"), Bound::Between(2 * S, 5 * S));
        assert_eq!(bound("2 s .. 1h"), Bound::Between(2 * S, 3600 * S));
        assert_eq!(bound("1004Hz +-4Hz"), Bound::Within(Within { centre: Hertz(1004.0), tolerance: Hertz(4.0) }));
        assert_eq!(bound("1kHz ± 4hz"), Bound::Within(Within { centre: Hertz(1000.0), tolerance: Hertz(4.0) }));
        assert_eq!(bound("0dBm0 +-3dB"), Bound::Within(Within { centre: Dbm0(0.0), tolerance: Db(3.0) }));
        assert_eq!(bound("< -40dBm0"), Bound::LessThan(Dbm0(-40.0)));
        assert_eq!(bound("-20dBm0..-10dBm0"), Bound::Between(Dbm0(-20.0), Dbm0(-10.0)));
        assert_eq!(bound(">= 99.5%"), Bound::AtLeast(Percent(99.5)));
        assert_eq!(bound("== 0"), Bound::Exactly(0u64));
        assert_eq!(bound("> -1.5"), Bound::MoreThan(-1.5f64));
        assert_eq!("10s +/- 500ms".parse(), Ok(Within { centre: 10 * S, tolerance: S / 2 }));
        assert_eq!(parse_value("250ms"), Ok(S / 4));
    }

    #[test]
    fn errors_tell_where_and_what_could_stand_there() {
        let units = "`us`, `ms`, `s`, `m` or `h` behind the number";
        assert_eq!(error::<Duration>(">= 2apples"), (4, format!("`apples` at byte 4: expected {units}")));
        assert_eq!(error::<Duration>(">= 2"), (4, format!("the end at byte 4: expected {units}")));
        assert_eq!(error::<Duration>(">= 2 Hz"), (5, format!("`Hz` at byte 5: expected {units}")));
        assert_eq!(error::<Hertz>("1004Hz +-4dB").1, "`dB` at byte 10: expected `Hz` or `kHz` behind the number");
        assert_eq!(error::<Dbm0>("0dBm0 +-3dBm0").1, "`dBm0` at byte 9: expected `dB` behind the number");
        assert_eq!(error::<Dbm0>("0dBm0 +- -3dB").1, "`-3dB` at byte 9: expected a tolerance that is not below 0");
        assert_eq!(error::<Duration>("=> 2s").0, 0);
        assert!(error::<Duration>("=> 2s").1.starts_with("`=>` at byte 0: expected one of `>=`"));
        assert!(error::<Duration>("").1.starts_with("the end at byte 0: expected one of"));
        assert_eq!(
            error::<Duration>("2s").1,
            "the end at byte 2: expected `..` or `+-` (or `==` in front of the value)"
        );
        assert_eq!(error::<Duration>(">= 2s 3s").1, "`3s` at byte 6: expected nothing more");
        assert_eq!(error::<Duration>(">= -2s").1, "`-2s` at byte 3: expected a number that is not below 0");
        assert_eq!(error::<Duration>(">= fast").1, "`fast` at byte 3: expected a number");
        assert_eq!(error::<Duration>("5s..2s").1, "`2s` at byte 4: expected a value that is not below the first one");
        assert_eq!(error::<u64>("== 1.5").1, "`1.5` at byte 3: expected a whole number");
        assert_eq!(error::<u64>("== 1s").1, "`s` at byte 4: expected no unit behind the number");
        assert_eq!(error::<Percent>(">= 99").1, "the end at byte 5: expected `%` behind the number");
        assert_eq!(
            "1004Hz".parse::<Within<Hertz>>().unwrap_err().to_string(),
            "the end at byte 6: expected `+-` and a tolerance"
        );
    }

    #[test]
    fn limits_belong_to_the_bounds_that_say_so() {
        let holding = |text: &str| [1, 2, 3, 5, 6].map(|n| bound::<Duration>(text).holds(n * S));
        assert_eq!(holding(">= 2s"), [false, true, true, true, true]);
        assert_eq!(holding("> 2s"), [false, false, true, true, true]);
        assert_eq!(holding("<= 2s"), [true, true, false, false, false]);
        assert_eq!(holding("< 2s"), [true, false, false, false, false]);
        assert_eq!(holding("== 2s"), [false, true, false, false, false]);
        assert_eq!(holding("2s..5s"), [false, true, true, true, false]);
        assert_eq!(holding("4s +-1s"), [false, false, true, true, false]);
        assert!(!bound::<f64>(">= 0").holds(f64::NAN) && !bound::<f64>("0 +-1").holds(f64::NAN));
    }

    #[test]
    fn a_bound_reads_back_as_it_is_shown() {
        for text in [">= 2s", "<= 200ms", "> 1.5s", "< 20us", "== 120s", "2s..5s", "10s +-500ms", "< 0s"] {
            assert_eq!(bound::<Duration>(text).to_string(), text);
        }
        assert_eq!(bound::<Hertz>("1004.5Hz +-4Hz").to_string(), "1004.5Hz +-4Hz");
        assert_eq!(bound::<Dbm0>("-10dBm0 +-3dB").to_string(), "-10dBm0 +-3dB");
        assert_eq!(bound::<Percent>(">= 99%").to_string(), ">= 99%");
        assert_eq!(bound::<u64>("0..7").to_string(), "0..7");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[<>=+±./ 0-9a-zµ%é-]{0,16}") {
            let _ = (text.parse::<Bound<Duration>>(), text.parse::<Within<Dbm0>>(), text.parse::<Bound<u64>>());
        }

        #[test]
        fn any_duration_reads_back(nanos in 0u64..100_000_000_000_000) {
            let shown = Bound::AtLeast(Duration::from_nanos(nanos)).to_string();
            proptest::prop_assert_eq!(bound::<Duration>(&shown), Bound::AtLeast(Duration::from_nanos(nanos)));
        }
    }
}
