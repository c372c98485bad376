//! Whether we are let in: the access list comes first, then the password.

use super::super::{Contact, Facts, Finding};

const NAME: &str = "login";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let finding = match &facts.contact {
        Contact::TurnedAway(text) => Finding::problem(
            NAME,
            format!("the access list of the event socket does not name this machine: {text}"),
            "add this machine's network in event_socket.conf.xml: <param name=\"apply-inbound-acl\" \
             value=\"192.0.2.0/24\"/> (or a list of acl.conf.xml), then `reloadxml` and `reload mod_event_socket`; where \
             it stands several times, all of them must allow the address",
        ),
        Contact::WrongPassword(text) => Finding::problem(
            NAME,
            format!("the event socket refuses the password: {text}"),
            "give the one that stands in event_socket.conf.xml (<param name=\"password\" value=\"...\"/>): \
             CALLWRIGHT_PASSWORD=... in the environment, or --password",
        ),
        Contact::LoggedIn | Contact::Lost(_) if facts.host.is_some() => {
            Finding::ok(NAME, "the access list and the password let us in")
        }
        _ => return Vec::new(),
    };
    vec![finding]
}
