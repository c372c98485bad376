//! Two runs compared: verdicts, latencies, audio measures.
//!
//! A verdict that got worse is always a regression. A figure that got worse is one only where that is more than noise:
//! see [`statistics::judge`]. Figures are taken of attempts that passed; those of failures mean nothing. Tests are the same
//! when file and name are, but for the `#2` of repeats, and the host too where one of the runs had several.

pub mod measure;
pub mod statistics;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::run::{RunEvent, TestId, TestReport};
use crate::verdict::{Mark, Verdict};
use measure::{Tolerances, measure};
use statistics::{Judgement, judge};

/// What became of the tests of a run, from one to the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Tests that both runs have.
    pub common: usize,
    /// Figures that both runs have.
    pub figures: usize,
    /// In the order of the tests.
    pub verdicts: Vec<VerdictChange>,
    /// Those that changed by more than noise, in the order of the tests.
    pub measures: Vec<MeasureChange>,
    /// Why the comparison may be worth less than it seems.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerdictChange {
    #[serde(flatten)]
    pub test: Named,
    pub change: Change,
    /// `passed`, `2 of 3 passed`; empty where it was not there.
    pub was: String,
    pub is: String,
    /// Why it does not pass now; may be empty.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasureChange {
    #[serde(flatten)]
    pub test: Named,
    /// The figure's name, with its unit: `caller.heard.level_dbm0`.
    pub measure: String,
    pub regression: bool,
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// A test on a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Named {
    pub test: String,
    pub host: String,
}

/// What became of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It passed, or passed more often, and no longer does: a regression.
    Broken,
    /// The new run broke off before it: a regression, for nobody knows.
    NotRun,
    Fixed,
    /// It passes, but only when it is tried again.
    Flaky,
    /// It passes at once again.
    Steady,
    NewPassed,
    NewFailed,
    NewSkipped,
    NoLongerRun,
    NowSkipped,
    /// It was skipped, and passes.
    NowRun,
}

impl Change {
    pub fn is_regression(self) -> bool {
        matches!(self, Change::Broken | Change::NotRun)
    }
}

impl Comparison {
    pub fn regressions(&self) -> usize {
        let verdicts = self.verdicts.iter().filter(|change| change.change.is_regression()).count();
        verdicts + self.measures.iter().filter(|change| change.regression).count()
    }
}

/// One test of a run, as often as it was run.
#[derive(Debug, Default)]
struct Group {
    host: String,
    passed: usize,
    failed: usize,
    skipped: usize,
    flaky: bool,
    reason: String,
    figures: BTreeMap<String, Vec<f64>>,
}

impl Group {
    fn add(&mut self, report: &TestReport) {
        self.host.clone_from(&report.host);
        match report.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Skipped => self.skipped += 1,
            Verdict::Failed | Verdict::Error => {
                self.failed += 1;
                let check = report.checks.iter().find(|check| check.verdict == report.verdict);
                self.reason = check.map(|check| format!("{}: {}", check.name, check.actual)).unwrap_or_default();
            }
        }
        self.flaky |= report.mark == Some(Mark::Flaky);
        // What failed as expected counts as passed, but its figures are those of a failure.
        if report.verdict == Verdict::Passed && !matches!(report.mark, Some(Mark::ExpectedFailure(_))) {
            self.figures.entry("duration_ms".into()).or_default().push(report.duration.as_secs_f64() * 1e3);
            for (name, value) in &report.properties {
                if let (Some(_), Ok(value)) = (measure(name), value.parse::<f64>())
                    && value.is_finite()
                {
                    self.figures.entry(name.clone()).or_default().push(value);
                }
            }
        }
    }

    fn runs(&self) -> usize {
        self.passed + self.failed
    }

    fn told(&self) -> String {
        match (self.passed, self.runs()) {
            (_, 0) => "skipped".to_owned(),
            (passed, runs) if runs > 1 => format!("{passed} of {runs} passed"),
            (0, _) => "failed".to_owned(),
            _ if self.flaky => "flaky".to_owned(),
            _ => "passed".to_owned(),
        }
    }

    /// Where it stands: all failed, some, none.
    fn rank(&self) -> usize {
        match (self.passed, self.failed) {
            (0, 1..) => 0,
            (1.., 1..) => 1,
            _ => 2,
        }
    }
}

/// A run, so far as it is compared.
#[derive(Debug, Default)]
struct Run {
    groups: BTreeMap<(TestId, Option<String>), Group>,
    hosts: BTreeSet<String>,
    whole: bool,
    part: Option<String>,
}

/// `test` without the `#2` that repeats have behind their names.
fn once(test: &TestId) -> TestId {
    let name = match test.name.rsplit_once('#') {
        Some((name, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => &test.name,
    };
    TestId { name: name.to_owned(), ..test.clone() }
}

fn read(events: &[RunEvent], by_host: bool) -> Run {
    let mut run = Run::default();
    let mut running: BTreeMap<(TestId, String), usize> = BTreeMap::new();
    for event in events {
        match event {
            RunEvent::Started { hosts, picked, .. } => {
                run.hosts.extend(hosts.iter().cloned());
                run.part = picked.shard.map(|shard| shard.to_string());
            }
            RunEvent::TestStarted { test, host, .. } => *running.entry((test.clone(), host.clone())).or_default() += 1,
            RunEvent::TestEnded(report) => {
                if let Some(count) = running.get_mut(&(report.test.clone(), report.host.clone())) {
                    *count = count.saturating_sub(1);
                }
                let key = (once(&report.test), by_host.then(|| report.host.clone()));
                run.groups.entry(key).or_default().add(report);
            }
            RunEvent::Ended { summary, .. } => run.whole = !summary.interrupted,
            RunEvent::HostUp { .. }
            | RunEvent::HostLost { .. }
            | RunEvent::SessionsLeft { .. }
            | RunEvent::LoadTold { .. }
            | RunEvent::CallEnded { .. }
            | RunEvent::TestSlow { .. } => {}
        }
    }
    for ((test, host), count) in running.into_iter().filter(|(_, count)| *count > 0) {
        let group = run.groups.entry((once(&test), by_host.then(|| host.clone()))).or_default();
        group.host = host;
        group.failed += count;
        group.reason = "it did not end".to_owned();
    }
    run
}

/// What became of the tests of `old` in `new`.
pub fn compare(old: &[RunEvent], new: &[RunEvent], tolerances: &Tolerances) -> Comparison {
    let several = |events: &[RunEvent]| read(events, true).hosts.len() > 1;
    let by_host = several(old) || several(new);
    let (old, new) = (read(old, by_host), read(new, by_host));
    let mut comparison = Comparison::default();
    if !old.whole {
        comparison.warnings.push("the old run was not finished".to_owned());
    }
    if !new.whole {
        comparison
            .warnings
            .push("the new run was not finished: tests that it did not come to are regressions".to_owned());
    }
    if !by_host && old.hosts != new.hosts {
        let names = |hosts: &BTreeSet<String>| hosts.iter().cloned().collect::<Vec<_>>().join(", ");
        comparison.warnings.push(format!("other hosts: {}, now {}", names(&old.hosts), names(&new.hosts)));
    }
    if old.part != new.part {
        comparison.warnings.push("the runs are of different shards; `callwright merge` joins them".to_owned());
    }
    let keys: BTreeSet<_> = old.groups.keys().chain(new.groups.keys()).collect();
    for key in keys {
        let (was, is) = (old.groups.get(key), new.groups.get(key));
        let host = is.or(was).map(|group| group.host.clone()).unwrap_or_default();
        let named = Named { test: key.0.to_string(), host };
        if let Some(change) = verdict(was, is, new.whole) {
            let told = |group: Option<&Group>| group.map(Group::told).unwrap_or_default();
            let reason = is.map(|group| group.reason.clone()).unwrap_or_default();
            let change = VerdictChange { test: named.clone(), change, was: told(was), is: told(is), reason };
            comparison.verdicts.push(change);
        }
        if let (Some(was), Some(is)) = (was, is) {
            comparison.common += 1;
            figures(&named, was, is, tolerances, &mut comparison);
        }
    }
    comparison
}

fn verdict(was: Option<&Group>, is: Option<&Group>, whole: bool) -> Option<Change> {
    let (was, is) = match (was, is) {
        (None, None) => return None,
        (None, Some(is)) => {
            return Some(match (is.failed, is.passed) {
                (1.., _) => Change::NewFailed,
                (0, 0) => Change::NewSkipped,
                (0, _) => Change::NewPassed,
            });
        }
        (Some(_), None) => return Some(if whole { Change::NoLongerRun } else { Change::NotRun }),
        (Some(was), Some(is)) => (was, is),
    };
    match (was.runs(), is.runs()) {
        (0, 0) => None,
        (0, _) => Some(if is.failed > 0 { Change::Broken } else { Change::NowRun }),
        (_, 0) => Some(Change::NowSkipped),
        _ if is.rank() < was.rank() => Some(Change::Broken),
        _ if is.rank() > was.rank() => Some(Change::Fixed),
        _ if is.flaky && !was.flaky => Some(Change::Flaky),
        _ if was.flaky && !is.flaky && is.failed == 0 => Some(Change::Steady),
        _ => None,
    }
}

fn figures(named: &Named, was: &Group, is: &Group, tolerances: &Tolerances, comparison: &mut Comparison) {
    for (name, old) in &was.figures {
        let (Some(new), Some(measure)) = (is.figures.get(name), measure(name)) else { continue };
        comparison.figures += 1;
        if let Some(judgement) = judge(old, new, measure.better, tolerances.of(measure.kind)) {
            comparison.measures.push(MeasureChange {
                test: named.clone(),
                measure: name.clone(),
                regression: judgement.worse,
                judgement,
            });
        }
    }
}

#[cfg(test)]
mod tests;
