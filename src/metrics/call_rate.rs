//! How fast calls came one after the other, from their records: what plots of the call rate show.

use serde::{Deserialize, Serialize};

use super::Cdr;
use crate::units::Time;

/// The rate at the launch of one call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRate {
    pub launched: Time,
    /// Calls a second, by the time since the launch before; infinite for two at once.
    pub instantaneous: f64,
    /// Over the last 100 calls, or as many as there are: their number by the time that they took together.
    pub mean: f64,
}

/// Calls that the mean is over.
pub const MEAN_OVER: usize = 100;

/// The rate at each launch but the first, in the order of the launches, however the calls are sorted.
pub fn call_rates<'a>(cdrs: impl IntoIterator<Item = &'a Cdr>) -> Vec<CallRate> {
    let mut launches: Vec<Time> = cdrs.into_iter().map(|cdr| cdr.launched).collect();
    launches.sort_unstable();
    let rate = |calls: usize, from: Time, to: Time| calls as f64 / to.since(from).as_secs_f64();
    let at = |index: usize| {
        let first = index.saturating_sub(MEAN_OVER);
        CallRate {
            launched: launches[index],
            instantaneous: rate(1, launches[index - 1], launches[index]),
            mean: rate(index - first, launches[first], launches[index]),
        }
    };
    (1..launches.len()).map(at).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::sample::answered;

    #[test]
    fn the_mean_of_a_hundred_calls_is_their_number_by_their_time_and_no_mean_of_rates() {
        // Pairs 1 ms apart, and 199 ms to the next pair: ten calls a second.
        let mut cdrs: Vec<_> = (0..201).map(answered).collect();
        for cdr in cdrs.iter_mut().filter(|cdr| cdr.index % 2 == 1) {
            cdr.launched = cdr.launched - Duration::from_millis(99);
        }
        cdrs.reverse();
        let rates = call_rates(&cdrs);
        assert_eq!(rates.len(), 200);
        assert!((rates[0].instantaneous - 1_000.0).abs() < 1e-6 && (rates[1].instantaneous - 1e3 / 199.0).abs() < 1e-6);
        assert!((rates[199].mean - 10.0).abs() < 1e-9, "{:?}", rates[199]);
        assert!(call_rates(&cdrs[..1]).is_empty());
    }
}
