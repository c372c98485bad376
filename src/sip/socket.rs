//! The UDP socket. The transaction layer sends through it; what comes in we read ourselves, for that layer would cut
//! datagrams off at 8 KiB and drop without a word what it does not understand.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use rsipstack::platform::net::UdpSocket as PlatformSocket;
use rsipstack::transaction::endpoint::EndpointInnerRef;
use rsipstack::transport::SipConnection;
use rsipstack::transport::udp::UdpConnection;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::intake::{Carrier, Intake, Taken, unmark};
use super::streams::hand_over;

/// Kernel buffer for datagrams that wait for us, in bytes: a lost one costs its sender T1.
const RECEIVE_BUFFER: usize = 4 << 20;
/// The longest datagram there can be.
const LONGEST: usize = 65_535;

/// A bound UDP socket with a large receive buffer.
#[derive(Clone, Debug)]
pub(super) struct Socketed(Arc<UdpSocket>);

impl Socketed {
    /// Binds `listen`; port 0 takes a free one.
    pub fn bind(listen: SocketAddr) -> io::Result<Socketed> {
        let socket = Socket::new(Domain::for_address(listen), Type::DGRAM, Some(Protocol::UDP))?;
        // The kernel may grant less (net.core.rmem_max), which is no error.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.set_nonblocking(true)?;
        socket.bind(&listen.into())?;
        Ok(Socketed(Arc::new(UdpSocket::from_std(socket.into())?)))
    }

    pub fn local(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Reads for ever. `connection` is this socket as the transaction layer knows it.
    pub async fn read(self, connection: UdpConnection, endpoint: EndpointInnerRef, intake: Intake) {
        let mut buf = vec![0; LONGEST];
        loop {
            // A port that refused an earlier datagram of ours may show up here as an error; the socket is fine.
            let Ok((len, peer)) = self.0.recv_from(&mut buf).await else { continue };
            match intake.take(&buf[..len], peer, Carrier::Datagram) {
                Taken::Message(message) => {
                    hand_over(&endpoint, &message, SipConnection::Udp(connection.clone()), peer).await;
                }
                Taken::Refused(response) => drop(self.0.send_to(response.as_bytes(), peer).await),
                Taken::Ignored => {}
            }
        }
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, rsipstack::Error>> + Send + 'a>>;

impl PlatformSocket for Socketed {
    /// Nothing: see the module.
    fn recv_from<'s, 'b, 'f>(&'s self, _buf: &'b mut [u8]) -> Boxed<'f, (usize, SocketAddr)>
    where
        's: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(std::future::pending())
    }

    fn send_to<'s, 'b, 'f>(&'s self, buf: &'b [u8], peer: SocketAddr) -> Boxed<'f, usize>
    where
        's: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(async move { Ok(self.0.send_to(&unmark(buf), peer).await?) })
    }

    fn local_addr(&self) -> Result<SocketAddr, rsipstack::Error> {
        Ok(self.0.local_addr()?)
    }
}
