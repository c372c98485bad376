//! `uuid_audio UUID start read|write mute LEVEL`, `uuid_audio UUID stop`: silence in place of what is heard or sent.
//!
//! Not done: `level`, which makes louder or quieter.

use crate::media::MediaCommand;

use super::super::channel::Muted;
use super::super::core::{ChannelKey, SwitchCore};
use super::super::events::origin;
use super::{ApiCommand, ApiWait};

pub(super) const COMMAND: ApiCommand = ApiCommand { name: "uuid_audio", run };

const USAGE: &str = "-USAGE: <uuid> [start [read|write] [[mute|level] <level>]|stop]\n";

fn run(core: &mut SwitchCore, argument: &str) -> ApiWait {
    let words: Vec<&str> = argument.split_whitespace().collect();
    let (uuid, muted) = match words.as_slice() {
        [uuid, "stop", ..] => (uuid, Muted::Nothing),
        [uuid, "start", "read", "mute", ..] => (uuid, Muted::Heard),
        [uuid, "start", "write", "mute", ..] => (uuid, Muted::Said),
        [_, "start", _, "level", ..] => return "-ERR level is not done by this switch\n".into(),
        _ => return USAGE.into(),
    };
    let Some(key) = core.key_of(uuid) else { return "-ERR Cannot locate session!\n".into() };
    core.mute(key, muted);
    "+OK\n".into()
}

impl SwitchCore {
    fn mute(&mut self, key: ChannelKey, muted: Muted) {
        let Some(channel) = self.channel(key) else { return };
        let (leg, before) = (channel.media.leg, std::mem::replace(&mut channel.muted, muted));
        self.media(MediaCommand::Mute { leg, said: muted == Muted::Said, heard: muted == Muted::Heard });
        let head = [("Media-Bug-Function", "audio"), ("Media-Bug-Target", "mute")];
        if before != Muted::Nothing {
            self.fire_channel(key, "MEDIA_BUG_STOP", origin::MEDIA_BUG_STOP, &head, &[]);
        }
        if muted != Muted::Nothing {
            self.fire_channel(key, "MEDIA_BUG_START", origin::MEDIA_BUG_START, &head, &[]);
        }
    }
}
