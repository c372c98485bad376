//! `set NAME=VALUE`.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "set", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    set(core, key, argument);
    Doing::Done
}

/// Sets the variable of `NAME=VALUE`; no value, or `_undef_`, takes it away.
pub(super) fn set(core: &mut SwitchCore, key: ChannelKey, argument: &str) {
    let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
    let value = if value == "_undef_" { "" } else { value };
    if let Some(channel) = core.channel(key) {
        channel.variables.set(name.trim(), value);
    }
}
