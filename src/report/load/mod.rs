//! What a load came to over time: curves, from call detail records or from buckets of a time series, and their charts.

mod charts;
mod columns;
mod gather;
mod launches;
mod over_time;
#[cfg(test)]
pub(super) mod samples;
mod sketch;

use std::fmt;
use std::str::FromStr;

use super::chart::Series;

/// The curves of a load, and its figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadCurves {
    /// Seconds from the start of the load to the end of its last call. All curves count from that start.
    pub seconds: f64,
    pub calls: Calls,
    /// Latencies of all calls.
    pub spreads: Vec<Spread>,
    /// What is drawn, each with the chart that it stands in.
    pub curves: Vec<(Topic, Series)>,
}

/// Calls of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calls {
    pub offered: u64,
    pub answered: u64,
    /// Those with a check that did not hold, or of which that could not be found out.
    pub failed: u64,
    /// Calls that were there at once, at most.
    pub active: u32,
    /// Sessions of them.
    pub sessions: u32,
    /// Launches a second, from the first to the last of them; `None` for fewer than two.
    pub rate: Option<f64>,
}

/// How a latency was spread over the calls that had it, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    pub name: String,
    pub calls: u64,
    pub least: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub most: f64,
}

/// What a chart is of, in the order in which charts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    SetupTime,
    PostDialDelay,
    InviteLatency,
    AnswerLatency,
    OriginateLatency,
    /// Calls and sessions at once; calls failed so far on the right axis.
    Active,
    /// Failed calls by their cause.
    Failures,
    Rate,
    LateStarts,
    /// Of the generator's or a switch's host, in percent.
    Cpu,
    /// In bytes.
    Memory,
}

impl Topic {
    pub const ALL: [Topic; 11] = [
        Topic::SetupTime,
        Topic::PostDialDelay,
        Topic::InviteLatency,
        Topic::AnswerLatency,
        Topic::OriginateLatency,
        Topic::Active,
        Topic::Failures,
        Topic::Rate,
        Topic::LateStarts,
        Topic::Cpu,
        Topic::Memory,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Topic::SetupTime => "setup",
            Topic::PostDialDelay => "pdd",
            Topic::InviteLatency => "invite",
            Topic::AnswerLatency => "answer",
            Topic::OriginateLatency => "originate",
            Topic::Active => "active",
            Topic::Failures => "failures",
            Topic::Rate => "rate",
            Topic::LateStarts => "late",
            Topic::Cpu => "cpu",
            Topic::Memory => "memory",
        }
    }

    /// Whether its chart is left out where it has no curve: not every load is told of its hosts.
    fn is_optional(self) -> bool {
        matches!(self, Topic::Cpu | Topic::Memory)
    }
}

/// Several topics by one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics(pub Vec<Topic>);

impl FromStr for Topics {
    type Err = String;

    /// The name of a topic, or `latency` for all five latencies, or `host` for what hosts are told of.
    fn from_str(text: &str) -> Result<Topics, String> {
        let topics = match text {
            "latency" => Topic::ALL[..5].to_vec(),
            "host" => vec![Topic::Cpu, Topic::Memory],
            name => Topic::ALL.into_iter().filter(|topic| topic.name() == name).collect(),
        };
        if topics.is_empty() {
            return Err(format!("no chart `{text}`; there are: latency, {}", Topics(Topic::ALL.to_vec())));
        }
        Ok(Topics(topics))
    }
}

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|topic| topic.name()).collect();
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests;
