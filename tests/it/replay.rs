//! A run that was recorded and is played again, through the binary.

use std::path::Path;
use std::process::Command;

use assert_cmd::prelude::*;
use tempfile::TempDir;

const BOTH: &str = "\
name: holds
record: { caller: both }
callee: [answer, echo]
caller:
  - wait: { answered: 5s }
  - play: { tone: 1004Hz, level: 0dBm0 }
  - sleep: 600ms
  - hangup
expect:
  setup_time: \"< 5s\"
  audio: [{ leg: caller, heard: { tone: 1004Hz +-4Hz, for: \">= 300ms\" } }]
---
name: fails
callee: [{ respond: 486 }]
expect: { sip_code: 404 }
";

/// Runs the program in `folder`: its exit code and all that it told.
fn callwright(folder: &Path, line: &str) -> (i32, String) {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.current_dir(folder).args(line.split(' ')).env_remove("CALLWRIGHT_PASSWORD").env("NO_COLOR", "1");
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
}

fn recorded() -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.yaml"), BOTH).unwrap();
    let (code, told) = callwright(folder.path(), "run a.yaml -j 1 --record-esl esl --junit live.xml");
    assert_eq!(code, 1, "{told}");
    folder
}

fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn a_run_that_is_played_again_gives_the_same_report_to_the_letter() {
    let folder = recorded();
    // It needs neither the scenario nor the recordings of then.
    std::fs::remove_file(folder.path().join("a.yaml")).unwrap();
    let _ = std::fs::remove_dir_all(folder.path().join("callwright-out"));
    let (code, told) = callwright(folder.path(), "replay esl --junit again.xml");
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("1 passed, 1 failed") && told.contains("SIP code 486"), "{told}");
    assert_eq!(read(&folder, "live.xml"), read(&folder, "again.xml"));
}

/// The tasks of a run write down what they see one after the other: one may have looked at the clock later and come first.
#[test]
fn what_two_tasks_wrote_down_the_wrong_way_round_gives_the_same_report() {
    let folder = recorded();
    let journal = read(&folder, "esl/journal.jsonl");
    let entries: Vec<serde_json::Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut swapped = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        // Something that the run was told before, and that is nothing to it, at the time of what it is told next.
        let next = entries[index..].iter().find(|entry| entry.get("took").is_some());
        if let Some(next) = next.filter(|_| entry.get("came").is_some()) {
            swapped.push(serde_json::json!({ "at": next["at"], "judged": { "test": 99 } }));
        }
        swapped.push(entry.clone());
    }
    assert!(swapped.len() > entries.len());
    let lines: String = swapped.iter().map(|entry| format!("{entry}\n")).collect();
    std::fs::write(folder.path().join("esl/journal.jsonl"), lines).unwrap();
    callwright(folder.path(), "replay esl --junit again.xml");
    assert_eq!(read(&folder, "live.xml"), read(&folder, "again.xml"));
}

#[test]
fn an_edited_expectation_flips_the_verdict() {
    let folder = recorded();
    let edit = |from: &str, to: &str| {
        assert!(BOTH.contains(from));
        std::fs::write(folder.path().join("a.yaml"), BOTH.replace(from, to)).unwrap();
        callwright(folder.path(), "replay esl --scenario a.yaml")
    };
    let (code, told) = edit("404", "486");
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("2 passed"), "{told}");
    let (_, told) = edit("tone: 1004Hz +-4Hz", "tone: 440Hz +-4Hz");
    assert!(told.contains("another tone, +564.0 Hz off") && told.contains("2 failed"), "{told}");
    let (_, told) = edit("setup_time: \"< 5s\"", "setup_time: \"< 1ms\"");
    assert!(told.contains("2 failed"), "{told}");
}

#[test]
fn what_the_recording_cannot_answer_is_an_error_and_says_so() {
    let folder = recorded();
    let says = "the scenario now does something else than was recorded: it ";
    for (from, to, how) in [
        ("level: 0dBm0", "level: -10dBm0", "sends `sendmsg "),
        ("600ms", "900ms", "does not send `api uuid_kill "),
        ("  - hangup\n", "  - { send_dtmf: { digits: \"1\" } }\n  - hangup\n", "sends `api uuid_send_dtmf "),
    ] {
        assert!(BOTH.contains(from));
        std::fs::write(folder.path().join("a.yaml"), BOTH.replace(from, to)).unwrap();
        let (code, told) = callwright(folder.path(), "replay esl --scenario a.yaml");
        assert_eq!(code, 3, "{told}");
        assert!(told.contains(&format!("{says}{how}")) && told.contains("0 passed"), "{told}");
    }
}

#[test]
fn a_recording_holds_every_byte_but_no_password() {
    let folder = recorded();
    let journal = read(&folder, "esl/journal.jsonl");
    assert!(!journal.contains("ClueCon\\n") && journal.contains("auth ***"), "the password is there");
    for part in ["auth/request", "bgapi originate", "CHANNEL_HANGUP_COMPLETE", "a.yaml::holds", "\"tick\""] {
        assert!(journal.contains(part), "{part}");
    }
    for line in journal.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn what_is_no_recording_or_was_not_run_is_usage() {
    let folder = recorded();
    assert_eq!(callwright(folder.path(), "replay nosuch").0, 4);
    std::fs::write(folder.path().join("other.yaml"), BOTH).unwrap();
    let (code, told) = callwright(folder.path(), "replay esl --scenario other.yaml");
    assert_eq!(code, 4);
    assert!(told.contains("other.yaml was not run; these files were: a.yaml"), "{told}");
    std::fs::write(folder.path().join("a.yaml"), BOTH.replace("name: fails", "name: else")).unwrap();
    let (code, told) = callwright(folder.path(), "replay esl --scenario a.yaml");
    assert_eq!(code, 4);
    assert!(told.contains("no scenario called \"fails\""), "{told}");
    let (code, told) = {
        std::fs::write(folder.path().join("a.yaml"), BOTH.replace("sip_code", "sip_cod")).unwrap();
        callwright(folder.path(), "replay esl --scenario a.yaml")
    };
    assert_eq!(code, 4);
    assert!(told.contains("did you mean `sip_code`?"), "{told}");
}

#[test]
fn a_run_cut_short_in_its_recording_is_an_error() {
    let folder = recorded();
    let journal = read(&folder, "esl/journal.jsonl");
    let (half, _) = journal.split_once("CHANNEL_ANSWER\\n").unwrap();
    std::fs::write(folder.path().join("esl/journal.jsonl"), half).unwrap();
    let (code, told) = callwright(folder.path(), "replay esl");
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("the recording ends here, and the run does not"), "{told}");
}

#[test]
fn a_full_disk_does_not_stop_a_run_and_is_told() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.yaml"), "callee: [answer]\ncaller: [{ wait: { answered: 5s } }]\n").unwrap();
    std::fs::create_dir(folder.path().join("esl")).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("esl/journal.jsonl")).unwrap();
    let (code, told) = callwright(folder.path(), "run a.yaml --record-esl esl");
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("1 passed") && told.contains("the recording of the run broke off"), "{told}");
}

#[test]
fn scenarios_with_secrets_are_not_recorded() {
    let folder = TempDir::new().unwrap();
    let yaml = "secrets: [PATH]\ncallee: [answer]\ncaller: [{ wait: { answered: 5s } }]\n";
    std::fs::write(folder.path().join("a.yaml"), yaml).unwrap();
    let (code, told) = callwright(folder.path(), "run a.yaml --record-esl esl");
    assert_eq!(code, 4, "{told}");
    assert!(told.contains("these scenarios have `secrets`") && !folder.path().join("esl").exists(), "{told}");
}
