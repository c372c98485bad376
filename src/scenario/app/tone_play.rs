//! `tone_play`: a tone goes out and comes back.

use std::time::Duration;

use super::{ANSWER_WITHIN, App, AppSteps, AppVariant, TALK_TIME, boxed, step};
use crate::scenario::mapping::{default, mapping, optional};
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
    /// `None`: the tone generator's own.
    pub level: Option<Dbm0>,
}

/// The milliwatt's frequency as it is used on digital trunks, off the submultiples of the sample rate.
const MILLIWATT: Hertz = Hertz(1_004.0);

pub(super) fn variant() -> AppVariant {
    let doc = "The callee answers and echoes; the caller plays a tone until `duration` (3s) is over, then hangs up.";
    Variant::new("tone_play", doc).bare(|| boxed(TonePlay { frequency: MILLIWATT, level: None })).with(
        mapping!(TonePlay {
            frequency: default("frequency", frequency(), MILLIWATT, "1004Hz", "The tone's frequency."),
            level: optional("level", level(), "The tone's level."),
        })
        .map(boxed),
    )
}

impl App for TonePlay {
    fn steps(&self, duration: Option<Duration>) -> AppSteps {
        let tone = Source::Tone { frequency: self.frequency, level: self.level, length: None };
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
