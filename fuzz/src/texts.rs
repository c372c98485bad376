//! Files that people write, and those that a run writes and reads back.

use std::fmt::Write;
use std::path::Path;

use callwright::config::{self, Key, Kind, World};
use callwright::load::Table;
use callwright::run::{self, TestId};
use callwright::scenario::reading::Folder;
use callwright::scenario::{Diagnostic, Style, load_beside};

/// A folder with nothing in it.
struct Empty;

impl Folder for Empty {
    fn has_file(&self, _path: &Path) -> bool {
        false
    }
}

/// A file of scenarios comes to plans, or to mistakes that stand in it.
pub fn scenarios(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = Path::new("case.yaml");
    let loaded = load_beside(path, text, &Empty);
    assert!(loaded.has_errors() || loaded.scenarios.iter().all(|scenario| !scenario.name.is_empty()));
    for diagnostic in &loaded.diagnostics {
        stands_in(diagnostic, text);
    }
    for scenario in loaded.scenarios.iter().take(8) {
        let planned = run::plan(&TestId { file: path.to_owned(), name: scenario.name.clone() }, scenario);
        let mut told = String::new();
        for command in planned.originate.iter().chain(planned.plan.legs.iter().flat_map(|leg| &leg.record)) {
            write!(told, "{command}").expect("writing to a String does not fail");
            let bytes = command.encode().expect("what a scenario says can be sent");
            let ends = bytes.windows(2).position(|pair| pair == b"\n\n");
            assert_eq!(ends, bytes.len().checked_sub(2), "one command became two");
        }
        for command in planned.plan.legs.iter().flat_map(|leg| &leg.steps).flat_map(|step| &step.commands) {
            assert!(command.encode().is_ok(), "{command} cannot be sent");
        }
    }
}

/// `callwright.toml` comes to settings, or to mistakes that stand in it.
pub fn options(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let key = |name: &str, kind, is_path, is_secret| Key { name: name.to_owned(), kind, is_path, is_secret };
    let keys = [
        key("paths", Kind::List, true, false),
        key("jobs", Kind::One, false, false),
        key("ff", Kind::Flag, false, false),
        key("password", Kind::One, false, true),
    ];
    let world = World {
        keys: &keys,
        variable: &|name| (name == "SET").then(|| "value".to_owned()),
        check: &|key, text| {
            if key.name == "jobs" && text.parse::<u32>().is_err() { Err("no number".to_owned()) } else { Ok(()) }
        },
        given: &[],
    };
    for profile in [config::DEFAULT, "ci"] {
        match config::from_file(Path::new(config::FILE), text, profile, &world) {
            Ok(settings) => assert!(settings.iter().all(|setting| keys.contains(&keys[place_of(&keys, &setting.key)]))),
            Err(diagnostics) => {
                assert!(!diagnostics.is_empty());
                diagnostics.iter().for_each(|diagnostic| stands_in(diagnostic, text));
            }
        }
    }
}

fn place_of(keys: &[Key], name: &str) -> usize {
    keys.iter().position(|key| key.name == name).expect("a setting has a key that is there")
}

/// A file of hosts comes to hosts that are written as they are read.
pub fn hosts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(hosts) = run::parse_hosts(Path::new("hosts"), text) else { return };
    assert!(!hosts.is_empty());
    for (_, host) in hosts {
        let again: run::HostSpec = host.to_string().parse().expect("what we write can be read");
        assert_eq!((&again.name, &again.at), (&host.name, &host.at), "{host}");
    }
}

/// A CSV file comes to rows with a value for each field, from lines that it has, or to a mistake in one of them.
pub fn fields(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines = text.lines().count() as u64 + 1;
    match Table::parse(text) {
        Ok(table) => {
            for row in table.rows() {
                assert!((1..=lines).contains(&row.line()), "line {} of {lines}", row.line());
                for name in table.names() {
                    let mark = table.mark(name).expect("each field has a mark");
                    row.fill(&mark);
                }
            }
        }
        Err(error) => assert!((1..=lines).contains(&error.line), "line {} of {lines}", error.line),
    }
}

/// A log of a run that was read is written and read again as the same.
pub fn run_log(bytes: &[u8]) {
    let Ok(log) = run::log::parse(&String::from_utf8_lossy(bytes)) else { return };
    assert!(!log.events.is_empty() || log.warnings.is_empty());
}

/// A mistake is told of bytes that are there, at a line that is there, and can be shown.
fn stands_in(diagnostic: &Diagnostic, text: &str) {
    let span = &diagnostic.span;
    // A byte order mark is no part of what is read.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    assert!(span.start <= span.end && span.end <= text.len(), "{span:?} of {}: {}", text.len(), diagnostic.message);
    assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{span:?}: {}", diagnostic.message);
    let line = text[..span.start].matches('\n').count() + 1;
    assert_eq!(diagnostic.place.line, line, "{}", diagnostic.message);
    assert!(diagnostic.place.column >= 1 && !diagnostic.message.is_empty());
    assert!(!diagnostic.render(Style::Plain).is_empty() && !diagnostic.render(Style::Coloured).is_empty());
}
