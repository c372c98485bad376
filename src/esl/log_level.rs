//! Levels of a switch's log.

use std::fmt;

/// A level, as FreeSWITCH numbers them (`switch_log_level_t`): -1 nothing, 0 console to 7 debug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogLevel(pub i8);

impl LogLevel {
    pub const DISABLED: LogLevel = LogLevel(-1);
    pub const CONSOLE: LogLevel = LogLevel(0);
    pub const ERR: LogLevel = LogLevel(3);
    pub const NOTICE: LogLevel = LogLevel(5);
    pub const INFO: LogLevel = LogLevel(6);
    pub const DEBUG: LogLevel = LogLevel(7);

    const NAMES: [&str; 9] = ["DISABLE", "CONSOLE", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"];

    /// All levels that a line may have, as people write them.
    pub fn names() -> impl Iterator<Item = String> {
        Self::NAMES[1..].iter().map(|name| name.to_ascii_lowercase())
    }

    /// A name in any case, or a number from -1 to 7.
    pub fn parse(text: &str) -> Option<LogLevel> {
        if let Ok(number) = text.parse::<i8>() {
            return (-1..=7).contains(&number).then_some(LogLevel(number));
        }
        let at = Self::NAMES.iter().position(|name| name.eq_ignore_ascii_case(text))?;
        Some(LogLevel(at as i8 - 1))
    }

    /// The name that FreeSWITCH prints: `WARNING`.
    pub fn name(self) -> &'static str {
        Self::NAMES[usize::try_from(self.0 + 1).unwrap_or(0).min(8)]
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_levels_have_freeswitchs_numbers() {
        assert_eq!(LogLevel::parse("warning"), Some(LogLevel(4)));
        assert_eq!((LogLevel(4).name(), LogLevel::DISABLED.name()), ("WARNING", "DISABLE"));
        assert_eq!((LogLevel::parse("8"), LogLevel::parse("loud")), (None, None));
    }
}
