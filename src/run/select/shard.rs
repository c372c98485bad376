//! `--shard I/N`: one of several parts of a run, each of which another machine may run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::load::Slice;

/// The `index`th of `count` parts, counted from 1.
///
/// The tests are sorted by their ids and dealt out in turn, so that the parts differ by one test at most. Which tests are
/// in a part depends on the selection alone, not on the order of the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub struct Shard {
    pub index: usize,
    pub count: usize,
}

/// A text that is no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    #[error("expected I/N such as 1/3")]
    Form,
    #[error("there is no part {index} of {count}: I goes from 1 to N")]
    Range { index: usize, count: usize },
}

impl Shard {
    /// The same part of a load.
    pub fn slice(self) -> Slice {
        // Its index is within its count: it is read so, and nothing else makes one that is used for a load.
        Slice::new(self.index.saturating_sub(1) as u64, self.count as u64).unwrap_or(Slice::WHOLE)
    }

    /// Whether it has the test that is the `position`th of all, counted from 0.
    pub fn has(self, position: usize) -> bool {
        position % self.count == self.index - 1
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> String {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Shard, ShardError> {
        text.parse()
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| ShardError::Form);
        let (index, count) = text.split_once('/').ok_or(ShardError::Form)?;
        let (index, count) = (number(index)?, number(count)?);
        if index == 0 || index > count {
            return Err(ShardError::Range { index, count });
        }
        Ok(Shard { index, count })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_shard_is_refused_with_the_reason() {
        let told = |text: &str| text.parse::<Shard>().unwrap_err().to_string();
        for text in ["", "1", "a/3", "1/3/5", "-1/3", "1/"] {
            assert_eq!(told(text), "expected I/N such as 1/3", "{text}");
        }
        assert_eq!(told("0/3"), "there is no part 0 of 3: I goes from 1 to N");
        assert_eq!(told("4/3"), "there is no part 4 of 3: I goes from 1 to N");
        assert_eq!(told("0/0"), "there is no part 0 of 0: I goes from 1 to N");
    }

    proptest! {
        #[test]
        fn every_test_is_in_exactly_one_shard_and_shards_differ_by_one_at_most(tests in 0..300_usize, count in 1..40_usize) {
            let sizes: Vec<usize> = (1..=count)
                .map(|index| format!("{index}/{count}").parse::<Shard>().unwrap())
                .map(|shard| (0..tests).filter(|position| shard.has(*position)).count())
                .collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1);
            prop_assert_eq!(sizes.iter().sum::<usize>(), tests);
            for position in 0..tests {
                let owners = (1..=count).filter(|index| Shard { index: *index, count }.has(position)).count();
                prop_assert_eq!(owners, 1);
            }
        }
    }
}
