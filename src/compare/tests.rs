use std::time::Duration;

use super::*;
use crate::run::{Picked, Summary};
use crate::units::Time;
use crate::verdict::CheckReport;

fn report(name: &str, verdict: Verdict, figures: &[(&str, &str)]) -> TestReport {
    let check = CheckReport {
        name: "answered".into(),
        place: None,
        verdict,
        expected: String::new(),
        actual: "busy".into(),
        help: String::new(),
        passages: Vec::new(),
    };
    TestReport {
        test: TestId { file: "a.yaml".into(), name: name.into() },
        line: None,
        host: "embedded".into(),
        tags: Vec::new(),
        verdict,
        mark: None,
        earlier: Vec::new(),
        started: Time::from_micros(1),
        duration: Duration::from_secs(1),
        checks: vec![check],
        legs: Vec::new(),
        properties: figures.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        recordings: Vec::new(),
        rerun: String::new(),
        load: None,
    }
}

fn run_on(host: &str, reports: Vec<TestReport>) -> Vec<RunEvent> {
    let at = Time::from_micros(1);
    let mut events =
        vec![RunEvent::Started { tests: reports.len(), hosts: vec![host.into()], picked: Picked::default(), at }];
    events.extend(
        reports.into_iter().map(|report| RunEvent::TestEnded(Box::new(TestReport { host: host.into(), ..report }))),
    );
    events.push(RunEvent::Ended { summary: Summary::default(), at });
    events
}

fn run(reports: Vec<TestReport>) -> Vec<RunEvent> {
    run_on("embedded", reports)
}

fn compared(old: Vec<TestReport>, new: Vec<TestReport>) -> Comparison {
    compare(&run(old), &run(new), &Tolerances::default())
}

fn change(old: Vec<TestReport>, new: Vec<TestReport>) -> Option<Change> {
    let verdicts = compared(old, new).verdicts;
    assert!(verdicts.len() < 2, "{verdicts:?}");
    verdicts.first().map(|change| change.change)
}

use Verdict::{Error, Failed, Passed, Skipped};

fn all(verdicts: &[Verdict]) -> Vec<TestReport> {
    verdicts.iter().map(|verdict| report("x", *verdict, &[])).collect()
}

fn flaky() -> Vec<TestReport> {
    vec![TestReport { mark: Some(Mark::Flaky), ..report("x", Passed, &[]) }]
}

#[test]
fn every_verdict_that_gets_worse_is_a_regression_and_no_other_is() {
    let broken = [
        (all(&[Passed]), all(&[Failed])),
        (all(&[Passed]), all(&[Error])),
        (all(&[Skipped]), all(&[Failed])),
        (flaky(), all(&[Failed])),
        (all(&[Passed; 3]), all(&[Passed, Failed, Passed])),
        (all(&[Passed, Failed]), all(&[Failed, Failed])),
    ];
    for (old, new) in broken {
        assert_eq!(change(old, new), Some(Change::Broken));
    }
    let others = [
        (all(&[Failed]), all(&[Passed]), Some(Change::Fixed)),
        (all(&[Failed; 2]), all(&[Passed, Failed]), Some(Change::Fixed)),
        (all(&[Passed]), flaky(), Some(Change::Flaky)),
        (flaky(), all(&[Passed]), Some(Change::Steady)),
        (all(&[Passed]), all(&[Skipped]), Some(Change::NowSkipped)),
        (all(&[Skipped]), all(&[Passed]), Some(Change::NowRun)),
        (all(&[]), all(&[Failed]), Some(Change::NewFailed)),
        (all(&[]), all(&[Passed]), Some(Change::NewPassed)),
        (all(&[]), all(&[Skipped]), Some(Change::NewSkipped)),
        (all(&[Passed]), all(&[]), Some(Change::NoLongerRun)),
        (all(&[Passed, Failed]), all(&[Failed, Passed]), None),
        (all(&[Failed]), all(&[Error]), None),
        (all(&[Passed]), all(&[Passed]), None),
    ];
    for (old, new, wanted) in others {
        let comparison = compared(old.clone(), new.clone());
        assert_eq!(comparison.regressions(), 0, "{wanted:?}");
        assert_eq!(change(old, new), wanted);
    }
}

#[test]
fn a_regression_is_told_with_its_reason() {
    let comparison = compared(all(&[Passed]), all(&[Failed]));
    let change = &comparison.verdicts[0];
    assert_eq!(
        (change.was.as_str(), change.is.as_str(), change.reason.as_str()),
        ("passed", "failed", "answered: busy")
    );
    assert_eq!(change.test.test, "a.yaml::x");
    assert_eq!(comparison.regressions(), 1);
}

#[test]
fn a_test_that_did_not_end_or_was_not_come_to_is_a_regression() {
    let old = run(vec![report("x", Passed, &[]), report("y", Passed, &[])]);
    let test = TestId { file: "a.yaml".into(), name: "x".into() };
    let at = Time::from_micros(1);
    let new = [
        RunEvent::Started { tests: 2, hosts: vec!["embedded".into()], picked: Picked::default(), at },
        RunEvent::TestStarted { test, host: "embedded".into(), at },
    ];
    let comparison = compare(&old, &new, &Tolerances::default());
    let changes: Vec<_> = comparison.verdicts.iter().map(|change| (change.change, change.reason.as_str())).collect();
    assert_eq!(changes, [(Change::Broken, "it did not end"), (Change::NotRun, "")]);
    assert!(comparison.warnings[0].starts_with("the new run was not finished"));
}

#[test]
fn figures_are_compared_by_their_kinds_and_those_of_failures_not_at_all() {
    let with = |ms: &str, level: &str, verdict| {
        let figures =
            [("setup_time_ms", ms), ("caller.heard.level_dbm0", level), ("caller.uuid", "7"), ("pdd_ms", "x")];
        vec![report("x", verdict, &figures)]
    };
    let comparison = compared(with("20.0", "-3.0", Passed), with("120.0", "-9.0", Passed));
    let told: Vec<_> = comparison.measures.iter().map(|change| (change.measure.as_str(), change.regression)).collect();
    assert_eq!(told, [("caller.heard.level_dbm0", true), ("setup_time_ms", true)]);
    // With the duration.
    assert_eq!((comparison.figures, comparison.regressions()), (3, 2));
    let comparison = compared(with("120.0", "-3.0", Passed), with("20.0", "-3.1", Passed));
    assert_eq!((comparison.measures.len(), comparison.regressions()), (1, 0));
    let comparison = compared(with("20.0", "-3.0", Passed), with("120.0", "-9.0", Failed));
    assert_eq!((comparison.measures.len(), comparison.figures), (0, 0));
}

#[test]
fn one_host_may_be_compared_with_another_and_several_are_told_apart() {
    let one = run_on("fs1", all(&[Passed]));
    let other = run_on("fs2", all(&[Failed]));
    let comparison = compare(&one, &other, &Tolerances::default());
    assert_eq!((comparison.common, comparison.regressions()), (1, 1));
    assert_eq!(comparison.warnings, ["other hosts: fs1, now fs2"]);
    let mut both = one.clone();
    both[0] = RunEvent::Started {
        tests: 2,
        hosts: vec!["fs1".into(), "fs2".into()],
        picked: Picked::default(),
        at: Time::from_micros(1),
    };
    both.splice(2..2, [other[1].clone()]);
    let comparison = compare(&both, &both, &Tolerances::default());
    assert_eq!((comparison.common, comparison.regressions()), (2, 0));
}

#[test]
fn repeats_are_one_test_with_several_values() {
    let repeats = |ms: &[f64]| {
        let one = |(index, ms): (usize, &f64)| {
            report(&format!("x#{}", index + 1), Passed, &[("setup_time_ms", &ms.to_string())])
        };
        ms.iter().enumerate().map(one).collect::<Vec<_>>()
    };
    let old = [20.0, 21.0, 19.0, 22.0, 20.5, 20.1, 20.2, 20.3];
    let comparison = compared(repeats(&old), repeats(&old.map(|ms| ms + 30.0)));
    assert_eq!((comparison.common, comparison.regressions(), comparison.verdicts.len()), (1, 1, 0));
    let judgement = comparison.measures[0].judgement;
    assert_eq!((judgement.old_count, judgement.new_count), (8, 8));
    assert!(judgement.p.unwrap() < 0.001);
}
