//! Storms: whole runs with faults, each from a seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::run::{RunEvent, Summary, TestReport, log};
use crate::verdict::{Mark, Verdict};

/// Calls of the storms of a usual test run.
const CALLS: usize = 10_000;

/// What came of a storm.
struct Weathered {
    calls: usize,
    /// All that reports were told.
    told: Vec<String>,
    troubles: Vec<Trouble>,
}

fn weather(seed: u64) -> Weathered {
    let storm = Storm::of_seed(seed);
    let (mut sim, mut oracle) = (storm.sim(), Oracle::new(&storm));
    let mut told = Vec::new();
    sim.run_told(|event| {
        told.push(log::encode(event).unwrap());
        oracle.handle(event);
    });
    sim.settle();
    Weathered { calls: oracle.calls(), told, troubles: oracle.judge(&sim) }
}

/// The first difference of two runs of one seed.
fn difference(seed: u64) -> Option<String> {
    let (once, again) = (weather(seed).told, weather(seed).told);
    let at = (0..once.len().max(again.len())).find(|at| once.get(*at) != again.get(*at))?;
    Some(format!("line {at}:\n{:?}\n{:?}", once.get(at), again.get(at)))
}

/// What is wrong with a storm, and how to repeat it.
fn trouble(seed: u64, calls: &AtomicUsize) -> Option<String> {
    let weathered = catch_unwind(AssertUnwindSafe(|| weather(seed)));
    let wrong = match weathered {
        Ok(Weathered { calls: made, troubles, .. }) => {
            calls.fetch_add(made, Ordering::Relaxed);
            troubles.into_iter().map(|Trouble(what)| what).collect::<Vec<_>>()
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            vec![text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()]
        }
    };
    let first: Vec<String> = wrong.iter().take(5).map(|what| what.chars().take(400).collect()).collect();
    (!wrong.is_empty()).then(|| {
        format!("seed {seed}: {} wrong\n  {}\nto repeat it:\n  {}", wrong.len(), first.join("\n  "), command(seed))
    })
}

fn command(seed: u64) -> String {
    format!(
        "CALLWRIGHT_SEED={seed} cargo test --lib sim::tests::whatever_goes_wrong_verdicts_and_counts_are_right -- --exact --nocapture"
    )
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

// `CALLWRIGHT_SEED=7` has one storm, and tells of it; `CALLWRIGHT_SEEDS=1000` so many of them, from that one on.
#[test]
fn whatever_goes_wrong_verdicts_and_counts_are_right() {
    let (first, seeds) = (number("CALLWRIGHT_SEED"), number("CALLWRIGHT_SEEDS"));
    if let (Some(seed), None) = (first, seeds) {
        let storm = Storm::of_seed(seed);
        println!("{}\n{:#?}\n{} switches", storm.yaml, storm.faults, storm.switches.len());
        let weathered = weather(seed);
        weathered.told.iter().filter(|line| !line.contains("load_told")).for_each(|line| print!("{line}"));
        assert_eq!(weathered.troubles, [], "{}", command(seed));
        assert_eq!(difference(seed), None);
        return;
    }
    let begin = first.unwrap_or(0);
    let (next, calls, troubles) = (AtomicU64::new(begin), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = number("CALLWRIGHT_THREADS").map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        |threads| usize::try_from(threads).unwrap_or(1),
    );
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = seeds.map_or(calls.load(Ordering::Relaxed) >= CALLS, |seeds| seed - begin >= seeds);
                    if enough || troubles.lock().unwrap().len() >= 20 {
                        return;
                    }
                    troubles.lock().unwrap().extend(trouble(seed, &calls));
                }
            });
        }
    });
    let troubles = troubles.into_inner().unwrap();
    println!("{} calls", calls.load(Ordering::Relaxed));
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_storm_byte_for_byte() {
    for seed in 0..6 {
        assert_eq!(difference(seed), None, "seed {seed}");
    }
}

// Otherwise the test above would say nothing.
#[test]
fn without_faults_every_scenario_of_the_storms_passes() {
    for two in [false, true] {
        for piece in 0..mix::PIECES.len() + mix::LOADS.len() {
            let storm = Storm::calm(piece, two);
            let (summary, reports) = storm.sim().run();
            assert_eq!(summary.passed, 1, "{}\n{:#?}", storm.yaml, reports[0].checks);
        }
    }
}

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
            report.load.is_none() && matches!(report.verdict, Verdict::Failed | Verdict::Error) && ran(report)
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

fn ran(report: &TestReport) -> bool {
    report.mark.is_none()
}

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
