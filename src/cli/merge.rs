//! `callwright merge`

use std::path::{Path, PathBuf};

use clap::Args;

use super::reports::ReportArguments;
use super::{Exit, complain, exit, log};
use crate::report::Reports;
use crate::run::RunEvent;
use crate::run::merge::merge;

const EXAMPLES: &str = "\
Examples:
  callwright run --shard 1/2 --json 1.jsonl      # on one machine
  callwright run --shard 2/2 --json 2.jsonl      # on another
  callwright merge 1.jsonl 2.jsonl -o all.jsonl --junit out/junit.xml
      One run of both, with all reports that a run can have.
";

/// Join the JSON lines reports of shards into one run
///
/// Every report that a run can give is made of the whole. A result that is there twice counts once; a test that ran in
/// several of the files is kept as often, with a warning. A missing shard, or a file that breaks off, is told, and the
/// exit code is 3; otherwise it is that of the whole run.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// JSON lines reports
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Write the whole run as JSON lines to OUT, as --json does
    #[arg(short, long, value_name = "OUT")]
    output: Vec<PathBuf>,

    #[command(flatten)]
    reports: ReportArguments,
}

pub(super) fn run(mut arguments: Arguments) -> Exit {
    let read = |path: &PathBuf| log::read(path).map(|log| (path.display().to_string(), log));
    let logs: Vec<_> = arguments.files.iter().map(read).collect();
    let Some(logs) = logs.into_iter().collect::<Option<Vec<_>>>() else { return Exit::Usage };
    arguments.reports.json.append(&mut arguments.output);
    let written = |path: &Path| arguments.reports.junit.iter().chain(&arguments.reports.tap).any(|other| other == path);
    if let Some(path) = arguments.files.iter().find(|path| written(path)) {
        complain(format_args!("{} is read, and would be overwritten by another report", path.display()));
        return Exit::Usage;
    }
    if !arguments.reports.cdr.is_empty() {
        complain("`--cdr` is of `run`: a JSON lines report has no records of single calls");
        return Exit::Usage;
    }
    let mut reports = match arguments.reports.reports() {
        Ok(reports) => Reports::new(reports),
        Err(error) => {
            complain(error);
            return Exit::Usage;
        }
    };
    let merged = merge(&logs);
    for event in &merged.events {
        reports.handle(event);
    }
    let errors = reports.finish();
    errors.iter().for_each(complain);
    merged.warnings.iter().for_each(|warning| log::warn(warning));
    merged.missing.iter().for_each(complain);
    let exit = match merged.events.last() {
        Some(RunEvent::Ended { summary, .. }) => Exit::from(summary),
        _ => Exit::NothingSelected,
    };
    match exit {
        Exit::Interrupted => Exit::Interrupted,
        _ if !errors.is_empty() || !merged.missing.is_empty() => Exit::Unknown,
        exit => exit,
    }
}
