//! `uuid_kill UUID [CAUSE]`.

use crate::call::HangupCause;

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, NO_CHANNEL, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_kill", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, cause) = uuid_and_rest(argument);
    if uuid.is_empty() {
        return "-USAGE: <uuid> [cause]\n".into();
    }
    let Some(key) = core.key_of(uuid) else { return NO_CHANNEL.into() };
    core.hangup(key, HangupCause::from_command(cause));
    "+OK\n".into()
}
