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
    let Some(Mark::ExpectedFailure(reason) | Mark::UnexpectedPass(reason)) = &whole.mark else {
        return (verdict, None);
    };
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
    let told =
        |check: &CheckReport| CheckReport { actual: format!("shard {shard}: {}", check.actual), ..check.clone() };
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::{at, report};
    use super::*;
    use crate::metrics::sample::{START, answered, refused};
    use crate::metrics::{Book, Cdr, Gate, GateBound, Metric};
    use crate::run::log::Log;
    use crate::run::merge::merge;
    use crate::run::{Picked, RunEvent, Summary, Wrong};

    /// The calls whose number is `index` of `count`: 100, of which every fortieth was refused.
    fn outcome(index: u64, count: u64, bound: &str) -> LoadOutcome {
        let metric = Metric::parse("asr").unwrap();
        let bound = GateBound::parse(metric.quantity(), bound).unwrap();
        let mut book = Book::new(START, vec![Gate::new(metric, bound)]);
        let mut wrong = Wrong::default();
        let number = |n: &u64| n % count == index;
        let cdrs: Vec<Cdr> = (0..100u64)
            .filter(number)
            .map(|n| if n % 40 == 1 { refused(n, "USER_BUSY") } else { answered(n) })
            .collect();
        cdrs.iter().for_each(|cdr| book.offered(cdr.launched, cdr.late(), &cdr.app, &cdr.host));
        for cdr in &cdrs {
            book.record(cdr);
            wrong.record(cdr);
        }
        LoadOutcome { report: book.report(), wrong, examples: Vec::new(), search: None }
    }

    fn shard(number: usize, outcome: LoadOutcome, beside: Vec<CheckReport>) -> (String, Log) {
        let RunEvent::TestEnded(mut ended) = report("load", Verdict::Passed, 100) else { unreachable!() };
        ended.checks = outcome.checks(None);
        ended.checks.extend(beside);
        ended.duration = Duration::from_secs(number as u64);
        ended.load = Some(Box::new(outcome));
        let picked = Picked { load_shard: Some(Shard { index: number, count: 2 }), ..Picked::default() };
        let (test, host) = (ended.test.clone(), ended.host.clone());
        let events = vec![
            RunEvent::Started { tests: 1, hosts: vec!["h".into()], picked, at: at(90) },
            RunEvent::TestStarted { test, host, at: at(100) },
            RunEvent::TestEnded(ended),
            RunEvent::Ended { summary: Summary::default(), at: at(110) },
        ];
        (format!("{number}.jsonl"), Log { events, warnings: Vec::new() })
    }

    fn merged(shards: &[(String, Log)]) -> (Merged, TestReport) {
        let merged = merge(shards);
        let ended = merged.events.iter().filter_map(|event| match event {
            RunEvent::TestEnded(report) => Some((**report).clone()),
            _ => None,
        });
        let mut ended: Vec<TestReport> = ended.collect();
        assert_eq!(ended.len(), 1, "{:?}", merged.events);
        let report = ended.remove(0);
        (merged, report)
    }

    #[test]
    fn a_gate_that_breaks_in_one_shard_may_hold_of_the_whole() {
        // Calls 1, 41 and 81 are all of the second shard, of which 94 % were answered: 97 % of the whole.
        let second = shard(2, outcome(1, 2, ">= 97%"), Vec::new());
        let RunEvent::TestEnded(alone) = &second.1.events[2] else { unreachable!() };
        assert_eq!(alone.checks[0].verdict, Verdict::Failed);
        let (merged, report) = merged(&[second, shard(1, outcome(0, 2, ">= 97%"), Vec::new())]);
        assert_eq!((merged.warnings, merged.missing), (Vec::<String>::new(), Vec::<String>::new()));
        assert_eq!((report.verdict, report.checks[0].actual.as_str()), (Verdict::Passed, "97% (97 of 100)"));
        let load = report.load.unwrap();
        assert_eq!(load.report.all.tally, outcome(0, 1, ">= 97%").report.all.tally);
        assert_eq!(load.wrong, outcome(0, 1, ">= 97%").wrong);
        assert_eq!((report.started, report.duration), (at(100), Duration::from_secs(2)));
        let Some(RunEvent::Started { tests: 1, .. }) = merged.events.first() else { panic!("{:?}", merged.events) };
        assert_eq!(merged.events.len(), 4);
        let Some(RunEvent::Ended { summary, .. }) = merged.events.last() else { panic!("{:?}", merged.events) };
        assert_eq!((summary.passed, summary.failed, summary.errors), (1, 0, 0));
    }

    #[test]
    fn what_stopped_one_shard_and_shards_of_other_gates_are_never_green() {
        let stopped = CheckReport {
            name: "the load comes to its end".to_owned(),
            place: None,
            verdict: Verdict::Error,
            expected: "all calls offered".to_owned(),
            actual: "no host is left".to_owned(),
            help: String::new(),
            passages: Vec::new(),
        };
        let good = || shard(1, outcome(0, 2, ">= 90%"), Vec::new());
        let (_, report) = merged(&[good(), shard(2, outcome(1, 2, ">= 90%"), vec![stopped])]);
        assert_eq!(
            (report.verdict, report.checks.last().unwrap().actual.as_str()),
            (Verdict::Error, "shard 2/2: no host is left")
        );
        let (merged, report) = merged(&[good(), shard(2, outcome(1, 2, ">= 80%"), Vec::new())]);
        assert_eq!(report.verdict, Verdict::Error);
        assert!(
            merged.missing[0].starts_with("a.yaml::load: load shard 2/2: the loads had to hold"),
            "{:?}",
            merged.missing
        );
    }

    #[test]
    fn a_shard_that_is_there_twice_counts_once() {
        let shards = [1, 1, 2].map(|number| shard(number, outcome(number as u64 - 1, 2, ">= 90%"), Vec::new()));
        let (merged, report) = merged(&shards);
        assert_eq!(merged.warnings, ["load shard 1/2 is there 2 times"]);
        assert_eq!(report.load.unwrap().report.all.tally.counts.offered, 100);
    }
}
