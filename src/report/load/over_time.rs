//! Curves from the buckets that a load keeps of itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{Calls, LoadCurves, Topic};
use crate::metrics::{Bucket, HostStats, Series as Buckets, Sketch};
use crate::report::chart::{Mark, Series};

type OfBucket = fn(&Bucket) -> &Sketch;

const LATENCIES: [(Topic, OfBucket); 3] = [
    (Topic::SetupTime, |bucket| &bucket.setup_time),
    (Topic::PostDialDelay, |bucket| &bucket.pdd),
    (Topic::LateStarts, |bucket| &bucket.late),
];
/// Causes that are drawn.
const DRAWN_CAUSES: usize = 7;
/// Hosts that are drawn.
const DRAWN_HOSTS: usize = 8;

impl LoadCurves {
    /// From what a load counted over time. Of latencies there are setup times and post-dial delays, as quantiles of the
    /// calls that were launched in the same bucket; nothing is known of single calls.
    pub fn from_series(series: &Buckets) -> LoadCurves {
        let Some(first) = series.buckets.first() else { return LoadCurves::default() };
        let width = f64::from(series.width_s);
        let timed: Vec<(f64, &Bucket)> =
            series.buckets.iter().map(|bucket| (bucket.at.since(first.at).as_secs_f64(), bucket)).collect();
        let all = |count: fn(&Bucket) -> u64| series.buckets.iter().map(count).sum::<u64>();
        let most = |count: fn(&Bucket) -> u32| series.buckets.iter().map(count).max().unwrap_or(0);
        let calls = Calls {
            offered: all(|bucket| bucket.offered),
            answered: all(|bucket| bucket.answered),
            failed: all(|bucket| bucket.failed),
            active: most(|bucket| bucket.active_max),
            sessions: most(|bucket| bucket.sessions_max),
            rate: None,
        };
        let mut curves = Vec::new();
        for (topic, sketch) in LATENCIES {
            for (name, percent) in [("p50", 50.0), ("p95", 95.0), ("max", 100.0)] {
                let value = |bucket: &Bucket| Some(sketch(bucket).percentile(percent)? as f64 / 1e6);
                curves.push((topic, Series::new(name, Mark::Line, points(&timed, width, value))));
            }
        }
        let gauge = |name, value: fn(&Bucket) -> u32| {
            let points = points(&timed, width, |bucket| Some(f64::from(value(bucket))));
            (Topic::Active, Series::new(name, Mark::Line, points))
        };
        curves.extend([
            gauge("calls at once (Erlangs)", |bucket| bucket.active_max),
            gauge("sessions", |bucket| bucket.sessions_max),
        ]);
        let mut failed = 0;
        let so_far = timed.iter().map(|(at, bucket)| {
            failed += bucket.failed;
            (at + width, failed as f64)
        });
        curves.push((Topic::Active, Series::new("calls failed so far", Mark::Line, so_far.collect()).right()));
        curves.extend(failures(&timed, width));
        curves.extend(rates(&timed, width));
        curves.extend(hosts(&timed, width));
        curves.retain(|(_, series)| series.points.iter().any(|point| point.1.is_finite()));
        LoadCurves { seconds: timed.last().map_or(0.0, |(at, _)| at + width), calls, spreads: Vec::new(), curves }
    }
}

/// A value of each bucket, in its middle, with a gap where buckets have none.
fn points(timed: &[(f64, &Bucket)], width: f64, value: impl Fn(&Bucket) -> Option<f64>) -> Vec<(f64, f64)> {
    let values = timed.iter().map(|(at, bucket)| (at + width / 2.0, value(bucket).unwrap_or(f64::NAN)));
    let mut points: Vec<(f64, f64)> = values.collect();
    // One gap is as good as several.
    points.dedup_by(|next, before| next.1.is_nan() && before.1.is_nan());
    points
}

fn failures(timed: &[(f64, &Bucket)], width: f64) -> Vec<(Topic, Series)> {
    let mut causes: BTreeMap<&str, u64> = BTreeMap::new();
    for (cause, count) in timed.iter().flat_map(|(_, bucket)| &bucket.failures) {
        *causes.entry(cause).or_default() += count;
    }
    let mut causes: Vec<(&str, u64)> = causes.into_iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let drawn: BTreeSet<&str> = causes.iter().take(DRAWN_CAUSES).map(|(cause, _)| *cause).collect();
    let stacked = |name: &str, of: &dyn Fn(&str) -> bool| {
        let points = timed.iter().filter_map(|(at, bucket)| {
            let count: u64 = bucket.failures.iter().filter(|(cause, _)| of(cause)).map(|(_, count)| count).sum();
            (count > 0).then_some((*at, count as f64))
        });
        let points: Vec<(f64, f64)> = points.collect();
        let all: f64 = points.iter().map(|point| point.1).sum();
        (Topic::Failures, Series::new(format!("{name}: {all}"), Mark::Stack { width }, points))
    };
    let named = |cause: &str| match cause {
        // A call that was answered and hung up as it should be, with a check that did not hold.
        "NORMAL_CLEARING" | "" => "a check did not hold".to_owned(),
        cause => cause.to_owned(),
    };
    let known = causes.iter().take(DRAWN_CAUSES).map(|(cause, _)| stacked(&named(cause), &|other| other == *cause));
    known.chain([stacked("other causes", &|cause| !drawn.contains(cause))]).collect()
}

/// Calls a second. The first and the last bucket are there in part only, so they are left out where there are others.
fn rates(timed: &[(f64, &Bucket)], width: f64) -> [(Topic, Series); 2] {
    let offers = |(_, bucket): &&(f64, &Bucket)| bucket.offered > 0;
    let first = timed.iter().position(|each| offers(&each)).unwrap_or(0);
    let end = timed.iter().rposition(|each| offers(&each)).map_or(0, |last| last + 1);
    let whole = if end > first + 3 { &timed[first + 1..end - 1] } else { &timed[first.min(end)..end] };
    let rate = |name, count: fn(&Bucket) -> u64| {
        let points = points(whole, width, |bucket| Some(count(bucket) as f64 / width));
        (Topic::Rate, Series::new(name, Mark::Line, points))
    };
    [rate("offered", |bucket| bucket.offered), rate("answered", |bucket| bucket.answered)]
}

fn hosts(timed: &[(f64, &Bucket)], width: f64) -> Vec<(Topic, Series)> {
    type Figure = fn(&HostStats) -> Option<f64>;
    const FIGURES: [(Topic, &str, Figure); 3] = [
        (Topic::Cpu, "busy", |stats| Some(100.0 - stats.idle_cpu_percent?)),
        (Topic::Cpu, "the switch's process", |stats| stats.cpu_percent),
        (Topic::Memory, "the switch's process", |stats| Some(stats.memory_bytes? as f64)),
    ];
    let names: BTreeSet<&String> = timed.iter().flat_map(|(_, bucket)| bucket.hosts.keys()).collect();
    let of = |name: &String| {
        let name = name.clone();
        FIGURES.map(|(topic, what, figure)| {
            // Hosts are asked every few seconds: a bucket without an answer is no gap.
            let points =
                timed.iter().filter_map(|(at, bucket)| Some((at + width / 2.0, figure(bucket.hosts.get(&name)?)?)));
            (topic, Series::new(format!("{name}, {what}"), Mark::Line, points.collect()))
        })
    };
    names.into_iter().take(DRAWN_HOSTS).flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn curve<'a>(curves: &'a LoadCurves, topic: Topic, name: &str) -> &'a Series {
        let named = |(of, series): &&(Topic, Series)| *of == topic && series.name.starts_with(name);
        &curves.curves.iter().find(named).unwrap_or_else(|| panic!("no {name}: {:?}", curves.curves)).1
    }

    #[test]
    fn a_load_draws_what_it_kept_of_itself() {
        let report = sample::load();
        let curves = LoadCurves::from_series(&report.load.unwrap().report.series);
        assert_eq!((curves.calls.offered, curves.calls.answered, curves.calls.failed), (200, 197, 3));
        let rate = curve(&curves, Topic::Rate, "offered");
        assert!(rate.points.len() == 18 && rate.points.iter().all(|point| point.1 == 10.0), "{rate:?}");
        let setup = curve(&curves, Topic::SetupTime, "p95");
        assert!((setup.points[0].1 - 0.1).abs() < 0.003 && setup.points.last().unwrap().1.is_nan(), "{setup:?}");
        assert_eq!(curve(&curves, Topic::Active, "calls failed").points.last().unwrap().1, 3.0);
        assert_eq!(curve(&curves, Topic::Failures, "USER_BUSY").name, "USER_BUSY: 3");
        assert_eq!(curve(&curves, Topic::Cpu, "embedded, busy").points, [(22.5, 20.0)]);
        assert_eq!(curve(&curves, Topic::Memory, "embedded").points[0].1, 90e6);
        assert_eq!(LoadCurves::from_series(&Buckets::default()), LoadCurves::default());
    }
}
