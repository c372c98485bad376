//! `unset NAME`.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "unset", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    if let Some(channel) = core.channel(key) {
        channel.variables.unset(argument.trim());
    }
    Doing::Done
}
