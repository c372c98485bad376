//! What every load has, whoever makes its calls: when they are due, the book of what they come to, and its end.

use std::time::Duration;

use super::CutShort;
use super::call::Launched;
use super::judge::Wrong;
use crate::load::{Draining, Originator, Skip, State, Step};
use crate::metrics::{self, Asked, Book, Cdr, Gate, Gates, Snapshot};
use crate::units::Time;

/// Calls as they are offered and recorded.
#[derive(Debug)]
pub(crate) struct Offering {
    pub originator: Originator,
    pub book: Book,
    /// Why it was ended before its time.
    pub cut_short: Option<CutShort>,
    pub wrong: Wrong,
    gates: Gates,
    /// Sessions of its calls that are there.
    sessions: u32,
    failed: u64,
    started: Time,
    /// It was told that no more calls are offered.
    is_over: bool,
    next_snapshot: Time,
}

/// Whether a broken gate may end a load before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aborts {
    Allowed,
    Never,
}

/// How often it is told how a load fares.
const SNAPSHOT: Duration = Duration::from_secs(1);

impl Offering {
    pub fn new(now: Time, originator: Originator, gates: Vec<Gate>) -> Offering {
        Offering {
            originator,
            book: Book::new(now, gates),
            cut_short: None,
            wrong: Wrong::default(),
            gates: Gates::default(),
            sessions: 0,
            failed: 0,
            started: now,
            is_over: false,
            next_snapshot: now + SNAPSHOT,
        }
    }

    /// The first call is due when it `begins`, which may be past.
    pub fn start(&mut self, now: Time, begins: Time) {
        self.originator.start(begins);
        self.started = begins;
        self.next_snapshot = begins.max(now) + SNAPSHOT;
        let gates = self.book.gates().to_vec();
        self.book = Book::new(begins, gates);
    }

    pub fn started(&self) -> Time {
        self.started
    }

    /// What is to be done next at `now`. Calls that are skipped are in the book already.
    pub fn poll(&mut self, now: Time) -> Option<Step> {
        loop {
            match self.originator.poll(now) {
                Some(Step::Skip { why, .. }) => self.book.skipped(now, skipped(why)),
                step => return step,
            }
        }
    }

    /// Takes the passing of time; gives whether it is time to tell how the load fares.
    pub fn advance(&mut self, now: Time, aborts: Aborts) -> bool {
        if matches!(self.originator.state(), State::Stopped(_)) && !self.is_over {
            self.is_over = true;
            self.book.offering_ends(now);
        }
        if now < self.next_snapshot {
            return false;
        }
        self.look_at_gates(now, aborts);
        while self.next_snapshot <= now {
            self.next_snapshot += SNAPSHOT;
        }
        true
    }

    /// Ends the load where a gate is broken for longer than it may be.
    fn look_at_gates(&mut self, now: Time, aborts: Aborts) {
        self.book.advance(now);
        if self.cut_short.is_some() || aborts == Aborts::Never {
            return;
        }
        if let Some(broken) = self.gates.poll(now, &self.book) {
            self.cut_short = Some(CutShort::Gate(broken.finding.name));
            self.originator.stop(now);
        }
    }

    /// When [`Offering::poll`] and [`Offering::advance`] are due, if nothing else comes.
    pub fn poll_timeout(&self) -> Time {
        self.originator.poll_timeout().map_or(self.next_snapshot, |at| at.min(self.next_snapshot))
    }

    /// A call that was offered on `host`, which is called `name`, is launched `now`.
    pub fn launch(&mut self, now: Time, due: Time, entry: usize, app: &str, host: usize, name: &str) -> Launched {
        self.book.offered(now, now.since(due), app, name);
        self.tell_active(now);
        Launched::new(entry, host, [due, now], self.active(), self.sessions)
    }

    /// A session of a call came to be.
    pub fn session_came(&mut self, call: &mut Launched) {
        call.live += 1;
        self.sessions += 1;
    }

    /// A session of a call is gone.
    pub fn session_went(&mut self, call: &mut Launched) {
        call.live = call.live.saturating_sub(1);
        self.sessions = self.sessions.saturating_sub(1);
    }

    /// Calls that had failed before the next one ends.
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// A call that was offered on `host` ended; so many of its sessions were not seen to go.
    pub fn record(&mut self, now: Time, host: usize, live: u32, cdr: &Cdr) {
        self.sessions = self.sessions.saturating_sub(live);
        self.failed = cdr.failed;
        self.wrong.record(cdr);
        self.book.record(cdr);
        self.originator.ended(host);
        self.tell_active(now);
    }

    /// A host is lost; `left`: whether any other is there. A load that was through by then was not cut short.
    pub fn host_lost(&mut self, now: Time, host: usize, reason: &str, left: bool) {
        self.originator.host_lost(host);
        if !left && self.originator.state() != State::Stopped(Draining::Over) {
            self.cut_short.get_or_insert(CutShort::NoHost(reason.to_owned()));
            self.originator.stop(now);
        }
    }

    /// Calls and sessions that are there.
    pub fn there(&self) -> (u32, u32) {
        (self.active(), self.sessions)
    }

    /// How it fares.
    pub fn snapshot(&mut self, now: Time) -> Snapshot {
        Snapshot { asked: self.asked(now), ..self.book.snapshot(now) }
    }

    fn active(&self) -> u32 {
        u32::try_from(self.originator.active()).unwrap_or(u32::MAX)
    }

    fn tell_active(&mut self, now: Time) {
        self.book.active(now, self.active(), self.sessions);
    }

    fn asked(&self, now: Time) -> Asked {
        let limits = self.originator.limits();
        Asked {
            phase: match self.originator.state() {
                State::Initial | State::Originating if self.originator.is_paused() => metrics::Phase::Paused,
                State::Initial | State::Originating => metrics::Phase::Offering,
                State::Stopped(Draining::Until(until)) if until > now => metrics::Phase::Draining,
                State::Stopped(Draining::Over) => metrics::Phase::Draining,
                State::Stopped(_) => metrics::Phase::HangingUp,
            },
            rate: self.originator.rate(now).0,
            limit: limits.calls,
            max_offered: limits.max_offered,
            for_s: limits.duration.map(|duration| duration.as_secs_f64()),
        }
    }
}

fn skipped(why: Skip) -> metrics::Skip {
    match why {
        Skip::AtLimit => metrics::Skip::Limit,
        Skip::NoHost => metrics::Skip::NoHost,
    }
}
