//! Loads through the binary, over real sockets on loopback.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use assert_cmd::prelude::*;
use callwright::clock::Clock;
use serde_json::Value;
use tempfile::TempDir;

/// Ten calls a second for three seconds, each of which lasts half a second.
const LOAD: &str = "name: ten a second\ncallee: [answer]\nduration: 500ms\nload: { rate: 10, for: 3s }\ngates: { asr: '== 100%', answered: '== 30' }\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn callwright(folder: &Path, line: &str) -> Command {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.current_dir(folder).args(line.split(' ')).env("NO_COLOR", "1").env_remove("CALLWRIGHT_PASSWORD");
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "GITLAB_CI"] {
        command.env_remove(name);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The report of the one load in a log.
fn load(folder: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let loads: Vec<Value> = events.filter(|event| event["event"] == "test_ended").collect();
    assert_eq!(loads.len(), 1, "{text}");
    loads.into_iter().next().unwrap()
}

#[test]
fn a_load_is_told_with_its_figures_and_its_calls_are_kept_and_drawn() {
    let folder = folder(&[("load.yaml", LOAD)]);
    let line = "run load.yaml --json all.jsonl --cdr calls.csv --cdr calls.jsonl --junit j.xml --html page.html";
    let (code, stdout, stderr) = told(callwright(folder.path(), line).output().unwrap());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    for words in [
        "PASS [",
        "ok asr == 100%: 100% (30 of 30)",
        "ok the generator kept up: ",
        "offered  answered  failed",
        "   setup ",
        "1 test: 1 passed",
    ] {
        assert!(stdout.contains(words), "{words}: {stdout}");
    }
    let counts = &load(folder.path(), "all.jsonl")["load"]["report"]["all"]["tally"]["counts"];
    assert_eq!((&counts["offered"], &counts["answered"], &counts["passed"]), (&30.into(), &30.into(), &30.into()));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!((read("calls.csv").lines().count(), read("calls.jsonl").lines().count()), (31, 30));
    assert!(read("page.html").contains("Setup time: INVITE to answer"));
    assert!(read("j.xml").contains("asr_percent") && read("j.xml").contains("name=\"gate.asr\" value=\"passed: 100%"));
    for file in ["calls.csv", "calls.jsonl", "all.jsonl"] {
        let (code, _, stderr) =
            told(callwright(folder.path(), &format!("plot {file} -o {file}.html")).output().unwrap());
        assert_eq!(code, Some(0), "{stderr}");
        assert!(read(&format!("{file}.html")).contains("30 calls, none failed"), "{file}");
    }
}

#[test]
fn two_controllers_make_one_load_and_merge_judges_all_of_it() {
    let folders = [folder(&[("load.yaml", LOAD)]), folder(&[("load.yaml", LOAD)])];
    let begins = Clock::start().now() + Duration::from_secs(5);
    let begins = jiff::Timestamp::from_microsecond(begins.as_micros().try_into().unwrap()).unwrap();
    let run = |(number, folder): (usize, &TempDir)| {
        let line = format!(
            "run load.yaml --fshost embedded --load-shard {}/2 --start-at {begins} --json out.jsonl",
            number + 1
        );
        callwright(folder.path(), &line).spawn().unwrap()
    };
    let running: Vec<_> = folders.iter().enumerate().map(run).collect();
    for child in running {
        let (code, stdout, stderr) = told(child.wait_with_output().unwrap());
        // Fifteen calls alone are not the thirty of the gate.
        assert_eq!(code, Some(1), "{stdout}{stderr}");
        assert!(stdout.contains("ok asr == 100%: 100% (15 of 15)") && stdout.contains("FAIL answered"), "{stdout}");
    }
    let [one, two] = [0, 1].map(|number: usize| folders[number].path().join("out.jsonl").display().to_string());
    let here = folders[0].path();
    let (code, stdout, stderr) = told(callwright(here, &format!("merge {one} {two} -o all.jsonl")).output().unwrap());
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.contains("ok answered == 30: 30") && stdout.contains("1 test: 1 passed"), "{stdout}");
    let counts = |report: &Value| {
        let counts = &report["load"]["report"]["all"]["tally"]["counts"];
        ["offered", "answered", "passed", "ended"].map(|name| counts[name].as_u64().unwrap())
    };
    let parts = [load(here, "out.jsonl"), load(folders[1].path(), "out.jsonl")];
    assert_eq!((counts(&parts[0]), counts(&parts[1])), ([15; 4], [15; 4]));
    let whole = load(here, "all.jsonl");
    assert_eq!(counts(&whole), [30; 4]);
    assert_eq!(whole["load"]["report"]["began"].as_str().unwrap().get(..23), begins.to_string().get(..23));
    // One of them alone is not the load.
    let (code, _, stderr) = told(callwright(here, &format!("merge {one}")).output().unwrap());
    assert!(code == Some(3) && stderr.contains("load shard 2/2 is missing"), "{stderr}");
}

#[test]
fn a_load_that_cannot_be_made_in_parts_or_then_is_refused() {
    let folder = folder(&[
        ("load.yaml", LOAD),
        ("limited.yaml", "name: l\ncallee: [answer]\nload: { rate: 10, for: 3s, limit: 2 }\n"),
        ("test.yaml", "name: t\ncallee: [answer]\n"),
    ]);
    for (line, words) in [
        ("load.yaml --start-at 2020-01-02T03:04:05Z", "--start-at: that time is past, by "),
        ("test.yaml --start-at +30s", "--start-at is for a run of one load, and these are selected: none"),
        ("load.yaml limited.yaml --load-shard 1/2", "load.yaml::ten a second"),
        ("limited.yaml --load-shard 1/3", "`limit: 2` is less than one call for each of 3 shards"),
        ("load.yaml --load-shard 3/2", "there is no part 3 of 2"),
    ] {
        let (code, _, stderr) = told(callwright(folder.path(), &format!("run {line}")).output().unwrap());
        assert!(code == Some(4) && stderr.contains(words), "{line}: {code:?} {stderr}");
    }
}
