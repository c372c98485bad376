//! Areas above one another.

use std::collections::BTreeMap;

use super::{Mark, Series};
use crate::canvas::Point;

/// Values of all series of a stack at one time.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    from: f64,
    to: f64,
    /// In the order of the series, none below 0.
    values: Vec<f64>,
}

/// The stack of `series`, all of which are `Mark::Stack`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    rows: Vec<Row>,
}

impl Stack {
    pub fn of(series: &[&Series]) -> Stack {
        // By time, and by width, as bits that order as the numbers do from 0 on.
        let mut rows: BTreeMap<u64, Row> = BTreeMap::new();
        for (index, series) in series.iter().enumerate() {
            let Mark::Stack { width } = series.mark else { continue };
            for &(from, value) in series.points.iter().filter(|point| point.0 >= 0.0 && point.1.is_finite()) {
                let row = || Row { from, to: from + width, values: Vec::new() };
                let row = rows.entry((from + 0.0).to_bits()).or_insert_with(row);
                row.to = row.to.max(from + width);
                row.values.resize(index.max(row.values.len().saturating_sub(1)) + 1, 0.0);
                row.values[index] += value.max(0.0);
            }
        }
        let mut rows: Vec<Row> = rows.into_values().collect();
        for row in &mut rows {
            row.values.resize(series.len(), 0.0);
        }
        for index in 1..rows.len() {
            // What follows ends what was before.
            rows[index - 1].to = rows[index - 1].to.min(rows[index].from);
        }
        Stack { rows }
    }

    /// How high it is.
    pub fn highest(&self) -> f64 {
        self.rows.iter().map(Row::total).fold(0.0, f64::max)
    }

    /// When it ends, in seconds.
    pub fn end(&self) -> f64 {
        self.rows.last().map_or(0.0, |row| row.to)
    }

    /// With the highest row of each of `columns` columns of a plot that is `seconds` long, where there are more rows.
    pub fn decimated(mut self, seconds: f64, columns: usize) -> Stack {
        if self.rows.len() <= columns {
            return self;
        }
        let column = |row: &Row| (row.from / seconds * columns as f64).floor();
        let mut kept: Vec<Row> = Vec::new();
        for mut row in self.rows.drain(..) {
            let number = column(&row);
            (row.from, row.to) = (number * seconds / columns as f64, (number + 1.0) * seconds / columns as f64);
            match kept.last_mut().filter(|last| last.from == row.from) {
                Some(last) if last.total() < row.total() => *last = row,
                Some(_) => {}
                None => kept.push(row),
            }
        }
        Stack { rows: kept }
    }

    /// Outlines of the area of one series, in seconds and values.
    pub fn outlines(&self, series: usize) -> Vec<Vec<Point>> {
        let mut outlines = Vec::new();
        let (mut upper, mut lower): (Vec<Point>, Vec<Point>) = (Vec::new(), Vec::new());
        for row in &self.rows {
            let value = row.values[series];
            if value <= 0.0 || upper.last().is_some_and(|last| last.0 != row.from) {
                close(&mut upper, &mut lower, &mut outlines);
            }
            if value > 0.0 {
                let below: f64 = row.values[..series].iter().sum();
                upper.extend([(row.from, below + value), (row.to, below + value)]);
                lower.extend([(row.from, below), (row.to, below)]);
            }
        }
        close(&mut upper, &mut lower, &mut outlines);
        outlines
    }
}

fn close(upper: &mut Vec<Point>, lower: &mut Vec<Point>, outlines: &mut Vec<Vec<Point>>) {
    if !upper.is_empty() {
        let mut outline = std::mem::take(upper);
        outline.extend(std::mem::take(lower).into_iter().rev());
        outlines.push(outline);
    }
}

impl Row {
    fn total(&self) -> f64 {
        self.values.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(f64, f64)]) -> Series {
        Series::new("x", Mark::Stack { width: 1.0 }, points.to_vec())
    }

    #[test]
    fn areas_stand_on_one_another_and_end_where_there_is_nothing() {
        let (below, above) = (series(&[(0.0, 2.0), (1.0, 1.0), (5.0, f64::NAN)]), series(&[(1.0, 3.0), (4.0, 1.0)]));
        let stack = Stack::of(&[&below, &above]);
        assert_eq!((stack.highest(), stack.end()), (4.0, 5.0));
        let corners = [(0.0, 2.0), (1.0, 2.0), (1.0, 1.0), (2.0, 1.0), (2.0, 0.0), (1.0, 0.0), (1.0, 0.0), (0.0, 0.0)];
        assert_eq!(stack.outlines(0), [corners.to_vec()]);
        let first = vec![(1.0, 4.0), (2.0, 4.0), (2.0, 1.0), (1.0, 1.0)];
        assert_eq!(stack.outlines(1), [first, vec![(4.0, 1.0), (5.0, 1.0), (5.0, 0.0), (4.0, 0.0)]]);
    }

    #[test]
    fn fewer_columns_keep_the_highest_of_each() {
        let points: Vec<(f64, f64)> = (0..1000).map(|n| (f64::from(n), if n == 707 { 50.0 } else { 1.0 })).collect();
        let stack = Stack::of(&[&series(&points)]).decimated(1000.0, 10);
        assert_eq!((stack.rows.len(), stack.highest()), (10, 50.0));
        assert_eq!(stack.rows[7], Row { from: 700.0, to: 800.0, values: vec![50.0] });
    }
}
