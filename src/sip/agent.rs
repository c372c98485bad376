#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! The user agent over UDP and TCP: `UserAgent` decides, the crate's transactions send, this task carries between them.
//!
//! Each transaction is a task of its own, for the crate's `receive` must not be interrupted. All of them report to the
//! one task that owns the `UserAgent`.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rsipstack::EndpointBuilder;
use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{Method, SipMessage, Transport};
use rsipstack::transaction::endpoint::{EndpointInnerRef, EndpointOption};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::transaction::{TransactionEvent, TransactionEventSender};
use rsipstack::transaction::{Transaction, TransactionReceiver};
use rsipstack::transport::udp::{UdpConnection, UdpInner};
use rsipstack::transport::{SipAddr, SipConnection, TransportLayer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::intake::Intake;
use super::socket::Socketed;
use super::streams::{Streams, tcp};
use super::uri::SipUri;
use super::user_agent::{Action, Identity, Tx, UserAgent};
use super::wire::{from_crate, to_request, to_response};
use super::{Message, SipCommand, SipEvent, SipFailure};
use crate::id::Ids;
use crate::units::Time;

/// How the user agent presents itself, and its patience.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Where to listen, over UDP and TCP; port 0 takes one that is free for both. Requests carry it in Via and Contact, so no wildcard address.
    pub listen: SocketAddr,
    /// `User-Agent` of every message.
    pub user_agent: String,
    /// User part of the Contact of calls that we place; FreeSWITCH has `mod_sofia`.
    pub contact_user: String,
    /// `Allow` of INVITEs and their responses.
    pub allow: String,
    pub timers: SipTimers,
}

/// RFC 3261's timers as far as they can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipTimers {
    /// T1, the first retransmission interval.
    pub t1: Duration,
    /// T2, the longest retransmission interval.
    pub t2: Duration,
    /// Timers B, F, H and L: how long a request waits for any response, and a final response for its ACK.
    pub no_response: Duration,
    /// How long a finished transaction still answers retransmissions. RFC 3261 asks for 64 x T1, which costs memory; on
    /// loopback nothing stays in the network for longer than T4.
    pub linger: Duration,
}

impl Default for SipTimers {
    /// RFC 3261's, but for `linger`: T4.
    fn default() -> Self {
        SipTimers {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            no_response: Duration::from_secs(32),
            linger: Duration::from_secs(5),
        }
    }
}

impl AgentConfig {
    /// Listens on `listen`, with FreeSWITCH's Contact user and the methods that are really acted on.
    pub fn new(listen: SocketAddr) -> Self {
        AgentConfig {
            listen,
            user_agent: concat!("callwright/", env!("CARGO_PKG_VERSION")).to_owned(),
            contact_user: "mod_sofia".to_owned(),
            allow: "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, REFER, NOTIFY".to_owned(),
            timers: SipTimers::default(),
        }
    }
}

/// A running user agent. Dropped without [`Agent::shutdown`], it falls silent at once.
#[derive(Debug)]
pub struct Agent {
    local: SocketAddr,
    commands: mpsc::UnboundedSender<SipCommand>,
    closing: CancellationToken,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Events that may wait for the switch before the user agent stops reading.
const EVENT_QUEUE: usize = 4096;
/// How long [`Agent::shutdown`] waits for the calls it hangs up.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);
/// Free ports of UDP that are tried until one is free for TCP, too.
const PORT_TRIES: usize = 16;
/// A user agent has no timer C (RFC 3261 16.6 has it for proxies); this is the crate's, out of the way.
const NO_TIMER_C: Duration = Duration::from_secs(365 * 86_400);

impl Agent {
    /// Binds and starts. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// Whatever binding the sockets says.
    pub async fn bind(config: AgentConfig) -> io::Result<(Agent, mpsc::Receiver<SipEvent>)> {
        let (socket, listener) = bind_both(config.listen).await?;
        let local = socket.local()?;
        let stop = CancellationToken::new();
        let transport = TransportLayer::new(stop.clone());
        let inner = UdpInner { conn: Arc::new(socket.clone()), addr: udp(local) };
        let datagrams = UdpConnection::attach(inner, None, Some(stop.clone())).await;
        transport.add_transport(SipConnection::Udp(datagrams.clone()));
        let timers = config.timers;
        let option = EndpointOption {
            t1: timers.t1,
            t2: timers.t2,
            // A second later than our own timer B, which ends an INVITE without the ACK to a made-up 408.
            t1x64: timers.no_response + Duration::from_secs(1),
            timerc: NO_TIMER_C,
            ..EndpointOption::default()
        };
        let endpoint = EndpointBuilder::new()
            .with_user_agent(&config.user_agent)
            .with_transport_layer(transport)
            .with_cancel_token(stop.clone())
            .with_option(option)
            .build();
        let incoming = endpoint.incoming_transactions().map_err(io::Error::other)?;
        let inner = endpoint.inner.clone();
        let serve = tokio::spawn(async move { endpoint.serve().await });
        let intake = Intake { allow: config.allow.clone(), user_agent: config.user_agent.clone() };
        let streams = Streams::start(listener, local, inner.clone(), intake.clone(), stop.clone());
        let (reading, stopped) = (socket.read(datagrams, inner.clone(), intake), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = reading => {}
                () = stopped.cancelled() => {}
            }
        });

        let identity = Identity {
            local,
            user_agent: config.user_agent,
            contact_user: config.contact_user,
            allow: config.allow,
            no_response: timers.no_response,
        };
        let (commands, commands_in) = mpsc::unbounded_channel();
        let (events, events_out) = mpsc::channel(EVENT_QUEUE);
        let (reports, reports_in) = mpsc::unbounded_channel();
        let closing = CancellationToken::new();
        let carrier = Carrier {
            core: UserAgent::new(identity, Ids::random()),
            clock: Clock::start(),
            endpoint: inner,
            streams,
            transactions: HashMap::new(),
            finished: VecDeque::new(),
            linger: timers.linger,
            events,
            reports,
            closing: closing.clone(),
            stop: stop.clone(),
        };
        let carry = tokio::spawn(carrier.run(commands_in, incoming, reports_in));
        Ok((Agent { local, commands, closing, stop, tasks: vec![carry, serve] }, events_out))
    }

    /// The socket others reach us at.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Hands over a command; never blocks. After a shutdown it goes nowhere.
    pub fn send(&self, command: SipCommand) {
        let _ = self.commands.send(command);
    }

    /// Hangs up what is still there, waits for the answers (two seconds at most), and closes the socket.
    pub async fn shutdown(mut self) {
        self.closing.cancel();
        for task in std::mem::take(&mut self.tasks) {
            let _ = task.await;
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What a transaction's task tells.
enum Report {
    /// A CANCEL or ACK for a server transaction.
    Request(Tx, Message),
    Response(Tx, Message),
    SendFailure(Tx, SipFailure),
    Ended(Tx),
}

/// Wall clock at the start, monotonic from there.
struct Clock {
    started: Instant,
    wall: Time,
}

impl Clock {
    fn start() -> Clock {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { started: Instant::now(), wall: Time::from_micros(0) + wall }
    }

    fn now(&self) -> Time {
        self.wall + self.started.elapsed()
    }

    fn instant(&self, time: Time) -> Instant {
        self.started + time.since(self.wall)
    }
}

struct Carrier {
    core: UserAgent,
    clock: Clock,
    endpoint: EndpointInnerRef,
    streams: Streams,
    transactions: HashMap<Tx, (TransactionKey, TransactionEventSender)>,
    /// Finished transactions, oldest first, and when the crate may forget them.
    finished: VecDeque<(Instant, TransactionKey)>,
    linger: Duration,
    events: mpsc::Sender<SipEvent>,
    reports: mpsc::UnboundedSender<Report>,
    closing: CancellationToken,
    stop: CancellationToken,
}

impl Carrier {
    async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<SipCommand>,
        mut incoming: TransactionReceiver,
        mut reports: mpsc::UnboundedReceiver<Report>,
    ) {
        let mut last_call: Option<Instant> = None;
        loop {
            let deadline = [
                self.core.poll_deadline().map(|at| self.clock.instant(at)),
                self.finished.front().map(|(at, _)| *at),
                last_call,
            ];
            let deadline = deadline.into_iter().flatten().min();
            tokio::select! {
                Some(command) = commands.recv(), if last_call.is_none() => self.core.handle_command(self.clock.now(), command),
                Some(transaction) = incoming.recv() => self.accept(transaction),
                Some(report) = reports.recv() => self.take(report),
                () = sleep_until(deadline) => {}
                () = self.closing.cancelled(), if last_call.is_none() => {
                    last_call = Some(Instant::now() + SHUTDOWN_PATIENCE);
                    // What was ordered before is still done.
                    while let Ok(command) = commands.try_recv() {
                        self.core.handle_command(self.clock.now(), command);
                    }
                    self.core.hang_up_all(self.clock.now());
                }
                () = self.stop.cancelled() => break,
            }
            self.core.handle_deadline(self.clock.now());
            self.forget_finished();
            while let Some(action) = self.core.poll_action() {
                self.act(action, last_call.is_some()).await;
            }
            if last_call.is_some_and(|at| self.core.live() == 0 || at <= Instant::now()) {
                break;
            }
        }
        for (key, sender) in self.transactions.into_values() {
            let _ = sender.send(TransactionEvent::Terminate(key));
        }
        self.stop.cancel();
    }

    async fn act(&mut self, action: Action, closing: bool) {
        match action {
            Action::Send { tx, request, hop } => {
                let Some(request) = to_request(&request) else {
                    return self.core.handle_send_failure(tx, SipFailure::BadUri(hop.to_string()));
                };
                match TransactionKey::from_request(&request, TransactionRole::Client) {
                    Ok(key) => {
                        let transaction = Transaction::new_client(key.clone(), request, self.endpoint.clone(), None);
                        self.transactions.insert(tx, (key, transaction.tu_sender.clone()));
                        let (streams, reports) = (self.streams.clone(), self.reports.clone());
                        tokio::spawn(run_client(tx, transaction, hop, streams, reports));
                    }
                    Err(error) => {
                        self.core.handle_send_failure(tx, SipFailure::Transport(hop.host_port(), error.to_string()))
                    }
                }
            }
            Action::Answer { tx, response } => {
                if let (Some((_, sender)), Some(response)) = (self.transactions.get(&tx), to_response(&response)) {
                    let _ = sender.send(TransactionEvent::Respond(response));
                }
            }
            Action::End { tx } => {
                if let Some((key, sender)) = self.transactions.get(&tx) {
                    let _ = sender.send(TransactionEvent::Terminate(key.clone()));
                }
            }
            // Whoever shuts us down may no longer listen.
            Action::Emit(event) if closing => drop(self.events.try_send(event)),
            Action::Emit(event) => {
                tokio::select! {
                    _ = self.events.send(event) => {}
                    () = self.closing.cancelled() => {}
                    () = self.stop.cancelled() => {}
                }
            }
        }
    }

    fn accept(&mut self, transaction: Transaction) {
        let tx = self.core.new_tx();
        let Some(peer) = peer_of(&transaction) else { return };
        let request = from_crate(SipMessage::Request(transaction.original.clone()), peer);
        self.transactions.insert(tx, (transaction.key.clone(), transaction.tu_sender.clone()));
        tokio::spawn(run_server(tx, transaction, peer, self.reports.clone()));
        self.core.handle_request(self.clock.now(), tx, request);
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Request(tx, message) => match &message.start {
                super::StartLine::Request { method, .. } if method == "CANCEL" => self.core.handle_cancel(tx, message),
                _ => self.core.handle_ack(tx, message),
            },
            Report::Response(tx, response) => self.core.handle_response(self.clock.now(), tx, response),
            Report::SendFailure(tx, failure) => self.core.handle_send_failure(tx, failure),
            Report::Ended(tx) => {
                self.core.handle_end(tx);
                if let Some((key, _)) = self.transactions.remove(&tx) {
                    self.finished.push_back((Instant::now() + self.linger, key));
                }
            }
        }
    }

    /// The crate would keep them for 64 x T1.
    fn forget_finished(&mut self) {
        let now = Instant::now();
        while let Some((_, key)) = self.finished.pop_front_if(|(at, _)| *at <= now) {
            self.endpoint.finished_transactions.remove(&key);
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Sends, and reports responses until the transaction ends, or the connection that it waits on.
async fn run_client(
    tx: Tx,
    mut transaction: Transaction,
    hop: SipUri,
    streams: Streams,
    reports: mpsc::UnboundedSender<Report>,
) {
    let failed = |failure| drop(reports.send(Report::SendFailure(tx, failure)));
    let transport = |error: String| SipFailure::Transport(hop.host_port(), error);
    match aim(&mut transaction, &hop, &streams).await {
        Ok(peer) => match transaction.send().await {
            Ok(()) => {
                let watch = watch(&transaction);
                while let Some(message) = transaction.receive().await {
                    let _ = reports.send(Report::Response(tx, from_crate(message, peer)));
                }
                watch.map(|watch| watch.abort()).unwrap_or_default();
            }
            Err(error) => failed(transport(error.to_string())),
        },
        Err(failure) => failed(failure),
    }
    // What is left of the transaction must be where it is forgotten from before its end is told.
    drop(transaction);
    let _ = reports.send(Report::Ended(tx));
}

/// Gives a transaction the socket that it sends to, and the connection there.
async fn aim(transaction: &mut Transaction, hop: &SipUri, streams: &Streams) -> Result<SocketAddr, SipFailure> {
    let peer = resolve(hop).await?;
    match hop.transport() {
        super::uri::Transport::Tcp => {
            let connection = streams.reach(peer).await;
            let connection = connection.map_err(|error| SipFailure::Transport(hop.host_port(), error))?;
            transaction.connection = Some(connection);
            transaction.destination = Some(tcp(peer));
        }
        _ => transaction.destination = Some(udp(peer)),
    }
    Ok(peer)
}

/// Ends a transaction whose connection is closed: nothing will come on it any more.
fn watch(transaction: &Transaction) -> Option<JoinHandle<()>> {
    let connection = transaction.connection.as_ref().filter(|connection| connection.is_reliable())?;
    let (closed, key, sender) = (connection.cancel_token()?, transaction.key.clone(), transaction.tu_sender.clone());
    Some(tokio::spawn(async move {
        closed.cancelled().await;
        let _ = sender.send(TransactionEvent::Terminate(key));
    }))
}

/// Whence a request came: over UDP its topmost Via says so, where the intake noted it.
fn peer_of(transaction: &Transaction) -> Option<SocketAddr> {
    let connection = transaction.connection.as_ref()?;
    if let Some(remote) = connection.get_remote_addr() {
        return remote.get_socketaddr().ok();
    }
    let (_, host_port) = SipConnection::parse_target_from_via(transaction.original.via_header().ok()?).ok()?;
    host_port.try_into().ok()
}

/// A UDP and a TCP socket with the same port.
async fn bind_both(listen: SocketAddr) -> io::Result<(Socketed, TcpListener)> {
    let mut tries = if listen.port() == 0 { PORT_TRIES } else { 1 };
    loop {
        let socket = Socketed::bind(listen)?;
        tries -= 1;
        match TcpListener::bind(socket.local()?).await {
            Ok(listener) => return Ok((socket, listener)),
            Err(_) if tries > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

/// Reports CANCEL and ACK until the transaction ends; responses come to it by its own channel.
async fn run_server(tx: Tx, mut transaction: Transaction, peer: SocketAddr, reports: mpsc::UnboundedSender<Report>) {
    while let Some(message) = transaction.receive().await {
        if matches!(&message, SipMessage::Request(request) if matches!(request.method, Method::Ack | Method::Cancel)) {
            let _ = reports.send(Report::Request(tx, from_crate(message, peer)));
        }
    }
    drop(transaction);
    let _ = reports.send(Report::Ended(tx));
}

/// The socket behind `hop`; 5060 where it names no port.
async fn resolve(hop: &SipUri) -> Result<SocketAddr, SipFailure> {
    let told = |error: String| SipFailure::Transport(hop.host_port(), error);
    if hop.transport() == super::uri::Transport::Other {
        return Err(told(format!("no transport but udp and tcp: {hop}")));
    }
    let host = hop.host.trim_matches(['[', ']']);
    let port = hop.port.unwrap_or(5060);
    if let Ok(ip) = host.parse() {
        return Ok(SocketAddr::new(ip, port));
    }
    let mut found = tokio::net::lookup_host((host, port)).await.map_err(|error| told(error.to_string()))?;
    found.next().ok_or_else(|| told("no address".to_owned()))
}

fn udp(addr: SocketAddr) -> SipAddr {
    SipAddr { r#type: Some(Transport::Udp), addr: addr.into() }
}
