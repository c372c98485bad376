//! What went wrong in a test, in words: the checks that did not hold, what each leg did, and how to try again.

use std::fmt::Display;
use std::path::PathBuf;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape;
use super::paint::{Paint, Style};
use crate::run::TestReport;
use crate::units::Time;
use crate::verdict::{CheckReport, LegTrace, Passage, TraceKind, Verdict};

/// How an explanation is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub paint: Paint,
    /// Columns of the terminal, at which prose is wrapped. `None`: every text stands on one line.
    pub width: Option<usize>,
    /// How many of the last entries of a leg are shown.
    pub entries: usize,
}

/// Width of the column of labels.
pub(super) const LABELS: usize = 10;
/// Least room for text, however narrow the terminal.
const NARROWEST: usize = 20;

/// All there is to say of a test that did not pass. Each line ends in a line break.
pub fn test(report: &TestReport, layout: Layout) -> String {
    [attempts(report, layout), checks(report, layout), legs(report, layout), again(report, layout)].concat()
}

/// A line on each attempt before the last.
pub fn attempts(report: &TestReport, layout: Layout) -> String {
    let mut page = Page { layout, text: String::new() };
    for (number, attempt) in (1..).zip(&report.earlier) {
        let why =
            why(&attempt.checks, attempt.verdict).map_or_else(String::new, |check| format!(" - {}", reason(check)));
        page.prose("attempt", Style::of(attempt.verdict), &format!("{number} {}{why}", label(attempt.verdict)));
        for recording in &attempt.recordings {
            page.fixed("recorded", &recording.display().to_string());
        }
    }
    page.text
}

/// The checks that did not hold, and how many did.
pub fn checks(report: &TestReport, layout: Layout) -> String {
    checks_of(&report.checks, report.verdict, layout)
}

/// [`checks`] of one attempt.
pub fn checks_of(checks: &[CheckReport], verdict: Verdict, layout: Layout) -> String {
    let mut page = Page { layout, text: String::new() };
    let mut held = 0;
    for check in checks {
        match check.verdict {
            Verdict::Passed => held += 1,
            Verdict::Skipped => page.prose("skipped", Style::Calm, &reason(check)),
            Verdict::Failed | Verdict::Error => page.check(check, label(check.verdict)),
        }
    }
    if !checks.iter().any(|check| wrong(check.verdict)) && wrong(verdict) {
        page.prose(label(verdict), Style::of(verdict), "no check says why; see what the legs did");
    }
    if held > 0 {
        page.prose("passed", Style::Faint, &format!("{held} other {}", if held == 1 { "check" } else { "checks" }));
    }
    page.text
}

/// What was kept, and the command that runs the test alone.
pub fn again(report: &TestReport, layout: Layout) -> String {
    recorded(&report.recordings, layout) + &rerun(report, layout)
}

/// The command that runs the test alone.
pub fn rerun(report: &TestReport, layout: Layout) -> String {
    let mut page = Page { layout, text: String::new() };
    if !report.rerun.is_empty() {
        page.fixed("rerun", &report.rerun);
    }
    page.text
}

/// What each leg did, with times from the start of the test.
pub fn legs(report: &TestReport, layout: Layout) -> String {
    legs_of(&report.legs, report.started, layout)
}

/// [`legs`] of one attempt.
pub fn legs_of(legs: &[LegTrace], started: Time, layout: Layout) -> String {
    let mut page = Page { layout, text: String::new() };
    for leg in legs {
        page.leg(leg, started);
    }
    page.text
}

/// A line with a label before it.
pub(super) fn row(label: &str, style: Style, text: &str, layout: Layout) -> String {
    let mut page = Page { layout, text: String::new() };
    page.prose(label, style, text);
    page.text
}

/// A check that did not hold, with a word of the caller's before it.
pub(super) fn check_labelled(check: &CheckReport, label: &str, layout: Layout) -> String {
    let mut page = Page { layout, text: String::new() };
    page.check(check, label);
    page.text
}

/// Where recordings are.
pub(crate) fn recorded(recordings: &[PathBuf], layout: Layout) -> String {
    let mut page = Page { layout, text: String::new() };
    for recording in recordings {
        page.fixed("recorded", &recording.display().to_string());
    }
    page.text
}

/// One line on a check that did not hold: `caller heard tone 1004 Hz: 440.2 Hz at -0.1 dBm0`.
pub fn reason(check: &CheckReport) -> String {
    let name = escape::line(&check.name);
    match check.actual.lines().find(|line| !line.trim().is_empty()) {
        Some(actual) => format!("{name}: {}", escape::line(actual.trim())),
        None => name,
    }
}

/// Where to listen, a line for each recording: `1.20s to 1.45s and 2.00s to 2.10s of caller.wav`.
fn listen(check: &CheckReport) -> Vec<String> {
    const MOST: usize = 4;
    let parts = check.passages.chunk_by(|a, b| (&a.recording, a.channel) == (&b.recording, b.channel));
    let line = |part: &[Passage]| {
        let times: Vec<_> = part.iter().take(MOST).map(|passage| passage.times()).collect();
        let more = part.len().checked_sub(MOST + 1).map_or(String::new(), |more| format!(" and {} more", more + 1));
        let Passage { recording, channel, .. } = &part[0];
        let channel = if *channel == 0 { String::new() } else { format!(", channel {}", channel + 1) };
        format!("{}{more} of {}{channel}", times.join(", "), recording.display())
    };
    parts.map(line).collect()
}

/// The check that decided the verdict of a test: the first of its verdict.
pub fn decisive(report: &TestReport) -> Option<&CheckReport> {
    why(&report.checks, report.verdict)
}

/// The first check of a verdict.
pub fn why(checks: &[CheckReport], verdict: Verdict) -> Option<&CheckReport> {
    checks.iter().find(|check| check.verdict == verdict)
}

fn wrong(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Failed | Verdict::Error)
}

fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Skipped => "skipped",
        Verdict::Failed => "failed",
        Verdict::Error => "error",
    }
}

/// A column of labels to the left, texts to the right.
struct Page {
    layout: Layout,
    text: String,
}

impl Page {
    fn check(&mut self, check: &CheckReport, label: &str) {
        let style = Style::of(check.verdict);
        self.row(label, style, self.layout.paint.apply(Style::Strong, escape::line(&check.name)));
        if let Some(place) = &check.place {
            self.fixed("at", &place.to_string());
        }
        for (label, text) in [("expected", &check.expected), ("actual", &check.actual), ("help", &check.help)] {
            if !text.trim().is_empty() {
                self.prose(label, Style::Strong, text.trim_end());
            }
        }
        for line in listen(check) {
            self.fixed("listen", &line);
        }
    }

    fn leg(&mut self, leg: &LegTrace, started: Time) {
        let name = escape::line(&leg.leg);
        let uuid = match leg.uuid.as_str() {
            "" if leg.leg == "host" => "without a call".to_owned(),
            "" => "never came to be".to_owned(),
            uuid => escape::line(uuid),
        };
        self.row(&name, Style::Strong, self.layout.paint.apply(Style::Faint, uuid));
        let hidden = leg.entries.len().saturating_sub(self.layout.entries);
        if hidden > 0 {
            self.row("", Style::Faint, self.layout.paint.apply(Style::Faint, format!("... {hidden} earlier")));
        }
        for entry in &leg.entries[hidden..] {
            let kind = match entry.kind {
                TraceKind::Event => "event",
                TraceKind::Command => "command",
                TraceKind::Reply => "reply",
            };
            let head = format!("{:>8} {kind:<7} ", offset(entry.at, started));
            let mut texts = wrap(&escape::line(&entry.text), self.room(head.len())).into_iter();
            let first = texts.next().unwrap_or_default();
            self.row("", Style::Faint, format!("{}{first}", self.layout.paint.apply(Style::Faint, &head)));
            for text in texts {
                self.row("", Style::Faint, format!("{:indent$}{text}", "", indent = head.len()));
            }
        }
    }

    /// Text for people, wrapped where the terminal is narrow.
    fn prose(&mut self, label: &str, style: Style, text: &str) {
        let lines: Vec<_> = escape::lines(text).split('\n').flat_map(|line| wrap(line, self.room(0))).collect();
        for (index, line) in lines.iter().enumerate() {
            self.row(if index == 0 { label } else { "" }, style, line);
        }
    }

    /// Text that will be copied: never wrapped.
    fn fixed(&mut self, label: &str, text: &str) {
        self.row(label, Style::Strong, escape::line(text));
    }

    fn row(&mut self, label: &str, style: Style, text: impl Display) {
        let label =
            if label.is_empty() { " ".repeat(LABELS) } else { self.layout.paint.apply(style, pad_left(label, LABELS)) };
        let line = format!("{label} {text}");
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn room(&self, head: usize) -> Option<usize> {
        self.layout.width.map(|width| width.saturating_sub(LABELS + 1 + head).max(NARROWEST))
    }
}

/// Time from the test's start: `+0.021s`.
fn offset(at: Time, started: Time) -> String {
    let (sign, by) = if at < started { ('-', started.since(at)) } else { ('+', at.since(started)) };
    format!("{sign}{:.3}s", by.as_secs_f64())
}

fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

/// `text` in lines of at most `room` columns, broken at spaces; a word that is longer stays whole.
fn wrap(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room else { return vec![text.to_owned()] };
    let indent = text.len() - text.trim_start_matches(' ').len();
    let mut lines = vec![" ".repeat(indent)];
    let mut column = indent;
    for (index, word) in text[indent..].split(' ').enumerate() {
        let last = lines.len() - 1;
        if index > 0 && column + 1 + word.width() > room && column > indent {
            lines.push(word.to_owned());
            column = word.width();
            continue;
        }
        if index > 0 {
            lines[last].push(' ');
            column += 1;
        }
        lines[last].push_str(word);
        column += word.width();
    }
    lines
}

/// `text` cut to `columns` columns, with `…` where something was cut.
pub fn clip(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut column = 0;
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if column + width + 1 > columns {
            break;
        }
        clipped.push(c);
        column += width;
    }
    if columns > 0 {
        clipped.push('…');
    }
    clipped
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn wrapped_text_keeps_within_the_terminal_and_loses_no_word() {
        let text = "the callee echoes, so the caller should hear its own tone again after one round trip";
        for room in 1..100 {
            let lines = wrap(text, Some(room));
            assert_eq!(lines.join(" "), text);
            for line in lines {
                assert!(line.width() <= room || !line.contains(' '), "{line:?} is wider than {room}");
            }
        }
        assert_eq!(wrap("  indented words", Some(12)), ["  indented", "words"]);
        assert_eq!(wrap("", Some(12)), [""]);
    }

    #[test]
    fn clipped_text_never_exceeds_its_columns() {
        for columns in 0..12 {
            assert!(clip("電話 test 電話", columns).width() <= columns);
        }
        assert_eq!(clip("scenarios", 9), "scenarios");
        assert_eq!(clip("scenarios", 8), "scenari…");
    }

    #[test]
    fn a_failed_check_says_where_to_listen() {
        let passage = |file: &str, channel, from, to| Passage {
            recording: file.into(),
            channel,
            from: Duration::from_millis(from),
            to: Duration::from_millis(to),
        };
        let passages = vec![
            passage("out/caller.wav", 0, 1_200, 1_450),
            passage("out/caller.wav", 0, 2_000, 62_005),
            passage("out/caller.wav", 1, 0, 3),
        ];
        let check = CheckReport {
            name: "x".into(),
            place: None,
            verdict: Verdict::Failed,
            expected: String::new(),
            actual: String::new(),
            help: String::new(),
            passages,
        };
        let told = checks_of(&[check], Verdict::Failed, Layout { paint: Paint::Plain, width: None, entries: 0 });
        let expected = [
            "    failed x",
            "    listen 1.200s to 1.450s, 2.000s to 62.005s of out/caller.wav",
            "    listen 0.000s to 0.003s of out/caller.wav, channel 2",
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn times_are_told_from_the_start_of_the_test() {
        let start = Time::from_micros(5_000_000);
        assert_eq!(offset(Time::from_micros(5_021_400), start), "+0.021s");
        assert_eq!(offset(Time::from_micros(4_999_000), start), "-0.001s");
    }
}
