//! The shards of a run joined into one.

use std::collections::{BTreeMap, BTreeSet};

mod loads;

use super::log::Log;
use super::{Picked, RunEvent, Shard, Summary, TestId, TestReport};
use crate::units::Time;
use crate::verdict::{Mark, Verdict};
use loads::Loads;

/// Shards joined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// As one run would have told them.
    pub events: Vec<RunEvent>,
    /// What is odd, and does no harm.
    pub warnings: Vec<String>,
    /// What is missing, so that nobody knows whether all passed.
    pub missing: Vec<String>,
}

/// Joins `logs`, each with its name. The shards of a load become one load; any other test that is in several logs is kept
/// as often, but told.
pub fn merge(logs: &[(String, Log)]) -> Merged {
    let mut merged = Merged::default();
    let mut whole = Whole::default();
    for (name, log) in logs {
        merged.warnings.extend(log.warnings.iter().map(|warning| format!("{name}: {warning}")));
        whole.add(name, &log.events, &mut merged);
    }
    whole.missing_shards("shard", |picked| picked.shard, &mut merged);
    whole.missing_shards("load shard", |picked| picked.load_shard, &mut merged);
    whole.join_loads(&mut merged);
    merged.events = whole.events();
    merged
}

#[derive(Debug, Default)]
struct Whole {
    tests: usize,
    hosts: Vec<String>,
    /// The part that each log has, with the log's name.
    shards: Vec<(Picked, String)>,
    loads: Loads,
    first: Option<Time>,
    last: Time,
    interrupted: bool,
    /// What a host told first.
    versions: BTreeMap<String, String>,
    /// With the time by which they are put in order.
    events: Vec<(Time, RunEvent)>,
    /// In which log each test was, and when it began there.
    seen: BTreeMap<(TestId, String), BTreeSet<(usize, Time)>>,
    summary: Summary,
}

impl Whole {
    fn add(&mut self, name: &str, events: &[RunEvent], merged: &mut Merged) {
        let log = self.shards.len();
        let mut ended = false;
        let mut running: BTreeSet<(TestId, String)> = BTreeSet::new();
        let mut again = 0;
        for event in events {
            let at = match event {
                RunEvent::Started { tests, hosts, picked, at } => {
                    self.tests += tests;
                    for host in hosts {
                        if !self.hosts.contains(host) {
                            self.hosts.push(host.clone());
                        }
                    }
                    self.shards.push((picked.clone(), name.to_owned()));
                    self.first = Some(self.first.map_or(*at, |first| first.min(*at)));
                    continue;
                }
                RunEvent::HostUp { host, version, at, .. } => {
                    let before = self.versions.insert(host.clone(), version.clone());
                    match before {
                        Some(other) if other != *version => {
                            merged.warnings.push(format!("{name}: {host} is {version} here, and {other} before"));
                        }
                        Some(_) => continue,
                        None => {}
                    }
                    *at
                }
                RunEvent::HostLost { at, .. } | RunEvent::SessionsLeft { at, .. } | RunEvent::TestSlow { at, .. } => {
                    *at
                }
                RunEvent::LoadTold { snapshot, .. } => snapshot.at,
                RunEvent::CallEnded { cdr, .. } => cdr.ended,
                RunEvent::TestStarted { test, host, at } => {
                    running.insert((test.clone(), host.clone()));
                    *at
                }
                RunEvent::TestEnded(report) => {
                    let key = (report.test.clone(), report.host.clone());
                    running.remove(&key);
                    let shard = self.shards.last().and_then(|(picked, _)| picked.load_shard);
                    if let Some(shard) = shard.filter(|_| report.load.is_some()) {
                        self.loads.add(shard, report);
                        continue;
                    }
                    let seen = self.seen.entry(key).or_default();
                    if seen.iter().any(|(other, started)| *other != log && *started == report.started) {
                        // The same line from a copy of the same log.
                        self.tests = self.tests.saturating_sub(1);
                        again += 1;
                        continue;
                    }
                    if seen.iter().any(|(other, _)| *other != log) {
                        merged
                            .warnings
                            .push(format!("{name}: {} ({}) is in another log, too", report.test, report.host));
                    }
                    seen.insert((log, report.started));
                    count(&mut self.summary, report);
                    report.started + report.duration
                }
                RunEvent::Ended { summary, at } => {
                    ended = true;
                    self.interrupted |= summary.interrupted;
                    self.last = self.last.max(*at);
                    continue;
                }
            };
            self.last = self.last.max(at);
            self.events.push((at, event.clone()));
        }
        if again > 0 {
            merged.warnings.push(format!("{name}: {again} results are copies of another log's and were left out"));
        }
        if !ended {
            merged.missing.push(format!("{name} breaks off: its run did not end"));
        }
        self.summary.errors += running.len();
    }

    /// Puts each load in place of its shards.
    fn join_loads(&mut self, merged: &mut Merged) {
        let loads = std::mem::take(&mut self.loads);
        // That a load began and how it fared is told of each of its shards; the whole had no such moments.
        self.events.retain(|(_, event)| match event {
            RunEvent::TestStarted { test, .. } | RunEvent::LoadTold { test, .. } | RunEvent::CallEnded { test, .. } => {
                !loads.has(test)
            }
            _ => true,
        });
        let ended = loads.shards();
        let reports = loads.join(merged);
        self.tests = (self.tests + reports.len()).saturating_sub(ended);
        for report in reports {
            let (test, host) = (report.test.clone(), report.host.clone());
            self.events.push((report.started, RunEvent::TestStarted { test, host, at: report.started }));
            count(&mut self.summary, &report);
            let at = report.started + report.duration;
            self.last = self.last.max(at);
            self.events.push((at, RunEvent::TestEnded(Box::new(report))));
        }
    }

    /// Shards that no log has, and those that several have.
    fn missing_shards(&self, what: &str, of: fn(&Picked) -> Option<Shard>, merged: &mut Merged) {
        let parts: Vec<Shard> = self.shards.iter().filter_map(|(picked, _)| of(picked)).collect();
        let Some(Shard { count: of, .. }) = parts.first().copied() else { return };
        if parts.iter().any(|part| part.count != of) || parts.len() < self.shards.len() {
            merged.warnings.push(format!("not all logs are {what}s of one run"));
            return;
        }
        // Nobody has more parts, whatever a log says.
        for number in 1..=of.min(10_000) {
            match parts.iter().filter(|part| part.index == number).count() {
                0 => merged.missing.push(format!("{what} {number}/{of} is missing")),
                1 => {}
                count => merged.warnings.push(format!("{what} {number}/{of} is there {count} times")),
            }
        }
    }

    fn events(mut self) -> Vec<RunEvent> {
        let Some(first) = self.first else { return Vec::new() };
        // Stable: what one log told at one time stays in order.
        self.events.sort_by_key(|(at, _)| *at);
        let mut events =
            vec![RunEvent::Started { tests: self.tests, hosts: self.hosts, picked: Picked::default(), at: first }];
        events.extend(self.events.into_iter().map(|(_, event)| event));
        let last = self.last.max(first);
        let summary = Summary { interrupted: self.interrupted, duration: last.since(first), ..self.summary };
        events.push(RunEvent::Ended { summary, at: last });
        events
    }
}

fn count(summary: &mut Summary, report: &TestReport) {
    let counted = match (report.verdict, &report.mark) {
        (Verdict::Passed, Some(Mark::ExpectedFailure(_))) => &mut summary.expected_failures,
        (Verdict::Passed, _) => &mut summary.passed,
        (Verdict::Failed, _) => &mut summary.failed,
        (Verdict::Error, _) => &mut summary.errors,
        (Verdict::Skipped, Some(Mark::NotRun)) => &mut summary.not_run,
        (Verdict::Skipped, _) => &mut summary.skipped,
    };
    *counted += 1;
    summary.flaky += usize::from(report.mark == Some(Mark::Flaky));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    pub(super) fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    pub(super) fn report(name: &str, verdict: Verdict, started: u64) -> RunEvent {
        RunEvent::TestEnded(Box::new(TestReport {
            test: TestId { file: "a.yaml".into(), name: name.into() },
            line: None,
            host: "h".into(),
            tags: Vec::new(),
            verdict,
            mark: None,
            earlier: Vec::new(),
            started: at(started),
            duration: Duration::from_secs(1),
            checks: Vec::new(),
            legs: Vec::new(),
            properties: Vec::new(),
            recordings: Vec::new(),
            rerun: String::new(),
            load: None,
        }))
    }

    fn log(shard: Option<&str>, began: u64, reports: Vec<RunEvent>) -> Log {
        let picked = Picked { shard: shard.map(|shard| shard.parse().unwrap()), ..Picked::default() };
        let mut events =
            vec![RunEvent::Started { tests: reports.len(), hosts: vec!["h".into()], picked, at: at(began) }];
        events.push(RunEvent::HostUp { host: "h".into(), version: "1".into(), about: Vec::new(), at: at(began) });
        events.extend(reports);
        events.push(RunEvent::Ended { summary: Summary::default(), at: at(began + 10) });
        Log { events, warnings: Vec::new() }
    }

    fn merged(logs: Vec<Log>) -> Merged {
        let named: Vec<_> = logs.into_iter().enumerate().map(|(index, log)| (format!("{index}.jsonl"), log)).collect();
        merge(&named)
    }

    #[test]
    fn shards_become_one_run_in_the_order_of_time() {
        let one = log(Some("1/2"), 100, vec![report("a", Verdict::Passed, 101), report("b", Verdict::Failed, 104)]);
        let two = log(Some("2/2"), 102, vec![report("c", Verdict::Passed, 102), report("d", Verdict::Skipped, 105)]);
        let merged = merged(vec![one, two]);
        assert_eq!((merged.warnings.len(), merged.missing.len()), (0, 0), "{merged:?}");
        let names = merged.events.iter().filter_map(|event| match event {
            RunEvent::TestEnded(report) => Some(report.test.name.as_str()),
            _ => None,
        });
        assert_eq!(names.collect::<Vec<_>>(), ["a", "c", "b", "d"]);
        let started = RunEvent::Started { tests: 4, hosts: vec!["h".into()], picked: Picked::default(), at: at(100) };
        assert_eq!(merged.events[0], started);
        assert_eq!(merged.events.iter().filter(|event| matches!(event, RunEvent::HostUp { .. })).count(), 1);
        let duration = Duration::from_secs(12);
        let summary = Summary { passed: 2, failed: 1, skipped: 1, duration, ..Summary::default() };
        assert_eq!(merged.events.last().unwrap(), &RunEvent::Ended { summary, at: at(112) });
    }

    #[test]
    fn a_shard_that_is_missing_doubled_or_broken_off_is_told() {
        let shard = |shard, name| log(Some(shard), 1, vec![report(name, Verdict::Passed, 2)]);
        assert_eq!(merged(vec![shard("1/3", "a"), shard("3/3", "c")]).missing, ["shard 2/3 is missing"]);
        let doubled = merged(vec![shard("1/2", "a"), shard("2/2", "b"), shard("2/2", "c")]);
        assert_eq!((doubled.warnings, doubled.missing.len()), (vec!["shard 2/2 is there 2 times".to_owned()], 0));
        let mut broken = shard("1/1", "a");
        broken.events.pop();
        let test = TestId { file: "a.yaml".into(), name: "z".into() };
        broken.events.push(RunEvent::TestStarted { test, host: "h".into(), at: at(3) });
        let merged = merged(vec![broken]);
        assert_eq!(merged.missing, ["0.jsonl breaks off: its run did not end"]);
        let Some(RunEvent::Ended { summary, .. }) = merged.events.last() else { panic!("{merged:?}") };
        assert_eq!((summary.passed, summary.errors), (1, 1));
    }

    #[test]
    fn a_copy_counts_once_and_another_run_of_a_test_twice() {
        let one = log(None, 1, vec![report("a", Verdict::Passed, 2)]);
        let copied = merged(vec![one.clone(), one.clone()]);
        assert_eq!(copied.warnings, ["1.jsonl: 1 results are copies of another log's and were left out"]);
        assert_eq!(copied.events.len(), 4);
        let again = merged(vec![one, log(None, 20, vec![report("a", Verdict::Failed, 22)])]);
        assert_eq!(again.warnings, ["1.jsonl: a.yaml::a (h) is in another log, too"]);
        let Some(RunEvent::Ended { summary, .. }) = again.events.last() else { panic!("{again:?}") };
        assert_eq!((summary.passed, summary.failed), (1, 1));
    }
}
