#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The task that runs a run: it owns the hosts' handles, the clock, the recordings' files and the reports.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::clock::Clock;
use crate::esl::Reply;
use crate::host::task::Host;
use crate::host::{HostEvent, Request, Token};
use crate::id::Ids;
use crate::scenario::Judgement;

use super::core::{Recordings, RunCore, RunHost, RunOutput, Test};
use super::retrieve::{Ask, Talk, retrieve};
use super::{Conduct, RunEvent, Summary};

pub use super::retrieve::{Files, Remote};

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
/// `interrupts` brings one message for each Ctrl-C: the first hangs up the run's calls and lets it end.
pub async fn run(
    hosts: Vec<Hosted>,
    tests: Vec<Test>,
    conduct: Conduct,
    clock: Clock,
    mut interrupts: mpsc::Receiver<()>,
    mut report: impl FnMut(&RunEvent),
) -> Summary {
    let (events, mut inbox) = mpsc::channel(1_024);
    let mut requests: Vec<mpsc::UnboundedSender<Request>> = Vec::new();
    let mut abouts = Vec::new();
    let mut files = Vec::new();
    for (index, Hosted { about, mut host, recordings }) in hosts.into_iter().enumerate() {
        requests.push(host.requester());
        abouts.push(about);
        files.push(recordings);
        let events: mpsc::Sender<(usize, HostEvent)> = events.clone();
        tokio::spawn(async move {
            while let Some(event) = host.events.recv().await {
                if events.send((index, event)).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(events);
    let (read, mut readings) = mpsc::unbounded_channel::<(usize, Recordings)>();
    let (asks, mut asked) = mpsc::unbounded_channel::<Ask>();
    let mut asking = Asking::default();
    let (judged, mut judgements) = mpsc::unbounded_channel::<(usize, Judgement)>();
    let mut core = RunCore::new(clock.now(), abouts, tests, conduct, Ids::random());
    loop {
        while let Some(output) = core.poll_output() {
            match output {
                RunOutput::Request { host, request } => {
                    // A host whose task is gone told so: its tests end by that.
                    let _ = requests[host].send(request);
                }
                RunOutput::Read { host, test, paths, since } => {
                    let read = read.clone();
                    let files = files[host].clone();
                    let talk = Talk { host, asks: asks.clone() };
                    tokio::spawn(async move {
                        let mut recordings = Recordings::new();
                        for path in paths {
                            let (path, read) = retrieve(path, &files, &talk, since).await;
                            recordings.insert(path, read);
                        }
                        let _ = read.send((test, recordings));
                    });
                }
                RunOutput::Judge { test, outcome } => {
                    let judged = judged.clone();
                    tokio::task::spawn_blocking(move || {
                        let _ = judged.send((test, outcome.judge()));
                    });
                }
                RunOutput::Discard(paths) => {
                    for path in paths {
                        let _ = std::fs::remove_file(path);
                    }
                }
                RunOutput::Report(event) => report(&event),
            }
        }
        if let Some(summary) = core.ended() {
            return summary;
        }
        let due = core.poll_timeout().map_or(Duration::from_secs(3600), |at| clock.until(at));
        tokio::select! {
            Some((host, event)) = inbox.recv() => {
                // What has already come is taken in one go.
                let mut next = Some((host, event));
                while let Some((host, event)) = next {
                    if let Some(event) = asking.handle(host, event) {
                        core.handle_host(clock.now(), host, event);
                    }
                    next = inbox.try_recv().ok();
                }
            }
            Some(ask) = asked.recv() => {
                let request = Request::Command { token: asking.token(ask.host, ask.answer), command: ask.command };
                let host = ask.host;
                if requests[host].send(request).is_err() {
                    asking.forget(host);
                }
            }
            Some((test, recordings)) = readings.recv() => core.handle_recordings(test, recordings),
            Some((test, judgement)) = judgements.recv() => core.handle_judgement(clock.now(), test, judgement),
            Some(()) = interrupts.recv() => core.interrupt(clock.now()),
            () = sleep(due) => core.handle_timeout(clock.now()),
        }
    }
}

/// Commands given for the sake of files, of which the run's core knows nothing.
#[derive(Debug, Default)]
struct Asking {
    next: u64,
    waiting: HashMap<Token, (usize, oneshot::Sender<Reply>)>,
}

impl Asking {
    /// Names a command. The core counts its own from 0 and never comes so far.
    fn token(&mut self, host: usize, answer: oneshot::Sender<Reply>) -> Token {
        const FIRST: u64 = 1 << 63;
        let token = Token(FIRST + self.next);
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
