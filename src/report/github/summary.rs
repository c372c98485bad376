//! The summary of a job, in Markdown.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use super::super::explain::{self, Layout};
use super::super::paint::Paint;
use super::super::{Report, ReportError, escape, load_text};
use crate::run::{RunEvent, Summary, TestReport};
use crate::verdict::{Mark, Verdict};

const LAYOUT: Layout = Layout { paint: Paint::Plain, width: None, entries: 0 };
/// GitHub refuses what is larger than 1 MiB a step.
const LIMIT: usize = 1 << 20;
/// Room for the words that something was left out.
const RESERVE: usize = 256;
/// Rows of the tables of flaky and of slow tests.
const FLAKY: usize = 100;
const SLOWEST: usize = 10;
/// Columns of a name or reason.
const WIDEST: usize = 300;
/// Characters of what is told of one test.
const LONGEST: usize = 8_000;

/// Appends a summary to a file when the run ends.
#[derive(Debug)]
pub struct Markdown {
    path: PathBuf,
    tests: usize,
    summary: Option<Summary>,
    wrong: Vec<TestReport>,
    flaky: Vec<(String, String)>,
    slowest: Vec<(Duration, String)>,
    /// Loads that passed: their figures are what one wants to see of them.
    loads: Vec<TestReport>,
}

impl Markdown {
    /// To the file that `GITHUB_STEP_SUMMARY` names.
    pub fn new(path: impl Into<PathBuf>) -> Markdown {
        let (wrong, flaky, slowest, loads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Markdown { path: path.into(), tests: 0, summary: None, wrong, flaky, slowest, loads }
    }

    fn ended(&mut self, report: &TestReport) {
        let name = named(report);
        self.slowest.push((report.duration, name.clone()));
        self.slowest.sort_by(|a, b| b.cmp(a));
        self.slowest.truncate(SLOWEST);
        match (report.verdict, &report.mark) {
            (Verdict::Failed | Verdict::Error, _) => self.wrong.push(report.clone()),
            _ if report.load.is_some() => self.loads.push(report.clone()),
            (_, Some(Mark::Flaky)) => {
                let first = report.earlier.first().and_then(|tried| explain::why(&tried.checks, tried.verdict));
                self.flaky.push((name, first.map(explain::reason).unwrap_or_default()));
            }
            _ => {}
        }
    }

    /// The summary in at most `room` bytes.
    fn text(&self, room: usize) -> String {
        let mut text = self.head();
        let tail = self.flaky() + &self.slowest();
        let room = room.saturating_sub(text.len() + tail.len() + RESERVE);
        let wrong = details("Did not pass", &self.wrong, room);
        let loads = details("Loads", &self.loads, room - wrong.len().min(room));
        text += &wrong;
        text += &loads;
        text + &tail
    }

    fn head(&self) -> String {
        let summary = self.summary.unwrap_or_default();
        let Summary { passed, flaky, expected_failures, failed, errors, skipped, .. } = summary;
        let told = passed + expected_failures + failed + errors + skipped;
        let lost = self.tests.saturating_sub(told);
        let green = failed + errors + lost == 0 && passed + expected_failures > 0;
        let word = match (self.summary, green) {
            (None, _) => "the run did not end",
            (Some(Summary { interrupted: true, .. }), _) => "interrupted",
            (_, true) => "passed",
            (_, false) => "not passed",
        };
        let icon = if word == "passed" { "✅" } else { "❌" };
        format!(
            "## {icon} callwright: {word}\n\n\
             | passed | of them flaky | failed as expected | failed | in error | skipped | not run | time |\n\
             |--:|--:|--:|--:|--:|--:|--:|--:|\n\
             | {passed} | {flaky} | {expected_failures} | {failed} | {errors} | {skipped} | {lost} | {:.2}s |\n",
            summary.duration.as_secs_f64()
        )
    }

    fn flaky(&self) -> String {
        if self.flaky.is_empty() {
            return String::new();
        }
        let row = |(name, reason): &(String, String)| format!("| {} | {} |\n", cell(name), cell(reason));
        let rows: String = self.flaky.iter().take(FLAKY).map(row).collect();
        let more = match self.flaky.len().saturating_sub(FLAKY) {
            0 => String::new(),
            more => format!("\n{more} more were flaky.\n"),
        };
        format!("\n### Flaky\n\n| test | at first |\n|---|---|\n{rows}{more}")
    }

    fn slowest(&self) -> String {
        let row = |(took, name): &(Duration, String)| format!("| {:.2}s | {} |\n", took.as_secs_f64(), cell(name));
        let rows: String = self.slowest.iter().map(row).collect();
        if rows.is_empty() {
            return rows;
        }
        format!("\n<details><summary>Slowest</summary>\n\n| time | test |\n|--:|---|\n{rows}\n</details>\n")
    }

    fn append(&self) -> io::Result<()> {
        let there = fs::metadata(&self.path).map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(LIMIT));
        let text = self.text(LIMIT.saturating_sub(there));
        if there + text.len() > LIMIT {
            return Err(io::Error::other("other summaries of this step fill its 1 MiB"));
        }
        OpenOptions::new().create(true).append(true).open(&self.path)?.write_all(text.as_bytes())
    }
}

impl Report for Markdown {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        match event {
            RunEvent::Started { tests, .. } => self.tests = *tests,
            RunEvent::TestEnded(report) => self.ended(report),
            RunEvent::Ended { summary, .. } => self.summary = Some(*summary),
            RunEvent::HostUp { .. }
            | RunEvent::HostLost { .. }
            | RunEvent::SessionsLeft { .. }
            | RunEvent::TestStarted { .. }
            | RunEvent::LoadTold { .. }
            | RunEvent::CallEnded { .. }
            | RunEvent::TestSlow { .. } => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.append().map_err(|source| ReportError::File { path: self.path.clone(), source })
    }
}

fn named(report: &TestReport) -> String {
    format!("{} ({})", report.test, report.host)
}

/// A section of tests in at most `room` bytes; nothing of none.
fn details(title: &str, reports: &[TestReport], room: usize) -> String {
    let mut details = String::new();
    for (index, report) in reports.iter().enumerate() {
        let detail = detail(report);
        if details.len() + detail.len() > room {
            details += &format!("\n{} more are left out: a summary holds 1 MiB.\n", reports.len() - index);
            break;
        }
        details += &detail;
    }
    if details.is_empty() { details } else { format!("\n### {title}\n\n{details}") }
}

/// One test, to be unfolded.
fn detail(report: &TestReport) -> String {
    let word = match report.verdict {
        Verdict::Error => "ERROR",
        Verdict::Failed => "FAIL",
        Verdict::Passed | Verdict::Skipped => "PASS",
    };
    let reason = explain::decisive(report).filter(|_| report.verdict != Verdict::Passed).map(explain::reason);
    let reason = reason.map_or_else(String::new, |reason| format!(" - {}", cell(&reason)));
    let checks = match &report.load {
        None => explain::checks(report, LAYOUT),
        Some(load) => load_text::summary(report, load, LAYOUT),
    };
    let told = [explain::attempts(report, LAYOUT), checks, explain::again(report, LAYOUT)];
    let told: String = told.concat().chars().take(LONGEST).collect();
    format!(
        "<details><summary>{word} {}{}</summary>\n\n<pre>{}</pre>\n\n</details>\n",
        cell(&named(report)),
        reason,
        // An empty line would end the HTML block in Markdown.
        html(told.trim_end()).replace("\n\n", "\n&#32;\n")
    )
}

fn cell(text: &str) -> String {
    escape::cell(text, WIDEST)
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn markdown(events: &[RunEvent]) -> Markdown {
        let folder = tempfile::tempdir().unwrap();
        let mut markdown = Markdown::new(folder.path().join("none"));
        for event in events {
            markdown.handle(event).unwrap();
        }
        markdown
    }

    #[test]
    fn a_run_as_a_summary() {
        insta::assert_snapshot!(markdown(&sample::events()).text(LIMIT));
    }

    #[test]
    fn loads_as_a_summary() {
        let mut passed = sample::search();
        passed.verdict = Verdict::Passed;
        let events = [sample::load_events(), vec![RunEvent::TestEnded(Box::new(passed))]].concat();
        insta::assert_snapshot!(markdown(&events).text(LIMIT));
    }

    #[test]
    fn flaky_tests_as_a_summary() {
        insta::assert_snapshot!(markdown(&sample::marked()).text(LIMIT));
    }

    #[test]
    fn a_summary_is_appended_and_never_larger_than_github_takes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary.md");
        fs::write(&path, "before\n").unwrap();
        let mut markdown = Markdown::new(&path);
        markdown.handle(&sample::events()[0]).unwrap();
        for _ in 0..5_000 {
            markdown.handle(&RunEvent::TestEnded(Box::new(sample::failed()))).unwrap();
        }
        markdown.finish().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("before\n## ❌"));
        assert!((LIMIT - 2_000..=LIMIT).contains(&text.len()), "{}", text.len());
        let shown = text.matches("<details><summary>FAIL").count();
        assert!(text.contains(&format!("\n{} more are left out", 5_000 - shown)));
        // There is no room for a second one, and that is told.
        assert!(markdown.finish().unwrap_err().to_string().contains("fill its 1 MiB"));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
