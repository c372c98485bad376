//! Counts of calls under load.

use std::ops::AddAssign;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Cdr;
use crate::serial;
use crate::verdict::Verdict;

/// What calls came to, as plain numbers that add up.
///
/// `offered` are calls that were launched, `skipped_*` those that were due and were not. A call counts in all the
/// others when it has ended: `ended` is `passed` + `checks_failed` + `errors`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Calls launched.
    pub offered: u64,
    /// Of those, launched more than 20 ms after they were due.
    pub late: u64,
    /// Due, but the limit of calls was reached.
    pub skipped_at_limit: u64,
    /// Due, but no host was there to launch it.
    pub skipped_without_host: u64,
    /// Due so long ago that it was left out: the generator did not keep up.
    pub skipped_behind: u64,
    pub ended: u64,
    /// The switch made a session for it.
    pub seized: u64,
    pub answered: u64,
    pub passed: u64,
    /// A check of the call did not hold.
    pub checks_failed: u64,
    /// We could not find out.
    pub errors: u64,
    /// Hung up before their end, as the load was told to: they are not judged, and in no other count but `offered`.
    #[serde(default)]
    pub cut_off: u64,
    /// Answer to hangup, of all calls together.
    #[serde(rename = "talk_time_s", with = "serial::seconds")]
    #[schemars(with = "f64")]
    pub talk_time: Duration,
    /// Launch to end, of all calls together.
    #[serde(rename = "call_time_s", with = "serial::seconds")]
    #[schemars(with = "f64")]
    pub call_time: Duration,
}

/// Why a call that was due was not launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// The load's limit of calls was reached: the load was asked to be so.
    Limit,
    /// No host was there.
    NoHost,
    /// It was due so long ago that it makes no sense any more.
    Behind,
}

/// A launch that is later than this is late.
pub const LATE: Duration = Duration::from_millis(20);

impl Counts {
    /// Counts a call that is launched, `late` after it was due.
    pub fn offered(&mut self, late: Duration) {
        self.offered += 1;
        self.late += u64::from(late > LATE);
    }

    /// Counts a call that was due and is not launched.
    pub fn skipped(&mut self, why: Skip) {
        match why {
            Skip::Limit => self.skipped_at_limit += 1,
            Skip::NoHost => self.skipped_without_host += 1,
            Skip::Behind => self.skipped_behind += 1,
        }
    }

    /// Counts a call that was hung up before its end because the load was told to.
    pub fn cut_off(&mut self) {
        self.cut_off += 1;
    }

    /// Calls that were launched and are not over.
    pub fn under_way(&self) -> u64 {
        self.offered.saturating_sub(self.ended + self.cut_off)
    }

    /// Counts a call that ended.
    pub fn record(&mut self, cdr: &Cdr) {
        self.ended += 1;
        self.seized += u64::from(cdr.is_seized());
        self.answered += u64::from(cdr.is_answered());
        match cdr.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => self.checks_failed += 1,
            // A call that was launched and not tried is nothing that anybody asked for.
            Verdict::Error | Verdict::Skipped => self.errors += 1,
        }
        self.talk_time = self.talk_time.saturating_add(cdr.talk_time().unwrap_or_default());
        self.call_time = self.call_time.saturating_add(cdr.ended.since(cdr.launched));
    }

    /// Calls that did not pass.
    pub fn failed(&self) -> u64 {
        self.checks_failed + self.errors
    }

    /// Calls that ended without an answer.
    pub fn unanswered(&self) -> u64 {
        self.ended.saturating_sub(self.answered)
    }

    /// Calls that were due and not launched, for any reason.
    pub fn skipped_in_all(&self) -> u64 {
        self.skipped_at_limit + self.skipped_without_host + self.skipped_behind
    }

    /// Average call duration: talk time a call that was answered.
    pub fn acd(&self) -> Option<Duration> {
        let micros = self.talk_time.as_micros().checked_div(u128::from(self.answered))?;
        Some(Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        self.offered += other.offered;
        self.late += other.late;
        self.skipped_at_limit += other.skipped_at_limit;
        self.skipped_without_host += other.skipped_without_host;
        self.skipped_behind += other.skipped_behind;
        self.ended += other.ended;
        self.seized += other.seized;
        self.answered += other.answered;
        self.passed += other.passed;
        self.checks_failed += other.checks_failed;
        self.errors += other.errors;
        self.cut_off += other.cut_off;
        self.talk_time = self.talk_time.saturating_add(other.talk_time);
        self.call_time = self.call_time.saturating_add(other.call_time);
    }
}
