//! A whole load through a book.

use std::time::Duration;

use proptest::prelude::*;

use super::gate::tests::gate;
use super::sample::{START, answered, cdrs, refused};
use super::*;
use crate::units::Time;
use crate::verdict::Verdict;

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// Launches and ends of calls in the order of time, as an engine tells them; those of `mine` only.
fn tell(book: &mut Book, cdrs: &[Cdr], mine: impl Fn(&Cdr) -> bool) {
    let mut moments: Vec<(Time, bool, &Cdr)> = cdrs
        .iter()
        .filter(|cdr| mine(cdr))
        .flat_map(|cdr| [(cdr.launched, false, cdr), (cdr.ended, true, cdr)])
        .collect();
    moments.sort_by_key(|(at, ends, cdr)| (*at, *ends, cdr.index));
    let mut active = 0;
    for (at, ends, cdr) in moments {
        if ends {
            active -= 1;
            book.active(at, active, 2 * active);
            book.record(&Cdr { ended: at.max(cdr.launched), ..cdr.clone() });
        } else {
            active += 1;
            book.offered(at, cdr.late(), &cdr.app, &cdr.host);
            book.active(at, active, 2 * active);
        }
    }
}

/// Ten calls a second for `count` calls, the end of each two seconds later.
fn told(count: u64, gates: Vec<Gate>) -> Book {
    let cdrs: Vec<_> = (0..count).map(answered).collect();
    let mut book = Book::new(START, gates);
    let offered = cdrs.last().map_or(START, |cdr| cdr.launched);
    let (before, after): (Vec<_>, Vec<_>) = cdrs.iter().cloned().partition(|cdr| cdr.ended <= offered);
    let all = [before, after].concat();
    tell(&mut book, &all, |_| true);
    book
}

#[test]
fn erlangs_are_the_calls_in_progress_integrated_over_time() {
    // 100 calls of 2.108 s in 12.01 s.
    let mut book = told(100, vec![]);
    let report = book.report();
    let erlangs = report.all.summary.erlangs.unwrap();
    let expected = 100.0 * 2.108 / 12.01;
    assert!((erlangs - expected).abs() < 1e-6, "{erlangs} {expected}");
    // Little's law: the same from the calls themselves, as for an app.
    let of_app = report.apps["bert"].summary.erlangs.unwrap();
    assert!((of_app - expected).abs() < 1e-6, "{of_app}");
    let snapshot = book.snapshot(START + S * 13);
    assert_eq!((snapshot.active_calls, snapshot.peak_calls, snapshot.peak_sessions), (0, 22, 44));
    assert_eq!(snapshot.counts.offered, 100);
}

#[test]
fn rates_are_of_the_last_ten_whole_seconds() {
    let mut book = told(300, vec![]);
    let snapshot = book.snapshot(START + 33 * S);
    // The last call is launched in the thirtieth second: seven of ten had calls.
    assert!((snapshot.rates.offered - 7.0).abs() < 1e-9, "{:?}", snapshot.rates);
    let first = Book::new(START, vec![]).snapshot(START + 500 * MS);
    assert_eq!(first.rates, Rates::default());
    assert_eq!(first.generator.verdict, Verdict::Error);
}

#[test]
fn the_rate_is_of_the_time_in_which_calls_are_offered() {
    let mut book = Book::new(START, vec![Gate { window: Some(2 * S), ..gate("rate >= 9.9") }]);
    for index in 0..100 {
        book.offered(START + index * 100 * MS, Duration::ZERO, "bert", "local");
    }
    book.offering_ends(START + 10 * S);
    // They go on for a while, and nothing is offered any more.
    book.advance(START + 60 * S);
    assert_eq!(book.report().all.summary.rate, Some(10.0));
    let of_app = Gate { over: Over::App("bert".to_owned()), ..gate("rate >= 10") };
    assert_eq!(of_app.evaluate(&book).verdict, Verdict::Passed);
    let finding = book.report().gates[0].finding.clone();
    assert_eq!((finding.verdict, &*finding.actual), (Verdict::Passed, "10 from 0s to 2s"));
}

#[test]
fn a_load_shorter_than_a_window_is_one_window() {
    let windowed = Gate { window: Some(60 * S), ..gate("setup_time.p95 < 250ms") };
    let book = told(50, vec![windowed.clone()]);
    let finding = windowed.evaluate(&book);
    assert_eq!((finding.verdict, &*finding.actual), (Verdict::Passed, "100ms from 0s to 7.01s"));
    let nothing = Book::new(START, vec![windowed.clone()]);
    assert_eq!(windowed.evaluate(&nothing).verdict, Verdict::Error);
}

#[test]
fn windows_of_an_app_or_host_see_only_its_calls() {
    let over = |over| Gate { over, window: Some(S), ..gate("asr >= 50%") };
    let gates = [Over::All, Over::App("good".to_owned()), Over::EachApp, Over::Host("h".to_owned())].map(over);
    let mut book = Book::new(START, gates.to_vec());
    for index in 0..30 {
        let bad = index % 3 == 0;
        let cdr = if bad { refused(index, "USER_BUSY") } else { answered(index) };
        let app = if bad { "bad" } else { "good" };
        book.record(&Cdr { app: app.to_owned(), ended: START + 100 * MS * index as u32, ..cdr });
    }
    book.advance(START + 3 * S);
    let verdicts: Vec<_> = book.report().gates.iter().map(|state| state.finding.verdict).collect();
    assert_eq!(verdicts, [Verdict::Passed, Verdict::Passed, Verdict::Failed, Verdict::Error]);
    assert_eq!(book.report().gates[2].finding.actual, "bad: 0% (0 of 4) from 0s to 1s");
}

#[test]
fn shards_with_different_gates_are_not_merged() {
    let mut one = told(3, vec![gate("asr >= 99%")]).report();
    let other = told(3, vec![gate("asr >= 98%")]).report();
    assert!(matches!(one.merge(&other), Err(MergeError::Gates(..))));
}

#[test]
fn what_hosts_tell_of_themselves_stands_in_snapshot_and_series() {
    let mut book = told(10, vec![gate("event_lag.max < 1s")]);
    let stats = |idle, sessions| HostStats { idle_cpu_percent: Some(idle), sessions, ..HostStats::default() };
    let at = book.now();
    book.host_stats(at, "local", stats(80.0, Some(4)));
    book.host_stats(at, "local", stats(60.0, None));
    book.lag("local", 30 * MS);
    let snapshot = book.snapshot(at);
    assert_eq!(snapshot.hosts["local"].stats, Some(stats(60.0, None)));
    assert_eq!(snapshot.hosts["local"].event_lag_s, Some(0.03));
    assert_eq!(snapshot.gates[0].finding.actual, "30ms");
    let last = book.series().buckets.last().unwrap();
    assert_eq!((last.hosts["local"].clone(), last.event_lag_max), (stats(60.0, Some(4)), 30 * MS));
}

#[test]
fn a_report_is_what_its_schema_says() {
    let book = told(30, vec![Gate { over: Over::EachHost, ..gate("asr >= 99%") }]);
    let json = serde_json::to_value(book.report()).unwrap();
    let schema = schemars::schema_for!(LoadReport).to_value();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    assert_eq!(serde_json::from_value::<LoadReport>(json).unwrap(), book.report());
    let snapshot = serde_json::to_value(book.clone().snapshot(START + 5 * S)).unwrap();
    assert_eq!(serde_json::from_value::<Snapshot>(snapshot).unwrap(), book.clone().snapshot(START + 5 * S));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn shards_merge_into_the_whole(cdrs in cdrs(), by in 0u64..3) {
        let gates = || vec![gate("asr >= 50%"), Gate { over: Over::EachApp, ..gate("setup_time.p95 < 100ms") }];
        let mut whole = Book::new(START, gates());
        let mut shards = [Book::new(START, gates()), Book::new(START, gates())];
        tell(&mut whole, &cdrs, |_| true);
        for (number, shard) in shards.iter_mut().enumerate() {
            tell(shard, &cdrs, |cdr| (cdr.index + by) % 2 == number as u64);
        }
        let [mut merged, other] = shards.map(|shard| shard.report());
        let other: LoadReport = serde_json::from_str(&serde_json::to_string(&other).unwrap()).unwrap();
        merged.merge(&other).unwrap();
        let whole = whole.report();
        prop_assert_eq!(merged.began, whole.began);
        prop_assert_eq!(merged.ended, whole.ended);
        // The peak of both is at least that of the whole, as they may not have had theirs at once.
        prop_assert!(peak(&merged) >= peak(&whole));
        let calls = |part: &Part| {
            let course = part.tally.course.clone().map(|course| (course.began, course.ended, course.active));
            (Tally { course: None, ..part.tally.clone() }, course)
        };
        prop_assert_eq!(calls(&merged.all), calls(&whole.all));
        prop_assert_eq!(
            merged.apps.values().map(calls).collect::<Vec<_>>(),
            whole.apps.values().map(calls).collect::<Vec<_>>()
        );
        prop_assert_eq!(&merged.gates, &whole.gates);
        let counted = |series: &Series| series.buckets.iter().map(|bucket| Bucket {
            active: 0, active_max: 0, sessions: 0, sessions_max: 0, ..bucket.clone()
        }).collect::<Vec<_>>();
        prop_assert_eq!(counted(&merged.series), counted(&whole.series));
    }

    #[test]
    fn counts_of_all_are_those_of_the_apps_and_of_the_hosts_and_of_the_series(cdrs in cdrs()) {
        let mut book = Book::new(START, vec![]);
        tell(&mut book, &cdrs, |_| true);
        let report = book.report();
        for parts in [&report.apps, &report.hosts] {
            let mut sum = Counts::default();
            parts.values().for_each(|part| sum += &part.tally.counts);
            prop_assert_eq!(&sum, &report.all.tally.counts);
        }
        let buckets = &report.series.buckets;
        let counts = &report.all.tally.counts;
        prop_assert_eq!(buckets.iter().map(|bucket| bucket.offered).sum::<u64>(), counts.offered);
        prop_assert_eq!(buckets.iter().map(|bucket| bucket.ended).sum::<u64>(), counts.ended);
        prop_assert_eq!(buckets.iter().map(|bucket| bucket.answered).sum::<u64>(), counts.answered);
        prop_assert_eq!(buckets.iter().map(|bucket| bucket.failed).sum::<u64>(), counts.failed());
        let failures = buckets.iter().flat_map(|bucket| bucket.failures.values()).sum::<u64>();
        prop_assert_eq!(failures, counts.failed());
        prop_assert_eq!(buckets.iter().map(|bucket| bucket.setup_time.count()).sum::<u64>(), counts.answered);
    }

    #[test]
    fn the_worst_window_is_the_worst_of_all_windows_there_are(
        ends in proptest::collection::vec((0u32..200, any::<bool>()), 1..80), seconds in 1u64..8)
    {
        // Tenths of a second in which calls end, answered or not.
        let mut ends = ends;
        ends.sort_unstable();
        let length = Duration::from_secs(seconds);
        let windowed = Gate { window: Some(length), ..gate("asr >= 50%") };
        let mut book = Book::new(START, vec![windowed.clone()]);
        for (index, (tenth, good)) in ends.iter().enumerate() {
            let cdr = if *good { answered(index as u64) } else { refused(index as u64, "USER_BUSY") };
            book.record(&Cdr { ended: START + 100 * MS * *tenth, ..cdr });
        }
        book.advance(START + 20 * S);
        let windows = (seconds..=20).filter_map(|end| {
            let within = ends.iter().filter(|(tenth, _)| (end - seconds..end).contains(&(u64::from(*tenth) / 10)));
            let (good, all) = within.fold((0, 0), |(good, all), (_, is)| (good + u64::from(*is), all + 1));
            (all > 0).then(|| good as f64 / all as f64)
        });
        let worst = windows.min_by(f64::total_cmp).unwrap();
        let finding = windowed.evaluate(&book);
        prop_assert_eq!(finding.verdict == Verdict::Passed, worst >= 0.5, "{:?} {}", finding, worst);
        let told: f64 = finding.actual.split('%').next().unwrap().parse().unwrap();
        prop_assert!((told - worst * 100.0).abs() < 0.001, "{told} {worst}");
    }
}

fn peak(report: &LoadReport) -> u32 {
    report.all.tally.course.as_ref().map_or(0, |course| course.peak_calls)
}
