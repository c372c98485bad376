//! `tone_detect NAME FREQUENCY[,FREQUENCY] [FLAGS] ...`: listens for a tone; DETECTED_TONE tells of it.
//!
//! Done here: one frequency, of what the channel hears. Not done: several at once, what is sent, timeouts,
//! applications to run.

use crate::media::MediaCommand;
use crate::units::Hertz;

use super::super::core::{ChannelKey, SwitchCore};
use super::super::events::origin;
use super::{Application, Doing};

pub(super) const APPLICATION: Application = Application { name: "tone_detect", run };

fn run(core: &mut SwitchCore, key: ChannelKey, argument: &str) -> Doing {
    let mut words = argument.split_whitespace();
    let (Some(name), Some(frequency)) = (words.next(), words.next()) else { return Doing::Done };
    let Ok(frequency) = frequency.parse::<f64>() else { return Doing::Done };
    if core.pre_answer(key).is_err() {
        return Doing::Done;
    }
    let Some(channel) = core.channel(key) else { return Doing::Done };
    let leg = channel.media.leg;
    core.media(MediaCommand::DetectTone { leg, name: name.to_owned(), frequency: Hertz(frequency) });
    let head = [("Media-Bug-Function", "tone_detect"), ("Media-Bug-Target", name)];
    core.fire_channel(key, "MEDIA_BUG_START", origin::MEDIA_BUG_START, &head, &[]);
    Doing::Done
}

impl SwitchCore {
    /// FreeSWITCH tells of a tone twice: without the channel, and with it.
    pub(in super::super) fn tone_detected(&mut self, key: ChannelKey, name: &str) {
        self.fire_plain("DETECTED_TONE", origin::DETECTED_TONE, &[("Detected-Tone", name)]);
        self.fire_channel(key, "DETECTED_TONE", origin::DETECTED_TONE, &[("Detected-Tone", name)], &[]);
    }
}
