//! How fast calls were launched, from records that come as the calls end.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::units::Time;

/// Puts launches in their order, and tells how fast they follow one another.
#[derive(Debug, Default)]
pub struct Launches {
    /// Those that an earlier one may yet come before.
    waiting: BinaryHeap<Reverse<Time>>,
    /// The last of those in order, no more than the mean is over and one.
    last: VecDeque<Time>,
}

/// A launch that followed another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Launch {
    pub at: Time,
    /// Calls a second: one, over the gap to the launch before.
    pub rate: f64,
    /// The same over the last [`MEAN`] gaps, where there are so many.
    pub mean: Option<f64>,
}

/// Gaps that a mean is over.
pub const MEAN: usize = 100;
/// Launches that are kept until their order is sure: calls at once, as far as we look.
const WAITING: usize = 200_000;

impl Launches {
    /// Takes a launch; gives one, in order, once so many wait that none can come before it.
    pub fn push(&mut self, at: Time) -> Option<Launch> {
        self.waiting.push(Reverse(at));
        if self.waiting.len() > WAITING { self.next() } else { None }
    }

    /// Those that wait still.
    pub fn finish(&mut self) -> impl Iterator<Item = Launch> {
        std::iter::from_fn(|| {
            while !self.waiting.is_empty() {
                if let Some(launch) = self.next() {
                    return Some(launch);
                }
            }
            None
        })
    }

    fn next(&mut self) -> Option<Launch> {
        let Reverse(at) = self.waiting.pop()?;
        let before = self.last.back().copied();
        if before.is_some_and(|before| before > at) {
            // So much too late that its place is taken.
            return None;
        }
        self.last.push_back(at);
        if self.last.len() > MEAN + 1 {
            self.last.pop_front();
        }
        let first = self.last.front().copied().filter(|_| self.last.len() == MEAN + 1);
        // Times are known to the microsecond; two launches within one are a million a second.
        let gap = |from: Time| at.since(from).as_secs_f64().max(1e-6);
        Some(Launch { at, rate: 1.0 / gap(before?), mean: first.map(|first| MEAN as f64 / gap(first)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_come_in_their_order_whatever_the_order_of_the_ends() {
        let mut launches = Launches::default();
        for n in (0..150).rev() {
            assert_eq!(launches.push(Time::from_micros(n * 20_000)), None);
        }
        let all: Vec<Launch> = launches.finish().collect();
        assert_eq!(all.len(), 149);
        assert!(all.iter().all(|launch| (launch.rate - 50.0).abs() < 1e-9));
        assert_eq!(all.iter().filter(|launch| launch.mean.is_some()).count(), 50);
        assert!(all.iter().filter_map(|launch| launch.mean).all(|mean| (mean - 50.0).abs() < 1e-9));
    }

    #[test]
    fn no_more_wait_than_are_allowed_to() {
        let mut launches = Launches::default();
        let given = (0..WAITING as u64 + 10).filter_map(|n| launches.push(Time::from_micros(n * 10))).count();
        // The first has none before it.
        assert_eq!((given, launches.waiting.len()), (9, WAITING));
        launches.push(Time::from_micros(0));
        assert_eq!(launches.finish().count(), WAITING);
    }
}
