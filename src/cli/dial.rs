//! `callwright dial`

mod document;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use self::document::Document;
use super::host_arguments::HostArguments;
use super::metrics_listen::MetricsListen;
use super::reports::ReportArguments;
use super::selection::AllowSystem;
use super::{Exit, complain, exit, run, show};
use crate::redact::Redactor;
use crate::report::{Dashboard, Later, Reports};
use crate::run::{self as running, Choice, HostSpec, Options, Purpose, SLOW, Watcher, Written};
use crate::scenario::Style;
use crate::scenario::load::TIMEOUT;

const EXAMPLES: &str = "\
Examples:
  callwright dial --rate 5 --for 30s
      Five calls a second for half a minute on the embedded switch.
  callwright dial 10.0.0.5 --profile external --proxy 10.0.0.9 --rate 30 --limit 2000 --max-offered 100000
      A device at 10.0.0.9 is sent 30 calls a second by a host at 10.0.0.5, 100,000 in all. Each talks so long that 2,000
      are there at once.
  callwright dial a=10.0.0.5 b=10.0.0.6 --proxy 10.0.0.9 --rate 100 --app bert*3 --app dtmf/digits=123,mode=info*1 \\
      --gate 'asr >= 99%' --gate 'setup_time.p95 < 250ms' --for 10m --metrics out
      A mix of calls from two hosts, judged by gates, with all figures in the folder `out`.
  callwright dial 10.0.0.5 --rate 10 --limit 100 --interactive
      Until `q`: a dashboard to watch the load and to change it.
  callwright dial --scenario scenarios/ringback.yaml --rate 2 --for 20s --metrics-listen 9100
      Scenarios of a file as load, watched by Prometheus.

As switchy's `run`, but for this: hosts may be none, and a proxy too; --limit is none unless it is given, --rate is 1; without
--limit and --duration calls talk as long as their app has it; --metrics (--metrics-file) is a folder; there is no `period`
and no batch: calls are offered one by one, on time, whatever became of those before. What is asked for is one scenario with a
`load`, so that `callwright check` tells all there is to say of such ones.

Without --max-offered and --for it goes on until Ctrl-C (or SIGTERM), which hangs up and has the gates decide. With them Ctrl-C
interrupts. Twice it ends at once.
";

/// Offer calls to hosts, as many as told, and say what became of them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{}", exit::help()))]
pub(super) struct Arguments {
    /// Event sockets of the FreeSWITCH hosts that call, or `embedded`, as --fshost of `run`; without any, one embedded
    /// switch is started
    #[arg(value_name = "[NAME=]HOST[:PORT]")]
    hosts: Vec<HostSpec>,

    #[command(flatten)]
    call: CallArguments,

    #[command(flatten)]
    load: LoadArguments,

    #[command(flatten)]
    settings: SettingArguments,

    #[command(flatten)]
    reach: HostArguments,

    /// What must hold of all calls together, as a gate of a scenario: `asr >= 99%`, `setup_time.p95 < 250ms`; may be given
    /// several times
    #[arg(long = "gate", value_name = "METRIC BOUND", value_parser = document::gate)]
    gates: Vec<document::Gate>,

    /// Write into the folder DIR: `calls.csv` with a record of each call, `run.jsonl` and `report.html`
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    metrics: Option<PathBuf>,

    /// Watch the load on a dashboard, and change it: `?` there tells the keys
    #[arg(long)]
    interactive: bool,

    #[command(flatten)]
    programs: AllowSystem,

    #[command(flatten)]
    listen: MetricsListen,

    #[command(flatten)]
    reports: ReportArguments,
}

/// How each call is made.
#[derive(Debug, Default, Args)]
#[group(skip)]
struct CallArguments {
    /// The device that is tested: calls are routed through it
    #[arg(long, value_name = "HOST[:PORT]")]
    proxy: Option<String>,

    /// SIP profile of the hosts that sends the calls: `external`, unless told otherwise
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// Gateway of the hosts that sends the calls, in place of a profile
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,

    /// Who is called: a user, `user@host` or a SIP URI
    #[arg(long, value_name = "USER")]
    dest: Option<String>,

    /// Codec to offer; of several, the preferred one first
    #[arg(long = "codec", value_name = "NAME")]
    codecs: Vec<String>,

    /// Talk time of the calls of apps, as `30s`; without it, with --limit: so long that the rate brings that many calls up,
    /// and 5 s more
    #[arg(long, value_name = "TIME", value_parser = run::time)]
    duration: Option<Duration>,
}

/// What is offered, and how fast.
#[derive(Debug, Args)]
#[group(skip)]
struct LoadArguments {
    /// Calls a second
    #[arg(long, value_name = "CPS", default_value = "1", value_parser = document::rate)]
    rate: f64,

    /// Calls at once (Erlangs); a call that is due while so many are there is skipped and counted
    #[arg(long, value_name = "CALLS", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,

    /// Calls offered in all
    #[arg(long, value_name = "CALLS", value_parser = clap::value_parser!(u32).range(1..))]
    max_offered: Option<u32>,

    /// How long calls are offered, as `10m`
    #[arg(long = "for", value_name = "TIME", value_parser = run::time)]
    time: Option<Duration>,

    /// A built-in app with its options, as `bert`, `tone_play/frequency=440` or `dtmf/digits=123,mode=info`, and its share
    /// of the calls behind `*`; may be given several times. `bert`, unless there is another or a --scenario
    #[arg(long = "app", value_name = "NAME[/KEY=VALUE,...][*WEIGHT]", value_parser = document::app)]
    apps: Vec<document::App>,

    /// Scenarios of a file as they are, or one of them, and their share of the calls; may be given several times
    #[arg(long = "scenario", value_name = "FILE[::NAME][*WEIGHT]", value_parser = document::file)]
    scenarios: Vec<document::File>,
}

/// What is set on each host while the load lasts, and restored after it.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(skip)]
struct SettingArguments {
    /// Sessions a second that each host is to take while the load lasts (`fsctl sps`)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sps: Option<u32>,

    /// Sessions at once that each host is to take while the load lasts (`fsctl max_sessions`)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_sessions: Option<u32>,

    /// How much each host is to log while the load lasts (`fsctl loglevel`)
    #[arg(long, value_name = "LEVEL")]
    loglevel: Option<LogLevel>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogLevel {
    Console,
    Alert,
    Crit,
    Err,
    Warning,
    Notice,
    Info,
    Debug,
}

/// What reports call it.
const NAME: &str = "dial";

pub(super) fn run(arguments: Arguments, secrets: &OnceLock<Redactor>) -> Exit {
    if arguments.interactive && !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        complain("--interactive needs a terminal, and the standard input or output is none");
        return Exit::Usage;
    }
    let document = Document::of(&arguments);
    let written = Written { name: NAME.to_owned(), text: document.text(), rerun: rerun(std::env::args()) };
    // What is wrong with the hosts the run tells.
    let hosts = running::named_hosts_of(&arguments.hosts, &arguments.reach.callee_hosts, &arguments.reach.host_files);
    let hosts = hosts.map(|hosts| running::caller_names(&hosts)).unwrap_or_default();
    let loaded = written.load(&hosts, arguments.programs.programs());
    if loaded.has_errors() {
        for diagnostic in &loaded.diagnostics {
            match document.tell(diagnostic) {
                Some(told) => complain(told),
                None => show(&diagnostic.render(Style::Coloured)),
            }
        }
        return Exit::Usage;
    }
    let mut reports = match Arguments::reports(&arguments) {
        Ok(reports) => reports,
        Err(error) => {
            complain(error);
            return Exit::Usage;
        }
    };
    match arguments.listen.report() {
        Ok(report) => reports.extend(report),
        Err(exit) => return exit,
    }
    let mut watcher = Watcher::none();
    if arguments.interactive {
        watcher = Watcher::new(Dashboard::restore);
        let orders = watcher.orders();
        // What would be printed meanwhile comes after it.
        let told = reports.remove(0);
        reports.insert(0, Box::new(Later::new(told)));
        let order = move |order| {
            // The run may be over.
            let _ = orders.send(order);
        };
        reports.insert(0, Box::new(Dashboard::new(order)));
    }
    run::told(running::execute(options(arguments, written), Reports::new(reports), watcher, secrets)).0
}

impl Arguments {
    fn reports(&self) -> Result<Vec<Box<dyn crate::report::Report>>, String> {
        let ReportArguments { durations, junit, html, json, tap, github, cdr } = &self.reports;
        let in_folder = |name: &str| self.metrics.iter().map(|folder| folder.join(name)).collect::<Vec<_>>();
        let arguments = ReportArguments {
            durations: *durations,
            junit: junit.clone(),
            html: html.iter().cloned().chain(in_folder("report.html")).collect(),
            json: json.iter().cloned().chain(in_folder("run.jsonl")).collect(),
            tap: tap.clone(),
            github: *github,
            cdr: cdr.iter().cloned().chain(in_folder("calls.csv")).collect(),
        };
        if self.interactive && arguments.takes_stdout()? {
            return Err("--interactive and a report on the standard output exclude each other".to_owned());
        }
        arguments.reports()
    }
}

fn options(arguments: Arguments, written: Written) -> Options {
    let Arguments { hosts, reach, programs, .. } = arguments;
    let HostArguments { callee_hosts, host_files, password, recordings } = reach;
    Options {
        choice: Choice { written: Some(written), programs: programs.programs(), ..Choice::of(Vec::new()) },
        hosts,
        callee_hosts,
        host_files,
        password,
        recordings,
        purpose: Purpose::Run,
        jobs: None,
        record_esl: None,
        max_fail: None,
        retries: 0,
        timeout: TIMEOUT,
        slow: SLOW,
        load_shard: None,
        start_at: None,
    }
}

/// The command line again, as a shell takes it. The password is left to the environment.
fn rerun(arguments: impl Iterator<Item = String>) -> String {
    let mut words = vec!["callwright".to_owned()];
    let mut arguments = arguments.skip(1);
    while let Some(word) = arguments.next() {
        if word == "--password" {
            arguments.next();
        } else if !word.starts_with("--password=") {
            let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c));
            words.push(if plain && !word.is_empty() { word } else { format!("'{}'", word.replace('\'', r"'\''")) });
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests;
