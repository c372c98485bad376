//! What a client knows of its host and does with what the host tells, without IO.

mod channels;
mod settling;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::orders::{Answer, Desk, Flow, Order, Own};
use super::recovery::Listed;
use super::seen::{Over, Seen};
use super::{Call, ClientConfig, HostError, Link, Notice, Session, Stats};
use crate::app::{Failure, Groups};
use crate::call::{Change, ChangeKind, HangupCause, Job, State, Tracker};
use crate::esl::{Command, Event, Reply};
use crate::host::{HostEvent, HostFacts, Lost, Request, Token};
use crate::id::{CallId, JobId, SessionId};
use crate::units::Time;
use channels::{Recovering, TakingUp};
use settling::Settling;

/// What the owner of the sockets and tasks is to do.
pub(super) enum Output {
    Request(Request),
    Spawn {
        session: Option<SessionId>,
        app: Arc<str>,
        flow: Flow,
    },
    /// The session is gone: its flows have nothing left to wait for.
    Gone(SessionId),
    /// The apps of these names were unloaded: their flows are over.
    Unloaded(Vec<Arc<str>>),
    Link(Link),
    Notice(Notice),
}

/// The sessions, calls, jobs and apps of one host.
pub(super) struct Listener {
    desk: Desk,
    config: ClientConfig,
    tracker: Tracker,
    groups: Groups,
    sessions: HashMap<SessionId, Kept>,
    calls: HashMap<CallId, Call>,
    link: Link,
    /// Since when the host is away that was up before.
    away_since: Option<Time>,
    recovering: Option<Recovering>,
    /// Whether it was asked which channels it has.
    looked: Looked,
    /// Channels that were there before this client was, which are not its apps' business unless they are taken up.
    others: HashSet<SessionId>,
    taking_up: HashMap<Token, TakingUp>,
    admits: Admits,
    /// Sessions that were refused, over its life.
    refused: u64,
    settling: Settling,
    next_token: u64,
    commands: HashMap<Token, Asked>,
    jobs: HashMap<JobId, Launched>,
    /// Sessions of originates that are there or may yet come to be, and who is told of them.
    launched: HashMap<SessionId, watch::Sender<Option<Session>>>,
    wanted: Arc<HashSet<String>>,
    taps: Vec<(Vec<String>, mpsc::UnboundedSender<Arc<Event>>)>,
    lost: u64,
    /// Sessions that are gone and kept for those who ask for them by their calls, oldest first.
    remembered: VecDeque<Session>,
    outputs: VecDeque<Output>,
}

struct Kept {
    session: Session,
    group: Option<Arc<str>>,
    standing: Standing,
}

/// How a session stands to the apps of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// They were not told of it, as it had no group when it came.
    Unknown,
    /// They were told that it came to be.
    Known,
    /// It was refused, and is nobody's.
    Refused,
}

/// Whether sessions that come in are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Admits {
    #[default]
    All,
    /// Only those of calls that are served already.
    UnderWay,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Looked {
    #[default]
    Never,
    Once,
}

/// A job under way.
struct Launched {
    /// The session that it makes.
    session: Option<SessionId>,
    answer: Answer<Result<Job, HostError>>,
}

/// What a command without a reply was for.
enum Asked {
    Handle(Box<dyn FnOnce(Result<Reply, HostError>) + Send>),
    /// Which channels there are, at first or after the host came back.
    Channels,
    /// All about a channel that is among them.
    Dump(Listed),
    /// Which channels there are that can be taken up.
    Waiting,
    /// All about one of them.
    Adopt {
        listed: Listed,
        by: Token,
    },
}

/// Why sessions are refused that come in while the client drains: SIP's 503, with which a proxy tries another host.
const DRAINING: HangupCause = HangupCause::NormalTemporaryFailure;

impl Listener {
    pub fn new(desk: Desk, config: ClientConfig) -> Listener {
        Listener {
            tracker: Tracker::new(config.tracker.clone()),
            wanted: Arc::new(config.events.iter().cloned().collect()),
            desk,
            config,
            groups: Groups::default(),
            sessions: HashMap::new(),
            calls: HashMap::new(),
            link: Link::Connecting,
            away_since: None,
            recovering: None,
            looked: Looked::default(),
            others: HashSet::new(),
            taking_up: HashMap::new(),
            admits: Admits::default(),
            refused: 0,
            settling: Settling::default(),
            next_token: 0,
            commands: HashMap::new(),
            jobs: HashMap::new(),
            launched: HashMap::new(),
            taps: Vec::new(),
            lost: 0,
            remembered: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub fn handle_event(&mut self, now: Time, event: HostEvent) {
        match event {
            HostEvent::Up(facts) => self.handle_up(now, facts),
            HostEvent::Event(event) => {
                self.tap(&event);
                self.track(&event);
            }
            // The host leaves tracking to us.
            HostEvent::Changed { event, .. } => self.track(&event),
            HostEvent::Replied { token, reply } => self.handle_reply(token, reply),
            HostEvent::JobEnded(job) => {
                if let Some(Launched { session, answer }) = self.jobs.remove(&job.id) {
                    // Of a call that is up the events may still be on their way.
                    if !matches!(job.result(), Some(Ok(_))) {
                        self.forget_unmade(session.as_ref());
                    }
                    // Nobody may wait for it any more.
                    let _ = answer.send(Ok(job));
                }
            }
            HostEvent::Lost(lost) => self.handle_lost(now, &lost),
        }
    }

    pub fn handle_order(&mut self, order: Order) {
        match order {
            Order::Command { command, answer } => match self.away() {
                Some(error) => answer(Err(error)),
                None => drop(self.ask(command, Asked::Handle(answer))),
            },
            Order::Launch { job, name, arguments, session, answer } => match self.away() {
                Some(error) => drop(answer.send(Err(error))),
                None => {
                    let id = session.as_ref().map(|(id, _)| id.clone());
                    self.launched.extend(session);
                    self.jobs.insert(job.clone(), Launched { session: id.clone(), answer });
                    let session = id;
                    self.request(Request::Launch { job, name, arguments, session });
                }
            },
            Order::Spawn { session, app, flow } => {
                session.iter().for_each(|session| self.settling.begun(session));
                self.outputs.push_back(Output::Spawn { session, app, flow });
            }
            Order::Settle(session) => {
                let settled = self.settling.settle(&session);
                self.tell_settled(settled);
            }
            Order::Drain => self.admits = Admits::UnderWay,
            Order::TakeUp { which, answer } => match self.away() {
                Some(error) => drop(answer.send(Err(error))),
                None => self.take_up(which, answer),
            },
            Order::Served(answer) => {
                let there = self.sessions.values().filter(|kept| kept.group.is_some()).count();
                // Nobody may wait for it any more.
                let _ = answer.send(there + self.settling.count());
            }
            Order::CanLoad { group, names, answer } => drop(answer.send(self.groups.can_load(&group, &names))),
            Order::Load { group, answer } => drop(answer.send(self.groups.load(group))),
            Order::Unload { group, app, answer } => {
                let apps = match group {
                    Some(group) => self.groups.unload(&group, app.as_deref()),
                    None => self.groups.unload_all(),
                };
                let names = apps.iter().map(|app| Arc::from(app.name())).collect();
                self.outputs.push_back(Output::Unloaded(names));
                drop(answer.send(apps));
            }
            Order::Sessions(answer) => {
                drop(answer.send(self.sessions.values().map(|kept| kept.session.clone()).collect()));
            }
            Order::Calls(answer) => drop(answer.send(self.calls.values().cloned().collect())),
            Order::Own(answer) => drop(answer.send(self.own())),
            Order::Stats(answer) => drop(answer.send(self.stats())),
            Order::Pace { group, pace } => {
                for Failure { app, error } in self.groups.tell(&group, |app| app.on_pace(&pace)) {
                    self.fail(app, None, error);
                }
            }
            Order::Subscribe(name) => self.subscribe(name),
            Order::Tap { names, to } => {
                names.iter().for_each(|name| self.subscribe(name.clone()));
                self.taps.push((names, to));
            }
            Order::Close(_) => {}
        }
    }

    /// A flow ended, or was cancelled; of one that failed the error.
    pub fn handle_flow_ended(&mut self, session: Option<SessionId>, app: Arc<str>, error: Option<String>) {
        let settled = session.as_ref().and_then(|session| self.settling.ended(session));
        if let Some(error) = error {
            let kept =
                session.as_ref().and_then(|session| self.sessions.get(session).or(self.settling.gone_of(session)));
            let of = kept.or(settled.as_ref()).map(|kept| (kept.session.clone(), kept.group.clone()));
            match of {
                Some((session, group)) => self.fail(app, Some((&session, group.as_ref())), error),
                None => self.outputs.push_back(Output::Notice(Notice::AppFailed { app, session, error })),
            }
        }
        self.tell_settled(settled);
    }

    /// Nothing more comes of this host.
    pub fn close(&mut self, reason: &str) {
        self.fail_all(reason);
        self.lose_sessions(reason);
        self.set_link(Link::Away(reason.to_owned()));
    }

    fn stats(&self) -> Stats {
        Stats {
            sessions: self.tracker.sessions().len(),
            calls: self.tracker.calls().len(),
            jobs: self.jobs.len(),
            lost: self.lost,
            refused: self.refused,
            counts: self.tracker.counts().clone(),
        }
    }

    fn request(&mut self, request: Request) {
        self.outputs.push_back(Output::Request(request));
    }

    fn ask(&mut self, command: Command, asked: Asked) -> Token {
        let token = Token(self.next_token);
        self.next_token += 1;
        self.commands.insert(token, asked);
        self.request(Request::Command { token, command });
        token
    }

    fn subscribe(&mut self, name: String) {
        if Arc::make_mut(&mut self.wanted).insert(name.clone()) {
            self.request(Request::Subscribe(name));
        }
    }

    /// Why nothing can be asked of the host, if it cannot.
    fn away(&self) -> Option<HostError> {
        let away = |reason: &str| HostError::Away { host: self.desk.name.to_string(), reason: reason.to_owned() };
        match &self.link {
            Link::Up(_) => None,
            Link::Connecting => Some(away("it is not connected yet")),
            Link::Away(reason) => Some(away(reason)),
        }
    }

    fn set_link(&mut self, link: Link) {
        self.link = link.clone();
        self.outputs.push_back(Output::Link(link));
    }

    fn handle_up(&mut self, now: Time, facts: Arc<HostFacts>) {
        self.set_link(Link::Up(Arc::clone(&facts)));
        self.outputs.push_back(Output::Notice(Notice::Up(facts)));
        for name in &*Arc::clone(&self.wanted) {
            self.request(Request::Subscribe(name.clone()));
        }
        if let Some(since) = self.away_since.take() {
            self.recovering = Some(Recovering::after(now.since(since)));
        }
        self.ask(channels::question(), Asked::Channels);
    }

    fn handle_lost(&mut self, now: Time, lost: &Lost) {
        let reason = lost.to_string();
        self.fail_all(&reason);
        // One that was lost again before it had told what there is, is away since the first time.
        let recovering = self.recovering.take().map(|recovering| now - recovering.away);
        self.away_since = self.away_since.or(recovering).or(Some(now));
        if lost.is_over() {
            self.lose_sessions(&reason);
        }
        self.set_link(Link::Away(reason.clone()));
        self.outputs.push_back(Output::Notice(Notice::Lost { reason, over: lost.is_over() }));
    }

    /// What was asked will not be answered.
    fn fail_all(&mut self, reason: &str) {
        let host = self.desk.name.to_string();
        let error = || HostError::Away { host: host.clone(), reason: reason.to_owned() };
        for (_, asked) in self.commands.drain() {
            if let Asked::Handle(answer) = asked {
                answer(Err(error()));
            }
        }
        for (_, taking_up) in self.taking_up.drain() {
            let _ = taking_up.answer.send(Err(error()));
        }
        for (_, Launched { session, answer }) in std::mem::take(&mut self.jobs) {
            self.forget_unmade(session.as_ref());
            let _ = answer.send(Err(error()));
        }
    }

    /// The originate of a session is over; where there is no session by now, there will be none.
    fn forget_unmade(&mut self, session: Option<&SessionId>) {
        if let Some(session) = session.filter(|id| !self.sessions.contains_key(*id)) {
            self.launched.remove(session);
        }
    }

    fn own(&self) -> Own {
        let is_own = |(id, kept): &(&SessionId, &Kept)| self.launched.contains_key(*id) || kept.group.is_some();
        let calls: Vec<Call> = self.sessions.iter().filter(is_own).map(|(_, kept)| kept.session.call()).collect();
        let sessions = self.sessions.values().map(|kept| &kept.session);
        Own {
            sessions: sessions.filter(|session| calls.contains(&session.call())).cloned().collect(),
            coming: self.launched.keys().filter(|id| !self.sessions.contains_key(*id)).cloned().collect(),
        }
    }

    fn lose_sessions(&mut self, reason: &str) {
        for id in self.sessions.keys().cloned().collect::<Vec<_>>() {
            self.lose_session(&id, reason);
        }
    }

    fn lose_session(&mut self, id: &SessionId, reason: &str) {
        let Some(kept) = self.sessions.remove(id) else { return };
        let (session, group) = (kept.session.clone(), kept.group.clone());
        self.lost += 1;
        session.change(|seen| seen.over = Some(Over::Lost(reason.to_owned())));
        if let Some(group) = &group {
            self.report(group, &session, |groups| {
                groups.call(group, &session, |app, session| app.on_destroyed(session))
            });
        }
        for change in self.tracker.forget(id) {
            if let ChangeKind::CallEnded = change.kind {
                self.end_call(&change.call, &session, group.as_ref());
            }
        }
        self.gone(kept);
    }

    /// A session is gone; what its flows still come to is told before it is settled.
    fn gone(&mut self, kept: Kept) {
        let id = kept.session.id().clone();
        self.remember(kept.session.clone());
        self.settling.gone(kept);
        self.outputs.push_back(Output::Gone(id.clone()));
        // Behind the flows that its end began.
        self.desk.order(Order::Settle(id));
    }

    fn tell_settled(&mut self, settled: Option<Kept>) {
        let Some(Kept { session, group: Some(group), .. }) = settled else { return };
        self.report(&group, &session, |groups| groups.call(&group, &session, |app, session| app.on_settled(session)));
    }

    fn remember(&mut self, session: Session) {
        self.launched.remove(session.id());
        self.remembered.push_back(session);
        while self.remembered.len() > self.config.remembered {
            self.remembered.pop_front();
        }
    }

    fn handle_reply(&mut self, token: Token, reply: Reply) {
        match self.commands.remove(&token) {
            Some(Asked::Handle(answer)) => answer(Ok(reply)),
            Some(Asked::Channels) => self.handle_channels(&reply),
            Some(Asked::Dump(listed)) => self.handle_dump(&listed, &reply),
            Some(Asked::Waiting) => self.handle_waiting(token, &reply),
            Some(Asked::Adopt { listed, by }) => self.handle_adopt(&listed, by, &reply),
            None => {}
        }
        self.tell_recovered();
    }

    fn tap(&mut self, event: &Arc<Event>) {
        self.taps.retain(|(names, to)| {
            let wanted = names.is_empty() || names.iter().any(|name| event.is_called(name));
            if wanted { to.send(Arc::clone(event)).is_ok() } else { !to.is_closed() }
        });
    }

    fn track(&mut self, event: &Arc<Event>) {
        for change in self.tracker.handle(event) {
            self.handle_change(&change, event);
        }
    }

    fn handle_change(&mut self, change: &Change, event: &Arc<Event>) {
        match &change.kind {
            ChangeKind::Created => self.create(change),
            ChangeKind::Joined { before } => self.join(change, before),
            _ => {}
        }
        self.assign(change, event);
        let Some(kept) = self.sessions.get(&change.session) else { return };
        let (session, group) = (kept.session.clone(), kept.group.clone());
        if !matches!(change.kind, ChangeKind::CallEnded) {
            let now = self.tracker.session(change.session.as_str());
            session.change(|seen| {
                seen.group.clone_from(&group);
                seen.record(now, change, event);
            });
        }
        if let Some(group) = &group {
            self.call_back(group, &session, change, event);
        }
        if let ChangeKind::Destroyed(_) = change.kind {
            // The change that says so finds no session any more.
            if self.tracker.call(change.call.as_str()).is_none() {
                self.end_call(&change.call, &session, group.as_ref());
            }
            if let Some(kept) = self.sessions.remove(&change.session) {
                self.gone(kept);
            }
        }
    }

    /// Finds the group of a session that has none yet, where it may have one.
    fn assign(&mut self, change: &Change, event: &Event) {
        let Some(kept) = self.sessions.get(&change.session) else { return };
        if kept.group.is_some() || kept.standing == Standing::Refused {
            return;
        }
        let Some(group) = self.groups.group_of(&self.config.tracker.app_header, event) else { return };
        let session = kept.session.clone();
        let tracked = self.tracker.session(change.session.as_str());
        let unanswered = tracked.is_some_and(|session| !session.is_answered() && session.state != State::HungUp);
        if unanswered && session.is_inbound() && !self.admits(&session) {
            return self.refuse(&session);
        }
        match change.kind {
            // Its apps are told below.
            ChangeKind::Created => self.set_group(&change.session, group, Standing::Known),
            // It came before they were loaded, or before it named them.
            _ if unanswered => self.introduce(&session, group),
            _ => self.set_group(&change.session, group, Standing::Unknown),
        }
    }

    fn set_group(&mut self, id: &SessionId, group: Arc<str>, standing: Standing) {
        if let Some(kept) = self.sessions.get_mut(id) {
            kept.group = Some(group);
            kept.standing = standing;
        }
    }

    /// Tells the apps of `group` of a session that has been there for a while.
    fn introduce(&mut self, session: &Session, group: Arc<str>) {
        self.set_group(session.id(), Arc::clone(&group), Standing::Known);
        session.change(|seen| seen.group = Some(Arc::clone(&group)));
        self.report(&group, session, |groups| groups.call(&group, session, |app, session| app.on_created(session)));
    }

    /// Whether a session that comes in is served.
    fn admits(&self, session: &Session) -> bool {
        self.admits == Admits::All || session.call().sessions().iter().any(|other| other.group().is_some())
    }

    fn refuse(&mut self, session: &Session) {
        if let Some(kept) = self.sessions.get_mut(session.id()) {
            kept.standing = Standing::Refused;
        }
        self.refused += 1;
        let kill = Command::api(&format!("uuid_kill {} {DRAINING}", session.id()));
        // Where it is gone by itself, that is what was wanted.
        self.ask(kill, Asked::Handle(Box::new(drop)));
        self.outputs.push_back(Output::Notice(Notice::Refused { session: session.id().clone(), cause: DRAINING }));
    }

    fn create(&mut self, change: &Change) {
        let Some(session) = self.tracker.session(change.session.as_str()).cloned() else { return };
        let call = self.call(&change.call);
        let seen = Seen::new(session, call.clone(), self.config.history, Arc::clone(&self.wanted));
        let session = Session::new(self.desk.clone(), seen);
        call.enter(&session);
        if let Some(told) = self.launched.get(&change.session) {
            told.send_replace(Some(session.clone()));
        }
        self.others.remove(&change.session);
        self.sessions.insert(change.session.clone(), Kept { session, group: None, standing: Standing::Unknown });
    }

    fn join(&mut self, change: &Change, before: &CallId) {
        let Some(kept) = self.sessions.get(&change.session) else { return };
        let session = kept.session.clone();
        if let Some(call) = self.calls.remove(before) {
            call.leave(&session);
            call.end();
        }
        let call = self.call(&change.call);
        call.enter(&session);
        session.change(|seen| seen.call = call);
    }

    fn call(&mut self, id: &CallId) -> Call {
        self.calls.entry(id.clone()).or_insert_with(|| Call::new(id.clone())).clone()
    }

    fn end_call(&mut self, id: &CallId, last: &Session, group: Option<&Arc<str>>) {
        let Some(call) = self.calls.remove(id) else { return };
        call.end();
        if let Some(group) = group {
            self.report(group, last, |groups| groups.call(group, last, |app, _| app.on_call_ended(&call)));
        }
    }

    fn call_back(&mut self, group: &Arc<str>, session: &Session, change: &Change, event: &Event) {
        self.report(group, session, |groups| {
            groups.call(group, session, |app, session| {
                app.on_change(session, change, event)?;
                match &change.kind {
                    ChangeKind::Created => app.on_created(session),
                    ChangeKind::Joined { .. } => app.on_joined(session),
                    ChangeKind::Ringing => app.on_ringing(session),
                    ChangeKind::EarlyMedia => app.on_early_media(session),
                    ChangeKind::Answered => app.on_answered(session),
                    ChangeKind::Parked => app.on_parked(session),
                    ChangeKind::HungUp { cause } => app.on_hung_up(session, cause),
                    ChangeKind::Destroyed(_) => app.on_destroyed(session),
                    ChangeKind::Event => app.on_event(session, event),
                    ChangeKind::CallEnded => Ok(()),
                }
            })
        });
    }

    /// Calls back, and tells of what failed.
    fn report(&mut self, group: &Arc<str>, session: &Session, call: impl FnOnce(&mut Groups) -> Vec<Failure>) {
        for Failure { app, error } in call(&mut self.groups) {
            self.fail(app, Some((session, Some(group))), error);
        }
    }

    /// Tells of a callback or a flow that failed, its group too.
    fn fail(&mut self, app: Arc<str>, of: Option<(&Session, Option<&Arc<str>>)>, error: String) {
        let mut failures = vec![Failure { app: Arc::clone(&app), error: error.clone() }];
        if let Some((session, Some(group))) = of {
            // What fails in this is told to nobody but whoever listens.
            failures.extend(self.groups.call(group, session, |other, session| other.on_failed(session, &app, &error)));
        }
        for Failure { app, error } in failures {
            let session = of.map(|(session, _)| session.id().clone());
            self.outputs.push_back(Output::Notice(Notice::AppFailed { app, session, error }));
        }
    }
}
