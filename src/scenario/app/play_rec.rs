//! `play_rec`: a clip one way, both legs recorded.

use std::path::PathBuf;
use std::time::Duration;

use super::{ANSWER_WITHIN, App, AppSteps, AppVariant, boxed, step};
use crate::media::Tracks;
use crate::scenario::mapping::{default, mapping, required};
use crate::scenario::model::{RecordSpec, Recording};
use crate::scenario::scalar::{duration, file};
use crate::scenario::step::play::{Loops, Source};
use crate::scenario::step::wait::Awaited;
use crate::scenario::step::{Answer, Hangup, Play, Sleep, Wait};
use crate::scenario::tagged::Variant;
use crate::units::SampleRate;

/// The callee answers; the caller plays a clip, once, or again and again where the scenario has a `duration`. Both legs
/// are recorded, both sides of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayRec {
    pub file: PathBuf,
    /// How long the call goes on behind the clip. A real switch writes what it hears into a file half a second late,
    /// and what it has not written when the call ends is lost.
    pub tail: Duration,
}

/// Longer than FreeSWITCH's buffer of a recording (25 frames of 20 ms).
const TAIL: Duration = Duration::from_secs(1);

pub(super) fn variant() -> AppVariant {
    let doc = "The callee answers; the caller plays a clip once, or until `duration` is over; both legs are recorded.";
    let shape = mapping!(PlayRec {
        file: required("file", file(), "The clip; its path is relative to the scenario's folder."),
        tail: default(
            "tail",
            duration(),
            TAIL,
            "1s",
            "How long the call goes on behind the clip, so that its end is recorded."
        ),
    });
    Variant::new("play_rec", doc).with(shape.map(boxed))
}

impl App for PlayRec {
    fn steps(&self, duration: Option<Duration>) -> AppSteps {
        let both = Recording { tracks: Tracks::Stereo, rate: SampleRate::NARROW };
        let sources = vec![Source::File(self.file.clone())];
        let mut caller = vec![step(Wait { awaited: Awaited::Answered, within: ANSWER_WITHIN })];
        if duration.is_some() {
            caller.push(step(Play { sources, loops: Loops::Forever, wait: false }));
        } else {
            caller.push(step(Play { sources, loops: Loops::Times(1), wait: true }));
            caller.push(step(Sleep { time: self.tail }));
            caller.push(step(Hangup { cause: None }));
        }
        AppSteps {
            caller,
            callee: vec![step(Answer)],
            record: RecordSpec { caller: Some(both), callee: Some(both) },
            duration,
            ..AppSteps::default()
        }
    }
}
