//! Files that are right, and what they come to.

use std::time::Duration;

use super::{scenario, scenarios};
use crate::audio::verify::Track;
use crate::media::Tracks;
use crate::scenario::{CallerId, Leg, PlacedStep};
use crate::units::SampleRate;

/// What the steps of a leg do, one a line.
fn described(steps: &[PlacedStep]) -> Vec<String> {
    steps.iter().map(|step| step.describe()).collect()
}

const S: Duration = Duration::from_secs(1);

/// Files that are right, which the schema must take too.
pub(super) const RIGHT: &[&str] = &[
    MILLIWATT,
    EVERY_STEP,
    EVERY_CHECK,
    EVERY_CALL_KEY,
    "callee: [answer]",
    "matrix: { a: [1, b, true], c: [2s], exclude: [{ a: 1 }], include: [{ a: 2, c: 3s }] }\ncallee: [answer]",
    "vars: { a: 2s, b: true, c: 200, d: hangup }\ncallee: [answer, { sleep: '${vars.a}' }, '${vars.d}']\nexpect: { answered: '${vars.b}', sip_code: '${vars.c}', setup_time: '< ${vars.a}' }",
    "secrets: [A, B]\nrequires: { host: embedded, module: mod_sofia, version: \">= 1.10\", env: [A] }\ncallee: [answer]",
    "skip: because\nxfail: { if: \"a == b\", reason: because }\nretries: 3\ncallee: [answer]",
    "app: tone_play",
    "app: { tone_play: }",
    "app: { callee_block_on_invite: { sip_code: 404 } }",
    "app: { callee_block_on_invite: { hangup_cause: USER_BUSY } }",
    "app: { callee_ringback: { ring_response: pre_answer, callee_hangup_after: 2s } }",
    "app: { play_rec: { file: clip.wav } }\nduration: 2.5s",
    "app: { play_rec: { file: clip.wav, iterations: 3, record: callee, stereo: false, lead: 1s, tail: 2s } }",
    "app: { muted_play_rec: { file: clip.wav, callee_file: clip.wav, period: 2s, swaps: 3 } }\nexpect: { one_way: false }",
    "callee: [answer]\nexpect: { rtp: { leg: caller, loss: \"< 1%\" } }",
    "load: { rate: 0.5, max_offered: 10 }\ncallee: [answer]",
    "load: { rate: 30, for: 1m, limit: 300, host_limit: 100, auto_duration: true, drain: 5s, host: { sps: 500, max_sessions: 5000, loglevel: warning } }\napp: bert",
    "load: { stages: [{ to: 30, over: 10s }, { hold: 60s }, { rate: 5, hold: 1s }, { to: 0, over: 5s }], mix: [{ app: bert, weight: 34 }, { app: { callee_ringback: { caller_hangup_after: 5s } }, name: x }] }\nexpect: { setup_time: \"< 1s\" }",
    "name: 0123\ntags: [1, true]\ncallee: [{ log: 12 }, { log: true }]",
];

const MILLIWATT: &str = r#"
# yaml-language-server: $schema=../conf/scenario.schema.json
name: the milliwatt survives the loop
app: { tone_play: { frequency: 1004 } }        # a built-in app in place of steps
duration: 3s
record: { caller: both }
expect:
  audio:
    - { leg: caller, heard: { tone: 1004Hz +-4Hz, level: 0dBm0 +-3dB, for: ">= 2s" } }
    - { leg: caller, silence: "< 200ms" }      # no gap inside the tone
"#;

const EVERY_STEP: &str = r#"
callee:
  - ring
  - pre_answer
  - answer:
  - record: { tracks: heard, rate: 16000 }
  - echo
  - stop_record
  - sleep: 200ms
  - play: { tone: 1004Hz, level: -3dBm0, for: 2s, loops: 2 }
  - play: { tones: "%(251,0,1004);loops=-1" }
  - play: [{ file: clip.wav }, { silence: 1s }, { tone: 440 }]
  - play: { list: [{ silence: 10ms }], loops: forever }
  - play: { file: clip.wav, wait: false }
  - set: { a: 1, sip_h_X-Foo: bar }
  - log: "two\nlines"
  - execute: { app: playback, arg: "tone_stream://%(100,0,440)" }
  - execute: { app: info }
  - api: uuid_dump 1234
  - hangup: USER_BUSY
caller:
  - wait: { ringing: 2s }
  - wait: { early_media: 2s }
  - wait: { answered: 2s }
  - wait: { event: DTMF, headers: { DTMF-Digit: "[0-9]" }, within: 5s }
  - wait: { variable: { a: 1 } }
  - wait: { hungup: 5s }
---
name: refused
callee: [{ respond: { code: 404, reason: Not Here } }]
---
name: refused again
callee: [{ respond: 486 }]
"#;

const EVERY_CHECK: &str = r#"
callee: [answer, record]
record: { caller: { tracks: said } }
expect:
  answered: true
  hangup_cause: { caller: NORMAL_CLEARING, callee: [NORMAL_CLEARING, NONE] }
  sip_code: [200, "200..299"]
  setup_time: "< 1s"
  pdd: 10ms..2s
  duration: 3s +-100ms
  audio:
    - { leg: callee, said: { tone: 440Hz ± 5Hz } }
    - { leg: callee, heard: { level: "> -20dBm0" } }
    - { leg: caller, said: { silence: < 200ms } }
    - { leg: caller, level: -10dBm0..0dBm0 }
    - { leg: caller, length: ">= 2s" }
    - { leg: callee, like: { file: clip.wav } }
    - leg: callee
      like:
        file: clip.wav
        likeness: ">= 0.9"
        delay: "< 300ms"
        gain: 0dB +-1dB
        mos: ">= 4.0"
        missing_start: "< 100ms"
        missing_end: "< 100ms"
        gaps: 0
        repeats: "<= 1"
        polarity: kept
    - { leg: callee, clipping: "< 0.1%" }
    - { leg: callee, dead_air: "< 2s" }
    - { leg: callee, crosstalk: "< -40dB" }
  rtp:
    - { leg: caller, loss: "< 1%", jitter: "< 20ms", mos: ">= 4.0" }
    - { leg: callee, loss: 0%..2.5% }
"#;

const EVERY_CALL_KEY: &str = r#"
name: every key
tags: smoke
call:
  to: 0123
  profile: internal
  proxy: 127.0.0.1:5060
  codec: [PCMA, PCMU@20i]
  caller_id: { name: Ann Example, number: 00491234 }
  headers: { X-One: "1", Subject: yes }
  vars: { ignore_early_media: true, jitterbuffer_msec: 100:200:40 }
  timeout: 10s
caller: [hangup]
timeout: 2m
"#;

#[test]
fn the_milliwatt_of_the_design_loads() {
    let scenario = scenario(MILLIWATT);
    assert_eq!(scenario.name, "the milliwatt survives the loop");
    assert_eq!(scenario.place.to_string(), "scenarios/case.yaml:3:1");
    assert_eq!(described(&scenario.caller), ["wait for the answer within 10s", "play tone 1004 Hz at 0 dBm0"]);
    assert_eq!(described(&scenario.callee), ["answer", "echo"]);
    assert_eq!((scenario.duration, scenario.time_limit(60 * S)), (Some(3 * S), 63 * S));
    let checks: Vec<_> = scenario.expect.iter().map(|check| check.describe()).collect();
    assert_eq!(checks, ["caller heard tone 1004Hz +-4Hz at 0dBm0 +-3dB for >= 2s", "caller longest gap < 200ms"]);
    assert_eq!(scenario.expect[1].place.line, 10);
}

#[test]
fn every_step_is_read_with_its_place() {
    let all = scenarios(EVERY_STEP);
    assert_eq!(
        described(&all[0].callee),
        [
            "ring",
            "pre_answer",
            "answer",
            "record heard",
            "echo",
            "stop_record",
            "sleep 200ms",
            "play tone 1004 Hz at -3 dBm0 for 2s, 2 times",
            "play tones %(251,0,1004);loops=-1",
            "play file scenarios/clip.wav, silence 1s, tone 440 Hz",
            "play silence 10ms, for ever",
            "play file scenarios/clip.wav",
            "set a, sip_h_X-Foo",
            "log two lines",
            "execute playback(tone_stream://%(100,0,440))",
            "execute info",
            "api uuid_dump 1234",
            "hangup USER_BUSY",
        ]
    );
    assert_eq!(
        described(&all[0].caller),
        [
            "wait for ringing within 2s",
            "wait for early media within 2s",
            "wait for the answer within 2s",
            "wait for DTMF within 5s",
            "wait for a=1 within 10s",
            "wait for the hangup within 5s",
        ]
    );
    let step = &all[0].callee[6];
    assert_eq!((step.kind(), step.place.line, step.place.column), ("sleep", 9, 5));
    assert_eq!(described(&all[1].callee), ["respond 404 Not Here"]);
}

#[test]
fn a_play_waits_for_its_end_if_it_has_one() {
    let all = scenarios(EVERY_STEP);
    let waits: Vec<_> =
        all[0].callee.iter().filter(|step| step.kind() == "play").map(|step| format!("{:?}", step.value)).collect();
    let waits: Vec<_> = waits.iter().map(|play| play.contains("wait: true")).collect();
    assert_eq!(waits, [true, false, false, false, false]);
}

#[test]
fn every_check_is_read_in_the_order_of_the_file() {
    let scenario = scenario(EVERY_CHECK);
    let checks: Vec<_> = scenario.expect.iter().map(|check| check.describe()).collect();
    assert_eq!(
        checks,
        [
            "answered",
            "hangup cause caller NORMAL_CLEARING, callee NORMAL_CLEARING or NONE",
            "SIP code 200 or 200..299",
            "setup time < 1s",
            "PDD 10ms..2s",
            "talk time 3s +-100ms",
            "callee said tone 440Hz +-5Hz",
            "callee heard level > -20dBm0",
            "caller said longest gap < 200ms",
            "caller level -10dBm0..0dBm0",
            "caller recording length >= 2s",
            "callee heard clip.wav: likeness >= 0.9",
            "callee heard clip.wav: likeness >= 0.9, delay < 300ms, gain 0dB +-1dB, MOS >= 4, missing at the start < 100ms, \
             missing at the end < 100ms, gaps == 0, repeats <= 1, polarity kept",
            "callee heard clipping < 0.1%",
            "callee heard dead air < 2s",
            "callee crosstalk < -40dB",
            "caller received RTP: loss < 1%, jitter < 20ms, MOS >= 4",
            "callee received RTP: loss 0%..2.5%",
        ]
    );
}

#[test]
fn every_key_of_call_is_read_as_it_is_written() {
    let scenario = scenario(EVERY_CALL_KEY);
    let call = &scenario.call;
    assert_eq!((call.to.as_str(), call.profile.as_str()), ("0123", "internal"));
    assert_eq!(call.proxy.as_deref(), Some("127.0.0.1:5060"));
    assert_eq!(call.codec, ["PCMA", "PCMU@20i"]);
    let caller_id = CallerId { name: Some("Ann Example".to_owned()), number: Some("00491234".to_owned()) };
    assert_eq!(call.caller_id, caller_id);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(call.headers, [pair("X-One", "1"), pair("Subject", "yes")]);
    assert_eq!(call.vars, [pair("ignore_early_media", "true"), pair("jitterbuffer_msec", "100:200:40")]);
    assert_eq!((call.timeout, scenario.timeout), (10 * S, Some(120 * S)));
    assert_eq!(scenario.tags, ["smoke"]);
}

#[test]
fn what_is_not_said_has_its_default() {
    let scenario = scenario("callee: [answer]");
    assert_eq!(scenario.name, "case");
    assert_eq!((scenario.call.to.as_str(), scenario.call.profile.as_str()), ("callwright", "external"));
    assert_eq!((scenario.call.timeout, scenario.timeout, scenario.duration), (30 * S, None, None));
}

#[test]
fn documents_without_a_name_are_numbered() {
    let names: Vec<_> =
        scenarios("---\ncallee: [answer]\n---\nname: mine\ncallee: [answer]\n---\ncallee: [answer]\n---\n")
            .into_iter()
            .map(|scenario| scenario.name)
            .collect();
    assert_eq!(names, ["case 1", "mine", "case 3"]);
}

#[test]
fn an_app_records_what_it_needs_and_the_scenario_may_say_otherwise() {
    let scenario =
        scenario("app: { play_rec: { file: clip.wav } }\nrecord: { callee: { tracks: heard, rate: 16000 } }");
    let recording = |leg| scenario.record.of(leg).map(|recording| (recording.tracks, recording.rate));
    assert_eq!(recording(Leg::Caller), Some((Tracks::Stereo, SampleRate(8_000))));
    assert_eq!(recording(Leg::Callee), Some((Tracks::Heard, SampleRate(16_000))));
    assert_eq!(described(&scenario.caller).last().map(String::as_str), Some("hangup"));
}

#[test]
fn each_track_has_its_channel() {
    let all = [Tracks::Heard, Tracks::Said, Tracks::Stereo, Tracks::Mixed];
    let channels = all.map(|tracks| {
        let recording = crate::scenario::Recording { tracks, rate: SampleRate::NARROW };
        [Some(Track::Heard), Some(Track::Said), None].map(|track| recording.channel(track))
    });
    assert_eq!(
        channels,
        [[Some(0), None, Some(0)], [None, Some(0), Some(0)], [Some(0), Some(1), Some(0)], [None, None, Some(0)],]
    );
}

#[test]
fn an_anchor_says_steps_once_for_several_places() {
    let scenario = scenario("caller: &talk [{ sleep: 1s }, hangup]\ncallee: *talk\n");
    assert_eq!(described(&scenario.caller), described(&scenario.callee));
    assert_eq!(scenario.callee[0].place.line, 1);
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing() {
    let changed = format!("\u{feff}{}", EVERY_CHECK.replace('\n', "\r\n"));
    let told =
        |text| scenario(text).expect.iter().map(|check| (check.describe(), check.place.clone())).collect::<Vec<_>>();
    assert_eq!(told(&changed), told(EVERY_CHECK));
}

#[test]
fn files_are_looked_for_beside_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.wav");
    std::fs::write(&clip, "RIFF").unwrap();
    let file = folder.path().join("play.yaml");
    std::fs::write(&file, "callee: [answer, { play: { file: clip.wav } }]").unwrap();
    let loaded = crate::scenario::load_file(&file);
    assert!(!loaded.has_errors());
    let debug = format!("{:?}", loaded.scenarios[0].callee[1].value);
    assert!(debug.contains(&format!("{:?}", clip)), "{debug}");
}
