//! The UDP ports that legs may have.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use mio::net::UdpSocket;
use socket2::{Domain, Protocol, Socket, Type};

/// Room for packets that wait in a socket. FreeSWITCH's default for RTP is the system's; a tester should not lose
/// packets that the system under test sent, even while it is busy itself.
const RECEIVE_BUFFER: usize = 256 * 1024;

/// Hands out even ports of a range in turn (RFC 3550 11: the odd one above belongs to RTCP).
#[derive(Debug)]
pub(super) struct Ports {
    ip: IpAddr,
    range: RangeInclusive<u16>,
    /// The next even port to try.
    next: u16,
    in_use: HashSet<u16>,
}

/// Why a leg has no port.
#[derive(Debug, thiserror::Error)]
pub(super) enum PortError {
    #[error("no even UDP port is free on {ip} from {} to {}", .range.start(), .range.end())]
    NoneFree { ip: IpAddr, range: RangeInclusive<u16> },
    #[error("cannot bind a UDP socket on {address}: {source}")]
    Bind { address: SocketAddr, source: io::Error },
}

impl Ports {
    pub(super) fn new(ip: IpAddr, range: RangeInclusive<u16>) -> Ports {
        let next = first_even(&range);
        Ports { ip, range, next, in_use: HashSet::new() }
    }

    /// Binds the next port that is free.
    pub(super) fn open(&mut self) -> Result<(UdpSocket, SocketAddr), PortError> {
        let first = first_even(&self.range);
        let count = if self.range.contains(&first) { (self.range.end() - first) / 2 + 1 } else { 0 };
        for _ in 0..count {
            let port = self.next;
            let above = port.checked_add(2).filter(|next| self.range.contains(next));
            self.next = above.unwrap_or(first);
            if self.in_use.contains(&port) {
                continue;
            }
            let address = SocketAddr::new(self.ip, port);
            match bind(address) {
                Ok(socket) => {
                    self.in_use.insert(port);
                    return Ok((socket, address));
                }
                // Of another process.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(source) => return Err(PortError::Bind { address, source }),
            }
        }
        Err(PortError::NoneFree { ip: self.ip, range: self.range.clone() })
    }

    /// The socket on `port` was dropped.
    pub(super) fn free(&mut self, port: u16) {
        self.in_use.remove(&port);
    }
}

fn first_even(range: &RangeInclusive<u16>) -> u16 {
    let start = (*range.start()).max(2);
    start.saturating_add(start % 2)
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // Less is granted where the system's limit is lower: not worth failing for.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&address.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn ports_are_even_skip_those_taken_and_run_out_with_a_clear_word() {
        // Found free just now, and of a range that other tests do not use.
        let range = 45_101..=45_107;
        let taken = std::net::UdpSocket::bind((LOOPBACK, 45_104)).unwrap();
        let mut ports = Ports::new(LOOPBACK, range);
        let (first, first_address) = ports.open().unwrap();
        let (_second, second_address) = ports.open().unwrap();
        assert_eq!((first_address.port(), second_address.port()), (45_102, 45_106));
        assert_eq!(ports.open().unwrap_err().to_string(), "no even UDP port is free on 127.0.0.1 from 45101 to 45107");
        drop(first);
        ports.free(45_102);
        assert_eq!(ports.open().unwrap().1.port(), 45_102);
        drop(taken);
        assert_eq!(ports.open().unwrap().1.port(), 45_104);
    }

    #[test]
    fn a_range_without_an_even_port_and_an_address_of_another_machine_are_told() {
        assert!(matches!(Ports::new(LOOPBACK, 45_201..=45_201).open(), Err(PortError::NoneFree { .. })));
        let elsewhere = IpAddr::from([192, 0, 2, 1]);
        let error = Ports::new(elsewhere, 45_202..=45_210).open().unwrap_err();
        assert!(error.to_string().starts_with("cannot bind a UDP socket on 192.0.2.1:45202: "), "{error}");
    }
}
