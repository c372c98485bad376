//! A picture of a recording: waveform and spectrogram of each channel, with their axes, as SVG or PNG.

use std::f64::consts::TAU;
use std::fmt::Write;
use std::ops::Range;

use realfft::RealFftPlanner;

use crate::audio::level;
use crate::audio::wav::Opened;
pub use crate::canvas::PictureError;
use crate::canvas::ticks::{number, step};
use crate::canvas::{self, Anchor, Canvas, Colour};

/// A drawn recording.
#[derive(Debug)]
pub struct Picture {
    canvas: Canvas,
}

const WIDTH: usize = 1040;
const LEFT: usize = 84;
const RIGHT: usize = 108;
const HEAD: usize = 52;
const WAVE: usize = 120;
const SPECTRUM: usize = 200;
/// Title above, gap between, axis below.
const TITLE: usize = 34;
const GAP: usize = 42;
const AXIS: usize = 40;
/// The colours end here.
const LOUDEST: f64 = 0.0;
const SOFTEST: f64 = -80.0;
/// Windows that are looked at for one column of a long recording.
const WINDOWS: usize = 4;

const PAPER: Colour = Colour(255, 255, 255);
const INK: Colour = Colour(32, 36, 44);
const FAINT: Colour = Colour(110, 118, 130);
const GRID: Colour = Colour(222, 226, 232);
const WAVEFORM: Colour = Colour(36, 104, 178);

impl Picture {
    /// Draws a recording. `title` stands above.
    pub fn of(wav: &Opened, title: &str) -> Picture {
        let each = TITLE + WAVE + GAP + SPECTRUM + AXIS;
        let mut canvas = Canvas::new(LEFT + WIDTH + RIGHT, HEAD + wav.channels() * each, PAPER);
        canvas.text(LEFT, 30, Anchor::Start, INK, title);
        let seconds = wav.samples() as f64 / f64::from(wav.rate().0);
        let about = format!("{} at {}, {seconds:.2} s", wav.coding(), wav.rate());
        canvas.text(LEFT + WIDTH, 30, Anchor::End, FAINT, &about);
        let mut columns = columns(wav, WIDTH, SPECTRUM);
        for (channel, columns) in columns.iter_mut().enumerate() {
            let top = HEAD + channel * each + TITLE;
            let name = if wav.channels() == 1 { String::new() } else { format!("channel {}: ", channel + 1) };
            canvas.text(LEFT, top - 10, Anchor::Start, INK, &format!("{name}waveform, % of full scale"));
            waveform(&mut canvas, top, columns);
            let below = top + WAVE + GAP;
            canvas.text(LEFT, below - 10, Anchor::Start, INK, &format!("{name}spectrogram, kHz"));
            spectrogram(&mut canvas, below, columns, f64::from(wav.rate().0) / 2.0);
            time_axis(&mut canvas, top, below + SPECTRUM, seconds);
            scale(&mut canvas, below);
        }
        Picture { canvas }
    }

    pub fn svg(&self) -> Result<String, PictureError> {
        self.canvas.svg()
    }

    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        self.canvas.png()
    }
}

/// What is drawn above one another: the extremes of some samples, and their spectrum.
struct Column {
    lowest: i16,
    highest: i16,
    /// Level of each band in dBm0, low ones first.
    bands: Vec<f64>,
}

/// One channel of a recording without axes, for a page that draws its own.
#[derive(Debug)]
pub struct Sketch {
    /// The path data of an SVG path around the waveform, `width` wide and from 0 (full scale) to 100 high.
    pub waveform: String,
    /// The spectrogram as PNG, `width` by `height`: time to the right, 0 Hz to half the sample rate upwards.
    pub spectrogram: Vec<u8>,
}

impl Sketch {
    /// Draws each channel of `wav`, `width` columns wide, its spectrogram in `height` bands.
    pub fn of(wav: &Opened, width: usize, height: usize) -> Result<Vec<Sketch>, PictureError> {
        columns(wav, width, height).iter().map(|columns| Sketch::channel(columns, height)).collect()
    }

    fn channel(columns: &[Column], height: usize) -> Result<Sketch, PictureError> {
        let y = |sample: i16| (50.0 - f64::from(sample) / 655.36).round() as i32;
        let upper = columns.iter().enumerate().map(|(x, column)| (x, y(column.highest)));
        // One unit high at least, so that silence is a line.
        let lower =
            columns.iter().enumerate().map(|(x, column)| (x, y(column.lowest).max(y(column.highest) + 1))).rev();
        let mut waveform = String::with_capacity(columns.len() * 12);
        for (x, y) in upper.chain(lower) {
            let letter = if waveform.is_empty() { 'M' } else { 'L' };
            // Writing to a String cannot fail.
            let _ = write!(waveform, "{letter}{x} {y}");
        }
        waveform.push('Z');
        let pixels = (0..height).flat_map(|row| columns.iter().map(move |column| column.bands[height - 1 - row]));
        Ok(Sketch { waveform, spectrogram: levels(columns.len(), height, pixels)? })
    }
}

/// The columns of each channel.
fn columns(wav: &Opened, width: usize, bands: usize) -> Vec<Vec<Column>> {
    let mut spectrum = Spectrum::new(wav.rate().0, bands);
    let mut channels: Vec<Vec<Column>> = (0..wav.channels()).map(|_| Vec::with_capacity(width)).collect();
    for column in 0..width {
        let at = |column: usize| (column as u128 * wav.samples() as u128 / width as u128) as usize;
        let range = at(column)..at(column + 1).max(at(column) + 1);
        let extremes: Vec<(i16, i16)> = wav.decode(range.clone()).iter().map(|pcm| extremes(pcm)).collect();
        let windows: Vec<Vec<Vec<i16>>> =
            spectrum.windows(&range, wav.samples()).into_iter().map(|range| wav.decode(range)).collect();
        for (channel, columns) in channels.iter_mut().enumerate() {
            let (lowest, highest) = extremes[channel];
            let bands = spectrum.bands(windows.iter().map(|window| window[channel].as_slice()));
            columns.push(Column { lowest, highest, bands });
        }
    }
    channels
}

fn extremes(pcm: &[i16]) -> (i16, i16) {
    (pcm.iter().copied().min().unwrap_or_default(), pcm.iter().copied().max().unwrap_or_default())
}

/// Levels of bands of equal width, from windows of 32 ms.
struct Spectrum {
    count: usize,
    taper: Vec<f64>,
    weight: f64,
    transform: std::sync::Arc<dyn realfft::RealToComplex<f64>>,
}

impl Spectrum {
    fn new(rate: u32, count: usize) -> Self {
        let window = (rate as usize * 32 / 1000).clamp(64, 16_384).next_power_of_two();
        let taper: Vec<f64> = (0..window).map(|n| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / window as f64).cos()).collect();
        let transform = RealFftPlanner::new().plan_fft_forward(window);
        Spectrum { count, weight: taper.iter().sum(), taper, transform }
    }

    /// Windows that stand for `range` of so many `samples`, each around its middle.
    fn windows(&self, range: &Range<usize>, samples: usize) -> Vec<Range<usize>> {
        let window = self.taper.len();
        let count = (range.len() / window).clamp(1, WINDOWS);
        let middles = (0..count).map(|n| range.start + range.len() * (2 * n + 1) / (2 * count));
        let starts = middles.map(|middle| middle.saturating_sub(window / 2).min(samples.saturating_sub(window)));
        starts.map(|start| start..start + window).collect()
    }

    /// The loudest of the windows in each band.
    fn bands<'a>(&mut self, windows: impl Iterator<Item = &'a [i16]>) -> Vec<f64> {
        let mut bands = vec![f64::NEG_INFINITY; self.count];
        let (mut input, mut output) = (self.transform.make_input_vec(), self.transform.make_output_vec());
        for pcm in windows {
            let mean = pcm.iter().map(|&sample| f64::from(sample)).sum::<f64>() / pcm.len().max(1) as f64;
            input.fill(0.0);
            for ((to, &sample), weight) in input.iter_mut().zip(pcm).zip(&self.taper) {
                *to = (f64::from(sample) - mean) * weight;
            }
            if self.transform.process(&mut input, &mut output).is_err() {
                continue;
            }
            let mut powers: Vec<f64> =
                output.iter().map(|line| 2.0 * line.norm_sqr() / (self.weight * self.weight)).collect();
            // An offset is not heard.
            powers[0] = 0.0;
            for (band, loudest) in bands.iter_mut().enumerate() {
                // Between two lines of the spectrum lie several bands, or one band has several lines.
                let place = |band: usize| band * (powers.len() - 1) / self.count;
                let lines = &powers[place(band)..=place(band + 1).max(place(band))];
                let power = lines.iter().copied().fold(0.0, f64::max);
                *loudest = loudest.max(level::of_power(power).0);
            }
        }
        bands
    }
}

fn waveform(canvas: &mut Canvas, top: usize, columns: &[Column]) {
    let y = |sample: f64| top as f64 + WAVE as f64 / 2.0 - sample / 32_768.0 * (WAVE as f64 / 2.0);
    for percent in [100, 50, 0, -50, -100] {
        let line = y(f64::from(percent) * 327.68);
        canvas.rect(LEFT, line.round() as usize, WIDTH, 1, GRID);
        if percent % 100 == 0 {
            canvas.text(LEFT - 8, line.round() as usize + 5, Anchor::End, FAINT, &format!("{percent}"));
        }
    }
    let bars = columns.iter().map(|column| (y(f64::from(column.highest)), y(f64::from(column.lowest)))).collect();
    canvas.bars(LEFT, bars, WAVEFORM);
}

fn spectrogram(canvas: &mut Canvas, top: usize, columns: &[Column], highest: f64) {
    let mut pixels = Vec::with_capacity(WIDTH * SPECTRUM);
    for row in 0..SPECTRUM {
        let band = SPECTRUM - 1 - row;
        pixels.extend(columns.iter().map(|column| colour(column.bands[band])));
    }
    canvas.image(LEFT, top, WIDTH, pixels);
    let step = step(highest, 5.0);
    let mut frequency = 0.0;
    while frequency <= highest * 1.0001 {
        let y = top + SPECTRUM - (frequency / highest * SPECTRUM as f64).round() as usize;
        canvas.rect(LEFT - 5, y.min(top + SPECTRUM - 1), 5, 1, FAINT);
        canvas.text(LEFT - 8, y + 5, Anchor::End, FAINT, &number(frequency / 1000.0));
        frequency += step;
    }
}

fn time_axis(canvas: &mut Canvas, top: usize, bottom: usize, seconds: f64) {
    let step = step(seconds, 10.0);
    if step <= 0.0 {
        return;
    }
    let mut tick = 0.0;
    while tick <= seconds * 1.0001 {
        let x = LEFT + (tick / seconds * WIDTH as f64).round() as usize;
        canvas.rect(x.min(LEFT + WIDTH - 1), bottom, 1, 5, FAINT);
        canvas.rect(x.min(LEFT + WIDTH - 1), top + WAVE, 1, 4, FAINT);
        canvas.text(x, bottom + 20, Anchor::Middle, FAINT, &number(tick));
        tick += step;
    }
    canvas.text(LEFT + WIDTH + 24, bottom + 20, Anchor::Start, FAINT, "s");
}

/// What the colours stand for.
fn scale(canvas: &mut Canvas, top: usize) {
    let x = LEFT + WIDTH + 16;
    let pixels = (0..SPECTRUM).flat_map(|row| {
        let level = LOUDEST + (SOFTEST - LOUDEST) * row as f64 / (SPECTRUM - 1) as f64;
        std::iter::repeat_n(colour(level), 14)
    });
    canvas.image(x, top, 14, pixels.collect());
    for level in [0, -20, -40, -60, -80] {
        let y = top as f64 + f64::from(level) / SOFTEST * (SPECTRUM - 1) as f64;
        canvas.text(x + 20, y as usize + 5, Anchor::Start, FAINT, &level.to_string());
    }
    canvas.text(x - 2, top - 10, Anchor::Start, FAINT, "dBm0");
}

/// The colour of a level: dark for soft, bright for loud.
fn colour(level: f64) -> Colour {
    const STOPS: [(f64, f64, f64); 6] = [
        (8.0, 9.0, 28.0),
        (58.0, 18.0, 98.0),
        (150.0, 38.0, 110.0),
        (228.0, 84.0, 62.0),
        (250.0, 166.0, 50.0),
        (255.0, 248.0, 190.0),
    ];
    let place = ((level - SOFTEST) / (LOUDEST - SOFTEST)).clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let index = (place as usize).min(STOPS.len() - 2);
    let part = place - index as f64;
    let ((a, b, c), (d, e, f)) = (STOPS[index], STOPS[index + 1]);
    let mix = |from: f64, to: f64| (from + (to - from) * part).round() as u8;
    Colour(mix(a, d), mix(b, e), mix(c, f))
}

/// A picture of levels in the colours of a spectrogram.
fn levels(width: usize, height: usize, levels: impl Iterator<Item = f64>) -> Result<Vec<u8>, PictureError> {
    const SHADES: u8 = 63;
    let span = LOUDEST - SOFTEST;
    let palette = (0..=SHADES).map(|shade| colour(SOFTEST + span * f64::from(shade) / f64::from(SHADES)));
    let shade = |level: f64| ((level - SOFTEST) / span * f64::from(SHADES)).clamp(0.0, f64::from(SHADES)) as u8;
    canvas::indexed(width, height, &palette.collect::<Vec<_>>(), &levels.map(shade).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::sine::sine;
    use crate::audio::wav;
    use crate::units::{Dbm0, Hertz, SampleRate};

    fn opened(rate: SampleRate, pcm: &[i16]) -> Opened {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        let mut writer = wav::Writer::create(&path, rate, 1).unwrap();
        writer.write(pcm).unwrap();
        writer.finish().unwrap();
        wav::open(&path).unwrap()
    }

    #[test]
    fn a_tone_is_bright_at_its_frequency_with_its_level_and_dark_elsewhere() {
        for rate in [SampleRate::NARROW, SampleRate(48_000)] {
            let wav = opened(rate, &sine(Hertz(1000.0), Dbm0(-10.0), rate, rate.0 as usize));
            let columns = columns(&wav, WIDTH, SPECTRUM).remove(0);
            let column = &columns[WIDTH / 2];
            let band = |hertz: f64| (hertz / f64::from(rate.0) * 2.0 * SPECTRUM as f64) as usize;
            assert!((column.bands[band(1000.0)] + 10.0).abs() < 1.5, "{rate}: {:?}", column.bands[band(1000.0)]);
            assert!(column.bands[band(2000.0)] < -60.0, "{rate}");
        }
    }

    #[test]
    fn one_sample_is_drawn_and_so_is_digital_silence() {
        for pcm in [vec![1000], vec![0; 80]] {
            let picture = Picture::of(&opened(SampleRate::NARROW, &pcm), "x");
            assert!(picture.svg().unwrap().ends_with("</svg>\n"));
            assert!(picture.png().unwrap().starts_with(b"\x89PNG"));
        }
    }

    #[test]
    fn a_sketch_has_each_channel_and_shows_silence_as_a_line() {
        let sketches = Sketch::of(&opened(SampleRate::NARROW, &[0; 800]), 4, 8).unwrap();
        assert_eq!(sketches.len(), 1);
        assert_eq!(sketches[0].waveform, "M0 50L1 50L2 50L3 50L3 51L2 51L1 51L0 51Z");
        let png = png::Decoder::new(std::io::Cursor::new(&sketches[0].spectrogram));
        let reader = png.read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (4, 8));
    }
}
