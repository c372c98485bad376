//! Counts and distributions of a set of calls: all of a load, those of one app, those of one host.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cdr, Counts, Distribution, Frequent, Measured, Occupancy, Skip, Statistic, Timing};
use crate::serial;
use crate::units::Time;
use crate::verdict::Verdict;

/// What a set of calls came to, in bounded memory for any number of them. Parts merge into the whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    pub counts: Counts,
    /// How calls ended, by hangup cause.
    pub causes: Frequent,
    /// How those calls ended that did not pass, by hangup cause.
    pub failed_causes: Frequent,
    /// Why calls did not pass: the verdict and the first check that did not hold.
    pub reasons: Frequent,
    /// In microseconds. What was never taken is not there.
    pub times: BTreeMap<Timing, Distribution>,
    /// What checks measured, by name, in thousandths.
    pub figures: BTreeMap<String, Distribution>,
    /// Values of figures for which there was no more room: only so many names are kept.
    pub figures_left_out: u64,
    /// `None`: nothing was told of the load's course.
    pub course: Option<Course>,
}

/// When the load was, and how many calls were there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Course {
    pub began: Time,
    /// The end of the time in which calls were offered; until that is told, the last that was heard of.
    pub offered_until: Time,
    /// The last that was heard of.
    pub ended: Time,
    /// Calls that were there, integrated over time: in call-seconds.
    #[serde(rename = "active_s", with = "serial::seconds")]
    #[schemars(with = "f64")]
    pub active: Duration,
    /// The most calls at a time. Of merged loads at the same time, the sum of their peaks, so at most this.
    pub peak_calls: u32,
    /// The most sessions on all hosts at a time; likewise.
    pub peak_sessions: u32,
}

/// Names of figures that are kept.
const MAX_FIGURES: usize = 64;

impl Tally {
    /// Counts a call that is launched, `late` after it was due.
    pub fn offered(&mut self, late: Duration) {
        self.counts.offered(late);
        self.time(Timing::LateStarts, late);
    }

    /// Counts a call that was due and is not launched.
    pub fn skipped(&mut self, why: Skip) {
        self.counts.skipped(why);
    }

    /// Counts a call that ended.
    pub fn record(&mut self, cdr: &Cdr) {
        self.counts.record(cdr);
        self.causes.record(&cdr.hangup_cause);
        if cdr.verdict != Verdict::Passed {
            self.failed_causes.record(&cdr.hangup_cause);
            let verdict = if cdr.verdict == Verdict::Failed { "failed" } else { "error" };
            self.reasons.record(&format!("{verdict}: {}", cdr.reason));
        }
        for timing in Timing::ALL {
            if let Some(took) = timing.of(cdr) {
                self.time(timing, took);
            }
        }
        for (name, value) in &cdr.figures {
            self.figure(name, *value);
        }
    }

    /// Counts a time that was taken.
    pub fn time(&mut self, timing: Timing, took: Duration) {
        self.times.entry(timing).or_default().record_duration(took);
    }

    fn figure(&mut self, name: &str, value: f64) {
        let room = self.figures.len() < MAX_FIGURES;
        match self.figures.get_mut(name) {
            Some(figure) => figure.record_figure(value),
            None if room => {
                self.figures.entry(name.to_owned()).or_default().record_figure(value);
            }
            None => self.figures_left_out += 1,
        }
    }

    /// Counts all that `other` counted.
    pub fn merge(&mut self, other: &Tally) {
        self.counts += &other.counts;
        self.causes.merge(&other.causes);
        self.failed_causes.merge(&other.failed_causes);
        self.reasons.merge(&other.reasons);
        for (timing, times) in &other.times {
            self.times.entry(*timing).or_default().merge(times);
        }
        for (name, values) in &other.figures {
            if self.figures.contains_key(name) || self.figures.len() < MAX_FIGURES {
                self.figures.entry(name.clone()).or_default().merge(values);
            } else {
                self.figures_left_out += values.count();
            }
        }
        self.figures_left_out += other.figures_left_out;
        match (&mut self.course, &other.course) {
            (Some(ours), Some(theirs)) => ours.merge(theirs),
            (None, theirs) => self.course = theirs.clone(),
            (Some(_), None) => {}
        }
    }

    /// Calls offered a second, while they were offered. `None` before any time has passed.
    pub fn rate(&self) -> Option<f64> {
        self.rate_of(&self.counts)
    }

    /// The same of some of the calls that were offered in its time.
    pub(super) fn rate_of(&self, counts: &Counts) -> Option<f64> {
        let course = self.course.as_ref()?;
        over(counts.offered as f64, course.offered_until.since(course.began))
    }

    /// Mean number of calls in progress, from the beginning to the end.
    pub fn erlangs(&self) -> Option<f64> {
        let course = self.course.as_ref()?;
        // Of one app or host only calls that ended are known; the time of all calls is what they had together.
        let active = if course.active.is_zero() { self.counts.call_time } else { course.active };
        over(active.as_secs_f64(), course.ended.since(course.began))
    }

    /// All figures that are meant by `name`: those called so, or `LEG.name`, or so with `_count` behind it.
    pub fn figures_of(&self, name: &str) -> Option<Distribution> {
        let mut meant = self.figures.iter().filter(|(figure, _)| is_meant(name, figure)).map(|(_, values)| values);
        let mut all = meant.next()?.clone();
        meant.for_each(|values| all.merge(values));
        Some(all)
    }
}

impl Measured for Tally {
    fn counts(&self) -> &Counts {
        &self.counts
    }

    fn occupancy(&self) -> Occupancy {
        let (peak_calls, peak_sessions) =
            self.course.as_ref().map_or((0, 0), |course| (course.peak_calls, course.peak_sessions));
        Occupancy { rate: self.rate(), erlangs: self.erlangs(), peak_calls, peak_sessions }
    }

    fn cause(&self, cause: &str) -> u64 {
        self.causes.count(cause)
    }

    fn time(&self, timing: Timing, statistic: Statistic) -> Option<f64> {
        statistic.of(self.times.get(&timing)?)
    }

    fn figure(&self, name: &str, statistic: Statistic) -> Option<f64> {
        statistic.of(&self.figures_of(name)?)
    }
}

/// Whether `name` means the figure called `figure`: `bert.sync_lost` means `caller.bert.sync_lost_count` too.
pub(super) fn is_meant(name: &str, figure: &str) -> bool {
    let figure = figure.strip_suffix("_count").filter(|_| !name.ends_with("_count")).unwrap_or(figure);
    match figure.strip_suffix(name) {
        Some(before) => before.is_empty() || before.ends_with('.'),
        None => false,
    }
}

fn over(amount: f64, time: Duration) -> Option<f64> {
    (!time.is_zero()).then(|| amount / time.as_secs_f64())
}

impl Course {
    pub fn new(began: Time) -> Self {
        Course { began, offered_until: began, ended: began, active: Duration::ZERO, peak_calls: 0, peak_sessions: 0 }
    }

    /// The same time, of whose calls in progress nothing is known: that of the calls of one app or host.
    pub(super) fn of_some(&self) -> Course {
        Course { active: Duration::ZERO, peak_calls: 0, peak_sessions: 0, ..self.clone() }
    }

    /// Of loads that ran side by side or one after the other.
    fn merge(&mut self, other: &Course) {
        let together = self.began < other.ended && other.began < self.ended;
        let peak = |ours: u32, theirs: u32| if together { ours.saturating_add(theirs) } else { ours.max(theirs) };
        self.peak_calls = peak(self.peak_calls, other.peak_calls);
        self.peak_sessions = peak(self.peak_sessions, other.peak_sessions);
        self.began = self.began.min(other.began);
        self.offered_until = self.offered_until.max(other.offered_until);
        self.ended = self.ended.max(other.ended);
        self.active = self.active.saturating_add(other.active);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::sample::{answered, cdrs, refused};

    fn of(cdrs: &[Cdr]) -> Tally {
        let mut tally = Tally::default();
        for cdr in cdrs {
            tally.offered(cdr.late());
            tally.record(cdr);
        }
        tally
    }

    #[test]
    fn calls_that_were_never_answered_have_no_setup_time() {
        let tally = of(&[refused(0, "USER_BUSY"), refused(1, "USER_BUSY")]);
        assert!(!tally.times.contains_key(&Timing::SetupTime));
        assert_eq!((tally.counts.acd(), tally.counts.unanswered()), (None, 2));
        assert_eq!(tally.causes.top(), [("USER_BUSY", 2)]);
    }

    #[test]
    fn the_average_call_duration_is_of_answered_calls_only() {
        let tally = of(&[answered(0), answered(1), refused(2, "NO_ANSWER")]);
        assert_eq!(tally.counts.acd(), answered(0).talk_time());
        assert_eq!((tally.counts.answered, tally.counts.seized, tally.counts.ended), (2, 3, 3));
    }

    #[test]
    fn a_name_means_the_figures_of_both_legs_and_no_other_word() {
        for (name, figure, meant) in [
            ("mos", "mos", true),
            ("mos", "caller.like.mos", true),
            ("bert.sync_lost", "caller.bert.sync_lost_count", true),
            ("bert.sync_lost_count", "caller.bert.sync_lost_count", true),
            ("mos", "thermos", false),
            ("like.mos", "mos", false),
        ] {
            assert_eq!(is_meant(name, figure), meant, "{name} {figure}");
        }
    }

    #[test]
    fn figures_without_number_are_counted_and_not_kept() {
        let mut cdr = answered(0);
        cdr.figures = (0..100).map(|number| (format!("figure{number:03}"), 1.0)).collect();
        let tally = of(&[cdr]);
        assert_eq!((tally.figures.len(), tally.figures_left_out), (64, 36));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn parts_merge_into_the_whole_and_counts_add_up(cdrs in cdrs(), cut in 0usize..60) {
            let (first, second) = cdrs.split_at(cut.min(cdrs.len()));
            let whole = of(&cdrs);
            let mut merged = of(first);
            let json = serde_json::to_string(&of(second)).unwrap();
            merged.merge(&serde_json::from_str(&json).unwrap());
            prop_assert_eq!(&merged, &whole);
            let counts = &whole.counts;
            prop_assert_eq!(counts.ended, counts.passed + counts.failed());
            prop_assert_eq!(counts.ended, counts.answered + counts.unanswered());
            prop_assert!(counts.answered <= counts.seized && counts.seized <= counts.ended);
            prop_assert_eq!(whole.causes.total(), counts.ended);
            prop_assert_eq!(whole.reasons.total(), counts.failed());
        }
    }
}
