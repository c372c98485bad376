//! What GitHub Actions shows of a run: annotations beside the scenarios, and the job's summary.
//!
//! An annotation is a workflow command on the standard output: `::error file=...,line=...,title=...::message`. GitHub keeps
//! ten errors and ten warnings of a step, so the last of more says how many more there are; the summary has them all, so
//! far as its 1 MiB goes.

mod summary;

use std::path::{Path, PathBuf};

use super::explain;
use super::stream::Stream;
use super::{Report, ReportError, escape};
use crate::run::{RunEvent, TestReport};
use crate::verdict::{Mark, Verdict};

pub use summary::Markdown;

/// As many annotations of one kind GitHub keeps of a step.
const MOST: usize = 10;

/// Writes annotations when the run ends.
#[derive(Debug)]
pub struct Github {
    stream: Stream,
    root: Option<PathBuf>,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Github {
    /// To `stream`. `root` is the folder of the repository, against which GitHub takes the names of files.
    pub fn new(stream: Stream, root: Option<PathBuf>) -> Github {
        Github { stream, root, errors: Vec::new(), warnings: Vec::new() }
    }

    fn annotation(&self, kind: &str, report: &TestReport, message: &str) -> String {
        let check = explain::decisive(report).filter(|_| report.verdict != Verdict::Passed);
        let (file, line, column) = match check.and_then(|check| check.place.as_ref()) {
            Some(place) => (&place.file, Some(place.line), Some(place.column)),
            None => (&report.test.file, report.line, None),
        };
        let mut properties = format!("file={}", property(&relative(file, self.root.as_deref())));
        properties.extend(line.map(|line| format!(",line={line}")));
        properties.extend(column.map(|column| format!(",col={column}")));
        let title = property(&format!("{} ({})", report.test.name, report.host));
        format!("::{kind} {properties},title={title}::{}\n", data(message))
    }

    fn ended(&mut self, report: &TestReport) {
        let rerun = |text: String| match report.rerun.as_str() {
            "" => text,
            rerun => format!("{text}\nrerun: {rerun}"),
        };
        match (report.verdict, &report.mark) {
            (Verdict::Failed | Verdict::Error, _) => {
                let message = rerun(why(report));
                self.errors.push(self.annotation("error", report, &message));
            }
            (_, Some(Mark::Flaky)) => {
                let first = report.earlier.first().and_then(|tried| explain::why(&tried.checks, tried.verdict));
                let first = first.map(|check| format!(". At first: {}", explain::reason(check)));
                let message =
                    format!("flaky: passed at attempt {}{}", report.earlier.len() + 1, first.unwrap_or_default());
                self.warnings.push(self.annotation("warning", report, &rerun(message)));
            }
            _ => {}
        }
    }
}

/// The check that decided, in a few lines.
fn why(report: &TestReport) -> String {
    let Some(check) = explain::decisive(report) else { return "no check says why; see the job's log".to_owned() };
    let texts = [("expected: ", &check.expected), ("actual: ", &check.actual), ("help: ", &check.help)];
    let texts = texts.iter().filter(|(_, text)| !text.trim().is_empty());
    texts.fold(check.name.clone(), |told, (label, text)| format!("{told}\n{label}{}", text.trim_end()))
}

impl Report for Github {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        if let RunEvent::TestEnded(report) = event {
            self.ended(report);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        let kinds = [("error", &self.errors), ("warning", &self.warnings)];
        let text: String = kinds.iter().map(|(kind, annotations)| kept(kind, annotations)).collect();
        if text.is_empty() { Ok(()) } else { self.stream.write(&text) }
    }
}

/// So many as GitHub keeps.
fn kept(kind: &str, annotations: &[String]) -> String {
    if annotations.len() <= MOST {
        return annotations.concat();
    }
    let more = annotations.len() - (MOST - 1);
    let what = if kind == "error" { "tests did not pass" } else { "tests were flaky" };
    let last = format!("::{kind} title=callwright::{more} more {what}; see the job's summary and log\n");
    annotations[..MOST - 1].concat() + &last
}

/// `file` as it is named in the repository.
fn relative(file: &Path, root: Option<&Path>) -> String {
    let absolute = std::path::absolute(file).ok();
    let inside = root.zip(absolute.as_deref()).and_then(|(root, file)| file.strip_prefix(root).ok());
    inside.unwrap_or(file).display().to_string()
}

/// As the message of a workflow command (`escapeData` of GitHub's toolkit).
fn data(text: &str) -> String {
    escape::lines(text).replace('%', "%25").replace('\n', "%0A")
}

/// As a property of a workflow command (`escapeProperty` of GitHub's toolkit).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::report::sample;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn told(events: &[RunEvent]) -> String {
        let kept = Kept::default();
        let mut github = Github::new(Stream::new(kept.clone()), None);
        for event in events {
            github.handle(event).unwrap();
        }
        github.finish().unwrap();
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn failures_are_errors_and_flaky_tests_warnings_at_their_places() {
        insta::assert_snapshot!(told(&[sample::events(), sample::marked()].concat()));
    }

    #[test]
    fn what_passes_annotates_nothing() {
        assert_eq!(told(&[RunEvent::TestEnded(Box::new(sample::passed()))]), "");
    }

    /// The rules of the toolkit's `command.ts`: %, CR and LF in both; colon and comma in properties.
    #[test]
    fn no_text_ends_its_annotation_or_begins_another() {
        let mut report = sample::failed();
        report.test.name = "a,line=1::b\r\n::error::c 100%".into();
        report.checks[1].actual = "one\n::stop-commands::x\n50%".into();
        let text = told(&[RunEvent::TestEnded(Box::new(report))]);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(",title=a%2Cline=1%3A%3Ab%0A%3A%3Aerror%3A%3Ac 100%25 (embedded)::"), "{text}");
        assert!(text.contains("actual: one%0A::stop-commands::x%0A50%25"), "{text}");
    }

    #[test]
    fn of_more_than_ten_the_last_tells_how_many_there_are() {
        let events: Vec<_> = (0..25).map(|_| RunEvent::TestEnded(Box::new(sample::failed()))).collect();
        let text = told(&events);
        assert_eq!(text.lines().count(), 10);
        assert!(text.lines().last().unwrap().starts_with("::error title=callwright::16 more tests did not pass"));
        assert_eq!(told(&events[..10]).lines().filter(|line| line.contains("scenarios/tone.yaml")).count(), 10);
    }

    #[test]
    fn files_are_named_from_the_root_of_the_repository() {
        let here = std::env::current_dir().unwrap();
        let root = here.parent().unwrap();
        let inside = Path::new(here.file_name().unwrap()).join("a.yaml");
        assert_eq!(relative(Path::new("a.yaml"), Some(root)), inside.display().to_string());
        assert_eq!(relative(Path::new("/elsewhere/a.yaml"), Some(root)), "/elsewhere/a.yaml");
    }
}
