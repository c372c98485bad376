//! The in-band detector on degraded audio, beside multimon-ng: tones and noise by sox, speech by espeak-ng.
//!
//! Passes with a note where these are not installed; `ci/run` installs them. Everything is made the same way twice.

mod scenarios;

use std::path::Path;
use std::process::{Command, Stdio};

use callwright::audio::dtmf::{self, COLUMNS, ROWS};
use callwright::audio::g711::{self, Law};
use callwright::audio::wav::{self, Writer};
use callwright::units::SampleRate;

const RATE: SampleRate = SampleRate::NARROW;
const KEYPAD: &str = "123A456B789C*0#D";

/// How digits are sent and what happens to them on the way.
#[derive(Clone, Copy)]
struct Condition {
    name: &'static str,
    /// Level of the low tone, and of the high one, in dB below full scale.
    levels: (f64, f64),
    /// Of all frequencies, in percent.
    off: f64,
    milliseconds: usize,
    gap: usize,
    /// Signal over white noise of the whole band, in dB.
    snr: Option<f64>,
    law: Option<Law>,
    /// The share of digits that must be heard, and the share that may be.
    heard: (f64, f64),
}

const CLEAN: Condition = Condition {
    name: "clean",
    levels: (-13.0, -13.0),
    off: 0.0,
    milliseconds: 80,
    gap: 80,
    snr: None,
    law: None,
    heard: (1.0, 1.0),
};

const CONDITIONS: &[Condition] = &[
    CLEAN,
    Condition { name: "mu-law", law: Some(Law::Mu), ..CLEAN },
    Condition { name: "A-law", law: Some(Law::A), ..CLEAN },
    Condition { name: "noise, SNR 24 dB", snr: Some(24.0), ..CLEAN },
    Condition { name: "noise, SNR 18 dB", snr: Some(18.0), ..CLEAN },
    Condition { name: "noise, SNR 12 dB", snr: Some(12.0), ..CLEAN },
    Condition { name: "noise, SNR 9 dB", snr: Some(9.0), heard: (0.95, 1.0), ..CLEAN },
    Condition { name: "noise, SNR 6 dB", snr: Some(6.0), heard: (0.5, 1.0), ..CLEAN },
    Condition { name: "high tone +4 dB", levels: (-17.0, -13.0), ..CLEAN },
    Condition { name: "low tone +8 dB", levels: (-13.0, -21.0), ..CLEAN },
    Condition { name: "low tone +14 dB", levels: (-10.0, -24.0), heard: (0.0, 0.0), ..CLEAN },
    Condition { name: "1.5 % high", off: 1.5, ..CLEAN },
    Condition { name: "1.5 % low", off: -1.5, ..CLEAN },
    Condition { name: "3.5 % high", off: 3.5, heard: (0.0, 0.0), ..CLEAN },
    Condition { name: "3.5 % low", off: -3.5, heard: (0.0, 0.0), ..CLEAN },
    Condition { name: "40 ms, 40 ms apart", milliseconds: 40, gap: 40, ..CLEAN },
    Condition { name: "40 ms, SNR 18 dB", milliseconds: 40, gap: 40, snr: Some(18.0), heard: (0.97, 1.0), ..CLEAN },
    Condition { name: "23 ms", milliseconds: 23, heard: (0.0, 0.0), ..CLEAN },
    Condition { name: "-34 dB each", levels: (-34.0, -34.0), ..CLEAN },
    Condition {
        name: "all at their limits",
        levels: (-20.0, -16.0),
        off: 1.5,
        milliseconds: 50,
        snr: Some(24.0),
        heard: (0.97, 1.0),
        ..CLEAN
    },
];

/// Each digit of the keypad so often.
const ROUNDS: usize = 4;

/// A program's samples of a WAV file; `None` where it is not installed.
fn made(program: &str, arguments: &[&str], file: &Path) -> Option<Vec<i16>> {
    match Command::new(program).args(arguments).stderr(Stdio::null()).status() {
        Ok(status) => assert!(status.success(), "{program} {arguments:?}"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("{program} is not installed: nothing was compared with it");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    }
    Some(wav::read(file).unwrap().channels.remove(0))
}

fn tone(folder: &Path, hertz: f64, milliseconds: usize) -> Option<Vec<f64>> {
    let file = folder.join("tone.wav");
    let (hertz, seconds) = (format!("{hertz}"), format!("{}", milliseconds as f64 / 1e3));
    let path = file.to_str().unwrap();
    let pcm = made(
        "sox",
        &["-R", "-D", "-n", "-r", "8000", "-b", "16", "-c", "1", path, "synth", &seconds, "sine", &hertz, "gain", "-1"],
        &file,
    )?;
    // Full scale is 1 dB more.
    let full = 32_768.0 * 10f64.powf(-1.0 / 20.0);
    Some(pcm.iter().map(|&sample| f64::from(sample) / full).collect())
}

/// White noise of a mean square of 1.
fn noise(folder: &Path) -> Option<Vec<f64>> {
    let file = folder.join("noise.wav");
    let path = file.to_str().unwrap();
    let pcm =
        made("sox", &["-R", "-n", "-r", "8000", "-b", "16", "-c", "1", path, "synth", "20", "whitenoise"], &file)?;
    let power = pcm.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / pcm.len() as f64;
    Some(pcm.iter().map(|&sample| f64::from(sample) / power.sqrt()).collect())
}

/// Digits as the condition has them.
fn audio(folder: &Path, condition: &Condition, noise: &[f64]) -> Option<Vec<i16>> {
    let factor = 1.0 + condition.off / 100.0;
    let mut tones = Vec::new();
    for hertz in ROWS.iter().chain(&COLUMNS) {
        tones.push(tone(folder, hertz.0 * factor, condition.milliseconds)?);
    }
    let amplitude = |db: f64| 32_767.0 * 10f64.powf(db / 20.0);
    let (low, high) = (amplitude(condition.levels.0), amplitude(condition.levels.1));
    let mut pcm = vec![0.0; 1_000];
    for (number, digit) in KEYPAD.repeat(ROUNDS).chars().enumerate() {
        let (row, column) = dtmf::tones(digit).unwrap();
        let place = |of: &[callwright::units::Hertz; 4], hertz| of.iter().position(|other| *other == hertz).unwrap();
        let (row, column) = (&tones[place(&ROWS, row)], &tones[4 + place(&COLUMNS, column)]);
        pcm.extend(row.iter().zip(column).map(|(a, b)| a * low + b * high));
        // A little more each time, so that digits begin anywhere in a window.
        pcm.extend(vec![0.0; condition.gap * 8 + number % 13]);
    }
    pcm.extend(vec![0.0; 1_000]);
    if let Some(snr) = condition.snr {
        let power = (low * low + high * high) / 2.0;
        let scale = (power / 10f64.powf(snr / 10.0)).sqrt();
        pcm.iter_mut().zip(noise.iter().cycle()).for_each(|(sample, noise)| *sample += noise * scale);
    }
    let pcm: Vec<i16> = pcm.iter().map(|sample| sample.round() as i16).collect();
    Some(match condition.law {
        Some(law) => g711::through(law, &pcm),
        None => pcm,
    })
}

/// What multimon-ng hears.
fn multimon(folder: &Path, pcm: &[i16]) -> Option<String> {
    let (file, raw) = (folder.join("degraded.wav"), folder.join("degraded.raw"));
    let mut writer = Writer::create(&file, RATE, 1).unwrap();
    writer.write(pcm).unwrap();
    writer.finish().unwrap();
    let convert = ["-r", "22050", "-e", "signed-integer", "-b", "16", "-c", "1"];
    let status = Command::new("sox").arg("-D").arg(&file).args(convert).arg(&raw).status().ok()?;
    assert!(status.success());
    let output = Command::new("multimon-ng").args(["-q", "-c", "-a", "DTMF", "-t", "raw"]).arg(&raw).output().ok()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(told.lines().filter_map(|line| line.strip_prefix("DTMF: ")?.trim().chars().next()).collect())
}

fn ours(pcm: &[i16]) -> String {
    dtmf::digits(pcm, RATE).iter().map(|heard| heard.digit).collect()
}

/// Hits, and false hits: by the longest common subsequence.
fn score(sent: &str, heard: &str) -> (usize, usize) {
    let (sent, heard): (Vec<char>, Vec<char>) = (sent.chars().collect(), heard.chars().collect());
    let mut longest = vec![vec![0; heard.len() + 1]; sent.len() + 1];
    for i in 0..sent.len() {
        for j in 0..heard.len() {
            longest[i + 1][j + 1] = match sent[i] == heard[j] {
                true => longest[i][j] + 1,
                false => longest[i][j + 1].max(longest[i + 1][j]),
            };
        }
    }
    let hits = longest[sent.len()][heard.len()];
    (hits, heard.len() - hits)
}

#[test]
fn degraded_digits_are_heard_within_q24_and_refused_beyond() {
    let folder = tempfile::tempdir().unwrap();
    let Some(noise) = noise(folder.path()) else { return };
    let sent = KEYPAD.repeat(ROUNDS);
    let mut wrong = Vec::new();
    println!("{:24} | ours: hits, false | multimon-ng: hits, false | of {}", "condition", sent.len());
    for condition in CONDITIONS {
        let Some(pcm) = audio(folder.path(), condition, &noise) else { return };
        let (hits, false_hits) = score(&sent, &ours(&pcm));
        let other = multimon(folder.path(), &pcm).map(|heard| score(&sent, &heard));
        let other = other.map_or("not installed".to_owned(), |(hits, false_hits)| format!("{hits:5} {false_hits:5}"));
        println!("{:24} | {hits:10} {false_hits:5} | {other}", condition.name);
        let share = hits as f64 / sent.len() as f64;
        if !(condition.heard.0..=condition.heard.1).contains(&share) || false_hits > 0 {
            wrong.push(format!("{}: {hits} of {} and {false_hits} false", condition.name, sent.len()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Read by several voices at several speeds; it lasts some minutes.
const TEXT: &str = "The operator placed the call at noon. Please dial the number you wish to reach, followed by the hash key. \
    Seven hundred and seventy hertz and thirteen hundred and thirty six hertz make the digit five. \
    We were away a year ago; all our lines were busy, and nobody knew why. She sells sea shells on the sea shore. \
    How much wood would a woodchuck chuck? Around the rugged rocks the ragged rascal ran. Hello, hello, who is there? \
    Oooh, eee, aaah, mmm, you are in a queue; your call is important to us, and will be answered in turn.";

#[test]
fn speech_is_no_digit() {
    let folder = tempfile::tempdir().unwrap();
    let mut lasted = 0.0;
    let (mut own, mut other) = (String::new(), Some(String::new()));
    for voice in ["en", "en+f3", "en+m7", "de", "fr+f2", "en+whisper"] {
        for (speed, pitch) in [("130", "30"), ("175", "60"), ("220", "90")] {
            let (spoken, narrow) = (folder.path().join("spoken.wav"), folder.path().join("narrow.wav"));
            let arguments = ["-v", voice, "-s", speed, "-p", pitch, "-w", spoken.to_str().unwrap(), TEXT];
            if made("espeak-ng", &arguments, &spoken).is_none() {
                return;
            }
            let (from, to) = (spoken.to_str().unwrap(), narrow.to_str().unwrap());
            let Some(pcm) = made("sox", &["-D", from, "-r", "8000", to, "gain", "-n", "-3"], &narrow) else { return };
            lasted += pcm.len() as f64 / 8e3;
            own += &ours(&pcm);
            other = other.zip(multimon(folder.path(), &pcm)).map(|(before, heard)| before + &heard);
        }
    }
    let other = other.map_or("not installed".to_owned(), |heard| heard.len().to_string());
    println!("{lasted:.0} s of speech: ours {} false hits, multimon-ng {other}", own.len());
    assert!(lasted > 300.0, "only {lasted} s of speech");
    assert!(own.is_empty(), "heard {own} in {lasted:.0} s of speech");
}
