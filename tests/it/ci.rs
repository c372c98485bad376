//! The CI files that users copy: they are YAML, and what they tell callwright to do it can do.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use assert_cmd::prelude::*;
use saphyr_parser::{Event, Parser};

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ci").join(name)).unwrap()
}

/// All scalars of a YAML file, keys and values.
fn scalars(name: &str) -> Vec<String> {
    let text = file(name);
    let events = Parser::new_from_str(&text).map(|event| event.unwrap_or_else(|error| panic!("{name}: {error}")).0);
    let scalar = |event| match event {
        Event::Scalar(text, ..) => Some(text.into_owned()),
        _ => None,
    };
    events.filter_map(scalar).collect()
}

/// Options that a shell line gives to a subcommand.
fn options(line: &str) -> BTreeSet<String> {
    line.split(|c: char| c.is_whitespace() || c == '\'' || c == '(')
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_ci_files_are_yaml_and_their_commands_are_known() {
    for name in ["github-actions.yml", "gitlab-ci.yml"] {
        let mut commands = BTreeSet::new();
        for scalar in scalars(name) {
            for line in scalar.replace("\\\n", " ").lines() {
                let Some((_, line)) = line.split_once("callwright ").filter(|(before, _)| !before.contains(' ')) else {
                    continue;
                };
                let subcommand = line.split(' ').next().unwrap();
                let help = Command::cargo_bin("callwright").unwrap().args([subcommand, "--help"]).output().unwrap();
                assert!(help.status.success(), "{name}: {subcommand}");
                let help = String::from_utf8(help.stdout).unwrap();
                for option in options(line) {
                    assert!(help.contains(&format!("{option} ")), "{name}: {subcommand} {option}");
                }
                commands.insert(subcommand.to_owned());
            }
        }
        assert_eq!(commands.into_iter().collect::<Vec<_>>(), ["doctor", "run"], "{name}");
    }
}

/// Commands stand in its script, and in the comments that tell how to go on.
#[test]
fn the_kubernetes_job_shares_one_load_among_as_many_pods_as_it_has() {
    let name = "kubernetes-job.yml";
    let scalars = scalars(name);
    let after = |key: &str| scalars.windows(2).find(|pair| pair[0] == key).map(|pair| pair[1].clone()).unwrap();
    let shards = scalars.windows(3).find(|words| words[0] == "SHARDS").map(|words| words[2].clone()).unwrap();
    assert_eq!((after("completions"), after("parallelism")), (shards.clone(), shards));
    let script = scalars.iter().find(|scalar| scalar.contains("callwright run")).unwrap().replace("\\\n", " ");
    let comments: String = file(name).lines().filter_map(|line| line.strip_prefix('#')).collect::<Vec<_>>().join("\n");
    for (subcommand, text) in [("run", &script), ("merge", &comments)] {
        let help = Command::cargo_bin("callwright").unwrap().args([subcommand, "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let line = text.lines().find(|line| line.contains(&format!("callwright {subcommand}"))).unwrap();
        let options = options(line);
        assert!(options.len() > 1, "{line}");
        for option in options.iter().filter(|option| *option != "--fshost") {
            assert!(help.contains(&format!("{option} ")), "{subcommand} {option}");
        }
    }
    // What a shell makes of it, with a callwright that says what it was told.
    let folder = tempfile::tempdir().unwrap();
    let shell = |code: &str| {
        let fake = format!("callwright() {{ echo \"$@\"; return {code}; }}\n{script}");
        let mut sh = Command::new("sh");
        sh.args(["-c", &fake]).current_dir(&folder).env("JOB_COMPLETION_INDEX", "2").env("SHARDS", "4");
        sh.env("START_AT", "2026-01-02T03:04:05Z").env("FSHOSTS", "a b:1").output().unwrap()
    };
    let told = String::from_utf8(shell("1").stdout).unwrap();
    let words =
        "--load-shard 3/4 --start-at 2026-01-02T03:04:05Z --json /out/3.jsonl --cdr /out/3.csv --fshost a --fshost b:1";
    assert!(told.trim_end().ends_with(words), "{told}");
    assert!(shell("1").status.success() && shell("3").status.success() && !shell("4").status.success());
}

#[test]
fn the_ci_files_keep_the_reports_of_failures_too() {
    let github = scalars("github-actions.yml");
    let always = github.iter().filter(|scalar| *scalar == "${{ !cancelled() }}").count();
    assert_eq!(always, 1, "{github:?}");
    let gitlab = scalars("gitlab-ci.yml").join("\n");
    assert!(gitlab.contains("when\nalways") && gitlab.contains("junit\nout/junit.xml"), "{gitlab}");
}

/// The script that a shell gets, as it stands in a block of the file.
#[test]
fn no_host_gives_no_option_and_hosts_give_one_each() {
    let words = "${FSHOSTS:+$(printf -- '--fshost %s ' $FSHOSTS)}";
    assert!(file("github-actions.yml").contains(words) && file("gitlab-ci.yml").contains(words));
    let shell = |hosts: &str| {
        let output = Command::new("sh").args(["-c", &format!("echo {words}")]).env("FSHOSTS", hosts).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!((shell("").as_str(), shell("a b:1").as_str()), ("", "--fshost a --fshost b:1"));
}

#[test]
fn the_container_recipe_copies_what_the_build_reads_and_runs_as_nobody_special() {
    let recipe = file("Containerfile");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copied = recipe.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from"));
    for source in
        copied.flat_map(|line| line.split_whitespace().skip(1).take_while(|word| !word.starts_with(['.', '/'])))
    {
        assert!(root.join(source).exists(), "{source}");
    }
    for needed in ["Cargo.lock", "COPY src ", "USER 10001", "--locked", "rust:1.95"] {
        assert!(recipe.contains(needed), "{needed}");
    }
    assert!(std::fs::read_to_string(root.join("Cargo.toml")).unwrap().contains("rust-version = \"1.95\""));
}
