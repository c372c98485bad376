//! How values are distributed, in bounded memory for any number of them.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer as HdrDeserializer, Serializer as _, V2Serializer};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Counts of whole values: microseconds of durations, thousandths of other figures.
///
/// Percentiles are right to three significant digits (HdrHistogram); count, sum, least and greatest value are exact.
/// Parts merge into what the whole would have been. It takes about 100 KB for latencies of up to ten seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    at_least_zero: Histogram<u64>,
    /// Magnitudes of the values below zero, as levels in dBm0 are.
    below_zero: Option<Box<Histogram<u64>>>,
    /// Saturates after 292,000 years of microseconds.
    sum: i64,
    min: i64,
    max: i64,
}

impl Default for Distribution {
    fn default() -> Self {
        Distribution { at_least_zero: empty(), below_zero: None, sum: 0, min: i64::MAX, max: i64::MIN }
    }
}

impl Distribution {
    pub fn new() -> Self {
        Distribution::default()
    }

    /// Counts a whole value.
    pub fn record(&mut self, value: i64) {
        let histogram = match value {
            0.. => &mut self.at_least_zero,
            _ => self.below_zero.get_or_insert_with(|| Box::new(empty())),
        };
        // It grows to take the value: every u64 has its place.
        let _ = histogram.record(value.unsigned_abs());
        self.sum = self.sum.saturating_add(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Counts a duration, in microseconds.
    pub fn record_duration(&mut self, duration: Duration) {
        self.record(micros(duration));
    }

    /// Counts a figure, to its thousandths. What is no number is left out.
    pub fn record_figure(&mut self, value: f64) {
        if value.is_finite() {
            self.record(thousandths(value));
        }
    }

    /// Counts all that `other` counted.
    pub fn merge(&mut self, other: &Distribution) {
        // Both have the same precision and grow as they must.
        let _ = self.at_least_zero.add(&other.at_least_zero);
        if let Some(theirs) = &other.below_zero {
            let _ = self.below_zero.get_or_insert_with(|| Box::new(empty())).add(theirs.as_ref());
        }
        self.sum = self.sum.saturating_add(other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    pub fn count(&self) -> u64 {
        self.at_least_zero.len() + self.count_below_zero()
    }

    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// `None` where nothing was counted, as of all that follow.
    pub fn min(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.min)
    }

    pub fn max(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.max)
    }

    pub fn mean(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.sum as f64 / self.count() as f64)
    }

    /// The sum of all values; 0 where nothing was counted.
    pub fn sum(&self) -> i64 {
        self.sum
    }

    /// The least value that at least `percent` % of all values do not exceed, 0 to 100: the nearest-rank percentile.
    pub fn percentile(&self, percent: f64) -> Option<i64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = rank(percent, count);
        let below = self.count_below_zero();
        let value = match &self.below_zero {
            // The least value has the greatest magnitude.
            Some(magnitudes) if rank <= below => -whole(value_at(magnitudes, below - rank + 1)),
            _ => whole(value_at(&self.at_least_zero, rank - below)),
        };
        Some(value.clamp(self.min, self.max))
    }

    fn count_below_zero(&self) -> u64 {
        self.below_zero.as_ref().map_or(0, |histogram| histogram.len())
    }
}

/// The place in a row of `count` sorted values, from 1, that `percent` % of them do not exceed.
pub(super) fn rank(percent: f64, count: u64) -> u64 {
    // 99.9 % of 1000 is 999, not 999.0000000000001 and so the thousandth.
    let exact = percent.clamp(0.0, 100.0) / 100.0 * count as f64;
    ((exact - 1e-9 * count as f64).ceil() as u64).clamp(1, count.max(1))
}

/// Whole microseconds, as distributions count them.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Whole thousandths of a figure, as distributions count them.
pub(super) fn thousandths(value: f64) -> i64 {
    // `as` saturates.
    (value * THOUSAND).round() as i64
}

/// The figure `value` thousandths are.
pub(super) fn figure(value: f64) -> f64 {
    value / THOUSAND
}

const THOUSAND: f64 = 1_000.0;

/// Significant digits of a value.
const DIGITS: u8 = 3;

fn empty() -> Histogram<u64> {
    // Three digits are within the one to five that it takes.
    Histogram::new(DIGITS).expect("three significant digits are allowed")
}

/// The value at `rank`, from 1, among the sorted ones of `histogram`; of those it holds for equal, the greatest.
fn value_at(histogram: &Histogram<u64>, rank: u64) -> u64 {
    let mut passed = 0;
    for step in histogram.iter_recorded() {
        passed += step.count_since_last_iteration();
        if passed >= rank {
            return step.value_iterated_to();
        }
    }
    histogram.max()
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A distribution in JSON: figures for readers, and the counts to merge it by.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Distribution")]
struct Written<'a> {
    count: u64,
    /// The least value, in whole microseconds of durations or thousandths of other figures, as all of them.
    min: Option<i64>,
    mean: Option<f64>,
    p50: Option<i64>,
    p95: Option<i64>,
    p99: Option<i64>,
    max: Option<i64>,
    sum: i64,
    /// The counts of values from 0 on: HdrHistogram's V2 encoding without compression, in base64.
    hdr: Cow<'a, str>,
    /// The counts of magnitudes of values below zero, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hdr_below_zero: Option<Cow<'a, str>>,
}

impl Serialize for Distribution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoded = |histogram: &Histogram<u64>| {
            let mut bytes = Vec::new();
            V2Serializer::new().serialize(histogram, &mut bytes).map_err(serde::ser::Error::custom)?;
            Ok(Cow::Owned(BASE64_STANDARD.encode(bytes)))
        };
        Written {
            count: self.count(),
            min: self.min(),
            mean: self.mean(),
            p50: self.percentile(50.0),
            p95: self.percentile(95.0),
            p99: self.percentile(99.0),
            max: self.max(),
            sum: self.sum,
            hdr: encoded(&self.at_least_zero)?,
            hdr_below_zero: self.below_zero.as_deref().map(encoded).transpose()?,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Distribution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let decoded = |text: &str| {
            let bytes = BASE64_STANDARD.decode(text).map_err(|error| D::Error::custom(format!("hdr: {error}")))?;
            let read: Histogram<u64> = HdrDeserializer::new()
                .deserialize(&mut &bytes[..])
                .map_err(|error| D::Error::custom(format!("hdr is no HdrHistogram of V2: {error}")))?;
            if read.sigfig() != DIGITS {
                return Err(D::Error::custom(format!("hdr has {} significant digits, not {DIGITS}", read.sigfig())));
            }
            let mut histogram = empty();
            histogram.add(&read).map_err(|error| D::Error::custom(format!("hdr: {error}")))?;
            Ok(histogram)
        };
        let at_least_zero = decoded(&written.hdr)?;
        let below_zero = written.hdr_below_zero.as_deref().map(decoded).transpose()?.map(Box::new);
        let count = at_least_zero.len() + below_zero.as_ref().map_or(0, |histogram| histogram.len());
        let (min, max) = match (written.min, written.max) {
            (Some(min), Some(max)) if min <= max && count > 0 => (min, max),
            (None, None) if count == 0 => (i64::MAX, i64::MIN),
            (min, max) => {
                return Err(D::Error::custom(format!("{count} values cannot be from {min:?} to {max:?}")));
            }
        };
        Ok(Distribution { at_least_zero, below_zero, sum: written.sum, min, max })
    }
}

impl JsonSchema for Distribution {
    fn schema_name() -> Cow<'static, str> {
        "Distribution".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[i64]) -> Distribution {
        let mut distribution = Distribution::new();
        values.iter().for_each(|value| distribution.record(*value));
        distribution
    }

    /// The nearest-rank percentile of sorted values, by its definition.
    fn nearest_rank(sorted: &[i64], percent: u64) -> i64 {
        let rank = (percent * sorted.len() as u64).div_ceil(100).max(1);
        sorted[rank as usize - 1]
    }

    #[test]
    fn an_empty_distribution_has_no_values_instead_of_zeros() {
        let empty = Distribution::new();
        assert_eq!((empty.count(), empty.min(), empty.max()), (0, None, None));
        assert_eq!((empty.percentile(50.0), empty.mean()), (None, None));
        assert_eq!(serde_json::from_str::<Distribution>(&serde_json::to_string(&empty).unwrap()).unwrap(), empty);
    }

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let thousand = of(&(1..=1_000).collect::<Vec<_>>());
        assert_eq!([50.0, 95.0, 99.9, 100.0, 0.0].map(|p| thousand.percentile(p).unwrap()), [500, 950, 999, 1_000, 1]);
        assert_eq!(thousand.mean(), Some(500.5));
    }

    #[test]
    fn values_of_any_size_have_their_place() {
        let extremes = of(&[i64::MIN, -1, 0, i64::MAX]);
        assert_eq!((extremes.count(), extremes.min(), extremes.max()), (4, Some(i64::MIN), Some(i64::MAX)));
        assert_eq!(extremes.percentile(50.0), Some(-1));
    }

    #[test]
    fn what_is_no_distribution_is_told_and_not_taken() {
        let mut json = serde_json::to_value(of(&[1, 2])).unwrap();
        json["hdr"] = "AAAA".into();
        let error = serde_json::from_value::<Distribution>(json.clone()).unwrap_err().to_string();
        assert!(error.starts_with("hdr is no HdrHistogram of V2"), "{error}");
        json["hdr"] = serde_json::to_value(Distribution::new()).unwrap()["hdr"].clone();
        let error = serde_json::from_value::<Distribution>(json).unwrap_err().to_string();
        assert_eq!(error, "0 values cannot be from Some(1) to Some(2)");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn parts_merge_into_the_whole_even_through_json(parts in proptest::collection::vec(
            proptest::collection::vec(-100_000i64..100_000_000, 0..40), 1..5))
        {
            let whole = of(&parts.concat());
            let mut merged = Distribution::new();
            for part in &parts {
                let json = serde_json::to_string(&of(part)).unwrap();
                merged.merge(&serde_json::from_str(&json).unwrap());
            }
            prop_assert_eq!(&merged, &whole);
        }

        #[test]
        fn percentiles_are_right_to_three_digits(
            mut values in proptest::collection::vec(-1_000_000i64..100_000_000, 1..200), percent in 0u64..=100)
        {
            let told = of(&values).percentile(percent as f64).unwrap();
            values.sort_unstable();
            let exact = nearest_rank(&values, percent);
            prop_assert!((told - exact).abs() as f64 <= exact.abs() as f64 / 1_000.0, "{told} for {exact}");
        }
    }
}
