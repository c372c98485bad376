//! A load on a page: its figures, and its charts.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::chart;
use super::page::{STYLE, fingerprint, noun};
use crate::report::chart::{Unit, told};
use crate::report::escape::line;
use crate::report::load::{Calls, LoadCurves, Spread, Topic};

/// Figures and charts of `topics`, for a page that has the style of the HTML report. It needs no script.
pub fn section(curves: &LoadCurves, topics: &[Topic]) -> Markup {
    html! {
        section.load {
            (figures(curves))
            @if !curves.spreads.is_empty() { (spreads(&curves.spreads)) }
            (charts(curves, topics))
        }
    }
}

/// Nothing but the charts.
pub(super) fn charts(curves: &LoadCurves, topics: &[Topic]) -> Markup {
    html! { @for drawn in curves.charts(topics) { (chart(&drawn)) } }
}

/// A page with nothing but a load, that needs nothing but itself.
pub fn page(title: &str, curves: &LoadCurves, topics: &[Topic]) -> String {
    let policy = format!(
        "default-src 'none'; img-src data:; style-src '{}'; base-uri 'none'; form-action 'none'",
        fingerprint(STYLE)
    );
    let Calls { offered, failed, .. } = curves.calls;
    let calls = usize::try_from(offered).unwrap_or(usize::MAX);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (line(title)) " - callwright" }
                // Asked for by browsers otherwise.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                header.(if failed > 0 { "bad" } else { "good" }) {
                    p.brand { "callwright" }
                    h1 {
                        @if failed > 0 { (failed) " of " (offered) " " (noun(calls, "call")) " failed" }
                        @else { (offered) " " (noun(calls, "call")) ", none failed" }
                    }
                    p.when { (line(title)) }
                }
                main { (section(curves, topics)) }
                footer { "Written by callwright " (env!("CARGO_PKG_VERSION")) ". This file is complete: it asks no network for anything." }
            }
        }
    }
    .into_string()
}

fn figures(curves: &LoadCurves) -> Markup {
    let Calls { offered, answered, failed, active, sessions, rate } = curves.calls;
    let percent = |part: u64| if offered == 0 { 0.0 } else { part as f64 / offered as f64 * 100.0 };
    let mut figures = vec![
        ("calls offered", offered.to_string()),
        ("answered", format!("{answered} ({:.2} %)", percent(answered))),
        ("failed", format!("{failed} ({:.2} %)", percent(failed))),
        ("length", told(curves.seconds, &Unit::Seconds)),
    ];
    figures.extend(rate.map(|rate| ("mean call rate", told(rate, &Unit::PerSecond))));
    figures.push(("at once, at most", format!("{active} calls, {sessions} sessions")));
    html! {
        dl.figures { @for (name, value) in figures { div { dt { (name) } dd { (value) } } } }
    }
}

fn spreads(spreads: &[Spread]) -> Markup {
    let seconds = |value: f64| told(value, &Unit::Seconds);
    html! {
        h4 { "Latencies" }
        div.scroll tabindex="0" role="region" aria-label="Latencies" {
            table {
                thead { tr { th scope="col" {} @for name in ["calls", "min", "p50", "p95", "p99", "max"] { th scope="col" { (name) } } } }
                tbody {
                    @for spread in spreads {
                        tr {
                            th scope="row" { (line(&spread.name)) }
                            td { (spread.calls) }
                            @for value in [spread.least, spread.p50, spread.p95, spread.p99, spread.most] { td { (seconds(value)) } }
                        }
                    }
                }
            }
        }
        p.fine { "Quantiles are within 1 %; the smallest and the largest are exact." }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::chart::{Mark, Series};
    use crate::report::load::samples::{answered, refused};

    #[test]
    fn the_page_of_a_load_has_figures_and_charts_and_no_script() {
        let calls = (0..50).map(|index| answered(index, Duration::from_millis(100)));
        let mut curves = LoadCurves::from_cdrs(calls.chain([refused(50, "<b>BUSY", 486)]));
        curves.curves.push((Topic::Cpu, Series::new("generator, busy", Mark::Line, vec![(0.0, 12.0), (2.0, 30.0)])));
        let page = page("</title><script>alert(1)</script>.jsonl", &curves, &Topic::ALL);
        assert!(!page.contains("<script") && !page.contains("style=") && !page.contains("<b>BUSY"));
        for text in ["1 of 51 calls failed", "50 (98.04 %)", "setup time", "&lt;b&gt;BUSY (486): 1", "generator, busy"]
        {
            assert!(page.contains(text), "{text}");
        }
        assert_eq!(page.matches("<figure").count(), 10);
    }

    #[test]
    fn a_load_without_calls_is_told() {
        let section = section(&LoadCurves::default(), &[Topic::Rate]).into_string();
        assert!(section.contains("there was no call") && section.contains("0 (0.00 %)"), "{section}");
    }

    #[test]
    fn a_chart_on_a_page() {
        let series = vec![
            Series::new("p50", Mark::Line, vec![(0.0, 0.1), (30.0, f64::NAN), (60.0, 0.2)]),
            Series::new("busy", Mark::Stack { width: 30.0 }, vec![(0.0, 2.0)]).right(),
        ];
        let curves = LoadCurves {
            seconds: 60.0,
            curves: series.into_iter().map(|s| (Topic::SetupTime, s)).collect(),
            ..LoadCurves::default()
        };
        let drawn = curves.charts(&[Topic::SetupTime]).remove(0);
        insta::assert_snapshot!(chart(&drawn).into_string().replace("><", ">\n<"));
    }
}
