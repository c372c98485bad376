//! The report for people: one HTML file that needs nothing but itself, written when the run ends.
//!
//! It holds each test's checks, what its legs did as a ladder, and pictures and sound of the recordings that were kept,
//! which are those of tests that did not pass at once. It reads without scripts; they search, sort, copy and seek. Its
//! policy (CSP) forbids it every request and every script and style but its own two, and whatever came from a scenario or
//! from a switch is escaped. What is left out to keep it small enough to open is said where it is missing, and at the head.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::file::ReportFile;
use super::{Report, ReportError};
use crate::run::{RunEvent, TestId, TestReport};
use crate::units::Time;
use crate::verdict::{CheckReport, Mark, Verdict};

mod chart;
mod ladder;
mod load;
mod outcome;
mod page;
mod sound;
mod test;

pub use load::{page as load_page, section as load_section};

/// Gathers a run and writes it as HTML.
#[derive(Debug)]
pub struct Html {
    file: ReportFile,
    run: Run,
    /// Tests that have not ended yet, and since when they run.
    running: BTreeMap<(TestId, String), Time>,
}

/// All that the page tells.
#[derive(Debug, Default)]
struct Run {
    started: Option<Time>,
    last: Time,
    /// `None`: the run did not come to its end.
    duration: Option<Duration>,
    interrupted: bool,
    /// How many tests were to be run.
    tests: usize,
    hosts: Vec<Host>,
    reports: Vec<TestReport>,
}

#[derive(Debug, Default)]
struct Host {
    name: String,
    version: Option<String>,
    about: Vec<(String, String)>,
    lost: Option<String>,
    /// Sessions of the run that could not be hung up.
    left: Vec<String>,
}

/// What became of a test, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Error,
    Failed,
    Flaky,
    ExpectedFailure,
    Passed,
    Skipped,
}

impl Status {
    const ALL: [Status; 6] =
        [Status::Error, Status::Failed, Status::Flaky, Status::ExpectedFailure, Status::Passed, Status::Skipped];

    fn of(report: &TestReport) -> Status {
        match (report.verdict, &report.mark) {
            (Verdict::Error, _) => Status::Error,
            (Verdict::Failed, _) => Status::Failed,
            (Verdict::Skipped, _) => Status::Skipped,
            (Verdict::Passed, Some(Mark::Flaky)) => Status::Flaky,
            (Verdict::Passed, Some(Mark::ExpectedFailure(_))) => Status::ExpectedFailure,
            (Verdict::Passed, _) => Status::Passed,
        }
    }

    /// Its class in the page.
    fn class(self) -> &'static str {
        match self {
            Status::Error => "error",
            Status::Failed => "failed",
            Status::Flaky => "flaky",
            Status::ExpectedFailure => "xfail",
            Status::Passed => "passed",
            Status::Skipped => "skipped",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Status::ExpectedFailure => "expected failure",
            other => other.class(),
        }
    }

    fn is_bad(self) -> bool {
        matches!(self, Status::Error | Status::Failed)
    }
}

impl Html {
    /// To the file `path`, whose folder is made when the run starts.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Html { file: ReportFile::new(path), run: Run::default(), running: BTreeMap::new() }
    }

    /// Tests that started and never ended are errors, not absent.
    fn unended(&mut self) {
        for ((test, host), started) in std::mem::take(&mut self.running) {
            let lost = self.run.host(&host).lost.clone();
            let check = CheckReport {
                name: "end of the test".to_owned(),
                place: None,
                verdict: Verdict::Error,
                expected: String::new(),
                actual: lost
                    .map_or_else(|| "it did not end".to_owned(), |why| format!("it did not end: host lost: {why}")),
                help: String::new(),
                passages: Vec::new(),
            };
            self.run.reports.push(TestReport {
                test,
                line: None,
                host,
                tags: Vec::new(),
                verdict: Verdict::Error,
                mark: None,
                earlier: Vec::new(),
                started,
                duration: self.run.last.since(started),
                checks: vec![check],
                legs: Vec::new(),
                properties: Vec::new(),
                recordings: Vec::new(),
                rerun: String::new(),
                load: None,
            });
        }
    }
}

impl Run {
    fn host(&mut self, name: &str) -> &mut Host {
        let index = self.hosts.iter().position(|host| host.name == name).unwrap_or_else(|| {
            self.hosts.push(Host { name: name.to_owned(), ..Host::default() });
            self.hosts.len() - 1
        });
        &mut self.hosts[index]
    }

    fn count(&self, status: Status) -> usize {
        self.reports.iter().filter(|report| Status::of(report) == status).count()
    }
}

impl Report for Html {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        let run = &mut self.run;
        match event {
            RunEvent::Started { tests, hosts, at, .. } => {
                (run.started, run.last, run.tests) = (Some(*at), *at, *tests);
                for host in hosts {
                    run.host(host);
                }
                self.file.prepare()?;
            }
            RunEvent::HostUp { host, version, about, .. } => {
                let host = run.host(host);
                (host.version, host.about) = (Some(version.clone()), about.clone());
            }
            RunEvent::HostLost { host, reason, at } => {
                run.last = run.last.max(*at);
                run.host(host).lost = Some(reason.clone());
            }
            RunEvent::TestStarted { test, host, at } => {
                run.last = run.last.max(*at);
                self.running.insert((test.clone(), host.clone()), *at);
            }
            RunEvent::TestEnded(report) => {
                self.running.remove(&(report.test.clone(), report.host.clone()));
                run.last = run.last.max(report.started + report.duration);
                run.reports.push(report.as_ref().clone());
            }
            RunEvent::SessionsLeft { host, sessions, .. } => run.host(host).left = sessions.clone(),
            RunEvent::TestSlow { .. } | RunEvent::LoadTold { .. } | RunEvent::CallEnded { .. } => {}
            RunEvent::Ended { summary, at } => {
                run.last = run.last.max(*at);
                (run.duration, run.interrupted) = (Some(summary.duration), summary.interrupted);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        if self.run.started.is_none() {
            // A run that never began has no report, nor that of an earlier run.
            return self.file.prepare();
        }
        self.unended();
        self.run.reports.sort_by(|a, b| (Status::of(a), &a.test, &a.host).cmp(&(Status::of(b), &b.test, &b.host)));
        self.file.write(page::page(&self.run))
    }
}

#[cfg(test)]
mod tests;
