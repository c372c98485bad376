//! What README.md promises is what there is.

use std::fs;
use std::path::Path;

use callwright::cli::Exit;

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn ci_runs_the_two_commands_of_the_readme_last_and_the_test_command_before_the_run() {
    let readme = file("README.md");
    let section = readme.split("\n## ").find(|section| section.starts_with("Two commands\n")).unwrap();
    let promised: Vec<_> = section.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let ci = file("ci/run");
    let mut ran: Vec<_> = ci.lines().filter(|line| promised.contains(line)).collect();
    assert_eq!(ran.len(), 2, "of {promised:?} ci/run has {ran:?}");
    assert_eq!(ci.trim_end().lines().last(), ran.last().copied(), "ci/run ends with another exit code");
    assert_eq!(ran, ["cargo test", "cargo run -- run scenarios"]);
    ran.reverse();
    assert_eq!(ran, promised);
}

#[test]
fn the_exit_codes_of_the_readme_are_those_of_the_program() {
    let readme = file("README.md");
    for exit in Exit::ALL {
        let row = format!("\n| {} | {} |\n", exit.code(), exit.meaning());
        assert!(readme.contains(&row), "README.md lacks {row:?}");
    }
}

#[test]
fn the_readme_names_every_key_of_a_scenario() {
    let readme = file("README.md");
    let section = readme.split("\n## ").find(|section| section.starts_with("The language\n")).unwrap();
    let schema = callwright::scenario::json_schema();
    let keys = schema["properties"].as_object().unwrap();
    assert!(keys.len() > 15);
    for key in keys.keys() {
        let row = |line: &str| line.starts_with('|') && line.contains(&format!("`{key}`"));
        assert!(section.lines().any(row), "README.md lacks `{key}`");
    }
}
