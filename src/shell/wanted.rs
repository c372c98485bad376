//! What the connection for events brings: log level, events and filters, kept so that another connection can have them.

use super::event_names::EventNames;
use crate::esl::wire::Format;
use crate::esl::{Command, LogLevel};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    log: Option<LogLevel>,
    events: EventNames,
    /// What is taken out of all events.
    except: EventNames,
    pub(super) filters: Vec<(String, String)>,
}

impl Wanted {
    /// Log lines from a level on, and these events.
    pub fn new(log: Option<LogLevel>, events: &[EventNames]) -> Wanted {
        let mut wanted = Wanted { log, ..Wanted::default() };
        for names in events {
            wanted.add_events(names);
        }
        wanted
    }

    /// What a new connection is told.
    pub fn restore(&self) -> Vec<Command> {
        let mut commands = Vec::new();
        // Filters first, so that nothing comes that they keep back.
        commands.extend(self.filters.iter().map(|(header, value)| filter(header, value)));
        commands.extend(self.log.map(log));
        if !self.events.is_empty() {
            commands.push(subscribe(&self.events));
        }
        if !self.except.is_empty() {
            commands.push(Command::NixEvent { events: self.except.words() });
        }
        commands
    }

    pub(super) fn set_log(&mut self, level: Option<LogLevel>) -> Command {
        self.log = level;
        level.map_or(Command::NoLog, log)
    }

    pub(super) fn add_events(&mut self, names: &EventNames) -> Command {
        if names.has_all() {
            self.events = EventNames::all();
            self.except = EventNames::default();
        } else if self.events.has_all() {
            self.except.remove(names);
        } else {
            self.events.extend(names);
        }
        subscribe(names)
    }

    pub(super) fn remove_events(&mut self, names: &EventNames) -> Command {
        self.events.remove(names);
        if self.events.has_all() {
            self.except.extend(names);
        }
        Command::NixEvent { events: names.words() }
    }

    pub(super) fn no_events(&mut self) -> Command {
        self.events = EventNames::default();
        self.except = EventNames::default();
        Command::NoEvents
    }

    pub(super) fn add_filter(&mut self, header: String, value: String) -> Command {
        let command = filter(&header, &value);
        if !self.filters.contains(&(header.clone(), value.clone())) {
            self.filters.push((header, value));
        }
        command
    }

    pub(super) fn remove_filter(&mut self, header: String, value: Option<String>) -> Command {
        self.filters.retain(|(known, has)| {
            !known.eq_ignore_ascii_case(&header) || value.as_ref().is_some_and(|value| value != has)
        });
        Command::FilterDelete { header, value }
    }

    pub(super) fn no_filters(&mut self) -> Command {
        self.filters.clear();
        Command::FilterDelete { header: "all".to_owned(), value: None }
    }

    /// In words: `log lines from NOTICE on; events CHANNEL_ANSWER DTMF; 2 filters`.
    pub(super) fn told(&self) -> String {
        let mut told = Vec::new();
        told.extend(self.log.map(|level| format!("log lines from {level} on")));
        told.extend(self.events_told());
        match self.filters.len() {
            0 => {}
            1 => told.push("1 filter".to_owned()),
            count => told.push(format!("{count} filters")),
        }
        told.join("; ")
    }

    pub(super) fn events_told(&self) -> Option<String> {
        let except = match self.except.is_empty() {
            true => String::new(),
            false => format!(" but {}", self.except.words().join(" ")),
        };
        (!self.events.is_empty()).then(|| format!("events {}{except}", self.events.words().join(" ")))
    }
}

fn log(level: LogLevel) -> Command {
    Command::Log { level: u8::try_from(level.0).unwrap_or(0) }
}

fn filter(header: &str, value: &str) -> Command {
    Command::Filter { header: header.to_owned(), value: value.to_owned() }
}

fn subscribe(names: &EventNames) -> Command {
    Command::Subscribe { format: Format::Plain, events: names.words() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> EventNames {
        EventNames::parse(text).unwrap()
    }

    fn restored(wanted: &Wanted) -> Vec<String> {
        wanted.restore().iter().map(Command::to_string).collect()
    }

    #[test]
    fn another_connection_is_told_what_the_first_was() {
        let mut wanted = Wanted::default();
        assert!(wanted.restore().is_empty());
        wanted.set_log(Some(LogLevel::NOTICE));
        wanted.add_events(&names("DTMF sofia::register"));
        wanted.add_events(&names("CHANNEL_ANSWER"));
        wanted.add_filter("Unique-ID".to_owned(), "a".to_owned());
        wanted.add_filter("Unique-ID".to_owned(), "b".to_owned());
        wanted.remove_filter("unique-id".to_owned(), Some("a".to_owned()));
        wanted.remove_events(&names("DTMF"));
        assert_eq!(
            restored(&wanted),
            ["filter Unique-ID b", "log 5", "event plain CHANNEL_ANSWER CUSTOM sofia::register"]
        );
        assert_eq!(wanted.told(), "log lines from NOTICE on; events CHANNEL_ANSWER CUSTOM sofia::register; 1 filter");
        wanted.no_events();
        wanted.no_filters();
        assert_eq!(wanted.set_log(None), Command::NoLog);
        assert!(wanted.restore().is_empty());
    }

    #[test]
    fn what_is_taken_out_of_all_events_stays_out() {
        let mut wanted = Wanted::default();
        wanted.add_events(&names("ALL"));
        wanted.remove_events(&names("HEARTBEAT API"));
        wanted.add_events(&names("API"));
        assert_eq!(restored(&wanted), ["event plain ALL", "nixevent HEARTBEAT"]);
        assert_eq!(wanted.told(), "events ALL but HEARTBEAT");
        wanted.add_events(&names("all"));
        assert_eq!(restored(&wanted), ["event plain ALL"]);
    }
}
