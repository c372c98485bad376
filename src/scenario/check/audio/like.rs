//! `like`: what a leg heard against the clip that was played.

use std::fmt::Display;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use super::heard::{Heard, heard, hears};
use crate::audio::mos::mos;
use crate::audio::resample::resampled;
use crate::audio::similarity::{Comparison, FaultKind, Polarity, compare};
use crate::audio::verify::Track;
use crate::audio::wav;
use crate::bound::{Bound, Unit};
use crate::scenario::check::{Check, Facts};
use crate::scenario::mapping::{mapping, optional, required};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::scenario::scalar::{bound, count, file, word};
use crate::scenario::shape::Shape;
use crate::units::{Db, SampleRate, human};
use crate::verdict::Passage;

/// What a leg heard is like a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Like {
    pub leg: Leg,
    pub wanted: Wanted,
}

/// The clip, and what must hold of the comparison with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub file: PathBuf,
    /// `None`: at least [`LIKENESS`].
    pub likeness: Option<Bound<f64>>,
    pub delay: Option<Bound<Duration>>,
    pub gain: Option<Bound<Db>>,
    pub mos: Option<Bound<f64>>,
    pub missing_start: Option<Bound<Duration>>,
    pub missing_end: Option<Bound<Duration>>,
    pub gaps: Option<Bound<u64>>,
    pub repeats: Option<Bound<u64>>,
    pub polarity: Option<Polarity>,
}

/// The likeness that is asked for where nothing is said: G.711 and a clean line give 0.98 and more.
const LIKENESS: Bound<f64> = Bound::AtLeast(0.9);

/// As many gaps and repeats are told.
const MOST: usize = 5;
/// And pointed at in the recording.
const MOST_PASSAGES: usize = 16;

pub(super) fn shape() -> Shape<Wanted> {
    let times = || count("a number, or a bound such as `\"== 0\"`", 0..=1_000_000);
    mapping!(Wanted {
        file: required("file", file(), "The clip that was played; its path is relative to the scenario's folder."),
        likeness: optional("likeness", bound(), "Correlation, 0 to 1, without level and delay; `>= 0.9` if not given."),
        delay: optional("delay", bound(), "From the beginning of the recording to the beginning of the clip."),
        gain: optional("gain", bound(), "The recording's level against the clip's."),
        mos: optional("mos", bound(), "MOS-LQO by ITU-T P.862, 1 to 4.55; for speech."),
        missing_start: optional("missing_start", bound(), "How much of the clip's sound is missing at its start."),
        missing_end: optional("missing_end", bound(), "How much of the clip's sound is missing at its end."),
        gaps: optional("gaps", times(), "Silences and skips that the clip does not have."),
        repeats: optional("repeats", times(), "Passages that were heard twice."),
        polarity: optional(
            "polarity",
            word(&[("kept", Polarity::Kept), ("inverted", Polarity::Inverted)]),
            "Whether the signal came out upside down.",
        ),
    })
    .named("like")
}

impl Check for Like {
    fn kind(&self) -> &'static str {
        "audio"
    }

    fn describe(&self) -> String {
        let Wanted { file, likeness, delay, gain, mos, missing_start, missing_end, gaps, repeats, polarity } =
            &self.wanted;
        let name = file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into());
        let mut told = vec![format!("likeness {}", likeness.unwrap_or(LIKENESS))];
        let mut put =
            |name: &str, bound: Option<&dyn Display>| told.extend(bound.map(|bound| format!("{name} {bound}")));
        put("delay", delay.as_ref().map(|bound| bound as _));
        put("gain", gain.as_ref().map(|bound| bound as _));
        put("MOS", mos.as_ref().map(|bound| bound as _));
        put("missing at the start", missing_start.as_ref().map(|bound| bound as _));
        put("missing at the end", missing_end.as_ref().map(|bound| bound as _));
        put("gaps", gaps.as_ref().map(|bound| bound as _));
        put("repeats", repeats.as_ref().map(|bound| bound as _));
        put("polarity", polarity.map(polarity_word).as_ref().map(|word| word as _));
        format!("{} heard {name}: {}", self.leg, told.join(", "))
    }

    fn facts(&self) -> Facts {
        hears(self.leg)
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let expected = self.describe();
        let heard = match heard(outcome, self.leg, Some(Track::Heard), &expected) {
            Ok(heard) => heard,
            Err(found) => return *found,
        };
        let clip = match wav::read(&self.wanted.file) {
            Ok(clip) => resampled(&clip.channels[0], clip.rate, SampleRate::NARROW),
            Err(error) => return Found::unknown(expected, format!("the clip cannot be read: {error}")),
        };
        // A telephone's band is compared, whatever the clip's and the recording's.
        let pcm = resampled(heard.pcm, heard.rate(), SampleRate::NARROW);
        let comparison = match compare(&clip, &pcm, SampleRate::NARROW) {
            Ok(comparison) => comparison,
            Err(unlike) => {
                let help = "something else was played, or nothing came through; delay, gain and MOS mean nothing then";
                return Found::new(false, expected, unlike.to_string()).help(help).passages(vec![whole(&heard)]);
            }
        };
        let mut tally = Tally::default();
        let mut measured = self.measured(&comparison);
        self.hold(&comparison, &mut tally);
        if let Some(bound) = &self.wanted.mos {
            let range = comparison.range(clip.len(), pcm.len());
            match mos(&clip, &pcm[range], SampleRate::NARROW) {
                Ok(score) => {
                    measured = measured.figure(format!("{}.like.mos", self.leg), score);
                    tally.put(bound, score, format!("MOS {score:.2}"), "it sounds worse than the clip")
                }
                Err(error) => tally.fail(format!("no MOS: {error}"), "the model rates speech of a second or more"),
            }
        }
        let passages =
            if tally.wrong.is_empty() { Vec::new() } else { passages(&heard, &comparison, clip.len(), pcm.len()) };
        let figures = measured.figures;
        let found = Found::new(tally.wrong.is_empty(), expected, tally.told.join(", ")).help(tally.wrong.join("\n"));
        Found { figures, ..found }.passages(passages)
    }
}

/// The faults of a comparison; where there are none, all that was compared.
fn passages(heard: &Heard<'_>, comparison: &Comparison, clip: usize, pcm: usize) -> Vec<Passage> {
    let faults = comparison.faults.iter().take(MOST_PASSAGES);
    let faults: Vec<_> = faults.map(|fault| heard.passage(fault.at, fault.at + fault.length)).collect();
    if !faults.is_empty() {
        return faults;
    }
    let Range { start, end } = comparison.range(clip, pcm);
    let time = |sample: usize| SampleRate::NARROW.duration(sample);
    vec![heard.passage(time(start), time(end))]
}

fn whole(heard: &Heard<'_>) -> Passage {
    heard.passage(Duration::ZERO, heard.rate().duration(heard.pcm.len()))
}

impl Like {
    /// The figures of `comparison`, asked for or not.
    fn measured(&self, comparison: &Comparison) -> Found {
        let count =
            |kinds: &[FaultKind]| comparison.faults.iter().filter(|fault| kinds.contains(&fault.kind)).count() as f64;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let figures = [
            ("likeness", comparison.likeness),
            ("delay_ms", ms(comparison.delay())),
            ("gain_db", comparison.gain.0),
            ("missing_start_ms", ms(comparison.missing_start)),
            ("missing_end_ms", ms(comparison.missing_end)),
            ("gaps", count(&[FaultKind::Gap, FaultKind::Skip])),
            ("repeats", count(&[FaultKind::Repeat])),
        ];
        let found = Found::new(true, "", "");
        figures.iter().fold(found, |found, (name, value)| found.figure(format!("{}.like.{name}", self.leg), *value))
    }

    /// Holds each bound but that of the MOS against `comparison`.
    fn hold(&self, comparison: &Comparison, tally: &mut Tally) {
        let Wanted { likeness, delay, gain, missing_start, missing_end, gaps, repeats, polarity, .. } = &self.wanted;
        let Comparison { gain: by, likeness: like, missing_start: start, missing_end: end, .. } = comparison;
        let altered = "not like the clip: noise, another codec, or parts of it missing";
        tally.put(&likeness.unwrap_or(LIKENESS), *like, format!("likeness {like:.2}"), altered);
        if let Some(bound) = delay {
            let told = format!("delay {}", human(comparison.delay()));
            tally.put(bound, comparison.delay(), told, "the clip began at another time");
        }
        if let Some(bound) = gain {
            tally.put(bound, *by, format!("gain {by}"), "a gain or an attenuation stands in the path");
        }
        if let Some(bound) = missing_start {
            let why = "the start was cut off: audio came through later than the call was answered, or a VAD was slow";
            tally.put(bound, *start, format!("{} missing at the start", human(*start)), why);
        }
        if let Some(bound) = missing_end {
            let why =
                "the end was cut off: the call ended first, or the recording did (a real switch lags half a second)";
            tally.put(bound, *end, format!("{} missing at the end", human(*end)), why);
        }
        let faults = |kinds: &[FaultKind]| -> Vec<String> {
            let faults = comparison.faults.iter().filter(|fault| kinds.contains(&fault.kind));
            faults.map(|fault| format!("{} at {}", human(round(fault.length)), human(round(fault.at)))).collect()
        };
        let told = |name: &str, faults: &[String]| match faults {
            [] => format!("no {name}s"),
            [one] => format!("a {name} of {one}"),
            several => {
                let more = several.len().checked_sub(MOST).filter(|&more| more > 0);
                let more = more.map_or(String::new(), |more| format!(" and {more} more"));
                format!("{} {name}s: {}{more}", several.len(), several[..several.len().min(MOST)].join("; "))
            }
        };
        if let Some(bound) = gaps {
            let gaps = faults(&[FaultKind::Gap, FaultKind::Skip]);
            tally.put(bound, gaps.len() as u64, told("gap", &gaps), "packets were lost, or a leg was muted or held");
        }
        if let Some(bound) = repeats {
            let repeats = faults(&[FaultKind::Repeat]);
            tally.put(bound, repeats.len() as u64, told("repeat", &repeats), "lost packets were filled with old ones");
        }
        if let Some(wanted) = polarity {
            let told = format!("polarity {}", polarity_word(comparison.polarity));
            tally.add(comparison.polarity == *wanted, told, "the signal is upside down: wires are crossed somewhere");
        }
    }
}

/// To a millisecond.
fn round(time: Duration) -> Duration {
    Duration::from_millis(((time.as_micros() + 500) / 1_000) as u64)
}

const fn polarity_word(polarity: Polarity) -> &'static str {
    match polarity {
        Polarity::Kept => "kept",
        Polarity::Inverted => "inverted",
    }
}

/// What was found, and what of it is wrong.
#[derive(Debug, Default)]
struct Tally {
    told: Vec<String>,
    wrong: Vec<String>,
}

impl Tally {
    fn put<T: Unit>(&mut self, bound: &Bound<T>, value: T, told: String, why: &str) {
        let wrong = format!("{told} is not {bound}: {why}");
        let holds = bound.holds(value);
        self.told.push(told);
        self.wrong.extend((!holds).then_some(wrong));
    }

    fn add(&mut self, holds: bool, told: String, why: &str) {
        self.told.push(told);
        self.wrong.extend((!holds).then(|| why.to_owned()));
    }

    fn fail(&mut self, told: String, why: &str) {
        self.wrong.push(format!("{told}: {why}"));
        self.told.push(told);
    }
}
