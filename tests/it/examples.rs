//! The examples do what they say. `cargo test` builds them beside this program.

use std::path::PathBuf;
use std::process::Command;

/// What the example `name` prints, run to its end.
#[track_caller]
fn run(name: &str) -> String {
    let tests = std::env::current_exe().unwrap();
    // target/debug/deps/it-0123
    let built: PathBuf = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(built.exists(), "{} is not there: `cargo test` without `--test` builds it", built.display());
    let output = Command::new(built).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

#[test]
fn an_app_of_ones_own_opens_its_door_for_those_who_know_the_number() {
    let told = run("own_app");
    assert_eq!(
        told,
        "100 heard NORMAL_CLEARING\n101 heard NORMAL_CLEARING\n102 heard CALL_REJECTED\nopened 2, refused 1\n"
    );
}

#[test]
fn a_load_makes_its_calls_changes_its_rate_and_is_judged() {
    let told = run("load");
    for part in ["20 CPS, 60 calls at once\n", "60 CPS, 60 calls at once\n", "ok asr of app tone == 100%", "USER_BUSY"]
    {
        assert!(told.contains(part), "{part}\n{told}");
    }
}
