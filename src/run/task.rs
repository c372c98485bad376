#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The task that runs a run: it owns the hosts' handles, the clock, the recordings' files and the reports.

use std::collections::HashMap;
use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::esl::{Command, Reply};
use crate::host::local::Local;
use crate::host::task::{Events, Host};
use crate::host::{HostEvent, Request, Token};
use crate::id::Ids;
use crate::journal::{Kept, Record, Tape};
use crate::scenario::Judgement;

use super::core::{Key, ReadBack, Recordings, RunCore, RunHost, RunOutput, Test};

use super::{Conduct, Order, RunEvent, Summary};

pub use super::retrieve::{Ask, Files, Remote, Talk, retrieve};

/// A host to run on: its task, and what the run knows of it.
#[derive(Debug)]
pub struct Hosted {
    pub about: RunHost,
    pub host: Host,
    /// How to get at what it wrote.
    pub recordings: Files,
}

/// Runs `tests` on `hosts` to the end and tells `report` of everything as it happens.
///
/// `orders` are those of whoever watches the run, Ctrl-C among them.
pub async fn run(
    hosts: Vec<Hosted>,
    tests: Vec<Test>,
    conduct: Conduct,
    clock: Clock,
    tape: Tape,
    mut orders: mpsc::UnboundedReceiver<Order>,
    mut report: impl FnMut(&RunEvent),
) -> Summary {
    let mut inboxes = Inboxes::default();
    let mut requests: Vec<mpsc::UnboundedSender<Request>> = Vec::new();
    let mut abouts = Vec::new();
    let mut files: Vec<Files> = Vec::new();
    for Hosted { about, host, recordings } in hosts {
        requests.push(host.requester());
        abouts.push(about);
        files.push(recordings);
        inboxes.hosts.push(host.events);
    }
    let files: Arc<[Files]> = files.into();
    let (read, mut readings) = mpsc::unbounded_channel::<(Key, Recordings, Vec<Kept>)>();
    let (asks, mut asked) = mpsc::unbounded_channel::<Ask>();
    let mut asking = Asking::default();
    // Made when a load begins: the operating system is not asked for nothing.
    let mut local: Option<Local> = None;
    let (judged, mut judgements) = mpsc::unbounded_channel::<(Key, Judgement)>();
    let (now, seed) = (clock.now(), Ids::random().long());
    tape.put(now, || Record::Began { seed });
    let mut core = RunCore::new(now, abouts, tests, conduct, Ids::seeded(seed));
    let took = |core: &mut RunCore, asking: &mut Asking, (host, event)| {
        let now = clock.now();
        tape.put(now, || Record::Took { host });
        if let Some(event) = asking.handle(host, event) {
            core.handle_host(now, host, event);
        }
    };
    let mut taken = 0;
    loop {
        while let Some(output) = core.poll_output() {
            match output {
                RunOutput::Request { host, request } => {
                    // A host whose task is gone told so: its tests end by that.
                    let _ = requests[host].send(request);
                }
                RunOutput::Read { of, paths, since } => {
                    let read = read.clone();
                    let asks = asks.clone();
                    let files = files.clone();
                    let tape = tape.clone();
                    tokio::spawn(async move {
                        let mut recordings = Recordings::new();
                        let mut copies = Vec::new();
                        for (host, path) in paths {
                            let talk = Talk { host, asks: asks.clone() };
                            let (path, read) = retrieve(path, &files[host], &talk, since).await;
                            copies.extend(kept(&tape, &path, &read));
                            recordings.insert(path, read);
                        }
                        let _ = read.send((of, recordings, copies));
                    });
                }
                RunOutput::Judge { of, outcome } => {
                    let judged = judged.clone();
                    tokio::task::spawn_blocking(move || {
                        let _ = judged.send((of, outcome.judge()));
                    });
                }
                RunOutput::Discard(paths) => {
                    for path in paths {
                        let _ = std::fs::remove_file(path);
                    }
                }
                RunOutput::Report(event) => {
                    note(&tape, clock, &event);
                    report(&event);
                }
            }
        }
        if let Some(summary) = core.ended() {
            return summary;
        }
        // What has already come is taken in one go, and what comes of it is done in between.
        if let Some(event) = (taken < AT_ONCE).then(|| inboxes.try_next()).flatten() {
            taken += 1;
            took(&mut core, &mut asking, event);
            continue;
        }
        taken = 0;
        if core.has_load() {
            let now = clock.now();
            let local = local.get_or_insert_with(|| Local::every(LOCAL));
            if let Some(load) = local.read(now) {
                core.handle_local(now, &load);
            }
        }
        let due = core.poll_timeout().map_or(Duration::from_secs(3600), |at| clock.until(at));
        tokio::select! {
            Some(event) = inboxes.next() => took(&mut core, &mut asking, event),
            Some(ask) = asked.recv() => {
                tape.put(clock.now(), || Record::Asked { host: ask.host, command: api(&ask.command) });
                let request = Request::Command { token: asking.token(ask.host, ask.answer), command: ask.command };
                let host = ask.host;
                if requests[host].send(request).is_err() {
                    asking.forget(host);
                }
            }
            Some((of, recordings, files)) = readings.recv() => {
                if let Key::Test(test) = of {
                    tape.put(clock.now(), || Record::Recordings { test, files });
                }
                core.handle_recordings(of, recordings);
            }
            Some((of, judgement)) = judgements.recv() => {
                let now = clock.now();
                if let Key::Test(test) = of {
                    tape.put(now, || Record::Judged { test });
                }
                core.handle_judgement(now, of, judgement);
            }
            Some(order) = orders.recv() => {
                let now = clock.now();
                match order {
                    Order::Control(control) => core.control(now, control),
                    Order::Interrupt => {
                        tape.put(now, || Record::Interrupted);
                        core.interrupt(now);
                    }
                }
            }
            () = sleep(due) => {
                let now = clock.now();
                tape.put(now, || Record::Tick);
                core.handle_timeout(now);
            }
        }
    }
}

/// How often the machine that we run on is looked at.
const LOCAL: Duration = Duration::from_secs(2);

/// Events that are taken before anything else is looked at.
const AT_ONCE: usize = 64;

/// What the hosts tell, each host in turn.
#[derive(Debug, Default)]
struct Inboxes {
    hosts: Vec<Events>,
    turn: usize,
}

impl Inboxes {
    /// The next event, and whose it is; `None` once no host tells anything any more.
    async fn next(&mut self) -> Option<(usize, HostEvent)> {
        poll_fn(|context| {
            let mut open = false;
            for host in self.order() {
                match self.hosts[host].poll_recv(context) {
                    Poll::Ready(Some(event)) => {
                        self.turn = host + 1;
                        return Poll::Ready(Some((host, event)));
                    }
                    Poll::Ready(None) => {}
                    Poll::Pending => open = true,
                }
            }
            if open { Poll::Pending } else { Poll::Ready(None) }
        })
        .await
    }

    /// An event that has come already.
    fn try_next(&mut self) -> Option<(usize, HostEvent)> {
        let (host, event) = self.order().find_map(|host| Some((host, self.hosts[host].try_recv()?)))?;
        self.turn = host + 1;
        Some((host, event))
    }

    fn order(&self) -> impl Iterator<Item = usize> + use<> {
        let (hosts, turn) = (self.hosts.len(), self.turn);
        (0..hosts).map(move |host| (turn + host) % hosts)
    }
}

/// Copies a recording for the journal, if there is one.
fn kept(tape: &Tape, path: &Path, read: &ReadBack) -> Option<Kept> {
    let error = read.wav.as_ref().err().cloned();
    let kept = |audio, error| Some(Kept { path: path.to_owned(), audio, error });
    match tape.keep(&read.kept)? {
        Ok(name) => kept(Some(name), error),
        Err(why) => kept(None, error.or_else(|| Some(format!("it was not kept with the recording of the run: {why}")))),
    }
}

/// Marks where a test begins and ends.
fn note(tape: &Tape, clock: Clock, event: &RunEvent) {
    match event {
        RunEvent::TestStarted { test, host, .. } => {
            tape.put(clock.now(), || Record::TestBegan { test: test.to_string(), host: host.clone() });
        }
        RunEvent::TestEnded(report) => tape.put(clock.now(), || Record::TestEnded {
            test: report.test.to_string(),
            host: report.host.clone(),
            verdict: format!("{:?}", report.verdict).to_lowercase(),
        }),
        _ => {}
    }
}

/// An API command without the word `api`.
fn api(command: &Command) -> String {
    let line = command.to_string();
    line.strip_prefix("api ").unwrap_or(&line).to_owned()
}

/// The first name of a command given for the sake of files.
pub(super) const FIRST_ASKED: u64 = 1 << 63;

/// Commands given for the sake of files, of which the run's core knows nothing.
#[derive(Debug, Default)]
struct Asking {
    next: u64,
    waiting: HashMap<Token, (usize, oneshot::Sender<Reply>)>,
}

impl Asking {
    /// Names a command. The core counts its own from 0 and never comes so far.
    fn token(&mut self, host: usize, answer: oneshot::Sender<Reply>) -> Token {
        let token = Token(FIRST_ASKED + self.next);
        self.next += 1;
        self.waiting.insert(token, (host, answer));
        token
    }

    /// Hands on the reply that somebody waits for here; gives back what is the core's.
    fn handle(&mut self, host: usize, event: HostEvent) -> Option<HostEvent> {
        match event {
            HostEvent::Replied { token, reply } => match self.waiting.remove(&token) {
                Some((_, answer)) => {
                    // Whoever asked may have given up.
                    let _ = answer.send(reply);
                    None
                }
                None => Some(HostEvent::Replied { token, reply }),
            },
            HostEvent::Lost(lost) => {
                self.forget(host);
                Some(HostEvent::Lost(lost))
            }
            event => Some(event),
        }
    }

    /// A host that is gone answers nothing any more.
    fn forget(&mut self, host: usize) {
        self.waiting.retain(|_, (of, _)| *of != host);
    }
}
