//! The most frequent of texts that may be without number.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::redact::Redactor;

/// Counts of texts: of the most frequent 100 one each, of the others together.
///
/// Exact up to 200 different texts. Beyond, the rarer ones are counted as others from time to time, so that the count
/// of one that stays is at least what is told; the counts of all always add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frequent {
    counts: BTreeMap<String, u64>,
    /// How often others than these were counted.
    others: u64,
}

impl Frequent {
    pub fn record(&mut self, text: &str) {
        let text = shortened(text);
        match self.counts.get_mut(text) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(text.to_owned(), 1);
                self.thin_out();
            }
        }
    }

    /// Takes secrets out of the texts.
    pub fn redact(&mut self, redactor: &Redactor) {
        for (mut text, count) in std::mem::take(&mut self.counts) {
            redactor.clean(&mut text);
            *self.counts.entry(text).or_default() += count;
        }
    }

    /// Counts all that `other` counted.
    pub fn merge(&mut self, other: &Frequent) {
        for (text, count) in &other.counts {
            *self.counts.entry(text.clone()).or_default() += count;
        }
        self.others += other.others;
        self.thin_out();
    }

    /// How often `text` was counted, at least.
    pub fn count(&self, text: &str) -> u64 {
        self.counts.get(text).copied().unwrap_or(0)
    }

    /// The most frequent texts, at most 100, the most frequent first.
    pub fn top(&self) -> Vec<(&str, u64)> {
        let mut all: Vec<_> = self.counts.iter().map(|(text, count)| (text.as_str(), *count)).collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all.truncate(KEPT);
        all
    }

    /// How often other texts than those of [`top`](Self::top) were counted.
    pub fn others(&self) -> u64 {
        self.total() - self.top().iter().map(|(_, count)| count).sum::<u64>()
    }

    pub fn total(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.others
    }

    fn thin_out(&mut self) {
        if self.counts.len() <= 2 * KEPT {
            return;
        }
        let kept: BTreeMap<_, _> = self.top().into_iter().map(|(text, count)| (text.to_owned(), count)).collect();
        self.others = self.total() - kept.values().sum::<u64>();
        self.counts = kept;
    }
}

/// How many texts are told, and of twice as many counts are kept.
const KEPT: usize = 100;

/// Characters of a text that are kept.
const MAX_CHARACTERS: usize = 300;

fn shortened(text: &str) -> &str {
    text.char_indices().nth(MAX_CHARACTERS).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_without_number_do_not_displace_the_frequent_one_and_all_are_counted() {
        let mut frequent = Frequent::default();
        for number in 0..5_000 {
            frequent.record(&format!("440.{number} Hz"));
            frequent.record("USER_BUSY");
        }
        assert_eq!(frequent.top()[0], ("USER_BUSY", 5_000));
        assert_eq!((frequent.top().len(), frequent.total()), (100, 10_000));
        assert_eq!(frequent.others(), 10_000 - 5_000 - 99);
        assert!(frequent.counts.len() <= 200);
    }

    #[test]
    fn long_texts_are_counted_by_their_beginning() {
        let mut frequent = Frequent::default();
        (0..3).for_each(|number| frequent.record(&format!("{}{number}", "ü".repeat(300))));
        assert_eq!(frequent.top(), [("ü".repeat(300).as_str(), 3)]);
    }

    proptest! {
        #[test]
        fn counts_add_up_whatever_is_merged(parts in proptest::collection::vec(
            proptest::collection::vec(0u16..400, 0..300), 1..4))
        {
            let mut merged = Frequent::default();
            for part in &parts {
                let mut frequent = Frequent::default();
                part.iter().for_each(|number| frequent.record(&number.to_string()));
                merged.merge(&frequent);
            }
            prop_assert_eq!(merged.total(), parts.concat().len() as u64);
            prop_assert_eq!(merged.total(), merged.others() + merged.top().iter().map(|(_, n)| n).sum::<u64>());
        }

        #[test]
        fn few_texts_merge_exactly(parts in proptest::collection::vec(
            proptest::collection::vec(0u16..100, 0..100), 1..4))
        {
            let of = |numbers: &[u16]| {
                let mut frequent = Frequent::default();
                numbers.iter().for_each(|number| frequent.record(&number.to_string()));
                frequent
            };
            let mut merged = Frequent::default();
            parts.iter().for_each(|part| merged.merge(&of(part)));
            prop_assert_eq!(merged, of(&parts.concat()));
        }
    }
}
