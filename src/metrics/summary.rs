//! The figures that people ask for, from a tally.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Distribution, Tally, Timing};

/// Figures of a tally. What was not measured is `None`, or not there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Answered calls of those for which the switch made a session, in percent.
    pub asr_percent: Option<f64>,
    /// Calls that ended without an answer, of those that ended.
    pub seizure_fail_rate_percent: Option<f64>,
    pub passed_percent: Option<f64>,
    /// Average call duration: talk time a call that was answered, in seconds.
    pub acd_s: Option<f64>,
    /// Calls offered a second.
    pub rate: Option<f64>,
    /// Mean number of calls in progress.
    pub erlangs: Option<f64>,
    /// Times in seconds.
    pub times: BTreeMap<Timing, Quantiles>,
    /// What checks measured, in the unit that their names have.
    pub figures: BTreeMap<String, Quantiles>,
}

/// How values were distributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    pub count: u64,
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    /// The 99.9th percentile.
    pub p999: f64,
    pub max: f64,
}

impl Summary {
    pub fn of(tally: &Tally) -> Summary {
        let counts = &tally.counts;
        let percent = |part: u64, whole: u64| (whole > 0).then(|| part as f64 * 100.0 / whole as f64);
        Summary {
            asr_percent: percent(counts.answered, counts.seized),
            seizure_fail_rate_percent: percent(counts.unanswered(), counts.ended),
            passed_percent: percent(counts.passed, counts.ended),
            acd_s: counts.acd().map(|acd| acd.as_secs_f64()),
            rate: tally.rate(),
            erlangs: tally.erlangs(),
            times: quantiles(&tally.times, 1e6),
            figures: quantiles(&tally.figures, 1e3),
        }
    }
}

fn quantiles<K: Ord + Clone>(all: &BTreeMap<K, Distribution>, unit: f64) -> BTreeMap<K, Quantiles> {
    let of = |(name, values): (&K, &Distribution)| Some((name.clone(), Quantiles::of(values, unit)?));
    all.iter().filter_map(of).collect()
}

impl Quantiles {
    /// Of values that are so many to the unit; `None` of none.
    pub(super) fn of(values: &Distribution, unit: f64) -> Option<Quantiles> {
        let at = |percent: f64| Some(values.percentile(percent)? as f64 / unit);
        Some(Quantiles {
            count: values.count(),
            min: values.min()? as f64 / unit,
            mean: values.mean()? / unit,
            p50: at(50.0)?,
            p90: at(90.0)?,
            p95: at(95.0)?,
            p99: at(99.0)?,
            p999: at(99.9)?,
            max: values.max()? as f64 / unit,
        })
    }
}
