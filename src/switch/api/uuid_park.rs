//! `uuid_park UUID`.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, NO_CHANNEL};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_park", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    match argument.trim() {
        "" => "-USAGE: <uuid>\n".into(),
        uuid => match core.key_of(uuid) {
            Some(key) if core.channel(key).is_some_and(|c| c.is_up() && c.originate.is_none()) => {
                core.park(key);
                "+OK\n".into()
            }
            _ => NO_CHANNEL.into(),
        },
    }
}
