//! Whether our tracking header comes through.

use super::super::{Facts, Finding};

const NAME: &str = "header";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(arrival) = facts.call.as_ref().and_then(|call| call.arrived.as_ref()) else { return Vec::new() };
    vec![if arrival.tracked {
        Finding::ok(NAME, "the header X-Callwright-Call arrives, by which the legs of a call are told apart")
    } else {
        Finding::problem(
            NAME,
            "the header X-Callwright-Call does not arrive: legs cannot be told to be one call",
            "let what stands between (a proxy, an SBC) pass X- headers on; on the host itself, take \
             <param name=\"parse-invite-tel-params\"> and filters of SIP headers out of the profile",
        )
    }]
}
