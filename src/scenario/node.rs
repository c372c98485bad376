//! YAML 1.2 as a tree that knows where every key and value stands, so that all errors of a file can be told at once.
//!
//! Scalars keep the text they were written with: `0123` is the number to dial, not 83, and `yes` is a word.
//! Anchors and aliases work; merge keys (`<<`, YAML 1.1) and tags other than the core ones do not.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::diagnostic::{Diagnostic, Source};

/// Levels of nesting that a scenario may have; the language needs fewer than ten.
const MAX_DEPTH: usize = 64;

/// Nodes of all documents together, each alias counted with all it stands for.
const MAX_NODES: usize = 250_000;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub content: Content,
    /// Bytes of the source.
    pub span: Range<usize>,
    /// Nodes below this one and itself.
    size: usize,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// Any single value. `quoted` scalars are text and nothing else.
    Scalar {
        text: String,
        quoted: bool,
    },
    List(Vec<Node>),
    /// In the order of the file; no key is there twice.
    Mapping(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_span: Range<usize>,
    pub value: Node,
}

/// What an unquoted scalar is by the YAML 1.2 core schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    Null,
    Boolean,
    Number,
    Text,
}

impl Node {
    /// A single value that stands at `span`, or is to be told of there.
    pub(super) fn scalar(text: String, quoted: bool, span: Range<usize>) -> Self {
        Node { content: Content::Scalar { text, quoted }, span, size: 1 }
    }

    /// The same node with other content.
    pub(super) fn with(&self, content: Content) -> Self {
        let below: usize = match &content {
            Content::Scalar { .. } => 0,
            Content::List(nodes) => nodes.iter().map(|node| node.size).sum(),
            Content::Mapping(entries) => entries.iter().map(|entry| entry.value.size).sum(),
        };
        Node { content, span: self.span.clone(), size: below + 1 }
    }

    /// Nodes below this one and itself.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The value under `key`, if this is a mapping that has it.
    pub fn value(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry with `key`, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Nothing was written, or `null`, or `~`.
    pub fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, quoted: false } if plain(text) == Plain::Null)
    }

    /// What was found, for a message: `` `abc` ``, `a list`, `nothing`.
    pub fn found(&self) -> String {
        match &self.content {
            Content::List(_) => "a list".to_owned(),
            Content::Mapping(_) => "a mapping".to_owned(),
            Content::Scalar { .. } if self.is_null() => "nothing".to_owned(),
            Content::Scalar { text, quoted: true } if text.is_empty() => "an empty text".to_owned(),
            Content::Scalar { text, .. } => format!("`{}`", shortened(text)),
        }
    }
}

/// What the unquoted `text` is by the YAML 1.2 core schema (10.3.2).
pub fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Plain::Boolean,
        _ if is_number(text) => Plain::Number,
        _ => Plain::Text,
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let radix = |prefix, radix| {
        text.strip_prefix(prefix).is_some_and(|rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)))
    };
    let decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.parse::<f64>().is_ok();
    decimal || radix("0x", 16) || radix("0o", 8)
}

/// `text` in one line of at most 60 characters.
pub(crate) fn shortened(text: &str) -> String {
    let line = text.replace(['\n', '\r', '\t'], " ");
    match line.char_indices().nth(60) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line,
    }
}

/// The documents of `source`, and what is wrong with it as YAML. Documents before a mistake are still there.
pub fn parse(source: &Arc<Source>) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut tree = Tree::new(source);
    let mut parser = Parser::new_from_str(source.text());
    // `next_event` keeps its own stack; the parser's `load` would recurse as deep as the file wants.
    while let Some(event) = parser.next_event() {
        match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => {
                let span = tree.bytes(span.start.index())..tree.bytes(span.end.index());
                if let Err(stop) = tree.add(event, span) {
                    tree.diagnostics.push(*stop);
                    break;
                }
            }
            Err(error) => {
                let at = tree.bytes(error.marker().index()) - source.base();
                tree.diagnostics.push(syntax_error(source, at, error.info()));
                break;
            }
        }
    }
    (tree.documents, tree.diagnostics)
}

/// What the YAML parser found wrong at the byte `at` of the text, in the words of someone who writes scenarios.
fn syntax_error(source: &Arc<Source>, at: usize, info: &str) -> Diagnostic {
    if let Some(tab) = indenting_tab(source, at, info) {
        let tab = source.base() + tab;
        return Diagnostic::error(source, tab..tab + 1, "a tab indents this line")
            .label("tab")
            .help("YAML indents with spaces only");
    }
    let rest = &source.text()[at.min(source.text().len())..];
    let next = rest.chars().next().filter(|c| *c != '\n');
    let start = source.base() + at;
    let span = start..start + next.map_or(0, char::len_utf8);
    let has = |part: &str| info.contains(part);
    if has("recursion limit") {
        return Diagnostic::error(source, span, format!("more than {MAX_DEPTH} levels of nesting"));
    }
    let help = if has("block scalar") || next.is_some_and(|c| "%@`|>".contains(c)) {
        "a value that begins with one of `%`, `@`, `` ` ``, `|`, `>` needs quotation marks: `\"> 2s\"`"
    } else if has("unknown anchor") {
        "an alias `*name` needs its anchor `&name` before it, in the same document"
    } else if has("simple key expect") {
        "a key needs a colon and a space after it: `key: value`; a list item needs `- `"
    } else if has("mapping values are not allowed") {
        "quote a text that holds `: `, and check the indentation of this line"
    } else if has("quoted scalar") {
        "a quotation mark is missing its partner"
    } else if has("or ']'") || has("flow sequence") {
        "a `[` is missing its `]`"
    } else if has("or '}'") || has("flow mapping") {
        "a `{` is missing its `}`"
    } else if has("illegal placement of ':'") || has("flow construct") {
        "a `[` or `{` before this is missing its partner, or a text that holds `:` its quotation marks"
    } else {
        ""
    };
    Diagnostic::error(source, span, format!("not YAML: {info}")).help(help)
}

/// The tab that the parser stumbled over. It may tell of it at what follows, or at the value before.
fn indenting_tab(source: &Source, at: usize, info: &str) -> Option<usize> {
    let tab_in = |at: usize| {
        let line = source.line_at(at);
        let indent = &line[..line.len() - line.trim_start().len()];
        Some(source.line_start(at) + indent.find('\t')?)
    };
    let text = source.text();
    let here = at.min(text.len());
    let after = || {
        let next_lines = memchr::memchr_iter(b'\n', &text.as_bytes()[here..]).map(|end| here + end + 1);
        info.contains("tab").then(|| next_lines.take(3).find_map(tab_in)).flatten()
    };
    tab_in(here).or_else(after)
}

/// A tree that grows from the events of the parser.
struct Tree<'a> {
    source: &'a Arc<Source>,
    /// The byte each character starts at, and the end; `None` when all are ASCII.
    offsets: Option<Vec<usize>>,
    documents: Vec<Node>,
    diagnostics: Vec<Diagnostic>,
    /// Lists and mappings that are still open, the innermost last.
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

/// A list or mapping whose end has not come yet.
struct Open {
    start: usize,
    /// End of the last child: block collections end where the next thing begins, which is not what to underline.
    end: usize,
    anchor: usize,
    size: usize,
    content: OpenContent,
}

enum OpenContent {
    List(Vec<Node>),
    /// `key` waits for its value. It is `Some(None)` when it was no word, which has been told.
    Mapping {
        entries: Vec<Entry>,
        /// Keys there are and where.
        known: HashMap<String, Range<usize>>,
        key: Option<Option<(String, Range<usize>)>>,
    },
}

impl<'a> Tree<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        let text = source.text();
        let offsets = (!text.is_ascii())
            .then(|| text.char_indices().map(|(at, _)| at).chain(std::iter::once(text.len())).collect());
        Tree {
            source,
            offsets,
            documents: Vec::new(),
            diagnostics: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
        }
    }

    /// The byte that the character `index` starts at.
    fn bytes(&self, index: usize) -> usize {
        let end = self.source.text().len();
        self.source.base()
            + match &self.offsets {
                Some(offsets) => offsets.get(index).copied().unwrap_or(end),
                None => index.min(end),
            }
    }

    fn error(&self, span: Range<usize>, message: impl Into<String>) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(self.source, span, message))
    }

    /// Takes one event in. An error ends the reading of the file.
    fn add(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), Box<Diagnostic>> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.check_tag(tag.as_deref(), &span);
                let quoted = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                let written = self.source.slice(&span).unwrap_or_default();
                let span = span.start..span.start + written.trim_end().len();
                let node = Node { content: Content::Scalar { text: text.into_owned(), quoted }, span, size: 1 };
                self.finish(node, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), &span);
                self.begin(span, anchor, OpenContent::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.check_tag(tag.as_deref(), &span);
                self.begin(span, anchor, OpenContent::Mapping { entries: Vec::new(), known: HashMap::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                // A flow collection ends with its bracket, a block one with its last child.
                let end = if span.is_empty() { open.end } else { open.end.max(span.end) };
                let content = match open.content {
                    OpenContent::List(nodes) => Content::List(nodes),
                    OpenContent::Mapping { entries, .. } => Content::Mapping(entries),
                };
                self.finish(Node { content, span: open.start..end.max(open.start), size: open.size }, open.anchor)
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                // The size is known beforehand, so a bomb is refused before it is copied.
                Some(node) if self.nodes + node.size > MAX_NODES => Err(self.too_many(span)),
                Some(node) => {
                    let node = node.clone();
                    self.nodes += node.size - 1;
                    self.finish(node, 0)
                }
                None => Err(self.error(span, "this alias stands inside the anchor it names, or the anchor is missing")),
            },
            Event::DocumentStart(_) | Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            Event::StreamStart | Event::StreamEnd | Event::Nothing => Ok(()),
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, span: &Range<usize>) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let diagnostic = self.error(span.clone(), format!("tag `{tag}` means nothing here"));
            self.diagnostics.push(*diagnostic);
        }
    }

    fn too_many(&self, span: Range<usize>) -> Box<Diagnostic> {
        self.error(span, format!("more than {MAX_NODES} values in one file, aliases counted with all they stand for"))
    }

    fn begin(&mut self, span: Range<usize>, anchor: usize, content: OpenContent) -> Result<(), Box<Diagnostic>> {
        if self.open.len() == MAX_DEPTH {
            return Err(self.error(span, format!("more than {MAX_DEPTH} levels of nesting")));
        }
        self.open.push(Open { start: span.start, end: span.end, anchor, size: 1, content });
        Ok(())
    }

    /// Puts a node that is whole where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Box<Diagnostic>> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.too_many(node.span));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
            self.nodes += node.size;
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        open.size += node.size;
        // An alias stands elsewhere than what it stands for.
        open.end = open.end.max(node.span.end);
        match &mut open.content {
            OpenContent::List(nodes) => nodes.push(node),
            OpenContent::Mapping { entries, known, key } => match key.take() {
                None => match node.content {
                    Content::Scalar { text, .. } => *key = Some(Some((text, node.span))),
                    _ => {
                        let found = node.found();
                        let diagnostic = Diagnostic::error(self.source, node.span.clone(), "a key must be a word")
                            .label(format!("found {found}"));
                        self.diagnostics.push(diagnostic);
                        *key = Some(None);
                    }
                },
                Some(None) => {}
                Some(Some((key, key_span))) => match known.get(&key) {
                    Some(first) => {
                        let message = format!("key `{}` is there twice", shortened(&key));
                        let diagnostic = Diagnostic::error(self.source, key_span, message)
                            .label("again here")
                            .related(first.clone(), "first here");
                        self.diagnostics.push(diagnostic);
                    }
                    None => {
                        known.insert(key.clone(), key_span.clone());
                        entries.push(Entry { key, key_span, value: node });
                    }
                },
            },
        }
        Ok(())
    }
}
