//! `callwright plot` as a shell meets it.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::prelude::*;
use tempfile::TempDir;

fn plot(folder: &Path, line: &str) -> Output {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.arg("plot").args(line.split_whitespace()).current_dir(folder).output().unwrap()
}

/// Five calls, one of which was refused, and the half of a sixth.
fn calls() -> String {
    let mut lines = String::new();
    for index in 0..6 {
        let verdict = if index == 3 { "failed" } else { "passed" };
        let answered = if index == 3 { "null" } else { &format!("\"2026-01-02T03:04:0{index}.120000Z\"") };
        writeln!(
            lines,
            r#"{{"call":"c{index}","index":{index},"app":"bert","host":"pbx","callee_host":null,"due":"2026-01-02T03:04:0{index}Z","launched":"2026-01-02T03:04:0{index}.001Z","begun":"2026-01-02T03:04:0{index}.01Z","job_ended":null,"ended":"2026-01-02T03:04:0{index}.5Z","caller":{{"session":"c{index}","created":"2026-01-02T03:04:0{index}.005Z","originated":null,"ringing":null,"early_media":null,"answered":{answered},"hung_up":null,"hangup_cause":"x"}},"callee":null,"hangup_cause":"USER_BUSY","sip_code":486,"verdict":"{verdict}","reason":"","active":1,"sessions":2,"failed":1}}"#
        )
        .unwrap();
    }
    lines
}

fn five() -> String {
    calls().lines().take(5).fold(String::new(), |text, line| text + line + "\n")
}

/// A folder with `calls.jsonl`, which has five calls.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("calls.jsonl"), five()).unwrap();
    folder
}

#[test]
fn a_page_and_pictures_are_written_where_they_are_asked_for() {
    let folder = folder();
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let output = plot(folder.path(), "calls.jsonl");
    assert!(output.status.success() && output.stderr.is_empty() && output.stdout.is_empty(), "{output:?}");
    let page = String::from_utf8(read("calls.html")).unwrap();
    assert!(page.contains("1 of 5 calls failed") && page.contains("USER_BUSY (486): 1"), "{page}");

    let output = plot(folder.path(), "calls.jsonl -o new/x.svg -o x.png --only setup,failures");
    assert!(output.status.success(), "{output:?}");
    let svg = String::from_utf8(read("new/x.svg")).unwrap();
    assert!(svg.contains(">Setup time: INVITE to answer</text>") && svg.contains(">Failed calls by cause</text>"));
    assert!(!svg.contains("Call rate"), "{svg}");
    assert!(read("x.png").starts_with(b"\x89PNG"));
}

#[test]
fn a_file_without_records_is_exit_code_4_and_says_so() {
    let folder = folder();
    for (content, told) in [
        ("", "has no call detail record"),
        ("\n\n", "has no call detail record"),
        ("call,index\nc1,0\n", "none.jsonl:1: expected value"),
        ("{\"app\":\"bert\"}\n", "none.jsonl:1: missing field `call`"),
        ("{\"event\":\"started\"}\n", "line 1: "),
        ("{\"call\":", "none.jsonl breaks off within its first record"),
    ] {
        fs::write(folder.path().join("none.jsonl"), content).unwrap();
        let output = plot(folder.path(), "none.jsonl");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(4) && stderr.contains("none.jsonl") && stderr.contains(told), "{stderr}");
        assert!(!folder.path().join("none.html").exists());
    }
    for (line, told) in [
        ("missing.jsonl", "cannot read the call records missing.jsonl: "),
        ("calls.jsonl -o x.pdf", "the name ends in `.html`, `.svg` or `.png`"),
        ("calls.jsonl --only speed", "no chart `speed`; there are: latency, setup"),
        ("calls.jsonl --only host", "tells nothing of hosts"),
    ] {
        let output = plot(folder.path(), line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(4) && stderr.contains(told), "{line}: {stderr}");
    }
}

#[test]
fn the_records_themselves_are_never_overwritten() {
    let folder = folder();
    fs::write(folder.path().join("calls.html"), five()).unwrap();
    for line in ["calls.html", "calls.html -o ./calls.html"] {
        let output = plot(folder.path(), line);
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        assert_eq!(fs::read_to_string(folder.path().join("calls.html")).unwrap(), five());
    }
}

#[test]
fn a_file_that_breaks_off_is_drawn_as_far_as_it_goes_and_is_not_green() {
    let folder = folder();
    let calls = calls();
    fs::write(folder.path().join("calls.jsonl"), &calls[..calls.len() - 100]).unwrap();
    let output = plot(folder.path(), "calls.jsonl");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && stderr.contains("calls.jsonl breaks off within a record"), "{stderr}");
    assert!(fs::read_to_string(folder.path().join("calls.html")).unwrap().contains("1 of 5 calls failed"));
}

#[test]
fn an_output_that_cannot_be_written_is_exit_code_3_and_the_others_are_written() {
    let folder = folder();
    let output = plot(folder.path(), "calls.jsonl -o calls.jsonl/x.svg -o x.svg");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(folder.path().join("x.svg").exists());
}
