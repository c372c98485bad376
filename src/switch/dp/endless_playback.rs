//! `endless_playback SOUND`: plays until the channel is hung up or a break.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing, Repeat};

pub(super) const APPLICATION: Application = Application { name: "endless_playback", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    core.start_playback(key, argument, Repeat::Endless)
}
