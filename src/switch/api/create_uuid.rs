//! `create_uuid`: a new UUID.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "create_uuid", run };

fn run(core: &mut SwitchCore, _: &str) -> ApiWait {
    core.ids.uuid().into()
}
