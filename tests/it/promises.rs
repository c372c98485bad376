//! Every promise broken once: whole calls in virtual time, each of which must end in its own message and never pass.

use std::time::Duration;

use callwright::run::{Summary, TestReport};
use callwright::sim::{Fault, Sim};
use callwright::verdict::Verdict;

/// A call that holds all it promises: a tone that is echoed and heard back.
const HOLDS: &str = "
name: a call
record: { caller: both }
callee:
  - answer
  - echo
caller:
  - wait: { answered: 2s }
  - play: { tone: 1004Hz, level: 0dBm0 }
  - sleep: 2s
  - hangup
expect:
  answered: true
  setup_time: \"< 1s\"
  audio:
    - { leg: caller, heard: { tone: 1004Hz +-4Hz, level: 0dBm0 +-3dB, for: \">= 1500ms\" } }
";

fn sim(yaml: &str) -> Sim {
    Sim::new(yaml, 7).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn one(mut sim: Sim) -> TestReport {
    let (summary, mut reports) = sim.run();
    assert_eq!(reports.len(), 1, "{summary:?}");
    assert_eq!(sim.sessions_left(), 0, "sessions were left behind");
    reports.remove(0)
}

/// The one check that does not hold: what was expected, what was, and the help.
fn broken(report: &TestReport, verdict: Verdict) -> String {
    assert_eq!(report.verdict, verdict, "{:#?}", report.checks);
    let bad: Vec<_> = report.checks.iter().filter(|check| check.verdict != Verdict::Passed).collect();
    let told = bad.iter().map(|c| format!("{} | {} | {} | {}", c.name, c.expected, c.actual, c.help));
    told.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn tells(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "{word:?} is not in:\n{told}");
    }
}

#[test]
fn the_call_that_holds_its_promises_passes() {
    let report = one(sim(HOLDS));
    assert_eq!(report.verdict, Verdict::Passed, "{:#?}", report.checks);
    assert_eq!(report.checks.len(), 3);
    assert!(report.duration < Duration::from_secs(3), "{:?}", report.duration);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let traces = || format!("{:?}", one(sim(HOLDS)).legs);
    assert_eq!(traces(), traces());
}

#[test]
fn a_wrong_frequency_fails_and_says_which_was_heard() {
    let told = broken(&one(sim(&HOLDS.replace("tone: 1004Hz,", "tone: 440Hz,"))), Verdict::Failed);
    tells(&told, &["caller heard tone 1004Hz +-4Hz", "440.0 Hz"]);
}

#[test]
fn twenty_decibels_less_fail_and_say_how_much_is_missing() {
    let told = broken(&one(sim(&HOLDS.replace("level: 0dBm0 }", "level: -20dBm0 }"))), Verdict::Failed);
    tells(&told, &["1004.0 Hz at -20.", "20.0 dB too quiet"]);
}

#[test]
fn a_removed_echo_fails_as_nothing_heard() {
    let told = broken(&one(sim(&HOLDS.replace("  - echo\n", ""))), Verdict::Failed);
    tells(&told, &["silence", "throughout", "an echo or a playback is missing"]);
}

#[test]
fn an_echo_that_ends_early_fails_and_says_when() {
    let yaml = HOLDS.replace("  - echo\n", "  - echo\n  - sleep: 1s\n  - play: { silence: 10ms }\n");
    let told = broken(&one(sim(&yaml)), Verdict::Failed);
    tells(&told, &["the tone is right but does not last"]);
}

#[test]
fn a_callee_that_never_answers_fails_at_the_step_that_waits_for_it() {
    let told = broken(&one(sim(&HOLDS.replace("  - answer\n  - echo\n", "  - sleep: 10s\n"))), Verdict::Failed);
    tells(&told, &["caller step 1: wait for the answer within 2s", "the leg is not answered"]);
}

#[test]
fn a_callee_that_refuses_fails_a_call_that_must_be_answered() {
    let yaml = "callee: [{ respond: 486 }]\nexpect: { answered: true }\n";
    let told = broken(&one(sim(yaml)), Verdict::Failed);
    tells(&told, &["answered", "not answered, ended with USER_BUSY (SIP 486)"]);
}

#[test]
fn a_call_must_be_answered_even_where_nothing_says_so() {
    let told = broken(&one(sim("callee: [{ sleep: 1s }, { execute: { app: hangup } }]\n")), Verdict::Failed);
    tells(&told, &["an answered call"]);
}

#[test]
fn another_sip_code_fails_and_says_which_came() {
    let yaml = "app: { callee_block_on_invite: { sip_code: 486 } }\nexpect: { sip_code: 404 }\n";
    tells(&broken(&one(sim(yaml)), Verdict::Failed), &["SIP code 404", "SIP code 486"]);
}

#[test]
fn another_hangup_cause_fails_and_says_which_it_was() {
    let yaml = "callee: [answer, { sleep: 100ms }, { hangup: USER_BUSY }]\nexpect: { hangup_cause: NORMAL_CLEARING }\n";
    tells(&broken(&one(sim(yaml)), Verdict::Failed), &["caller NORMAL_CLEARING", "caller USER_BUSY"]);
}

#[test]
fn an_abnormal_end_fails_even_where_nothing_says_so() {
    let yaml = "callee: [answer, { execute: { app: hangup, arg: MEDIA_TIMEOUT } }]\n";
    let told = broken(&one(sim(yaml)), Verdict::Failed);
    tells(&told, &["hangup cause", "MEDIA_TIMEOUT"]);
}

#[test]
fn a_slow_answer_fails_its_bound() {
    let yaml = "callee: [ring, { sleep: 2s }, answer]\ncaller: [{ wait: { answered: 5s } }]\nexpect: { setup_time: \"< 1s\" }\n";
    tells(&broken(&one(sim(yaml)), Verdict::Failed), &["setup time < 1s | 2s"]);
}

#[test]
fn a_tone_that_does_not_last_fails_and_says_how_long_it_did() {
    let told = broken(&one(sim(&HOLDS.replace("sleep: 2s", "sleep: 500ms"))), Verdict::Failed);
    tells(&told, &["the recording lasts only"]);
}

#[test]
fn a_file_that_the_switch_cannot_play_fails_at_its_step() {
    let yaml = "callee: [answer, { execute: { app: playback, arg: /no/such.wav } }]\n";
    tells(
        &broken(&one(sim(yaml)), Verdict::Failed),
        &["callee step 2: execute playback(/no/such.wav)", "FILE NOT FOUND"],
    );
}

#[test]
fn a_command_that_is_refused_fails_at_its_step() {
    let told = broken(&one(sim("callee: [answer, { api: nosuchcommand }]\n")), Verdict::Failed);
    tells(&told, &["callee step 2: api nosuchcommand", "Command not found!"]);
}

#[test]
fn a_scenario_that_takes_too_long_fails_and_says_what_it_was_at() {
    let yaml = "timeout: 3s\ncallee: [answer]\ncaller: [{ wait: { event: NEVER, within: 1h } }]\n";
    let report = one(sim(yaml));
    tells(&broken(&report, Verdict::Failed), &["the scenario over within 3s", "in step 1, wait for NEVER"]);
    assert_eq!(report.duration.as_secs(), 3);
}

#[test]
fn a_recording_that_cannot_be_read_is_an_error_and_no_pass() {
    let told = broken(&one(sim(HOLDS).fault(Fault::UnreadableRecordings)), Verdict::Error);
    tells(&told, &["unreadable", "nobody knows what was heard"]);
}

#[test]
fn a_host_that_dies_in_mid_call_is_an_error_that_says_what_was_going_on() {
    let mut sim = sim(HOLDS).fault(Fault::HostDies(Duration::from_secs(1)));
    let (summary, reports) = sim.run();
    assert_eq!((summary.errors, summary.passed, summary.failed), (1, 0, 0));
    let told = broken(&reports[0], Verdict::Error);
    tells(&told, &["lost: connection closed", "caller: answered and in step 3, sleep 2s"]);
    let last = reports[0].legs[0].entries.last().unwrap();
    assert!(last.text.contains("host lost"), "{last:?}");
}

#[test]
fn a_host_that_dies_before_a_test_begins_is_that_tests_error() {
    let mut sim = sim(HOLDS).fault(Fault::HostDies(Duration::ZERO));
    let (summary, reports) = sim.run();
    assert_eq!(summary, Summary { errors: 1, duration: summary.duration, ..Summary::default() });
    tells(&broken(&reports[0], Verdict::Error), &["connection refused"]);
}

#[test]
fn garbage_from_the_switch_is_an_error_with_a_name() {
    let mut sim = sim(HOLDS).fault(Fault::Garbage(Duration::from_millis(500), 300));
    let (summary, reports) = sim.run();
    assert_eq!(summary.errors, 1);
    tells(&broken(&reports[0], Verdict::Error), &["bad input", "UTF-8"]);
}

#[test]
fn events_that_stop_coming_never_become_a_pass() {
    let mut sim = sim(HOLDS).fault(Fault::EventsStall(Duration::from_millis(500)));
    let (summary, reports) = sim.run();
    assert_eq!((summary.passed, summary.errors), (0, 1));
    let told = broken(&reports[0], Verdict::Error);
    tells(&told, &["every leg gone within", "still there"]);
}

#[test]
fn many_scenarios_side_by_side_do_not_hear_each_other() {
    let one = |index: usize| {
        let tone = 400 + 40 * index;
        HOLDS.replace("1004Hz", &format!("{tone}Hz")).replace("a call", &format!("tone {tone}"))
    };
    let yaml = (0..40).map(one).collect::<Vec<_>>().join("---\n");
    let mut sim = sim(&yaml);
    let (summary, reports) = sim.run();
    let bad: Vec<_> = reports.iter().filter(|r| r.verdict != Verdict::Passed).map(|r| (&r.test, &r.checks)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert_eq!(summary.passed, 40);
    assert!(summary.duration < Duration::from_secs(4), "one after the other: {:?}", summary.duration);
    assert_eq!(sim.sessions_left(), 0);
}
