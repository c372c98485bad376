//! Reports, comparisons and merges through the binary, over real sockets on loopback.

use std::path::Path;
use std::process::Command;

use assert_cmd::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

const TESTS: &str = "name: passes\ncallee: [answer]\ncaller: [{ wait: { answered: 2s } }]\n---\n\
    name: hears the tone\ncallee: [answer, { play: { tone: 1004Hz, for: 1s } }]\n\
    caller: [{ wait: { answered: 2s } }, { sleep: 1s }]\nrecord: { caller: heard }\n\
    expect: { audio: [{ leg: caller, heard: { tone: 1004Hz +-4Hz, for: \">= 300ms\" } }] }\n---\n\
    name: known to fail\nxfail: not written yet\ncallee: [{ respond: 486 }]\nexpect: { sip_code: 200 }\n---\n\
    name: not now\nskip: it is late\ncallee: [answer]\n";
const FAILS: &str = "name: passes\ncallee: [{ respond: 486 }]\nexpect: { sip_code: 404 }\n";

fn folder(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("a.yaml"), text).unwrap();
    folder
}

fn callwright(folder: &Path, line: &str) -> Command {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.current_dir(folder).args(line.split(' ')).env("NO_COLOR", "1").env_remove("CALLWRIGHT_PASSWORD");
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "GITLAB_CI"] {
        command.env_remove(name);
    }
    command
}

/// Exit code, standard output and standard error.
fn ran(mut command: Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_event_of_a_run_is_a_line_that_the_published_schema_allows() {
    let folder = folder(TESTS);
    let (code, out, err) = ran(callwright(folder.path(), "run a.yaml --json -"));
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        err.contains("PASS") && err.contains("Summary"),
        "the report for people is not on the standard error: {err}"
    );
    let (_, schema, _) = ran(callwright(folder.path(), "schema --events"));
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let events = lines(&out);
    for event in &events {
        let errors: Vec<_> = validator.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{event:#}\n{errors:#?}");
    }
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((names[0], names[names.len() - 1]), ("started", "ended"));
    assert_eq!(names.iter().filter(|name| **name == "test_ended").count(), 4);
    let tone = events.iter().find(|event| event["test"]["name"] == "hears the tone" && event["event"] == "test_ended");
    let figures = &tone.unwrap()["properties"];
    let hertz: f64 = figures["caller.heard.tone_hz"].as_str().unwrap().parse().unwrap();
    assert!((hertz - 1004.0).abs() < 4.0 && figures["setup_time_ms"].is_string(), "{figures:#}");
    // What the schema does not allow it finds.
    let mut wrong = events[0].clone();
    wrong["at"] = "noon".into();
    assert!(!validator.is_valid(&wrong));
    wrong = events[0].clone();
    wrong["event"] = "sideways".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn any_number_of_reports_is_written_and_one_that_cannot_be_spoils_none_of_them() {
    let folder = folder(TESTS);
    std::fs::write(folder.path().join("file"), "").unwrap();
    let line =
        "run a.yaml --junit x/a.xml --junit b.xml --json a.jsonl --json file/no.jsonl --tap a.tap --json b.jsonl";
    let (code, out, err) = ran(callwright(folder.path(), line));
    assert_eq!(code, 3, "{out}{err}");
    assert!(err.contains("error: cannot make the folder file"), "{err}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("a.jsonl"), read("b.jsonl"));
    assert_eq!(read("x/a.xml"), read("b.xml"));
    assert!(read("a.tap").starts_with("TAP version 14\n1..4\n") && read("a.tap").contains("# TODO not written yet"));
    let (code, _, err) = ran(callwright(folder.path(), "run a.yaml --json a --tap a"));
    assert_eq!((code, err.contains("two reports cannot both be written to a")), (4, true), "{err}");
}

#[test]
fn github_gets_annotations_and_a_summary() {
    let folder = folder(FAILS);
    let summary = folder.path().join("summary.md");
    let mut command = callwright(folder.path(), "run a.yaml");
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary).env("GITHUB_WORKSPACE", folder.path());
    let (code, out, _) = ran(command);
    assert_eq!(code, 1);
    assert!(out.contains("\n::error file=a.yaml,line=3,col="), "{out}");
    assert!(std::fs::read_to_string(summary).unwrap().starts_with("## ❌ callwright: not passed\n"));
    let (_, out, _) = ran(callwright(folder.path(), "run a.yaml"));
    assert!(!out.contains("::error"), "{out}");
}

#[test]
fn a_regression_is_told_by_compare_and_by_a_baseline_and_a_run_like_the_last_is_none() {
    let folder = folder(TESTS);
    assert_eq!(ran(callwright(folder.path(), "run a.yaml --json old.jsonl")).0, 0);
    assert_eq!(ran(callwright(folder.path(), "run a.yaml --json same.jsonl")).0, 0);
    let (code, out, err) = ran(callwright(folder.path(), "compare old.jsonl same.jsonl --latency-tolerance 20%,10s"));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.ends_with("no regression\n"), "{out}");

    std::fs::write(folder.path().join("a.yaml"), FAILS).unwrap();
    let (code, out, _) = ran(callwright(folder.path(), "run a.yaml --json new.jsonl --baseline old.jsonl"));
    assert_eq!(code, 1);
    assert!(out.contains("BROKEN      a.yaml::passes (embedded) - passed, now failed: "), "{out}");
    let (code, out, _) = ran(callwright(folder.path(), "compare old.jsonl new.jsonl --format json"));
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["verdicts"][1]["change"]), (1, &Value::from("no_longer_run")), "{told:#}");
    let (_, out, _) = ran(callwright(folder.path(), "compare old.jsonl new.jsonl --format markdown"));
    assert!(out.starts_with("## ❌ callwright: 1 regression\n"), "{out}");
}

#[test]
fn all_may_pass_and_a_figure_that_got_worse_is_a_failure_all_the_same() {
    let folder = folder(TESTS);
    assert_eq!(ran(callwright(folder.path(), "run a.yaml -k tone --json old.jsonl")).0, 0);
    let path = folder.path().join("old.jsonl");
    let old = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = old.split_once("\"caller.heard.level_dbm0\":\"").unwrap();
    let (_, tail) = rest.split_once('"').unwrap();
    std::fs::write(&path, format!("{head}\"caller.heard.level_dbm0\":\"-33.0\"{tail}")).unwrap();
    let line = "run a.yaml -k tone --baseline old.jsonl --latency-tolerance 10s";
    let (code, out, err) = ran(callwright(folder.path(), line));
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("1 passed") && out.contains("WORSE"), "{out}");
    assert!(out.contains("caller.heard.level_dbm0: -33, now "), "{out}");
    assert_eq!(ran(callwright(folder.path(), &format!("{line} --level-tolerance 100"))).0, 0);
}

#[test]
fn what_cannot_be_read_is_4_and_nothing_in_common_5() {
    let folder = folder(FAILS);
    std::fs::write(folder.path().join("garbage"), "not JSON\n").unwrap();
    let (code, _, err) = ran(callwright(folder.path(), "compare garbage none.jsonl"));
    assert_eq!(code, 4);
    assert!(err.contains("garbage: line 1: not JSON") && err.contains("cannot read none.jsonl"), "{err}");
    // Before a call is made.
    let (code, out, _) = ran(callwright(folder.path(), "run a.yaml --baseline garbage"));
    assert_eq!((code, out.as_str()), (4, ""));
    ran(callwright(folder.path(), "run a.yaml --json a.jsonl"));
    std::fs::write(folder.path().join("b.yaml"), TESTS).unwrap();
    ran(callwright(folder.path(), "run b.yaml -k passes --json b.jsonl"));
    let (code, _, err) = ran(callwright(folder.path(), "compare a.jsonl b.jsonl"));
    assert_eq!((code, err.contains("no test in common")), (5, true), "{err}");
}

#[test]
fn merged_logs_give_every_report_and_the_exit_code_of_the_whole() {
    let folder = folder(TESTS);
    assert_eq!(ran(callwright(folder.path(), "run a.yaml -k passes --json 1.jsonl")).0, 0);
    std::fs::write(folder.path().join("b.yaml"), FAILS).unwrap();
    assert_eq!(ran(callwright(folder.path(), "run b.yaml --json 2.jsonl")).0, 1);
    let line = "merge 1.jsonl 2.jsonl -o all.jsonl --junit all.xml --tap all.tap";
    let (code, out, err) = ran(callwright(folder.path(), line));
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("2 tests: 1 passed, 1 failed"), "{out}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("all.tap").contains("1..2\n") && read("all.xml").contains("tests=\"2\""));
    assert_eq!(lines(&read("all.jsonl"))[0]["tests"], 2);
    assert_eq!(ran(callwright(folder.path(), "compare all.jsonl all.jsonl")).0, 0);
    // A killed run leaves whole lines and a part of one.
    let whole = read("1.jsonl");
    std::fs::write(folder.path().join("1.jsonl"), &whole[..whole.len() - 30]).unwrap();
    let (code, _, err) = ran(callwright(folder.path(), "merge 1.jsonl -o all.jsonl"));
    assert_eq!(code, 3);
    assert!(err.contains("is not whole") && err.contains("1.jsonl breaks off"), "{err}");
}
