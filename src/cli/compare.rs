//! `callwright compare`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, complain, exit, log, print, tell};
use crate::compare::measure::{Tolerance, Tolerances};
use crate::compare::{Comparison, compare};
use crate::report::comparison;

const EXAMPLES: &str = "\
Examples:
  callwright run --json old.jsonl        # before the change
  callwright run --json new.jsonl        # after it
  callwright compare old.jsonl new.jsonl
      What got worse: verdicts, latencies, audio.
  callwright compare old.jsonl new.jsonl --latency-tolerance 10%,20ms
      Latencies that are steadier than most.
  callwright compare old.jsonl new.jsonl --format markdown >> \"$GITHUB_STEP_SUMMARY\"
      For the summary of a GitHub job.
";

/// Say what got worse from one run to another
///
/// Both are JSON lines reports (`callwright run --json FILE`). A test that passed and no longer does is a regression. A
/// figure that got worse is one where medians differ by more than its tolerance and more than noise: with --repeat, by
/// the spread of the values and a rank test as well (five values or more on each side; with eight, a fifth of an absolute
/// tolerance is enough). Beyond the tolerances below: 2 Hz, 1 percentage point of loss and clipping, 0.02 of likeness, one
/// gap. Exit codes here: 0 nothing got worse, 1 a regression, 4 a file cannot be read, 5 the runs have no test in common.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// The run that is compared with
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The run that is judged
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// How the comparison is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    tolerances: ToleranceArguments,
}

/// What a change must exceed to be one; options of `compare` and of `run --baseline`.
#[derive(Clone, Copy, Debug, PartialEq, Args)]
pub(super) struct ToleranceArguments {
    /// Change of a latency that is none: a share, a time or both, of which the greater counts
    #[arg(long, value_name = "SHARE,TIME", default_value = "20%,50ms")]
    latency_tolerance: Tolerance,

    /// Change of a MOS that is none
    #[arg(long, value_name = "MOS", default_value_t = Tolerances::default().mos, value_parser = positive)]
    mos_tolerance: f64,

    /// Change of a level or gain that is none, in dB
    #[arg(long, value_name = "DB", default_value_t = Tolerances::default().level, value_parser = positive)]
    level_tolerance: f64,
}

impl From<ToleranceArguments> for Tolerances {
    fn from(arguments: ToleranceArguments) -> Tolerances {
        let ToleranceArguments { latency_tolerance: latency, mos_tolerance: mos, level_tolerance: level } = arguments;
        Tolerances { latency, mos, level }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches("dB").trim_end().parse::<f64>().ok();
    number.filter(|number| number.is_finite() && *number >= 0.0).ok_or_else(|| "not a number from 0 on".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    // Both are read, so that both complaints are seen at once.
    let (Some(old), Some(new)) = (log::read(&arguments.old), log::read(&arguments.new)) else { return Exit::Usage };
    let mut compared = compare(&old.events, &new.events, &arguments.tolerances.into());
    let of = |path: &PathBuf, warnings: Vec<String>| {
        let named = move |warning| format!("{}: {warning}", path.display());
        warnings.into_iter().map(named).collect::<Vec<_>>()
    };
    compared.warnings.extend(of(&arguments.old, old.warnings).into_iter().chain(of(&arguments.new, new.warnings)));
    let text = match arguments.format {
        Format::Text => Ok(comparison::text(&compared)),
        Format::Markdown => Ok(comparison::markdown(&compared)),
        Format::Json => serde_json::to_string_pretty(&compared).map(|json| json + "\n"),
    };
    let printed = text.map_err(|error| error.to_string()).and_then(|text| {
        let shown = match arguments.format {
            Format::Text => tell(&text),
            Format::Markdown | Format::Json => print(&text),
        };
        shown.map_err(|error| error.to_string())
    });
    if let Err(error) = printed {
        complain(format_args!("cannot print: {error}"));
        return Exit::Unknown;
    }
    judged(&compared)
}

/// The exit code of a comparison; says so where there was nothing to compare.
pub(super) fn judged(compared: &Comparison) -> Exit {
    if compared.regressions() > 0 {
        return Exit::Failed;
    }
    if compared.common == 0 {
        complain("the runs have no test in common: tests are the same when file and name are");
        return Exit::NothingSelected;
    }
    Exit::Passed
}
