//! An axis: where it begins and ends, and the round numbers on it.

use super::Unit;
use crate::canvas::ticks::step;

/// From a value to a part of the axis, and what stands beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    /// Values, and what they are called.
    pub ticks: Vec<(f64, String)>,
    /// What the numbers are: `ms`.
    pub unit: String,
}

impl Scale {
    /// An axis with 0, `low` and `high` on it, which begins and ends at a tick.
    pub fn of_values(low: f64, high: f64, unit: &Unit) -> Scale {
        const MOST: f64 = 1e100;
        let (low, mut high) = (low.clamp(-MOST, 0.0), high.clamp(0.0, MOST));
        let least = match unit {
            Unit::Count(_) => 1.0,
            Unit::Percent => 10.0,
            Unit::Seconds => 1e-6,
            Unit::PerSecond => 1e-3,
            Unit::Bytes => 1.0,
        };
        if high - low < least {
            high = low + least;
        }
        let (factor, name) = scaled(unit, high.max(-low));
        let mut step = step((high - low) * factor, 5.0);
        if matches!(unit, Unit::Count(_) | Unit::Bytes) && factor == 1.0 {
            step = step.max(1.0);
        }
        // A hair less, so that 0.30000000000000004 needs no tick of its own.
        let first = (low * factor / step + 1e-9).floor() as i64;
        let last = (high * factor / step - 1e-9).ceil() as i64;
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        let ticks: Vec<(f64, String)> =
            (first..=last).map(|n| (n as f64 * step / factor, grouped(n as f64 * step, decimals))).collect();
        let end = |n: i64| n as f64 * step / factor;
        Scale { low: end(first).min(low), high: end(last).max(high), ticks, unit: name }
    }

    /// An axis of time from 0 to `seconds`, with `most` ticks or fewer.
    pub fn of_time(seconds: f64, most: usize) -> Scale {
        let high = if seconds.is_finite() && seconds > 0.0 { seconds.clamp(0.1, 1e12) } else { 1.0 };
        let mut round = STEPS.iter().copied().find(|step| high / step <= most as f64);
        let mut days = DAY;
        let step = *round.get_or_insert_with(|| {
            while high / days > most as f64 {
                days *= 2.0;
            }
            days
        });
        let ticks = (0..=most)
            .map(|n| n as f64 * step)
            .take_while(|tick| *tick <= high * (1.0 + 1e-9))
            .map(|tick| (tick, clock(tick, high, step)))
            .collect();
        Scale { low: 0.0, high, ticks, unit: String::new() }
    }

    /// Where `value` is: 0 at the beginning of the axis, 1 at its end.
    pub fn part(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

const DAY: f64 = 86_400.0;
/// Seconds between two ticks, as clocks have them.
const STEPS: [f64; 22] = [
    0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 900.0, 1800.0,
    3600.0, 14_400.0, 43_200.0,
];

/// `mm:ss`; with hours where they are needed, and with parts of a second where ticks are that close.
fn clock(seconds: f64, longest: f64, step: f64) -> String {
    let parts: u32 = if step < 0.1 { 2 } else { u32::from(step < 1.0) };
    let unit = 10u64.pow(parts);
    let all = (seconds * unit as f64).round() as u64;
    let (whole, part) = (all / unit, all % unit);
    let mut text = match longest {
        3600.0.. => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
        _ => format!("{:02}:{:02}", whole / 60, whole % 60),
    };
    if parts > 0 {
        text += &format!(".{part:0width$}", width = parts as usize);
    }
    text
}

/// By what values are multiplied to be told, and what they are then.
fn scaled(unit: &Unit, highest: f64) -> (f64, String) {
    let (factor, name) = match unit {
        Unit::Seconds if highest < 1e-3 => (1e6, "us"),
        Unit::Seconds if highest < 1.0 => (1e3, "ms"),
        Unit::Seconds if highest < 300.0 => (1.0, "s"),
        Unit::Seconds => (1.0 / 60.0, "min"),
        Unit::Count(name) => (1.0, name.as_str()),
        Unit::PerSecond => (1.0, "calls/s"),
        Unit::Percent => (1.0, "%"),
        Unit::Bytes if highest >= 1e9 => (1e-9, "GB"),
        Unit::Bytes if highest >= 1e6 => (1e-6, "MB"),
        Unit::Bytes if highest >= 1e3 => (1e-3, "kB"),
        Unit::Bytes => (1.0, "bytes"),
    };
    (factor, name.to_owned())
}

/// As an axis with values up to `value` tells it: `12.5 ms`.
pub fn told(value: f64, unit: &Unit) -> String {
    let (factor, name) = scaled(unit, value.abs());
    let value = value * factor;
    let text = grouped(value, usize::from(value.abs() < 100.0));
    format!("{} {name}", text.strip_suffix(".0").unwrap_or(&text))
}

/// Thousands apart: `12,500`.
fn grouped(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e15 {
        return format!("{value:.0e}");
    }
    // No negative zero.
    let text = format!("{:.decimals$}", if value == 0.0 { 0.0 } else { value });
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |text| ("-", text));
    let (whole, part) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{part}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_are_ones_twos_and_fives_in_the_unit_that_a_person_would_choose() {
        let scale = Scale::of_values(0.0, 0.23, &Unit::Seconds);
        assert_eq!((labels(&scale), scale.unit.as_str()), (vec!["0", "50", "100", "150", "200", "250"], "ms"));
        let scale = Scale::of_values(0.0, 3.0, &Unit::Count("calls".to_owned()));
        assert_eq!((labels(&scale), scale.unit.as_str()), (vec!["0", "1", "2", "3"], "calls"));
        let scale = Scale::of_values(0.0, 41_000.0, &Unit::PerSecond);
        assert_eq!(labels(&scale), ["0", "10,000", "20,000", "30,000", "40,000", "50,000"]);
        assert_eq!(labels(&Scale::of_values(0.0, 0.0, &Unit::Count(String::new()))), ["0", "1"]);
        assert_eq!(labels(&Scale::of_values(-3e6, 1e6, &Unit::Bytes)), ["-3", "-2", "-1", "0", "1"]);
    }

    #[test]
    fn time_is_told_as_clocks_tell_it() {
        assert_eq!(labels(&Scale::of_time(61.0, 8)), ["00:00", "00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]);
        assert_eq!(labels(&Scale::of_time(7300.0, 8)), ["0:00:00", "0:30:00", "1:00:00", "1:30:00", "2:00:00"]);
        assert_eq!(labels(&Scale::of_time(0.9, 8))[..2], ["00:00.0", "00:00.2"]);
        assert_eq!(labels(&Scale::of_time(f64::NAN, 8)).last(), Some(&"00:01.0"));
    }

    proptest! {
        #[test]
        fn ticks_are_few_and_cover_the_range(low in -1e12..1e12_f64, length in 0.0..1e12_f64, small in any::<bool>()) {
            let (low, length) = if small { (low * 1e-15, length * 1e-15) } else { (low, length) };
            for unit in [Unit::Seconds, Unit::PerSecond, Unit::Percent, Unit::Bytes, Unit::Count("calls".to_owned())] {
                let scale = Scale::of_values(low, low + length, &unit);
                let (first, last) = (scale.ticks[0].0, scale.ticks[scale.ticks.len() - 1].0);
                let hair = (scale.high - scale.low) * 1e-6;
                prop_assert!(first <= low + hair && first <= 0.0 && last >= low + length - hair && last >= 0.0);
                prop_assert!((2..=8).contains(&scale.ticks.len()), "{:?}", scale.ticks);
                prop_assert!(scale.ticks.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 != two[1].1));
            }
        }

        #[test]
        fn ticks_of_time_are_few_and_differ(seconds in 0.0..1e9_f64) {
            let scale = Scale::of_time(seconds, 8);
            prop_assert!((2..=9).contains(&scale.ticks.len()), "{:?}", scale.ticks);
            prop_assert!(scale.ticks.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 != two[1].1));
            prop_assert!(scale.ticks.iter().all(|tick| tick.0 <= scale.high * 1.000001));
        }
    }
}
