//! A load over time, in at most 600 buckets however long it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cdr, HostStats, Sketch, Skip};
use crate::serial;
use crate::units::Time;
use crate::verdict::Verdict;

/// Buckets of a second at first. When they become too many, neighbours are joined, so that each is twice as long.
///
/// They begin at multiples of their width since the Unix epoch, so that those of several loads fit on one another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Seconds of a bucket: a power of two.
    pub width_s: u32,
    /// One after the other without a gap.
    pub buckets: Vec<Bucket>,
}

/// What happened in one bucket of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bucket {
    /// Its beginning.
    pub at: Time,
    /// Calls launched.
    pub offered: u64,
    /// Calls whose caller's session began.
    pub started: u64,
    pub answered: u64,
    pub ended: u64,
    /// Calls that ended and did not pass.
    pub failed: u64,
    pub skipped_at_limit: u64,
    /// Calls that were due and not launched for another reason than the limit.
    pub skipped: u64,
    /// Calls in progress at its end.
    pub active: u32,
    /// The most at a time; of loads that were merged, the sum of the most of each.
    pub active_max: u32,
    pub sessions: u32,
    pub sessions_max: u32,
    /// Of calls that were launched in it, as are `pdd` and `late`. In microseconds.
    #[serde(default, skip_serializing_if = "Sketch::is_empty")]
    pub setup_time: Sketch,
    #[serde(default, skip_serializing_if = "Sketch::is_empty")]
    pub pdd: Sketch,
    #[serde(default, skip_serializing_if = "Sketch::is_empty")]
    pub late: Sketch,
    /// Calls that ended and did not pass, by hangup cause; `other` for those beyond 32 causes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures: BTreeMap<String, u64>,
    #[serde(rename = "event_lag_max_s", with = "serial::seconds")]
    #[schemars(with = "f64")]
    pub event_lag_max: Duration,
    /// What hosts told of themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<String, HostStats>,
}

/// The most buckets of a series.
pub const MAX_BUCKETS: usize = 600;

/// Causes of failures that a bucket tells apart.
const MAX_CAUSES: usize = 32;

impl Default for Series {
    fn default() -> Self {
        Series { width_s: 1, buckets: Vec::new() }
    }
}

impl Series {
    /// A call is launched, `late` after it was due.
    pub fn offered(&mut self, at: Time, late: Duration) {
        let bucket = self.at(at);
        bucket.offered += 1;
        bucket.late.record_duration(late);
    }

    pub fn skipped(&mut self, at: Time, why: Skip) {
        let bucket = self.at(at);
        match why {
            Skip::Limit => bucket.skipped_at_limit += 1,
            Skip::NoHost | Skip::Behind => bucket.skipped += 1,
        }
    }

    pub fn active(&mut self, at: Time, calls: u32, sessions: u32) {
        let bucket = self.at(at);
        (bucket.active, bucket.sessions) = (calls, sessions);
        bucket.active_max = bucket.active_max.max(calls);
        bucket.sessions_max = bucket.sessions_max.max(sessions);
    }

    pub fn lag(&mut self, at: Time, lag: Duration) {
        let bucket = self.at(at);
        bucket.event_lag_max = bucket.event_lag_max.max(lag);
    }

    pub fn host_stats(&mut self, at: Time, host: &str, stats: &HostStats) {
        let hosts = &mut self.at(at).hosts;
        match hosts.get_mut(host) {
            Some(known) => known.worst(stats),
            None => {
                hosts.insert(host.to_owned(), stats.clone());
            }
        }
    }

    /// A call ended. Its times belong to the bucket of its launch, its beginning and answer to their own.
    pub fn record(&mut self, cdr: &Cdr) {
        let ending = self.at(cdr.ended);
        ending.ended += 1;
        if cdr.verdict != Verdict::Passed {
            ending.failed += 1;
            count_cause(&mut ending.failures, &cdr.hangup_cause, 1);
        }
        if let Some(begun) = cdr.begun {
            self.at(begun).started += 1;
        }
        let setup_time = cdr.setup_time();
        if let Some(setup_time) = setup_time {
            // The answer itself is known by the host's clock only.
            self.at(cdr.begun.unwrap_or(cdr.launched) + setup_time).answered += 1;
        }
        let launch = self.at(cdr.launched);
        if let Some(setup_time) = setup_time {
            launch.setup_time.record_duration(setup_time);
        }
        if let Some(pdd) = cdr.post_dial_delay() {
            launch.pdd.record_duration(pdd);
        }
    }

    /// Adds another load that ran at the same time, or before, or after.
    pub fn merge(&mut self, other: &Series) {
        let mut other = other.clone();
        loop {
            // The same width, and room from the first of both to the last of both.
            let coarsest = self.width_s.max(other.width_s);
            self.widen(coarsest);
            other.widen(coarsest);
            let (Some(their_first), Some(their_last)) = (other.buckets.first(), other.buckets.last()) else { return };
            let (Some(our_first), Some(our_last)) = (self.buckets.first(), self.buckets.last()) else {
                *self = other;
                return;
            };
            let first = our_first.at.min(their_first.at);
            let last = our_last.at.max(their_last.at);
            if self.number(last) - self.number(first) < MAX_BUCKETS as u64 {
                if first < our_first.at {
                    let gap = self.number(our_first.at) - self.number(first);
                    let before = (0..gap).map(|n| self.empty(self.number(first) + n));
                    self.buckets = before.chain(self.buckets.iter().cloned()).collect();
                }
                break;
            }
            self.join();
            other.join();
        }
        for theirs in &other.buckets {
            let bucket = self.at_going_on(theirs.at, (0, 0));
            bucket.count(theirs);
            bucket.active += theirs.active;
            bucket.sessions += theirs.sessions;
            bucket.active_max += theirs.active_max;
            bucket.sessions_max += theirs.sessions_max;
        }
    }

    /// The bucket of `at`, which goes on from the one before where it is new; the first for all that is earlier.
    fn at(&mut self, at: Time) -> &mut Bucket {
        // Nothing is told of a call that goes on: it is there still.
        let active = self.buckets.last().map_or((0, 0), |last| (last.active, last.sessions));
        self.at_going_on(at, active)
    }

    /// The bucket of `at`; those that are new have this many calls and sessions.
    fn at_going_on(&mut self, at: Time, (active, sessions): (u32, u32)) -> &mut Bucket {
        if self.buckets.is_empty() {
            self.buckets.push(self.empty(self.number(at)));
        }
        loop {
            let first = self.number(self.buckets[0].at);
            let offset = self.number(at).saturating_sub(first);
            match usize::try_from(offset) {
                Ok(offset) if offset < MAX_BUCKETS => {
                    while self.buckets.len() <= offset {
                        let empty = self.empty(first + self.buckets.len() as u64);
                        let going_on = Bucket { active, active_max: active, sessions, sessions_max: sessions, ..empty };
                        self.buckets.push(going_on);
                    }
                    return &mut self.buckets[offset];
                }
                _ => self.join(),
            }
        }
    }

    fn number(&self, at: Time) -> u64 {
        at.as_micros() / 1_000_000 / u64::from(self.width_s)
    }

    fn empty(&self, number: u64) -> Bucket {
        let at = Time::from_micros(number.saturating_mul(u64::from(self.width_s)).saturating_mul(1_000_000));
        Bucket { at, ..Bucket::default() }
    }

    fn widen(&mut self, width_s: u32) {
        while self.width_s < width_s {
            self.join();
        }
    }

    /// Joins neighbours.
    fn join(&mut self) {
        // Twice a power of two; at 2^31 s there is one bucket for the next 68 years.
        self.width_s = self.width_s.saturating_mul(2);
        let mut joined: Vec<Bucket> = Vec::with_capacity(self.buckets.len() / 2 + 1);
        for bucket in std::mem::take(&mut self.buckets) {
            let at = self.empty(self.number(bucket.at)).at;
            match joined.last_mut().filter(|last| last.at == at) {
                Some(last) => {
                    last.count(&bucket);
                    (last.active, last.sessions) = (bucket.active, bucket.sessions);
                    last.active_max = last.active_max.max(bucket.active_max);
                    last.sessions_max = last.sessions_max.max(bucket.sessions_max);
                }
                None => joined.push(Bucket { at, ..bucket }),
            }
        }
        self.buckets = joined;
    }
}

impl Bucket {
    /// Adds all that adds up, whether `other` was beside it or behind it.
    fn count(&mut self, other: &Bucket) {
        self.offered += other.offered;
        self.started += other.started;
        self.answered += other.answered;
        self.ended += other.ended;
        self.failed += other.failed;
        self.skipped_at_limit += other.skipped_at_limit;
        self.skipped += other.skipped;
        self.setup_time.merge(&other.setup_time);
        self.pdd.merge(&other.pdd);
        self.late.merge(&other.late);
        for (cause, count) in &other.failures {
            count_cause(&mut self.failures, cause, *count);
        }
        self.event_lag_max = self.event_lag_max.max(other.event_lag_max);
        for (host, stats) in &other.hosts {
            match self.hosts.get_mut(host) {
                Some(known) => known.worst(stats),
                None => {
                    self.hosts.insert(host.clone(), stats.clone());
                }
            }
        }
    }
}

fn count_cause(failures: &mut BTreeMap<String, u64>, cause: &str, count: u64) {
    let known = failures.contains_key(cause) || failures.len() < MAX_CAUSES;
    let cause = if known { cause } else { OTHER };
    match failures.get_mut(cause) {
        Some(failed) => *failed += count,
        None => {
            failures.insert(cause.to_owned(), count);
        }
    }
}

/// Causes beyond those that are told apart.
const OTHER: &str = "other";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::sample::{START, answered, refused};

    const S: Duration = Duration::from_secs(1);

    fn offered(seconds: &[u32]) -> Series {
        let mut series = Series::default();
        seconds.iter().for_each(|second| series.offered(START + S * *second, Duration::ZERO));
        series
    }

    #[test]
    fn a_run_of_any_length_has_at_most_600_buckets_and_loses_no_call() {
        let series = offered(&(0..86_400).step_by(7).collect::<Vec<_>>());
        assert!(series.buckets.len() <= MAX_BUCKETS && series.buckets.len() > MAX_BUCKETS / 2 - 2);
        assert_eq!(series.buckets.iter().map(|bucket| bucket.offered).sum::<u64>(), 86_400u64.div_ceil(7));
        assert_eq!(series.width_s, 256);
        for (before, after) in series.buckets.iter().zip(&series.buckets[1..]) {
            assert_eq!(after.at.since(before.at), S * series.width_s);
        }
    }

    #[test]
    fn calls_in_progress_stay_so_while_nothing_is_told_of_them() {
        let mut series = Series::default();
        series.active(START, 7, 14);
        series.active(START + S * 3, 2, 4);
        let told: Vec<_> = series.buckets.iter().map(|bucket| (bucket.active, bucket.active_max)).collect();
        assert_eq!(told, [(7, 7), (7, 7), (7, 7), (2, 7)]);
    }

    #[test]
    fn times_belong_to_the_bucket_of_the_launch() {
        let mut series = Series::default();
        series.offered(START, S / 500);
        series.record(&answered(0));
        series.record(&refused(1, "USER_BUSY"));
        let first = &series.buckets[0];
        assert_eq!((first.offered, first.started, first.answered, first.ended), (1, 2, 1, 1));
        assert_eq!(first.setup_time.max(), Some(100_000));
        assert_eq!(series.buckets[2].ended, 1);
        assert_eq!(first.failures["USER_BUSY"], 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn parts_merge_into_the_whole(mut seconds in proptest::collection::vec(0u32..5_000, 1..80), cut in 0usize..80) {
            let (first, second) = seconds.split_at(cut.min(seconds.len()));
            // A series begins with what is told first.
            let sorted = |part: &[u32]| {
                let mut part = part.to_vec();
                part.sort_unstable();
                offered(&part)
            };
            let mut merged = sorted(first);
            let json = serde_json::to_string(&sorted(second)).unwrap();
            merged.merge(&serde_json::from_str(&json).unwrap());
            seconds.sort_unstable();
            prop_assert_eq!(merged, offered(&seconds));
        }
    }
}
