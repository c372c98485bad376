//! Exit codes, each through the binary, over real sockets on loopback.

use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::prelude::*;
use callwright::switch::{Switch, SwitchConfig};
use tempfile::TempDir;

/// An empty folder with scenario files in it, as a new user has it.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

pub(crate) fn callwright(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.current_dir(folder).args(arguments).env_remove("CALLWRIGHT_PASSWORD").env("NO_COLOR", "1");
    command
}

pub(crate) struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub(crate) fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[track_caller]
pub(crate) fn expect(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) -> Ran {
    let ran = ran(callwright(folder, arguments).output().unwrap());
    let all = format!("{}{}", ran.out, ran.err);
    assert_eq!(ran.code, code, "{all}");
    for word in words {
        assert!(all.contains(word), "{word:?} is not in:\n{all}");
    }
    ran
}

pub(crate) const PASSES: &str = "name: passes\ncallee: [answer]\ncaller: [{ wait: { answered: 2s } }]\n";
const FAILS: &str = "name: fails\ncallee: [{ respond: 486 }]\nexpect: { sip_code: 404 }\n";

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
fn a_recording_that_cannot_be_read_is_3() {
    let yaml = "record: { caller: both }\ncallee: [answer]\ncaller: [{ wait: { answered: 2s } }, { sleep: 300ms }]\n\
                expect: { audio: [{ leg: caller, length: \">= 100ms\" }] }\n";
    let folder = folder(&[("a.yaml", yaml)]);
    // A file stands where the folder of the recordings should be made.
    std::fs::create_dir(folder.path().join("callwright-out")).unwrap();
    std::fs::write(folder.path().join("callwright-out/recordings"), "").unwrap();
    expect(folder.path(), &["run", "a.yaml"], 3, &["cannot make the folder", "recordings"]);
}
