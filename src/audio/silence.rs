//! Silence: what is quieter than a threshold, and the gaps it makes.
//!
//! A sample is silent when some 5 ms around it are quieter than the threshold. So the edges of a gap beside a loud tone
//! are right to the sample, and a gap shorter than 5 ms is none. Sound between two silences that lasts less than 5 ms
//! is a click and ends neither.

use std::ops::Range;
use std::time::Duration;

use crate::audio::level;
use crate::units::{Dbm0, SampleRate};

/// Where silence ends and sound begins, unless told otherwise: above the noise of an idle line, below soft speech.
pub const DEFAULT_THRESHOLD: Dbm0 = Dbm0(-50.0);

/// The shortest silence, and the shortest sound.
pub const SHORTEST: Duration = Duration::from_millis(5);

/// The silences of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silences {
    rate: SampleRate,
    samples: usize,
    /// In samples; in order, apart, none empty.
    spans: Vec<Range<usize>>,
}

/// A silence: when it begins, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub at: Duration,
    pub length: Duration,
}

impl Silences {
    /// Finds what in `pcm` is quieter than `threshold`.
    pub fn find(pcm: &[i16], rate: SampleRate, threshold: Dbm0) -> Self {
        let shortest = rate.samples(SHORTEST).max(1);
        let mut spans = quiet(pcm, shortest, level::to_power(threshold));
        spans.dedup_by(|next, last| {
            let click = next.start - last.end < shortest;
            if click {
                last.end = next.end;
            }
            click
        });
        Silences { rate, samples: pcm.len(), spans }
    }

    /// All of them, in samples.
    pub fn spans(&self) -> &[Range<usize>] {
        &self.spans
    }

    /// What lies between them, in samples.
    pub fn sounds(&self) -> Vec<Range<usize>> {
        let starts = std::iter::once(0).chain(self.spans.iter().map(|span| span.end));
        let ends = self.spans.iter().map(|span| span.start).chain(std::iter::once(self.samples));
        starts.zip(ends).map(|(start, end)| start..end).filter(|sound| !sound.is_empty()).collect()
    }

    /// Whether there is no sound at all.
    pub fn throughout(&self) -> bool {
        self.sounds().is_empty()
    }

    /// Silence in front of the first sound; the whole length when there is none.
    pub fn leading(&self) -> Duration {
        self.rate.duration(self.sounds().first().map_or(self.samples, |sound| sound.start))
    }

    /// Silence behind the last sound; the whole length when there is none.
    pub fn trailing(&self) -> Duration {
        self.rate.duration(self.sounds().last().map_or(self.samples, |sound| self.samples - sound.end))
    }

    /// The silences between the first and the last sound.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> {
        let inner = self.spans.iter().filter(|span| span.start > 0 && span.end < self.samples);
        inner.map(|span| Gap { at: self.rate.duration(span.start), length: self.rate.duration(span.len()) })
    }

    /// The longest of [`Silences::gaps`]; the first of several.
    pub fn longest_gap(&self) -> Option<Gap> {
        self.gaps().reduce(|longest, gap| if gap.length > longest.length { gap } else { longest })
    }

    /// How many samples of `range` are silent.
    pub fn within(&self, range: &Range<usize>) -> usize {
        self.spans.iter().map(|span| span.end.min(range.end).saturating_sub(span.start.max(range.start))).sum()
    }
}

/// The union of all windows whose mean square, about their mean, is below `limit`.
fn quiet(pcm: &[i16], window: usize, limit: f64) -> Vec<Range<usize>> {
    let window = window.min(pcm.len());
    if window == 0 {
        return Vec::new();
    }
    let mut spans: Vec<Range<usize>> = Vec::new();
    let (mut sum, mut squares) = (0i64, 0i64);
    let n = window as i64;
    let limit = limit * (n * n) as f64;
    for end in 0..pcm.len() {
        let square = |sample: i16| i64::from(sample) * i64::from(sample);
        sum += i64::from(pcm[end]);
        squares += square(pcm[end]);
        let Some(start) = (end + 1).checked_sub(window) else { continue };
        // n * sum of squares - sum^2 is n^2 times the variance, in whole numbers.
        if ((squares * n - sum * sum) as f64) < limit {
            match spans.last_mut() {
                Some(last) if last.end >= start => last.end = end + 1,
                _ => spans.push(start..end + 1),
            }
        }
        sum -= i64::from(pcm[start]);
        squares -= square(pcm[start]);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::g711::{self, Law};
    use crate::audio::sine::sine;
    use crate::units::Hertz;

    const RATE: SampleRate = SampleRate::NARROW;

    /// Silence, 100 ms of a tone, a gap of 310 ms, the tone, a gap of 50 ms, the tone, silence.
    fn broken_tone(level: Dbm0) -> Vec<i16> {
        let tone = sine(Hertz(1004.0), level, RATE, 800);
        let mut pcm = vec![0; 400];
        for gap in [2480, 400, 160] {
            pcm.extend(&tone);
            pcm.extend(vec![0; gap]);
        }
        pcm
    }

    #[test]
    fn gaps_are_found_to_half_a_millisecond_and_beside_soft_tones_to_two() {
        for law in [Law::Mu, Law::A] {
            for (level, tolerance) in [(0.0, 500), (-20.0, 500), (-40.0, 2000)] {
                let heard = g711::through(law, &broken_tone(Dbm0(level)));
                let silences = Silences::find(&heard, RATE, DEFAULT_THRESHOLD);
                let near = |found: Duration, ms: u64| {
                    found.abs_diff(Duration::from_millis(ms)) < Duration::from_micros(tolerance)
                };
                let gaps: Vec<Gap> = silences.gaps().collect();
                let right = near(silences.leading(), 50) && near(silences.trailing(), 20) && gaps.len() == 2;
                assert!(right && near(gaps[0].at, 150) && near(gaps[0].length, 310), "{law:?} {level}: {silences:?}");
                assert_eq!(silences.longest_gap(), Some(gaps[0]));
            }
        }
    }

    #[test]
    fn nothing_but_silence_has_no_gap() {
        let silences = Silences::find(&[8; 800], RATE, DEFAULT_THRESHOLD);
        assert!(silences.throughout());
        assert_eq!((silences.leading(), silences.longest_gap()), (Duration::from_millis(100), None));
        assert_eq!(silences.within(&(100..300)), 200);
    }

    #[test]
    fn an_empty_channel_is_silent() {
        assert!(Silences::find(&[], RATE, DEFAULT_THRESHOLD).throughout());
    }

    #[test]
    fn a_click_does_not_divide_a_gap() {
        let mut pcm = broken_tone(Dbm0(0.0));
        pcm[2000] = 20_000;
        assert_eq!(Silences::find(&pcm, RATE, DEFAULT_THRESHOLD).gaps().count(), 2);
    }

    #[test]
    fn the_threshold_decides() {
        let pcm = sine(Hertz(440.0), Dbm0(-45.0), RATE, 8000);
        assert!(!Silences::find(&pcm, RATE, Dbm0(-50.0)).throughout());
        assert!(Silences::find(&pcm, RATE, Dbm0(-40.0)).throughout());
    }

    #[test]
    fn the_zero_crossings_of_a_tone_are_no_silence() {
        let pcm = sine(Hertz(300.0), Dbm0(-40.0), RATE, 8000);
        assert!(Silences::find(&pcm, RATE, DEFAULT_THRESHOLD).spans().is_empty());
    }
}
