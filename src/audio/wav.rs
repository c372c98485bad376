//! WAV files: a reader that takes what switches leave behind, and a writer that streams.
//!
//! The format is Microsoft's RIFF WAVE (Multimedia Programming Interface 1.0, 1991; WAVE_FORMAT_EXTENSIBLE of 1999).
//! Left out: RF64 and BW64 (files past 4 GiB), big-endian RIFX, ADPCM and other compressed formats than G.711.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::units::SampleRate;

mod parse;

/// What a WAV file holds, as 16-bit samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    pub rate: SampleRate,
    /// At least one, all of the same length.
    pub channels: Vec<Vec<i16>>,
    /// What was wrong with the file and how it was read all the same.
    pub repaired: Option<String>,
}

impl Wav {
    /// Samples of each channel.
    pub fn samples(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// How long it plays.
    pub fn duration(&self) -> Duration {
        self.rate.duration(self.samples())
    }
}

/// Why a WAV file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    #[error("{}: no such file", .0.display())]
    Missing(PathBuf),
    #[error("{}: the file is empty", .0.display())]
    Empty(PathBuf),
    #[error("{}: not a file", .0.display())]
    NotAFile(PathBuf),
    #[error("{}: not a RIFF WAVE file: it starts with {start}", .path.display())]
    NotRiff { path: PathBuf, start: String },
    #[error("{}: no `fmt ` chunk in front of the samples", .0.display())]
    NoFormat(PathBuf),
    #[error("{}: unsupported format: {reason}", .path.display())]
    Unsupported { path: PathBuf, reason: String },
    #[error("{}: no samples: {reason}", .path.display())]
    NoSamples { path: PathBuf, reason: String },
    #[error("{}: the disk is full", .0.display())]
    DiskFull(PathBuf),
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl WavError {
    fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => WavError::Missing(path.to_owned()),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => WavError::DiskFull(path.to_owned()),
            _ => WavError::Io { path: path.to_owned(), source },
        }
    }

    fn hound(path: &Path, error: hound::Error) -> Self {
        match error {
            hound::Error::IoError(source) => WavError::io(path, source),
            other => WavError::Io { path: path.to_owned(), source: io::Error::other(other) },
        }
    }
}

/// Reads a whole file: PCM of 8, 16, 24 and 32 bits, floats of 32 and 64 bits, mu-law and A-law.
///
/// A data length of 0 or 0xFFFFFFFF, or past the end of the file, is what an unfinished or truncated recording has:
/// it is read to its end, and [`Wav::repaired`] says so.
pub fn read(path: &Path) -> Result<Wav, WavError> {
    parse::parse(&contents(path)?).map_err(|fault| fault.at(path))
}

/// An opened file, whose samples are decoded piece by piece: an hour takes the memory of the file and of one piece.
pub struct Opened {
    bytes: Vec<u8>,
    head: parse::Head,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("head", &self.head).finish_non_exhaustive()
    }
}

/// Opens a file that [`read`] would read.
pub fn open(path: &Path) -> Result<Opened, WavError> {
    Opened::of(contents(path)?, path)
}

impl Opened {
    /// The file whose contents are `bytes`; errors call it `path`.
    pub fn of(bytes: Vec<u8>, path: &Path) -> Result<Opened, WavError> {
        let head = parse::head(&bytes).map_err(|fault| fault.at(path))?;
        Ok(Opened { bytes, head })
    }

    pub fn rate(&self) -> SampleRate {
        self.head.rate()
    }

    /// How many there are; at least one.
    pub fn channels(&self) -> usize {
        self.head.channels()
    }

    /// Samples of each channel.
    pub fn samples(&self) -> usize {
        self.head.samples()
    }

    /// How samples are written: `16-bit PCM`, `mu-law`.
    pub fn coding(&self) -> String {
        self.head.coding()
    }

    /// What was wrong with the file and how it is read all the same.
    pub fn repaired(&self) -> Option<&str> {
        self.head.repaired.as_deref()
    }

    /// The samples of `range` of each channel, as 16-bit samples; what is past the end is left out.
    pub fn decode(&self, range: std::ops::Range<usize>) -> Vec<Vec<i16>> {
        self.head.decode(&self.bytes, range)
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, WavError> {
    let meta = fs::metadata(path).map_err(|source| WavError::io(path, source))?;
    if !meta.is_file() {
        return Err(WavError::NotAFile(path.to_owned()));
    }
    fs::read(path).map_err(|source| WavError::io(path, source))
}

/// Writes a WAV file of 16-bit samples bit by bit. The header is right once [`Writer::finish`] has returned.
pub struct Writer {
    path: PathBuf,
    inner: hound::WavWriter<BufWriter<File>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).field("samples", &self.inner.duration()).finish()
    }
}

impl Writer {
    /// Creates the file, and like FreeSWITCH the folders above it. A file that is there is written over.
    pub fn create(path: &Path, rate: SampleRate, channels: u16) -> Result<Writer, WavError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| WavError::io(folder, source))?;
        }
        let file = File::create(path).map_err(|source| WavError::io(path, source))?;
        let spec = hound::WavSpec {
            channels,
            sample_rate: rate.0,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let inner = hound::WavWriter::new(BufWriter::new(file), spec).map_err(|error| WavError::hound(path, error))?;
        Ok(Writer { path: path.to_owned(), inner })
    }

    /// Appends samples; those of several channels alternate.
    pub fn write(&mut self, interleaved: &[i16]) -> Result<(), WavError> {
        for &sample in interleaved {
            self.inner.write_sample(sample).map_err(|error| WavError::hound(&self.path, error))?;
        }
        Ok(())
    }

    /// Puts what was written so far on the disk, with a header that fits it.
    pub fn flush(&mut self) -> Result<(), WavError> {
        self.inner.flush().map_err(|error| WavError::hound(&self.path, error))
    }

    /// Completes the file and gives its samples per channel. An error when the last samples are not one for each channel.
    pub fn finish(self) -> Result<u64, WavError> {
        let samples = u64::from(self.inner.duration());
        self.inner.finalize().map_err(|error| WavError::hound(&self.path, error))?;
        Ok(samples)
    }
}

#[cfg(test)]
mod tests;
