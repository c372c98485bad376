#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
//! How fast audio is analysed: `cargo bench --bench dtmf -- [seconds]`.
//!
//! Told are the times that DTMF alone and DTMF with tones, silences and levels need for narrow-band audio on one core
//! (a mix, and the two that take longest: all tone, all speech), beside multimon-ng on the same file, where it is on the `PATH`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use callwright::audio::silence::{DEFAULT_THRESHOLD, Silences};
use callwright::audio::sine::sine;
use callwright::audio::{dtmf, level, span, wav};
use callwright::units::{Dbm0, Hertz, SampleRate};

const RATE: SampleRate = SampleRate::NARROW;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| !argument.starts_with("--"));
    let seconds: usize = match measured {
        true => arguments.first().and_then(|text| text.parse().ok()).unwrap_or(600),
        false => 2,
    };
    let speech = wav::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/sounds/speech.wav")));
    let speech = speech.expect("no speech").channels.remove(0);
    let samples = seconds * 8_000;
    listen("digits, tones and noise", seconds, &audio(seconds));
    listen("a tone", seconds, &sine(Hertz(1_004.0), Dbm0(-10.0), RATE, samples));
    listen("speech", seconds, &speech.iter().copied().cycle().take(samples).collect::<Vec<i16>>());
}

fn listen(what: &str, seconds: usize, pcm: &[i16]) {
    println!("{what}:");
    let heard = time("DTMF", seconds, || dtmf::digits(pcm, RATE).len());
    time("DTMF, tones, silences and levels", seconds, || {
        let silences = Silences::find(pcm, RATE, DEFAULT_THRESHOLD);
        let spans = span::spans(pcm, RATE, &silences).len();
        let levels = level::over_time(pcm, RATE, Duration::from_millis(20)).len();
        spans + levels + dtmf::digits(pcm, RATE).len()
    });
    println!("  {heard} digits");
    multimon(seconds, pcm);
}

fn multimon(seconds: usize, pcm: &[i16]) {
    let folder = tempfile::tempdir().expect("no folder");
    let path = folder.path().join("digits.wav");
    let mut writer = wav::Writer::create(&path, RATE, 1).expect("cannot create");
    writer.write(pcm).expect("cannot write");
    writer.finish().expect("cannot finish");
    let raw = folder.path().join("digits.raw");
    // multimon-ng wants 22050 Hz, which sox gives it; that is not measured.
    let converted = Command::new("sox")
        .arg(&path)
        .args(["-r", "22050", "-e", "signed-integer", "-b", "16", "-c", "1"])
        .arg(&raw)
        .status();
    if !converted.is_ok_and(|status| status.success()) {
        return println!("sox is not there, so multimon-ng has nothing to listen to");
    }
    let before = Instant::now();
    let run = Command::new("multimon-ng")
        .args(["-q", "-c", "-a", "DTMF", "-t", "raw"])
        .arg(&raw)
        .stderr(Stdio::null())
        .output();
    match run {
        Ok(output) => {
            let count =
                String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with("DTMF:")).count();
            told("multimon-ng, DTMF alone", seconds, before.elapsed());
            println!("  {count} digits");
        }
        Err(error) => println!("multimon-ng: {error}"),
    }
}

/// A digit a second, a tone, and the rest noise of -40 dBm0: nothing can be skipped as silence.
fn audio(seconds: usize) -> Vec<i16> {
    let mut state = 1u32;
    let mut pcm: Vec<i16> = (0..seconds * 8_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16 / 128
        })
        .collect();
    for second in 0..seconds {
        let digit = dtmf::KEYS[second / 4 % 4][second % 4];
        let Some((low, high)) = dtmf::tones(digit) else { continue };
        let tones = [low, high].map(|tone| sine(tone, Dbm0(-12.0), RATE, 800));
        let other = sine(Hertz(1_004.0), Dbm0(-10.0), RATE, 2_000);
        for (at, sample) in pcm[second * 8_000..][..800].iter_mut().enumerate() {
            *sample += tones[0][at] + tones[1][at];
        }
        for (at, sample) in pcm[second * 8_000 + 4_000..][..2_000].iter_mut().enumerate() {
            *sample += other[at];
        }
    }
    pcm
}

fn time(what: &str, seconds: usize, mut work: impl FnMut() -> usize) -> usize {
    let before = Instant::now();
    let result = std::hint::black_box(work());
    told(what, seconds, before.elapsed());
    result
}

fn told(what: &str, seconds: usize, took: Duration) {
    println!("  {what}: {:.0} times real time ({seconds} s in {took:.2?})", seconds as f64 / took.as_secs_f64());
}
