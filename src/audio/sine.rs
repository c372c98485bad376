//! Pure sines at a level in dBm0, and FreeSWITCH's oscillator.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use crate::audio::level;
use crate::units::{Dbm0, Hertz, SampleRate};

/// `samples` samples of a pure sine, rounded to 16 bits and clipped there. It starts at phase 0.
pub fn sine(frequency: Hertz, level: Dbm0, rate: SampleRate, samples: usize) -> Vec<i16> {
    let peak = (2.0 * level::to_power(level)).sqrt();
    let step = TAU * frequency.0 / f64::from(rate.0);
    // `as` saturates, so a level past full scale clips.
    (0..samples).map(|n| (peak * (step * n as f64).sin()).round() as i16).collect()
}

/// A quarter of a sine, as FreeSWITCH's libteletone tabulates it.
static QUARTER: LazyLock<[i32; 128]> = LazyLock::new(|| {
    // The last entry rounds to 32767 too, so none leaves 16 bits.
    std::array::from_fn(|n| (32768.0 * ((n as f64 + 0.5) * TAU / 512.0).sin()).round() as i32)
});

/// The direct digital synthesis oscillator of FreeSWITCH's libteletone (`libteletone_generate.h`), sample for sample:
/// a phase of 32 bits whose top 9 select one of 512 points of the sine.
///
/// Its level is set in dB against a sine of peak 22800.
#[derive(Clone, Debug)]
pub struct Oscillator {
    phase: u32,
    step: u32,
    scale: i32,
}

impl Oscillator {
    /// An oscillator at phase 0. FreeSWITCH's arithmetic gives half the rate for a frequency at or above that.
    pub fn new(frequency: Hertz, volume: f32, rate: SampleRate) -> Self {
        let step = frequency.0 * 4_294_967_296.0 / f64::from(rate.0);
        // A C conversion to a 32-bit integer that does not fit gives the smallest integer on x86.
        let fits = step < 2_147_483_648.0 && step > -2_147_483_649.0;
        let step = if fits { step as i32 } else { i32::MIN };
        Oscillator { phase: 0, step: step.cast_unsigned(), scale: scale(volume) }
    }

    /// Changes the level, keeping the phase.
    pub fn set_volume(&mut self, volume: f32) {
        self.scale = scale(volume);
    }

    /// The next sample.
    pub fn next_sample(&mut self) -> i16 {
        let point = self.phase >> 23;
        let index = (point & 127) as usize;
        let rise = QUARTER[if point & 128 == 0 { index } else { 127 - index }];
        let sample = if point & 256 == 0 { rise } else { -rise };
        self.phase = self.phase.wrapping_add(self.step);
        // Peak at volume 0 is 22800, so this fits; the shift rounds down, as there.
        ((sample * self.scale) >> 15) as i16
    }
}

/// Peak amplitude at `volume` dB: 46340 is 6.16 dB (3.14 for A-law's overload point, 3.02 for "twice the power").
#[expect(clippy::approx_constant, reason = "FreeSWITCH's own rounding, and dB that look like pi")]
fn scale(volume: f32) -> i32 {
    (10f32.powf((volume - (3.14 + 3.02)) / 20.0) * (32767.0 * 1.414_214)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_has_the_level_asked_for() {
        for asked in [3.0, 0.0, -10.0, -40.0] {
            let pcm = sine(Hertz(1004.0), Dbm0(asked), SampleRate::NARROW, 8000);
            let measured = level::level(&pcm).unwrap().0;
            assert!((measured - asked).abs() < 0.01, "{asked}: {measured}");
        }
    }

    #[test]
    fn a_sine_past_full_scale_clips_and_does_not_wrap() {
        let pcm = sine(Hertz(1000.0), Dbm0(20.0), SampleRate::NARROW, 80);
        assert!(pcm[1] == i16::MAX && pcm[5] == i16::MIN, "{:?}", &pcm[..8]);
    }

    #[test]
    fn volume_0_peaks_at_22800() {
        assert_eq!(scale(0.0), 22800);
    }
}
