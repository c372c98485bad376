//! The command line as a shell or a CI system meets it.

use std::io::Read;
use std::process::{Command, Stdio};

use assert_cmd::prelude::*;

fn callwright(line: &str) -> Command {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.args(line.split_whitespace()).env_remove("CALLWRIGHT_PASSWORD");
    command
}

#[test]
fn bad_usage_is_exit_code_4_and_told_on_the_standard_error() {
    for line in [
        "",
        "frob",
        "run --jobs 0",
        "run --fshost pbx:nan",
        "run --junit",
        "switch --esl nowhere",
        "schema x",
        "check --json --quiet",
        "analyze",
        "init a b",
        "plot",
        "plot calls.jsonl -o calls.pdf",
        "plot calls.jsonl --only speed",
        "dial --rate 3/s",
        "shell pbx:nan",
        "shell --log loud",
        "serve",
        "serve --app tone_play --routes a.yaml",
        "schema --events --routes",
    ] {
        let output = callwright(line).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{line:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{line:?}");
    }
}

#[test]
fn help_and_version_are_no_failures() {
    for line in [
        "--help",
        "-h",
        "--version",
        "help run",
        "run --help",
        "switch --help",
        "schema -h",
        "check --help",
        "analyze --help",
        "init -h",
        "plot --help",
        "dial --help",
        "shell --help",
        "serve --help",
        "list-apps -h",
    ] {
        let output = callwright(line).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{line:?}");
    }
}

#[test]
fn help_tells_the_exit_codes() {
    let commands = [
        "run",
        "dial",
        "check",
        "config",
        "analyze",
        "plot",
        "init",
        "list-apps",
        "switch",
        "schema",
        "completions",
        "man",
    ];
    let lines = commands.map(|command| format!("{command} --help"));
    for line in lines.iter().map(String::as_str).chain(["--help"]) {
        let help = String::from_utf8(callwright(line).output().unwrap().stdout).unwrap();
        for exit in callwright::cli::Exit::ALL {
            assert!(help.contains(&format!("{}  {}", exit.code(), exit.meaning())), "{line}: {help}");
        }
        assert!(line == "--help" || help.contains("Examples:\n  callwright "), "{line}: {help}");
    }
}

#[test]
fn a_password_in_the_environment_is_not_shown() {
    let output = callwright("run --help").env("CALLWRIGHT_PASSWORD", "secret-word").output().unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains("secret-word"));
}

/// `callwright --help | true`: the pipe has no reader when the help is written.
#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_panic() {
    for line in ["--help", "schema"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = callwright(line).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let code = child.wait().unwrap().code();
        assert!(code.is_some_and(|code| code != 101) && !stderr.contains("panicked"), "{line}: {code:?} {stderr}");
    }
}

#[test]
fn colours_are_given_where_they_are_asked_for_and_only_there() {
    let help = |name: &str| callwright("--help").env(name, "1").output().unwrap().stdout;
    assert!(help("CLICOLOR_FORCE").contains(&0x1b));
    assert!(!help("NO_COLOR").contains(&0x1b));
}

#[test]
fn nothing_in_a_scenario_or_its_name_acts_on_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file(
        "a\u{1b}[2J.yaml",
        "name: \"tone\\e]0;x\\a\\u009b\"\ncallee: [answer, { log: \"\\e[2Jgone\" }, { api: \"echo \\e[2J\" }]\n",
    );
    file("b.yaml", "callee: [\"ans\\e[2Jwer\"]\nname: \"\u{9b}2J\"\n");
    file("c.yaml", "callee: [answer]\nexpect: { sip_code: \"\\e[2J\", \u{202e}x: 1 }\n");
    for line in
        ["check", "check b.yaml c.yaml", "run --list", "run b.yaml", "run nosuch\u{1b}[2J.yaml", "check .::\u{1b}[2J"]
    {
        let mut command = callwright(line);
        if line == "check" || line == "run --list" {
            command.arg("a\u{1b}[2J.yaml");
        }
        let output = command.current_dir(&folder).env("CLICOLOR_FORCE", "1").output().unwrap();
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8(bytes.clone()).unwrap();
            assert_eq!(callwright::report::escape::screen(&text), text, "{line}");
        }
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{line} says nothing");
    }
}

#[test]
fn a_switch_that_other_machines_reach_is_not_started_with_the_password_of_everybody() {
    let output = callwright("switch --esl 0.0.0.0:0").env_remove("CALLWRIGHT_PASSWORD").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.contains("CALLWRIGHT_PASSWORD"), "{told}");
}
