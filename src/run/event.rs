//! What a run tells its reports: everything a report knows, it knows from these.

use std::path::PathBuf;
use std::time::Duration;

use crate::units::Time;
use crate::verdict::{CheckReport, LegTrace, Verdict};

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
