//! What is typed.

use super::{Current, Ending, LineId, Manner, Phase, Purpose, Shell, Show, To};
use crate::esl::wire::Format;
use crate::esl::{Command, CommandError};
use crate::host::Line;
use crate::id::JobId;
use crate::shell::input::{EventsOrder, FilterOrder, Form, Input};
use crate::shell::slash;

impl Shell {
    /// Does what a typed line means.
    pub(super) fn obey(&mut self, input: Input, typed: &str) {
        self.last_line += 1;
        let id = LineId(self.last_line);
        self.current = Some(Current { id, typed: typed.trim().to_owned(), waits: 0 });
        match input {
            Input::Nothing => {}
            Input::Api { line, log } => {
                self.ask(Line::Commands, &Command::Console { line }, Purpose::Typed(id, Show::Always));
                if let Some(level) = log {
                    let command = self.wanted.set_log(Some(level));
                    self.want(&command, Show::Errors);
                }
            }
            Input::BgApi(command) => self.launch(id, command),
            Input::Log(level) => {
                let command = self.wanted.set_log(Some(level));
                self.want(&command, Show::Always);
            }
            Input::NoLog => {
                let command = self.wanted.set_log(None);
                self.want(&command, Show::Always);
            }
            Input::LogOf(session) => {
                let told = match &session {
                    Some(session) => format!("log lines of {session} and of no session alone"),
                    None => "log lines of all sessions".to_owned(),
                };
                self.view.session = session;
                self.say(&told);
            }
            Input::LogWith(text) => {
                let told = match &text {
                    Some(text) => format!("log lines with `{text}` in them alone"),
                    None => "all log lines".to_owned(),
                };
                self.view.text = text;
                self.say(&told);
            }
            Input::Events(order) => self.order_events(order),
            Input::Filter(order) => self.order_filter(order),
            Input::Help => self.print(To::Answer, slash::help()),
            Input::Quit => {
                self.current = None;
                return self.leave();
            }
        }
        // What has no answer to wait for is done.
        self.current.take_if(|current| current.waits == 0);
    }

    /// Leaves, though jobs may be under way.
    pub(super) fn leave(&mut self) {
        if !self.jobs.is_empty() && self.config.manner == Manner::Prompt {
            self.note(&format!("jobs that go on, and whose results are shown to nobody: {}", self.jobs.len()));
        }
        match self.phase {
            Phase::TurnedAway => self.end(Ending::Lost("the switch turned us away".to_owned())),
            _ => self.end(Ending::Well),
        }
    }

    fn launch(&mut self, id: LineId, typed: String) {
        if self.phase == Phase::Up && self.jobs.is_empty() {
            self.listen_for_jobs();
        }
        let job = JobId::new(self.ids.uuid());
        let (name, arguments) = typed.split_once(' ').unwrap_or((&typed, ""));
        let command =
            Command::BgApi { name: name.to_owned(), arguments: arguments.trim().to_owned(), job: job.clone() };
        if self.ask(Line::Commands, &command, Purpose::Launch(id, job.clone())) {
            self.jobs.insert(job, typed);
        }
    }

    /// Results of jobs come by the connection for commands: no filter of the other one may keep them back.
    pub(super) fn listen_for_jobs(&mut self) {
        let events = vec!["BACKGROUND_JOB".to_owned()];
        let command = Command::Subscribe { format: Format::Plain, events };
        // It has no argument that may not be sent.
        let _ = self.send(Line::Commands, &command, Purpose::Nothing);
    }

    fn order_events(&mut self, order: EventsOrder) {
        let command = match order {
            EventsOrder::Tell => {
                let told = self.wanted.events_told().unwrap_or_else(|| "no events".to_owned());
                return self.say(&told);
            }
            EventsOrder::Form(form) => {
                self.form = form;
                return self.say(match form {
                    Form::Short => "events on a line each",
                    Form::Full => "events in full",
                });
            }
            EventsOrder::Add(names) => self.wanted.add_events(&names),
            EventsOrder::Remove(names) => self.wanted.remove_events(&names),
            EventsOrder::Off => self.wanted.no_events(),
        };
        self.want(&command, Show::Always);
    }

    fn order_filter(&mut self, order: FilterOrder) {
        let command = match order {
            FilterOrder::Tell if self.wanted.filters.is_empty() => return self.say("no filter"),
            FilterOrder::Tell => {
                let filters = self.wanted.filters.iter().map(|(header, value)| format!("{header} {value}"));
                let told = filters.collect::<Vec<_>>().join("\n");
                return self.say(&told);
            }
            FilterOrder::Add { header, value } => self.wanted.add_filter(header, value),
            FilterOrder::Remove { header, value } => self.wanted.remove_filter(header, value),
            FilterOrder::Off => self.wanted.no_filters(),
        };
        self.want(&command, Show::Always);
    }

    /// Answers a line without the switch.
    fn say(&mut self, text: &str) {
        let text = self.config.look.clean(text).into_owned() + "\n";
        self.print(To::Answer, text);
    }

    /// Tells the connection for events, or the next one.
    fn want(&mut self, command: &Command, show: Show) {
        let Some(id) = self.current.as_ref().map(|current| current.id) else { return };
        match self.phase {
            Phase::Up => {
                self.ask(Line::Events, command, Purpose::Typed(id, show));
            }
            _ => self.say("as soon as the switch is there again"),
        }
    }

    /// Sends what the typed line waits for, where it can be.
    fn ask(&mut self, line: Line, command: &Command, purpose: Purpose) -> bool {
        if self.phase != Phase::Up {
            self.mistake(&format!("{} is not connected", self.config.name));
            return false;
        }
        match self.send(line, command, purpose) {
            Ok(()) => {
                if let Some(current) = &mut self.current {
                    current.waits += 1;
                }
                true
            }
            Err(error) => {
                self.mistake(&error.to_string());
                false
            }
        }
    }

    pub(super) fn send(&mut self, line: Line, command: &Command, purpose: Purpose) -> Result<(), CommandError> {
        let id = self.client(line).send(command)?;
        self.replies.insert((line, id), purpose);
        Ok(())
    }
}
