//! How many sessions may begin, and how many did: `sps` and its counters.

use std::time::Duration;

use crate::units::Time;

/// New sessions against `sps`, counted as FreeSWITCH counts them.
///
/// A limit of N lets N - 1 sessions begin between two beats of a clock of one second that started with the switch, and
/// what is refused counts, too. A new limit holds from the next beat on; the beat before it counts the difference of
/// the two limits as sessions, even below zero.
#[derive(Debug)]
pub struct Rate {
    started: Time,
    /// What `fsctl sps` says.
    limit: i32,
    /// Sessions that this second still takes, and one.
    left: i32,
    /// Seconds that are over.
    beats: u64,
    last: i32,
    /// Most new sessions in one second.
    peak: i32,
    recent_peak: i32,
    /// Most sessions at one time, and the same of late.
    sessions_peak: usize,
    recent_sessions_peak: usize,
    /// Seconds since "last 5min" began.
    recent: u32,
}

/// What FreeSWITCH calls the last five minutes: they begin anew every 300 s.
const FIVE_MINUTES: u32 = 300;
const SECOND: Duration = Duration::from_secs(1);

impl Rate {
    pub fn new(limit: u32, now: Time) -> Rate {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        Rate {
            started: now,
            limit,
            left: limit,
            beats: 0,
            last: 0,
            peak: 0,
            recent_peak: 0,
            sessions_peak: 0,
            recent_sessions_peak: 0,
            recent: 0,
        }
    }

    /// Does what was due by `now`, with `sessions` of them there since the last time.
    pub fn roll(&mut self, now: Time, sessions: usize) {
        let over = u64::try_from(now.since(self.started).as_micros() / SECOND.as_micros()).unwrap_or(u64::MAX);
        while self.beats < over {
            self.beats += 1;
            self.beat(sessions);
        }
    }

    fn beat(&mut self, sessions: usize) {
        self.last = self.limit.wrapping_sub(self.left);
        if self.recent >= FIVE_MINUTES {
            self.recent = 0;
            self.recent_peak = 0;
            self.recent_sessions_peak = sessions;
        }
        self.recent += 1;
        self.recent_peak = self.recent_peak.max(self.last);
        self.peak = self.peak.max(self.last);
        self.left = self.limit;
    }

    /// Counts a session that wants to begin; false when there are too many.
    pub fn admit(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    /// Notes that there are so many sessions now.
    pub fn note(&mut self, sessions: usize) {
        self.sessions_peak = self.sessions_peak.max(sessions);
        self.recent_sessions_peak = self.recent_sessions_peak.max(sessions);
    }

    pub fn limit(&self) -> i32 {
        self.limit
    }

    /// Sets the limit; no limit below 1 is taken.
    pub fn set_limit(&mut self, limit: i32) {
        if limit > 0 {
            self.limit = limit;
        }
    }

    /// What HEARTBEAT calls `Session-Per-Sec`: not the limit, but what is left of it.
    pub fn left(&self) -> i32 {
        self.left
    }

    /// New sessions in the last second that is over, those refused as well.
    pub fn last(&self) -> i32 {
        self.last
    }

    pub fn peak(&self) -> i32 {
        self.peak
    }

    pub fn reset_peak(&mut self) {
        self.peak = 0;
    }

    pub fn recent_peak(&self) -> i32 {
        self.recent_peak
    }

    pub fn sessions_peak(&self) -> usize {
        self.sessions_peak
    }

    pub fn recent_sessions_peak(&self) -> usize {
        self.recent_sessions_peak
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Time {
        Time::from_micros(milliseconds * 1_000)
    }

    #[test]
    fn five_a_second_are_four_and_what_is_refused_counts() {
        let mut rate = Rate::new(5, at(0));
        let admitted: Vec<bool> = (0..8).map(|_| rate.admit()).collect();
        assert_eq!(admitted, [true, true, true, true, false, false, false, false]);
        rate.roll(at(1_300), 0);
        assert_eq!((rate.last(), rate.peak()), (8, 8));
        assert!(rate.admit());
        rate.roll(at(3_500), 0);
        assert_eq!((rate.last(), rate.peak()), (0, 8));
    }

    // Seen: from 1000 to 20 `last_sps` was -980, from 20 to 200 it was 180 and so was the peak.
    #[test]
    fn a_new_limit_counts_as_sessions_once() {
        let mut rate = Rate::new(1_000, at(0));
        rate.set_limit(20);
        rate.roll(at(1_200), 0);
        assert_eq!((rate.last(), rate.peak()), (-980, 0));
        rate.set_limit(200);
        rate.roll(at(2_200), 0);
        assert_eq!((rate.last(), rate.peak(), rate.left()), (180, 180, 200));
        rate.set_limit(-1);
        assert_eq!(rate.limit(), 200);
    }

    #[test]
    fn the_last_five_minutes_begin_anew_every_five_minutes() {
        let mut rate = Rate::new(1_000, at(0));
        rate.admit();
        rate.note(7);
        rate.roll(at(300_500), 2);
        assert_eq!((rate.recent_peak(), rate.recent_sessions_peak()), (1, 7));
        rate.roll(at(301_500), 2);
        assert_eq!((rate.recent_peak(), rate.recent_sessions_peak()), (0, 2));
        assert_eq!((rate.peak(), rate.sessions_peak()), (1, 7));
    }
}
