//! Each layer uses only itself and those before it, as the table in ARCHITECTURE.md has them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by path (`run::core`), with the number of their layer. A module that is not there has its parent's.
type Layers = BTreeMap<String, usize>;

/// The rows of the table under `## Layers`: the backquoted words of each second column.
fn layers(architecture: &str) -> Layers {
    let section = architecture.split("\n## ").find(|section| section.starts_with("Layers\n")).expect("## Layers");
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let mut layers = Layers::new();
    for (number, row) in rows.enumerate() {
        let modules = row.split('|').nth(2).expect("a second column");
        for module in modules.split('`').skip(1).step_by(2) {
            assert_eq!(layers.insert(module.to_owned(), number), None, "`{module}` stands in two layers");
        }
    }
    layers
}

/// The layer of the longest module that `path` begins with.
fn layer(layers: &Layers, path: &str) -> Option<usize> {
    let segments: Vec<_> = path.split("::").collect();
    (1..=segments.len()).rev().find_map(|length| layers.get(&segments[..length].join("::")).copied())
}

/// `run::core` for `src/run/core.rs`, `run` for `src/run/mod.rs`; `lib` and `main` for the crate's roots.
fn module(source: &Path) -> String {
    let mut segments: Vec<_> =
        source.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if segments.last().is_some_and(|last| last == "mod") {
        segments.pop();
    }
    segments.join("::")
}

/// What the code names by `crate::` or `super::`, as paths from the crate's root, with the line it stands on.
fn uses(module: &str, code: &str) -> Vec<(usize, String)> {
    let mut uses = Vec::new();
    let bare: Vec<_> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let bare = bare.join("\n");
    let parent = module.rsplit_once("::").map(|(parent, _)| parent);
    for (root, prefix) in [("crate::", Some("")), ("super::", parent)] {
        // In the top modules `super` is the crate's root or, in their inline tests, they themselves.
        let Some(prefix) = prefix else { continue };
        for (start, _) in bare.match_indices(root) {
            let before = bare[..start].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let line = bare[..start].matches('\n').count() + 1;
            let mut paths = Vec::new();
            expand(prefix, &bare[start + root.len()..], &mut paths);
            uses.extend(paths.into_iter().map(|path| (line, path)));
        }
    }
    uses
}

/// Expands the use tree at the start of `text` (`a::{b, c::d}`) below `prefix`; gives how much of `text` it took.
fn expand(prefix: &str, text: &str, paths: &mut Vec<String>) -> usize {
    let mut path = prefix.to_owned();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let skipped = rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        at += skipped;
        if rest.starts_with('{') {
            at += 1;
            loop {
                at += expand(&path, &text[at..], paths);
                let rest = text[at..].trim_start();
                at = text.len() - rest.len();
                match rest.chars().next() {
                    Some(',') => at += 1,
                    Some('}') => return at + 1,
                    // `as name`, or no use tree at all.
                    Some(c) => at += c.len_utf8(),
                    None => return at,
                }
                if text[at..].trim_start().starts_with('}') {
                    return at + (text[at..].len() - text[at..].trim_start().len()) + 1;
                }
            }
        }
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if length > 0 {
            if !path.is_empty() {
                path.push_str("::");
            }
            path.push_str(&rest[..length]);
            at += length;
        }
        if length == 0 || !text[at..].starts_with("::") {
            paths.push(path);
            return at;
        }
        at += 2;
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What modules give on from children of a later layer, as `pub use task::Host` in `host`: that name has that layer.
fn given_on(layers: &Layers, files: &[(PathBuf, String)]) -> Layers {
    let mut given = Layers::new();
    for (path, code) in files {
        let name = module(path);
        let Some(own) = layer(layers, &name) else { continue };
        for (start, _) in code.match_indices("\npub use ") {
            let tree = &code[start + "\npub use ".len()..];
            let mut paths = Vec::new();
            expand(&name, tree.strip_prefix("self::").unwrap_or(tree), &mut paths);
            for path in paths {
                let (layer, last) = (layer(layers, &path), path.rsplit("::").next().unwrap_or_default());
                if let Some(layer) = layer.filter(|layer| *layer > own) {
                    given.insert(format!("{name}::{last}"), layer);
                }
            }
        }
    }
    given
}

/// Every use of a later layer in `files` (path under `src`, code), and every module that the table does not know.
fn violations(layers: &Layers, files: &[(PathBuf, String)]) -> Vec<String> {
    let mut layers = layers.clone();
    layers.extend(given_on(&layers, files));
    let layers = &layers;
    let mut violations = Vec::new();
    for (path, code) in files {
        let name = module(path);
        if name == "lib" {
            continue;
        }
        let place = path.display();
        let Some(own) = layer(layers, &name) else {
            violations.push(format!("src/{place}: no layer of ARCHITECTURE.md has `{name}`"));
            continue;
        };
        for (line, used) in uses(&name, code) {
            match layer(layers, &used) {
                None => violations.push(format!("src/{place}:{line}: no layer of ARCHITECTURE.md has `{used}`")),
                Some(layer) if layer > own => {
                    violations.push(format!("src/{place}:{line}: `{name}` uses `{used}` of a later layer"));
                }
                Some(_) => {}
            }
        }
    }
    violations
}

#[test]
fn each_layer_uses_only_those_before_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let layers = layers(&fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap());
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    let files: Vec<_> = paths
        .iter()
        .map(|path| (path.strip_prefix(root.join("src")).unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect();
    assert!(files.len() > 20, "the sources were not found");
    let violations = violations(&layers, &files);
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn a_use_of_a_later_layer_is_found_however_it_is_written() {
    let table = "\n## Layers\n\n|layer|modules|\n|---|---|\n|low|`units` `esl`|\n|core|`run`|\n|shell|`run::task` `report`|\n\n## X\n";
    let layers = layers(table);
    let found = |path: &str, code: &str| violations(&layers, &[(path.into(), code.into())]);
    assert_eq!(
        found("esl/wire.rs", "use crate::units::Time;\nuse crate::run::Summary;\n"),
        ["src/esl/wire.rs:2: `esl::wire` uses `run::Summary` of a later layer"]
    );
    assert_eq!(
        found("run/core.rs", "use crate::{units::{Time, human as h}, report::{self, Term},\n run::event::X};"),
        [
            "src/run/core.rs:1: `run::core` uses `report::self` of a later layer",
            "src/run/core.rs:1: `run::core` uses `report::Term` of a later layer"
        ]
    );
    assert_eq!(
        found("run/core.rs", "fn f() { super::task::run(); super::event::f(); }"),
        ["src/run/core.rs:1: `run::core` uses `run::task::run` of a later layer"]
    );
    assert_eq!(found("run/task.rs", "use crate::report::Term; // crate::nowhere\nuse super::core::X;"), [""; 0]);
    let facade = ("run/mod.rs".into(), "mod task;\npub use task::{Task, run as go};\n".into());
    assert_eq!(
        violations(&layers, &[facade, ("run/core.rs".into(), "use crate::run::Task;".into())]),
        ["src/run/core.rs:1: `run::core` uses `run::Task` of a later layer"]
    );
    assert_eq!(found("new/mod.rs", ""), ["src/new/mod.rs: no layer of ARCHITECTURE.md has `new`"]);
    assert_eq!(
        found("run/mod.rs", "use crate::nowhere::X;"),
        ["src/run/mod.rs:1: no layer of ARCHITECTURE.md has `nowhere::X`"]
    );
}
