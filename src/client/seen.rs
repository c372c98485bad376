//! What was seen of a session, as its owner writes it down and handles read it.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use super::Call;
use crate::call::{self, Change, ChangeKind, State};
use crate::esl::{Event, header};
use crate::scenario::{Recorded, Waiting};
use crate::units::Time;

/// A session's state and its history.
#[derive(Debug)]
pub(super) struct Seen {
    pub session: call::Session,
    pub call: Call,
    pub waiting: Waiting,
    /// The app group that it belongs to, once it does.
    pub group: Option<Arc<str>>,
    /// How it is over, once it is.
    pub over: Option<Over>,
    /// What apps remember of it.
    pub notes: BTreeMap<String, String>,
    /// Recordings that were begun through its handles, on the host's disk.
    pub recordings: Vec<Recorded>,
    /// Events that were subscribed to when it came, beyond those of tracking.
    pub wanted: Arc<HashSet<String>>,
    /// Applications that run on it, with their `Application-UUID`, the outermost first.
    running: Vec<(String, String)>,
    history: VecDeque<Entry>,
    /// Entries that were dropped from the front of the history.
    dropped: usize,
    kept: usize,
}

/// One change and the event that made it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub change: Change,
    pub event: Arc<Event>,
    /// Whether the entry before has the same event.
    pub repeated: bool,
}

/// How a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Destroyed,
    /// Its host was lost, and it with it.
    Lost(String),
}

impl Seen {
    /// A session that has just come, of whose events the newest `kept` are kept.
    pub fn new(session: call::Session, call: Call, kept: usize, wanted: Arc<HashSet<String>>) -> Seen {
        Seen {
            session,
            call,
            waiting: Waiting::default(),
            group: None,
            over: None,
            notes: BTreeMap::new(),
            recordings: Vec::new(),
            wanted,
            running: Vec::new(),
            history: VecDeque::new(),
            dropped: 0,
            kept: kept.max(1),
        }
    }

    /// Takes a change over; `session` is how the tracker has it now.
    pub fn record(&mut self, session: Option<&call::Session>, change: &Change, event: &Arc<Event>) {
        match (&change.kind, session) {
            (ChangeKind::Destroyed(last), _) => {
                self.session = (**last).clone();
                self.over = Some(Over::Destroyed);
            }
            (_, Some(session)) => self.session = session.clone(),
            (_, None) => {}
        }
        self.follow(event);
        match event.name() {
            "CHANNEL_PARK" => self.waiting = Waiting { parked: true, playing: false },
            "PLAYBACK_START" => self.waiting.playing = true,
            "PLAYBACK_STOP" => self.waiting.playing = false,
            "CHANNEL_EXECUTE" if event.header("Application") == Some("echo") => self.waiting.playing = true,
            "CHANNEL_EXECUTE_COMPLETE" if event.header("Application") == Some("park") => self.waiting.parked = false,
            _ => {}
        }
        let repeated = self.history.back().is_some_and(|last| Arc::ptr_eq(&last.event, event));
        self.history.push_back(Entry { change: change.clone(), event: Arc::clone(event), repeated });
        while self.history.len() > self.kept {
            self.history.pop_front();
            self.dropped += 1;
        }
    }

    /// Events that are not kept any more.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Notes which applications run.
    fn follow(&mut self, event: &Arc<Event>) {
        if self.history.back().is_some_and(|last| Arc::ptr_eq(&last.event, event)) {
            return;
        }
        let uuid = event.header(header::APPLICATION_UUID).unwrap_or_default();
        match event.name() {
            "CHANNEL_EXECUTE" => {
                let name = event.header("Application").unwrap_or_default();
                self.running.push((name.to_owned(), uuid.to_owned()));
            }
            "CHANNEL_EXECUTE_COMPLETE" => self.running.retain(|(_, running)| running != uuid),
            _ => {}
        }
    }

    /// Whether an application called `name` runs.
    pub fn runs(&self, name: &str) -> bool {
        self.running.iter().any(|(running, _)| running == name)
    }

    /// Whether nothing runs but `park`.
    pub fn is_idle(&self) -> bool {
        self.running.iter().all(|(running, _)| running == "park")
    }

    /// Where the next entry will stand.
    pub fn end(&self) -> usize {
        self.dropped + self.history.len()
    }

    /// Entries from place `from` on, of which those that were dropped are missing.
    pub fn entries(&self, from: usize) -> impl Iterator<Item = (usize, &Entry)> {
        let skipped = from.saturating_sub(self.dropped);
        let first = self.dropped + skipped;
        self.history.iter().skip(skipped).enumerate().map(move |(at, entry)| (first + at, entry))
    }

    /// Its events, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.history.iter().filter(|entry| !entry.repeated).map(|entry| &entry.event)
    }

    pub fn is_hung_up(&self) -> bool {
        self.session.state == State::HungUp || self.over.is_some()
    }

    /// When its newest event was fired, by the switch's clock.
    pub fn time(&self) -> Option<Time> {
        self.session.latest().fired()
    }
}
