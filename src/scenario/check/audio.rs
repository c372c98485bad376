//! `audio`: what was really heard and said, from the recordings of the legs.

use std::time::Duration;

use super::{Check, Facts, Listens};
use crate::bound::{Bound, Within};
use crate::scenario::mapping::{Key, mapping, optional, required};
use crate::scenario::model::{Leg, PlacedCheck, Side};
use crate::scenario::scalar::{bound, within, word};
use crate::scenario::shape::Shape;
use crate::audio::describe::describe;
use crate::audio::verify::{self, AudioCheck, Track};
use crate::audio::wav::Wav;
use crate::scenario::outcome::{Found, Outcome};
use crate::units::{Dbm0, Hertz};

/// A leg's recording sounds as asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    pub leg: Leg,
    /// `None`: whatever is recorded; what the leg heard, where there is a choice.
    pub side: Option<Side>,
    pub sound: Sound,
}

impl Sound {
    /// The same in the verifier's words.
    fn verifiable(self) -> verify::Sound {
        match self {
            Sound::Tone { frequency, level, length } => verify::Sound::Tone { frequency, level, lasting: length },
            Sound::Silence(bound) => verify::Sound::Silence(bound),
            Sound::Level(bound) => verify::Sound::Level(bound),
            Sound::Length(bound) => verify::Sound::Length(bound),
        }
    }
}

/// What must be in a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sound {
    /// A tone that is all there is for `length` in total.
    Tone { frequency: Within<Hertz>, level: Option<Bound<Dbm0>>, length: Option<Bound<Duration>> },
    /// The longest silence after the first sound and before the last.
    Silence(Bound<Duration>),
    /// The level of all that sounds.
    Level(Bound<Dbm0>),
    /// The recording's length.
    Length(Bound<Duration>),
}

pub(super) fn key() -> Key<Option<Vec<PlacedCheck>>> {
    let check = audio().map(|check| Box::new(check) as Box<dyn Check>).placed();
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
}

fn audio() -> Shape<Audio> {
    let leg = word(&[("caller", Leg::Caller), ("callee", Leg::Callee)]);
    mapping!(Keys {
        leg: required("leg", leg, "Whose recording."),
        heard: optional("heard", sound(), "What the leg received."),
        said: optional("said", sound(), "What the leg sent."),
        silence: optional("silence", bound(), SILENCE),
        level: optional("level", bound(), LEVEL),
        length: optional("length", bound(), "The recording's length."),
    })
    .exactly_one(&["heard", "said", "silence", "level", "length"])
    .and_then(|keys, _, _| {
        let Keys { leg, heard, said, silence, level, length } = keys;
        let side = heard.map(|_| Side::Heard).or(said.map(|_| Side::Said));
        let sound = heard.or(said).or(silence.map(Sound::Silence)).or(level.map(Sound::Level));
        Some(Audio { leg, side, sound: sound.or(length.map(Sound::Length))? })
    })
    .expects("an audio check, a mapping with `leg` and `heard`, `said`, `silence`, `level` or `length`")
}

const SILENCE: &str = "The longest silence between the first sound and the last.";
const LEVEL: &str = "The level of what sounds.";

/// The keys under `heard` and `said` as they stand.
struct SoundKeys {
    tone: Option<Within<Hertz>>,
    level: Option<Bound<Dbm0>>,
    length: Option<Bound<Duration>>,
    silence: Option<Bound<Duration>>,
}

fn sound() -> Shape<Sound> {
    mapping!(SoundKeys {
        tone: optional("tone", within(), "A tone of this frequency."),
        level: optional("level", bound(), "The level of the tone, or of all that sounds."),
        length: optional("for", bound(), "How long the tone lasts in total."),
        silence: optional("silence", bound(), SILENCE),
    })
    .at_least_one(&["tone", "level", "silence"], "nothing to listen for")
    .needs("for", &["tone"])
    .excludes("silence", &["tone", "level"], "give each its own item of the list")
    .and_then(|keys, _, _| {
        let SoundKeys { tone, level, length, silence } = keys;
        let tone = tone.map(|frequency| Sound::Tone { frequency, level, length });
        tone.or(silence.map(Sound::Silence)).or(level.map(Sound::Level))
    })
    .named("sound")
}

impl Check for Audio {
    fn kind(&self) -> &'static str {
        "audio"
    }

    fn describe(&self) -> String {
        let whose = match self.side {
            Some(side) => format!("{} {side}", self.leg),
            None => self.leg.to_string(),
        };
        match &self.sound {
            Sound::Tone { frequency, level, length } => {
                let level = level.map_or(String::new(), |level| format!(" at {level}"));
                let length = length.map_or(String::new(), |length| format!(" for {length}"));
                format!("{whose} tone {frequency}{level}{length}")
            }
            Sound::Silence(bound) => format!("{whose} silence {bound}"),
            Sound::Level(bound) => format!("{whose} level {bound}"),
            Sound::Length(bound) => format!("{whose} recording {bound}"),
        }
    }

    fn facts(&self) -> Facts {
        Facts { listens: Some(Listens { leg: self.leg, side: self.side }), ..Facts::default() }
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let leg = outcome.leg(self.leg);
        let Some((recorded, wav)) = leg.recordings.iter().rev().find(|(r, _)| r.recording.channel(self.side).is_some())
        else {
            let why = format!("no recording was begun: {}", outcome.end_of(self.leg));
            return Found::new(false, self.describe(), why);
        };
        let wav = match wav {
            Ok(wav) => wav,
            Err(error) => {
                return Found::unknown(self.describe(), error)
                    .help("without the recording nobody knows what was heard, so this is no pass");
            }
        };
        let channel = recorded.recording.channel(self.side).unwrap_or_default();
        let Some(pcm) = wav.channels.get(channel) else {
            let why = format!("the recording has {} channels where stereo was asked for", wav.channels.len());
            return Found::unknown(self.describe(), why);
        };
        // The verifier looks for what was said behind what was heard.
        let track = if self.side == Some(Side::Said) { Track::Said } else { Track::Heard };
        let wav = Wav { channels: vec![pcm.clone(), pcm.clone()], ..wav.clone() };
        match verify::verify(&wav, &AudioCheck { track, what: self.sound.verifiable() }) {
            Ok(finding) => {
                let mut help = finding.help;
                if !finding.holds {
                    let spans = describe(&Wav { channels: vec![pcm.clone()], ..wav });
                    help = format!("{help}\nrecording: {}", spans.join("; "));
                }
                Found::new(finding.holds, self.describe(), finding.actual).help(help)
            }
            Err(error) => Found::unknown(self.describe(), error.to_string()),
        }
    }
}
