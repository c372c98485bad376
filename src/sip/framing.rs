//! Messages on a connection (RFC 3261 18.3): each is as long as its Content-Length says. Blank lines between them keep
//! the connection alive (RFC 5626 3.5.1).

/// What a connection carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Framed {
    Message(Vec<u8>),
    /// A ping, which wants [`PONG`].
    Ping,
}

/// The bytes after this cannot be told apart, so the connection is at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unframed {
    /// A message longer than [`LONGEST`]: its beginning.
    TooLong(Vec<u8>),
    /// A Content-Length that is no number: the head with it.
    NoLength(Vec<u8>),
}

/// Answer to a ping.
pub(super) const PONG: &[u8] = b"\r\n";
/// Bytes that a message may have, as many as a datagram could.
pub(super) const LONGEST: usize = 65_535;

/// Cuts what comes in into messages.
#[derive(Debug, Default)]
pub(super) struct Framing {
    bytes: Vec<u8>,
}

impl Framing {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message; `None` until more bytes come.
    pub fn poll(&mut self) -> Result<Option<Framed>, Unframed> {
        loop {
            match self.bytes.as_slice() {
                [b'\r', b'\n', b'\r', b'\n', ..] => {
                    self.bytes.drain(..4);
                    return Ok(Some(Framed::Ping));
                }
                // It may become a ping.
                [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => return Ok(None),
                [b'\r', b'\n', ..] => drop(self.bytes.drain(..2)),
                _ => break,
            }
        }
        let Some(head) = memchr::memmem::find(&self.bytes, b"\r\n\r\n") else {
            return if self.bytes.len() > LONGEST { Err(Unframed::TooLong(self.bytes.split_off(0))) } else { Ok(None) };
        };
        let Some(body) = content_length(&self.bytes[..head]) else {
            return Err(Unframed::NoLength(self.bytes.drain(..head + 4).collect()));
        };
        let whole = (head + 4).saturating_add(body);
        if whole > LONGEST {
            return Err(Unframed::TooLong(self.bytes.split_off(0)));
        }
        Ok((self.bytes.len() >= whole).then(|| Framed::Message(self.bytes.drain(..whole).collect())))
    }
}

/// 0 where there is none; `None` where it is no number.
fn content_length(head: &[u8]) -> Option<usize> {
    for line in head.split(|b| *b == b'\n') {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let name = line[..colon].trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l") {
            let value = std::str::from_utf8(line[colon + 1..].trim_ascii()).ok()?;
            return value.parse().ok().filter(|_| value.bytes().all(|b| b.is_ascii_digit()));
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: &[u8] =
        b"\r\nINFO sip:a SIP/2.0\r\nl : 3\r\n\r\nabc\r\n\r\nBYE sip:a SIP/2.0\r\nCall-ID: x\r\n\r\n\r\n\r\n";

    fn framed(chunks: &[&[u8]]) -> Vec<Framed> {
        let (mut framing, mut framed) = (Framing::default(), Vec::new());
        for chunk in chunks {
            framing.feed(chunk);
            while let Some(next) = framing.poll().unwrap() {
                framed.push(next);
            }
        }
        framed
    }

    #[test]
    fn every_split_of_a_stream_gives_the_same_messages() {
        let whole = framed(&[TWO]);
        let info = b"INFO sip:a SIP/2.0\r\nl : 3\r\n\r\nabc".to_vec();
        let bye = b"BYE sip:a SIP/2.0\r\nCall-ID: x\r\n\r\n".to_vec();
        assert_eq!(whole, [Framed::Message(info), Framed::Ping, Framed::Message(bye), Framed::Ping]);
        for at in 0..TWO.len() {
            assert_eq!(framed(&[&TWO[..at], &TWO[at..]]), whole, "{at}");
        }
        assert_eq!(framed(&TWO.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn what_cannot_be_cut_ends_the_connection() {
        for (bytes, is_long) in [
            ("A sip:a SIP/2.0\r\nContent-Length: -5\r\n\r\n", false),
            ("A sip:a SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n", false),
            ("A sip:a SIP/2.0\r\nContent-Length: 18446744073709551615\r\n\r\n", true),
            (&"x".repeat(LONGEST + 1), true),
        ] {
            let mut framing = Framing::default();
            framing.feed(bytes.as_bytes());
            let error = framing.poll().unwrap_err();
            assert_eq!(matches!(error, Unframed::TooLong(_)), is_long, "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn no_stream_makes_it_panic(bytes in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), any::<u8>()], 0..200)) {
            let mut framing = Framing::default();
            framing.feed(&bytes);
            while let Ok(Some(_)) = framing.poll() {}
        }
    }
}
