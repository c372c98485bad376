//! Time in columns of equal width, which get wider as time gets longer, so that there are never many.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::units::Time;

/// What can be told of a column.
pub trait Content: Default {
    fn merge(&mut self, other: Self);
}

/// Columns with something in them, by their place.
#[derive(Clone, Debug)]
pub struct Columns<T> {
    width: usize,
    columns: BTreeMap<u64, T>,
}

/// So many columns at most.
const MOST: usize = 600;
const SECOND: u64 = 1_000_000;
/// Widths in microseconds. Each is a multiple of the one before, so that columns need not be cut.
const WIDTHS: [u64; 15] = [
    SECOND / 10,
    SECOND / 2,
    SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    60 * SECOND,
    300 * SECOND,
    600 * SECOND,
    1800 * SECOND,
    3600 * SECOND,
    6 * 3600 * SECOND,
    24 * 3600 * SECOND,
    240 * 3600 * SECOND,
    // Of these there are 585 in all of time.
    1000 * 365 * 24 * 3600 * SECOND,
];

impl<T: Content> Columns<T> {
    pub fn new() -> Self {
        Columns { width: 0, columns: BTreeMap::new() }
    }

    /// The column at `time`.
    pub fn at(&mut self, time: Time) -> &mut T {
        let place = time.as_micros() / WIDTHS[self.width];
        if !self.columns.contains_key(&place) && self.columns.len() >= MOST {
            self.widen();
            return self.at(time);
        }
        self.columns.entry(place).or_default()
    }

    /// Makes columns wider until there are `most` of them or fewer.
    pub fn limit(&mut self, most: usize) {
        while self.columns.len() > most.max(1) && self.width + 1 < WIDTHS.len() {
            self.widen();
        }
    }

    fn widen(&mut self) {
        let by = WIDTHS[self.width + 1] / WIDTHS[self.width];
        self.width += 1;
        for (place, content) in std::mem::take(&mut self.columns) {
            self.columns.entry(place / by).or_default().merge(content);
        }
    }

    pub fn width(&self) -> Duration {
        Duration::from_micros(WIDTHS[self.width])
    }

    /// In order of time, each with its place; the places of neighbours differ by one.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.columns.iter().map(|(place, content)| (*place, content))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Content for u64 {
        fn merge(&mut self, other: u64) {
            *self += other;
        }
    }

    proptest! {
        #[test]
        fn there_are_never_many_and_none_is_lost(times in prop::collection::vec(any::<u64>(), 1..900), short in 1..40_u32) {
            let mut columns = Columns::<u64>::new();
            for time in &times {
                *columns.at(Time::from_micros(time >> short)) += 1;
                prop_assert!(columns.columns.len() <= MOST);
            }
            prop_assert_eq!(columns.iter().map(|(_, count)| *count).sum::<u64>(), times.len() as u64);
            columns.limit(10);
            let (place, width) = (times[0] >> short, columns.width().as_micros() as u64);
            prop_assert!(columns.iter().any(|(at, _)| at == place / width));
        }
    }

    #[test]
    fn widths_are_multiples_so_that_columns_need_not_be_cut() {
        assert!(WIDTHS.windows(2).all(|two| two[1] > two[0] && two[1].is_multiple_of(two[0])));
        assert!(u64::MAX / WIDTHS[WIDTHS.len() - 1] < MOST as u64);
    }
}
