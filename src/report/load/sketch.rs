//! Quantiles of any number of durations in little memory.
//!
//! Buckets that are 2 % wide, as in Masson, Rim and Lee, "DDSketch" (VLDB 2019), without its collapsing: there are no more
//! than 2,300 buckets for all durations that there can be.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Spread;

/// Durations, each known to 1 % of it; the least and the most are exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sketch {
    count: u64,
    least: Duration,
    most: Duration,
    buckets: BTreeMap<u16, u32>,
}

const WIDTH: f64 = 1.02;

impl Sketch {
    pub fn record(&mut self, duration: Duration) {
        (self.least, self.most) = match self.count {
            0 => (duration, duration),
            _ => (self.least.min(duration), self.most.max(duration)),
        };
        self.count += 1;
        // Microseconds are as fine as times are.
        let bucket = (duration.as_micros().max(1) as f64).ln() / WIDTH.ln();
        let count = self.buckets.entry(bucket.ceil() as u16).or_default();
        *count = count.saturating_add(1);
    }

    pub fn merge(&mut self, other: Sketch) {
        if self.count == 0 {
            *self = other;
        } else if other.count > 0 {
            (self.least, self.most) = (self.least.min(other.least), self.most.max(other.most));
            self.count += other.count;
            for (bucket, more) in other.buckets {
                let count = self.buckets.entry(bucket).or_default();
                *count = count.saturating_add(more);
            }
        }
    }

    /// In seconds, that of which `part` (0 to 1) of all are no longer; `None` without a duration.
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let rank = ((part * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        if rank == self.count {
            return self.most();
        }
        let mut seen = 0;
        let (bucket, _) = self.buckets.iter().find(|(_, count)| {
            seen += u64::from(**count);
            seen >= rank
        })?;
        // As far from the lower end of the bucket, in parts of it, as from the upper.
        let micros = 2.0 * WIDTH.powi(i32::from(*bucket)) / (WIDTH + 1.0);
        Some((micros / 1e6).clamp(self.least.as_secs_f64(), self.most.as_secs_f64()))
    }

    /// In seconds.
    pub fn most(&self) -> Option<f64> {
        (self.count > 0).then_some(self.most.as_secs_f64())
    }

    pub fn spread(&self, name: &str) -> Option<Spread> {
        Some(Spread {
            name: name.to_owned(),
            calls: self.count,
            least: self.least.as_secs_f64(),
            p50: self.quantile(0.5)?,
            p95: self.quantile(0.95)?,
            p99: self.quantile(0.99)?,
            most: self.most()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_has_no_quantile_and_one_duration_is_every_quantile() {
        let mut sketch = Sketch::default();
        assert_eq!((sketch.quantile(0.5), sketch.spread("x")), (None, None));
        sketch.record(Duration::from_millis(123));
        assert_eq!([0.0, 0.5, 1.0].map(|part| sketch.quantile(part)), [Some(0.123); 3]);
        sketch.record(Duration::ZERO);
        sketch.record(Duration::MAX);
        assert!(sketch.quantile(0.0).is_some_and(|least| least <= 1e-6));
    }

    proptest! {
        #[test]
        fn quantiles_are_within_a_hundredth_however_the_durations_were_merged(
            mut micros in prop::collection::vec(1..10_000_000_u64, 1..300), split in 0..300_usize, part in 0.0..=1.0_f64,
        ) {
            let mut halves = [Sketch::default(), Sketch::default()];
            for (n, micros) in micros.iter().enumerate() {
                halves[usize::from(n >= split)].record(Duration::from_micros(*micros));
            }
            let [mut sketch, other] = halves;
            sketch.merge(other);
            micros.sort_unstable();
            let rank = ((part * micros.len() as f64).ceil() as usize).clamp(1, micros.len());
            let exact = micros[rank - 1] as f64 / 1e6;
            let told = sketch.quantile(part).unwrap();
            prop_assert!((told - exact).abs() <= exact * 0.0101, "{told} for {exact}");
            prop_assert_eq!(sketch.most, Duration::from_micros(micros[micros.len() - 1]));
        }
    }
}
