//! What a test would do, without a host.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::TestId;
use super::originate::originate;
use crate::esl::Command;
use crate::host::HostFacts;
use crate::id::JobId;
use crate::scenario::load::TIMEOUT;
use crate::scenario::{Fields, Plan, Scenario, Setting, Stage};

/// A test as it would be run, with placeholders for what only a host knows: `<caller>`, `<callee>`, `<host>`,
/// `<recordings>`, `<job>`, `<execution>`.
#[derive(Debug)]
pub struct Planned {
    pub test: TestId,
    /// `None` where no call is made.
    pub originate: Option<Command>,
    pub stage: Stage,
    pub plan: Plan,
    /// Of a load, what it is in words and what each of its calls would do.
    pub load: Option<PlannedLoad>,
}

/// A load as it would be offered.
#[derive(Debug)]
pub struct PlannedLoad {
    /// One statement a line.
    pub describe: Vec<String>,
    pub entries: Vec<PlannedEntry>,
}

/// One kind of call of a load.
#[derive(Debug)]
pub struct PlannedEntry {
    pub weight: u64,
    /// Talk time after which the caller hangs up.
    pub duration: Option<Duration>,
    /// Its place in the document is that of its test; of a file that is mixed in, that of the file.
    pub planned: Planned,
}

/// Plans one test.
pub fn plan(test: &TestId, scenario: &Scenario) -> Planned {
    plan_with(test, scenario, None)
}

/// Plans one test, whose call may have marks of `fields`.
fn plan_with(test: &TestId, scenario: &Scenario, fields: Option<&Fields>) -> Planned {
    let mut plan = Plan::of(scenario, &Setting::of_test([RECORDINGS; 2].map(PathBuf::from), TIMEOUT));
    if let Some(fields) = fields {
        plan.dial.call = plan.dial.call.shown(&fields.table);
    }
    let profiles = BTreeMap::from([(scenario.call.profile.clone(), Some("<host>".to_owned()))]);
    let facts = HostFacts { profiles, ..HostFacts::default() };
    let originate = match originate(plan.dial.clone(), [&facts; 2], &test.name) {
        Ok(originate) => originate.command(JobId::new("<job>")),
        // Only a profile that is missing is refused, and it is there.
        Err((why, _)) => Command::api(&why),
    };
    let originate = (scenario.stage == Stage::Call).then_some(originate);
    let load = scenario.load.as_ref().map(|load| PlannedLoad {
        describe: load.describe(),
        entries: load
            .mix
            .iter()
            .filter_map(|entry| Some((entry, entry.scenarios.first()?)))
            .map(|(entry, scenario)| PlannedEntry {
                weight: entry.weight,
                duration: scenario.duration,
                planned: plan_with(
                    &TestId { file: scenario.place.file.clone(), name: entry.name.clone() },
                    scenario,
                    load.fields.as_ref(),
                ),
            })
            .collect(),
    });
    Planned { test: test.clone(), originate, stage: scenario.stage, plan, load }
}

/// In place of the folder that a host records to.
const RECORDINGS: &str = "<recordings>";
