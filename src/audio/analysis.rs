//! What is in a recording: its format, and for each channel its levels and what is heard from one moment to the next.
//!
//! A file is gone through in pieces of a minute, so that an hour needs little more memory than its file; spans that go on
//! across two pieces are joined.

use crate::audio::clipping::{Clipping, ClippingScan};
use crate::audio::dtmf::{DtmfDetector, DtmfDigit, Heard};
use crate::audio::level;
use crate::audio::silence::{DEFAULT_THRESHOLD, Silences};
use crate::audio::span::{self, Content, Span};
use crate::audio::wav::Opened;
use crate::units::{Dbm0, Hertz, SampleRate};

/// What is in a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    /// How its samples are written: `16-bit PCM`.
    pub coding: String,
    pub rate: SampleRate,
    /// Of each channel.
    pub samples: usize,
    /// What was wrong with the file and how it was read all the same.
    pub repaired: Option<String>,
    pub channels: Vec<Channel>,
}

/// What is in one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// The greatest distance of a sample from 0, up to 32768.
    pub peak: u16,
    /// Level of all of it, about its mean.
    pub level: Dbm0,
    /// Mean of its samples, in 16-bit steps.
    pub offset: f64,
    /// Where it was clipped.
    pub clipping: Clipping,
    /// DTMF digits (ITU-T Q.23), in order.
    pub digits: Vec<DtmfDigit>,
    /// In order and without a hole between them.
    pub spans: Vec<Span>,
}

/// Seconds of one piece.
const PIECE: usize = 60;
/// Tones that differ by more are not one, as in [`span`].
const SAME_HERTZ: f64 = 5.0;
const SAME_DB: f64 = 3.0;

/// Analyses a whole file.
pub fn analyze(wav: &Opened) -> Analysis {
    let rate = wav.rate();
    let piece = (rate.0 as usize).saturating_mul(PIECE).max(1);
    let mut channels: Vec<Scan> = (0..wav.channels()).map(|_| Scan::new(rate)).collect();
    let mut at = 0;
    while at < wav.samples() {
        for (scan, pcm) in channels.iter_mut().zip(wav.decode(at..at.saturating_add(piece))) {
            scan.take(&pcm, at, rate);
        }
        at = at.saturating_add(piece);
    }
    Analysis {
        coding: wav.coding(),
        rate,
        samples: wav.samples(),
        repaired: wav.repaired().map(str::to_owned),
        channels: channels.into_iter().map(Scan::finish).collect(),
    }
}

impl Analysis {
    /// What a channel is called; those of a stereo recording of a leg are what it heard and what it said.
    pub fn name(&self, channel: usize) -> String {
        match self.channels.len() {
            1 => "channel".to_owned(),
            _ => format!("channel {}", channel + 1),
        }
    }
}

impl Channel {
    /// The peak against full scale, in dB; minus infinity for digital silence.
    pub fn peak_dbfs(&self) -> f64 {
        20.0 * (f64::from(self.peak) / 32_768.0).log10()
    }
}

/// The least rate at which the harmonics of DTMF's highest tone can be seen.
const DTMF_RATE: u32 = 8_000;

/// A channel, so far as it was read.
#[derive(Clone, Debug, Default)]
struct Scan {
    dtmf: Option<DtmfDetector>,
    peak: u16,
    sum: i64,
    squares: u128,
    samples: usize,
    clipping: ClippingScan,
    spans: Vec<Span>,
}

impl Scan {
    fn new(rate: SampleRate) -> Self {
        Scan { dtmf: (rate.0 >= DTMF_RATE).then(|| DtmfDetector::new(rate)), ..Scan::default() }
    }

    fn take(&mut self, pcm: &[i16], at: usize, rate: SampleRate) {
        self.peak = pcm.iter().map(|sample| sample.unsigned_abs()).fold(self.peak, u16::max);
        let (sum, squares) = level::sums(pcm);
        self.sum += sum;
        self.squares += squares;
        self.clipping.take(pcm);
        self.samples += pcm.len();
        if let Some(dtmf) = &mut self.dtmf {
            dtmf.push(pcm);
        }
        let silences = Silences::find(pcm, rate, DEFAULT_THRESHOLD);
        for span in span::spans(pcm, rate, &silences) {
            let span = Span { range: span.range.start + at..span.range.end + at, ..span };
            match self.spans.last_mut().and_then(|last| joined(last, &span)) {
                Some(whole) => *self.spans.last_mut().expect("it was just looked at") = whole,
                None => self.spans.push(span),
            }
        }
    }

    fn finish(mut self) -> Channel {
        let (power, offset) = level::power_of_sums((self.sum, self.squares), self.samples.max(1));
        let mut digits = Vec::new();
        if let Some(dtmf) = &mut self.dtmf {
            dtmf.finish();
            digits.extend(std::iter::from_fn(|| dtmf.poll()).filter_map(|heard| match heard {
                Heard::Ended(digit) => Some(digit),
                Heard::Began { .. } => None,
            }));
        }
        let level = level::of_power(power);
        Channel { peak: self.peak, level, offset, clipping: self.clipping.finish(), digits, spans: self.spans }
    }
}

/// Two spans that follow each other as one, if they are of one kind.
fn joined(a: &Span, b: &Span) -> Option<Span> {
    let (left, right) = (a.range.len() as f64, b.range.len() as f64);
    let mean = |a: f64, b: f64| (a * left + b * right) / (left + right);
    let power = |a: Dbm0, b: Dbm0| level::of_power(mean(level::to_power(a), level::to_power(b)));
    let content = match (a.content, b.content) {
        (Content::Silence, Content::Silence) => Content::Silence,
        (Content::Other, Content::Other) => Content::Other,
        (Content::Tone { frequency: f, level: l }, Content::Tone { frequency: g, level: m })
            if (f.0 - g.0).abs() <= SAME_HERTZ && (l.0 - m.0).abs() <= SAME_DB =>
        {
            Content::Tone { frequency: Hertz(mean(f.0, g.0)), level: power(l, m) }
        }
        _ => return None,
    };
    Some(Span { range: a.range.start..b.range.end, content, level: power(a.level, b.level) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::sine::sine;
    use crate::audio::wav;

    fn analysed(pcm: &[i16]) -> Analysis {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        let mut writer = wav::Writer::create(&path, SampleRate::NARROW, 1).unwrap();
        writer.write(pcm).unwrap();
        writer.finish().unwrap();
        analyze(&wav::open(&path).unwrap())
    }

    #[test]
    fn a_tone_across_two_pieces_is_one() {
        let rate = SampleRate::NARROW;
        let pcm = [vec![0; 8000 * 59], sine(Hertz(1004.0), Dbm0(-10.0), rate, 8000 * 63), vec![0; 8000]].concat();
        let analysis = analysed(&pcm);
        let spans = &analysis.channels[0].spans;
        assert_eq!(spans.len(), 3, "{spans:?}");
        let Content::Tone { frequency, level } = spans[1].content else { panic!("{spans:?}") };
        assert!((frequency.0 - 1004.0).abs() < 0.1 && (level.0 + 10.0).abs() < 0.05);
        assert_eq!((spans[1].range.clone(), spans[2].range.end), (8000 * 59..8000 * 122, 8000 * 123));
    }

    #[test]
    fn peak_level_and_offset_are_those_of_the_samples() {
        let channel = analysed(&[1100, -900].repeat(4000)).channels.remove(0);
        assert_eq!((channel.peak, channel.offset), (1100, 100.0));
        assert!((channel.level.0 - level::of_power(1e6).0).abs() < 1e-9);
        assert!((channel.peak_dbfs() + 29.48).abs() < 0.01);
    }
}
