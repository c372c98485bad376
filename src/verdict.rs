//! What became of a test, and what there is to say about it.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::place::Place;
use crate::serial;
use crate::units::Time;

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// What was promised happened.
    Passed,
    /// It was not tried.
    Skipped,
    /// What was promised did not happen.
    Failed,
    /// We could not find out: a host or our own code failed.
    Error,
}

/// What else is to be said of a test's verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It passed, but only when it was tried again.
    Flaky,
    /// It failed, as it was expected to for this reason; that counts as passed.
    ExpectedFailure(String),
    /// It passed although it was expected to fail for this reason; that counts as failed.
    UnexpectedPass(String),
    /// The run was stopped before its turn; its verdict is that it was skipped.
    NotRun,
}

/// One check or step and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// What was asked, short: `caller heard tone 1004 Hz`, `callee step 2: play`.
    pub name: String,
    /// Where the scenario asks for it.
    pub place: Option<Place>,
    pub verdict: Verdict,
    /// What should have been: `1004 Hz +-4 Hz`. Empty where the check is a plain statement.
    pub expected: String,
    /// What was: `440.2 Hz at -0.1 dBm0`.
    pub actual: String,
    /// Why, in a sentence, and what to try; may be empty.
    pub help: String,
    /// Where in recordings it did not hold, as far as one can point at it.
    #[serde(default)]
    pub passages: Vec<Passage>,
}

/// A part of one channel of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Passage {
    /// Where the recording is kept; on the host's disk until the run knows better.
    #[serde(with = "serial::path")]
    #[schemars(with = "String")]
    pub recording: PathBuf,
    /// From 0: what was heard, then what was said.
    pub channel: usize,
    /// From the beginning of the recording.
    #[serde(rename = "from_s", with = "serial::seconds")]
    #[schemars(with = "f64")]
    pub from: Duration,
    /// From the beginning of the recording, too.
    #[serde(rename = "to_s", with = "serial::seconds")]
    #[schemars(with = "f64")]
    pub to: Duration,
}

impl Passage {
    /// `1.200s to 1.450s`
    pub fn times(&self) -> String {
        format!("{:.3}s to {:.3}s", self.from.as_secs_f64(), self.to.as_secs_f64())
    }
}

/// The last events and commands of one leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LegTrace {
    /// `caller`, `callee`; `host` for steps without a call.
    pub leg: String,
    /// The session's uuid; empty when the leg never came to be.
    pub uuid: String,
    /// Oldest first.
    pub entries: Vec<TraceEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceEntry {
    pub at: Time,
    pub kind: TraceKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TraceKind {
    /// The switch told us.
    Event,
    /// We told the switch.
    Command,
    /// The switch answered a command.
    Reply,
}
