//! Quantities with units that bounds are put on.

use std::fmt;
use std::time::Duration;

use crate::units::{Db, Dbm0, Hertz, Percent};

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
            1..1_000_000 => write!(f, "{}us", nanos / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{}ms", nanos / 1e6),
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
