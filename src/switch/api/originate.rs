//! `originate URL EXTENSION|&APPLICATION(ARGUMENTS) ...`: places a call.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "originate", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    core.originate(argument)
}
