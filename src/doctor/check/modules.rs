//! Whether the modules that scenarios use are loaded.

use super::super::{Facts, Finding};

const NAME: &str = "modules";

/// A module and what it is for.
pub(in super::super) struct Module {
    pub name: &'static str,
    need: Need,
    purpose: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// No scenario goes without it.
    Every,
    /// Some do.
    Some,
}

const fn every(name: &'static str, purpose: &'static str) -> Module {
    Module { name, need: Need::Every, purpose }
}

const fn some(name: &'static str, purpose: &'static str) -> Module {
    Module { name, need: Need::Some, purpose }
}

/// What the language and its apps use. mod_event_socket is there, or nobody would answer.
pub(in super::super) const MODULES: &[Module] = &[
    every("mod_commands", "originate and uuid_*"),
    every("mod_dptools", "answer, park, playback, echo, bridge"),
    every("mod_sofia", "SIP"),
    some("mod_dialplan_xml", "the dialplan that parks calls"),
    some("mod_sndfile", "WAV files, played and recorded"),
    some("mod_tone_stream", "tones and silence"),
    some("mod_spandsp", "digits as tones: `send_dtmf` and `expect_dtmf` with `mode: inband`"),
    some("mod_bert", "`bert`"),
];

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    if facts.host.is_none() {
        return Vec::new();
    }
    if facts.is_embedded() {
        return vec![Finding::ok(NAME, "the embedded switch has all that scenarios use")];
    }
    let missing: Vec<_> = MODULES.iter().filter(|module| !facts.has_module(module.name)).collect();
    let fix = |module: &Module| {
        let name = module.name;
        format!("<load module=\"{name}\"/> in modules.conf.xml, and `load {name}` now")
    };
    let finding = |module: &&Module| {
        let told = format!("{} is not loaded: {}", module.name, module.purpose);
        match module.need {
            Need::Every => Finding::problem(NAME, told, fix(module)),
            Need::Some => Finding::warning(NAME, told, fix(module)),
        }
    };
    match missing.as_slice() {
        [] => vec![Finding::ok(NAME, format!("all {} that scenarios use are loaded", MODULES.len()))],
        missing => missing.iter().map(finding).collect(),
    }
}
