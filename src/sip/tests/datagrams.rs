//! Against bare datagrams: what goes over the wire, byte for byte.

use tokio::net::UdpSocket;

use super::*;

/// The other side as bare datagrams.
pub(super) struct Peer {
    socket: UdpSocket,
    agent: SocketAddr,
}

impl Peer {
    async fn facing(agent: SocketAddr) -> Peer {
        Peer { socket: UdpSocket::bind("127.0.0.1:0").await.expect("a free port"), agent }
    }

    fn local(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    async fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.agent).await.expect("loopback");
    }

    async fn next(&self) -> String {
        let mut buf = [0; 65_535];
        let (len, _) =
            timeout(PATIENCE, self.socket.recv_from(&mut buf)).await.expect("a datagram in time").expect("loopback");
        String::from_utf8_lossy(&buf[..len]).into_owned()
    }

    /// The next datagram that starts so; others are passed over.
    async fn next_starting(&self, start: &str) -> String {
        loop {
            let text = self.next().await;
            if text.starts_with(start) {
                return text;
            }
        }
    }

    fn request(&self, method: &str, more: &str) -> String {
        let (local, agent) = (self.local(), self.agent);
        format!(
            "{method} sip:doggy@{agent} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK{method}\r\nMax-Forwards: 70\r\n\
             From: <sip:peer@{local}>;tag=peer\r\nTo: <sip:doggy@{agent}>\r\nCall-ID: raw\r\nCSeq: 7 {method}\r\n{more}"
        )
    }

    /// A response to `request` with `to_tag`, Contact and `more`.
    fn response(&self, request: &str, line: &str, to_tag: &str, more: &str) -> String {
        let mut text = format!("SIP/2.0 {line}\r\n");
        for header in request.split("\r\n").skip(1) {
            let name = header.split(':').next().unwrap_or_default();
            match name {
                "To" if !to_tag.is_empty() && !header.contains("tag=") => text += &format!("{header};tag={to_tag}\r\n"),
                "Via" | "From" | "To" | "Call-ID" | "CSeq" => text += &format!("{header}\r\n"),
                _ => {}
            }
        }
        text + more
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn requests_outside_calls_are_answered_as_freeswitch_answers_them() {
    let rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    let asked = [
        ("OPTIONS", "Content-Length: 0\r\n\r\n", "SIP/2.0 200 OK"),
        ("BYE", "Content-Length: 0\r\n\r\n", "SIP/2.0 481 Call Does Not Exist"),
        ("UPDATE", "Content-Length: 0\r\n\r\n", "SIP/2.0 481 Call Does Not Exist"),
        ("INFO", "Content-Length: 0\r\n\r\n", "SIP/2.0 200 OK"),
        ("REFER", "Refer-To: <sip:a@b>\r\nContent-Length: 0\r\n\r\n", "SIP/2.0 202 Accepted"),
        ("NOTIFY", "Event: message-summary\r\nContent-Length: 0\r\n\r\n", "SIP/2.0 200 OK"),
        ("NOTIFY", "Content-Length: 0\r\n\r\n", "SIP/2.0 481 Subscription Does Not Exist"),
        ("SUBSCRIBE", "Event: presence\r\nContent-Length: 0\r\n\r\n", "SIP/2.0 405 Method Not Allowed"),
        ("PUBLISH", "Event: presence\r\nContent-Length: 0\r\n\r\n", "SIP/2.0 405 Method Not Allowed"),
        ("CANCEL", "Content-Length: 0\r\n\r\n", "SIP/2.0 481 "),
        ("REGISTER", "Content-Length: 0\r\n\r\n", "SIP/2.0 405 "),
        ("FROBNICATE", "Content-Length: 0\r\n\r\n", "SIP/2.0 501 "),
        ("INVITE", "Require: 100rel\r\nContent-Length: 0\r\n\r\n", "SIP/2.0 420 "),
        ("INVITE", "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello", "SIP/2.0 415 Unsupported Media Type"),
        ("INVITE", "Content-Length: 5\r\n\r\nhello", "SIP/2.0 415 Unsupported Media Type"),
        (
            "INVITE",
            "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nhello",
            "SIP/2.0 400 Bad Session Description",
        ),
    ];
    for (at, (method, more, answer)) in asked.into_iter().enumerate() {
        peer.send(&peer.request(method, more).replace("z9hG4bK", &format!("z9hG4bK{at}"))).await;
        let text = peer.next().await;
        assert!(text.starts_with(answer), "{method}: {text}");
        assert_eq!(field(&text, "Call-ID"), Some("raw"), "{method}");
    }
}

#[tokio::test]
async fn a_retransmitted_request_gets_the_same_answer_again() {
    let mut rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    let invite = peer.request("INVITE", &format!("Contact: <sip:peer@{}>\r\n\r\nv=0 of no length", peer.local()));
    peer.send(&invite).await;
    assert!(peer.next().await.starts_with("SIP/2.0 100 Trying"));
    assert_eq!(rig.invited().await.body, "v=0 of no length");
    rig.respond(TAKEN, 486, None);
    let first = peer.next_starting("SIP/2.0 486").await;
    peer.send(&invite).await;
    assert_eq!(peer.next_starting("SIP/2.0 486").await, first);
}

#[tokio::test]
async fn an_answer_is_repeated_until_its_ack() {
    let timers = SipTimers { t1: Duration::from_millis(20), ..SipTimers::default() };
    let mut rig = Rig::patient(timers).await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    peer.send(&peer.request("INVITE", &format!("Contact: <sip:peer@{}>\r\nContent-Length: 0\r\n\r\n", peer.local())))
        .await;
    rig.invited().await;
    rig.respond(TAKEN, 200, Some(OFFER));
    // A hangup waits for the ACK.
    rig.hang_up(TAKEN, &[]);
    let first = peer.next_starting("SIP/2.0 200").await;
    assert_eq!(peer.next().await, first);
    assert_eq!(peer.next().await, first);
    let to = field(&first, "To").expect("To");
    let ack = peer
        .request("ACK", "Content-Length: 0\r\n\r\n")
        .replace(&format!("To: <sip:doggy@{}>", rig.agent.local_addr()), &format!("To: {to}"));
    peer.send(&ack).await;
    assert!(matches!(rig.next().await, SipEvent::Acked { dialog: TAKEN, .. }));
    let bye = peer.next_starting("BYE").await;
    assert!(bye.starts_with(&format!("BYE sip:peer@{} SIP/2.0\r\n", peer.local())), "{bye}");
}

#[tokio::test]
async fn a_refusal_is_repeated_until_its_ack() {
    let timers = SipTimers { t1: Duration::from_millis(20), ..SipTimers::default() };
    let mut rig = Rig::patient(timers).await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    peer.send(&peer.request("INVITE", "Content-Length: 0\r\n\r\n")).await;
    rig.invited().await;
    rig.respond(TAKEN, 486, None);
    let first = peer.next_starting("SIP/2.0 486").await;
    assert_eq!(peer.next().await, first);
    assert_eq!(peer.next().await, first);
    let ack = peer.request("ACK", "Content-Length: 0\r\n\r\n").replace("branch=z9hG4bKACK", "branch=z9hG4bKINVITE");
    peer.send(&ack).await;
    // What follows is told apart from copies that were on their way.
    peer.send(&peer.request("OPTIONS", "Content-Length: 0\r\n\r\n")).await;
    let after = peer.next_starting("SIP/2.0 200").await;
    assert_eq!(field(&after, "CSeq"), Some("7 OPTIONS"));
    peer.send(&peer.request("OPTIONS", "Content-Length: 0\r\n\r\n").replace("OPTIONS\r\nMax", "two\r\nMax")).await;
    assert!(peer.next().await.starts_with("SIP/2.0 200"), "no 486 any more");
}

#[tokio::test]
async fn an_answer_after_our_cancel_is_acknowledged_and_then_ended() {
    let mut rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    rig.call(format!("sip:doggy@{}", peer.local()), &[]);
    let invite = peer.next_starting("INVITE").await;
    peer.send(&peer.response(&invite, "180 Ringing", "callee", "Content-Length: 0\r\n\r\n")).await;
    rig.response(180).await;
    rig.hang_up(PLACED, &[]);
    let cancel = peer.next_starting("CANCEL").await;
    let more = format!("Contact: <sip:there@{}>\r\nContent-Length: 0\r\n\r\n", peer.local());
    peer.send(&peer.response(&invite, "200 OK", "callee", &more)).await;
    peer.send(&peer.response(&cancel, "200 OK", "callee", "Content-Length: 0\r\n\r\n")).await;
    let mut seen = [peer.next().await, peer.next().await].map(|text| text[..3].to_owned());
    seen.sort();
    assert_eq!(seen, ["ACK", "BYE"]);
}

#[tokio::test]
async fn a_cancel_of_nobody_and_one_after_the_answer_change_nothing() {
    let mut rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    peer.send(&peer.request("INVITE", &format!("Contact: <sip:peer@{}>\r\nContent-Length: 0\r\n\r\n", peer.local())))
        .await;
    rig.invited().await;
    rig.respond(TAKEN, 200, Some(OFFER));
    peer.next_starting("SIP/2.0 200").await;
    let cancel =
        peer.request("CANCEL", "Content-Length: 0\r\n\r\n").replace("branch=z9hG4bKCANCEL", "branch=z9hG4bKINVITE");
    peer.send(&cancel).await;
    loop {
        let text = peer.next_starting("SIP/2.0 200").await;
        if field(&text, "CSeq") == Some("7 CANCEL") {
            break;
        }
    }
    peer.send(&cancel.replace("z9hG4bKINVITE", "z9hG4bKnobody")).await;
    peer.next_starting("SIP/2.0 481").await;
    rig.hang_up(TAKEN, &[]);
    rig.agent.send(SipCommand::Info { dialog: TAKEN, content_type: "text/plain".into(), body: "still there".into() });
    peer.next_starting("INFO").await;
}

#[tokio::test]
async fn nobody_there_is_no_response() {
    let timers =
        SipTimers { t1: Duration::from_millis(10), no_response: Duration::from_millis(300), ..SipTimers::default() };
    let mut rig = Rig::patient(timers).await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    rig.call(format!("sip:doggy@{}", peer.local()), &[]);
    assert_eq!(
        rig.next().await,
        SipEvent::Failed { dialog: PLACED, failure: SipFailure::NoResponse(peer.local().to_string()) }
    );
    // It asked more than once, and sent nothing else.
    let (first, second) = (peer.next().await, peer.next().await);
    assert!(first.starts_with("INVITE"));
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_cancel_waits_for_a_provisional_response() {
    let timers = SipTimers { t1: Duration::from_millis(20), ..SipTimers::default() };
    let mut rig = Rig::patient(timers).await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    rig.call(format!("sip:doggy@{}", peer.local()), &[]);
    let invite = peer.next().await;
    rig.hang_up(PLACED, &[("Reason", "Q.850;cause=16")]);
    for _ in 0..3 {
        assert_eq!(peer.next().await, invite, "nothing but the INVITE again");
    }
    peer.send(&peer.response(&invite, "100 Trying", "", "Content-Length: 0\r\n\r\n")).await;
    let cancel = peer.next_starting("CANCEL").await;
    for name in ["Via", "From", "To", "Call-ID"] {
        assert_eq!(field(&cancel, name), field(&invite, name), "{name}");
    }
    assert_eq!(field(&cancel, "Reason"), Some("Q.850;cause=16"));
    peer.send(&peer.response(&cancel, "200 OK", "callee", "Content-Length: 0\r\n\r\n")).await;
    peer.send(&peer.response(&invite, "487 Request Terminated", "callee", "Content-Length: 0\r\n\r\n")).await;
    assert!(peer.next_starting("ACK").await.contains(&field(&invite, "Via").expect("Via")[..20]));
    rig.in_dialog_response("CANCEL", 200).await;
    rig.response(487).await;
}

#[tokio::test]
async fn a_retransmitted_answer_is_acknowledged_again_and_told_once() {
    let mut rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    rig.call(format!("sip:doggy@{}", peer.local()), &[]);
    let invite = peer.next_starting("INVITE").await;
    let ok = peer.response(
        &invite,
        "200 OK",
        "callee",
        &format!("Contact: <sip:there@{}>\r\nContent-Length: 0\r\n\r\n", peer.local()),
    );
    peer.send(&ok).await;
    let ack = peer.next_starting("ACK").await;
    peer.send(&ok).await;
    let again = peer.next_starting("ACK").await;
    assert_eq!(ack, again);
    rig.response(200).await;
    rig.hang_up(PLACED, &[]);
    let bye = peer.next_starting("BYE").await;
    peer.send(&peer.response(&bye, "200 OK", "", "Content-Length: 0\r\n\r\n")).await;
    rig.in_dialog_response("BYE", 200).await;
}

#[tokio::test]
async fn a_proxy_is_a_loose_route_and_stays_on_the_way_when_it_records_itself() {
    let mut rig = Rig::start().await;
    let proxy = Peer::facing(rig.agent.local_addr()).await;
    let route = format!("<sip:{};lr>", proxy.local());
    rig.call_by("sip:doggy@192.0.2.1:5080".into(), Some(format!("sip:{}", proxy.local())), &[]);
    let invite = proxy.next_starting("INVITE sip:doggy@192.0.2.1:5080 SIP/2.0\r\n").await;
    assert_eq!(field(&invite, "Route"), Some(&*route));
    // The callee's Contact is nowhere near: only the Record-Route makes it reachable.
    let more = format!("Record-Route: {route}\r\nContact: <sip:there@192.0.2.9:9999>\r\nContent-Length: 0\r\n\r\n");
    proxy.send(&proxy.response(&invite, "200 OK", "callee", &more)).await;
    let ack = proxy.next_starting("ACK sip:there@192.0.2.9:9999 SIP/2.0\r\n").await;
    assert_eq!(field(&ack, "Route"), Some(&*route));
    rig.response(200).await;
    rig.hang_up(PLACED, &[]);
    let bye = proxy.next_starting("BYE sip:there@192.0.2.9:9999 SIP/2.0\r\n").await;
    assert_eq!((field(&bye, "Route"), field(&bye, "Max-Forwards")), (Some(&*route), Some("70")));
}

#[tokio::test]
async fn a_second_answer_from_a_fork_is_ended() {
    let mut rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    rig.call(format!("sip:doggy@{}", peer.local()), &[]);
    let invite = peer.next_starting("INVITE").await;
    let more = format!("Contact: <sip:there@{}>\r\nContent-Length: 0\r\n\r\n", peer.local());
    peer.send(&peer.response(&invite, "200 OK", "one", &more)).await;
    assert!(peer.next_starting("ACK").await.contains("tag=one"));
    peer.send(&peer.response(&invite, "200 OK", "two", &more)).await;
    let bye = peer.next_starting("BYE").await;
    assert!(field(&bye, "To").expect("To").ends_with("tag=two"), "{bye}");
    rig.response(200).await;
}

#[tokio::test]
async fn two_offers_at_once_are_refused_with_491() {
    let mut rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    rig.call(format!("sip:doggy@{}", peer.local()), &[]);
    let invite = peer.next_starting("INVITE").await;
    let more = format!("Contact: <sip:there@{}>\r\nContent-Length: 0\r\n\r\n", peer.local());
    peer.send(&peer.response(&invite, "200 OK", "one", &more)).await;
    peer.next_starting("ACK").await;
    rig.response(200).await;
    rig.agent.send(SipCommand::Reinvite { dialog: PLACED, sdp: OFFER.into() });
    let reinvite = peer.next_starting("INVITE").await;
    let (from, to, call) = (field(&reinvite, "From"), field(&reinvite, "To"), field(&reinvite, "Call-ID"));
    let theirs = format!(
        "INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKglare\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 9 INVITE\r\nContent-Length: 0\r\n\r\n",
        peer.local(),
        to.expect("To"),
        from.expect("From"),
        call.expect("Call-ID")
    );
    peer.send(&theirs).await;
    peer.next_starting("SIP/2.0 491").await;
    peer.send(&peer.response(&reinvite, "491 Request Pending", "", "Content-Length: 0\r\n\r\n")).await;
    rig.in_dialog_response("INVITE", 491).await;
}

/// A peer of FreeSWITCH may send what fills a datagram; of RFC 3261 18.1.1 as well.
#[tokio::test]
async fn a_datagram_may_be_as_long_as_datagrams_are() {
    let mut rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    let body = format!("v=0\r\n{}", "a=x\r\n".repeat(8_000));
    let more =
        format!("Contact: <sip:peer@{}>\r\nX-end: here\r\nContent-Length: {}\r\n\r\n{body}", peer.local(), body.len());
    peer.send(&peer.request("INVITE", &more)).await;
    let invite = rig.invited().await;
    assert_eq!((invite.header("X-end"), invite.body.len()), (Some("here"), body.len()));
    rig.respond(TAKEN, 200, Some(&body));
    let ok = peer.next_starting("SIP/2.0 200").await;
    assert!(ok.ends_with(&format!("\r\n\r\n{body}")));
}

#[tokio::test]
async fn garbage_does_no_harm() {
    let mut rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    let good = peer.request("INVITE", "Content-Length: 0\r\n\r\n");
    let torture = [
        String::new(),
        "\r\n\r\n".into(),
        "SIP/2.0 200 OK\r\n\r\n".into(),
        "SIP/2.0 999999 ?\r\nVia: \r\n\r\n".into(),
        "INVITE\r\n\r\n".into(),
        good.replace("CSeq: 7 INVITE", "CSeq: 99999999999999 INVITE"),
        good.replace("CSeq: 7 INVITE", "CSeq: 7 BYE"),
        good.replace("branch=z9hG4bK", "branch="),
        good.replace(";tag=peer", ""),
        good.replace("From: <", "From: \"<"),
        good.replace("SIP/2.0/UDP", "SIP / 2.0 / UDP"),
        good.replace("Via: SIP/2.0/UDP ", "Via: SIP/2.0/UDP [::"),
        good.replace("To: <sip:doggy", "To: <sip:é\u{0}doggy"),
        good.replace("Content-Length: 0", "Content-Length: -999"),
        good.replace("Content-Length: 0", "Content-Length: 99999"),
        good.replace("Max-Forwards: 70", "Max-Forwards: 300\r\n :\r\n\t\r\n,"),
        good.replace("INVITE sip:doggy", "INVITE  sip:%00%"),
        "A".repeat(9000),
    ];
    for datagram in &torture {
        peer.send(datagram).await;
        for cut in (0..datagram.len().min(400)).filter(|cut| datagram.is_char_boundary(*cut)).step_by(7) {
            peer.send(&datagram[..cut]).await;
        }
    }
    for seed in 0..=255_u8 {
        let noise: Vec<u8> = (0..200_u8).map(|i| i.wrapping_mul(seed).wrapping_add(seed >> 3)).collect();
        peer.socket.send_to(&noise, rig.agent.local_addr()).await.expect("loopback");
    }
    rig.call(rig.own_uri(), &[("X-sane", "yes")]);
    loop {
        match rig.next().await {
            SipEvent::Invited { invite, .. } if invite.header("X-sane").is_some() => return,
            SipEvent::Invited { .. } | SipEvent::Bye { .. } | SipEvent::Cancelled { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}
