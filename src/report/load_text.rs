//! A load in words: a line while it runs, and at its end what was judged, its figures, and calls that did not pass.

mod table;

use std::time::Duration;

use super::escape;
use super::explain::{self, Layout};
use super::paint::Style;
use crate::metrics::{Counts, Part, Quantiles, Snapshot, Timing};
use crate::run::{Example, LoadOutcome, SearchReport, SearchStep, TestReport};
use crate::units::human;
use crate::verdict::{CheckReport, Verdict};
use table::{Align, Table};

/// Times that the table of figures has, where they were taken.
pub(super) const TIMES: [(Timing, &str); 3] =
    [(Timing::SetupTime, "setup"), (Timing::Pdd, "PDD"), (Timing::LateStarts, "late start")];
/// Causes and reasons that are told.
const MOST: usize = 8;
/// Apps, and hosts, that have a row of their own.
const ROWS: usize = 50;
/// Columns of a name in a table.
const NAME: usize = 32;

/// `900 offered, 150 up, 30.0/s, ASR 100 %, setup p95 21ms, 0 failed`
pub fn progress(snapshot: &Snapshot) -> String {
    let Snapshot { counts, active_calls, rates, asr_percent, times, .. } = snapshot;
    let mut told = vec![format!("{} offered", counts.offered), format!("{active_calls} up"), rate(rates.offered)];
    told.extend(asr_percent.map(|asr| format!("ASR {}", percent(asr))));
    told.extend(times.get(&Timing::SetupTime).map(|times| format!("setup p95 {}", time(times.p95))));
    told.push(format!("{} failed", counts.failed()));
    let skipped = counts.skipped_in_all();
    told.extend((skipped > 0).then(|| format!("{skipped} skipped")));
    told.join(", ")
}

/// All there is to say of a load that is over, gates first. Each line ends in a line break.
pub fn summary(report: &TestReport, load: &LoadOutcome, layout: Layout) -> String {
    let mut text = String::new();
    for check in &report.checks {
        text += &judged(check, load, layout);
    }
    if let Some(search) = &load.search {
        text += &steps(search).text(layout);
    }
    text += &parts(load).text(layout);
    text += &times(&load.report.all).text(layout);
    let tally = &load.report.all.tally;
    for (name, frequent) in [("causes", &tally.failed_causes), ("reasons", &tally.reasons)] {
        text += &frequencies(name, &frequent.top(), frequent.total(), layout);
    }
    for number in 0..load.examples.len() {
        text += &example(report, load, number, layout);
    }
    text
}

/// A check of a load, with what was found even where it holds.
fn judged(check: &CheckReport, load: &LoadOutcome, layout: Layout) -> String {
    if check.verdict != Verdict::Passed && check.verdict != Verdict::Skipped {
        let word = if check.verdict == Verdict::Failed { "FAIL" } else { "ERROR" };
        return explain::check_labelled(check, word, layout);
    }
    let word = if check.verdict == Verdict::Passed { "ok" } else { "skipped" };
    explain::row(word, Style::of(check.verdict), &format!("{}: {}", name(check, load), check.actual.trim()), layout)
}

/// The name of a check; that of a gate has its bound: `asr >= 99%`.
pub(super) fn name(check: &CheckReport, load: &LoadOutcome) -> String {
    let is_gate = load.report.gates.iter().any(|state| state.finding.name == check.name);
    if is_gate { format!("{} {}", check.name, check.expected) } else { check.name.clone() }
}

/// What all calls came to, and those of each app and host where there are several.
fn parts(load: &LoadOutcome) -> Table<10> {
    let mut table =
        Table::new(["calls", "offered", "answered", "failed", "skipped", "ASR", "ACD", "rate", "Erlangs", "peak"]);
    for (name, part) in named_parts(load) {
        table.row(figures(&name, part));
    }
    table
}

/// All calls, then those of each app and of each host, where there are several.
///
/// Of more than [`ROWS`] apps or hosts those with most calls are told.
pub(super) fn named_parts(load: &LoadOutcome) -> Vec<(String, &Part)> {
    let report = &load.report;
    let mut parts = vec![("all".to_owned(), &report.all)];
    for (kind, some) in [("app", &report.apps), ("host", &report.hosts)] {
        if some.len() > 1 {
            let mut some: Vec<_> = some.iter().collect();
            if some.len() > ROWS {
                some.sort_by_key(|(_, part)| std::cmp::Reverse(part.tally.counts.offered));
                some.truncate(ROWS);
            }
            parts.extend(some.into_iter().map(|(name, part)| (format!("{kind} {}", escape::line(name)), part)));
        }
    }
    parts
}

/// A row of the table of calls: counts, ASR, ACD, rate, Erlangs and their peak. What was not measured is empty.
pub(super) fn figures(name: &str, part: &Part) -> [String; 10] {
    let Counts { offered, answered, .. } = part.tally.counts;
    let summary = &part.summary;
    let skipped = part.tally.counts.skipped_in_all();
    let peak = part.tally.course.as_ref().map(|course| course.peak_calls).filter(|peak| *peak > 0);
    let told = |value: Option<f64>, tell: fn(f64) -> String| value.map(tell).unwrap_or_default();
    [
        explain::clip(name, NAME),
        offered.to_string(),
        answered.to_string(),
        part.tally.counts.failed().to_string(),
        // Only of all calls is it known: one that was skipped has no app and no host.
        if name == "all" { skipped.to_string() } else { String::new() },
        told(summary.asr_percent, percent),
        told(summary.acd_s, time),
        told(summary.rate, rate),
        told(summary.erlangs, |erlangs| format!("{erlangs:.1}")),
        peak.map(|peak| peak.to_string()).unwrap_or_default(),
    ]
}

fn times(part: &Part) -> Table<5> {
    let mut table = Table::new(["times", "p50", "p95", "p99", "max"]);
    for (name, Quantiles { p50, p95, p99, max, .. }) in named_times(part) {
        table.row([name.to_owned(), time(*p50), time(*p95), time(*p99), time(*max)]);
    }
    table
}

/// The times of a part that are told, with their names.
pub(super) fn named_times(part: &Part) -> impl Iterator<Item = (&'static str, &Quantiles)> {
    TIMES.into_iter().filter_map(|(timing, name)| Some((name, part.summary.times.get(&timing)?)))
}

fn frequencies(name: &str, top: &[(&str, u64)], total: u64, layout: Layout) -> String {
    let width = top.first().map_or(0, |(_, count)| count.to_string().len());
    let line = |(index, (text, count)): (usize, &(&str, u64))| {
        let text = if text.is_empty() { "none" } else { text };
        let label = if index == 0 { name } else { "" };
        explain::row(label, Style::Strong, &format!("{count:>width$} {}", escape::line(text)), layout)
    };
    let mut lines: String = top.iter().take(MOST).enumerate().map(line).collect();
    let others = total - top.iter().take(MOST).map(|(_, count)| count).sum::<u64>();
    if others > 0 {
        lines += &explain::row("", Style::Faint, &format!("{others:>width$} others"), layout);
    }
    lines
}

/// The steps of a search for capacity.
fn steps(search: &SearchReport) -> Table<4> {
    let mut table = Table::new(["search", "calls", "", ""]).align(3, Align::Left);
    for step in &search.steps {
        table.row(self::step(step));
    }
    table
}

/// Rate, calls, how it went, and what broke.
pub(super) fn step(step: &SearchStep) -> [String; 4] {
    let worst = step.findings.iter().find(|finding| finding.verdict == step.verdict);
    let worst = worst
        .filter(|_| step.verdict != Verdict::Passed)
        .map(|finding| escape::line(&format!("{} was {}, not {}", finding.name, finding.actual, finding.expected)));
    let word = match step.verdict {
        Verdict::Passed => "ok",
        Verdict::Failed => "FAIL",
        Verdict::Skipped | Verdict::Error => "ERROR",
    };
    [rate(step.rate), step.calls.to_string(), word.to_owned(), worst.unwrap_or_default()]
}

/// A call that did not pass, as a test of its own would be told.
fn example(report: &TestReport, load: &LoadOutcome, number: usize, layout: Layout) -> String {
    let Example { cdr, checks, legs, recordings } = &load.examples[number];
    let mut text = explain::row("example", Style::Strong, &example_head(report, &load.examples[number]), layout);
    text += &explain::checks_of(checks, cdr.verdict, layout);
    text += &explain::recorded(recordings, layout);
    text + &explain::legs_of(legs, cdr.launched, layout)
}

/// `bert on local, call 17 at +1.70s, USER_BUSY (486)`
pub(super) fn example_head(report: &TestReport, Example { cdr, .. }: &Example) -> String {
    let at = human(cdr.launched.since(report.started));
    let code = cdr.sip_code.map(|code| format!(" ({code})")).unwrap_or_default();
    let cause = if cdr.hangup_cause.is_empty() { "no hangup cause" } else { &cdr.hangup_cause };
    escape::line(&format!("{} on {}, call {} at +{at}, {cause}{code}", cdr.app, cdr.host, cdr.index)).to_string()
}

/// `21ms`, of seconds.
pub(super) fn time(seconds: f64) -> String {
    Duration::try_from_secs_f64(seconds).map_or_else(|_| format!("{seconds} s"), human)
}

/// `99.5 %`
pub(super) fn percent(value: f64) -> String {
    let text = format!("{value:.2}");
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `30.0/s`
pub(super) fn rate(value: f64) -> String {
    format!("{value:.1}/s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::paint::Paint;
    use crate::report::sample;

    const PLAIN: Layout = Layout { paint: Paint::Plain, width: None, entries: 16 };

    #[test]
    fn a_load_under_way_is_told_in_a_line() {
        let line = progress(&sample::told(15));
        assert_eq!(line, "150 offered, 20 up, 10.0/s, ASR 97.69 %, setup p95 100ms, 3 failed");
    }

    #[test]
    fn a_load_that_failed_tells_gates_then_figures_then_calls() {
        let report = sample::load();
        let load = report.load.as_deref().unwrap();
        insta::assert_snapshot!(summary(&report, load, PLAIN));
    }

    #[test]
    fn a_search_for_capacity_tells_its_steps() {
        let report = sample::search();
        let load = report.load.as_deref().unwrap();
        insta::assert_snapshot!(summary(&report, load, PLAIN));
    }
}
