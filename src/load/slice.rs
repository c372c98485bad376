//! One of several parts of a load, each offered by a controller of its own.

/// Of a load whose calls are numbered from 0, those whose number is `index` modulo `count`.
///
/// Their due times, their entries of the mix and their rows of fields are those that they have in the whole, so that all
/// slices side by side are the whole, so far as nothing is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    index: u64,
    count: u64,
}

impl Slice {
    /// All calls.
    pub const WHOLE: Slice = Slice { index: 0, count: 1 };

    /// The slice `index`, counted from 0, of `count`; `None` where there is no such.
    pub fn new(index: u64, count: u64) -> Option<Slice> {
        (index < count).then_some(Slice { index, count })
    }

    /// The number of its first call.
    pub fn first(self) -> u64 {
        self.index
    }

    /// From one of its calls to the next.
    pub fn step(self) -> u64 {
        self.count
    }

    /// Its part of a limit of the whole; what is left over goes to the first slices.
    pub fn share(self, limit: u64) -> u64 {
        limit / self.count + u64::from(self.index < limit % self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn there_is_no_slice_beyond_the_last() {
        assert_eq!((Slice::new(2, 2), Slice::new(0, 0)), (None, None));
        assert_eq!(Slice::new(0, 1), Some(Slice::WHOLE));
    }

    proptest! {
        #[test]
        fn shares_add_up_to_the_limit_and_differ_by_one_at_most(limit in 0u64..1_000, count in 1u64..40) {
            let shares: Vec<u64> = (0..count).map(|index| Slice::new(index, count).unwrap().share(limit)).collect();
            prop_assert_eq!(shares.iter().sum::<u64>(), limit);
            prop_assert!(shares.is_sorted_by(|a, b| a >= b) && shares[0] - shares[shares.len() - 1] <= 1);
        }
    }
}
