//! The rate of calls over time.

use std::fmt;
use std::time::Duration;

use crate::units::{Cps, human};

/// The rate over the time since calls are offered: one rate without end, or stages that end by themselves.
///
/// Call `index`, counted from 0, is due when the integral of the rate comes to `index`. That time is computed from the
/// index alone, so nothing adds up over a long run.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    segments: Vec<Segment>,
    /// `None`: the last segment has no end.
    length: Option<Duration>,
}

/// A part of a profile as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// From the rate before, which is 0 at the beginning, evenly to `to`.
    Ramp { to: Cps, over: Duration },
    /// One rate; without one, the rate before.
    Hold { rate: Option<Cps>, time: Duration },
}

/// A stretch of time in which the rate changes evenly, or not at all. Times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Segment {
    begins: f64,
    length: f64,
    from: f64,
    to: f64,
    /// Calls before it.
    before: f64,
}

/// Of a call; an integral is not known more exactly than this.
const EPSILON: f64 = 1e-6;

impl Profile {
    /// The same rate without end. A rate of 0 offers nothing.
    pub fn constant(rate: Cps) -> Self {
        let rate = rate.0.max(0.0);
        let segment = Segment { begins: 0.0, length: f64::INFINITY, from: rate, to: rate, before: 0.0 };
        Profile { segments: vec![segment], length: None }
    }

    /// One stage after the other, from a rate of 0.
    pub fn stages(stages: impl IntoIterator<Item = Stage>) -> Self {
        let mut profile = Profile { segments: Vec::new(), length: Some(Duration::ZERO) };
        let (mut rate, mut before, mut begins) = (0.0, 0.0, Duration::ZERO);
        for stage in stages {
            let (from, to, time) = match stage {
                Stage::Ramp { to, over } => (rate, to.0.max(0.0), over),
                Stage::Hold { rate: Some(held), time } => (held.0.max(0.0), held.0.max(0.0), time),
                Stage::Hold { rate: None, time } => (rate, rate, time),
            };
            let segment = Segment { begins: begins.as_secs_f64(), length: time.as_secs_f64(), from, to, before };
            before += segment.calls(segment.length);
            begins = begins.saturating_add(time);
            rate = to;
            profile.segments.push(segment);
        }
        profile.length = Some(begins);
        profile
    }

    /// The rate at `elapsed`; 0 once the profile is over.
    pub fn rate_at(&self, elapsed: Duration) -> Cps {
        let elapsed = elapsed.as_secs_f64();
        let at = self.segments.iter().find(|segment| elapsed < segment.begins + segment.length);
        Cps(at.map_or(0.0, |segment| segment.rate(elapsed - segment.begins)))
    }

    /// When call `index`, counted from 0, is due; `None` when there are not so many.
    pub fn due(&self, index: u64) -> Option<Duration> {
        self.when(index as f64)
    }

    /// How long calls are offered; `None`: without end.
    pub fn ends(&self) -> Option<Duration> {
        self.length
    }

    /// How many calls there are in all; `None`: no end of them.
    pub fn calls(&self) -> Option<u64> {
        self.length?;
        let last = self.segments.last()?;
        // Call 0 is due at the beginning, so a part of a call at the end is one more.
        Some((last.before + last.calls(last.length) - EPSILON).ceil().max(0.0) as u64)
    }

    /// The greatest rate.
    pub fn peak(&self) -> Cps {
        Cps(self.segments.iter().fold(0.0, |peak: f64, segment| peak.max(segment.from).max(segment.to)))
    }

    /// When the integral of the rate comes to `calls`.
    pub(super) fn when(&self, calls: f64) -> Option<Duration> {
        // Of an endless segment with a rate of 0 the number of calls is no number.
        let after = |segment: &Segment| segment.before + segment.calls(segment.length) - EPSILON;
        let at = self.segments.partition_point(|segment| after(segment).is_nan() || after(segment) <= calls);
        let segment = self.segments.get(at)?;
        let time = segment.begins + segment.time_of((calls - segment.before).max(0.0));
        Duration::try_from_secs_f64(time).ok()
    }

    /// The integral of the rate from the beginning to `elapsed`.
    pub(super) fn integral(&self, elapsed: Duration) -> f64 {
        let elapsed = elapsed.as_secs_f64();
        let at = self.segments.partition_point(|segment| segment.begins <= elapsed);
        let Some(segment) = at.checked_sub(1).and_then(|at| self.segments.get(at)) else { return 0.0 };
        segment.before + segment.calls((elapsed - segment.begins).min(segment.length))
    }
}

impl Segment {
    /// By how much the rate grows in a second.
    fn slope(&self) -> f64 {
        if self.from == self.to { 0.0 } else { (self.to - self.from) / self.length }
    }

    fn rate(&self, time: f64) -> f64 {
        self.from + self.slope() * time
    }

    /// Calls of its first `time` seconds.
    fn calls(&self, time: f64) -> f64 {
        if self.from == self.to {
            return self.from * time;
        }
        // The mean of both ends, which is exact where the slope would be rounded.
        (self.from + self.from + (self.to - self.from) * (time / self.length)) / 2.0 * time
    }

    /// The time in which it comes to `calls`: the root of `slope / 2 t^2 + from t = calls`, written so that it is
    /// exact for a flat segment too, and for one that begins or ends at a rate of 0.
    fn time_of(&self, calls: f64) -> f64 {
        if calls == 0.0 {
            return 0.0;
        }
        let root = (self.from * self.from + 2.0 * self.slope() * calls).max(0.0).sqrt();
        (2.0 * calls / (self.from + root)).min(self.length)
    }
}

impl fmt::Display for Profile {
    /// `0 to 30 CPS over 10s, 30 CPS for 60s`; `30 CPS`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            let Segment { from, to, length, .. } = *segment;
            let separator = if index == 0 { "" } else { ", " };
            let length = Duration::try_from_secs_f64(length).map(human);
            match length {
                Ok(length) if from == to => write!(f, "{separator}{} for {length}", Cps(from))?,
                Ok(length) => write!(f, "{separator}{from} to {} over {length}", Cps(to))?,
                Err(_) => write!(f, "{separator}{}", Cps(from))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    /// To 30 CPS in 10 s, 60 s of it, to 0 in 5 s: 150, 1,800 and 75 calls.
    fn trapezium() -> Profile {
        Profile::stages([
            Stage::Ramp { to: Cps(30.0), over: 10 * S },
            Stage::Hold { rate: None, time: 60 * S },
            Stage::Ramp { to: Cps(0.0), over: 5 * S },
        ])
    }

    /// Difference of two times, in nanoseconds.
    fn off(due: Option<Duration>, expected: f64) -> f64 {
        (due.unwrap().as_secs_f64() - expected).abs() * 1e9
    }

    #[test]
    fn at_one_rate_call_i_is_due_after_i_parts_of_a_second_even_after_ten_million() {
        let profile = Profile::constant(Cps(30.0));
        assert_eq!(profile.due(0), Some(Duration::ZERO));
        assert_eq!(profile.due(1_800), Some(60 * S));
        assert_eq!(profile.due(9_000_000), Some(300_000 * S));
        assert!(off(profile.due(10_000_000), 10_000_000.0 / 30.0) < 100.0);
        assert_eq!((profile.ends(), profile.calls()), (None, None));
        assert_eq!(profile.rate_at(1_000_000 * S), Cps(30.0));
    }

    #[test]
    fn a_ramp_from_nothing_comes_to_half_of_what_its_last_rate_would() {
        let profile = trapezium();
        // The integral of 3t is 1.5 t^2.
        for index in [0, 1, 37, 149] {
            assert!(off(profile.due(index), (index as f64 / 1.5).sqrt()) < 10.0, "{index}");
        }
        assert_eq!(profile.due(150), Some(10 * S));
        assert_eq!(profile.due(1_650), Some(60 * S));
        assert_eq!(profile.due(1_950), Some(70 * S));
        // From 30 to 0 in 5 s: 30 u - 3 u^2 calls after u.
        assert!(off(profile.due(2_022), 70.0 + 4.0) < 10.0);
        assert_eq!((profile.calls(), profile.due(2_025)), (Some(2_025), None));
        assert_eq!(profile.ends(), Some(75 * S));
    }

    #[test]
    fn the_rate_follows_the_stages_and_is_nothing_after_them() {
        let profile = trapezium();
        let rates = [0, 5, 10, 69, 72, 75, 99].map(|second| profile.rate_at(second * S).0);
        assert_eq!(rates, [0.0, 15.0, 30.0, 30.0, 18.0, 0.0, 0.0]);
        assert_eq!(profile.peak(), Cps(30.0));
    }

    #[test]
    fn while_the_rate_is_nothing_no_call_is_due() {
        let profile = Profile::stages([
            Stage::Hold { rate: Some(Cps(2.0)), time: 5 * S },
            Stage::Hold { rate: Some(Cps(0.0)), time: 10 * S },
            Stage::Hold { rate: Some(Cps(1.0)), time: 3 * S },
        ]);
        assert_eq!(profile.due(9), Some(Duration::from_millis(4_500)));
        assert_eq!(profile.due(10), Some(15 * S));
        assert_eq!(profile.due(12), Some(17 * S));
        assert_eq!((profile.due(13), profile.calls()), (None, Some(13)));
        let none = Profile::constant(Cps(0.0));
        assert_eq!((none.due(0), none.due(1)), (None, None));
    }

    #[test]
    fn rates_that_are_rounded_offer_no_call_more_or_less() {
        for (rate, seconds, calls) in [(0.1, 10, 1), (0.7, 10, 7), (0.3, 100, 30), (33.3, 1_000, 33_300), (2.5, 1, 3)] {
            let profile = Profile::stages([Stage::Hold { rate: Some(Cps(rate)), time: seconds * S }]);
            assert_eq!(profile.calls(), Some(calls), "{rate}");
            assert!(profile.due(calls - 1).is_some() && profile.due(calls).is_none(), "{rate}");
        }
    }

    #[test]
    fn a_profile_tells_itself_in_words() {
        assert_eq!(trapezium().to_string(), "0 to 30 CPS over 10s, 30 CPS for 60s, 30 to 0 CPS over 5s");
        assert_eq!(Profile::constant(Cps(2.5)).to_string(), "2.5 CPS");
    }

    fn stage() -> impl proptest::strategy::Strategy<Value = Stage> {
        use proptest::prelude::*;
        let time = (1u64..200_000).prop_map(Duration::from_millis);
        let rate = (0u32..50_000).prop_map(|hundredths| Cps(f64::from(hundredths) / 100.0));
        prop_oneof![
            (rate.clone(), time.clone()).prop_map(|(to, over)| Stage::Ramp { to, over }),
            (proptest::option::of(rate), time).prop_map(|(rate, time)| Stage::Hold { rate, time }),
        ]
    }

    proptest::proptest! {
        #[test]
        fn due_times_never_go_back_and_lie_where_the_integral_says(stages in proptest::collection::vec(stage(), 1..6)) {
            let profile = Profile::stages(stages);
            let calls = profile.calls().unwrap();
            let mut last = Duration::ZERO;
            for index in (0..calls).step_by(usize::try_from(calls / 500).unwrap_or(1).max(1)) {
                let due = profile.due(index).unwrap();
                proptest::prop_assert!(due >= last && due <= profile.ends().unwrap());
                // Rounded to a nanosecond, at no more than 500 CPS.
                proptest::prop_assert!((profile.integral(due) - index as f64).abs() < 1e-5, "{index} at {due:?}");
                last = due;
            }
            proptest::prop_assert_eq!(profile.due(calls), None);
        }
    }
}
