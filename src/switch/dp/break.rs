//! `break [all]`: ends what the channel is doing; `all` also drops what was sent and waits.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "break", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    if let Some(channel) = core.channel(key).filter(|_| argument.trim() == "all") {
        channel.queue.clear();
    }
    Doing::Done
}
