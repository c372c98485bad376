//! A run played again from its [`Journal`], without a host and in no time.
//!
//! Run and host cores are made with the seeds of then and told the same bytes and times in the same order, so they do the
//! same. With an edited scenario they may do something else: as long as they send what was sent then, the switch's
//! answers are those of then; from the first command that differs, nobody knows them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::core::{Key, ReadBack, RunCore, RunHost, RunOutput, Test};
use super::task::FIRST_ASKED;
use super::{Conduct, Folders, RunEvent, Summary, TestId};
use crate::audio::wav;
use crate::esl::Command;
use crate::host::{HostConfig, HostCore, HostEvent, Line, Lost, Request, Token};
use crate::id::Ids;
use crate::journal::{ConductHeader, Entry, Header, HostHeader, Journal, Kept, Record, TestHeader, World};
use crate::load::Slice;
use crate::scenario::reading::{Disk, Folder};
use crate::scenario::{Judgement, Programs, Scenario, Severity, Style, load_beside, load_file_with};
use crate::units::Time;

/// A scenario file with another text than was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    pub path: PathBuf,
    pub text: String,
}

/// Why a run cannot be played again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// As a person reads it.
    #[error("{0}")]
    Scenario(String),
    #[error("{} was not run; these files were: {there}", path.display())]
    NotRun { path: PathBuf, there: String },
    #[error("{} has no scenario called {name:?}, which was run", file.display())]
    Gone { file: PathBuf, name: String },
    #[error("the recording has no beginning of the run")]
    NoBeginning,
    #[error("the recording names a host or test that it does not have")]
    Inconsistent,
    #[error("the recording has broken base64")]
    Base64,
}

/// Plays `journal` again, with the text of `edited` in place of the one that was run, and tells `report` what happens.
pub fn replay(
    journal: &Journal,
    edited: Option<&Edited>,
    report: &mut dyn FnMut(&RunEvent),
) -> Result<Summary, ReplayError> {
    let (tests, folders) = tests(&journal.header, edited)?;
    let began = journal.entries.iter().position(|entry| matches!(entry.what, Record::Began { .. }));
    let Some((at, Entry { at: now, what: Record::Began { seed } })) = began.map(|at| (at, &journal.entries[at])) else {
        return Err(ReplayError::NoBeginning);
    };
    let hosts = journal.header.hosts.iter().map(run_host).collect();
    let conduct = conduct(&journal.header.conduct, folders);
    let run = RunCore::new(Time::from_micros(*now), hosts, tests, conduct, Ids::seeded(*seed));
    let mut player = Player {
        journal,
        hosts: played(journal)?,
        run,
        now: Time::from_micros(*now),
        judgements: HashMap::new(),
        reads: HashMap::new(),
        asked: 0,
        report,
    };
    player.settle();
    for (index, entry) in journal.entries.iter().enumerate() {
        if index != at {
            player.play(entry, if edited.is_some() { Clockwork::Own } else { Clockwork::Recorded })?;
        }
    }
    Ok(player.end())
}

const DIFFERS: &str = "the scenario now does something else than was recorded";
const SILENT: &str = "from here the recording cannot answer";

/// Who says when the run's core is told the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clockwork {
    /// The recording, to the microsecond.
    Recorded,
    /// The core, too: an edited scenario waits for other times.
    Own,
}

fn run_host(host: &HostHeader) -> RunHost {
    let HostHeader { name, slots, recordings, callee, .. } = host.clone();
    RunHost { name, slots, recordings, callee }
}

/// How the run went about its tests.
fn conduct(header: &ConductHeader, folders: Vec<super::Folder>) -> Conduct {
    Conduct {
        max_fail: header.max_fail,
        retries: header.retries,
        timeout: Duration::from_micros(header.timeout_us),
        slow: Duration::from_micros(header.slow_us),
        folders,
        // A load is not recorded.
        slice: Slice::WHOLE,
        start_at: None,
    }
}

/// The tests of then, from the texts of then, but for the edited one.
fn tests(header: &Header, edited: Option<&Edited>) -> Result<(Vec<Test>, Vec<super::Folder>), ReplayError> {
    let hosts: Vec<String> = header.hosts.iter().map(|host| host.name.clone()).collect();
    let files: Vec<&PathBuf> =
        header.world.texts.iter().filter(|(_, text)| text.is_some()).map(|(file, _)| file).collect();
    let edited = match edited {
        Some(Edited { path, text }) => {
            let same = |file: &&&PathBuf| **file == path || file.file_name() == path.file_name();
            let exact = files.iter().find(|file| **file == path).or_else(|| files.iter().find(same));
            let Some(file) = exact else {
                let there: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
                return Err(ReplayError::NotRun { path: path.clone(), there: there.join(", ") });
            };
            Some(((**file).clone(), text.clone()))
        }
        None => None,
    };
    let again = Again { world: &header.world, edited, disk: Disk { hosts: &hosts, programs: Programs::Allowed } };
    let mut loaded: BTreeMap<&Path, Vec<Arc<Scenario>>> = BTreeMap::new();
    let mut tests = Vec::new();
    for TestHeader { file, name, scenario: wanted, host, rerun } in &header.tests {
        if !loaded.contains_key(file.as_path()) {
            loaded.insert(file, again.load(file)?);
        }
        let on = hosts.get(*host).ok_or(ReplayError::Inconsistent)?;
        let fits = |scenario: &&Arc<Scenario>| {
            scenario.name == *wanted && scenario.on.as_ref().is_none_or(|wanted| wanted == on)
        };
        let Some(scenario) = loaded[file.as_path()].iter().find(fits) else {
            return Err(ReplayError::Gone { file: file.clone(), name: wanted.clone() });
        };
        let id = TestId { file: file.clone(), name: name.clone() };
        tests.push(Test { id, scenario: Arc::clone(scenario), host: *host, rerun: rerun.clone(), folder: None });
    }
    let folders = Folders::around(tests.iter().map(|test| &*test.scenario), &again);
    for test in &mut tests {
        test.folder = folders.of(&test.scenario);
    }
    Ok((tests, folders.folders))
}

/// Notes what scenarios are read from.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    disk: Disk<'a>,
    world: RefCell<World>,
}

impl<'a> Seen<'a> {
    pub fn new(hosts: &'a [String], programs: Programs) -> Seen<'a> {
        Seen { disk: Disk { hosts, programs }, world: RefCell::default() }
    }

    /// Reads a scenario file, for the sake of what it is made of.
    pub fn read(&self, file: &Path) {
        // It was read a moment ago; should it be gone, its replay will say so.
        self.world.borrow_mut().texts.insert(file.to_owned(), self.disk.text(file).ok().flatten());
        load_file_with(file, self);
    }

    pub fn into_world(self) -> World {
        self.world.into_inner()
    }
}

impl Folder for Seen<'_> {
    fn has_file(&self, path: &Path) -> bool {
        self.disk.has_file(path)
    }

    fn text(&self, path: &Path) -> Result<Option<String>, String> {
        let text = self.disk.text(path)?;
        self.world.borrow_mut().texts.insert(path.to_owned(), text.clone());
        Ok(text)
    }

    fn above(&self, path: &Path) -> Vec<PathBuf> {
        let above = self.disk.above(path);
        self.world.borrow_mut().above.insert(path.to_owned(), above.clone());
        above
    }

    fn variable(&self, name: &str) -> Option<String> {
        let value = self.disk.variable(name);
        self.world.borrow_mut().variables.insert(name.to_owned(), value.clone());
        value
    }

    fn hosts(&self) -> &[String] {
        self.disk.hosts()
    }

    fn programs(&self) -> Programs {
        self.disk.programs()
    }
}

/// What scenarios were read from, once more.
struct Again<'a> {
    world: &'a World,
    edited: Option<(PathBuf, String)>,
    /// For what an edited scenario has that was not there before. It may name programs: no switch is there to run them.
    disk: Disk<'a>,
}

impl Again<'_> {
    fn load(&self, file: &Path) -> Result<Vec<Arc<Scenario>>, ReplayError> {
        let text = self.text(file).ok().flatten().unwrap_or_default();
        let loaded = load_beside(file, &text, self);
        let errors = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        let errors: Vec<_> = errors.map(|diagnostic| diagnostic.render(Style::Plain)).collect();
        if !errors.is_empty() {
            return Err(ReplayError::Scenario(errors.join("\n\n")));
        }
        Ok(loaded.scenarios.into_iter().map(Arc::new).collect())
    }
}

impl Folder for Again<'_> {
    /// Clips that are only compared with must still be there.
    fn has_file(&self, path: &Path) -> bool {
        self.disk.has_file(path)
    }

    fn text(&self, path: &Path) -> Result<Option<String>, String> {
        match (&self.edited, self.world.texts.get(path)) {
            (Some((edited, text)), _) if edited == path => Ok(Some(text.clone())),
            (_, Some(text)) => Ok(text.clone()),
            (_, None) => self.disk.text(path),
        }
    }

    fn above(&self, path: &Path) -> Vec<PathBuf> {
        self.world.above.get(path).cloned().unwrap_or_else(|| self.disk.above(path))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.world.variables.get(name).cloned().unwrap_or_else(|| self.disk.variable(name))
    }

    fn hosts(&self) -> &[String] {
        self.disk.hosts()
    }

    fn programs(&self) -> Programs {
        self.disk.programs()
    }
}

/// A host as it is played.
#[derive(Debug)]
struct Played {
    config: HostConfig,
    /// `None` while it is not connected.
    core: Option<HostCore>,
    /// What the run has not taken yet.
    events: VecDeque<HostEvent>,
    /// What was sent on each connection from then on, for each time that it was connected.
    sent: VecDeque<HashMap<Line, Vec<u8>>>,
    /// How much of it was sent again.
    again: HashMap<Line, usize>,
    /// How much of it had been sent by now.
    due: HashMap<Line, usize>,
    /// The recording has no answers any more.
    over: bool,
}

/// What was sent to each host, connection by connection.
fn played(journal: &Journal) -> Result<Vec<Played>, ReplayError> {
    let host = |host: &HostHeader| Played {
        config: HostConfig {
            profiles: host.profiles.clone(),
            modules: host.modules.clone(),
            events: host.events.clone(),
            // As it stands in the recording.
            ..HostConfig::new(host.name.clone(), "***")
        },
        core: None,
        events: VecDeque::new(),
        sent: VecDeque::new(),
        again: HashMap::new(),
        due: HashMap::new(),
        over: false,
    };
    let mut hosts: Vec<Played> = journal.header.hosts.iter().map(host).collect();
    for entry in &journal.entries {
        match &entry.what {
            Record::Connected { host, .. } => {
                hosts.get_mut(*host).ok_or(ReplayError::Inconsistent)?.sent.push_back(HashMap::new());
            }
            Record::Sent { host, line, bytes } => {
                let host = hosts.get_mut(*host).ok_or(ReplayError::Inconsistent)?;
                let connection = host.sent.back_mut().ok_or(ReplayError::Inconsistent)?;
                let bytes = bytes.bytes().ok_or(ReplayError::Base64)?;
                connection.entry((*line).into()).or_default().extend(bytes);
            }
            _ => {}
        }
    }
    Ok(hosts)
}

struct Player<'a> {
    journal: &'a Journal,
    hosts: Vec<Played>,
    run: RunCore,
    now: Time,
    /// Of calls that were judged, until the run was told so.
    judgements: HashMap<usize, Judgement>,
    /// Recordings that are asked for, each with its host.
    reads: HashMap<usize, Vec<(usize, PathBuf)>>,
    asked: u64,
    report: &'a mut dyn FnMut(&RunEvent),
}

impl Player<'_> {
    fn play(&mut self, entry: &Entry, clockwork: Clockwork) -> Result<(), ReplayError> {
        // The tasks of hosts and that of the run look at their clocks and write down what they saw one after the other: a
        // time may stand behind a later one, and each is right for whoever was told something at it.
        let at = Time::from_micros(entry.at);
        let now = at.max(self.now);
        while clockwork == Clockwork::Own
            && let Some(due) = self.run.poll_timeout().filter(|due| *due < now)
        {
            self.now = due.max(self.now);
            self.run.handle_timeout(self.now);
            self.settle();
            if self.run.poll_timeout() == Some(due) {
                break;
            }
        }
        if !entry.what.is_of_a_host() {
            self.now = now;
        }
        match &entry.what {
            Record::Connected { host, seed } => {
                let host = self.host(*host)?;
                host.core = (!host.over).then(|| HostCore::new(host.config.clone(), Ids::seeded(*seed)));
                if !host.again.is_empty() {
                    host.sent.pop_front();
                }
                host.again = HashMap::from([(Line::Events, 0), (Line::Commands, 0)]);
                host.due.clear();
            }
            Record::Sent { host, line, bytes } => {
                let bytes = bytes.bytes().ok_or(ReplayError::Base64)?;
                self.expect_sent(*host, (*line).into(), &bytes)?;
            }
            Record::Came { host, line, bytes } => {
                let bytes = bytes.bytes().ok_or(ReplayError::Base64)?;
                if let Some(core) = &mut self.host(*host)?.core {
                    core.handle_bytes(at, (*line).into(), &bytes);
                }
            }
            Record::Closed { host, line, error } => {
                if let Some(core) = &mut self.host(*host)?.core {
                    match error {
                        Some(error) => core.handle_io_error(at, (*line).into(), &std::io::Error::other(error.clone())),
                        None => core.handle_eof(at, (*line).into()),
                    }
                }
            }
            Record::Lost { host, lost } => {
                let host = self.host(*host)?;
                host.core = None;
                if !host.over {
                    host.events.push_back(HostEvent::Lost(lost.clone().into()));
                }
            }
            Record::Took { host } => match self.host(*host)?.events.pop_front() {
                Some(HostEvent::Replied { token, .. }) if token.0 >= FIRST_ASKED => {}
                Some(event) => self.run.handle_host(now, *host, event),
                // It was lost to a command that differs.
                None => {}
            },
            Record::Tick => self.run.handle_timeout(now),
            Record::Asked { host, command } => {
                let token = Token(FIRST_ASKED + self.asked);
                self.asked += 1;
                self.ask(*host, Request::Command { token, command: Command::api(command) });
            }
            Record::Recordings { test, files } => {
                if self.reads.remove(test).is_some() {
                    let recordings = files.iter().map(|file| self.read(file)).collect();
                    self.run.handle_recordings(Key::Test(*test), recordings);
                }
            }
            Record::Judged { test } => {
                if let Some(judgement) = self.judgements.remove(test) {
                    self.run.handle_judgement(now, Key::Test(*test), judgement);
                }
            }
            Record::Interrupted => self.run.interrupt(now),
            Record::Run(_) | Record::Began { .. } | Record::TestBegan { .. } | Record::TestEnded { .. } => {}
        }
        self.settle();
        Ok(())
    }

    fn host(&mut self, host: usize) -> Result<&mut Played, ReplayError> {
        self.hosts.get_mut(host).ok_or(ReplayError::Inconsistent)
    }

    /// What was sent by now must have been sent again: the core has been told all that led to it.
    fn expect_sent(&mut self, index: usize, line: Line, bytes: &[u8]) -> Result<(), ReplayError> {
        let host = self.host(index)?;
        let due = host.due.entry(line).or_default();
        let before = *due;
        *due += bytes.len();
        let again = host.again.get(&line).copied().unwrap_or_default();
        // The last words of a host's task are not its core's.
        if host.core.is_some() && again < *due && bytes != b"exit\n\n" {
            let missing = command_at(bytes, again.saturating_sub(before));
            self.give_up(index, format!("{DIFFERS}: it does not send `{missing}`; {SILENT}"));
        }
        Ok(())
    }

    /// Brings the run to its end with what is known.
    fn end(mut self) -> Summary {
        loop {
            if let Some(summary) = self.run.ended() {
                return summary;
            }
            if let Some(test) = self.judgements.keys().min().copied()
                && let Some(judgement) = self.judgements.remove(&test)
            {
                self.run.handle_judgement(self.now, Key::Test(test), judgement);
            } else if let Some(test) = self.reads.keys().min().copied() {
                self.read_now(test);
            } else if let Some(host) = self.hosts.iter().position(|host| !host.over) {
                self.give_up(host, "the recording ends here, and the run does not".to_owned());
            } else if let Some(due) = self.run.poll_timeout() {
                self.now = due.max(self.now) + Duration::from_micros(1);
                self.run.handle_timeout(self.now);
            } else {
                // Every host is given up, so no test is left.
                self.run.interrupt(self.now);
                self.settle();
                return self.run.ended().unwrap_or(Summary { interrupted: true, ..Summary::default() });
            }
            self.settle();
        }
    }

    /// Carries everything that can be carried at this instant.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            while let Some(output) = self.run.poll_output() {
                moved = true;
                match output {
                    RunOutput::Request { host, request } => self.ask(host, request),
                    RunOutput::Read { of: Key::Test(test), paths, .. } => {
                        self.reads.insert(test, paths);
                    }
                    RunOutput::Judge { of: Key::Test(test), outcome } => {
                        self.judgements.insert(test, outcome.judge());
                    }
                    // A load is not recorded.
                    RunOutput::Read { .. } | RunOutput::Judge { .. } => {}
                    RunOutput::Report(event) => (self.report)(&event),
                    // They are the recording's, and stay.
                    RunOutput::Discard(_) => {}
                }
            }
            for index in 0..self.hosts.len() {
                moved |= self.carry(index);
            }
            if !moved {
                return;
            }
        }
    }

    /// Holds what a host is sent against what it was sent then; whether anything was sent or came of it.
    fn carry(&mut self, index: usize) -> bool {
        let host = &mut self.hosts[index];
        let Some(core) = &mut host.core else { return false };
        let mut moved = false;
        for line in [Line::Events, Line::Commands] {
            let bytes = core.poll_transmit(line);
            if bytes.is_empty() {
                continue;
            }
            moved = true;
            let sent = host.sent.front().and_then(|sent| sent.get(&line)).map_or(&[][..], Vec::as_slice);
            let at = host.again.entry(line).or_default();
            let then = sent.get(*at..).unwrap_or_default();
            if then.starts_with(&bytes) {
                *at += bytes.len();
                continue;
            }
            let same = bytes.iter().zip(then).take_while(|(ours, theirs)| ours == theirs).count();
            let why = format!(
                "{DIFFERS}: it sends `{}`, and {}; {SILENT}",
                command_at(&bytes, same),
                match then.get(same) {
                    Some(_) => format!("`{}` was sent", command_at(then, same)),
                    None => "nothing more was sent".to_owned(),
                }
            );
            self.give_up(index, why);
            return true;
        }
        while let Some(event) = core.poll_event() {
            moved = true;
            let lost = matches!(event, HostEvent::Lost(_));
            host.events.push_back(event);
            if lost {
                host.core = None;
                break;
            }
        }
        moved
    }

    /// From here on nobody knows what the host would have said.
    fn give_up(&mut self, index: usize, why: String) {
        let host = &mut self.hosts[index];
        host.over = true;
        host.core = None;
        host.events.clear();
        self.run.handle_host(self.now, index, HostEvent::Lost(Lost::NotRecorded(why)));
        // What was heard up to here is judged, and nobody is waited for.
        let of_it = |paths: &[(usize, PathBuf)]| paths.iter().any(|(host, _)| *host == index);
        let its: Vec<usize> = self.reads.iter().filter(|(_, paths)| of_it(paths)).map(|(test, _)| *test).collect();
        for test in its {
            self.read_now(test);
        }
    }

    /// Brings the recordings of a test at another time than they were brought then.
    fn read_now(&mut self, test: usize) {
        let paths = self.reads.remove(&test).unwrap_or_default();
        let read = paths.into_iter().map(|(_, path)| self.read_of(path)).collect();
        self.run.handle_recordings(Key::Test(test), read);
    }

    fn ask(&mut self, index: usize, request: Request) {
        let Some(host) = self.hosts.get_mut(index) else { return };
        let Some(core) = &mut host.core else { return };
        core.handle_request(self.now, request);
        host.events.extend(core.poll_events(usize::MAX));
    }

    fn read(&self, Kept { path, audio, error }: &Kept) -> (PathBuf, ReadBack) {
        let kept = audio.as_deref().map(|name| self.journal.audio(name));
        let wav = match (error, &kept) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(kept)) => wav::read(kept).map_err(|error| error.to_string()),
            (None, None) => Err("it was not kept with the recording of the run".to_owned()),
        };
        (path.clone(), ReadBack { kept: kept.unwrap_or_else(|| path.clone()), wav })
    }

    /// A recording that was brought at another time than it is asked for now.
    fn read_of(&self, path: PathBuf) -> (PathBuf, ReadBack) {
        let files = self.journal.entries.iter().filter_map(|entry| match &entry.what {
            Record::Recordings { files, .. } => Some(files),
            _ => None,
        });
        match files.flatten().find(|kept| kept.path == path) {
            Some(kept) => self.read(kept),
            None => {
                let wav = Err("it was not kept with the recording of the run".to_owned());
                (path.clone(), ReadBack { kept: path, wav })
            }
        }
    }
}

/// The command in which byte `at` is, on one line.
fn command_at(bytes: &[u8], at: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut begun = 0;
    let commands = text.split("\n\n").find(|command| {
        begun += command.len() + 2;
        begun > at
    });
    let line = commands.unwrap_or_default().trim().replace('\n', "; ");
    if line.chars().count() > 160 { format!("{}...", line.chars().take(160).collect::<String>()) } else { line }
}
