//! `bridge {variables}sofia/profile/user@host`: calls somebody and connects the channel to them.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "bridge", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    core.bridge(key, argument)
}
