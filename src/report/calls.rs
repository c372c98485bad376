//! The calls of loads, each as its call detail record, in a file.

use std::path::PathBuf;

use super::cdr::{CdrFormat, CdrWriter};
use super::{Report, ReportError};
use crate::run::RunEvent;

/// Writes the record of each call of a load as it ends.
#[derive(Debug)]
pub struct Calls {
    path: PathBuf,
    format: CdrFormat,
    /// From the first event on.
    writer: Option<CdrWriter>,
}

impl Calls {
    pub fn new(path: impl Into<PathBuf>, format: CdrFormat) -> Calls {
        Calls { path: path.into(), format, writer: None }
    }
}

impl Report for Calls {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        if self.writer.is_none() {
            self.writer = Some(CdrWriter::start(&self.path, self.format)?);
        }
        if let (RunEvent::CallEnded { cdr, .. }, Some(writer)) = (event, &mut self.writer) {
            writer.write((**cdr).clone());
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
    use crate::report::sample;

    #[test]
    fn each_call_that_ends_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/calls.csv");
        let mut report = Calls::new(&path, CdrFormat::Csv);
        let RunEvent::LoadTold { test, .. } = sample::load_told("load") else { panic!("no load") };
        for index in 0..3 {
            let ended = RunEvent::CallEnded { test: test.clone(), cdr: Box::new(answered(index)) };
            report.handle(&ended).unwrap();
            report.handle(&sample::load_told("load")).unwrap();
        }
        report.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 4);
    }
}
