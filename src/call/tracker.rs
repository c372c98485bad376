//! Events in, changes out: which sessions there are, and which of them are one call.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{HangupCause, Session, State};
use crate::esl::{Event, header};
use crate::id::{CallId, SessionId};
use crate::units::Time;

/// How sessions find their call and their app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerConfig {
    /// The event header whose value names the call: usually the variable of an X-header that the caller's INVITE
    /// carries and intermediaries forward, but any header will do (`Caller-Destination-Number`).
    pub call_header: String,
    /// The event header whose value names the app group.
    pub app_header: String,
    /// How many failed sessions are kept for each hangup cause.
    pub failed_kept: usize,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        TrackerConfig {
            call_header: "variable_sip_h_X-Callwright-Call".to_owned(),
            app_header: "variable_sip_h_X-Callwright-App".to_owned(),
            failed_kept: 1_000,
        }
    }
}

/// What an event changed.
#[derive(Clone, Debug)]
pub struct Change {
    pub session: SessionId,
    pub call: CallId,
    pub kind: ChangeKind,
}

/// One change of a session or its call.
#[derive(Clone, Debug)]
pub enum ChangeKind {
    /// The session came to be.
    Created,
    /// It turned out to belong to another call than the one of its own that it was first given.
    Joined {
        before: CallId,
    },
    Ringing,
    EarlyMedia,
    Answered,
    /// It waits in `park` for commands.
    Parked,
    HungUp {
        cause: HangupCause,
    },
    /// It is gone. Its last state comes along, for those who ask afterwards.
    Destroyed(Box<Session>),
    /// Its call has no more sessions. Comes behind the last session's `Destroyed`.
    CallEnded,
    /// Any other event of the session.
    Event,
}

/// The sessions that belong together, in the order they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub id: CallId,
    sessions: Vec<SessionId>,
}

impl Call {
    /// The caller's session, usually.
    pub fn first(&self) -> Option<&SessionId> {
        self.sessions.first()
    }

    /// The session that came last.
    pub fn last(&self) -> Option<&SessionId> {
        self.sessions.last()
    }

    /// The other end of a call of two: the first for the last, the last for any other.
    pub fn peer(&self, of: &SessionId) -> Option<&SessionId> {
        let peer = if self.last() == Some(of) { self.first() } else { self.last() };
        peer.filter(|peer| *peer != of)
    }

    pub fn sessions(&self) -> &[SessionId] {
        &self.sessions
    }
}

/// A session that was never answered, or whose end was not a normal one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedSession {
    pub id: SessionId,
    pub call: CallId,
    pub app: Option<Arc<str>>,
    pub answered: bool,
    pub created: Time,
    pub lasted: Duration,
}

/// What was counted over the life of a tracker.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub sessions: u64,
    pub answered: u64,
    pub calls: u64,
    /// Ended sessions of each hangup cause.
    pub causes: HashMap<HangupCause, u64>,
    /// Ended sessions of each app and cause.
    pub apps: HashMap<Arc<str>, HashMap<HangupCause, u64>>,
    /// Events of sessions that were never seen to be created.
    pub untracked_events: u64,
    failed_sessions: u64,
    failed: HashMap<HangupCause, VecDeque<FailedSession>>,
}

impl Counts {
    /// Sessions that were never answered or whose end was not a normal one.
    pub fn failed_count(&self) -> u64 {
        self.failed_sessions
    }

    /// Adds what another tracker counted; its failed sessions are not taken over, but for their number.
    pub fn add(&mut self, other: &Counts) {
        self.sessions += other.sessions;
        self.answered += other.answered;
        self.calls += other.calls;
        self.untracked_events += other.untracked_events;
        self.failed_sessions += other.failed_sessions;
        let add = |causes: &mut HashMap<HangupCause, u64>, more: &HashMap<HangupCause, u64>| {
            more.iter().for_each(|(cause, count)| *causes.entry(cause.clone()).or_default() += count);
        };
        add(&mut self.causes, &other.causes);
        for (app, causes) in &other.apps {
            add(self.apps.entry(Arc::clone(app)).or_default(), causes);
        }
    }

    /// The newest failed sessions of `cause`, oldest first.
    pub fn failed(&self, cause: &HangupCause) -> impl Iterator<Item = &FailedSession> {
        self.failed.get(cause).into_iter().flatten()
    }
}

/// Follows the sessions and calls of one host.
#[derive(Debug)]
pub struct Tracker {
    config: TrackerConfig,
    sessions: HashMap<SessionId, Session>,
    calls: HashMap<CallId, Call>,
    counts: Counts,
}

impl Tracker {
    pub fn new(config: TrackerConfig) -> Self {
        Tracker { config, sessions: HashMap::new(), calls: HashMap::new(), counts: Counts::default() }
    }

    pub fn session(&self, id: &str) -> Option<&Session> {
        self.sessions.get(id)
    }

    pub fn sessions(&self) -> impl ExactSizeIterator<Item = &Session> {
        self.sessions.values()
    }

    pub fn call(&self, id: &str) -> Option<&Call> {
        self.calls.get(id)
    }

    pub fn calls(&self) -> impl ExactSizeIterator<Item = &Call> {
        self.calls.values()
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Forgets all sessions and calls, and gives them: the host that had them is gone.
    pub fn abandon(&mut self) -> Vec<Session> {
        self.calls.clear();
        self.sessions.drain().map(|(_, session)| session).collect()
    }

    /// Forgets a session whose end was not seen; it counts among no cause. Tells whether its call ended with it.
    pub fn forget(&mut self, id: &SessionId) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(session) = self.sessions.remove(id) {
            self.leave(&session.id, &session.call, &mut changes);
        }
        changes
    }

    /// Takes an event over. Events may come in any order the switch can send them in: CREATE before or after
    /// ORIGINATE, a tracking header only later, a session whose beginning was missed.
    pub fn handle(&mut self, event: &Arc<Event>) -> Vec<Change> {
        let Some(id) = event.header(header::UNIQUE_ID) else { return Vec::new() };
        let mut changes = Vec::with_capacity(2);
        let name = event.name();
        if !self.sessions.contains_key(id) {
            if !matches!(name, "CHANNEL_CREATE" | "CHANNEL_ORIGINATE") {
                self.counts.untracked_events += 1;
                return changes;
            }
            changes.push(self.create(id, event));
        }
        if let Some(joined) = self.join(id, event) {
            changes.push(joined);
        }
        let session = self.sessions.get_mut(id).expect("it was there or was just created");
        if session.app.is_none() {
            session.app = event.header(&self.config.app_header).map(Arc::from);
        }
        let moved = session.update(event);
        let change = |session: &Session, kind| Change { session: session.id.clone(), call: session.call.clone(), kind };
        let kind = match moved {
            Some(State::Ringing) => Some(ChangeKind::Ringing),
            Some(State::EarlyMedia) => Some(ChangeKind::EarlyMedia),
            Some(State::Answered) => {
                self.counts.answered += 1;
                Some(ChangeKind::Answered)
            }
            Some(State::HungUp) => {
                let cause = session.hangup_cause.clone().unwrap_or(HangupCause::parse("NONE"));
                Some(ChangeKind::HungUp { cause })
            }
            Some(State::Created) | None => match name {
                "CHANNEL_PARK" => Some(ChangeKind::Parked),
                "CHANNEL_DESTROY" => None,
                _ if changes.is_empty() => Some(ChangeKind::Event),
                _ => None,
            },
        };
        changes.extend(kind.map(|kind| change(session, kind)));
        if name == "CHANNEL_DESTROY" {
            self.destroy(id, event, &mut changes);
        }
        changes
    }

    fn create(&mut self, id: &str, event: &Arc<Event>) -> Change {
        let id = SessionId::new(id);
        let call = event.header(&self.config.call_header).map_or_else(|| CallId::new(id.as_str()), CallId::new);
        self.sessions.insert(id.clone(), Session::new(id.clone(), call.clone(), event));
        self.counts.sessions += 1;
        self.enter(&id, &call);
        Change { session: id, call, kind: ChangeKind::Created }
    }

    fn enter(&mut self, session: &SessionId, call: &CallId) {
        let counts = &mut self.counts;
        let entry = self.calls.entry(call.clone()).or_insert_with(|| {
            counts.calls += 1;
            Call { id: call.clone(), sessions: Vec::with_capacity(2) }
        });
        entry.sessions.push(session.clone());
    }

    /// A session alone in a call of its own joins the call that a later event names. One that already belongs to a
    /// call stays there: the switch may change call uuids while a call is up.
    fn join(&mut self, id: &str, event: &Event) -> Option<Change> {
        let session = self.sessions.get_mut(id).filter(|session| session.call.as_str() == id)?;
        let named = event.header(&self.config.call_header).filter(|named| *named != id)?;
        if self.calls.get(id).is_some_and(|call| call.sessions.len() > 1) {
            return None;
        }
        let before = std::mem::replace(&mut session.call, CallId::new(named));
        let (session, call) = (session.id.clone(), session.call.clone());
        self.calls.remove(&before);
        self.counts.calls -= 1;
        self.enter(&session, &call);
        Some(Change { session, call, kind: ChangeKind::Joined { before } })
    }

    fn destroy(&mut self, id: &str, event: &Event, changes: &mut Vec<Change>) {
        let Some(session) = self.sessions.remove(id) else { return };
        let cause = session.hangup_cause.clone().unwrap_or(HangupCause::parse("NONE"));
        *self.counts.causes.entry(cause.clone()).or_default() += 1;
        if let Some(app) = &session.app {
            *self.counts.apps.entry(Arc::clone(app)).or_default().entry(cause.clone()).or_default() += 1;
        }
        if !session.is_answered() || cause != HangupCause::parse("NORMAL_CLEARING") {
            self.counts.failed_sessions += 1;
            let failed = self.counts.failed.entry(cause).or_default();
            while failed.len() >= self.config.failed_kept.max(1) {
                failed.pop_front();
            }
            failed.push_back(FailedSession {
                id: session.id.clone(),
                call: session.call.clone(),
                app: session.app.clone(),
                answered: session.is_answered(),
                created: session.created,
                lasted: event.fired().unwrap_or(session.created).since(session.created),
            });
        }
        let (id, call) = (session.id.clone(), session.call.clone());
        let kind = ChangeKind::Destroyed(Box::new(session));
        changes.push(Change { session: id.clone(), call: call.clone(), kind });
        self.leave(&id, &call, changes);
    }

    fn leave(&mut self, session: &SessionId, call: &CallId, changes: &mut Vec<Change>) {
        let Some(entry) = self.calls.get_mut(call) else { return };
        entry.sessions.retain(|other| other != session);
        if entry.sessions.is_empty() {
            self.calls.remove(call);
            changes.push(Change { session: session.clone(), call: call.clone(), kind: ChangeKind::CallEnded });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, id: &str, more: &[(&str, &str)]) -> Arc<Event> {
        let mut event = Event::new();
        event.push("Event-Name", name);
        event.push("Event-Date-Timestamp", "1000000");
        event.push("Unique-ID", id);
        for (name, value) in more {
            event.push(name, value);
        }
        Arc::new(event)
    }

    fn tracker() -> Tracker {
        Tracker::new(TrackerConfig { call_header: "variable_sip_h_X-call".into(), ..TrackerConfig::default() })
    }

    fn kinds(changes: &[Change]) -> Vec<String> {
        changes
            .iter()
            .map(|c| format!("{:?}", c.kind).chars().take_while(char::is_ascii_alphabetic).collect())
            .collect()
    }

    const A: [(&str, &str); 2] = [("Call-Direction", "outbound"), ("variable_sip_h_X-call", "c")];

    #[test]
    fn create_and_originate_make_one_session_in_either_order() {
        for order in [["CHANNEL_CREATE", "CHANNEL_ORIGINATE"], ["CHANNEL_ORIGINATE", "CHANNEL_CREATE"]] {
            let mut tracker = tracker();
            let first = tracker.handle(&event(order[0], "a", &A));
            assert_eq!(kinds(&first), ["Created"]);
            assert_eq!(kinds(&tracker.handle(&event(order[1], "a", &A))), ["Event"]);
            assert_eq!((tracker.sessions().len(), tracker.calls().len()), (1, 1));
        }
    }

    #[test]
    fn a_call_uuid_that_changes_does_not_move_a_session() {
        let mut tracker = tracker();
        tracker.handle(&event("CHANNEL_CREATE", "a", &A));
        tracker.handle(&event("CHANNEL_CREATE", "b", &[("variable_sip_h_X-call", "c")]));
        tracker.handle(&event("CHANNEL_ANSWER", "b", &[("variable_sip_h_X-call", "other")]));
        let call = tracker.call("c").unwrap();
        assert_eq!(call.sessions(), [SessionId::new("a"), SessionId::new("b")]);
        assert_eq!(call.peer(&SessionId::new("a")).unwrap().as_str(), "b");
        assert_eq!(call.peer(&SessionId::new("b")).unwrap().as_str(), "a");
        tracker.handle(&event("CHANNEL_DESTROY", "a", &[("variable_sip_h_X-call", "third")]));
        let last = tracker.handle(&event("CHANNEL_DESTROY", "b", &[]));
        assert_eq!(kinds(&last), ["HungUp", "Destroyed", "CallEnded"]);
        assert_eq!((tracker.sessions().len(), tracker.calls().len()), (0, 0));
    }

    #[test]
    fn a_session_without_the_header_is_a_call_of_its_own_until_it_names_one() {
        let mut tracker = tracker();
        tracker.handle(&event("CHANNEL_CREATE", "a", &A));
        tracker.handle(&event("CHANNEL_CREATE", "b", &[]));
        assert_eq!(tracker.calls().len(), 2);
        let changes = tracker.handle(&event("CHANNEL_PARK", "b", &[("variable_sip_h_X-call", "c")]));
        assert_eq!(kinds(&changes), ["Joined", "Parked"]);
        assert_eq!((tracker.calls().len(), tracker.counts().calls), (1, 1));
        assert_eq!(changes[1].call.as_str(), "c");
    }

    #[test]
    fn a_session_never_seen_to_begin_is_counted_and_changes_nothing() {
        let mut tracker = tracker();
        for name in ["CHANNEL_STATE", "CHANNEL_ANSWER", "CHANNEL_DESTROY"] {
            assert!(tracker.handle(&event(name, "x", &[])).is_empty());
        }
        assert_eq!((tracker.counts().untracked_events, tracker.counts().causes.len()), (3, 0));
    }

    #[test]
    fn only_the_newest_failures_of_a_cause_are_kept() {
        let mut tracker = Tracker::new(TrackerConfig { failed_kept: 2, ..TrackerConfig::default() });
        for id in ["1", "2", "3"] {
            tracker.handle(&event("CHANNEL_CREATE", id, &[]));
            tracker.handle(&event("CHANNEL_DESTROY", id, &[("Hangup-Cause", "USER_BUSY")]));
        }
        let busy = HangupCause::parse("USER_BUSY");
        let kept: Vec<_> = tracker.counts().failed(&busy).map(|f| f.id.as_str().to_owned()).collect();
        assert_eq!(kept, ["2", "3"]);
        assert_eq!(tracker.counts().causes[&busy], 3);
    }
}
