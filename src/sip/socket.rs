//! The UDP socket below the transaction layer. It puts right what that layer would drop or misread.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use rsipstack::platform::net::UdpSocket as PlatformSocket;
use rsipstack::sip::Method;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

/// Kernel buffer for datagrams that wait for us, in bytes: a lost one costs its sender T1.
const RECEIVE_BUFFER: usize = 4 << 20;
/// Longest `Content-Length` line that [`complete`] writes.
const LENGTH_LINE: usize = 32;

/// A bound UDP socket with a large receive buffer.
#[derive(Debug)]
pub(super) struct Socketed(UdpSocket);

impl Socketed {
    /// Binds `listen`; port 0 takes a free one.
    pub fn bind(listen: SocketAddr) -> io::Result<Socketed> {
        let socket = Socket::new(Domain::for_address(listen), Type::DGRAM, Some(Protocol::UDP))?;
        // The kernel may grant less (net.core.rmem_max), which is no error.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.set_nonblocking(true)?;
        socket.bind(&listen.into())?;
        Ok(Socketed(UdpSocket::from_std(socket.into())?))
    }

    pub fn local(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    async fn receive(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        loop {
            // A port that refused an earlier datagram of ours may show up here as an error; the socket is fine.
            let Ok((len, peer)) = self.0.recv_from(buf).await else { continue };
            match not_implemented(&buf[..len]) {
                Some(answer) => {
                    let _ = self.0.send_to(answer.as_bytes(), peer).await;
                }
                None => return Ok((complete(buf, len), peer)),
            }
        }
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, rsipstack::Error>> + Send + 'a>>;

impl PlatformSocket for Socketed {
    fn recv_from<'s, 'b, 'f>(&'s self, buf: &'b mut [u8]) -> Boxed<'f, (usize, SocketAddr)>
    where
        's: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(async move { Ok(self.receive(buf).await?) })
    }

    fn send_to<'s, 'b, 'f>(&'s self, buf: &'b [u8], peer: SocketAddr) -> Boxed<'f, usize>
    where
        's: 'f,
        'b: 'f,
        Self: 'f,
    {
        Box::pin(async move { Ok(self.0.send_to(buf, peer).await?) })
    }

    fn local_addr(&self) -> Result<SocketAddr, rsipstack::Error> {
        Ok(self.0.local_addr()?)
    }
}

/// The 501 for a request whose method nobody knows (RFC 3261 21.5.2), which the transaction layer would not even parse.
fn not_implemented(datagram: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(datagram).ok()?;
    let (start, rest) = text.split_once("\r\n")?;
    let mut words = start.split(' ');
    let (method, _uri, version) = (words.next()?, words.next()?, words.next()?);
    let is_token =
        !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b));
    if !is_token || version != "SIP/2.0" || method.parse::<Method>().is_ok() {
        return None;
    }
    let head = rest.split("\r\n\r\n").next()?;
    let names = ["via", "v", "from", "f", "to", "t", "call-id", "i", "cseq"];
    let kept: Vec<&str> = head
        .split("\r\n")
        .filter(|line| {
            line.split(':').next().is_some_and(|name| names.contains(&name.trim().to_ascii_lowercase().as_str()))
        })
        .collect();
    // Without its headers there is nobody to answer.
    (kept.len() >= 5)
        .then(|| format!("SIP/2.0 501 Not Implemented\r\n{}\r\nContent-Length: 0\r\n\r\n", kept.join("\r\n")))
}

/// Over UDP a body without `Content-Length` reaches to the end of the datagram (RFC 3261 18.3), but the transaction
/// layer would take it for empty: the field is written into `buf`. Returns the new length.
fn complete(buf: &mut [u8], len: usize) -> usize {
    let Some(head) = memchr::memmem::find(&buf[..len], b"\r\n\r\n") else { return len };
    let body = len - (head + 4);
    let has_length = buf[..head].split(|b| *b == b'\n').any(|line| {
        let name = line.split(|b| *b == b':').next().unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l")
    });
    if has_length || body == 0 || len + LENGTH_LINE > buf.len() {
        return len;
    }
    let line = format!("\r\nContent-Length: {body}");
    buf.copy_within(head..len, head + line.len());
    buf[head..head + line.len()].copy_from_slice(line.as_bytes());
    len + line.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_body_without_a_length_reaches_to_the_end_of_the_datagram() {
        let mut buf = [0; 256];
        let datagram = b"INFO sip:a SIP/2.0\r\nCSeq: 1 INFO\r\n\r\nSignal=5";
        buf[..datagram.len()].copy_from_slice(datagram);
        let len = complete(&mut buf, datagram.len());
        assert_eq!(
            std::str::from_utf8(&buf[..len]),
            Ok("INFO sip:a SIP/2.0\r\nCSeq: 1 INFO\r\nContent-Length: 8\r\n\r\nSignal=5")
        );
        assert_eq!(complete(&mut buf, len), len, "and no second time");
    }

    #[test]
    fn an_unknown_method_is_told_so_and_a_known_one_passes() {
        let request = |method| {
            format!(
                "{method} sip:a SIP/2.0\r\nVia: x\r\nf: a\r\nTo: b\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nX: y\r\n\r\n"
            )
        };
        let answer = not_implemented(request("FROBNICATE").as_bytes()).expect("an answer");
        assert_eq!(
            answer,
            "SIP/2.0 501 Not Implemented\r\nVia: x\r\nf: a\r\nTo: b\r\nCall-ID: c\r\nCSeq: 1 FROBNICATE\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(not_implemented(request("INVITE").as_bytes()), None);
        assert_eq!(not_implemented(b"SIP/2.0 200 OK\r\n\r\n"), None);
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(datagram in prop::collection::vec(any::<u8>(), 0..200), text in "[A-Z]{0,9} [a-z:]* SIP/2.0\r\n([a-z]+: ?[a-z]*\r\n){0,6}(\r\n)?\\PC*") {
            for datagram in [datagram, text.into_bytes()] {
                let _ = not_implemented(&datagram);
                let mut buf = datagram.clone();
                buf.resize(datagram.len() + 40, 0);
                let len = complete(&mut buf, datagram.len());
                prop_assert!(len <= buf.len());
            }
        }
    }
}
