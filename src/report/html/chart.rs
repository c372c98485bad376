//! A chart on a page: it takes what room there is, its letters stay as large as they are, and the page has its colours.

use std::fmt::Write;

use maud::{Markup, html};

use crate::canvas::Point;
use crate::report::chart::{Chart, Drawn, Ink, Mark, Plan};
use crate::report::escape::line;

/// Places of the plot across and down, and how many of them are a pixel, about, and in height exactly.
const ACROSS: usize = 6000;
const DOWN: usize = HEIGHT * FINE;
const FINE: usize = 10;
/// Pixels of the plot, and below it for the axis of time; above it for the unit.
const HEIGHT: usize = 160;
const FOOT: usize = 22;
const UNIT: usize = 18;
/// Ticks of time for which a telephone has room.
const TICKS: usize = 5;

pub(super) fn chart(chart: &Chart) -> Markup {
    let plan = Plan::of(chart, ACROSS / FINE, HEIGHT, TICKS);
    let one = plan.left.is_none() || plan.right.is_none();
    html! {
        figure.chart {
            figcaption {
                b { (line(&chart.title)) }
                @if let Some(beyond) = &plan.beyond { span.fine { (beyond) } }
            }
            ul.legend {
                @for drawn in plan.drawn.iter().filter(|drawn| !drawn.ink.is_empty()) { li { (key(drawn)) span { (line(&drawn.name)) } } }
            }
            div.plot.one[one] {
                svg role="img" aria-label=(label(chart, &plan)) width="100%" height=(UNIT + HEIGHT + FOOT) {
                    svg y=(UNIT) width="100%" height=(HEIGHT + FOOT) overflow="visible" { (plot(chart, &plan)) }
                    @if let Some(scale) = &plan.left { text x="0" y="11" { (line(&scale.unit)) } }
                    @if let Some(scale) = &plan.right { text x="100%" y="11" text-anchor="end" { (line(&scale.unit)) } }
                }
            }
        }
    }
}

fn plot(chart: &Chart, plan: &Plan) -> Markup {
    let y = |part: f64| ((1.0 - part) * HEIGHT as f64).round();
    let percent = |part: f64| format!("{:.2}%", part * 100.0);
    html! {
        @if let Some(scale) = plan.left.as_ref().or(plan.right.as_ref()) {
            @for (value, _) in &scale.ticks { line.grid x1="0" x2="100%" y1=(y(scale.part(*value))) y2=(y(scale.part(*value))) {} }
        }
        @if let Some(scale) = &plan.left {
            @for (value, label) in &scale.ticks { text x="-6" y=(y(scale.part(*value)) + 4.0) text-anchor="end" { (label) } }
        }
        @if let Some(scale) = &plan.right {
            @for (value, label) in &scale.ticks { text x="100%" dx="6" y=(y(scale.part(*value)) + 4.0) { (label) } }
        }
        line.axis x1="0" x2="100%" y1=(HEIGHT) y2=(HEIGHT) {}
        @for (value, label) in &plan.time.ticks {
            @let x = percent(plan.time.part(*value));
            line.axis x1=(x) x2=(x) y1=(HEIGHT) y2=(HEIGHT + 4) {}
            text x=(x) y=(HEIGHT + 17) text-anchor="middle" { (label) }
        }
        @if plan.is_empty() {
            text.none x="50%" y=(HEIGHT / 2) text-anchor="middle" { (line(&chart.empty)) }
        }
        svg width="100%" height=(HEIGHT) viewBox={ "0 0 " (ACROSS) " " (DOWN) } preserveAspectRatio="none" overflow=[plan.beyond.is_none().then_some("visible")] {
            @for drawn in plan.in_order() { @for ink in &drawn.ink { (path(drawn, ink)) } }
        }
    }
}

fn path(drawn: &Drawn, ink: &Ink) -> Markup {
    let (class, points) = match (ink, drawn.mark) {
        (Ink::Line(points), Mark::Backdrop) => ("back", points),
        (Ink::Line(points), _) => ("line", points),
        (Ink::Dots(points), Mark::Dots) => ("cloud", points),
        (Ink::Dots(points), _) => ("dots", points),
        (Ink::Area(points), _) => ("area", points),
    };
    let mut data = String::with_capacity(points.len() * 11);
    for (n, (x, y)) in points.iter().map(place).enumerate() {
        // Writing to a String cannot fail. A line of no length with round ends is a dot.
        let _ = match ink {
            Ink::Dots(_) => write!(data, "M{x} {y}h0"),
            _ if n == 0 => write!(data, "M{x} {y}"),
            _ => write!(data, "L{x} {y}"),
        };
    }
    if class == "area" {
        data.push('Z');
    }
    html! { path.(class).(drawn.key.class) d=(data) {} }
}

fn place((x, y): &Point) -> (i64, i64) {
    ((x * ACROSS as f64).round() as i64, ((1.0 - y) * DOWN as f64).round() as i64)
}

/// What stands before a name.
fn key(drawn: &Drawn) -> Markup {
    let opacity = match drawn.mark {
        Mark::Backdrop => Some("0.6"),
        Mark::Stack { .. } => Some("0.75"),
        Mark::Line | Mark::Dots => None,
    };
    html! {
        svg.(drawn.key.class) width="18" height="10" aria-hidden="true" opacity=[opacity] {
            @match drawn.mark {
                Mark::Line | Mark::Backdrop => { rect y="4" width="18" height="3" fill="currentColor" {} }
                Mark::Dots => { @for x in [3, 9, 15] { circle cx=(x) cy="5.5" r="2.5" fill="currentColor" {} } }
                Mark::Stack { .. } => { rect x="4" width="12" height="10" fill="currentColor" {} }
            }
        }
    }
}

/// The chart for those who do not see it.
fn label(chart: &Chart, plan: &Plan) -> String {
    let names: Vec<&str> =
        plan.drawn.iter().filter(|drawn| !drawn.ink.is_empty()).map(|drawn| drawn.name.as_str()).collect();
    let what = if names.is_empty() { chart.empty.clone() } else { names.join(", ") };
    line(&format!("{}, over time: {what}", chart.title))
}
