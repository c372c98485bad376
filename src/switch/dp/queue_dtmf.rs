//! `queue_dtmf DIGITS[@MILLISECONDS]`: digits as if the other side had sent them.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "queue_dtmf", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    core.queue_dtmf(key, argument.trim());
    Doing::Done
}
