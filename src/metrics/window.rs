//! Sliding windows of whole seconds, in each of which a gate must hold.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::distribution::thousandths;
use super::metric::{Measured, Metric, Occupancy, Value};
use super::tally::is_meant;
use super::{Cdr, Counts, Gate, Over, Sketch, Skip, Statistic, Timing};

/// The windows of one gate: of all calls, or of those of each app or host that it is over.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub gate: Gate,
    /// Whole seconds of a window, at least one.
    length: usize,
    pub rings: BTreeMap<String, Ring>,
}

/// The last seconds of one row of windows, and how its windows were.
#[derive(Clone, Debug, Default)]
pub(super) struct Ring {
    open: Slice,
    /// The oldest first; fewer than a window has only at the beginning.
    closed: VecDeque<Slice>,
    /// The window that was furthest from holding, and its end after the beginning.
    pub worst: Option<(Value, Duration)>,
    /// The last window, likewise; `None` where nothing was measured in it.
    pub current: Option<(Value, Duration)>,
}

/// What happened in some seconds, as far as a gate asks for it.
#[derive(Clone, Debug, Default)]
struct Slice {
    counts: Counts,
    /// Calls that ended with the cause that the gate is about.
    cause: u64,
    /// The times or figures that it is about.
    values: Sketch,
    /// In call-seconds.
    active: Duration,
    peak_calls: u32,
    peak_sessions: u32,
    length: Duration,
}

impl Windows {
    /// `None` for a gate without a window.
    pub fn of(gate: &Gate) -> Option<Windows> {
        let length = usize::try_from(gate.window?.as_secs()).unwrap_or(usize::MAX).max(1);
        Some(Windows { gate: gate.clone(), length, rings: BTreeMap::new() })
    }

    /// Its row for calls of `app` on `host`, if it is about them.
    fn ring(&mut self, app: &str, host: &str) -> Option<&mut Ring> {
        ring(&self.gate, &mut self.rings, app, host)
    }

    pub fn offered(&mut self, app: &str, host: &str, late: Duration) {
        let of_lateness = matches!(self.gate.metric, Metric::Time(Timing::LateStarts, _));
        let Some(ring) = self.ring(app, host) else { return };
        ring.open.counts.offered(late);
        if of_lateness {
            ring.open.values.record_duration(late);
        }
    }

    pub fn skipped(&mut self, why: Skip) {
        if self.gate.over == Over::All
            && let Some(ring) = self.ring("", "")
        {
            ring.open.counts.skipped(why);
        }
    }

    pub fn lag(&mut self, host: &str, lag: Duration) {
        // Lag is known of hosts and not of apps.
        let of_lag = matches!(self.gate.metric, Metric::Time(Timing::EventLag, _));
        if of_lag
            && !matches!(self.gate.over, Over::App(_) | Over::EachApp)
            && let Some(ring) = self.ring("", host)
        {
            ring.open.values.record_duration(lag);
        }
    }

    pub fn record(&mut self, cdr: &Cdr) {
        let Windows { gate, rings, .. } = self;
        let Some(ring) = ring(gate, rings, &cdr.app, &cdr.host) else { return };
        let slice = &mut ring.open;
        slice.counts.record(cdr);
        match &gate.metric {
            Metric::Plain(_) => {}
            Metric::Cause(cause) => slice.cause += u64::from(cdr.hangup_cause == *cause),
            Metric::Time(timing, _) => {
                if let Some(took) = timing.of(cdr) {
                    slice.values.record_duration(took);
                }
            }
            Metric::Figure(name, _) => {
                let meant = cdr.figures.iter().filter(|(figure, value)| value.is_finite() && is_meant(name, figure));
                meant.for_each(|(_, value)| slice.values.record(thousandths(*value)));
            }
        }
    }

    /// There were so many calls and sessions for the time `lasting`.
    pub fn active(&mut self, calls: u32, sessions: u32, lasting: Duration) {
        if self.gate.over == Over::All
            && let Some(ring) = self.ring("", "")
        {
            let slice = &mut ring.open;
            slice.active = slice.active.saturating_add(lasting.saturating_mul(calls));
            slice.peak_calls = slice.peak_calls.max(calls);
            slice.peak_sessions = slice.peak_sessions.max(sessions);
        }
    }

    /// A second is over, `end` after the load's beginning; `offering`: calls are still offered.
    pub fn close(&mut self, end: Duration, offering: Offering) {
        let full = end.as_secs() >= self.length as u64;
        let told = offering == Offering::Goes || !self.gate.metric.is_of_the_offering();
        for ring in self.rings.values_mut() {
            let second = Slice { length: Duration::from_secs(1), ..std::mem::take(&mut ring.open) };
            ring.closed.push_back(second);
            if ring.closed.len() > self.length {
                ring.closed.pop_front();
            }
            if !full || !told {
                ring.current = None;
                continue;
            }
            let window = Duration::from_secs(self.length as u64);
            ring.current = self.gate.metric.of(&ring.sum(window)).map(|value| (value, end));
            let bound = &self.gate.bound;
            let worse = match (ring.current, ring.worst) {
                (Some((current, _)), Some((worst, _))) => match (bound.holds(current), bound.holds(worst)) {
                    (false, true) => true,
                    (true, false) => false,
                    _ => bound.margin(current) < bound.margin(worst),
                },
                (current, worst) => current.is_some() && worst.is_none(),
            };
            if worse {
                ring.worst = ring.current;
            }
        }
    }

    /// The worst window of `ring`; of a load that was shorter than a window, what there was.
    pub fn worst(&self, ring: &Ring, so_far: Duration) -> Option<(Value, Duration)> {
        if so_far.as_secs() >= self.length as u64 {
            return ring.worst;
        }
        self.gate.metric.of(&ring.sum(so_far)).map(|value| (value, so_far))
    }
}

/// The row of a gate for calls of `app` on `host`, if it is about them.
fn ring<'a>(gate: &Gate, rings: &'a mut BTreeMap<String, Ring>, app: &str, host: &str) -> Option<&'a mut Ring> {
    let name = match &gate.over {
        Over::All => "",
        Over::App(name) if name == app => app,
        Over::Host(name) if name == host => host,
        Over::App(_) | Over::Host(_) => return None,
        Over::EachApp => app,
        Over::EachHost => host,
    };
    if !rings.contains_key(name) {
        rings.insert(name.to_owned(), Ring::default());
    }
    rings.get_mut(name)
}

/// Whether calls are still offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offering {
    Goes,
    IsOver,
}

impl Ring {
    /// All its seconds together, as a window of `length`.
    fn sum(&self, length: Duration) -> Slice {
        let mut sum = Slice { length, ..Slice::default() };
        for slice in self.closed.iter().chain([&self.open]) {
            sum.counts += &slice.counts;
            sum.cause += slice.cause;
            sum.values.merge(&slice.values);
            sum.active = sum.active.saturating_add(slice.active);
            sum.peak_calls = sum.peak_calls.max(slice.peak_calls);
            sum.peak_sessions = sum.peak_sessions.max(slice.peak_sessions);
        }
        sum
    }
}

impl Measured for Slice {
    fn counts(&self) -> &Counts {
        &self.counts
    }

    fn occupancy(&self) -> Occupancy {
        let seconds = self.length.as_secs_f64();
        let over = |amount: f64| (seconds > 0.0).then(|| amount / seconds);
        Occupancy {
            rate: over(self.counts.offered as f64),
            erlangs: over(self.active.as_secs_f64()),
            peak_calls: self.peak_calls,
            peak_sessions: self.peak_sessions,
        }
    }

    fn cause(&self, _: &str) -> u64 {
        self.cause
    }

    fn time(&self, _: Timing, statistic: Statistic) -> Option<f64> {
        statistic.of(&self.values)
    }

    fn figure(&self, _: &str, statistic: Statistic) -> Option<f64> {
        statistic.of(&self.values)
    }
}
