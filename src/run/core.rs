//! A run without IO: tests in their queues, machines at work, what hosts tell in, requests and reports out.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::wav::Wav;
use crate::host::{HostEvent, HostFacts, Originate, Request, Target, Token};
use crate::id::Ids;
use crate::scenario::{Action, CallSpec, Dial, Judgement, Machine, Outcome, Scenario, Setting};
use crate::units::Time;
use crate::verdict::{CheckReport, Mark, Verdict};

use super::require::{Unmet, unmet};
use super::{Attempt, Picked, RunEvent, Summary, TestId, TestReport};

/// A test to run: a scenario on a host.
#[derive(Clone, Debug)]
pub struct Test {
    pub id: TestId,
    pub scenario: Arc<Scenario>,
    /// Which of the run's hosts.
    pub host: usize,
    /// The command that runs this test alone.
    pub rerun: String,
}

/// A host as the run knows it before it is up.
#[derive(Clone, Debug)]
pub struct RunHost {
    pub name: String,
    /// How many tests may run on it side by side.
    pub slots: usize,
    /// Where recordings go on its disk; `None`: where the switch itself puts them.
    pub recordings: Option<PathBuf>,
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
        test: usize,
        paths: Vec<PathBuf>,
        /// When the test began.
        since: Time,
    },
    /// A call to be judged, told back by [`RunCore::handle_judgement`]: listening takes its time.
    Judge {
        test: usize,
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
    /// What it told about itself; or why nothing can be made there, and what would help.
    fn facts(&self) -> Result<&HostFacts, (String, String)> {
        match self {
            HostState::Up(facts) => Ok(facts),
            _ => Err(("the host is not up".to_owned(), String::new())),
        }
    }
}

#[derive(Debug)]
struct HostSlot {
    about: RunHost,
    state: HostState,
    queue: VecDeque<usize>,
    running: usize,
}

#[derive(Debug)]
struct Running {
    machine: Machine,
    started: Time,
    /// Greatest lag of its events.
    lag: Duration,
    /// The call is over and its recordings are being read.
    reading: bool,
    /// Where its recordings are kept.
    kept: Vec<PathBuf>,
}

/// A whole run.
#[derive(Debug)]
pub struct RunCore {
    hosts: Vec<HostSlot>,
    tests: Vec<Test>,
    running: BTreeMap<usize, Running>,
    /// Attempts that failed, of tests that are tried again.
    attempts: BTreeMap<usize, Vec<Attempt>>,
    /// Whose call it is.
    calls: HashMap<String, usize>,
    /// Whose command it is, and its number there.
    tokens: HashMap<Token, (usize, u64)>,
    next_token: u64,
    ids: Ids,
    started: Time,
    summary: Summary,
    ended: bool,
    outputs: VecDeque<RunOutput>,
}

impl RunCore {
    pub fn new(now: Time, hosts: Vec<RunHost>, tests: Vec<Test>, ids: Ids) -> Self {
        let mut core = RunCore {
            hosts: hosts
                .into_iter()
                .map(|about| HostSlot { about, state: HostState::Waiting, queue: VecDeque::new(), running: 0 })
                .collect(),
            running: BTreeMap::new(),
            attempts: BTreeMap::new(),
            calls: HashMap::new(),
            tokens: HashMap::new(),
            next_token: 0,
            ids,
            started: now,
            summary: Summary::default(),
            ended: false,
            outputs: VecDeque::new(),
            tests,
        };
        for (index, test) in core.tests.iter().enumerate() {
            core.hosts[test.host].queue.push_back(index);
        }
        let names = core.hosts.iter().map(|host| host.about.name.clone()).collect();
        let started = RunEvent::Started { tests: core.tests.len(), hosts: names, picked: Picked::default(), at: now };
        core.outputs.push_back(RunOutput::Report(started));
        core.settle(now);
        core
    }

    /// Takes what a host told.
    pub fn handle_host(&mut self, now: Time, host: usize, event: HostEvent) {
        match event {
            HostEvent::Up(facts) => {
                let name = self.hosts[host].about.name.clone();
                let about = about(&self.hosts[host].about, &facts);
                let up = RunEvent::HostUp { host: name, version: facts.version.clone(), about, at: now };
                self.outputs.push_back(RunOutput::Report(up));
                self.hosts[host].state = HostState::Up(facts);
                let events: Vec<String> = self.tests.iter().flat_map(|test| test.scenario.events()).collect();
                for event in events {
                    self.outputs.push_back(RunOutput::Request { host, request: Request::Subscribe(event) });
                }
            }
            HostEvent::Changed { change, event, lag } => {
                if let Some(test) = self.calls.get(change.call.as_str()) {
                    if let Some(running) = self.running.get_mut(test) {
                        running.lag = running.lag.max(lag);
                    }
                    self.drive(now, *test, |machine| machine.handle_change(now, &change, &event));
                }
            }
            HostEvent::Event(_) => {}
            HostEvent::Replied { token, reply } => {
                if let Some((test, number)) = self.tokens.remove(&token) {
                    self.drive(now, test, |machine| machine.handle_reply(now, number, &reply));
                }
            }
            HostEvent::JobEnded(job) => {
                let test = job.session.as_ref().and_then(|session| self.calls.get(session.as_str()));
                if let Some(test) = test {
                    self.drive(now, *test, |machine| machine.handle_job(now, &job));
                }
            }
            HostEvent::Lost(lost) => {
                let reason = lost.to_string();
                let name = self.hosts[host].about.name.clone();
                let event = RunEvent::HostLost { host: name, reason: reason.clone(), at: now };
                self.outputs.push_back(RunOutput::Report(event));
                let over = lost.is_over();
                self.hosts[host].state = if over { HostState::Gone(reason.clone()) } else { HostState::Away };
                let its: Vec<usize> =
                    self.running.keys().copied().filter(|&test| self.tests[test].host == host).collect();
                for test in its {
                    self.drive(now, test, |machine| machine.handle_host_lost(now, &reason));
                }
            }
        }
        self.settle(now);
    }

    /// Takes the recordings that were asked for by [`RunOutput::Read`].
    pub fn handle_recordings(&mut self, test: usize, recordings: Recordings) {
        self.listen(test, recordings);
    }

    /// Takes the passing of time.
    pub fn handle_timeout(&mut self, now: Time) {
        let due = |running: &Running| running.machine.poll_timeout().is_some_and(|at| at <= now);
        let due: Vec<usize> = self.running.iter().filter(|(_, running)| due(running)).map(|(&test, _)| test).collect();
        for test in due {
            self.drive(now, test, |machine| machine.handle_timeout(now));
        }
        self.settle(now);
    }

    /// Begins no more tests and hangs up the calls of those that run.
    pub fn interrupt(&mut self, now: Time) {
        self.summary.interrupted = true;
        for host in &mut self.hosts {
            host.queue.clear();
        }
        let running: Vec<usize> = self.running.keys().copied().collect();
        for test in running {
            self.drive(now, test, |machine| machine.interrupt(now));
        }
        self.settle(now);
    }

    /// When [`RunCore::handle_timeout`] is due, if nothing else comes.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.running.values().filter_map(|running| running.machine.poll_timeout()).min()
    }

    pub fn poll_output(&mut self) -> Option<RunOutput> {
        self.outputs.pop_front()
    }

    /// The counts, once the run is over.
    pub fn ended(&self) -> Option<Summary> {
        self.ended.then_some(self.summary)
    }

    /// Begins what can begin, and ends the run when nothing is left.
    fn settle(&mut self, now: Time) {
        for host in 0..self.hosts.len() {
            loop {
                let slot = &mut self.hosts[host];
                match &slot.state {
                    HostState::Up(facts) if slot.running < slot.about.slots => {
                        let facts = Arc::clone(facts);
                        let Some(test) = slot.queue.pop_front() else { break };
                        match unfit(&self.tests[test].scenario, &facts) {
                            Some(check) => self.not_run(now, test, check),
                            None => self.begin(now, test, &facts),
                        }
                    }
                    HostState::Gone(reason) => {
                        let reason = reason.clone();
                        let Some(test) = slot.queue.pop_front() else { break };
                        let check = skipped(&self.tests[test].scenario).unwrap_or_else(|| CheckReport {
                            name: "host".to_owned(),
                            place: None,
                            verdict: Verdict::Error,
                            expected: "a host to run on".to_owned(),
                            actual: reason,
                            help: String::new(),
                            passages: Vec::new(),
                        });
                        self.not_run(now, test, check);
                    }
                    _ => break,
                }
            }
        }
        let idle = self.running.is_empty() && self.hosts.iter().all(|host| host.queue.is_empty());
        if idle && !self.ended {
            self.ended = true;
            self.summary.duration = now.since(self.started);
            let ended = RunEvent::Ended { summary: self.summary, at: now };
            self.outputs.push_back(RunOutput::Report(ended));
        }
    }

    fn begin(&mut self, now: Time, index: usize, facts: &HostFacts) {
        let test = &self.tests[index];
        let host = &mut self.hosts[test.host];
        host.running += 1;
        if !self.attempts.contains_key(&index) {
            let started = RunEvent::TestStarted { test: test.id.clone(), host: host.about.name.clone(), at: now };
            self.outputs.push_back(RunOutput::Report(started));
        }
        let recordings = host.about.recordings.clone().or_else(|| facts.recordings.as_ref().map(PathBuf::from));
        let ids = Ids::seeded(self.ids.long());
        let setting = Setting { recordings: recordings.clone().unwrap_or_default() };
        let machine = Machine::new(Arc::clone(&test.scenario), setting, ids);
        self.calls.insert(machine.call().as_str().to_owned(), index);
        let records = test.scenario.records();
        let running = Running { machine, started: now, lag: Duration::ZERO, reading: false, kept: Vec::new() };
        self.running.insert(index, running);
        self.drive(now, index, |machine| match recordings {
            None if records => machine.handle_refused(
                now,
                "the host does not tell where it puts recordings",
                "set `recordings_dir` in the switch's vars.xml",
            ),
            _ => machine.start(now),
        });
    }

    /// Lets a machine take something in, and carries out what it wants then.
    fn drive(&mut self, now: Time, index: usize, input: impl FnOnce(&mut Machine)) {
        let Some(running) = self.running.get_mut(&index) else { return };
        input(&mut running.machine);
        let host = self.tests[index].host;
        while let Some(action) = running.machine.poll_action() {
            let request = match action {
                Action::Command { number, command } => {
                    let token = Token(self.next_token);
                    self.next_token += 1;
                    self.tokens.insert(token, (index, number));
                    Request::Command { token, command }
                }
                Action::Originate(dial) => match self.hosts[host]
                    .state
                    .facts()
                    .and_then(|facts| originate(*dial, facts, &self.tests[index].id))
                {
                    Ok(originate) => Request::Originate(Box::new(originate)),
                    Err((why, help)) => {
                        running.machine.handle_refused(now, &why, &help);
                        continue;
                    }
                },
            };
            self.outputs.push_back(RunOutput::Request { host, request });
        }
        if running.machine.is_done() && !running.reading {
            running.reading = true;
            let paths: Vec<PathBuf> = running.machine.recordings().map(|(_, recorded)| recorded.path.clone()).collect();
            if paths.is_empty() {
                self.listen(index, Recordings::new());
            } else {
                self.outputs.push_back(RunOutput::Read { test: index, paths, since: running.started });
            }
        }
    }

    /// The call is over and its recordings are there: somebody has to listen to them.
    fn listen(&mut self, index: usize, recordings: Recordings) {
        let Some(running) = self.running.get_mut(&index) else { return };
        running.kept = recordings.values().map(|read| read.kept.clone()).collect();
        let read = recordings.into_iter().map(|(path, read)| (path, read.wav)).collect();
        let outcome = Box::new(running.machine.outcome(read));
        self.outputs.push_back(RunOutput::Judge { test: index, outcome });
    }

    /// Takes what came of [`RunOutput::Judge`].
    pub fn handle_judgement(&mut self, now: Time, test: usize, judgement: Judgement) {
        self.finish(now, test, judgement);
        self.settle(now);
    }

    fn finish(&mut self, now: Time, index: usize, judgement: Judgement) {
        let Some(Running { machine, started, lag, kept: paths, .. }) = self.running.remove(&index) else { return };
        let test = &self.tests[index];
        let host = &mut self.hosts[test.host];
        host.running -= 1;
        self.calls.remove(machine.call().as_str());
        self.tokens.retain(|_, (of, _)| *of != index);
        let legs = machine.traces();
        let passed = judgement.verdict == Verdict::Passed;
        let checks = kept_at(judgement.checks, &paths);
        if passed && !paths.is_empty() {
            self.outputs.push_back(RunOutput::Discard(paths.clone()));
        }
        let mut properties = judgement.properties;
        properties.push(("event_lag_max_ms".to_owned(), format!("{:.3}", lag.as_secs_f64() * 1e3)));
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
        let again = !passed && test.scenario.xfail.is_none() && tried < test.scenario.retries as usize;
        let facts = match &host.state {
            HostState::Up(facts) if again && !self.summary.interrupted => Some(Arc::clone(facts)),
            _ => None,
        };
        match facts {
            Some(facts) => {
                self.attempts.entry(index).or_default().push(attempt);
                self.begin(now, index, &facts);
            }
            None => self.conclude(index, attempt),
        }
    }

    /// Tells what became of a test by its last attempt.
    fn conclude(&mut self, index: usize, last: Attempt) {
        let test = &self.tests[index];
        let earlier = self.attempts.remove(&index).unwrap_or_default();
        let Attempt { mut verdict, started, duration, mut checks, legs, properties, recordings } = last;
        let mut mark = (verdict == Verdict::Passed && !earlier.is_empty()).then_some(Mark::Flaky);
        if let Some(reason) = &test.scenario.xfail {
            match verdict {
                Verdict::Failed => {
                    verdict = Verdict::Passed;
                    mark = Some(Mark::ExpectedFailure(reason.value.clone()));
                }
                Verdict::Passed => {
                    verdict = Verdict::Failed;
                    mark = Some(Mark::UnexpectedPass(reason.value.clone()));
                    checks.push(CheckReport {
                        name: "xfail".to_owned(),
                        place: Some(reason.place.clone()),
                        verdict: Verdict::Failed,
                        expected: format!("a failure: {}", reason.value),
                        actual: "it passed".to_owned(),
                        help: "what was wrong seems to be right now: take `xfail` out".to_owned(),
                        passages: Vec::new(),
                    });
                }
                // That nothing could be found out is no failure that was expected.
                Verdict::Skipped | Verdict::Error => {}
            }
        }
        self.report(TestReport {
            test: test.id.clone(),
            line: Some(test.scenario.place.line),
            host: self.hosts[test.host].about.name.clone(),
            tags: test.scenario.tags.clone(),
            verdict,
            mark,
            earlier,
            started,
            duration,
            checks,
            legs,
            properties,
            recordings,
            rerun: test.rerun.clone(),
        });
    }

    /// The test is skipped, or its host never came up or went away for good before its turn.
    fn not_run(&mut self, now: Time, index: usize, check: CheckReport) {
        let attempt = Attempt {
            verdict: check.verdict,
            started: now,
            duration: Duration::ZERO,
            checks: vec![check],
            legs: Vec::new(),
            properties: Vec::new(),
            recordings: Vec::new(),
        };
        self.conclude(index, attempt);
    }

    fn report(&mut self, report: TestReport) {
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
        self.outputs.push_back(RunOutput::Report(RunEvent::TestEnded(Box::new(report))));
    }
}

/// That a scenario says itself that it is not to be run.
fn skipped(scenario: &Scenario) -> Option<CheckReport> {
    let reason = scenario.skip.as_ref()?;
    Some(CheckReport {
        name: "skip".to_owned(),
        place: Some(reason.place.clone()),
        verdict: Verdict::Skipped,
        expected: String::new(),
        actual: reason.value.clone(),
        help: String::new(),
        passages: Vec::new(),
    })
}

/// Why a scenario is not run on a host: it says so itself, or needs what the host has not.
fn unfit(scenario: &Scenario, facts: &HostFacts) -> Option<CheckReport> {
    let said = skipped(scenario).or_else(|| lacking(scenario, facts));
    said.or_else(|| {
        let (verdict, actual) = match unmet(&scenario.requires, facts)? {
            Unmet::No(reason) => (Verdict::Skipped, reason),
            Unmet::Unknown(reason) => (Verdict::Error, reason),
        };
        let place = Some(scenario.requires.place.clone());
        Some(CheckReport {
            name: "requires".to_owned(),
            place,
            verdict,
            expected: String::new(),
            actual,
            help: String::new(),
            passages: Vec::new(),
        })
    })
}

/// A step for which the host has no module: nobody could find out what it is to find out.
fn lacking(scenario: &Scenario, facts: &HostFacts) -> Option<CheckReport> {
    let (step, module) = scenario.modules().find(|(_, module)| facts.modules.get(module.name) == Some(&false))?;
    Some(CheckReport {
        name: step.describe(),
        place: Some(step.place.clone()),
        verdict: Verdict::Error,
        expected: format!("{} on the host", module.application),
        actual: format!("the host does not have {}, of which {} is", module.name, module.application),
        help: format!("load {}, or {}", module.name, module.instead),
        passages: Vec::new(),
    })
}

/// A call in the host's words; or why it cannot be made there, and what would help.
pub(super) fn originate(dial: Dial, facts: &HostFacts, test: &TestId) -> Result<Originate, (String, String)> {
    let Dial { session, call, ignore_early_media } = dial;
    let target = target(&call, facts)?;
    Ok(Originate {
        session,
        target,
        timeout: call.timeout,
        caller_id_name: call.caller_id.name.unwrap_or_else(|| "callwright".to_owned()),
        caller_id_number: call.caller_id.number.unwrap_or_else(|| "1112223333".to_owned()),
        codecs: call.codec,
        ignore_early_media,
        app: test.name.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect(),
        headers: call.headers,
        variables: call.vars,
    })
}

fn target(call: &CallSpec, facts: &HostFacts) -> Result<Target, (String, String)> {
    let to = call.to.trim_start_matches("sip:");
    if let Some(gateway) = &call.gateway {
        return Ok(Target::Gateway { gateway: gateway.clone(), user: to.to_owned() });
    }
    let profile = call.profile.clone();
    let proxy = call.proxy.clone();
    if to.contains('@') {
        return Ok(Target::Profile { profile, url: to.to_owned(), proxy });
    }
    match facts.profiles.get(&profile) {
        Some(Some(address)) => Ok(Target::Profile { profile, url: format!("{to}@{address}"), proxy }),
        Some(None) | None => {
            let there: Vec<_> =
                facts.profiles.iter().filter(|(_, address)| address.is_some()).map(|(name, _)| name.as_str()).collect();
            let there = if there.is_empty() { String::new() } else { format!("; it has {}", there.join(", ")) };
            let why = format!("the host has no SIP profile {profile:?}{there}");
            Err((why, "conf/ has a profile `external`; `call: { profile: NAME }` names another".to_owned()))
        }
    }
}

/// What a person wants to know of a host.
fn about(host: &RunHost, facts: &HostFacts) -> Vec<(String, String)> {
    let mut about = vec![("slots".to_owned(), host.slots.to_string())];
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
fn kept_at(mut checks: Vec<CheckReport>, kept: &[PathBuf]) -> Vec<CheckReport> {
    for passage in checks.iter_mut().flat_map(|check| &mut check.passages) {
        if let Some(path) = kept.iter().find(|path| path.file_name() == passage.recording.file_name()) {
            passage.recording.clone_from(path);
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::call::Job;
    use crate::host::Lost;
    use crate::scenario::load;

    /// A run on one host whose calls all fail.
    struct Bench {
        core: RunCore,
        now: Time,
        reports: Vec<TestReport>,
    }

    impl Bench {
        fn new(text: &str) -> Self {
            let loaded = load(Path::new("case.yaml"), text);
            assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
            let test = |scenario: Scenario| Test {
                id: TestId { file: "case.yaml".into(), name: scenario.name.clone() },
                scenario: Arc::new(scenario),
                host: 0,
                rerun: String::new(),
            };
            let host = RunHost { name: "h".to_owned(), slots: 1, recordings: None };
            let tests = loaded.scenarios.into_iter().map(test).collect();
            let core = RunCore::new(Time::default(), vec![host], tests, Ids::seeded(1));
            Bench { core, now: Time::default(), reports: Vec::new() }
        }

        fn up(&mut self, modules: &[(&str, bool)], version: &str) {
            let modules = modules.iter().map(|(name, there)| ((*name).to_owned(), *there)).collect();
            let profiles = [("external".to_owned(), Some("127.0.0.1:5080".to_owned()))].into();
            let facts = HostFacts { version: version.to_owned(), modules, profiles, ..HostFacts::default() };
            self.core.handle_host(self.now, 0, HostEvent::Up(Arc::new(facts)));
        }

        /// Lets each call fail with the next of `causes`; gives how many were made.
        fn run(&mut self, causes: &[&str]) -> usize {
            let mut calls = 0;
            for _ in 0..10_000 {
                while let Some(output) = self.core.poll_output() {
                    match output {
                        RunOutput::Request { request: Request::Originate(originate), .. } => {
                            let Some(cause) = causes.get(calls) else { continue };
                            let result = format!("-ERR {cause}\n");
                            calls += 1;
                            let mut jobs = crate::call::Jobs::default();
                            jobs.launch("j".into(), Some(originate.session.clone()), self.now);
                            let job: Job = jobs.finish("j", &result, self.now).unwrap();
                            self.core.handle_host(self.now, 0, HostEvent::JobEnded(job));
                        }
                        RunOutput::Judge { test, outcome } => {
                            self.core.handle_judgement(self.now, test, outcome.judge());
                        }
                        RunOutput::Report(RunEvent::TestEnded(report)) => self.reports.push(*report),
                        _ => {}
                    }
                }
                if self.core.ended().is_some() {
                    break;
                }
                self.now = self.core.poll_timeout().unwrap_or(self.now).max(self.now);
                self.core.handle_timeout(self.now);
            }
            calls
        }

        fn summary(&self) -> Summary {
            Summary { duration: std::time::Duration::ZERO, ..self.core.ended().expect("the run ends") }
        }
    }

    const BUSY: &str = "name: x\ncaller: []\nexpect: { hangup_cause: USER_BUSY, answered: false }\n";

    #[test]
    fn a_test_that_passes_only_when_it_is_tried_again_is_flaky_and_keeps_its_attempts() {
        let mut bench = Bench::new(&format!("{BUSY}retries: 3\n"));
        bench.up(&[], "1.10.12");
        assert_eq!(bench.run(&["NO_ANSWER", "CALL_REJECTED", "USER_BUSY"]), 3);
        let report = &bench.reports[0];
        assert_eq!((report.verdict, &report.mark), (Verdict::Passed, &Some(Mark::Flaky)), "{:?}", report.checks);
        let told: Vec<_> = report.earlier.iter().map(|attempt| attempt.checks[0].actual.clone()).collect();
        assert!(told[0].contains("NO_ANSWER") && told[1].contains("CALL_REJECTED"), "{told:?}");
        assert_eq!(bench.summary(), Summary { passed: 1, flaky: 1, ..Summary::default() });
    }

    #[test]
    fn a_test_that_never_passes_is_tried_as_often_as_it_may_be() {
        let mut bench = Bench::new(&format!("{BUSY}retries: 2\n"));
        bench.up(&[], "1.10.12");
        assert_eq!(bench.run(&["NO_ANSWER"; 3]), 3);
        assert_eq!((bench.reports[0].verdict, bench.reports[0].earlier.len()), (Verdict::Failed, 2));
        assert_eq!(bench.reports[0].mark, None);
        assert_eq!(bench.summary(), Summary { failed: 1, ..Summary::default() });
    }

    #[test]
    fn an_expected_failure_is_green_and_not_tried_again_and_an_unexpected_pass_is_red() {
        let text = format!("{BUSY}xfail: the proxy is wrong\nretries: 3\n");
        let mut bench = Bench::new(&text);
        bench.up(&[], "1.10.12");
        assert_eq!(bench.run(&["NO_ANSWER"]), 1);
        assert_eq!(bench.reports[0].mark, Some(Mark::ExpectedFailure("the proxy is wrong".to_owned())));
        assert_eq!(bench.summary(), Summary { expected_failures: 1, ..Summary::default() });
        let mut bench = Bench::new(&text);
        bench.up(&[], "1.10.12");
        bench.run(&["USER_BUSY"]);
        assert_eq!(bench.reports[0].checks.last().unwrap().name, "xfail", "{:?}", bench.reports[0].checks);
        assert_eq!(bench.summary(), Summary { failed: 1, ..Summary::default() });
    }

    #[test]
    fn a_lost_host_is_no_expected_failure_and_is_not_tried_again() {
        let mut bench = Bench::new(&format!("{BUSY}xfail: x\n---\n{}retries: 3\n", BUSY.replace("name: x", "name: y")));
        bench.up(&[], "1.10.12");
        let lost = Lost::Unreachable { address: "h".to_owned(), error: "gone".to_owned() };
        bench.core.handle_host(bench.now, 0, HostEvent::Lost(lost));
        bench.run(&[]);
        assert_eq!(bench.summary(), Summary { errors: 2, ..Summary::default() });
    }

    #[test]
    fn what_a_host_has_not_skips_a_test_and_what_cannot_be_told_is_an_error() {
        let requires = |requires: &str| {
            let mut bench = Bench::new(&format!("{BUSY}requires: {requires}\n"));
            bench.up(&[("mod_callwright", false), ("mod_bert", true), ("mod_av", false)], "1.10.12-release");
            bench.run(&["USER_BUSY"]);
            (bench.reports[0].verdict, bench.reports[0].checks[0].actual.clone())
        };
        for met in ["{ host: freeswitch }", "{ module: mod_bert, version: '>= 1.10' }"] {
            assert_eq!(requires(met).0, Verdict::Passed, "{met}");
        }
        let skipped = |text: &str| (Verdict::Skipped, text.to_owned());
        assert_eq!(requires("{ host: embedded }"), skipped("needs the embedded switch, and this host is a FreeSWITCH"));
        assert_eq!(requires("{ module: [mod_bert, mod_av] }"), skipped("needs mod_av, which this host does not have"));
        assert_eq!(
            requires("{ version: '< 1.10' }"),
            skipped("needs version < 1.10, and this host is 1.10.12-release")
        );
        let mut bench = Bench::new(&format!("{BUSY}requires: {{ version: '>= 1' }}\n"));
        bench.up(&[], "-ERR");
        bench.run(&["USER_BUSY"]);
        assert_eq!(bench.reports[0].verdict, Verdict::Error);
    }

    #[test]
    fn a_step_that_the_host_has_no_module_for_is_an_error_that_says_what_to_do_instead() {
        let steps = [
            ("expect_dtmf: { digits: \"1\", mode: inband }", "mod_spandsp"),
            ("expect_tone: { frequency: 1004Hz }", "mod_dptools"),
        ];
        for (step, module) in steps {
            let verdict = |modules: &[(&str, bool)]| {
                let mut bench = Bench::new(&format!("name: x\ncallee:\n  - answer\n  - {step}\n"));
                bench.up(modules, "1.10.12");
                bench.run(&["USER_BUSY"]);
                (bench.reports[0].verdict, bench.reports[0].checks[0].clone())
            };
            let (found, check) = verdict(&[(module, false)]);
            assert_eq!(found, Verdict::Error);
            assert!(check.actual.contains(module) && check.help.contains("record the leg"), "{check:?}");
            assert_eq!(check.place.map(|place| place.line), Some(4));
            // There, or a host that may not be asked: it is tried.
            assert_eq!(verdict(&[(module, true)]).0, Verdict::Failed);
            assert_eq!(verdict(&[]).0, Verdict::Failed);
        }
    }

    #[test]
    fn an_interrupt_ends_the_retries() {
        let mut bench = Bench::new(&format!("{BUSY}retries: 3\n"));
        bench.up(&[], "1.10.12");
        bench.core.interrupt(bench.now);
        bench.run(&["NO_ANSWER"]);
        assert_eq!(bench.reports.len(), 1);
        assert!(bench.summary().interrupted);
    }
}
