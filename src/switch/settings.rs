//! What `fsctl` reads and changes, and the counts that `status` prints.

use std::collections::VecDeque;
use std::time::Duration;

use crate::units::Time;

use super::channel::Direction;
use super::config::SwitchConfig;

/// Settings that commands change while the switch runs, and counts.
#[derive(Debug)]
pub struct Settings {
    pub started: Time,
    pub max_sessions: u32,
    pub sessions_per_second: u32,
    pub log_level: LogLevel,
    pub console_log_level: LogLevel,
    pub verbose_events: OnOff,
    /// Most sessions at one time.
    pub peak: usize,
    /// Most new sessions in one second.
    pub peak_rate: u32,
    pub calls: CallCounts,
    /// Second and count of the newest sessions, and the counts of the seconds before.
    current: (u64, u32),
    recent: VecDeque<(u64, u32, usize)>,
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

/// Log levels, as FreeSWITCH numbers them (`switch_log_level_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLevel(pub i8);

impl LogLevel {
    pub const DISABLED: LogLevel = LogLevel(-1);
    const NAMES: [&str; 9] = ["DISABLE", "CONSOLE", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"];

    /// A name in any case or a number.
    pub fn parse(text: &str) -> Option<LogLevel> {
        if let Ok(number) = text.parse::<i8>() {
            return (-1..=7).contains(&number).then_some(LogLevel(number));
        }
        let at = Self::NAMES.iter().position(|name| name.eq_ignore_ascii_case(text))?;
        Some(LogLevel(at as i8 - 1))
    }

    pub fn name(self) -> &'static str {
        Self::NAMES[usize::try_from(self.0 + 1).unwrap_or(0).min(8)]
    }
}

/// FreeSWITCH's "last 5 min".
const FIVE_MINUTES: u64 = 300;

impl Settings {
    pub fn new(config: &SwitchConfig, now: Time) -> Self {
        Settings {
            started: now,
            max_sessions: config.max_sessions,
            sessions_per_second: config.sessions_per_second,
            log_level: LogLevel::DISABLED,
            console_log_level: LogLevel::DISABLED,
            verbose_events: OnOff::Off,
            peak: 0,
            peak_rate: 0,
            calls: CallCounts::default(),
            current: (0, 0),
            recent: VecDeque::new(),
        }
    }

    /// Counts a new session; false when this second has had its number of them.
    pub fn count_session(&mut self, now: Time) -> bool {
        self.roll(now);
        if self.current.1 >= self.sessions_per_second {
            return false;
        }
        self.current.1 += 1;
        self.peak_rate = self.peak_rate.max(self.current.1);
        true
    }

    pub fn note_peak(&mut self, sessions: usize) {
        self.peak = self.peak.max(sessions);
        let (second, count) = self.current;
        match self.recent.back_mut() {
            Some(last) if last.0 == second => *last = (second, count, last.2.max(sessions)),
            _ => self.recent.push_back((second, count, sessions)),
        }
        while self.recent.front().is_some_and(|first| first.0 + FIVE_MINUTES < second) {
            self.recent.pop_front();
        }
    }

    /// New sessions in this second so far.
    pub fn rate(&mut self, now: Time) -> u32 {
        self.roll(now);
        self.current.1
    }

    /// Most new sessions in one second, and most sessions at one time, in the last five minutes.
    pub fn recent_peaks(&self, now: Time) -> (u32, usize) {
        let from = (now.as_micros() / 1_000_000).saturating_sub(FIVE_MINUTES);
        let recent = self.recent.iter().filter(|entry| entry.0 >= from);
        recent.fold((0, 0), |(rate, sessions), entry| (rate.max(entry.1), sessions.max(entry.2)))
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

    fn roll(&mut self, now: Time) {
        let second = now.as_micros() / 1_000_000;
        if self.current.0 != second {
            self.current = (second, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_takes_its_number_of_sessions_and_the_next_one_again() {
        let config = SwitchConfig { sessions_per_second: 2, ..SwitchConfig::default() };
        let mut settings = Settings::new(&config, Time::from_micros(0));
        let admitted = [0, 1, 999_999, 1_000_000].map(|us| settings.count_session(Time::from_micros(us)));
        assert_eq!(admitted, [true, true, false, true]);
    }

    #[test]
    fn log_levels_have_freeswitchs_numbers() {
        assert_eq!(LogLevel::parse("warning"), Some(LogLevel(4)));
        assert_eq!((LogLevel(4).name(), LogLevel::DISABLED.name()), ("WARNING", "DISABLE"));
        assert_eq!((LogLevel::parse("8"), LogLevel::parse("loud")), (None, None));
    }

    #[test]
    fn uptime_reads_as_freeswitch_writes_it() {
        let settings = Settings::new(&SwitchConfig::default(), Time::from_micros(0));
        let told = settings.uptime(Time::from_micros(61_001_002));
        assert_eq!(told, "0 years, 0 days, 0 hours, 1 minute, 1 second, 1 millisecond, 2 microseconds");
    }
}
