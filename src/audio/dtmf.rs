//! DTMF heard in audio: a receiver for the signals of ITU-T Q.23 within the limits of ITU-T Q.24.
//!
//! Windows of 12.75 ms, one every 8 ms, are transformed at the eight frequencies. A window belongs to a digit when its
//! strongest low and high tone make up most of what is heard, stand in a bearable proportion (twist), and turn from
//! window to window as fast as a tone of that frequency does: the turn tells the frequency to a few hertz, which is what
//! speech does not keep up. How long the digit lasted comes from how much of each window it fills, to about 1 ms.
//!
//! | | here | Q.24, where administrations agree least |
//! |---|---|---|
//! | frequency | within 1.5 % accepted, beyond 3.5 % refused | 1.5 to 1.8 %, 3 to 3.5 % |
//! | high tone over low | up to 4 dB accepted | 4 to 6 dB |
//! | low tone over high | up to 8 dB accepted | 4 to 10 dB |
//! | level of each tone | -36 dBm0 and more accepted, below -42 refused | -24 to -32 dBm, -29 to -55 dBm |
//! | length | 40 ms accepted, 23 ms refused | 40 ms, 20 to 24 ms |
//! | pause | 40 ms divides, an interruption of 10 ms does not | 30 to 70 ms, 10 to 20 ms |
//!
//! Left out: dial tone under the digits (Q.24 table A.1, France) is sound that the digits do not make up.

use std::collections::VecDeque;
use std::f32::consts::TAU;
use std::time::Duration;

use crate::audio::level;
use crate::units::{Dbm0, Hertz, Percent, SampleRate};

/// The low group, in the order of the keypad's rows (ITU-T Q.23, 5).
pub const ROWS: [Hertz; 4] = [Hertz(697.0), Hertz(770.0), Hertz(852.0), Hertz(941.0)];
/// The high group, in the order of its columns.
pub const COLUMNS: [Hertz; 4] = [Hertz(1209.0), Hertz(1336.0), Hertz(1477.0), Hertz(1633.0)];
/// The keypad, row by row.
pub const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// The low and the high tone of `digit`; `None` where it is none of [`KEYS`].
pub fn tones(digit: char) -> Option<(Hertz, Hertz)> {
    let row = KEYS.iter().position(|row| row.contains(&digit))?;
    let column = KEYS[row].iter().position(|&key| key == digit)?;
    Some((ROWS[row], COLUMNS[column]))
}

/// A digit that was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct DtmfDigit {
    pub digit: char,
    /// From the first sample that was pushed.
    pub start: Duration,
    pub duration: Duration,
    /// Level of the low tone.
    pub low: Dbm0,
    /// Level of the high tone.
    pub high: Dbm0,
    /// How far the low and the high tone are from their frequencies.
    pub off: (Percent, Percent),
}

/// What a live listener is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A digit has lasted long enough to be one, and still sounds.
    Began {
        digit: char,
        start: Duration,
    },
    Ended(DtmfDigit),
}

/// Listens to one channel.
#[derive(Clone, Debug)]
pub struct DtmfDetector {
    rate: SampleRate,
    tables: Tables,
    /// Samples from `position` on.
    pending: Vec<i16>,
    /// The sample at which the next window begins.
    position: u64,
    /// The windows before the newest, oldest first: a digit begins in a window that is not yet one of its own.
    recent: VecDeque<Window>,
    run: Option<Run>,
    heard: VecDeque<Heard>,
}

const GROUP: usize = 4;
const TONES: usize = 2 * GROUP;

/// Length of a window: the longest that leaves two whole ones in the shortest digit, wherever that begins.
const WINDOW: f64 = 0.012_75;
/// From one window to the next. A tone off by less than 62 Hz turns by less than half a turn.
const HOP: f64 = 0.008;

/// Below this a tone is not there, in dBm0.
const QUIETEST: f64 = -39.0;
/// Of a whole digit, a decibel and more beyond what must be accepted, for noise.
const HIGH_OVER_LOW: f32 = 5.2;
const LOW_OVER_HIGH: f32 = 9.4;
/// Beyond these of a window, in which each tone adds to the other or takes away from it.
const TWIST_OF_A_WINDOW: f32 = 2.0;
/// Halfway between what must be accepted and what must be refused.
const OFF: f32 = 0.026;
/// The same for two windows alone, where the other tone and noise turn a tone to and fro.
const OFF_IN_A_WINDOW: f32 = 0.05;
/// The part of a window's power that the two tones must be, and of a whole digit's.
const PURITY: f32 = 0.55;
const PURITY_OF_DIGIT: f32 = 0.77;
/// The strongest tone of a group stands so far above the other three.
const ABOVE_OTHERS: f32 = 4.0;
/// Speech has harmonics: no second one may have so much of its fundamental's power.
const HARMONIC: f32 = 0.1;
/// Halfway between 40 ms, which must be accepted, and 23 ms, which must be refused.
const SHORTEST: f32 = 0.031;
/// Windows without the digit that end it: 40 ms hold at least four, 10 ms at most two.
const MISSES: usize = 3;
/// A window of which the digit fills less says nothing about its length.
const FILLED: f32 = 0.12;

impl DtmfDetector {
    /// A detector for audio of `rate`, which must be at least 6 kHz to hold the highest tone's harmonics.
    pub fn new(rate: SampleRate) -> Self {
        DtmfDetector {
            rate,
            tables: Tables::new(rate),
            pending: Vec::new(),
            position: 0,
            recent: VecDeque::with_capacity(EARLIER + 1),
            run: None,
            heard: VecDeque::new(),
        }
    }

    /// Listens to the samples that follow those before. What was heard is taken by [`DtmfDetector::poll`].
    pub fn push(&mut self, pcm: &[i16]) {
        self.pending.extend_from_slice(pcm);
        let mut begin = 0;
        while let Some(samples) = self.pending.get(begin..begin + self.tables.length) {
            let window = self.tables.window(samples, self.position, self.recent.back());
            self.take(window);
            begin += self.tables.hop;
            self.position += self.tables.hop as u64;
        }
        self.pending.drain(..begin.min(self.pending.len()));
    }

    /// There is no more to listen to: a digit that sounds has ended.
    pub fn finish(&mut self) {
        let silence = vec![0; self.tables.length + (MISSES + 2) * self.tables.hop];
        self.push(&silence);
    }

    /// What was heard, in its order.
    pub fn poll(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    fn take(&mut self, window: Window) {
        let key = window.key;
        match &mut self.run {
            Some(run) if key == Some(run.key) => {
                run.misses = 0;
                run.add(window);
            }
            Some(run) => {
                // Another digit ends this one at once.
                run.misses += if key.is_some() { MISSES } else { 1 };
                run.add_edge(window);
                if run.misses >= MISSES {
                    self.end();
                    if let Some(key) = key {
                        self.begin(key, window);
                    }
                }
            }
            None => {
                if let Some(key) = key {
                    self.begin(key, window);
                }
            }
        }
        self.confirm();
        if self.recent.len() == EARLIER {
            self.recent.pop_front();
        }
        self.recent.push_back(window);
    }

    fn begin(&mut self, key: Key, window: Window) {
        let mut run = Run::new(key);
        for earlier in &self.recent {
            run.add_edge(*earlier);
        }
        run.add(window);
        self.run = Some(run);
    }

    /// Tells of a digit once it is one.
    fn confirm(&mut self) {
        let tables = &self.tables;
        let Some(run) = &mut self.run else { return };
        if !run.told && run.is_digit(tables) {
            run.told = true;
            let start = self.rate.duration(run.start(tables) as usize);
            self.heard.push_back(Heard::Began { digit: run.key.digit(), start });
        }
    }

    fn end(&mut self) {
        let Some(run) = self.run.take().filter(|run| run.told) else { return };
        let tables = &self.tables;
        let off = run.off(tables).map(|off| Percent(f64::from(off) * 100.0));
        let power = |sum: f32| level::of_power(f64::from(sum / run.hits as f32));
        self.heard.push_back(Heard::Ended(DtmfDigit {
            digit: run.key.digit(),
            start: self.rate.duration(run.start(tables) as usize),
            duration: Duration::from_secs_f32(run.length(tables)),
            low: power(run.powers[0]),
            high: power(run.powers[1]),
            off: (off[0], off[1]),
        }));
    }
}

/// Windows before a digit's first that it may begin in.
const EARLIER: usize = 2;

/// The digits in `pcm`, in order.
pub fn digits(pcm: &[i16], rate: SampleRate) -> Vec<DtmfDigit> {
    let mut detector = DtmfDetector::new(rate);
    detector.push(pcm);
    detector.finish();
    std::iter::from_fn(|| detector.poll())
        .filter_map(|heard| match heard {
            Heard::Ended(digit) => Some(digit),
            Heard::Began { .. } => None,
        })
        .collect()
}

/// A row and a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    row: usize,
    column: usize,
}

impl Key {
    fn digit(self) -> char {
        KEYS[self.row][self.column]
    }

    /// Where its two tones stand among the eight.
    fn indices(self) -> [usize; 2] {
        [self.row, GROUP + self.column]
    }
}

/// One window's transform.
#[derive(Clone, Copy, Debug)]
struct Window {
    start: u64,
    /// Of each tone: real and imaginary part of its phasor; the mean square of a sine is half its square.
    re: [f32; TONES],
    im: [f32; TONES],
    /// Mean square of all that is heard.
    total: f32,
    /// What it may be a part of.
    key: Option<Key>,
}

/// Windows that may be one digit.
#[derive(Clone, Debug)]
struct Run {
    key: Key,
    hits: usize,
    misses: usize,
    /// The window that was added last.
    last: Option<Window>,
    /// The highest amplitude of a window: one that the digit fills.
    amplitude: f32,
    /// Sum and number of the amplitudes that are near it.
    near: (f32, f32),
    /// Sums over the windows that were hits: of mean squares of both tones, of that of everything.
    powers: [f32; 2],
    total: f32,
    /// Sum of the turns of both tones from hit to hit, as phasors: their angle is the mean turn.
    turns: [(f32, f32); 2],
    /// Start and amplitude of each window that may hold a part of the digit, from the first.
    first: VecDeque<(u64, f32)>,
    /// Sum of the amplitudes of windows behind those in `first`.
    later: f32,
    told: bool,
}

/// Windows whose amplitudes are kept: those in which the digit rises to its full amplitude.
const RISING: usize = 6;

impl Run {
    fn new(key: Key) -> Self {
        Run {
            key,
            hits: 0,
            misses: 0,
            last: None,
            amplitude: 0.0,
            near: (0.0, 0.0),
            powers: [0.0; 2],
            total: 0.0,
            turns: [(0.0, 0.0); 2],
            first: VecDeque::new(),
            later: 0.0,
            told: false,
        }
    }

    fn add(&mut self, window: Window) {
        let indices = self.key.indices();
        if let Some(last) = self.last.filter(|last| last.key == Some(self.key)) {
            for (turn, &at) in self.turns.iter_mut().zip(&indices) {
                turn.0 += window.re[at] * last.re[at] + window.im[at] * last.im[at];
                turn.1 += window.im[at] * last.re[at] - window.re[at] * last.im[at];
            }
        }
        for (power, &at) in self.powers.iter_mut().zip(&indices) {
            *power += window.power(at);
        }
        self.total += window.total;
        self.hits += 1;
        self.add_edge(window);
    }

    /// A window that may hold a part of the digit.
    fn add_edge(&mut self, window: Window) {
        let [low, high] = self.key.indices();
        let amplitude = (window.power(low) + window.power(high)).sqrt();
        if amplitude > self.amplitude {
            // Those before were of windows that it filled in part.
            if amplitude > 1.1 * self.amplitude {
                self.near = (0.0, 0.0);
            }
            self.amplitude = amplitude;
        }
        if amplitude > 0.9 * self.amplitude {
            self.near = (self.near.0 + amplitude, self.near.1 + 1.0);
        }
        if self.first.len() < RISING {
            self.first.push_back((window.start, amplitude));
        } else if amplitude > FILLED * self.amplitude {
            self.later += amplitude;
        }
        self.last = Some(window);
    }

    /// The mean amplitude of the windows that it fills.
    fn full(&self) -> f32 {
        (self.near.0 / self.near.1.max(1.0)).max(f32::MIN_POSITIVE)
    }

    fn filled(&self) -> impl Iterator<Item = (u64, f32)> + '_ {
        let full = self.full();
        self.first.iter().map(move |&(start, amplitude)| (start, amplitude / full)).filter(|(_, part)| *part > FILLED)
    }

    /// In seconds: each sample is in `length / hop` windows.
    fn length(&self, tables: &Tables) -> f32 {
        let parts: f32 = self.filled().map(|(_, part)| part).sum();
        (parts + self.later / self.full()) * tables.hop as f32 / tables.rate
    }

    /// The sample at which it began: the first window that it fills in part has the digit at its end.
    fn start(&self, tables: &Tables) -> u64 {
        let Some((start, part)) = self.filled().next() else { return 0 };
        start + ((1.0 - part).max(0.0) * tables.length as f32) as u64
    }

    /// How far each tone is from its frequency, as a part of it.
    fn off(&self, tables: &Tables) -> [f32; 2] {
        let indices = self.key.indices();
        [0, 1].map(|tone| tables.off(indices[tone], self.turns[tone]))
    }

    fn is_digit(&self, tables: &Tables) -> bool {
        let off = self.off(tables);
        let indices = self.key.indices();
        let [low, high] = [0, 1].map(|tone| self.powers[tone] / tables.loss(indices[tone], off[tone]));
        self.hits >= 2
            && self.length(tables) >= SHORTEST
            && off.iter().all(|off| off.abs() <= OFF)
            && low + high >= PURITY_OF_DIGIT * self.total
            && bearable(low, high, 0.0)
    }
}

impl Window {
    /// Mean square of a tone.
    fn power(&self, tone: usize) -> f32 {
        (self.re[tone] * self.re[tone] + self.im[tone] * self.im[tone]) / 2.0
    }
}

/// What depends on the sample rate alone.
#[derive(Clone, Debug)]
struct Tables {
    /// In hertz.
    rate: f32,
    /// Samples of a window, and from one to the next.
    length: usize,
    hop: usize,
    cosines: Vec<[f32; TONES]>,
    sines: Vec<[f32; TONES]>,
    /// Turn of each tone from one window to the next.
    turns: [f32; TONES],
    frequencies: [f32; TONES],
    quietest: f32,
}

impl Tables {
    fn new(rate: SampleRate) -> Self {
        let hertz = f64::from(rate.0.max(1));
        let (length, hop) = ((WINDOW * hertz).round().max(2.0) as usize, (HOP * hertz).round().max(1.0) as usize);
        let frequencies: [f32; TONES] =
            std::array::from_fn(|tone| if tone < GROUP { ROWS[tone].0 } else { COLUMNS[tone - GROUP].0 } as f32);
        let phase = |tone: usize, sample: usize| TAU * (frequencies[tone] * sample as f32 / hertz as f32).fract();
        // A sine of amplitude 1 has a phasor of length 1.
        let scale = 2.0 / length as f32;
        let table = |of: fn(f32) -> f32| -> Vec<[f32; TONES]> {
            (0..length).map(|sample| std::array::from_fn(|tone| scale * of(phase(tone, sample)))).collect()
        };
        Tables {
            rate: hertz as f32,
            length,
            hop,
            cosines: table(f32::cos),
            sines: table(f32::sin),
            turns: std::array::from_fn(|tone| phase(tone, hop)),
            frequencies,
            quietest: level::to_power(Dbm0(QUIETEST)) as f32,
        }
    }

    fn window(&self, samples: &[i16], start: u64, before: Option<&Window>) -> Window {
        let (sum, squares) = samples.iter().fold((0i32, 0i64), |(sum, squares), &sample| {
            (sum + i32::from(sample), squares + i64::from(i32::from(sample) * i32::from(sample)))
        });
        let mean = sum as f32 / self.length as f32;
        let total = (squares as f32 / self.length as f32 - mean * mean).max(0.0);
        let mut window = Window { start, re: [0.0; TONES], im: [0.0; TONES], total, key: None };
        // Nothing in it is loud enough; a tone's end in it is worth nothing either.
        if total < self.quietest / 16.0 {
            return window;
        }
        // Accumulators of their own stay in registers.
        let (mut re, mut im) = ([0.0; TONES], [0.0; TONES]);
        for ((&sample, cosines), sines) in samples.iter().zip(&self.cosines).zip(&self.sines) {
            let sample = f32::from(sample) - mean;
            for tone in 0..TONES {
                re[tone] += sample * cosines[tone];
                im[tone] -= sample * sines[tone];
            }
        }
        (window.re, window.im) = (re, im);
        window.key = self.key(&window, samples, before);
        window
    }

    fn key(&self, window: &Window, samples: &[i16], before: Option<&Window>) -> Option<Key> {
        let powers: [f32; TONES] = std::array::from_fn(|tone| window.power(tone));
        let key = Key { row: strongest(&powers[..GROUP])?, column: strongest(&powers[GROUP..])? };
        let indices = key.indices();
        let [low, high] = indices.map(|at| powers[at]);
        if low.min(high) < self.quietest {
            return None;
        }
        // Against a window that the digit began in, the turn is right as well.
        let turns = indices.map(|at| {
            before.filter(|before| before.power(at) > 0.1 * powers[at]).map(|before| {
                let turn = (
                    window.re[at] * before.re[at] + window.im[at] * before.im[at],
                    window.im[at] * before.re[at] - window.re[at] * before.im[at],
                );
                self.off(at, turn)
            })
        });
        if turns.iter().flatten().any(|off| off.abs() > OFF_IN_A_WINDOW) {
            return None;
        }
        let loss = |tone: usize| self.loss(indices[tone], turns[tone].unwrap_or(0.0));
        let (low, high) = (low / loss(0), high / loss(1));
        if low + high < PURITY * window.total || !bearable(low, high, TWIST_OF_A_WINDOW) {
            return None;
        }
        let harmonic = |at: usize| {
            let frequency = 2.0 * self.frequencies[at];
            // The second harmonic of a row may stand beside the column itself.
            (frequency - self.frequencies[indices[1]]).abs() > 200.0
                && self.power_at(samples, frequency) > HARMONIC * powers[at]
        };
        if indices.iter().any(|&at| harmonic(at)) {
            return None;
        }
        Some(key)
    }

    /// How far a tone that turns so from window to window is from `tone`, as a part of its frequency.
    fn off(&self, tone: usize, turn: (f32, f32)) -> f32 {
        let turned = turn.1.atan2(turn.0) - self.turns[tone];
        let turned = turned - TAU * (turned / TAU).round();
        turned * self.rate / (TAU * self.hop as f32) / self.frequencies[tone]
    }

    /// The part of its power that a tone keeps in the transform, so far off.
    fn loss(&self, tone: usize, off: f32) -> f32 {
        let half_turns = TAU / 2.0 * off * self.frequencies[tone] * self.length as f32 / self.rate;
        if half_turns.abs() < 0.01 { 1.0 } else { (half_turns.sin() / half_turns).powi(2).max(0.3) }
    }

    fn power_at(&self, samples: &[i16], frequency: f32) -> f32 {
        let twice_cosine = 2.0 * (TAU * frequency / self.rate).cos();
        let (mut last, mut before) = (0.0, 0.0);
        for &sample in samples {
            (last, before) = (f32::from(sample) + twice_cosine * last - before, last);
        }
        let squared = last * last + before * before - twice_cosine * last * before;
        2.0 * squared / (self.length * self.length) as f32
    }
}

/// Whether two tones stand in a bearable proportion, `more` decibels allowed.
fn bearable(low: f32, high: f32, more: f32) -> bool {
    let twist = 10.0 * (high / low).log10();
    (-LOW_OVER_HIGH - more..=HIGH_OVER_LOW + more).contains(&twist)
}

/// The strongest of a group, where it stands above the others.
fn strongest(powers: &[f32]) -> Option<usize> {
    let at = (0..powers.len()).max_by(|&a, &b| powers[a].total_cmp(&powers[b]))?;
    let others = powers.iter().enumerate().filter(|(other, _)| *other != at);
    others.fold(true, |above, (_, other)| above && powers[at] > ABOVE_OTHERS * other).then_some(at)
}

#[cfg(test)]
mod tests;
