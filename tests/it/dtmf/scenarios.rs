//! Scenarios of digits on the embedded switch that must fail, for the reason that they name.

use std::process::Command;

use assert_cmd::prelude::*;

/// Runs one call whose caller sends with `send` what the callee expects with `expect`; gives the exit code and what
/// was told.
fn run(send: &str, expect: &str, more: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "name: digits\n{more}\ncallee:\n  - answer\n  - expect_dtmf: {expect}\n  - wait: {{ hungup: 8s }}\n\
         caller:\n  - wait: {{ answered: 5s }}\n{send}\n  - sleep: 600ms\n  - hangup\n"
    );
    std::fs::write(folder.path().join("digits.yaml"), text).unwrap();
    let mut command = Command::cargo_bin("callwright").unwrap();
    let output = command.args(["run", "digits.yaml"]).current_dir(folder.path()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), told)
}

fn fails_for(send: &str, expect: &str, more: &str, reason: &str) {
    let (code, told) = run(send, expect, more);
    assert_eq!(code, Some(1), "{told}");
    // Lines are wrapped as wide as the terminal is.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&told).contains(&words(reason)), "no {reason:?} in:\n{told}");
}

#[test]
fn a_missing_digit_is_told() {
    let expect = "{ digits: \"1234\", within: 3s }";
    fails_for("  - send_dtmf: \"124\"", expect, "", "received 1 2 4, expected 1 2 3 4: third digit `4`");
}

#[test]
fn digits_in_the_wrong_order_are_told() {
    fails_for("  - send_dtmf: \"132\"", "\"123\"", "", "came before `2`: the order is wrong");
}

#[test]
fn a_digit_that_comes_twice_is_told() {
    fails_for("  - send_dtmf: \"1224\"", "\"1234\"", "", "repeats the second one");
}

#[test]
fn a_digit_too_many_at_the_end_is_told() {
    fails_for("  - send_dtmf: \"1233\"", "\"123\"", "", "no digits behind those of `expect_dtmf`");
}

#[test]
fn a_digit_too_short_is_told() {
    let expect = "{ digits: \"12\", tone: \">= 150ms\" }";
    fails_for("  - send_dtmf: { digits: \"12\", tone: 80ms }", expect, "", "lasted 80ms, not >= 150ms");
}

#[test]
fn tones_too_short_to_be_digits_are_told() {
    let send = "  - send_dtmf: { digits: \"12\", mode: inband, tone: 20ms }";
    let expect = "{ digits: \"12\", mode: inband, within: 2s }";
    fails_for(send, expect, "", "received nothing, expected 1 2: first digit `1` did not come");
}

#[test]
fn digits_that_come_another_way_are_told() {
    let expect = "{ digits: \"12\", mode: inband, within: 2s }";
    fails_for("  - send_dtmf: \"12\"", expect, "", "digits came another way: 1 2 (RTP)");
}

#[test]
fn a_recording_without_the_digits_is_told() {
    let send = "  - send_dtmf: { digits: \"12\", mode: inband }";
    let more = "record: { callee: heard }\nexpect: { audio: [{ leg: callee, dtmf: \"13\" }] }";
    fails_for(send, "{ digits: \"12\", mode: inband }", more, "12: 1 at");
}

#[test]
fn the_same_digits_as_expected_pass() {
    let (code, told) = run("  - send_dtmf: \"123\"", "\"123\"", "");
    assert_eq!(code, Some(0), "{told}");
}
