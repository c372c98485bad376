//! What a scenario asks of a recording, and whether the recording is like that.
//!
//! A check that does not hold says what was found instead and hints at the cause. Silence is what is below
//! [`DEFAULT_THRESHOLD`]; tones are found as [`span`] tells.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use crate::audio::bit_exact;
use crate::audio::dtmf::{self, DtmfDigit};
use crate::audio::level;
use crate::audio::silence::{DEFAULT_THRESHOLD, Silences};
use crate::audio::span::{self, Span};
use crate::audio::wav::{self, Wav, WavError};
use crate::bound::{Bound, Within};
use crate::units::{Dbm0, Hertz, SampleRate, human};

mod place;
mod tone;

pub use place::joined;
pub use tone::HEARD;

/// A channel of a recording, as FreeSWITCH's `RECORD_STEREO` lays them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Track {
    /// What the leg received: the left channel, or the only one.
    Heard,
    /// What the leg sent: the right channel.
    Said,
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Track::Heard => "heard",
            Track::Said => "said",
        })
    }
}

/// One demand on a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioCheck {
    pub track: Track,
    pub what: Sound,
}

/// What must be in a track.
#[derive(Clone, Debug, PartialEq)]
pub enum Sound {
    /// A steady tone, alone. `lasting` bounds the total time for which it, at its level, is what there is, to 10 ms;
    /// without a bound it must be there for [`HEARD`] without a break.
    Tone { frequency: Within<Hertz>, level: Option<Bound<Dbm0>>, lasting: Option<Bound<Duration>> },
    /// Level of all that is not silence; of the whole track when all is.
    Level(Bound<Dbm0>),
    /// The longest gap between the first and the last sound, to 1 ms: zero when there is none, and the whole track
    /// when that is silent.
    Silence(Bound<Duration>),
    /// Length of the recording.
    Length(Bound<Duration>),
    /// All samples of this WAV file, as G.711 carries them, one behind the other (see [`bit_exact`]).
    BitExact(PathBuf),
    /// These digits as tones, no others, in this order.
    Dtmf(String),
}

impl fmt::Display for AudioCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Sound::Tone { frequency, level, lasting } => {
                write!(f, "{} tone {frequency}", self.track)?;
                if let Some(level) = level {
                    write!(f, " at {level}")?;
                }
                match lasting {
                    Some(lasting) => write!(f, " for {lasting}"),
                    None => Ok(()),
                }
            }
            Sound::Level(bound) => write!(f, "{} level {bound}", self.track),
            Sound::Silence(bound) => write!(f, "{} longest gap {bound}", self.track),
            Sound::Length(bound) => write!(f, "recording length {bound}"),
            Sound::BitExact(path) => write!(f, "{} {} bit by bit", self.track, path.display()),
            Sound::Dtmf(digits) => write!(f, "{} DTMF {digits}", self.track),
        }
    }
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub holds: bool,
    pub expected: String,
    pub actual: String,
    /// One sentence on what may have caused it; empty when the check holds.
    pub help: String,
    /// What was measured, with the unit in the name: `level_dbm0`. Negative infinity is the level of silence.
    pub figures: Vec<(&'static str, f64)>,
    /// The samples that are to blame; none when the check holds.
    pub places: Vec<Range<usize>>,
}

/// Why a check cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the recording has one channel, so what was said is not in it: record both directions in stereo")]
    NotStereo,
    #[error("cannot compare: {0}")]
    Reference(#[from] WavError),
    #[error("cannot compare bit by bit a reference at {reference} with a recording at {recording}")]
    Rates { reference: SampleRate, recording: SampleRate },
}

/// Holds `check` against a recording of both directions: heard on the left, said on the right, or heard alone.
pub fn verify(wav: &Wav, check: &AudioCheck) -> Result<Finding, VerifyError> {
    verify_channel(wav, usize::from(check.track == Track::Said), check)
}

/// Holds `check` against one channel of a recording, whichever direction that is.
pub fn verify_channel(wav: &Wav, channel: usize, check: &AudioCheck) -> Result<Finding, VerifyError> {
    let pcm = wav.channels.get(channel).ok_or(VerifyError::NotStereo)?;
    let track = Listened::new(pcm, wav.rate, check.track);
    let (holds, mut actual, help) = match &check.what {
        Sound::Tone { frequency, level, lasting } => tone::verify(&track, *frequency, *level, *lasting),
        Sound::Level(bound) => level_of_sound(&track, bound),
        Sound::Silence(bound) => longest_gap(&track, bound),
        Sound::Length(bound) => length(wav, bound),
        Sound::BitExact(path) => bit_exactness(wav, pcm, wav::read(path)?)?,
        Sound::Dtmf(wanted) => digits(&track, wanted),
    };
    if let (Some(repaired), false) = (&wav.repaired, holds) {
        actual = format!("{actual} (the file was repaired: {repaired})");
    }
    let help = if holds { String::new() } else { help };
    let figures = figures(&track, wav, &check.what);
    let places = if holds { Vec::new() } else { place::of_failure(&track, &check.what) };
    Ok(Finding { holds, expected: check.to_string(), actual, help, figures, places })
}

fn figures(track: &Listened<'_>, wav: &Wav, what: &Sound) -> Vec<(&'static str, f64)> {
    match what {
        Sound::Tone { frequency, .. } => tone::figures(track, *frequency),
        Sound::Level(_) => vec![("level_dbm0", track.active().0.0)],
        Sound::Silence(_) => {
            let gap = track.silences.longest_gap().map_or(Duration::ZERO, |gap| gap.length);
            let gap = if track.silences.throughout() { track.length() } else { gap };
            vec![("gap_ms", gap.as_secs_f64() * 1e3)]
        }
        Sound::Length(_) => vec![("length_s", wav.duration().as_secs_f64())],
        Sound::BitExact(_) | Sound::Dtmf(_) => Vec::new(),
    }
}

/// One track and what is in it.
#[derive(Debug)]
struct Listened<'a> {
    track: Track,
    rate: SampleRate,
    pcm: &'a [i16],
    silences: Silences,
    spans: Vec<Span>,
}

impl<'a> Listened<'a> {
    fn new(pcm: &'a [i16], rate: SampleRate, track: Track) -> Self {
        let silences = Silences::find(pcm, rate, DEFAULT_THRESHOLD);
        let spans = span::spans(pcm, rate, &silences);
        Listened { track, rate, pcm, silences, spans }
    }

    /// Time in `samples`, to the nearest 10 ms.
    fn rounded(&self, samples: usize) -> Duration {
        round(self.rate.duration(samples), Duration::from_millis(10))
    }

    fn at(&self, sample: usize) -> String {
        human(round(self.rate.duration(sample), Duration::from_millis(1)))
    }

    fn length(&self) -> Duration {
        self.rate.duration(self.pcm.len())
    }

    /// Samples of `range` in which there is sound.
    fn sounding(&self, range: &Range<usize>) -> usize {
        range.len() - self.silences.within(range)
    }

    /// Level of what is not silence, and for how many samples there is any.
    fn active(&self) -> (Dbm0, usize) {
        let mut power = 0.0;
        let mut samples = 0;
        for sound in self.silences.sounds() {
            power += level::power(&self.pcm[sound.clone()]).unwrap_or(0.0) * sound.len() as f64;
            samples += sound.len();
        }
        (level::of_power(power / samples.max(1) as f64), samples)
    }

    /// `silence (-78.1 dBm0) throughout`
    fn silence_throughout(&self) -> String {
        match level::level(self.pcm) {
            Some(level) => format!("silence ({level}) throughout"),
            None => "no samples".to_owned(),
        }
    }

    /// What silence where sound should be may come from.
    fn nothing_there(&self) -> String {
        match self.track {
            Track::Heard => "nothing was heard: an echo or a playback is missing, or audio goes one way only",
            Track::Said => "nothing was said: the leg played nothing, or was muted",
        }
        .to_owned()
    }
}

fn round(time: Duration, to: Duration) -> Duration {
    let (nanos, step) = (time.as_nanos(), to.as_nanos().max(1));
    Duration::from_nanos(((nanos + step / 2) / step * step) as u64)
}

/// Whether the check holds, what was found, and a hint.
type Outcome = (bool, String, String);

fn level_of_sound(track: &Listened<'_>, bound: &Bound<Dbm0>) -> Outcome {
    if track.silences.throughout() {
        let level = level::level(track.pcm).unwrap_or(Dbm0(f64::NEG_INFINITY));
        return (bound.holds(level), track.silence_throughout(), track.nothing_there());
    }
    let (level, samples) = track.active();
    let share = format!("in {} of {}", human(track.rounded(samples)), human(track.rounded(track.pcm.len())));
    let help = if bound.wants_more_than(level) {
        "too quiet: an attenuation stands in the path, or only noise is left of the sound"
    } else {
        "too loud: a gain stands in the path, or there is sound where quiet was asked for"
    };
    (bound.holds(level), format!("{level} {share}"), help.to_owned())
}

fn longest_gap(track: &Listened<'_>, bound: &Bound<Duration>) -> Outcome {
    let millisecond = Duration::from_millis(1);
    let (length, actual) = match track.silences.longest_gap() {
        _ if track.silences.throughout() => (track.length(), track.silence_throughout()),
        Some(gap) => {
            let count = track.silences.gaps().count();
            let others = if count > 1 { format!(", the longest of {count}") } else { String::new() };
            let (length, at) = (round(gap.length, millisecond), round(gap.at, millisecond));
            (length, format!("a gap of {} at {}{others}", human(length), human(at)))
        }
        None => (Duration::ZERO, "no gap".to_owned()),
    };
    let help = if track.silences.throughout() {
        track.nothing_there()
    } else if bound.wants_more_than(length) {
        "there is sound where a pause was asked for".to_owned()
    } else {
        "sound was interrupted: packets were lost, a playback ended before the next began, or a leg was muted or held"
            .to_owned()
    };
    (bound.holds(round(length, millisecond)), actual, help)
}

fn digits(track: &Listened<'_>, wanted: &str) -> Outcome {
    let heard = dtmf::digits(track.pcm, track.rate);
    let told = |digit: &DtmfDigit| {
        let millisecond = Duration::from_millis(1);
        format!(
            "{} at {} for {}",
            digit.digit,
            human(round(digit.start, millisecond)),
            human(round(digit.duration, millisecond))
        )
    };
    let came: String = heard.iter().map(|digit| digit.digit).collect();
    let actual = match heard.as_slice() {
        [] if track.silences.throughout() => track.silence_throughout(),
        [] => "no digit".to_owned(),
        _ => format!("{came}: {}", heard.iter().map(told).collect::<Vec<_>>().join(", ")),
    };
    let help = if heard.is_empty() {
        "no two tones of the keypad sounded together for 31 ms or more: digits may have travelled another way, as telephone \
         events, or were too short, too quiet or twisted"
    } else if came.len() < wanted.len() {
        "digits are missing: too short, too near one another, or lost on the way"
    } else {
        "other digits than those asked for: doubled, divided by a gap, or in another order"
    };
    (came == wanted, actual, help.to_owned())
}

fn length(wav: &Wav, bound: &Bound<Duration>) -> Outcome {
    let length = round(wav.duration(), Duration::from_millis(1));
    let help = if bound.wants_more_than(length) {
        "the recording is shorter than asked for: it began late, or the call ended early"
    } else {
        "the recording is longer than asked for: it was not stopped in time"
    };
    (bound.holds(length), human(length), help.to_owned())
}

fn bit_exactness(recording: &Wav, pcm: &[i16], mut reference: Wav) -> Result<Outcome, VerifyError> {
    if reference.rate != recording.rate {
        return Err(VerifyError::Rates { reference: reference.rate, recording: recording.rate });
    }
    // Several channels would be played as their mean; the first is what a reference has.
    let reference_pcm = reference.channels.swap_remove(0);
    Ok(bit_exact::compare(&reference_pcm, pcm).told(reference_pcm.len(), recording.rate))
}

#[cfg(test)]
mod tests;
