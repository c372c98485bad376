//! The shards of a load joined into one load.

use std::collections::{BTreeMap, BTreeSet};

use super::{Merged, Shard};
use crate::place::Place;
use crate::run::{LoadOutcome, TestId, TestReport};
use crate::units::Time;
use crate::verdict::{CheckReport, Mark, Verdict};

/// Reports of loads that were made in shards.
#[derive(Debug, Default)]
pub(super) struct Loads {
    loads: BTreeMap<TestId, Vec<(Shard, TestReport)>>,
}

impl Loads {
    pub fn add(&mut self, shard: Shard, report: &TestReport) {
        self.loads.entry(report.test.clone()).or_default().push((shard, report.clone()));
    }

    pub fn has(&self, test: &TestId) -> bool {
        self.loads.contains_key(test)
    }

    /// How many reports there are.
    pub fn shards(&self) -> usize {
        self.loads.values().map(Vec::len).sum()
    }

    /// One report of each load. What cannot be joined is told, and its load is an error.
    pub fn join(self, merged: &mut Merged) -> Vec<TestReport> {
        self.loads.into_values().map(|shards| join(shards, merged)).collect()
    }
}

fn join(mut shards: Vec<(Shard, TestReport)>, merged: &mut Merged) -> TestReport {
    shards.sort_by_key(|(shard, _)| shard.index);
    let mut seen = BTreeSet::new();
    shards.retain(|(shard, _)| seen.insert(shard.index));
    // It was made by its first shard.
    let (first, others) = shards.split_first().expect("a load is there by its first shard");
    let mut whole = first.1.clone();
    let mut extra = extra(first);
    let mut ends = whole.started + whole.duration;
    for shard in others {
        let (of, report) = shard;
        if of.count != first.0.count {
            not_joined(format!("load shard {of} is no part of {}", first.0), &mut whole, merged, &mut extra);
            continue;
        }
        if let (Some(ours), Some(theirs)) = (&mut whole.load, &report.load)
            && let Err(error) = ours.merge(theirs)
        {
            not_joined(format!("load shard {of}: {error}"), &mut whole, merged, &mut extra);
            continue;
        }
        extra.extend(self::extra(shard));
        ends = ends.max(report.started + report.duration);
        whole.started = whole.started.min(report.started);
        whole.recordings.extend(report.recordings.iter().cloned());
    }
    let hosts: BTreeSet<&str> = shards.iter().flat_map(|(_, report)| report.host.split('+')).collect();
    whole.host = Vec::from_iter(hosts).join("+");
    judge(&mut whole, extra, ends);
    whole
}

/// Judges the load anew, with what each shard found beside.
fn judge(whole: &mut TestReport, extra: Vec<CheckReport>, ends: Time) {
    let Some(load) = &whole.load else { return };
    let mut checks = load.checks(None);
    let places: BTreeMap<&str, &Place> =
        whole.checks.iter().filter_map(|check| Some((check.name.as_str(), check.place.as_ref()?))).collect();
    for check in &mut checks {
        check.place = places.get(check.name.as_str()).map(|place| (*place).clone());
    }
    checks.extend(extra);
    let verdict = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Error);
    (whole.verdict, whole.mark) = expected(whole, verdict);
    whole.properties = load.properties();
    whole.checks = checks;
    whole.duration = ends.since(whole.started);
}

/// The verdict of a load that may have been expected to fail, as its first shard tells.
fn expected(whole: &TestReport, verdict: Verdict) -> (Verdict, Option<Mark>) {
    let Some(Mark::ExpectedFailure(reason) | Mark::UnexpectedPass(reason)) = &whole.mark else { return (verdict, None) };
    match verdict {
        Verdict::Failed => (Verdict::Passed, Some(Mark::ExpectedFailure(reason.clone()))),
        Verdict::Passed => (Verdict::Failed, Some(Mark::UnexpectedPass(reason.clone()))),
        other => (other, None),
    }
}

/// What a shard found beside that which is judged of the whole, where it did not hold: that it broke off, that a host was
/// missing.
fn extra((shard, report): &(Shard, TestReport)) -> Vec<CheckReport> {
    let judged = report.load.as_deref().map_or(0, |load: &LoadOutcome| load.checks(None).len());
    let beside = report.checks.iter().skip(judged).filter(|check| check.name != "xfail");
    let told = |check: &CheckReport| CheckReport { actual: format!("shard {shard}: {}", check.actual), ..check.clone() };
    beside.filter(|check| check.verdict != Verdict::Passed).map(told).collect()
}

/// A shard that is left out: the load is an error.
fn not_joined(why: String, whole: &mut TestReport, merged: &mut Merged, extra: &mut Vec<CheckReport>) {
    merged.missing.push(format!("{}: {why}", whole.test));
    extra.push(CheckReport {
        name: "the shards are of one load".to_owned(),
        place: None,
        verdict: Verdict::Error,
        expected: "all of them".to_owned(),
        actual: why,
        help: "each controller runs the same documents, with the same number of shards".to_owned(),
        passages: Vec::new(),
    });
}
