//! What a host says of its load: its `status`, and when to ask for it.
//!
//! `status` is asked for, and HEARTBEAT left alone: of the two only `status` tells the limit of sessions a second (a
//! heartbeat's `Session-Per-Sec` is what is left of it), a heartbeat comes every 20 s, and to change that is to change
//! the host's configuration.

use std::time::Duration;

use crate::esl::Command;
use crate::units::{Percent, Time};

/// The load of a host at one moment.
///
/// The counters are FreeSWITCH's, and so are their whims. Sessions that were refused count in `sps` and `sps_peak`.
/// A limit that was raised by N in the second before counts in both as N sessions, so they say nothing for two seconds
/// after a change of the limit, and `sps_peak` none after it until it is reset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostStats {
    /// When the answer came, by our clock.
    pub at: Time,
    pub sessions: u32,
    /// Most sessions at one time since the host started.
    pub sessions_peak: u32,
    pub sessions_since_startup: u64,
    pub max_sessions: u32,
    /// New sessions in the last second that was over.
    pub sps: u32,
    /// Most of them in one second since the host started.
    pub sps_peak: u32,
    /// The host lets one session less than this begin in a second.
    pub sps_limit: u32,
    /// Of all processors of the host together.
    pub idle_cpu: Percent,
    /// Idle CPU below which the host refuses sessions; 0 is none.
    pub min_idle_cpu: Percent,
    pub uptime: Duration,
    pub readiness: Readiness,
}

/// Whether a host takes new sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// It was paused, or is shutting down.
    NotReady,
}

/// Load of this machine and of our own process, since the reading before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalLoad {
    pub at: Time,
    /// Of all processors together.
    pub idle_cpu: Percent,
    /// What this process took, of all processors together.
    pub own_cpu: Percent,
    /// Processors of the machine.
    pub processors: usize,
    /// Bytes of memory in all.
    pub memory: u64,
    /// Bytes of memory that a program could still have.
    pub free_memory: u64,
    /// Bytes of memory that this process holds.
    pub own_memory: u64,
}

/// Why an answer to `status` tells no load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatsError {
    #[error("no {what} in its status: {text:?}")]
    Missing { what: &'static str, text: String },
}

impl HostStats {
    /// What is asked for.
    pub fn command() -> Command {
        Command::api("status")
    }

    /// Reads the answer to [`HostStats::command`], which came at `at`.
    pub fn parse(at: Time, text: &str) -> Result<HostStats, StatsError> {
        let missing = |what| StatsError::Missing { what, text: text.chars().take(400).collect() };
        let line = |what, has: &dyn Fn(&str) -> bool| text.lines().find(|line| has(line)).ok_or_else(|| missing(what));

        let uptime = line("uptime", &|line| line.starts_with("UP "))?;
        let uptime = parse_uptime(uptime).ok_or_else(|| missing("uptime"))?;
        let ready = line("readiness", &|line| line.ends_with(" ready"))?;
        let readiness = if ready.ends_with("not ready") { Readiness::NotReady } else { Readiness::Ready };

        let since = line("count of sessions", &|line| line.ends_with(" session(s) since startup"))?;
        let [since] = numbers(since).ok_or_else(|| missing("count of sessions"))?;
        let sessions = line("sessions", &|line| line.contains(" session(s) - peak "))?;
        let [sessions, sessions_peak] = numbers(sessions).ok_or_else(|| missing("sessions"))?;
        let rate = line("sessions a second", &|line| line.contains(" session(s) per Sec out of max "))?;
        let [sps, sps_limit, sps_peak] = numbers(rate).ok_or_else(|| missing("sessions a second"))?;
        let most = line("most sessions", &|line| line.ends_with(" session(s) max"))?;
        let [most] = numbers(most).ok_or_else(|| missing("most sessions"))?;
        let idle = line("idle cpu", &|line| line.starts_with("min idle cpu "))?;
        let (min_idle_cpu, idle_cpu) = parse_idle(idle).ok_or_else(|| missing("idle cpu"))?;

        Ok(HostStats {
            at,
            sessions: count(sessions),
            sessions_peak: count(sessions_peak),
            sessions_since_startup: u64::try_from(since).unwrap_or(0),
            // A number that does not fit is written as one below zero.
            max_sessions: if most < 0 { u32::MAX } else { count(most) },
            sps: count(sps),
            sps_peak: count(sps_peak),
            sps_limit: count(sps_limit),
            idle_cpu,
            min_idle_cpu,
            uptime,
            readiness,
        })
    }
}

/// A count; one below zero, as after a limit was lowered, is none.
fn count(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

/// The first `N` whole numbers of a line; a minus counts where a number begins a word.
fn numbers<const N: usize>(line: &str) -> Option<[i64; N]> {
    let words = line.split([' ', ',']);
    let found: Vec<i64> = words.filter_map(|word| word.parse().ok()).take(N).collect();
    found.try_into().ok()
}

/// `UP 0 years, 1 day, 2 hours, 3 minutes, 4 seconds, 5 milliseconds, 6 microseconds`
fn parse_uptime(line: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 7] = [
        ("year", 31_536_000_000_000),
        ("day", 86_400_000_000),
        ("hour", 3_600_000_000),
        ("minute", 60_000_000),
        ("second", 1_000_000),
        ("millisecond", 1_000),
        ("microsecond", 1),
    ];
    line.strip_prefix("UP ")?.split(", ").try_fold(Duration::ZERO, |total, part| {
        let (number, unit) = part.split_once(' ')?;
        let unit = UNITS.iter().find(|(name, _)| *name == unit.trim_end().trim_end_matches('s'))?.1;
        Some(total.saturating_add(Duration::from_micros(number.parse::<u64>().ok()?.saturating_mul(unit))))
    })
}

/// `min idle cpu 0.00/86.87`
fn parse_idle(line: &str) -> Option<(Percent, Percent)> {
    let (least, idle) = line.strip_prefix("min idle cpu ")?.split_once('/')?;
    let percent = |text: &str| text.trim().parse().ok().filter(|value: &f64| value.is_finite()).map(Percent);
    Some((percent(least)?, percent(idle)?))
}

/// When to ask a host for its load: at a bounded rate, and never while it owes an answer.
#[derive(Clone, Copy, Debug)]
pub struct StatsPace {
    every: Duration,
    state: Pace,
}

#[derive(Clone, Copy, Debug)]
enum Pace {
    /// An answer is awaited to what was asked then.
    Asked(Time),
    /// To be asked from then on.
    Due(Time),
}

impl Default for StatsPace {
    /// Every 2 s.
    fn default() -> Self {
        StatsPace::every(Duration::from_secs(2))
    }
}

impl StatsPace {
    /// FreeSWITCH counts in seconds: who asks more often learns no more.
    pub const SHORTEST: Duration = Duration::from_secs(1);

    /// Every so often, but no more often than [`StatsPace::SHORTEST`]. It begins at once.
    pub fn every(every: Duration) -> StatsPace {
        StatsPace { every: every.max(Self::SHORTEST), state: Pace::Due(Time::default()) }
    }

    /// When to call [`StatsPace::handle_timeout`]; `None` while an answer is awaited.
    pub fn poll_timeout(&self) -> Option<Time> {
        match self.state {
            Pace::Asked(_) => None,
            Pace::Due(at) => Some(at),
        }
    }

    /// What is to be asked now, if it is time. [`StatsPace::handle_answer`] has to follow, or
    /// [`StatsPace::handle_lost`].
    pub fn handle_timeout(&mut self, now: Time) -> Option<Command> {
        match self.state {
            Pace::Due(at) if at <= now => {
                self.state = Pace::Asked(now);
                Some(HostStats::command())
            }
            _ => None,
        }
    }

    /// The answer came, whatever it was.
    pub fn handle_answer(&mut self) {
        if let Pace::Asked(at) = self.state {
            self.state = Pace::Due(at + self.every);
        }
    }

    /// The host was lost, and with it the answer; it is to be asked anew once it is back.
    pub fn handle_lost(&mut self) {
        self.handle_answer();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Time = Time::from_micros(5);

    // FreeSWITCH 1.10.12.
    const IDLE: &str = "UP 0 years, 0 days, 0 hours, 3 minutes, 43 seconds, 86 milliseconds, 798 microseconds\nFreeSWITCH (Version 1.10.12-release git a88d069 2024-08-02 21:02:27Z 64bit) is ready\n2388 session(s) since startup\n0 session(s) - peak 800, last 5min 700 \n2 session(s) per Sec out of max 1000, peak 204, last 5min 203 \n20000 session(s) max\nmin idle cpu 0.00/86.87\nCurrent Stack Size/Max 240K/8192K\n";

    #[test]
    fn a_status_is_read_whole() {
        let stats = HostStats::parse(AT, IDLE).unwrap();
        let expected = HostStats {
            at: AT,
            sessions: 0,
            sessions_peak: 800,
            sessions_since_startup: 2_388,
            max_sessions: 20_000,
            sps: 2,
            sps_peak: 204,
            sps_limit: 1_000,
            idle_cpu: Percent(86.87),
            min_idle_cpu: Percent(0.0),
            uptime: Duration::from_micros(223_086_798),
            readiness: Readiness::Ready,
        };
        assert_eq!(stats, expected);
    }

    // The same build without a commit, paused, `max_sessions -5`, `sps` lowered from 1000 to 20.
    #[test]
    fn a_strange_status_is_read_as_well() {
        let text = "UP 1 year, 1 day, 1 hour, 1 minute, 1 second, 1 millisecond, 1 microsecond\nFreeSWITCH (Version 1.10.12-release  64bit) is not ready\n1 session(s) since startup\n1 session(s) - peak 1, last 5min 0 \n-980 session(s) per Sec out of max 20, peak 0, last 5min 0 \n-5 session(s) max\nmin idle cpu 5.00/78.63\n";
        let stats = HostStats::parse(AT, text).unwrap();
        assert_eq!((stats.sps, stats.sps_limit, stats.max_sessions), (0, 20, u32::MAX));
        assert_eq!((stats.min_idle_cpu, stats.readiness), (Percent(5.0), Readiness::NotReady));
        assert_eq!(stats.uptime, Duration::from_micros(31_536_000_000_000 + 86_400_000_000 + 3_661_001_001));
    }

    #[test]
    fn what_is_no_status_says_what_is_missing() {
        for cut in ["UP 0", "is ready", "since startup", "session(s) - peak", "per Sec", "session(s) max", "min idle"] {
            let text: String = IDLE.lines().filter(|line| !line.contains(cut)).collect::<Vec<_>>().join("\n");
            assert!(HostStats::parse(AT, &text).is_err(), "{cut}");
        }
        let error = HostStats::parse(AT, "-ERR status Command not found!\n").unwrap_err();
        assert_eq!(error.to_string(), r#"no uptime in its status: "-ERR status Command not found!\n""#);
    }

    #[test]
    fn a_host_is_asked_at_its_pace_and_never_while_it_owes_an_answer() {
        let at = |ms: u64| Time::from_micros(ms * 1_000);
        let mut pace = StatsPace::default();
        assert_eq!(pace.handle_timeout(at(100)), Some(HostStats::command()));
        assert_eq!((pace.poll_timeout(), pace.handle_timeout(at(60_000))), (None, None));
        pace.handle_answer();
        // Asked 2 s after it was asked; late by now, so at once, and then at its pace again.
        assert_eq!(pace.poll_timeout(), Some(at(2_100)));
        assert!(pace.handle_timeout(at(60_000)).is_some());
        pace.handle_answer();
        assert_eq!((pace.handle_timeout(at(61_999)), pace.poll_timeout()), (None, Some(at(62_000))));
    }

    #[test]
    fn a_host_that_was_lost_is_asked_anew() {
        let mut pace = StatsPace::every(Duration::ZERO);
        assert!(pace.handle_timeout(AT).is_some());
        pace.handle_lost();
        assert_eq!(pace.poll_timeout(), Some(AT + StatsPace::SHORTEST));
    }
}
