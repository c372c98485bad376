//! `spandsp_start_dtmf`, `start_dtmf` and what stops them: digits in the audio that the channel hears become events.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const SPANDSP_START: Application = Application { name: "spandsp_start_dtmf", run: spandsp };
pub(super) const START: Application = Application { name: "start_dtmf", run: start };
pub(super) const SPANDSP_STOP: Application = Application { name: "spandsp_stop_dtmf", run: stop };
pub(super) const STOP: Application = Application { name: "stop_dtmf", run: stop };

fn spandsp(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    listen(core, key, "spandsp_dtmf_detect")
}

fn start(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    listen(core, key, "inband_dtmf")
}

fn listen(core: &mut SwitchCore, key: ChannelKey, by: &'static str) -> Doing {
    // Without media there is nothing to listen to.
    if core.pre_answer(key).is_ok() {
        core.detect_dtmf(key, Some(by));
    }
    Doing::Done
}

fn stop(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    core.detect_dtmf(key, None);
    Doing::Done
}
