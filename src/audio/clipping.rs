//! Clipping: how much of a signal stands at full scale.

use std::ops::Range;

use crate::units::Percent;

/// The largest value of mu-law as a 16-bit sample (ITU-T G.711); A-law has 32,256. Nothing louder comes over such a line.
const FULL_SCALE: u16 = 32_124;

/// So many samples side by side at full scale are a flattened peak (at 1 kHz it has no more); a single one may just fit.
const SHORTEST_RUN: usize = 2;

/// What of a signal is clipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clipping {
    /// Samples in flattened peaks.
    pub samples: usize,
    /// Flattened peaks.
    pub peaks: usize,
    /// The most samples in one of them.
    pub longest: usize,
    /// Samples of the signal.
    pub of: usize,
}

/// Looks for clipping in a signal that comes piece by piece.
#[derive(Clone, Debug, Default)]
pub struct ClippingScan {
    found: Clipping,
    /// Samples at one end of the scale that came last.
    run: usize,
    /// Whether that is the lower end.
    low: bool,
}

impl ClippingScan {
    /// Looks at the samples that follow those before.
    pub fn take(&mut self, pcm: &[i16]) {
        self.found.of += pcm.len();
        for &sample in pcm {
            if !at_full_scale(sample) {
                self.end_run();
            } else if self.run == 0 || self.low == (sample < 0) {
                self.run += 1;
                self.low = sample < 0;
            } else {
                self.end_run();
                (self.run, self.low) = (1, sample < 0);
            }
        }
    }

    /// What there was.
    pub fn finish(mut self) -> Clipping {
        self.end_run();
        self.found
    }

    fn end_run(&mut self) {
        if self.run >= SHORTEST_RUN {
            self.found.samples += self.run;
            self.found.peaks += 1;
            self.found.longest = self.found.longest.max(self.run);
        }
        self.run = 0;
    }
}

impl Clipping {
    /// Looks for flattened peaks in `pcm`: samples in a row at full scale of 16 bits or of a G.711 law.
    pub fn find(pcm: &[i16]) -> Clipping {
        let mut scan = ClippingScan::default();
        scan.take(pcm);
        scan.finish()
    }

    /// The share of all samples that is in flattened peaks.
    pub fn share(&self) -> Percent {
        Percent(100.0 * self.samples as f64 / self.of.max(1) as f64)
    }
}

/// The flattened peaks of `pcm`, in samples.
pub fn peaks(pcm: &[i16]) -> impl Iterator<Item = Range<usize>> {
    let runs = pcm.chunk_by(|a, b| at_full_scale(*a) && at_full_scale(*b) && (*a < 0) == (*b < 0));
    let placed = runs.scan(0, |end, run| {
        *end += run.len();
        Some((*end - run.len()..*end, run))
    });
    placed.filter(|(range, run)| range.len() >= SHORTEST_RUN && at_full_scale(run[0])).map(|(range, _)| range)
}

fn at_full_scale(sample: i16) -> bool {
    sample.unsigned_abs() >= FULL_SCALE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::g711::{self, Law};
    use crate::audio::sine::sine;
    use crate::units::{Dbm0, Hertz, SampleRate};

    fn amplified(level: f64, gain: f64) -> Vec<i16> {
        let pcm = sine(Hertz(1004.0), Dbm0(level), SampleRate::NARROW, 8_000);
        pcm.iter().map(|&sample| (f64::from(sample) * gain) as i16).collect()
    }

    #[test]
    fn a_full_scale_sine_is_not_clipped_and_a_louder_one_is() {
        assert_eq!(Clipping::find(&amplified(3.0, 1.0)).samples, 0);
        let clipped = Clipping::find(&amplified(0.0, 2.0));
        // A sine 2.85 dB above full scale stands above it for acos-many of its samples: some 49 %.
        assert!((40.0..60.0).contains(&clipped.share().0), "{clipped:?}");
        assert!(clipped.peaks > 1_500 && clipped.longest >= SHORTEST_RUN, "{clipped:?}");
    }

    #[test]
    fn clipping_survives_g711() {
        for law in [Law::Mu, Law::A] {
            let line = g711::through(law, &amplified(0.0, 2.0));
            assert!(Clipping::find(&line).share().0 > 40.0, "{law:?}");
        }
    }

    #[test]
    fn a_peak_across_two_pieces_is_one_and_the_two_ends_of_the_scale_are_two() {
        let pcm = [0, 32_767, 32_767, 32_124, -32_768, -32_768, 5, 32_767];
        let whole = Clipping::find(&pcm);
        assert_eq!(whole, Clipping { samples: 5, peaks: 2, longest: 3, of: 8 });
        for at in 0..=pcm.len() {
            let mut scan = ClippingScan::default();
            scan.take(&pcm[..at]);
            scan.take(&pcm[at..]);
            assert_eq!(scan.finish(), whole, "divided at {at}");
        }
    }

    #[test]
    fn single_peaks_and_silence_are_none() {
        assert_eq!(Clipping::find(&[0, i16::MAX, 0, i16::MIN, 5].repeat(50)).samples, 0);
        assert_eq!(Clipping::find(&[]).share().0, 0.0);
        assert_eq!(Clipping::find(&[i16::MAX; 10]), Clipping { samples: 10, peaks: 1, longest: 10, of: 10 });
    }
}
