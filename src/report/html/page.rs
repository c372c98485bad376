//! The page: its head with counts and hosts, the controls, and the list of tests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::test::{Left, card};
use super::{Host, Run, Status};
use crate::report::escape::line;
use crate::run::TestReport;
use crate::units::Time;

pub(super) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// So many tests that did not pass stand open; where there are more, one looks at their list first.
const OPEN: usize = 3;

pub(super) fn page(run: &Run) -> String {
    let mut left = Left::default();
    let bad = run.reports.iter().filter(|report| Status::of(report).is_bad()).count();
    let cards: Vec<Markup> = run
        .reports
        .iter()
        .enumerate()
        .map(|(index, report)| card(index + 1, report, Status::of(report).is_bad() && bad <= OPEN, &mut left))
        .collect();
    let policy = format!(
        "default-src 'none'; img-src data:; media-src data:; style-src '{}'; script-src '{}'; base-uri 'none'; \
         form-action 'none'",
        fingerprint(STYLE),
        fingerprint(SCRIPT)
    );
    let verdict = verdict(run, bad);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (verdict) " - callwright" }
                // Asked for by browsers otherwise.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#tests" { "Skip to the tests" }
                (head(run, bad, &verdict, &left))
                main {
                    (hosts(run))
                    (controls(run))
                    h2 #tests { "Tests" }
                    p #shown role="status" { (run.reports.len()) " " (noun(run.reports.len(), "test")) ", the worst first" }
                    div #list { @for card in &cards { (card) } }
                    @if cards.is_empty() { p.none { "No test was begun." } }
                    p #nothing hidden { "No test fits." }
                }
                footer { "Written by callwright " (env!("CARGO_PKG_VERSION")) ". This file is complete: it asks no network for anything." }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// As a policy names what may run.
pub(super) fn fingerprint(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

pub(super) fn noun(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// The run in a sentence.
fn verdict(run: &Run, bad: usize) -> String {
    let all = run.reports.len();
    let passed = Status::ALL.into_iter().filter(|status| !status.is_bad() && *status != Status::Skipped);
    let passed: usize = passed.map(|status| run.count(status)).sum();
    let tests = noun(all, "test");
    match (bad, passed) {
        _ if run.duration.is_none() => format!("The run broke off after {all} {tests}"),
        (0, _) if run.interrupted => format!("Interrupted: no failure in {all} {tests}"),
        (_, _) if run.interrupted => format!("Interrupted: {bad} of {all} {tests} did not pass"),
        (0, 0) => format!("Nothing was tested: {all} {tests} skipped"),
        (0, _) if passed == 1 => "1 test passed".to_owned(),
        (0, _) => format!("All {passed} tests passed"),
        _ => format!("{bad} of {all} {tests} did not pass"),
    }
}

fn head(run: &Run, bad: usize, verdict: &str, left: &Left) -> Markup {
    let class = if bad > 0 || run.duration.is_none() {
        "bad"
    } else if run.interrupted {
        "odd"
    } else {
        "good"
    };
    let unbegun = run.tests.saturating_sub(run.reports.len());
    let took = run.duration.unwrap_or_else(|| run.last.since(run.started.unwrap_or(run.last)));
    html! {
        header.(class) {
            p.brand { "callwright" }
            h1 { (verdict) }
            p.when {
                @if let Some(started) = run.started { time datetime=(stamp(started)) { (stamp(started).replace('T', " ").replace('Z', " UTC")) } }
                " · took " (seconds(took)) " · "
                (run.hosts.len()) " " (noun(run.hosts.len(), "host"))
            }
            @if !run.reports.is_empty() { (bar(run)) }
            ul.counts {
                @for status in Status::ALL {
                    @let count = run.count(status);
                    @if count > 0 { li.(status.class()) { b { (count) } " " (status.word()) } }
                }
            }
            @if unbegun > 0 { p.note { (unbegun) " more " (noun(unbegun, "test")) " did not begin." } }
            @for note in left.notes() { p.note { (note) } }
        }
    }
}

/// Counts as parts of a bar. Its text is the list below it.
fn bar(run: &Run) -> Markup {
    let all = run.reports.len() as f64;
    let mut from = 0;
    let parts = Status::ALL.map(|status| {
        let (start, count) = (from, run.count(status));
        from += count;
        (status, start as f64 * 100.0 / all, count as f64 * 100.0 / all)
    });
    html! {
        svg.bar aria-hidden="true" width="100%" height="10" {
            @for (status, start, width) in parts {
                @if width > 0.0 {
                    rect.(status.class()) x=(format!("{start:.3}%")) width=(format!("{width:.3}%")) height="100%" {}
                }
            }
        }
    }
}

fn hosts(run: &Run) -> Markup {
    let many = run.hosts.len() > 1;
    html! {
        section.hosts aria-labelledby="hosts" {
            h2 #hosts { (if many { "Hosts" } else { "Host" }) }
            @for host in &run.hosts { (about(host, run)) }
        }
    }
}

fn about(host: &Host, run: &Run) -> Markup {
    // A load is on all of its hosts.
    let is_on = |report: &&TestReport| match report.load {
        Some(_) => report.host.split('+').any(|name| name == host.name),
        None => report.host == host.name,
    };
    let its = || run.reports.iter().filter(is_on);
    let bad = its().filter(|report| Status::of(report).is_bad()).count();
    html! {
        details open[host.lost.is_some() || !host.left.is_empty()] {
            summary {
                h3 { (line(&host.name)) }
                span.version {
                    @match &host.version {
                        Some(version) => (line(version)),
                        None => "was never up",
                    }
                }
                span.sum { (its().count()) " " (noun(its().count(), "test")) @if bad > 0 { ", " b { (bad) " did not pass" } } }
            }
            @if let Some(reason) = &host.lost { p.lost { "Lost: " (line(reason)) } }
            @if !host.left.is_empty() { p.lost { "Still has sessions of this run: " (line(&host.left.join(", "))) } }
            dl.figures {
                @for (name, value) in &host.about { div { dt { (line(name)) } dd { (line(value)) } } }
            }
        }
    }
}

/// Hidden until the script shows them: without it they do nothing.
fn controls(run: &Run) -> Markup {
    let mut tags: Vec<&String> = run.reports.iter().flat_map(|report| &report.tags).collect();
    tags.sort();
    tags.dedup();
    html! {
        form #controls hidden role="search" aria-label="Which tests are shown" {
            label.search { span { "Search" } input #search type="search" placeholder="name, file, reason" autocomplete="off"; }
            @if run.hosts.len() > 1 {
                label { span { "Host" } select #host {
                    option value="" { "all" }
                    @for host in &run.hosts { option value=(line(&host.name)) { (line(&host.name)) } }
                } }
            }
            @if !tags.is_empty() {
                label { span { "Tag" } select #tag {
                    option value="" { "all" }
                    @for tag in tags { option value=(line(tag)) { (line(tag)) } }
                } }
            }
            label { span { "Order" } select #order {
                option value="" { "worst first" }
                option value="slow" { "slowest first" }
                option value="name" { "by name" }
                option value="time" { "as they began" }
            } }
            fieldset {
                legend { "Verdict" }
                @for status in Status::ALL {
                    @if run.count(status) > 0 {
                        label.(status.class()) { input type="checkbox" value=(status.class()) checked; " " (status.word()) " " b { (run.count(status)) } }
                    }
                }
            }
            div.open { button #open type="button" { "Open all shown" } button #close type="button" { "Close all" } }
        }
        noscript { p.note { "Searching and sorting need JavaScript. Everything else does not." } }
    }
}

/// `3.02s`, `2m 05s`, `1h 02m`
pub(super) fn seconds(took: std::time::Duration) -> String {
    let whole = took.as_secs();
    match whole {
        0..60 => format!("{:.2}s", took.as_secs_f64()),
        60..3600 => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!("{}h {:02}m", whole / 3600, whole % 3600 / 60),
    }
}

/// RFC 3339, UTC, to the second.
pub(super) fn stamp(time: Time) -> String {
    let micros = i64::try_from(time.as_micros()).ok();
    let stamp = micros.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    stamp.map_or_else(String::new, |stamp| format!("{stamp:.0}"))
}
