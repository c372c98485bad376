//! `callwright run`

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::compare::{ToleranceArguments, judged};
use super::host_arguments::HostArguments;
use super::metrics_listen::MetricsListen;
use super::reports::ReportArguments;
use super::{Exit, complain, exit, log, selection};
use crate::bound::parse_value;
use crate::compare::compare;
use crate::id::Ids;
use crate::redact::Redactor;
use crate::report::{Report, ReportError, Reports, comparison};
use crate::run::log::Log;
use crate::run::{
    self, Choice, HostSpec, Last, ListFormat, Options, Outcome, Purpose, RunError, RunEvent, Seed, Shard, StartAt,
    Watcher,
};

const EXAMPLES: &str = "\
Examples:
  callwright run
      Runs every scenario in the folder `scenarios` on the embedded switch.
  callwright run 'scenarios/tone.yaml::the milliwatt survives the loop'
      Runs one test.
  callwright run 'scenarios/**/dtmf*.yaml' -k 'digits and not inband' -m smoke
      Runs some of the tests in some of the files.
  callwright run --lf
      Runs those that failed last time.
  callwright run --shard 1/3 --random-order
      Runs a third of the tests, in an order that the printed seed repeats.
  callwright run --fshost 10.0.0.5 --fshost 10.0.0.6:8022 --junit out/junit.xml
      Runs every scenario on two FreeSWITCH hosts, and writes a JUnit report.
  callwright run --fshost a=10.0.0.5 --callee-host b=10.0.0.6
      Calls from one host to another, and looks at both ends.
  callwright run --fshost embedded --fshost embedded
      Runs every scenario on two switches of its own.
  callwright run --json - | jq -r 'select(.event == \"test_ended\") | [.verdict, .test.name] | @tsv'
      Events for other programs, as they happen; what people read goes to the standard error.
  callwright run --html out/report.html
      Writes a page to read and listen to.
  callwright run load.yaml --load-shard 1/3 --start-at 2026-01-02T03:04:05Z --json 1.jsonl
      Makes every third call of a load, as the first of three controllers that begin together; `merge` joins what they
      tell.
  callwright run -j 50 -x --retries 2 --durations 5
      Runs 50 tests side by side, each up to three times, stops after the first that still fails, tells the 5 slowest.

Ctrl-C (or SIGTERM) once hangs up the calls, runs teardowns and writes the reports; twice ends at once.
";

/// Run scenarios and say which passed
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    #[command(flatten)]
    selection: selection::Arguments,

    #[command(flatten)]
    picking: Picking,

    /// Event socket of a FreeSWITCH host to run on, or `embedded` for a switch of the run's own; may be given several
    /// times, each with a NAME that reports and `${host.name}` have. Without any, one embedded switch is started
    #[arg(long = "fshost", value_name = "[NAME=]HOST[:PORT]")]
    hosts: Vec<HostSpec>,

    #[command(flatten)]
    reach: HostArguments,

    /// Print the node ids of the tests instead of running them; `json` tells more of each (conf/list.schema.json)
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    list: Option<List>,

    /// Run at most N tests side by side
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Keep every byte of the hosts' event sockets in DIR, for `callwright replay DIR`
    #[arg(long, value_name = "DIR")]
    record_esl: Option<PathBuf>,

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

    /// Make the Ith of N parts of a load: each of N controllers has the same documents, and makes every Nth call. Limits
    /// are shared out; rates and times stay those of the whole. `merge` joins their JSON lines reports
    #[arg(long, value_name = "I/N")]
    load_shard: Option<Shard>,

    /// Begin a load at this time, as `2026-01-02T03:04:05Z`, or `+30s` from now; all hosts are up before. Controllers of
    /// one load begin at one time, by clocks that are synchronised
    #[arg(long, value_name = "TIME")]
    start_at: Option<StartAt>,

    #[command(flatten)]
    reports: ReportArguments,

    #[command(flatten)]
    listen: MetricsListen,

    /// Compare with the run whose JSON lines report is FILE, as `callwright compare` does; a regression is a failure, even
    /// where all tests passed
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    #[command(flatten)]
    tolerances: ToleranceArguments,
}

// Which of the tests, in which order: applied after PATH, -k and -m, in the order in which they stand here
#[derive(Debug, Args)]
#[group(skip)]
struct Picking {
    /// Run only the tests that failed last time; all, if none did
    #[arg(long, visible_alias = "last-failed", conflicts_with = "ff")]
    lf: bool,

    /// Run each test N times, all once before any again; reports put #1, #2 ... behind the names
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,

    /// Run the Ith of N parts of the tests: dealt out in turn in the order of their ids, so that each is in one part
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,

    /// Run the tests in a random order, whose seed is told; with that SEED, in the same order again
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true, default_missing_value = "new")]
    random_order: Option<Seed>,

    /// Run the tests that failed last time first
    #[arg(long, visible_alias = "failed-first")]
    ff: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum List {
    Text,
    Json,
}

/// A time longer than zero, with its unit.
pub(super) fn time(text: &str) -> Result<Duration, String> {
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
    let mut reports = match arguments.list.is_some() {
        // A list of names has no reports.
        true => Vec::new(),
        false => match arguments.reports.reports() {
            Ok(reports) => reports,
            Err(error) => {
                complain(error);
                return Exit::Usage;
            }
        },
    };
    let baseline = match arguments.baseline.as_deref().filter(|_| arguments.list.is_none()).map(Baseline::read) {
        None => None,
        // It is no use to run first and find that out then.
        Some(None) => return Exit::Usage,
        Some(Some((baseline, listener))) => {
            reports.push(listener);
            Some((baseline, arguments.tolerances))
        }
    };
    if arguments.list.is_none() {
        match arguments.listen.report() {
            Ok(report) => reports.extend(report),
            Err(exit) => return exit,
        }
    }
    let piped = arguments.reports.takes_stdout() == Ok(true);
    let (exit, outcome) = told(run::execute(options(arguments), Reports::new(reports), Watcher::none(), secrets));
    match (baseline, outcome) {
        (Some((baseline, tolerances)), Some(Outcome::Ended { .. })) => {
            let compared = baseline.compare(tolerances, if piped { super::show_text } else { super::print });
            if exit == Exit::Passed { compared } else { exit }
        }
        _ => exit,
    }
}

/// Tells what became of a run beyond what its reports tell; the exit code.
pub(super) fn told(run: Result<Outcome, RunError>) -> (Exit, Option<Outcome>) {
    match run {
        Ok(outcome) => {
            match &outcome {
                Outcome::Ended { report_errors, .. } => report_errors.iter().for_each(complain),
                // Diagnostics begin with `error:` themselves.
                Outcome::BadScenario(diagnostics) => super::show(diagnostics),
                Outcome::NothingSelected(reason) => complain(reason),
                Outcome::Listed => {}
            }
            (Exit::from(&outcome), Some(outcome))
        }
        Err(error) => {
            complain(error);
            (Exit::Unknown, None)
        }
    }
}

/// The run that this one is compared with, and what this one told.
struct Baseline {
    old: Log,
    heard: Receiver<RunEvent>,
}

impl Baseline {
    /// The baseline, and the report that hears this run for it; `None` where it cannot be read, which has been told.
    fn read(path: &Path) -> Option<(Baseline, Box<dyn Report>)> {
        let old = log::read(path)?;
        old.warnings.iter().for_each(|warning| log::warn(&format!("{}: {warning}", path.display())));
        let (tell, heard) = channel();
        Some((Baseline { old, heard }, Box::new(Listener { tell })))
    }

    /// Tells what got worse.
    fn compare(self, tolerances: ToleranceArguments, tell: fn(&str) -> std::io::Result<()>) -> Exit {
        let new: Vec<RunEvent> = self.heard.try_iter().collect();
        let compared = compare(&self.old.events, &new, &tolerances.into());
        if let Err(error) = tell(&comparison::text(&compared)) {
            complain(format_args!("cannot print: {error}"));
            return Exit::Unknown;
        }
        judged(&compared)
    }
}

/// Keeps what a comparison needs.
struct Listener {
    tell: Sender<RunEvent>,
}

impl Report for Listener {
    fn handle(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        // How a load fared meanwhile is not compared, and there may be millions of calls.
        if matches!(event, RunEvent::LoadTold { .. } | RunEvent::CallEnded { .. }) {
            return Ok(());
        }
        let mut event = event.clone();
        if let RunEvent::TestEnded(report) = &mut event {
            report.legs.clear();
            report.earlier.clear();
        }
        // Whoever listened is gone only where the run has broken off.
        let _ = self.tell.send(event);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        Ok(())
    }
}

fn options(arguments: Arguments) -> Options {
    let Arguments { selection, picking, hosts, reach, list, jobs, record_esl, .. } = arguments;
    let HostArguments { callee_hosts, host_files, password, recordings } = reach;
    let Arguments { fail_fast, max_fail, retries, timeout, slow, load_shard, start_at, .. } = arguments;
    let max_fail = if fail_fast { Some(NonZeroUsize::MIN) } else { max_fail };
    let purpose = match list {
        None => Purpose::Run,
        Some(List::Text) => Purpose::List(ListFormat::Text),
        Some(List::Json) => Purpose::List(ListFormat::Json),
    };
    Options {
        choice: choice(selection, picking),
        hosts,
        callee_hosts,
        host_files,
        password,
        recordings,
        purpose,
        jobs,
        record_esl,
        max_fail,
        retries,
        timeout,
        slow,
        load_shard,
        start_at,
    }
}

fn choice(selection: selection::Arguments, picking: Picking) -> Choice {
    let Picking { lf, repeat, shard, random_order, ff } = picking;
    let last = if lf { Some(Last::Only) } else { ff.then_some(Last::First) };
    let seed = random_order.map(|seed| match seed {
        // Short enough to be typed.
        Seed::New => u64::from(Ids::random().number()),
        Seed::Given(seed) => seed,
    });
    let repeat = NonZeroU32::new(repeat).unwrap_or(NonZeroU32::MIN);
    Choice { last, repeat, shard, seed, ..selection.choice() }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command};
    use super::*;
    use crate::scenario::Programs;

    fn parsed(line: &[&str]) -> Options {
        let Command::Run(arguments) = Cli::try_parse_from(line).unwrap().command else { panic!("not `run`: {line:?}") };
        options(*arguments)
    }

    #[test]
    fn without_arguments_every_scenario_runs_on_the_embedded_switch() {
        let options = parsed(&["callwright", "run", "--password", "ClueCon"]);
        assert_eq!(options.choice, Choice::of(vec!["scenarios".to_owned()]));
        assert_eq!((options.hosts.len(), options.jobs), (0, None));
        assert_eq!((options.max_fail, options.retries), (None, 0));
        assert_eq!((options.timeout, options.slow), (Duration::from_secs(60), Duration::from_secs(60)));
        assert_eq!((options.password.as_str(), options.purpose), ("ClueCon", Purpose::Run));
    }

    #[test]
    fn every_argument_reaches_the_run() {
        let line = "callwright run a b.yaml --fshost x --fshost n=[::1]:1 --callee-host embedded --hosts h --password p --recordings x:/r=l -k tone -m not-x --lf --repeat 2 \
             --shard 1/3 --random-order=7 --list=json -j 3 --allow-system";
        let options = parsed(&line.split(' ').collect::<Vec<_>>());
        let choice = Choice {
            paths: vec!["a".to_owned(), "b.yaml".to_owned()],
            written: None,
            keyword: Some("tone".to_owned()),
            tags: Some("not-x".to_owned()),
            last: Some(Last::Only),
            repeat: NonZeroU32::new(2).unwrap(),
            shard: Some(Shard { index: 1, count: 3 }),
            seed: Some(7),
            programs: Programs::Allowed,
        };
        assert_eq!(options.choice, choice);
        assert_eq!(options.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["x:8021", "n=[::1]:1"]);
        assert_eq!((options.callee_hosts[0].to_string().as_str(), options.host_files.len()), ("embedded", 1));
        assert_eq!(options.password, "p");
        assert_eq!(options.recordings, ["x:/r=l".parse().unwrap()]);
        assert_eq!(options.purpose, Purpose::List(ListFormat::Json));
        assert_eq!(options.jobs, NonZeroUsize::new(3));
        let line = "callwright run --maxfail 3 --retries 2 --timeout 1.5m --slow 200ms";
        let options = parsed(&line.split(' ').collect::<Vec<_>>());
        assert_eq!((options.max_fail, options.retries), (NonZeroUsize::new(3), 2));
        assert_eq!((options.timeout, options.slow), (Duration::from_secs(90), Duration::from_millis(200)));
        let line = "callwright run --load-shard 2/3 --start-at +30s";
        let options = parsed(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(options.load_shard, Some(Shard { index: 2, count: 3 }));
        assert_eq!(options.start_at, Some(StartAt::In(Duration::from_secs(30))));
        assert_eq!(parsed(&["callwright", "run", "-x"]).max_fail, NonZeroUsize::new(1));
    }

    #[test]
    fn a_time_without_a_unit_or_of_nothing_is_refused() {
        for wrong in [
            "--slow=10",
            "--timeout=0s",
            "--timeout=x",
            "--maxfail=0",
            "--retries=11",
            "--start-at=30s",
            "--load-shard=0/2",
        ] {
            assert!(Cli::try_parse_from(["callwright", "run", wrong]).is_err(), "{wrong}");
        }
    }
}
