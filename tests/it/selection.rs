//! Which tests run, and what one run leaves for the next.

use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::prelude::*;
use tempfile::TempDir;

const FILE: &str = "\
name: passes
callee: [answer]
caller: [{ wait: { answered: 2s } }]
---
name: fails
matrix: { code: [404, 486] }
callee: [{ respond: '${matrix.code}' }]
expect: { sip_code: 404 }
";

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.yaml"), FILE).unwrap();
    folder
}

#[track_caller]
fn ran(folder: &Path, arguments: &[&str], code: i32) -> String {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.current_dir(folder).args(arguments).env("NO_COLOR", "1").env_remove("CALLWRIGHT_PROFILE");
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

const STATE: &str = "callwright-out/last-failed.json";

#[test]
fn the_last_failed_are_run_again_until_they_pass() {
    let folder = folder();
    let at = folder.path();
    ran(at, &["run", "a.yaml"], 1);
    let again = ran(at, &["run", "a.yaml", "--lf"], 1);
    assert!(again.contains("Running 1 test on embedded\nthe 1 test that failed last time\n"), "{again}");
    assert!(again.contains("a.yaml::fails[code=486]") && !again.contains("a.yaml::passes"), "{again}");
    // One that is not run keeps its state.
    ran(at, &["run", "a.yaml::passes"], 0);
    let list = ran(at, &["run", "a.yaml", "--ff", "--list"], 0);
    assert!(list.starts_with("a.yaml::fails[code=486]\n"), "{list}");
    fs::write(at.join("a.yaml"), FILE.replace("sip_code: 404", "sip_code: '${matrix.code}'")).unwrap();
    ran(at, &["run", "a.yaml", "--lf"], 0);
    assert!(!at.join("callwright-out").exists());
    let all = ran(at, &["run", "a.yaml", "--lf"], 0);
    assert!(all.contains("no test failed last time: all are run") && all.contains("3 passed"), "{all}");
}

#[test]
fn a_test_that_is_gone_is_forgotten() {
    let folder = folder();
    ran(folder.path(), &["run", "a.yaml"], 1);
    fs::write(folder.path().join("a.yaml"), FILE.split("---").next().unwrap()).unwrap();
    let text = ran(folder.path(), &["run", "a.yaml", "--lf"], 0);
    assert!(text.contains("none is here: all are run"), "{text}");
    assert!(!folder.path().join(STATE).exists());
}

#[test]
fn a_state_that_cannot_be_read_is_told_and_all_are_run() {
    let folder = folder();
    fs::create_dir(folder.path().join("callwright-out")).unwrap();
    fs::write(folder.path().join(STATE), "{ half").unwrap();
    let text = ran(folder.path(), &["run", "a.yaml", "--lf"], 1);
    assert!(text.contains("warning: callwright-out/last-failed.json does not tell"), "{text}");
    assert!(text.contains("3 tests: 2 passed"), "{text}");
    assert!(fs::read_to_string(folder.path().join(STATE)).unwrap().contains("fails[code=486]"));
}

#[test]
fn a_state_that_cannot_be_written_is_told_and_changes_no_verdict() {
    let folder = folder();
    fs::create_dir_all(folder.path().join(STATE).join("x")).unwrap();
    let text = ran(folder.path(), &["run", "a.yaml"], 1);
    assert!(text.contains("warning: cannot keep which tests failed"), "{text}");
}

#[test]
fn the_seed_of_a_random_order_is_told_and_repeats_it() {
    let folder = folder();
    let list = |order: &str| ran(folder.path(), &["run", "a.yaml", "--repeat=5", "--list", order], 0);
    assert_eq!(list("--random-order=7"), list("--random-order=7"));
    assert_ne!(list("--random-order=7"), list("--random-order=8"));
    let text = ran(folder.path(), &["run", "a.yaml::passes", "--random-order"], 0);
    let seed = text.split("--random-order=").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    assert!(seed.parse::<u32>().is_ok(), "{text}");
}

#[test]
fn repetitions_and_shards_are_told_in_the_reports() {
    let folder = folder();
    let text = ran(folder.path(), &["run", "a.yaml::passes", "--repeat", "4", "--shard", "2/2", "--junit", "j.xml"], 0);
    assert!(text.contains("2 tests not selected\nshard 2/2\n"), "{text}");
    let junit = fs::read_to_string(folder.path().join("j.xml")).unwrap();
    assert!(junit.contains("passes#2") && junit.contains("passes#4") && !junit.contains("passes#1"), "{junit}");
}

#[test]
fn what_selects_nothing_or_is_wrong_says_so() {
    let folder = folder();
    let told = |arguments: &[&str], code| ran(folder.path(), arguments, code);
    assert!(told(&["run", "a.yaml", "-k", "passes and"], 4).contains("--> -k:1:11"));
    assert!(told(&["run", "a.yaml", "-m", "(x"], 4).contains("this parenthesis is not closed"));
    assert!(told(&["check", "a.yaml", "-k", "a b"], 4).contains("--> -k:1:3"));
    assert!(told(&["run", "a.yaml", "-m", "smoke"], 5).contains("none of 3 tests fits -m \"smoke\""));
    assert!(told(&["run", "a.yaml::fails[code=405]"], 4).contains("did you mean \"404\"?"));
    assert!(told(&["run", "b.yaml"], 4).contains("did you mean a.yaml?"));
    assert!(told(&["run", "*.yml"], 4).contains("no scenario file matches"));
    assert!(told(&["run", "a.yaml", "--shard", "4/4"], 5).contains("part 4/4 has none of the 3 tests"));
    assert!(told(&["run", "a.yaml", "--lf", "--ff"], 4).contains("cannot be used with"));
}
