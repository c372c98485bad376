//! What a load came to.

use std::fmt;
use std::path::PathBuf;

use crate::metrics::LoadReport;
use crate::report::Paint;
use crate::report::explain::Layout;
use crate::report::load_text;
use crate::run::{LoadOutcome, TestId, TestReport};
use crate::verdict::{CheckReport, Verdict};

/// A load that is over. Its text is what the terminal shows of one: gates, figures, and calls that did not pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialed {
    /// Figures, and examples of calls that did not pass.
    pub outcome: LoadOutcome,
    /// Its gates, and what holds of every load: the generator kept up, calls passed unless a gate allows some not to.
    pub checks: Vec<CheckReport>,
    pub(super) hosts: String,
}

/// How many of the last events of a leg are shown.
const ENTRIES: usize = 16;

impl Dialed {
    /// What all of it comes to. That it could not be found out is an error, and never a pass.
    pub fn verdict(&self) -> Verdict {
        LoadOutcome::verdict(&self.checks)
    }

    /// Counts, distributions and gates, of all calls, each app and each host, and over time.
    pub fn report(&self) -> &LoadReport {
        &self.outcome.report
    }

    /// As a test that reports can be given.
    pub fn as_test(&self, file: impl Into<PathBuf>, name: impl Into<String>) -> TestReport {
        let LoadReport { began, ended, .. } = self.outcome.report;
        TestReport {
            test: TestId { file: file.into(), name: name.into() },
            line: None,
            host: self.hosts.clone(),
            tags: Vec::new(),
            verdict: self.verdict(),
            mark: None,
            earlier: Vec::new(),
            started: began,
            duration: ended.since(began),
            checks: self.checks.clone(),
            legs: Vec::new(),
            properties: self.outcome.properties(),
            recordings: Vec::new(),
            rerun: String::new(),
            load: Some(Box::new(self.outcome.clone())),
        }
    }
}

impl fmt::Display for Dialed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = Layout { paint: Paint::Plain, width: None, entries: ENTRIES };
        f.write_str(&load_text::summary(&self.as_test("", "load"), &self.outcome, layout))
    }
}
