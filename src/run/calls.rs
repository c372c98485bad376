//! Calls under way: their machines, and whose each event, reply and moment is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::path::PathBuf;
use std::time::Duration;

use crate::call::{Change, ChangeKind};
use crate::host::{Originate, Request, Token};
use crate::id::SessionId;
use crate::scenario::{Action, Dial, Machine};
use crate::units::Time;

/// The hosts of a call, as the run counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub caller: usize,
    /// Where the call is sent. The callee's leg may come to be elsewhere, if something in between routes it there.
    pub callee: usize,
}

/// A call under way.
#[derive(Debug)]
pub(super) struct Call {
    pub machine: Machine,
    pub site: Site,
    /// Greatest lag of its events.
    pub lag: Duration,
    /// Which host each of its sessions is on.
    sessions: Vec<(SessionId, usize)>,
    /// Its commands that were not answered.
    tokens: Vec<Token>,
    due: Option<Time>,
}

/// The calls under way, each by a key that its owner chose.
#[derive(Debug)]
pub(super) struct Calls<K> {
    calls: HashMap<K, Call>,
    names: HashMap<SessionId, K>,
    tokens: HashMap<Token, (K, u64)>,
    due: BTreeSet<(Time, K)>,
    next_token: u64,
    requests: VecDeque<(usize, Request)>,
}

/// A call as the host takes it; or why it cannot be made there, and what would help.
pub(super) type Dialled = Result<Originate, (String, String)>;

impl Call {
    /// Whether a host has to do with it.
    pub fn involves(&self, host: usize) -> bool {
        self.site.caller == host || self.site.callee == host || self.sessions.iter().any(|(_, on)| *on == host)
    }

    /// Sessions that are still there or may yet come to be, with their hosts.
    pub fn left(&self) -> impl Iterator<Item = (usize, SessionId)> {
        self.machine.left().into_iter().map(|session| (self.host_of(&session), session))
    }

    /// What was recorded of it, each with the host that has it.
    pub fn recorded(&self) -> Vec<(usize, PathBuf)> {
        let hosts = [self.site.caller, self.site.callee];
        let recorded = self.machine.recordings();
        recorded.map(|(leg, recorded)| (hosts[leg as usize], recorded.path.clone())).collect()
    }

    fn host_of(&self, session: &SessionId) -> usize {
        self.sessions.iter().find(|(known, _)| known == session).map_or(self.site.caller, |(_, host)| *host)
    }
}

impl<K: Copy + Ord + Hash + Debug> Calls<K> {
    pub fn new() -> Self {
        Calls {
            calls: HashMap::new(),
            names: HashMap::new(),
            tokens: HashMap::new(),
            due: BTreeSet::new(),
            next_token: 0,
            requests: VecDeque::new(),
        }
    }

    /// Takes a machine in, which is to be started by [`Calls::drive`].
    pub fn add(&mut self, key: K, machine: Machine, site: Site) {
        self.names.insert(machine.call().clone(), key);
        let (sessions, tokens) = (Vec::new(), Vec::new());
        self.calls.insert(key, Call { machine, site, lag: Duration::ZERO, sessions, tokens, due: None });
    }

    pub fn call(&self, key: K) -> Option<&Call> {
        self.calls.get(&key)
    }

    pub fn call_mut(&mut self, key: K) -> Option<&mut Call> {
        self.calls.get_mut(&key)
    }

    /// Calls that a host has to do with, in the order of their keys.
    pub fn of_host(&self, host: usize) -> Vec<K> {
        let mut keys: Vec<K> = self.calls.iter().filter(|(_, call)| call.involves(host)).map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys
    }

    /// Whose session changed on `host`; where it is, is known from then on.
    pub fn of_change(&mut self, host: usize, change: &Change, lag: Duration) -> Option<K> {
        let key = *self.names.get(change.call.as_str())?;
        let call = self.calls.get_mut(&key)?;
        call.lag = call.lag.max(lag);
        let begins = matches!(change.kind, ChangeKind::Created | ChangeKind::Joined { .. });
        if begins && !call.sessions.iter().any(|(session, _)| *session == change.session) {
            call.sessions.push((change.session.clone(), host));
        }
        Some(key)
    }

    /// Whose caller's session this is.
    pub fn of_session(&self, session: &SessionId) -> Option<K> {
        self.names.get(session).copied()
    }

    /// Whose command was answered, and its number there.
    pub fn of_reply(&mut self, token: Token) -> Option<(K, u64)> {
        let (key, number) = self.tokens.remove(&token)?;
        if let Some(call) = self.calls.get_mut(&key) {
            call.tokens.retain(|waiting| *waiting != token);
        }
        Some((key, number))
    }

    /// A name for a command that belongs to no call.
    pub fn token(&mut self) -> Token {
        let token = Token(self.next_token);
        self.next_token += 1;
        token
    }

    /// Lets a machine take something in, and has what it wants then carried out ([`Calls::poll_request`]); tells whether
    /// its call is over. `dial` puts a call into the words of its host.
    pub fn drive(
        &mut self,
        now: Time,
        key: K,
        dial: impl Fn(Dial, Site) -> Dialled,
        input: impl FnOnce(&mut Machine),
    ) -> bool {
        let Some(call) = self.calls.get_mut(&key) else { return false };
        input(&mut call.machine);
        while let Some(action) = call.machine.poll_action() {
            match action {
                Action::Command { number, session, command } => {
                    let token = Token(self.next_token);
                    self.next_token += 1;
                    self.tokens.insert(token, (key, number));
                    call.tokens.push(token);
                    let host = session.map_or(call.site.caller, |session| call.host_of(&session));
                    self.requests.push_back((host, Request::Command { token, command }));
                }
                Action::Originate(wanted) => match dial(*wanted, call.site) {
                    Ok(originate) => {
                        self.requests.push_back((call.site.caller, Request::Originate(Box::new(originate))));
                    }
                    Err((why, help)) => call.machine.handle_refused(now, &why, &help),
                },
            }
        }
        let due = call.machine.poll_timeout();
        if due != call.due {
            call.due.map(|at| self.due.remove(&(at, key)));
            due.map(|at| self.due.insert((at, key)));
            call.due = due;
        }
        call.machine.is_done()
    }

    /// How much of calls is held, in words; `None`: nothing.
    pub fn left(&self) -> Option<String> {
        let Calls { calls, names, tokens, due, next_token: _, requests } = self;
        let held = [calls.len(), names.len(), tokens.len(), due.len(), requests.len()];
        (held != [0; 5]).then(|| format!("calls, names, commands, times and requests: {held:?}"))
    }

    /// The next of what machines want done, and on which host.
    pub fn poll_request(&mut self) -> Option<(usize, Request)> {
        self.requests.pop_front()
    }

    /// Calls whose machines must be told the time by now, those that waited longest first.
    pub fn due(&self, now: Time) -> Vec<K> {
        self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| *key).collect()
    }

    /// When the next machine must be told the time.
    pub fn poll_timeout(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Lets a call go that is over.
    pub fn remove(&mut self, key: K) -> Option<Call> {
        let call = self.calls.remove(&key)?;
        self.names.remove(call.machine.call());
        call.due.map(|at| self.due.remove(&(at, key)));
        for token in &call.tokens {
            self.tokens.remove(token);
        }
        Some(call)
    }
}
