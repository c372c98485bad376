//! Fewer points that look the same: of each column the first, the lowest, the highest and the last.

use std::collections::HashSet;

use crate::canvas::Point;

/// Pieces of a line without its gaps, in `columns` columns of a plot. `points` are parts of the plot, ordered from the
/// left; one that is not finite is a gap.
pub fn line(points: impl Iterator<Item = Point>, columns: usize) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    let mut column: Option<Column> = None;
    for point in points {
        if !point.0.is_finite() || !point.1.is_finite() {
            piece.extend(column.take().into_iter().flat_map(Column::points));
            if !piece.is_empty() {
                pieces.push(std::mem::take(&mut piece));
            }
            continue;
        }
        let number = (point.0 * columns as f64).floor();
        match &mut column {
            Some(column) if column.number == number => column.push(point),
            _ => {
                let last = column.replace(Column { number, count: 1, extremes: [(0, point); 4] });
                piece.extend(last.into_iter().flat_map(Column::points));
            }
        }
    }
    piece.extend(column.into_iter().flat_map(Column::points));
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// Points by themselves: one in each cell of `columns` by `rows`, and the extremes of each column.
pub fn dots(points: &[Point], columns: usize, rows: usize) -> Vec<Point> {
    let mut dots: Vec<Point> = line(points.iter().copied(), columns).concat();
    let cell = |(x, y): Point| ((x * columns as f64).floor() as i64, (y * rows as f64).floor() as i64);
    let mut taken: HashSet<(i64, i64)> = dots.iter().copied().map(cell).collect();
    let finite = points.iter().copied().filter(|point| point.0.is_finite() && point.1.is_finite());
    dots.extend(finite.filter(|point| taken.insert(cell(*point))));
    dots
}

/// What is kept of a column's points, each with which of them it is.
struct Column {
    number: f64,
    count: usize,
    /// First, lowest, highest, last.
    extremes: [(usize, Point); 4],
}

impl Column {
    fn push(&mut self, point: Point) {
        let [_, lowest, highest, last] = &mut self.extremes;
        *last = (self.count, point);
        if point.1 < lowest.1.1 {
            *lowest = *last;
        }
        if point.1 > highest.1.1 {
            *highest = *last;
        }
        self.count += 1;
    }

    fn points(mut self) -> impl Iterator<Item = Point> {
        self.extremes.sort_by_key(|(number, _)| *number);
        let mut before = None;
        self.extremes.into_iter().filter(move |(n, _)| before.replace(*n) != Some(*n)).map(|(_, point)| point)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The lowest and the highest value.
    fn extremes(points: &[Point]) -> (f64, f64) {
        points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| (low.min(p.1), high.max(p.1)))
    }

    #[test]
    fn a_gap_is_a_gap_and_few_points_are_all_kept() {
        let points = [(0.0, 1.0), (0.1, 2.0), (0.2, f64::NAN), (0.3, f64::INFINITY), (0.4, 3.0)];
        assert_eq!(line(points.into_iter(), 100), [vec![(0.0, 1.0), (0.1, 2.0)], vec![(0.4, 3.0)]]);
        assert_eq!(line(std::iter::empty(), 100), Vec::<Vec<Point>>::new());
    }

    #[test]
    fn a_million_points_become_four_a_column_with_the_one_that_stands_out() {
        let million = 1_000_000;
        let value = |n: usize| if n == 123_456 { 99.0 } else { (n % 7) as f64 };
        let pieces = line((0..million).map(|n| (n as f64 / million as f64, value(n))), 900);
        assert!(pieces.len() == 1 && pieces[0].len() <= 3600);
        assert!(pieces[0].contains(&(0.123456, 99.0)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_column_keeps_its_extremes_and_its_order(values in prop::collection::vec(-1e3..1e3_f64, 1..400)) {
            let points: Vec<Point> =
                values.iter().enumerate().map(|(n, value)| (n as f64 / values.len() as f64, *value)).collect();
            for columns in [1, 7, 50, 500] {
                let kept = line(points.iter().copied(), columns).concat();
                let dots = dots(&points, columns, 10);
                let number = |point: &&Point| (point.0 * columns as f64).floor() as usize;
                for column in 0..columns {
                    let within = |points: &[Point]| {
                        points.iter().filter(|point| number(point) == column).copied().collect::<Vec<_>>()
                    };
                    let all = within(&points);
                    prop_assert_eq!(extremes(&all), extremes(&within(&kept)));
                    prop_assert_eq!(extremes(&all), extremes(&within(&dots)));
                    let kept = within(&kept);
                    prop_assert_eq!((all.first(), all.last()), (kept.first(), kept.last()));
                }
                prop_assert!(kept.windows(2).all(|two| two[0].0 < two[1].0));
            }
        }
    }
}
