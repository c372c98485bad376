//! `global_getvar NAME`: a variable of the switch.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "global_getvar", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    // What is not set has no reply, which the event socket then says.
    core.global(argument.trim()).unwrap_or_default().into()
}
