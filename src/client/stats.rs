//! What is there on a host, and what was counted.

use crate::call::{Counts, HangupCause};

/// What is there on one host, or on several together, and what was counted since.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Sessions that are there.
    pub sessions: usize,
    /// Calls that are there.
    pub calls: usize,
    /// Jobs under way.
    pub jobs: usize,
    /// Sessions that were lost with their host.
    pub lost: u64,
    /// Sessions that were refused while it drained: [`Client::drain`](super::Client::drain).
    pub refused: u64,
    /// Over the life of the client.
    pub counts: Counts,
}

impl Stats {
    /// Sessions that were never answered or ended abnormally.
    pub fn failed(&self) -> u64 {
        self.counts.failed_count()
    }

    /// Sessions that ended with `cause`.
    pub fn ended_with(&self, cause: &HangupCause) -> u64 {
        self.counts.causes.get(cause).copied().unwrap_or_default()
    }

    /// Adds those of another host.
    pub fn add(&mut self, other: &Stats) {
        self.sessions += other.sessions;
        self.calls += other.calls;
        self.jobs += other.jobs;
        self.lost += other.lost;
        self.refused += other.refused;
        self.counts.add(&other.counts);
    }
}

impl<'a> std::iter::Sum<&'a Stats> for Stats {
    fn sum<I: Iterator<Item = &'a Stats>>(all: I) -> Stats {
        let mut sum = Stats::default();
        all.for_each(|stats| sum.add(stats));
        sum
    }
}
