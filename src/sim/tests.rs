//! Storms: whole runs with faults, each from a seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::*;
use crate::run::log;

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

// Its run was due to begin a test there all the time, and did nothing else.
#[test]
fn a_host_that_goes_away_while_its_next_test_is_paced_does_not_keep_the_run_awake() {
    let busy = "callee: [{ respond: 486 }]\nexpect: { answered: false, hangup_cause: USER_BUSY }\n";
    let text = ["a", "b", "c"].map(|name| format!("name: {name}\n{busy}")).join("---\n");
    // Of five sessions a second four begin, and a call to itself has two: the second test waits for half a second.
    let config = SwitchConfig { sip: ([127, 0, 0, 1], 5080).into(), sessions_per_second: 5, ..SwitchConfig::default() };
    let (at, away) = (Duration::from_millis(200), Duration::from_secs(3));
    let mut sim = Sim::with(&text, 7, config).unwrap().fault(Fault::Cut { host: 0, at, away });
    // It panics where time stands still.
    let (summary, reports) = sim.run();
    assert_eq!((summary.passed, reports.len()), (3, 3), "{reports:?}");
    let begun: Vec<_> = reports.iter().map(|report| report.started.since(sim.started())).collect();
    assert!(begun[0] < at && begun[1] >= at + away, "{begun:?}");
}
