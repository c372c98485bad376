//! `uuid_setvar_multi UUID NAME=VALUE;NAME=VALUE...`.

use super::super::core::SwitchCore;
use super::super::text::separate;
use super::{ApiCommand, ApiWait, NO_CHANNEL, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_setvar_multi", run };

const USAGE: &str = "-USAGE: <uuid> <var>=<value>;<var>=<value>...\n";

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, pairs) = uuid_and_rest(argument);
    if pairs.is_empty() {
        return USAGE.into();
    }
    let Some(channel) = core.key_of(uuid).and_then(|key| core.channels.get_mut(&key)) else {
        // FreeSWITCH says both.
        return format!("{NO_CHANNEL}{USAGE}").into();
    };
    for pair in separate(pairs, ';', 64) {
        let (name, value) = pair.split_once('=').unwrap_or((&pair, ""));
        if name.is_empty() {
            return "-ERR No variable specified\n".into();
        }
        channel.variables.set(name, value);
    }
    "+OK\n".into()
}
