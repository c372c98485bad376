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

    /// The samples that were sound: all but the [`LAST`].
    pub fn settled(&self) -> &[i16] {
        settled(self.pcm, self.rate())
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

/// What a recording ends with when its leg hangs up: FreeSWITCH 1.10.12 writes a frame of memory that it never filled,
/// loud, and nearly the same in both channels.
const LAST: Duration = Duration::from_millis(20);

fn settled(pcm: &[i16], rate: SampleRate) -> &[i16] {
    &pcm[..pcm.len().saturating_sub(rate.samples(LAST))]
}

/// The newest recording of `leg` that holds `track`; otherwise what to say of a check that expects `expected`.
pub(in crate::scenario::check) fn heard<'a>(
    outcome: &'a Outcome,
    leg: Leg,
    track: Option<Track>,
    expected: &str,
) -> Result<Heard<'a>, Box<Found>> {
    let recordings = &outcome.leg(leg).recordings;
    let Some((recorded, wav)) = recordings.iter().rev().find(|(r, _)| r.recording.channel(track).is_some()) else {
        let why = format!("no recording was begun: {}", outcome.end_of(leg));
        return Err(Box::new(Found::new(false, expected, why)));
    };
    let wav = wav.as_ref().map_err(|error| {
        let help = "without the recording nobody knows what was heard, so this is no pass";
        Box::new(Found::unknown(expected, error).help(help))
    })?;
    let channel = recorded.recording.channel(track).unwrap_or_default();
    let Some(pcm) = wav.channels.get(channel) else {
        let why = format!("the recording has {} channels where stereo was asked for", wav.channels.len());
        return Err(Box::new(Found::unknown(expected, why)));
    };
    Ok(Heard { path: &recorded.path, wav, channel, pcm })
}

/// Holds what `leg` heard to `judge`, which is given that and what was expected.
fn judged(outcome: &Outcome, leg: Leg, expected: String, judge: impl FnOnce(&Heard<'_>, String) -> Found) -> Found {
    match heard(outcome, leg, Some(Track::Heard), &expected) {
        Ok(heard) => judge(&heard, expected),
        Err(found) => *found,
    }
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
        judged(outcome, self.leg, self.describe(), |heard, expected| {
            let clipping = Clipping::find(heard.settled());
            if clipping.of == 0 {
                return Found::new(false, expected, "no samples");
            }
            let share = format!("{:.2} % of {} samples", clipping.share().0, clipping.of);
            let actual = match clipping.peaks {
                0 => format!("{share}: no flattened peak"),
                peaks => format!("{share}, in {peaks} flattened peaks of up to {} samples", clipping.longest),
            };
            let why = "a gain stands in the path, or the source itself is too loud";
            let found = Found::new(self.bound.holds(clipping.share()), expected, actual).why(why);
            let places = joined(clipping::peaks(heard.settled()), heard.rate().samples(NEAR));
            let found = found.passages(heard.passages(places));
            found.figure(format!("{}.heard.clipping_percent", self.leg), clipping.share().0)
        })
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
        judged(outcome, self.leg, self.describe(), |heard, expected| {
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
            let why = "nobody spoke, the far end was muted or held, or audio goes one way only";
            let holds = self.bound.holds(length) && !heard.pcm.is_empty();
            let found = Found::new(holds, expected, actual).why(why);
            let found = found.passages(heard.passages(longest.cloned()));
            found.figure(format!("{}.heard.dead_air_ms", self.leg), length.as_secs_f64() * 1e3)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::similarity::coupling;
    use crate::audio::sine::sine;
    use crate::units::{Dbm0, Hertz};

    #[test]
    fn memory_at_the_end_of_a_recording_is_neither_crosstalk_nor_clipping() {
        let rate = SampleRate::NARROW;
        let memory = [1, 0, 17_008, 32_767, -31_288, 32_767, 16_064, 32_767].repeat(20);
        let mut said = [sine(Hertz(1004.0), Dbm0(-15.0), rate, 16_000), vec![0; 8_000]].concat();
        let mut heard = vec![0; said.len()];
        said.extend(&memory);
        heard.extend(&memory);
        let strength = |said: &[i16], heard: &[i16]| coupling(said, heard, rate).unwrap().0.0;
        assert!(strength(&said, &heard) > -10.0, "{}", strength(&said, &heard));
        assert!(strength(settled(&said, rate), settled(&heard, rate)) <= -100.0);
        // A short recording has nothing else.
        assert_eq!(settled(&[1; 100], rate), [0i16; 0]);
    }
}
