//! `start_dtmf_generate write` and `stop_dtmf_generate`: digits that the channel sends become tones in what it says.
//!
//! Not done: without `write` it is those that the channel receives, for the leg that it is connected to.

use super::super::channel::DigitsSent;
use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const START: Application = Application { name: "start_dtmf_generate", run: start };
pub(super) const STOP: Application = Application { name: "stop_dtmf_generate", run: stop };

fn start(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    // Without media nothing is said.
    if argument.trim().eq_ignore_ascii_case("write") && core.pre_answer(key).is_ok() {
        core.generate_dtmf(key, DigitsSent::AsTones);
    }
    Doing::Done
}

fn stop(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    core.generate_dtmf(key, DigitsSent::AsAgreed);
    Doing::Done
}
