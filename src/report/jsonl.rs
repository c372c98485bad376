//! The report for other programs: JSON lines, one a [`RunEvent`], written as it happens. [`log`] has the format.

use std::io;

use super::stream::Stream;
use super::{Report, ReportError};
use crate::run::{RunEvent, log};

/// Writes each event as one line.
#[derive(Debug)]
pub struct Jsonl {
    stream: Stream,
}

impl Jsonl {
    pub fn new(stream: Stream) -> Jsonl {
        Jsonl { stream }
    }
}

impl Report for Jsonl {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        if matches!(event, RunEvent::CallEnded { .. }) {
            return Ok(());
        }
        let line = log::encode(event).map_err(|error| ReportError::Output(io::Error::other(error)))?;
        self.stream.write(&line)
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.stream.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_run_is_in_the_file_up_to_its_last_event_at_any_time_and_reads_back_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/run.jsonl");
        let mut report = Jsonl::new(Stream::file(&path));
        let mut told = Vec::new();
        for event in sample::events() {
            report.handle(&event).unwrap();
            told.push(event);
            let read = log::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(read.events, told);
            assert!(read.warnings.is_empty());
        }
        report.finish().unwrap();
    }

    #[test]
    fn marks_and_attempts_read_back_the_same() {
        let text: String = sample::marked().iter().map(|event| log::encode(event).unwrap()).collect();
        assert_eq!(log::parse(&text).unwrap().events, sample::marked());
    }

    #[test]
    fn a_run_that_never_began_leaves_no_log_of_an_earlier_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        std::fs::write(&path, "old").unwrap();
        Jsonl::new(Stream::file(&path)).finish().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_where_the_file_should_be_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = Jsonl::new(Stream::file(folder.path())).handle(&sample::events()[0]).unwrap_err();
        assert!(matches!(error, ReportError::File { .. }), "{error}");
    }
}
