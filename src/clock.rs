#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The clock that IO shells share: the wall clock read once, monotonic time added to it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::units::Time;

/// Tells [`Time`]. It never goes back, whatever is done to the machine's wall clock while the process runs.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    epoch: Time,
}

impl Clock {
    /// Reads the wall clock. One process should do this once and hand copies to its shells, so that their times
    /// can be subtracted from each other.
    pub fn start() -> Clock {
        // A machine whose clock stands before 1970 counts from 1970.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { started: Instant::now(), epoch: Time::default() + since_epoch }
    }

    /// What time it is.
    pub fn now(&self) -> Time {
        self.epoch + self.started.elapsed()
    }

    /// How long it is until `time`; zero when that has passed.
    pub fn until(&self, time: Time) -> Duration {
        time.since(self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_forward_from_the_wall_clock() {
        let clock = Clock::start();
        let first = clock.now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(wall.as_micros() as u64 - first.as_micros() < 60_000_000, "{first:?} is not today");
        assert!(clock.now() >= first);
        assert_eq!(clock.until(first), Duration::ZERO);
        assert!(clock.until(first + Duration::from_secs(60)) > Duration::from_secs(1));
    }
}
