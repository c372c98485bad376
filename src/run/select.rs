//! From the arguments of a run to its tests.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::redact::Redactor;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::reading::Disk;
use crate::scenario::{Scenario, load_file_with};

use super::TestId;

/// What the arguments came to.
#[derive(Debug, Default)]
pub struct Selection {
    /// Takes the secrets of all scenarios out of what is told.
    pub redactor: Redactor,
    /// In the order of the arguments; files of a folder by name, scenarios by their place in the file.
    pub tests: Vec<(TestId, Arc<Scenario>)>,
    /// Of every file, so that all can be put right at once.
    pub diagnostics: Vec<Diagnostic>,
    /// How many there were before `-k` chose among them.
    pub found: usize,
}

/// An argument that names nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    #[error("{0}: no such file or folder")]
    Missing(PathBuf),
    #[error("{path}: {error}")]
    Unreadable { path: PathBuf, error: String },
    #[error("{file} has no scenario called {name:?}; it has {there}")]
    NoScenario { file: PathBuf, name: String, there: String },
}

/// Finds the tests that `paths` name: folders, files, or `FILE::NAME`. `text` keeps those whose id or tag has it.
///
/// The name of a scenario with a matrix names all its tests. `hosts` are those to run on, for scenarios that name them.
pub fn select(paths: &[String], text: Option<&str>, hosts: &[String]) -> Result<Selection, SelectError> {
    let disk = Disk { hosts };
    let mut selection = Selection::default();
    let mut told = HashSet::new();
    for argument in paths {
        let (path, name) = match argument.split_once("::") {
            Some((path, name)) => (Path::new(path), Some(name)),
            None => (Path::new(argument), None),
        };
        if !path.exists() {
            return Err(SelectError::Missing(path.to_owned()));
        }
        for file in files(path)? {
            let loaded = load_file_with(&file, &disk);
            selection.redactor.extend(&loaded.redactor);
            let before = selection.tests.len();
            let mut names = Vec::new();
            let broken = loaded.has_errors();
            for scenario in loaded.scenarios {
                names.push(format!("{:?}", scenario.name));
                let id = TestId { file: file.clone(), name: scenario.name.clone() };
                let same = |(other, there): &(TestId, Arc<Scenario>)| *other == id && there.on == scenario.on;
                let known = selection.tests.iter().any(same);
                if !known && name.is_none_or(|name| name == id.name || name == scenario.base) {
                    selection.tests.push((id, Arc::new(scenario)));
                }
            }
            if let Some(name) = name
                && selection.tests.len() == before
                && !broken
            {
                let there = names.join(", ");
                return Err(SelectError::NoScenario { file, name: name.to_owned(), there });
            }
            // Defaults and included steps have their mistakes in every file that uses them.
            for diagnostic in loaded.diagnostics {
                if told.insert((diagnostic.place.to_string(), diagnostic.message.clone())) {
                    selection.diagnostics.push(diagnostic);
                }
            }
        }
    }
    selection.found = selection.tests.len();
    if let Some(text) = text.map(str::to_lowercase) {
        selection.tests.retain(|(id, scenario)| {
            let has = |word: &str| word.to_lowercase().contains(&text);
            has(&id.to_string()) || scenario.tags.iter().any(|tag| has(tag))
        });
    }
    Ok(selection)
}

/// The scenario files at and below `path`, by name. What begins with `_` is for other scenarios to use, and none itself.
fn files(path: &Path) -> Result<Vec<PathBuf>, SelectError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable =
        |error: std::io::Error| SelectError::Unreadable { path: path.to_owned(), error: error.to_string() };
    let mut found = Vec::new();
    let mut entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('_') {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(path);
        }
    }
    Ok(found)
}
