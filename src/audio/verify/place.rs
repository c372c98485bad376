//! Where in a track a check does not hold, as far as one can point at it.

use std::ops::Range;
use std::time::Duration;

use super::{Listened, Sound};
use crate::audio::bit_exact::{self, Comparison};
use crate::audio::span::Content;
use crate::audio::{dtmf, wav};
use crate::bound::Bound;
use crate::units::Dbm0;

/// So many places at most are pointed at.
pub const MOST: usize = 16;
/// Places that are no further apart are one.
const NEAR: Duration = Duration::from_millis(20);

/// The samples that are to blame for `what` not holding; none where it is what is not there.
pub(super) fn of_failure(track: &Listened<'_>, what: &Sound) -> Vec<Range<usize>> {
    let all = 0..track.pcm.len();
    if track.silences.throughout() {
        return vec![all].into_iter().filter(|range| !range.is_empty()).collect();
    }
    let found = match what {
        Sound::Tone { frequency, level, lasting } => {
            let of = |level: Option<Bound<Dbm0>>| {
                let right = move |content: &Content| match content {
                    Content::Tone { frequency: hertz, level: dbm0 } => {
                        frequency.holds(*hertz) && level.is_none_or(|level| level.holds(*dbm0))
                    }
                    Content::Silence | Content::Other => false,
                };
                track.spans.iter().filter(move |span| right(&span.content)).map(|span| span.range.clone())
            };
            let parts = || of(*level);
            let total = track.rounded(parts().map(|range| track.sounding(&range)).sum());
            match lasting {
                // The tone itself is what should not be.
                Some(bound) if !bound.wants_more_than(total) => parts().collect(),
                // Right but for its level.
                _ if parts().next().is_none() && of(None).next().is_some() => of(None).collect(),
                _ => between(all, parts()),
            }
        }
        Sound::Level(_) => track.silences.sounds(),
        Sound::Silence(bound) => gaps(track, bound),
        Sound::Length(_) => Vec::new(),
        Sound::BitExact(path) => changed(track, path),
        Sound::Dtmf(_) => {
            let digit = |digit: &dtmf::DtmfDigit| {
                track.rate.samples(digit.start)..track.rate.samples(digit.start + digit.duration)
            };
            dtmf::digits(track.pcm, track.rate).iter().map(digit).collect()
        }
    };
    joined(found, track.rate.samples(NEAR))
}

/// What of `all` is in none of `parts`, which are in order and apart.
fn between(all: Range<usize>, parts: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut from = all.start;
    let mut rest = Vec::new();
    for part in parts {
        rest.push(from..part.start);
        from = part.end;
    }
    rest.push(from..all.end);
    rest.retain(|range| !range.is_empty());
    rest
}

/// The gaps that are as long as none should be; the longest where a longer one was asked for.
fn gaps(track: &Listened<'_>, bound: &Bound<Duration>) -> Vec<Range<usize>> {
    let range = |at: Duration, length: Duration| track.rate.samples(at)..track.rate.samples(at + length);
    let wrong = track.silences.gaps().filter(|gap| !bound.holds(gap.length) && !bound.wants_more_than(gap.length));
    let wrong: Vec<_> = wrong.map(|gap| range(gap.at, gap.length)).collect();
    let longest = || track.silences.longest_gap().map(|gap| range(gap.at, gap.length)).into_iter().collect();
    if wrong.is_empty() { longest() } else { wrong }
}

/// From the first sample that differs to the end of the reference.
fn changed(track: &Listened<'_>, path: &std::path::Path) -> Vec<Range<usize>> {
    let Ok(reference) = wav::read(path) else { return Vec::new() };
    let Some(pcm) = reference.channels.first() else { return Vec::new() };
    let Comparison::Changed(changed) = bit_exact::compare(pcm, track.pcm) else { return Vec::new() };
    let at = |sample: usize| {
        usize::try_from(changed.delay.saturating_add_unsigned(sample)).unwrap_or(0).min(track.pcm.len())
    };
    std::iter::once(at(changed.first)..at(pcm.len())).collect()
}

/// `ranges`, in order, with those that are `near` to each other as one; the longest few of them.
pub fn joined(ranges: impl IntoIterator<Item = Range<usize>>, near: usize) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if range.start <= last.end + near => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    if all.len() > MOST {
        all.sort_by_key(|range| std::cmp::Reverse(range.len()));
        all.truncate(MOST);
        all.sort_by_key(|range| range.start);
    }
    all
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one place is a list of one range")]
mod tests {
    use super::*;
    use crate::audio::sine::sine;
    use crate::audio::verify::Track;
    use crate::units::{Hertz, SampleRate};

    const RATE: SampleRate = SampleRate::NARROW;

    fn tone(hertz: f64, level: f64, ms: usize) -> Vec<i16> {
        sine(Hertz(hertz), Dbm0(level), RATE, ms * 8)
    }

    /// In milliseconds.
    fn places(pcm: &[i16], what: &Sound) -> Vec<Range<usize>> {
        let places = of_failure(&Listened::new(pcm, RATE, Track::Heard), what);
        places.into_iter().map(|range| range.start / 8..range.end / 8).collect()
    }

    fn milliwatt() -> Sound {
        Sound::Tone {
            frequency: "1004Hz +-4Hz".parse().unwrap(),
            level: Some("0dBm0 +-3dB".parse().unwrap()),
            lasting: Some(">= 2s".parse().unwrap()),
        }
    }

    #[test]
    fn a_tone_that_was_interrupted_is_pointed_at_where_it_is_not() {
        let pcm = [tone(1004.0, 0.0, 1000), vec![0; 310 * 8], tone(1004.0, 0.0, 500), tone(440.0, 0.0, 200)].concat();
        assert_eq!(places(&pcm, &milliwatt()), [1000..1310, 1810..2010]);
    }

    #[test]
    fn a_tone_at_another_level_and_one_that_should_not_be_are_pointed_at_themselves() {
        let pcm = [tone(1004.0, 0.0, 1000), tone(1004.0, -20.0, 500)].concat();
        assert_eq!(places(&pcm, &milliwatt()), [1000..1500]);
        assert_eq!(places(&[vec![0; 4000], tone(1004.0, -20.0, 500)].concat(), &milliwatt()), [500..1000]);
        let Sound::Tone { frequency, .. } = milliwatt() else { unreachable!() };
        let never = Sound::Tone { frequency, level: None, lasting: Some("== 0s".parse().unwrap()) };
        let pcm = [vec![0; 4000], tone(1004.0, 0.0, 500)].concat();
        assert_eq!(places(&pcm, &never), [500..1000]);
    }

    #[test]
    fn gaps_that_are_too_long_are_pointed_at_and_short_ones_are_not() {
        let part = tone(440.0, -10.0, 500);
        let gap = |ms: usize| vec![0; ms * 8];
        let pcm = [part.clone(), gap(300), part.clone(), gap(50), part.clone(), gap(250), part].concat();
        assert_eq!(places(&pcm, &Sound::Silence("< 200ms".parse().unwrap())), [500..800, 1850..2100]);
    }

    #[test]
    fn silence_throughout_is_all_of_it_and_no_samples_are_nothing() {
        assert_eq!(places(&[0; 8000], &milliwatt()), [0..1000]);
        assert!(places(&[], &milliwatt()).is_empty());
    }

    #[test]
    fn of_many_places_the_longest_are_kept() {
        let many = (0..100).map(|n| n * 100..n * 100 + 1 + n % 50);
        let kept = joined(many, 5);
        assert_eq!(kept.len(), MOST);
        assert!(kept.iter().all(|range| range.len() > 40) && kept.is_sorted_by_key(|range| range.start), "{kept:?}");
        assert_eq!(joined([0..10, 12..20, 40..50], 5), [0..20, 40..50]);
    }
}
