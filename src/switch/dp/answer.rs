//! `answer`: answers the call.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "answer", run };

fn run(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    // FreeSWITCH only logs that it could not.
    let _ = core.answer_call(key);
    Doing::Done
}
