//! What a value must be, as a tester writes it: `>= 2s`, `1004Hz +-4Hz`, `< -40dBm0`, `== 0`, `2s..5s`.
//!
//! Durations, gates and audio checks share this. A text that does not parse tells the byte where it goes wrong, what
//! stands there and what could.

use std::fmt;

mod parse;
mod unit;

pub use parse::{BoundError, parse_value};
pub use unit::Unit;

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
    use std::time::Duration;

    use super::*;
    use crate::units::{Db, Dbm0, Hertz, Percent};

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
