//! Exit codes.

use std::fmt::Write;
use std::process::ExitCode;

use crate::run::{Outcome, Summary};

/// What the exit code says. No crash, lost host or empty selection is ever [`Exit::Passed`].
///
/// Where several hold, the one that leaves most unknown is told: interrupted before error before failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every test passed, or was skipped beside others that passed.
    Passed = 0,
    /// A test failed or a gate broke.
    Failed = 1,
    /// The run was interrupted.
    Interrupted = 2,
    /// A host, a report or callwright itself failed: something could not be found out.
    Unknown = 3,
    /// Bad usage, or a scenario with errors.
    Usage = 4,
    /// There was nothing to run.
    NothingSelected = 5,
}

impl Exit {
    pub const ALL: [Exit; 6] =
        [Exit::Passed, Exit::Failed, Exit::Interrupted, Exit::Unknown, Exit::Usage, Exit::NothingSelected];

    pub fn code(self) -> u8 {
        self as u8
    }

    /// What the code means, in a line.
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Passed => "all passed",
            Exit::Failed => "something failed or a gate broke",
            Exit::Interrupted => "interrupted",
            Exit::Unknown => "a host, a report or callwright itself failed, so we could not find out",
            Exit::Usage => "bad usage or a bad scenario",
            Exit::NothingSelected => "nothing was selected",
        }
    }
}

/// The exit codes, as `--help` shows them.
pub(super) fn help() -> String {
    Exit::ALL.iter().fold("Exit codes:\n".to_owned(), |mut text, exit| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}  {}", exit.code(), exit.meaning());
        text
    })
}

impl From<&Summary> for Exit {
    fn from(summary: &Summary) -> Exit {
        match summary {
            Summary { interrupted: true, .. } => Exit::Interrupted,
            Summary { errors: 1.., .. } | Summary { folder_errors: 1.., .. } => Exit::Unknown,
            Summary { failed: 1.., .. } => Exit::Failed,
            Summary { passed: 1.., .. } | Summary { expected_failures: 1.., .. } => Exit::Passed,
            Summary { .. } => Exit::NothingSelected,
        }
    }
}

impl From<&Outcome> for Exit {
    fn from(outcome: &Outcome) -> Exit {
        match outcome {
            Outcome::Ended { summary, report_errors } => match Exit::from(summary) {
                Exit::Interrupted => Exit::Interrupted,
                _ if !report_errors.is_empty() => Exit::Unknown,
                exit => exit,
            },
            Outcome::Listed => Exit::Passed,
            Outcome::BadScenario(_) => Exit::Usage,
            Outcome::NothingSelected(_) => Exit::NothingSelected,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReportError;

    fn summary(passed: usize, failed: usize, errors: usize, skipped: usize) -> Summary {
        Summary { passed, failed, errors, skipped, ..Summary::default() }
    }

    #[test]
    fn only_a_run_in_which_something_passed_and_nothing_else_happened_is_green() {
        assert_eq!(Exit::from(&summary(3, 0, 0, 0)), Exit::Passed);
        assert_eq!(Exit::from(&summary(3, 0, 0, 1)), Exit::Passed);
        assert_eq!(Exit::from(&summary(3, 1, 0, 0)), Exit::Failed);
        assert_eq!(Exit::from(&summary(3, 1, 1, 0)), Exit::Unknown);
        assert_eq!(Exit::from(&summary(0, 0, 0, 0)), Exit::NothingSelected);
        assert_eq!(Exit::from(&summary(0, 0, 0, 4)), Exit::NothingSelected);
        assert_eq!(Exit::from(&Summary { folder_errors: 1, ..summary(3, 0, 0, 0) }), Exit::Unknown);
        assert_eq!(Exit::from(&Summary { not_run: 5, ..summary(3, 1, 0, 0) }), Exit::Failed);
        assert_eq!(Exit::from(&Summary { expected_failures: 1, ..summary(0, 0, 0, 4) }), Exit::Passed);
        assert_eq!(Exit::from(&Summary { expected_failures: 1, ..summary(0, 1, 0, 0) }), Exit::Failed);
        assert_eq!(Exit::from(&Summary { interrupted: true, ..summary(3, 1, 1, 0) }), Exit::Interrupted);
    }

    #[test]
    fn a_report_that_could_not_be_given_is_exit_code_3() {
        let ended =
            |summary| Exit::from(&Outcome::Ended { summary, report_errors: vec![ReportError::Xml("no".to_owned())] });
        assert_eq!(ended(summary(3, 0, 0, 0)), Exit::Unknown);
        assert_eq!(ended(summary(3, 1, 0, 0)), Exit::Unknown);
        assert_eq!(ended(Summary { interrupted: true, ..summary(1, 0, 0, 0) }), Exit::Interrupted);
    }

    #[test]
    fn codes_are_those_that_the_help_shows() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4, 5]);
        let help = help();
        assert!(help.contains("\n  2  interrupted\n") && help.contains("\n  5  nothing was selected\n"), "{help}");
    }
}
