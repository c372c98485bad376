//! A call of a scenario in a host's words.

use super::TestId;
use crate::host::{HostFacts, Originate, Target};
use crate::scenario::{CallSpec, Dial};

/// A call in the host's words; or why it cannot be made there, and what would help.
pub(super) fn originate(dial: Dial, facts: &HostFacts, test: &TestId) -> Result<Originate, (String, String)> {
    let Dial { session, call, ignore_early_media } = dial;
    let target = target(&call, facts)?;
    Ok(Originate {
        session,
        target,
        timeout: call.timeout,
        caller_id_name: call.caller_id.name.unwrap_or_else(|| "callwright".to_owned()),
        caller_id_number: call.caller_id.number.unwrap_or_else(|| "1112223333".to_owned()),
        codecs: call.codec,
        ignore_early_media,
        app: test.name.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect(),
        headers: call.headers,
        variables: call.vars,
    })
}

fn target(call: &CallSpec, facts: &HostFacts) -> Result<Target, (String, String)> {
    let to = call.to.trim_start_matches("sip:");
    if let Some(gateway) = &call.gateway {
        return Ok(Target::Gateway { gateway: gateway.clone(), user: to.to_owned() });
    }
    let profile = call.profile.clone();
    let proxy = call.proxy.clone();
    if to.contains('@') {
        return Ok(Target::Profile { profile, url: to.to_owned(), proxy });
    }
    match facts.profiles.get(&profile) {
        Some(Some(address)) => Ok(Target::Profile { profile, url: format!("{to}@{address}"), proxy }),
        Some(None) | None => {
            let there: Vec<_> =
                facts.profiles.iter().filter(|(_, address)| address.is_some()).map(|(name, _)| name.as_str()).collect();
            let there = if there.is_empty() { String::new() } else { format!("; it has {}", there.join(", ")) };
            let why = format!("the host has no SIP profile {profile:?}{there}");
            Err((why, "conf/ has a profile `external`; `call: { profile: NAME }` names another".to_owned()))
        }
    }
}
