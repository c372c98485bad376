//! A run from its options to its outcome.

use super::{Options, Summary};
use crate::report::{ReportError, Reports};

/// How a run ended, so far as its exit code goes.
#[derive(Debug)]
pub enum Outcome {
    /// Tests ran, or were about to.
    Ended {
        summary: Summary,
        /// Reports that could not be given.
        report_errors: Vec<ReportError>,
    },
    /// The tests were listed, and nothing else was asked for.
    Listed,
    /// Arguments that name nothing, or scenarios with errors, told here as a person reads them; nothing ran.
    BadScenario(String),
    /// No test was selected; why.
    NothingSelected(String),
}

/// Why a run could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{0} is not wired yet")]
    NotWired(&'static str),
}

/// Runs tests and tells `reports` of them; comes back when the run has ended and its reports are written.
pub fn execute(options: Options, reports: Reports) -> Result<Outcome, RunError> {
    drop((options, reports));
    Err(RunError::NotWired("callwright run"))
}
