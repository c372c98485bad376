//! A scenario being read: where its mistakes are told.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Severity, Source};
use super::node::Node;
use super::programs::Programs;
use crate::place::Place;

/// The scenario being read: where diagnostics go, and what of the world outside the file a shape may ask.
pub struct Reading<'a> {
    /// The scenario's file, then those that it is read with; their bytes are counted on from one another.
    pub(super) sources: Vec<Arc<Source>>,
    pub folder: &'a dyn Folder,
    pub diagnostics: Vec<Diagnostic>,
}

/// What is around a scenario: files, the environment, the hosts to run on. Without more, an empty world.
pub trait Folder {
    /// Whether `path`, joined to the scenario's folder, is a file that is there.
    fn has_file(&self, path: &Path) -> bool;

    /// The text of the file `path`; `None` when it is not there. An error says why it cannot be read.
    fn text(&self, _path: &Path) -> Result<Option<String>, String> {
        Ok(None)
    }

    /// The folders above the file `path`, the nearest first.
    fn above(&self, path: &Path) -> Vec<PathBuf> {
        path.ancestors().skip(1).map(Path::to_owned).collect()
    }

    /// The value of an environment variable; `None` when it is not set.
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    /// Names of the hosts to run on.
    fn hosts(&self) -> &[String] {
        &[]
    }

    /// Whether scenarios may have a switch run programs.
    fn programs(&self) -> Programs {
        Programs::Refused
    }
}

/// The largest file that is read. Scenarios are a few kilobytes.
pub(super) const MAX_BYTES: u64 = 4 << 20;

/// The file system and environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk<'a> {
    /// Names of the hosts to run on.
    pub hosts: &'a [String],
    /// Whether scenarios may have a switch run programs.
    pub programs: Programs,
}

impl Folder for Disk<'_> {
    fn has_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn text(&self, path: &Path) -> Result<Option<String>, String> {
        match std::fs::metadata(path) {
            Ok(about) if about.len() > MAX_BYTES => return Err(format!("it has more than {MAX_BYTES} bytes")),
            _ => {}
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn above(&self, path: &Path) -> Vec<PathBuf> {
        // A path within the current folder is told as it was given; `..` has to be resolved first.
        let plain = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let here = std::env::current_dir().unwrap_or_default();
        if plain {
            let below = path.ancestors().skip(1).map(Path::to_owned);
            return below.chain(here.ancestors().skip(1).map(Path::to_owned)).collect();
        }
        let whole = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_default();
        whole.ancestors().skip(1).map(Path::to_owned).collect()
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn hosts(&self) -> &[String] {
        self.hosts
    }

    fn programs(&self) -> Programs {
        self.programs
    }
}

impl Reading<'_> {
    /// Adds a file to those that are read.
    pub(super) fn add(&mut self, path: &Path, text: &str) -> Arc<Source> {
        let base = self.sources.last().map_or(0, |last| last.next_base());
        let source = Arc::new(Source::new(path, text).counted_from(base));
        self.sources.push(Arc::clone(&source));
        source
    }

    /// The file that the byte `at` is in.
    pub(super) fn source_of(&self, at: usize) -> &Arc<Source> {
        let after = self.sources.partition_point(|source| source.base() <= at);
        // The first counts from 0, so there is one before.
        &self.sources[after.saturating_sub(1)]
    }

    /// Tells an error about `span`; gives it back to be made richer.
    pub fn error(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        let source = Arc::clone(self.source_of(span.start));
        self.diagnostics.push(Diagnostic::error(&source, span.clone(), message));
        self.diagnostics.last_mut().expect("one was pushed in the line above")
    }

    /// Tells a warning about `span`; gives it back to be made richer.
    pub fn warning(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        let diagnostic = self.error(span, message);
        diagnostic.severity = Severity::Warning;
        diagnostic
    }

    /// Tells that something else was expected than `node`.
    pub(super) fn unexpected(&mut self, node: &Node, expects: &str) -> &mut Diagnostic {
        self.error(&node.span, format!("expected {expects}, found {}", node.found()))
    }

    /// Where `part` of the scalar `node` stands; all of it, where that cannot be told because of escapes or folds.
    pub(super) fn part_of(&self, node: &Node, text: &str, part: Option<Range<usize>>) -> Range<usize> {
        let written = self.source_of(node.span.start).slice(&node.span).unwrap_or_default();
        let offset = if written.starts_with(['"', '\'']) { 1 } else { 0 };
        match part {
            Some(part) if written.get(offset..offset + text.len()) == Some(text) => {
                let start = node.span.start + offset;
                start + part.start..start + part.end
            }
            _ => node.span.clone(),
        }
    }

    /// Where `node` stands.
    pub fn place(&self, node: &Node) -> Place {
        self.source_of(node.span.start).place(node.span.start)
    }

    /// The file called `name` where `node` stands, from the current folder.
    pub fn path(&self, node: &Node, name: &str) -> PathBuf {
        self.source_of(node.span.start).folder().join(name)
    }
}
