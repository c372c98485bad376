//! What a run tells its reports: everything a report knows, it knows from these.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::redact_snapshot;
use super::{LoadOutcome, Shard};
use crate::metrics::{Cdr, Snapshot};
use crate::redact::Redactor;
use crate::serial;
use crate::units::Time;
use crate::verdict::{CheckReport, LegTrace, Mark, Verdict};

/// One test: a scenario of a file, on one host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct TestId {
    /// The scenario's file, as it was found from the arguments: `scenarios/tone.yaml`.
    #[serde(with = "serial::path")]
    #[schemars(with = "String")]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// The first event.
    Started {
        tests: usize,
        hosts: Vec<String>,
        #[serde(default)]
        picked: Picked,
        at: Time,
    },
    /// A host answered: its name and its switch's version.
    HostUp {
        host: String,
        version: String,
        /// What else is known of it, for people: name and value.
        #[serde(default, with = "serial::pairs")]
        #[schemars(with = "std::collections::BTreeMap<String, String>")]
        about: Vec<(String, String)>,
        at: Time,
    },
    /// A host was lost or could not be reached; its tests end in error.
    HostLost { host: String, reason: String, at: Time },
    /// Sessions of this run that are still on a host that is gone, and could not be hung up.
    SessionsLeft { host: String, sessions: Vec<String>, at: Time },
    /// A test began.
    TestStarted { test: TestId, host: String, at: Time },
    /// A test has run for so long, and still does.
    TestSlow {
        test: TestId,
        host: String,
        #[serde(rename = "after_s", with = "serial::seconds")]
        #[schemars(with = "f64")]
        after: Duration,
        at: Time,
    },
    /// How a load fares, about once a second.
    LoadTold { test: TestId, snapshot: Box<Snapshot> },
    /// A call of a load ended. Left out of the log of events: there may be millions.
    CallEnded { test: TestId, cdr: Box<Cdr> },
    /// A test ended, or will not be run; or a folder's setup or teardown failed, whose verdict is an error then.
    TestEnded(Box<TestReport>),
    /// The last event. `interrupted` when Ctrl-C ended the run.
    Ended { summary: Summary, at: Time },
}

/// How the tests of a run were picked from those there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Picked {
    /// Tests that were found and are not in this run.
    pub left_out: usize,
    /// The seed of a random order.
    pub seed: Option<u64>,
    /// The part of the tests that this run has.
    pub shard: Option<Shard>,
    /// The part of the calls of a load that this run makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_shard: Option<Shard>,
    /// What else there is to say, each a short sentence.
    pub notes: Vec<String>,
}

impl RunEvent {
    /// Takes secrets out of every text that came from a scenario or from a switch.
    pub fn redact(&mut self, redactor: &Redactor) {
        if redactor.is_empty() {
            return;
        }
        match self {
            RunEvent::Started { .. } | RunEvent::SessionsLeft { .. } | RunEvent::Ended { .. } => {}
            RunEvent::HostUp { version, .. } => redactor.clean(version),
            RunEvent::HostLost { reason, .. } => redactor.clean(reason),
            RunEvent::TestStarted { test, .. } | RunEvent::TestSlow { test, .. } => redactor.clean(&mut test.name),
            RunEvent::LoadTold { test, snapshot } => {
                redactor.clean(&mut test.name);
                redact_snapshot(snapshot, redactor);
            }
            RunEvent::CallEnded { test, cdr } => {
                redactor.clean(&mut test.name);
                redactor.clean(&mut cdr.reason);
            }
            RunEvent::TestEnded(report) => report.redact(redactor),
        }
    }
}

impl TestReport {
    fn redact(&mut self, redactor: &Redactor) {
        let TestReport { test, host: _, tags, mark, earlier, checks, legs, properties, rerun, load, .. } = self;
        redactor.clean(&mut test.name);
        redactor.clean(rerun);
        tags.iter_mut().for_each(|tag| redactor.clean(tag));
        match mark {
            Some(Mark::ExpectedFailure(reason) | Mark::UnexpectedPass(reason)) => redactor.clean(reason),
            Some(Mark::Flaky | Mark::NotRun) | None => {}
        }
        clean(redactor, checks, legs, properties);
        load.iter_mut().for_each(|load| load.redact(redactor));
        for Attempt { checks, legs, properties, .. } in earlier {
            clean(redactor, checks, legs, properties);
        }
    }
}

pub(super) fn clean(
    redactor: &Redactor,
    checks: &mut [CheckReport],
    legs: &mut [LegTrace],
    properties: &mut [(String, String)],
) {
    for CheckReport { name, expected, actual, help, .. } in checks {
        [name, expected, actual, help].into_iter().for_each(|text| redactor.clean(text));
    }
    for entry in legs.iter_mut().flat_map(|leg| &mut leg.entries) {
        redactor.clean(&mut entry.text);
    }
    for (name, value) in properties {
        redactor.clean(name);
        redactor.clean(value);
    }
}

/// All there is to say of one test that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestReport {
    pub test: TestId,
    /// The line of its file on which the scenario begins, from 1.
    #[serde(default)]
    pub line: Option<usize>,
    pub host: String,
    pub tags: Vec<String>,
    pub verdict: Verdict,
    pub mark: Option<Mark>,
    /// Attempts before the last one, none of which passed; what stands beside is of the last.
    pub earlier: Vec<Attempt>,
    pub started: Time,
    #[serde(rename = "duration_s", with = "serial::seconds")]
    #[schemars(with = "f64")]
    pub duration: Duration,
    /// Each check with what it found, passed ones too, in the order of the file.
    pub checks: Vec<CheckReport>,
    /// What each leg did, for the person who looks into a failure.
    pub legs: Vec<LegTrace>,
    /// Figures and names for machines: `setup_time`, `caller.uuid`, `hangup_cause`; `slow` of a test that was told to be.
    #[serde(with = "serial::pairs")]
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub properties: Vec<(String, String)>,
    /// Recordings that were kept.
    #[serde(with = "serial::paths")]
    #[schemars(with = "Vec<String>")]
    pub recordings: Vec<PathBuf>,
    /// The command that runs this test alone.
    pub rerun: String,
    /// Of a load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Box<LoadOutcome>>,
}

/// One try of a test that was tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    pub verdict: Verdict,
    pub started: Time,
    #[serde(rename = "duration_s", with = "serial::seconds")]
    #[schemars(with = "f64")]
    pub duration: Duration,
    pub checks: Vec<CheckReport>,
    pub legs: Vec<LegTrace>,
    #[serde(with = "serial::pairs")]
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub properties: Vec<(String, String)>,
    /// Recordings that were kept.
    #[serde(with = "serial::paths")]
    #[schemars(with = "Vec<String>")]
    pub recordings: Vec<PathBuf>,
}

/// Counts of a run. Each test is in one of `passed`, `expected_failures`, `failed`, `errors`, `skipped` and `not_run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Those that were flaky too.
    pub passed: usize,
    /// Of those that passed, how many only when they were tried again.
    pub flaky: usize,
    /// Tests that failed as they were expected to.
    pub expected_failures: usize,
    /// Those that passed although they were expected to fail, too.
    pub failed: usize,
    pub errors: usize,
    pub skipped: usize,
    /// Those whose turn did not come before the run was stopped.
    pub not_run: usize,
    /// Setups and teardowns of folders that failed; they are no tests.
    pub folder_errors: usize,
    pub interrupted: bool,
    #[serde(rename = "duration_s", with = "serial::seconds")]
    #[schemars(with = "f64")]
    pub duration: Duration,
}
