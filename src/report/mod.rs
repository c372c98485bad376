//! Reports: what a run did, for people at a terminal and for CI systems.
//!
//! A report sees [`RunEvent`]s and nothing else. To add one, write its file and give it an option in `cli/reports.rs`.

pub mod cdr;
mod cdr_report;
pub mod chart;
pub mod comparison;
mod dashboard;
pub mod escape;
pub(crate) mod explain;
mod file;
mod github;
#[cfg(test)]
mod hostile;
mod html;
mod jsonl;
mod junit;
mod later;
pub mod load;
pub(crate) mod load_text;
mod paint;
mod prometheus;
#[cfg(test)]
mod sample;
mod stream;
mod tap;
mod term;

use std::io;
use std::path::PathBuf;

pub use cdr_report::Cdrs;
pub use dashboard::Dashboard;
pub use file::ReportFile;
pub use github::{Github, Markdown};
pub use html::{Html, load_page, load_section};
pub use jsonl::Jsonl;
pub use junit::Junit;
pub use later::Later;
pub use paint::Paint;
pub use prometheus::{ListenError, Prometheus};
pub use stream::Stream;
pub use tap::Tap;
pub use term::{Live, Term};

use crate::run::RunEvent;

/// One way to tell of a run.
pub trait Report: Send {
    /// Called with each event, in order. After an error the report hears no more.
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError>;

    /// Called once, after the last event, even where the run did not come to [`RunEvent::Ended`].
    fn finish(&mut self) -> Result<(), ReportError>;
}

/// Why a report could not be given. The run goes on, but its exit code is 3.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("cannot write a report to the terminal or pipe: {0}")]
    Output(#[source] io::Error),
    #[error("cannot make the folder {} of a report: {source}", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("cannot write the report {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the recording of the run broke off: {}: {source}", path.display())]
    Journal { path: PathBuf, source: io::Error },
    #[error("{count} call records are missing from {}: writing them was slower than the load", path.display())]
    Missed { path: PathBuf, count: u64 },
    #[error("cannot make the JUnit report: {0}")]
    Xml(String),
}

/// The reports of a run. One that fails is left out from then on; the others go on.
#[derive(Default)]
pub struct Reports {
    reports: Vec<Box<dyn Report>>,
    errors: Vec<ReportError>,
}

impl Reports {
    pub fn new(reports: Vec<Box<dyn Report>>) -> Self {
        Reports { reports, errors: Vec::new() }
    }

    /// Tells every report.
    pub fn handle(&mut self, event: &RunEvent) {
        let errors = &mut self.errors;
        self.reports.retain_mut(|report| report.handle(event).map_err(|error| errors.push(error)).is_ok());
    }

    /// Ends every report and says which failed, in the order in which they did.
    pub fn finish(mut self) -> Vec<ReportError> {
        let failed = self.reports.iter_mut().filter_map(|report| report.finish().err());
        self.errors.extend(failed);
        self.errors
    }
}

impl std::fmt::Debug for Reports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reports").field("reports", &self.reports.len()).field("errors", &self.errors).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Counts what it hears, and fails at the `fails_at`th event (0: at the end).
    struct Counter {
        heard: Arc<Mutex<Vec<&'static str>>>,
        fails_at: Option<usize>,
        events: usize,
    }

    impl Report for Counter {
        fn handle(&mut self, _: &RunEvent) -> Result<(), ReportError> {
            self.events += 1;
            self.heard.lock().unwrap().push("event");
            if self.fails_at == Some(self.events) { Err(ReportError::Xml("no".into())) } else { Ok(()) }
        }

        fn finish(&mut self) -> Result<(), ReportError> {
            self.heard.lock().unwrap().push("end");
            if self.fails_at == Some(0) { Err(ReportError::Xml("late".into())) } else { Ok(()) }
        }
    }

    #[test]
    fn a_failing_report_never_stops_the_others_and_is_told() {
        let heard: Vec<_> = (0..3).map(|_| Arc::new(Mutex::new(Vec::new()))).collect();
        let counter = |index: usize, fails_at| -> Box<dyn Report> {
            Box::new(Counter { heard: heard[index].clone(), fails_at, events: 0 })
        };
        let mut reports = Reports::new(vec![counter(0, Some(2)), counter(1, Some(0)), counter(2, None)]);
        for event in &sample::events()[..3] {
            reports.handle(event);
        }
        let errors: Vec<_> = reports.finish().iter().map(ToString::to_string).collect();
        assert_eq!(errors, ["cannot make the JUnit report: no", "cannot make the JUnit report: late"]);
        assert_eq!(*heard[0].lock().unwrap(), ["event", "event"]);
        assert_eq!(*heard[1].lock().unwrap(), ["event", "event", "event", "end"]);
        assert_eq!(*heard[2].lock().unwrap(), ["event", "event", "event", "end"]);
    }
}
