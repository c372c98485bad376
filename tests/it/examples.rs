//! The examples do what they say. `cargo test` builds them beside this program; `cargo test --test it` alone does not, so
//! what is not there, or is older than its sources, is built here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// What the example `name` prints, run to its end.
#[track_caller]
fn run(name: &str) -> String {
    let output = Command::new(built(name)).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

/// The example `name`, built of the sources as they are.
#[track_caller]
fn built(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    // target/debug/deps/it-0123, or target/TRIPLE/debug/deps/it-0123
    let folder = tests.ancestors().nth(2).unwrap();
    let built = folder.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [package.join("src"), package.join("examples").join(name).with_extension("rs")];
    let newest = sources.iter().map(|path| changed(path)).max();
    if built.metadata().is_ok_and(|about| Some(about.modified().unwrap()) >= newest) {
        return built;
    }
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        profile => profile,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.current_dir(package).args(["build", "--quiet", "--example", name, "--profile", profile]);
    let said = command.output();
    let why = match &said {
        Ok(output) if output.status.success() => String::new(),
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    assert!(
        why.is_empty() && built.exists(),
        "{} could not be built; `cargo build --examples` builds it, or `cargo test` without `--test`\n{why}",
        built.display()
    );
    built
}

/// When a file, or the newest below a folder, was last changed.
fn changed(path: &Path) -> SystemTime {
    if path.is_file() {
        return path.metadata().unwrap().modified().unwrap();
    }
    let below = std::fs::read_dir(path).unwrap().map(|entry| changed(&entry.unwrap().path()));
    below.max().unwrap_or(SystemTime::UNIX_EPOCH)
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
