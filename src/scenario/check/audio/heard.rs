//! What a leg heard or said, out of its recordings, and the checks that need nothing but a number of it.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use crate::audio::clipping::{self, Clipping};
use crate::audio::silence::{DEFAULT_THRESHOLD, Silences};
use crate::audio::verify::{Track, joined};
use crate::audio::wav::Wav;
use crate::bound::Bound;
use crate::scenario::check::{Check, Facts, Listens};
use crate::scenario::model::Leg;
use crate::scenario::outcome::{Found, Outcome};
use crate::units::{Percent, SampleRate, human};
use crate::verdict::Passage;

/// A track of a recording.
pub(in crate::scenario::check) struct Heard<'a> {
    /// Where the recording is on the host.
    pub path: &'a Path,
    pub wav: &'a Wav,
    pub channel: usize,
    pub pcm: &'a [i16],
}

impl Heard<'_> {
    pub fn rate(&self) -> SampleRate {
        self.wav.rate
    }

    /// These samples, for a person who looks for them in the recording.
    pub fn passages(&self, places: impl IntoIterator<Item = Range<usize>>) -> Vec<Passage> {
        let time = |sample: usize| self.rate().duration(sample);
        places.into_iter().map(|range| self.passage(time(range.start), time(range.end))).collect()
    }

    pub fn passage(&self, from: Duration, to: Duration) -> Passage {
        Passage { recording: self.path.to_owned(), channel: self.channel, from, to }
    }
}

/// The newest recording of `leg` that holds `track`; otherwise what to say of a check that expects `expected`.
pub(in crate::scenario::check) fn heard<'a>(
    outcome: &'a Outcome,
    leg: Leg,
    track: Option<Track>,
    expected: &str,
) -> Result<Heard<'a>, Found> {
    let recordings = &outcome.leg(leg).recordings;
    let Some((recorded, wav)) = recordings.iter().rev().find(|(r, _)| r.recording.channel(track).is_some()) else {
        return Err(Found::new(false, expected, format!("no recording was begun: {}", outcome.end_of(leg))));
    };
    let wav = wav.as_ref().map_err(|error| {
        Found::unknown(expected, error).help("without the recording nobody knows what was heard, so this is no pass")
    })?;
    let channel = recorded.recording.channel(track).unwrap_or_default();
    let Some(pcm) = wav.channels.get(channel) else {
        let why = format!("the recording has {} channels where stereo was asked for", wav.channels.len());
        return Err(Found::unknown(expected, why));
    };
    Ok(Heard { path: &recorded.path, wav, channel, pcm })
}

/// The facts of a check of what `leg` heard.
pub(super) fn hears(leg: Leg) -> Facts {
    Facts { listens: Some(Listens { leg, track: Some(Track::Heard) }), ..Facts::default() }
}

/// So much of what a leg heard is in flattened peaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clipped {
    pub leg: Leg,
    pub bound: Bound<Percent>,
}

impl Check for Clipped {
    fn kind(&self) -> &'static str {
        "audio"
    }

    fn describe(&self) -> String {
        format!("{} heard clipping {}", self.leg, self.bound)
    }

    fn facts(&self) -> Facts {
        hears(self.leg)
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let heard = match heard(outcome, self.leg, Some(Track::Heard), &self.describe()) {
            Ok(heard) => heard,
            Err(found) => return found,
        };
        let clipping = Clipping::find(heard.pcm);
        if clipping.of == 0 {
            return Found::new(false, self.describe(), "no samples");
        }
        let share = format!("{:.2} % of {} samples", clipping.share().0, clipping.of);
        let actual = match clipping.peaks {
            0 => format!("{share}: no flattened peak"),
            peaks => format!("{share}, in {peaks} flattened peaks of up to {} samples", clipping.longest),
        };
        let holds = self.bound.holds(clipping.share());
        let help = if holds { "" } else { "a gain stands in the path, or the source itself is too loud" };
        let peaks = clipping::peaks(heard.pcm).filter(|_| !holds);
        let places = joined(peaks, heard.rate().samples(NEAR));
        Found::new(holds, self.describe(), actual).help(help).passages(heard.passages(places))
    }
}

/// Flattened peaks that are no further apart are one passage.
const NEAR: Duration = Duration::from_millis(50);

/// The longest time for which a leg heard nothing, from the first sample of the recording to its last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeadAir {
    pub leg: Leg,
    pub bound: Bound<Duration>,
}

impl Check for DeadAir {
    fn kind(&self) -> &'static str {
        "audio"
    }

    fn describe(&self) -> String {
        format!("{} heard dead air {}", self.leg, self.bound)
    }

    fn facts(&self) -> Facts {
        hears(self.leg)
    }

    fn evaluate(&self, outcome: &Outcome) -> Found {
        let heard = match heard(outcome, self.leg, Some(Track::Heard), &self.describe()) {
            Ok(heard) => heard,
            Err(found) => return found,
        };
        let rate = heard.rate();
        let silences = Silences::find(heard.pcm, rate, DEFAULT_THRESHOLD);
        let longest = silences.spans().iter().max_by_key(|span| span.len());
        let length = rate.duration(longest.map_or(0, ExactSizeIterator::len));
        let whole = human(rate.duration(heard.pcm.len()));
        let actual = match longest {
            None => format!("sound throughout {whole}"),
            Some(_) if silences.throughout() => format!("silence throughout {whole}"),
            Some(span) => format!("{} from {} of {whole}", human(length), human(rate.duration(span.start))),
        };
        let holds = self.bound.holds(length) && !heard.pcm.is_empty();
        let help = if holds { "" } else { "nobody spoke, the far end was muted or held, or audio goes one way only" };
        let places = longest.filter(|_| !holds).cloned();
        Found::new(holds, self.describe(), actual).help(help).passages(heard.passages(places))
    }
}
