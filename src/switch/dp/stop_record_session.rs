//! `stop_record_session PATH|all`.

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "stop_record_session", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    match core.stop_recording(key, argument.trim()) {
        stopping if stopping.is_empty() => Doing::Done,
        stopping => Doing::RecordStop(stopping),
    }
}
