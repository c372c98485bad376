//! `muted_play_rec`: both sides play, one at a time, and swap.

use std::path::PathBuf;
use std::time::Duration;

use super::play_rec::{LEAD, REC_PERIOD, Recorded, TAIL, recorded, recording, silence};
use super::{ANSWER_WITHIN, App, AppSteps, AppVariant, boxed, step};
use crate::audio::verify::Track;
use crate::scenario::mapping::{default, mapping, optional, required};
use crate::scenario::model::Leg;
use crate::scenario::scalar::{boolean, duration, file, integer};
use crate::scenario::step::play::{Loops, Source};
use crate::scenario::step::wait::Awaited;
use crate::scenario::step::{Answer, Hangup, Mute, Play, Sleep, Step, Unmute, Wait};
use crate::scenario::tagged::Variant;

/// The callee answers. First the caller is heard and the callee is silent, then the other way round, and so on.
///
/// Both clips play all the time, and a side that is not heard is muted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutedPlayRec {
    pub file: PathBuf,
    /// What the callee plays; `None`: the same.
    pub callee_file: Option<PathBuf>,
    /// How long one side is heard before they swap.
    pub period: Duration,
    /// How often they swap: once, and each side is heard once.
    pub swaps: u32,
    pub record: Recorded,
    pub stereo: bool,
    /// Under load, how long after a recorded call the next is.
    pub rec_period: Duration,
    /// Silence before the first turn.
    pub lead: Duration,
    pub tail: Duration,
}

/// How long one side is heard, unless told otherwise.
const PERIOD: Duration = Duration::from_secs(1);

pub(super) fn variant() -> AppVariant {
    let doc = "The callee answers; caller and callee play a clip each and are muted in turns; both are recorded.";
    let shape = mapping!(MutedPlayRec {
        file: required("file", file(), "The clip; its path is relative to the scenario's folder."),
        callee_file: optional("callee_file", file(), "What the callee plays; the same clip if not given."),
        period: default("period", duration(), PERIOD, "1s", "How long one side is heard before they swap."),
        swaps: default("swaps", integer(1..=1_000), 1, 1, "How often they swap."),
        record: default("record", recorded(), Recorded::Both, "both", "Whose leg is recorded."),
        stereo: default("stereo", boolean(), true, true, "Whether both sides of a leg are recorded, or what it hears."),
        rec_period: default(
            "rec_period",
            duration(),
            REC_PERIOD,
            "5s",
            "Under load, how long after a recorded call the next is. A call by itself is always recorded."
        ),
        lead: default("lead", duration(), LEAD, "500ms", "How long the call is silent before the first turn."),
        tail: default("tail", duration(), TAIL, "1s", "How long the call goes on in silence at its end."),
    });
    Variant::new("muted_play_rec", doc).with(shape.map(boxed))
}

impl MutedPlayRec {
    /// The turns of `leg`: its clip plays all the time, and is muted in every other period.
    fn turns(&self, leg: Leg) -> Vec<Box<dyn Step>> {
        let file = match leg {
            Leg::Caller => &self.file,
            Leg::Callee => self.callee_file.as_ref().unwrap_or(&self.file),
        };
        let clip = Play { sources: vec![Source::File(file.clone())], loops: Loops::Forever, wait: false };
        let muted = || step(Mute { track: Track::Said });
        let heard = |turn: u32| turn.is_multiple_of(2) == (leg == Leg::Caller);
        let turns = (0..=self.swaps)
            .flat_map(|turn| [if heard(turn) { step(Unmute) } else { muted() }, step(Sleep { time: self.period })]);
        let lead = [step(silence()), step(Sleep { time: self.lead }), muted(), step(clip)];
        lead.into_iter().chain(turns).chain([muted()]).collect()
    }
}

impl App for MutedPlayRec {
    fn steps(&self, duration: Option<Duration>) -> AppSteps {
        let mut caller = vec![step(Wait { awaited: Awaited::Answered, within: ANSWER_WITHIN })];
        caller.extend(self.turns(Leg::Caller));
        caller.push(step(Sleep { time: self.tail }));
        if duration.is_none() {
            caller.push(step(Hangup { cause: None }));
        }
        let mut callee = vec![step(Answer)];
        callee.extend(self.turns(Leg::Callee));
        AppSteps {
            caller,
            callee,
            record: self.record.spec(recording(self.stereo), self.rec_period),
            duration,
            ..AppSteps::default()
        }
    }
}
