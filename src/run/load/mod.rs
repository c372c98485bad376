//! A load under way: calls launched as its pace says, followed to their ends, counted and judged.
//!
//! [`LoadRun`] is driven by the run's core, whose calls and hosts it borrows for each input ([`Around`]).

mod call;
mod care;
mod examples;
mod judge;
mod offering;
mod redaction;
mod search;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use examples::Example;
pub(crate) use examples::Examples;
pub use judge::{LoadOutcome, Wrong};
pub(super) use redaction::redact_snapshot;
pub use search::{SearchReport, SearchStep};

use super::calls::{Calls, Site};
use super::core::{HostSlot, Key, Recordings, RunOutput, dialled, kept_at, recording_folders};
use super::{Attempt, Conduct, RunEvent, TestId};
use crate::call::{Change, ChangeKind};
use crate::esl::{Event, LogLevel, Reply};
use crate::host::{HostStats, LocalLoad, Settings, Token};
use crate::id::Ids;
use crate::load::{Draw, Mix, Originator, Profile, Step, auto_duration};
use crate::metrics::{self, Gate};
use crate::scenario::{HostSettings, Judgement, Listening, LoadSpec, Machine, Outcome, Pace, Scenario, Setting};
use crate::units::{Cps, Time};
use crate::verdict::Verdict;
pub(crate) use call::{Launched, Legs, Named, decisive};
pub(crate) use offering::{Aborts, Offering};

use care::Care;
use search::{Next, Search};

/// What a load works with, which is the run's.
pub(super) struct Around<'a> {
    pub calls: &'a mut Calls<Key>,
    pub hosts: &'a mut [HostSlot],
    pub outputs: &'a mut VecDeque<RunOutput>,
    pub ids: &'a mut Ids,
    pub conduct: &'a Conduct,
}

/// A load under way.
#[derive(Debug)]
pub(super) struct LoadRun {
    id: TestId,
    scenario: Arc<Scenario>,
    phase: Phase,
    /// When its first call is due; `None`: once its hosts are ready.
    begins: Option<Time>,
    offering: Offering,
    care: Care,
    /// Calls at once of each host.
    host_limit: Option<u32>,
    /// Of `fields`.
    draw: Option<Draw>,
    calls: HashMap<u64, Launched>,
    examples: Examples,
    /// Talk time of calls that go by limit and rate, once those were changed.
    talk_time: Option<Duration>,
    /// When a call of each entry was last recorded.
    recorded: Vec<Option<Time>>,
    search: Option<Search>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its hosts are made ready.
    Preparing,
    /// Calls are offered, or are up.
    Running,
    /// Its hosts are put back to what they were.
    Restoring,
    Over,
}

/// Why a load was ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CutShort {
    /// A gate did not hold for longer than it may.
    Gate(String),
    Interrupted,
    /// By whoever watches it.
    Asked,
    /// No host is left.
    NoHost(String),
}

/// A change of a load that is under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    SetRate(Cps),
    /// Calls at once; `None`: any number.
    SetLimit(Option<u32>),
    SetMaxOffered(Option<u64>),
    /// How long calls are offered in all.
    SetDuration(Option<Duration>),
    Pause,
    Resume,
    /// Offers no more; calls that are up come to their end.
    Stop,
    /// Offers no more, and hangs up the calls of the load.
    HangUp,
    /// Hangs up every call on its hosts, whoever made it.
    HangUpHosts,
}

/// What whoever watches a run wants of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Of the load that is under way.
    Control(Control),
    /// As Ctrl-C.
    Interrupt,
}

impl LoadRun {
    /// The load of `scenario`, which is [`Stage::Load`](crate::scenario::Stage::Load), on `hosts`. It begins now, or when
    /// the run is told to; of a time that is past all calls are due at once, and late.
    pub fn new(
        now: Time,
        id: TestId,
        scenario: Arc<Scenario>,
        hosts: &[usize],
        seed: u64,
        conduct: &Conduct,
    ) -> LoadRun {
        let spec = spec(&scenario);
        let slice = conduct.slice;
        let host_limit = spec.host_limit.map(|limit| u32::try_from(slice.share(u64::from(limit))).unwrap_or(limit));
        let gates: Vec<Gate> = scenario.gates.iter().map(|gate| gate.value.clone()).collect();
        let (profile, search) = match &spec.pace {
            Pace::Profile(profile) => (profile.clone(), None),
            Pace::Find(find) => (Profile::constant(find.start), Some(Search::new(*find, gates.clone(), now))),
        };
        let mut originator = Originator::new(profile, Mix::new(spec.weights()), spec.limits()).sliced(slice);
        for host in hosts {
            originator.host_up(*host, host_limit);
        }
        let HostSettings { sps, max_sessions, loglevel } = spec.host;
        let log_level = loglevel.and_then(LogLevel::parse);
        LoadRun {
            phase: Phase::Preparing,
            begins: conduct.start_at,
            care: Care::new(Settings { sps, max_sessions, log_level }, hosts),
            draw: spec.fields.as_ref().map(|fields| Draw::new(fields.order, seed).sliced(slice)),
            host_limit,
            offering: Offering::new(now, originator, gates),
            calls: HashMap::new(),
            examples: Examples::default(),
            talk_time: None,
            recorded: vec![None; spec.mix.len()],
            search,
            id,
            scenario,
        }
    }

    /// Whether no call is up and none will be offered.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Begins.
    pub fn start(&mut self, now: Time, around: &mut Around<'_>) {
        self.care.begin(now, around);
        self.advance(now, around);
    }

    /// Does what is due by now.
    pub fn advance(&mut self, now: Time, around: &mut Around<'_>) {
        if self.phase == Phase::Preparing && self.care.is_ready(now) {
            self.phase = Phase::Running;
            let begins = self.begins.unwrap_or(now);
            self.offering.start(now, begins);
            self.search = self.search.take().map(|search| search.restarted(begins));
        }
        if self.phase == Phase::Running {
            self.run(now, around);
        }
        if self.phase == Phase::Restoring && self.care.is_restored(now) {
            self.phase = Phase::Over;
        }
    }

    fn run(&mut self, now: Time, around: &mut Around<'_>) {
        self.care.look(now, around);
        while let Some(step) = self.offering.poll(now) {
            match step {
                Step::Offer { index, due, entry, host } => {
                    self.launch(now, Offered { index, due, entry, host }, around)
                }
                // It is in the book.
                Step::Skip { .. } => {}
                Step::HangUp => self.hang_up_calls(now, around),
                Step::Stopped => self.restore(now, around),
            }
        }
        self.advance_search(now);
        // A search breaks its gates on purpose.
        let aborts = if self.search.is_some() { Aborts::Never } else { Aborts::Allowed };
        if self.offering.advance(now, aborts) {
            self.tell(now, around);
        }
    }

    fn restore(&mut self, now: Time, around: &mut Around<'_>) {
        self.phase = Phase::Restoring;
        self.care.restore(now, around);
    }

    fn advance_search(&mut self, now: Time) {
        match self.search.as_mut().and_then(|search| search.advance(now)) {
            Some(Next::Rate(rate)) => self.offering.originator.set_rate(now, rate),
            Some(Next::Over) => self.offering.originator.stop(now),
            None => {}
        }
    }

    /// When [`LoadRun::advance`] is due, if nothing else comes.
    pub fn poll_timeout(&self) -> Option<Time> {
        let running = || {
            let search = self.search.as_ref().and_then(Search::poll_timeout);
            // Hosts are asked how they fare as long as calls may be up, and no longer.
            search.into_iter().chain(self.care.next_look()).chain([self.offering.poll_timeout()]).min()
        };
        let own = if self.phase == Phase::Running { running() } else { None };
        own.into_iter().chain(self.care.poll_timeout()).min()
    }

    /// Takes an input for the machine of call `index`.
    pub fn drive(&mut self, now: Time, index: u64, around: &mut Around<'_>, input: impl FnOnce(&mut Machine)) {
        let Some(launched) = self.calls.get_mut(&index) else { return };
        let entry = &spec(&self.scenario).mix[launched.entry].name;
        let hosts = &*around.hosts;
        let dial = |dial, site: Site| dialled(hosts, dial, site, entry);
        let over = around.calls.drive(now, Key::Load(index), dial, input);
        while let Some((host, request)) = around.calls.poll_request() {
            around.outputs.push_back(RunOutput::Request { host, request });
        }
        if !over || launched.reading {
            return;
        }
        launched.reading = true;
        let Some(call) = around.calls.call(Key::Load(index)) else { return };
        let paths = call.recorded();
        if paths.is_empty() {
            // Nothing to listen to, so it is judged at once.
            if let Some(outcome) = self.outcome(index, Recordings::new(), around) {
                self.finish(now, index, outcome.judge(), around);
            }
        } else {
            let since = launched.at;
            around.outputs.push_back(RunOutput::Read { of: Key::Load(index), paths, since });
        }
    }

    /// Takes note of a change of one of its calls, before its machine is told.
    pub fn note_change(&mut self, now: Time, index: u64, host: &str, change: &Change, event: &Event, lag: Duration) {
        let Some(launched) = self.calls.get_mut(&index) else { return };
        match change.kind {
            ChangeKind::Created => self.offering.session_came(launched),
            ChangeKind::Destroyed(_) => self.offering.session_went(launched),
            _ => {}
        }
        if change.session.as_str() == change.call.as_str() {
            launched.note_caller(now, event);
        }
        self.offering.book.lag(host, lag);
    }

    /// Takes note of the end of an originate, before its machine is told.
    pub fn note_job(&mut self, now: Time, index: u64) {
        if let Some(launched) = self.calls.get_mut(&index) {
            launched.job_ended = Some(now);
        }
    }

    /// A host, or the one that is called from it, is up again or for the first time.
    pub fn host_up(&mut self, host: usize) {
        self.offering.originator.host_up(host, self.host_limit);
    }

    /// A host is lost; its calls are told by themselves. `left`: whether any other host is there.
    pub fn host_lost(&mut self, now: Time, host: usize, reason: &str, left: bool) {
        self.care.host_lost(host);
        self.offering.host_lost(now, host, reason, left);
    }

    /// Whether it goes on until it is stopped, and nobody has done so.
    pub fn waits_to_be_stopped(&self) -> bool {
        spec(&self.scenario).is_endless() && self.offering.cut_short.is_none()
    }

    /// Hangs up everything and offers no more.
    pub fn interrupt(&mut self, now: Time, around: &mut Around<'_>) {
        self.offering.cut_short.get_or_insert(CutShort::Interrupted);
        self.end(now, around);
    }

    /// Hangs up everything, or does not begin at all.
    fn end(&mut self, now: Time, around: &mut Around<'_>) {
        match self.phase {
            Phase::Preparing => self.restore(now, around),
            Phase::Running => self.offering.originator.hang_up(now),
            Phase::Restoring | Phase::Over => {}
        }
    }

    /// Takes the reply to a command that is no call's.
    pub fn handle_reply(&mut self, now: Time, token: Token, reply: &Reply, around: &mut Around<'_>) {
        let Some((host, stats)) = self.care.handle_reply(now, token, reply, around) else { return };
        let HostStats { idle_cpu, sessions, sps, .. } = stats;
        let stats = metrics::HostStats {
            idle_cpu_percent: Some(idle_cpu.0),
            sessions: Some(sessions),
            sps: Some(sps),
            ..metrics::HostStats::default()
        };
        self.offering.book.host_stats(now, &around.hosts[host].about.name, stats);
    }

    /// Has the calls from now on talk for as long as limit and rate, which were changed, have it.
    fn retime(&mut self, now: Time) {
        let (limit, rate) = (self.offering.originator.limits().calls, self.offering.originator.rate(now));
        self.talk_time = limit.filter(|_| rate.0 > 0.0).map(|limit| auto_duration(limit, rate));
    }

    /// Takes how the machine that we run on fares.
    pub fn note_local(&mut self, now: Time, load: &LocalLoad) {
        // What its process takes is told of one processor, as `top` does.
        let stats = metrics::HostStats {
            idle_cpu_percent: Some(load.idle_cpu.0),
            cpu_percent: Some(load.own_cpu.0 * load.processors as f64),
            memory_bytes: Some(load.own_memory),
            ..metrics::HostStats::default()
        };
        if self.phase == Phase::Running {
            self.offering.book.own_stats(now, stats);
        }
    }

    pub fn control(&mut self, now: Time, control: Control, around: &mut Around<'_>) {
        match control {
            Control::SetRate(rate) => {
                self.offering.originator.set_rate(now, rate);
                self.retime(now);
            }
            Control::SetLimit(limit) => {
                self.offering.originator.set_limit(limit);
                self.retime(now);
            }
            Control::SetMaxOffered(calls) => self.offering.originator.set_max_offered(calls),
            Control::SetDuration(duration) => self.offering.originator.set_duration(duration),
            Control::Pause => self.offering.originator.pause(now),
            Control::Resume => self.offering.originator.resume(now),
            Control::Stop | Control::HangUp | Control::HangUpHosts => {
                self.offering.cut_short.get_or_insert(CutShort::Asked);
                match self.phase {
                    Phase::Running if control == Control::Stop => self.offering.originator.stop(now),
                    _ => self.end(now, around),
                }
            }
        }
    }

    /// What the load came to, once it is over: as an attempt of its test, and in full.
    pub fn conclude(self, now: Time, names: &[String]) -> (Attempt, LoadOutcome) {
        let outcome = LoadOutcome {
            report: self.offering.book.report(),
            wrong: self.offering.wrong,
            examples: self.examples.into_kept(),
            search: self.search.as_ref().map(Search::report),
        };
        let mut checks = outcome.checks(Some(&self.scenario));
        checks.extend(self.care.checks(&self.scenario.place, |host| names[host].clone()));
        let started = self.offering.started();
        checks.extend(self.offering.cut_short.and_then(|why| why.check(Some(self.scenario.place.clone()))));
        let attempt = Attempt {
            verdict: LoadOutcome::verdict(&checks),
            started,
            duration: now.since(started),
            checks,
            legs: Vec::new(),
            properties: outcome.properties(),
            recordings: outcome.examples.iter().flat_map(|example| example.recordings.clone()).collect(),
        };
        (attempt, outcome)
    }

    /// Takes the recordings of a call.
    pub fn listen(&mut self, index: u64, recordings: Recordings, around: &mut Around<'_>) {
        if let Some(outcome) = self.outcome(index, recordings, around) {
            around.outputs.push_back(RunOutput::Judge { of: Key::Load(index), outcome: Box::new(outcome) });
        }
    }

    /// What there is to judge of a call that is over.
    fn outcome(&mut self, index: u64, recordings: Recordings, around: &mut Around<'_>) -> Option<Outcome> {
        let call = around.calls.call_mut(Key::Load(index))?;
        let launched = self.calls.get_mut(&index)?;
        launched.kept = recordings.values().map(|read| read.kept.clone()).collect();
        let read = recordings.into_iter().map(|(path, read)| (path, read.wav)).collect();
        let outcome = call.machine.outcome(read);
        launched.legs = Legs::of(&outcome, launched.originated);
        Some(outcome)
    }

    /// Takes what a call was judged to be: it is over. What is due then is done by the next [`LoadRun::advance`], not
    /// here: a call that is refused at once would otherwise be within the launch of the one before it.
    pub fn finish(&mut self, now: Time, index: u64, mut judgement: Judgement, around: &mut Around<'_>) {
        let (Some(call), Some(launched)) = (around.calls.remove(Key::Load(index)), self.calls.remove(&index)) else {
            return;
        };
        for (host, session) in call.left() {
            around.hosts[host].left.push(session);
        }
        let (host, live, measured, kept) = (launched.host, launched.live, launched.measured, launched.kept.clone());
        if launched.cut_off {
            judgement.verdict = Verdict::Skipped;
        }
        let scenario = Arc::clone(&self.scenario);
        let entry = &spec(&scenario).mix[launched.entry].name;
        let callee = Some(call.site.callee).filter(|callee| *callee != host);
        let named = Named {
            call: call.machine.call().as_str(),
            index,
            app: entry,
            host: &around.hosts[host].about.name,
            callee_host: callee.map(|callee| around.hosts[callee].about.name.as_str()),
        };
        let cdr = launched.record(now, &named, &judgement, self.offering.failed());
        let check = decisive(&judgement).map(|check| check.name.clone());
        if let Some(check) = check.filter(|check| self.examples.wants(&cdr, check)) {
            let checks = kept_at(std::mem::take(&mut judgement.checks), &kept);
            let example = Example { cdr: cdr.clone(), checks, legs: call.machine.traces(), recordings: kept };
            self.examples.keep(&check, example);
        } else if !kept.is_empty() {
            around.outputs.push_back(RunOutput::Discard(kept));
        }
        self.offering.record(now, host, live, &cdr);
        if let Some(search) = self.search.as_mut().filter(|_| measured) {
            search.record(&cdr);
        }
        self.tell_active(now);
        let ended = RunEvent::CallEnded { test: self.id.clone(), cdr: Box::new(cdr) };
        around.outputs.push_back(RunOutput::Report(ended));
    }

    fn launch(&mut self, now: Time, offered: Offered, around: &mut Around<'_>) {
        let Offered { index, due, entry, host } = offered;
        let load = Arc::clone(&self.scenario);
        let spec = spec(&load);
        let name = around.hosts[host].about.name.clone();
        let Some(scenario) = spec.mix[entry].on(&name).cloned() else {
            // Every entry has a scenario for each host that it was loaded for.
            self.offering.originator.ended(host);
            return;
        };
        let site = Site { caller: host, callee: around.hosts[host].about.callee.unwrap_or(host) };
        let recordings = recording_folders(around.hosts, site);
        let setting = Setting {
            recordings: recordings.map(Option::unwrap_or_default),
            listening: self.listening(now, entry, &scenario),
            talk_time: self.talk_time.filter(|_| spec.mix[entry].auto),
            ..Setting::of_test(Default::default(), around.conduct.timeout)
        };
        let mut machine = Machine::new(Arc::clone(&scenario), setting, Ids::seeded(around.ids.long()));
        if let (Some(draw), Some(fields)) = (&mut self.draw, &spec.fields) {
            machine = machine.with_fields(draw.row(&fields.table));
        }
        around.calls.add(Key::Load(index), machine, site);
        let measured = self.search.as_mut().is_some_and(|search| search.measures(now));
        let launched = self.offering.launch(now, due, entry, &spec.mix[entry].name, host, &name);
        let launched = Launched { measured, ..launched };
        if let Some(search) = self.search.as_mut().filter(|_| measured) {
            search.offered(now, now.since(due), &spec.mix[entry].name, &name);
        }
        self.calls.insert(index, launched);
        self.tell_active(now);
        self.drive(now, index, around, |machine| machine.start(now));
    }

    /// Whether the call that begins now is recorded.
    fn listening(&mut self, now: Time, entry: usize, scenario: &Scenario) -> Listening {
        let last = &mut self.recorded[entry];
        if scenario.record.is_due(last.map(|last| now.since(last))) {
            *last = Some(now);
            return Listening::Recorded;
        }
        Listening::Left
    }

    fn tell_active(&mut self, now: Time) {
        let (calls, sessions) = self.offering.there();
        if let Some(search) = &mut self.search {
            search.active(now, calls, sessions);
        }
    }

    fn hang_up_calls(&mut self, now: Time, around: &mut Around<'_>) {
        let mut calls: Vec<u64> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        let asked = self.offering.cut_short == Some(CutShort::Asked);
        for index in calls {
            if let Some(launched) = self.calls.get_mut(&index) {
                launched.cut_off = asked && !launched.reading;
            }
            self.drive(now, index, around, |machine| machine.interrupt(now));
        }
    }

    /// Tells how it fares.
    pub fn tell(&mut self, now: Time, around: &mut Around<'_>) {
        let snapshot = Box::new(self.offering.snapshot(now));
        let told = RunEvent::LoadTold { test: self.id.clone(), snapshot };
        around.outputs.push_back(RunOutput::Report(told));
    }
}

/// A call that is to be made.
struct Offered {
    index: u64,
    due: Time,
    entry: usize,
    host: usize,
}

/// What a scenario of [`Stage::Load`](crate::scenario::Stage::Load) offers; any other has none and never comes here.
fn spec(scenario: &Scenario) -> &LoadSpec {
    scenario.load.as_deref().expect("a load has its load")
}
