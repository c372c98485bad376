//! Tones in TGML, the tone generation markup language of FreeSWITCH's `tone_stream://`.
//!
//! A text is a list of parts with `;` between them. A part is a setting or any number of tones:
//!
//! | part | means |
//! |---|---|
//! | `%(on,off,f1,f2,...)` | the frequencies (Hz, 18 at most) for `on` ms, then silence for `off` ms |
//! | `5` or `5(on,off)` | a DTMF digit `0-9 * # A-D`, for the times of `d=` and `w=` or its own |
//! | `v=dB` | volume, -63 to 0; others are ignored. At first -7 |
//! | `d=ms`, `w=ms` | times of what follows. At first 2,000 and 500 samples (250 and 62.5 ms at 8 kHz) |
//! | `>=ms`, `<=ms` | fade: a step down (up) each `ms` |
//! | `+=dB` | the step of a fade. At first 1 |
//! | `l=n` | the next tone sounds `n` times |
//! | `L=n` | the whole text runs `n` times; settings carry over. The first one counts |
//! | `r=Hz` | the rate tones are computed at; the stream keeps its own, so pitch and times change |
//! | `c=n` | no effect in a tone stream |
//! | `;loops=n` | after all others: what was made sounds `n` times, negative for ever |
//!
//! The source is FreeSWITCH 1.10's libteletone (`teletone_run`, `teletone_mux_tones`) and mod_tone_stream; samples are
//! the same to the bit, oddities included: a digit of the third row has 859 Hz and not Q.23's 852, a tone has a
//! constant offset of 128, and the digits of a setting that ends the text (`%(200,0,440);v=-13`) sound as DTMF.
//!
//! # Level
//! A tone of one frequency at volume `v` is at `v + 0.06` dBm0, so -6.94 dBm0 unless `v=` says otherwise. The sum of
//! `n` frequencies is divided by `n`: each is then at `v + 0.06 - 20 log10(n)` and all together at
//! `v + 0.06 - 10 log10(n)`, so a pair at -7 is two tones of -12.96 dBm0 that measure -9.95 together.
//!
//! # Left out
//! `path=FILE` is refused. So is what FreeSWITCH takes and nobody can want: a tone that is no tone (there the rest of
//! the text is dropped without a word), and `l=` below zero (there the thread that opens the stream never returns).

use crate::audio::sine::Oscillator;
use crate::units::{Hertz, SampleRate};

mod script;

use script::{Script, Step};

/// The sound of a TGML text, made as it is asked for.
#[derive(Clone, Debug)]
pub struct ToneStream {
    script: Script,
    rate: SampleRate,
    settings: Settings,
    /// Where the script is: its next step, and how many times it still runs after this one.
    next_step: usize,
    runs_left: u64,
    /// Runs in a row that gave no sample.
    silent_runs: u32,
    /// How many times the whole still sounds after this one; `None` for ever.
    loops_left: Option<u64>,
    /// Whether anything came out since the whole began: an endless loop over nothing must end.
    sounded: bool,
    tone: Option<Tone>,
}

/// Why a text is no tone stream. `at` counts bytes from the start of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToneError {
    #[error("`{0}` is not supported in a tone stream: write the tones out")]
    Path(String),
    #[error("no `)` after `{text}` at byte {at}")]
    Unclosed { at: usize, text: String },
    #[error(
        "`{text}` at byte {at} is no tone: expected `%(on ms,off ms,frequency,...)` or a digit and `(on ms,off ms)`"
    )]
    NotATone { at: usize, text: String },
    #[error("the tone at byte {at} would never end: `l=` is below 0 (for endless tones end the text with `;loops=-1`)")]
    Endless { at: usize },
}

impl ToneStream {
    /// The stream of `text` at 8 kHz.
    pub fn parse(text: &str) -> Result<Self, ToneError> {
        ToneStream::parse_at(text, SampleRate::NARROW)
    }

    /// The stream of `text` at another rate.
    pub fn parse_at(text: &str, rate: SampleRate) -> Result<Self, ToneError> {
        let script = Script::parse(text)?;
        let mut stream = ToneStream {
            rate,
            settings: Settings::new(rate),
            next_step: 0,
            runs_left: script.runs - 1,
            silent_runs: 0,
            loops_left: script.loops,
            sounded: false,
            tone: None,
            script,
        };
        stream.rewind();
        Ok(stream)
    }

    /// Writes the next samples and gives their number; fewer than `out` has room for means that the stream ended.
    pub fn fill(&mut self, out: &mut [i16]) -> usize {
        let mut filled = 0;
        while filled < out.len() {
            if let Some(tone) = &mut self.tone {
                match tone.next_sample() {
                    Some(sample) => {
                        out[filled] = sample;
                        filled += 1;
                        self.sounded = true;
                        self.silent_runs = 0;
                    }
                    None => self.tone = tone.again(),
                }
            } else if !self.advance() {
                break;
            }
        }
        filled
    }

    /// Carries out the next step, or starts over. False once all is over.
    fn advance(&mut self) -> bool {
        match self.script.steps.get(self.next_step) {
            Some(step) => {
                self.next_step += 1;
                self.tone = self.settings.carry_out(step);
                true
            }
            // Settings carry over, but from the third run on all are the same: silent ones need no billion repeats.
            None if self.runs_left > 0 && self.silent_runs < 3 => {
                self.silent_runs += 1;
                self.runs_left -= 1;
                self.next_step = 0;
                true
            }
            None => match &mut self.loops_left {
                _ if !self.sounded => false,
                Some(0) => false,
                left => {
                    if let Some(left) = left {
                        *left -= 1;
                    }
                    self.rewind();
                    true
                }
            },
        }
    }

    /// To the start, as it sounded the first time: FreeSWITCH replays the samples it made.
    fn rewind(&mut self) {
        self.settings = Settings::new(self.rate);
        self.next_step = 0;
        self.runs_left = self.script.runs - 1;
        self.silent_runs = 0;
        self.sounded = false;
    }
}

/// What the settings of a text have come to.
#[derive(Clone, Debug)]
struct Settings {
    rate: i64,
    /// Times in samples.
    duration: i64,
    wait: i64,
    volume: f32,
    fade: Option<Fade>,
    fade_step: f32,
    loops: i64,
}

/// A change of volume, each `every` samples.
#[derive(Clone, Copy, Debug)]
struct Fade {
    every: i64,
    direction: f32,
}

impl Settings {
    fn new(rate: SampleRate) -> Self {
        Settings {
            rate: i64::from(rate.0),
            duration: 2000,
            wait: 500,
            volume: -7.0,
            fade: None,
            fade_step: 1.0,
            loops: 0,
        }
    }

    /// FreeSWITCH's own arithmetic: whole samples a millisecond.
    fn samples(&self, ms: i64) -> i64 {
        ms.saturating_mul(self.rate / 1000)
    }

    /// Changes a setting, or gives the tone that sounds now.
    fn carry_out(&mut self, step: &Step) -> Option<Tone> {
        match step {
            Step::Rate(rate) => self.rate = *rate,
            Step::Duration(ms) => self.duration = self.samples(*ms),
            Step::Wait(ms) => self.wait = self.samples(*ms),
            Step::Volume(volume) => {
                if VOLUMES.contains(volume) {
                    self.volume = *volume;
                }
            }
            Step::Fall(ms) => self.fade = Some(Fade { every: self.samples(*ms), direction: -1.0 }),
            Step::Rise(ms) => self.fade = Some(Fade { every: self.samples(*ms), direction: 1.0 }),
            Step::FadeBy(db) => self.fade_step = *db,
            Step::Loops(loops) => self.loops = *loops,
            Step::Tone { frequencies, times, .. } => {
                let own = times.map(|(on, off)| (self.samples(on), self.samples(off)));
                let times = Times {
                    on: own.map(|(on, _)| on).filter(|&on| on >= 0).unwrap_or(self.duration),
                    off: own.map(|(_, off)| off).filter(|&off| off >= 0).unwrap_or(self.wait),
                };
                // `l=0` is one tone, as is `l=1`; it counts once.
                let repeats = std::mem::take(&mut self.loops).saturating_sub(1);
                return Some(Tone::new(frequencies, self, times, repeats));
            }
        }
        None
    }
}

/// The volumes libteletone allows, in its dB.
const VOLUMES: std::ops::RangeInclusive<f32> = -63.0..=0.0;

/// Samples of sound and then of silence.
#[derive(Clone, Copy, Debug)]
struct Times {
    on: i64,
    off: i64,
}

/// One tone, under way.
#[derive(Clone, Debug)]
struct Tone {
    shape: Box<Shape>,
    oscillators: Vec<Oscillator>,
    left: Times,
    volume: f32,
    since_fade: i64,
    repeats: i64,
}

/// A tone before its first sample.
#[derive(Clone, Debug)]
struct Shape {
    oscillators: Vec<Oscillator>,
    times: Times,
    volume: f32,
    fade: Option<Fade>,
    fade_step: f32,
}

impl Tone {
    fn new(frequencies: &[f64], settings: &Settings, mut times: Times, repeats: i64) -> Tone {
        // A first frequency below zero is silence without a tone before it.
        if frequencies.first().is_none_or(|&first| first < 0.0) {
            times.on = 0;
        }
        // Here as there, a rate below zero is a huge one.
        let rate = SampleRate(settings.rate as u32);
        let oscillators: Vec<Oscillator> =
            frequencies.iter().map(|&hertz| Oscillator::new(Hertz(hertz), settings.volume, rate)).collect();
        let (volume, fade, fade_step) = (settings.volume, settings.fade, settings.fade_step);
        Tone::begin(Box::new(Shape { oscillators, times, volume, fade, fade_step }), repeats)
    }

    fn begin(shape: Box<Shape>, repeats: i64) -> Tone {
        Tone {
            oscillators: shape.oscillators.clone(),
            left: shape.times,
            volume: shape.volume,
            since_fade: 0,
            repeats,
            shape,
        }
    }

    /// The same tone once more, if `l=` asked for it.
    fn again(&self) -> Option<Tone> {
        let sounds = self.shape.times.on > 0 || self.shape.times.off > 0;
        (self.repeats > 0 && sounds).then(|| Tone::begin(self.shape.clone(), self.repeats - 1))
    }

    fn next_sample(&mut self) -> Option<i16> {
        if self.left.on <= 0 {
            self.left.off -= 1;
            return (self.left.off >= 0).then_some(0);
        }
        self.left.on -= 1;
        self.fade();
        // The sum begins at 128, and so every tone has an offset.
        let sum: i32 = 128 + self.oscillators.iter_mut().map(|o| i32::from(o.next_sample())).sum::<i32>();
        Some((sum / self.oscillators.len().max(1) as i32) as i16)
    }

    fn fade(&mut self) {
        let Some(fade) = self.shape.fade else { return };
        self.since_fade += 1;
        let volume = self.volume + fade.direction * self.shape.fade_step;
        if self.since_fade >= fade.every && VOLUMES.contains(&volume) {
            self.volume = volume;
            self.since_fade = 0;
            for oscillator in &mut self.oscillators {
                oscillator.set_volume(volume);
            }
        }
    }
}

#[cfg(test)]
mod tests;
