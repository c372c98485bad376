//! Charts: curves over the time since something began, as SVG, PNG or parts of a page.
//!
//! What is drawn is worked out once, in parts of the plot's width and height (`plan`); `draw` puts that on a canvas, and
//! `report::html` on a page, where it takes what room there is.

mod decimate;
mod draw;
mod palette;
mod plan;
mod scale;
mod stack;

pub use draw::{png, svg};
pub(super) use plan::{Drawn, Ink, Plan};
pub(super) use scale::told;

use palette::Key;

/// A title, series over time, and one or two axes for their values.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub title: String,
    /// Seconds that the axis of time has at least: 0 to this. It is longer where a series is.
    pub seconds: f64,
    /// What the values of the left axis are.
    pub left: Unit,
    /// What those of the right axis are, where a series has it.
    pub right: Unit,
    /// What is said in place of a plot where no series has a value.
    pub empty: String,
    pub series: Vec<Series>,
}

/// Values over time, named and drawn alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub mark: Mark,
    pub axis: Axis,
    /// Seconds since the beginning, and the value then. A value that is not finite is a gap.
    pub points: Vec<(f64, f64)>,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// From point to point; where there are few points, they are marked.
    Line,
    /// Thin and pale, behind the others. What is far above them is beyond the axis, which is said.
    Backdrop,
    /// Each point by itself.
    Dots,
    /// Areas above one another: each value is that of the `width` seconds from its time on.
    Stack { width: f64 },
}

/// Which axis a series has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    Left,
    Right,
}

/// What values are, and so how an axis tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Told as us, ms, s or min.
    Seconds,
    /// Things that are counted, with their name.
    Count(String),
    PerSecond,
    Percent,
    /// Told as kB, MB, GB.
    Bytes,
}

impl Series {
    pub fn new(name: impl Into<String>, mark: Mark, points: Vec<(f64, f64)>) -> Series {
        Series { name: name.into(), mark, axis: Axis::Left, points }
    }

    /// The same at the right axis.
    pub fn right(self) -> Series {
        Series { axis: Axis::Right, ..self }
    }
}

#[cfg(test)]
mod tests;
