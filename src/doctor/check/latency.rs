//! How long a command takes, and an event.

use std::time::Duration;

use super::super::{Facts, Finding};
use crate::units::human;

const NAME: &str = "latency";
/// Beyond this, what happens next comes late enough to be seen in a call.
const SLOW: Duration = Duration::from_millis(100);

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(round_trip) = facts.round_trip else { return Vec::new() };
    let lag = facts.lag;
    let told = format!("a command takes {} there and back, events come up to {} late", human(round_trip), human(lag));
    vec![if round_trip > SLOW || lag > SLOW {
        Finding::warning(NAME, told, "run callwright nearer to the host, or on a machine with less to do")
    } else {
        Finding::ok(NAME, told)
    }]
}
