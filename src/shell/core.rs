//! The shell without IO: what is typed and what the switch says go in, what is to be shown and done comes out.

mod answers;
mod link;
mod obey;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::Candidate;
use super::complete::{Completion, Question};
use super::input::{Form, Input};
use super::log_text::LogView;
use super::look::Look;
use super::wanted::Wanted;
use crate::esl::wire::Limits;
use crate::esl::{Client, CommandId};
use crate::host::Line;
use crate::id::{Ids, JobId};
use crate::units::Time;

/// How a shell is started.
#[derive(Clone, Debug)]
pub struct ShellConfig {
    /// The switch, as the user names it: `10.0.0.5:8021`.
    pub name: String,
    pub password: String,
    pub manner: Manner,
    pub look: Look,
    /// What is brought from the start.
    pub wanted: Wanted,
}

/// Who types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A person: a lost switch is waited for, and what would write to the terminal is made visible.
    Prompt,
    /// A file or a program: a lost switch is the end.
    Script,
}

/// What the shell wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellOutput {
    /// Opens both connections; told by [`Shell::handle_connected`] or [`Shell::handle_unreachable`].
    Connect,
    /// Closes them, or gives up opening them.
    Close,
    Print {
        to: To,
        text: String,
    },
    /// The next line may be typed. The first time it tells what the prompt says.
    Prompt,
    /// The answer to [`Shell::complete`]: where the word begins, and what may stand there.
    Completed {
        start: usize,
        candidates: Vec<Candidate>,
    },
    /// Nothing follows.
    End(Ending),
}

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The answer to the line that was typed last, while its prompt is awaited.
    Answer,
    /// The result of a job, or an answer that nobody waits for any more.
    Late,
    /// Events and log lines, of which some may be left out where there are too many to be shown.
    Live,
    /// What the shell itself has to say.
    Note,
}

/// How it ended. Where several hold, the last one here is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    Well,
    /// The switch answered a command of a script with an error.
    Refused,
    /// A line of a script meant nothing.
    BadLine,
    /// The switch could not be reached, or not any more; why is told.
    Lost(String),
    /// Ctrl-C.
    Interrupted,
}

/// What a reply is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Purpose {
    /// The answer to a typed line.
    Typed(LineId, Show),
    /// The answer to a typed line that began a job.
    Launch(LineId, JobId),
    /// Brings a new connection to what the last one had; the command is told.
    Restore(String),
    Version,
    Switchname,
    Complete(u64, Question),
    /// Nobody waits for it.
    Nothing,
}

/// Numbers typed lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct LineId(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
    Always,
    /// It goes along with another, which tells enough.
    Errors,
}

/// A typed line whose replies are awaited.
#[derive(Debug)]
struct Current {
    id: LineId,
    typed: String,
    waits: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Until this time both connections are to be logged in and restored.
    Connecting {
        until: Time,
    },
    Up,
    /// The next attempt is then.
    Waiting {
        until: Time,
    },
    /// Trying again cannot help.
    TurnedAway,
    Ended,
}

/// For the connections to be made and logged in.
const PATIENCE: Duration = Duration::from_secs(5);
/// Before the first attempt after a loss; each later one comes after twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// See the module.
///
/// Bytes go in by [`Shell::handle_bytes`] and out by [`Shell::poll_transmit`]; [`Shell::poll_output`] gives what is to be
/// done; [`Shell::poll_timeout`] tells when [`Shell::handle_timeout`] is due.
#[derive(Debug)]
pub struct Shell {
    config: ShellConfig,
    ids: Ids,
    now: Time,
    phase: Phase,
    pause: Duration,
    /// Since when the switch is gone, once it was there.
    lost: Option<Time>,
    events: Client,
    commands: Client,
    replies: HashMap<(Line, CommandId), Purpose>,
    wanted: Wanted,
    view: LogView,
    form: Form,
    last_line: u64,
    current: Option<Current>,
    /// Lines that nobody waits for any more, whose replies are shown when they come.
    detached: HashMap<LineId, Current>,
    /// Jobs under way, with their commands.
    jobs: BTreeMap<JobId, String>,
    completion: Option<Completing>,
    last_completion: u64,
    about: About,
    greeted: Greeted,
    input: InputState,
    ending: Ending,
    outputs: VecDeque<ShellOutput>,
}

/// A completion, and what is still asked for it.
#[derive(Debug)]
struct Completing {
    id: u64,
    completion: Completion,
    asked: HashSet<Question>,
}

/// What the switch told of itself.
#[derive(Debug, Default)]
struct About {
    version: String,
    switchname: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Greeted {
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InputState {
    Open,
    /// There will be no further line.
    Over,
}

impl Shell {
    /// A shell that is about to connect.
    pub fn new(config: ShellConfig, ids: Ids, now: Time) -> Shell {
        let client = || Client::new(config.password.clone(), Limits::default());
        let mut shell = Shell {
            ids,
            now,
            phase: Phase::Connecting { until: now + PATIENCE },
            pause: FIRST_PAUSE,
            lost: None,
            events: client(),
            commands: client(),
            replies: HashMap::new(),
            wanted: config.wanted.clone(),
            view: LogView::default(),
            form: Form::default(),
            last_line: 0,
            current: None,
            detached: HashMap::new(),
            jobs: BTreeMap::new(),
            completion: None,
            last_completion: 0,
            about: About::default(),
            greeted: Greeted::No,
            input: InputState::Open,
            ending: Ending::Well,
            outputs: VecDeque::new(),
            config,
        };
        shell.outputs.push_back(ShellOutput::Connect);
        shell
    }

    /// What the prompt says: `freeswitch@NAME> `, as fs_cli's.
    pub fn prompt(&self) -> String {
        let name = Some(self.about.switchname.as_str()).filter(|name| !name.is_empty()).unwrap_or(&self.config.name);
        format!("freeswitch@{name}> ")
    }

    /// Whether a line may be given to [`Shell::handle_line`] now.
    pub fn takes_lines(&self) -> bool {
        let ready = match self.config.manner {
            Manner::Prompt => self.greeted == Greeted::Yes,
            Manner::Script => self.phase == Phase::Up,
        };
        ready && self.input == InputState::Open && self.current.is_none() && self.phase != Phase::Ended
    }

    /// Takes a typed line.
    pub fn handle_line(&mut self, now: Time, typed: &str) {
        self.now = now;
        match Input::parse(typed) {
            Ok(input) => self.obey(input, typed),
            Err(error) => self.mistake(&error.to_string()),
        }
        self.go_on();
    }

    /// There will be no further line: the end of a script, or Ctrl-D. A script ends once its jobs have.
    pub fn handle_end_of_input(&mut self, now: Time) {
        self.now = now;
        self.input = InputState::Over;
        match self.config.manner {
            Manner::Prompt => self.leave(),
            Manner::Script => self.go_on(),
        }
    }

    /// Something came that is no line.
    pub fn handle_bad_input(&mut self, now: Time, error: &str) {
        self.now = now;
        match self.config.manner {
            Manner::Prompt => self.end(Ending::Lost(error.to_owned())),
            Manner::Script => {
                self.mistake(error);
                self.handle_end_of_input(now);
            }
        }
    }

    /// Ctrl-C while an answer is awaited: the prompt comes back, and the answer is shown when it comes. It ends a script, and
    /// who waits for the first connection.
    pub fn handle_interrupt(&mut self, now: Time) {
        self.now = now;
        if self.config.manner == Manner::Script || self.greeted == Greeted::No {
            return self.end(Ending::Interrupted);
        }
        if let Some(current) = self.current.take() {
            self.note(&format!("the answer to `{}` is shown when it comes", current.typed));
            self.detached.insert(current.id, current);
            self.outputs.push_back(ShellOutput::Prompt);
        }
    }

    /// Both connections are open.
    pub fn handle_connected(&mut self, now: Time) {
        self.now = now;
        let client = || Client::new(self.config.password.clone(), Limits::default());
        (self.events, self.commands) = (client(), client());
        self.replies.clear();
    }

    /// They cannot be opened.
    pub fn handle_unreachable(&mut self, now: Time, error: &str) {
        self.now = now;
        self.lose(&format!("cannot connect to {}: {error}", self.config.name));
    }

    /// Takes what the socket of `line` gave.
    pub fn handle_bytes(&mut self, now: Time, line: Line, bytes: &[u8]) {
        self.now = now;
        self.client(line).handle_bytes(bytes);
        self.drain(line);
    }

    /// The switch closed `line`.
    pub fn handle_eof(&mut self, now: Time, line: Line) {
        self.now = now;
        self.client(line).handle_eof();
        self.drain(line);
    }

    /// `line` broke.
    pub fn handle_io_error(&mut self, now: Time, line: Line, error: &std::io::Error) {
        self.now = now;
        self.client(line).handle_io_error(error);
        self.drain(line);
    }

    /// Bytes to write to the socket of `line`; empty when there are none.
    pub fn poll_transmit(&mut self, line: Line) -> Vec<u8> {
        self.client(line).poll_transmit()
    }

    pub fn poll_output(&mut self) -> Option<ShellOutput> {
        self.outputs.pop_front()
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        match self.phase {
            Phase::Connecting { until } | Phase::Waiting { until } => Some(until),
            Phase::Up | Phase::TurnedAway | Phase::Ended => None,
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        match self.phase {
            Phase::Connecting { until } if now >= until => {
                self.lose(&format!("{} does not answer as a switch within {PATIENCE:?}", self.config.name));
            }
            Phase::Waiting { until } if now >= until => {
                self.phase = Phase::Connecting { until: now + PATIENCE };
                self.outputs.push_back(ShellOutput::Connect);
            }
            _ => {}
        }
    }

    /// How it would end now.
    pub fn ending(&self) -> Ending {
        self.ending.clone()
    }

    fn client(&mut self, line: Line) -> &mut Client {
        match line {
            Line::Events => &mut self.events,
            Line::Commands => &mut self.commands,
        }
    }

    fn print(&mut self, to: To, text: String) {
        self.outputs.push_back(ShellOutput::Print { to, text });
    }

    /// Says something of the shell's own.
    fn note(&mut self, text: &str) {
        let text = self.config.look.clean(text).into_owned() + "\n";
        self.print(To::Note, text);
    }

    /// A line meant nothing.
    fn mistake(&mut self, error: &str) {
        self.note(error);
        self.count(Ending::BadLine);
    }

    /// Counts towards the ending of a script; a person has seen it.
    fn count(&mut self, ending: Ending) {
        if self.config.manner == Manner::Script {
            self.ending = self.ending.clone().max(ending);
        }
    }

    /// The line that was typed is dealt with: the next one may come, or there is none.
    fn go_on(&mut self) {
        if self.current.is_some() || self.phase == Phase::Ended {
            return;
        }
        match self.config.manner {
            Manner::Prompt => self.outputs.push_back(ShellOutput::Prompt),
            Manner::Script if self.input == InputState::Over && self.jobs.is_empty() => self.end(Ending::Well),
            Manner::Script => {}
        }
    }

    fn end(&mut self, ending: Ending) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            self.outputs.push_back(ShellOutput::Close);
            self.outputs.push_back(ShellOutput::End(self.ending.clone().max(ending)));
        }
    }
}
