//! A scenario being read: where its mistakes are told.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Severity, Source};
use super::node::Node;
use crate::place::Place;

/// The scenario being read: where diagnostics go, and what of the world outside the file a shape may ask.
pub struct Reading<'a> {
    pub source: Arc<Source>,
    pub folder: &'a dyn Folder,
    pub diagnostics: Vec<Diagnostic>,
}

/// The files around a scenario.
pub trait Folder {
    /// Whether `path`, joined to the scenario's folder, is a file that is there.
    fn has_file(&self, path: &Path) -> bool;
}

/// The file system.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Folder for Disk {
    fn has_file(&self, path: &Path) -> bool {
        path.is_file()
    }
}

impl Reading<'_> {
    /// Tells an error about `span`; gives it back to be made richer.
    pub fn error(&mut self, span: &Range<usize>, message: impl Into<String>) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::error(&self.source, span.clone(), message));
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
        let written = self.source.text().get(node.span.clone()).unwrap_or_default();
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
        self.source.place(node.span.start)
    }

    /// A file named in the scenario, from the current folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.source.folder().join(name)
    }
}
