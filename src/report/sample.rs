//! A run with a test of every verdict, for the tests of reports.

use std::path::PathBuf;
use std::time::Duration;

use crate::metrics::sample as calls;
use crate::metrics::{Asked, Book, Cdr, Finding, Gate, GateBound, HostStats, Metric, Phase, Quantity, Skip, Snapshot};
use crate::place::Place;
use crate::run::{
    Attempt, Example, LoadOutcome, Picked, RunEvent, SearchReport, SearchStep, Summary, TestId, TestReport, Wrong,
};
use crate::units::Time;
use crate::verdict::{CheckReport, LegTrace, Mark, TraceEntry, TraceKind, Verdict};

/// 2026-01-02T03:04:05Z
const START: Time = Time::from_micros(1_767_323_045_000_000);

fn at(ms: u64) -> Time {
    START + Duration::from_millis(ms)
}

fn id(file: &str, name: &str) -> TestId {
    TestId { file: file.into(), name: name.into() }
}

fn check(name: &str, verdict: Verdict, line: usize, texts: [&str; 3]) -> CheckReport {
    let [expected, actual, help] = texts.map(str::to_owned);
    let place = Some(Place { file: "scenarios/tone.yaml".into(), line, column: 9 });
    CheckReport { name: name.into(), place, verdict, expected, actual, help, passages: Vec::new() }
}

fn report(test: TestId, host: &str, verdict: Verdict, checks: Vec<CheckReport>) -> TestReport {
    TestReport {
        test,
        line: Some(4),
        host: host.into(),
        tags: vec!["smoke".into()],
        verdict,
        mark: None,
        earlier: Vec::new(),
        started: at(10),
        duration: Duration::from_millis(3_021),
        checks,
        legs: Vec::new(),
        properties: vec![("setup_time".into(), "0.021".into()), ("caller.uuid".into(), "u-1".into())],
        recordings: Vec::new(),
        rerun: String::new(),
        load: None,
    }
}

/// What is told of the load `name` after fifteen seconds at ten calls a second, of which one in twenty was refused.
pub fn load_told(name: &str) -> RunEvent {
    let gates = [("asr", Quantity::Ratio, ">= 99%"), ("setup_time.p95", Quantity::Time, "< 250ms")];
    let gate = |(metric, quantity, bound): (&str, Quantity, &str)| {
        Gate::new(Metric::parse(metric).unwrap(), GateBound::parse(quantity, bound).unwrap())
    };
    let start = calls::START;
    let mut book = Book::new(start, gates.map(gate).into());
    let second = Duration::from_secs(1);
    let mut moments: Vec<(Time, Option<Cdr>)> = Vec::new();
    for index in 0..160 {
        let cdr = if index % 20 == 7 { calls::refused(index, "USER_BUSY") } else { calls::answered(index) };
        let app = if index % 4 == 0 { "dtmf" } else { "bert" };
        let cdr = Cdr { app: app.to_owned(), ..cdr };
        moments.push((cdr.launched, None));
        moments.push((cdr.ended, Some(cdr)));
    }
    moments.sort_by_key(|(at, _)| *at);
    let mut active = 0u32;
    let (mut launched, mut stats) = (0u64, 0);
    for (at, cdr) in moments {
        if at > start + second * 15 {
            break;
        }
        if at > start + second * stats {
            stats += 1;
            let told = HostStats {
                idle_cpu_percent: Some(87.5),
                sessions: Some(2 * active),
                sps: Some(10),
                cpu_percent: Some(42.0),
                memory_bytes: Some(64 << 20),
            };
            book.host_stats(at, "local", told);
        }
        match cdr {
            None => {
                let app = if launched % 4 == 0 { "dtmf" } else { "bert" };
                book.offered(at, Duration::from_millis(2), app, "local");
                launched += 1;
                active += 1;
            }
            Some(cdr) => {
                book.record(&cdr);
                active -= 1;
            }
        }
        book.active(at, active, 2 * active);
        book.lag("local", Duration::from_millis(3));
    }
    for _ in 0..3 {
        book.skipped(start + second * 15, Skip::Limit);
    }
    let asked = Asked { phase: Phase::Offering, rate: 10.0, limit: Some(25), max_offered: Some(500), for_s: None };
    let snapshot = Box::new(Snapshot { asked, ..book.snapshot(start + second * 15) });
    RunEvent::LoadTold { test: id("sample.yaml", name), snapshot }
}

pub fn passed() -> TestReport {
    let checks = vec![check("answered", Verdict::Passed, 6, ["true", "true", ""])];
    report(id("scenarios/ring.yaml", "ringback 180"), "embedded", Verdict::Passed, checks)
}

pub fn failed() -> TestReport {
    let checks = vec![
        check("answered", Verdict::Passed, 6, ["true", "true", ""]),
        check(
            "caller heard tone 1004 Hz",
            Verdict::Failed,
            7,
            [
                "1004 Hz +-4 Hz, 0 dBm0 +-3 dB, for at least 2s",
                "440.2 Hz at -0.1 dBm0 for 2.98s",
                "the tone is another than the callee was asked for: does something between the legs play its own?",
            ],
        ),
    ];
    let mut report =
        report(id("scenarios/tone.yaml", "the milliwatt survives the loop"), "embedded", Verdict::Failed, checks);
    let entry = |ms, kind, text: &str| TraceEntry { at: at(ms), kind, text: text.into() };
    report.legs = vec![
        LegTrace {
            leg: "caller".into(),
            uuid: "0b8f3c6e-58b1-4f0a-9f0e-0d7a5a1f2c11".into(),
            entries: vec![
                entry(10, TraceKind::Command, "bgapi originate {origination_uuid=0b8f}sofia/external/x &park()"),
                entry(11, TraceKind::Reply, "+OK Job-UUID: 5d0c"),
                entry(31, TraceKind::Event, "CHANNEL_ANSWER"),
                entry(3_020, TraceKind::Event, "CHANNEL_HANGUP NORMAL_CLEARING caller_id=\x1b[31mred\n"),
            ],
        },
        LegTrace { leg: "callee".into(), uuid: String::new(), entries: Vec::new() },
    ];
    report.recordings = vec![PathBuf::from("/srv/callwright-out/tone/caller.wav")];
    report.rerun = "callwright run 'scenarios/tone.yaml::the milliwatt survives the loop'".into();
    report
}

pub fn error() -> TestReport {
    let texts = ["a WAV file", "cannot read /rec/a.wav: permission denied", ""];
    let checks = vec![check("recording of the callee", Verdict::Error, 12, texts)];
    report(
        id("scenarios/record.yaml", "the clip <arrives> & \"whole\" ]]> \u{ffff}"),
        "pbx1:8021",
        Verdict::Error,
        checks,
    )
}

pub fn skipped() -> TestReport {
    let checks = vec![check("needs FreeSWITCH", Verdict::Skipped, 2, ["", "the host is the embedded switch", ""])];
    report(id("scenarios/avmd.yaml", "beep"), "embedded", Verdict::Skipped, checks)
}

/// A run with a test of every mark.
pub fn marked() -> Vec<RunEvent> {
    let earlier = |report: TestReport| Attempt {
        verdict: report.verdict,
        started: report.started,
        duration: report.duration,
        checks: report.checks,
        legs: report.legs,
        properties: report.properties,
        recordings: report.recordings,
    };
    let flaky = TestReport { mark: Some(Mark::Flaky), earlier: vec![earlier(failed()), earlier(error())], ..passed() };
    let expected = TestReport {
        test: id("scenarios/tone.yaml", "a wrong tone"),
        verdict: Verdict::Passed,
        mark: Some(Mark::ExpectedFailure("the proxy plays its own".into())),
        ..failed()
    };
    let texts = ["a failure: the proxy plays its own", "it passed", "what was wrong seems to be right now"];
    let unexpected = TestReport {
        test: id("scenarios/tone.yaml", "a right tone"),
        mark: Some(Mark::UnexpectedPass("the proxy plays its own".into())),
        verdict: Verdict::Failed,
        checks: [passed().checks, vec![check("xfail", Verdict::Failed, 3, texts)]].concat(),
        ..passed()
    };
    let again = TestReport { earlier: vec![earlier(error())], ..failed() };
    let reports = [flaky, expected, unexpected, again];
    let mut events =
        vec![RunEvent::Started { tests: 4, hosts: vec!["embedded".into()], picked: Picked::default(), at: at(0) }];
    events.extend(reports.into_iter().map(|report| RunEvent::TestEnded(Box::new(report))));
    let summary = Summary {
        passed: 1,
        flaky: 1,
        expected_failures: 1,
        failed: 2,
        duration: Duration::from_millis(6_100),
        ..Summary::default()
    };
    events.push(RunEvent::Ended { summary, at: at(6_100) });
    events
}

/// A whole run; one test starts and never ends.
pub fn events() -> Vec<RunEvent> {
    let mut events = vec![
        RunEvent::Started {
            tests: 5,
            hosts: vec!["embedded".into(), "pbx1:8021".into()],
            picked: Picked::default(),
            at: at(0),
        },
        RunEvent::HostUp { host: "embedded".into(), version: "1.10.12-release".into(), about: Vec::new(), at: at(1) },
        RunEvent::HostUp { host: "pbx1:8021".into(), version: "1.10.12-release".into(), about: Vec::new(), at: at(2) },
    ];
    let reports = [passed(), failed(), error(), skipped()];
    let lost = id("scenarios/lost.yaml", "never ends");
    let started = |test: TestId, host: String| RunEvent::TestStarted { test, host, at: at(10) };
    events.extend(reports.iter().map(|report| started(report.test.clone(), report.host.clone())));
    events.push(started(lost, "pbx1:8021".into()));
    events.extend(reports.into_iter().map(|report| RunEvent::TestEnded(Box::new(report))));
    events.push(RunEvent::HostLost {
        host: "pbx1:8021".into(),
        reason: "connection reset by peer".into(),
        at: at(4_000),
    });
    let summary = Summary {
        passed: 1,
        failed: 1,
        errors: 1,
        skipped: 1,
        flaky: 0,
        not_run: 0,
        folder_errors: 0,
        expected_failures: 0,
        interrupted: true,
        duration: Duration::from_millis(6_100),
    };
    events.push(RunEvent::Ended { summary, at: at(6_100) });
    events
}

/// Gates as texts such as `asr >= 99%`.
fn gates(texts: &[&str]) -> Vec<Gate> {
    let gate = |text: &&str| {
        let (metric, bound) = text.split_once(' ').unwrap();
        let metric = Metric::parse(metric).unwrap();
        let bound = GateBound::parse(metric.quantity(), bound).unwrap();
        Gate::new(metric, bound)
    };
    texts.iter().map(gate).collect()
}

/// Ten calls a second for 20 s, of which every seventieth is refused; what is known of them after so many seconds.
fn book(seconds: u64) -> Book {
    let refused = |index: u64| index % 70 == 1;
    let cdr = |index| {
        let cdr = if refused(index) { calls::refused(index, "USER_BUSY") } else { calls::answered(index) };
        let app = if index.is_multiple_of(3) { "callee_ringback" } else { "bert" };
        Cdr { app: app.into(), host: if index.is_multiple_of(2) { "embedded" } else { "pbx1:8021" }.into(), ..cdr }
    };
    let cdrs: Vec<Cdr> = (0..200).map(cdr).collect();
    let launches = cdrs.iter().map(|cdr| (cdr.launched, 0, cdr));
    let mut told: Vec<_> = launches.chain(cdrs.iter().map(|cdr| (cdr.ended, 1, cdr))).collect();
    told.sort_by_key(|(at, what, cdr)| (*at, *what, cdr.index));
    let mut book = Book::new(START, gates(&["asr >= 99%", "setup_time.p95 < 250ms", "late_starts.p99 < 20ms"]));
    let mut active = 0;
    for (at, what, cdr) in told.into_iter().filter(|(at, ..)| at.since(START) < Duration::from_secs(seconds)) {
        if what == 0 {
            active += 1;
            book.offered(at, cdr.late(), &cdr.app, &cdr.host);
        } else {
            active -= 1;
            book.record(cdr);
        }
        book.active(at, active, 2 * active);
    }
    let stats =
        |idle, memory| HostStats { idle_cpu_percent: Some(idle), memory_bytes: Some(memory), ..HostStats::default() };
    if seconds < 22 {
        return book;
    }
    book.host_stats(at(21_000), "embedded", stats(80.0, 90_000_000));
    book.skipped(at(22_100), Skip::Limit);
    book.skipped(at(22_200), Skip::Limit);
    book
}

/// The load of [`load`], so many seconds after it began.
pub fn told(seconds: u64) -> Snapshot {
    book(seconds).snapshot(at(1_000 * seconds))
}

/// A load with a gate that broke and a call that shows why.
pub fn load() -> TestReport {
    let report = book(30).report();
    let [failed, error] = [failed(), error()];
    let refused = Cdr { app: "bert".into(), host: "pbx1:8021".into(), ..calls::refused(1, "USER_BUSY") };
    let errored = Cdr { app: "bert".into(), host: "embedded".into(), ..calls::answered(40) };
    let examples = vec![
        Example { cdr: refused, checks: failed.checks, legs: failed.legs, recordings: failed.recordings },
        Example {
            cdr: Cdr { verdict: Verdict::Error, hangup_cause: String::new(), sip_code: None, ..errored },
            checks: error.checks,
            legs: error.legs,
            recordings: error.recordings,
        },
    ];
    let wrong = Wrong { unanswered: 3, ..Wrong::default() };
    loaded("thirty calls a second", LoadOutcome { report, wrong, examples, search: None })
}

/// A search for capacity whose second step broke.
pub fn search() -> TestReport {
    let finding = |name: &str, verdict, [expected, actual]: [&str; 2]| {
        let (expected, actual) = (expected.to_owned(), actual.to_owned());
        Finding { name: name.to_owned(), verdict, expected, actual, help: String::new() }
    };
    let held = finding("setup_time.p95", Verdict::Passed, ["< 250ms", "100ms"]);
    let broke = finding("setup_time.p95", Verdict::Failed, ["< 250ms", "300ms"]);
    let steps = vec![
        SearchStep { rate: 10.0, calls: 200, findings: vec![held], verdict: Verdict::Passed },
        SearchStep { rate: 20.0, calls: 400, findings: vec![broke], verdict: Verdict::Failed },
    ];
    let search = Some(SearchReport { steps, highest: Some(10.0), broke: Some(20.0) });
    let outcome = LoadOutcome { report: book(30).report(), wrong: Wrong::default(), examples: Vec::new(), search };
    loaded("how much it bears", outcome)
}

fn loaded(name: &str, outcome: LoadOutcome) -> TestReport {
    let mut checks = outcome.checks(None);
    let place = Some(Place { file: "scenarios/load.yaml".into(), line: 12, column: 5 });
    checks.iter_mut().for_each(|check| check.place = place.clone());
    let verdict = checks.iter().map(|check| check.verdict).max().unwrap();
    let mut report = report(id("scenarios/load.yaml", name), "embedded+pbx1:8021", verdict, checks);
    (report.started, report.duration) = (START, Duration::from_millis(22_300));
    report.properties = outcome.properties();
    report.rerun = format!("callwright run 'scenarios/load.yaml::{name}'");
    report.load = Some(Box::new(outcome));
    report
}

/// A run of nothing but [`load`].
pub fn load_events() -> Vec<RunEvent> {
    let report = load();
    let test = report.test.clone();
    let hosts = vec!["embedded".into(), "pbx1:8021".into()];
    let mut events = vec![
        RunEvent::Started { tests: 1, hosts, picked: Picked::default(), at: at(0) },
        RunEvent::TestStarted { test: test.clone(), host: report.host.clone(), at: at(0) },
    ];
    for seconds in [9, 10, 11, 22] {
        events.push(RunEvent::LoadTold { test: test.clone(), snapshot: Box::new(told(seconds)) });
    }
    events.push(RunEvent::TestEnded(Box::new(report)));
    let summary = Summary { failed: 1, duration: Duration::from_millis(22_400), ..Summary::default() };
    events.push(RunEvent::Ended { summary, at: at(22_400) });
    events
}
