//! What a client knows of its host and does with what the host tells, without IO.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::orders::{Answer, Desk, Flow, Order, Own};
use super::recovery::{self, Listed};
use super::seen::{Over, Seen};
use super::{Call, ClientConfig, HostError, Link, Notice, Recovery, Session, Stats};
use crate::app::{Failure, Groups};
use crate::call::{Change, ChangeKind, Job, Tracker};
use crate::esl::{Command, Event, Reply};
use crate::host::{HostEvent, HostFacts, Lost, Request, Token};
use crate::id::{CallId, JobId, SessionId};
use crate::units::Time;

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
    /// Which channels there are, after the host came back.
    Channels,
    /// All about a channel that is among them.
    Dump(Listed),
}

/// A host that came back, while it is asked what there is.
#[derive(Default)]
struct Recovering {
    away: Duration,
    lost: Vec<SessionId>,
    found: Vec<SessionId>,
    kept: usize,
    dumps: usize,
}

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
                None => self.ask(command, Asked::Handle(answer)),
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
            Order::Spawn { session, app, flow } => self.outputs.push_back(Output::Spawn { session, app, flow }),
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
                    self.outputs.push_back(Output::Notice(Notice::AppFailed { app, session: None, error }));
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

    /// A flow ended; of one that failed the error.
    pub fn handle_flow_ended(&mut self, session: Option<SessionId>, app: Arc<str>, error: String) {
        self.outputs.push_back(Output::Notice(Notice::AppFailed { app, session, error }));
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
            counts: self.tracker.counts().clone(),
        }
    }

    fn request(&mut self, request: Request) {
        self.outputs.push_back(Output::Request(request));
    }

    fn ask(&mut self, command: Command, asked: Asked) {
        let token = Token(self.next_token);
        self.next_token += 1;
        self.commands.insert(token, asked);
        self.request(Request::Command { token, command });
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
            self.recovering = Some(Recovering { away: now.since(since), ..Recovering::default() });
            self.ask(Command::api("show channels as json"), Asked::Channels);
        }
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
        let Some(Kept { session, group }) = self.sessions.remove(id) else { return };
        self.lost += 1;
        session.change(|seen| seen.over = Some(Over::Lost(reason.to_owned())));
        if let Some(group) = &group {
            self.report(id, |groups| groups.call(group, &session, |app, session| app.on_destroyed(session)));
        }
        for change in self.tracker.forget(id) {
            if let ChangeKind::CallEnded = change.kind {
                self.end_call(&change.call, &session, group.as_ref());
            }
        }
        self.remember(session);
        self.outputs.push_back(Output::Gone(id.clone()));
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
            None => {}
        }
        let done = self.recovering.take_if(|recovering| recovering.dumps == 0);
        if let Some(Recovering { away, lost, found, kept, .. }) = done {
            self.outputs.push_back(Output::Notice(Notice::Back(Recovery { away, kept, lost, found })));
        }
    }

    /// The host told which channels there are: those of ours that are not among them are lost.
    fn handle_channels(&mut self, reply: &Reply) {
        let listed = recovery::listed(&reply.text);
        let there: HashSet<&SessionId> = listed.iter().map(|listed| &listed.id).collect();
        let gone: Vec<_> = self.sessions.keys().filter(|id| !there.contains(id)).cloned().collect();
        for id in &gone {
            self.lose_session(id, "it was not there any more when the host came back");
        }
        if let Some(recovering) = &mut self.recovering {
            recovering.lost = gone;
            recovering.dumps = listed.len();
        }
        for listed in listed {
            let dump = Command::api(&format!("uuid_dump {} json", listed.id));
            self.ask(dump, Asked::Dump(listed));
        }
    }

    /// All about a channel that is there: what was missed of it is made up for.
    fn handle_dump(&mut self, listed: &Listed, reply: &Reply) {
        let known = self.sessions.contains_key(&listed.id);
        let state = self.tracker.session(listed.id.as_str()).map(|session| session.state);
        let parked = self.sessions.get(&listed.id).is_some_and(|kept| kept.session.is_parked());
        for event in recovery::missed(&reply.text, state, listed, parked) {
            self.track(&Arc::new(event));
        }
        let there = self.sessions.contains_key(&listed.id);
        if let Some(recovering) = &mut self.recovering {
            recovering.dumps -= 1;
            match (known, there) {
                (true, _) => recovering.kept += 1,
                (false, true) => recovering.found.push(listed.id.clone()),
                (false, false) => {}
            }
        }
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
        let Some(kept) = self.sessions.get_mut(&change.session) else {
            return;
        };
        if kept.group.is_none() {
            kept.group = self.groups.group_of(&self.config.tracker.app_header, event);
        }
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
            self.sessions.remove(&change.session);
            self.remember(session);
            self.outputs.push_back(Output::Gone(change.session.clone()));
        }
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
        self.sessions.insert(change.session.clone(), Kept { session, group: None });
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
            self.report(last.id(), |groups| groups.call(group, last, |app, _| app.on_call_ended(&call)));
        }
    }

    fn call_back(&mut self, group: &Arc<str>, session: &Session, change: &Change, event: &Event) {
        self.report(session.id(), |groups| {
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
    fn report(&mut self, session: &SessionId, call: impl FnOnce(&mut Groups) -> Vec<Failure>) {
        for Failure { app, error } in call(&mut self.groups) {
            let session = Some(session.clone());
            self.outputs.push_back(Output::Notice(Notice::AppFailed { app, session, error }));
        }
    }
}
