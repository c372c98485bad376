//! What a load came to: its gates, figures, charts, and calls that did not pass.

use maud::{Markup, html};

use super::load;
use super::page::noun;
use super::test::{self, Left, Told};
use crate::metrics::Frequent;
use crate::report::escape::line;
use crate::report::load::{LoadCurves, Topic};
use crate::report::load_text;
use crate::run::{Example, LoadOutcome, SearchReport, TestReport};
use crate::verdict::{CheckReport, Verdict};

/// What is drawn of a load's buckets: they have no more.
const TOPICS: [Topic; 8] = [
    Topic::SetupTime,
    Topic::PostDialDelay,
    Topic::Active,
    Topic::Failures,
    Topic::Rate,
    Topic::LateStarts,
    Topic::Cpu,
    Topic::Memory,
];
/// Causes and reasons that are told.
const MOST: usize = 20;

pub(super) fn outcome(report: &TestReport, load: &LoadOutcome, left: &mut Left) -> Markup {
    let tally = &load.report.all.tally;
    html! {
        div.load {
            h4 { "Gates and checks" }
            ul.checks { @for check in &report.checks { (judged(check, load)) } }
            @if let Some(search) = &load.search { (steps(search)) }
            (figures(load))
            (times(load))
            (frequencies("How calls that did not pass ended", &tally.failed_causes))
            (frequencies("Why calls did not pass", &tally.reasons))
            @if !load.examples.is_empty() {
                h4 { "Calls that did not pass" }
                p.fine { "The first of each app, check and hangup cause." }
                @for example in &load.examples { (call(report, example, left)) }
            }
            h4 { "Over time" }
            (load::charts(&LoadCurves::from_series(&load.report.series), &TOPICS))
        }
    }
}

/// A check of a load, with its bound even where it holds.
fn judged(check: &CheckReport, load: &LoadOutcome) -> Markup {
    if check.verdict != Verdict::Passed {
        return test::check(check);
    }
    html! {
        li.passed {
            span.sign aria-hidden="true" { "✓" }
            span.hide { "passed: " }
            span.name { (line(&load_text::name(check, load))) } " " span.actual { (line(check.actual.trim())) }
        }
    }
}

fn figures(load: &LoadOutcome) -> Markup {
    let head = ["offered", "answered", "failed", "skipped", "ASR", "ACD", "rate", "Erlangs", "peak"];
    let parts = load_text::named_parts(load);
    let rows: Vec<_> = parts.iter().map(|(name, part)| load_text::figures(name, part)).collect();
    table("Calls", &head, &rows)
}

fn times(load: &LoadOutcome) -> Markup {
    let row = |(name, times): (&str, &crate::metrics::Quantiles)| {
        let told = [times.p50, times.p95, times.p99, times.max].map(load_text::time);
        let [p50, p95, p99, max] = told;
        [name.to_owned(), p50, p95, p99, max]
    };
    let rows: Vec<_> = load_text::named_times(&load.report.all).map(row).collect();
    table("Times", &["p50", "p95", "p99", "max"], &rows)
}

/// The steps of a search for capacity.
fn steps(search: &SearchReport) -> Markup {
    let rows: Vec<_> = search.steps.iter().map(load_text::step).collect();
    table("Search for capacity", &["calls", "", "what broke"], &rows)
}

/// A table whose rows have a label before as many cells as there are headings; none without rows.
fn table<const N: usize>(title: &str, head: &[&str], rows: &[[String; N]]) -> Markup {
    html! {
        @if !rows.is_empty() {
            h4 { (title) }
            div.scroll tabindex="0" role="region" aria-label=(title) {
                table {
                    thead { tr { th scope="col" {} @for name in head { th scope="col" { (name) } } } }
                    tbody {
                        @for row in rows {
                            tr { th scope="row" { (line(&row[0])) } @for cell in &row[1..] { td { (line(cell)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn frequencies(title: &str, frequent: &Frequent) -> Markup {
    let top = frequent.top();
    let shown = &top[..top.len().min(MOST)];
    let others = frequent.total() - shown.iter().map(|(_, count)| count).sum::<u64>();
    html! {
        @if !top.is_empty() {
            h4 { (title) }
            dl.counted {
                @for (text, count) in shown { div { dt { (count) } dd { @if text.is_empty() { "nothing is known" } @else { (line(text)) } } } }
                @if others > 0 { div { dt { (others) } dd { "others" } } }
            }
        }
    }
}

/// A call that did not pass, as a test of its own.
fn call(report: &TestReport, example: &Example, left: &mut Left) -> Markup {
    let Example { cdr, checks, legs, recordings } = example;
    let class = if cdr.verdict == Verdict::Error { "error" } else { "failed" };
    let told = Told { started: cdr.launched, host: &cdr.host, checks, legs, properties: &[], recordings };
    let others = checks.iter().filter(|check| check.verdict == cdr.verdict).count().saturating_sub(1);
    html! {
        details.attempt.(class) {
            summary {
                span.v { (class) } (load_text::example_head(report, example)) ": " (line(&cdr.reason))
                @if others > 0 { span.fine { " and " (others) " more " (noun(others, "check")) } }
            }
            div.body { (test::attempt(&told, left)) }
        }
    }
}
