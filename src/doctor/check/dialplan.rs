//! What became of the probe call: it must come in, be parked, and be left alone.

use super::super::{Facts, Finding};

const NAME: &str = "dialplan";

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let Some(call) = &facts.call else { return Vec::new() };
    let to = &call.to;
    let park = |context: &str| {
        format!(
            "copy conf/dialplan/callwright.xml into the host's dialplan, set <param name=\"context\" \
             value=\"callwright\"/> in the profile {} (calls now go to the context {context:?}), then `reloadxml` and \
             `sofia profile {} restart`",
            facts.profile, facts.profile
        )
    };
    let Some(arrival) = &call.arrived else {
        let why = call.failed.as_deref().unwrap_or("nothing came");
        return vec![Finding::problem(
            NAME,
            format!("the probe call to {to} did not come in: {why}"),
            format!(
                "the host must reach its own profile: see sip-ip and rtp-ip of {}, a firewall, and \
                 <param name=\"auth-calls\" value=\"false\"/> where it asks for a password",
                facts.profile
            ),
        )];
    };
    let context = &arrival.context;
    let ran = arrival.applications.join(", ");
    vec![match arrival {
        _ if !arrival.parked && !arrival.applications.is_empty() => Finding::problem(
            NAME,
            format!("another dialplan took the probe call: the context {context:?} ran {ran} and did not park it"),
            park(context),
        ),
        _ if !arrival.parked => Finding::problem(
            NAME,
            format!(
                "the probe call came in, and the context {context:?} did not park it: {}",
                arrival.ended.as_deref().or(call.failed.as_deref()).unwrap_or("it was left ringing")
            ),
            park(context),
        ),
        _ if arrival.answered_by_other => Finding::problem(
            NAME,
            format!("the context {context:?} answers calls itself ({ran}) before it parks them"),
            park(context),
        ),
        _ if !ran.is_empty() => {
            Finding::warning(NAME, format!("the context {context:?} runs {ran} before it parks calls"), park(context))
        }
        _ if call.hung => Finding::problem(
            NAME,
            "the probe call came in and was parked, but was never answered through",
            "see freeswitch.log on the host",
        ),
        _ => Finding::ok(NAME, format!("the context {context:?} parks what comes in")),
    }]
}
