//! What a typed line means.

use super::event_names::EventNames;
use super::slash::{NOEVENTS, Slash};
use crate::esl::LogLevel;
use crate::id::SessionId;

/// A line as it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Nothing,
    /// A command of the switch. With it goes the log level that `console loglevel` names, which fs_cli takes as its own.
    Api {
        line: String,
        log: Option<LogLevel>,
    },
    /// The same as a job.
    BgApi(String),
    Log(LogLevel),
    NoLog,
    /// Log lines of one session alone, or of all.
    LogOf(Option<SessionId>),
    /// Log lines with a text in them alone, or all.
    LogWith(Option<String>),
    Events(EventsOrder),
    Filter(FilterOrder),
    Help,
    Quit,
}

/// Which events are to come, and how they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventsOrder {
    /// What comes now is to be told.
    Tell,
    Form(Form),
    /// These as well.
    Add(EventNames),
    /// These no longer.
    Remove(EventNames),
    Off,
}

/// How events are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// On a line each.
    #[default]
    Short,
    /// With all headers and the body.
    Full,
}

/// What is to be filtered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterOrder {
    /// What is filtered now is to be told.
    Tell,
    Add {
        header: String,
        value: String,
    },
    /// Without a value, all of the header.
    Remove {
        header: String,
        value: Option<String>,
    },
    Off,
}

/// Why a line means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    #[error("unknown command /{name}{}", .meant.map(|meant| format!(": did you mean /{meant}?")).unwrap_or_default())]
    Unknown { name: String, meant: Option<&'static str> },
    #[error("{0:?} is no log level: console, alert, crit, err, warning, notice, info or debug")]
    Level(String),
    #[error("{name:?} is no event{}", .meant.map(|meant| format!(": did you mean {meant}?")).unwrap_or_default())]
    Event { name: String, meant: Option<&'static str> },
    #[error("CUSTOM without a subclass behind it")]
    NoSubclass,
    #[error("usage: {0}")]
    Usage(String),
}

impl Input {
    /// Reads a line. What is no command of the shell is one of the switch.
    pub fn parse(line: &str) -> Result<Input, InputError> {
        let line = line.trim();
        // To the switch itself it means "shut down".
        if line.starts_with("...") {
            return match line {
                "..." => Ok(Input::Quit),
                _ => Err(unknown(line)),
            };
        }
        if let Some(command) = line.strip_prefix('/') {
            let (name, arguments) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
            return of_shell(name, arguments.trim());
        }
        if line.is_empty() {
            return Ok(Input::Nothing);
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let log = match words.as_slice() {
            ["console", "loglevel", level] => LogLevel::parse(level).filter(|level| *level != LogLevel::DISABLED),
            _ => None,
        };
        Ok(Input::Api { line: line.to_owned(), log })
    }
}

fn of_shell(name: &str, arguments: &str) -> Result<Input, InputError> {
    let some = Some(arguments).filter(|arguments| !arguments.is_empty());
    if name.eq_ignore_ascii_case(NOEVENTS) {
        return Ok(Input::Events(EventsOrder::Off));
    }
    let slash = Slash::named(name).ok_or_else(|| unknown(name))?;
    let usage = || InputError::Usage(slash.usage());
    Ok(match slash.name {
        "log" => match some.map_or(Some(LogLevel::DEBUG), LogLevel::parse) {
            Some(LogLevel::DISABLED) => Input::NoLog,
            level => Input::Log(level.ok_or_else(|| InputError::Level(arguments.to_owned()))?),
        },
        "nolog" => Input::NoLog,
        "uuid" => Input::LogOf(some.map(SessionId::new)),
        "logfilter" => Input::LogWith(some.map(str::to_owned)),
        "events" => Input::Events(events(arguments)?),
        "nixevent" => {
            let names = EventNames::parse(arguments)?;
            Input::Events(if names.is_empty() { return Err(usage()) } else { EventsOrder::Remove(names) })
        }
        "filter" => Input::Filter(filter(arguments).ok_or_else(usage)?),
        "bgapi" => Input::BgApi(some.ok_or_else(usage)?.to_owned()),
        "help" => Input::Help,
        _ => Input::Quit,
    })
}

fn events(arguments: &str) -> Result<EventsOrder, InputError> {
    let (first, rest) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    Ok(match first.to_ascii_lowercase().as_str() {
        "" => EventsOrder::Tell,
        "off" if rest.is_empty() => EventsOrder::Off,
        "short" if rest.is_empty() => EventsOrder::Form(Form::Short),
        "full" if rest.is_empty() => EventsOrder::Form(Form::Full),
        // fs_cli's users name a format, which is ours to choose.
        "plain" | "json" | "xml" => return events(rest.trim()),
        _ => EventsOrder::Add(EventNames::parse(arguments)?),
    })
}

fn filter(arguments: &str) -> Option<FilterOrder> {
    let (first, rest) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let (header, value) = match first.to_ascii_lowercase().as_str() {
        "" => return Some(FilterOrder::Tell),
        "off" if rest.is_empty() => return Some(FilterOrder::Off),
        "delete" => {
            let (header, value) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
            let value = Some(value.trim()).filter(|value| !value.is_empty()).map(str::to_owned);
            return match header.to_ascii_lowercase().as_str() {
                "" => None,
                "all" => Some(FilterOrder::Off),
                _ => Some(FilterOrder::Remove { header: header.to_owned(), value }),
            };
        }
        "add" => rest.trim().split_once(char::is_whitespace)?,
        _ => (first, rest),
    };
    let value = value.trim();
    (!value.is_empty()).then(|| FilterOrder::Add { header: header.to_owned(), value: value.to_owned() })
}

fn unknown(name: &str) -> InputError {
    let name = name.trim_start_matches("...");
    InputError::Unknown { name: name.to_owned(), meant: closest(&name.to_ascii_lowercase(), Slash::names()) }
}

/// The one that was meant, where it is not far off.
pub(super) fn closest(typed: &str, names: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    let near = names.into_iter().map(|name| (strsim::damerau_levenshtein(typed, name), name)).min()?;
    (near.0 <= typed.chars().count() / 3).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Input {
        Input::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn what_has_no_slash_is_a_command_of_the_switch() {
        let api = |line: &str, log| Input::Api { line: line.to_owned(), log };
        assert_eq!(read("  show channels \n"), api("show channels", None));
        assert_eq!(read("console loglevel notice"), api("console loglevel notice", Some(LogLevel::NOTICE)));
        assert_eq!(read("console loglevel loud"), api("console loglevel loud", None));
        assert_eq!(read(" \t"), Input::Nothing);
    }

    #[test]
    fn the_words_of_fs_cli_are_understood() {
        for line in ["/quit", "/exit", "/bye", "...", "/EXIT"] {
            assert_eq!(read(line), Input::Quit, "{line}");
        }
        assert_eq!((read("/log"), read("/log 4")), (Input::Log(LogLevel::DEBUG), Input::Log(LogLevel(4))));
        assert_eq!((read("/log disable"), read("/nolog")), (Input::NoLog, Input::NoLog));
        assert_eq!(read("/noevents"), Input::Events(EventsOrder::Off));
        assert_eq!(read("/event plain ALL"), read("/events all"));
        assert_eq!((read("/uuid"), read("/uuid u1")), (Input::LogOf(None), Input::LogOf(Some("u1".into()))));
        assert_eq!(
            (read("/logfilter"), read("/logfilter a b")),
            (Input::LogWith(None), Input::LogWith(Some("a b".to_owned())))
        );
        assert_eq!(read("/bgapi originate x &park()"), Input::BgApi("originate x &park()".to_owned()));
    }

    #[test]
    fn filters_are_added_and_taken_back() {
        let order = |line: &str| match read(line) {
            Input::Filter(order) => order,
            other => panic!("{other:?}"),
        };
        let (header, value) = ("Unique-ID".to_owned(), "a b".to_owned());
        let add = FilterOrder::Add { header: header.clone(), value: value.clone() };
        assert_eq!(order("/filter Unique-ID  a b"), add);
        assert_eq!(order("/filter add Unique-ID a b"), add);
        let remove = |value| FilterOrder::Remove { header: header.clone(), value };
        assert_eq!(order("/filter delete Unique-ID a b"), remove(Some(value.clone())));
        assert_eq!(order("/filter delete Unique-ID"), remove(None));
        assert_eq!((order("/filter off"), order("/filter delete all")), (FilterOrder::Off, FilterOrder::Off));
        assert_eq!(order("/filter"), FilterOrder::Tell);
    }

    #[test]
    fn what_means_nothing_is_told_with_what_was_meant() {
        let told = |line: &str| Input::parse(line).unwrap_err().to_string();
        assert_eq!(told("/evnts all"), "unknown command /evnts: did you mean /events?");
        assert_eq!(told("/frobnicate"), "unknown command /frobnicate");
        assert_eq!(told("...shutdown"), "unknown command /shutdown");
        assert_eq!(
            told("/log loud"),
            "\"loud\" is no log level: console, alert, crit, err, warning, notice, info or debug"
        );
        assert_eq!(told("/events CHANEL_ANSWER"), "\"CHANEL_ANSWER\" is no event: did you mean CHANNEL_ANSWER?");
        assert_eq!(told("/events CUSTOM"), "CUSTOM without a subclass behind it");
        assert_eq!(told("/filter Unique-ID"), "usage: /filter HEADER VALUE | delete HEADER [VALUE] | off");
        assert_eq!(told("/bgapi"), "usage: /bgapi COMMAND");
        assert_eq!(told("/nixevent"), "usage: /nixevent NAME...");
    }

    #[test]
    fn any_line_is_read_or_refused() {
        for line in ["/", "//", "/é é", "/events ,", "/events :: ", "/filter delete", "/filter add x", "é", "\0"] {
            let _ = Input::parse(line);
        }
    }
}
