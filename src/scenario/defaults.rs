//! Defaults of a folder: `_defaults.yaml`, for every scenario in that folder and below it.

use std::path::{Path, PathBuf};

use super::diagnostic::did_you_mean;
use super::document::CALL_KEYS;
use super::node::{self, Content, Entry, Node, Plain, plain, shortened};
use super::reading::Reading;

/// The file's name. As every name that begins with `_` it is no scenario.
pub(super) const FILE: &str = "_defaults.yaml";

/// Scenarios that are run once for a folder: before its first test, and after its last.
pub const SETUP: &str = "_setup.yaml";
pub const TEARDOWN: &str = "_teardown.yaml";

/// Keys of a scenario that have defaults.
const KEYS: [&str; 9] = ["tags", "call", "vars", "secrets", "record", "timeout", "retries", "requires", "expect"];

/// Keys whose lists are joined.
const JOINED: [&str; 2] = ["tags", "secrets"];

/// Ends the search for defaults in folders above.
const ROOT: &str = "root";

/// The defaults that hold for a file, those of the innermost folder first.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    layers: Vec<(PathBuf, Node)>,
    /// Folders with a setup or a teardown, the innermost first.
    pub set_up: Vec<PathBuf>,
    /// One of them has mistakes, which were told.
    pub broken: bool,
}

impl Defaults {
    /// Looks for the defaults of the scenario file `path`.
    pub fn find(path: &Path, reading: &mut Reading<'_>) -> Self {
        let mut defaults = Defaults::default();
        // A setup is not its own.
        let own = path.file_name().filter(|name| *name == SETUP || *name == TEARDOWN).and_then(|_| path.parent());
        for folder in reading.folder.above(path) {
            let there = [SETUP, TEARDOWN].into_iter().any(|name| reading.folder.has_file(&folder.join(name)));
            if there && own != Some(&*folder) {
                defaults.set_up.push(folder.clone());
            }
            let path = folder.join(FILE);
            let text = match reading.folder.text(&path) {
                Ok(Some(text)) => text,
                Ok(None) => continue,
                Err(error) => {
                    reading.error(&(0..0), format!("cannot read {}: {error}", path.display()));
                    defaults.broken = true;
                    continue;
                }
            };
            let source = reading.add(&path, &text);
            let before = reading.diagnostics.len();
            let (documents, diagnostics) = node::parse(&source);
            reading.diagnostics.extend(diagnostics);
            let documents: Vec<_> = documents.into_iter().filter(|document| !document.is_null()).collect();
            if let Some(second) = documents.get(1) {
                reading.error(&second.span, format!("{FILE} has one document")).label = "a second one".to_owned();
            }
            let mut is_root = false;
            if let Some(document) = documents.into_iter().next() {
                is_root = check(&document, reading);
                defaults.layers.push((path, document));
            }
            defaults.broken |= reading.diagnostics.len() > before;
            if is_root {
                break;
            }
        }
        defaults
    }

    /// `document` with what it leaves to its folders.
    pub fn apply(&self, document: &Node) -> Node {
        // Without a call, defaults of calls are of no concern.
        let callless = document.value("steps").is_some();
        let concerns = |key: &str| KEYS.contains(&key) && !(callless && CALL_KEYS.contains(&key));
        self.layers.iter().fold(document.clone(), |document, (_, defaults)| {
            let (Content::Mapping(own), Content::Mapping(defaults)) = (&document.content, &defaults.content) else {
                return document;
            };
            let mut whole = own.clone();
            for entry in defaults.iter().filter(|entry| concerns(&entry.key)) {
                match whole.iter_mut().find(|own| own.key == entry.key) {
                    Some(own) if JOINED.contains(&entry.key.as_str()) => own.value = joined(&own.value, &entry.value),
                    Some(own) => own.value = merged(&own.value, &entry.value),
                    None => whole.push(entry.clone()),
                }
            }
            document.with(Content::Mapping(whole))
        })
    }

    /// The files, the innermost first.
    pub fn files(&self) -> Vec<PathBuf> {
        self.layers.iter().map(|(path, _)| path.clone()).collect()
    }
}

/// Tells keys that have no defaults; gives whether the search ends here.
fn check(document: &Node, reading: &mut Reading<'_>) -> bool {
    let Content::Mapping(entries) = &document.content else {
        let found = document.found();
        reading.error(&document.span, format!("expected defaults: a mapping with keys of a scenario, found {found}"));
        return false;
    };
    let mut is_root = false;
    for Entry { key, key_span, value } in entries {
        match &value.content {
            Content::Scalar { text, quoted: false } if key == ROOT && plain(text) == Plain::Boolean => {
                is_root = text.eq_ignore_ascii_case("true");
            }
            _ if key == ROOT => {
                reading.unexpected(value, "`true` or `false`");
            }
            _ if KEYS.contains(&key.as_str()) => {}
            _ => {
                let message = format!("`{}` has no defaults", shortened(key));
                let diagnostic = reading.error(key_span, message);
                match did_you_mean(key, KEYS.into_iter().chain([ROOT])) {
                    Some(meant) if meant != key => diagnostic.label = format!("did you mean `{meant}`?"),
                    _ => diagnostic.help = format!("known here: {}, {ROOT}", KEYS.join(", ")),
                }
            }
        }
    }
    is_root
}

/// What `own` says and, of mappings key by key, what it leaves to `default`.
fn merged(own: &Node, default: &Node) -> Node {
    let (Content::Mapping(mine), Content::Mapping(theirs)) = (&own.content, &default.content) else {
        return own.clone();
    };
    let mut whole = mine.clone();
    for entry in theirs {
        match whole.iter_mut().find(|own| own.key == entry.key) {
            Some(own) => own.value = merged(&own.value, &entry.value),
            None => whole.push(entry.clone()),
        }
    }
    own.with(Content::Mapping(whole))
}

/// Both lists in one; a single value is a list of one. Of what is in both, `own` is kept.
fn joined(own: &Node, default: &Node) -> Node {
    let items = |node: &Node| match &node.content {
        Content::List(items) => Some(items.clone()),
        Content::Scalar { .. } if !node.is_null() => Some(vec![node.clone()]),
        _ => None,
    };
    // What is no list is told of when it is read.
    let (Some(mine), Some(theirs)) = (items(own), items(default)) else { return own.clone() };
    if mine.is_empty() {
        return own.clone();
    }
    let text = |node: &Node| match &node.content {
        Content::Scalar { text, .. } => Some(text.clone()),
        _ => None,
    };
    let new = theirs.into_iter().filter(|node| mine.iter().all(|own| text(own) != text(node))).collect::<Vec<_>>();
    own.with(Content::List(mine.into_iter().chain(new).collect()))
}
