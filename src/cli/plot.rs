//! `callwright plot`

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, complain, exit, log};
use crate::report::cdr::CdrReader;
use crate::report::load::{LoadCurves, Topic, Topics};
use crate::report::{ReportFile, chart, load_page};
use crate::run::RunEvent;

const EXAMPLES: &str = "\
Examples:
  callwright plot calls.jsonl
      A page with all charts and the figures: calls.html.
  callwright plot calls.jsonl -o load.png -o load.svg
      Pictures with all charts below one another.
  callwright plot calls.jsonl --only setup,failures,rate -o why.html
      Some charts. `latency` is all five latencies.
";

/// Draw charts of a load test
///
/// Reads call detail records as `run --cdr` writes them, CSV or JSON lines, and draws over the time since the start of the load: latencies, calls
/// and sessions at once with the failures so far, failures by cause, the call rate, and how late calls were launched. Of few
/// calls each is shown; of many, quantiles within 1 %, and every maximum. Of the JSON lines report of a run (`run --json`)
/// the load is drawn that it has, from what was counted over time. Exit codes here: 0 drawn, 3 a file could not be
/// written, or FILE breaks off and only what is before that was drawn, 4 FILE cannot be read, or has no records.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// Call detail records of a load, or the JSON lines report of a run
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What is written: a page (`.html`) or a picture (`.svg`, `.png`); may be given several times. FILE with `.html`
    /// where it is not given
    #[arg(short, long, value_name = "OUT", value_parser = output)]
    output: Vec<Output>,

    /// Charts to draw, with commas between: setup, pdd, invite, answer, originate, active, failures, rate, late, cpu,
    /// memory; `latency` is the first five, `host` the last two
    #[arg(long, value_name = "CHART,...", value_delimiter = ',')]
    only: Vec<Topics>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Output {
    path: PathBuf,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
    Html,
}

fn output(text: &str) -> Result<Output, String> {
    let path = PathBuf::from(text);
    let format = match path.extension().and_then(OsStr::to_str) {
        Some("svg") => Format::Svg,
        Some("png") => Format::Png,
        Some("html") => Format::Html,
        _ => return Err("the name ends in `.html`, `.svg` or `.png`".to_owned()),
    };
    Ok(Output { path, format })
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let outputs = match &arguments.output[..] {
        [] => &[Output { path: arguments.file.with_extension("html"), format: Format::Html }],
        outputs => outputs,
    };
    // Also where one is a link to the other.
    let real = |path: &Path| std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).ok();
    if let Some(same) = outputs.iter().find(|output| real(&output.path) == real(&arguments.file)) {
        complain(format_args!("{} is read, so it cannot be written; `-o` takes another name", same.path.display()));
        return Exit::Usage;
    }
    let Some((curves, mut exit)) = curves(&arguments.file) else { return Exit::Usage };
    let topics = match &arguments.only[..] {
        [] => Topic::ALL.to_vec(),
        only => only.iter().flat_map(|topics| topics.0.iter().copied()).collect(),
    };
    if curves.charts(&topics).is_empty() {
        complain(format_args!("{} tells nothing of hosts, so there is no such chart", arguments.file.display()));
        return Exit::Usage;
    }
    let title = arguments.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for output in outputs {
        if let Err(error) = write(output, &title, &curves, &topics) {
            complain(error);
            exit = Exit::Unknown;
        }
    }
    exit
}

/// The curves of a file, and whether they are all of it; `None` where there are none, which is told.
fn curves(file: &Path) -> Option<(LoadCurves, Exit)> {
    if is_log(file) {
        return of_log(file).map(|curves| (curves, Exit::Passed));
    }
    let mut records = CdrReader::open(file).map_err(complain).ok()?;
    let mut error = None;
    let good = std::iter::from_fn(|| records.next()?.map_err(|wrong| error = Some(wrong)).ok());
    let curves = LoadCurves::from_cdrs(good);
    if let Some(error) = error {
        complain(error);
        return None;
    }
    match (curves.calls.offered, records.is_torn()) {
        (0, false) => complain(format_args!("{} has no call detail record", file.display())),
        (0, true) => complain(format_args!("{} breaks off within its first record", file.display())),
        (_, false) => return Some((curves, Exit::Passed)),
        (_, true) => {
            complain(format_args!("{} breaks off within a record; the calls before it are drawn", file.display()));
            return Some((curves, Exit::Unknown));
        }
    }
    None
}

/// Whether the file is the JSON lines report of a run: its first line is an event.
fn is_log(file: &Path) -> bool {
    // No first event is longer.
    const LONGEST: u64 = 1 << 20;
    let mut line = Vec::new();
    let read = File::open(file).and_then(|file| BufReader::new(file.take(LONGEST)).read_until(b'\n', &mut line));
    let event = serde_json::from_slice::<serde_json::Value>(&line).ok();
    read.is_ok() && event.is_some_and(|line| line.get("event").is_some())
}

/// The load of a run.
fn of_log(file: &Path) -> Option<LoadCurves> {
    let read = log::read(file)?;
    let loads = read.events.iter().filter_map(|event| match event {
        RunEvent::TestEnded(report) => Some((&report.test, report.load.as_deref()?)),
        _ => None,
    });
    match &loads.collect::<Vec<_>>()[..] {
        [] => complain(format_args!("{} tells of no load", file.display())),
        [(_, load)] => return Some(LoadCurves::from_series(&load.report.series)),
        several => {
            let names: Vec<String> = several.iter().map(|(test, _)| test.to_string()).collect();
            complain(format_args!("{} tells of several loads: {}", file.display(), names.join(", ")));
        }
    }
    None
}

fn write(Output { path, format }: &Output, title: &str, curves: &LoadCurves, topics: &[Topic]) -> Result<(), String> {
    let bytes = match format {
        Format::Html => Ok(load_page(title, curves, topics).into_bytes()),
        Format::Svg => chart::svg(title, &curves.charts(topics)).map(String::into_bytes),
        Format::Png => chart::png(title, &curves.charts(topics)),
    };
    let bytes = bytes.map_err(|error| format!("{}: {error}", path.display()))?;
    let file = ReportFile::new(path);
    file.prepare().and_then(|()| file.write(bytes)).map_err(|error| error.to_string())
}
