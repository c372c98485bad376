//! Whole loads in virtual time, on the embedded switch.

use super::*;
use crate::host::{HostEvent, Lost};
use crate::metrics::Cdr;
use crate::run::core::{RunCore, RunHost, Test};
use crate::run::{Summary, TestReport};
use crate::sim::{Fault, Sim};
use crate::switch::SwitchConfig;
use crate::verdict::CheckReport;
use crate::verdict::Verdict;

const S: Duration = Duration::from_secs(1);

/// Answered at once, for two seconds.
const CALL: &str = "callee: [answer]\ncaller: [{ wait: { answered: 2s } }]\nduration: 2s\n";

/// A switch that takes what is offered.
fn wide() -> SwitchConfig {
    SwitchConfig { sip: ([127, 0, 0, 1], 5080).into(), sessions_per_second: 10_000, ..SwitchConfig::default() }
}

struct Ran {
    summary: Summary,
    report: TestReport,
    records: Vec<Cdr>,
    sim: Sim,
}

#[track_caller]
fn run_on(config: SwitchConfig, faults: &[Fault], text: &str) -> Ran {
    let mut sim = Sim::with(text, 7, config).unwrap();
    for fault in faults {
        sim = sim.fault(*fault);
    }
    let (summary, mut reports) = sim.run();
    assert_eq!(reports.len(), 1, "{reports:?}");
    let records = sim.records().to_vec();
    Ran { summary, report: reports.remove(0), records, sim }
}

#[track_caller]
fn run(text: &str) -> Ran {
    run_on(wide(), &[], text)
}

impl Ran {
    fn counts(&self) -> &metrics::Counts {
        &self.report.load.as_ref().unwrap().report.all.tally.counts
    }

    fn check(&self, name: &str) -> &CheckReport {
        let mut checks = self.report.checks.iter();
        checks.find(|check| check.name == name).unwrap_or_else(|| panic!("{name}: {:?}", self.report.checks))
    }
}

#[test]
fn every_call_that_is_offered_is_followed_to_its_end_and_recorded_once() {
    let ran = run(&format!("load: {{ rate: 50, max_offered: 500, limit: 1000 }}\ngates: {{ asr: '== 100%' }}\n{CALL}"));
    assert_eq!(ran.report.verdict, Verdict::Passed, "{:?}", ran.report.checks);
    assert_eq!((ran.records.len(), ran.counts().offered, ran.counts().passed), (500, 500, 500));
    let mut indices: Vec<u64> = ran.records.iter().map(|cdr| cdr.index).collect();
    indices.sort_unstable();
    assert!(indices.into_iter().eq(0..500));
    assert_eq!(ran.sim.sessions_left(), 0);
    let cdr = &ran.records[300];
    assert_eq!((cdr.hangup_cause.as_str(), cdr.sip_code, cdr.verdict), ("NORMAL_CLEARING", Some(200), Verdict::Passed));
    assert!(cdr.talk_time().unwrap() >= 2 * S && cdr.setup_time().is_some() && cdr.invite_latency().is_some());
    assert!(cdr.begun >= Some(cdr.launched) && cdr.ended >= cdr.launched && cdr.job_ended.is_some());
    assert!(cdr.caller.as_ref().unwrap().originated.is_some() && cdr.callee.as_ref().unwrap().answered.is_some());
    // Fifty a second of two seconds each.
    assert!((95..=110).contains(&cdr.active), "{}", cdr.active);
    assert!((180..=220).contains(&cdr.sessions), "{}", cdr.sessions);
}

#[test]
fn parts_of_a_load_begin_when_they_are_told_to_and_make_their_own_calls() {
    let text = format!("load: {{ rate: 20, max_offered: 101 }}\ngates: {{ answered: '== 101' }}\n{CALL}");
    let part = |index| {
        let conduct = |began| Conduct {
            slice: crate::load::Slice::new(index, 2).unwrap(),
            start_at: Some(began + 30 * S),
            ..Conduct::default()
        };
        let mut sim = Sim::conducted(&text, 7 + index, wide(), conduct).unwrap();
        let (_, mut reports) = sim.run();
        (reports.remove(0), sim.records().to_vec())
    };
    let [(report, records), (other, others)] = [part(0), part(1)];
    assert_eq!((records.len(), others.len()), (51, 50));
    assert!(records.iter().all(|cdr| cdr.index % 2 == 0) && others.iter().all(|cdr| cdr.index % 2 == 1));
    let first = records.iter().find(|cdr| cdr.index == 0).unwrap();
    assert_eq!(first.due, report.started, "lateness counts from the time that was told");
    for cdr in records.iter().chain(&others) {
        let micros = u64::try_from(cdr.due.since(report.started).as_micros()).unwrap();
        assert_eq!(micros, cdr.index * 50_000);
        assert!(cdr.late() < Duration::from_millis(20), "{cdr:?}");
    }
    // Each alone breaks the gate, and the whole holds.
    assert_eq!((report.verdict, other.verdict), (Verdict::Failed, Verdict::Failed));
    let mut whole = *report.load.unwrap();
    whole.merge(&other.load.unwrap()).unwrap();
    assert_eq!(whole.checks(None)[0].verdict, Verdict::Passed, "{:?}", whole.checks(None));
}

#[test]
fn at_the_limit_calls_are_skipped_and_counted_and_the_system_is_not_blamed() {
    let ran = run(&format!("load: {{ rate: 20, for: 5s, limit: 10 }}\n{CALL}"));
    assert_eq!(ran.report.verdict, Verdict::Passed, "{:?}", ran.report.checks);
    let counts = ran.counts();
    assert_eq!((counts.offered + counts.skipped_at_limit, counts.failed()), (100, 0));
    assert!(counts.skipped_at_limit > 40 && ran.records.iter().all(|cdr| cdr.active <= 10));
}

#[test]
fn a_broken_gate_fails_the_load_and_says_so_first() {
    let text = "load: { rate: 20, for: 5s }\ngates: { asr: '>= 99%', setup_time.p95: '< 250ms' }\ncallee: [{ respond: 486 }]\n\
                expect: { answered: true }\n";
    let ran = run(text);
    assert_eq!((ran.report.verdict, ran.summary.failed), (Verdict::Failed, 1));
    let first = &ran.report.checks[0];
    assert_eq!((first.name.as_str(), first.actual.as_str()), ("asr", "0% (0 of 100)"));
    assert_eq!(first.place.as_ref().unwrap().line, 2);
    // Nothing was answered, so nothing is known of that: no pass.
    assert_eq!(ran.report.checks[1].verdict, Verdict::Error);
    let examples = &ran.report.load.as_ref().unwrap().examples;
    assert_eq!(examples.len(), 1);
    assert!(examples[0].legs[0].entries.iter().any(|entry| entry.text.contains("USER_BUSY")), "{examples:?}");
}

#[test]
fn without_a_gate_on_it_no_call_may_fail() {
    let refused = "callee: [{ respond: 486 }]\nexpect: { answered: true }\n";
    let ran = run(&format!("load: {{ rate: 20, for: 5s }}\n{refused}"));
    assert_eq!(ran.report.verdict, Verdict::Failed);
    assert!(ran.check("calls come to their answer").help.contains("a gate on asr"), "{:?}", ran.report.checks);
    let allowed = run(&format!("load: {{ rate: 20, for: 5s }}\ngates: {{ asr: '== 0%' }}\n{refused}"));
    assert_eq!(allowed.report.verdict, Verdict::Passed, "{:?}", allowed.report.checks);
    // A gate on answers says nothing of what answered calls find.
    let text = "load: { rate: 20, for: 5s }\ngates: { asr: '>= 99%' }\ncallee: [answer]\n\
                caller: [{ wait: { answered: 2s } }]\nduration: 1s\nexpect: { setup_time: '> 5s' }\n";
    let ran = run(text);
    assert_eq!(ran.report.verdict, Verdict::Failed);
    assert_eq!(ran.check("answered calls pass their checks").actual, "100 of 100 did not");
    // Nor does one on a hangup cause.
    let of_cause = run(&text.replace("asr: '>= 99%'", "cause.NORMAL_CLEARING: '>= 1'"));
    assert_eq!(of_cause.check("answered calls pass their checks").verdict, Verdict::Failed);
}

#[test]
fn a_gate_that_stays_broken_stops_the_load() {
    let text = "load: { rate: 20, for: 10m }\ngates: { asr: { bound: '>= 99%', abort_on_break: { after: 3s } } }\ncallee: [{ respond: 486 }]\n";
    let ran = run(text);
    assert!(ran.counts().offered < 200, "{}", ran.counts().offered);
    assert_eq!(ran.check("the load comes to its end").actual, "stopped, as asr was broken");
    assert_eq!(ran.report.verdict, Verdict::Failed);
}

#[test]
fn a_host_that_dies_is_an_error_and_the_counts_still_add_up() {
    let text = format!("load: {{ rate: 20, for: 60s, drain: 5s }}\ngates: {{ asr: '>= 1%' }}\n{CALL}");
    let ran = run_on(wide(), &[Fault::HostDies(10 * S)], &text);
    assert_eq!((ran.report.verdict, ran.summary.errors), (Verdict::Error, 1));
    let counts = ran.counts();
    assert_eq!(counts.offered, counts.ended);
    assert_eq!(ran.records.len() as u64, counts.ended);
    assert!(ran.check("the load comes to its end").actual.starts_with("no host is left"), "{:?}", ran.report.checks);
}

#[test]
fn limits_are_raised_for_the_load_and_put_back_also_after_an_interrupt() {
    let config = || SwitchConfig { sessions_per_second: 30, ..wide() };
    let text = format!("load: {{ rate: 100, for: 4s, host: {{ sps: 1000 }} }}\n{CALL}");
    for (faults, verdict) in [(&[][..], Verdict::Passed), (&[Fault::Interrupt(3 * S)][..], Verdict::Error)] {
        let mut ran = run_on(config(), faults, &text);
        assert_eq!(ran.report.verdict, verdict, "{:?}", ran.report.checks);
        assert_eq!(
            (ask(&mut ran.sim, "fsctl sps").as_str(), ran.sim.sessions_left()),
            ("+OK sessions per second: 30", 0)
        );
    }
    // As it is, it does not take them.
    let refused = run_on(config(), &[], &format!("load: {{ rate: 100, for: 4s }}\n{CALL}"));
    assert_eq!(refused.report.verdict, Verdict::Failed);
}

// It counted as put back, and nothing was told.
#[test]
fn a_host_that_is_lost_while_it_is_put_back_is_told() {
    // Its limit is raised, so there is something to put back. A change holds from 1.1 s on: calls are offered until 3.1 s,
    // and the last of them ends 2 s later.
    let config = SwitchConfig { sessions_per_second: 30, ..wide() };
    let text = format!("load: {{ rate: 10, for: 2s, host: {{ sps: 1000 }} }}\n{CALL}");
    let (line, ms) = (crate::host::Line::Commands, Duration::from_millis);
    let stall = Fault::Stall { host: 0, line, at: ms(4_900), lasts: 60 * S };
    let ran = run_on(config, &[stall, Fault::Cut { host: 0, at: ms(6_000), away: S }], &text);
    let wrong: Vec<_> = ran.report.checks.iter().filter(|check| check.verdict != Verdict::Passed).collect();
    let told: Vec<_> = wrong.iter().map(|check| (check.name.as_str(), check.verdict, check.actual.as_str())).collect();
    assert_eq!(told, [("settings of sim", Verdict::Error, "it was lost before it answered")]);
    assert_eq!((ran.report.verdict, ran.counts().passed), (Verdict::Error, 20));
}

/// What the switch answers.
fn ask(sim: &mut Sim, command: &str) -> String {
    let conn = sim.rig.connect();
    sim.rig.write(conn, format!("auth ClueCon\n\napi {command}\n\n").as_bytes());
    let told = String::from_utf8(sim.rig.read(conn)).unwrap();
    told.rsplit("\n\n").next().unwrap().trim().to_owned()
}

#[test]
fn a_search_finds_the_rate_that_a_switch_can_bear() {
    // 60 sessions a second are 29 calls a second that call the switch itself.
    let config = SwitchConfig { sessions_per_second: 60, ..wide() };
    let text = format!(
        "load: {{ find: {{ start: 10, step: 10, max: 100, hold: 5s, settle: 1s }} }}\ngates: {{ asr: '>= 99%', passed: '>= 99%' }}\n{CALL}"
    );
    let ran = run_on(config, &[], &text);
    let search = ran.report.load.as_ref().unwrap().search.as_ref().unwrap();
    assert_eq!((search.highest, search.broke, search.steps.len()), (Some(20.0), Some(30.0), 3), "{search:?}");
    assert_eq!(search.steps[0].calls, 50);
    assert_eq!((ran.report.verdict, ran.sim.sessions_left()), (Verdict::Passed, 0), "{:?}", ran.report.checks);
}

#[test]
fn of_many_calls_one_is_recorded_whenever_its_period_is_over() {
    let text = "load: { rate: 10, for: 10s }\nrecord: { caller: heard, period: 2s }\ncallee: [answer, echo]\n\
                caller: [{ wait: { answered: 2s } }, { play: { tone: 1004Hz, for: 1s } }]\n\
                expect: { audio: [{ leg: caller, heard: { tone: 1004Hz +-4Hz, for: '>= 500ms' } }] }\n";
    let ran = run(text);
    assert_eq!(ran.report.verdict, Verdict::Passed, "{:?}", ran.report.checks);
    let heard = ran.records.iter().filter(|cdr| cdr.figures.iter().any(|(name, _)| name.contains("tone"))).count();
    assert_eq!((ran.records.len(), heard), (100, 5));
}

#[test]
fn a_functional_test_and_a_load_of_one_file_run_one_after_the_other() {
    let text = format!("name: load\nload: {{ rate: 10, for: 2s }}\n{CALL}---\nname: one\n{CALL}");
    let mut sim = Sim::with(&text, 7, wide()).unwrap();
    let (summary, reports) = sim.run();
    assert_eq!(summary.passed, 2, "{reports:?}");
    let order: Vec<_> = reports.iter().map(|report| report.test.name.as_str()).collect();
    assert_eq!(order, ["one", "load"], "a load has its hosts for itself");
    assert!(reports[1].started >= reports[0].started + reports[0].duration);
}

#[test]
fn every_setting_can_be_changed_while_the_load_runs() {
    let text = "load: { rate: 10, for: 60s, limit: 10, auto_duration: true }\ncallee: [answer]\n\
                caller: [{ wait: { answered: 2s } }]\n";
    let mut sim = Sim::with(text, 7, wide())
        .unwrap()
        .control(10 * S, Control::SetLimit(Some(200)))
        .control(20 * S, Control::SetRate(Cps(40.0)))
        .control(30 * S, Control::Pause)
        .control(40 * S, Control::Resume)
        .control(45 * S, Control::SetMaxOffered(Some(700)));
    let (_, reports) = sim.run();
    let records = sim.records().to_vec();
    let began = reports[0].started;
    let launched = |from: u64, to: u64| {
        let within = |cdr: &&Cdr| (from..to).contains(&cdr.launched.since(began).as_secs());
        records.iter().filter(within).collect::<Vec<_>>()
    };
    // Ten calls at once of six seconds each, then 200 of 25, then of ten.
    let talk = |calls: Vec<&Cdr>| calls.iter().map(|cdr| cdr.talk_time().unwrap().as_secs()).max();
    assert_eq!((launched(0, 6).len(), talk(launched(0, 9))), (10, Some(6)));
    assert_eq!((launched(11, 20).len(), talk(launched(11, 19))), (90, Some(25)));
    assert_eq!((launched(21, 22).len(), talk(launched(21, 29))), (40, Some(10)));
    assert_eq!((launched(31, 40).len(), records.len()), (0, 700));
    assert_eq!(sim.sessions_left(), 0);
}

#[test]
fn any_number_of_calls_may_be_due_and_refused_at_once() {
    let text = "load: { rate: 2000, for: 10s }\ncall: { profile: nosuch }\ncallee: [answer]\n";
    // The time to begin is past, so that all calls are late.
    let conduct = |began: Time| Conduct { start_at: Some(began - 10 * S), ..Conduct::default() };
    let mut sim = Sim::conducted(text, 7, wide(), conduct).unwrap();
    let (summary, reports) = sim.run();
    let counts = &reports[0].load.as_ref().unwrap().report.all.tally.counts;
    assert_eq!((counts.offered, counts.errors, summary.errors), (20_000, 20_000, 1));
    assert!(sim.records()[0].reason.contains("no SIP profile \"nosuch\""), "{:?}", sim.records()[0]);
}

#[test]
fn calls_that_are_hung_up_on_request_are_not_judged() {
    let text = format!("load: {{ rate: 10, for: ever }}\n{}", CALL.replace("duration: 2s", "duration: 1h"));
    let mut sim = Sim::with(&text, 7, wide()).unwrap().control(5 * S, Control::HangUp);
    let (summary, reports) = sim.run();
    let counts = &reports[0].load.as_ref().unwrap().report.all.tally.counts;
    assert_eq!((counts.passed, counts.checks_failed, counts.errors), (0, 0, 0));
    assert!(counts.cut_off > 40 && sim.sessions_left() == 0, "{counts:?}");
    assert_eq!(summary.errors, 1, "of none of them anything was found out");
}

#[test]
fn the_same_seed_gives_the_same_load() {
    let told = || {
        let ran = run(&format!("load: {{ rate: 30, for: 5s }}\n{CALL}"));
        ran.records.iter().map(|cdr| (cdr.call.clone(), cdr.ended)).collect::<Vec<_>>()
    };
    assert_eq!(told(), told());
}

// It was due to be asked how it fares all the time.
#[test]
fn a_host_that_is_away_does_not_keep_the_load_awake() {
    let text = format!("load: {{ rate: 1, for: 60s }}\n{CALL}");
    let loaded = crate::scenario::load(std::path::Path::new("load.yaml"), &text);
    let scenario = Arc::new(loaded.scenarios.into_iter().next().unwrap());
    let id = TestId { file: "load.yaml".into(), name: scenario.name.clone() };
    let test = Test { id, scenario, host: 0, rerun: String::new(), folder: None };
    let host = |name: &str| RunHost { name: name.to_owned(), slots: 1, recordings: Some("/r".into()), callee: None };
    let start = Time::from_micros(1_000_000);
    let mut core = RunCore::new(start, vec![host("a"), host("b")], vec![test], Conduct::default(), Ids::seeded(7));
    for host in 0..2 {
        core.handle_host(start, host, HostEvent::Up(Arc::default()));
    }
    core.handle_host(start + S, 1, HostEvent::Lost(Lost::Silent(S)));
    let later = start + 5 * S;
    core.handle_timeout(later);
    assert!(core.poll_timeout().unwrap() > later);
}
