//! `uuid_exists UUID`.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_exists", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    if core.key_of(argument.trim()).is_some() { "true".into() } else { "false".into() }
}
