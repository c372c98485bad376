//! `play_rec`: a clip one way, silence the other, and recordings.

use std::path::PathBuf;
use std::time::Duration;

use super::{ANSWER_WITHIN, App, AppSteps, AppVariant, boxed, step};
use crate::media::Tracks;
use crate::scenario::mapping::{default, mapping, required};
use crate::scenario::model::{Leg, RecordSpec, Recording};
use crate::scenario::scalar::{boolean, duration, file, integer, word};
use crate::scenario::shape::Shape;
use crate::scenario::step::play::{Loops, Source};
use crate::scenario::step::wait::Awaited;
use crate::scenario::step::{Answer, Hangup, Play, Sleep, Wait};
use crate::scenario::tagged::Variant;
use crate::units::SampleRate;

/// The callee answers and sends silence; the caller plays a clip so many times, or again and again where the scenario
/// has a `duration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayRec {
    pub file: PathBuf,
    /// How often the clip is played; where the scenario has a `duration`, that decides.
    pub iterations: u32,
    /// Whose leg is recorded where the scenario has no `record`.
    pub record: Recorded,
    /// Whether both sides of a leg are recorded, each in its channel, or only what it hears.
    pub stereo: bool,
    /// Under load, how long after a recorded call the next is.
    pub rec_period: Duration,
    /// Silence before the clip: the first quarter of a second of a real switch's recording has holes.
    pub lead: Duration,
    /// How long the call goes on behind the clip. A real switch writes what it hears into a file half a second late,
    /// and what it has not written when the call ends is lost.
    pub tail: Duration,
}

/// Whose leg an app records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Both,
    Only(Leg),
}

impl Recorded {
    pub(super) fn spec(self, recording: Recording, period: Duration) -> RecordSpec {
        let of = |leg| (self == Recorded::Both || self == Recorded::Only(leg)).then_some(recording);
        RecordSpec { caller: of(Leg::Caller), callee: of(Leg::Callee), period: Some(period) }
    }
}

/// Longer than FreeSWITCH's buffer of a recording (25 frames of 20 ms).
pub(super) const TAIL: Duration = Duration::from_secs(1);

/// Behind the holes that FreeSWITCH's recordings begin with (measured: the last one at 320 ms).
pub(super) const LEAD: Duration = Duration::from_millis(500);

/// So that recordings of a loaded switch do not fill its disk.
pub(super) const REC_PERIOD: Duration = Duration::from_secs(5);

/// Longer than any call. One long silence, since each time a playback begins anew FreeSWITCH's recording has a hole.
const SILENCE: Duration = Duration::from_secs(24 * 3600);

pub(super) fn variant() -> AppVariant {
    let doc = "The callee answers and sends silence; the caller plays a clip; both legs are recorded.";
    let shape = mapping!(PlayRec {
        file: required("file", file(), "The clip; its path is relative to the scenario's folder."),
        iterations: default(
            "iterations",
            integer(1..=100),
            1,
            1,
            "How often the clip is played, where no `duration` says how long."
        ),
        record: default("record", recorded(), Recorded::Both, "both", "Whose leg is recorded."),
        stereo: default("stereo", boolean(), true, true, "Whether both sides of a leg are recorded, or what it hears."),
        rec_period: default(
            "rec_period",
            duration(),
            REC_PERIOD,
            "5s",
            "Under load, how long after a recorded call the next is. A call by itself is always recorded."
        ),
        lead: default("lead", duration(), LEAD, "500ms", "How long the call is silent before the clip."),
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

pub(super) fn recorded() -> Shape<Recorded> {
    word(&[("both", Recorded::Both), ("caller", Recorded::Only(Leg::Caller)), ("callee", Recorded::Only(Leg::Callee))])
}

/// Silence until something else is played: packets go out all the same.
pub(super) fn silence() -> Play {
    Play { sources: vec![Source::Silence(SILENCE)], loops: Loops::Times(1), wait: false }
}

/// Both sides of a leg, or what it hears.
pub(super) const fn recording(stereo: bool) -> Recording {
    Recording { tracks: if stereo { Tracks::Stereo } else { Tracks::Heard }, rate: SampleRate::NARROW }
}

impl App for PlayRec {
    fn steps(&self, duration: Option<Duration>) -> AppSteps {
        let clip = Source::File(self.file.clone());
        let mut caller = vec![step(Wait { awaited: Awaited::Answered, within: ANSWER_WITHIN })];
        if duration.is_some() {
            caller.push(step(Sleep { time: self.lead }));
            caller.push(step(Play { sources: vec![clip], loops: Loops::Forever, wait: false }));
        } else {
            let mut sources = vec![Source::Silence(self.lead)];
            sources.extend(std::iter::repeat_n(clip, self.iterations as usize));
            sources.push(Source::Silence(self.tail));
            caller.push(step(Play { sources, loops: Loops::Times(1), wait: true }));
            caller.push(step(Hangup { cause: None }));
        }
        AppSteps {
            caller,
            callee: vec![step(Answer), step(silence())],
            record: self.record.spec(recording(self.stereo), self.rec_period),
            duration,
            ..AppSteps::default()
        }
    }
}
