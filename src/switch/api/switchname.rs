//! `switchname`.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "switchname", run };

fn run(core: &mut SwitchCore, _: &str) -> ApiWait {
    core.config.hostname.clone().into()
}
