//! Recordings off a host whose disk is not ours: a switch of its own, with its folder behind its own `/proc/self/cwd`,
//! where no other process finds it.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use assert_cmd::prelude::*;
use tempfile::TempDir;

const FOLDER: &str = "/proc/self/cwd/it's a rec";

const SCENARIO: &str = "\
name: heard
app: { tone_play: { frequency: 1004 } }
duration: 2s
record: { caller: both }
expect:
  audio:
    - { leg: caller, heard: { tone: 1004Hz +-4Hz, for: \">= 500ms\" } }
";

struct Host {
    child: Child,
    address: String,
    /// Its working folder.
    disk: TempDir,
}

impl Host {
    fn start(more: &[&str]) -> Host {
        Host::with_programs(more, &[])
    }

    /// A host on which some programs are shell scripts of ours.
    fn with_programs(more: &[&str], programs: &[(&str, &str)]) -> Host {
        let disk = tempfile::tempdir().unwrap();
        for (name, script) in programs {
            let path = disk.path().join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = Command::cargo_bin("callwright").unwrap();
        command.args(["switch", "--esl", "127.0.0.1:0", "--sip", "127.0.0.1:0", "--recordings", FOLDER]).args(more);
        let path = std::env::var("PATH").unwrap_or_default();
        command.current_dir(disk.path()).env("PATH", format!("{}:{path}", disk.path().display()));
        let mut child = command.env_remove("CALLWRIGHT_PASSWORD").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("event socket on ").nth(1).and_then(|rest| rest.split(',').next()).unwrap().to_owned();
        Host { child, address, disk }
    }

    /// Runs the scenario in a folder of its own.
    fn run(&self, here: &Path, more: &[&str]) -> Output {
        fs::write(here.join("heard.yaml"), SCENARIO).unwrap();
        let mut command = Command::cargo_bin("callwright").unwrap();
        command.args(["run", "heard.yaml", "--fshost", &self.address]).args(more);
        command.env_remove("CALLWRIGHT_PASSWORD").env("NO_COLOR", "1").current_dir(here).output().unwrap()
    }

    fn left(&self) -> usize {
        fs::read_dir(self.disk.path().join("it's a rec")).map_or(0, Iterator::count)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The exit code, and what was printed with its line breaks as spaces.
fn told(output: &Output) -> (Option<i32>, String) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn where_system_is_allowed_a_recording_comes_over_the_event_socket_and_is_removed() {
    let (host, here) = (Host::start(&["--allow-system"]), tempfile::tempdir().unwrap());
    let (code, text) = told(&host.run(here.path(), &[]));
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(host.left(), 0);
    assert!(!here.path().join("callwright-out").exists(), "the recording of a passed test is not kept");
}

#[test]
fn a_mapped_folder_serves_where_system_is_refused() {
    let (host, here) = (Host::start(&[]), tempfile::tempdir().unwrap());
    let mapping = format!("{}:{FOLDER}={}/it's a rec", host.address, host.disk.path().display());
    let (code, text) = told(&host.run(here.path(), &["--recordings", &mapping]));
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(host.left(), 0);
}

#[test]
fn a_host_without_any_way_is_exit_code_3_and_told_what_to_configure() {
    let (host, here) = (Host::start(&[]), tempfile::tempdir().unwrap());
    let (code, text) = told(&host.run(here.path(), &[]));
    assert_eq!(code, Some(3), "{text}");
    for part in [
        "The path as it stands: there is no such file on this machine.",
        "A mapped folder: none is configured for this host.",
        "The event socket: the host refuses `system`: -ERR system is not allowed here.",
        "Give `--recordings /proc/self/cwd/it's a rec=FOLDER`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(host.left(), 1, "what nobody could read stays");
}

#[test]
fn a_recording_that_comes_to_harm_on_its_way_is_exit_code_3_for_the_named_reason() {
    let base64 = "/usr/bin/base64 | tr -d '\\n'";
    let cases = [
        ("base64", format!("{base64} | head -c 4000"), "where the host has 49152"),
        ("base64", format!("{base64}; echo; head -c 48 /dev/zero | /usr/bin/base64"), "where the host has 49152"),
        ("base64", format!("{base64} | tr BC CB"), "its checksum is"),
        ("base64", "echo '-!-'".to_owned(), "the host refuses `system`: -!-"),
        ("wc", "echo $(date +%N)".to_owned(), "bytes"),
        ("sha256sum", "exit 1".to_owned(), "which is no size and checksum"),
    ];
    for (name, script, reason) in cases {
        let host = Host::with_programs(&["--allow-system"], &[(name, &script)]);
        let here = tempfile::tempdir().unwrap();
        let (code, text) = told(&host.run(here.path(), &[]));
        assert_eq!(code, Some(3), "{script}: {text}");
        assert!(text.contains(reason), "{script}: {text}");
        assert_eq!(host.left(), 1, "{script}: a recording that did not arrive stays");
    }
}

#[test]
fn a_mapping_for_a_host_that_is_not_there_is_bad_usage() {
    let here = tempfile::tempdir().unwrap();
    let run = |line: &[&str]| {
        let mut command = Command::cargo_bin("callwright").unwrap();
        command.arg("run").args(line).env_remove("CALLWRIGHT_PASSWORD").current_dir(here.path()).output().unwrap()
    };
    let (code, text) = told(&run(&["--recordings", "/rec=/mnt"]));
    assert!(code == Some(4) && text.contains("mapped for a host, which no --fshost names"), "{text}");
    let (code, text) = told(&run(&["--fshost", "a", "--recordings", "b:/rec=/mnt"]));
    assert!(code == Some(4) && text.contains("mapped for b:8021, which no --fshost names"), "{text}");
    let (code, text) = told(&run(&["--recordings", "rec"]));
    assert!(code == Some(4) && text.contains("no `=`"), "{text}");
}
