//! `uuid_setvar UUID NAME [VALUE]`: no value takes the variable away.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, NO_CHANNEL, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_setvar", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, rest) = uuid_and_rest(argument);
    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
    if name.is_empty() {
        return "-USAGE: <uuid> <var> [value]\n".into();
    }
    let Some(channel) = core.key_of(uuid).and_then(|key| core.channels.get_mut(&key)) else {
        return NO_CHANNEL.into();
    };
    let value = if value == "_undef_" { "" } else { value };
    channel.variables.set(name, value);
    "+OK\n".into()
}
