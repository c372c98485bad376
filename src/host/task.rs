#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The task that owns a host's sockets.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep, timeout};

use super::{Attempts, HostConfig, HostCore, HostEvent, Line, Lost, Next, Patience, Request};
use crate::clock::Clock;
use crate::id::Ids;
use crate::journal::{Chunk, GivenUp, Record, Tape};

/// Events that are handed over together, and how often that may be before a consumer takes them; others wait in the core.
const BATCH: usize = 1_024;
const BATCHES: usize = 16;
/// Events that may wait for a consumer before we say that it cannot keep up.
const BACKLOG: usize = 1_000_000;

/// Where a host's bytes are written down.
#[derive(Clone, Debug, Default)]
pub struct HostTape {
    pub tape: Tape,
    /// The host's place in the run.
    pub host: usize,
}

type Outbox = mpsc::Sender<VecDeque<HostEvent>>;

/// A host's task, from outside. Dropping it closes the connections.
#[derive(Debug)]
pub struct Host {
    pub name: String,
    requests: mpsc::UnboundedSender<Request>,
    pub events: Events,
}

/// What a host tells, in order. The task hands over all that came of one look at its sockets together, so that its reader
/// is woken once and not for each event.
#[derive(Debug)]
pub struct Events {
    inbox: mpsc::Receiver<VecDeque<HostEvent>>,
    come: VecDeque<HostEvent>,
}

impl Events {
    /// The next event; `None` once the task is over.
    pub async fn recv(&mut self) -> Option<HostEvent> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// An event that has come already.
    pub fn try_recv(&mut self) -> Option<HostEvent> {
        while self.come.is_empty() {
            self.come = self.inbox.try_recv().ok()?;
        }
        self.come.pop_front()
    }

    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<HostEvent>> {
        while self.come.is_empty() {
            match ready!(self.inbox.poll_recv(context)) {
                Some(come) => self.come = come,
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(self.come.pop_front())
    }
}

impl Host {
    /// Starts the task; it connects to `address` (`host:port`) by itself and again when the connection is lost.
    pub fn connect(config: HostConfig, address: String, patience: Patience, clock: Clock) -> Host {
        Host::connect_taped(config, address, patience, clock, HostTape::default())
    }

    /// The same, with every byte written down.
    pub fn connect_taped(
        config: HostConfig,
        address: String,
        patience: Patience,
        clock: Clock,
        tape: HostTape,
    ) -> Host {
        let (requests, inbox) = mpsc::unbounded_channel();
        let (outbox, inbox_of_events) = mpsc::channel(BATCHES);
        let name = config.name.clone();
        tokio::spawn(run(config, address, patience, clock, tape, inbox, outbox));
        Host { name, requests, events: Events { inbox: inbox_of_events, come: VecDeque::new() } }
    }

    /// Hands a request to the task. What is asked of a lost host is forgotten; the host's own event tells that it is.
    pub fn request(&self, request: Request) {
        let _ = self.requests.send(request);
    }

    /// A handle that asks only.
    pub fn requester(&self) -> mpsc::UnboundedSender<Request> {
        self.requests.clone()
    }
}

async fn run(
    mut config: HostConfig,
    address: String,
    patience: Patience,
    clock: Clock,
    tape: HostTape,
    mut inbox: mpsc::UnboundedReceiver<Request>,
    outbox: Outbox,
) {
    let host = tape.host;
    let mut attempts = Attempts::new(clock.now(), address.clone(), patience);
    loop {
        let next = match connect(&address, clock.until(attempts.deadline())).await {
            Err(error) => attempts.handle_refused(clock.now(), error.to_string()),
            Ok(lines) => {
                let seed = Ids::random().long();
                tape.tape.put(clock.now(), || Record::Connected { host, seed });
                let mut core = HostCore::new(config.clone(), Ids::seeded(seed));
                let ended = serve(&mut core, lines, patience.login, clock, &tape, &mut inbox, &outbox).await;
                // What was subscribed to meanwhile is wanted of the next connection as well.
                config.events = core.subscribed().to_vec();
                let Some(Ended { lost, was_up }) = ended else { return };
                if was_up {
                    attempts.handle_up();
                }
                attempts.handle_ended(clock.now(), lost)
            }
        };
        let lost = match next {
            Next::Again(at) => {
                sleep(clock.until(at)).await;
                continue;
            }
            Next::Tell(lost) => lost,
        };
        if let Some(lost) = GivenUp::of(&lost) {
            tape.tape.put(clock.now(), || Record::Lost { host, lost });
        }
        let over = lost.is_over();
        if outbox.send([HostEvent::Lost(lost)].into()).await.is_err() || over {
            return;
        }
        // What was asked of the lost connection means nothing to the next one.
        while inbox.try_recv().is_ok() {}
        attempts.begin_again(clock.now());
    }
}

/// Both connections, if they can be made within `limit`.
async fn connect(address: &str, limit: Duration) -> io::Result<[TcpStream; 2]> {
    let both = async { io::Result::Ok([TcpStream::connect(address).await?, TcpStream::connect(address).await?]) };
    let lines = match timeout(limit, both).await {
        Ok(lines) => lines?,
        Err(_) => return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer".to_owned())),
    };
    for line in &lines {
        line.set_nodelay(true)?;
    }
    Ok(lines)
}

pub(crate) struct Socket {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    /// What was read.
    pub(crate) buffer: Box<[u8; 64 * 1024]>,
    /// What is still to be written.
    pub(crate) out: Vec<u8>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let (read, write) = stream.into_split();
        Socket { read, write, buffer: Box::new([0; 64 * 1024]), out: Vec::new() }
    }

    /// Reads once or writes once, whichever can be done first; tells how much was read. The end of what there is to read
    /// is an error, `UnexpectedEof`.
    pub(crate) async fn turn(&mut self) -> io::Result<usize> {
        tokio::select! {
            read = self.read.read(&mut self.buffer[..]) => match read? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                length => Ok(length),
            },
            written = self.write.write(&self.out), if !self.out.is_empty() => {
                self.out.drain(..written?);
                Ok(0)
            }
        }
    }
}

/// How a pair of connections ended.
struct Ended {
    lost: Lost,
    /// Whether what answered was a switch.
    was_up: bool,
}

/// Runs one pair of connections to its end; `None` when nobody listens to the host any more.
async fn serve(
    core: &mut HostCore,
    [events, commands]: [TcpStream; 2],
    login: Duration,
    clock: Clock,
    tape: &HostTape,
    inbox: &mut mpsc::UnboundedReceiver<Request>,
    outbox: &Outbox,
) -> Option<Ended> {
    let mut was_up = false;
    let mut sockets = [(Line::Events, Socket::new(events)), (Line::Commands, Socket::new(commands))];
    let deadline = Instant::now() + login;
    loop {
        for (line, socket) in &mut sockets {
            let bytes = core.poll_transmit(*line);
            tape.tape.sent(clock.now(), tape.host, *line, &bytes);
            socket.out.extend(bytes);
        }
        if core.backlog() > 0 {
            match outbox.try_reserve() {
                Ok(permit) => {
                    let mut events = core.poll_events(BATCH);
                    was_up |= events.iter().any(|event| matches!(event, HostEvent::Up(_)));
                    // It is the last there is.
                    let lost = match events.pop_back_if(|event| matches!(event, HostEvent::Lost(_))) {
                        Some(HostEvent::Lost(lost)) => Some(lost),
                        _ => None,
                    };
                    permit.send(events);
                    if let Some(lost) = lost {
                        return Some(Ended { lost, was_up });
                    }
                }
                Err(TrySendError::Full(())) => {}
                Err(TrySendError::Closed(())) => return None,
            }
        }
        if core.backlog() > BACKLOG {
            return Some(Ended { lost: Lost::TooSlow(core.backlog()), was_up });
        }
        let [(_, events), (_, commands)] = &mut sockets;
        tokio::select! {
            // There is room again.
            permit = outbox.reserve(), if core.backlog() > 0 => {
                if permit.is_err() {
                    return None;
                }
            }
            turned = events.turn() => took(core, clock, tape, Line::Events, turned, &events.buffer[..]),
            turned = commands.turn() => took(core, clock, tape, Line::Commands, turned, &commands.buffer[..]),
            request = inbox.recv() => match request {
                Some(request) => core.handle_request(clock.now(), request),
                None => {
                    goodbye(sockets).await;
                    return None;
                }
            },
            () = tokio::time::sleep_until(deadline), if !was_up => {
                return Some(Ended { lost: Lost::Silent(login), was_up });
            }
        }
    }
}

fn took(
    core: &mut HostCore,
    clock: Clock,
    HostTape { tape, host }: &HostTape,
    line: Line,
    turned: io::Result<usize>,
    buffer: &[u8],
) {
    let (now, host) = (clock.now(), *host);
    let closed = |error: Option<String>| Record::Closed { host, line: line.into(), error };
    match turned {
        // Something was written, not read.
        Ok(0) => {}
        Ok(length) => {
            let bytes = &buffer[..length];
            tape.put(now, || Record::Came { host, line: line.into(), bytes: Chunk::new(bytes) });
            core.handle_bytes(now, line, bytes);
        }
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            tape.put(now, || closed(None));
            core.handle_eof(now, line);
        }
        Err(error) => {
            tape.put(now, || closed(Some(error.to_string())));
            core.handle_io_error(now, line, &error);
        }
    }
}

/// Says `exit` on both connections and waits a moment for it to be taken.
async fn goodbye(sockets: [(Line, Socket); 2]) {
    for (_, mut socket) in sockets {
        let _ = timeout(Duration::from_millis(200), async {
            socket.write.write_all(&socket.out).await?;
            socket.write.write_all(b"exit\n\n").await?;
            socket.write.shutdown().await?;
            while socket.read.read(&mut socket.buffer[..]).await? > 0 {}
            io::Result::Ok(())
        })
        .await;
    }
}
