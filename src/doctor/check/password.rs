//! Whether everybody knows the password.

use super::super::{Facts, Finding};

const NAME: &str = "password";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    match (facts.host.is_some(), facts.default_password, facts.loopback) {
        (true, true, Some(false)) => vec![Finding::warning(
            NAME,
            "the password is the one that every FreeSWITCH comes with, and the event socket can be reached over a \
             network: whoever does so has the whole switch",
            "take one of your own in event_socket.conf.xml: <param name=\"password\" value=\"...\"/>, then \
             `reload mod_event_socket`, and give it in CALLWRIGHT_PASSWORD",
        )],
        _ => Vec::new(),
    }
}
