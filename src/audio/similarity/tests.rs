use std::path::Path;

use super::*;
use crate::audio::g711::{Law, through};
use crate::audio::resample::resampled;
use crate::audio::sine::sine;
use crate::audio::wav;
use crate::units::Hertz;

const RATE: SampleRate = SampleRate::NARROW;

fn clip(name: &str) -> Vec<i16> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/sounds").join(name);
    wav::read(&path).unwrap().channels.remove(0)
}

fn speech() -> Vec<i16> {
    clip("speech.wav")
}

fn silence(ms: usize) -> Vec<i16> {
    vec![0; 8 * ms]
}

/// A recording: some silence, `pcm` over mu-law, some silence.
fn recorded(pcm: &[i16]) -> Vec<i16> {
    [silence(137), through(Law::Mu, pcm), silence(500)].concat()
}

fn of(recording: &[i16]) -> Comparison {
    compare(&speech(), recording, RATE).unwrap()
}

fn ms(duration: Duration) -> i64 {
    duration.as_millis() as i64
}

#[track_caller]
fn near(found: Duration, wanted: i64, by: i64) {
    assert!((ms(found) - wanted).abs() <= by, "{found:?} is not {wanted}ms");
}

/// Somewhere loud in the clip.
fn loud_at() -> usize {
    let speech = speech();
    let of = |at: usize| level::power(&speech[at..at + 1_600]).unwrap();
    (4_000..speech.len() - 5_600).step_by(160).max_by(|&a, &b| of(a).total_cmp(&of(b))).unwrap()
}

#[test]
fn a_clean_recording_differs_by_its_delay_alone() {
    let found = of(&recorded(&speech()));
    assert_eq!((found.offset, found.polarity), (137 * 8, Polarity::Kept));
    assert!(found.gain.0.abs() < 0.1 && found.likeness > 0.98, "{found:?}");
    assert_eq!((found.missing_start, found.missing_end), (Duration::ZERO, Duration::ZERO));
    assert_eq!(found.faults, []);
}

#[test]
fn gain_and_polarity_are_told_and_do_not_make_it_less_like() {
    let turned: Vec<i16> = speech().iter().map(|&sample| (f64::from(sample) * -0.316_228).round() as i16).collect();
    let found = of(&recorded(&turned));
    assert!((found.gain.0 + 10.0).abs() < 0.1 && found.likeness > 0.98, "{found:?}");
    assert_eq!((found.polarity, found.faults.len()), (Polarity::Inverted, 0));
}

#[test]
fn what_is_cut_off_is_missing_at_its_end() {
    let speech = speech();
    let first = speech.iter().position(|sample| sample.unsigned_abs() > 300).unwrap();
    let late = of(&recorded(&speech[first + 2_400..]));
    near(late.missing_start, 300, 25);
    assert_eq!(late.missing_end, Duration::ZERO);
    let early = of(&[recorded(&speech[..speech.len() - 4_000]), silence(500)].concat());
    assert!(ms(early.missing_end) > 200, "{early:?}");
    assert_eq!(early.missing_start, Duration::ZERO);
    // The recording itself may begin too late.
    let begun_late = of(&through(Law::Mu, &speech[first + 1_600..]));
    assert_eq!(begun_late.offset, -((first + 1_600) as i64));
    assert_eq!(begun_late.delay(), Duration::ZERO);
    near(begun_late.missing_start, 200, 25);
}

#[test]
fn a_hole_in_the_middle_is_a_gap_with_its_time() {
    let (mut speech, at) = (speech(), loud_at());
    speech[at..at + 800].fill(0);
    let found = of(&recorded(&speech));
    assert_eq!(found.faults.len(), 1, "{found:?}");
    let gap = found.faults[0];
    assert_eq!(gap.kind, FaultKind::Gap);
    near(gap.at, 137 + at as i64 / 8, 6);
    near(gap.length, 100, 10);
    assert!(found.likeness < 0.98);
}

#[test]
fn a_single_lost_packet_is_a_gap() {
    let (mut speech, at) = (speech(), loud_at());
    speech[at..at + 160].fill(0);
    let found = of(&recorded(&speech));
    assert_eq!(found.faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [FaultKind::Gap], "{found:?}");
    near(found.faults[0].length, 20, 6);
}

#[test]
fn a_pause_that_was_put_in_moves_what_follows() {
    let (speech, at) = (speech(), loud_at());
    let found = of(&recorded(&[&speech[..at], &silence(200), &speech[at..]].concat()));
    assert_eq!(found.faults.len(), 1, "{found:?}");
    assert_eq!(found.faults[0].kind, FaultKind::Gap);
    near(found.faults[0].at, 137 + at as i64 / 8, 25);
    near(found.faults[0].length, 200, 2);
    assert!(found.likeness > 0.9, "{found:?}");
    assert_eq!(found.offset, 137 * 8);
}

#[test]
fn a_passage_left_out_is_a_skip() {
    let (speech, at) = (speech(), loud_at());
    let found = of(&recorded(&[&speech[..at], &speech[at + 640..]].concat()));
    assert_eq!(found.faults.first().map(|fault| fault.kind), Some(FaultKind::Skip), "{found:?}");
    near(found.faults[0].length, 80, 2);
}

#[test]
fn a_packet_played_twice_in_place_of_the_next_is_a_repeat() {
    let speech = speech();
    // Where neighbouring packets differ: in voiced speech a packet may be like the one before it anyway.
    let at = (8_000..speech.len() - 1_600)
        .step_by(160)
        .find(|&at| {
            level::level(&speech[at - 160..at]).unwrap().0 > -25.0
                && level::level(&speech[at..at + 160]).unwrap().0 > -25.0
                && normalised(&speech[at - 160..at], &speech[at..at + 160]) < 0.3
        })
        .unwrap();
    let mut again = speech.clone();
    again.copy_within(at - 160..at, at);
    let found = of(&recorded(&again));
    assert_eq!(found.faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [FaultKind::Repeat], "{found:?}");
    near(found.faults[0].at, 137 + at as i64 / 8, 1);
}

#[test]
fn a_passage_that_comes_twice_is_a_repeat() {
    let (speech, at) = (speech(), loud_at());
    let found = of(&recorded(&[&speech[..at], &speech[at - 1_600..]].concat()));
    assert_eq!(found.faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [FaultKind::Repeat], "{found:?}");
    near(found.faults[0].length, 200, 2);
}

#[test]
fn another_clip_noise_and_silence_are_unlike() {
    let speech = speech();
    let mut state = 1u32;
    let noise: Vec<i16> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 18) as i16 - 8_192
    })
    .take(24_000)
    .collect();
    for other in [recorded(&clip("other-speech.wav")), noise, recorded(&sine(Hertz(440.0), Dbm0(-10.0), RATE, 16_000))]
    {
        let told = compare(&speech, &other, RATE);
        assert!(matches!(told, Err(Unlike::Unlike(likeness)) if likeness < LEAST), "{told:?}");
    }
    assert_eq!(compare(&speech, &silence(1_000), RATE), Err(Unlike::Silent(Dbm0(f64::NEG_INFINITY))));
    assert_eq!(compare(&speech, &[], RATE), Err(Unlike::Silent(Dbm0(f64::NEG_INFINITY))));
    assert_eq!(compare(&silence(1_000), &speech, RATE), Err(Unlike::SilentReference));
    assert_eq!(compare(&[], &speech, RATE), Err(Unlike::SilentReference));
}

#[test]
fn noise_on_the_line_lowers_likeness_and_makes_no_gaps() {
    let mut state = 7u32;
    let noisy: Vec<i16> = speech()
        .iter()
        .map(|&sample| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sample.saturating_add(((state >> 21) as i16) - 1_024)
        })
        .collect();
    let found = of(&recorded(&noisy));
    assert!((0.7..0.99).contains(&found.likeness), "{found:?}");
    assert_eq!(found.faults, []);
}

#[test]
fn of_several_plays_the_first_is_looked_at() {
    let found = of(&recorded(&speech().repeat(3)));
    assert_eq!((found.offset, found.faults.len()), (137 * 8, 0), "{found:?}");
}

#[test]
fn it_works_at_16_khz_and_on_tones() {
    let wide = |pcm: &[i16]| resampled(pcm, RATE, SampleRate(16_000));
    let found = compare(&wide(&speech()), &wide(&recorded(&speech())), SampleRate(16_000)).unwrap();
    assert!((found.offset - 137 * 16).abs() <= 1 && found.likeness > 0.98 && found.faults.is_empty(), "{found:?}");
    let tones = clip("three-tones.wav");
    let found = compare(&tones, &recorded(&tones), RATE).unwrap();
    assert_eq!((found.offset, found.faults.len()), (137 * 8, 0), "{found:?}");
}

#[test]
fn what_leaks_from_one_side_into_the_other_is_measured() {
    let speech = speech();
    let leak: Vec<i16> = speech.iter().map(|&sample| (f64::from(sample) * 0.031_623).round() as i16).collect();
    let (strength, delay) = coupling(&speech, &[silence(40), leak.clone()].concat(), RATE).unwrap();
    assert!((strength.0 + 30.0).abs() < 0.2, "{strength}");
    assert_eq!(ms(delay), 40);
    // Somebody else speaks at the same time.
    let other = clip("other-speech.wav");
    let strong: Vec<i16> = speech.iter().zip(&other).map(|(&a, &b)| a / 4 + b / 2).collect();
    let (strength, _) = coupling(&speech, &strong, RATE).unwrap();
    assert!((strength.0 + 12.0).abs() < 1.5, "{strength}");
    let (by_chance, _) = coupling(&speech, &other, RATE).unwrap();
    assert!(by_chance.0 < -10.0, "{by_chance}");
    assert!(coupling(&speech, &silence(1_000), RATE).unwrap().0.0 <= -120.0);
    assert_eq!(coupling(&silence(1_000), &speech, RATE), None);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]
    #[test]
    fn no_samples_panic(a in proptest::collection::vec(proptest::prelude::any::<i16>(), 0..3_000), b in proptest::collection::vec(proptest::prelude::any::<i16>(), 0..3_000)) {
        let _ = (compare(&a, &b, RATE), coupling(&a, &b, RATE));
    }
}
