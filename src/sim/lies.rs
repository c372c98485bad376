//! Whether the oracle notices when a run is told of otherwise than it went.

use super::*;
use crate::verdict::{Mark, Verdict};

/// Tells of a run otherwise than it went; whether there was anything to tell otherwise.
type Lie = fn(&mut Vec<RunEvent>) -> bool;

/// Lies that cannot go unnoticed.
const LIES: [(&str, Lie); 7] = [
    ("a test has no verdict", |told| {
        let at = told.iter().position(|event| matches!(event, RunEvent::TestEnded(_)));
        at.map(|at| told.remove(at)).is_some()
    }),
    ("a test has two verdicts", |told| {
        let at = told.iter().position(|event| matches!(event, RunEvent::TestEnded(_)));
        at.inspect(|at| told.insert(*at, told[*at].clone())).is_some()
    }),
    ("the summary has one more that passed", |told| summary(told).map(|summary| summary.passed += 1).is_some()),
    ("the run goes on behind its end", |told| {
        let first = told[0].clone();
        told.push(first);
        true
    }),
    ("a call of a load has no record", |told| {
        let at = told.iter().position(|event| matches!(event, RunEvent::CallEnded { .. }));
        at.map(|at| told.remove(at)).is_some()
    }),
    ("a call of a load that did not pass did", |told| {
        let mut records = told.iter_mut().filter_map(|event| match event {
            RunEvent::CallEnded { cdr, .. } => Some(cdr),
            _ => None,
        });
        let cdr = records.find(|cdr| cdr.verdict != Verdict::Passed);
        cdr.map(|cdr| cdr.verdict = Verdict::Passed).is_some()
    }),
    ("a load counts one call more", |told| {
        let load = reports(told).find_map(|report| report.load.as_mut());
        load.map(|load| load.report.all.tally.counts.offered += 1).is_some()
    }),
];

/// Lies that only go unnoticed where it is not known what a fault did.
const DOUBTFUL: [(&str, Lie); 3] = [
    ("a test that did not pass did", |told| {
        let untrue = |report: &&mut TestReport| {
            report.load.is_none() && matches!(report.verdict, Verdict::Failed | Verdict::Error) && report.mark.is_none()
        };
        let Some(report) = reports(told).find(untrue) else { return false };
        let was = std::mem::replace(&mut report.verdict, Verdict::Passed);
        // Whatever ended it did not.
        report.duration += Duration::from_micros(1);
        let counts = summary(told).expect("a summary");
        *if was == Verdict::Failed { &mut counts.failed } else { &mut counts.errors } -= 1;
        counts.passed += 1;
        true
    }),
    ("a test that passed did not", |told| {
        let untrue = |report: &&mut TestReport| report.load.is_none() && report.verdict == Verdict::Passed;
        let Some(report) = reports(told).find(untrue) else { return false };
        report.verdict = Verdict::Failed;
        let flaky = report.mark.take() == Some(Mark::Flaky);
        let counts = summary(told).expect("a summary");
        counts.passed -= 1;
        counts.failed += 1;
        counts.flaky -= usize::from(flaky);
        true
    }),
    ("nobody is told of sessions that are left", |told| {
        let before = told.len();
        told.retain(|event| !matches!(event, RunEvent::SessionsLeft { .. }));
        told.len() < before
    }),
];

fn reports(told: &mut [RunEvent]) -> impl Iterator<Item = &mut TestReport> {
    told.iter_mut().filter_map(|event| match event {
        RunEvent::TestEnded(report) => Some(report.as_mut()),
        _ => None,
    })
}

fn summary(told: &mut [RunEvent]) -> Option<&mut Summary> {
    told.iter_mut().find_map(|event| match event {
        RunEvent::Ended { summary, .. } => Some(summary),
        _ => None,
    })
}

// A judge who never finds anything wrong would let everything through.
#[test]
fn a_run_that_is_told_of_otherwise_than_it_went_is_found_out() {
    let mut found = [[0_usize; 2]; LIES.len() + DOUBTFUL.len()];
    for seed in 0..16 {
        let storm = Storm::of_seed(seed);
        let (mut sim, mut told) = (storm.sim(), Vec::new());
        sim.run_told(|event| {
            if !matches!(event, RunEvent::LoadTold { .. }) {
                told.push(event.clone());
            }
        });
        sim.settle();
        for ((name, lie), [lies, found]) in LIES.iter().chain(&DOUBTFUL).zip(&mut found) {
            let mut told = told.clone();
            if !lie(&mut told) {
                continue;
            }
            let mut oracle = Oracle::new(&storm);
            told.iter().for_each(|event| oracle.handle(event));
            let noticed = !oracle.judge(&sim).is_empty();
            *lies += 1;
            *found += usize::from(noticed);
            let certain = LIES.iter().any(|(certain, _)| certain == name);
            assert!(noticed || !certain, "seed {seed}: {name}, and nothing is wrong");
        }
    }
    for ((name, _), [lies, found]) in LIES.iter().chain(&DOUBTFUL).zip(found) {
        println!("{name}: {found} of {lies}");
        assert!(lies > 0 && found * 3 >= lies, "{name}: found out {found} times of {lies}");
    }
}
