use std::time::Duration;

use super::samples::{answered, refused};
use super::*;
use crate::report::chart::Mark;
use crate::verdict::Verdict;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn series<'a>(curves: &'a LoadCurves, topic: Topic, name: &str) -> &'a Series {
    let named = |(of, series): &&(Topic, Series)| *of == topic && series.name.starts_with(name);
    &curves.curves.iter().find(named).unwrap_or_else(|| panic!("no {name}: {:?}", curves.curves)).1
}

#[test]
fn of_few_calls_each_is_shown_in_the_order_of_launches() {
    let cdrs = (0..10).rev().map(|index| answered(index, ms(100 + 10 * index)));
    let curves = LoadCurves::from_cdrs(cdrs);
    let setup = series(&curves, Topic::SetupTime, "each call");
    assert_eq!((setup.mark, setup.points.len(), setup.points[1]), (Mark::Dots, 10, (0.052, 0.11)));
    assert_eq!(series(&curves, Topic::InviteLatency, "each call").points[0].1, 0.003);
    assert_eq!(series(&curves, Topic::AnswerLatency, "each call").points[0].1, 0.004);
    assert_eq!(series(&curves, Topic::OriginateLatency, "each call").points[0].1, 0.007);
    assert_eq!(series(&curves, Topic::LateStarts, "each call").points[0].1, 0.002);
    let rate = series(&curves, Topic::Rate, "each call");
    assert!(rate.mark == Mark::Line && rate.points.iter().all(|point| (point.1 - 20.0).abs() < 1e-6));
    let rate = curves.calls.rate.unwrap();
    assert!((rate - 20.0).abs() < 1e-9);
    assert_eq!(
        Calls { rate: None, ..curves.calls },
        Calls { offered: 10, answered: 10, failed: 0, active: 20, sessions: 40, rate: None }
    );
    assert_eq!(curves.spreads[0].most, 0.19);
}

#[test]
fn of_many_calls_quantiles_are_shown_and_the_slowest_is_among_them() {
    let cdrs = (0..20_000).map(|index| answered(index, if index == 7_777 { ms(9_000) } else { ms(100) }));
    let curves = LoadCurves::from_cdrs(cdrs);
    let highest =
        |name: &str| series(&curves, Topic::SetupTime, name).points.iter().map(|point| point.1).fold(0.0, f64::max);
    assert!(highest("max") == 9.0 && (highest("p50") - 0.1).abs() < 0.0011 && highest("p95") < 0.2);
    let points = series(&curves, Topic::SetupTime, "p50").points.len();
    assert!((30..=600).contains(&points), "{points}");
    let mean = series(&curves, Topic::Rate, "mean of 100");
    assert!(mean.points.iter().all(|point| (point.1 - 20.0).abs() < 1e-6));
    assert!(curves.curves.iter().all(|(_, series)| series.points.len() <= 1200));
}

#[test]
fn a_pause_of_the_load_is_a_gap_of_its_curves() {
    let cdrs = (0..3_000).map(|index| answered(if index < 1_500 { index } else { index + 3_000 }, ms(100)));
    let curves = LoadCurves::from_cdrs(cdrs);
    for topic in [Topic::SetupTime, Topic::LateStarts] {
        assert_eq!(series(&curves, topic, "p95").points.iter().filter(|point| point.1.is_nan()).count(), 1);
    }
}

#[test]
fn failures_are_counted_by_cause_the_most_frequent_first_and_rare_ones_together() {
    let busy = (0..30).map(|index| refused(index, "USER_BUSY", 486));
    let rare = (30..50).map(|index| refused(index, &format!("CAUSE_{index}"), 503));
    let mut checked = answered(50, ms(100));
    checked.verdict = Verdict::Error;
    let curves = LoadCurves::from_cdrs(busy.chain(rare).chain([checked]));
    assert_eq!((curves.calls.failed, curves.calls.answered), (51, 1));
    let failures: Vec<&Series> =
        curves.curves.iter().filter(|(topic, _)| *topic == Topic::Failures).map(|(_, series)| series).collect();
    assert_eq!(failures.len(), 8);
    assert_eq!(failures[0].name, "USER_BUSY (486): 30");
    assert_eq!(failures[7].name, "other causes: 15");
    let all: f64 = failures.iter().flat_map(|series| &series.points).map(|point| point.1).sum();
    assert_eq!(all, 51.0);
}

#[test]
fn charts_say_why_they_are_empty() {
    let empty = |curves: &LoadCurves, topic| curves.charts(&[topic])[0].empty.clone();
    assert_eq!(empty(&LoadCurves::default(), Topic::Rate), "there was no call");
    let refused = LoadCurves::from_cdrs([refused(0, "USER_BUSY", 486)].into_iter());
    assert_eq!(empty(&refused, Topic::SetupTime), "no call was answered");
    assert!(refused.charts(&[Topic::SetupTime])[0].series.is_empty());
    assert_eq!(refused.charts(&Topic::ALL).len(), 9, "nothing is known of hosts");
}

#[test]
fn topics_are_told_by_name() {
    assert_eq!("latency".parse::<Topics>().unwrap().0.len(), 5);
    for topic in Topic::ALL {
        assert_eq!(topic.name().parse(), Ok(Topics(vec![topic])));
    }
    let error = "speed".parse::<Topics>().unwrap_err();
    assert!(error.starts_with("no chart `speed`; there are: latency, setup, pdd,"), "{error}");
}
