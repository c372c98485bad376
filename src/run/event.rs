//! What a run tells its reports: everything a report knows, it knows from these.

use std::path::PathBuf;
use std::time::Duration;

pub use crate::place::Place;
use crate::units::Time;

/// One test: a scenario of a file, on one host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestId {
    /// The scenario's file, as it was found from the arguments: `scenarios/tone.yaml`.
    pub file: PathBuf,
    /// The scenario's name.
    pub name: String,
}

impl std::fmt::Display for TestId {
    /// `scenarios/tone.yaml::the milliwatt survives the loop`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}::{}", self.file.display(), self.name)
    }
}

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Passed,
    Skipped,
    /// What was promised did not happen.
    Failed,
    /// We could not find out: a host or our own code failed.
    Error,
}

/// One thing that happened in a run.
#[derive(Clone, Debug)]
pub enum RunEvent {
    Started {
        tests: usize,
        hosts: Vec<String>,
        at: Time,
    },
    /// A host answered: its name and its switch's version.
    HostUp {
        host: String,
        version: String,
        at: Time,
    },
    /// A host was lost or could not be reached; its tests end in error.
    HostLost {
        host: String,
        reason: String,
        at: Time,
    },
    TestStarted {
        test: TestId,
        host: String,
        at: Time,
    },
    TestEnded(Box<TestReport>),
    /// The last event. `interrupted` when Ctrl-C ended the run.
    Ended {
        summary: Summary,
        at: Time,
    },
}

/// All there is to say of one test that ended.
#[derive(Clone, Debug)]
pub struct TestReport {
    pub test: TestId,
    pub host: String,
    pub tags: Vec<String>,
    pub verdict: Verdict,
    pub started: Time,
    pub duration: Duration,
    /// Each check with what it found, passed ones too, in the order of the file.
    pub checks: Vec<CheckReport>,
    /// What each leg did, for the person who looks into a failure.
    pub legs: Vec<LegTrace>,
    /// Figures and names for machines: `setup_time`, `caller.uuid`, `hangup_cause`.
    pub properties: Vec<(String, String)>,
    /// Recordings that were kept.
    pub recordings: Vec<PathBuf>,
    /// The command that runs this test alone.
    pub rerun: String,
}

/// One check or step and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// The last events and commands of one leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegTrace {
    /// `caller`, `callee`.
    pub leg: String,
    /// The session's uuid; empty when the leg never came to be.
    pub uuid: String,
    /// Oldest first.
    pub entries: Vec<TraceEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    pub at: Time,
    pub kind: TraceKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceKind {
    /// The switch told us.
    Event,
    /// We told the switch.
    Command,
    /// The switch answered a command.
    Reply,
}

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub passed: usize,
    pub failed: usize,
    pub errors: usize,
    pub skipped: usize,
    pub interrupted: bool,
    pub duration: Duration,
}
