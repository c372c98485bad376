//! Which of several calls is made next.

/// A weighted mix: its entries take turns, spread evenly, and each cycle of as many turns as the weights come to has
/// every entry exactly as often as it weighs.
///
/// This is the smooth weighted round robin of nginx: in each turn every entry gains its weight, and the one that has
/// most gives up the sum of them.
#[derive(Clone, Debug)]
pub struct Mix {
    weights: Vec<u64>,
    gained: Vec<i128>,
}

impl Mix {
    /// An entry a weight; one that weighs 0 has no turn.
    pub fn new(weights: impl Into<Vec<u64>>) -> Self {
        let weights = weights.into();
        Mix { gained: vec![0; weights.len()], weights }
    }

    /// The number of the entry whose turn it is, counted from 0; `None` when no entry weighs anything.
    pub fn pick(&mut self) -> Option<usize> {
        for (gained, weight) in self.gained.iter_mut().zip(&self.weights) {
            *gained += i128::from(*weight);
        }
        let entries = self.gained.iter().enumerate().filter(|(entry, _)| self.weights[*entry] > 0);
        // Of several that have as much, the first.
        let (entry, _) = entries.max_by_key(|(entry, gained)| (**gained, std::cmp::Reverse(*entry)))?;
        self.gained[entry] -= self.weights.iter().map(|weight| i128::from(*weight)).sum::<i128>();
        Some(entry)
    }

    /// Leaves out so many turns.
    pub fn advance(&mut self, turns: u64) {
        // After as many turns as the weights come to all is as it was.
        let cycle = self.weights.iter().sum::<u64>().max(1);
        for _ in 0..turns % cycle {
            self.pick();
        }
    }

    /// Changes what `entry` weighs; a new cycle begins. An entry that is not there is none.
    pub fn set_weight(&mut self, entry: usize, weight: u64) {
        if let Some(there) = self.weights.get_mut(entry) {
            *there = weight;
            self.gained.fill(0);
        }
    }

    pub fn weights(&self) -> &[u64] {
        &self.weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(mix: &mut Mix, count: usize) -> Vec<usize> {
        (0..count).filter_map(|_| mix.pick()).collect()
    }

    #[test]
    fn entries_are_interleaved_and_not_one_after_the_other() {
        assert_eq!(picks(&mut Mix::new([5, 1, 1]), 14), [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(picks(&mut Mix::new([1, 1, 1]), 5), [0, 1, 2, 0, 1]);
    }

    #[test]
    fn new_weights_hold_at_once() {
        let mut mix = Mix::new([3, 1]);
        assert_eq!(picks(&mut mix, 2), [0, 0]);
        mix.set_weight(0, 0);
        mix.set_weight(9, 5);
        assert_eq!(picks(&mut mix, 2), [1, 1]);
        mix.set_weight(0, 1);
        assert_eq!(picks(&mut mix, 4), [0, 1, 0, 1]);
        assert_eq!(mix.weights(), [1, 1]);
    }

    #[test]
    fn a_mix_of_nothing_has_no_turn() {
        assert_eq!(Mix::new([]).pick(), None);
        assert_eq!(Mix::new([0, 0]).pick(), None);
    }

    proptest::proptest! {
        #[test]
        fn every_cycle_has_each_entry_as_often_as_it_weighs(weights in proptest::collection::vec(0u64..40, 1..8)) {
            let cycle: u64 = weights.iter().sum();
            let mut mix = Mix::new(weights.clone());
            for _ in 0..3 {
                let mut counts = vec![0; weights.len()];
                for turn in 1..=cycle {
                    counts[mix.pick().unwrap()] += 1;
                    for (count, weight) in counts.iter().zip(&weights) {
                        // Nowhere in a cycle is an entry a whole round of the others off.
                        let share = *weight as f64 * turn as f64 / cycle as f64;
                        proptest::prop_assert!((*count as f64 - share).abs() <= weights.len() as f64);
                    }
                }
                proptest::prop_assert_eq!(&counts, &weights);
            }
        }
    }
}
