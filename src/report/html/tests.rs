use std::path::Path;

use super::test::Left;
use super::*;
use crate::audio::sine::sine;
use crate::audio::wav::{self, Writer};
use crate::report::sample;
use crate::run::Attempt;
use crate::units::{Dbm0, Hertz, SampleRate};
use crate::verdict::{LegTrace, Passage, TraceEntry, TraceKind};

fn written(events: &[RunEvent]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/report.html");
    let mut html = Html::new(&path);
    for event in events {
        html.handle(event).unwrap();
    }
    html.finish().unwrap();
    std::fs::read_to_string(path).unwrap()
}

/// A run of these tests.
fn run_of(reports: impl IntoIterator<Item = TestReport>) -> Vec<RunEvent> {
    let mut events = sample::events()[..3].to_vec();
    events.extend(reports.into_iter().map(|report| RunEvent::TestEnded(Box::new(report))));
    events.push(sample::events().pop().unwrap());
    events
}

/// A recording: a second of silence, a second of a tone, on both channels.
fn recording(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let mut writer = Writer::create(&path, SampleRate::NARROW, 2).unwrap();
    writer.write(&[0; 16_000]).unwrap();
    let tone = sine(Hertz(1004.0), Dbm0(0.0), SampleRate::NARROW, 8_000);
    writer.write(&tone.iter().flat_map(|&sample| [sample, sample]).collect::<Vec<_>>()).unwrap();
    writer.finish().unwrap();
    path
}

fn passage(recording: &Path, from: u64, to: u64) -> Passage {
    let ms = Duration::from_millis;
    Passage { recording: recording.to_owned(), channel: 0, from: ms(from), to: ms(to) }
}

#[test]
fn every_test_of_a_run_is_there_with_its_verdict_and_reason() {
    let page = written(&sample::events());
    for class in ["error", "failed", "passed", "skipped"] {
        assert!(page.contains(&format!("<details class=\"t {class}\"")), "no test {class}");
    }
    for text in
        ["440.2 Hz at -0.1 dBm0", "Interrupted: 3 of 5 tests did not pass", "host lost: connection reset by peer"]
    {
        assert!(page.contains(text), "{text}");
    }
    let page = written(&sample::marked());
    assert!(page.contains("passed at attempt 3: caller heard tone 1004 Hz: 440.2 Hz at -0.1 dBm0"));
    assert!(page.contains("expected to fail: the proxy plays its own") && page.contains("Attempt 2, "));
}

#[test]
fn tests_that_did_not_end_and_tests_that_did_not_begin_are_told() {
    let mut events = sample::events();
    let ended = events.pop().unwrap();
    let RunEvent::Started { tests, .. } = &mut events[0] else { unreachable!() };
    *tests = 12;
    events.push(ended);
    let page = written(&events);
    assert!(page.contains("it did not end: host lost") && page.contains("7 more tests did not begin."), "{page}");
}

/// Text that would do harm in any place of a page, and characters that turn the direction of reading.
const HOSTILE: &str = "</script></style><img src=x onerror='alert(1)'>\"&amp;<!--\u{202e}\u{1b}[31m\u{2066}\n\0";

/// A report with [`HOSTILE`] in every place for text.
fn hostile() -> TestReport {
    let text = || HOSTILE.to_owned();
    let path = || PathBuf::from(HOSTILE);
    let entry = |kind| TraceEntry { at: Time::default(), kind, text: HOSTILE.repeat(9) };
    let leg = || LegTrace {
        leg: text(),
        uuid: text(),
        entries: [TraceKind::Event, TraceKind::Command, TraceKind::Reply].map(entry).to_vec(),
    };
    let check = |verdict| CheckReport {
        name: text(),
        place: Some(crate::place::Place { file: path(), line: 1, column: 1 }),
        verdict,
        expected: text(),
        actual: text(),
        help: text(),
        passages: vec![passage(&path(), 0, 10)],
    };
    let checks = vec![check(Verdict::Passed), check(Verdict::Failed), check(Verdict::Error), check(Verdict::Skipped)];
    let earlier = Attempt {
        verdict: Verdict::Failed,
        started: Time::default(),
        duration: Duration::ZERO,
        checks: checks.clone(),
        legs: vec![leg(), leg()],
        properties: vec![(text(), text())],
        recordings: vec![path()],
    };
    TestReport {
        test: TestId { file: path(), name: text() },
        host: text(),
        tags: vec![text()],
        mark: Some(Mark::ExpectedFailure(text())),
        earlier: vec![earlier],
        checks,
        legs: vec![leg(), leg()],
        properties: vec![(text(), text())],
        recordings: vec![path()],
        rerun: text(),
        ..sample::failed()
    }
}

#[test]
fn nothing_that_comes_from_outside_becomes_markup_or_turns_the_text() {
    let mut events = run_of([hostile()]);
    let about = vec![(HOSTILE.to_owned(), HOSTILE.to_owned())];
    let up = RunEvent::HostUp { host: HOSTILE.into(), version: HOSTILE.into(), about, at: Time::default() };
    events.insert(1, up);
    events.insert(2, RunEvent::HostLost { host: HOSTILE.into(), reason: HOSTILE.into(), at: Time::default() });
    let page = written(&events);
    let clean = written(&run_of([sample::failed()]));
    for word in ["<script", "</script", "<style", "</style", "<img", "<!--"] {
        assert_eq!(page.matches(word).count(), clean.matches(word).count(), "{word}");
    }
    let as_text = "&lt;img src=x onerror='alert(1)'&gt;&quot;&amp;amp;&lt;!--\\u{202e}";
    assert!(page.matches(as_text).count() > 40, "it is there, but as text");
    let turning = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{2066}');
    assert_eq!(page.chars().find(|c| turning(*c)), None);
}

#[test]
fn the_policy_of_the_page_lets_nothing_run_but_its_own() {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let page = written(&sample::events());
    let between = |from: &str, to: &str| page.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let policy = between("http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; img-src data:; media-src data:; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (kind, text) in [("style", between("<style>", "</style>")), ("script", between("<script>", "</script>"))] {
        let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
        assert!(policy.contains(&format!("{kind}-src 'sha256-{digest}'")), "{kind}: {policy}");
    }
    // The policy would forbid it, silently.
    assert!(!page.contains(" style=\"") && !page.contains(" onclick="));
}

#[test]
fn a_recording_is_drawn_with_what_failed_marked_and_can_be_played() {
    let folder = tempfile::tempdir().unwrap();
    let path = recording(folder.path(), "caller.wav");
    let mut report = sample::failed();
    report.recordings = vec![path.clone(), folder.path().join("lost.wav")];
    report.checks[1].passages = vec![passage(&path, 0, 1_000)];
    let page = written(&run_of([report]));
    assert!(page.contains("Waveform and spectrogram of caller.wav, heard; marked: 0.000s to 1.000s"), "{page}");
    assert_eq!(page.matches("<rect class=\"mark\" x=\"0.00%\" width=\"50.00%\"").count(), 1, "{page}");
    assert_eq!(page.matches("<svg class=\"sound\"").count(), 2);
    assert!(page.contains("It cannot be shown: "), "the one that is not there says so");
    // What is played is what was recorded.
    let data = page.split_once("src=\"data:audio/wav;base64,").unwrap().1.split_once('"').unwrap().0;
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap();
    let again = folder.path().join("again.wav");
    std::fs::write(&again, bytes).unwrap();
    assert_eq!(wav::read(&again).unwrap(), wav::read(&path).unwrap());
}

#[test]
fn what_does_not_fit_is_left_out_and_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = recording(folder.path(), "caller.wav");
    let mut left = Left { sound: 100, pictures: 0, ..Left::default() };
    let markup = sound::recording(&path, &[], &mut left).into_string();
    assert!(!markup.contains("<audio") && !markup.contains("<svg"), "{markup}");
    assert!(markup.contains("The sound is left out") && markup.contains("The picture is left out"), "{markup}");
    let notes = ["the picture of 1 recording.", "the sound of 1 recording."];
    assert_eq!(left.notes(), notes.map(|note| format!("Left out to keep this file small: {note}")));
}

#[test]
fn five_thousand_tests_make_a_page_of_a_few_megabytes() {
    let entry = |n: u64| TraceEntry {
        at: Time::from_micros(1_767_323_045_000_000 + n * 1_000),
        kind: TraceKind::Event,
        text: "CHANNEL_EXECUTE_COMPLETE playback tone_stream://%(1000,0,1004) FILE PLAYED".into(),
    };
    let leg = |name: &str| LegTrace { leg: name.into(), uuid: "u".into(), entries: (0..15).map(entry).collect() };
    let test = |n: usize| {
        let test = TestId { file: "scenarios/tone.yaml".into(), name: format!("tone[{n}]") };
        TestReport { test, legs: vec![leg("caller"), leg("callee")], ..sample::passed() }
    };
    let mut reports: Vec<TestReport> = (0..4_999).map(test).collect();
    reports.push(TestReport { legs: vec![leg("caller"), leg("callee")], ..sample::failed() });
    let page = written(&run_of(reports));
    assert_eq!(page.matches("<details class=\"t ").count(), 5_000);
    assert!(page.len() < 12 << 20, "{} bytes", page.len());
    assert!(page.contains("Left out to keep this file small: the signalling of "), "and says what is missing");
    // Those who failed come first, and so have theirs.
    let failed = page.split("<details class=\"t ").nth(1).unwrap();
    assert!(failed.starts_with("failed") && failed.contains("class=\"ladder\""));
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_and_a_run_that_never_began_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut html = Html::new(folder.path());
    assert!(matches!(html.handle(&sample::events()[0]), Err(ReportError::File { .. })));
    let old = folder.path().join("old.html");
    std::fs::write(&old, "green").unwrap();
    Html::new(&old).finish().unwrap();
    assert!(!old.exists());
}

#[test]
fn a_load_has_its_gates_figures_charts_and_calls_on_the_page() {
    let page = written(&sample::load_events());
    for text in [
        "Gates and checks",
        "setup_time.p95 &lt; 250ms",
        "<th scope=\"row\">app callee_ringback</th>",
        "<th scope=\"row\">late start</th>",
        "USER_BUSY: 3",
        "embedded, busy",
        "bert on pbx1:8021, call 1 at +102ms, USER_BUSY (486): answered: not answered",
        "Calls at once, and failures so far",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!((page.matches("<figure class=\"chart\"").count(), page.matches("class=\"attempt").count()), (8, 2));
    assert!(page.contains("1 test, <b>1 did not pass</b>"), "the load counts on its hosts");
    let search = sample::search();
    let events = [sample::load_events()[0].clone(), RunEvent::TestEnded(Box::new(search))];
    assert!(written(&events).contains("setup_time.p95 was 300ms, not &lt; 250ms"));
}

#[test]
fn the_page_of_a_long_load_stays_small() {
    let RunEvent::TestEnded(mut report) = sample::load_events().remove(6) else { panic!("no load") };
    let load = report.load.as_mut().unwrap();
    let first = load.report.series.buckets[3].clone();
    load.report.series.buckets = (0..600u32)
        .map(|number| {
            let failures = (0..40).map(|cause| (format!("CAUSE_{cause}"), u64::from(number % 7))).collect();
            crate::metrics::Bucket { at: first.at + Duration::from_secs(number.into()), failures, ..first.clone() }
        })
        .collect();
    let page = written(&[sample::load_events()[0].clone(), RunEvent::TestEnded(report)]);
    assert!(page.len() < 400_000, "{}", page.len());
}
