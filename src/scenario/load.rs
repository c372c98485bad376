//! From a file to scenarios, or to everything that is wrong with it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::diagnostic::{Diagnostic, Severity, Source};
use super::document::{self, Document};
use super::model::{PlacedStep, Scenario};
use super::node::{self, Content, Node};
use super::reading::{Disk, Folder, Reading};
use super::rules;
use super::shape::{Placed, Shape};
use super::step::Step;

/// A scenario's time limit beyond its `duration`, where it does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The largest file that is read. Scenarios are a few kilobytes.
const MAX_BYTES: u64 = 4 << 20;

thread_local! {
    /// The language, which never changes: built once, not for each file.
    static SHAPE: Shape<Document> = document::shape();
}

/// What a scenario file came to.
#[derive(Debug)]
pub struct Loaded {
    /// Documents that are right, in the order of the file. Run none of them while there is an error.
    pub scenarios: Vec<Scenario>,
    /// In the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

impl Loaded {
    /// Whether something must be put right before anything is run.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    fn failed(source: Source, at: usize, message: String, help: &str) -> Self {
        let diagnostic = Diagnostic::error(&Arc::new(source), at..at, message).help(help);
        Loaded { scenarios: Vec::new(), diagnostics: vec![diagnostic] }
    }
}

/// Reads the scenarios of `text`, the content of the file `path`. Looks on disk for the files they name.
pub fn load(path: &Path, text: &str) -> Loaded {
    load_beside(path, text, &Disk)
}

/// Reads the scenario file `path`. A file that cannot be read is a diagnostic.
pub fn load_file(path: &Path) -> Loaded {
    let unreadable = |why: String| Loaded::failed(Source::new(path, ""), 0, why, "");
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            return unreadable(format!("file of {} bytes is no scenario; the limit is {MAX_BYTES}", metadata.len()));
        }
        Ok(_) => {}
        Err(error) => return unreadable(format!("cannot read this file: {error}")),
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(format!("cannot read this file: {error}")),
    };
    match std::str::from_utf8(&bytes) {
        Ok(text) => load(path, text),
        Err(error) => {
            // What stands before the bad byte is shown; the rest of its line as far as it can be read.
            let at = error.valid_up_to();
            let text = String::from_utf8_lossy(&bytes);
            let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
            let message =
                if utf16 { "this file is UTF-16".to_owned() } else { format!("byte 0x{:02X} is not UTF-8", bytes[at]) };
            let dropped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
            Loaded::failed(Source::new(path, &text), at.saturating_sub(dropped), message, "save the file as UTF-8")
        }
    }
}

/// [`load`], with the files that scenarios may name told by `folder`.
pub fn load_beside(path: &Path, text: &str, folder: &dyn Folder) -> Loaded {
    let source = Arc::new(Source::new(path, text));
    let (documents, diagnostics) = node::parse(&source);
    let mut reading = Reading { source, folder, diagnostics };
    // A separator at the beginning or end of a file makes an empty document.
    let documents: Vec<_> = documents.iter().filter(|document| !document.is_null()).collect();
    if documents.is_empty() && reading.diagnostics.is_empty() {
        reading.error(&(0..0), "no scenario in this file").help =
            "a scenario is a mapping such as `{ callee: [answer], caller: [...] }`".to_owned();
    }
    let mut names = HashMap::new();
    let mut scenarios = Vec::new();
    for (index, node) in documents.iter().enumerate() {
        if matches!(node.content, Content::List(_)) {
            reading.error(&node.span, "expected a scenario, found a list").help =
                "a scenario is a mapping; several of one file are separated by `---`".to_owned();
            continue;
        }
        let Some(document) = SHAPE.with(|shape| shape.read(node, &mut reading)) else { continue };
        let scenario = scenario(document, node, &default_name(path, index, documents.len()), &mut reading, &mut names);
        scenarios.extend(scenario);
    }
    let mut diagnostics = reading.diagnostics;
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    // An alias repeats the mistakes of what it stands for.
    let mut told = HashSet::new();
    diagnostics.retain(|diagnostic| told.insert((diagnostic.span.clone(), diagnostic.message.clone())));
    Loaded { scenarios, diagnostics }
}

/// JSON Schema (draft 2020-12) of one scenario document, for editors.
pub fn json_schema() -> Value {
    let mut schema = SHAPE.with(Shape::json_schema);
    schema["title"] = Value::from("callwright scenario");
    schema["description"] = Value::from("A call, what its legs do, and what must hold.");
    schema
}

/// The name of a scenario that has none: its file's, with a number where there are several.
fn default_name(path: &Path, index: usize, of: usize) -> String {
    let stem = path.file_stem().map_or("scenario".into(), |stem| stem.to_string_lossy());
    if of == 1 { stem.into_owned() } else { format!("{stem} {}", index + 1) }
}

/// The scenario of `document`, unless its parts contradict each other.
fn scenario(
    document: Document,
    node: &Node,
    default_name: &str,
    reading: &mut Reading<'_>,
    names: &mut HashMap<String, std::ops::Range<usize>>,
) -> Option<Scenario> {
    let before = reading.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    let span = document.name.as_ref().map_or(node.span.start..node.span.start, |name| name.span.clone());
    let name = document.name.map_or_else(|| default_name.to_owned(), |name| name.value);
    if let Some(first) = names.get(&name) {
        let diagnostic = reading.error(&span, format!("name `{}` is there twice", node::shortened(&name)));
        diagnostic.label = "again here".to_owned();
        diagnostic.related = Some((first.clone(), "first here".to_owned()));
    } else {
        names.insert(name.clone(), span);
    }
    let duration = document.duration;
    let timeout = document.timeout;
    let mut scenario = Scenario {
        name,
        place: reading.place(node),
        tags: document.tags,
        call: document.call,
        caller: document.caller.unwrap_or_default(),
        callee: document.callee.unwrap_or_default(),
        record: document.record.unwrap_or_default(),
        duration: duration.as_ref().map(|duration| duration.value),
        timeout: Duration::ZERO,
        expect: document.expect.unwrap_or_default(),
    };
    if let Some(app) = document.app {
        let steps = app.steps(scenario.duration);
        let at = |steps: Vec<Box<dyn Step>>| -> Vec<PlacedStep> {
            let placed = |value| Placed { value, place: app.place.clone(), span: app.span.clone() };
            steps.into_iter().map(placed).collect()
        };
        scenario.caller = at(steps.caller);
        scenario.callee = at(steps.callee);
        scenario.duration = steps.duration;
        if scenario.call.codec.is_empty() {
            scenario.call.codec.extend(steps.codec);
        }
        scenario.record.caller = scenario.record.caller.or(steps.record.caller);
        scenario.record.callee = scenario.record.callee.or(steps.record.callee);
    }
    scenario.timeout =
        timeout.as_ref().map_or_else(|| TIMEOUT + scenario.duration.unwrap_or_default(), |timeout| timeout.value);
    rules::check(&scenario, &rules::Spans { duration, timeout }, reading);
    let after = reading.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    (before == after).then_some(scenario)
}
