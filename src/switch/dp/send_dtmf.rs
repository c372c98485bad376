//! `send_dtmf DIGITS[@MILLISECONDS]`: sends digits to the other side; the next application follows at once.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "send_dtmf", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    core.send_dtmf(key, argument.trim());
    Doing::Done
}
