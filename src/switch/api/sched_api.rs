//! `sched_api [+@]TIME GROUP COMMAND`: runs a command later, or again and again.

use super::super::core::SwitchCore;
use super::super::schedule::What;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "sched_api", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let mut words = argument.splitn(3, ' ');
    let (Some(time), Some(group), Some(command)) = (words.next(), words.next(), words.next()) else {
        return "-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>[&]\n".into();
    };
    let (at, every) = core.when(time);
    let command = command.strip_suffix('&').unwrap_or(command).trim().to_owned();
    let id = core.schedule(at, group, What::Api { command, every });
    format!("+OK Added: {}\n", id.0).into()
}
