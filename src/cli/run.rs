//! `callwright run`

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::OnceLock;

use clap::Args;

use super::{Exit, complain, exit};
use crate::redact::Redactor;
use crate::report::{Junit, Report, Reports, Term};
use crate::run::{self, HostAddress, Mapping, Options, Outcome, Purpose};

const EXAMPLES: &str = "\
Examples:
  callwright run
      Runs every scenario in the folder `scenarios` on the embedded switch.
  callwright run 'scenarios/tone.yaml::the milliwatt survives the loop'
      Runs one test.
  callwright run scenarios -k ring
      Runs the tests that have `ring` in their file, name or tags.
  callwright run --fshost 10.0.0.5 --fshost 10.0.0.6:8022 --junit out/junit.xml
      Runs every scenario on two FreeSWITCH hosts, and writes a JUnit report.
";

/// Run scenarios and say which passed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// Scenario files, folders of them, and single tests as FILE::NAME
    #[arg(value_name = "PATH", default_value = "scenarios")]
    paths: Vec<String>,

    /// Event socket of a FreeSWITCH host to run on; may be given several times. Without any, an embedded switch is
    /// started
    #[arg(long = "fshost", value_name = "HOST[:PORT]")]
    hosts: Vec<HostAddress>,

    /// Password of the hosts' event sockets
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "CALLWRIGHT_PASSWORD",
        hide_env_values = true,
        default_value = "ClueCon"
    )]
    password: String,

    /// A folder of a host's recordings and the folder here that shows it; may be given several times, and for one host
    /// alone. Without, recordings are looked for where the host wrote them, and else carried over its event socket, where
    /// that allows `system`
    #[arg(long = "recordings", value_name = "[HOST:]REMOTE=LOCAL")]
    recordings: Vec<Mapping>,

    /// Write a JUnit XML report to FILE
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Run only tests that have TEXT in their FILE::NAME or in a tag
    #[arg(short = 'k', long = "select", value_name = "TEXT")]
    select: Option<String>,

    /// Print the names of the tests instead of running them
    #[arg(long)]
    list: bool,

    /// Run at most N tests side by side
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Keep every byte of the hosts' event sockets in DIR, for `callwright replay DIR`
    #[arg(long, value_name = "DIR")]
    record_esl: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments, secrets: &OnceLock<Redactor>) -> Exit {
    let reports = reports(&arguments);
    match run::execute(options(arguments), reports, secrets) {
        Ok(outcome) => {
            match &outcome {
                Outcome::Ended { report_errors, .. } => report_errors.iter().for_each(complain),
                // Diagnostics begin with `error:` themselves.
                Outcome::BadScenario(diagnostics) => super::show(diagnostics),
                Outcome::NothingSelected(reason) => complain(reason),
                Outcome::Listed => {}
            }
            Exit::from(&outcome)
        }
        Err(error) => {
            complain(error);
            Exit::Unknown
        }
    }
}

/// A list of names has no reports.
fn reports(arguments: &Arguments) -> Reports {
    let mut reports: Vec<Box<dyn Report>> = Vec::new();
    if !arguments.list {
        reports.push(Box::new(Term::stdout()));
        if let Some(path) = &arguments.junit {
            reports.push(Box::new(Junit::new(path)));
        }
    }
    Reports::new(reports)
}

fn options(arguments: Arguments) -> Options {
    let Arguments { paths, hosts, password, recordings, select, list, jobs, record_esl, junit: _ } = arguments;
    let purpose = if list { Purpose::List } else { Purpose::Run };
    Options { paths, hosts, password, recordings, select, purpose, jobs, record_esl }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command};
    use super::*;

    fn parsed(line: &[&str]) -> Options {
        let Command::Run(arguments) = Cli::try_parse_from(line).unwrap().command else { panic!("not `run`: {line:?}") };
        options(arguments)
    }

    #[test]
    fn without_arguments_every_scenario_runs_on_the_embedded_switch() {
        let options = parsed(&["callwright", "run", "--password", "ClueCon"]);
        assert_eq!(options.paths, ["scenarios"]);
        assert_eq!((options.hosts.len(), options.select, options.jobs), (0, None, None));
        assert_eq!((options.password.as_str(), options.purpose), ("ClueCon", Purpose::Run));
    }

    #[test]
    fn every_argument_reaches_the_run() {
        let line =
            "callwright run a b.yaml --fshost x --fshost [::1]:1 --password p --recordings x:/r=l -k tone --list -j 3";
        let options = parsed(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(options.paths, ["a", "b.yaml"]);
        assert_eq!(options.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["x:8021", "[::1]:1"]);
        assert_eq!(options.password, "p");
        assert_eq!(options.recordings, ["x:/r=l".parse().unwrap()]);
        assert_eq!(options.select.as_deref(), Some("tone"));
        assert_eq!(options.purpose, Purpose::List);
        assert_eq!(options.jobs, NonZeroUsize::new(3));
    }
}
