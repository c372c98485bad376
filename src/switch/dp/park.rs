//! `park`: waits for commands.

use super::super::core::{ChannelKey, SwitchCore, Task};
use super::super::events::origin;
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "park", run };

fn run(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    core.fire_channel(key, "CHANNEL_PARK", origin::PARK, &[], &[]);
    core.later(Task::Pump(key));
    Doing::Park
}
