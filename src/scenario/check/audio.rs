//! `audio`: what was really heard and said, from the recordings of the legs.

use std::time::Duration;

use super::{Check, CheckKey, Facts, Listens};
use crate::audio::describe::describe;
use crate::audio::verify::{AudioCheck, Sound, Track, verify_channel};
use crate::audio::wav::Wav;
use crate::bound::{Bound, Within};
use crate::scenario::mapping::{mapping, optional, required};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::{bound, within, word};
use crate::scenario::shape::Shape;
use crate::scenario::step::send_dtmf::digits;
use crate::units::{Dbm0, Hertz};

/// A leg's recording sounds as asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    pub leg: Leg,
    /// `None`: whatever is recorded; what the leg heard, where there is a choice.
    pub track: Option<Track>,
    pub sound: Sound,
}

pub(super) fn key() -> CheckKey {
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
    dtmf: Option<String>,
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
        dtmf: optional("dtmf", digits(), DTMF),
    })
    .exactly_one(&["heard", "said", "silence", "level", "length", "dtmf"])
    .and_then(|keys, _, _| {
        let Keys { leg, heard, said, silence, level, length, dtmf } = keys;
        let track = heard.as_ref().map(|_| Track::Heard).or(said.as_ref().map(|_| Track::Said));
        let sound =
            heard.or(said).or(silence.map(Sound::Silence)).or(level.map(Sound::Level)).or(dtmf.map(Sound::Dtmf));
        Some(Audio { leg, track, sound: sound.or(length.map(Sound::Length))? })
    })
    .expects("an audio check, a mapping with `leg` and `heard`, `said`, `silence`, `level`, `length` or `dtmf`")
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
    dtmf: Option<String>,
}

fn sound() -> Shape<Sound> {
    mapping!(SoundKeys {
        tone: optional("tone", within(), "A tone of this frequency."),
        level: optional("level", bound(), "The level of the tone, or of all that sounds."),
        length: optional("for", bound(), "How long the tone lasts in total."),
        silence: optional("silence", bound(), SILENCE),
        dtmf: optional("dtmf", digits(), DTMF),
    })
    .at_least_one(&["tone", "level", "silence", "dtmf"], "nothing to listen for")
    .needs("for", &["tone"])
    .excludes("silence", &["tone", "level"], "give each its own item of the list")
    .excludes("dtmf", &["tone", "level", "silence"], "give each its own item of the list")
    .and_then(|keys, _, _| {
        let SoundKeys { tone, level, length, silence, dtmf } = keys;
        let tone = tone.map(|frequency| Sound::Tone { frequency, level, lasting: length });
        tone.or(silence.map(Sound::Silence)).or(level.map(Sound::Level)).or(dtmf.map(Sound::Dtmf))
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
        let leg = outcome.leg(self.leg);
        let Some((recorded, wav)) =
            leg.recordings.iter().rev().find(|(r, _)| r.recording.channel(self.track).is_some())
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
        let channel = recorded.recording.channel(self.track).unwrap_or_default();
        let Some(pcm) = wav.channels.get(channel) else {
            let why = format!("the recording has {} channels where stereo was asked for", wav.channels.len());
            return Found::unknown(self.describe(), why);
        };
        let check = AudioCheck { track: self.track.unwrap_or(Track::Heard), what: self.sound.clone() };
        match verify_channel(wav, channel, &check) {
            Ok(finding) => {
                let mut help = finding.help;
                if !finding.holds {
                    let spans = describe(&Wav { channels: vec![pcm.clone()], ..wav.clone() });
                    help = format!("{help}\nrecording: {}", spans.join("; "));
                }
                Found::new(finding.holds, self.describe(), finding.actual).help(help)
            }
            Err(error) => Found::unknown(self.describe(), error.to_string()),
        }
    }
}
