#![expect(clippy::disallowed_methods, reason = "waits for another program, within a bound")]
//! Exit codes, each through the binary, over real sockets on loopback.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::prelude::*;
use callwright::switch::{Switch, SwitchConfig};
use tempfile::TempDir;

/// An empty folder with scenario files in it, as a new user has it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn callwright(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.current_dir(folder).args(arguments).env_remove("CALLWRIGHT_PASSWORD").env("NO_COLOR", "1");
    command
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[track_caller]
fn expect(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) -> Ran {
    let ran = ran(callwright(folder, arguments).output().unwrap());
    let all = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.code, code, "{all}");
    for word in words {
        assert!(all.contains(word), "{word:?} is not in:\n{all}");
    }
    ran
}

const PASSES: &str = "name: passes\ncallee: [answer]\ncaller: [{ wait: { answered: 2s } }]\n";
const FAILS: &str = "name: fails\ncallee: [{ respond: 486 }]\nexpect: { sip_code: 404 }\n";
const LONG: &str = "name: long\ncallee: [answer]\ncaller: [{ wait: { answered: 2s } }, { sleep: 1h }]\ntimeout: 2h\n";

#[test]
fn passed_is_0_and_nothing_is_left_in_the_folder() {
    let folder = folder(&[("a.yaml", PASSES)]);
    expect(folder.path(), &["run", "a.yaml"], 0, &["PASS", "a.yaml::passes", "1 passed"]);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["a.yaml"]);
}

#[test]
fn failed_is_1_and_the_others_are_run_all_the_same() {
    let folder = folder(&[("a.yaml", FAILS), ("b.yaml", PASSES)]);
    let words = ["FAIL", "SIP code 404", "SIP code 486", "at a.yaml:3:", "callwright run 'a.yaml::fails'", "1 passed"];
    expect(folder.path(), &["run", "a.yaml", "b.yaml"], 1, &words);
}

#[test]
fn the_rerun_command_of_a_failure_reruns_only_that_test() {
    let both = format!("{FAILS}---\n{PASSES}");
    let folder = folder(&[("it's.yaml", &both)]);
    let ran = expect(folder.path(), &["run", "."], 1, &["1 passed"]);
    let rerun = ran.out.lines().find_map(|line| line.trim().strip_prefix("rerun callwright ")).unwrap();
    let binary = assert_cmd::cargo::cargo_bin("callwright");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{} {rerun}", binary.display())).current_dir(folder.path());
    let again = self::ran(shell.output().unwrap());
    assert_eq!(again.code, 1);
    assert!(again.out.contains("1 test") && again.out.contains("fails"), "{}", again.out);
}

#[test]
fn a_host_that_refuses_connections_is_3() {
    let folder = folder(&[("a.yaml", PASSES)]);
    // A port that was free a moment ago, and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host = format!("127.0.0.1:{port}");
    let junit = folder.path().join("out/junit.xml");
    let words = ["ERROR", "cannot connect to", "refused", "1 in error"];
    expect(folder.path(), &["run", "a.yaml", "--fshost", &host, "--junit", "out/junit.xml"], 3, &words);
    assert!(std::fs::read_to_string(junit).unwrap().contains("cannot connect to"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_3_at_once() {
    let folder = folder(&[("a.yaml", PASSES)]);
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let host = switch.esl_addr().to_string();
    expect(folder.path(), &["run", "a.yaml", "--fshost", &host, "--password", "wrong"], 3, &["login refused: invalid"]);
    switch.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_run_on_and_a_profile_it_does_not_have_is_3() {
    let no_profile = "callee: [answer]\ncall: { profile: nosuch }\n";
    let folder = folder(&[("a.yaml", PASSES), ("b.yaml", no_profile)]);
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let host = switch.esl_addr().to_string();
    expect(folder.path(), &["run", "a.yaml", "--fshost", &host], 0, &["1 passed"]);
    let words = ["no SIP profile \"nosuch\"", "1 in error"];
    expect(folder.path(), &["run", "b.yaml", "--fshost", &host], 3, &words);
    switch.shutdown().await;
}

/// A switch that dies in mid-call, and stays away.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_in_mid_call_is_3_and_the_report_is_written() {
    let folder = folder(&[("a.yaml", LONG)]);
    let switch = Switch::start(SwitchConfig::default()).await.unwrap();
    let host = switch.esl_addr().to_string();
    let arguments = ["run", "a.yaml", "--fshost", &host, "--junit", "junit.xml"];
    let child = callwright(folder.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until_calls(&switch, 2).await;
    drop(switch);
    let ran = ran(tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap());
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("lost: connection closed"), "{}", ran.out);
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(junit.contains("<error") && junit.contains("connection closed"), "{junit}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_is_2_hangs_up_and_writes_the_report() {
    for signal in ["INT", "TERM"] {
        let folder = folder(&[("a.yaml", LONG)]);
        let switch = Switch::start(SwitchConfig::default()).await.unwrap();
        let host = switch.esl_addr().to_string();
        let arguments = ["run", "a.yaml", "--fshost", &host, "--junit", "junit.xml"];
        let child = callwright(folder.path(), &arguments).stdout(Stdio::piped()).spawn().unwrap();
        until_calls(&switch, 2).await;
        let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let ran = self::ran(tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap());
        assert_eq!(ran.code, 2, "{signal}: {}", ran.out);
        assert!(ran.out.contains("interrupted"), "{}", ran.out);
        assert!(folder.path().join("junit.xml").exists());
        until_calls(&switch, 0).await;
        switch.shutdown().await;
    }
}

#[test]
fn a_misspelt_key_is_4_with_place_and_suggestion_and_nothing_runs() {
    let folder = folder(&[("a.yaml", "callee: [anser]\nexpekt: { answered: true }\n"), ("b.yaml", PASSES)]);
    let words = ["unknown step `anser`", "a.yaml:1:10", "did you mean `answer`?", "`expekt`", "did you mean `expect`?"];
    let ran = expect(folder.path(), &["run", "."], 4, &words);
    assert!(!ran.out.contains("PASS") && !ran.err.contains("PASS"));
}

#[test]
fn a_path_that_names_nothing_is_4() {
    let folder = folder(&[("a.yaml", PASSES)]);
    expect(folder.path(), &["run", "nosuch"], 4, &["nosuch", "no such file"]);
    expect(folder.path(), &["run", "a.yaml::other"], 4, &["no scenario called \"other\"", "\"passes\""]);
    expect(folder.path(), &["run"], 4, &["scenarios: no such file or folder"]);
}

#[test]
fn nothing_selected_is_5() {
    let folder = folder(&[("a.yaml", PASSES)]);
    expect(folder.path(), &["run", "a.yaml", "-k", "zebra"], 5, &["none of 1 tests", "zebra"]);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    expect(folder.path(), &["run", "empty"], 5, &["no scenario in empty"]);
}

#[test]
fn a_list_names_the_tests_and_runs_none() {
    let folder = folder(&[("a.yaml", PASSES), ("b.yaml", FAILS)]);
    let ran = expect(folder.path(), &["run", "a.yaml", "b.yaml", "--list"], 0, &[]);
    assert_eq!(ran.out, "a.yaml::passes\nb.yaml::fails\n");
    let ran = expect(folder.path(), &["run", ".", "--list", "-k", "FAIL"], 0, &[]);
    assert_eq!(ran.out, "./b.yaml::fails\n");
}

#[test]
fn a_report_that_cannot_be_written_is_3_and_the_tests_are_told_all_the_same() {
    let folder = folder(&[("a.yaml", PASSES)]);
    let words = ["1 passed", "cannot write the report /dev/full"];
    expect(folder.path(), &["run", "a.yaml", "--junit", "/dev/full"], 3, &words);
}

/// `/dev/full` takes no bytes, so a recording into it is a full disk.
#[test]
fn a_recording_that_cannot_be_read_is_3() {
    let yaml = "record: { caller: both }\ncallee: [answer]\ncaller: [{ wait: { answered: 2s } }, { sleep: 300ms }]\n\
                expect: { audio: [{ leg: caller, length: \">= 100ms\" }] }\n";
    let folder = folder(&[("a.yaml", yaml)]);
    // A file stands where the folder of the recordings should be made.
    std::fs::create_dir(folder.path().join("callwright-out")).unwrap();
    std::fs::write(folder.path().join("callwright-out/recordings"), "").unwrap();
    expect(folder.path(), &["run", "a.yaml"], 3, &["cannot make the folder", "recordings"]);
}

/// Waits until the switch has so many sessions.
async fn until_calls(switch: &Switch, wanted: usize) {
    use callwright::esl::wire::{Decoder, Limits};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(switch.esl_addr()).await.unwrap();
    stream.write_all(b"auth ClueCon\n\n").await.unwrap();
    let mut decoder = Decoder::new(Limits::default());
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut buffer = [0; 4096];
    stream.write_all(b"api show channels count\n\n").await.unwrap();
    loop {
        while let Some(frame) = decoder.poll().unwrap() {
            let Some(body) = frame.body else { continue };
            let found: usize = body.split_whitespace().next().unwrap().parse().unwrap();
            if found == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{found} sessions, not {wanted}");
            tokio::task::yield_now().await;
            stream.write_all(b"api show channels count\n\n").await.unwrap();
        }
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the switch closed the connection");
        decoder.feed(&buffer[..length]);
    }
}
