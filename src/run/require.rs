//! Whether a test can be run on a host at all.

use crate::host::HostFacts;
use crate::scenario::{EMBEDDED_MODULE, HostKind, Leg, Requires, Scenario};
use crate::verdict::{CheckReport, Verdict};

/// What `requires` misses on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unmet {
    /// The test is skipped for this reason.
    No(String),
    /// It cannot be told whether the host has it.
    Unknown(String),
}

/// What of `requires` the host does not have, the first of it.
fn unmet(requires: &Requires, facts: &HostFacts) -> Option<Unmet> {
    let has = |module: &str| facts.modules.get(module).copied().unwrap_or_default();
    let embedded = has(EMBEDDED_MODULE);
    match requires.host {
        Some(HostKind::FreeSwitch) if embedded => {
            return Some(Unmet::No("needs a FreeSWITCH, and this host is the embedded switch".to_owned()));
        }
        Some(HostKind::Embedded) if !embedded => {
            return Some(Unmet::No("needs the embedded switch, and this host is a FreeSWITCH".to_owned()));
        }
        _ => {}
    }
    if let Some(module) = requires.modules.iter().find(|module| !has(module)) {
        return Some(Unmet::No(format!("needs {module}, which this host does not have")));
    }
    let bound = requires.version.as_ref()?;
    match bound.holds(&facts.version) {
        Some(true) => None,
        Some(false) => Some(Unmet::No(format!("needs version {bound}, and this host is {}", facts.version))),
        None => Some(Unmet::Unknown(format!("needs version {bound}, and this host says it is {:?}", facts.version))),
    }
}

/// That a scenario says itself that it is not to be run.
pub(super) fn skipped(scenario: &Scenario) -> Option<CheckReport> {
    let reason = scenario.skip.as_ref()?;
    Some(CheckReport {
        name: "skip".to_owned(),
        place: Some(reason.place.clone()),
        verdict: Verdict::Skipped,
        expected: String::new(),
        actual: reason.value.clone(),
        help: String::new(),
        passages: Vec::new(),
    })
}

/// Why a scenario is not run: it says so itself, or needs what the host of a leg has not.
pub(super) fn unfit<'a>(scenario: &Scenario, facts: &dyn Fn(Leg) -> &'a HostFacts) -> Option<CheckReport> {
    let said = skipped(scenario);
    said.or_else(|| {
        let unmet = Leg::BOTH.into_iter().find_map(|leg| unmet(&scenario.requires, facts(leg)))?;
        let (verdict, actual) = match unmet {
            Unmet::No(reason) => (Verdict::Skipped, reason),
            Unmet::Unknown(reason) => (Verdict::Error, reason),
        };
        let place = Some(scenario.requires.place.clone());
        Some(CheckReport {
            name: "requires".to_owned(),
            place,
            verdict,
            expected: String::new(),
            actual,
            help: String::new(),
            passages: Vec::new(),
        })
    })
    .or_else(|| lacking(scenario, facts))
}

/// A step for which the host has no module: nobody could find out what it is to find out.
fn lacking<'a>(scenario: &Scenario, facts: &dyn Fn(Leg) -> &'a HostFacts) -> Option<CheckReport> {
    let lacks = |leg: Leg, module: &str| facts(leg).modules.get(module) == Some(&false);
    let (_, step, module) = scenario.modules().find(|(leg, _, module)| lacks(*leg, module.name))?;
    Some(CheckReport {
        name: step.describe(),
        place: Some(step.place.clone()),
        verdict: Verdict::Error,
        expected: format!("{} on the host", module.application),
        actual: format!("the host does not have {}, of which {} is", module.name, module.application),
        help: format!("load {}, or {}", module.name, module.instead),
        passages: Vec::new(),
    })
}
