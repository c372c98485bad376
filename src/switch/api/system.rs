//! `system COMMAND`: runs a program, where the configuration allows it.

use super::super::config::SystemApi;
use super::super::core::{Question, SwitchCore};
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "system", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    match (argument.trim(), core.config.system) {
        ("", _) => "-USAGE: <command>\n".into(),
        (_, SystemApi::Refused) => "-ERR system is not allowed here\n".into(),
        (command, SystemApi::Allowed) => ApiWait::Ask(Question::System(command.to_owned())),
    }
}
