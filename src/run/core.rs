//! A run without IO: tests in their queues, machines at work, what hosts tell in, requests and reports out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::wav::Wav;
use crate::esl::Command;
use crate::host::{HostEvent, HostFacts, LocalLoad, Request, SessionLimits, Token};
use crate::id::{Ids, SessionId};
use crate::scenario::{Dial, Judgement, Leg, Machine, Outcome, Scenario, Setting, Stage};
use crate::units::Time;
use crate::verdict::{CheckReport, Mark, Verdict};

use super::calls::{Calls, Dialled, Site};
use super::conduct::Conduct;
use super::load::{Around, Control, LoadOutcome, LoadRun};
use super::originate::originate;
use super::require::{skipped, unfit};
use super::schedule::{Schedule, Turn};
use super::{Attempt, Picked, RunEvent, Summary, TestId, TestReport, trial};

/// A test to run: a scenario on a host.
#[derive(Clone, Debug)]
pub struct Test {
    pub id: TestId,
    pub scenario: Arc<Scenario>,
    /// Which of the run's hosts makes the call.
    pub host: usize,
    /// The command that runs this test alone.
    pub rerun: String,
    /// The innermost folder with a setup or teardown that it is in, of [`Conduct::folders`].
    pub folder: Option<usize>,
}

/// A host as the run knows it before it is up.
#[derive(Clone, Debug)]
pub struct RunHost {
    pub name: String,
    /// How many tests may run on it side by side; 0: it makes no calls, but is called.
    pub slots: usize,
    /// Where recordings go on its disk; `None`: where the switch itself puts them.
    pub recordings: Option<PathBuf>,
    /// The host that its calls are sent to; `None`: itself.
    pub callee: Option<usize>,
}

/// Whose call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A test by its place.
    Test(usize),
    /// A call of the load that is under way, by the number it was offered with.
    Load(u64),
}

/// What the run wants done.
#[derive(Debug)]
pub enum RunOutput {
    Request {
        host: usize,
        request: Request,
    },
    /// Recordings to be read, told back by [`RunCore::handle_recordings`].
    Read {
        of: Key,
        /// Each with the host that has it.
        paths: Vec<(usize, PathBuf)>,
        /// When the test began.
        since: Time,
    },
    /// A call to be judged, told back by [`RunCore::handle_judgement`]: listening takes its time.
    Judge {
        of: Key,
        outcome: Box<Outcome>,
    },
    /// Recordings that nobody needs any more.
    Discard(Vec<PathBuf>),
    Report(RunEvent),
}

/// What could be read of each recording of a test, by its path on the host.
pub type Recordings = BTreeMap<PathBuf, ReadBack>;

/// A recording as it could be got.
#[derive(Debug)]
pub struct ReadBack {
    /// Where it is now, on our disk.
    pub kept: PathBuf,
    pub wav: Result<Wav, String>,
}

#[derive(Debug)]
enum HostState {
    Waiting,
    Up(Arc<HostFacts>),
    /// It may come back.
    Away,
    /// It does not.
    Gone(String),
}

impl HostState {
    fn facts(&self) -> Option<&Arc<HostFacts>> {
        match self {
            HostState::Up(facts) => Some(facts),
            HostState::Waiting | HostState::Away | HostState::Gone(_) => None,
        }
    }
}

/// A host of the run.
#[derive(Debug)]
pub(super) struct HostSlot {
    pub about: RunHost,
    state: HostState,
    schedule: Schedule,
    /// Before this no further test begins: a host takes only so many sessions a second.
    next_begin: Time,
    /// A test waits for that time.
    paced: bool,
    /// Sessions of this run that nobody follows any more: they are hung up as soon as that can be asked for.
    pub left: Vec<SessionId>,
    /// Commands that hang such sessions up, until they are answered.
    hanging_up: HashMap<Token, SessionId>,
}

/// What the hosts of a test told about themselves.
#[derive(Clone, Debug)]
struct SiteFacts {
    caller: Arc<HostFacts>,
    callee: Arc<HostFacts>,
}

impl SiteFacts {
    fn of(&self, leg: Leg) -> &HostFacts {
        match leg {
            Leg::Caller => &self.caller,
            Leg::Callee => &self.callee,
        }
    }
}

#[derive(Debug)]
struct Running {
    started: Time,
    /// The call is over and its recordings are being read.
    reading: bool,
    /// Where its recordings are kept.
    kept: Vec<PathBuf>,
    /// When it will be told that it is slow.
    slow: Option<Time>,
}

/// A test, or a scenario of a folder's setup or teardown.
#[derive(Debug)]
struct Job {
    test: Test,
    role: Role,
}

/// What a job is for; a folder as its host's schedule counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Test {
        folder: Option<usize>,
    },
    Setup {
        folder: usize,
    },
    Teardown {
        folder: usize,
    },
    /// A load on this host; it begins once it is the turn of all its hosts.
    Load {
        load: usize,
        folder: Option<usize>,
    },
}

/// A load of the run, on all hosts that make calls.
#[derive(Debug)]
struct LoadJob {
    test: Test,
    /// Its jobs, one on each host.
    parts: Vec<usize>,
    /// Those whose turn has come.
    ready: Vec<usize>,
    /// Those that will not come to it, and why.
    out: Vec<(usize, CheckReport)>,
    state: LoadState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoadState {
    Waiting,
    Running,
    Over,
}

/// A whole run.
#[derive(Debug)]
pub struct RunCore {
    hosts: Vec<HostSlot>,
    conduct: Conduct,
    /// The tests, then what sets their folders up and tears them down.
    jobs: Vec<Job>,
    running: BTreeMap<usize, Running>,
    calls: Calls<Key>,
    /// The loads, in their order.
    loads: Vec<LoadJob>,
    /// The load that is under way, and which of those it is.
    load: Option<(usize, Box<LoadRun>)>,
    /// Tests that have not ended and are no loads.
    pending: usize,
    /// Attempts that failed, of tests that are tried again.
    attempts: BTreeMap<usize, Vec<Attempt>>,
    ids: Ids,
    started: Time,
    summary: Summary,
    /// Until when the end waits for hosts to be clean.
    clean_by: Option<Time>,
    ended: bool,
    outputs: VecDeque<RunOutput>,
}

impl RunCore {
    /// A run of `tests`, which begins as soon as its hosts are there.
    pub fn new(now: Time, hosts: Vec<RunHost>, tests: Vec<Test>, conduct: Conduct, ids: Ids) -> Self {
        let slot = |about: RunHost| {
            let schedule = Schedule::new(about.slots);
            let (left, hanging_up) = (Vec::new(), HashMap::new());
            let next_begin = Time::default();
            HostSlot { about, state: HostState::Waiting, schedule, next_begin, paced: false, left, hanging_up }
        };
        let mut core = RunCore {
            hosts: hosts.into_iter().map(slot).collect(),
            conduct,
            jobs: Vec::new(),
            running: BTreeMap::new(),
            attempts: BTreeMap::new(),
            calls: Calls::new(),
            loads: Vec::new(),
            load: None,
            pending: 0,
            ids,
            started: now,
            summary: Summary::default(),
            clean_by: None,
            ended: false,
            outputs: VecDeque::new(),
        };
        let names = core.hosts.iter().map(|host| host.about.name.clone()).collect();
        let started = RunEvent::Started { tests: tests.len(), hosts: names, picked: Picked::default(), at: now };
        core.outputs.push_back(RunOutput::Report(started));
        core.plan(tests);
        core.settle(now);
        core
    }

    /// Puts the tests into the schedules of their hosts, with the folders around them.
    fn plan(&mut self, tests: Vec<Test>) {
        let mut places: HashMap<(usize, usize), usize> = HashMap::new();
        let (loads, tests): (Vec<Test>, Vec<Test>) =
            tests.into_iter().partition(|test| test.scenario.stage == Stage::Load);
        self.pending = tests.len();
        let folders: Vec<(usize, Option<usize>)> = tests.iter().map(|test| (test.host, test.folder)).collect();
        let role = Role::Test { folder: None };
        self.jobs.extend(tests.into_iter().map(|test| Job { test, role }));
        for (index, (host, folder)) in folders.into_iter().enumerate() {
            let folder = folder.map(|folder| self.plan_folder(host, folder, &mut places));
            self.jobs[index].role = Role::Test { folder };
            self.hosts[host].schedule.add_test(index, folder);
        }
        for test in loads {
            self.plan_load(test, &mut places);
        }
    }

    /// Puts a load into the schedule of every host that makes calls, behind all that was put there before.
    fn plan_load(&mut self, test: Test, places: &mut HashMap<(usize, usize), usize>) {
        let load = self.loads.len();
        let mut parts = Vec::new();
        for host in self.callers() {
            let folder = test.folder.map(|folder| self.plan_folder(host, folder, places));
            let index = self.jobs.len();
            self.jobs.push(Job { test: Test { host, ..test.clone() }, role: Role::Load { load, folder } });
            self.hosts[host].schedule.add_test(index, folder);
            parts.push(index);
        }
        self.loads.push(LoadJob { test, parts, ready: Vec::new(), out: Vec::new(), state: LoadState::Waiting });
    }

    /// The hosts that make calls: those that are not only called.
    fn callers(&self) -> Vec<usize> {
        (0..self.hosts.len()).filter(|host| self.hosts[*host].about.slots > 0).collect()
    }

    /// Puts a folder and those around it into the schedule of a host, once; gives its number there.
    fn plan_folder(&mut self, host: usize, folder: usize, places: &mut HashMap<(usize, usize), usize>) -> usize {
        if let Some(place) = places.get(&(host, folder)) {
            return *place;
        }
        let outer = self.conduct.folders[folder].outer.map(|outer| self.plan_folder(host, outer, places));
        let name = &self.hosts[host].about.name;
        let first = self.jobs.len();
        let about = &self.conduct.folders[folder];
        let parts = [&about.setup, &about.teardown].map(|scenarios| {
            let here = scenarios.iter().filter(|(_, scenario)| scenario.on.as_ref().is_none_or(|on| on == name));
            here.map(|(id, scenario)| (id.clone(), Arc::clone(scenario))).collect::<Vec<_>>()
        });
        let setups = parts[0].len();
        for (id, scenario) in parts.into_iter().flatten() {
            let test = Test { id, scenario, host, rerun: String::new(), folder: None };
            self.jobs.push(Job { test, role: Role::Setup { folder: 0 } });
        }
        let (middle, end) = (first + setups, self.jobs.len());
        let place = self.hosts[host].schedule.add_folder(outer, (first..middle).collect(), (middle..end).collect());
        for (index, job) in self.jobs.iter_mut().enumerate().skip(first) {
            job.role = if index < middle { Role::Setup { folder: place } } else { Role::Teardown { folder: place } };
        }
        places.insert((host, folder), place);
        place
    }

    /// Takes what a host told.
    pub fn handle_host(&mut self, now: Time, host: usize, event: HostEvent) {
        match event {
            HostEvent::Up(facts) => {
                let name = self.hosts[host].about.name.clone();
                // What a lost connection left up is this run's own.
                let strays = facts.strays.saturating_sub(self.hosts[host].left.len());
                let about = about(&self.hosts[host].about, &facts, strays);
                let up = RunEvent::HostUp { host: name, version: facts.version.clone(), about, at: now };
                self.outputs.push_back(RunOutput::Report(up));
                if let Some(most) = facts.limits.and_then(calls_at_once) {
                    self.hosts[host].schedule.narrow(most);
                }
                self.hosts[host].state = HostState::Up(facts);
                for caller in self.calling(host) {
                    let up = self.facts(caller).is_some();
                    self.with_load(|load, _| {
                        if up {
                            load.host_up(caller)
                        }
                    });
                }
                let events: Vec<String> = self.jobs.iter().flat_map(|job| job.test.scenario.events()).collect();
                for event in events {
                    self.outputs.push_back(RunOutput::Request { host, request: Request::Subscribe(event) });
                }
            }
            HostEvent::Changed { change, event, lag } => {
                if let Some(key) = self.calls.of_change(host, &change, lag) {
                    if let Key::Load(index) = key {
                        self.with_load(|load, around| {
                            load.note_change(now, index, &around.hosts[host].about.name, &change, &event, lag);
                        });
                    }
                    self.drive(now, key, |machine| machine.handle_change(now, &change, &event));
                }
            }
            HostEvent::Event(_) => {}
            HostEvent::Replied { token, reply } => {
                if let Some((key, number)) = self.calls.of_reply(token) {
                    self.drive(now, key, |machine| machine.handle_reply(now, number, &reply));
                }
                self.with_load(|load, around| load.handle_reply(now, token, &reply, around));
                // A session that is not there any more is as good as one that was hung up.
                self.hosts[host].hanging_up.remove(&token);
            }
            HostEvent::JobEnded(job) => {
                let key = job.session.as_ref().and_then(|session| self.calls.of_session(session));
                if let Some(key) = key {
                    if let Key::Load(index) = key {
                        self.with_load(|load, _| load.note_job(now, index));
                    }
                    self.drive(now, key, |machine| machine.handle_job(now, &job));
                }
            }
            HostEvent::Lost(lost) => {
                let reason = lost.to_string();
                let slot = &mut self.hosts[host];
                let event = RunEvent::HostLost { host: slot.about.name.clone(), reason: reason.clone(), at: now };
                self.outputs.push_back(RunOutput::Report(event));
                slot.state = if lost.is_over() { HostState::Gone(reason.clone()) } else { HostState::Away };
                slot.left.extend(slot.hanging_up.drain().map(|(_, session)| session));
                let name = slot.about.name.clone();
                let callers = self.calling(host);
                let left = self.callers().into_iter().any(|caller| self.facts(caller).is_some());
                self.with_load(|load, _| {
                    for caller in callers {
                        load.host_lost(now, caller, &reason, left);
                    }
                });
                for key in self.calls.of_host(host) {
                    // A test of one host need not be told which.
                    let alone = self.calls.call(key).is_some_and(|call| call.site.caller == call.site.callee);
                    let reason = if alone { reason.clone() } else { format!("{name}: {reason}") };
                    self.drive(now, key, |machine| machine.handle_host_lost(now, &reason));
                }
            }
        }
        self.settle(now);
    }

    /// Takes the recordings that were asked for by [`RunOutput::Read`].
    pub fn handle_recordings(&mut self, of: Key, recordings: Recordings) {
        match of {
            Key::Test(test) => self.listen(test, recordings),
            Key::Load(index) => self.with_load(|load, around| load.listen(index, recordings, around)),
        }
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Time) {
        for key in self.calls.due(now) {
            self.drive(now, key, |machine| machine.handle_timeout(now));
        }
        self.tell_slow(now);
        self.settle(now);
    }

    /// Tells of what has taken too long since the last time.
    fn tell_slow(&mut self, now: Time) {
        for (index, running) in &mut self.running {
            if running.slow.is_some_and(|at| at <= now) {
                running.slow = None;
                let test = &self.jobs[*index].test;
                let host = self.hosts[test.host].about.name.clone();
                let slow = RunEvent::TestSlow { test: test.id.clone(), host, after: self.conduct.slow, at: now };
                self.outputs.push_back(RunOutput::Report(slow));
            }
        }
    }

    /// Begins no more tests, hangs up the calls of those that run, and tears down what was set up.
    ///
    /// A load without end only comes to its end by that, where nothing else is to be run.
    pub fn interrupt(&mut self, now: Time) {
        let others = self.pending > 0 || self.loads.iter().any(|load| load.state == LoadState::Waiting);
        if !others && self.with_load(|load, _| load.waits_to_be_stopped()) {
            return self.control(now, Control::HangUp);
        }
        self.summary.interrupted = true;
        let torn_down = |index: &usize| matches!(self.jobs[*index].role, Role::Teardown { .. });
        let running: Vec<usize> = self.running.keys().copied().filter(|index| !torn_down(index)).collect();
        for test in running {
            self.drive(now, Key::Test(test), |machine| machine.interrupt(now));
        }
        self.with_load(|load, around| load.interrupt(now, around));
        self.settle(now);
    }

    /// When [`RunCore::handle_timeout`] is due, if nothing else comes.
    pub fn poll_timeout(&self) -> Option<Time> {
        let slow = self.running.values().filter_map(|running| running.slow).min();
        // A host that is away begins nothing, however long ago its turn was.
        let paced = self.hosts.iter().filter(|slot| slot.paced && slot.is_up()).map(|slot| slot.next_begin);
        let slow = slow.into_iter().chain(paced).chain(self.load.as_ref().and_then(|(_, load)| load.poll_timeout()));
        self.calls.poll_timeout().into_iter().chain(slow).chain(self.clean_by).min()
    }

    pub fn poll_output(&mut self) -> Option<RunOutput> {
        self.outputs.pop_front()
    }

    /// The counts, once the run is over.
    pub fn ended(&self) -> Option<Summary> {
        self.ended.then_some(self.summary)
    }

    /// What it still holds of calls, in words; `None`: nothing, as it must be once it is over.
    pub fn left(&self) -> Option<String> {
        let left = self.calls.left();
        let (running, load) = (self.running.len(), usize::from(self.load.is_some()));
        (left.is_some() || running + load > 0).then(|| {
            format!("{} tests, {load} loads{}", running, left.map(|left| format!(", {left}")).unwrap_or_default())
        })
    }

    /// Begins what can begin, and ends the run when nothing is left.
    fn settle(&mut self, now: Time) {
        // What stops the run may have happened on the last of the hosts.
        self.with_load(|load, around| load.advance(now, around));
        let mut stopped = None;
        while stopped != Some(self.stopped().is_some()) {
            stopped = Some(self.stopped().is_some());
            for host in 0..self.hosts.len() {
                self.settle_host(now, host);
            }
        }
        self.settle_loads(now);
        for host in 0..self.hosts.len() {
            self.clean_up(host);
        }
        let idle = self.running.is_empty() && self.hosts.iter().all(|host| host.schedule.is_over());
        if !idle || self.ended {
            return;
        }
        let clean_by = *self.clean_by.get_or_insert(now + CLEANING);
        let interrupted = self.summary.interrupted;
        if now >= clean_by || self.hosts.iter().all(|host| host.is_clean(interrupted)) {
            self.clean_by = None;
            self.ended = true;
            self.tell_left(now);
            self.summary.duration = now.since(self.started);
            let ended = RunEvent::Ended { summary: self.summary, at: now };
            self.outputs.push_back(RunOutput::Report(ended));
        }
    }

    fn settle_host(&mut self, now: Time, host: usize) {
        if let Some(reason) = self.stopped() {
            for test in self.hosts[host].schedule.drain() {
                self.not_run(now, test, trial::NotRun::Stopped(reason.clone()));
            }
        }
        if let Some(facts) = self.facts(host) {
            return self.proceed(now, host, &facts);
        }
        let callee = self.callee_of(host);
        let gone = [host, callee].into_iter().find_map(|of| match &self.hosts[of].state {
            HostState::Gone(reason) if of == host => Some(reason.clone()),
            HostState::Gone(reason) => Some(format!("{}, which is called: {reason}", self.hosts[of].about.name)),
            // Whoever interrupts does not wait for it to come back.
            HostState::Away if self.summary.interrupted => Some("the host is away".to_owned()),
            _ => None,
        });
        if let Some(reason) = gone {
            self.give_up(now, host, &reason);
        }
    }

    /// The host that is called from `host`.
    fn callee_of(&self, host: usize) -> usize {
        self.hosts[host].about.callee.unwrap_or(host)
    }

    /// What a host and the one that is called from it told about themselves, where both are up.
    fn facts(&self, host: usize) -> Option<SiteFacts> {
        let of = |host: usize| self.hosts[host].state.facts().cloned();
        Some(SiteFacts { caller: of(host)?, callee: of(self.callee_of(host))? })
    }

    /// The hosts whose calls go to `host`, itself if it makes any.
    fn calling(&self, host: usize) -> Vec<usize> {
        self.callers().into_iter().filter(|caller| *caller == host || self.callee_of(*caller) == host).collect()
    }

    /// Lets the load that is under way do something with what is the run's.
    fn with_load<T: Default>(&mut self, work: impl FnOnce(&mut LoadRun, &mut Around<'_>) -> T) -> T {
        let RunCore { load, calls, hosts, outputs, ids, conduct, .. } = self;
        match load {
            Some((_, load)) => work(load, &mut Around { calls, hosts, outputs, ids, conduct }),
            None => T::default(),
        }
    }

    /// Begins the load whose turn has come, and ends the one that is over.
    fn settle_loads(&mut self, now: Time) {
        if self.load.as_ref().is_some_and(|(_, load)| load.is_over()) {
            self.end_load(now);
        }
        let Some(next) = self.loads.iter().position(|load| load.state != LoadState::Over) else { return };
        let LoadJob { test, parts, ready, out, state } = &self.loads[next];
        if *state == LoadState::Running || ready.len() + out.len() < parts.len() {
            return;
        }
        if self.stopped().is_some() || ready.is_empty() {
            return self.drop_load(now, next);
        }
        let hosts: Vec<usize> = ready.iter().map(|part| self.jobs[*part].test.host).collect();
        let started = RunEvent::TestStarted { test: test.id.clone(), host: self.load_host(), at: now };
        let (id, scenario) = (test.id.clone(), Arc::clone(&test.scenario));
        self.outputs.push_back(RunOutput::Report(started));
        self.loads[next].state = LoadState::Running;
        let seed = self.ids.long();
        self.load = Some((next, Box::new(LoadRun::new(now, id, scenario, &hosts, seed, &self.conduct))));
        // Loads after the first begin when their turn comes.
        self.conduct.start_at = None;
        self.with_load(|load, around| load.start(now, around));
    }

    /// What reports call the hosts of a load: all that make calls.
    fn load_host(&self) -> String {
        let names: Vec<&str> = self.callers().iter().map(|host| self.hosts[*host].about.name.as_str()).collect();
        names.join("+")
    }

    fn end_load(&mut self, now: Time) {
        self.with_load(|load, around| load.tell(now, around));
        let Some((index, load)) = self.load.take() else { return };
        let names: Vec<String> = self.hosts.iter().map(|slot| slot.about.name.clone()).collect();
        let (mut attempt, outcome) = load.conclude(now, &names);
        // That it could not be on all its hosts is nothing that was found out.
        let out: Vec<CheckReport> = self.loads[index].out.iter().map(|(_, check)| check.clone()).collect();
        attempt.verdict =
            out.iter().map(|check| check.verdict).chain([attempt.verdict]).max().unwrap_or(attempt.verdict);
        attempt.checks.extend(out);
        self.tell_load(index, attempt, Some(outcome));
    }

    /// Ends a load that cannot be made on any host, or whose turn did not come.
    fn drop_load(&mut self, now: Time, index: usize) {
        match (self.stopped(), self.loads[index].out.first()) {
            (None, Some((_, check))) => {
                let attempt = trial::none(now, check.clone());
                self.tell_load(index, attempt, None);
            }
            (stopped, _) => {
                let reason = stopped.unwrap_or_default();
                let test = &self.loads[index].test;
                let attempt = trial::none(now, trial::not_begun(&reason));
                let mut report = trial::report(test, &self.load_host(), Vec::new(), attempt, self.conduct.slow);
                report.mark = Some(Mark::NotRun);
                self.summary.not_run += 1;
                self.outputs.push_back(RunOutput::Report(RunEvent::TestEnded(Box::new(report))));
                self.leave_load(index);
            }
        }
    }

    fn tell_load(&mut self, index: usize, attempt: Attempt, outcome: Option<LoadOutcome>) {
        let test = &self.loads[index].test;
        let mut report = trial::report(test, &self.load_host(), Vec::new(), attempt, self.conduct.slow);
        report.load = outcome.map(Box::new);
        self.count(&report);
        self.outputs.push_back(RunOutput::Report(RunEvent::TestEnded(Box::new(report))));
        self.leave_load(index);
    }

    /// Has the schedules of its hosts go on behind a load.
    fn leave_load(&mut self, index: usize) {
        self.loads[index].state = LoadState::Over;
        for part in self.loads[index].ready.clone() {
            self.hosts[self.jobs[part].test.host].schedule.free();
        }
        for part in self.loads[index].parts.clone() {
            self.over(part, None);
        }
    }

    /// Changes the load that is under way.
    pub fn control(&mut self, now: Time, control: Control) {
        self.with_load(|load, around| load.control(now, control, around));
        if control == Control::HangUpHosts {
            for host in self.callers() {
                let token = self.calls.token();
                let request = Request::Command { token, command: Command::api("hupall MANAGER_REQUEST") };
                self.outputs.push_back(RunOutput::Request { host, request });
            }
        }
        self.settle(now);
    }

    /// Whether a load is under way.
    pub fn has_load(&self) -> bool {
        self.load.is_some()
    }

    /// Takes how the machine that we run on fares.
    pub fn handle_local(&mut self, now: Time, local: &LocalLoad) {
        self.with_load(|load, _| load.note_local(now, local));
    }

    /// Has what this run left behind on a host hung up.
    fn clean_up(&mut self, host: usize) {
        let slot = &mut self.hosts[host];
        if slot.state.facts().is_none() {
            return;
        }
        for session in std::mem::take(&mut slot.left) {
            let token = self.calls.token();
            let command = Command::api(&format!("uuid_kill {session}"));
            slot.hanging_up.insert(token, session);
            self.outputs.push_back(RunOutput::Request { host, request: Request::Command { token, command } });
        }
    }

    /// Tells what could not be hung up.
    fn tell_left(&mut self, now: Time) {
        for slot in &self.hosts {
            let left = slot.left.iter().chain(slot.hanging_up.values());
            let sessions: Vec<String> = left.map(SessionId::to_string).collect();
            if !sessions.is_empty() {
                let event = RunEvent::SessionsLeft { host: slot.about.name.clone(), sessions, at: now };
                self.outputs.push_back(RunOutput::Report(event));
            }
        }
    }

    /// Why no more tests are begun.
    fn stopped(&self) -> Option<String> {
        if self.summary.interrupted {
            return Some("the run was interrupted".to_owned());
        }
        let wrong = self.summary.failed + self.summary.errors + self.summary.folder_errors;
        let most = self.conduct.max_fail?.get();
        (wrong >= most).then(|| format!("stopped after {wrong} that did not pass (--maxfail {most})"))
    }

    /// Begins what can begin on a host that is up.
    fn proceed(&mut self, now: Time, host: usize, facts: &SiteFacts) {
        loop {
            let jobs = &self.jobs;
            // A run that was stopped only tears down.
            let stopped = self.stopped().is_some();
            let fits = |test: usize| unfit(&jobs[test].test.scenario, &|leg| facts.of(leg)).is_none();
            // A load has its hosts for itself, and comes after all that is none.
            let next = self.loads.iter().position(|load| load.state != LoadState::Over);
            let pending = self.pending;
            let due = |test: usize| match jobs[test].role {
                Role::Load { load, .. } => pending == 0 && next == Some(load),
                Role::Test { .. } | Role::Setup { .. } | Role::Teardown { .. } => true,
            };
            let slot = &mut self.hosts[host];
            slot.paced = now < slot.next_begin && !slot.schedule.is_over();
            if slot.paced && !stopped {
                return;
            }
            let schedule = &mut slot.schedule;
            let turn = if stopped { schedule.begin_teardown().map(Turn::Begin) } else { schedule.next(due, fits) };
            match turn {
                None => return,
                Some(Turn::Begin(job)) => self.begin_fit(now, job, facts),
                Some(Turn::Unfit(test)) => {
                    // It is as unfit as it was a few lines above.
                    let check = unfit(&self.jobs[test].test.scenario, &|leg| facts.of(leg));
                    let Some(check) = check else { continue };
                    self.not_run(now, test, trial::NotRun::Unfit(check));
                }
                Some(Turn::Spoilt(test, check)) => self.not_run(now, test, trial::NotRun::Unfit(check)),
            }
        }
    }

    /// Of a host that is gone: its tests end in error, and so do teardowns that are due there.
    fn give_up(&mut self, now: Time, host: usize, reason: &str) {
        let error = || CheckReport {
            name: "host".to_owned(),
            place: None,
            verdict: Verdict::Error,
            expected: "a host to run on".to_owned(),
            actual: reason.to_owned(),
            help: String::new(),
            passages: Vec::new(),
        };
        for test in self.hosts[host].schedule.drain() {
            let check = skipped(&self.jobs[test].test.scenario).unwrap_or_else(error);
            self.not_run(now, test, trial::NotRun::Unfit(check));
        }
        while let Some(job) = self.hosts[host].schedule.next_teardown() {
            self.not_run(now, job, trial::NotRun::Unfit(error()));
        }
    }

    /// Has the next call of a host wait for as long as its limit of sessions a second wants, or that of the host it calls.
    fn pace(&mut self, now: Time, host: usize) {
        let limit = |of: usize| Some(self.hosts[of].state.facts()?.limits?.per_second);
        let callee = self.callee_of(host);
        // A host that calls itself has both sessions.
        let between = [(limit(host), if callee == host { 2 } else { 1 }), (limit(callee), 1)];
        let between = between.into_iter().filter_map(|(limit, sessions)| {
            let most = limit?.saturating_sub(1).max(1);
            Some(Duration::from_secs(sessions) / most)
        });
        self.hosts[host].next_begin = now + between.max().unwrap_or_default();
    }

    /// Begins a job that holds a slot, unless it is a setup or teardown that is not for this host.
    fn begin_fit(&mut self, now: Time, index: usize, facts: &SiteFacts) {
        match unfit(&self.jobs[index].test.scenario, &|leg| facts.of(leg)) {
            None => match self.jobs[index].role {
                Role::Load { load, .. } => self.loads[load].ready.push(index),
                Role::Test { .. } | Role::Setup { .. } | Role::Teardown { .. } => self.begin(now, index),
            },
            Some(check) => {
                self.hosts[self.jobs[index].test.host].schedule.free();
                self.not_run(now, index, trial::NotRun::Unfit(check));
            }
        }
    }

    fn begin(&mut self, now: Time, index: usize) {
        self.pace(now, self.jobs[index].test.host);
        let Job { test, role } = &self.jobs[index];
        let site = Site { caller: test.host, callee: self.callee_of(test.host) };
        let earlier = self.attempts.get(&index);
        if earlier.is_none() && matches!(role, Role::Test { .. }) {
            let host = self.hosts[test.host].about.name.clone();
            let started = RunEvent::TestStarted { test: test.id.clone(), host, at: now };
            self.outputs.push_back(RunOutput::Report(started));
        }
        let slow = earlier.and_then(|earlier| earlier.first()).map_or(now, |first| first.started) + self.conduct.slow;
        let folders = recording_folders(&self.hosts, site);
        let lost = Leg::BOTH.into_iter().any(|leg| test.scenario.records(leg) && folders[leg as usize].is_none());
        let ids = Ids::seeded(self.ids.long());
        let setting = Setting::of_test(folders.map(Option::unwrap_or_default), self.conduct.timeout);
        let machine = Machine::new(Arc::clone(&test.scenario), setting, ids);
        self.calls.add(Key::Test(index), machine, site);
        let slow = Some(slow).filter(|at| *at > now);
        self.running.insert(index, Running { started: now, reading: false, kept: Vec::new(), slow });
        self.drive(now, Key::Test(index), |machine| match lost {
            true => machine.handle_refused(
                now,
                "the host does not tell where it puts recordings",
                "set `recordings_dir` in the switch's vars.xml",
            ),
            false => machine.start(now),
        });
    }

    /// Lets a machine take something in, and carries out what it wants then.
    fn drive(&mut self, now: Time, key: Key, input: impl FnOnce(&mut Machine)) {
        let index = match key {
            Key::Test(index) => index,
            Key::Load(index) => return self.with_load(|load, around| load.drive(now, index, around, input)),
        };
        let (hosts, app) = (&self.hosts, &self.jobs[index].test.id.name);
        let dial = |dial, site: Site| dialled(hosts, dial, site, app);
        let over = self.calls.drive(now, key, dial, input);
        while let Some((host, request)) = self.calls.poll_request() {
            self.outputs.push_back(RunOutput::Request { host, request });
        }
        let (Some(running), Some(call)) = (self.running.get_mut(&index), self.calls.call(key)) else { return };
        if over && !running.reading {
            running.reading = true;
            let paths = call.recorded();
            if paths.is_empty() {
                self.listen(index, Recordings::new());
            } else {
                self.outputs.push_back(RunOutput::Read { of: key, paths, since: running.started });
            }
        }
    }

    /// The call is over and its recordings are there: somebody has to listen to them.
    fn listen(&mut self, index: usize, recordings: Recordings) {
        let Some(running) = self.running.get_mut(&index) else { return };
        let Some(call) = self.calls.call_mut(Key::Test(index)) else { return };
        running.kept = recordings.values().map(|read| read.kept.clone()).collect();
        let read = recordings.into_iter().map(|(path, read)| (path, read.wav)).collect();
        let outcome = Box::new(call.machine.outcome(read));
        self.outputs.push_back(RunOutput::Judge { of: Key::Test(index), outcome });
    }

    /// Takes what came of [`RunOutput::Judge`].
    pub fn handle_judgement(&mut self, now: Time, of: Key, judgement: Judgement) {
        match of {
            Key::Test(test) => self.finish(now, test, judgement),
            Key::Load(index) => self.with_load(|load, around| load.finish(now, index, judgement, around)),
        }
        self.settle(now);
    }

    fn finish(&mut self, now: Time, index: usize, judgement: Judgement) {
        let Some(Running { started, kept: paths, .. }) = self.running.remove(&index) else { return };
        let Some(call) = self.calls.remove(Key::Test(index)) else { return };
        for (host, session) in call.left() {
            self.hosts[host].left.push(session);
        }
        let test = &self.jobs[index].test;
        let legs = call.machine.traces();
        let passed = judgement.verdict == Verdict::Passed;
        let checks = kept_at(judgement.checks, &paths);
        if passed && !paths.is_empty() {
            self.outputs.push_back(RunOutput::Discard(paths.clone()));
        }
        let mut properties = judgement.properties;
        properties.push(("event_lag_max_ms".to_owned(), format!("{:.3}", call.lag.as_secs_f64() * 1e3)));
        if call.site.caller != call.site.callee {
            properties.push(("callee_host".to_owned(), self.hosts[call.site.callee].about.name.clone()));
        }
        let attempt = Attempt {
            verdict: judgement.verdict,
            started,
            duration: now.since(started),
            checks,
            legs,
            properties,
            recordings: if passed { Vec::new() } else { paths },
        };
        let tried = self.attempts.get(&index).map_or(0, Vec::len);
        let retries = test.scenario.retries.unwrap_or(self.conduct.retries) as usize;
        let again = !passed && test.scenario.xfail.is_none() && tried < retries;
        let host = test.host;
        match self.facts(host) {
            Some(_) if again && !self.summary.interrupted => {
                self.attempts.entry(index).or_default().push(attempt);
                self.begin(now, index);
            }
            _ => {
                self.hosts[host].schedule.free();
                self.conclude(index, attempt);
            }
        }
    }

    /// A job is not run, and tells why.
    fn not_run(&mut self, now: Time, index: usize, why: trial::NotRun) {
        match (why, self.jobs[index].role) {
            (trial::NotRun::Unfit(check), _) => self.conclude(index, trial::none(now, check)),
            // Of a load one word is said for all its parts.
            (trial::NotRun::Stopped(reason), Role::Load { load, .. }) => {
                self.loads[load].out.push((index, trial::not_begun(&reason)));
            }
            (trial::NotRun::Stopped(reason), _) => {
                let attempt = trial::none(now, trial::not_begun(&reason));
                let mut report = self.reported(index, attempt);
                report.mark = Some(Mark::NotRun);
                self.summary.not_run += 1;
                self.outputs.push_back(RunOutput::Report(RunEvent::TestEnded(Box::new(report))));
                self.over(index, None);
            }
        }
    }

    /// Tells what became of a job by its last attempt.
    fn conclude(&mut self, index: usize, last: Attempt) {
        let mut failed = None;
        match self.jobs[index].role {
            Role::Test { .. } => {
                let report = self.reported(index, last);
                self.count(&report);
                self.outputs.push_back(RunOutput::Report(RunEvent::TestEnded(Box::new(report))));
            }
            // The load is told of once all its parts are through.
            Role::Load { load, .. } => {
                let check = last.checks.into_iter().next();
                self.loads[load].out.extend(check.map(|check| (index, check)));
                return;
            }
            // Of those only what goes wrong is of interest.
            Role::Setup { .. } | Role::Teardown { .. } if matches!(last.verdict, Verdict::Failed | Verdict::Error) => {
                let report = self.reported(index, trial::as_error(last));
                self.summary.folder_errors += 1;
                failed = Some(trial::spoilt(&report));
                self.outputs.push_back(RunOutput::Report(RunEvent::TestEnded(Box::new(report))));
            }
            Role::Setup { .. } | Role::Teardown { .. } => {}
        }
        self.over(index, failed);
    }

    /// Has the schedule go on behind a job; `failed` tells why a setup did.
    fn over(&mut self, index: usize, failed: Option<CheckReport>) {
        let Job { test, role } = &self.jobs[index];
        let schedule = &mut self.hosts[test.host].schedule;
        match *role {
            Role::Test { folder } => {
                self.pending = self.pending.saturating_sub(1);
                schedule.test_over(folder);
            }
            Role::Load { folder, .. } => schedule.test_over(folder),
            Role::Setup { folder } => schedule.setup_over(folder, failed),
            Role::Teardown { folder } => schedule.teardown_over(folder),
        }
    }

    fn reported(&mut self, index: usize, last: Attempt) -> TestReport {
        let test = &self.jobs[index].test;
        let earlier = self.attempts.remove(&index).unwrap_or_default();
        trial::report(test, &self.hosts[test.host].about.name, earlier, last, self.conduct.slow)
    }

    fn count(&mut self, report: &TestReport) {
        let count = match report.verdict {
            Verdict::Passed if matches!(report.mark, Some(Mark::ExpectedFailure(_))) => {
                &mut self.summary.expected_failures
            }
            Verdict::Passed => &mut self.summary.passed,
            Verdict::Skipped => &mut self.summary.skipped,
            Verdict::Failed => &mut self.summary.failed,
            Verdict::Error => &mut self.summary.errors,
        };
        *count += 1;
        self.summary.flaky += usize::from(report.mark == Some(Mark::Flaky));
    }
}

/// A call in the words of its host; or why it cannot be made, and what would help.
pub(super) fn dialled(hosts: &[HostSlot], dial: Dial, site: Site, app: &str) -> Dialled {
    let facts = |host: usize| {
        let away = || (format!("the host {} is not up", hosts[host].about.name), String::new());
        hosts[host].state.facts().map(Arc::as_ref).ok_or_else(away)
    };
    originate(dial, [facts(site.caller)?, facts(site.callee)?], app)
}

/// Where the hosts of caller and callee put recordings, as far as they tell.
pub(super) fn recording_folders(hosts: &[HostSlot], site: Site) -> [Option<PathBuf>; 2] {
    [site.caller, site.callee].map(|host| {
        let told = || hosts[host].state.facts()?.recordings.as_ref().map(PathBuf::from);
        hosts[host].about.recordings.clone().or_else(told)
    })
}

/// How many calls to itself a host can have at once; `None`: any number.
fn calls_at_once(limits: SessionLimits) -> Option<usize> {
    let sessions = usize::try_from(limits.at_once).ok()?.saturating_sub(1);
    Some((sessions / 2).max(1))
}

/// How long the end of a run waits for hosts to hang up what it left there, or to come back for that.
const CLEANING: Duration = Duration::from_secs(12);

impl HostSlot {
    pub fn is_up(&self) -> bool {
        self.state.facts().is_some()
    }

    /// Whether nothing of the run is left on it, or nothing can be done about that. Whoever interrupted the run does not
    /// wait for a host to come back.
    fn is_clean(&self, interrupted: bool) -> bool {
        match self.state {
            HostState::Up(_) => self.left.is_empty() && self.hanging_up.is_empty(),
            HostState::Waiting | HostState::Away => interrupted || self.left.is_empty(),
            HostState::Gone(_) => true,
        }
    }
}

/// What is told of sessions on a host that another run made, or one that was killed.
pub const STRAYS: &str = "sessions of another run";

/// What a person wants to know of a host.
fn about(host: &RunHost, facts: &HostFacts, strays: usize) -> Vec<(String, String)> {
    let slots = if host.slots == 0 { "none, it is only called".to_owned() } else { host.slots.to_string() };
    let mut about = vec![("slots".to_owned(), slots)];
    if strays > 0 {
        about.push((STRAYS.to_owned(), strays.to_string()));
    }
    for (profile, address) in &facts.profiles {
        let address = address.clone().unwrap_or_else(|| "not there".to_owned());
        about.push((format!("SIP profile {profile}"), address));
    }
    let configured = host.recordings.as_ref().map(|path| path.display().to_string());
    about.extend(configured.or_else(|| facts.recordings.clone()).map(|path| ("recordings".to_owned(), path)));
    for (module, loaded) in &facts.modules {
        about.push((module.clone(), if *loaded { "loaded" } else { "not loaded" }.to_owned()));
    }
    about
}

/// `checks`, with recordings where they are `kept` in place of where the host wrote them. Their names have a UUID in them.
pub(super) fn kept_at(mut checks: Vec<CheckReport>, kept: &[PathBuf]) -> Vec<CheckReport> {
    for passage in checks.iter_mut().flat_map(|check| &mut check.passages) {
        if let Some(path) = kept.iter().find(|path| path.file_name() == passage.recording.file_name()) {
            passage.recording.clone_from(path);
        }
    }
    checks
}

#[cfg(test)]
mod tests;
