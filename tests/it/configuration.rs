//! `callwright.toml`, `callwright config`, completions and man pages, as a user meets them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use assert_cmd::prelude::*;
use tempfile::TempDir;

const PASSES: &str = "name: passes\ntags: quick\ncallee: [answer]\ncaller: [{ wait: { answered: 2s } }]\n---\nname: other\ncallee: [answer]\n";

const PROJECT: &str = "\
[profile.default]
paths = 'calls'
junit = 'out/junit.xml'
jobs = 4

[profile.ci]
tags = 'quick'
password-env = 'PBX_PASSWORD'
";

fn project() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("calls")).unwrap();
    fs::write(folder.path().join("calls/a.yaml"), PASSES).unwrap();
    fs::write(folder.path().join("callwright.toml"), PROJECT).unwrap();
    folder
}

fn callwright(folder: &Path, line: &str) -> Command {
    let mut command = Command::cargo_bin("callwright").unwrap();
    command.current_dir(folder).args(line.split_whitespace()).env("NO_COLOR", "1");
    for name in ["CALLWRIGHT_PASSWORD", "CALLWRIGHT_PROFILE", "CALLWRIGHT_JOBS"] {
        command.env_remove(name);
    }
    command
}

#[track_caller]
fn ran(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

#[test]
fn a_run_goes_by_the_file_from_a_folder_below_as_well() {
    let project = project();
    assert_eq!(ran(callwright(project.path(), "run --list"), 0), "calls/a.yaml::passes\ncalls/a.yaml::other\n");
    let below = project.path().join("calls");
    assert_eq!(ran(callwright(&below, "run --list --profile ci --password x"), 0), "../calls/a.yaml::passes\n");
    let mut run = callwright(&below, "run --profile ci");
    run.env("PBX_PASSWORD", "hunter2");
    let text = ran(run, 0);
    assert!(text.contains("1 passed") && project.path().join("out/junit.xml").exists(), "{text}");
    let checked = ran(callwright(project.path(), "check --quiet"), 0);
    assert_eq!(checked, "2 tests, 0 errors\n");
}

#[test]
fn config_tells_each_value_and_where_it_comes_from_and_no_secret() {
    let project = project();
    let mut config = callwright(project.path(), "config --profile ci --shard 1/2");
    config.env("PBX_PASSWORD", "hunter2").env("CALLWRIGHT_JOBS", "9").env("CALLWRIGHT_REPEAT", "3");
    let text = ran(config, 0);
    let squeezed: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "# callwright.toml, profile ci",
        "paths = [\"calls\"] # callwright.toml:2",
        "tags = \"quick\" # callwright.toml:7",
        "password = \"***\" # env PBX_PASSWORD by callwright.toml:8",
        "jobs = 9 # env CALLWRIGHT_JOBS",
        "repeat = 3 # env CALLWRIGHT_REPEAT",
        "shard = \"1/2\" # command line",
        "ff = false # default",
        "# fshost is not set",
    ] {
        assert!(squeezed.iter().any(|there| there == line), "{line}\n{text}");
    }
    assert!(!text.contains("hunter2"));
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let project = project();
    let jobs = |line: &str, env: Option<&str>| {
        let mut config = callwright(project.path(), line);
        env.map(|jobs| config.env("CALLWRIGHT_JOBS", jobs));
        let text = ran(config, 0);
        text.lines().find(|line| line.starts_with("jobs")).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(jobs("config", None), "jobs = 4 # callwright.toml:4");
    assert_eq!(jobs("config", Some("5")), "jobs = 5 # env CALLWRIGHT_JOBS");
    assert_eq!(jobs("config -j 6", Some("5")), "jobs = 6 # command line");
}

#[test]
fn mistakes_in_the_file_the_environment_and_the_profile_are_exit_code_4() {
    let project = project();
    let told = |line: &str| ran(callwright(project.path(), line), 4);
    assert!(told("run --profile cii").contains("did you mean `ci`?"));
    assert!(told("run --profile ci").contains("the environment variable PBX_PASSWORD is not set"));
    let mut run = callwright(project.path(), "run");
    run.env("CALLWRIGHT_JOBS", "many");
    assert!(ran(run, 4).contains("CALLWRIGHT_JOBS:1:1"));
    fs::write(project.path().join("callwright.toml"), "[profile.default]\njobs = 0\njbos = 1\nshard = '4/3'\n")
        .unwrap();
    let text = ran(callwright(project.path(), "run"), 4);
    for part in ["callwright.toml:2:8", "callwright.toml:3:1", "did you mean `jobs`?", "there is no part 4 of 3"] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    fs::remove_file(project.path().join("callwright.toml")).unwrap();
    fs::create_dir(project.path().join(".git")).unwrap();
    assert!(ran(callwright(project.path(), "run --profile ci"), 4).contains("there is no profile `ci`"));
}

#[test]
fn every_shell_has_a_script_and_bash_takes_its_own() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = ran(callwright(folder.path(), &format!("completions {shell}")), 0);
        assert!(script.contains("random-order"), "{shell}");
    }
    let script = ran(callwright(folder.path(), "completions bash"), 0);
    fs::write(folder.path().join("script"), script).unwrap();
    let ask = "source ./script; COMP_WORDS=(callwright run --rand); COMP_CWORD=2; _callwright callwright --rand run; \
               echo ${COMPREPLY[@]}";
    let output = Command::new("bash").args(["-c", ask]).current_dir(folder.path()).output();
    let Ok(output) = output else { return println!("not checked: there is no bash") };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "--random-order\n", "{output:?}");
}

#[test]
fn the_man_pages_are_taken_by_groff_without_a_warning() {
    let folder = TempDir::new().unwrap();
    ran(callwright(folder.path(), "man pages"), 0);
    let main = ran(callwright(folder.path(), "man"), 0);
    assert!(main.contains(".TH callwright 1"), "{main}");
    for name in ["callwright", "callwright-run", "callwright-config", "callwright-man"] {
        let page = fs::read(folder.path().join("pages").join(format!("{name}.1"))).unwrap();
        let groff = Command::new("groff")
            .args(["-man", "-ww", "-z", "-Tutf8"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut groff) = groff else { return println!("not checked: there is no groff") };
        groff.stdin.take().unwrap().write_all(&page).unwrap();
        let output = groff.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}");
    }
}
