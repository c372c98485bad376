//! Calls whose audio is spoilt on purpose: each must fail, and for the reason that was built into it.

use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::prelude::*;
use callwright::audio::wav::{self, Writer};
use callwright::units::SampleRate;

/// A call: what the caller plays, what the callee does, what is expected, and what must be said of it.
struct Twin {
    name: &'static str,
    played: Vec<i16>,
    callee: &'static str,
    expect: &'static str,
    told: &'static str,
}

const QUIET: &str = "play: { silence: 20s, wait: false }";

fn sound(name: &str) -> Vec<i16> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/sounds").join(name);
    wav::read(&path).unwrap().channels.remove(0)
}

fn amplified(pcm: &[i16], gain: f64) -> Vec<i16> {
    pcm.iter().map(|&sample| (f64::from(sample) * gain) as i16).collect()
}

/// 12 dB below speech, from a generator that is the same each time.
fn noisy(pcm: &[i16]) -> Vec<i16> {
    let mut state = 1u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) as i16) / 32
    });
    pcm.iter().zip(noise).map(|(&sample, noise)| sample.saturating_add(noise)).collect()
}

fn twins() -> Vec<Twin> {
    let speech = sound("speech.wav");
    let like = |name, played, expect, told| Twin { name, played, callee: QUIET, expect, told };
    let mut holed = speech.clone();
    let middle = holed.len() / 4;
    holed[middle..middle + 2_400].fill(0);
    let first = speech.iter().position(|sample| sample.unsigned_abs() > 300).unwrap();
    let mut twice = speech.clone();
    twice.splice(middle..middle, speech[middle - 1_600..middle].to_vec());
    const LIKE: &str = "audio: [{ leg: callee, like: { file: clip.wav } }]";
    vec![
        like("another clip", sound("other-speech.wav"), LIKE, "nothing in it is like the clip"),
        like("silence", vec![0; 8_000], LIKE, "throughout"),
        like(
            "a start cut off",
            speech[first + 4_000..].to_vec(),
            "audio: [{ leg: callee, like: { file: clip.wav, likeness: '>= 0.3', missing_start: '< 100ms' } }]",
            "the start was cut off",
        ),
        like(
            "an end cut off",
            speech[..speech.len() - 6_400].to_vec(),
            "audio: [{ leg: callee, like: { file: clip.wav, likeness: '>= 0.3', missing_end: '< 100ms' } }]",
            "the end was cut off",
        ),
        like(
            "10 dB less",
            amplified(&speech, 0.316),
            "audio: [{ leg: callee, like: { file: clip.wav, gain: 0dB +-1dB } }]",
            "gain -10.0 dB is not 0dB +-1dB: a gain or an attenuation stands in the path",
        ),
        like(
            "a gap in the middle",
            holed,
            "audio: [{ leg: callee, like: { file: clip.wav, likeness: '>= 0.5', gaps: 0 } }]",
            "is not == 0: packets were lost",
        ),
        like(
            "a passage that comes twice",
            twice,
            "audio: [{ leg: callee, like: { file: clip.wav, likeness: '>= 0.5', repeats: 0 } }]",
            "is not == 0: lost packets were filled with old ones",
        ),
        like(
            "upside down",
            amplified(&speech, -1.0),
            "audio: [{ leg: callee, like: { file: clip.wav, polarity: kept } }]",
            "the signal is upside down",
        ),
        like(
            "noise on the line",
            noisy(&speech),
            "audio: [{ leg: callee, like: { file: clip.wav, likeness: '>= 0.5', mos: '>= 3.7' } }]",
            "it sounds worse than the clip",
        ),
        like("clipping", amplified(&speech, 12.0), "audio: [{ leg: callee, clipping: '< 0.1%' }]", "flattened peaks"),
        like("one way", speech.clone(), "one_way: false", "one leg heard nothing"),
        like("dead air", speech.clone(), "audio: [{ leg: caller, dead_air: '< 2s' }]", "silence throughout"),
        like("no line is perfect", speech.clone(), "rtp: { leg: callee, mos: '> 4.45' }", "look at the network"),
        Twin {
            name: "an echo",
            played: speech,
            callee: "echo",
            expect: "audio: [{ leg: caller, crosstalk: '< -30dB' }]",
            told: "an echo, or one direction leaks into the other",
        },
    ]
}

#[test]
fn what_is_spoilt_on_purpose_fails_for_that_reason() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, pcm: &[i16]| {
        let mut writer = Writer::create(&folder.path().join(name), SampleRate::NARROW, 1).unwrap();
        writer.write(pcm).unwrap();
        writer.finish().unwrap();
    };
    write("clip.wav", &sound("speech.wav"));
    let twins = twins();
    let mut scenarios = Vec::new();
    for (index, Twin { name, played, callee, expect, .. }) in twins.iter().enumerate() {
        write(&format!("{index}.wav"), played);
        scenarios.push(format!(
            "name: {name}\nrecord: {{ caller: both, callee: both }}\ncallee: [answer, {callee}]\ncaller:\n  \
             - wait: {{ answered: 10s }}\n  - play: [{{ silence: 200ms }}, {{ file: {index}.wav }}, {{ silence: 200ms }}]\n  \
             - hangup\nexpect:\n  {expect}\n"
        ));
    }
    fs::write(folder.path().join("twins.yaml"), scenarios.join("---\n")).unwrap();
    let output = Command::cargo_bin("callwright")
        .unwrap()
        .args(["run", "twins.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let reports: Vec<_> = told.split("\nFAIL ").collect();
    for Twin { name, told: reason, .. } in &twins {
        let report = reports
            .iter()
            .find(|report| report.lines().next().is_some_and(|line| line.contains(&format!("::{name} "))));
        let report = report.unwrap_or_else(|| panic!("{name} did not fail: {told}"));
        assert!(report.contains(reason), "{name} did not fail for {reason:?}: {report}");
    }
}
