//! From a file to scenarios, or to everything that is wrong with it.

mod field_file;
mod mixed_file;
mod mixing;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::defaults::{self, Defaults};
use super::diagnostic::{Diagnostic, Severity, Source};
use super::document::{self, Document, Frame};
use super::expand::{self, Expander, FieldScope, Files, Scope};
use super::matrix::{self, Cell};
use super::model::{PlacedStep, Scenario, Stage};
use super::node::{self, Content, Node};
use super::reading::{Disk, Folder, MAX_BYTES, Reading};
use super::rules;
use super::shape::{Placed, Shape};
use super::step::Step;
use crate::redact::Redactor;
use field_file::{FieldFile, LoadFields};

/// A scenario's time limit beyond its `duration`, where neither it nor the run says.
pub const TIMEOUT: Duration = Duration::from_secs(60);

thread_local! {
    /// The language, which never changes: built once, not for each file.
    static SHAPE: Shape<Document> = document::shape();
    static FRAME: Shape<Frame> = document::frame();
}

/// What a scenario file came to.
#[derive(Debug)]
pub struct Loaded {
    /// Documents that are right, in the order of the file. Run none of them while there is an error.
    pub scenarios: Vec<Scenario>,
    /// In the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// Takes the scenarios' secrets out of whatever is told of them; names and diagnostics are clean already.
    pub redactor: Redactor,
}

impl Loaded {
    /// Whether something must be put right before anything is run.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Reads the scenarios of `text`, the content of the file `path`. Looks on disk for the files they name.
pub fn load(path: &Path, text: &str) -> Loaded {
    load_beside(path, text, &Disk::default())
}

/// Reads the scenario file `path`. A file that cannot be read is a diagnostic.
pub fn load_file(path: &Path) -> Loaded {
    load_file_with(path, &Disk::default())
}

/// [`load_file`], with what is around the scenario told by `folder`.
pub fn load_file_with(path: &Path, folder: &dyn Folder) -> Loaded {
    match read_text(path) {
        Ok(text) => load_beside(path, &text, folder),
        Err(diagnostic) => {
            Loaded { scenarios: Vec::new(), diagnostics: vec![*diagnostic], redactor: Redactor::default() }
        }
    }
}

/// The text of the file `path`, or why there is none.
pub(super) fn read_text(path: &Path) -> Result<String, Box<Diagnostic>> {
    let told =
        |source: Source, at: usize, message: String| Box::new(Diagnostic::error(&Arc::new(source), at..at, message));
    let unreadable = |why: String| told(Source::new(path, ""), 0, why);
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            let bytes = metadata.len();
            return Err(unreadable(format!("file of {bytes} bytes is no scenario; the limit is {MAX_BYTES}")));
        }
        Ok(_) => {}
        Err(error) => return Err(unreadable(format!("cannot read this file: {error}"))),
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(format!("cannot read this file: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        // What stands before the bad byte is shown; the rest of its line as far as it can be read.
        let (at, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        let text = String::from_utf8_lossy(bytes);
        let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        let message =
            if utf16 { "this file is UTF-16".to_owned() } else { format!("byte 0x{:02X} is not UTF-8", bytes[at]) };
        let dropped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let diagnostic = *told(Source::new(path, &text), at.saturating_sub(dropped), message);
        Box::new(diagnostic.help("save the file as UTF-8"))
    })
}

/// [`load`], with what is around the scenario told by `folder`.
pub fn load_beside(path: &Path, text: &str, folder: &dyn Folder) -> Loaded {
    load_for(Purpose::Tests, path, text, folder)
}

fn load_for(purpose: Purpose, path: &Path, text: &str, folder: &dyn Folder) -> Loaded {
    let mut reading = Reading { sources: Vec::new(), folder, diagnostics: Vec::new() };
    let source = reading.add(path, text);
    let (documents, diagnostics) = node::parse(&source);
    reading.diagnostics.extend(diagnostics);
    // A separator at the beginning or end of a file makes an empty document.
    let documents: Vec<_> = documents.iter().filter(|document| !document.is_null()).collect();
    if documents.is_empty() && reading.diagnostics.is_empty() {
        reading.error(&(0..0), "no scenario in this file").help =
            "a scenario is a mapping such as `{ callee: [answer], caller: [...] }`".to_owned();
    }
    let mut file = FileLoad {
        defaults: Defaults::find(path, &mut reading),
        reading,
        purpose,
        files: Files::default(),
        field_files: HashMap::new(),
        mixed: HashMap::new(),
        elsewhere: Vec::new(),
        names: HashMap::new(),
        budget: expand::MAX_NODES,
        scenarios: Vec::new(),
        redactor: Redactor::default(),
    };
    if path.file_name().is_some_and(|name| name == defaults::FILE) {
        file.reading.error(&(0..0), "this file holds defaults, and no scenario");
    } else {
        for (index, node) in documents.iter().enumerate() {
            if matches!(node.content, Content::List(_)) {
                file.reading.error(&node.span, "expected a scenario, found a list").help =
                    "a scenario is a mapping; several of one file are separated by `---`; steps for `include` stand in a \
                     file or folder whose name begins with `_`"
                        .to_owned();
                continue;
            }
            file.document(node, &default_name(path, index, documents.len()));
        }
    }
    file.loaded()
}

/// What a file is loaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// To be run.
    Tests,
    /// To be mixed into a load.
    Mix,
}

/// A file that is being loaded.
struct FileLoad<'a> {
    reading: Reading<'a>,
    purpose: Purpose,
    defaults: Defaults,
    files: Files,
    /// Files with replacement fields, by path; `None` for one with mistakes, which were told.
    field_files: HashMap<PathBuf, Option<FieldFile>>,
    /// Files that loads mix in, by path; `None` for one with mistakes, which were told.
    mixed: HashMap<PathBuf, Option<Vec<Arc<Scenario>>>>,
    /// What is told of those.
    elsewhere: Vec<Diagnostic>,
    /// Names of documents, and where they stand.
    names: HashMap<String, Range<usize>>,
    /// Nodes that all its tests together may still come to.
    budget: usize,
    scenarios: Vec<Scenario>,
    redactor: Redactor,
}

impl FileLoad<'_> {
    /// Reads one document, for each combination of its matrix.
    fn document(&mut self, node: &Node, default_name: &str) {
        let whole = self.defaults.apply(node);
        let Content::Mapping(entries) = &whole.content else {
            // Told of as no scenario.
            SHAPE.with(|shape| shape.read(node, &mut self.reading));
            return;
        };
        let (outer, inner): (Vec<_>, Vec<_>) =
            entries.iter().cloned().partition(|entry| document::FRAME.contains(&entry.key.as_str()));
        let body = whole.with(Content::Mapping(inner));
        let frame = match outer.is_empty() {
            true => Some(Frame::default()),
            false => FRAME.with(|shape| shape.read(&whole.with(Content::Mapping(outer)), &mut self.reading)),
        };
        let required = required_variables(&body);
        let frame = frame.and_then(|frame| self.cells(&frame, &required).map(|cells| (frame, cells)));
        let Some((frame, cells)) = frame else {
            // What is wrong elsewhere is told as well.
            let cell = expand::NO_CELL;
            let name = Name { document: node, default: default_name, cell: &cell };
            self.test(&body, Scope { unknown: true, ..scope_of(&Frame::default(), &cell, &required) }, &name);
            return;
        };
        let hosts = self.reading.folder.hosts();
        let first = hosts.first().map_or("embedded", String::as_str);
        for cell in &cells {
            let name = Name { document: node, default: default_name, cell };
            let scope = Scope { host: first, ..scope_of(&frame, cell, &required) };
            let names_host = self.test(&body, scope, &name);
            // Without a host's name in it, one serves all of them.
            for host in hosts.iter().skip(1).filter(|_| names_host) {
                self.test(&body, Scope { host, ..scope }, &name);
            }
            if self.budget == 0 {
                self.reading.error(&(node.span.start..node.span.start), TOO_MUCH);
                return;
            }
        }
    }

    /// The combinations of the matrix; one that is empty without a matrix.
    fn cells(&mut self, frame: &Frame, required: &[String]) -> Option<Vec<Cell>> {
        for secret in &frame.secrets {
            self.redactor.add(&self.reading.folder.variable(secret).unwrap_or_default());
        }
        let Some(matrix) = &frame.matrix else { return Some(vec![expand::NO_CELL]) };
        let mut matrix = matrix.value.clone();
        let before = self.reading.diagnostics.len();
        let none = expand::NO_CELL;
        let scope = scope_of(frame, &none, required);
        let mut expander = Expander::new(scope, &mut self.reading, &mut self.files, self.budget);
        matrix.resolve(|value| expander.node(value));
        let fine = before == self.reading.diagnostics.len();
        fine.then(|| matrix.cells(&mut self.reading)).flatten()
    }

    /// Reads one test; gives whether the host's name is in it.
    fn test(&mut self, body: &Node, scope: Scope<'_>, name: &Name<'_>) -> bool {
        let errors = self.errors();
        if let (Purpose::Mix, Some(load)) = (self.purpose, body.entry("load")) {
            let diagnostic = self.reading.error(&load.key_span, "a load cannot be part of another load");
            diagnostic.help = "keep what is mixed in a file of its own".to_owned();
            return false;
        }
        let fields = self.fields(body, &scope);
        let scope = Scope { fields: fields.scope(), ..scope };
        let mut expander = Expander::new(scope, &mut self.reading, &mut self.files, self.budget);
        let node = expander.document(body);
        let Expander { substituted, budget, names_host, missing, .. } = expander;
        self.budget = budget;
        if budget == 0 {
            return false;
        }
        let from = self.reading.diagnostics.len();
        let document = SHAPE.with(|shape| shape.read(&node, &mut self.reading));
        let scenario = document.and_then(|document| self.scenario(document, &node, name, &fields, names_host));
        // What it cannot be read without is not there; that it is skipped is told all the same.
        let scenario = scenario.or_else(|| missing.is_some().then(|| self.stub(name)));
        expand::tell_origins(&substituted, &mut self.reading.diagnostics, from);
        if let Some(mut scenario) = scenario.filter(|_| !scope.unknown && errors == self.errors()) {
            if let Some(missing) = missing {
                let reason = format!("environment variable {missing} is not set");
                let Placed { place, span, .. } = scenario.requires.clone();
                scenario.skip.get_or_insert(Placed { value: reason, place, span });
            }
            scenario.on = names_host.then(|| scope.host.to_owned());
            self.scenarios.push(scenario);
        }
        names_host
    }

    fn errors(&self) -> usize {
        self.reading.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    /// Everything, once all documents were read.
    fn loaded(mut self) -> Loaded {
        self.files.tell_includes(&mut self.reading);
        let Reading { sources, mut diagnostics, .. } = self.reading;
        let own = Arc::clone(&sources[0]);
        settle(&sources, &mut diagnostics);
        for diagnostic in &mut diagnostics {
            let related = diagnostic.related.as_mut().map(|(_, label)| label);
            let texts = [&mut diagnostic.message, &mut diagnostic.label, &mut diagnostic.help];
            texts.into_iter().chain(related).for_each(|text| self.redactor.clean(text));
        }
        diagnostics.extend(self.elsewhere.into_iter().map(|mut diagnostic| {
            // It counts bytes by itself; what is related to it is of the file that it is mixed into.
            diagnostic.related_source = diagnostic.related_source.or(Some(Arc::clone(&own)));
            diagnostic
        }));
        for scenario in &mut self.scenarios {
            for name in [&mut scenario.name, &mut scenario.base] {
                self.redactor.clean(name);
            }
        }
        Loaded { scenarios: self.scenarios, diagnostics, redactor: self.redactor }
    }
}

/// Puts diagnostics into the order of the file, each once, and finds the files that they are about.
pub(super) fn settle(sources: &[Arc<Source>], diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    // An alias repeats the mistakes of what it stands for, and every combination of a matrix those of its document.
    let mut told = HashSet::new();
    diagnostics.retain(|diagnostic| told.insert((diagnostic.span.clone(), diagnostic.message.clone())));
    for diagnostic in diagnostics {
        if let Some((span, _)) = &diagnostic.related {
            let after = sources.partition_point(|source| source.base() <= span.start);
            let source = &sources[after.saturating_sub(1)];
            diagnostic.related_source = (!diagnostic.is_about(source)).then(|| Arc::clone(source));
        }
    }
}

/// What a test is called.
struct Name<'a> {
    document: &'a Node,
    default: &'a str,
    cell: &'a Cell,
}

const TOO_MUCH: &str = "this file comes to more than 2000000 values, with all combinations and includes";

/// What variables stand for in one test.
fn scope_of<'a>(frame: &'a Frame, cell: &'a Cell, required: &'a [String]) -> Scope<'a> {
    let Frame { vars, secrets, .. } = frame;
    Scope {
        matrix: cell,
        vars,
        secrets,
        required,
        host: "embedded",
        fields: FieldScope::NoLoad,
        calls: None,
        unknown: false,
    }
}

/// Environment variables under `requires`, as far as they can be told before anything is substituted.
fn required_variables(body: &Node) -> Vec<String> {
    let Some(names) = body.value("requires").and_then(|requires| requires.value("env")) else { return Vec::new() };
    let name = |node: &Node| match &node.content {
        Content::Scalar { text, .. } => Some(text.clone()),
        _ => None,
    };
    match &names.content {
        Content::List(nodes) => nodes.iter().filter_map(name).collect(),
        _ => name(names).into_iter().collect(),
    }
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

impl FileLoad<'_> {
    /// The scenario of `document`, with what contradicts itself in it told. `None`: what it offers is not right.
    fn scenario(
        &mut self,
        mut document: Document,
        node: &Node,
        name: &Name<'_>,
        fields: &LoadFields,
        names_host: bool,
    ) -> Option<Scenario> {
        let span = document.name.as_ref().map_or(node.span.start..node.span.start, |name| name.span.clone());
        let base = document.name.as_ref().map_or_else(|| name.default.to_owned(), |name| name.value.clone());
        match self.names.get(&base) {
            Some(first) if *first != span => {
                let diagnostic = self.reading.error(&span, format!("name `{}` is there twice", node::shortened(&base)));
                diagnostic.label = "again here".to_owned();
                diagnostic.related = Some((first.clone(), "first here".to_owned()));
            }
            Some(_) => {}
            None => {
                self.names.insert(base, span);
            }
        }
        match document.load.take() {
            Some(load) => self.load(load, document, node, name, fields, names_host),
            None => Some(self.compose(document, name)),
        }
    }

    /// The scenario of a document that is no load.
    fn compose(&mut self, document: Document, name: &Name<'_>) -> Scenario {
        let base = document.name.map_or_else(|| name.default.to_owned(), |name| name.value);
        let duration = document.duration;
        let timeout = document.timeout;
        let mut scenario = Scenario {
            tags: document.tags,
            call: document.call,
            stage: if document.steps.is_some() { Stage::Host } else { Stage::Call },
            caller: document.steps.or(document.caller).unwrap_or_default(),
            callee: document.callee.unwrap_or_default(),
            record: document.record.unwrap_or_default(),
            duration: duration.as_ref().map(|duration| duration.value),
            retries: document.retries,
            skip: document.skip.flatten(),
            xfail: document.xfail.flatten(),
            expect: document.expect.unwrap_or_default(),
            name: format!("{base}{}", matrix::suffix(name.cell)),
            base,
            ..self.stub(name)
        };
        if let Some(requires) = document.requires {
            let unset = requires.env.iter().find(|name| self.reading.folder.variable(name).is_none());
            if let (Some(unset), None) = (unset, &scenario.skip) {
                let reason = format!("environment variable {unset} is not set");
                scenario.skip =
                    Some(Placed { value: reason, place: requires.place.clone(), span: requires.span.clone() });
            }
            scenario.requires = requires;
        }
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
            scenario.record.period = scenario.record.period.or(steps.record.period);
        }
        scenario.judge_tones();
        scenario.timeout = timeout.as_ref().map(|timeout| timeout.value);
        rules::check(&scenario, &rules::Spans { duration, timeout }, &mut self.reading);
        scenario
    }

    /// A test of which nothing is known but its name.
    fn stub(&self, name: &Name<'_>) -> Scenario {
        let place = self.reading.place(name.document);
        let span = name.document.span.start..name.document.span.start;
        let written = name.document.value("name").map(|node| &node.content);
        let base = match written {
            Some(Content::Scalar { text, .. }) => text.clone(),
            _ => name.default.to_owned(),
        };
        Scenario {
            name: format!("{base}{}", matrix::suffix(name.cell)),
            cell: matrix::named(name.cell),
            defaults: self.defaults.files(),
            folders: self.defaults.set_up.clone(),
            ..Scenario::blank(base, Placed { value: (), place, span })
        }
    }
}
