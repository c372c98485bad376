#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! A run from its options to its outcome.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use super::core::{RunHost, Test};
use super::task::{self, Files, Hosted, Remote};
use super::{Conduct, Folders, Options, Purpose, RunEvent, SelectError, Selection, Summary, TestId, select};
use crate::clock::Clock;
use crate::host::HostConfig;
use crate::host::task::{Host, Patience};
use crate::redact::Redactor;
use crate::report::{ReportError, Reports};
use crate::scenario::{Scenario, Severity, Style};
use crate::switch::{Switch, SwitchConfig, SwitchError};

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
pub fn execute(options: Options, mut reports: Reports, secrets: &OnceLock<Redactor>) -> Result<Outcome, RunError> {
    if let Some(stray) =
        options.recordings.iter().find(|mapping| !options.hosts.iter().any(|host| mapping.is_for(host)))
    {
        let of = stray.host.as_ref().map_or("a host".to_owned(), ToString::to_string);
        return Ok(Outcome::BadScenario(format!("error: recordings are mapped for {of}, which no --fshost names")));
    }
    let hosts = host_names(&options);
    let mut selection = match select(&options.paths, options.select.as_deref(), &hosts) {
        Ok(selection) => selection,
        Err(error) => return Ok(Outcome::BadScenario(told(&error))),
    };
    let scenarios = selection.tests.iter().map(|(_, scenario)| &**scenario);
    let folders = Folders::around(scenarios, &hosts);
    selection.diagnostics.extend(folders.diagnostics.iter().cloned());
    selection.redactor.extend(&folders.redactor);
    // There is one run in a process; a second one keeps the secrets of the first.
    let _ = secrets.set(selection.redactor.clone());
    let diagnostics = rendered(&selection);
    if selection.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Ok(Outcome::BadScenario(diagnostics));
    }
    if selection.tests.is_empty() {
        return Ok(Outcome::NothingSelected(why_nothing(&options, &selection)));
    }
    if options.purpose == Purpose::List {
        list(&selection).map_err(RunError::Print)?;
        return Ok(Outcome::Listed);
    }
    // Warnings do not stop a run, but are seen before it.
    let _ = anstream::stderr().write_all(diagnostics.as_bytes());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(RunError::Runtime)?;
    let summary = runtime.block_on(go(&options, selection, folders, &mut reports))?;
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    let report_errors = reports.finish();
    // Folders in which nothing was kept are not left behind.
    let out = std::path::Path::new(OUT);
    let _ = std::fs::remove_dir(out.join("recordings")).and_then(|()| std::fs::remove_dir(out));
    Ok(Outcome::Ended { summary, report_errors })
}

/// What reports call the hosts of a run.
fn host_names(options: &Options) -> Vec<String> {
    match options.hosts.is_empty() {
        true => vec![EMBEDDED.to_owned()],
        false => options.hosts.iter().map(ToString::to_string).collect(),
    }
}

/// What the embedded switch is called.
const EMBEDDED: &str = "embedded";

async fn go(
    options: &Options,
    selection: Selection,
    folders: Folders,
    reports: &mut Reports,
) -> Result<Summary, RunError> {
    let clock = Clock::start();
    let scenarios = every(&selection, &folders);
    let interrupts = interrupts();
    let slots = options.jobs.map_or(SLOTS, std::num::NonZeroUsize::get);
    let out = std::path::absolute(OUT).unwrap_or_else(|_| PathBuf::from(OUT));
    let recordings = out.join("recordings");
    let mut hosts = Vec::new();
    let mut switch = None;
    if options.hosts.is_empty() {
        std::fs::create_dir_all(&recordings)
            .map_err(|source| RunError::Folder { folder: recordings.clone(), source })?;
        let config = SwitchConfig { recordings_dir: recordings.clone(), ..SwitchConfig::default() };
        let password = config.password.clone();
        let started = Switch::start(config).await?;
        let about = RunHost { name: EMBEDDED.to_owned(), slots, recordings: Some(recordings.clone()) };
        hosts.push(connect(about, started.esl_addr(), &password, &scenarios, clock, Files::InPlace));
        switch = Some(started);
    }
    for address in &options.hosts {
        let about = RunHost { name: address.to_string(), slots, recordings: None };
        let mappings = options.recordings.iter().filter(|mapping| mapping.is_for(address)).cloned().collect();
        let files = Files::Remote(Remote::new(mappings, recordings.clone()));
        hosts.push(connect(about, address, &options.password, &scenarios, clock, files));
    }
    let tests = tests(options, &selection, &folders);
    let conduct = Conduct {
        max_fail: options.max_fail,
        retries: options.retries,
        timeout: options.timeout,
        slow: options.slow,
        folders: folders.folders,
    };
    let report = |event: &RunEvent| {
        if selection.redactor.is_empty() {
            return reports.handle(event);
        }
        let mut event = event.clone();
        event.redact(&selection.redactor);
        reports.handle(&event);
    };
    let summary = task::run(hosts, tests, conduct, clock, interrupts, report).await;
    if let Some(switch) = switch {
        switch.shutdown().await;
    }
    Ok(summary)
}

/// The scenarios of the tests, and of the setups and teardowns around them.
fn every(selection: &Selection, folders: &Folders) -> Vec<Arc<Scenario>> {
    let around = folders.folders.iter().flat_map(|folder| folder.setup.iter().chain(&folder.teardown));
    selection.tests.iter().chain(around).map(|(_, scenario)| Arc::clone(scenario)).collect()
}

fn connect(
    about: RunHost,
    address: impl ToString,
    password: &str,
    scenarios: &[Arc<Scenario>],
    clock: Clock,
    recordings: Files,
) -> Hosted {
    let profiles: BTreeSet<String> = scenarios.iter().map(|scenario| scenario.call.profile.clone()).collect();
    let asks = scenarios.iter().flat_map(|scenario| scenario.requires.asks().map(str::to_owned));
    let modules: BTreeSet<String> = asks.collect();
    let events: BTreeSet<String> = scenarios.iter().flat_map(|scenario| scenario.events()).collect();
    let config = HostConfig {
        profiles: profiles.into_iter().collect(),
        modules: modules.into_iter().collect(),
        events: events.into_iter().collect(),
        ..HostConfig::new(about.name.clone(), password)
    };
    Hosted { about, host: Host::connect(config, address.to_string(), Patience::default(), clock), recordings }
}

/// Every scenario on every host, and those made for one host on that.
fn tests(options: &Options, selection: &Selection, folders: &Folders) -> Vec<Test> {
    let hosts = host_names(options);
    let test = |host: usize, (id, scenario): &(TestId, Arc<Scenario>)| Test {
        id: id.clone(),
        scenario: Arc::clone(scenario),
        host,
        rerun: rerun(options, id, host),
        folder: folders.of(scenario),
    };
    let fits = |(host, selected): &(usize, &(TestId, Arc<Scenario>))| {
        selected.1.on.as_ref().is_none_or(|on| *on == hosts[*host])
    };
    let all = selection.tests.iter().flat_map(|selected| (0..hosts.len()).map(move |host| (host, selected)));
    all.filter(fits).map(|(host, selected)| test(host, selected)).collect()
}

/// The command that runs one test alone, on one host. The password is left to the environment.
fn rerun(options: &Options, id: &TestId, host: usize) -> String {
    let host = options.hosts.get(host).map_or(String::new(), |host| format!(" --fshost {host}"));
    format!("callwright run {}{host}", quoted(&id.to_string()))
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Brings a message for the first Ctrl-C or SIGTERM; with the second the process ends at once.
fn interrupts() -> mpsc::Receiver<()> {
    let (tell, told) = mpsc::channel(1);
    let mut signals = Signals::listen();
    tokio::spawn(async move {
        signals.next().await;
        let _ = tell.send(()).await;
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
    told
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

fn told(error: &SelectError) -> String {
    format!("error: {error}")
}

fn why_nothing(options: &Options, selection: &Selection) -> String {
    match (&options.select, selection.found) {
        (_, 0) => format!("no scenario in {}", options.paths.join(", ")),
        (Some(text), found) => format!("none of {found} tests has {text:?} in its name, file or tags"),
        (None, found) => format!("none of {found} tests was selected"),
    }
}

fn list(selection: &Selection) -> std::io::Result<()> {
    // One that names its host is there once for each, under one name.
    let mut names: Vec<String> = selection.tests.iter().map(|(id, _)| format!("{id}\n")).collect();
    names.dedup();
    let names = names.concat();
    let mut out = std::io::stdout().lock();
    match out.write_all(names.as_bytes()).and_then(|()| out.flush()) {
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
