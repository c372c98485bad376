//! One test: its verdict and reason in a line, and all there is to say of it behind that.

use std::path::PathBuf;
use std::time::Duration;

use maud::{Markup, html};

use super::page::{noun, seconds, stamp};
use super::{Status, ladder, outcome, sound};
use crate::report::escape::{line, lines};
use crate::report::explain;
use crate::run::{Attempt, TestReport};
use crate::units::Time;
use crate::verdict::{CheckReport, LegTrace, Mark, Verdict};

/// What still fits into a page that browsers open at once, and what did not.
#[derive(Debug)]
pub(super) struct Left {
    /// Bytes for ladders.
    pub(super) ladders: usize,
    /// Bytes for pictures.
    pub(super) pictures: usize,
    /// Bytes for sound.
    pub(super) sound: usize,
    pub(super) without_ladder: usize,
    pub(super) without_picture: usize,
    pub(super) without_sound: usize,
}

impl Default for Left {
    fn default() -> Self {
        Left {
            ladders: 6 << 20,
            pictures: 8 << 20,
            sound: 24 << 20,
            without_ladder: 0,
            without_picture: 0,
            without_sound: 0,
        }
    }
}

impl Left {
    /// What was left out, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        let note = |count: usize, what: &str, of: &str| {
            (count > 0).then(|| format!("Left out to keep this file small: {what} of {count} {}.", noun(count, of)))
        };
        let notes = [
            note(self.without_ladder, "the signalling", "test"),
            note(self.without_picture, "the picture", "recording"),
            note(self.without_sound, "the sound", "recording"),
        ];
        notes.into_iter().flatten().collect()
    }
}

pub(super) fn card(number: usize, report: &TestReport, open: bool, left: &mut Left) -> Markup {
    let status = Status::of(report);
    let started = report.started.as_micros() / 1_000;
    // A load has its figures to show however it went.
    let open = open || report.load.is_some();
    html! {
        details.t.(status.class()) #{ "t" (number) } open[open] data-host=(line(&report.host)) data-took=(report.duration.as_millis()) data-at=(started) {
            summary {
                span.v { (status.word()) }
                h3 { (line(&report.test.name)) }
                span.file { (line(&report.test.file.display().to_string())) }
                span.meta {
                    @for tag in &report.tags { span.tag { (line(tag)) } " " }
                    span.host { (line(&report.host)) } " "
                    span.took { (seconds(report.duration)) }
                }
                @if let Some(reason) = reason(report) { span.why { (reason) } }
            }
            div.body {
                @if !report.rerun.is_empty() {
                    div.rerun { span.label { "Run it again" } code { (line(&report.rerun)) } button.copy type="button" hidden { "Copy" } }
                }
                @match &report.load {
                    None => (attempt(&Told::of(report), left)),
                    Some(load) => (outcome::outcome(report, load, left)),
                }
                @if !report.earlier.is_empty() {
                    h4 { "Earlier attempts" }
                    @for (number, earlier) in (1..).zip(&report.earlier) { (before(number, earlier, &report.host, left)) }
                }
                p.fine { "Began " time { (stamp(report.started)) } }
            }
        }
    }
}

/// Why a test did not simply pass.
fn reason(report: &TestReport) -> Option<String> {
    match &report.mark {
        Some(Mark::Flaky) => {
            let first = report.earlier.first()?;
            let why = explain::why(&first.checks, first.verdict)
                .map_or_else(String::new, |check| format!(": {}", explain::reason(check)));
            Some(format!("passed at attempt {}{why}", report.earlier.len() + 1))
        }
        Some(Mark::ExpectedFailure(why)) => Some(format!("expected to fail: {}", line(why))),
        Some(Mark::UnexpectedPass(why)) => Some(format!("passed, but was expected to fail: {}", line(why))),
        None if report.verdict == Verdict::Passed => None,
        Some(Mark::NotRun) | None => {
            Some(explain::decisive(report).map_or_else(|| "no check says why".to_owned(), explain::reason))
        }
    }
}

/// What there is of one attempt.
pub(super) struct Told<'a> {
    pub started: Time,
    pub host: &'a str,
    pub checks: &'a [CheckReport],
    pub legs: &'a [LegTrace],
    pub properties: &'a [(String, String)],
    pub recordings: &'a [PathBuf],
}

impl<'a> Told<'a> {
    fn of(report: &'a TestReport) -> Self {
        let TestReport { started, host, checks, legs, properties, recordings, .. } = report;
        Told { started: *started, host, checks, legs, properties, recordings }
    }
}

fn before(number: usize, attempt: &Attempt, host: &str, left: &mut Left) -> Markup {
    let Attempt { verdict, started, duration, checks, legs, properties, recordings } = attempt;
    let class = if *verdict == Verdict::Error { "error" } else { "failed" };
    let why = explain::why(checks, *verdict).map(explain::reason);
    let told = Told { started: *started, host, checks, legs, properties, recordings };
    html! {
        details.attempt.(class) {
            summary { span.v { (class) } "Attempt " (number) ", " (seconds(*duration)) @if let Some(why) = why { ": " (why) } }
            div.body { (self::attempt(&told, left)) }
        }
    }
}

pub(super) fn attempt(told: &Told<'_>, left: &mut Left) -> Markup {
    html! {
        @if !told.checks.is_empty() {
            h4 { "Checks" }
            ul.checks { @for check in told.checks { (self::check(check)) } }
        }
        @if !told.recordings.is_empty() {
            h4 { "Recordings" }
            @for path in told.recordings { (sound::recording(path, told.checks, left)) }
        }
        @if told.legs.iter().any(|leg| !leg.entries.is_empty()) {
            h4 { "Signalling" }
            (ladder(told, left))
        }
        @if !told.properties.is_empty() {
            h4 { "Figures" }
            dl.figures { @for (name, value) in told.properties { div { dt { (line(name)) } dd { (line(value)) } } } }
        }
    }
}

fn ladder(told: &Told<'_>, left: &mut Left) -> Markup {
    let ladder = ladder::ladder(told.legs, told.host, told.started);
    let size = ladder.0.len();
    if size > left.ladders {
        left.without_ladder += 1;
        return html! { p.note { "Left out to keep this file small; run the test again to see it." } };
    }
    left.ladders -= size;
    ladder
}

pub(super) fn check(check: &CheckReport) -> Markup {
    let (class, sign, word) = match check.verdict {
        Verdict::Passed => ("passed", "✓", "passed"),
        Verdict::Failed => ("failed", "✗", "failed"),
        Verdict::Error => ("error", "!", "error"),
        Verdict::Skipped => ("skipped", "–", "skipped"),
    };
    let rows = [("expected", &check.expected), ("actual", &check.actual), ("help", &check.help)];
    html! {
        li.(class) {
            span.sign aria-hidden="true" { (sign) }
            span.hide { (word) ": " }
            @if check.verdict == Verdict::Passed {
                span.name { (line(&check.name)) }
                @if !check.actual.trim().is_empty() { " " span.actual { (line(check.actual.trim())) } }
            } @else {
                b.name { (line(&check.name)) }
                @if let Some(place) = &check.place { " " span.place { (line(&place.to_string())) } }
                dl {
                    @for (label, text) in rows {
                        @if !text.trim().is_empty() { dt { (label) } dd.(label) { (lines(text.trim_end())) } }
                    }
                }
            }
        }
    }
}

/// Time from the test's start: `+0.021`.
pub(super) fn offset(at: Time, started: Time) -> String {
    let (sign, by): (_, Duration) = if at < started { ('-', started.since(at)) } else { ('+', at.since(started)) };
    format!("{sign}{:.3}", by.as_secs_f64())
}
