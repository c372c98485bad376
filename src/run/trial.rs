//! What becomes of a test by its attempts, or by not being run.

use std::time::Duration;

use super::core::Test;
use super::{Attempt, TestReport};
use crate::units::{Time, human};
use crate::verdict::{CheckReport, Mark, Verdict};

/// Why a test is not run.
#[derive(Debug)]
pub(super) enum NotRun {
    /// It cannot be run here, or its folder could not be set up: this says so, and its verdict is the test's.
    Unfit(CheckReport),
    /// The run ended before its turn, for this reason.
    Stopped(String),
}

/// The report of a test by its last attempt and those before.
pub(super) fn report(test: &Test, host: &str, earlier: Vec<Attempt>, last: Attempt, slow: Duration) -> TestReport {
    let begun = earlier.first().map_or(last.started, |first| first.started);
    let Attempt { mut verdict, started, duration, mut checks, legs, mut properties, recordings } = last;
    let mut mark = (verdict == Verdict::Passed && !earlier.is_empty()).then_some(Mark::Flaky);
    if (started + duration).since(begun) > slow {
        properties.push(("slow".to_owned(), format!("> {}", human(slow))));
    }
    if let Some(reason) = &test.scenario.xfail {
        match verdict {
            Verdict::Failed => {
                verdict = Verdict::Passed;
                mark = Some(Mark::ExpectedFailure(reason.value.clone()));
            }
            Verdict::Passed => {
                verdict = Verdict::Failed;
                mark = Some(Mark::UnexpectedPass(reason.value.clone()));
                checks.push(CheckReport {
                    name: "xfail".to_owned(),
                    place: Some(reason.place.clone()),
                    verdict: Verdict::Failed,
                    expected: format!("a failure: {}", reason.value),
                    actual: "it passed".to_owned(),
                    help: "what was wrong seems to be right now: take `xfail` out".to_owned(),
                    passages: Vec::new(),
                });
            }
            // That nothing could be found out is no failure that was expected.
            Verdict::Skipped | Verdict::Error => {}
        }
    }
    TestReport {
        test: test.id.clone(),
        line: Some(test.scenario.place.line),
        host: host.to_owned(),
        tags: test.scenario.tags.clone(),
        verdict,
        mark,
        earlier,
        started,
        duration,
        checks,
        legs,
        properties,
        recordings,
        rerun: test.rerun.clone(),
        load: None,
    }
}

/// The one attempt of a test that is not run.
pub(super) fn none(now: Time, check: CheckReport) -> Attempt {
    Attempt {
        verdict: check.verdict,
        started: now,
        duration: Duration::ZERO,
        checks: vec![check],
        legs: Vec::new(),
        properties: Vec::new(),
        recordings: Vec::new(),
    }
}

/// That a test was not begun.
pub(super) fn not_begun(reason: &str) -> CheckReport {
    CheckReport {
        name: "not run".to_owned(),
        place: None,
        verdict: Verdict::Skipped,
        expected: String::new(),
        actual: reason.to_owned(),
        help: String::new(),
        passages: Vec::new(),
    }
}

/// A setup or teardown that did not pass: nothing is known of what it was for, so what failed there is an error.
pub(super) fn as_error(mut last: Attempt) -> Attempt {
    for check in last.checks.iter_mut().filter(|check| check.verdict == Verdict::Failed) {
        check.verdict = Verdict::Error;
    }
    last.verdict = Verdict::Error;
    last
}

/// Why the tests of a folder are not run: the report of its setup.
pub(super) fn spoilt(setup: &TestReport) -> CheckReport {
    let decisive = setup.checks.iter().find(|check| check.verdict == Verdict::Error);
    let told = |text: fn(&CheckReport) -> &String| decisive.map(text).cloned().unwrap_or_default();
    let what = decisive.map_or_else(String::new, |check| format!("{}: ", check.name));
    CheckReport {
        name: format!("setup {}", setup.test),
        place: decisive.and_then(|check| check.place.clone()),
        verdict: Verdict::Error,
        expected: told(|check| &check.expected),
        actual: format!("{what}{}", told(|check| &check.actual)),
        help: told(|check| &check.help),
        passages: Vec::new(),
    }
}
