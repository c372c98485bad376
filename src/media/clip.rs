//! Files that are played: read, mixed down to one channel and brought to 8 kHz once, however many legs play them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::audio::resample::resampled;
use crate::audio::wav::{self, WavError};
use crate::units::SampleRate;

/// Samples that the cache may hold: an hour and a half of audio, 86 MB.
const CACHE_SAMPLES: usize = 90 * 60 * 8_000;

/// Rates that telephony and studios use, with room: beyond them a header is taken to be wrong.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Audio of one channel at 8 kHz, shared by all that play it.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip(Arc<[i16]>);

/// Why a file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    #[error(transparent)]
    Wav(#[from] WavError),
    #[error("{}: cannot play a sample rate of {rate}", .path.display())]
    Rate { path: PathBuf, rate: SampleRate },
}

impl Clip {
    /// `samples` at 8 kHz.
    pub fn new(samples: impl Into<Arc<[i16]>>) -> Clip {
        Clip(samples.into())
    }

    /// Reads the WAV file at `path`. Several channels become their mean.
    pub fn read(path: &Path) -> Result<Clip, ClipError> {
        let wav = wav::read(path)?;
        if !RATES.contains(&wav.rate.0) {
            return Err(ClipError::Rate { path: path.to_owned(), rate: wav.rate });
        }
        let mono = mean(wav.channels);
        let samples = resampled(&mono, wav.rate, SampleRate::NARROW);
        Ok(Clip::new(samples))
    }

    /// At 8 kHz.
    pub fn samples(&self) -> &[i16] {
        &self.0
    }
}

fn mean(mut channels: Vec<Vec<i16>>) -> Vec<i16> {
    if channels.len() == 1 {
        return channels.remove(0);
    }
    let samples = channels.iter().map(Vec::len).min().unwrap_or(0);
    let sum = |n: usize| channels.iter().map(|channel| i64::from(channel[n])).sum::<i64>();
    // A mean of 16-bit samples has 16 bits.
    (0..samples).map(|n| (sum(n) / channels.len() as i64) as i16).collect()
}

/// The clips that were played lately. A file that changed is read again.
#[derive(Debug, Default)]
pub struct ClipCache {
    clips: HashMap<PathBuf, Cached>,
    samples: usize,
    /// Counts up with each use.
    uses: u64,
    reads: u64,
}

#[derive(Debug)]
struct Cached {
    clip: Clip,
    changed: Option<SystemTime>,
    bytes: u64,
    used: u64,
}

impl ClipCache {
    /// The clip at `path`, read only if it is not known as it is now.
    pub fn load(&mut self, path: &Path) -> Result<Clip, ClipError> {
        self.uses += 1;
        let meta = std::fs::metadata(path).ok();
        let (changed, bytes) = (meta.as_ref().and_then(|meta| meta.modified().ok()), meta.map_or(0, |meta| meta.len()));
        if let Some(cached) = self.clips.get_mut(path)
            && changed.is_some()
            && (cached.changed, cached.bytes) == (changed, bytes)
        {
            cached.used = self.uses;
            return Ok(cached.clip.clone());
        }
        self.forget(path);
        let clip = Clip::read(path)?;
        self.reads += 1;
        self.samples += clip.samples().len();
        let cached = Cached { clip: clip.clone(), changed, bytes, used: self.uses };
        self.clips.insert(path.to_owned(), cached);
        self.shrink();
        Ok(clip)
    }

    /// How many files were read so far.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    fn shrink(&mut self) {
        while self.samples > CACHE_SAMPLES {
            let oldest = self.clips.iter().min_by_key(|(_, cached)| cached.used).map(|(path, _)| path.clone());
            let Some(oldest) = oldest else { break };
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, path: &Path) {
        if let Some(cached) = self.clips.remove(path) {
            self.samples -= cached.clip.samples().len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level::level;
    use crate::audio::sine::sine;
    use crate::units::{Dbm0, Hertz};

    fn write(path: &Path, rate: u32, channels: u16, samples: &[i16]) {
        let mut writer = wav::Writer::create(path, SampleRate(rate), channels).unwrap();
        writer.write(samples).unwrap();
        writer.finish().unwrap();
    }

    #[test]
    fn a_clip_is_read_once_until_its_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.wav");
        write(&path, 8_000, 1, &[1, 2, 3]);
        let mut cache = ClipCache::default();
        for _ in 0..1_000 {
            assert_eq!(cache.load(&path).unwrap().samples(), [1, 2, 3]);
        }
        assert_eq!(cache.reads(), 1);
        write(&path, 8_000, 1, &[4, 5]);
        assert_eq!(cache.load(&path).unwrap().samples(), [4, 5]);
        assert_eq!((cache.reads(), cache.samples), (2, 2));
        std::fs::remove_file(&path).unwrap();
        assert!(cache.load(&path).is_err());
        assert_eq!(cache.samples, 0);
    }

    #[test]
    fn stereo_at_16_khz_becomes_its_mean_at_8_khz() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.wav");
        let tone = sine(Hertz(1_004.0), Dbm0(0.0), SampleRate(16_000), 16_000);
        let both: Vec<i16> = tone.iter().flat_map(|sample| [*sample, 0]).collect();
        write(&path, 16_000, 2, &both);
        let clip = Clip::read(&path).unwrap();
        assert_eq!(clip.samples().len(), 8_000);
        let level = level(clip.samples()).unwrap().0;
        assert!((level + 6.02).abs() < 0.1, "{level} dBm0");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Clip::read(Path::new("/nowhere/clip.wav")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/clip.wav: no such file");
    }
}
