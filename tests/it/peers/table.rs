//! docs/src/peers.md names every test here, and the versions that were met.

use std::collections::BTreeSet;

use super::*;

/// How each peer of the page tells its version.
const VERSIONS: &[(&str, &[&str])] = &[
    ("greenswitch", &["python3", "-c", "import importlib.metadata as m; print(m.version('greenswitch'))"]),
    ("genesis", &["python3", "-c", "import importlib.metadata as m; print(m.version('genesis'))"]),
    ("Kamailio", &["kamailio", "-v"]),
    ("SIPp", &["sipp", "-v"]),
    ("baresip", &["baresip", "-h"]),
    ("tshark", &["tshark", "--version"]),
];

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The cells of each row: peer, version, what was done, test.
fn rows() -> Vec<[String; 4]> {
    let page = file("docs/src/peers.md");
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        cells.try_into().unwrap_or_else(|_| panic!("{row}"))
    })
    .collect()
}

/// Numbers of the first word with a dot between two digits: `v3.6.1-SCTP` is 3, 6, 1.
fn version(text: &str) -> Option<Vec<u32>> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    let numbers = |word: &str| word.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>().ok();
    words.filter_map(numbers).find(|numbers| numbers.len() > 1)
}

/// What a peer tells, on either output: some of them fail when asked.
fn told(peer: &str) -> Option<String> {
    let (_, command) = VERSIONS.iter().find(|(name, _)| *name == peer).unwrap_or_else(|| panic!("{peer}"));
    let output = Command::new(command[0]).args(&command[1..]).stdin(Stdio::null()).output().ok()?;
    Some(format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn the_page_of_the_peers_names_the_tests_that_there_are() {
    let mut tests = BTreeSet::new();
    for module in file("tests/it/peers.rs").lines().filter_map(|line| line.strip_prefix("mod ")) {
        let module = module.trim_end_matches(';');
        let code = file(&format!("tests/it/peers/{module}.rs"));
        let named = code.split("#[test]").skip(1).filter_map(|test| test.split("fn ").nth(1)?.split('(').next());
        tests.extend(named.filter(|_| module != "table").map(|name| format!("`{module}::{name}`")));
    }
    let named: BTreeSet<_> = rows().into_iter().map(|[.., test]| test).collect();
    assert!(tests.len() > 5);
    assert_eq!(named, tests);
}

#[test]
fn the_peers_that_are_installed_are_as_new_as_the_page_says() {
    for [peer, from, ..] in rows() {
        let from = version(&from).unwrap_or_else(|| panic!("{peer}: {from:?} is no version"));
        match told(&peer).as_deref().and_then(version) {
            Some(installed) if installed >= from => {}
            Some(installed) => missing(&format!("{peer} {from:?} or newer, but {installed:?},")),
            None => missing(&peer),
        }
    }
}

#[test]
fn a_version_is_found_among_words() {
    assert_eq!(version("\n SIPp v3.6.1-SCTP-PCAP."), Some(vec![3, 6, 1]));
    assert_eq!(version("version: kamailio 5.6.3 (x86_64/linux)"), Some(vec![5, 6, 3]));
    assert_eq!(version("Python 3, no version."), None);
}
