//! MOS-LQO of speech against its reference: ITU-T P.862 (PESQ) narrow-band, mapped by P.862.1.
//!
//! The score tells how much worse than its reference a listener would find the speech, 1.02 to 4.55; at 8 kHz a copy
//! without any fault gets 4.55 and G.711 some 4.2 to 4.5. It is made for speech of 1 to 20 s: of tones and music it says
//! nothing. It forgives level and delay, so those are checks of their own.

use crate::audio::level;
use crate::audio::resample::resampled;
use crate::audio::silence::DEFAULT_THRESHOLD;
use crate::units::{Dbm0, SampleRate};

/// Why there is no score.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoScore {
    /// The model takes what is constant for a perfect copy, so it is not asked.
    #[error("silence ({0}) cannot be rated")]
    Silence(Dbm0),
    #[error("the reference is silent ({0})")]
    SilentReference(Dbm0),
    #[error("{0}")]
    Model(String),
}

/// The MOS-LQO of `heard` against `reference`, both at `rate`.
///
/// They are rated at 8 kHz, the band of a telephone. An error where either is silent, shorter than 250 ms or without
/// anything like an utterance.
pub fn mos(reference: &[i16], heard: &[i16], rate: SampleRate) -> Result<f64, NoScore> {
    let of = |pcm: &[i16]| level::level(pcm).unwrap_or(Dbm0(f64::NEG_INFINITY));
    let (said, got) = (of(reference), of(heard));
    if said < DEFAULT_THRESHOLD {
        return Err(NoScore::SilentReference(said));
    }
    if got < DEFAULT_THRESHOLD {
        return Err(NoScore::Silence(got));
    }
    let narrow = |pcm: &[i16]| resampled(pcm, rate, SampleRate::NARROW);
    let raw = pesq::pesq_8k(&narrow(reference), &narrow(heard)).map_err(|error| NoScore::Model(error.to_string()))?;
    Ok(f64::from(pesq::score::mos_lqo(f64::from(raw))))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::audio::g711::{Law, through};
    use crate::audio::wav;

    const RATE: SampleRate = SampleRate::NARROW;

    fn speech() -> Vec<i16> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/sounds/speech.wav");
        wav::read(&path).unwrap().channels.remove(0)
    }

    #[test]
    fn a_copy_is_perfect_and_g711_is_nearly_so() {
        let speech = speech();
        // P.862.1: the raw score 4.5 maps to 4.549.
        assert!((mos(&speech, &speech, RATE).unwrap() - 4.549).abs() < 0.001);
        for law in [Law::Mu, Law::A] {
            let score = mos(&speech, &through(law, &speech), RATE).unwrap();
            assert!((4.0..4.54).contains(&score), "{law:?}: {score}");
        }
    }

    #[test]
    fn holes_cost_quality_and_a_lower_level_does_not() {
        let speech = speech();
        let mut holes = speech.clone();
        for packet in holes.chunks_mut(160).skip(3).step_by(10) {
            packet.fill(0);
        }
        let (holed, quiet) = (mos(&speech, &holes, RATE).unwrap(), {
            let quiet: Vec<i16> = speech.iter().map(|sample| sample / 3).collect();
            mos(&speech, &quiet, RATE).unwrap()
        });
        assert!(holed < 3.5, "{holed}");
        assert!(quiet > 4.3, "{quiet}");
    }

    #[test]
    fn silence_gets_no_score_though_the_model_would_give_one() {
        let speech = speech();
        let silence = vec![0; speech.len()];
        assert_eq!(mos(&speech, &silence, RATE), Err(NoScore::Silence(Dbm0(f64::NEG_INFINITY))));
        assert_eq!(mos(&speech, &vec![9_000; speech.len()], RATE), Err(NoScore::Silence(Dbm0(f64::NEG_INFINITY))));
        assert_eq!(mos(&silence, &speech, RATE), Err(NoScore::SilentReference(Dbm0(f64::NEG_INFINITY))));
        assert!(matches!(mos(&speech, &speech[..1_000], RATE), Err(NoScore::Silence(_) | NoScore::Model(_))));
    }
}
