//! Where everything of a chart is, in parts of the plot's width and height.

use super::scale::{Scale, told};
use super::stack::Stack;
use super::{Axis, Chart, Key, Mark, Series, Unit, decimate};
use crate::canvas::Point;

/// A chart worked out. Places are parts of the plot: `(0, 0)` is the lower left, `(1, 1)` the upper right.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub time: Scale,
    pub left: Option<Scale>,
    pub right: Option<Scale>,
    /// In the order of the series; those without a value have no ink. What is further back is [`Drawn::is_behind`].
    pub drawn: Vec<Drawn>,
    /// What cannot be seen, in a few words.
    pub beyond: Option<String>,
}

/// A series worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub name: String,
    pub mark: Mark,
    pub key: Key,
    pub ink: Vec<Ink>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Ink {
    Line(Vec<Point>),
    Dots(Vec<Point>),
    Area(Vec<Point>),
}

/// A line of so many points or fewer has them marked; so few dots are larger.
pub const FEW: usize = 40;
/// A backdrop has so many times the height of what is before it, and what is higher is beyond the axis.
const HEADROOM: f64 = 3.0;

impl Plan {
    /// For a plot of `columns` by `rows` pixels that has room for `ticks` ticks of time.
    pub fn of(chart: &Chart, columns: usize, rows: usize, ticks: usize) -> Plan {
        let stacks = [Axis::Left, Axis::Right].map(|axis| Stack::of(&stacked(chart, axis)));
        let ends = chart.series.iter().flat_map(|series| series.points.iter().map(|point| point.0));
        let ends = ends.chain(stacks.iter().map(Stack::end)).filter(|end| end.is_finite());
        let time = Scale::of_time(ends.fold(chart.seconds, f64::max), ticks);
        let scale = |axis, stack| scale(chart, axis, stack);
        let [(left, above), (right, above_right)] = [scale(Axis::Left, &stacks[0]), scale(Axis::Right, &stacks[1])];
        let stacks = stacks.map(|stack| stack.decimated(time.high, columns));
        let mut plan = Plan { time, left, right, drawn: Vec::new(), beyond: above.or(above_right) };
        let mut stack_numbers = [0, 0];
        for (number, series) in chart.series.iter().enumerate() {
            let axis = usize::from(series.axis == Axis::Right);
            let scale = if axis == 0 { &plan.left } else { &plan.right };
            let mut ink = Vec::new();
            if let Some(scale) = scale {
                let place = |(x, y): Point| (plan.time.part(x), scale.part(y));
                if let Mark::Stack { .. } = series.mark {
                    let outlines = stacks[axis].outlines(stack_numbers[axis]);
                    stack_numbers[axis] += 1;
                    ink.extend(outlines.into_iter().map(|outline| Ink::Area(outline.into_iter().map(place).collect())));
                } else {
                    ink = inked(series, place, columns, rows);
                }
            }
            plan.drawn.push(Drawn { name: named(series), mark: series.mark, key: Key::of(number), ink });
        }
        plan
    }

    pub fn is_empty(&self) -> bool {
        self.drawn.iter().all(|drawn| drawn.ink.is_empty())
    }

    /// Those behind first.
    pub fn in_order(&self) -> impl Iterator<Item = &Drawn> {
        let (behind, before): (Vec<_>, Vec<_>) = self.drawn.iter().partition(|drawn| drawn.is_behind());
        behind.into_iter().chain(before)
    }
}

impl Drawn {
    pub fn is_behind(&self) -> bool {
        matches!(self.mark, Mark::Backdrop | Mark::Stack { .. })
    }
}

fn stacked(chart: &Chart, axis: Axis) -> Vec<&Series> {
    let stacked = |series: &&Series| series.axis == axis && matches!(series.mark, Mark::Stack { .. });
    chart.series.iter().filter(stacked).collect()
}

/// The name, with the axis where that is not the usual one.
fn named(series: &Series) -> String {
    match series.axis {
        Axis::Left => series.name.clone(),
        Axis::Right => format!("{} (right)", series.name),
    }
}

/// An axis, and what is beyond it; no axis where no series has a value on it.
fn scale(chart: &Chart, axis: Axis, stack: &Stack) -> (Option<Scale>, Option<String>) {
    let unit: &Unit = if axis == Axis::Left { &chart.left } else { &chart.right };
    let range = |backdrop: bool| {
        let of_kind = |series: &&Series| {
            series.axis == axis
                && !matches!(series.mark, Mark::Stack { .. })
                && (series.mark == Mark::Backdrop) == backdrop
        };
        let values = chart.series.iter().filter(of_kind).flat_map(|series| &series.points);
        let values = values.filter(|point| point.0.is_finite() && point.1.is_finite()).map(|point| point.1);
        values.fold(None, |range: Option<(f64, f64)>, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        })
    };
    let stack = Some((0.0, stack.highest())).filter(|range| range.1 > 0.0);
    let join = |a: (f64, f64), b: (f64, f64)| (a.0.min(b.0), a.1.max(b.1));
    let before = range(false).into_iter().chain(stack).reduce(join);
    let mut beyond = None;
    let all = match (before, range(true)) {
        (Some(before), Some(behind)) => {
            let most = before.1 * HEADROOM;
            if most > 0.0 && behind.1 > most {
                beyond = Some(format!("beyond the axis: up to {}", told(behind.1, unit)));
            }
            Some((before.0.min(behind.0), if most > 0.0 { before.1.max(behind.1.min(most)) } else { behind.1 }))
        }
        (before, behind) => before.or(behind),
    };
    (all.map(|(low, high)| Scale::of_values(low, high, unit)), beyond)
}

fn inked(series: &Series, place: impl Fn(Point) -> Point, columns: usize, rows: usize) -> Vec<Ink> {
    let mut points: Vec<Point> = series.points.iter().copied().map(place).collect();
    if !points.is_sorted_by(|a, b| a.0 <= b.0) {
        points.retain(|point| !point.0.is_nan());
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    if series.mark == Mark::Dots {
        let dots = decimate::dots(&points, columns, rows);
        return if dots.is_empty() { Vec::new() } else { vec![Ink::Dots(dots)] };
    }
    let pieces = decimate::line(points.into_iter(), columns);
    let few = series.mark == Mark::Line && pieces.iter().map(Vec::len).sum::<usize>() <= FEW;
    // A point between two gaps is no line.
    let marked: Vec<Point> = pieces.iter().filter(|piece| few || piece.len() == 1).flatten().copied().collect();
    let mut ink: Vec<Ink> = pieces.into_iter().filter(|piece| piece.len() > 1).map(Ink::Line).collect();
    if !marked.is_empty() {
        ink.push(Ink::Dots(marked));
    }
    ink
}
