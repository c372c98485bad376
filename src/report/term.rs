//! The report for people: one line a test, an explanation under each that did not pass, a summary at the end.
//!
//! Every line can be searched for: `^FAIL`, `^ERROR`, `^ +actual`. On a terminal one more line, the last, tells what runs.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstream::stream::{AsLockedWrite, RawStream};
use anstream::{AutoStream, ColorChoice};

use super::explain::{self, Layout, clip};
use super::paint::{Paint, Style};
use super::{Report, ReportError, escape, load_text};
use crate::metrics::Snapshot;
use crate::run::core::STRAYS;
use crate::run::{Picked, RunEvent, Summary, TestId, TestReport};
use crate::verdict::{Mark, Verdict};

/// How many of the last events and commands of a leg are shown.
const ENTRIES: usize = 16;

/// How often a load is told where there is no status line.
const EVERY: Duration = Duration::from_secs(10);

/// Whether the last line tells what runs.
#[derive(Clone, Copy, Debug)]
pub enum Live {
    Off,
    /// With the width of the terminal, asked each time, as it may change.
    On {
        columns: fn() -> usize,
    },
}

/// Writes the report for people to `W`.
#[derive(Debug)]
pub struct Term<W> {
    out: W,
    paint: Paint,
    live: Live,
    tests: usize,
    passed: usize,
    running: BTreeSet<(TestId, String)>,
    /// One line for each test that failed or ended in error.
    wrong: Vec<String>,
    /// Why tests were not run.
    stopped: Option<String>,
    slow: usize,
    /// How many of the slowest are told at the end; 0: all.
    durations: Option<usize>,
    took: Vec<(Duration, String)>,
    /// How the load that is under way fares.
    load: Option<Box<Snapshot>>,
    /// The reader went away (`| head`): nothing more is written, and the run goes on.
    deaf: bool,
}

impl Term<Box<dyn Write + Send>> {
    /// To the standard output: colours where they are wanted (NO_COLOR, CLICOLOR, CLICOLOR_FORCE), a status line where
    /// it is a terminal and no CI system watches.
    pub fn stdout() -> Self {
        let stdout = io::stdout();
        Term::on(AutoStream::choice(&stdout), stdout.is_terminal(), stdout)
    }

    /// To the standard error, where another report has the standard output.
    pub fn stderr() -> Self {
        let stderr = io::stderr();
        Term::on(AutoStream::choice(&stderr), stderr.is_terminal(), stderr)
    }

    fn on(choice: ColorChoice, terminal: bool, out: impl RawStream + AsLockedWrite + Send + 'static) -> Self {
        let colours = choice != ColorChoice::Never;
        let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let live = if terminal && !ci && !dumb { Live::On { columns } } else { Live::Off };
        let paint = if colours { Paint::Ansi } else { Paint::Plain };
        // `always` also prepares a Windows console for escape sequences.
        let out: Box<dyn Write + Send> = if colours { Box::new(AutoStream::always(out)) } else { Box::new(out) };
        Term::new(out, paint, live)
    }
}

/// Columns of the terminal; 80 where it does not say.
fn columns() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

impl<W: Write + Send> Term<W> {
    pub fn new(out: W, paint: Paint, live: Live) -> Self {
        Term {
            out,
            paint,
            live,
            tests: 0,
            passed: 0,
            running: BTreeSet::new(),
            wrong: Vec::new(),
            stopped: None,
            slow: 0,
            durations: None,
            took: Vec::new(),
            load: None,
            deaf: false,
        }
    }

    /// Tells so many of the slowest tests at the end; of 0, all.
    pub fn durations(self, durations: Option<usize>) -> Self {
        Term { durations, ..self }
    }

    fn text(&mut self, event: &RunEvent) -> String {
        match event {
            RunEvent::Started { tests, hosts, picked, .. } => {
                self.tests = *tests;
                let hosts: Vec<_> = hosts.iter().map(|host| escape::line(host)).collect();
                format!("Running {} on {}{}\n", count(*tests, "test"), hosts.join(", "), self.picked(picked))
            }
            RunEvent::HostUp { host, version, about, .. } => {
                let strays = about.iter().find(|(name, _)| name == STRAYS);
                let strays = strays.map(|(name, count)| format!(", with {count} {name}")).unwrap_or_default();
                let text = format!("host {}: {}{strays}", escape::line(host), escape::line(version));
                format!("{}\n", self.paint.apply(Style::Faint, text))
            }
            RunEvent::HostLost { host, reason, .. } => {
                let text = format!("host {} lost: {}", escape::line(host), escape::line(reason));
                format!("{}\n", self.paint.apply(Style::Doubt, text))
            }
            RunEvent::SessionsLeft { host, sessions, .. } => {
                let (host, sessions) = (escape::line(host), sessions.join(", "));
                let text = format!("host {host} still has sessions of this run: {}", escape::line(&sessions));
                format!("{}\n", self.paint.apply(Style::Doubt, text))
            }
            RunEvent::TestStarted { test, host, .. } => {
                self.running.insert((test.clone(), host.clone()));
                String::new()
            }
            RunEvent::LoadTold { snapshot, .. } => self.told(snapshot),
            RunEvent::CallEnded { .. } => String::new(),
            RunEvent::TestSlow { test, host, after, .. } => {
                self.slow += 1;
                let took = self.paint.apply(Style::Faint, format!("[>{}]", seconds(*after, 5)));
                format!("{} {took} {}\n", self.paint.apply(Style::Calm, "SLOW"), named(test, host))
            }
            RunEvent::TestEnded(report) if report.mark == Some(Mark::NotRun) => {
                let reason = explain::decisive(report).map(|check| escape::line(&check.actual));
                self.stopped = self.stopped.take().or(reason);
                String::new()
            }
            RunEvent::TestEnded(report) => self.ended(report),
            RunEvent::Ended { summary, .. } => self.summary(summary),
        }
    }

    /// How the tests were picked, a line each.
    fn picked(&self, picked: &Picked) -> String {
        let left_out = (picked.left_out > 0).then(|| format!("{} not selected", count(picked.left_out, "test")));
        let shard = picked.shard.map(|shard| format!("shard {shard}"));
        let load_shard = picked.load_shard.map(|shard| format!("load shard {shard}"));
        let seed = picked.seed.map(|seed| format!("random order, repeated by --random-order={seed}"));
        let notes = picked.notes.iter().map(|note| escape::line(note).to_string());
        let lines = notes.chain(left_out).chain(shard).chain(load_shard).chain(seed);
        lines.map(|line| format!("\n{}", self.paint.apply(Style::Faint, line))).collect()
    }

    /// Without a status line, how a load fares is told in a line of its own from time to time.
    fn told(&mut self, snapshot: &Snapshot) -> String {
        let times = |snapshot: &Snapshot| (snapshot.elapsed_s / EVERY.as_secs_f64()) as u64;
        let due = times(snapshot) > self.load.as_deref().map_or(0, times);
        self.load = Some(Box::new(snapshot.clone()));
        if !due || matches!(self.live, Live::On { .. }) {
            return String::new();
        }
        let took = self.paint.apply(Style::Faint, format!("[{:>5}]", format!("{:.0}s", snapshot.elapsed_s)));
        format!("{} {took} {}\n", self.paint.apply(Style::Strong, "LOAD"), load_text::progress(snapshot))
    }

    fn ended(&mut self, report: &TestReport) -> String {
        self.running.remove(&(report.test.clone(), report.host.clone()));
        let mut text = self.line(report);
        // There is one load at a time, and no other test beside it.
        self.load = None;
        if self.durations.is_some() {
            let name = named(&report.test, &report.host);
            let attempts = report.earlier.iter().map(|attempt| attempt.duration).sum::<Duration>();
            self.took.push((attempts + report.duration, name));
        }
        match report.verdict {
            Verdict::Passed => {
                self.passed += 1;
                let note = match &report.mark {
                    Some(Mark::ExpectedFailure(reason)) => format!(" - {}", escape::line(reason)),
                    Some(Mark::Flaky) => format!(" - passed at attempt {}", report.earlier.len() + 1),
                    Some(Mark::UnexpectedPass(_) | Mark::NotRun) | None => String::new(),
                };
                if !note.is_empty() {
                    text.push_str(&self.paint.apply(Style::Faint, note));
                }
                if !report.earlier.is_empty() {
                    text.push('\n');
                    text.push_str(&explain::attempts(report, self.layout()));
                }
            }
            Verdict::Skipped => {
                if let Some(check) = explain::decisive(report) {
                    let reason = self.paint.apply(Style::Faint, format!(" - {}", explain::reason(check)));
                    text.push_str(&reason);
                }
            }
            Verdict::Failed | Verdict::Error => {
                let reason = explain::decisive(report).map(explain::reason);
                let word = self.paint.apply(style(report), format!("{:<5}", word(report)));
                let reason = reason.map(|reason| format!(" - {reason}")).unwrap_or_default();
                self.wrong.push(format!("  {word} {}{reason}", named(&report.test, &report.host)));
                text.push('\n');
                text.push_str(&match &report.load {
                    None => explain::test(report, self.layout()),
                    Some(load) => {
                        load_text::summary(report, load, self.layout()) + &explain::rerun(report, self.layout())
                    }
                });
            }
        }
        if let Some(load) = report.load.as_deref().filter(|_| !wrong(report)) {
            text.push('\n');
            text.push_str(&load_text::summary(report, load, self.layout()));
        }
        if !text.ends_with('\n') || wrong(report) || report.load.is_some() {
            text.push('\n');
        }
        text
    }

    fn layout(&self) -> Layout {
        let width = match self.live {
            Live::Off => None,
            Live::On { columns } => Some(columns()),
        };
        Layout { paint: self.paint, width, entries: ENTRIES }
    }

    /// `PASS [ 3.02s] scenarios/tone.yaml::the milliwatt survives the loop (embedded)`
    fn line(&self, report: &TestReport) -> String {
        let word = word(report);
        let took = seconds(report.duration, 10 - word.len());
        let word = self.paint.apply(style(report), word);
        let took = self.paint.apply(Style::Faint, format!("[{took}]"));
        format!("{word} {took} {}", named(&report.test, &report.host))
    }

    fn summary(&mut self, summary: &Summary) -> String {
        let mut text = String::new();
        for (test, host) in std::mem::take(&mut self.running) {
            let word = self.paint.apply(Style::Doubt, "ERROR");
            self.wrong.push(format!("  {word} {} - it did not end", named(&test, &host)));
        }
        if !self.wrong.is_empty() {
            text.push_str("Did not pass:\n");
            for line in std::mem::take(&mut self.wrong) {
                text.push_str(&line);
                text.push('\n');
            }
        }
        text.push_str(&self.slowest());
        let green = summary.passed + summary.expected_failures;
        let total = green + summary.failed + summary.errors + summary.skipped;
        let not_run = self.tests.saturating_sub(total);
        if let Some(reason) = self.stopped.take() {
            text.push_str(&format!("Not run: {}, {reason}\n", count(summary.not_run, "test")));
        }
        let counts = [
            (summary.passed, "passed", Style::Good),
            (summary.flaky, "of them flaky", Style::Calm),
            (summary.expected_failures, "failed as expected", Style::Calm),
            (summary.failed, "failed", Style::Bad),
            (summary.errors, "in error", Style::Doubt),
            (summary.skipped, "skipped", Style::Calm),
            (not_run, "not run", Style::Doubt),
            (summary.folder_errors, "setup or teardown in error", Style::Doubt),
            (self.slow, "slow", Style::Calm),
        ];
        let counts: Vec<_> = counts
            .iter()
            .filter(|(count, name, _)| *count > 0 || *name == "passed")
            .map(|(count, name, style)| match count {
                0 => format!("0 {name}"),
                _ => self.paint.apply(*style, format!("{count} {name}")),
            })
            .collect();
        let word = if summary.interrupted { "Interrupted" } else { "Summary" };
        let clean =
            green == total && summary.folder_errors == 0 && !summary.interrupted && total >= self.tests && total > 0;
        let word = self.paint.apply(if clean { Style::Good } else { Style::Bad }, word);
        let tests = count(self.tests.max(total), "test");
        text.push_str(&format!("{word} [{}] {tests}: {}\n", seconds(summary.duration, 6), counts.join(", ")));
        text
    }

    /// The slowest tests, where they were asked for.
    fn slowest(&mut self) -> String {
        let Some(most) = self.durations else { return String::new() };
        let mut took = std::mem::take(&mut self.took);
        took.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        if most > 0 {
            took.truncate(most);
        }
        let line = |(took, name): &(Duration, String)| format!("  {} {name}\n", seconds(*took, 8));
        let lines: String = took.iter().map(line).collect();
        if lines.is_empty() { lines } else { format!("Slowest:\n{lines}") }
    }

    /// The status line, cut to the terminal.
    fn status(&self, columns: usize) -> String {
        let running: Vec<_> = self.running.iter().map(|(test, host)| named(test, host)).collect();
        if let Some(load) = &self.load {
            let text = format!("load {:.0}s  {}  {}", load.elapsed_s, load_text::progress(load), running.join(", "));
            return clip(text.trim_end(), columns.saturating_sub(1));
        }
        let text = format!(
            "running {}  passed {}  not passed {}  of {}  {}",
            running.len(),
            self.passed,
            self.wrong.len(),
            self.tests,
            running.join(", ")
        );
        // The last column stays free: some terminals wrap once it is written.
        clip(text.trim_end(), columns.saturating_sub(1))
    }

    fn write(&mut self, text: &str) -> Result<(), ReportError> {
        if self.deaf {
            return Ok(());
        }
        match self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.deaf = true;
                Ok(())
            }
            result => result.map_err(ReportError::Output),
        }
    }
}

/// Back to the first column, and the line cleared (ECMA-48 CR, EL).
const CLEAR_LINE: &str = "\r\x1b[2K";

impl<W: Write + Send> Report for Term<W> {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        if matches!(event, RunEvent::CallEnded { .. }) {
            // There may be thousands a second, and none of them is told.
            return Ok(());
        }
        let text = self.text(event);
        match self.live {
            Live::Off => self.write(&text),
            Live::On { columns } => {
                let status = match event {
                    RunEvent::Ended { .. } => String::new(),
                    _ => self.paint.apply(Style::Faint, self.status(columns())),
                };
                self.write(&format!("{CLEAR_LINE}{text}{status}"))
            }
        }
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        // A run that broke off leaves its status line behind.
        if matches!(self.live, Live::On { .. }) { self.write(CLEAR_LINE) } else { Ok(()) }
    }
}

fn word(report: &TestReport) -> &'static str {
    match (&report.mark, report.verdict) {
        (Some(Mark::Flaky), _) => return "FLAKY",
        (Some(Mark::ExpectedFailure(_)), _) => return "XFAIL",
        (Some(Mark::UnexpectedPass(_)), _) => return "XPASS",
        (Some(Mark::NotRun) | None, _) => {}
    }
    match report.verdict {
        Verdict::Passed => "PASS",
        Verdict::Skipped => "SKIP",
        Verdict::Failed => "FAIL",
        Verdict::Error => "ERROR",
    }
}

/// What is marked passed, but not as one would have it.
fn style(report: &TestReport) -> Style {
    match &report.mark {
        Some(Mark::Flaky | Mark::ExpectedFailure(_)) => Style::Calm,
        Some(Mark::UnexpectedPass(_) | Mark::NotRun) | None => Style::of(report.verdict),
    }
}

fn wrong(report: &TestReport) -> bool {
    matches!(report.verdict, Verdict::Failed | Verdict::Error)
}

fn named(test: &TestId, host: &str) -> String {
    format!("{} ({})", escape::line(&test.to_string()), escape::line(host))
}

/// Seconds with hundredths, right-aligned: ` 3.02s`.
fn seconds(duration: Duration, width: usize) -> String {
    let text = format!("{:.2}s", duration.as_secs_f64());
    format!("{text:>width$}")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn report(paint: Paint, live: Live) -> String {
        let mut term = Term::new(Vec::new(), paint, live);
        for event in sample::events() {
            term.handle(&event).unwrap();
        }
        term.finish().unwrap();
        String::from_utf8(term.out).unwrap()
    }

    #[test]
    fn a_run_reads_well_without_a_terminal() {
        insta::assert_snapshot!(report(Paint::Plain, Live::Off));
    }

    #[test]
    fn tests_that_were_tried_again_or_expected_to_fail_say_so() {
        let mut term = Term::new(Vec::new(), Paint::Plain, Live::Off);
        for event in sample::marked() {
            term.handle(&event).unwrap();
        }
        insta::assert_snapshot!(String::from_utf8(term.out).unwrap());
    }

    #[test]
    fn a_load_is_told_every_ten_seconds_and_whole_at_its_end() {
        let told = |live| {
            let mut term = Term::new(Vec::new(), Paint::Plain, live);
            for event in sample::load_events() {
                term.handle(&event).unwrap();
            }
            String::from_utf8(term.out).unwrap()
        };
        insta::assert_snapshot!(told(Live::Off));
        let live = told(Live::On { columns: || 72 });
        assert!(!live.contains("LOAD"), "{live}");
        let statuses: Vec<_> = live.split(CLEAR_LINE).filter(|status| status.starts_with("load ")).collect();
        assert_eq!(statuses.len(), 4);
        assert_eq!(statuses[1], "load 10s  100 offered, 21 up, 10.0/s, ASR 97.47 %, setup p95 100ms, 2 …");
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let coloured = report(Paint::Ansi, Live::Off);
        let bare = anstream::adapter::strip_str(&coloured).to_string();
        assert_ne!(coloured, bare);
        assert_eq!(bare, report(Paint::Plain, Live::Off));
    }

    #[test]
    fn the_status_line_never_wraps_and_the_last_one_is_cleared() {
        let live = report(Paint::Plain, Live::On { columns: || 40 });
        let parts: Vec<_> = live.split(CLEAR_LINE).collect();
        let statuses: Vec<_> = parts.iter().map(|part| part.rsplit('\n').next().unwrap()).collect();
        assert!(statuses.iter().any(|status| status.starts_with("running 5  passed 0")), "{statuses:?}");
        assert!(statuses.iter().all(|status| status.chars().count() < 40), "{statuses:?}");
        assert_eq!(*statuses.last().unwrap(), "");
    }

    #[test]
    fn what_a_switch_sends_reaches_the_terminal_escaped() {
        let text = report(Paint::Plain, Live::Off);
        assert!(text.contains(r"caller_id=\u{1b}[31mred\n"), "{text}");
        assert!(!text.contains('\x1b') && !text.contains('\u{ffff}'));
    }

    /// Fails as a pipe or a disk does.
    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error_but_a_full_disk_is() {
        let event = &sample::events()[0];
        let mut gone = Term::new(Failing(io::ErrorKind::BrokenPipe), Paint::Plain, Live::Off);
        gone.handle(event).unwrap();
        let mut full = Term::new(Failing(io::ErrorKind::StorageFull), Paint::Plain, Live::Off);
        assert!(matches!(full.handle(event), Err(ReportError::Output(_))));
    }
}
