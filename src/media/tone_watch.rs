//! Listens for one tone in what a leg hears.

use super::FRAME_SAMPLES;
use crate::audio::tone_detect::ToneDetector;
use crate::units::{Hertz, SampleRate};

/// How far off the tone may be. FreeSWITCH's detector (`teletone_multi_tone_detect`) takes what is 16 Hz off, and nothing
/// that is 20 Hz off.
const TOLERANCE: Hertz = Hertz(18.0);
/// A tone stands out of all else by this.
const SNR_DB: f64 = 6.0;
/// Quieter is none.
const QUIETEST_DBM0: f64 = -40.0;
/// Windows in a row that must hold it: 60 ms in all.
const HITS: u32 = 2;
/// Frames of one window.
const WINDOW: usize = 2;

/// Whether the tone was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Tone,
    NotYet,
}

#[derive(Debug)]
pub(super) struct ToneWatch {
    name: String,
    frequency: Hertz,
    detector: ToneDetector,
    window: Vec<i16>,
    hits: u32,
}

impl ToneWatch {
    pub(super) fn new(name: String, frequency: Hertz) -> ToneWatch {
        let detector = ToneDetector::new(SampleRate::NARROW, WINDOW * FRAME_SAMPLES);
        ToneWatch { name, frequency, detector, window: Vec::new(), hits: 0 }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn handle_frame(&mut self, pcm: &[i16; FRAME_SAMPLES]) -> Heard {
        self.window.extend_from_slice(pcm);
        if self.window.len() < WINDOW * FRAME_SAMPLES {
            return Heard::NotYet;
        }
        let tone = self.detector.dominant(&self.window);
        // Windows overlap by a frame.
        self.window.drain(..FRAME_SAMPLES);
        let there = tone.is_some_and(|tone| {
            (tone.frequency.0 - self.frequency.0).abs() <= TOLERANCE.0
                && tone.snr.0 >= SNR_DB
                && tone.level.0 >= QUIETEST_DBM0
        });
        self.hits = if there { self.hits + 1 } else { 0 };
        if self.hits >= HITS { Heard::Tone } else { Heard::NotYet }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::tone::ToneStream;

    fn hears(watched: f64, tone: &str) -> bool {
        let mut stream = ToneStream::parse(tone).unwrap();
        let mut watch = ToneWatch::new("t".to_owned(), Hertz(watched));
        (0..20).any(|_| {
            let mut frame = [0; FRAME_SAMPLES];
            stream.fill(&mut frame);
            watch.handle_frame(&frame) == Heard::Tone
        })
    }

    #[test]
    fn a_tone_is_told_from_its_neighbours_and_from_silence() {
        assert!(hears(1004.0, "%(1000,0,1004)"));
        assert!(!hears(1004.0, "%(1000,0,1050)"));
        assert!(!hears(1004.0, "%(0,1000,1004)"));
        // Two equal tones: neither stands out.
        assert!(!hears(1004.0, "%(1000,0,1004,1500)"));
    }
}
