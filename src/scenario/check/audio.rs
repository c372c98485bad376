//! `audio`: what was really heard and said, from the recordings of the legs.
//!
//! Each kind of demand that needs more than its bound has a file of its own.

use std::path::PathBuf;
use std::time::Duration;

mod crosstalk;
mod heard;
mod like;

pub use crosstalk::Crosstalk;
pub use heard::{Clipped, DeadAir};
pub(super) use heard::{Heard, heard};
pub use like::Like;

use super::{Check, CheckKey, Facts, Listens};
use crate::audio::describe::describe;
use crate::audio::verify::{AudioCheck, Sound, Track, verify_channel};
use crate::audio::wav::Wav;
use crate::bound::{Bound, Within};
use crate::scenario::mapping::{mapping, optional, required};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::{bound, file, within, word};
use crate::scenario::shape::Shape;
use crate::scenario::step::send_dtmf::digits;
use crate::units::{Db, Dbm0, Hertz, Percent};

/// A leg's recording sounds as asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    pub leg: Leg,
    /// `None`: whatever is recorded; what the leg heard, where there is a choice.
    pub track: Option<Track>,
    pub sound: Sound,
}

pub(super) fn key() -> CheckKey {
    let check = audio().placed();
    optional(
        "audio",
        check.list().expects("a list of audio checks"),
        "What must be heard in the recordings of the legs.",
    )
}

/// The keys of one audio check as they stand.
struct Keys {
    leg: Leg,
    heard: Option<Sound>,
    said: Option<Sound>,
    silence: Option<Bound<Duration>>,
    level: Option<Bound<Dbm0>>,
    length: Option<Bound<Duration>>,
    like: Option<like::Wanted>,
    clipping: Option<Bound<Percent>>,
    dead_air: Option<Bound<Duration>>,
    crosstalk: Option<Bound<Db>>,
    dtmf: Option<String>,
}

fn audio() -> Shape<Box<dyn Check>> {
    mapping!(Keys {
        leg: required("leg", leg(), "Whose recording."),
        heard: optional("heard", sound(), "What the leg received."),
        said: optional("said", sound(), "What the leg sent."),
        silence: optional("silence", bound(), SILENCE),
        level: optional("level", bound(), LEVEL),
        length: optional("length", bound(), "The recording's length."),
        like: optional("like", like::shape(), "How what the leg received stands to a clip that was played."),
        clipping: optional("clipping", bound(), "The share of what the leg received that is in flattened peaks."),
        dead_air: optional("dead_air", bound(), "The longest time for which the leg received no sound."),
        crosstalk: optional("crosstalk", bound(), "How strongly the leg hears itself, against what it said."),
        dtmf: optional("dtmf", digits(), DTMF),
    })
    .exactly_one(&["heard", "said", "silence", "level", "length", "like", "clipping", "dead_air", "crosstalk", "dtmf"])
    .and_then(|keys, _, _| {
        let Keys { leg, heard, said, silence, level, length, like, clipping, dead_air, crosstalk, dtmf } = keys;
        if let Some(wanted) = like {
            return Some(Box::new(Like { leg, wanted }) as Box<dyn Check>);
        }
        if let Some(bound) = clipping {
            return Some(Box::new(Clipped { leg, bound }));
        }
        if let Some(bound) = dead_air {
            return Some(Box::new(DeadAir { leg, bound }));
        }
        if let Some(bound) = crosstalk {
            return Some(Box::new(Crosstalk { leg, bound }));
        }
        let track = heard.as_ref().map(|_| Track::Heard).or(said.as_ref().map(|_| Track::Said));
        let sound =
            heard.or(said).or(silence.map(Sound::Silence)).or(level.map(Sound::Level)).or(dtmf.map(Sound::Dtmf));
        Some(Box::new(Audio { leg, track, sound: sound.or(length.map(Sound::Length))? }))
    })
    .expects("an audio check, a mapping with `leg` and `heard`, `said`, `like` or another")
}

/// A leg by its name.
pub(super) fn leg() -> Shape<Leg> {
    word(&[("caller", Leg::Caller), ("callee", Leg::Callee)])
}

const SILENCE: &str = "The longest silence between the first sound and the last.";
const LEVEL: &str = "The level of what sounds.";
const DTMF: &str = "These digits as tones, in this order, and no others: `\"123#\"`.";

/// The keys under `heard` and `said` as they stand.
struct SoundKeys {
    tone: Option<Within<Hertz>>,
    level: Option<Bound<Dbm0>>,
    length: Option<Bound<Duration>>,
    silence: Option<Bound<Duration>>,
    bit_exact: Option<PathBuf>,
    dtmf: Option<String>,
}

fn sound() -> Shape<Sound> {
    mapping!(SoundKeys {
        tone: optional("tone", within(), "A tone of this frequency."),
        level: optional("level", bound(), "The level of the tone, or of all that sounds."),
        length: optional("for", bound(), "How long the tone lasts in total."),
        silence: optional("silence", bound(), SILENCE),
        bit_exact: optional("bit_exact", file(), "A WAV file that must be there to the bit, as G.711 carries it."),
        dtmf: optional("dtmf", digits(), DTMF),
    })
    .at_least_one(&["tone", "level", "silence", "bit_exact", "dtmf"], "nothing to listen for")
    .needs("for", &["tone"])
    .excludes("silence", &["tone", "level"], "give each its own item of the list")
    .excludes("bit_exact", &["tone", "level", "silence", "dtmf"], "give each its own item of the list")
    .excludes("dtmf", &["tone", "level", "silence"], "give each its own item of the list")
    .and_then(|keys, _, _| {
        let SoundKeys { tone, level, length, silence, bit_exact, dtmf } = keys;
        let tone = tone.map(|frequency| Sound::Tone { frequency, level, lasting: length });
        tone.or(silence.map(Sound::Silence))
            .or(level.map(Sound::Level))
            .or(bit_exact.map(Sound::BitExact))
            .or(dtmf.map(Sound::Dtmf))
    })
    .named("sound")
}

impl Check for Audio {
    fn kind(&self) -> &'static str {
        "audio"
    }

    fn describe(&self) -> String {
        let check = AudioCheck { track: self.track.unwrap_or(Track::Heard), what: self.sound.clone() }.to_string();
        let check = if self.track.is_none() { check.trim_start_matches("heard ") } else { &check };
        format!("{} {check}", self.leg)
    }

    fn facts(&self) -> Facts {
        Facts { listens: Some(Listens { leg: self.leg, track: self.track }), ..Facts::default() }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let heard @ Heard { wav, channel, pcm, .. } = match heard(outcome, self.leg, self.track, &self.describe()) {
            Ok(heard) => heard,
            Err(found) => return *found,
        };
        let check = AudioCheck { track: self.track.unwrap_or(Track::Heard), what: self.sound.clone() };
        match verify_channel(wav, channel, &check) {
            Ok(finding) => {
                let mut help = finding.help;
                if !finding.holds {
                    let spans = describe(&Wav { channels: vec![pcm.to_vec()], ..wav.clone() });
                    help = format!("{help}\nrecording: {}", spans.join("; "));
                }
                let found = Found::new(finding.holds, self.describe(), finding.actual)
                    .help(help)
                    .passages(heard.passages(finding.places));
                let leg = self.leg;
                finding.figures.iter().fold(found, |found, (name, value)| match self.sound {
                    Sound::Length(_) => found.figure(format!("{leg}.recording.{name}"), *value),
                    _ => found.figure(format!("{leg}.{}.{name}", check.track), *value),
                })
            }
            Err(error) => Found::unknown(self.describe(), error.to_string()),
        }
    }
}
