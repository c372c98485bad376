//! What `fsctl` reads and changes, and the counts that `status` prints.

use std::time::Duration;

use crate::esl::LogLevel;
use crate::units::Time;

use super::channel::Direction;
use super::config::SwitchConfig;
use super::rate::Rate;

/// Settings that commands change while the switch runs, and counts.
#[derive(Debug)]
pub struct Settings {
    pub started: Time,
    pub max_sessions: u32,
    pub rate: Rate,
    /// Idle CPU in percent below which no session begins; 0 is none.
    pub min_idle_cpu: f64,
    /// Directions in which no session begins.
    pub paused: Paused,
    pub log_level: LogLevel,
    pub console_log_level: LogLevel,
    pub debug_level: i32,
    pub verbose_events: OnOff,
    pub calls: CallCounts,
}

/// What `fsctl pause` holds back.
#[derive(Clone, Copy, Debug)]
pub struct Paused {
    pub inbound: OnOff,
    pub outbound: OnOff,
}

impl Paused {
    pub fn of(self, direction: Direction) -> OnOff {
        match direction {
            Direction::Inbound => self.inbound,
            Direction::Outbound => self.outbound,
        }
    }

    /// Whether nothing begins at all: FreeSWITCH is "not ready" then.
    pub fn is_whole(self) -> bool {
        (self.inbound, self.outbound) == (OnOff::On, OnOff::On)
    }
}

/// Calls and failed calls of a SIP profile, as `sofia status profile` counts them.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallCounts {
    inbound: (u64, u64),
    outbound: (u64, u64),
}

impl CallCounts {
    /// All calls, and those that failed.
    pub fn of(&self, direction: Direction) -> (u64, u64) {
        match direction {
            Direction::Inbound => self.inbound,
            Direction::Outbound => self.outbound,
        }
    }

    /// Counts a call that began.
    pub fn count(&mut self, direction: Direction) {
        self.entry(direction).0 += 1;
    }

    /// Counts a call that ended without an answer.
    pub fn count_failed(&mut self, direction: Direction) {
        self.entry(direction).1 += 1;
    }

    fn entry(&mut self, direction: Direction) -> &mut (u64, u64) {
        match direction {
            Direction::Inbound => &mut self.inbound,
            Direction::Outbound => &mut self.outbound,
        }
    }
}

/// A switch of `fsctl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOff {
    On,
    Off,
}

/// What is said of the idle CPU, which is not measured here: as on an idle machine.
pub const IDLE_CPU: f64 = 100.0;

impl Settings {
    pub fn new(config: &SwitchConfig, now: Time) -> Self {
        Settings {
            started: now,
            max_sessions: config.max_sessions,
            rate: Rate::new(config.sessions_per_second, now),
            min_idle_cpu: 0.0,
            paused: Paused { inbound: OnOff::Off, outbound: OnOff::Off },
            log_level: config.log_level,
            console_log_level: config.log_level,
            debug_level: 0,
            verbose_events: OnOff::Off,
            calls: CallCounts::default(),
        }
    }

    /// `0 years, 0 days, 0 hours, 4 minutes, 59 seconds, 696 milliseconds, 853 microseconds`
    pub fn uptime(&self, now: Time) -> String {
        let up = now.since(self.started);
        let seconds = up.as_secs();
        let parts = [
            (seconds / 31_536_000, "year"),
            (seconds % 31_536_000 / 86_400, "day"),
            (seconds % 86_400 / 3_600, "hour"),
            (seconds % 3_600 / 60, "minute"),
            (seconds % 60, "second"),
            (u64::from(up.subsec_millis()), "millisecond"),
            (u64::from(up.subsec_micros() % 1_000), "microsecond"),
        ];
        let parts = parts.map(|(n, unit)| format!("{n} {unit}{}", if n == 1 { "" } else { "s" }));
        parts.join(", ")
    }

    pub fn up(&self, now: Time) -> Duration {
        now.since(self.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_reads_as_freeswitch_writes_it() {
        let settings = Settings::new(&SwitchConfig::default(), Time::from_micros(0));
        let told = settings.uptime(Time::from_micros(61_001_002));
        assert_eq!(told, "0 years, 0 days, 0 hours, 1 minute, 1 second, 1 millisecond, 2 microseconds");
    }
}
