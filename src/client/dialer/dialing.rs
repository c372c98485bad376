//! A load under way, without IO: what is to be launched and hung up, and what came of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::Dialed;
use crate::app::Pace;
use crate::call::{Change, ChangeKind};
use crate::client::Session;
use crate::host::Lag;
use crate::id::{CallId, SessionId};
use crate::load::{Originator, State, Step, auto_duration};
use crate::metrics::{Gate, Snapshot};
use crate::run::{
    Aborts, Control, CutShort, Example, Examples, Launched, Legs, LoadOutcome, Named, Offering, decisive,
};
use crate::scenario::{Judgement, Leg, Review, Scenario};
use crate::units::Time;
use crate::verdict::{CheckReport, Verdict};

/// What happens to a load.
pub(super) enum Input {
    /// A session of one of its apps changed. Its newest event is the one that made it so.
    Changed {
        host: usize,
        session: Session,
        change: Change,
    },
    /// A session was lost with its host.
    Lost(SessionId),
    /// The originate of a call is over: with the hangup cause where it was refused, with the reason where we do not know.
    JobEnded {
        index: u64,
        ended: Result<(), Fault>,
    },
    HostUp(usize),
    HostLost {
        host: usize,
        reason: String,
    },
    Control(Order),
}

/// A change that whoever holds the load asks for.
pub(super) enum Order {
    Load(Control),
    /// Talk time; `None`: by limit and rate.
    SetTalkTime(Option<Duration>),
    SetWeight {
        app: String,
        weight: u64,
    },
}

/// Why a call did not come up.
pub(super) enum Fault {
    /// By its hangup cause.
    Refused(String),
    /// Nobody knows.
    Unknown(String),
}

/// What a load wants done.
pub(super) enum Output {
    /// Makes a call; [`Dialing::launched`] is told of its session.
    Launch {
        index: u64,
        offer: usize,
        host: usize,
    },
    HangUp(Session),
    /// Hangs up a call of which nothing was seen yet.
    Kill {
        host: usize,
        session: SessionId,
    },
    /// Tells the apps.
    Pace(Pace),
    Told(Box<Snapshot>),
}

/// A load under way.
pub(super) struct Dialing {
    offering: Offering,
    /// Ids of apps, by the entries of the mix.
    offers: Vec<String>,
    hosts: Vec<Host>,
    /// What each call must come to.
    expected: Arc<Scenario>,
    /// Talk time, where it does not go by limit and rate.
    fixed: Option<Duration>,
    calls: HashMap<u64, Call>,
    /// Calls by the names of their sessions, and by their own.
    names: HashMap<String, u64>,
    /// When calls are to be hung up.
    ends: BTreeSet<(Time, u64)>,
    /// From when on calls that were hung up are given up.
    given_up: Option<Time>,
    examples: Examples,
    told: Option<Pace>,
    over: Option<Time>,
    outputs: VecDeque<Output>,
}

struct Host {
    name: String,
    up: bool,
    lag: Lag,
}

/// A call from its launch to its end.
struct Call {
    launched: Launched,
    id: SessionId,
    /// In the order they came.
    sessions: Vec<Session>,
    /// What it is found by.
    names: Vec<String>,
    /// When it is to be hung up.
    ends: Option<Time>,
    job: Option<Result<(), Fault>>,
    /// What went wrong beside its checks.
    problems: Vec<CheckReport>,
}

impl Call {
    /// One whose session is not named yet.
    fn new(launched: Launched) -> Call {
        Call {
            launched,
            id: SessionId::new(""),
            sessions: Vec::new(),
            names: Vec::new(),
            ends: None,
            job: None,
            problems: Vec::new(),
        }
    }
}

/// How long a call may still be there after it was hung up.
const ENDING: Duration = Duration::from_secs(8);

impl Dialing {
    pub fn new(
        now: Time,
        originator: Originator,
        gates: Vec<Gate>,
        offers: Vec<String>,
        hosts: Vec<String>,
        expected: Arc<Scenario>,
        duration: Option<Duration>,
    ) -> Dialing {
        Dialing {
            offering: Offering::new(now, originator, gates),
            offers,
            hosts: hosts.into_iter().map(|name| Host { name, up: false, lag: Lag::default() }).collect(),
            expected,
            fixed: duration,
            calls: HashMap::new(),
            names: HashMap::new(),
            ends: BTreeSet::new(),
            given_up: None,
            examples: Examples::default(),
            told: None,
            over: None,
            outputs: VecDeque::new(),
        }
    }

    /// The first call is due now.
    pub fn start(&mut self, now: Time) {
        self.offering.start(now, now);
        self.advance(now);
    }

    pub fn state(&self) -> State {
        self.offering.originator.state()
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether no call is up and none will be offered.
    pub fn is_over(&self) -> bool {
        self.over.is_some()
    }

    /// When [`Dialing::advance`] is due, if nothing else comes.
    pub fn poll_timeout(&self) -> Time {
        let end = self.ends.first().map(|(at, _)| *at);
        end.into_iter().chain(self.given_up).chain([self.offering.poll_timeout()]).min().unwrap_or_default()
    }

    pub fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::Changed { host, session, change } => self.handle_change(now, host, session, &change),
            Input::Lost(session) => {
                if let Some(index) = self.names.get(session.as_str()).copied()
                    && let Some(call) = self.calls.get_mut(&index)
                {
                    self.offering.session_went(&mut call.launched);
                    self.finish_if_over(now, index);
                }
            }
            Input::JobEnded { index, ended } => {
                if let Some(call) = self.calls.get_mut(&index) {
                    call.launched.job_ended = Some(now);
                    call.job = Some(ended);
                    self.finish_if_over(now, index);
                }
            }
            Input::HostUp(host) => {
                self.hosts[host].up = true;
                self.offering.originator.host_up(host, None);
            }
            Input::HostLost { host, reason } => {
                self.hosts[host].up = false;
                let left = self.hosts.iter().any(|host| host.up);
                self.offering.host_lost(now, host, &reason, left);
            }
            Input::Control(order) => self.control(now, order),
        }
        self.advance(now);
    }

    /// Does what is due by now.
    pub fn advance(&mut self, now: Time) {
        while let Some((at, index)) = self.ends.first().copied().filter(|(at, _)| *at <= now) {
            self.ends.remove(&(at, index));
            self.hang_up(index);
        }
        if self.given_up.is_some_and(|at| at <= now) {
            self.given_up = None;
            self.give_up(now);
        }
        while let Some(step) = self.offering.poll(now) {
            match step {
                Step::Offer { index, due, entry, host } => {
                    let launched =
                        self.offering.launch(now, due, entry, &self.offers[entry], host, &self.hosts[host].name);
                    // Whoever makes the call tells its name.
                    self.calls.insert(index, Call::new(launched));
                    self.outputs.push_back(Output::Launch { index, offer: entry, host });
                }
                // It is in the book.
                Step::Skip { .. } => {}
                Step::HangUp => self.hang_up_all(now),
                Step::Stopped => self.over = Some(now),
            }
        }
        if self.offering.advance(now, Aborts::Allowed) {
            let snapshot = Box::new(self.offering.snapshot(now));
            self.outputs.push_back(Output::Told(snapshot));
        }
        self.tell_pace(now);
    }

    /// The call `index` is made with the session `id`.
    pub fn launched(&mut self, index: u64, id: SessionId) {
        if let Some(call) = self.calls.get_mut(&index) {
            call.names.push(id.to_string());
            self.names.insert(id.to_string(), index);
            call.id = id;
        }
    }

    /// What it came to, once it is over.
    pub fn conclude(self) -> Dialed {
        let outcome = LoadOutcome {
            report: self.offering.book.report(),
            wrong: self.offering.wrong,
            examples: self.examples.into_kept(),
            search: None,
        };
        let place = self.expected.place.clone();
        let mut checks = outcome.checks(None);
        checks.extend(self.offering.cut_short.and_then(|why| why.check(Some(place))));
        let hosts: Vec<String> = self.hosts.into_iter().map(|host| host.name).collect();
        Dialed { outcome, checks, hosts: hosts.join(", ") }
    }

    fn handle_change(&mut self, now: Time, host: usize, session: Session, change: &Change) {
        let event = session.latest();
        if let Some(fired) = event.fired() {
            let Host { name, lag, .. } = &mut self.hosts[host];
            lag.record(fired, now);
            self.offering.book.lag(name, lag.latest());
        }
        let (id, call_id): (&SessionId, &CallId) = (&change.session, &change.call);
        let known = [id.as_str(), call_id.as_str()].into_iter().find_map(|name| self.names.get(name).copied());
        let Some(index) = known else { return };
        let Some(call) = self.calls.get_mut(&index) else { return };
        if !call.sessions.contains(&session) {
            self.offering.session_came(&mut call.launched);
            for name in [id.as_str(), call_id.as_str()] {
                if self.names.insert(name.to_owned(), index).is_none() {
                    call.names.push(name.to_owned());
                }
            }
            call.sessions.push(session.clone());
        }
        if *id == call.id {
            call.launched.note_caller(now, &event);
            if let (ChangeKind::Answered, Some(time)) = (&change.kind, self.told.and_then(|pace| pace.duration)) {
                call.ends = Some(now + time);
                self.ends.insert((now + time, index));
            }
        }
        if let ChangeKind::Destroyed(_) = change.kind {
            self.offering.session_went(&mut call.launched);
            self.finish_if_over(now, index);
        }
    }

    fn control(&mut self, now: Time, order: Order) {
        let originator = &mut self.offering.originator;
        match order {
            Order::SetTalkTime(time) => self.fixed = time,
            Order::SetWeight { app, weight } => {
                let entries = self.offers.iter().enumerate().filter(|(_, offer)| **offer == app);
                entries.for_each(|(entry, _)| originator.set_weight(entry, weight));
            }
            Order::Load(control) => match control {
                Control::SetRate(rate) => originator.set_rate(now, rate),
                Control::SetLimit(limit) => originator.set_limit(limit),
                Control::SetMaxOffered(calls) => originator.set_max_offered(calls),
                Control::SetDuration(time) => originator.set_duration(time),
                Control::Pause => originator.pause(now),
                Control::Resume => originator.resume(now),
                Control::Stop => {
                    originator.stop(now);
                    self.offering.cut_short.get_or_insert(CutShort::Asked);
                }
                Control::HangUp | Control::HangUpHosts => {
                    originator.hang_up(now);
                    self.offering.cut_short.get_or_insert(CutShort::Asked);
                }
            },
        }
    }

    /// Tells the apps of the pace where it is another than they know.
    fn tell_pace(&mut self, now: Time) {
        if !matches!(self.state(), State::Originating) {
            return;
        }
        let originator = &self.offering.originator;
        let (rate, limit) = (originator.rate(now), originator.limits().calls);
        let auto = limit.filter(|_| rate.0 > 0.0).map(|limit| auto_duration(limit, rate));
        let pace = Pace { rate, limit, duration: self.fixed.or(auto) };
        if self.told != Some(pace) {
            self.told = Some(pace);
            self.outputs.push_back(Output::Pace(pace));
        }
    }

    fn hang_up(&mut self, index: u64) {
        let Some(call) = self.calls.get(&index) else { return };
        match call.sessions.iter().find(|session| *session.id() == call.id) {
            Some(caller) => self.outputs.push_back(Output::HangUp(caller.clone())),
            None => {
                let (host, session) = (call.launched.host, call.id.clone());
                self.outputs.push_back(Output::Kill { host, session });
            }
        }
    }

    fn hang_up_all(&mut self, now: Time) {
        let asked = self.offering.cut_short == Some(CutShort::Asked);
        let late = self.expected_end("it was hung up as the time for that was over");
        let mut calls: Vec<u64> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        for index in calls {
            if let Some(call) = self.calls.get_mut(&index) {
                call.launched.cut_off = asked;
                call.problems.extend((!asked).then(|| late.clone()));
            }
            self.hang_up(index);
        }
        self.given_up = Some(now + ENDING);
    }

    /// Ends the calls that did not end when they were hung up.
    fn give_up(&mut self, now: Time) {
        let mut calls: Vec<u64> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        for index in calls {
            let problem = self.expected_end("it was still there when it had been hung up");
            if let Some(call) = self.calls.get_mut(&index) {
                call.launched.cut_off = false;
                call.problems.push(problem);
            }
            self.finish(now, index);
        }
    }

    fn expected_end(&self, actual: &str) -> CheckReport {
        self.error("end of the call", "a call that ends", actual)
    }

    fn error(&self, name: &str, expected: &str, actual: &str) -> CheckReport {
        CheckReport {
            name: name.to_owned(),
            place: Some(self.expected.place.clone()),
            verdict: Verdict::Error,
            expected: expected.to_owned(),
            actual: actual.to_owned(),
            help: String::new(),
            passages: Vec::new(),
        }
    }

    fn finish_if_over(&mut self, now: Time, index: u64) {
        let is_over = self.calls.get(&index).is_some_and(|call| {
            let came = !call.sessions.is_empty() || !matches!(call.job, Some(Ok(())));
            call.job.is_some() && came && call.launched.live == 0
        });
        if is_over {
            self.finish(now, index);
        }
    }

    fn finish(&mut self, now: Time, index: u64) {
        let Some(call) = self.calls.remove(&index) else { return };
        let Call { mut launched, id, sessions, names, ends, job, problems } = call;
        for name in &names {
            self.names.remove(name);
        }
        if let Some(at) = ends {
            self.ends.remove(&(at, index));
        }
        let mut review = Review::of(Arc::clone(&self.expected));
        problems.into_iter().for_each(|problem| review.problem(problem));
        match job {
            Some(Err(Fault::Refused(cause))) => review.refuse(cause),
            Some(Err(Fault::Unknown(reason))) => review.problem(self.error("originate", "a call", &reason)),
            Some(Ok(())) | None => {}
        }
        let caller = sessions.iter().find(|session| *session.id() == id);
        let callee = sessions.iter().find(|session| *session.id() != id);
        for (leg, session) in [(Leg::Caller, caller), (Leg::Callee, callee)] {
            let Some(session) = session else { continue };
            session.tell(leg, &mut review);
            if let Some(reason) = session.lost() {
                review.problem(self.error("host", "a host to the end of the call", &format!("lost: {reason}")));
            }
        }
        let traces = review.traces();
        let outcome = review.outcome(BTreeMap::new());
        launched.legs = Legs::of(&outcome, launched.originated);
        let mut judgement: Judgement = outcome.judge();
        if launched.cut_off {
            judgement.verdict = Verdict::Skipped;
        }
        let (host, live) = (launched.host, launched.live);
        let named = Named {
            call: id.as_str(),
            index,
            app: &self.offers[launched.entry],
            host: &self.hosts[host].name,
            callee_host: None,
        };
        let cdr = launched.record(now, &named, &judgement, self.offering.failed());
        let check = decisive(&judgement).map(|check| check.name.clone());
        if let Some(check) = check.filter(|check| self.examples.wants(&cdr, check)) {
            let checks = std::mem::take(&mut judgement.checks);
            let example = Example { cdr: cdr.clone(), checks, legs: traces, recordings: Vec::new() };
            self.examples.keep(&check, example);
        }
        self.offering.record(now, host, live, &cdr);
    }
}
