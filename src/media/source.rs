//! What plays: a source opened into frames of 8 kHz.

use super::clip::Clip;
use super::{FRAME_SAMPLES, Source};
use crate::audio::tone::{ToneError, ToneStream};
use crate::units::SampleRate;

/// Gives the samples of a [`Source`], as many as are asked for until there are no more.
#[derive(Debug)]
pub(super) enum Generator {
    Tone(Box<ToneStream>),
    Silence {
        /// Samples left; `None`: endless.
        left: Option<usize>,
        noise: Option<ComfortNoise>,
    },
    /// A file that is being read; nothing of it is heard yet.
    Loading {
        start: usize,
    },
    Clip {
        clip: Clip,
        next: usize,
    },
}

impl Generator {
    /// `seed` makes the comfort noise of one playback unlike another's.
    pub(super) fn open(source: &Source, seed: u32) -> Result<Generator, ToneError> {
        Ok(match source {
            Source::Tone(text) => Generator::Tone(Box::new(ToneStream::parse(text)?)),
            Source::Silence { length, noise_divisor } => Generator::Silence {
                left: length.map(|length| SampleRate::NARROW.samples(length)),
                noise: (*noise_divisor > 0).then_some(ComfortNoise { divisor: *noise_divisor, state: seed as i16 }),
            },
            Source::File { start, .. } => Generator::Loading { start: *start },
        })
    }

    /// The file that was awaited has been read.
    pub(super) fn handle_clip(&mut self, clip: Clip) {
        if let Generator::Loading { start } = *self {
            *self = Generator::Clip { clip, next: start };
        }
    }

    pub(super) fn is_loading(&self) -> bool {
        matches!(self, Generator::Loading { .. })
    }

    /// Fills `frame` from its start and gives how many samples there were; less than a frame is the end.
    pub(super) fn fill(&mut self, frame: &mut [i16; FRAME_SAMPLES]) -> usize {
        match self {
            Generator::Tone(tone) => tone.fill(frame),
            Generator::Silence { left, noise } => {
                let count = left.map_or(FRAME_SAMPLES, |left| left.min(FRAME_SAMPLES));
                *left = left.map(|left| left - count);
                match noise {
                    Some(noise) => frame[..count].fill_with(|| noise.sample()),
                    None => frame[..count].fill(0),
                }
                count
            }
            Generator::Loading { .. } => 0,
            Generator::Clip { clip, next } => {
                let rest = clip.samples().get(*next..).unwrap_or_default();
                let count = rest.len().min(FRAME_SAMPLES);
                frame[..count].copy_from_slice(&rest[..count]);
                *next += count;
                count
            }
        }
    }
}

/// The noise of FreeSWITCH's `switch_generate_sln_silence`: six steps of a 16-bit congruential generator added up
/// (which is nearly Gaussian), wrapped to 16 bits and divided.
#[derive(Debug)]
pub(super) struct ComfortNoise {
    /// At least 1.
    divisor: u32,
    state: i16,
}

impl ComfortNoise {
    fn sample(&mut self) -> i16 {
        let mut sum = 0i32;
        for _ in 0..6 {
            self.state = self.state.wrapping_mul(31_821).wrapping_add(13_849);
            sum += i32::from(self.state);
        }
        (i64::from(sum as i16) / i64::from(self.divisor)) as i16
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::audio::level::level;

    fn play(source: Source) -> Vec<i16> {
        let mut generator = Generator::open(&source, 77).unwrap();
        let (mut played, mut frame) = (Vec::new(), [0; FRAME_SAMPLES]);
        for _ in 0..50 {
            let count = generator.fill(&mut frame);
            played.extend_from_slice(&frame[..count]);
        }
        played
    }

    #[test]
    fn silence_lasts_as_long_as_was_asked_for() {
        let silence = |length| play(Source::Silence { length, noise_divisor: 0 });
        assert!(silence(Some(Duration::ZERO)).is_empty());
        assert_eq!(silence(Some(Duration::from_millis(250))), [0; 2_000]);
        assert_eq!(silence(None), [0; 8_000]);
    }

    #[test]
    fn comfort_noise_gets_quieter_as_its_divisor_grows() {
        let noise = |noise_divisor| play(Source::Silence { length: None, noise_divisor });
        let loud = level(&noise(10)).unwrap().0;
        let quiet = level(&noise(1_000)).unwrap().0;
        assert!((loud - quiet - 40.0).abs() < 0.5, "{loud} dBm0 and {quiet} dBm0");
        let mean = noise(10).iter().map(|sample| f64::from(*sample)).sum::<f64>() / 8_000.0;
        assert!(mean.abs() < 60.0, "its mean is {mean}");
        assert_eq!(noise(u32::MAX), [0; 8_000]);
    }
}
