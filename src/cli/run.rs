//! `callwright run`

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use clap::Args;

use super::{Exit, complain, exit};
use crate::bound::parse_value;
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
  callwright run -j 50 -x --retries 2 --durations 5
      Runs 50 tests side by side, each up to three times, stops after the first that still fails, tells the 5 slowest.

Ctrl-C (or SIGTERM) once hangs up the calls, runs teardowns and writes the reports; twice ends at once.
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

    /// Begin no more tests after the first that fails or ends in error, as --maxfail 1
    #[arg(short = 'x', long = "fail-fast", conflicts_with = "max_fail")]
    fail_fast: bool,

    /// Begin no more tests after N that failed or ended in error. Those under way end as usual, the others are told as
    /// not run
    #[arg(long = "maxfail", value_name = "N")]
    max_fail: Option<NonZeroUsize>,

    /// Try a test that does not pass again, up to N times. What a scenario says itself (`retries:`, or that of its
    /// `_defaults.yaml`) wins
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10))]
    retries: u32,

    /// Fail a test after this time, as `30s`, and its `duration`. What a scenario says itself (`timeout:`, or that of its
    /// `_defaults.yaml`) wins
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    timeout: Duration,

    /// Tell that a test is slow once it has run for this time, as `90s`
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    slow: Duration,

    /// Tell the N slowest tests at the end; 0 tells all
    #[arg(long, value_name = "N")]
    durations: Option<usize>,
}

/// A time longer than zero, with its unit.
fn time(text: &str) -> Result<Duration, String> {
    match parse_value::<Duration>(text) {
        Ok(Duration::ZERO) => Err("it is no time at all".to_owned()),
        Ok(time) if time > LONGEST => Err("it is longer than a year".to_owned()),
        Ok(time) => Ok(time),
        Err(_) => Err("a time has a unit: `10s`, `200ms`, `1.5m`".to_owned()),
    }
}

/// As for times in scenarios.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

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
        reports.push(Box::new(Term::stdout().durations(arguments.durations)));
        if let Some(path) = &arguments.junit {
            reports.push(Box::new(Junit::new(path)));
        }
    }
    Reports::new(reports)
}

fn options(arguments: Arguments) -> Options {
    let Arguments { paths, hosts, password, recordings, select, list, jobs, junit: _, .. } = arguments;
    let Arguments { fail_fast, max_fail, retries, timeout, slow, .. } = arguments;
    let max_fail = if fail_fast { Some(NonZeroUsize::MIN) } else { max_fail };
    let purpose = if list { Purpose::List } else { Purpose::Run };
    Options { paths, hosts, password, recordings, select, purpose, jobs, max_fail, retries, timeout, slow }
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
        assert_eq!((options.max_fail, options.retries), (None, 0));
        assert_eq!((options.timeout, options.slow), (Duration::from_secs(60), Duration::from_secs(60)));
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
        let line = "callwright run --maxfail 3 --retries 2 --timeout 1.5m --slow 200ms";
        let options = parsed(&line.split(' ').collect::<Vec<_>>());
        assert_eq!((options.max_fail, options.retries), (NonZeroUsize::new(3), 2));
        assert_eq!((options.timeout, options.slow), (Duration::from_secs(90), Duration::from_millis(200)));
        assert_eq!(parsed(&["callwright", "run", "-x"]).max_fail, NonZeroUsize::new(1));
    }

    #[test]
    fn a_time_without_a_unit_or_of_nothing_is_refused() {
        for wrong in ["--slow=10", "--timeout=0s", "--timeout=x", "--maxfail=0", "--retries=11"] {
            assert!(Cli::try_parse_from(["callwright", "run", wrong]).is_err(), "{wrong}");
        }
    }
}
