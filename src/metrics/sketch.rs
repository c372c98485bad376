//! A distribution that is small: for each second of a window, each bucket of a series.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::distribution::{micros, rank};

/// Counts of whole values to within 1 % of their size, in a few bytes a distinct value.
///
/// Where [`Distribution`](super::Distribution) has a place for every value there could be, this has one for those that
/// were there: a second of a busy load takes a kilobyte. Buckets are those of HdrHistogram, 128 for each power of two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Number of the bucket and its count, sorted by number; numbers rise with the values, below zero too.
    buckets: Vec<(i16, u32)>,
    count: u64,
    /// Exact, as are `min` and `max`; all three mean nothing when `count` is 0.
    sum: i64,
    min: i64,
    max: i64,
}

impl Sketch {
    pub fn record(&mut self, value: i64) {
        let number = number(value);
        match self.buckets.binary_search_by_key(&number, |(number, _)| *number) {
            Ok(at) => self.buckets[at].1 = self.buckets[at].1.saturating_add(1),
            Err(at) => self.buckets.insert(at, (number, 1)),
        }
        self.counted(1, value, value, value);
    }

    /// Counts a duration, in microseconds.
    pub fn record_duration(&mut self, duration: Duration) {
        self.record(micros(duration));
    }

    /// Counts all that `other` counted.
    pub fn merge(&mut self, other: &Sketch) {
        if other.count == 0 {
            return;
        }
        let mut merged = [&self.buckets[..], &other.buckets[..]].concat();
        // Stable, as it is fast for two sorted halves.
        merged.sort_by_key(|(number, _)| *number);
        merged.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 = if same { kept.1.saturating_add(next.1) } else { kept.1 };
            same
        });
        self.buckets = merged;
        self.counted(other.count, other.sum, other.min, other.max);
    }

    fn counted(&mut self, count: u64, sum: i64, min: i64, max: i64) {
        let first = self.count == 0;
        self.min = if first { min } else { self.min.min(min) };
        self.max = if first { max } else { self.max.max(max) };
        self.sum = self.sum.saturating_add(sum);
        self.count += count;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// `None` where nothing was counted, as of all that follow.
    pub fn min(&self) -> Option<i64> {
        (self.count > 0).then_some(self.min)
    }

    pub fn max(&self) -> Option<i64> {
        (self.count > 0).then_some(self.max)
    }

    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The sum of all values; 0 where nothing was counted.
    pub fn sum(&self) -> i64 {
        self.sum
    }

    /// The nearest-rank percentile, `percent` from 0 to 100; of the values of one bucket the greatest.
    pub fn percentile(&self, percent: f64) -> Option<i64> {
        let rank = rank(percent, self.count);
        let mut passed = 0;
        let (number, _) = self.buckets.iter().find(|(_, count)| {
            passed += u64::from(*count);
            passed >= rank
        })?;
        Some(greatest(*number).clamp(self.min, self.max))
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Bits of a value that its bucket keeps behind the first one.
const KEPT: u32 = 7;

/// Greatest number of a bucket: 128 for each of 57 powers of two.
const NUMBERS: i16 = 58 << KEPT;

/// The number of the bucket of `value`: itself up to 255, then 128 to each power of two.
fn number(value: i64) -> i16 {
    let magnitude = value.unsigned_abs();
    let shift = (u64::BITS - magnitude.leading_zeros()).saturating_sub(KEPT + 1);
    // Of 64 bits at most 57 are dropped, so that it fits.
    let number = ((u64::from(shift) << KEPT) + (magnitude >> shift)) as i16;
    if value < 0 { -number } else { number }
}

/// The greatest value of a bucket.
fn greatest(number: i16) -> i64 {
    let place = u64::from(number.unsigned_abs());
    let shift = (place >> KEPT).saturating_sub(1);
    let least = (place - (shift << KEPT)) << shift;
    let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    match number {
        // Of values below zero the greatest has the least magnitude.
        ..0 => -whole(least),
        _ => whole(least.saturating_add((1 << shift) - 1)),
    }
}

/// A sketch in JSON: figures for readers, and the counts to merge it by.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Sketch")]
struct Written<'a> {
    count: u64,
    /// The least value in whole microseconds, as all that follow.
    min: Option<i64>,
    p50: Option<i64>,
    p95: Option<i64>,
    max: Option<i64>,
    sum: i64,
    /// Each bucket's number (16 bits) and count (32 bits), little-endian, in base64.
    buckets: Cow<'a, str>,
}

impl Serialize for Sketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.buckets.len() * 6);
        for (number, count) in &self.buckets {
            bytes.extend(number.to_le_bytes());
            bytes.extend(count.to_le_bytes());
        }
        Written {
            count: self.count,
            min: self.min(),
            p50: self.percentile(50.0),
            p95: self.percentile(95.0),
            max: self.max(),
            sum: self.sum,
            buckets: BASE64_STANDARD.encode(bytes).into(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Sketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { count, min, max, sum, buckets, .. } = Written::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD.decode(&*buckets).map_err(|error| D::Error::custom(format!("buckets: {error}")))?;
        let (whole, rest) = bytes.as_chunks::<6>();
        let buckets: Vec<_> = whole
            .iter()
            .map(|[a, b, c, d, e, f]| (i16::from_le_bytes([*a, *b]), u32::from_le_bytes([*c, *d, *e, *f])))
            .collect();
        let sorted = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let known = buckets.iter().all(|(number, count)| (-NUMBERS..=NUMBERS).contains(number) && *count > 0);
        if !rest.is_empty() || !sorted || !known {
            return Err(D::Error::custom("buckets are not those of a sketch"));
        }
        match (min, max, count) {
            (None, None, 0) if buckets.is_empty() => Ok(Sketch::default()),
            (Some(min), Some(max), 1..) if min <= max && !buckets.is_empty() => {
                Ok(Sketch { buckets, count, sum, min, max })
            }
            _ => Err(D::Error::custom(format!("{count} values cannot be from {min:?} to {max:?}"))),
        }
    }
}

impl JsonSchema for Sketch {
    fn schema_name() -> Cow<'static, str> {
        "Sketch".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[i64]) -> Sketch {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.record(*value));
        sketch
    }

    #[test]
    fn the_last_bucket_takes_the_greatest_value() {
        for value in [i64::MIN, i64::MAX] {
            assert!(number(value).abs() <= NUMBERS, "{value}");
            assert_eq!(of(&[value]).percentile(50.0), Some(value));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn percentiles_are_right_to_one_percent(
            mut values in proptest::collection::vec(-1_000_000i64..100_000_000, 1..200), percent in 0u64..=100)
        {
            let told = of(&values).percentile(percent as f64).unwrap();
            values.sort_unstable();
            let exact = values[(percent * values.len() as u64).div_ceil(100).max(1) as usize - 1];
            prop_assert!((told - exact).abs() as f64 <= exact.abs() as f64 / 100.0, "{told} for {exact}");
        }

        #[test]
        fn parts_merge_into_the_whole(parts in proptest::collection::vec(
            proptest::collection::vec(-1_000i64..10_000_000, 0..40), 1..5))
        {
            let mut merged = Sketch::default();
            parts.iter().for_each(|part| merged.merge(&of(part)));
            let whole = of(&parts.concat());
            prop_assert_eq!(&merged, &whole);
            let json = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<Sketch>(&json).unwrap(), whole);
        }
    }
}
