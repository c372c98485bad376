//! `expand [uuid:UUID] COMMAND ARGUMENTS`: runs a command after its variables are put in.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "expand", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    if argument.is_empty() {
        return "-USAGE: [uuid:<uuid> ]<cmd> <args>\n".into();
    }
    let Some(text) = super::eval::expanded(core, argument) else {
        return "-ERR No such channel!\n".into();
    };
    let (command, argument) = text.split_once(' ').unwrap_or((&text, ""));
    match ApiCommand::named(command) {
        Some(command) => (command.run)(core, argument),
        None => "INVALID COMMAND!\n-ERR Cannot execute command\n".into(),
    }
}
