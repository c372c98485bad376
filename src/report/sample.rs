//! A run with a test of every verdict, for the tests of reports.

use std::path::PathBuf;
use std::time::Duration;

use crate::metrics::sample as cdr;
use crate::metrics::{Asked, Book, Cdr, Gate, GateBound, HostStats, Metric, Phase, Quantity, Skip, Snapshot};
use crate::place::Place;
use crate::run::{Attempt, Picked, RunEvent, Summary, TestId, TestReport};
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
    let start = cdr::START;
    let mut book = Book::new(start, gates.map(gate).into());
    let second = Duration::from_secs(1);
    let mut moments: Vec<(Time, Option<Cdr>)> = Vec::new();
    for index in 0..160 {
        let cdr = if index % 20 == 7 { cdr::refused(index, "USER_BUSY") } else { cdr::answered(index) };
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
