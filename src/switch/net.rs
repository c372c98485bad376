#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The switch's shell: its sockets, its clock, and the task that owns its core.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::config::{IMITATED_FULL_VERSION, SwitchConfig, SystemApi};
use super::core::{AskId, ConnId, Output, Question, SwitchCore};
use crate::clock::Clock;
use crate::esl::server::{Requests, write_event};
use crate::esl::wire::{Frame, Limits};
use crate::id::Ids;
use crate::media::MediaEvent;
use crate::media::thread::{MediaConfig, MediaThread};
use crate::sip::SipEvent;
use crate::sip::agent::{Agent, AgentConfig};

/// A switch that runs. Dropping it stops it without goodbyes; [`Switch::shutdown`] hangs up first.
#[derive(Debug)]
pub struct Switch {
    esl: SocketAddr,
    sip: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// Why a switch could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    #[error("cannot listen for event sockets on {address}: {source}")]
    Esl { address: SocketAddr, source: io::Error },
    #[error("cannot listen for SIP on {address}: {source}")]
    Sip { address: SocketAddr, source: io::Error },
    #[error("cannot start the media thread: {0}")]
    Media(#[source] io::Error),
}

/// Ports for RTP where the configuration names none: above what systems hand out for outgoing connections in Debian's
/// defaults there is too little room, so the range FreeSWITCH uses.
const RTP_PORTS: std::ops::RangeInclusive<u16> = 16_384..=32_768;

/// The methods that FreeSWITCH says it takes.
const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY";

/// Requests of a client that may wait for the core.
const REQUESTS: usize = 256;

impl Switch {
    /// Binds the addresses of `config` and starts.
    pub async fn start(mut config: SwitchConfig, clock: Clock) -> Result<Switch, SwitchError> {
        let listener = TcpListener::bind(config.esl)
            .await
            .and_then(|listener| Ok((listener.local_addr()?, listener)))
            .map_err(|source| SwitchError::Esl { address: config.esl, source })?;
        let (esl, listener) = listener;
        let about = AgentConfig {
            user_agent: format!("FreeSWITCH-mod_sofia/{IMITATED_FULL_VERSION}"),
            contact_user: "mod_sofia".to_owned(),
            allow: ALLOW.to_owned(),
            ..AgentConfig::new(config.sip)
        };
        let (agent, sip_events) =
            Agent::bind(about).await.map_err(|source| SwitchError::Sip { address: config.sip, source })?;
        let sip = agent.local_addr();
        (config.esl, config.sip) = (esl, sip);
        let ports = config.rtp_ports.clone().unwrap_or(RTP_PORTS);
        let (told, media_events) = mpsc::unbounded_channel();
        let media = MediaThread::spawn(MediaConfig { ip: sip.ip(), ports }, clock, move |event| {
            let _ = told.send(event);
        })
        .map_err(SwitchError::Media)?;
        let (stop, stopped) = oneshot::channel();
        let core = SwitchCore::new(config.clone(), Ids::random(), clock.now());
        let (inbox, from_clients) = mpsc::channel(REQUESTS);
        let (answers, answered) = mpsc::unbounded_channel();
        let shell = Shell { core, clock, config, agent, media, clients: HashMap::new(), next_conn: 0, inbox, answers };
        let task = tokio::spawn(shell.run(listener, from_clients, answered, sip_events, media_events, stopped));
        Ok(Switch { esl, sip, stop: Some(stop), task })
    }

    /// Where event sockets are accepted.
    pub fn esl_addr(&self) -> SocketAddr {
        self.esl
    }

    /// Where SIP is received.
    pub fn sip_addr(&self) -> SocketAddr {
        self.sip
    }

    /// Hangs up what is there, closes every recording, and ends.
    pub async fn shutdown(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        // A shell whose stop is gone stops as if it had been told to.
        self.stop.take();
    }
}

/// What a client's connection told.
#[derive(Debug)]
enum FromClient {
    Request(Frame),
    Closed,
}

#[derive(Debug)]
struct Client {
    /// Bytes for its writer; full where it does not read.
    out: mpsc::Sender<Vec<u8>>,
}

struct Shell {
    core: SwitchCore,
    clock: Clock,
    config: SwitchConfig,
    agent: Agent,
    media: MediaThread,
    clients: HashMap<ConnId, Client>,
    next_conn: u64,
    inbox: mpsc::Sender<(ConnId, FromClient)>,
    answers: mpsc::UnboundedSender<(AskId, String)>,
}

impl Shell {
    async fn run(
        mut self,
        listener: TcpListener,
        mut from_clients: mpsc::Receiver<(ConnId, FromClient)>,
        mut answered: mpsc::UnboundedReceiver<(AskId, String)>,
        mut sip_events: mpsc::Receiver<SipEvent>,
        mut media_events: mpsc::UnboundedReceiver<MediaEvent>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        loop {
            self.carry_out();
            let due = self.core.poll_timeout().map_or(Duration::from_secs(3600), |at| self.clock.until(at));
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                () = sleep(due), if due.is_zero() => self.core.handle_timeout(self.clock.now()),
                Some(event) = media_events.recv() => self.core.handle_media(self.clock.now(), event),
                Some(event) = sip_events.recv() => self.core.handle_sip(self.clock.now(), event),
                Some((conn, told)) = from_clients.recv() => self.handle_client(conn, told),
                Some((id, answer)) = answered.recv() => self.core.handle_answer(self.clock.now(), id, answer),
                Ok((stream, _)) = listener.accept() => self.welcome(stream),
                () = sleep(due) => self.core.handle_timeout(self.clock.now()),
            }
        }
        let Shell { agent, media, .. } = self;
        agent.shutdown().await;
        // Closing the files takes its time, and so it has a thread of its own.
        let _ = tokio::task::spawn_blocking(move || drop(media)).await;
    }

    fn handle_client(&mut self, conn: ConnId, told: FromClient) {
        match told {
            FromClient::Request(request) => self.core.handle_esl_command(self.clock.now(), conn, request),
            FromClient::Closed => {
                if self.clients.remove(&conn).is_some() {
                    self.core.handle_esl_closed(self.clock.now(), conn);
                }
            }
        }
    }

    fn welcome(&mut self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        self.next_conn += 1;
        let conn = ConnId(self.next_conn);
        let (read, write) = stream.into_split();
        let (out, queue) = mpsc::channel(self.config.event_queue.max(1));
        tokio::spawn(read_client(conn, read, self.inbox.clone()));
        tokio::spawn(write_client(write, queue));
        self.clients.insert(conn, Client { out });
        self.core.handle_esl_connected(self.clock.now(), conn);
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Esl { conn, answer } => {
                    let mut bytes = Vec::new();
                    answer.write(&mut bytes);
                    self.write(conn, bytes);
                }
                Output::Event { conn, format, event } => {
                    let mut bytes = Vec::new();
                    write_event(&event, format, &mut bytes);
                    self.write(conn, bytes);
                }
                // Its writer closes once its queue is empty.
                Output::CloseEsl(conn) => {
                    self.clients.remove(&conn);
                }
                Output::Sip(command) => self.agent.send(command),
                Output::Media(command) => self.media.send(command),
                Output::Ask { id, question } => self.ask(id, question),
            }
        }
    }

    /// A client that does not read is dropped, as FreeSWITCH does with one that falls 100,000 events behind.
    fn write(&mut self, conn: ConnId, bytes: Vec<u8>) {
        let Some(client) = self.clients.get(&conn) else { return };
        if client.out.try_send(bytes).is_err() {
            tracing::warn!(conn = conn.0, "an event socket that does not read is dropped");
            self.clients.remove(&conn);
            self.core.handle_esl_closed(self.clock.now(), conn);
        }
    }

    fn ask(&self, id: AskId, question: Question) {
        let answers = self.answers.clone();
        let allowed = self.config.system == SystemApi::Allowed;
        tokio::task::spawn_blocking(move || {
            let answer = match question {
                Question::FileExists(path) => std::path::Path::new(&path).exists().to_string(),
                Question::System(command) if allowed => {
                    match std::process::Command::new("sh").arg("-c").arg(command).output() {
                        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
                        Err(error) => format!("-ERR {error}\n"),
                    }
                }
                Question::System(_) => "-ERR not allowed\n".to_owned(),
            };
            let _ = answers.send((id, answer));
        });
    }
}

async fn read_client(conn: ConnId, mut read: OwnedReadHalf, inbox: mpsc::Sender<(ConnId, FromClient)>) {
    let mut requests = Requests::new(Limits::default());
    let mut buffer = vec![0; 16 * 1024];
    'open: while let Ok(length @ 1..) = read.read(&mut buffer).await {
        requests.feed(&buffer[..length]);
        loop {
            match requests.poll() {
                Ok(Some(request)) => {
                    if inbox.send((conn, FromClient::Request(request))).await.is_err() {
                        return;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(conn = conn.0, %error, "an event socket is closed for what it sent");
                    break 'open;
                }
            }
        }
    }
    let _ = inbox.send((conn, FromClient::Closed)).await;
}

async fn write_client(mut write: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(mut bytes) = queue.recv().await {
        // What has piled up goes out in one write.
        while bytes.len() < 64 * 1024 {
            match queue.try_recv() {
                Ok(more) => bytes.extend_from_slice(&more),
                Err(_) => break,
            }
        }
        if write.write_all(&bytes).await.is_err() {
            return;
        }
    }
    let _ = write.shutdown().await;
}
