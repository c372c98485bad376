//! `pre_answer`: early media.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "pre_answer", run };

fn run(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    let _ = core.pre_answer(key);
    Doing::Done
}
