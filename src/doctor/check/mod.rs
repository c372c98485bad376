//! What facts about a host come to, one check a file.

mod clock;
mod dialplan;
mod header;
mod latency;
mod leftovers;
mod limits;
mod login;
mod modules;
mod password;
mod profile;
mod reachable;
mod recordings;
mod rtp;
mod sounds;
mod version;

pub(super) use modules::MODULES;

use super::{Facts, Finding};

/// Makes findings of facts; none where what it looks at was not come to.
type Check = fn(&Facts) -> Vec<Finding>;

/// In the order in which things go wrong.
const CHECKS: &[Check] = &[
    reachable::check,
    login::check,
    password::check,
    version::check,
    latency::check,
    modules::check,
    profile::check,
    limits::check,
    rtp::check,
    sounds::check,
    dialplan::check,
    header::check,
    clock::check,
    recordings::check,
    leftovers::check,
];

/// All that there is to say about a host.
pub fn examine(facts: &Facts) -> Vec<Finding> {
    CHECKS.iter().flat_map(|check| check(facts)).collect()
}
