//! What happens in a load, as its engine tells it: counted for all, for each app, each host, each window of a gate.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::gate::{Reading, Tallies};
use super::window::{Offering, Windows};
use super::{Cdr, Counts, Course, Gate, HostStats, Over, Series, Skip, Tally, Timing};
use crate::units::Time;
use crate::verdict::Verdict;

/// The book of a load. Its memory is bounded for any number of calls.
///
/// It is told of things in the order in which they happen. A time earlier than one that was told already is taken for
/// that one. For windows and rates a call's figures belong to the second in which it ended.
#[derive(Clone, Debug)]
pub struct Book {
    gates: Vec<Gate>,
    windows: Vec<Windows>,
    all: Tally,
    apps: BTreeMap<String, Tally>,
    hosts: BTreeMap<String, HostBook>,
    series: Series,
    began: Time,
    now: Time,
    offering: Offering,
    /// Seconds since the beginning that are over.
    seconds: u64,
    /// Calls and sessions that are there.
    active: (u32, u32),
    /// How our own machine fares.
    own: Option<HostStats>,
    /// The counts of the second under way, and of the last ten.
    open: Counts,
    recent: VecDeque<Counts>,
}

/// What is known of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct HostBook {
    pub tally: Tally,
    /// How old the last event was.
    pub lag: Option<Duration>,
    pub stats: Option<HostStats>,
}

/// What the machine that makes the load is called among the hosts of a series.
pub const OWN: &str = "callwright";

/// Seconds that a snapshot's rates are of.
pub(super) const RECENT: usize = 10;

impl Book {
    /// A load that begins now and has to hold against `gates`.
    pub fn new(began: Time, gates: Vec<Gate>) -> Self {
        let all = Tally { course: Some(Course::new(began)), ..Tally::default() };
        let mut series = Series::default();
        series.active(began, 0, 0);
        Book {
            windows: gates.iter().filter_map(Windows::of).collect(),
            gates,
            all,
            apps: BTreeMap::new(),
            hosts: BTreeMap::new(),
            series,
            began,
            now: began,
            offering: Offering::Goes,
            seconds: 0,
            active: (0, 0),
            own: None,
            open: Counts::default(),
            recent: VecDeque::with_capacity(RECENT + 1),
        }
    }

    /// A call was due and is launched, `late` after that. One that is due and not launched is [`skipped`](Self::skipped)
    /// and not told here.
    pub fn offered(&mut self, at: Time, late: Duration, app: &str, host: &str) {
        self.advance(at);
        self.all.offered(late);
        self.open.offered(late);
        self.series.offered(self.now, late);
        named(&mut self.apps, app).offered(late);
        named(&mut self.hosts, host).tally.offered(late);
        for windows in &mut self.windows {
            windows.offered(app, host, late);
        }
    }

    /// A call was due and is not launched.
    pub fn skipped(&mut self, at: Time, why: Skip) {
        self.advance(at);
        self.all.skipped(why);
        self.open.skipped(why);
        self.series.skipped(self.now, why);
        for windows in &mut self.windows {
            windows.skipped(why);
        }
    }

    /// So many calls and sessions of the load are there from now on.
    pub fn active(&mut self, at: Time, calls: u32, sessions: u32) {
        self.advance(at);
        self.active = (calls, sessions);
        self.series.active(self.now, calls, sessions);
        if let Some(course) = &mut self.all.course {
            course.peak_calls = course.peak_calls.max(calls);
            course.peak_sessions = course.peak_sessions.max(sessions);
        }
        for windows in &mut self.windows {
            windows.active(calls, sessions, Duration::ZERO);
        }
    }

    /// No more calls are offered: what follows is the end of those that are there.
    pub fn offering_ends(&mut self, at: Time) {
        self.advance(at);
        self.offering = Offering::IsOver;
    }

    /// A call ended. One that was cut off, which is a verdict of skipped, is counted, and nothing else is taken from it.
    pub fn record(&mut self, cdr: &Cdr) {
        self.advance(cdr.ended);
        if cdr.verdict == Verdict::Skipped {
            self.all.counts.cut_off();
            named(&mut self.apps, &cdr.app).counts.cut_off();
            named(&mut self.hosts, &cdr.host).tally.counts.cut_off();
            return;
        }
        self.all.record(cdr);
        self.open.record(cdr);
        self.series.record(cdr);
        named(&mut self.apps, &cdr.app).record(cdr);
        named(&mut self.hosts, &cdr.host).tally.record(cdr);
        for windows in &mut self.windows {
            windows.record(cdr);
        }
    }

    /// An event of `host` was so old when it reached us.
    pub fn lag(&mut self, host: &str, lag: Duration) {
        self.all.time(Timing::EventLag, lag);
        self.series.lag(self.now, lag);
        let book = named(&mut self.hosts, host);
        book.lag = Some(lag);
        book.tally.time(Timing::EventLag, lag);
        for windows in &mut self.windows {
            windows.lag(host, lag);
        }
    }

    /// A host told of itself.
    pub fn host_stats(&mut self, at: Time, host: &str, stats: HostStats) {
        self.advance(at);
        self.series.host_stats(self.now, host, &stats);
        named(&mut self.hosts, host).stats = Some(stats);
    }

    /// How the machine that makes the load fares.
    pub fn own_stats(&mut self, at: Time, stats: HostStats) {
        self.advance(at);
        self.series.host_stats(self.now, OWN, &stats);
        self.own = Some(stats);
    }

    /// Time has passed: closes the seconds that are over by `now`.
    pub fn advance(&mut self, now: Time) {
        if now <= self.now {
            return;
        }
        let whole = now.since(self.began).as_secs();
        // What is older than every window needs no closing of its own: only a stopped machine leaves such a gap.
        let first = self.seconds.max(whole.saturating_sub(MAX_GAP));
        if first > self.seconds {
            self.lasts_until(self.began + Duration::from_secs(first));
            self.seconds = first;
        }
        while self.seconds < whole {
            let end = Duration::from_secs(self.seconds + 1);
            self.lasts_until(self.began + end);
            self.recent.push_back(std::mem::take(&mut self.open));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
            for windows in &mut self.windows {
                windows.close(end, self.offering);
            }
            self.seconds += 1;
        }
        self.lasts_until(now);
    }

    /// The calls that are there were so until `now`.
    fn lasts_until(&mut self, now: Time) {
        let lasting = now.since(self.now);
        let (calls, sessions) = self.active;
        for windows in &mut self.windows {
            windows.active(calls, sessions, lasting);
        }
        self.now = self.now.max(now);
        if let Some(course) = &mut self.all.course {
            course.active = course.active.saturating_add(lasting.saturating_mul(calls));
            course.ended = self.now;
            if self.offering == Offering::Goes {
                course.offered_until = self.now;
            }
        }
    }

    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    pub fn all(&self) -> &Tally {
        &self.all
    }

    pub fn series(&self) -> &Series {
        &self.series
    }

    /// The tallies of all calls, of each app and of each host.
    pub fn tallies(&self) -> Tallies<'_> {
        Tallies {
            all: &self.all,
            apps: self.apps.iter().map(|(name, tally)| (name.as_str(), tally)).collect(),
            hosts: self.hosts.iter().map(|(name, host)| (name.as_str(), &host.tally)).collect(),
        }
    }

    pub(super) fn hosts(&self) -> &BTreeMap<String, HostBook> {
        &self.hosts
    }

    pub(super) fn apps(&self) -> &BTreeMap<String, Tally> {
        &self.apps
    }

    pub(super) fn began(&self) -> Time {
        self.began
    }

    pub(super) fn now(&self) -> Time {
        self.now
    }

    pub(super) fn own(&self) -> Option<&HostStats> {
        self.own.as_ref()
    }

    pub(super) fn active_now(&self) -> (u32, u32) {
        self.active
    }

    /// What happened in the last whole seconds, at most ten, and how many those are.
    pub(super) fn recent(&self) -> (Counts, usize) {
        let mut sum = Counts::default();
        self.recent.iter().for_each(|second| sum += second);
        (sum, self.recent.len())
    }

    /// The worst window of each row of `gate`.
    pub(super) fn worst_windows(&self, gate: &Gate) -> Vec<Reading<'_>> {
        let so_far = self.now.since(self.began);
        self.window_readings(gate, |windows, ring| windows.worst(ring, so_far))
    }

    /// The last window of each row of `gate`.
    pub(super) fn current_windows(&self, gate: &Gate) -> Vec<Reading<'_>> {
        self.window_readings(gate, |_, ring| ring.current)
    }

    fn window_readings(
        &self,
        gate: &Gate,
        choose: impl Fn(&Windows, &super::window::Ring) -> Option<(super::Value, Duration)>,
    ) -> Vec<Reading<'_>> {
        let Some(windows) = self.windows.iter().find(|windows| windows.gate == *gate) else { return Vec::new() };
        let readings = windows.rings.iter().map(|(name, ring)| {
            let chosen = choose(windows, ring);
            Reading {
                name,
                value: chosen.map(|(value, _)| value),
                window_end: chosen.map(|(_, end)| end),
                tally: self.tally_of(&gate.over, name),
            }
        });
        readings.collect()
    }

    fn tally_of(&self, over: &Over, name: &str) -> Option<&Tally> {
        match over {
            Over::All => Some(&self.all),
            Over::App(_) | Over::EachApp => self.apps.get(name),
            Over::Host(_) | Over::EachHost => self.hosts.get(name).map(|host| &host.tally),
        }
    }
}

/// Seconds that are closed one by one however long nothing was told: as many as the longest window has.
const MAX_GAP: u64 = 3_600;

/// The entry `name`, which is made where it is new; most calls find theirs.
fn named<'a, T: Default>(entries: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !entries.contains_key(name) {
        entries.insert(name.to_owned(), T::default());
    }
    // It was put there in the line above, where it was not.
    entries.get_mut(name).expect("the entry is there")
}
