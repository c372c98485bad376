//! `callwright plot`

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::cdr_file::{self, CdrError};
use super::{Exit, complain, exit};
use crate::report::load::{LoadCurves, Topic, Topics};
use crate::report::{ReportFile, chart, load_page};

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
/// Reads call detail records, one JSON object a line, and draws over the time since the start of the load: latencies, calls
/// and sessions at once with the failures so far, failures by cause, the call rate, and how late calls were launched. Of few
/// calls each is shown; of many, quantiles within 1 %, and every maximum. Exit codes here: 0 drawn, 3 a file could not be
/// written, or FILE breaks off and only what is before that was drawn, 4 FILE cannot be read, or has no records.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// Call detail records of a load
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
    let fails = |error: &CdrError| complain(format_args!("{}: {error}", file.display()));
    let mut records = cdr_file::read(file).map_err(|error| fails(&error)).ok()?;
    let mut error = None;
    let good = std::iter::from_fn(|| records.next()?.map_err(|broken| error = Some(broken)).ok());
    let curves = LoadCurves::from_cdrs(good);
    match error {
        Some(cut @ CdrError::CutOff(_)) if curves.calls.offered > 0 => {
            complain(format_args!("{}: {cut}; the calls before it are drawn", file.display()));
            Some((curves, Exit::Unknown))
        }
        Some(error) => {
            fails(&error);
            None
        }
        None if curves.calls.offered == 0 => {
            complain(format_args!("{} has no call detail record", file.display()));
            None
        }
        None => Some((curves, Exit::Passed)),
    }
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
