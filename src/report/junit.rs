//! The report for CI systems: JUnit XML, one suite a host, written when the run ends.
//!
//! A test that failed has a `failure`, one of which we could not find out has an `error`; properties carry figures and
//! session uuids; `system-out` carries what each leg did. Characters that XML 1.0 does not allow are written `\u{1b}`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::escape;
use super::explain::{self, Layout};
use super::file::ReportFile;
use super::paint::Paint;
use super::{Report, ReportError, load_text};
use crate::metrics::Finding;
use crate::run::{Attempt, RunEvent, TestId, TestReport};
use crate::units::Time;
use crate::verdict::{Mark, Verdict};

/// A file has room for all that is known of a leg.
const LAYOUT: Layout = Layout { paint: Paint::Plain, width: None, entries: usize::MAX };

/// Gathers a run and writes it as JUnit XML.
#[derive(Debug)]
pub struct Junit {
    file: ReportFile,
    project: Option<PathBuf>,
    shard: Option<String>,
    started: Option<Time>,
    duration: Option<Duration>,
    last: Time,
    hosts: Vec<Host>,
    /// Tests that have not ended yet, and since when they run.
    running: BTreeMap<(TestId, String), Time>,
}

#[derive(Debug, Default)]
struct Host {
    name: String,
    version: Option<String>,
    lost: Option<String>,
    /// Sessions of the run that could not be hung up.
    left: Option<String>,
    cases: Vec<TestCase>,
    /// Sum of what its tests took.
    time: Duration,
}

impl Junit {
    /// To the file `path`, whose folder is made when the run starts.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Junit {
            file: ReportFile::new(path),
            project: None,
            shard: None,
            started: None,
            duration: None,
            last: Time::default(),
            hosts: Vec::new(),
            running: BTreeMap::new(),
        }
    }

    /// Names attachments from the folder `project` on, as GitLab wants them; otherwise their paths are absolute, as
    /// Jenkins wants them.
    pub fn attached_from(self, project: Option<PathBuf>) -> Self {
        Junit { project, ..self }
    }

    fn host(&mut self, name: &str) -> &mut Host {
        let index = self.hosts.iter().position(|host| host.name == name).unwrap_or_else(|| {
            self.hosts.push(Host { name: name.to_owned(), ..Host::default() });
            self.hosts.len() - 1
        });
        &mut self.hosts[index]
    }

    fn ended(&mut self, report: &TestReport) {
        self.running.remove(&(report.test.clone(), report.host.clone()));
        self.last = self.last.max(report.started + report.duration);
        let case = case(report, self.project.as_deref());
        let host = self.host(&report.host);
        host.time += report.duration;
        host.cases.push(case);
    }

    /// Tests that started and never ended are errors, not absent.
    fn unended(&mut self) {
        for ((test, name), started) in std::mem::take(&mut self.running) {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            let reason = self.host(&name).lost.clone().map(|reason| format!(": host lost: {reason}"));
            status.set_message(format!("it did not end{}", reason.unwrap_or_default()));
            status.set_type("error");
            let took = self.last.since(started);
            let host = self.host(&name);
            host.time += took;
            host.cases.push(new_case(&test, None, status, started, took));
        }
    }

    fn xml(&self) -> Result<String, ReportError> {
        let mut report = quick_junit::Report::new("callwright");
        report.set_time(self.duration.unwrap_or_else(|| self.last.since(self.started.unwrap_or(self.last))));
        for host in &self.hosts {
            let mut suite = TestSuite::new(escape::line(&host.name));
            suite.set_time(host.time);
            suite.extra.insert("hostname".into(), escape::line(&host.name).into());
            if let Some(started) = self.started {
                suite.extra.insert("timestamp".into(), stamp(started).into());
            }
            if let Some(shard) = &self.shard {
                suite.add_property(Property::new("shard", escape::line(shard)));
            }
            if let Some(version) = &host.version {
                suite.add_property(Property::new("version", escape::line(version)));
            }
            let lost = host.lost.as_ref().map(|reason| format!("host lost: {}\n", escape::line(reason)));
            let left = host.left.as_ref().map(|left| format!("it still has sessions of this run: {left}\n"));
            if lost.is_some() || left.is_some() {
                suite.set_system_err([lost, left].into_iter().flatten().collect::<String>());
            }
            suite.add_test_cases(host.cases.iter().cloned());
            report.add_test_suite(suite);
        }
        report.to_string().map_err(|error| ReportError::Xml(error.to_string()))
    }
}

impl Report for Junit {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        match event {
            RunEvent::Started { hosts, picked, at, .. } => {
                self.shard = picked.shard.or(picked.load_shard).map(|shard| shard.to_string());
                self.started = Some(*at);
                self.last = *at;
                for host in hosts {
                    self.host(host);
                }
                self.file.prepare()?;
            }
            RunEvent::HostUp { host, version, .. } => self.host(host).version = Some(version.clone()),
            RunEvent::HostLost { host, reason, at } => {
                self.last = self.last.max(*at);
                self.host(host).lost = Some(escape::line(reason));
            }
            RunEvent::TestStarted { test, host, at } => {
                self.last = self.last.max(*at);
                self.running.insert((test.clone(), host.clone()), *at);
            }
            RunEvent::SessionsLeft { host, sessions, .. } => {
                let left = escape::line(&sessions.join(", ")).to_string();
                self.host(host).left = Some(left);
            }
            RunEvent::TestSlow { .. } | RunEvent::LoadTold { .. } | RunEvent::CallEnded { .. } => {}
            RunEvent::TestEnded(report) => self.ended(report),
            RunEvent::Ended { summary, at } => {
                self.last = self.last.max(*at);
                self.duration = Some(summary.duration);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        if self.started.is_none() {
            // A run that never began has no report, not one without tests, nor that of an earlier run.
            return self.file.prepare();
        }
        self.unended();
        self.file.write(&self.xml()?)
    }
}

fn case(report: &TestReport, project: Option<&Path>) -> TestCase {
    let mut status = match report.verdict {
        Verdict::Passed if matches!(report.mark, Some(Mark::ExpectedFailure(_))) => TestCaseStatus::skipped(),
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Skipped => TestCaseStatus::skipped(),
        Verdict::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if let Some(check) = explain::decisive(report) {
        status.set_message(explain::reason(check));
    }
    if let Some(Mark::ExpectedFailure(reason)) = &report.mark {
        // As pytest writes it, so that CI systems show it apart from those that passed.
        status.set_type("xfail");
        status.set_message(format!("expected to fail: {}", escape::line(reason)));
        status.set_description(explain::checks(report, LAYOUT));
    }
    status.add_reruns(report.earlier.iter().map(rerun));
    if matches!(report.verdict, Verdict::Failed | Verdict::Error) {
        status.set_type(if report.verdict == Verdict::Failed { "failure" } else { "error" });
        status.set_description([explain::checks(report, LAYOUT), explain::again(report, LAYOUT)].concat());
    }
    let mut case = new_case(&report.test, report.line, status, report.started, report.duration);
    case.set_assertions(report.checks.len());
    for (name, value) in &report.properties {
        case.add_property(Property::new(escape::line(name), escape::line(value)));
    }
    for state in report.load.iter().flat_map(|load| &load.report.gates) {
        // `gate.asr`: `passed: 99.5% (199 of 200), asked for: >= 99%`
        let name = format!("gate.{}", state.gate.name());
        case.add_property(Property::new(escape::line(&name), escape::line(&gate(&state.finding))));
    }
    if !report.tags.is_empty() {
        case.add_property(Property::new("tags", escape::line(&report.tags.join(","))));
    }
    for recording in &report.recordings {
        case.add_property(Property::new("recording", escape::line(&recording.display().to_string())));
    }
    if report.mark == Some(Mark::Flaky) {
        case.add_property(Property::new("flaky", "true"));
    }
    let earlier = report.earlier.iter().flat_map(|attempt| &attempt.recordings);
    let attached: String = earlier.chain(&report.recordings).map(|path| attachment(path, project)).collect();
    let told = match &report.load {
        None => explain::legs(report, LAYOUT),
        Some(load) => load_text::summary(report, load, LAYOUT),
    };
    let out = told + &attached;
    if !out.is_empty() {
        case.set_system_out(out);
    }
    case
}

fn gate(Finding { verdict, expected, actual, .. }: &Finding) -> String {
    let word = match verdict {
        Verdict::Passed => "passed",
        Verdict::Skipped => "skipped",
        Verdict::Failed => "failed",
        Verdict::Error => "error",
    };
    format!("{word}: {actual}, asked for: {expected}")
}

/// A line that Jenkins (with its plugin junit-attachments) and GitLab take for a file to show.
fn attachment(path: &Path, project: Option<&Path>) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let path = project.and_then(|project| path.strip_prefix(project).ok()).unwrap_or(&path);
    format!("[[ATTACHMENT|{}]]\n", escape::line(&path.display().to_string()))
}

/// An attempt before the last.
fn rerun(attempt: &Attempt) -> TestRerun {
    let (kind, word) = match attempt.verdict {
        Verdict::Error => (NonSuccessKind::Error, "error"),
        Verdict::Passed | Verdict::Skipped | Verdict::Failed => (NonSuccessKind::Failure, "failure"),
    };
    let mut rerun = TestRerun::new(kind);
    rerun.set_time(attempt.duration);
    rerun.set_type(word);
    if let Some(check) = explain::why(&attempt.checks, attempt.verdict) {
        rerun.set_message(explain::reason(check));
    }
    rerun.set_description(explain::checks_of(&attempt.checks, attempt.verdict, LAYOUT));
    let legs = explain::legs_of(&attempt.legs, attempt.started, LAYOUT);
    if !legs.is_empty() {
        rerun.set_system_out(legs);
    }
    rerun
}

fn new_case(test: &TestId, line: Option<usize>, status: TestCaseStatus, started: Time, took: Duration) -> TestCase {
    let mut case = TestCase::new(escape::line(&test.name), status);
    let file = escape::line(&test.file.display().to_string());
    case.set_classname(file.as_str());
    case.extra.insert("file".into(), file.into());
    if let Some(line) = line {
        case.extra.insert("line".into(), line.to_string().into());
    }
    case.extra.insert("timestamp".into(), stamp(started).into());
    case.set_time(took);
    case
}

/// RFC 3339, UTC, to the millisecond.
fn stamp(time: Time) -> String {
    i64::try_from(time.as_micros())
        .ok()
        .and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok())
        .map_or_else(String::new, |stamp| format!("{stamp:.3}"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;
    use crate::report::sample;

    fn written() -> (tempfile::TempDir, PathBuf) {
        written_of(sample::events())
    }

    fn written_of(events: Vec<RunEvent>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reports/junit.xml");
        let mut junit = Junit::new(&path);
        for event in events {
            junit.handle(&event).unwrap();
        }
        junit.finish().unwrap();
        (folder, path)
    }

    #[test]
    fn a_run_as_junit() {
        let (_folder, path) = written();
        insta::assert_snapshot!(std::fs::read_to_string(path).unwrap());
    }

    #[test]
    fn attempts_and_expected_failures_as_junit() {
        let (_folder, path) = written_of(sample::marked());
        insta::assert_snapshot!(std::fs::read_to_string(path).unwrap());
    }

    #[test]
    fn a_load_as_junit() {
        let (_folder, path) = written_of(sample::load_events());
        insta::assert_snapshot!(std::fs::read_to_string(path).unwrap());
    }

    #[test]
    fn the_report_is_well_formed_and_holds_only_characters_of_xml() {
        let (_folder, path) = written();
        let text = std::fs::read_to_string(path).unwrap();
        // XML 1.0, production 2.
        let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
        assert!(text.chars().all(allowed));
        let mut reader = Reader::from_str(&text);
        reader.config_mut().check_end_names = true;
        let mut cases = 0;
        loop {
            match reader.read_event().unwrap() {
                Event::Start(element) | Event::Empty(element) => {
                    for attribute in element.attributes() {
                        attribute.unwrap();
                    }
                    cases += usize::from(element.name().as_ref() == b"testcase");
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(cases, 5);
    }

    /// A reader by other hands: junitparser from PyPI. Without it (or Python) the test says so and is no proof.
    #[test]
    fn another_program_reads_the_report_as_we_meant_it() {
        let (_folder, path) = written();
        let program = r#"
import sys
try:
    from junitparser import JUnitXml, Failure, Error, Skipped
except ImportError:
    sys.exit(77)
xml = JUnitXml.fromfile(sys.argv[1])
print(xml.tests, xml.failures, xml.errors, xml.skipped)
for suite in xml:
    for case in suite:
        kind = ",".join(type(r).__name__ for r in case.result) or "Success"
        message = ";".join(r.message or "" for r in case.result)
        uuid = [p.get("value") for p in case._elem.iter("property") if p.get("name") == "caller.uuid"]
        print(suite.name, case.classname, case.name, kind, message, f"{case.time:.3f}", *uuid, sep="|")
"#;
        let Ok(output) = Command::new("python3").args(["-c", program]).arg(&path).output() else {
            eprintln!("not checked: python3 is not installed");
            return;
        };
        if output.status.code() == Some(77) {
            eprintln!("not checked: python3 has no junitparser (pip install junitparser)");
            return;
        }
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(
            String::from_utf8(output.stdout).unwrap().lines().collect::<Vec<_>>(),
            [
                "5 1 2 1",
                "embedded|scenarios/ring.yaml|ringback 180|Success||3.021|u-1",
                "embedded|scenarios/tone.yaml|the milliwatt survives the loop|Failure|caller heard tone 1004 Hz: \
                 440.2 Hz at -0.1 dBm0 for 2.98s|3.021|u-1",
                "embedded|scenarios/avmd.yaml|beep|Skipped|needs FreeSWITCH: the host is the embedded switch|3.021|u-1",
                "pbx1:8021|scenarios/record.yaml|the clip <arrives> & \"whole\" ]]> \\u{ffff}|Error|recording of the \
                 callee: cannot read /rec/a.wav: permission denied|3.021|u-1",
                "pbx1:8021|scenarios/lost.yaml|never ends|Error|it did not end: host lost: connection reset by \
                 peer|6.090",
            ]
        );
    }

    /// A validator by other hands: lxml from PyPI. Without it the test says so and is no proof.
    #[test]
    fn reports_are_valid_against_the_published_schema_and_a_wrong_one_is_not() {
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/conf/junit.xsd");
        let program = "import sys\ntry:\n from lxml import etree\nexcept ImportError: sys.exit(77)\n\
                       schema = etree.XMLSchema(etree.parse(sys.argv[1]))\n\
                       print(schema.validate(etree.parse(sys.argv[2])), schema.error_log)";
        let validated = |path: &Path| {
            let output = Command::new("python3").args(["-c", program, schema]).arg(path).output().ok()?;
            if output.status.code() == Some(77) {
                return None;
            }
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        for events in [sample::events(), sample::marked()] {
            let (_folder, path) = written_of(events);
            let Some(told) = validated(&path) else {
                eprintln!("not checked: python3 has no lxml (pip install lxml)");
                return;
            };
            assert!(told.starts_with("True"), "{told}");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replacen(" classname=", " class=", 1)).unwrap();
            assert!(validated(&path).unwrap().starts_with("False"));
        }
    }

    #[test]
    fn gitlab_finds_attachments_from_the_project_on_and_jenkins_by_their_whole_path() {
        let path = Path::new("/builds/x/out/caller.wav");
        assert_eq!(attachment(path, Some(Path::new("/builds/x"))), "[[ATTACHMENT|out/caller.wav]]\n");
        assert_eq!(attachment(path, Some(Path::new("/elsewhere"))), "[[ATTACHMENT|/builds/x/out/caller.wav]]\n");
        assert_eq!(attachment(path, None), "[[ATTACHMENT|/builds/x/out/caller.wav]]\n");
    }

    #[test]
    fn a_run_that_never_began_leaves_no_report_that_could_be_taken_for_green() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("junit.xml");
        std::fs::write(&path, "of an earlier run").unwrap();
        Junit::new(&path).finish().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_report_that_cannot_be_written_says_so_when_the_run_starts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let mut junit = Junit::new(folder.path().join("file/junit.xml"));
        let error = junit.handle(&sample::events()[0]).unwrap_err();
        assert!(matches!(error, ReportError::Folder { .. }), "{error}");
    }
}
