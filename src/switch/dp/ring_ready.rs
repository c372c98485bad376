//! `ring_ready`: 180 Ringing.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "ring_ready", run };

fn run(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    let _ = core.ring_ready(key);
    Doing::Done
}
