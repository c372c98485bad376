//! `--random-order`: an order that a seed repeats, on every machine and with every version of callwright.

use std::fmt;
use std::str::FromStr;

/// Where the seed of a random order comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// A new one for each run, which is told.
    New,
    Given(u64),
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "new" => Ok(Seed::New),
            number => number.parse().map(Seed::Given).map_err(|_| "a seed is a number, or `new`".to_owned()),
        }
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seed::New => f.write_str("new"),
            Seed::Given(seed) => write!(f, "{seed}"),
        }
    }
}

/// Shuffles `items` (Fisher and Yates, from the last to the second) by `seed`.
pub(super) fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut random = SplitMix64(seed);
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014), as
/// `java.util.SplittableRandom` has it: sixty-four bits of state, and small enough to stay the same for ever.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`: the upper half of the product, whose bias is below 2^-32 for any number of tests.
    fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.next()) * bound as u128;
        // Below `bound`, which is a usize.
        (product >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // The first outputs for the seed 1234567, as the reference implementation in C (Vigna, splitmix64.c) gives them.
        let mut random = SplitMix64(1_234_567);
        let numbers = [(); 5].map(|()| random.next());
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn a_seed_is_one_order_for_ever_and_another_seed_another() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..10).collect();
            shuffle(&mut items, seed);
            items
        };
        // A new version must not change this: whoever noted a seed wants that order again.
        assert_eq!(shuffled(42), FORTY_TWO);
        assert_ne!(shuffled(43), FORTY_TWO);
        let mut sorted = shuffled(42);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<_>>());
    }

    const FORTY_TWO: [u32; 10] = [8, 3, 6, 5, 4, 0, 9, 2, 1, 7];

    #[test]
    fn every_place_is_as_likely_as_any_other() {
        let mut counts = [0_u32; 5];
        for seed in 0..10_000 {
            let mut items = [0, 1, 2, 3, 4];
            shuffle(&mut items, seed);
            counts[items.iter().position(|item| *item == 0).unwrap()] += 1;
        }
        // 2,000 each; five standard deviations (40) to either side.
        assert!(counts.iter().all(|count| (1_800..2_200).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_seed_is_a_number_or_new() {
        assert_eq!("new".parse(), Ok(Seed::New));
        assert_eq!("18446744073709551615".parse(), Ok(Seed::Given(u64::MAX)));
        assert!("-1".parse::<Seed>().is_err() && "seven".parse::<Seed>().is_err());
    }
}
