//! Level in dBm0.
//!
//! The reference is the digital milliwatt of mu-law (ITU-T G.711, table 6) in 16-bit samples, so a full-scale mu-law
//! sine is +3.17 dBm0. A-law's digital milliwatt measures +0.07 dBm0 against it: the laws' overload points, +3.17 and
//! +3.14 dBm0, are both scaled to 16 bits.

use std::time::Duration;

use crate::units::{Dbm0, SampleRate};

/// Mean square of the digital milliwatt in 16-bit samples: its octets stand for ±8828 and ±20860.
const MILLIWATT: f64 = (8828.0 * 8828.0 + 20860.0 * 20860.0) / 2.0;

/// Level of `pcm` in dBm0; digital silence is minus infinity.
///
/// `pcm` is linear PCM at any rate; an empty slice is `None`. A constant offset does not count: it is not heard, and
/// FreeSWITCH's tones have one.
pub fn level(pcm: &[i16]) -> Option<Dbm0> {
    Some(of_power(power(pcm)?))
}

/// Level of one `window` after the other; the last may be shorter. A window of no sample gives nothing.
pub fn over_time(pcm: &[i16], rate: SampleRate, window: Duration) -> Vec<Dbm0> {
    let window = rate.samples(window);
    if window == 0 {
        return Vec::new();
    }
    pcm.chunks(window).filter_map(level).collect()
}

/// Mean square of `pcm` about its mean, in squared sample units; `None` for an empty slice.
pub fn power(pcm: &[i16]) -> Option<f64> {
    if pcm.is_empty() {
        return None;
    }
    Some(power_of_sums(sums(pcm), pcm.len()).0)
}

/// The sum of `pcm` and that of its squares.
pub fn sums(pcm: &[i16]) -> (i64, u128) {
    // Exact in integers: the squares of so many samples stay below 2^50, which any number of pieces adds up in 128 bits.
    pcm.chunks(1 << 20).fold((0i64, 0u128), |(sum, squares), piece| {
        let (of_piece, squares_of_piece) = piece.iter().fold((0i64, 0u64), |(sum, squares), &sample| {
            let sample = i32::from(sample);
            (sum + i64::from(sample), squares + u64::from((sample * sample).cast_unsigned()))
        });
        (sum + of_piece, squares + u128::from(squares_of_piece))
    })
}

/// The mean square about the mean, and the mean, of so many samples (at least one) with these [`sums`].
pub fn power_of_sums((sum, squares): (i64, u128), samples: usize) -> (f64, f64) {
    let (n, mean) = (samples as f64, sum as f64 / samples as f64);
    ((squares as f64 / n - mean * mean).max(0.0), mean)
}

/// Level of a signal with this mean square.
pub fn of_power(mean_square: f64) -> Dbm0 {
    Dbm0(10.0 * (mean_square / MILLIWATT).log10())
}

/// Mean square of a signal of this level.
pub fn to_power(level: Dbm0) -> f64 {
    MILLIWATT * 10f64.powf(level.0 / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_mu_law_sine_is_3_17_dbm0() {
        // ITU-T G.711: the virtual decision value 8159 of 14 bits, at the top of 16.
        let peak = 8159.0 * 4.0;
        assert!((of_power(peak * peak / 2.0).0 - 3.17).abs() < 0.005);
    }

    #[test]
    fn silence_is_minus_infinity_and_nothing_is_none() {
        assert_eq!(level(&[0; 80]), Some(Dbm0(f64::NEG_INFINITY)));
        assert_eq!(level(&[]), None);
    }

    #[test]
    fn a_constant_offset_has_no_level() {
        assert_eq!(level(&[128; 80]), Some(Dbm0(f64::NEG_INFINITY)));
        assert_eq!(level(&[i16::MIN; 80]), Some(Dbm0(f64::NEG_INFINITY)));
    }

    #[test]
    fn level_over_time_follows_the_sound() {
        let pcm = [vec![0; 160], [10_000, -10_000].repeat(80), vec![0; 80]].concat();
        let levels = over_time(&pcm, SampleRate::NARROW, Duration::from_millis(20));
        let silence = Dbm0(f64::NEG_INFINITY);
        assert_eq!((levels.len(), levels[0], levels[2]), (3, silence, silence));
        assert!((levels[1].0 + 4.09).abs() < 0.01, "{levels:?}");
        assert_eq!(over_time(&pcm, SampleRate::NARROW, Duration::ZERO), []);
    }

    #[test]
    fn power_and_level_convert_both_ways() {
        assert!((of_power(to_power(Dbm0(-23.4))).0 + 23.4).abs() < 1e-9);
    }
}
