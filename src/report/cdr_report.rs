//! The report of call detail records: each call of a load, as it ends.

use std::path::PathBuf;

use super::cdr::{CdrFormat, CdrWriter};
use super::{Report, ReportError};
use crate::run::RunEvent;

/// Writes the call detail records of a run's loads to a file.
#[derive(Debug)]
pub struct Cdrs {
    path: PathBuf,
    /// From the start of the run on.
    writer: Option<CdrWriter>,
}

impl Cdrs {
    /// To the file `path`, whose name says the format, and which is made when the run starts.
    pub fn new(path: impl Into<PathBuf>) -> Cdrs {
        Cdrs { path: path.into(), writer: None }
    }
}

impl Report for Cdrs {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        match event {
            RunEvent::Started { .. } => {
                self.writer = Some(CdrWriter::start(&self.path, CdrFormat::of(&self.path))?);
            }
            RunEvent::CallEnded { cdr, .. } => {
                if let Some(writer) = &mut self.writer {
                    writer.write((**cdr).clone());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.writer.take().map_or(Ok(()), CdrWriter::finish)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample::answered;
    use crate::report::cdr::CdrReader;
    use crate::report::sample;
    use crate::run::TestId;

    #[test]
    fn every_call_of_a_load_is_in_the_file_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let test = TestId { file: "load.yaml".into(), name: "load".into() };
        for name in ["calls.csv", "new/calls.jsonl"] {
            let path = folder.path().join(name);
            let mut report = Cdrs::new(&path);
            report.handle(&sample::load_events()[0]).unwrap();
            for index in 0..3 {
                let cdr = Box::new(answered(index));
                report.handle(&RunEvent::CallEnded { test: test.clone(), cdr }).unwrap();
            }
            report.finish().unwrap();
            let read: Result<Vec<_>, _> = CdrReader::open(&path).unwrap().collect();
            assert_eq!(read.unwrap(), [answered(0), answered(1), answered(2)]);
        }
    }
}
