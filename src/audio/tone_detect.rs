//! The tone that dominates a short window: its frequency, its level, and what stands beside it.
//!
//! A window is tapered (Hann), the highest peak of its spectrum is found, and between the lines of the spectrum the
//! peak is followed: a parabola through the logarithms of three lines, then twice one through those of three Goertzel
//! measurements.
//!
//! Measured on pure tones of 300 to 3400 Hz and 0 to -40 dBm0 through G.711: within 0.03 Hz over 200 ms, 0.2 Hz over
//! 30 ms, and 0.1 dB.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::audio::{goertzel, level};
use crate::units::{Db, Dbm0, Hertz, SampleRate};

/// The tone that dominates a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    pub frequency: Hertz,
    /// Level of the tone alone.
    pub level: Dbm0,
    /// The tone against all else in the window, which is noise, other tones, and a beginning or an end.
    pub snr: Db,
}

/// Below this a window of 30 ms holds too few periods to tell a tone's frequency.
pub const LOWEST: Hertz = Hertz(60.0);

/// The part of a window's power around its highest line from which on there may be a tone 3 dB above all else.
const WORTH_FOLLOWING: f64 = 0.6;

/// The highest line of a spectrum.
#[derive(Clone, Copy, Debug)]
struct Peak {
    /// In cycles per sample.
    frequency: f64,
    /// The part of all power that is in its lobe.
    share: f64,
}

/// Finds tones in windows of one length.
#[derive(Clone)]
pub struct ToneDetector {
    rate: SampleRate,
    taper: Vec<f64>,
    /// Sums of the taper and of its squares.
    weight: f64,
    square_weight: f64,
    transform: Arc<dyn RealToComplex<f32>>,
    tapered: Vec<f64>,
    padded: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    powers: Vec<f32>,
}

impl std::fmt::Debug for ToneDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToneDetector")
            .field("rate", &self.rate)
            .field("window", &self.taper.len())
            .finish_non_exhaustive()
    }
}

impl ToneDetector {
    /// A detector for windows of `window` samples (at least 8).
    pub fn new(rate: SampleRate, window: usize) -> Self {
        let window = window.max(8);
        let taper: Vec<f64> = (0..window).map(|n| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / window as f64).cos()).collect();
        let transform = RealFftPlanner::new().plan_fft_forward((2 * window).next_power_of_two());
        ToneDetector {
            rate,
            weight: taper.iter().sum(),
            square_weight: taper.iter().map(|weight| weight * weight).sum(),
            taper,
            tapered: Vec::with_capacity(window),
            padded: transform.make_input_vec(),
            spectrum: transform.make_output_vec(),
            powers: Vec::new(),
            transform,
        }
    }

    /// Samples of one window.
    pub fn window(&self) -> usize {
        self.taper.len()
    }

    /// The strongest tone in `pcm`, which is one window long; `None` for another length and for digital silence.
    pub fn dominant(&mut self, pcm: &[i16]) -> Option<Tone> {
        if pcm.len() != self.taper.len() {
            return None;
        }
        let mean = pcm.iter().map(|&sample| i64::from(sample)).sum::<i64>() as f64 / pcm.len() as f64;
        self.tapered.clear();
        self.tapered.extend(pcm.iter().zip(&self.taper).map(|(&sample, weight)| (f64::from(sample) - mean) * weight));
        let total = sum_of_squares(&self.tapered) / self.square_weight;
        // Less than one step of a sample is no tone.
        if total < 0.1 {
            return None;
        }
        let Peak { frequency: line, share } = self.highest_line()?;
        // Where the rest is as strong as that, the exact place of the peak says nothing.
        let (frequency, tone) = if share < WORTH_FOLLOWING {
            (line, share * total)
        } else {
            let (frequency, power) = self.follow_peak(line);
            (frequency, goertzel::mean_square(power, self.weight))
        };
        let rest = (total - tone).max(total * 1e-9);
        Some(Tone {
            frequency: Hertz(frequency * f64::from(self.rate.0)),
            level: level::of_power(tone),
            snr: Db(10.0 * (tone / rest).log10()),
        })
    }

    /// The highest line of the spectrum.
    fn highest_line(&mut self) -> Option<Peak> {
        self.padded.fill(0.0);
        for (padded, sample) in self.padded.iter_mut().zip(&self.tapered) {
            *padded = *sample as f32;
        }
        // The buffers are the transform's own, so their lengths fit.
        self.transform.process(&mut self.padded, &mut self.spectrum).ok()?;
        let step = 1.0 / self.padded.len() as f64;
        let lowest = ((LOWEST.0 / f64::from(self.rate.0) / step).ceil() as usize).max(1);
        self.powers.clear();
        self.powers.extend(self.spectrum.iter().map(Complex::norm_sqr));
        let height = highest(self.powers.get(lowest..)?);
        let line = lowest + self.powers[lowest..].iter().position(|power| *power == height)?;
        // A Hann window's main lobe is four lines of the window wide; the padding makes more of them.
        let reach = (2.0 * self.padded.len() as f64 / self.tapered.len() as f64).ceil() as usize;
        let lobe = sum(&self.powers[line.saturating_sub(reach)..(line + reach + 1).min(self.powers.len())]);
        let share = f64::from(lobe / sum(&self.powers));
        let beside = |line: usize| self.powers.get(line).map(|power| f64::from(*power));
        let vertex = match (beside(line - 1), beside(line + 1)) {
            (Some(left), Some(right)) => vertex([left, f64::from(height), right]).0,
            _ => 0.0,
        };
        Some(Peak { frequency: (line as f64 + vertex) * step, share })
    }

    /// The top of the peak near `frequency`, in cycles per sample, and the squared magnitude there.
    fn follow_peak(&self, mut frequency: f64) -> (f64, f64) {
        let line = 1.0 / self.taper.len() as f64;
        let mut top = 0.0;
        for reach in [0.1, 0.02] {
            let reach = reach * line;
            let around = [frequency - reach, frequency, frequency + reach];
            let (place, height) = vertex(goertzel::squared_magnitudes(self.tapered.iter().copied(), around));
            frequency += place * reach;
            top = height;
        }
        (frequency.clamp(0.0, 0.5), top)
    }
}

/// The top of a parabola through the logarithms of three powers at -1, 0 and 1: its place, at most 1.5 from the middle,
/// and its height. The middle itself where the parabola does not bend downwards.
fn vertex(powers: [f64; 3]) -> (f64, f64) {
    let [left, middle, right] = powers.map(|power| power.max(f64::MIN_POSITIVE).ln());
    let bend = left - 2.0 * middle + right;
    if bend >= 0.0 {
        return (0.0, powers[1]);
    }
    let (slope, place) = ((right - left) / 2.0, (0.5 * (left - right) / bend).clamp(-1.5, 1.5));
    (place, (middle + place * (slope + place * bend / 2.0)).exp())
}

/// Numbers that are taken at once: a sum that waits for the one before it takes four times as long.
const LANES: usize = 8;

fn sum_of_squares(samples: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for chunk in samples.chunks(LANES) {
        for (sum, sample) in sums.iter_mut().zip(chunk) {
            *sum += sample * sample;
        }
    }
    sums.iter().sum()
}

fn sum(powers: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for chunk in powers.chunks(LANES) {
        for (sum, power) in sums.iter_mut().zip(chunk) {
            *sum += power;
        }
    }
    sums.iter().sum()
}

fn highest(powers: &[f32]) -> f32 {
    let mut highest = [0.0f32; LANES];
    for chunk in powers.chunks(LANES) {
        for (highest, power) in highest.iter_mut().zip(chunk) {
            *highest = if *power > *highest { *power } else { *highest };
        }
    }
    highest.into_iter().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::g711::{self, Law};
    use crate::audio::sine::sine;

    const RATE: SampleRate = SampleRate::NARROW;

    fn detect(pcm: &[i16], rate: SampleRate) -> Tone {
        ToneDetector::new(rate, pcm.len()).dominant(pcm).unwrap()
    }

    /// The greatest errors in Hz and dB over windows of `samples`, for tones through both laws.
    fn worst(samples: usize) -> (f64, f64) {
        let mut worst = (0.0f64, 0.0f64);
        for law in [Law::Mu, Law::A] {
            for step in 0..63 {
                let frequency = 300.0 + 49.37 * f64::from(step);
                for asked in [0.0, -20.0, -40.0] {
                    // Starts anywhere in the period.
                    let pcm = sine(Hertz(frequency), Dbm0(asked), RATE, samples + 37);
                    let tone = detect(&g711::through(law, &pcm)[37..], RATE);
                    worst.0 = worst.0.max((tone.frequency.0 - frequency).abs());
                    worst.1 = worst.1.max((tone.level.0 - asked).abs());
                }
            }
        }
        worst
    }

    #[test]
    fn frequency_and_level_survive_g711() {
        let (hertz, db) = worst(1600);
        assert!(hertz < 0.05 && db < 0.1, "200 ms: {hertz} Hz, {db} dB");
        let (hertz, db) = worst(240);
        assert!(hertz < 0.3 && db < 0.1, "30 ms: {hertz} Hz, {db} dB");
    }

    #[test]
    fn a_pure_tone_stands_far_above_the_rest_and_a_pair_does_not() {
        let tone = sine(Hertz(1004.0), Dbm0(0.0), RATE, 240);
        assert!(detect(&tone, RATE).snr.0 > 60.0);
        assert!(detect(&g711::through(Law::Mu, &tone), RATE).snr.0 > 25.0);
        let other = sine(Hertz(1400.0), Dbm0(0.0), RATE, 240);
        let pair: Vec<i16> = tone.iter().zip(&other).map(|(a, b)| a / 2 + b / 2).collect();
        assert!(detect(&pair, RATE).snr.0 < 1.0);
    }

    #[test]
    fn noise_is_no_tone() {
        // A linear congruential generator is noise enough.
        let mut state = 1u32;
        let noise: Vec<i16> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16).cast_signed() as i16 / 4
        })
        .take(240 * 200)
        .collect();
        let best = noise.chunks(240).map(|window| detect(window, RATE).snr.0).fold(f64::MIN, f64::max);
        assert!(best < 3.0, "{best} dB");
    }

    #[test]
    fn wide_band_works_too() {
        let rate = SampleRate(48_000);
        let tone = detect(&sine(Hertz(7123.4), Dbm0(-10.0), rate, 1440), rate);
        assert!((tone.frequency.0 - 7123.4).abs() < 0.01 && (tone.level.0 + 10.0).abs() < 0.01, "{tone:?}");
    }

    #[test]
    fn silence_an_offset_and_windows_of_another_length_have_none() {
        let mut detector = ToneDetector::new(RATE, 240);
        assert_eq!(detector.dominant(&[0; 240]), None);
        assert_eq!(detector.dominant(&[128; 240]), None);
        assert_eq!(detector.dominant(&[1000; 239]), None);
    }
}
