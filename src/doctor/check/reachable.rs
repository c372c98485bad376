//! Whether an event socket answers at the address.

use super::super::{Contact, Facts, Finding};

const NAME: &str = "reachable";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let address = &facts.address;
    vec![match &facts.contact {
        Contact::NotYet => Finding::unknown(NAME, format!("{address} was not asked"), ""),
        Contact::Unreachable(error) => Finding::unknown(
            NAME,
            format!("nobody answers at {address}: {error}"),
            "start FreeSWITCH there and load mod_event_socket; let it listen where this machine can reach it: \
             <param name=\"listen-ip\" value=\"0.0.0.0\"/> and <param name=\"listen-port\" value=\"8021\"/> in \
             event_socket.conf.xml, then `reload mod_event_socket`; open the port in the firewall",
        ),
        Contact::Strange(error) => Finding::unknown(
            NAME,
            format!("what answers at {address} is no event socket: {error}"),
            "name the port of mod_event_socket (listen-port in event_socket.conf.xml): --fshost HOST:PORT",
        ),
        Contact::Lost(error) => Finding::unknown(
            NAME,
            format!("{address} was lost in the middle of the examination: {error}"),
            "look into freeswitch.log there, and try again",
        ),
        Contact::TurnedAway(_) | Contact::WrongPassword(_) | Contact::LoggedIn => {
            Finding::ok(NAME, format!("an event socket answers at {address}"))
        }
    }]
}
