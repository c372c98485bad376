//! A load as it is once its file was found right: which calls are offered, how fast, and within what limits.

use std::sync::Arc;
use std::time::Duration;

use super::model::Scenario;
use crate::load::{Limits, Order, Profile, Table};
use crate::units::{Cps, human};

/// What a scenario of [`Stage::Load`](super::Stage::Load) offers.
#[derive(Clone, Debug)]
pub struct LoadSpec {
    pub pace: Pace,
    /// How long calls are offered, where the pace does not end by itself; `None` there: until it is stopped.
    pub duration: Option<Duration>,
    /// Calls at once (Erlangs).
    pub limit: Option<u32>,
    pub max_offered: Option<u64>,
    /// Calls at once of each host.
    pub host_limit: Option<u32>,
    /// How long calls that are up may take after the last was offered.
    pub drain: Duration,
    pub fields: Option<Fields>,
    pub host: HostSettings,
    /// What is called; at least one entry. Without `mix` it is the document's own call.
    pub mix: Vec<MixEntry>,
}

/// How many calls are offered over time.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// A rate, or stages.
    Profile(Profile),
    /// The highest rate at which the gates hold is looked for.
    Find(Find),
}

/// A search for capacity: the rate grows step by step until a gate breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Find {
    pub start: Cps,
    pub step: Cps,
    pub max: Cps,
    /// How long the gates are to hold at each rate.
    pub hold: Duration,
    /// How long calls are offered at a new rate before the gates are looked at.
    pub settle: Duration,
}

/// Values that are different in each call.
#[derive(Clone, Debug)]
pub struct Fields {
    pub table: Arc<Table>,
    pub order: Order,
}

/// What is set on each host for as long as the load lasts; `None`: left as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// Sessions a second that the host takes (`fsctl sps`).
    pub sps: Option<u32>,
    /// Sessions at once that the host takes (`fsctl max_sessions`).
    pub max_sessions: Option<u32>,
    /// How much the host logs (`fsctl loglevel`).
    pub loglevel: Option<&'static str>,
}

/// One kind of call of a mix.
#[derive(Clone, Debug)]
pub struct MixEntry {
    /// Unique in the mix.
    pub name: String,
    /// Its share is this of the weights of all entries together.
    pub weight: u64,
    /// One for all hosts, or one for each host where it names its host.
    pub scenarios: Vec<Arc<Scenario>>,
    /// Its talk time goes by limit and rate, and so changes with them.
    pub auto: bool,
}

impl MixEntry {
    /// The scenario as it is for the host `host`.
    pub fn on(&self, host: &str) -> Option<&Arc<Scenario>> {
        self.scenarios.iter().find(|scenario| scenario.on.as_deref().is_none_or(|on| on == host))
    }
}

impl LoadSpec {
    /// The limits of an originator of this load.
    pub fn limits(&self) -> Limits {
        Limits { calls: self.limit, max_offered: self.max_offered, duration: self.duration, drain: self.drain }
    }

    /// Whether it offers calls until somebody stops it.
    pub fn is_endless(&self) -> bool {
        let endless = matches!(&self.pace, Pace::Profile(profile) if profile.ends().is_none());
        endless && self.duration.is_none() && self.max_offered.is_none()
    }

    pub fn weights(&self) -> Vec<u64> {
        self.mix.iter().map(|entry| entry.weight).collect()
    }

    /// The load in words, one statement a line.
    pub fn describe(&self) -> Vec<String> {
        let mut told = vec![match &self.pace {
            Pace::Profile(profile) => match self.duration {
                Some(duration) => format!("offers {profile} for {}", human(duration)),
                None if self.is_endless() => format!("offers {profile} until it is stopped"),
                None => format!("offers {profile}"),
            },
            Pace::Find(Find { start, step, max, hold, settle }) => format!(
                "looks for the highest rate at which the gates hold: from {start} to {max} in steps of {step}, each held \
                 for {} after {}",
                human(*hold),
                human(*settle)
            ),
        }];
        let mut say = |text: Option<String>| told.extend(text);
        say(self.max_offered.map(|calls| format!("offers {calls} calls at most")));
        say(self.limit.map(|calls| format!("has {calls} calls at once at most; above that a call is skipped")));
        say(self.host_limit.map(|calls| format!("has {calls} calls at once on one host at most")));
        say(Some(format!("lets calls drain for {} at most", human(self.drain))));
        say(self.fields.as_ref().map(|Fields { table, order }| {
            let order = match order {
                Order::InTurn => "in turn",
                Order::Random => "at random",
            };
            format!("takes {} from {} rows {order}", table.names().join(", "), table.rows().count())
        }));
        let HostSettings { sps, max_sessions, loglevel } = self.host;
        let set = [
            sps.map(|sps| format!("sps {sps}")),
            max_sessions.map(|sessions| format!("max_sessions {sessions}")),
            loglevel.map(|level| format!("loglevel {level}")),
        ];
        let set: Vec<String> = set.into_iter().flatten().collect();
        say((!set.is_empty()).then(|| format!("sets {} on each host, and restores it", set.join(", "))));
        told
    }
}
