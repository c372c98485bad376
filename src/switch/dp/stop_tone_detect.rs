//! `stop_tone_detect`: listens for tones no more.

use crate::media::MediaCommand;

use super::super::core::{ChannelKey, SwitchCore};
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "stop_tone_detect", run };

fn run(core: &mut SwitchCore, key: ChannelKey, _: &str) -> Doing {
    if let Some(channel) = core.channel(key) {
        let leg = channel.media.leg;
        core.media(MediaCommand::StopDetecting { leg });
    }
    Doing::Done
}
