//! `info`: everything about the channel in the log.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "info", run };

fn run(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    let text = core.dump(key);
    tracing::info!(target: "callwright::switch", "CHANNEL_DATA:\n{text}");
    Doing::Done
}
