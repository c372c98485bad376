//! Runs whose hosts are told by hand.

use std::num::NonZeroUsize;
use std::path::Path;

use super::*;
use crate::call::Job;
use crate::esl::{Command, Reply};
use crate::host::Lost;
use crate::scenario::load;

/// A run on one host whose calls all fail.
struct Bench {
    core: RunCore,
    now: Time,
    reports: Vec<TestReport>,
    /// Tests that were told to be slow, and when.
    slow: Vec<(String, Time)>,
    /// API commands of steps in order, and `originate` for each call.
    asked: Vec<String>,
    /// Commands that begin so are refused.
    refused: Option<&'static str>,
    /// The run is interrupted, or its host lost, once it asks for this, which is not answered.
    interrupt_at: Option<&'static str>,
    lost_at: Option<&'static str>,
}

impl Bench {
    fn new(text: &str) -> Self {
        Bench::with(text, Conduct::default())
    }

    fn with(text: &str, conduct: Conduct) -> Self {
        let loaded = load(Path::new("case.yaml"), text);
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        let test = |scenario: Scenario| Test {
            id: TestId { file: "case.yaml".into(), name: scenario.name.clone() },
            scenario: Arc::new(scenario),
            host: 0,
            rerun: String::new(),
            folder: (!conduct.folders.is_empty()).then_some(0),
        };
        let host = RunHost { name: "h".to_owned(), slots: 1, recordings: None, callee: None };
        let tests = loaded.scenarios.into_iter().map(test).collect();
        let core = RunCore::new(Time::default(), vec![host], tests, conduct, Ids::seeded(1));
        Bench {
            core,
            now: Time::default(),
            reports: Vec::new(),
            slow: Vec::new(),
            asked: Vec::new(),
            refused: None,
            interrupt_at: None,
            lost_at: None,
        }
    }

    fn up(&mut self, modules: &[(&str, bool)], version: &str) {
        self.up_with(modules, version, None);
    }

    fn up_with(&mut self, modules: &[(&str, bool)], version: &str, limits: Option<SessionLimits>) {
        let modules = modules.iter().map(|(name, there)| ((*name).to_owned(), *there)).collect();
        let profiles = [("external".to_owned(), Some("127.0.0.1:5080".to_owned()))].into();
        let facts = HostFacts { version: version.to_owned(), modules, profiles, limits, ..HostFacts::default() };
        self.core.handle_host(self.now, 0, HostEvent::Up(Arc::new(facts)));
    }

    /// Lets each call fail with the next of `causes`; gives how many were made.
    fn run(&mut self, causes: &[&str]) -> usize {
        let mut calls = 0;
        for _ in 0..10_000 {
            while let Some(output) = self.core.poll_output() {
                match output {
                    RunOutput::Request { request: Request::Originate(originate), .. } => {
                        if self.asks("originate") {
                            continue;
                        }
                        let Some(cause) = causes.get(calls) else { continue };
                        let result = format!("-ERR {cause}\n");
                        calls += 1;
                        let mut jobs = crate::call::Jobs::default();
                        jobs.launch("j".into(), Some(originate.session.clone()), self.now);
                        let job: Job = jobs.finish("j", &result, self.now).unwrap();
                        self.core.handle_host(self.now, 0, HostEvent::JobEnded(job));
                    }
                    RunOutput::Judge { of, outcome } => {
                        self.core.handle_judgement(self.now, of, outcome.judge());
                    }
                    RunOutput::Request { request: Request::Command { token, command }, .. } => {
                        let Command::Api { name, arguments } = &command else { continue };
                        let asked = format!("{name} {arguments}").trim().to_owned();
                        if !asked.starts_with("uuid_") && !self.asks(&asked) {
                            let refused = self.refused.is_some_and(|refused| asked.starts_with(refused));
                            let text = if refused { "-ERR no\n" } else { "+OK\n" }.to_owned();
                            let reply = Reply { text, api: true };
                            self.core.handle_host(self.now, 0, HostEvent::Replied { token, reply });
                        }
                    }
                    RunOutput::Report(RunEvent::TestSlow { test, at, .. }) => self.slow.push((test.name, at)),
                    RunOutput::Report(RunEvent::TestEnded(report)) => self.reports.push(*report),
                    _ => {}
                }
            }
            if self.core.ended().is_some() {
                break;
            }
            self.now = self.core.poll_timeout().unwrap_or(self.now).max(self.now);
            self.core.handle_timeout(self.now);
        }
        calls
    }

    /// Notes what is asked for; gives whether something happens in place of an answer.
    fn asks(&mut self, asked: &str) -> bool {
        self.asked.push(asked.to_owned());
        if self.interrupt_at == Some(asked) {
            self.core.interrupt(self.now);
        }
        if self.lost_at == Some(asked) {
            let lost = Lost::Unreachable { address: "h".to_owned(), error: "gone".to_owned() };
            self.core.handle_host(self.now, 0, HostEvent::Lost(lost));
        }
        [self.interrupt_at, self.lost_at].contains(&Some(asked))
    }

    fn summary(&self) -> Summary {
        Summary { duration: std::time::Duration::ZERO, ..self.core.ended().expect("the run ends") }
    }
}

const BUSY: &str = "name: x\ncaller: []\nexpect: { hangup_cause: USER_BUSY, answered: false }\n";

#[test]
fn a_test_that_passes_only_when_it_is_tried_again_is_flaky_and_keeps_its_attempts() {
    let mut bench = Bench::new(&format!("{BUSY}retries: 3\n"));
    bench.up(&[], "1.10.12");
    assert_eq!(bench.run(&["NO_ANSWER", "CALL_REJECTED", "USER_BUSY"]), 3);
    let report = &bench.reports[0];
    assert_eq!((report.verdict, &report.mark), (Verdict::Passed, &Some(Mark::Flaky)), "{:?}", report.checks);
    let told: Vec<_> = report.earlier.iter().map(|attempt| attempt.checks[0].actual.clone()).collect();
    assert!(told[0].contains("NO_ANSWER") && told[1].contains("CALL_REJECTED"), "{told:?}");
    assert_eq!(bench.summary(), Summary { passed: 1, flaky: 1, ..Summary::default() });
}

#[test]
fn a_test_that_never_passes_is_tried_as_often_as_it_may_be() {
    let mut bench = Bench::new(&format!("{BUSY}retries: 2\n"));
    bench.up(&[], "1.10.12");
    assert_eq!(bench.run(&["NO_ANSWER"; 3]), 3);
    assert_eq!((bench.reports[0].verdict, bench.reports[0].earlier.len()), (Verdict::Failed, 2));
    assert_eq!(bench.reports[0].mark, None);
    assert_eq!(bench.summary(), Summary { failed: 1, ..Summary::default() });
}

#[test]
fn an_expected_failure_is_green_and_not_tried_again_and_an_unexpected_pass_is_red() {
    let text = format!("{BUSY}xfail: the proxy is wrong\nretries: 3\n");
    let mut bench = Bench::new(&text);
    bench.up(&[], "1.10.12");
    assert_eq!(bench.run(&["NO_ANSWER"]), 1);
    assert_eq!(bench.reports[0].mark, Some(Mark::ExpectedFailure("the proxy is wrong".to_owned())));
    assert_eq!(bench.summary(), Summary { expected_failures: 1, ..Summary::default() });
    let mut bench = Bench::new(&text);
    bench.up(&[], "1.10.12");
    bench.run(&["USER_BUSY"]);
    assert_eq!(bench.reports[0].checks.last().unwrap().name, "xfail", "{:?}", bench.reports[0].checks);
    assert_eq!(bench.summary(), Summary { failed: 1, ..Summary::default() });
}

#[test]
fn a_lost_host_is_no_expected_failure_and_is_not_tried_again() {
    let mut bench = Bench::new(&format!("{BUSY}xfail: x\n---\n{}retries: 3\n", BUSY.replace("name: x", "name: y")));
    bench.up(&[], "1.10.12");
    let lost = Lost::Unreachable { address: "h".to_owned(), error: "gone".to_owned() };
    bench.core.handle_host(bench.now, 0, HostEvent::Lost(lost));
    bench.run(&[]);
    assert_eq!(bench.summary(), Summary { errors: 2, ..Summary::default() });
}

#[test]
fn what_a_host_has_not_skips_a_test_and_what_cannot_be_told_is_an_error() {
    let requires = |requires: &str| {
        let mut bench = Bench::new(&format!("{BUSY}requires: {requires}\n"));
        bench.up(&[("mod_callwright", false), ("mod_bert", true), ("mod_av", false)], "1.10.12-release");
        bench.run(&["USER_BUSY"]);
        (bench.reports[0].verdict, bench.reports[0].checks[0].actual.clone())
    };
    for met in ["{ host: freeswitch }", "{ module: mod_bert, version: '>= 1.10' }"] {
        assert_eq!(requires(met).0, Verdict::Passed, "{met}");
    }
    let skipped = |text: &str| (Verdict::Skipped, text.to_owned());
    assert_eq!(requires("{ host: embedded }"), skipped("needs the embedded switch, and this host is a FreeSWITCH"));
    assert_eq!(requires("{ module: [mod_bert, mod_av] }"), skipped("needs mod_av, which this host does not have"));
    assert_eq!(requires("{ version: '< 1.10' }"), skipped("needs version < 1.10, and this host is 1.10.12-release"));
    let mut bench = Bench::new(&format!("{BUSY}requires: {{ version: '>= 1' }}\n"));
    bench.up(&[], "-ERR");
    bench.run(&["USER_BUSY"]);
    assert_eq!(bench.reports[0].verdict, Verdict::Error);
}

#[test]
fn an_interrupt_ends_the_retries() {
    let mut bench = Bench::new(&format!("{BUSY}retries: 3\n"));
    bench.up(&[], "1.10.12");
    bench.core.interrupt(bench.now);
    bench.run(&["NO_ANSWER"]);
    assert_eq!(bench.reports.len(), 1);
    assert!(bench.summary().interrupted);
}

fn several(count: usize) -> String {
    (0..count).map(|n| BUSY.replace("name: x", &format!("name: t{n}"))).collect::<Vec<_>>().join("---\n")
}

fn told(reports: &[TestReport]) -> Vec<(String, Verdict, String)> {
    let why = |report: &TestReport| report.checks.last().map_or(String::new(), |check| check.actual.clone());
    reports.iter().map(|report| (report.test.name.clone(), report.verdict, why(report))).collect()
}

#[test]
fn after_so_many_that_did_not_pass_no_more_are_begun_and_the_others_are_told_as_not_run() {
    let conduct = Conduct { max_fail: NonZeroUsize::new(2), ..Conduct::default() };
    let mut bench = Bench::with(&several(5), conduct);
    bench.up(&[], "1.10.12");
    assert_eq!(bench.run(&["NO_ANSWER", "USER_BUSY", "NO_ANSWER", "USER_BUSY"]), 3);
    assert_eq!(bench.summary(), Summary { passed: 1, failed: 2, not_run: 2, ..Summary::default() });
    let last = &bench.reports[4];
    assert_eq!((last.verdict, &last.mark), (Verdict::Skipped, &Some(Mark::NotRun)));
    assert_eq!(last.checks[0].actual, "stopped after 2 that did not pass (--maxfail 2)");
}

#[test]
fn calls_are_made_no_faster_than_the_host_takes_sessions() {
    let took = |limits: Option<SessionLimits>| {
        let mut bench = Bench::new(&several(4));
        bench.up_with(&[], "1.10.12", limits);
        bench.run(&["USER_BUSY"; 4]);
        assert_eq!(bench.summary(), Summary { passed: 4, ..Summary::default() });
        bench.now.since(Time::default())
    };
    // Of five sessions a second four begin, and a call to itself has two.
    assert_eq!(took(Some(SessionLimits { per_second: 5, at_once: 100 })), Duration::from_millis(1_500));
    assert_eq!(took(None), Duration::ZERO);
}

#[test]
fn an_expected_failure_stops_nothing() {
    let conduct = Conduct { max_fail: NonZeroUsize::new(1), ..Conduct::default() };
    let mut bench = Bench::with(&format!("{BUSY}xfail: known\n---\n{}", several(1)), conduct);
    bench.up(&[], "1.10.12");
    assert_eq!(bench.run(&["NO_ANSWER", "USER_BUSY"]), 2);
    assert_eq!(bench.summary(), Summary { passed: 1, expected_failures: 1, ..Summary::default() });
}

#[test]
fn a_scenarios_own_retries_win_over_those_of_the_run() {
    let conduct = Conduct { retries: 2, ..Conduct::default() };
    let mut bench = Bench::with(&format!("{BUSY}retries: 0\n---\n{}", several(1)), conduct);
    bench.up(&[], "1.10.12");
    assert_eq!(bench.run(&["NO_ANSWER"; 5]), 4);
    let tried: Vec<_> = bench.reports.iter().map(|report| report.earlier.len()).collect();
    assert_eq!(tried, [0, 2]);
}

#[test]
fn a_scenarios_own_time_limit_wins_over_that_of_the_run() {
    let conduct = Conduct { timeout: Duration::from_secs(5), ..Conduct::default() };
    let waits = "caller: [{ wait: { event: NEVER, within: 1h } }]\n";
    let mut bench = Bench::with(&format!("name: a\n{waits}timeout: 7s\n---\nname: b\n{waits}"), conduct);
    bench.up(&[], "1.10.12");
    bench.run(&[]);
    let expected: Vec<_> = bench.reports.iter().map(|report| report.checks[0].expected.clone()).collect();
    assert_eq!(expected, ["the scenario over within 7s", "the scenario over within 5s"]);
}

#[test]
fn a_slow_test_is_told_once_while_it_still_runs_and_marked_at_its_end() {
    let conduct = Conduct { slow: Duration::from_secs(3), ..Conduct::default() };
    let mut bench = Bench::with(&format!("{BUSY}timeout: 7s\n"), conduct);
    bench.up(&[], "1.10.12");
    bench.run(&[]);
    let slow: Vec<_> =
        bench.slow.iter().map(|(name, at)| (name.as_str(), at.since(Time::default()).as_secs())).collect();
    assert_eq!(slow, [("x", 3)]);
    assert!(bench.reports[0].properties.contains(&("slow".to_owned(), "> 3s".to_owned())));
    let mut bench = Bench::new(BUSY);
    bench.up(&[], "1.10.12");
    bench.run(&["USER_BUSY"]);
    assert!(bench.slow.is_empty() && !bench.reports[0].properties.iter().any(|(name, _)| name == "slow"));
}

/// A run of one test in a folder with a setup and a teardown.
fn in_a_folder(setup: &str, teardown: &str) -> Bench {
    let scenarios = |name: &str, text: &str| {
        let loaded = load(Path::new(name), text);
        assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
        let id = |scenario: &Scenario| TestId { file: name.into(), name: scenario.name.clone() };
        loaded.scenarios.into_iter().map(|scenario| (id(&scenario), Arc::new(scenario))).collect()
    };
    let folder = crate::run::Folder {
        outer: None,
        setup: scenarios("_setup.yaml", setup),
        teardown: scenarios("_teardown.yaml", teardown),
    };
    let mut bench = Bench::with(BUSY, Conduct { folders: vec![folder], ..Conduct::default() });
    bench.up(&[], "1.10.12");
    bench
}

const STEPS: &str = "name: make ready\nsteps: [{ api: make ready }, { sleep: 1s }, { log: ready }]\n";
const CLEAN: &str = "name: clean\nsteps: [{ api: clean }]\n";

#[test]
fn a_folder_is_set_up_before_its_test_and_torn_down_behind_it_without_a_word() {
    let mut bench = in_a_folder(STEPS, CLEAN);
    bench.run(&["USER_BUSY"]);
    assert_eq!(bench.asked, ["make ready", "originate", "clean"]);
    assert_eq!(bench.summary(), Summary { passed: 1, ..Summary::default() });
    assert_eq!(bench.reports.len(), 1);
}

#[test]
fn a_setup_that_fails_is_an_error_and_its_tests_are_for_the_same_reason_and_it_is_torn_down() {
    let mut bench = in_a_folder(STEPS, CLEAN);
    bench.refused = Some("make");
    bench.run(&["USER_BUSY"]);
    assert_eq!(bench.asked, ["make ready", "clean"]);
    assert_eq!(bench.summary(), Summary { errors: 1, folder_errors: 1, ..Summary::default() });
    let refused = "the switch refused it: no";
    assert_eq!(
        told(&bench.reports),
        [
            ("make ready".to_owned(), Verdict::Error, refused.to_owned()),
            ("x".to_owned(), Verdict::Error, format!("host step 1: api make ready: {refused}")),
        ]
    );
    let check = &bench.reports[1].checks[0];
    assert_eq!(check.name, "setup _setup.yaml::make ready");
    assert_eq!(check.place.as_ref().unwrap().to_string(), "_setup.yaml:2:9");
}

#[test]
fn a_teardown_that_fails_is_an_error_of_its_own() {
    let mut bench = in_a_folder(STEPS, CLEAN);
    bench.refused = Some("clean");
    bench.run(&["USER_BUSY"]);
    assert_eq!(bench.summary(), Summary { passed: 1, folder_errors: 1, ..Summary::default() });
    assert_eq!(bench.reports[1].test.to_string(), "_teardown.yaml::clean");
    assert_eq!(bench.reports[1].verdict, Verdict::Error);
}

#[test]
fn an_interrupt_tears_down_what_was_set_up() {
    let mut bench = in_a_folder(STEPS, CLEAN);
    bench.interrupt_at = Some("originate");
    bench.run(&[]);
    assert_eq!(bench.asked[..2], ["make ready", "originate"]);
    assert_eq!(bench.asked.last().unwrap(), "clean");
    assert!(bench.summary().interrupted);
    let mut bench = in_a_folder(STEPS, CLEAN);
    bench.interrupt_at = Some("make ready");
    bench.run(&[]);
    assert_eq!(bench.asked, ["make ready", "clean"]);
    assert_eq!(bench.summary(), Summary { not_run: 1, folder_errors: 1, interrupted: true, ..Summary::default() });
}

#[test]
fn a_host_that_is_gone_leaves_its_teardowns_in_error() {
    let mut bench = in_a_folder(STEPS, CLEAN);
    bench.lost_at = Some("originate");
    bench.run(&[]);
    assert_eq!(bench.asked, ["make ready", "originate"]);
    assert_eq!(bench.summary(), Summary { errors: 1, folder_errors: 1, ..Summary::default() });
    assert_eq!(bench.reports[1].test.to_string(), "_teardown.yaml::clean");
}

#[test]
fn a_step_whose_module_is_not_there_is_an_error_that_says_what_to_do_and_requires_makes_it_a_skip() {
    let run = |more: &str| {
        let mut bench = Bench::new(&format!("name: x\ncallee: [answer, bert]\ncaller: [bert]\n{more}"));
        bench.up(&[("mod_bert", false)], "1.10.12-release");
        bench.run(&["USER_BUSY"]);
        (bench.reports[0].verdict, bench.reports[0].checks[0].clone())
    };
    let (verdict, check) = run("");
    assert_eq!(verdict, Verdict::Error, "{check:?}");
    assert!(check.actual.contains("mod_bert") && check.help.contains("bit_exact"), "{check:?}");
    assert_eq!(run("requires: { module: mod_bert }\n").0, Verdict::Skipped);
}
