//! A load as it is at this moment, for a live view or a monitoring system.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Book, Counts, Finding, Gate, HostStats, Quantiles, Skip, Tally, Timing};
use crate::units::Time;

/// A load at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    pub at: Time,
    /// Seconds since the load began.
    pub elapsed_s: f64,
    /// What is asked of it now.
    #[serde(default)]
    pub asked: Asked,
    pub counts: Counts,
    pub asr_percent: Option<f64>,
    pub acd_s: Option<f64>,
    /// Mean number of calls in progress until now.
    pub erlangs: Option<f64>,
    pub rates: Rates,
    pub active_calls: u32,
    pub active_sessions: u32,
    pub peak_calls: u32,
    pub peak_sessions: u32,
    /// Times in seconds, among them how late calls were launched.
    pub times: BTreeMap<Timing, Quantiles>,
    /// How calls ended, the most frequent first.
    pub causes: Vec<Frequency>,
    /// Why calls did not pass, likewise.
    pub reasons: Vec<Frequency>,
    pub apps: BTreeMap<String, Counts>,
    pub hosts: BTreeMap<String, HostSnapshot>,
    /// The machine that makes the load, with callwright on it.
    #[serde(default)]
    pub own: Option<HostStats>,
    pub gates: Vec<GateState>,
    /// Whether the generator keeps up.
    pub generator: Finding,
}

/// What a load is to do at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Asked {
    pub phase: Phase,
    /// Calls to be offered a second; 0 when no more are.
    pub rate: f64,
    /// Calls at once; `None`: any number.
    pub limit: Option<u32>,
    /// Calls in all.
    pub max_offered: Option<u64>,
    /// How long calls are offered, in seconds.
    pub for_s: Option<f64>,
}

/// Where a load stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Offering,
    Paused,
    /// No more calls are offered; those that are up come to their end.
    Draining,
    /// Those that are up are hung up.
    HangingUp,
}

/// What happens in a second, of the last whole seconds, at most ten; all 0 within the first second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rates {
    pub offered: f64,
    pub answered: f64,
    pub ended: f64,
    pub failed: f64,
    pub skipped: f64,
}

/// How often something was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frequency {
    pub name: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostSnapshot {
    pub counts: Counts,
    /// How old its last event was, in seconds.
    pub event_lag_s: Option<f64>,
    pub event_lag_p99_s: Option<f64>,
    /// What it told of itself last.
    pub stats: Option<HostStats>,
}

/// A gate and how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateState {
    pub gate: Gate,
    pub finding: Finding,
}

/// How many causes and reasons a snapshot has.
const TOLD: usize = 10;

impl Book {
    /// The load as it is `now`. What is asked of it is for whoever asks to fill in.
    pub fn snapshot(&mut self, now: Time) -> Snapshot {
        self.advance(now);
        let all = self.all();
        let (recent, seconds) = self.recent();
        let a_second = |count: u64| if seconds == 0 { 0.0 } else { count as f64 / seconds as f64 };
        let (active_calls, active_sessions) = self.active_now();
        let course = all.course.as_ref();
        let frequent = |top: Vec<(&str, u64)>| {
            let told = top.into_iter().take(TOLD);
            told.map(|(name, count)| Frequency { name: name.to_owned(), count }).collect()
        };
        let times = all.times.iter().filter_map(|(timing, times)| Some((*timing, Quantiles::of(times, 1e6)?)));
        let host = |tally: &Tally| {
            let lag = tally.times.get(&Timing::EventLag).and_then(|lag| lag.percentile(99.0));
            lag.map(|micros| micros as f64 / 1e6)
        };
        Snapshot {
            at: self.now(),
            elapsed_s: self.now().since(self.began()).as_secs_f64(),
            asr_percent: (all.counts.seized > 0).then(|| all.counts.answered as f64 * 100.0 / all.counts.seized as f64),
            acd_s: all.counts.acd().map(|acd| acd.as_secs_f64()),
            erlangs: all.erlangs(),
            asked: Asked::default(),
            counts: all.counts.clone(),
            rates: Rates {
                offered: a_second(recent.offered),
                answered: a_second(recent.answered),
                ended: a_second(recent.ended),
                failed: a_second(recent.failed()),
                skipped: a_second(recent.skipped_in_all()),
            },
            active_calls,
            active_sessions,
            peak_calls: course.map_or(0, |course| course.peak_calls),
            peak_sessions: course.map_or(0, |course| course.peak_sessions),
            times: times.collect(),
            causes: frequent(all.causes.top()),
            reasons: frequent(all.reasons.top()),
            apps: self.apps().iter().map(|(name, tally)| (name.clone(), tally.counts.clone())).collect(),
            hosts: self
                .hosts()
                .iter()
                .map(|(name, book)| {
                    let snapshot = HostSnapshot {
                        counts: book.tally.counts.clone(),
                        event_lag_s: book.lag.map(|lag| lag.as_secs_f64()),
                        event_lag_p99_s: host(&book.tally),
                        stats: book.stats.clone(),
                    };
                    (name.clone(), snapshot)
                })
                .collect(),
            own: self.own().cloned(),
            gates: self.gate_states(),
            generator: Finding::of_the_generator(all),
        }
    }

    /// Each gate and how it stands now.
    pub(super) fn gate_states(&self) -> Vec<GateState> {
        let state = |gate: &Gate| GateState { gate: gate.clone(), finding: gate.evaluate(self) };
        self.gates().iter().map(state).collect()
    }
}

impl Phase {
    /// Its name for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Offering => "offering",
            Phase::Paused => "paused",
            Phase::Draining => "draining",
            Phase::HangingUp => "hanging_up",
        }
    }
}

impl Skip {
    /// Its name for a person.
    pub const fn name(self) -> &'static str {
        match self {
            Skip::Limit => "the limit was reached",
            Skip::NoHost => "no host was there",
            Skip::Behind => "it was too late for it",
        }
    }
}
