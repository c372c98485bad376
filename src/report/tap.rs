//! The report for TAP consumers: version 14 of the Test Anything Protocol, written as the tests end.
//!
//! The plan is written first, so that a consumer misses the tests that a killed run did not come to. A test that failed
//! as it was expected to is a TODO. One that passed although it was expected to fail is `not ok`: TAP itself would let it
//! pass. What was found stands in a YAML block, each text of which is a JSON string, which is YAML too.

use std::collections::BTreeSet;

use serde_json::json;

use super::explain;
use super::stream::Stream;
use super::{Report, ReportError, escape};
use crate::run::{RunEvent, TestId, TestReport};
use crate::units::human;
use crate::verdict::{CheckReport, Mark, Verdict};

/// Writes TAP 14.
#[derive(Debug)]
pub struct Tap {
    stream: Stream,
    count: usize,
    running: BTreeSet<(TestId, String)>,
}

impl Tap {
    pub fn new(stream: Stream) -> Tap {
        Tap { stream, count: 0, running: BTreeSet::new() }
    }

    /// One test point: `ok 3 - scenarios/tone.yaml::the tone (embedded) # SKIP why`.
    fn point(&mut self, ok: &str, test: &TestId, host: &str, directive: &str, yaml: &str) -> String {
        self.count += 1;
        let name = described(&format!("{test} ({host})"));
        let yaml = if yaml.is_empty() { String::new() } else { format!("  ---\n{yaml}  ...\n") };
        format!("{ok} {} - {name}{directive}\n{yaml}", self.count)
    }

    fn ended(&mut self, report: &TestReport) -> String {
        self.running.remove(&(report.test.clone(), report.host.clone()));
        let reason = || explain::decisive(report).map(explain::reason).unwrap_or_default();
        let (ok, directive) = match (&report.mark, report.verdict) {
            (Some(Mark::ExpectedFailure(reason)), _) => ("not ok", format!(" # TODO {}", described(reason))),
            (_, Verdict::Skipped) => ("ok", format!(" # SKIP {}", described(&reason()))),
            (_, Verdict::Passed) => ("ok", String::new()),
            (_, Verdict::Failed | Verdict::Error) => ("not ok", String::new()),
        };
        let yaml = yaml(report);
        self.point(ok, &report.test, &report.host, &directive, &yaml)
    }

    fn text(&mut self, event: &RunEvent) -> String {
        match event {
            RunEvent::Started { tests, hosts, .. } => {
                let on: Vec<_> = hosts.iter().map(|host| escape::line(host)).collect();
                format!("TAP version 14\n1..{tests}\n# on {}\n", on.join(", "))
            }
            RunEvent::HostUp { host, version, .. } => {
                format!("# host {}: {}\n", escape::line(host), escape::line(version))
            }
            RunEvent::HostLost { host, reason, .. } => {
                format!("# host {} lost: {}\n", escape::line(host), escape::line(reason))
            }
            RunEvent::SessionsLeft { host, sessions, .. } => {
                format!("# host {} still has {}\n", escape::line(host), escape::line(&sessions.join(", ")))
            }
            RunEvent::TestStarted { test, host, .. } => {
                self.running.insert((test.clone(), host.clone()));
                String::new()
            }
            RunEvent::LoadTold { .. } | RunEvent::CallEnded { .. } => String::new(),
            RunEvent::TestSlow { test, host, after, .. } => {
                format!(
                    "# slow, after {}: {} ({})\n",
                    human(*after),
                    escape::line(&test.to_string()),
                    escape::line(host)
                )
            }
            RunEvent::TestEnded(report) => self.ended(report),
            RunEvent::Ended { summary, .. } => {
                let mut text = String::new();
                for (test, host) in std::mem::take(&mut self.running) {
                    let yaml = "  severity: error\n  message: \"it did not end\"\n";
                    text += &self.point("not ok", &test, &host, "", yaml);
                }
                if summary.interrupted {
                    text += "Bail out! The run was interrupted\n";
                }
                text
            }
        }
    }
}

impl Report for Tap {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        let text = self.text(event);
        self.stream.write(&text)
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.stream.finish()
    }
}

/// `text` as a description: on one line, and no directive by accident.
fn described(text: &str) -> String {
    escape::line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn yaml(report: &TestReport) -> String {
    let mut lines = vec![format!("duration_ms: {:.3}", report.duration.as_secs_f64() * 1e3)];
    if report.mark == Some(Mark::Flaky) {
        lines.push("flaky: true".to_owned());
    }
    if !report.earlier.is_empty() {
        lines.push(format!("attempts: {}", report.earlier.len() + 1));
    }
    let wrong = |check: &&CheckReport| matches!(check.verdict, Verdict::Failed | Verdict::Error);
    if report.checks.iter().any(|check| wrong(&check)) || matches!(report.verdict, Verdict::Failed | Verdict::Error) {
        // One that failed as expected counts as passed; why it did stands in its checks.
        let deciding = explain::decisive(report).filter(wrong).or(report.checks.iter().find(wrong));
        let message = deciding.map(explain::reason);
        lines.push(text("message", &message.unwrap_or_else(|| "no check says why".to_owned())));
        lines.push(format!("severity: {}", if report.verdict == Verdict::Error { "error" } else { "fail" }));
        lines.push("checks:".to_owned());
        for check in report.checks.iter().filter(wrong) {
            let place = check.place.as_ref().map(ToString::to_string).unwrap_or_default();
            let fields = [
                ("name", check.name.as_str()),
                ("at", &place),
                ("expected", &check.expected),
                ("actual", &check.actual),
                ("help", &check.help),
            ];
            let fields = fields.iter().filter(|(_, value)| !value.trim().is_empty());
            for (index, (name, value)) in fields.enumerate() {
                lines.push(format!("{}{}", if index == 0 { "  - " } else { "    " }, text(name, value)));
            }
        }
        if !report.rerun.is_empty() {
            lines.push(text("rerun", &report.rerun));
        }
    }
    lines.iter().map(|line| format!("  {line}\n")).collect()
}

fn text(name: &str, value: &str) -> String {
    format!("{name}: {}", json!(escape::lines(value.trim_end())))
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::*;
    use crate::report::sample;

    fn written(events: &[RunEvent]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.tap");
        let mut tap = Tap::new(Stream::file(&path));
        for event in events {
            tap.handle(event).unwrap();
        }
        tap.finish().unwrap();
        (folder, path)
    }

    fn text_of(events: &[RunEvent]) -> String {
        std::fs::read_to_string(written(events).1).unwrap()
    }

    #[test]
    fn a_run_as_tap() {
        insta::assert_snapshot!(text_of(&sample::events()));
    }

    #[test]
    fn attempts_and_expected_failures_as_tap() {
        insta::assert_snapshot!(text_of(&sample::marked()));
    }

    #[test]
    fn no_name_is_a_directive_and_none_breaks_its_line() {
        let mut report = sample::passed();
        report.test.name = "a # SKIP \\ b\nnot ok 7".into();
        let text = text_of(&[RunEvent::TestEnded(Box::new(report))]);
        assert!(text.starts_with("ok 1 - scenarios/ring.yaml::a \\# SKIP \\\\ b\\\\nnot ok 7 (embedded)\n"), "{text}");
    }

    /// What Perl's TAP::Parser makes of a file: one line a test point, then the whole.
    fn parsed(path: &Path) -> Option<Vec<String>> {
        // Versions before 3.48 know TAP 13 alone, of which we use nothing else.
        let program = r#"
            eval { require TAP::Parser; require TAP::Parser::YAMLish::Reader; 1 } or exit 77;
            local $/; open my $in, '<', $ARGV[0] or die; my $tap = <$in>;
            $tap =~ s/^TAP version 14/TAP version 13/ if $TAP::Parser::VERSION < 3.48;
            my $parser = TAP::Parser->new({ tap => $tap });
            while (my $result = $parser->next) {
                if ($result->is_test) {
                    print join('|', $result->number, $result->is_ok ? 'ok' : 'bad', $result->directive, $result->explanation), "\n";
                } elsif ($result->is_yaml) {
                    print '  ', $result->data->{message} // '', "\n";
                } elsif ($result->is_unknown) { print "UNKNOWN ", $result->raw, "\n"; }
            }
            print join('|', $parser->tests_planned, scalar($parser->failed), scalar($parser->skipped), scalar($parser->todo), join(';', $parser->parse_errors)), "\n";
        "#;
        let Ok(output) = Command::new("perl").args(["-e", program]).arg(path).output() else {
            eprintln!("not checked: perl is not installed");
            return None;
        };
        if output.status.code() == Some(77) {
            eprintln!("not checked: perl has no TAP::Parser");
            return None;
        }
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
    }

    #[test]
    fn another_program_reads_the_report_as_we_meant_it() {
        let (_folder, path) = written(&sample::marked());
        let Some(lines) = parsed(&path) else { return };
        let heard = "  caller heard tone 1004 Hz: 440.2 Hz at -0.1 dBm0 for 2.98s";
        assert_eq!(
            lines,
            [
                "1|ok||",
                "  ",
                "2|ok|TODO|the proxy plays its own",
                heard,
                "3|bad||",
                "  xfail: it passed",
                "4|bad||",
                heard,
                "4|2|0|1|"
            ]
        );
    }

    #[test]
    fn a_consumer_misses_the_tests_of_a_run_that_was_killed() {
        let (_folder, path) = written(&sample::events()[..9]);
        let Some(lines) = parsed(&path) else { return };
        let last = lines.last().unwrap();
        assert!(last.contains("Bad plan.  You planned 5 tests but ran 1"), "{lines:#?}");
    }
}
