//! What a test would do, without a host.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::TestId;
use super::originate::originate;
use crate::esl::Command;
use crate::host::HostFacts;
use crate::id::JobId;
use crate::scenario::load::TIMEOUT;
use crate::scenario::{Plan, Scenario, Setting, Stage};

/// A test as it would be run, with placeholders for what only a host knows: `<caller>`, `<callee>`, `<host>`,
/// `<recordings>`, `<job>`, `<execution>`.
#[derive(Debug)]
pub struct Planned {
    pub test: TestId,
    /// `None` where no call is made.
    pub originate: Option<Command>,
    pub stage: Stage,
    pub plan: Plan,
}

/// Plans one test.
pub fn plan(test: &TestId, scenario: &Scenario) -> Planned {
    let plan = Plan::of(scenario, &Setting::of_test([RECORDINGS; 2].map(PathBuf::from), TIMEOUT));
    let profiles = BTreeMap::from([(scenario.call.profile.clone(), Some("<host>".to_owned()))]);
    let facts = HostFacts { profiles, ..HostFacts::default() };
    let originate = match originate(plan.dial.clone(), [&facts; 2], &test.name) {
        Ok(originate) => originate.command(JobId::new("<job>")),
        // Only a profile that is missing is refused, and it is there.
        Err((why, _)) => Command::api(&why),
    };
    let originate = (scenario.stage == Stage::Call).then_some(originate);
    Planned { test: test.clone(), originate, stage: scenario.stage, plan }
}

/// In place of the folder that a host records to.
const RECORDINGS: &str = "<recordings>";
