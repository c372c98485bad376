//! `callwright serve`

mod apps;
mod tally;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ArgGroup, Args, ValueEnum, ValueHint};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::apps::Apps;
use self::tally::{Tally, Verbosity};
use self::watch::{Seen, Watch};
use super::selection::AllowSystem;
use super::{Exit, complain, print, show};
use crate::app::Group;
use crate::bound::parse_value;
use crate::client::{Client, ClientConfig, Waiting};
use crate::clock::Clock;
use crate::report::cdr::{CdrFormat, CdrWriter};
use crate::run::{At, HostSpec, NamedHost, Signals, named_hosts_of};
use crate::scenario::Style;
use crate::service::{Service, ServiceError, Told};
use crate::switch::{Switch, SwitchConfig};
use crate::units::human;

const EXAMPLES: &str = "\
Examples:
  callwright serve fs1=10.0.0.5 fs2=10.0.0.6 --routes conf/routes/pbx.yaml
      Routes what comes in on two FreeSWITCH hosts. They must park calls, as the dialplan in `conf` does.
  callwright serve --app tone_play --sip 0.0.0.0:5080
      An echo on a switch of its own: whoever calls it hears himself.
  callwright serve 10.0.0.5 --app 'proxier: { proxy: 10.0.0.9 }' --header Caller-Context=lab
      Sends the calls of one dialplan context on by way of a proxy; other calls are left alone.
  callwright serve --routes pbx.yaml --check
      Only says what is wrong with the routes.

Each call that comes in is dealt with by the apps, or by the first route that takes it. `callwright list-apps` tells of apps,
`callwright schema --routes` what may stand in routes. A session whose steps are done is hung up, unless it plays, echoes, is
connected or was parked by its last step. One of which a step fails is hung up with a cause that says so; that the other end
of a bridge was busy, did not answer or refused is no failure, and is passed on.

A host that is lost is tried again for ever; calls that came while it was away are dealt with once it is back. Calls that
were parked before the service began are, where nobody has answered them; with --take-up=all the others, too.

Ctrl-C (or SIGTERM) stops: calls may go on for --drain, then they are hung up. New ones are refused with
NORMAL_TEMPORARY_FAILURE (503), so that a proxy tries another host. A second Ctrl-C hangs up at once, a third one ends without.

Exit codes:
  0  served, and stopped
  1  an app failed with a call, or a call record could not be written
  3  a host could not be had at the beginning, or something could not be found out
  4  bad usage, bad routes or a bad app
";

/// Serve apps or routes on hosts until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("what").required(true).args(["apps", "routes"]))]
pub(super) struct Arguments {
    /// Event sockets of the FreeSWITCH hosts, or `embedded`; without any, one embedded switch is started
    #[arg(value_name = "[NAME=]HOST[:PORT]")]
    hosts: Vec<HostSpec>,

    /// What is done with each call that comes in: `NAME` or `NAME: { KEY: VALUE }`; several are done side by side
    #[arg(long = "app", value_name = "APP")]
    apps: Vec<String>,

    /// A routes file; the routers of several are tried in their order
    #[arg(long = "routes", value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "apps")]
    routes: Vec<PathBuf>,

    /// Serve only sessions whose event header NAME is VALUE
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    header: Option<(String, String)>,

    /// A file of more hosts, one a line, with `password-env=NAME` behind it
    #[arg(long = "hosts", value_name = "FILE", value_hint = ValueHint::FilePath)]
    host_files: Vec<PathBuf>,

    /// Password of the hosts' event sockets
    #[arg(
        long,
        value_name = "PASSWORD",
        env = "CALLWRIGHT_PASSWORD",
        hide_env_values = true,
        default_value = "ClueCon"
    )]
    password: String,

    /// Where an embedded switch receives SIP over UDP; port 0 is any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:5080")]
    sip: SocketAddr,

    /// Which of the calls that are parked on the hosts already are dealt with: those that nobody has answered, or all
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    take_up: TakeUp,

    /// How long calls may go on once it is told to stop
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = drain)]
    drain: Duration,

    /// Write a record of each call to FILE: CSV, or JSON lines where it ends in `.jsonl`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    cdr: Option<PathBuf>,

    #[command(flatten)]
    programs: AllowSystem,

    /// Only load routes and apps, and say what is wrong with them
    #[arg(long)]
    check: bool,

    /// Tell of each call as it begins and ends
    #[arg(short, long, action = ArgAction::SetTrue)]
    verbose: bool,
}

/// See `--take-up`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum TakeUp {
    #[default]
    Unanswered,
    All,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let apps = match apps::read(&arguments.apps, &arguments.routes, arguments.programs.programs()) {
        Ok(apps) => apps,
        Err(diagnostics) => {
            for diagnostic in &diagnostics {
                show(&format!("{}\n", diagnostic.render(Style::Coloured)));
            }
            return Exit::Usage;
        }
    };
    if arguments.check {
        return match say(&format!("{}: nothing is wrong", apps.describe())) {
            Ok(()) => Exit::Passed,
            Err(error) => {
                complain(error);
                Exit::Unknown
            }
        };
    }
    let hosts = match hosts(arguments) {
        Ok(hosts) => hosts,
        Err(error) => {
            complain(error);
            return Exit::Usage;
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(error);
            return Exit::Unknown;
        }
    };
    match runtime.block_on(serve(arguments, &apps, hosts)) {
        Ok(exit) => exit,
        Err(error) => {
            complain(error);
            Exit::Unknown
        }
    }
}

/// A host, and the password of its event socket.
type Reached = (NamedHost, String);

fn hosts(arguments: &Arguments) -> Result<Vec<Reached>, String> {
    let named = named_hosts_of(&arguments.hosts, &[], &arguments.host_files).map_err(|error| error.to_string())?;
    let with_password = |host: NamedHost| match &host.spec.password_env {
        None => Ok((host, arguments.password.clone())),
        Some(variable) => match std::env::var(variable) {
            Ok(password) => Ok((host, password)),
            Err(_) => Err(format!("the environment variable {variable}, which has a host's password, is not set")),
        },
    };
    named.into_iter().map(with_password).collect()
}

async fn serve(arguments: &Arguments, apps: &Apps, hosts: Vec<Reached>) -> Result<Exit, String> {
    let mut signals = Signals::listen();
    let cdrs = match &arguments.cdr {
        Some(path) => Some(CdrWriter::start(path, CdrFormat::of(path)).map_err(|error| error.to_string())?),
        None => None,
    };
    let (switches, configs) = reach(arguments, hosts).await?;
    let (to_line, line) = mpsc::unbounded_channel();
    let group = |client: &Client| {
        let group = match &arguments.header {
            Some((name, value)) => Group::new(value).by_header(name),
            None => Group::new(Group::DEFAULT),
        };
        apps.load_into(group.measurer(Watch::new(client.name(), to_line.clone())))
    };
    let started = tokio::select! {
        started = Service::start(configs, group) => started,
        () = signals.next() => return Ok(Exit::Passed),
    };
    let mut service = match started {
        Ok(service) => service.drain(arguments.drain),
        Err(ServiceError::Load { host, error }) => return Err(format!("host {host}: {error}")),
        Err(ServiceError::Host(error)) => return Err(error.to_string()),
    };
    for (name, switch) in &switches {
        say(&format!("{name}: event socket on {}, SIP on {}", switch.esl_addr(), switch.sip_addr()))?;
    }
    for client in service.pool().clients() {
        let version = client.facts().map(|facts| facts.version.clone()).unwrap_or_default();
        say(&format!("{}: up: {version}", client.name()))?;
    }
    if arguments.take_up == TakeUp::All {
        let taken = service.take_up(Waiting::All).await.all();
        taken.map_err(|(host, error)| format!("host {host}: {error}"))?;
    }
    let hosts = service.pool().clients().len();
    let mut inbox = Inbox { line, told: service.take_told(), clock: Clock::start(), cdrs };
    let verbosity = if arguments.verbose { Verbosity::Calls } else { Verbosity::Hosts };
    let mut tally = Tally::new(inbox.clock.now(), verbosity);
    say(&format!("serving {} on {}; Ctrl-C stops", apps.describe(), amount(hosts, "host")))?;
    loop {
        tokio::select! {
            lines = inbox.next(&mut tally) => say_all(lines)?,
            () = signals.next() => break,
        }
    }
    say(&format!("stopping; calls may go on for {}, new ones are refused", human(arguments.drain)))?;
    let at_once = CancellationToken::new();
    let stopped = service.stop_early(at_once.cancelled());
    tokio::pin!(stopped);
    let served = loop {
        tokio::select! {
            served = &mut stopped => break served,
            lines = inbox.next(&mut tally) => say_all(lines)?,
            () = signals.next() => {
                if at_once.is_cancelled() {
                    return Err("told three times to stop: calls may be left on the hosts".to_owned());
                }
                at_once.cancel();
            }
        }
    };
    say_all(inbox.rest(&mut tally))?;
    for (_, switch) in switches {
        switch.shutdown().await;
    }
    let written = inbox.cdrs.map_or(Ok(()), CdrWriter::finish);
    if let Err(error) = &written {
        complain(error);
    }
    say(tally.summary(inbox.clock.now(), &served).trim_end())?;
    Ok(if tally.has_failed() || written.is_err() { Exit::Failed } else { Exit::Passed })
}

/// What comes of hosts and calls.
struct Inbox {
    line: mpsc::UnboundedReceiver<Seen>,
    told: mpsc::UnboundedReceiver<Told>,
    clock: Clock,
    cdrs: Option<CdrWriter>,
}

impl Inbox {
    /// Waits for the next thing that comes, and has it counted; gives what is to be said of it.
    async fn next(&mut self, tally: &mut Tally) -> Vec<String> {
        tokio::select! {
            Some(seen) = self.line.recv() => self.count(tally, seen),
            Some(Told { host, notice }) = self.told.recv() => tally.handle_notice(&host, &notice),
            else => std::future::pending().await,
        }
    }

    /// The same of all that came and was not looked at.
    fn rest(&mut self, tally: &mut Tally) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(Told { host, notice }) = self.told.try_recv() {
            lines.extend(tally.handle_notice(&host, &notice));
        }
        while let Ok(seen) = self.line.try_recv() {
            lines.extend(self.count(tally, seen));
        }
        if let Some(cdrs) = &mut self.cdrs {
            tally.rest().into_iter().for_each(|cdr| cdrs.write(cdr));
        }
        lines
    }

    fn count(&mut self, tally: &mut Tally, seen: Seen) -> Vec<String> {
        let (lines, cdr) = tally.handle_seen(self.clock.now(), seen);
        if let (Some(cdr), Some(cdrs)) = (cdr, &mut self.cdrs) {
            cdrs.write(cdr);
        }
        lines
    }
}

/// Embedded switches by the names of their hosts.
type Switches = Vec<(String, Switch)>;

/// How each host is reached, once the switches of its own run.
async fn reach(arguments: &Arguments, hosts: Vec<Reached>) -> Result<(Switches, Vec<ClientConfig>), String> {
    let mut switches: Switches = Vec::new();
    let mut configs = Vec::new();
    for (host, password) in hosts {
        let config = match &host.spec.at {
            At::Esl(address) => ClientConfig::new(address.to_string()).password(password),
            At::Embedded => {
                let usual = SwitchConfig::default();
                // One port has room for one switch.
                let sip = if switches.is_empty() { arguments.sip } else { usual.sip };
                let switch = Switch::start(SwitchConfig { sip, ..usual }).await.map_err(|error| error.to_string())?;
                let config = ClientConfig::new(switch.esl_addr().to_string());
                switches.push((host.name.clone(), switch));
                config
            }
        };
        configs.push(config.name(host.name));
    }
    Ok((switches, configs))
}

fn say(line: &str) -> Result<(), String> {
    print(&format!("{line}\n")).map_err(|error| format!("cannot print: {error}"))
}

fn say_all(lines: Vec<String>) -> Result<(), String> {
    lines.iter().try_for_each(|line| say(line))
}

fn amount(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// `Caller-Context=lab`
fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a header and its value stand on both sides of `=`, as `Caller-Context=lab`".to_owned()),
    }
}

/// `10s`, `0s`
fn drain(text: &str) -> Result<Duration, String> {
    parse_value(text).map_err(|_| "a time has a unit: `10s`, `1.5m`, `0s`".to_owned())
}
