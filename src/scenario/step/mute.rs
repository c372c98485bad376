//! `mute` and `unmute`: silence in place of what a leg says or hears.

use super::{Begun, Start, Step, StepVariant, Until, boxed};
use crate::audio::verify::Track;
use crate::scenario::scalar::word;
use crate::scenario::tagged::Variant;

/// Replaces by silence what this leg says, or what it hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mute {
    pub track: Track,
}

/// Ends every muting of this leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmute;

pub(super) fn mute() -> StepVariant {
    let tracks = word(&[("said", Track::Said), ("heard", Track::Heard)]);
    Variant::new("mute", "Replaces what this leg says by silence, or what it hears with `mute: heard`.")
        .bare(|| boxed(Mute { track: Track::Said }))
        .with(tracks.map(|track| boxed(Mute { track })))
}

pub(super) fn unmute() -> StepVariant {
    Variant::new("unmute", "Ends the muting of this leg.").bare(|| boxed(Unmute))
}

impl Step for Mute {
    fn kind(&self) -> &'static str {
        "mute"
    }

    fn describe(&self) -> String {
        format!("mute what is {}", self.track)
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        let direction = match self.track {
            Track::Said => "write",
            Track::Heard => "read",
        };
        start.api_on_leg("uuid_audio", &format!("start {direction} mute 1"));
        Until::Replied.into()
    }
}

impl Step for Unmute {
    fn kind(&self) -> &'static str {
        "unmute"
    }

    fn describe(&self) -> String {
        "unmute".to_owned()
    }

    fn start(&self, start: &mut Start<'_>) -> Begun {
        start.api_on_leg("uuid_audio", "stop");
        Until::Replied.into()
    }
}
