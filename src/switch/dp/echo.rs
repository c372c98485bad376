//! `echo`: sends back what is heard.

use crate::media::MediaCommand;

use super::super::core::{ChannelKey, SwitchCore, Task};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "echo", run };

fn run(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    if core.pre_answer(key).is_err() {
        return Doing::Done;
    }
    if let Some(channel) = core.channel(key) {
        let leg = channel.media.leg;
        core.media(MediaCommand::Echo { leg, on: true });
    }
    core.later(Task::Pump(key));
    Doing::Echo
}
