//! `uuid_break UUID [all]`: ends what a channel is doing.

use super::super::core::SwitchCore;
use super::{ApiCommand, ApiWait, NO_CHANNEL, uuid_and_rest};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_break", run };

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let (uuid, flags) = uuid_and_rest(argument);
    if uuid.is_empty() {
        return "-USAGE: <uuid> [all]\n".into();
    }
    let Some(key) = core.key_of(uuid) else { return NO_CHANNEL.into() };
    if let Some(channel) = core.channel(key).filter(|_| flags.contains("all")) {
        channel.queue.clear();
    }
    core.break_top(key);
    "+OK\n".into()
}
