//! sox, a program by other hands, as referee for files, levels and frequencies. Passes with a note where it is missing.

use std::path::Path;
use std::process::Command;

use crate::audio::level;
use crate::audio::sine::sine;
use crate::audio::tone_detect::ToneDetector;
use crate::audio::wav::{self, Wav, Writer};
use crate::units::{Dbm0, Hertz, SampleRate};

/// What `sox` wrote to its standard error, where it tells its measurements; `None` when there is no sox.
fn sox(arguments: &[&str]) -> Option<String> {
    let output = match Command::new("sox").args(arguments).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("sox is not installed: nothing was compared with it");
            return None;
        }
        Err(error) => panic!("sox: {error}"),
    };
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "sox {arguments:?}: {told}");
    Some(told)
}

/// The number behind `name` in what sox tells.
fn measured(told: &str, name: &str) -> f64 {
    let line = told.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {told}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn frequency_and_level(wav: &Wav) -> (f64, f64) {
    let window = &wav.channels[0][800..2400];
    let tone = ToneDetector::new(wav.rate, window.len()).dominant(window).unwrap();
    (tone.frequency.0, level::level(&wav.channels[0]).unwrap().0)
}

#[test]
fn tones_that_sox_makes_are_read_and_measured_in_every_coding() {
    let folder = tempfile::tempdir().unwrap();
    let codings: [&[&str]; 8] = [
        &["-e", "signed", "-b", "16"],
        &["-e", "unsigned", "-b", "8"],
        &["-e", "signed", "-b", "24"],
        &["-e", "signed", "-b", "32"],
        &["-e", "float", "-b", "32"],
        &["-e", "float", "-b", "64"],
        &["-e", "mu-law"],
        &["-e", "a-law"],
    ];
    for coding in codings {
        for (rate, frequency, gain) in [("8000", 1004.0, -6.0), ("16000", 440.0, -20.0), ("48000", 2713.0, -3.0)] {
            let path = folder.path().join("tone.wav");
            let file = path.to_str().unwrap();
            let (hertz, db) = (frequency.to_string(), gain.to_string());
            let effect = ["synth", "2", "sine", &hertz, "gain", &db];
            let Some(_) = sox(&[&["-n", "-r", rate, "-c", "1"], coding, &[file], &effect].concat()) else { return };
            let wav = wav::read(Path::new(file)).unwrap();
            assert_eq!((wav.rate.to_string(), wav.repaired.as_deref()), (format!("{rate} Hz"), None));
            let (found, level) = frequency_and_level(&wav);
            // A sine at full scale of 16 bits is +3.21 dBm0. Eight bits without a law are coarse.
            let (expected, tolerance) = (3.206 + gain, if coding.contains(&"8") { 0.3 } else { 0.1 });
            assert!((found - frequency).abs() < 0.1, "{coding:?} {rate}: {found} Hz");
            assert!((level - expected).abs() < tolerance, "{coding:?} {rate}: {level} dBm0");
        }
    }
}

#[test]
fn sox_reads_what_we_write_and_measures_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.wav");
    let pcm = sine(Hertz(1004.0), Dbm0(-10.0), SampleRate::NARROW, 16_000);
    let mut writer = Writer::create(&path, SampleRate::NARROW, 1).unwrap();
    writer.write(&pcm).unwrap();
    writer.finish().unwrap();
    let Some(told) = sox(&[path.to_str().unwrap(), "-n", "stat"]) else { return };
    assert_eq!(measured(&told, "Length (seconds)"), 2.0);
    assert!((measured(&told, "Rough   frequency") / 1004.0 - 1.0).abs() < 0.03, "{told}");
    // sox counts full scale as 1; the digital milliwatt has an RMS of 16017 of 32768.
    let rms = measured(&told, "RMS     amplitude");
    let dbm0 = 20.0 * (rms * 32768.0 / 16_016.8).log10();
    assert!((dbm0 + 10.0).abs() < 0.01, "{dbm0} dBm0: {told}");
}
