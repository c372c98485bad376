//! Power at one frequency (G. Goertzel, "An algorithm for the evaluation of finite trigonometric series", 1958), here
//! at any frequency and not only at multiples of `rate / samples`.

use std::f64::consts::TAU;

use crate::audio::level;
use crate::units::{Dbm0, Hertz, SampleRate};

/// Level of the sine of `frequency` in `pcm`; `None` for an empty slice.
///
/// The slice is not tapered: a tone `d` Hz away is suppressed by at least `20 log10(pi d n / rate)` dB over `n` samples,
/// and wholly where `d` is a multiple of `rate / n`. FreeSWITCH's constant offset counts as a tone of 0 Hz.
pub fn level(pcm: &[i16], frequency: Hertz, rate: SampleRate) -> Option<Dbm0> {
    if pcm.is_empty() {
        return None;
    }
    let samples = pcm.iter().map(|&sample| f64::from(sample));
    let magnitude = squared_magnitude(samples, frequency.0 / f64::from(rate.0));
    Some(level::of_power(mean_square(magnitude, pcm.len() as f64)))
}

/// Mean square of the sine whose transform has this squared magnitude under a window that sums to `weight`.
pub fn mean_square(squared_magnitude: f64, weight: f64) -> f64 {
    2.0 * squared_magnitude / (weight * weight)
}

/// Squared magnitude of the discrete-time Fourier transform of `samples`, at a frequency in cycles per sample.
pub fn squared_magnitude(samples: impl Iterator<Item = f64>, frequency: f64) -> f64 {
    let [magnitude] = squared_magnitudes(samples, [frequency]);
    magnitude
}

/// As [`squared_magnitude`], at several frequencies. Three take little longer than one: each step waits for the one
/// before it, and the others use that time.
pub fn squared_magnitudes<const N: usize>(samples: impl Iterator<Item = f64>, frequencies: [f64; N]) -> [f64; N] {
    let twice_cosine = frequencies.map(|frequency| 2.0 * (TAU * frequency).cos());
    let (mut last, mut before) = ([0.0; N], [0.0; N]);
    for sample in samples {
        for n in 0..N {
            // In this order only the product and one sum wait for the step before.
            (last[n], before[n]) = (sample - before[n] + twice_cosine[n] * last[n], last[n]);
        }
    }
    std::array::from_fn(|n| last[n] * last[n] + before[n] * before[n] - twice_cosine[n] * last[n] * before[n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::g711::{self, Law};
    use crate::audio::sine::sine;

    const RATE: SampleRate = SampleRate::NARROW;

    #[test]
    fn a_tone_has_its_level_at_its_frequency_and_none_elsewhere() {
        let pcm = sine(Hertz(1000.0), Dbm0(-10.0), RATE, 1600);
        assert!((level(&pcm, Hertz(1000.0), RATE).unwrap().0 + 10.0).abs() < 0.01);
        for other in [440.0, 995.0, 1005.0, 2000.0] {
            let heard = level(&pcm, Hertz(other), RATE).unwrap().0;
            assert!(heard < -80.0, "{other}: {heard}");
        }
    }

    #[test]
    fn one_of_two_tones_is_told_from_the_other() {
        let (a, b) = (sine(Hertz(697.0), Dbm0(-6.0), RATE, 8000), sine(Hertz(1209.0), Dbm0(-9.0), RATE, 8000));
        let both: Vec<i16> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        let heard = g711::through(Law::A, &both);
        assert!((level(&heard, Hertz(697.0), RATE).unwrap().0 + 6.0).abs() < 0.1);
        assert!((level(&heard, Hertz(1209.0), RATE).unwrap().0 + 9.0).abs() < 0.1);
    }

    #[test]
    fn the_digital_milliwatt_is_1_khz() {
        let mut pcm = Vec::new();
        g711::decode(Law::Mu, &g711::digital_milliwatt(Law::Mu).repeat(100), &mut pcm);
        let measured = level(&pcm, Hertz(1000.0), RATE).unwrap().0;
        assert!(measured.abs() < 0.01, "{measured}");
    }

    #[test]
    fn nothing_is_none() {
        assert_eq!(level(&[], Hertz(1000.0), RATE), None);
    }
}
