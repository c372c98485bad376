//! The guide in docs/: its scenarios load, its pages are all there, its links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

use callwright::scenario::{Severity, Style, load_beside};

/// Pages with what stands in them.
fn pages() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src");
    let mut pages: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    pages.sort();
    pages
}

/// The blocks of `page` that begin with "```" and `kind`.
fn blocks<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("```{kind}\n");
    page.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// A world in which every file is there.
struct Any;

impl callwright::scenario::reading::Folder for Any {
    fn has_file(&self, _: &Path) -> bool {
        true
    }
}

#[test]
fn every_scenario_of_the_guide_loads() {
    let mut count = 0;
    for (path, page) in pages() {
        for text in blocks(&page, "yaml scenario") {
            count += 1;
            let loaded = load_beside(Path::new("guide.yaml"), text, &Any);
            let errors: Vec<_> = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
            assert!(errors.is_empty(), "{}\n{}", path.display(), errors[0].render(Style::Plain));
            assert!(!loaded.scenarios.is_empty(), "{text}");
        }
    }
    assert!(count >= 7, "{count} scenarios");
}

#[test]
fn every_routes_file_of_the_guide_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for (path, page) in pages() {
        for text in blocks(&page, "yaml routes") {
            count += 1;
            fs::write(folder.path().join("routes.yaml"), text).unwrap();
            let mut command = assert_cmd::Command::cargo_bin("callwright").unwrap();
            let arguments = ["serve", "--routes", "routes.yaml", "--check"];
            let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}\n{told}", path.display());
        }
    }
    assert!(count >= 1);
}

#[test]
fn every_page_is_in_the_summary_and_every_link_leads_to_one() {
    let pages = pages();
    let names: Vec<_> = pages.iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap()).collect();
    let summary = &pages.iter().find(|(path, _)| path.ends_with("SUMMARY.md")).unwrap().1;
    for name in names.iter().filter(|name| **name != "SUMMARY.md") {
        assert!(summary.contains(&format!("({name})")), "{name} is not in the summary");
    }
    for (path, page) in &pages {
        for link in page.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let page = link.split('#').next().unwrap();
            let there = names.contains(&page) || link.starts_with("http");
            assert!(there, "{} links to {link}", path.display());
        }
    }
}

#[test]
fn the_commands_of_the_guide_are_subcommands() {
    let help = assert_cmd::Command::cargo_bin("callwright").unwrap().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for (path, page) in pages() {
        let mut fenced = false;
        for line in page.lines() {
            fenced ^= line.starts_with("```");
            let code = if fenced { Some(line) } else { line.strip_prefix("    ") };
            let Some(line) = code.and_then(|code| code.strip_prefix("callwright ")) else { continue };
            let word = line.split_whitespace().next().unwrap();
            if word == "=" {
                continue;
            }
            assert!(help.lines().any(|line| line.trim_start().starts_with(word)), "{}: {word}", path.display());
        }
    }
}
