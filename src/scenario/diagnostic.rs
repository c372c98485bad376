//! What is wrong with a scenario file, and how a person is told: file, line, column, caret, value and help.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::place::Place;

/// One thing wrong with a scenario file.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
    /// What is wrong, a lower-case fragment with the value found: ``unknown step `anser` ``.
    pub message: String,
    /// Stands at the caret: ``did you mean `answer`?``. May be empty.
    pub label: String,
    /// What to do about it, below the source; may be empty.
    pub help: String,
    /// Another part of the file, or of one read with it, that has to do with it, and what to say there.
    pub related: Option<(Range<usize>, String)>,
    /// Bytes that are wrong, counted as [`Source`] does.
    pub span: Range<usize>,
    /// Where `span` begins.
    pub place: Place,
    source: Arc<Source>,
    /// Whose bytes `related` are, where those are of another file.
    pub(super) related_source: Option<Arc<Source>>,
}

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// The scenario runs, but probably not as it was meant.
    Warning,
}

/// How a diagnostic is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    /// With ANSI colours.
    Coloured,
}

impl Diagnostic {
    /// An error about the bytes `span` of `source`.
    pub fn error(source: &Arc<Source>, span: Range<usize>, message: impl Into<String>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            label: String::new(),
            help: String::new(),
            related: None,
            place: source.place(span.start),
            span,
            source: Arc::clone(source),
            related_source: None,
        }
    }

    /// Whether it is about `source`.
    pub(super) fn is_about(&self, source: &Arc<Source>) -> bool {
        Arc::ptr_eq(&self.source, source)
    }

    /// With `label` at the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With `help` below the source.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// With `label` at another part of the same file.
    pub fn related(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.related = Some((span, label.into()));
        self
    }

    /// The text a person reads, several lines, without a line break at the end.
    ///
    /// ```text
    /// error: unknown step `anser`
    ///   --> scenarios/ivr.yaml:14:7
    ///    |
    /// 14 |     - anser
    ///    |       ^^^^^ did you mean `answer`?
    /// ```
    pub fn render(&self, style: Style) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(&self.message);
        let path = self.source.path.to_string_lossy();
        let elsewhere = self.related.as_ref().zip(self.related_source.as_ref());
        let mut group = if self.source.text.is_empty() {
            title.element(Origin::path(path))
        } else {
            // Only the lines from the one to the other: drawing must not take longer in a longer file.
            let caret = self.source.in_one_line(&self.span);
            let here = self.related.as_ref().filter(|_| elsewhere.is_none());
            let related = here.map(|(span, label)| (self.source.in_one_line(span), label));
            let other = related.as_ref().map_or(&caret, |(span, _)| span);
            let first = self.source.line_of(caret.start.min(other.start));
            let last = self.source.line_of(caret.end.max(other.end));
            let from = self.source.lines[first];
            let text = &self.source.text[from..self.source.line_range(last).end];
            let within = |span: &Range<usize>| span.start - from..span.end - from;
            let mut primary = AnnotationKind::Primary.span(within(&caret));
            if !self.label.is_empty() {
                primary = primary.label(&self.label);
            }
            let context =
                related.as_ref().map(|(span, label)| AnnotationKind::Context.span(within(span)).label(*label));
            title.element(
                Snippet::source(text).line_start(first + 1).path(path).annotation(primary).annotations(context),
            )
        };
        if let Some(((span, label), source)) = elsewhere {
            group = group.element(source.snippet(span, label));
        }
        if !self.help.is_empty() {
            group = group.element(Level::HELP.message(&self.help));
        }
        let report: &[Group<'_>] = &[group];
        match style {
            Style::Plain => Renderer::plain().render(report),
            Style::Coloured => Renderer::styled().render(report),
        }
    }
}

/// A scenario file's text and how its bytes lie in lines.
///
/// Files that are read together, as those that a scenario includes, count their bytes on from one another, so that a
/// span tells its file by itself.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    text: String,
    /// What its first byte is counted as; 0 for a file that is read alone.
    base: usize,
    /// The byte each line starts at.
    lines: Vec<usize>,
}

impl Source {
    /// `text` as read from `path`; a byte order mark at its beginning is dropped.
    pub fn new(path: impl Into<PathBuf>, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Source { path: path.into(), text: text.to_owned(), base: 0, lines }
    }

    /// The same, its bytes counted from `base`.
    pub(super) fn counted_from(self, base: usize) -> Self {
        Source { base, ..self }
    }

    /// What its first byte is counted as.
    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// What a file read after this one counts its first byte as.
    pub(super) fn next_base(&self) -> usize {
        // The end of a text is a place of its own.
        self.base + self.text.len() + 1
    }

    /// The text at `span`.
    pub(super) fn slice(&self, span: &Range<usize>) -> Option<&str> {
        self.text.get(span.start.checked_sub(self.base)?..span.end.checked_sub(self.base)?)
    }

    /// One line of it with something to say there.
    fn snippet<'a>(&'a self, span: &Range<usize>, label: &'a str) -> Snippet<'a, Annotation<'a>> {
        let caret = self.in_one_line(span);
        let line = self.line_of(caret.start);
        let from = self.lines[line];
        let annotation = AnnotationKind::Context.span(caret.start - from..caret.end - from).label(label);
        Snippet::source(&self.text[self.line_range(line)])
            .line_start(line + 1)
            .path(self.path.to_string_lossy())
            .annotation(annotation)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The folder that file names in the scenario are relative to; empty for the current one.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// Line and column of the byte `at`; the end of the text when it lies beyond.
    pub fn place(&self, at: usize) -> Place {
        let at = floor(&self.text, at.saturating_sub(self.base));
        let line = self.line_of(at);
        let column = self.text[self.lines[line]..at].chars().count();
        Place { file: self.path.clone(), line: line + 1, column: column + 1 }
    }

    /// The text of the line that the byte `at` of the text is in, without its end.
    pub(super) fn line_at(&self, at: usize) -> &str {
        &self.text[self.line_range(self.line_of(at))]
    }

    /// The byte of the text that the line of `at` starts with.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.lines[self.line_of(at)]
    }

    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.lines[line];
        let end = self.lines.get(line + 1).map_or(self.text.len(), |next| next - 1);
        start..start + self.text[start..end].trim_end_matches('\r').len()
    }

    /// The bytes of the text in `span`'s first line, so that a caret never spans a page.
    fn in_one_line(&self, span: &Range<usize>) -> Range<usize> {
        let start = floor(&self.text, span.start.saturating_sub(self.base));
        let line = self.line_range(self.line_of(start));
        let end = floor(&self.text, span.end.saturating_sub(self.base)).min(line.end);
        // Never past the line: a caret there would be drawn in the next one.
        start..end.max(start)
    }
}

/// The last character boundary of `text` at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The word of `known` that `word` was probably meant to be.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let word = folded(word);
    // One slip in a short word, more in a long one.
    let slips = (word.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &folded(candidate)), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_with_crlf_or_lf() {
        let source = Source::new("a.yaml", "\u{feff}näme: x\r\nb: ü y\n");
        let of = |text: &str| {
            let place = source.place(source.text().find(text).unwrap());
            (place.line, place.column)
        };
        assert_eq!(of("x"), (1, 7));
        assert_eq!(of("y"), (2, 6));
        assert_eq!(source.place(999).line, 3);
        assert_eq!(source.line_at(0), "näme: x");
    }

    #[test]
    fn the_caret_and_the_place_agree_after_characters_of_several_bytes() {
        let source = Arc::new(Source::new("a.yaml", "ok: 1\n  größe: ünïcode # 漢字\n"));
        let at = source.text().find("ünïcode").unwrap();
        let diagnostic = Diagnostic::error(&source, at..at + "ünïcode".len(), "bad").label("here");
        insta::assert_snapshot!(diagnostic.render(Style::Plain), @r"
        error: bad
         --> a.yaml:2:10
          |
        2 |   größe: ünïcode # 漢字
          |          ^^^^^^^ here
        ");
        assert_eq!(diagnostic.place.to_string(), "a.yaml:2:10");
    }

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let known = ["answer", "hangup", "play", "stop_record", "NORMAL_CLEARING"];
        let meant = |word| did_you_mean(word, known);
        assert_eq!(meant("anser"), Some("answer"));
        assert_eq!(meant("hagnup"), Some("hangup"));
        assert_eq!(meant("stop-record"), Some("stop_record"));
        assert_eq!(meant("normal_clearing"), Some("NORMAL_CLEARING"));
        assert_eq!(meant("dial"), None);
    }
}
