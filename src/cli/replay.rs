//! `callwright replay`

use std::path::PathBuf;

use clap::Args;

use super::{Exit, complain, exit};
use crate::journal::Journal;
use crate::report::{Junit, Report, Reports, Term};
use crate::run::Outcome;
use crate::run::replay::{Edited, ReplayError, replay};

const EXAMPLES: &str = "\
Examples:
  callwright run scenarios --fshost 10.0.0.5 --record-esl out/esl
  callwright replay out/esl
      The same verdicts once more, without the host.
  callwright replay out/esl --scenario scenarios/tone.yaml
      What they would have been with the expectations that the file has now.
  jq -r 'select(.came.line == \"events\") | .came.bytes.text' out/esl/journal.jsonl
      What the hosts told.
";

/// Run the verdicts of a recorded run again, offline
///
/// `callwright run --record-esl DIR` keeps every byte of the event sockets, the recordings of the calls and the text of the
/// scenarios. A scenario that now does something else than was recorded is an error: the recording cannot answer it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// Folder of a recorded run, or its journal
    #[arg(value_name = "DIR")]
    journal: PathBuf,

    /// Take the text of this file in place of the scenario file of the same name that was run
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,

    /// Write a JUnit XML report to FILE
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Exit {
    let Arguments { journal, scenario, junit } = arguments;
    let journal = match Journal::read(&journal) {
        Ok(journal) => journal,
        Err(error) => {
            complain(error);
            return Exit::Usage;
        }
    };
    let edited = match scenario
        .map(|path| std::fs::read_to_string(&path).map(|text| (path.clone(), text)).map_err(|e| (path, e)))
    {
        None => None,
        Some(Ok((path, text))) => Some(Edited { path, text }),
        Some(Err((path, error))) => {
            complain(format_args!("{}: {error}", path.display()));
            return Exit::Usage;
        }
    };
    let mut reports: Vec<Box<dyn Report>> = vec![Box::new(Term::stdout())];
    if let Some(path) = &junit {
        reports.push(Box::new(Junit::new(path)));
    }
    let mut reports = Reports::new(reports);
    let ended = replay(&journal, edited.as_ref(), &mut |event| reports.handle(event));
    let report_errors = reports.finish();
    report_errors.iter().for_each(complain);
    match ended {
        Ok(summary) => Exit::from(&Outcome::Ended { summary, report_errors }),
        Err(error) => {
            match error {
                // Diagnostics begin with `error:` themselves.
                ReplayError::Scenario(diagnostics) => super::show(&diagnostics),
                error => complain(error),
            }
            Exit::Usage
        }
    }
}
