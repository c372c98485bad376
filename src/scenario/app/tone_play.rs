//! `tone_play`: a tone goes out and comes back.

use std::time::Duration;

use super::{ANSWER_WITHIN, App, AppSteps, AppVariant, TALK_TIME, boxed, step};
use crate::scenario::mapping::{default, mapping};
use crate::scenario::scalar::{frequency, level};
use crate::scenario::step::play::{Loops, Source};
use crate::scenario::step::wait::Awaited;
use crate::scenario::step::{Answer, Echo, Play, Wait};
use crate::scenario::tagged::Variant;
use crate::units::{Dbm0, Hertz};

/// The callee answers and echoes; the caller plays a tone until the talk time is over.
#[derive(Clone, Debug, PartialEq)]
pub struct TonePlay {
    pub frequency: Hertz,
    pub level: Dbm0,
}

/// The milliwatt: 0 dBm0 at a frequency that is no submultiple of the sample rate (ITU-T O.6 recommends such a one).
const MILLIWATT_LEVEL: Dbm0 = Dbm0(0.0);
const MILLIWATT: Hertz = Hertz(1_004.0);

impl Default for TonePlay {
    fn default() -> Self {
        TonePlay { frequency: MILLIWATT, level: MILLIWATT_LEVEL }
    }
}

pub(super) fn variant() -> AppVariant {
    let doc = "The callee answers and echoes; the caller plays a tone until `duration` (3s) is over, then hangs up.";
    Variant::new("tone_play", doc).bare(|| boxed(TonePlay::default())).with(
        mapping!(TonePlay {
            frequency: default("frequency", frequency(), MILLIWATT, "1004Hz", "The tone's frequency."),
            level: default("level", level(), MILLIWATT_LEVEL, "0dBm0", "The tone's level."),
        })
        .map(boxed),
    )
}

impl App for TonePlay {
    fn steps(&self, duration: Option<Duration>) -> AppSteps {
        let tone = Source::Tone { frequency: self.frequency, level: Some(self.level), length: None };
        AppSteps {
            caller: vec![
                step(Wait { awaited: Awaited::Answered, within: ANSWER_WITHIN }),
                step(Play { sources: vec![tone], loops: Loops::Times(1), wait: false }),
            ],
            callee: vec![step(Answer), step(Echo)],
            duration: Some(duration.unwrap_or(TALK_TIME)),
            ..AppSteps::default()
        }
    }
}
