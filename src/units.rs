//! Quantities with their units: points in time, levels, frequencies, rates.
//!
//! Time is an argument everywhere in this crate. [`Time`] is what is passed: only the IO shells make one from a
//! clock, so a test may count it up by hand.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in time: microseconds since the Unix epoch, as FreeSWITCH stamps its events.
///
/// A shell reads the wall clock once and adds monotonic time to it, so a `Time` never goes back within a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The point `micros` microseconds after the Unix epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Time(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, by: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, by: Duration) {
        *self = *self + by;
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, by: Duration) -> Time {
        Time(self.0.saturating_sub(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// Level against the G.711 digital milliwatt (ITU-T G.711, table 5), in dBm0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Dbm0(pub f64);

impl fmt::Display for Dbm0 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} dBm0", tenths(self.0))
    }
}

/// `value` to one digit behind the point, so that nothing is shown as `-0.0`.
fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

/// Difference of two levels, in decibels.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Db(pub f64);

impl fmt::Display for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} dB", tenths(self.0))
    }
}

/// Parts of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} %", self.0)
    }
}

/// Frequency in hertz.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Hertz(pub f64);

impl fmt::Display for Hertz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} Hz", self.0)
    }
}

/// Calls offered per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Cps(pub f64);

impl fmt::Display for Cps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} CPS", self.0)
    }
}

/// Samples per second of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleRate(pub u32);

impl SampleRate {
    /// Narrow-band telephony.
    pub const NARROW: SampleRate = SampleRate(8_000);

    /// How many samples last `duration`, rounded down.
    pub fn samples(self, duration: Duration) -> usize {
        usize::try_from(duration.as_micros() * u128::from(self.0) / 1_000_000).unwrap_or(usize::MAX)
    }

    /// How long `samples` samples last.
    pub fn duration(self, samples: usize) -> Duration {
        Duration::from_nanos((samples as u64).saturating_mul(1_000_000_000) / u64::from(self.0.max(1)))
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

/// `duration` in the largest unit that needs no more than three digits before the point: `850us`, `20ms`, `1.25s`.
pub fn human(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0 => "0s".to_owned(),
        1..1_000 => format!("{micros}us"),
        1_000..1_000_000 if micros.is_multiple_of(1_000) => format!("{}ms", micros / 1_000),
        1_000..10_000 => format!("{:.1}ms", duration.as_secs_f64() * 1e3),
        10_000..1_000_000 => format!("{:.0}ms", duration.as_secs_f64() * 1e3),
        _ => {
            let text = format!("{:.2}", duration.as_secs_f64());
            format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_in_the_unit_a_person_would_choose() {
        let told = [850, 1_500, 20_000, 333_333, 1_250_000, 60_000_000].map(|us| human(Duration::from_micros(us)));
        assert_eq!(told, ["850us", "1.5ms", "20ms", "333ms", "1.25s", "60s"]);
    }

    #[test]
    fn samples_and_durations_convert_both_ways() {
        assert_eq!(SampleRate::NARROW.samples(Duration::from_millis(20)), 160);
        assert_eq!(SampleRate(16_000).duration(16_000), Duration::from_secs(1));
    }

    #[test]
    fn no_level_is_minus_zero() {
        let told = [-0.04, -0.06, f64::NEG_INFINITY].map(|level| Dbm0(level).to_string());
        assert_eq!(told, ["0.0 dBm0", "-0.1 dBm0", "-inf dBm0"]);
    }

    #[test]
    fn time_never_wraps() {
        assert_eq!(Time::from_micros(5) - Duration::from_secs(1), Time::from_micros(0));
        assert_eq!(Time::from_micros(5).since(Time::from_micros(9)), Duration::ZERO);
    }
}
