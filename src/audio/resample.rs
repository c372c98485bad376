//! Changes the sample rate of a stream: a windowed-sinc interpolator in polyphase form.
//!
//! What comes out is aligned with what went in (the filter's delay is taken out again) and `n` samples become exactly
//! `n * to / from`, rounded up. Flat to 0.42 of the lower rate, 80 dB down from 0.515 of it.

use std::f64::consts::PI;

use crate::units::SampleRate;

/// Zero crossings of the sinc on each side, in samples of the lower rate.
const ZERO_CROSSINGS: u64 = 32;

/// The middle of the transition, in parts of the lower rate.
const CUTOFF: f64 = 0.47;

/// The Kaiser window's shape: some 90 dB.
const KAISER_BETA: f64 = 9.0;

/// All of `pcm`, recorded at `from`, at the rate `to`.
pub fn resampled(pcm: &[i16], from: SampleRate, to: SampleRate) -> Vec<i16> {
    let mut resampler = Resampler::new(from, to);
    let mut out = Vec::new();
    // In pieces, so that the resampler need not hold everything.
    for piece in pcm.chunks(1 << 16) {
        resampler.push(piece, &mut out);
    }
    resampler.finish(&mut out);
    out
}

/// Changes the rate of a stream.
#[derive(Debug)]
pub struct Resampler {
    /// Out samples for each `down` in samples, in lowest terms.
    up: u64,
    down: u64,
    /// Taps on each side of an output's place.
    half: usize,
    /// `up` filters of `2 * half` taps, one for each place between two samples.
    filters: Vec<f32>,
    /// Samples in that are still needed; the first stands at `from`, which is negative at the start.
    pending: Vec<f32>,
    from: i64,
    samples_in: u64,
    samples_out: u64,
}

impl Resampler {
    /// From one rate to another.
    pub fn new(from: SampleRate, to: SampleRate) -> Resampler {
        let (from, to) = (u64::from(from.0.max(1)), u64::from(to.0.max(1)));
        let common = greatest_common_divisor(from, to);
        let (up, down) = (to / common, from / common);
        let half = if up == down { 0 } else { (ZERO_CROSSINGS * down.max(up)).div_ceil(up) as usize };
        Resampler {
            up,
            down,
            half,
            filters: (0..up).flat_map(|phase| filter(phase as f64 / up as f64, half, up, down)).collect(),
            pending: vec![0.0; half.saturating_sub(1)],
            from: 1 - half as i64,
            samples_in: 0,
            samples_out: 0,
        }
    }

    /// Takes `samples` and appends to `out` what can be told by now.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        if self.up == self.down {
            out.extend_from_slice(samples);
            return;
        }
        self.samples_in += samples.len() as u64;
        self.pending.extend(samples.iter().map(|sample| f32::from(*sample)));
        self.interpolate(u64::MAX, out);
    }

    /// Appends to `out` what the filter still held back.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        if self.up == self.down {
            return;
        }
        self.pending.extend(std::iter::repeat_n(0.0, self.half + 1));
        self.interpolate((self.samples_in * self.up).div_ceil(self.down), out);
    }

    fn interpolate(&mut self, end: u64, out: &mut Vec<i16>) {
        let taps = 2 * self.half;
        while self.samples_out < end {
            let place = self.samples_out * self.down;
            let (whole, phase) = ((place / self.up) as i64, (place % self.up) as usize);
            let first = (whole + 1 - self.half as i64 - self.from) as usize;
            let Some(window) = self.pending.get(first..first + taps) else { break };
            let filter = &self.filters[phase * taps..(phase + 1) * taps];
            let sum: f32 = window.iter().zip(filter).map(|(sample, tap)| sample * tap).sum();
            // The cast saturates: an overshoot is clipped.
            out.push(sum.round() as i16);
            self.samples_out += 1;
        }
        let needed_from = (self.samples_out * self.down / self.up) as i64 + 1 - self.half as i64;
        let done = ((needed_from - self.from).max(0) as usize).min(self.pending.len());
        self.pending.drain(..done);
        self.from += done as i64;
    }
}

/// The taps for a place `phase` of a sample after a sample.
fn filter(phase: f64, half: usize, up: u64, down: u64) -> Vec<f32> {
    let lower = (up as f64 / down as f64).min(1.0);
    let taps: Vec<f64> = (0..2 * half)
        .map(|tap| {
            let distance = tap as f64 + 1.0 - half as f64 - phase;
            sinc(2.0 * CUTOFF * lower * distance) * kaiser(distance / half as f64)
        })
        .collect();
    // Each filter passes a constant unchanged, or there would be a ripple at the rate of the phases.
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

fn kaiser(x: f64) -> f64 {
    bessel_i0(KAISER_BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
}

/// The modified Bessel function of the first kind and order zero, by its series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..40 {
        term *= (x / 2.0 / f64::from(n)).powi(2);
        sum += term;
    }
    sum
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLITUDE: f64 = 10_000.0;

    fn sine(hertz: f64, rate: u32, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| ((2.0 * PI * hertz * n as f64 / f64::from(rate)).sin() * AMPLITUDE).round() as i16)
            .collect()
    }

    fn resample(from: u32, to: u32, samples: &[i16], pieces: usize) -> Vec<i16> {
        let mut resampler = Resampler::new(SampleRate(from), SampleRate(to));
        let mut out = Vec::new();
        for piece in samples.chunks(pieces) {
            resampler.push(piece, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    /// Decibels of `samples` against a sine of [`AMPLITUDE`], without the edges.
    fn gain(samples: &[i16]) -> f64 {
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let power: f64 = middle.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / middle.len() as f64;
        10.0 * (power.max(1e-9) / (AMPLITUDE * AMPLITUDE / 2.0)).log10()
    }

    #[test]
    fn the_voice_band_passes_and_lies_where_it_lay() {
        for (from, to) in [(16_000, 8_000), (8_000, 16_000), (44_100, 8_000), (11_025, 8_000), (8_000, 48_000)] {
            for hertz in [50.0, 300.0, 1_004.0, 3_300.0] {
                let out = resample(from, to, &sine(hertz, from, from as usize), 160);
                let wanted = sine(hertz, to, to as usize);
                assert_eq!(out.len(), wanted.len());
                let error: Vec<i16> = out.iter().zip(&wanted).map(|(a, b)| a - b).collect();
                assert!(gain(&error) < -65.0, "{hertz} Hz from {from} to {to} is off by {} dB", gain(&error));
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        for (from, hertz) in [(16_000, 4_200.0), (16_000, 7_000.0), (44_100, 5_000.0), (48_000, 15_000.0)] {
            let out = resample(from, 8_000, &sine(hertz, from, from as usize), 160);
            assert!(gain(&out) < -70.0, "{hertz} Hz of {from} is heard at {} dB", gain(&out));
        }
    }

    #[test]
    fn upsampling_adds_no_image() {
        let out = resample(8_000, 16_000, &sine(3_300.0, 8_000, 8_000), 160);
        let image: f64 = {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, sample) in out[4_000..12_000].iter().enumerate() {
                let angle = 2.0 * PI * 4_700.0 * n as f64 / 16_000.0;
                re += f64::from(*sample) * angle.cos();
                im += f64::from(*sample) * angle.sin();
            }
            20.0 * (re.hypot(im) / 4_000.0 / AMPLITUDE).log10()
        };
        assert!(image < -75.0, "the image of 3300 Hz stands at {image} dB");
    }

    #[test]
    fn how_the_stream_is_cut_does_not_matter() {
        let samples = sine(440.0, 44_100, 4_410);
        let whole = resample(44_100, 8_000, &samples, samples.len());
        for pieces in [1, 7, 160, 999] {
            assert_eq!(resample(44_100, 8_000, &samples, pieces), whole);
        }
        assert_eq!(whole.len(), 800);
    }

    #[test]
    fn counts_are_exact_and_a_constant_stays_one() {
        assert_eq!(resample(8_000, 16_000, &[5_000; 801], 160).len(), 1_602);
        assert_eq!(resample(16_000, 8_000, &[1; 3], 160).len(), 2);
        assert_eq!(resample(16_000, 8_000, &[], 160).len(), 0);
        assert!(
            resample(44_100, 8_000, &[5_000; 44_100], 160)[100..7_900]
                .iter()
                .all(|sample| (4_999..=5_001).contains(sample))
        );
        assert_eq!(resample(8_000, 8_000, &[1, 2, 3], 2), [1, 2, 3]);
    }
}
