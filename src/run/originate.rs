//! A call of a scenario in a host's words.

use crate::host::{HostFacts, Originate, Target, Then};
use crate::scenario::{CallSpec, Dial};

/// A call of `app` in the words of the caller's host; or why it cannot be made there, and what would help. `facts` are
/// those of the caller's host and of the callee's.
pub(super) fn originate(dial: Dial, facts: [&HostFacts; 2], app: &str) -> Result<Originate, (String, String)> {
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
        app: app.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect(),
        headers: call.headers,
        variables: call.vars,
        then: Then::park(),
    })
}

fn target(call: &CallSpec, [caller, callee]: [&HostFacts; 2]) -> Result<Target, (String, String)> {
    let to = call.to.trim_start_matches("sip:");
    if let Some(gateway) = &call.gateway {
        return Ok(Target::Gateway { gateway: gateway.clone(), user: to.to_owned() });
    }
    let profile = call.profile.clone();
    let proxy = call.proxy.clone();
    if to.contains('@') {
        return Ok(Target::Profile { profile, url: to.to_owned(), proxy });
    }
    let of = |facts: &HostFacts| facts.profiles.get(&profile).cloned().flatten();
    let lacking = |facts: &HostFacts, whose: &str| {
        let there: Vec<_> =
            facts.profiles.iter().filter(|(_, address)| address.is_some()).map(|(name, _)| name.as_str()).collect();
        let there = if there.is_empty() { String::new() } else { format!("; it has {}", there.join(", ")) };
        let why = format!("{whose} has no SIP profile {profile:?}{there}");
        (why, "conf/ has a profile `external`; `call: { profile: NAME }` names another".to_owned())
    };
    match (of(caller), of(callee)) {
        (Some(_), Some(address)) => Ok(Target::Profile { url: format!("{to}@{address}"), profile, proxy }),
        (None, _) => Err(lacking(caller, "the host")),
        (Some(_), None) => Err(lacking(callee, "the callee's host")),
    }
}
