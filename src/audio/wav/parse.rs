//! The bytes of a WAV file.

use std::ops::Range;
use std::path::Path;

use super::{Wav, WavError};
use crate::audio::g711::{self, Law};
use crate::units::SampleRate;

/// A [`WavError`] that has yet to learn its path.
#[derive(Debug, PartialEq)]
pub(super) enum Fault {
    Empty,
    NotRiff(String),
    NoFormat,
    Unsupported(String),
    NoSamples(String),
}

impl Fault {
    pub fn at(self, path: &Path) -> WavError {
        let path = path.to_owned();
        match self {
            Fault::Empty => WavError::Empty(path),
            Fault::NotRiff(start) => WavError::NotRiff { path, start },
            Fault::NoFormat => WavError::NoFormat(path),
            Fault::Unsupported(reason) => WavError::Unsupported { path, reason },
            Fault::NoSamples(reason) => WavError::NoSamples { path, reason },
        }
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Wav, Fault> {
    let head = head(bytes)?;
    let channels = head.decode(bytes, 0..head.samples());
    Ok(Wav { rate: head.rate(), channels, repaired: head.repaired })
}

/// What stands in front of the samples, and where these are.
#[derive(Debug)]
pub(super) struct Head {
    format: Format,
    /// Whole samples of every channel, in bytes of the file.
    data: Range<usize>,
    pub repaired: Option<String>,
}

impl Head {
    pub fn rate(&self) -> SampleRate {
        self.format.rate
    }

    pub fn channels(&self) -> usize {
        self.format.channels
    }

    /// Samples of each channel.
    pub fn samples(&self) -> usize {
        self.data.len() / self.frame()
    }

    /// `16-bit PCM`, `mu-law`.
    pub fn coding(&self) -> String {
        match self.format.coding {
            Coding::Integer(bytes) => format!("{}-bit PCM", 8 * bytes),
            Coding::Float32 => "32-bit float".to_owned(),
            Coding::Float64 => "64-bit float".to_owned(),
            Coding::Companded(Law::Mu) => "mu-law".to_owned(),
            Coding::Companded(Law::A) => "A-law".to_owned(),
        }
    }

    /// The samples of `range` of each channel; what is not there is left out. `bytes` are the file's.
    pub fn decode(&self, bytes: &[u8], range: Range<usize>) -> Vec<Vec<i16>> {
        let end = range.end.min(self.samples());
        let range = range.start.min(end)..end;
        let mut channels = vec![Vec::with_capacity(range.len()); self.format.channels];
        let at = |sample: usize| self.data.start + sample * self.frame();
        let data = bytes.get(at(range.start)..at(range.end)).unwrap_or(&[]);
        for frame in data.chunks_exact(self.frame()) {
            for (channel, sample) in channels.iter_mut().zip(frame.chunks_exact(self.format.width)) {
                channel.push(linear(self.format.coding, sample));
            }
        }
        channels
    }

    /// Bytes of one sample of every channel.
    fn frame(&self) -> usize {
        self.format.channels * self.format.width
    }
}

pub(super) fn head(bytes: &[u8]) -> Result<Head, Fault> {
    if bytes.is_empty() {
        return Err(Fault::Empty);
    }
    let body = match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', body @ ..] => body,
        _ => return Err(Fault::NotRiff(bytes[..bytes.len().min(12)].escape_ascii().to_string())),
    };
    let mut format = None;
    let mut rest = body;
    while let Some((id, length, after)) = chunk(rest) {
        if id == *b"data" {
            return samples(format.ok_or(Fault::NoFormat)?, length, after, bytes.len() - after.len());
        }
        let content = after.get(..length).unwrap_or(after);
        if id == *b"fmt " {
            format = Some(Format::parse(content)?);
        }
        // A chunk of odd length is followed by one byte that fills it up.
        rest = after.get(length + length % 2..).unwrap_or(&[]);
    }
    match format {
        Some(_) => Err(Fault::NoSamples("the file ends in front of its `data` chunk".into())),
        None => Err(Fault::NoFormat),
    }
}

/// Name and length of the chunk that `bytes` starts with, and all that follows these.
fn chunk(bytes: &[u8]) -> Option<([u8; 4], usize, &[u8])> {
    match bytes {
        &[a, b, c, d, e, f, g, h, ref after @ ..] => {
            let length = u32::from_le_bytes([e, f, g, h]);
            Some(([a, b, c, d], usize::try_from(length).unwrap_or(usize::MAX), after))
        }
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Coding {
    /// Integers of this many bytes; those of one byte have no sign.
    Integer(usize),
    Float32,
    Float64,
    Companded(Law),
}

#[derive(Debug)]
struct Format {
    coding: Coding,
    channels: usize,
    rate: SampleRate,
    /// Bytes of one sample of one channel.
    width: usize,
}

impl Format {
    fn parse(bytes: &[u8]) -> Result<Format, Fault> {
        let short = |at: usize| {
            let found = bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map(u16::from_le_bytes);
            found.ok_or_else(|| Fault::Unsupported(format!("a `fmt ` chunk of {} bytes", bytes.len())))
        };
        let (mut tag, channels, rate) =
            (short(0)?, usize::from(short(2)?), u32::from(short(4)?) | u32::from(short(6)?) << 16);
        let (block, bits) = (usize::from(short(12)?), short(14)?);
        const EXTENSIBLE: u16 = 0xfffe;
        if tag == EXTENSIBLE {
            // The true tag starts a GUID, {xxxxxxxx-0000-0010-8000-00aa00389b71}.
            const TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
            if bytes.get(26..40) != Some(&TAIL) {
                return Err(Fault::Unsupported("an extensible format that is no plain one".into()));
            }
            tag = short(24)?;
        }
        let coding = match (tag, bits) {
            (1, 8 | 16 | 24 | 32) => Coding::Integer(usize::from(bits / 8)),
            (3, 32) => Coding::Float32,
            (3, 64) => Coding::Float64,
            (6, 8) => Coding::Companded(Law::A),
            (7, 8) => Coding::Companded(Law::Mu),
            (1 | 3 | 6 | 7, _) => return Err(Fault::Unsupported(format!("format {tag} with {bits} bits"))),
            _ => return Err(Fault::Unsupported(format!("format {tag}{}", known(tag)))),
        };
        let width = match coding {
            Coding::Integer(width) => width,
            Coding::Float32 => 4,
            Coding::Float64 => 8,
            Coding::Companded(_) => 1,
        };
        if channels == 0 || rate == 0 {
            return Err(Fault::Unsupported(format!("{channels} channels at {rate} Hz")));
        }
        if block != channels * width {
            let reason = format!("{block} bytes for {channels} channels of {bits} bits");
            return Err(Fault::Unsupported(reason));
        }
        Ok(Format { coding, channels, rate: SampleRate(rate), width })
    }
}

/// Names of formats that a switch might write.
fn known(tag: u16) -> &'static str {
    match tag {
        2 | 0x11 => " (ADPCM)",
        0x31 => " (GSM 06.10)",
        0x55 => " (MP3)",
        _ => "",
    }
}

/// Finds the samples that `after`, at `start` in the file and behind the head of a `data` chunk of `length` bytes, starts
/// with.
fn samples(format: Format, length: usize, after: &[u8], start: usize) -> Result<Head, Fault> {
    let mut repairs = Vec::new();
    let data = match after.get(..length) {
        Some([]) if after.is_empty() => return Err(Fault::NoSamples("the recording has length 0".into())),
        Some([]) if is_chunks(after) => return Err(Fault::NoSamples("the `data` chunk is empty".into())),
        Some([]) => {
            repairs.push(format!(
                "its header says 0 bytes of samples (unfinished recording); read the {} there are",
                after.len()
            ));
            after
        }
        Some(data) => data,
        None if length == 0xffff_ffff => {
            repairs.push(format!(
                "its header leaves the length open (unfinished recording); read the {} bytes there are",
                after.len()
            ));
            after
        }
        None => {
            repairs.push(format!(
                "its header says {length} bytes of samples and only {} follow (truncated); read these",
                after.len()
            ));
            after
        }
    };
    let frame = format.channels * format.width;
    let odd = data.len() % frame;
    if odd != 0 {
        repairs.push(format!("left out {odd} odd bytes at the end"));
    }
    if data.len() < frame {
        return Err(Fault::NoSamples(format!("{} bytes are less than one sample of each channel", data.len())));
    }
    let repaired = (!repairs.is_empty()).then(|| repairs.join("; "));
    let data = start..start + data.len() - odd;
    Ok(Head { format, data, repaired })
}

/// Whether `bytes` are nothing but whole chunks: then an empty `data` chunk in front of them is truly empty.
fn is_chunks(mut bytes: &[u8]) -> bool {
    while let Some((id, length, after)) = chunk(bytes) {
        if !id.iter().all(|byte| (b' '..=b'~').contains(byte)) || after.len() < length {
            return false;
        }
        bytes = after.get(length + length % 2..).unwrap_or(&[]);
    }
    bytes.is_empty()
}

/// One sample in 16 bits: the highest ones of a wide integer, a float of ±1 as full scale.
fn linear(coding: Coding, bytes: &[u8]) -> i16 {
    // `as` saturates, and takes what is not a number for 0.
    let float = |value: f64| (value * 32768.0).round() as i16;
    match (coding, bytes) {
        (Coding::Integer(1), [byte]) => (i16::from(*byte) - 128) << 8,
        (Coding::Integer(_), [.., low, high]) => i16::from_le_bytes([*low, *high]),
        (Coding::Float32, &[a, b, c, d]) => float(f64::from(f32::from_le_bytes([a, b, c, d]))),
        (Coding::Float64, &[a, b, c, d, e, f, g, h]) => float(f64::from_le_bytes([a, b, c, d, e, f, g, h])),
        (Coding::Companded(law), [octet]) => {
            let mut out = Vec::with_capacity(1);
            g711::decode(law, &[*octet], &mut out);
            out[0]
        }
        _ => 0,
    }
}
