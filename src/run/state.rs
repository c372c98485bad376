//! What one run leaves for the next: `callwright-out/last-failed.json`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::select::{Entry, LastFailed};
use super::{RunEvent, Selection, TestId};
use crate::verdict::{Mark, Verdict};

/// Its name in the folder of what a run leaves behind.
const FILE: &str = "last-failed.json";

/// Which tests failed last time, by the file in `folder`; nothing, where there is none. One that cannot be read is told
/// beside and counts as none.
pub(super) fn read(folder: &Path) -> (LastFailed, Option<String>) {
    let path = folder.join(FILE);
    let read = match std::fs::read_to_string(&path) {
        Ok(text) => LastFailed::parse(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(LastFailed::default()),
        Err(error) => Err(error.to_string()),
    };
    match read {
        Ok(last) => (last, None),
        Err(error) => {
            let told = format!("{} does not tell which tests failed last time: {error}", path.display());
            (LastFailed::default(), Some(told))
        }
    }
}

/// Learns from a run's events which tests failed.
#[derive(Debug)]
pub(super) struct Recorder {
    entries: HashMap<(TestId, String), Entry>,
    known: HashSet<Entry>,
    ended: BTreeSet<Entry>,
    failed: BTreeSet<Entry>,
}

impl Recorder {
    pub fn new(selection: &Selection, hosts: &[String]) -> Self {
        let entry =
            |test: &super::Selected| ((test.id.clone(), test.host_name(hosts)), test.entry(hosts, &selection.redactor));
        Recorder {
            entries: selection.tests.iter().map(entry).collect(),
            known: selection.known.clone(),
            ended: BTreeSet::new(),
            failed: BTreeSet::new(),
        }
    }

    /// Takes an event as the run tells it, secrets and all.
    pub fn handle(&mut self, event: &RunEvent) {
        let RunEvent::TestEnded(report) = event else { return };
        // What was not come to is as it was.
        if report.mark == Some(Mark::NotRun) {
            return;
        }
        let Some(entry) = self.entries.get(&(report.test.clone(), report.host.clone())) else { return };
        self.ended.insert(entry.clone());
        // One failure of several repetitions is enough.
        if matches!(report.verdict, Verdict::Failed | Verdict::Error) {
            self.failed.insert(entry.clone());
        }
    }

    /// Writes what is to be known next time, whole or not at all; where nothing failed there is no file.
    pub fn write(self, last: &LastFailed, folder: &Path) -> Result<(), String> {
        let path = folder.join(FILE);
        let Recorder { known, ended, failed, .. } = self;
        let files: HashSet<&str> = known.iter().map(|entry| entry.file.as_str()).collect();
        let gone = |entry: &Entry| match files.contains(entry.file.as_str()) {
            // Of another host nothing was found out.
            true => !known.iter().any(|there| there.file == entry.file && there.name == entry.name),
            false => !Path::new(&entry.file).exists(),
        };
        let after = last.after(&ended, &failed, gone);
        let written = match after.is_empty() {
            true => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.to_string()),
                _ => Ok(()),
            },
            false => after.encode().and_then(|text| replace(folder, &path, &text).map_err(|error| error.to_string())),
        };
        written
            .map_err(|error| format!("cannot keep which tests failed, for --lf and --ff: {}: {error}", path.display()))
    }
}

/// Written beside and renamed, so that nobody finds half a file.
fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let beside: PathBuf = folder.join(format!(".{FILE}.{}.tmp", std::process::id()));
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path)).inspect_err(|_| {
        // Best effort: the error that counts is the one above.
        let _ = std::fs::remove_file(&beside);
    })
}
