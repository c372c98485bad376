//! Whether a test can be run on a host at all.

use crate::host::HostFacts;
use crate::scenario::{EMBEDDED_MODULE, HostKind, Requires};

/// What `requires` misses on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unmet {
    /// The test is skipped for this reason.
    No(String),
    /// It cannot be told whether the host has it.
    Unknown(String),
}

/// What of `requires` the host does not have, the first of it.
pub(super) fn unmet(requires: &Requires, facts: &HostFacts) -> Option<Unmet> {
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
