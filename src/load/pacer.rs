//! When calls are due, in an open loop.

use std::collections::VecDeque;
use std::time::Duration;

use super::profile::Profile;
use super::slice::Slice;
use crate::units::{Cps, Time};

/// Tells when each call is due. Calls before it, or a late look at the clock, change nothing about that: what is due is
/// due, and is given out one call after the other until the pacer has caught up.
///
/// A pause stops its clock: the calls after it are due as much later as the pause was long.
#[derive(Clone, Debug)]
pub struct Pacer {
    /// When its clock stood at 0. A pause moves it.
    start: Time,
    /// Since when its clock stands.
    paused: Option<Time>,
    slice: Slice,
    /// The next call.
    index: u64,
    /// The rates that calls not yet given out are due by; each holds up to the first call of the next.
    epochs: VecDeque<Epoch>,
}

/// A call that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Counted from 0 over all calls of the load, whoever makes them.
    pub index: u64,
    /// When it should be made.
    pub due: Time,
}

/// A profile that holds from some time on.
#[derive(Clone, Debug)]
struct Epoch {
    /// The first call that is due by it.
    first: u64,
    /// What its profile has to come to until that call is due: 0 of the first epoch, up to 1 of others.
    lead: f64,
    /// When it begins, by the pacer's clock.
    begins: Duration,
    profile: Profile,
}

impl Epoch {
    fn due(&self, index: u64) -> Option<Duration> {
        let within = self.profile.when(self.lead + (index - self.first) as f64)?;
        self.begins.checked_add(within)
    }

    /// How many calls it came to at `clock`, the parts of one that is not due yet with them.
    fn progress(&self, clock: Duration) -> f64 {
        self.first as f64 - self.lead + self.profile.integral(clock.saturating_sub(self.begins))
    }
}

impl Pacer {
    /// Call 0 of `profile` is due at `start`, if the rate is not 0 then.
    pub fn new(profile: Profile, start: Time) -> Self {
        Pacer::of(Slice::WHOLE, profile, start)
    }

    /// The calls of one slice of `profile`, each due when it is in the whole.
    pub fn of(slice: Slice, profile: Profile, start: Time) -> Self {
        let epoch = Epoch { first: 0, lead: 0.0, begins: Duration::ZERO, profile };
        Pacer { start, paused: None, slice, index: slice.first(), epochs: VecDeque::from([epoch]) }
    }

    /// When the next call is due, which may be long ago; `None` when there is none, or while paused.
    pub fn next_due(&self) -> Option<Time> {
        if self.paused.is_some() {
            return None;
        }
        self.due(self.index).map(|due| self.start + due)
    }

    /// The next call, if it is due at `now`. To be asked again until there is none.
    pub fn take(&mut self, now: Time) -> Option<Due> {
        let due = self.next_due().filter(|due| *due <= now)?;
        let index = self.index;
        self.index = self.index.saturating_add(self.slice.step());
        while self.epochs.get(1).is_some_and(|next| next.first <= self.index) {
            self.epochs.pop_front();
        }
        Some(Due { index, due })
    }

    /// From `now` on calls are due at `rate`, without end. Those that were due before stay so; the next one waits for
    /// what was left of its time, in proportion.
    pub fn set_rate(&mut self, now: Time, rate: Cps) {
        let clock = self.clock(now);
        let Some(last) = self.epochs.back() else { return };
        let progress = last.progress(clock);
        // The first call that is not due yet. Its number is rounded, so whether the one before is due is looked up.
        let mut first = (progress.max(0.0).floor() as u64 + 1).max(last.first);
        while first > last.first && last.due(first - 1).is_none_or(|due| due > clock) {
            first -= 1;
        }
        let lead = (first as f64 - progress).max(0.0);
        if last.first == first {
            self.epochs.pop_back();
        }
        self.epochs.push_back(Epoch { first, lead, begins: clock, profile: Profile::constant(rate) });
    }

    /// From `now` on nothing is due.
    pub fn pause(&mut self, now: Time) {
        self.paused.get_or_insert(now);
    }

    /// Goes on where [`pause`](Pacer::pause) stopped: what was not due in between is not made up for.
    pub fn resume(&mut self, now: Time) {
        if let Some(since) = self.paused.take() {
            self.start += now.since(since);
        }
    }

    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Time since the start, without pauses.
    pub fn clock(&self, now: Time) -> Duration {
        self.paused.map_or(now, |paused| paused.min(now)).since(self.start)
    }

    /// When its clock will stand at `clock`; `None` while paused.
    pub fn time_of(&self, clock: Duration) -> Option<Time> {
        self.paused.is_none().then(|| self.start + clock)
    }

    /// The rate at `now`, whether paused or not.
    pub fn rate(&self, now: Time) -> Cps {
        let clock = self.clock(now);
        let at = self.epochs.iter().rev().find(|epoch| epoch.begins <= clock).or(self.epochs.front());
        at.map_or(Cps(0.0), |epoch| epoch.profile.rate_at(clock.saturating_sub(epoch.begins)))
    }

    fn due(&self, index: u64) -> Option<Duration> {
        let next = self.epochs.partition_point(|epoch| epoch.first <= index);
        self.epochs.get(next.checked_sub(1)?)?.due(index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::load::Stage;

    const START: Time = Time::from_micros(1_000_000_000);

    fn at(millis: u64) -> Time {
        START + Duration::from_millis(millis)
    }

    fn pacer(rate: f64) -> Pacer {
        Pacer::new(Profile::constant(Cps(rate)), START)
    }

    /// What is due at `now`, in milliseconds since the start.
    fn taken(pacer: &mut Pacer, now: Time) -> Vec<u64> {
        std::iter::from_fn(|| pacer.take(now)).map(|due| due.due.since(START).as_millis() as u64).collect()
    }

    #[test]
    fn a_late_wakeup_does_not_lower_the_offered_rate() {
        let mut pacer = pacer(10.0);
        assert_eq!(taken(&mut pacer, at(0)), [0]);
        assert_eq!(pacer.next_due(), Some(at(100)));
        assert_eq!(taken(&mut pacer, at(450)), [100, 200, 300, 400]);
        assert_eq!(taken(&mut pacer, at(499)), [0; 0]);
        assert_eq!(taken(&mut pacer, at(1_000)).len(), 6);
    }

    #[test]
    fn a_new_rate_holds_from_now_and_what_was_left_of_the_next_call_counts() {
        let mut pacer = pacer(1.0);
        assert_eq!(taken(&mut pacer, at(0)), [0]);
        // A fourth of the second to call 1 is over; three fourths of a tenth of a second are left.
        pacer.set_rate(at(250), Cps(10.0));
        assert_eq!(taken(&mut pacer, at(600)), [325, 425, 525]);
        pacer.set_rate(at(600), Cps(0.0));
        assert_eq!(pacer.next_due(), None);
        pacer.set_rate(at(9_000), Cps(1.0));
        // A fourth of call 4 is left.
        assert_eq!(taken(&mut pacer, at(11_000)), [9_250, 10_250]);
    }

    #[test]
    fn calls_that_were_due_before_a_new_rate_are_not_lost() {
        let mut pacer = pacer(10.0);
        pacer.set_rate(at(250), Cps(2.0));
        pacer.set_rate(at(260), Cps(4.0));
        let due: Vec<Due> = std::iter::from_fn(|| pacer.take(at(1_000))).collect();
        let indices: Vec<u64> = due.iter().map(|due| due.index).collect();
        assert_eq!(indices, [0, 1, 2, 3, 4, 5]);
        assert_eq!(due[2].due, at(200));
        // At 250 ms half a call was left, at 260 ms 0.48 of one: 120 ms at 4 CPS.
        assert_eq!((due[3].due, due[4].due), (at(380), at(630)));
    }

    #[test]
    fn stages_that_are_over_go_on_at_a_new_rate() {
        let hold = Stage::Hold { rate: Some(Cps(2.0)), time: Duration::from_secs(1) };
        let mut pacer = Pacer::new(Profile::stages([hold]), START);
        assert_eq!(taken(&mut pacer, at(5_000)), [0, 500]);
        assert_eq!(pacer.next_due(), None);
        pacer.set_rate(at(5_000), Cps(1.0));
        assert_eq!(taken(&mut pacer, at(7_000)), [5_000, 6_000, 7_000]);
    }

    #[test]
    fn what_was_not_due_during_a_pause_is_not_made_up_for() {
        let mut pacer = pacer(10.0);
        assert_eq!(taken(&mut pacer, at(150)), [0, 100]);
        pacer.pause(at(150));
        pacer.pause(at(500));
        assert_eq!((pacer.next_due(), taken(&mut pacer, at(5_000))), (None, vec![]));
        pacer.resume(at(10_150));
        assert_eq!(taken(&mut pacer, at(10_300)), [10_200, 10_300]);
        assert_eq!(pacer.clock(at(10_300)), Duration::from_millis(300));
    }

    #[test]
    fn a_rate_that_is_set_in_a_pause_holds_after_it() {
        let mut pacer = pacer(10.0);
        assert_eq!(taken(&mut pacer, at(0)), [0]);
        pacer.pause(at(50));
        pacer.set_rate(at(500), Cps(100.0));
        pacer.resume(at(1_000));
        assert_eq!(taken(&mut pacer, at(1_015)), [1_005, 1_015]);
        assert_eq!(pacer.rate(at(1_015)), Cps(100.0));
    }

    /// What may be done to a pacer.
    #[derive(Clone, Debug)]
    enum Deed {
        Wait(u64),
        Take,
        Rate(u32),
        Pause,
        Resume,
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            4 => (0u64..3_000_000).prop_map(Deed::Wait),
            4 => Just(Deed::Take),
            2 => (0u32..1_000).prop_map(Deed::Rate),
            1 => Just(Deed::Pause),
            1 => Just(Deed::Resume),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_no_call_is_lost_none_is_early_and_due_times_never_go_back(
            deeds in proptest::collection::vec(deed(), 0..40)
        ) {
            let mut pacer = pacer(50.0);
            // The integral of the rate while it was not paused, in calls.
            let (mut now, mut rate, mut paused, mut integral) = (START, 50.0, false, 0.0);
            let (mut taken, mut last) = (0u64, START);
            for deed in deeds {
                match deed {
                    Deed::Wait(micros) => {
                        now += Duration::from_micros(micros);
                        if !paused {
                            integral += rate * micros as f64 / 1e6;
                        }
                    }
                    Deed::Take => {
                        while let Some(due) = pacer.take(now) {
                            prop_assert_eq!(due.index, taken);
                            // A pause moves what was due before it, so only the order holds.
                            prop_assert!(due.due >= last && due.due <= now, "{:?} after {:?}", due, last);
                            last = due.due;
                            taken += 1;
                        }
                        if !paused {
                            // Call 0 is due at once: one more than the integral. A microsecond is a thousandth of a call.
                            let due = taken as f64 - 1.0;
                            prop_assert!((due - integral) < 0.05 && (integral - due) < 1.05, "{taken} of {integral}");
                        }
                    }
                    Deed::Rate(new) => {
                        pacer.set_rate(now, Cps(f64::from(new)));
                        rate = f64::from(new);
                    }
                    Deed::Pause => { pacer.pause(now); paused = true; }
                    Deed::Resume => { pacer.resume(now); paused = false; }
                }
            }
        }

        #[test]
        fn as_many_calls_are_offered_as_the_time_has_room_for_however_late_one_looks(
            rate in 1u32..300, looks in proptest::collection::vec(0u64..10_000_000, 1..20)
        ) {
            let mut pacer = pacer(f64::from(rate));
            let mut looks = looks;
            looks.sort_unstable();
            let mut taken = 0;
            for look in &looks {
                taken += std::iter::from_fn(|| pacer.take(START + Duration::from_micros(*look))).count();
            }
            let last = *looks.last().unwrap();
            // Due times are cut to microseconds.
            let (least, most) = (last * u64::from(rate) / 1_000_000, (last + 1) * u64::from(rate) / 1_000_000);
            prop_assert!((least as usize + 1..=most as usize + 1).contains(&taken), "{} in {}us", taken, last);
        }
    }
}
