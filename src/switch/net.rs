#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The switch over sockets: one task owns the core, and joins event sockets, user agent and media thread to it.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::esl::Event;
use crate::esl::server::{Answer, Requests, write_event};
use crate::esl::wire::{Format, Frame, Limits};
use crate::id::Ids;
use crate::media::MediaEvent;
use crate::media::thread::{MediaConfig, MediaThread};
use crate::sip::{Agent, AgentConfig, SipEvent};
use crate::units::Time;

use super::config::{Dialing, SwitchConfig};
use super::core::{AskId, ConnId, DialId, Output, Question, SwitchCore};

/// Ports for RTP when the configuration names none: FreeSWITCH's.
const RTP_PORTS: std::ops::RangeInclusive<u16> = 16_384..=32_768;
/// Inputs that may wait for the core.
const INBOX: usize = 4_096;
/// Bytes read from a client at once.
const READ: usize = 16 * 1024;
/// Outputs of one wait that are written to a socket together.
const BATCH: usize = 64 * 1024;
/// How long [`Switch::shutdown`] waits for calls to end.
const LAST_CALLS: Duration = Duration::from_secs(2);
/// How long a program of the `system` command may run.
const SYSTEM_TIME: Duration = Duration::from_secs(30);

/// Why a switch did not start.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    #[error("cannot listen for event sockets on {address}: {error}")]
    EventSocket { address: SocketAddr, error: io::Error },
    #[error("cannot receive SIP on {address}: {error}")]
    Sip { address: SocketAddr, error: io::Error },
    #[error("cannot start the media threads: {0}")]
    Media(io::Error),
}

/// A running switch. Dropped, it falls silent at once; [`Switch::shutdown`] ends its calls first.
#[derive(Debug)]
pub struct Switch {
    esl: SocketAddr,
    sip: SocketAddr,
    closing: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Switch {
    /// Binds the sockets and starts. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Names the address that cannot be bound, and why: a port that another program has, for one.
    pub async fn start(config: SwitchConfig) -> Result<Switch, SwitchError> {
        let mut config = config;
        let clock = Clock::start();
        let event_socket = |error| SwitchError::EventSocket { address: config.esl, error };
        let listener = TcpListener::bind(config.esl).await.map_err(event_socket)?;
        let esl = listener.local_addr().map_err(event_socket)?;
        let mut agent_config = AgentConfig::new(config.sip);
        agent_config.user_agent = format!("FreeSWITCH-mod_sofia/{}", super::config::IMITATED_FULL_VERSION);
        let (agent, sip_events) =
            Agent::bind(agent_config).await.map_err(|error| SwitchError::Sip { address: config.sip, error })?;
        let sip = agent.local_addr();
        let (media_in, media_events) = mpsc::unbounded_channel();
        let media_config = MediaConfig { ip: sip.ip(), ports: config.rtp_ports.clone().unwrap_or(RTP_PORTS) };
        let media = MediaThread::spawn(media_config, clock, move |event| drop(media_in.send(event)));
        let media = media.map_err(SwitchError::Media)?;
        (config.esl, config.sip) = (esl, sip);

        let (inbox, inputs) = mpsc::channel(INBOX);
        let closing = CancellationToken::new();
        let (queue, dialing, known) = (config.event_queue, config.dialing.clone(), config.clients.known);
        let owner = Owner {
            core: SwitchCore::new(config, Ids::random(), clock.now()),
            clock,
            agent,
            media,
            clients: HashMap::new(),
            last_client: 0,
            queue,
            dialing,
            known,
            inbox,
        };
        let task = tokio::spawn(owner.run(listener, inputs, sip_events, media_events, closing.clone()));
        Ok(Switch { esl, sip, closing, task: Some(task) })
    }

    /// Where event sockets are accepted.
    pub fn esl_addr(&self) -> SocketAddr {
        self.esl
    }

    /// Where SIP is received.
    pub fn sip_addr(&self) -> SocketAddr {
        self.sip
    }

    /// Hangs up what is still there, waits until it is gone (two seconds at most), and closes the sockets.
    pub async fn shutdown(mut self) {
        self.closing.cancel();
        if let Some(task) = self.task.take() {
            // It fails only after a panic, which was told on stderr.
            let _ = task.await;
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// What comes to the owner from clients and programs.
#[derive(Debug)]
enum Input {
    Request(ConnId, Frame),
    /// Of a client that was not logged in: it goes on once it is told how large its next request may be.
    Login(ConnId, Frame, oneshot::Sender<Limits>),
    Closed(ConnId),
    Answered(AskId, String),
    Dialed(DialId, Result<TcpStream, String>),
}

/// What goes to a client.
#[derive(Debug)]
enum ToClient {
    Answer(Answer),
    Event(Arc<Event>, Format),
}

/// One client's tasks.
struct Client {
    sender: mpsc::Sender<ToClient>,
    reader: AbortHandle,
    writer: AbortHandle,
}

impl Client {
    /// Lets it read what was written, and hears it no more.
    fn part(self) {
        self.reader.abort();
    }

    /// Closes its socket, whatever it has not read.
    fn drop_now(self) {
        self.reader.abort();
        self.writer.abort();
    }
}

/// The task that owns the core.
struct Owner {
    core: SwitchCore,
    clock: Clock,
    agent: Agent,
    media: MediaThread,
    clients: HashMap<ConnId, Client>,
    last_client: u64,
    queue: usize,
    dialing: Dialing,
    /// What a client may ask that is logged in.
    known: Limits,
    inbox: mpsc::Sender<Input>,
}

impl Owner {
    async fn run(
        mut self,
        listener: TcpListener,
        mut inputs: mpsc::Receiver<Input>,
        mut sip: mpsc::Receiver<SipEvent>,
        mut media: mpsc::UnboundedReceiver<MediaEvent>,
        closing: CancellationToken,
    ) {
        let mut end: Option<Time> = None;
        loop {
            self.carry();
            if end.is_some_and(|end| self.core.session_count() == 0 || self.clock.now() >= end) {
                break;
            }
            let due = [self.core.poll_timeout(), end].into_iter().flatten().min();
            let wait = due.map(|due| self.clock.until(due));
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.connected(stream, peer),
                    // Too many files are open: the client tries again.
                    Err(error) => tracing::warn!(target: "callwright::switch", %error, "event socket not accepted"),
                },
                Some(input) = inputs.recv() => self.take(input),
                Some(event) = sip.recv() => self.core.handle_sip(self.clock.now(), event),
                Some(event) = media.recv() => self.core.handle_media(self.clock.now(), event),
                () = sleep(wait) => self.core.handle_timeout(self.clock.now()),
                () = closing.cancelled(), if end.is_none() => {
                    end = Some(self.clock.now() + LAST_CALLS);
                    self.core.hang_up_all(self.clock.now());
                }
            }
        }
        self.carry();
        let Owner { agent, media, clients, .. } = self;
        // They get what was written to them; then their writers see the end.
        clients.into_values().for_each(Client::part);
        agent.shutdown().await;
        // It waits for files to be whole.
        let _ = tokio::task::spawn_blocking(move || drop(media)).await;
    }

    fn take(&mut self, input: Input) {
        let now = self.clock.now();
        match input {
            Input::Request(conn, request) => self.core.handle_esl_command(now, conn, request),
            Input::Login(conn, request, go_on) => {
                self.core.handle_esl_command(now, conn, request);
                // It may be gone.
                let _ = go_on.send(self.core.esl_limits(conn));
            }
            Input::Closed(conn) => {
                self.clients.remove(&conn);
                self.core.handle_esl_closed(now, conn);
            }
            Input::Answered(id, answer) => self.core.handle_answer(now, id, answer),
            Input::Dialed(dial, Err(error)) => self.core.handle_dialed(now, dial, Err(error)),
            Input::Dialed(dial, Ok(stream)) => {
                // The switch knows who it is: it was asked to call there.
                let conn = self.join(stream, self.known);
                self.core.handle_dialed(now, dial, Ok(conn));
            }
        }
    }

    fn connected(&mut self, stream: TcpStream, peer: SocketAddr) {
        let stranger = self.core.esl_limits(ConnId(self.last_client + 1));
        let conn = self.join(stream, stranger);
        self.core.handle_esl_connected(self.clock.now(), conn, peer.ip());
    }

    /// Reads and writes a client's socket from now on. Its first requests may be as large as `limits` say.
    fn join(&mut self, stream: TcpStream, limits: Limits) -> ConnId {
        // Latency matters here, and FreeSWITCH does the same.
        let _ = stream.set_nodelay(true);
        self.last_client += 1;
        let conn = ConnId(self.last_client);
        let (reader, writer) = stream.into_split();
        let (sender, answers) = mpsc::channel(self.queue);
        let writer = tokio::spawn(write(writer, answers)).abort_handle();
        let reading = read(conn, reader, [limits, self.known], self.inbox.clone());
        let reader = tokio::spawn(reading).abort_handle();
        self.clients.insert(conn, Client { sender, reader, writer });
        conn
    }

    /// Carries outputs until there are none.
    fn carry(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Esl { conn, answer } => self.give(conn, ToClient::Answer(answer)),
                Output::Event { conn, format, event } => self.give(conn, ToClient::Event(event, format)),
                Output::CloseEsl(conn) => {
                    self.clients.remove(&conn).map(Client::part).unwrap_or_default();
                    self.core.handle_esl_closed(self.clock.now(), conn);
                }
                Output::Dial { dial, host, port } => {
                    let (inbox, dialing) = (self.inbox.clone(), self.dialing.clone());
                    tokio::spawn(async move {
                        let outcome = connect(&host, port, &dialing).await;
                        let _ = inbox.send(Input::Dialed(dial, outcome)).await;
                    });
                }
                Output::Sip(command) => self.agent.send(command),
                Output::Media(command) => self.media.send(command),
                Output::Ask { id, question } => {
                    let inbox = self.inbox.clone();
                    tokio::spawn(async move {
                        let _ = inbox.send(Input::Answered(id, ask(question).await)).await;
                    });
                }
            }
        }
    }

    /// Gives a client something; one that does not read is dropped when its queue is full.
    fn give(&mut self, conn: ConnId, what: ToClient) {
        let Some(client) = self.clients.get(&conn) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = client.sender.try_send(what) {
            tracing::warn!(target: "callwright::switch", conn = conn.0, "client does not read: dropped");
            self.clients.remove(&conn).map(Client::drop_now).unwrap_or_default();
            self.core.handle_esl_closed(self.clock.now(), conn);
        }
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// Connects to the first address of `host` that may be connected to and answers.
async fn connect(host: &str, port: u16, dialing: &Dialing) -> Result<TcpStream, String> {
    let attempts = async {
        let mut failed = format!("{host} has no address");
        for address in tokio::net::lookup_host((host, port)).await.map_err(|error| error.to_string())? {
            if !dialing.permits(address.ip()) {
                failed = format!("{address}: Permission denied");
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = format!("{address}: {error}"),
            }
        }
        Err(failed)
    };
    tokio::time::timeout(dialing.patience, attempts).await.unwrap_or_else(|_| Err("Connection timed out".to_owned()))
}

/// Cuts what a client sends into requests, within the first limits until it is known.
async fn read(
    conn: ConnId,
    mut reader: tokio::net::tcp::OwnedReadHalf,
    [first, known]: [Limits; 2],
    inbox: mpsc::Sender<Input>,
) {
    let mut requests = Requests::new(first);
    let mut limits = first;
    let mut bytes = vec![0; READ];
    'reading: while let Ok(count @ 1..) = reader.read(&mut bytes).await {
        requests.feed(&bytes[..count]);
        loop {
            match requests.poll() {
                Ok(Some(request)) if limits != known => {
                    let (go_on, went_on) = oneshot::channel();
                    if inbox.send(Input::Login(conn, request, go_on)).await.is_err() {
                        return;
                    }
                    let Ok(next) = went_on.await else { return };
                    limits = next;
                    requests.limit(limits);
                }
                Ok(Some(request)) => {
                    if inbox.send(Input::Request(conn, request)).await.is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(target: "callwright::switch", conn = conn.0, %error, "event socket closed");
                    break 'reading;
                }
            }
        }
    }
    let _ = inbox.send(Input::Closed(conn)).await;
}

/// Writes what a client gets, as much as waits at once, until there will be no more.
async fn write(mut writer: tokio::net::tcp::OwnedWriteHalf, mut answers: mpsc::Receiver<ToClient>) {
    let mut bytes = Vec::with_capacity(BATCH);
    while let Some(what) = answers.recv().await {
        encode(&what, &mut bytes);
        while bytes.len() < BATCH
            && let Ok(what) = answers.try_recv()
        {
            encode(&what, &mut bytes);
        }
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
        bytes.clear();
    }
    let _ = writer.shutdown().await;
}

fn encode(what: &ToClient, bytes: &mut Vec<u8>) {
    match what {
        ToClient::Answer(answer) => answer.write(bytes),
        ToClient::Event(event, format) => write_event(event, *format, bytes),
    }
}

async fn ask(question: Question) -> String {
    match question {
        Question::FileExists(path) => tokio::fs::try_exists(path).await.unwrap_or(false).to_string(),
        Question::System(command) => {
            let mut program = tokio::process::Command::new("sh");
            let program = program.arg("-c").arg(command).stdin(Stdio::null()).kill_on_drop(true);
            match tokio::time::timeout(SYSTEM_TIME, program.output()).await {
                Ok(Ok(output)) => String::from_utf8_lossy(&output.stdout).into_owned(),
                Ok(Err(error)) => format!("-ERR {error}\n"),
                Err(_) => "-ERR it took too long\n".to_owned(),
            }
        }
    }
}
