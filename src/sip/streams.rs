#![expect(clippy::disallowed_methods, reason = "IO shell")]
//! SIP over TCP (RFC 3261 18): one task owns the listener and every connection, whoever opened it. A request to a peer
//! goes over the connection there is, and what comes in goes to the transactions below with the connection it came on,
//! so that responses go back on it.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rsipstack::sip::{SipMessage, Transport};
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transport::stream::StreamConnection;
use rsipstack::transport::tcp::TcpConnection;
use rsipstack::transport::{SipAddr, SipConnection};
use tokio::io::{AsyncReadExt, ReadHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::framing::{Framed, Framing, PONG, Unframed};
use super::intake::{Carrier, Intake, Taken};

/// How long a connection may take to come about: timer B's 64 x T1.
const CONNECTING: Duration = Duration::from_secs(32);
/// A connection on which nothing came for so long is closed.
const IDLE: Duration = Duration::from_secs(1_800);
/// Pause after a connection that could not be accepted.
const NOT_ACCEPTED: Duration = Duration::from_millis(100);
/// Bytes read at once.
const READ: usize = 16 * 1024;

/// Asks the task for connections.
#[derive(Clone, Debug)]
pub(super) struct Streams(mpsc::UnboundedSender<Order>);

#[derive(Debug)]
enum Order {
    Reach(SocketAddr, oneshot::Sender<Result<SipConnection, String>>),
    Connected(SocketAddr, io::Result<TcpStream>),
    Closed(SocketAddr, u64),
}

impl Streams {
    /// Starts the task, which ends with `stop`.
    pub fn start(
        listener: TcpListener,
        local: SocketAddr,
        endpoint: EndpointInnerRef,
        intake: Intake,
        stop: CancellationToken,
    ) -> Streams {
        let (orders, orders_in) = mpsc::unbounded_channel();
        let owner = Owner {
            local,
            endpoint,
            intake,
            orders: orders.clone(),
            open: HashMap::new(),
            waiting: HashMap::new(),
            opened: 0,
            stop,
        };
        tokio::spawn(owner.run(listener, orders_in));
        Streams(orders)
    }

    /// The connection to `peer`, opened if there is none.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub async fn reach(&self, peer: SocketAddr) -> Result<SipConnection, String> {
        let (answer, answered) = oneshot::channel();
        let _ = self.0.send(Order::Reach(peer, answer));
        answered.await.unwrap_or_else(|_| Err("shutting down".to_owned()))
    }
}

struct Owner {
    local: SocketAddr,
    endpoint: EndpointInnerRef,
    intake: Intake,
    orders: mpsc::UnboundedSender<Order>,
    /// By peer; of several the newest.
    open: HashMap<SocketAddr, (u64, SipConnection)>,
    /// Who waits for a connection that is being opened.
    waiting: HashMap<SocketAddr, Vec<oneshot::Sender<Result<SipConnection, String>>>>,
    opened: u64,
    stop: CancellationToken,
}

impl Owner {
    async fn run(mut self, listener: TcpListener, mut orders: mpsc::UnboundedReceiver<Order>) {
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => drop(self.admit(stream, peer).await),
                    // Too many files are open: the peer waits until some are closed.
                    Err(error) => {
                        tracing::warn!(%error, "SIP connection not accepted");
                        tokio::time::sleep(NOT_ACCEPTED).await;
                    }
                },
                Some(order) = orders.recv() => self.obey(order).await,
                () = self.stop.cancelled() => return,
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Reach(peer, answer) => {
                if let Some((_, connection)) = self.open.get(&peer) {
                    return drop(answer.send(Ok(connection.clone())));
                }
                let waiting = self.waiting.entry(peer).or_default();
                waiting.push(answer);
                if waiting.len() == 1 {
                    let orders = self.orders.clone();
                    tokio::spawn(async move {
                        let connected = tokio::time::timeout(CONNECTING, TcpStream::connect(peer)).await;
                        let connected = connected.unwrap_or_else(|late| Err(late.into()));
                        let _ = orders.send(Order::Connected(peer, connected));
                    });
                }
            }
            Order::Connected(peer, connected) => {
                let connection = match connected {
                    Ok(stream) => self.admit(stream, peer).await,
                    Err(error) => Err(error.to_string()),
                };
                for answer in self.waiting.remove(&peer).unwrap_or_default() {
                    let _ = answer.send(connection.clone());
                }
            }
            Order::Closed(peer, number) => {
                if self.open.get(&peer).is_some_and(|(open, _)| *open == number) {
                    self.open.remove(&peer);
                }
            }
        }
    }

    async fn admit(&mut self, stream: TcpStream, peer: SocketAddr) -> Result<SipConnection, String> {
        let _ = stream.set_nodelay(true);
        let token = self.stop.child_token();
        let connection = TcpConnection::from_stream(stream, tcp(self.local), Some(token.clone()));
        let connection = connection.map_err(|error| error.to_string())?;
        // The crate's own reader would end the connection with the first message that it does not understand.
        let reader = connection.inner.read_half.lock().await.take().ok_or("read already")?;
        self.opened += 1;
        let number = self.opened;
        self.open.insert(peer, (number, SipConnection::Tcp(connection.clone())));
        let reading = Reading {
            connection: connection.clone(),
            peer,
            endpoint: self.endpoint.clone(),
            intake: self.intake.clone(),
        };
        let orders = self.orders.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = reading.run(reader) => {}
                () = token.cancelled() => {}
            }
            // Transactions that wait on this connection learn it by the token.
            token.cancel();
            let _ = reading.connection.close().await;
            let _ = orders.send(Order::Closed(peer, number));
        });
        Ok(SipConnection::Tcp(connection))
    }
}

struct Reading {
    connection: TcpConnection,
    peer: SocketAddr,
    endpoint: EndpointInnerRef,
    intake: Intake,
}

impl Reading {
    /// Reads until the peer closes, is silent for too long, or sends what cannot be cut into messages.
    async fn run(&self, mut reader: ReadHalf<TcpStream>) {
        let (mut framing, mut bytes) = (Framing::default(), vec![0; READ]);
        while let Ok(Ok(count @ 1..)) = tokio::time::timeout(IDLE, reader.read(&mut bytes)).await {
            framing.feed(&bytes[..count]);
            loop {
                match framing.poll() {
                    Ok(Some(Framed::Message(message))) => {
                        let taken = self.intake.take(&message, self.peer, Carrier::Stream);
                        self.carry(taken).await;
                    }
                    Ok(Some(Framed::Ping)) => drop(self.connection.send_raw(PONG).await),
                    Ok(None) => break,
                    Err(Unframed::TooLong(message)) => {
                        return self.carry(self.intake.refuse_text(&message, 413, self.peer)).await;
                    }
                    Err(Unframed::NoLength(message)) => {
                        return self.carry(self.intake.take(&message, self.peer, Carrier::Stream)).await;
                    }
                }
            }
        }
    }

    async fn carry(&self, taken: Taken) {
        match taken {
            Taken::Message(message) => {
                hand_over(&self.endpoint, &message, SipConnection::Tcp(self.connection.clone()), self.peer).await;
            }
            Taken::Refused(response) => drop(self.connection.send_raw(response.as_bytes()).await),
            Taken::Ignored => {}
        }
    }
}

/// Gives a message to the transactions. What they do not understand in spite of all is let be.
pub(super) async fn hand_over(endpoint: &EndpointInnerRef, bytes: &[u8], connection: SipConnection, peer: SocketAddr) {
    let transport = connection.transport();
    let from = SipAddr { r#type: Some(transport), addr: peer.into() };
    let dropped = |error: String| tracing::debug!(%peer, error, "message dropped");
    let message = match SipMessage::try_from(bytes) {
        Ok(message) => message,
        Err(error) => return dropped(error.to_string()),
    };
    match SipConnection::update_msg_received(message, peer, transport) {
        Ok(message) => {
            if let Err(error) = endpoint.on_received_message(message, connection, &from).await {
                dropped(error.to_string());
            }
        }
        Err(error) => dropped(error.to_string()),
    }
}

pub(super) fn tcp(addr: SocketAddr) -> SipAddr {
    SipAddr { r#type: Some(Transport::Tcp), addr: addr.into() }
}
