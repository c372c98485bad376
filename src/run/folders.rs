//! Folders whose tests have a setup before the first, and a teardown after the last: `_setup.yaml`, `_teardown.yaml`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TestId;
use crate::redact::Redactor;
use crate::scenario::defaults::{SETUP, TEARDOWN};
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::reading::Folder as Surroundings;
use crate::scenario::{Scenario, load_beside, load_file_with};

/// A folder with a setup, a teardown or both: scenarios that are run one after the other, once on each host.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// The nearest such folder around it, by its place in the list.
    pub outer: Option<usize>,
    pub setup: Vec<(TestId, Arc<Scenario>)>,
    pub teardown: Vec<(TestId, Arc<Scenario>)>,
}

/// The folders around the tests of a run.
#[derive(Debug, Default)]
pub struct Folders {
    /// Those around a folder stand before it.
    pub folders: Vec<Folder>,
    /// What is wrong with their files.
    pub diagnostics: Vec<Diagnostic>,
    pub redactor: Redactor,
    /// By what is the same however it was written.
    known: HashMap<PathBuf, usize>,
}

impl Folders {
    /// Reads the setups and teardowns of all folders around `tests`.
    pub fn around<'a>(tests: impl IntoIterator<Item = &'a Scenario>, disk: &dyn Surroundings) -> Folders {
        let mut folders = Folders::default();
        for scenario in tests {
            let mut outer = None;
            for path in scenario.folders.iter().rev() {
                outer = Some(folders.place(path, outer, disk));
            }
        }
        folders
    }

    /// The innermost folder around a scenario, by its place in the list.
    pub fn of(&self, scenario: &Scenario) -> Option<usize> {
        self.known.get(&same(scenario.folders.first()?)).copied()
    }

    fn place(&mut self, path: &Path, outer: Option<usize>, disk: &dyn Surroundings) -> usize {
        let key = same(path);
        if let Some(place) = self.known.get(&key) {
            return *place;
        }
        let [setup, teardown] = [SETUP, TEARDOWN].map(|name| self.read(&path.join(name), disk));
        self.folders.push(Folder { outer, setup, teardown });
        self.known.insert(key, self.folders.len() - 1);
        self.folders.len() - 1
    }

    /// The scenarios of a setup or teardown; none where there is no such file.
    fn read(&mut self, file: &Path, disk: &dyn Surroundings) -> Vec<(TestId, Arc<Scenario>)> {
        let loaded = match disk.text(file) {
            Ok(None) => return Vec::new(),
            Ok(Some(text)) => load_beside(file, &text, disk),
            // Says why it cannot be read.
            Err(_) => load_file_with(file, disk),
        };
        self.redactor.extend(&loaded.redactor);
        self.diagnostics.extend(loaded.diagnostics);
        let id = |scenario: &Scenario| TestId { file: file.to_owned(), name: scenario.name.clone() };
        loaded.scenarios.into_iter().map(|scenario| (id(&scenario), Arc::new(scenario))).collect()
    }
}

/// One path for a folder, however it was written.
fn same(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
