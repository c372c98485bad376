//! Over TCP.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::sip::framing::{Framed, Framing};

/// The other side as a connection.
struct Peer {
    stream: TcpStream,
    framing: Framing,
}

impl Peer {
    async fn facing(agent: SocketAddr) -> Peer {
        Peer::on(TcpStream::connect(agent).await.expect("a listener"))
    }

    fn on(stream: TcpStream) -> Peer {
        Peer { stream, framing: Framing::default() }
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("an open connection");
    }

    /// The next message; `None` at the end of the connection.
    async fn next(&mut self) -> Option<String> {
        let mut bytes = [0; 4096];
        loop {
            match self.framing.poll().expect("messages") {
                Some(Framed::Message(message)) => return Some(String::from_utf8(message).expect("UTF-8")),
                Some(Framed::Ping) => continue,
                None => {}
            }
            let count = timeout(PATIENCE, self.stream.read(&mut bytes)).await.expect("in time").expect("a connection");
            if count == 0 {
                return None;
            }
            self.framing.feed(&bytes[..count]);
        }
    }

    async fn next_starting(&mut self, start: &str) -> String {
        loop {
            let message = self.next().await.expect("an open connection");
            if message.starts_with(start) {
                return message;
            }
        }
    }

    fn request(&self, method: &str, more: &str) -> String {
        let local = self.stream.local_addr().expect("connected");
        format!(
            "{method} sip:doggy@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP {local};branch=z9hG4bK{method}\r\nMax-Forwards: 70\r\n\
             From: <sip:peer@{local}>;tag=peer\r\nTo: <sip:doggy@127.0.0.1>\r\nCall-ID: raw\r\nCSeq: 7 {method}\r\n\
             Contact: <sip:peer@{local};transport=tcp>\r\n{more}"
        )
    }
}

fn field<'a>(text: &'a str, name: &str) -> &'a str {
    text.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).expect(name)
}

#[tokio::test]
async fn a_call_to_itself_goes_over_tcp() {
    let mut rig = Rig::start().await;
    rig.call(format!("{};transport=tcp", rig.own_uri()), &[]);
    let invite = rig.invited().await;
    let local = rig.agent.local_addr();
    assert!(invite.header("Via").expect("Via").starts_with("SIP/2.0/TCP"));
    assert_eq!(invite.header("Contact"), Some(&*format!("<sip:mod_sofia@{local};transport=tcp>")));
    rig.respond(TAKEN, 180, None);
    rig.response(180).await;
    rig.respond(TAKEN, 200, Some(OFFER));
    let both = rig.two().await;
    let ok = both.iter().find_map(|e| match e {
        SipEvent::Response { response, .. } => Some(response),
        _ => None,
    });
    assert_eq!(ok.expect("a 200").header("Contact"), Some(&*format!("<sip:doggy@{local};transport=tcp>")));
    // From the called side, to the Contact.
    rig.hang_up(TAKEN, &[]);
    let both = rig.two().await;
    let bye = both.iter().find_map(|e| match e {
        SipEvent::Bye { dialog: PLACED, bye } => Some(bye),
        _ => None,
    });
    assert!(bye.expect("a BYE").header("Via").expect("Via").starts_with("SIP/2.0/TCP"));
}

#[tokio::test]
async fn requests_in_pieces_are_answered_on_their_connection_and_so_are_requests_of_ours() {
    let mut rig = Rig::start().await;
    let mut peer = Peer::facing(rig.agent.local_addr()).await;
    peer.stream.set_nodelay(true).expect("a socket");
    let invite = peer.request("INVITE", &format!("Content-Length: {}\r\n\r\n{OFFER}", OFFER.len()));
    for piece in invite.as_bytes().chunks(37) {
        peer.stream.write_all(piece).await.expect("an open connection");
        peer.stream.flush().await.expect("an open connection");
    }
    assert_eq!(rig.invited().await.body, OFFER);
    peer.next_starting("SIP/2.0 100").await;
    rig.respond(TAKEN, 200, Some(OFFER));
    let ok = peer.next_starting("SIP/2.0 200").await;
    let ack = peer.request("ACK", "Content-Length: 0\r\n\r\n");
    peer.send(&ack.replace("To: <sip:doggy@127.0.0.1>", &format!("To: {}", field(&ok, "To")))).await;
    assert!(matches!(rig.next().await, SipEvent::Acked { dialog: TAKEN, .. }));
    // The Contact is the peer's own end of the connection, so no other is opened.
    rig.hang_up(TAKEN, &[]);
    let bye = peer.next_starting("BYE").await;
    assert!(field(&bye, "Via").starts_with("SIP/2.0/TCP"));
}

#[tokio::test]
async fn a_ping_is_answered_and_what_is_no_request_is_refused_or_passed_over() {
    let rig = Rig::start().await;
    let mut peer = Peer::facing(rig.agent.local_addr()).await;
    peer.send("\r\n\r\n").await;
    let mut pong = [0; 2];
    timeout(PATIENCE, peer.stream.read_exact(&mut pong)).await.expect("in time").expect("a pong");
    assert_eq!(&pong, b"\r\n");
    let options = peer.request("OPTIONS", "Content-Length: 0\r\n\r\n");
    peer.send("what is this?\r\n\r\n").await;
    peer.send(&options.replace("CSeq: 7 OPTIONS", "CSeq: seven OPTIONS")).await;
    assert!(peer.next().await.expect("an answer").starts_with("SIP/2.0 400 Bad CSeq Header"));
    peer.send(&peer.request("FROBNICATE", "\r\n")).await;
    assert!(peer.next().await.expect("an answer").starts_with("SIP/2.0 501 "));
    // Two in one segment.
    peer.send(&format!("{options}{}", options.replace("z9hG4bK", "z9hG4bKother"))).await;
    for _ in 0..2 {
        assert!(peer.next().await.expect("an answer").starts_with("SIP/2.0 200 "));
    }
}

#[tokio::test]
async fn a_message_without_an_end_closes_the_connection_and_no_other() {
    let rig = Rig::start().await;
    let mut good = Peer::facing(rig.agent.local_addr()).await;
    let mut peer = Peer::facing(rig.agent.local_addr()).await;
    peer.send(&peer.request("OPTIONS", "Content-Length: -1\r\n\r\n")).await;
    assert!(peer.next().await.expect("an answer").starts_with("SIP/2.0 400 Bad Content-Length"));
    assert_eq!(peer.next().await, None);
    let mut peer = Peer::facing(rig.agent.local_addr()).await;
    peer.send(&peer.request("OPTIONS", &format!("X: {}\r\n\r\n", "x".repeat(70_000)))).await;
    assert!(peer.next().await.expect("an answer").starts_with("SIP/2.0 413 "));
    good.send(&good.request("OPTIONS", "Content-Length: 0\r\n\r\n")).await;
    assert!(good.next().await.expect("an answer").starts_with("SIP/2.0 200 "));
}

#[tokio::test]
async fn a_peer_that_closes_the_connection_ends_the_call_that_waits_on_it() {
    let mut rig = Rig::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let there = listener.local_addr().expect("bound");
    rig.call(format!("sip:a@{there};transport=tcp"), &[]);
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.expect("in time").expect("a connection");
    let mut peer = Peer::on(stream);
    peer.next_starting("INVITE").await;
    drop(peer);
    let failure = SipFailure::NoResponse(there.to_string());
    assert_eq!(rig.next().await, SipEvent::Failed { dialog: PLACED, failure });
    // The next call opens another connection.
    rig.call(format!("sip:a@{there};transport=tcp"), &[]);
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.expect("in time").expect("a connection");
    Peer::on(stream).next_starting("INVITE").await;
}
