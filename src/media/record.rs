//! One recording of a leg: which samples go into the file, at which rate, and how many.

use std::time::Duration;

use super::{FRAME_SAMPLES, RecordEnd, RecordId, Tracks};
use crate::audio::resample::Resampler;
use crate::units::SampleRate;

/// Samples per channel that are handed over at once: 200 ms at 8 kHz.
const BATCH: usize = 10 * FRAME_SAMPLES;

#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) id: RecordId,
    tracks: Tracks,
    /// One for each channel, with what it gave and nobody took yet.
    channels: Vec<(Resampler, Vec<i16>)>,
    /// Samples at 8 kHz until the limit.
    left: Option<usize>,
    batch: usize,
    end: Option<RecordEnd>,
}

impl Tracks {
    /// How many channels the file has.
    pub const fn channels(self) -> u16 {
        match self {
            Tracks::Heard | Tracks::Said | Tracks::Mixed => 1,
            Tracks::Stereo => 2,
        }
    }
}

impl Recorder {
    pub(super) fn new(id: RecordId, tracks: Tracks, rate: SampleRate, limit: Option<Duration>) -> Recorder {
        let channel = || (Resampler::new(SampleRate::NARROW, rate), Vec::new());
        Recorder {
            id,
            tracks,
            channels: std::iter::repeat_with(channel).take(usize::from(tracks.channels())).collect(),
            left: limit.map(|limit| SampleRate::NARROW.samples(limit)),
            batch: BATCH * (rate.0 / SampleRate::NARROW.0).max(1) as usize,
            end: None,
        }
    }

    /// Whether it takes no more samples.
    pub(super) fn ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether its limit is reached.
    pub(super) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Takes a frame. Gives interleaved samples to write once there are enough.
    pub(super) fn handle_frame(&mut self, heard: &[i16], said: &[i16]) -> Option<Vec<i16>> {
        let count = heard.len().min(said.len()).min(self.left.unwrap_or(usize::MAX));
        let (heard, said) = (&heard[..count], &said[..count]);
        match (self.tracks, self.channels.as_mut_slice()) {
            (Tracks::Heard, [(resampler, out)]) => resampler.push(heard, out),
            (Tracks::Said, [(resampler, out)]) => resampler.push(said, out),
            (Tracks::Mixed, [(resampler, out)]) => {
                let mixed: Vec<i16> = heard.iter().zip(said).map(|(a, b)| a.saturating_add(*b)).collect();
                resampler.push(&mixed, out);
            }
            (_, channels) => {
                for ((resampler, out), samples) in channels.iter_mut().zip([heard, said]) {
                    resampler.push(samples, out);
                }
            }
        }
        self.left = self.left.map(|left| left - count);
        (self.channels[0].1.len() >= self.batch).then(|| self.take())
    }

    /// Ends it; gives the last samples.
    pub(super) fn finish(&mut self, end: RecordEnd) -> Vec<i16> {
        self.end = Some(end);
        for (resampler, out) in &mut self.channels {
            resampler.finish(out);
        }
        self.take()
    }

    /// Why it ended.
    pub(super) fn into_end(self) -> RecordEnd {
        self.end.unwrap_or(RecordEnd::Stopped)
    }

    fn take(&mut self) -> Vec<i16> {
        match self.channels.as_mut_slice() {
            [(_, left), (_, right)] => {
                let both = left.iter().zip(right.iter()).flat_map(|(left, right)| [*left, *right]).collect();
                left.clear();
                right.clear();
                both
            }
            channels => channels.first_mut().map(|(_, out)| std::mem::take(out)).unwrap_or_default(),
        }
    }
}
