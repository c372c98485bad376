//! Limits and log level of a host: raised for a run, put back after it.
//!
//! FreeSWITCH tells `sps` and `max_sessions` when asked. It does not tell its log level: `fsctl loglevel` without a
//! level sets the level to none, whatever its usage says. So the level is taken from `switch.conf`, which is what it
//! was unless somebody changed it while the host ran.

use std::fmt;

use crate::esl::{Command, LogLevel};

/// What a host is to be set to; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// New sessions a second. FreeSWITCH lets one less begin.
    pub sps: Option<u32>,
    pub max_sessions: Option<u32>,
    pub log_level: Option<LogLevel>,
}

/// One setting that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    Sps,
    MaxSessions,
    LogLevel,
}

/// A setting and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Sps(u32),
    MaxSessions(u32),
    LogLevel(LogLevel),
}

/// What is to be changed on a host, and how to put it back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub set: Vec<Value>,
    pub restore: Restore,
    /// Asked for, but left alone: what they are now is not known, so they could not be put back.
    pub unknown: Vec<Setting>,
}

/// What a host was before it was changed. Its commands do no harm where the change itself was not made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a host stays changed without it"]
pub struct Restore(Vec<Value>);

/// Why a reply about a setting cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("no {setting} in the reply {reply:?}")]
    NotTold { setting: Setting, reply: String },
    #[error("{wanted} was not taken: {reply:?}")]
    NotTaken { wanted: Value, reply: String },
}

impl Settings {
    /// What has to be asked before [`Settings::change`]: only settings that are wanted.
    pub fn questions(&self) -> Vec<Setting> {
        self.wanted().map(Value::setting).collect()
    }

    /// What to do on a host whose settings are `present` now.
    ///
    /// A limit that is high enough is left, and so is a log level that is the one wanted.
    pub fn change(&self, present: &[Value]) -> Change {
        let mut change = Change::default();
        for wanted in self.wanted() {
            match present.iter().find(|value| value.setting() == wanted.setting()) {
                None => change.unknown.push(wanted.setting()),
                Some(now) if now.serves(wanted) => {}
                Some(now) => {
                    change.set.push(wanted);
                    change.restore.0.push(*now);
                }
            }
        }
        change
    }

    fn wanted(&self) -> impl Iterator<Item = Value> {
        let limits = [self.sps.map(Value::Sps), self.max_sessions.map(Value::MaxSessions)];
        limits.into_iter().chain([self.log_level.map(Value::LogLevel)]).flatten()
    }
}

impl Restore {
    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the settings were.
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    pub fn commands(&self) -> impl Iterator<Item = Command> {
        self.0.iter().map(|value| value.command())
    }
}

impl Setting {
    /// Asks for the present value, and changes nothing.
    pub fn question(self) -> Command {
        Command::api(match self {
            Setting::Sps => "fsctl sps",
            Setting::MaxSessions => "fsctl max_sessions",
            Setting::LogLevel => "xml_locate configuration configuration name switch.conf",
        })
    }

    /// Reads the reply to [`Setting::question`].
    pub fn parse(self, reply: &str) -> Result<Value, SettingError> {
        let value = match self {
            Setting::Sps => told(reply, SPS).and_then(|text| text.parse().ok()).map(Value::Sps),
            Setting::MaxSessions => told(reply, MAX_SESSIONS).and_then(most).map(Value::MaxSessions),
            Setting::LogLevel => configured_level(reply).map(Value::LogLevel),
        };
        value.ok_or_else(|| SettingError::NotTold { setting: self, reply: excerpt(reply) })
    }
}

impl Value {
    pub fn setting(self) -> Setting {
        match self {
            Value::Sps(_) => Setting::Sps,
            Value::MaxSessions(_) => Setting::MaxSessions,
            Value::LogLevel(_) => Setting::LogLevel,
        }
    }

    /// Sets it.
    pub fn command(self) -> Command {
        Command::api(&match self {
            Value::Sps(limit) => format!("fsctl sps {limit}"),
            // What does not fit into 31 bits is written as FreeSWITCH reads it.
            Value::MaxSessions(most) => format!("fsctl max_sessions {}", most.cast_signed()),
            // A number below zero would be read as 0.
            Value::LogLevel(level) => format!("fsctl loglevel {}", level.name().to_ascii_lowercase()),
        })
    }

    /// Reads the reply to [`Value::command`]: FreeSWITCH answers `+OK` with the value that holds now, whether it took
    /// the new one or not.
    pub fn confirm(self, reply: &str) -> Result<(), SettingError> {
        let holds = match self {
            Value::Sps(limit) => told(reply, SPS) == Some(&limit.to_string()),
            Value::MaxSessions(wanted) => told(reply, MAX_SESSIONS).and_then(most) == Some(wanted),
            Value::LogLevel(level) => told(reply, LOG_LEVEL) == Some(&format!("{level} [{}]", level.0)),
        };
        if holds { Ok(()) } else { Err(SettingError::NotTaken { wanted: self, reply: excerpt(reply) }) }
    }

    /// Whether this does where `wanted` is.
    fn serves(self, wanted: Value) -> bool {
        match (self, wanted) {
            (Value::Sps(now), Value::Sps(wanted)) | (Value::MaxSessions(now), Value::MaxSessions(wanted)) => {
                now >= wanted
            }
            _ => self == wanted,
        }
    }
}

impl fmt::Display for Settings {
    /// `sps 500, max_sessions 5000`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted: Vec<String> = self.wanted().map(|value| value.to_string()).collect();
        f.write_str(&wanted.join(", "))
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Setting::Sps => "sps",
            Setting::MaxSessions => "max_sessions",
            Setting::LogLevel => "loglevel",
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setting = self.setting();
        match self {
            Value::Sps(number) | Value::MaxSessions(number) => write!(f, "{setting} {number}"),
            Value::LogLevel(level) => write!(f, "{setting} {}", level.name().to_ascii_lowercase()),
        }
    }
}

fn told<'a>(reply: &'a str, before: &str) -> Option<&'a str> {
    Some(reply.strip_prefix(before)?.trim_end())
}

/// `max_sessions` is told as a number of 31 bits and a sign, whatever it is.
fn most(text: &str) -> Option<u32> {
    text.parse::<i32>().ok().map(i32::cast_unsigned)
}

/// The level in a `switch.conf`; FreeSWITCH's own where it names none.
fn configured_level(xml: &str) -> Option<LogLevel> {
    if !xml.contains("<configuration") {
        return None;
    }
    let Some(param) = xml.split("<param ").find(|param| param.contains("\"loglevel\"")) else {
        return Some(LogLevel::DEBUG);
    };
    LogLevel::parse(param.split_once("value=\"")?.1.split('"').next()?)
}

fn excerpt(reply: &str) -> String {
    reply.trim_end().chars().take(200).collect()
}

const SPS: &str = "+OK sessions per second: ";
const MAX_SESSIONS: &str = "+OK max sessions: ";
const LOG_LEVEL: &str = "+OK log level: ";

#[cfg(test)]
mod tests {
    use super::*;

    // FreeSWITCH 1.10.12.
    const SWITCH_CONF: &str = "<configuration name=\"switch.conf\" description=\"Limits\">\n        <settings>\n        \n            <param name=\"sessions-per-second\" value=\"30\"></param>\n\n            <param name=\"loglevel\" value=\"warning\"></param>\n\n      </settings>\n\n    </configuration>\n";

    const ALL: Settings = Settings { sps: Some(200), max_sessions: Some(5_000), log_level: Some(LogLevel(4)) };

    fn lines(commands: impl IntoIterator<Item = Command>) -> Vec<String> {
        let text = |command: Command| String::from_utf8(command.encode().unwrap()).unwrap();
        commands.into_iter().map(|command| text(command).trim_end().to_owned()).collect()
    }

    #[test]
    fn a_host_is_asked_set_and_put_back() {
        let asked = ALL.questions();
        let expected =
            ["api fsctl sps", "api fsctl max_sessions", "api xml_locate configuration configuration name switch.conf"];
        assert_eq!(lines(asked.iter().map(|setting| setting.question())), expected);
        let conf = SWITCH_CONF.replace("warning", "debug");
        let replies = ["+OK sessions per second: 30\n", "+OK max sessions: 1000\n", &conf];
        let present: Vec<Value> = asked.iter().zip(replies).map(|(ask, reply)| ask.parse(reply).unwrap()).collect();
        let change = ALL.change(&present);
        let set = lines(change.set.iter().map(|value| value.command()));
        assert_eq!(set, ["api fsctl sps 200", "api fsctl max_sessions 5000", "api fsctl loglevel warning"]);
        let back = lines(change.restore.commands());
        assert_eq!(back, ["api fsctl sps 30", "api fsctl max_sessions 1000", "api fsctl loglevel debug"]);
        assert!(change.unknown.is_empty());
    }

    #[test]
    fn what_was_not_asked_for_or_is_high_enough_is_left() {
        let present = [Value::Sps(200), Value::MaxSessions(8_000), Value::LogLevel(LogLevel(4))];
        let change = ALL.change(&present);
        assert_eq!((change.set, change.restore.is_empty()), (vec![], true));
        assert!(Settings::default().questions().is_empty());
        let change = Settings { sps: Some(201), ..Settings::default() }.change(&present);
        assert_eq!((change.set.as_slice(), change.restore.values()), ([Value::Sps(201)].as_slice(), &present[..1]));
    }

    #[test]
    fn what_cannot_be_put_back_is_not_changed() {
        let change = ALL.change(&[Value::Sps(30)]);
        assert_eq!(change.set, [Value::Sps(200)]);
        assert_eq!(change.unknown, [Setting::MaxSessions, Setting::LogLevel]);
    }

    #[test]
    fn a_log_level_is_never_asked_for_by_the_command_that_switches_the_log_off() {
        let Command::Api { arguments, .. } = Setting::LogLevel.question() else { panic!() };
        assert!(!arguments.contains("loglevel"), "{arguments}");
        assert_eq!(Setting::LogLevel.parse(SWITCH_CONF), Ok(Value::LogLevel(LogLevel(4))));
        assert_eq!(Setting::LogLevel.parse("<configuration/>"), Ok(Value::LogLevel(LogLevel::DEBUG)));
        assert!(Setting::LogLevel.parse("-ERR no reply\n").is_err());
        assert_eq!(lines([Value::LogLevel(LogLevel::DISABLED).command()]), ["api fsctl loglevel disable"]);
    }

    // `+OK` with the old value is how FreeSWITCH refuses.
    #[test]
    fn a_value_is_taken_only_when_the_host_says_so() {
        assert_eq!(Value::Sps(200).confirm("+OK sessions per second: 200\n"), Ok(()));
        assert_eq!(Value::LogLevel(LogLevel(4)).confirm("+OK log level: WARNING [4]\n"), Ok(()));
        assert_eq!(Value::MaxSessions(4_294_967_291).confirm("+OK max sessions: -5\n"), Ok(()));
        assert_eq!(lines([Value::MaxSessions(4_294_967_291).command()]), ["api fsctl max_sessions -5"]);
        let error = Value::Sps(0).confirm("+OK sessions per second: 200\n").unwrap_err();
        assert_eq!(error.to_string(), r#"sps 0 was not taken: "+OK sessions per second: 200""#);
        let error = Setting::Sps.parse("-ERR fsctl Command not found!\n").unwrap_err();
        assert_eq!(error.to_string(), r#"no sps in the reply "-ERR fsctl Command not found!""#);
    }
}
