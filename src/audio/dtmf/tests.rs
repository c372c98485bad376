//! The limits of ITU-T Q.24, with tones of our own making; `tests/it/dtmf.rs` holds it against other programs.

use super::*;
use crate::audio::g711::{self, Law};
use crate::audio::sine::sine;

const RATE: SampleRate = SampleRate::NARROW;
const KEYPAD: &str = "123A456B789C*0#D";

/// How a digit is sent.
#[derive(Clone, Copy)]
struct Sent {
    low: f64,
    high: f64,
    /// Of both frequencies.
    off: f64,
    milliseconds: usize,
}

const PLAIN: Sent = Sent { low: -13.0, high: -13.0, off: 0.0, milliseconds: 100 };

fn digit(digit: char, sent: Sent, rate: SampleRate) -> Vec<i16> {
    let (low, high) = tones(digit).unwrap();
    let samples = sent.milliseconds * rate.0 as usize / 1_000;
    let tone = |hertz: Hertz, level| sine(Hertz(hertz.0 * (1.0 + sent.off)), Dbm0(level), rate, samples);
    tone(low, sent.low).iter().zip(tone(high, sent.high)).map(|(a, b)| a.saturating_add(b)).collect()
}

/// Digits with pauses of `gap` ms, beginning `shift` samples in.
fn sequence(text: &str, sent: Sent, gap: usize, shift: usize) -> Vec<i16> {
    let mut pcm = vec![0; 400 + shift];
    for key in text.chars() {
        pcm.extend(digit(key, sent, RATE));
        pcm.extend(vec![0; gap * 8]);
    }
    pcm.extend(vec![0; 400]);
    pcm
}

fn told(pcm: &[i16]) -> String {
    digits(pcm, RATE).iter().map(|heard| heard.digit).collect()
}

/// The same digits for a beginning anywhere in a window.
fn always(text: &str, sent: Sent, gap: usize) -> Vec<String> {
    (0..64).step_by(7).map(|shift| told(&sequence(text, sent, gap, shift))).filter(|told| told != text).collect()
}

#[test]
fn all_sixteen_keys_are_heard_in_order_through_both_laws() {
    let pcm = sequence(KEYPAD, PLAIN, 100, 0);
    for law in [Law::Mu, Law::A] {
        assert_eq!(told(&g711::through(law, &pcm)), KEYPAD);
    }
}

#[test]
fn frequencies_within_1_5_percent_are_accepted_and_beyond_3_5_refused() {
    for off in [-0.015, -0.01, 0.01, 0.015] {
        let wrong = always(KEYPAD, Sent { off, ..PLAIN }, 60);
        assert!(wrong.is_empty(), "{off}: {wrong:?}");
    }
    // Further off some of them are other digits.
    for off in [-0.05, -0.035, 0.035, 0.04, 0.05] {
        assert_eq!(told(&sequence(KEYPAD, Sent { off, ..PLAIN }, 60, 0)), "", "{off}");
    }
}

#[test]
fn twist_is_accepted_from_minus_8_to_plus_4_db_and_refused_far_beyond() {
    for (low, high) in [(-10.0, -18.0), (-14.0, -10.0)] {
        let wrong = always(KEYPAD, Sent { low, high, ..PLAIN }, 60);
        assert!(wrong.is_empty(), "{low} and {high}: {wrong:?}");
    }
    for (low, high) in [(-6.0, -19.0), (-17.0, -10.0)] {
        assert_eq!(told(&sequence(KEYPAD, Sent { low, high, ..PLAIN }, 60, 0)), "", "{low} and {high}");
    }
}

#[test]
fn twist_and_offset_at_their_limits_together_are_accepted() {
    for (low, high) in [(-10.0, -18.0), (-14.0, -10.0)] {
        for off in [-0.015, 0.015] {
            let wrong = always(KEYPAD, Sent { low, high, off, milliseconds: 50 }, 60);
            assert!(wrong.is_empty(), "{low} and {high}, {off}: {wrong:?}");
        }
    }
}

#[test]
fn levels_down_to_minus_36_dbm0_are_accepted_and_below_minus_42_refused() {
    for level in [-3.0, -24.0, -36.0] {
        let wrong = always(KEYPAD, Sent { low: level, high: level, ..PLAIN }, 60);
        assert!(wrong.is_empty(), "{level}: {wrong:?}");
    }
    assert_eq!(told(&sequence(KEYPAD, Sent { low: -42.0, high: -42.0, ..PLAIN }, 60, 0)), "");
}

#[test]
fn forty_milliseconds_are_a_digit_and_23_are_none() {
    let wrong = always(KEYPAD, Sent { milliseconds: 40, ..PLAIN }, 40);
    assert!(wrong.is_empty(), "{wrong:?}");
    for milliseconds in [10, 20, 23] {
        for shift in (0..64).step_by(5) {
            assert_eq!(told(&sequence(KEYPAD, Sent { milliseconds, ..PLAIN }, 60, shift)), "", "{milliseconds}");
        }
    }
}

#[test]
fn a_pause_of_40_ms_divides_two_of_a_kind_and_an_interruption_of_10_ms_does_not() {
    let wrong = always("5555", PLAIN, 40);
    assert!(wrong.is_empty(), "{wrong:?}");
    for shift in (0..64).step_by(5) {
        assert_eq!(told(&sequence("55", PLAIN, 10, shift)), "5", "{shift}");
    }
}

#[test]
fn starts_are_right_to_three_milliseconds_and_durations_to_one_percent_more() {
    for milliseconds in [40, 65, 100, 250, 1_000] {
        for shift in [0, 13, 40] {
            let heard = digits(&sequence("159D", Sent { milliseconds, ..PLAIN }, 70, shift), RATE);
            assert_eq!(heard.len(), 4, "{milliseconds} ms");
            for (number, heard) in heard.iter().enumerate() {
                let start = 50.0 + shift as f64 / 8.0 + (number * (milliseconds + 70)) as f64;
                let (began, lasted) = (heard.start.as_secs_f64() * 1e3, heard.duration.as_secs_f64() * 1e3);
                assert!((began - start).abs() < 3.0, "{number}: {began} for {start}");
                assert!(
                    (lasted - milliseconds as f64).abs() < 3.0 + milliseconds as f64 / 100.0,
                    "{number}: {lasted} for {milliseconds}"
                );
            }
        }
    }
}

#[test]
fn levels_and_offsets_are_told() {
    let sent = Sent { low: -12.0, high: -9.0, off: 0.01, milliseconds: 100 };
    let heard = digits(&sequence("7", sent, 50, 0), RATE).remove(0);
    assert!((heard.low.0 + 12.0).abs() < 1.0 && (heard.high.0 + 9.0).abs() < 1.0, "{heard:?}");
    assert!((heard.off.0.0 - 1.0).abs() < 0.2 && (heard.off.1.0 - 1.0).abs() < 0.2, "{heard:?}");
}

#[test]
fn one_tone_alone_is_no_digit_nor_are_three() {
    let tone = |hertz: f64| sine(Hertz(hertz), Dbm0(-10.0), RATE, 1_600);
    for hertz in ROWS.iter().chain(&COLUMNS) {
        assert_eq!(told(&tone(hertz.0)), "", "{hertz}");
    }
    let sum = |hertz: &[f64]| -> Vec<i16> {
        let tones: Vec<_> = hertz.iter().map(|&hertz| tone(hertz)).collect();
        (0..1_600).map(|at| tones.iter().map(|tone| tone[at]).sum()).collect()
    };
    assert_eq!(told(&sum(&[697.0, 1209.0, 1477.0])), "");
    assert_eq!(told(&sum(&[770.0, 1336.0, 2672.0])), "", "a second harmonic");
    // Dial tone, busy tone, special information tone.
    assert_eq!(told(&sum(&[350.0, 440.0])), "");
    assert_eq!(told(&sum(&[480.0, 620.0])), "");
}

#[test]
fn other_rates_are_heard_as_well() {
    for hertz in [16_000, 48_000] {
        let rate = SampleRate(hertz);
        let mut pcm = Vec::new();
        for key in KEYPAD.chars() {
            pcm.extend(digit(key, PLAIN, rate));
            pcm.extend(vec![0; rate.0 as usize / 20]);
        }
        let heard: String = digits(&pcm, rate).iter().map(|heard| heard.digit).collect();
        assert_eq!(heard, KEYPAD, "{hertz}");
    }
}

#[test]
fn samples_may_come_in_any_portions() {
    let pcm = sequence(KEYPAD, Sent { milliseconds: 45, ..PLAIN }, 45, 3);
    let whole = digits(&pcm, RATE);
    for portion in [1, 7, 64, 160, 333] {
        let mut detector = DtmfDetector::new(RATE);
        for part in pcm.chunks(portion) {
            detector.push(part);
        }
        detector.finish();
        let ended = std::iter::from_fn(|| detector.poll()).filter_map(|heard| match heard {
            Heard::Ended(digit) => Some(digit),
            Heard::Began { .. } => None,
        });
        assert_eq!(ended.collect::<Vec<_>>(), whole, "{portion}");
    }
}

#[test]
fn a_live_listener_is_told_before_the_digit_ends() {
    let mut detector = DtmfDetector::new(RATE);
    detector.push(&vec![0; 800]);
    detector.push(&digit('9', Sent { milliseconds: 50, ..PLAIN }, RATE));
    let Some(Heard::Began { digit: '9', start }) = detector.poll() else { panic!("nothing was heard") };
    assert!((start.as_secs_f64() - 0.1).abs() < 0.003, "{start:?}");
    assert_eq!(detector.poll(), None);
}

#[test]
fn nothing_and_full_scale_do_not_panic() {
    assert_eq!(digits(&[], RATE), []);
    for pcm in [vec![i16::MIN; 4_000], vec![i16::MAX; 4_000], [i16::MIN, i16::MAX].repeat(2_000)] {
        assert_eq!(told(&pcm), "");
    }
    assert_eq!(digits(&[1, 2, 3], SampleRate(0)), []);
}
