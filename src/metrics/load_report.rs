//! What a load came to, to be kept, read by others, and merged with those of other shards.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::snapshot::GateState;
use super::{Book, Finding, Series, Summary, Tallies, Tally};
use crate::units::Time;
use crate::verdict::Verdict;

/// What a load came to.
///
/// Causes and reasons stand in the tallies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadReport {
    pub began: Time,
    pub ended: Time,
    pub all: Part,
    pub apps: BTreeMap<String, Part>,
    pub hosts: BTreeMap<String, Part>,
    pub series: Series,
    pub gates: Vec<GateState>,
    /// Whether the generator kept up: an error where it did not.
    pub generator: Finding,
}

/// What some of the calls came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// For readers; made anew from the tally when reports are merged.
    pub summary: Summary,
    pub tally: Tally,
}

/// Why reports cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("the loads had to hold against different gates: {0:?} and {1:?}")]
    Gates(Vec<String>, Vec<String>),
}

impl Part {
    fn new(tally: Tally) -> Part {
        Part { summary: Summary::of(&tally), tally }
    }

    /// Of calls that were offered in the time of `all`.
    fn of_some(tally: Tally, all: &Tally) -> Part {
        Part::new(Tally { course: all.course.as_ref().map(super::Course::of_some), ..tally })
    }
}

impl Book {
    /// What the load came to until the last that was told.
    pub fn report(&self) -> LoadReport {
        let of_some = |tally: &Tally| Part::of_some(tally.clone(), self.all());
        LoadReport {
            began: self.began(),
            ended: self.now(),
            all: Part::new(self.all().clone()),
            apps: self.apps().iter().map(|(name, tally)| (name.clone(), of_some(tally))).collect(),
            hosts: self.hosts().iter().map(|(name, host)| (name.clone(), of_some(&host.tally))).collect(),
            series: self.series().clone(),
            gates: self.gate_states(),
            generator: Finding::of_the_generator(self.all()),
        }
    }
}

impl LoadReport {
    /// Adds another shard of the load, exactly: counts and distributions are those of all their calls together.
    ///
    /// Gates are judged again over all of them. Those with a window were judged in each shard, and the worse finding
    /// stays; likewise the peak of calls is the sum of peaks, as nobody saw all of them at once.
    pub fn merge(&mut self, other: &LoadReport) -> Result<(), MergeError> {
        let names = |report: &LoadReport| report.gates.iter().map(|state| state.gate.name()).collect::<Vec<_>>();
        if !self.gates.iter().map(|state| &state.gate).eq(other.gates.iter().map(|state| &state.gate)) {
            return Err(MergeError::Gates(names(self), names(other)));
        }
        self.began = self.began.min(other.began);
        self.ended = self.ended.max(other.ended);
        self.all.tally.merge(&other.all.tally);
        self.all.summary = Summary::of(&self.all.tally);
        for (ours, theirs) in [(&mut self.apps, &other.apps), (&mut self.hosts, &other.hosts)] {
            for (name, part) in theirs {
                match ours.get_mut(name) {
                    Some(known) => known.tally.merge(&part.tally),
                    None => {
                        ours.insert(name.clone(), part.clone());
                    }
                }
            }
            for part in ours.values_mut() {
                *part = Part::of_some(std::mem::take(&mut part.tally), &self.all.tally);
            }
        }
        self.series.merge(&other.series);
        let tallies = Tallies {
            all: &self.all.tally,
            apps: self.apps.iter().map(|(name, part)| (name.as_str(), &part.tally)).collect(),
            hosts: self.hosts.iter().map(|(name, part)| (name.as_str(), &part.tally)).collect(),
        };
        for (ours, theirs) in self.gates.iter_mut().zip(&other.gates) {
            ours.finding = match ours.gate.window {
                Some(_) => ours.finding.clone().or_worse(theirs.finding.clone()),
                None => ours.gate.judge(&tallies),
            };
        }
        self.generator = Finding::of_the_generator(&self.all.tally).or_worse(other.generator.clone());
        Ok(())
    }

    /// All that was judged: the generator first, then the gates in their order.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(&self.generator).chain(self.gates.iter().map(|state| &state.finding))
    }

    /// Passed when the generator kept up and every gate holds; else the worst of what was found.
    pub fn verdict(&self) -> Verdict {
        self.findings().map(|finding| finding.verdict).max().unwrap_or(Verdict::Error)
    }
}
