//! `hangup [CAUSE]`.

use crate::call::HangupCause;

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "hangup", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    core.hangup(key, HangupCause::from_command(argument.trim()));
    Doing::Done
}
