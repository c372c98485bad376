//! `module_exists NAME`: whether what FreeSWITCH's module does is done here.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "module_exists", run };

/// FreeSWITCH's modules whose commands, applications or sounds this switch has; and `mod_callwright`, which no
/// FreeSWITCH has, so that a scenario can tell which it is on.
pub(super) const MODULES: &[&str] = &[
    "mod_bert",
    "mod_callwright",
    "mod_commands",
    "mod_console",
    "mod_dialplan_xml",
    "mod_dptools",
    "mod_event_socket",
    "mod_sndfile",
    "mod_sofia",
    "mod_spandsp",
    "mod_tone_stream",
];

fn run(_: &mut SwitchCore, argument: &str) -> ApiWait {
    if MODULES.contains(&argument.trim()) { "true".into() } else { "false".into() }
}
