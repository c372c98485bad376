//! Charts on a canvas, below one another.

use super::palette::{GRID, INK, PAPER, SOFT, STYLE};
use super::plan::{Drawn, FEW, Ink, Plan};
use super::scale::Scale;
use super::{Chart, Mark};
use crate::canvas::{Anchor, Canvas, LETTER, PictureError, Point};

/// The charts below one another, under `title`, as SVG that stands by itself.
pub fn svg(title: &str, charts: &[Chart]) -> Result<String, PictureError> {
    canvas(title, charts).svg()
}

/// The same as PNG.
pub fn png(title: &str, charts: &[Chart]) -> Result<Vec<u8>, PictureError> {
    canvas(title, charts).png()
}

const WIDTH: usize = 900;
const HEIGHT: usize = 200;
const LEFT: usize = 76;
const RIGHT: usize = 76;
/// Of the title of all.
const HEAD: usize = 44;
/// Title of a chart, a row of its legend, room above the plot for the unit, axis of time below, gap to the next.
const TITLE: usize = 28;
const ROW: usize = 22;
const UNIT: usize = 22;
const FOOT: usize = 32;
const GAP: usize = 26;
const TICKS: usize = 10;
const SWATCH: usize = 20;

fn canvas(title: &str, charts: &[Chart]) -> Canvas {
    let plans: Vec<Plan> = charts.iter().map(|chart| Plan::of(chart, WIDTH, HEIGHT, TICKS)).collect();
    let heights: Vec<usize> = plans.iter().map(height).collect();
    let mut canvas = Canvas::new(LEFT + WIDTH + RIGHT, HEAD + heights.iter().sum::<usize>(), PAPER).styled(STYLE);
    canvas.text(LEFT, 30, Anchor::Start, SOFT, title);
    let mut top = HEAD;
    for ((chart, plan), height) in charts.iter().zip(&plans).zip(heights) {
        draw(&mut canvas, top, chart, plan);
        top += height;
    }
    canvas
}

fn height(plan: &Plan) -> usize {
    TITLE + legend(plan).len() * ROW + UNIT + HEIGHT + FOOT + GAP
}

fn draw(canvas: &mut Canvas, top: usize, chart: &Chart, plan: &Plan) {
    canvas.text(LEFT, top + 16, Anchor::Start, INK, &chart.title);
    if let Some(beyond) = &plan.beyond {
        canvas.text(LEFT + WIDTH, top + 16, Anchor::End, SOFT, beyond);
    }
    let rows = legend(plan);
    for (number, row) in rows.iter().enumerate() {
        for (x, drawn) in row {
            key(canvas, LEFT + x, top + TITLE + number * ROW + 14, drawn);
        }
    }
    let top = top + TITLE + rows.len() * ROW + UNIT;
    for scale in [&plan.left, &plan.right].into_iter().flatten().take(1) {
        for (value, _) in &scale.ticks {
            canvas.rect(LEFT, row(top, scale, *value), WIDTH, 1, GRID);
        }
    }
    if let Some(left) = &plan.left {
        values(canvas, top, left, LEFT - 8, Anchor::End);
    }
    if let Some(right) = &plan.right {
        values(canvas, top, right, LEFT + WIDTH + 8, Anchor::Start);
    }
    time(canvas, top + HEIGHT, &plan.time);
    if plan.is_empty() {
        canvas.text(LEFT + WIDTH / 2, top + HEIGHT / 2, Anchor::Middle, SOFT, &chart.empty);
    }
    // A line at an end of the plot is drawn in full.
    canvas.clipped(LEFT - 3, top - 3, WIDTH + 6, HEIGHT + 6, |canvas| {
        for drawn in plan.in_order() {
            drawn.ink.iter().for_each(|ink| paint(canvas, top, drawn, ink));
        }
    });
}

fn paint(canvas: &mut Canvas, top: usize, drawn: &Drawn, ink: &Ink) {
    let place = |&(x, y): &Point| (LEFT as f64 + x * WIDTH as f64, top as f64 + (1.0 - y) * HEIGHT as f64);
    let paint = drawn.key.paint();
    match (ink, drawn.mark) {
        (Ink::Area(outline), _) => canvas.area(outline.iter().map(place).collect(), paint.opacity(0.75)),
        (Ink::Line(points), Mark::Backdrop) => {
            canvas.line(points.iter().map(place).collect(), 1.0, paint.opacity(0.6));
        }
        (Ink::Line(points), _) => canvas.line(points.iter().map(place).collect(), 1.5, paint),
        (Ink::Dots(points), Mark::Dots) if points.len() > FEW => {
            canvas.dots(points.iter().map(place).collect(), 4.0, paint.opacity(0.7))
        }
        (Ink::Dots(points), _) => canvas.dots(points.iter().map(place).collect(), 5.0, paint),
    }
}

/// The row of pixels of a value.
fn row(top: usize, scale: &Scale, value: f64) -> usize {
    top + ((1.0 - scale.part(value)) * HEIGHT as f64).round() as usize
}

fn values(canvas: &mut Canvas, top: usize, scale: &Scale, x: usize, anchor: Anchor) {
    for (value, label) in &scale.ticks {
        canvas.text(x, row(top, scale, *value) + 5, anchor, SOFT, label);
    }
    // Above the plot and inwards, where there is room for words.
    let (x, anchor) = if anchor == Anchor::End { (LEFT, Anchor::Start) } else { (LEFT + WIDTH, Anchor::End) };
    canvas.text(x, top - 8, anchor, SOFT, &scale.unit);
}

fn time(canvas: &mut Canvas, bottom: usize, scale: &Scale) {
    canvas.rect(LEFT, bottom, WIDTH, 1, SOFT);
    for (seconds, label) in &scale.ticks {
        let x = LEFT + (scale.part(*seconds) * WIDTH as f64).round() as usize;
        canvas.rect(x, bottom, 1, 5, SOFT);
        canvas.text(x, bottom + 24, Anchor::Middle, SOFT, label);
    }
}

/// Rows of names, each with where it begins.
fn legend(plan: &Plan) -> Vec<Vec<(usize, &Drawn)>> {
    let mut rows: Vec<Vec<(usize, &Drawn)>> = Vec::new();
    let mut x = WIDTH;
    for drawn in plan.drawn.iter().filter(|drawn| !drawn.ink.is_empty()) {
        let width = SWATCH + 8 + LETTER * drawn.name.chars().count() + 20;
        if x + width > WIDTH + 20 {
            rows.push(Vec::new());
            x = 0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((x, drawn));
        }
        x += width;
    }
    rows
}

/// A colour with its name, whose letters stand at `y`.
fn key(canvas: &mut Canvas, x: usize, y: usize, drawn: &Drawn) {
    let paint = drawn.key.paint();
    let (left, middle, right) = (x as f64, y as f64 - 5.0, (x + SWATCH) as f64);
    match drawn.mark {
        Mark::Line => canvas.line(vec![(left, middle), (right, middle)], 3.0, paint),
        Mark::Backdrop => canvas.line(vec![(left, middle), (right, middle)], 3.0, paint.opacity(0.6)),
        Mark::Dots => {
            canvas.dots([0.2, 0.5, 0.8].map(|part| (left + part * SWATCH as f64, middle)).to_vec(), 5.0, paint)
        }
        Mark::Stack { .. } => canvas.rect(x + SWATCH - 14, y - 12, 14, 14, paint.opacity(0.75)),
    }
    canvas.text(x + SWATCH + 8, y, Anchor::Start, INK, &drawn.name);
}
