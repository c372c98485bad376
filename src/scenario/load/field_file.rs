//! The CSV file of a load's replacement fields.

use std::ops::Range;
use std::sync::Arc;

use super::FileLoad;
use crate::load::{Row, Table, fields};
use crate::scenario::document;
use crate::scenario::expand::{Expander, FieldScope, Scope};
use crate::scenario::load_key::{self, FieldsKeys};
use crate::scenario::model::CallSpec;
use crate::scenario::node::{Content, Entry, Node, shortened};
use crate::scenario::reading::Reading;
use crate::scenario::shape::{Placed, Shape};

thread_local! {
    static FIELDS: Shape<FieldsKeys> = load_key::fields();
    static CALL: Shape<CallSpec> = document::call();
}

/// Fields and where they stand.
#[derive(Clone, Debug)]
pub(super) struct FieldFile {
    pub table: Arc<Table>,
    name: String,
    text: Arc<str>,
    /// What its first byte is counted as.
    base: usize,
}

/// The fields of a document.
#[derive(Clone, Debug)]
pub(super) enum LoadFields {
    NoLoad,
    NoFields,
    Broken,
    File(FieldFile),
}

impl LoadFields {
    pub fn scope(&self) -> FieldScope<'_> {
        match self {
            LoadFields::NoLoad => FieldScope::NoLoad,
            LoadFields::NoFields => FieldScope::NoFields,
            LoadFields::Broken => FieldScope::Broken,
            LoadFields::File(file) => FieldScope::Fields(&file.table),
        }
    }
}

impl FileLoad<'_> {
    /// The fields of the document `body`, whose variables are not put in yet.
    pub(super) fn fields(&mut self, body: &Node, scope: &Scope<'_>) -> LoadFields {
        let Some(load) = body.value("load") else { return LoadFields::NoLoad };
        let Some(node) = load.value("fields") else { return LoadFields::NoFields };
        let told = self.reading.diagnostics.len();
        let mut expander = Expander::new(*scope, &mut self.reading, &mut self.files, self.budget);
        let whole = expander.node(node);
        let broken = expander.broken(&node.span);
        let keys = if broken { None } else { FIELDS.with(|shape| shape.read(&whole, &mut self.reading)) };
        // What is wrong with these few values is told when the document is read.
        self.reading.diagnostics.truncate(told);
        let Some(keys) = keys else { return LoadFields::Broken };
        self.field_file(&keys.file).map_or(LoadFields::Broken, LoadFields::File)
    }

    fn field_file(&mut self, file: &Placed<String>) -> Option<FieldFile> {
        let path = self.reading.source_of(file.span.start).folder().join(&file.value);
        if let Some(there) = self.field_files.get(&path) {
            return there.clone();
        }
        let read = self.text(&path, file).and_then(|text| {
            let source = self.reading.add(&path, &text);
            let (base, text) = (source.base(), Arc::<str>::from(source.text()));
            match Table::parse(&text) {
                Ok(table) => Some(FieldFile { table: Arc::new(table), name: file.value.clone(), text, base }),
                Err(error) => {
                    let diagnostic = self.reading.error(&line_span(base, &text, error.line), error.what);
                    diagnostic.related = Some((file.span.clone(), "named here".to_owned()));
                    None
                }
            }
        });
        self.field_files.insert(path, read.clone());
        read
    }

    /// Tells the first row whose values `call` cannot be made with. Gives whether there is none.
    pub(super) fn fill(&mut self, call: Option<&Node>, file: &FieldFile) -> bool {
        let Some(call) = call.filter(|call| scalar(call, &fields::is_marked).is_some()) else { return true };
        for row in file.table.rows() {
            let filled = filled(call, row);
            let mut trial =
                Reading { sources: self.reading.sources.clone(), folder: self.reading.folder, diagnostics: Vec::new() };
            if CALL.with(|shape| shape.read(&filled, &mut trial)).is_some() {
                continue;
            }
            let Some(mut diagnostic) = trial.diagnostics.into_iter().next() else { continue };
            let at = diagnostic.span.start;
            let inside = |node: &Node| node.span.contains(&at);
            let text = node_at(call, &inside).and_then(|node| scalar(node, &fields::is_marked));
            let named = row.named_in(text.unwrap_or_default());
            let told: Vec<_> =
                named.iter().map(|(name, value)| format!("`${{field.{name}}}` is `{}`", shortened(value))).collect();
            let line = format!("line {} of {}", row.line(), shortened(&file.name));
            let note = format!("{} in {line}", told.join(", "));
            diagnostic.help = if diagnostic.help.is_empty() { note } else { format!("{note}; {}", diagnostic.help) };
            diagnostic.related = Some((line_span(file.base, &file.text, row.line()), "this row".to_owned()));
            self.reading.diagnostics.push(diagnostic);
            return false;
        }
        true
    }
}

/// `node` with the values of `row` in place of the marks.
fn filled(node: &Node, row: Row<'_>) -> Node {
    match &node.content {
        Content::Scalar { text, quoted } => Node::scalar(row.fill(text).into_owned(), *quoted, node.span.clone()),
        Content::List(nodes) => node.with(Content::List(nodes.iter().map(|node| filled(node, row)).collect())),
        Content::Mapping(entries) => {
            let whole = |entry: &Entry| Entry { value: filled(&entry.value, row), ..entry.clone() };
            node.with(Content::Mapping(entries.iter().map(whole).collect()))
        }
    }
}

/// The first text in `node` that is as asked.
fn scalar<'a>(node: &'a Node, asked: &dyn Fn(&str) -> bool) -> Option<&'a str> {
    match &node.content {
        Content::Scalar { text, .. } => Some(text.as_str()).filter(|text| asked(text)),
        Content::List(nodes) => nodes.iter().find_map(|node| scalar(node, asked)),
        Content::Mapping(entries) => entries.iter().find_map(|entry| scalar(&entry.value, asked)),
    }
}

/// The single value in `node` that is as asked.
fn node_at<'a>(node: &'a Node, asked: &dyn Fn(&Node) -> bool) -> Option<&'a Node> {
    match &node.content {
        Content::Scalar { .. } => Some(node).filter(|node| asked(node)),
        Content::List(nodes) => nodes.iter().find_map(|node| node_at(node, asked)),
        Content::Mapping(entries) => entries.iter().find_map(|entry| node_at(&entry.value, asked)),
    }
}

/// Where line `number`, counted from 1, of `text` stands.
fn line_span(base: usize, text: &str, number: u64) -> Range<usize> {
    let mut at = base;
    for (index, line) in (1..).zip(text.split('\n')) {
        if index == number {
            return at..at + line.trim_end_matches('\r').len();
        }
        at += line.len() + 1;
    }
    base..base
}
