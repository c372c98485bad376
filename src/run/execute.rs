#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! A run from its options to its outcome.

use std::collections::BTreeSet;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc;

use super::core::{RunHost, Test};
use super::replay::Seen;
use super::state::{self, Recorder};
use super::task::{self, Files, Hosted, Remote};
use super::{
    At, Conduct, Folders, LastFailed, ListFormat, NamedHost, Options, Order, Purpose, Role, RunEvent, Selected,
    Selection, Shard, Summary, caller_names, named_hosts_of, select,
};
use crate::clock::Clock;
use crate::host::HostConfig;
use crate::host::task::{Host, HostTape, Patience};
use crate::journal::{ConductHeader, Header, HostHeader, Record, Tape, TestHeader, VERSION, Writer};
use crate::load::Slice;
use crate::redact::Redactor;
use crate::report::escape::screen;
use crate::report::{ReportError, Reports};
use crate::scenario::reading::Disk;
use crate::scenario::{LoadSpec, Pace, Programs, Scenario, Severity, Stage, Style};
use crate::switch::{Switch, SwitchConfig, SwitchError};
use crate::units::Time;

/// How a run ended, so far as its exit code goes.
#[derive(Debug)]
pub enum Outcome {
    /// Tests ran, or were about to.
    Ended {
        summary: Summary,
        /// Reports that could not be given.
        report_errors: Vec<ReportError>,
    },
    /// The tests were listed, and nothing else was asked for.
    Listed,
    /// Arguments that name nothing, or scenarios with errors, told here as a person reads them; nothing ran.
    BadScenario(String),
    /// No test was selected; why.
    NothingSelected(String),
}

/// Why a run could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot start: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("cannot start the embedded switch: {0}")]
    Switch(#[from] SwitchError),
    #[error("cannot make the folder {}: {source}", folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("cannot print: {0}")]
    Print(#[source] std::io::Error),
}

/// What ties a run to whoever watches it.
#[derive(Debug)]
pub struct Watcher {
    order: mpsc::UnboundedSender<Order>,
    orders: mpsc::UnboundedReceiver<Order>,
    before_exit: fn(),
}

impl Watcher {
    /// Nobody watches.
    pub fn none() -> Watcher {
        Watcher::new(|| {})
    }

    /// `before_exit` is called before a second Ctrl-C or SIGTERM ends the process.
    pub fn new(before_exit: fn()) -> Watcher {
        let (order, orders) = mpsc::unbounded_channel();
        Watcher { order, orders, before_exit }
    }

    /// Takes what is wanted of the run.
    pub fn orders(&self) -> mpsc::UnboundedSender<Order> {
        self.order.clone()
    }
}

/// Where what a run leaves behind goes, in the current folder.
const OUT: &str = "callwright-out";

/// Tests that run side by side on one host, unless told otherwise: few enough for any host's defaults.
const SLOTS: usize = 16;

/// Runs tests and tells `reports` of them; comes back when the run has ended and its reports are written.
///
/// Ctrl-C or SIGTERM once hangs up the calls that are up, teardowns run, and the run ends with its reports; twice, the
/// process ends at once.
///
/// The secrets of the scenarios are put into `secrets` once they are known, for whoever writes a log.
pub fn execute(
    options: Options,
    mut reports: Reports,
    watcher: Watcher,
    secrets: &OnceLock<Redactor>,
) -> Result<Outcome, RunError> {
    let named = match named_hosts_of(&options.hosts, &options.callee_hosts, &options.host_files) {
        Ok(named) => named,
        Err(error) => return Ok(Outcome::BadScenario(format!("error: {error}"))),
    };
    if let Some(stray) = options.recordings.iter().find(|mapping| {
        !named.iter().any(|host| host.address().is_some_and(|address| mapping.is_for(&host.name, address)))
    }) {
        let of = stray.host.as_ref().map_or("a host".to_owned(), ToString::to_string);
        return Ok(Outcome::BadScenario(format!("error: recordings are mapped for {of}, which no --fshost names")));
    }
    let password_of = |host: &NamedHost| {
        let variable = host.spec.password_env.as_ref();
        variable.map_or(Ok(options.password.clone()), |name| std::env::var(name).map_err(|_| name.clone()))
    };
    let passwords: Vec<String> = match named.iter().map(password_of).collect() {
        Ok(passwords) => passwords,
        Err(name) => {
            let text = format!("error: the environment variable {name}, which has a host's password, is not set");
            return Ok(Outcome::BadScenario(text));
        }
    };
    let hosts = caller_names(&named);
    let (last, unread) = state::read(Path::new(OUT));
    let mut selection = match select(&options.choice, &hosts, &last) {
        Ok(selection) => selection,
        Err(error) => return Ok(Outcome::BadScenario(error.told(Style::Coloured))),
    };
    let scenarios = selection.tests.iter().map(|test| &*test.scenario);
    let folders = Folders::around(scenarios, &Disk { hosts: &hosts, programs: options.choice.programs });
    selection.diagnostics.extend(folders.diagnostics.iter().cloned());
    selection.redactor.extend(&folders.redactor);
    // There is one run in a process; a second one keeps the secrets of the first.
    let _ = secrets.set(selection.redactor.clone());
    let diagnostics = rendered(&selection);
    if selection.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Ok(Outcome::BadScenario(diagnostics));
    }
    if selection.tests.is_empty() {
        return Ok(Outcome::NothingSelected(selection.why_none));
    }
    if options.record_esl.is_some() && !selection.redactor.is_empty() {
        return Ok(Outcome::BadScenario(
            "error: --record-esl keeps every byte, and these scenarios have `secrets`: leave them out, or record without"
                .to_owned(),
        ));
    }
    if options.record_esl.is_some() && selection.tests.iter().any(|test| test.scenario.stage == Stage::Load) {
        let text = "error: --record-esl keeps every byte, and a load has too many: leave it out, or record without";
        return Ok(Outcome::BadScenario(text.to_owned()));
    }
    let clock = Clock::start();
    let begins = match begins(&options, &selection, clock.now()) {
        Ok(begins) => begins,
        Err(why) => return Ok(Outcome::BadScenario(format!("error: {why}"))),
    };
    selection.picked.load_shard = options.load_shard;
    selection.picked.notes.extend(begins.and_then(stamp).map(|stamp| format!("the load begins at {stamp}")));
    // Warnings do not stop a run, but are seen before it.
    let unread = unread.filter(|_| options.choice.last.is_some());
    selection.warnings.iter().chain(&unread).for_each(|text| warn(text));
    if let Purpose::List(format) = options.purpose {
        let list = format.list(&selection, &hosts);
        let list = if format == ListFormat::Text { screen(&list) } else { list };
        print(&list).map_err(RunError::Print)?;
        return Ok(Outcome::Listed);
    }
    let _ = anstream::stderr().write_all(screen(&diagnostics).as_bytes());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(RunError::Runtime)?;
    let (tape, journal) = match &options.record_esl {
        Some(folder) => Writer::start(folder)
            .map(|(tape, writer)| (tape, Some(writer)))
            .map_err(|source| RunError::Folder { folder: folder.clone(), source })?,
        None => (Tape::default(), None),
    };
    let going = Going { options: &options, named: &named, passwords: &passwords, last: &last, clock, begins, tape };
    let summary = runtime.block_on(go(going, selection, folders, watcher, &mut reports))?;
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    let mut report_errors = reports.finish();
    if let Some(Err((path, source))) = journal.map(Writer::finish) {
        report_errors.push(ReportError::Journal { path, source });
    }
    // Folders in which nothing was kept are not left behind.
    let out = Path::new(OUT);
    let _ = std::fs::remove_dir(out.join("recordings")).and_then(|()| std::fs::remove_dir(out));
    Ok(Outcome::Ended { summary, report_errors })
}

/// When the load of the run begins, if it is told; why it cannot be made so, if that is so.
fn begins(options: &Options, selection: &Selection, now: Time) -> Result<Option<Time>, String> {
    let asked = options.load_shard.map(|_| "--load-shard").or(options.start_at.map(|_| "--start-at"));
    if let Some(asked) = asked {
        let loads = selection.tests.iter().filter(|test| test.scenario.stage == Stage::Load);
        // A load is selected once for each host.
        let names: BTreeSet<String> = loads.clone().map(|test| test.id.to_string()).collect();
        if names.len() != 1 {
            let names = if names.is_empty() { "none".to_owned() } else { Vec::from_iter(names).join(", ") };
            return Err(format!("{asked} is for a run of one load, and these are selected: {names}"));
        }
        let specs = loads.filter_map(|test| test.scenario.load.as_deref());
        specs.zip(options.load_shard).try_for_each(|(spec, shard)| shared(spec, shard))?;
    }
    let begins = options.start_at.map(|start_at| start_at.time(now)).transpose();
    begins.map_err(|error| format!("--start-at: {error}"))
}

/// RFC 3339 in UTC; `None` of a time that has no such.
fn stamp(time: Time) -> Option<String> {
    let stamp = jiff::Timestamp::from_microsecond(i64::try_from(time.as_micros()).ok()?).ok()?;
    Some(stamp.to_string())
}

/// Whether a load can be made in so many parts.
fn shared(spec: &LoadSpec, shard: Shard) -> Result<(), String> {
    if matches!(spec.pace, Pace::Find(_)) {
        return Err(
            "--load-shard: a search for capacity goes on by what it finds, so it cannot be made in parts".to_owned()
        );
    }
    let limits = [
        ("limit", spec.limit.map(u64::from)),
        ("max_offered", spec.max_offered),
        ("host_limit", spec.host_limit.map(u64::from)),
    ];
    for (name, limit) in limits {
        if let Some(limit) = limit.filter(|limit| *limit < shard.count as u64) {
            return Err(format!(
                "--load-shard: `{name}: {limit}` is less than one call for each of {} shards",
                shard.count
            ));
        }
    }
    Ok(())
}

/// What a run has to go by.
struct Going<'a> {
    options: &'a Options,
    named: &'a [NamedHost],
    passwords: &'a [String],
    last: &'a LastFailed,
    clock: Clock,
    /// When its load begins, where that is told.
    begins: Option<Time>,
    tape: Tape,
}

async fn go(
    going: Going<'_>,
    selection: Selection,
    folders: Folders,
    watcher: Watcher,
    reports: &mut Reports,
) -> Result<Summary, RunError> {
    let Going { options, named, passwords, last, clock, begins, tape } = going;
    let scenarios = every(&selection, &folders);
    interrupts(watcher.order, watcher.before_exit);
    let out = std::path::absolute(OUT).unwrap_or_else(|_| PathBuf::from(OUT));
    let recordings = out.join("recordings");
    let mut hosts = Vec::new();
    let mut switches = Vec::new();
    for (index, (host, password)) in named.iter().zip(passwords).enumerate() {
        let slots = match host.role {
            Role::Caller => host.spec.slots.or(options.jobs).map_or(SLOTS, NonZeroUsize::get),
            Role::Callee => 0,
        };
        let callee = Some(host.callee).filter(|callee| *callee != index);
        let about = RunHost { name: host.name.clone(), slots, recordings: None, callee };
        let tape = HostTape { tape: tape.clone(), host: index };
        let hosted = match &host.spec.at {
            At::Embedded => {
                std::fs::create_dir_all(&recordings)
                    .map_err(|source| RunError::Folder { folder: recordings.clone(), source })?;
                let config = SwitchConfig { recordings_dir: recordings.clone(), ..SwitchConfig::default() };
                let password = config.password.clone();
                let switch = Switch::start(config).await?;
                let about = RunHost { recordings: Some(recordings.clone()), ..about };
                let hosted = connect(about, switch.esl_addr(), &password, &scenarios, clock, tape, Files::InPlace);
                switches.push(switch);
                hosted
            }
            At::Esl(address) => {
                let mappings = options.recordings.iter().filter(|mapping| mapping.is_for(&host.name, address));
                let mappings = mappings.cloned().collect();
                let files = Files::Remote(Remote::new(mappings, recordings.clone()));
                connect(about, address, password, &scenarios, clock, tape, files)
            }
        };
        hosts.push(hosted);
    }
    let tests = tests(options, &selection, &folders);
    let mut recorder = Recorder::new(&selection, &caller_names(named));
    tape.put(clock.now(), || Record::Run(Box::new(header(options, named, &hosts, &tests, &scenarios, &selection))));
    let conduct = Conduct {
        max_fail: options.max_fail,
        retries: options.retries,
        timeout: options.timeout,
        slow: options.slow,
        folders: folders.folders,
        slice: options.load_shard.map_or(Slice::WHOLE, Shard::slice),
        start_at: begins,
    };
    let report = |event: &RunEvent| {
        recorder.handle(event);
        if let RunEvent::Started { tests, hosts, at, .. } = event {
            let (hosts, picked) = (hosts.clone(), selection.picked.clone());
            return reports.handle(&RunEvent::Started { tests: *tests, hosts, picked, at: *at });
        }
        if selection.redactor.is_empty() {
            return reports.handle(event);
        }
        let mut event = event.clone();
        event.redact(&selection.redactor);
        reports.handle(&event);
    };
    let summary = task::run(hosts, tests, conduct, clock, tape, watcher.orders, report).await;
    for switch in switches {
        switch.shutdown().await;
    }
    // What is in no file cannot be run again by `--lf`.
    if options.choice.written.is_none()
        && let Err(error) = recorder.write(last, Path::new(OUT))
    {
        warn(&error);
    }
    Ok(summary)
}

/// The scenarios of the tests, and of the setups and teardowns around them.
fn every(selection: &Selection, folders: &Folders) -> Vec<Arc<Scenario>> {
    let around = folders.folders.iter().flat_map(|folder| folder.setup.iter().chain(&folder.teardown));
    let tests = selection.tests.iter().map(|test| &test.scenario);
    tests.chain(around.map(|(_, scenario)| scenario)).cloned().collect()
}

fn connect(
    about: RunHost,
    address: impl ToString,
    password: &str,
    scenarios: &[Arc<Scenario>],
    clock: Clock,
    tape: HostTape,
    recordings: Files,
) -> Hosted {
    let config = host_config(&about, password, scenarios);
    Hosted {
        host: Host::connect_taped(config, address.to_string(), Patience::default(), clock, tape),
        about,
        recordings,
    }
}

/// What a host is asked for the sake of the tests.
fn host_config(about: &RunHost, password: &str, scenarios: &[Arc<Scenario>]) -> HostConfig {
    let profiles: BTreeSet<String> =
        scenarios.iter().flat_map(|scenario| scenario.profiles()).map(str::to_owned).collect();
    let asks = scenarios.iter().flat_map(|scenario| scenario.asks().map(str::to_owned));
    let modules: BTreeSet<String> = asks.collect();
    let events: BTreeSet<String> = scenarios.iter().flat_map(|scenario| scenario.events()).collect();
    HostConfig {
        profiles: profiles.into_iter().collect(),
        modules: modules.into_iter().collect(),
        events: events.into_iter().collect(),
        ..HostConfig::new(about.name.clone(), password)
    }
}

/// What is written down of a run before it begins.
fn header(
    options: &Options,
    named: &[NamedHost],
    hosts: &[Hosted],
    tests: &[Test],
    scenarios: &[Arc<Scenario>],
    selection: &Selection,
) -> Header {
    let host = |Hosted { about, .. }: &Hosted| {
        let HostConfig { profiles, modules, events, .. } = host_config(about, "", scenarios);
        let RunHost { name, slots, recordings, callee } = about.clone();
        HostHeader { name, slots, recordings, callee, profiles, modules, events }
    };
    let test = |Test { id, scenario, host, rerun, .. }: &Test| TestHeader {
        file: id.file.clone(),
        name: id.name.clone(),
        scenario: scenario.name.clone(),
        host: *host,
        rerun: rerun.clone(),
    };
    let names = caller_names(named);
    let seen = Seen::new(&names, options.choice.programs);
    let files: BTreeSet<&PathBuf> = selection.tests.iter().map(|test| &test.id.file).collect();
    for file in files {
        seen.read(file);
    }
    Folders::around(tests.iter().map(|test| &*test.scenario), &seen);
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let conduct = ConductHeader {
        max_fail: options.max_fail,
        retries: options.retries,
        timeout_us: micros(options.timeout),
        slow_us: micros(options.slow),
    };
    Header {
        version: VERSION,
        hosts: hosts.iter().map(host).collect(),
        tests: tests.iter().map(test).collect(),
        conduct,
        world: seen.into_world(),
    }
}

fn tests(options: &Options, selection: &Selection, folders: &Folders) -> Vec<Test> {
    let test = |selected: &Selected| Test {
        id: selected.id.clone(),
        scenario: Arc::clone(&selected.scenario),
        host: selected.host,
        rerun: rerun(options, selected),
        folder: folders.of(&selected.scenario),
    };
    selection.tests.iter().map(test).collect()
}

/// The command that runs one test alone, on its host. The password is left to the environment.
fn rerun(options: &Options, selected: &Selected) -> String {
    if let Some(written) = &options.choice.written {
        return written.rerun.clone();
    }
    let hosts = options.hosts.iter().map(|host| format!(" --fshost {host}"));
    let callees = options.callee_hosts.iter().map(|host| format!(" --callee-host {host}"));
    let files = options.host_files.iter().map(|file| format!(" --hosts {}", quoted(&file.display().to_string())));
    let allowed = (options.choice.programs == Programs::Allowed).then(|| " --allow-system".to_owned());
    let hosts: String = hosts.chain(callees).chain(files).chain(allowed).collect();
    let repetition = selected.repetition.map(|number| format!("#{number}")).unwrap_or_default();
    let name = selected.name.strip_suffix(&repetition).unwrap_or(&selected.name);
    format!("callwright run {}{hosts}", quoted(name))
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Orders an interruption with the first Ctrl-C or SIGTERM; with the second the process ends at once.
fn interrupts(order: mpsc::UnboundedSender<Order>, before_exit: fn()) {
    let mut signals = Signals::listen();
    tokio::spawn(async move {
        signals.next().await;
        // The run may be over.
        let _ = order.send(Order::Interrupt);
        signals.next().await;
        before_exit();
        std::process::exit(INTERRUPTED);
    });
}

/// The exit code of a run that was told twice to stop.
const INTERRUPTED: i32 = 2;

/// What asks a process to stop; none is missed between two.
#[cfg(unix)]
struct Signals([Option<tokio::signal::unix::Signal>; 2]);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Signals([SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()))
    }

    async fn next(&mut self) {
        async fn told(signal: &mut Option<tokio::signal::unix::Signal>) {
            let heard = match signal {
                Some(signal) => signal.recv().await,
                None => None,
            };
            if heard.is_none() {
                std::future::pending().await
            }
        }
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            () = told(interrupt) => {}
            () = told(terminate) => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Signals
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

fn rendered(selection: &Selection) -> String {
    let rendered = selection.diagnostics.iter().map(|diagnostic| format!("{}\n\n", diagnostic.render(Style::Coloured)));
    let errors = selection.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    let text: String = rendered.collect();
    match errors {
        0 => text,
        1 => format!("{text}error: nothing was run, because of this error"),
        _ => format!("{text}error: nothing was run, because of these {errors} errors"),
    }
}

fn warn(text: &str) {
    // Nobody is left to tell where the standard error is closed.
    let _ = writeln!(anstream::stderr(), "\x1b[1;33mwarning\x1b[0m: {}", screen(text));
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever read the list has seen enough of it.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests_of_quoting {
    use super::quoted;

    #[test]
    fn a_name_with_quotes_survives_the_shell() {
        assert_eq!(quoted("scenarios/a.yaml::it's up"), r"'scenarios/a.yaml::it'\''s up'");
    }
}
