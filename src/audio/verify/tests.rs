use super::*;
use crate::audio::g711::{self, Law};
use crate::audio::sine::sine;
use crate::audio::tone::ToneStream;

const RATE: SampleRate = SampleRate::NARROW;
const LAWS: [Law; 2] = [Law::Mu, Law::A];

fn tone(frequency: f64, level: f64, ms: usize) -> Vec<i16> {
    sine(Hertz(frequency), Dbm0(level), RATE, 8 * ms)
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; 8 * ms]
}

fn noise(ms: usize) -> Vec<i16> {
    let mut state = 7u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16).cast_signed() as i16 / 8
    })
    .take(8 * ms)
    .collect()
}

fn recording(pcm: Vec<i16>) -> Wav {
    Wav { rate: RATE, channels: vec![pcm], repaired: None }
}

fn check(what: Sound) -> AudioCheck {
    AudioCheck { track: Track::Heard, what }
}

/// 1004 Hz +-4 Hz at 0 dBm0 +-3 dB, for what `lasting` says.
fn milliwatt(lasting: &str) -> AudioCheck {
    check(Sound::Tone {
        frequency: "1004Hz +-4Hz".parse().unwrap(),
        level: Some("0dBm0 +-3dB".parse().unwrap()),
        lasting: (!lasting.is_empty()).then(|| lasting.parse().unwrap()),
    })
}

/// What is found in `pcm` after it went through each law.
fn findings(pcm: &[i16], check: &AudioCheck) -> [Finding; 2] {
    LAWS.map(|law| verify(&recording(g711::through(law, pcm)), check).unwrap())
}

/// Both laws' findings fail, and say so with these words in `actual` and `help`.
#[track_caller]
fn fails(pcm: &[i16], check: &AudioCheck, actual: &[&str], help: &str) {
    for finding in findings(pcm, check) {
        assert!(!finding.holds, "{finding:?}");
        assert!(actual.iter().all(|part| finding.actual.contains(part)), "{finding:#?} lacks some of {actual:?}");
        assert!(finding.help.contains(help), "{finding:#?} lacks {help}");
    }
}

#[track_caller]
fn holds(pcm: &[i16], check: &AudioCheck) {
    for finding in findings(pcm, check) {
        assert!(finding.holds && finding.help.is_empty(), "{finding:#?}");
    }
}

#[test]
fn the_milliwatt_holds_and_is_told_in_full() {
    let pcm = [silence(500), tone(1004.0, 0.0, 2000), silence(333)].concat();
    let finding = verify(&recording(g711::through(Law::Mu, &pcm)), &milliwatt(">= 2s")).unwrap();
    assert_eq!(
        finding,
        Finding {
            holds: true,
            expected: "heard tone 1004Hz +-4Hz at 0dBm0 +-3dB for >= 2s".into(),
            actual: "1004.0 Hz at 0.0 dBm0 for 2s (longest run 2s)".into(),
            help: String::new(),
            figures: finding.figures.clone(),
            places: Vec::new(),
        }
    );
}

#[test]
fn what_is_measured_is_told_whether_it_holds_or_not() {
    let measured = |pcm: &[i16], check: &AudioCheck| verify(&recording(pcm.to_vec()), check).unwrap().figures;
    let near = |found: &[(&str, f64)], wanted: &[(&str, f64)]| {
        let close = |((a, x), (b, y)): (&(&str, f64), &(&str, f64))| a == b && (x - y).abs() < 0.2;
        found.len() == wanted.len() && found.iter().zip(wanted).all(close)
    };
    let tone = tone(1004.0, -20.0, 2000);
    let found = measured(&tone, &milliwatt(">= 2s"));
    assert!(near(&found, &[("tone_hz", 1004.0), ("level_dbm0", -20.0), ("tone_s", 2.0)]), "{found:?}");
    assert_eq!(measured(&silence(1000), &milliwatt("")), []);
    let found = measured(&tone, &check(Sound::Level("> 0dBm0".parse().unwrap())));
    assert!(near(&found, &[("level_dbm0", -20.0)]), "{found:?}");
    let found = measured(&[&tone[..], &silence(300), &tone].concat(), &check(Sound::Silence("< 1s".parse().unwrap())));
    assert!(near(&found, &[("gap_ms", 300.0)]), "{found:?}");
}

#[test]
fn a_tone_is_as_long_as_it_was_played_wherever_it_begins() {
    for shift in (0..80).step_by(3) {
        for level in [0.0, -20.0, -40.0] {
            let pcm = [vec![0; 800 + shift], tone(1004.0, level, 500), silence(200)].concat();
            let check = check(Sound::Tone {
                frequency: "1004Hz +-1Hz".parse().unwrap(),
                level: None,
                lasting: Some("== 500ms".parse().unwrap()),
            });
            holds(&pcm, &check);
        }
    }
}

#[test]
fn without_a_length_a_tenth_of_a_second_is_enough() {
    holds(&[silence(100), tone(1004.0, 0.0, 100), silence(100)].concat(), &milliwatt(""));
    fails(
        &[silence(100), tone(1004.0, 0.0, 60), silence(100)].concat(),
        &milliwatt(""),
        &["1004.0 Hz", "for 60ms"],
        "does not last: it is there from 100ms to 160ms of 260ms",
    );
}

#[test]
fn a_wrong_frequency_is_named() {
    let help = "another tone, -563.8 Hz off: something else is played, or it comes from another call";
    fails(&tone(440.2, 0.0, 2980), &milliwatt(">= 2s"), &["440.2 Hz at", "for 2.98s (longest run 2.98s)"], help);
    // Just past the tolerance.
    fails(&tone(1009.0, 0.0, 2980), &milliwatt(">= 2s"), &["1009.0 Hz"], "another tone, +5.0 Hz off");
}

#[test]
fn half_and_twice_the_frequency_hint_at_sample_rates() {
    fails(&tone(502.0, 0.0, 3000), &milliwatt(">= 2s"), &["502.0 Hz"], "at half the frequency");
    fails(&tone(2008.0, 0.0, 3000), &milliwatt(">= 2s"), &["2008.0 Hz"], "at twice the frequency");
}

#[test]
fn a_level_20_db_low_is_told_from_a_wrong_tone() {
    let actual = ["1004.0 Hz at -20.", "for 3s (longest run 3s), 0s of it at the level asked for"];
    fails(&tone(1004.0, -20.04, 3000), &milliwatt(">= 2s"), &actual, "the tone is right but 20.");
    fails(&tone(1004.0, -20.04, 3000), &milliwatt(">= 2s"), &actual, "dB too quiet: an attenuation stands in the path");
    fails(&tone(1004.0, -20.04, 3000), &milliwatt(""), &actual, "dB too quiet");
}

#[test]
fn only_the_part_at_the_right_level_counts() {
    let pcm = [tone(1004.0, 0.0, 1000), tone(1004.0, -20.0, 2000)].concat();
    fails(&pcm, &milliwatt(">= 2s"), &["for 3s (longest run 3s), 1s of it at the level asked for"], "dB too quiet");
    holds(&pcm, &milliwatt(">= 1s"));
}

#[test]
fn missing_audio_is_silence_throughout() {
    let help = "nothing was heard: an echo or a playback is missing, or audio goes one way only";
    fails(&silence(3000), &milliwatt(">= 2s"), &["silence (-inf dBm0) throughout"], help);
    let hiss: Vec<i16> = noise(3000).iter().map(|sample| sample / 512).collect();
    fails(&hiss, &milliwatt(">= 2s"), &["silence (-6", "dBm0) throughout"], help);
}

#[test]
fn an_interrupted_tone_tells_where_and_for_how_long() {
    let pcm = [tone(1004.0, 0.0, 1240), silence(310), tone(1004.0, 0.0, 1450)].concat();
    fails(
        &pcm,
        &milliwatt(">= 2.9s"),
        &["for 2.69s (longest run 1.45s)", "a gap of 310ms at 1.24s"],
        "the tone is right but interrupted once: packets were lost",
    );
    let pcm = [tone(1004.0, 0.0, 1000), noise(200), tone(1004.0, 0.0, 1000), silence(30), tone(1004.0, 0.0, 770)];
    fails(
        &pcm.concat(),
        &milliwatt(">= 2.9s"),
        &["; other sound of", "at 1s"],
        "interrupted twice".replace("twice", "2 times").as_str(),
    );
}

#[test]
fn a_lost_packet_is_a_gap_of_20_ms() {
    let mut pcm = tone(1004.0, 0.0, 3000);
    pcm[8000..8160].fill(0);
    fails(&pcm, &milliwatt(">= 3s"), &["a gap of 20ms at 1s"], "interrupted once");
}

#[test]
fn a_tone_that_ends_too_early_and_a_recording_that_does_are_told_apart() {
    let pcm = [tone(1004.0, 0.0, 1500), silence(1500)].concat();
    fails(&pcm, &milliwatt(">= 2s"), &["for 1.5s"], "does not last: it is there from 0s to 1.5s of 3s");
    fails(&tone(1004.0, 0.0, 1500), &milliwatt(">= 2s"), &["for 1.5s"], "the recording lasts only 1.5s");
}

#[test]
fn a_tone_that_should_be_short_or_absent_is_told() {
    let help = "the tone lasts longer than asked for";
    fails(&tone(1004.0, 0.0, 3000), &milliwatt("< 1s"), &["for 3s"], help);
    fails(&tone(1004.0, 0.0, 3000), &milliwatt("== 0s"), &["for 3s"], help);
    holds(&silence(3000), &milliwatt("== 0s"));
}

#[test]
fn sound_that_is_no_tone_is_told() {
    fails(&noise(2000), &milliwatt(">= 1s"), &["no steady tone, but other sound at -1", "for 2s"], "no single tone");
}

#[test]
fn the_tone_stream_of_freeswitch_is_heard_as_one_tone() {
    let mut pcm = vec![0; 24_000];
    ToneStream::parse("v=0;%(251,0,1004);loops=-1").unwrap().fill(&mut pcm);
    holds(&pcm, &milliwatt(">= 3s"));
    ToneStream::parse("%(251,0,1004);loops=-1").unwrap().fill(&mut pcm);
    fails(&pcm, &milliwatt(">= 3s"), &["1004.0 Hz at -", "for 3s (longest run 3s)"], "dB too quiet");
}

#[test]
fn level_is_that_of_the_sound() {
    let level = |bound: &str| check(Sound::Level(bound.parse().unwrap()));
    let pcm = [silence(1000), noise(2000), tone(440.0, -10.0, 1000)].concat();
    holds(&pcm, &level("-14dBm0..-8dBm0"));
    fails(&tone(440.0, -30.0, 1000), &level(">= -20dBm0"), &["-30.0 dBm0 in 1s of 1s"], "too quiet");
    fails(&pcm, &level("< -40dBm0"), &["dBm0 in 3s of 4s"], "too loud");
    holds(&silence(1000), &level("< -40dBm0"));
    fails(&silence(1000), &level("> -40dBm0"), &["silence (-inf dBm0) throughout"], "nothing was heard");
}

#[test]
fn the_longest_gap_is_found_between_sounds_only() {
    let gap = |bound: &str| check(Sound::Silence(bound.parse().unwrap()));
    let pcm = [
        silence(900),
        tone(440.0, 0.0, 340),
        silence(310),
        noise(100),
        silence(40),
        tone(440.0, 0.0, 100),
        silence(900),
    ];
    let pcm = pcm.concat();
    fails(&pcm, &gap("< 200ms"), &["a gap of 310ms at 1.24s, the longest of 2"], "sound was interrupted");
    holds(&pcm, &gap("310ms +-1ms"));
    holds(&tone(440.0, 0.0, 500), &gap("< 200ms"));
    fails(&tone(440.0, 0.0, 500), &gap(">= 1s"), &["no gap"], "a pause was asked for");
}

#[test]
fn a_silent_recording_is_one_long_gap() {
    let gap = |bound: &str| check(Sound::Silence(bound.parse().unwrap()));
    fails(&silence(3000), &gap("< 200ms"), &["silence (-inf dBm0) throughout"], "nothing was heard");
    holds(&silence(3000), &gap(">= 3s"));
}

#[test]
fn length_is_that_of_the_file() {
    let length = |bound: &str| check(Sound::Length(bound.parse().unwrap()));
    holds(&silence(3000), &length("3s +-20ms"));
    fails(&silence(1500), &length(">= 2s"), &["1.5s"], "shorter than asked for");
    fails(&silence(1500), &length("< 1s"), &["1.5s"], "longer than asked for");
}

#[test]
fn said_is_the_right_channel_and_a_mono_recording_has_none() {
    let mut check = milliwatt(">= 1s");
    check.track = Track::Said;
    let stereo = Wav { rate: RATE, channels: vec![silence(1000), tone(1004.0, 0.0, 1000)], repaired: None };
    assert!(verify(&stereo, &check).unwrap().holds);
    assert!(matches!(verify(&recording(silence(1000)), &check), Err(VerifyError::NotStereo)));
    let swapped = Wav { channels: stereo.channels.into_iter().rev().collect(), ..recording(Vec::new()) };
    let finding = verify(&swapped, &check).unwrap();
    assert!(finding.help.starts_with("nothing was said"), "{finding:?}");
}

#[test]
fn a_repaired_file_says_so_when_a_check_fails() {
    let wav = Wav { repaired: Some("its header was wrong".into()), ..recording(silence(1000)) };
    let finding = verify(&wav, &milliwatt(">= 2s")).unwrap();
    assert!(finding.actual.ends_with("(the file was repaired: its header was wrong)"), "{finding:?}");
}

#[test]
fn an_empty_track_panics_nowhere() {
    for what in [milliwatt("").what, Sound::Level("< 0dBm0".parse().unwrap()), Sound::Silence("< 1s".parse().unwrap())]
    {
        verify(&recording(Vec::new()), &check(what)).unwrap();
    }
}
