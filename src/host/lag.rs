//! How late events reach us.

use std::time::Duration;

use crate::units::Time;

/// Lag of a host's events: how much longer an event took from the switch to us than the fastest one did.
///
/// The switch's clock and ours are never subtracted as such: what is constant between them falls away with the fastest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Least of (our time - stamp of the event), in microseconds.
    fastest: Option<i64>,
    latest: Duration,
    greatest: Duration,
}

impl Lag {
    /// Takes an event stamped `fired` by the switch that reached us `now`.
    pub fn record(&mut self, fired: Time, now: Time) {
        let took = now.as_micros().cast_signed().wrapping_sub(fired.as_micros().cast_signed());
        let fastest = self.fastest.map_or(took, |fastest| fastest.min(took));
        self.fastest = Some(fastest);
        self.latest = Duration::from_micros(took.abs_diff(fastest));
        self.greatest = self.greatest.max(self.latest);
    }

    /// Lag of the newest event.
    pub fn latest(&self) -> Duration {
        self.latest
    }

    /// Greatest lag so far.
    pub fn greatest(&self) -> Duration {
        self.greatest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_whose_clock_is_off_does_not_lag() {
        let at = |ms: u64| Time::from_micros(ms * 1_000);
        let mut lag = Lag::default();
        lag.record(at(5_000), at(1_010));
        lag.record(at(6_000), at(2_002));
        lag.record(at(7_000), at(3_042));
        assert_eq!(lag.latest(), Duration::from_millis(40));
        lag.record(at(8_000), at(4_002));
        assert_eq!((lag.latest(), lag.greatest()), (Duration::ZERO, Duration::from_millis(40)));
    }
}
