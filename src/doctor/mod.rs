//! What keeps a host from being tested on, and how to put it right.
//!
//! [`Exam`] asks a host and makes a probe call on it, without IO; [`Facts`] are what it found; each file of `check` makes
//! findings of them. [`task`] owns the sockets. A host is left as it was: nothing is set, and the probe call and its
//! recording are gone at the end.

mod check;
mod exam;
mod facts;
pub mod task;
#[cfg(test)]
mod tests;

pub use check::examine;
pub use exam::Exam;
pub use facts::{Arrival, Call, Contact, Facts, Question, Skew};

/// How bad a finding is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Ok,
    /// Tests can be run; some may not work.
    Warning,
    /// It could not be found out.
    Unknown,
    /// Tests will fail for it.
    Problem,
}

impl Severity {
    /// `ok`, `warning`, `unknown`, `problem`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Ok => "ok",
            Severity::Warning => "warning",
            Severity::Unknown => "unknown",
            Severity::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `login`, `dialplan`.
    pub check: &'static str,
    pub severity: Severity,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do about it, down to the lines or commands; empty where there is nothing to do.
    pub fix: String,
}

impl Finding {
    fn new(check: &'static str, severity: Severity, message: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { check, severity, message: message.into(), fix: fix.into() }
    }

    fn ok(check: &'static str, message: impl Into<String>) -> Finding {
        Finding::new(check, Severity::Ok, message, "")
    }

    fn warning(check: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding::new(check, Severity::Warning, message, fix)
    }

    fn problem(check: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding::new(check, Severity::Problem, message, fix)
    }

    fn unknown(check: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding::new(check, Severity::Unknown, message, fix)
    }
}
