//! The user agent on real loopback sockets: against itself, against raw datagrams, and against SIPp where it is there.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::*;

/// Longer than anything here takes; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_secs(10);
const OFFER: &str =
    "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
const PLACED: DialogId = DialogId::Placed(1);
const TAKEN: DialogId = DialogId::Received(1);

/// An agent and the test that plays its switch.
struct Rig {
    agent: Agent,
    events: Receiver<SipEvent>,
}

impl Rig {
    async fn start() -> Rig {
        Rig::patient(SipTimers::default()).await
    }

    async fn patient(timers: SipTimers) -> Rig {
        let config = AgentConfig { timers, ..AgentConfig::new("127.0.0.1:0".parse().expect("an address")) };
        let (agent, events) = Agent::bind(config).await.expect("a free port");
        Rig { agent, events }
    }

    async fn next(&mut self) -> SipEvent {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("a living agent")
    }

    fn own_uri(&self) -> String {
        format!("sip:doggy@{}", self.agent.local_addr())
    }

    fn call(&self, uri: String, headers: &[(&str, &str)]) {
        self.call_by(uri, None, headers);
    }

    fn call_by(&self, uri: String, proxy: Option<String>, headers: &[(&str, &str)]) {
        self.agent.send(SipCommand::Invite(Box::new(OutgoingInvite {
            dialog: PLACED,
            uri,
            proxy,
            from_user: "1112223333".into(),
            from_display: "capture".into(),
            from_host: "127.0.0.1".into(),
            headers: owned(headers),
            sdp: OFFER.into(),
        })));
    }

    fn respond(&self, dialog: DialogId, code: u16, sdp: Option<&str>) {
        self.agent.send(SipCommand::Respond {
            dialog,
            code,
            reason: None,
            headers: vec![],
            sdp: sdp.map(str::to_owned),
        });
    }

    fn hang_up(&self, dialog: DialogId, headers: &[(&str, &str)]) {
        self.agent.send(SipCommand::Hangup { dialog, headers: owned(headers) });
    }

    async fn invited(&mut self) -> Message {
        match self.next().await {
            SipEvent::Invited { dialog: TAKEN, invite } => *invite,
            other => panic!("no INVITE but {other:?}"),
        }
    }

    async fn response(&mut self, code: u16) -> Message {
        match self.next().await {
            SipEvent::Response { dialog: PLACED, response } if response.code() == Some(code) => *response,
            other => panic!("no {code} but {other:?}"),
        }
    }

    async fn in_dialog_response(&mut self, method: &str, code: u16) -> Message {
        match self.next().await {
            SipEvent::InDialogResponse { method: m, response, .. } if m == method && response.code() == Some(code) => {
                *response
            }
            other => panic!("no {code} to {method} but {other:?}"),
        }
    }

    /// The next two events, which may come in any order.
    async fn two(&mut self) -> [SipEvent; 2] {
        [self.next().await, self.next().await]
    }

    /// A call to itself, answered and acknowledged.
    async fn established() -> Rig {
        let mut rig = Rig::start().await;
        rig.call(rig.own_uri(), &[]);
        rig.invited().await;
        rig.respond(TAKEN, 200, Some(OFFER));
        let both = rig.two().await;
        assert!(
            both.iter()
                .any(|e| matches!(e, SipEvent::Response { dialog: PLACED, response } if response.code() == Some(200))),
            "{both:?}"
        );
        assert!(both.iter().any(|e| matches!(e, SipEvent::Acked { dialog: TAKEN, .. })), "{both:?}");
        rig
    }
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

#[tokio::test]
async fn a_call_to_itself_rings_answers_and_ends_from_the_caller() {
    let mut rig = Rig::start().await;
    rig.call(
        rig.own_uri(),
        &[("X-call", "c0ffee"), ("Remote-Party-ID", "\"capture\" <sip:1112223333@127.0.0.1>;party=calling")],
    );
    let local = rig.agent.local_addr();

    let invite = rig.invited().await;
    assert_eq!(invite.start, StartLine::Request { method: "INVITE".into(), uri: format!("sip:doggy@{local}") });
    assert_eq!(
        (invite.header("X-call"), invite.header("max-forwards"), invite.peer),
        (Some("c0ffee"), Some("70"), local)
    );
    assert_eq!(invite.header("Contact"), Some(&*format!("<sip:mod_sofia@{local}>")));
    let from = NameAddr::parse(invite.header("From").expect("From")).expect("a name-addr");
    assert_eq!((from.display.as_str(), from.uri.as_str()), ("capture", "sip:1112223333@127.0.0.1"));
    assert_eq!(invite.body, OFFER);

    rig.respond(TAKEN, 180, None);
    assert_eq!(rig.response(180).await.body, "");
    rig.respond(TAKEN, 183, Some("v=0\r\ns=early\r\n"));
    assert_eq!(rig.response(183).await.body, "v=0\r\ns=early\r\n");
    rig.respond(TAKEN, 183, Some("v=0\r\ns=later\r\n"));
    assert_eq!(rig.response(183).await.body, "v=0\r\ns=later\r\n");
    rig.agent.send(SipCommand::Respond {
        dialog: TAKEN,
        code: 200,
        reason: Some("Fine".into()),
        headers: owned(&[("X-said", "hello")]),
        sdp: Some(OFFER.into()),
    });
    let both = rig.two().await;
    let ok = both.iter().find_map(|e| match e {
        SipEvent::Response { response, .. } => Some(response),
        _ => None,
    });
    let ok = ok.expect("a response");
    assert_eq!(ok.start, StartLine::Response { code: 200, reason: "Fine".into() });
    assert_eq!(
        (ok.header("X-said"), ok.header("Contact")),
        (Some("hello"), Some(&*format!("<sip:doggy@{local};transport=udp>")))
    );
    assert!(both.iter().any(|e| matches!(e, SipEvent::Acked { dialog: TAKEN, .. })));

    rig.hang_up(PLACED, &[("Reason", "Q.850;cause=16;text=\"NORMAL_CLEARING\"")]);
    let both = rig.two().await;
    let bye = both.iter().find_map(|e| match e {
        SipEvent::Bye { dialog: TAKEN, bye } => Some(bye),
        _ => None,
    });
    assert_eq!(bye.expect("a BYE").header("Reason"), Some("Q.850;cause=16;text=\"NORMAL_CLEARING\""));
    assert!(
        both.iter().any(|e| matches!(e, SipEvent::InDialogResponse { dialog: PLACED, method, .. } if method == "BYE"))
    );
}

#[tokio::test]
async fn the_called_side_may_hang_up_too() {
    let mut rig = Rig::established().await;
    rig.hang_up(TAKEN, &[("Reason", "Q.850;cause=17")]);
    let both = rig.two().await;
    assert!(
        both.iter().any(
            |e| matches!(e, SipEvent::Bye { dialog: PLACED, bye } if bye.header("Reason") == Some("Q.850;cause=17"))
        ),
        "{both:?}"
    );
    assert!(both.iter().any(|e| matches!(e, SipEvent::InDialogResponse { dialog: TAKEN, .. })), "{both:?}");
}

#[tokio::test]
async fn a_refusal_comes_through_with_its_code_reason_and_headers() {
    for (code, reason) in [(404, "Not Found"), (486, "Busy Here"), (603, "Decline")] {
        let mut rig = Rig::start().await;
        rig.call(rig.own_uri(), &[]);
        rig.invited().await;
        rig.agent.send(SipCommand::Respond {
            dialog: TAKEN,
            code,
            reason: None,
            headers: owned(&[("Reason", "Q.850;cause=1")]),
            sdp: None,
        });
        let refusal = rig.response(code).await;
        assert_eq!(refusal.start, StartLine::Response { code, reason: reason.into() });
        assert_eq!(refusal.header("Reason"), Some("Q.850;cause=1"));
    }
}

#[tokio::test]
async fn a_caller_who_gives_up_cancels() {
    let mut rig = Rig::start().await;
    rig.call(rig.own_uri(), &[]);
    rig.invited().await;
    rig.respond(TAKEN, 180, None);
    rig.response(180).await;
    rig.hang_up(PLACED, &[("Reason", "SIP;cause=487")]);
    let mut seen = [rig.next().await, rig.next().await, rig.next().await].map(|event| match event {
        SipEvent::Cancelled { dialog: TAKEN, cancel } => {
            format!("cancelled {}", cancel.header("Reason").unwrap_or_default())
        }
        SipEvent::InDialogResponse { dialog: PLACED, method, response } => format!("{:?} to {method}", response.code()),
        SipEvent::Response { dialog: PLACED, response } => format!("{:?}", response.code()),
        other => panic!("{other:?}"),
    });
    seen.sort();
    assert_eq!(seen, ["Some(200) to CANCEL", "Some(487)", "cancelled SIP;cause=487"]);
}

#[tokio::test]
async fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut rig = Rig::start().await;
    rig.call(rig.own_uri(), &[]);
    rig.invited().await;
    rig.respond(TAKEN, 180, None);
    rig.response(180).await;
    // In this order the 200 is out before the CANCEL arrives.
    rig.respond(TAKEN, 200, Some(OFFER));
    rig.hang_up(PLACED, &[]);
    let (mut answered, mut acked, mut bye) = (false, false, false);
    while !(answered && acked && bye) {
        match rig.next().await {
            SipEvent::Response { response, .. } => answered |= response.code() == Some(200),
            SipEvent::Acked { .. } => acked = true,
            SipEvent::Bye { dialog: TAKEN, .. } => bye = true,
            SipEvent::InDialogResponse { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_new_offer_and_an_info_pass_in_both_directions() {
    let mut rig = Rig::established().await;
    for (from, to) in [(PLACED, TAKEN), (TAKEN, PLACED)] {
        rig.agent.send(SipCommand::Reinvite { dialog: from, sdp: "v=0\r\ns=hold\r\n".into() });
        match rig.next().await {
            SipEvent::Request { dialog, request } if dialog == to => assert_eq!(request.body, "v=0\r\ns=hold\r\n"),
            other => panic!("{other:?}"),
        }
        rig.respond(to, 200, Some("v=0\r\ns=held\r\n"));
        let both = rig.two().await;
        assert!(both.iter().any(|e| matches!(e, SipEvent::InDialogResponse { dialog, response, .. } if *dialog == from && response.body == "v=0\r\ns=held\r\n")), "{both:?}");
        assert!(both.iter().any(|e| matches!(e, SipEvent::Acked { dialog, .. } if *dialog == to)), "{both:?}");

        rig.agent.send(SipCommand::Info {
            dialog: from,
            content_type: "application/dtmf-relay".into(),
            body: "Signal=5\r\n".into(),
        });
        let both = rig.two().await;
        assert!(both.iter().any(|e| matches!(e, SipEvent::Request { dialog, request } if *dialog == to && request.body == "Signal=5\r\n")), "{both:?}");
        assert!(
            both.iter().any(|e| matches!(e, SipEvent::InDialogResponse { method, .. } if method == "INFO")),
            "{both:?}"
        );
    }
}

#[tokio::test]
async fn shutting_down_hangs_up_what_is_there() {
    let mut caller = Rig::start().await;
    let mut called = Rig::start().await;
    caller.call(called.own_uri(), &[]);
    called.invited().await;
    called.respond(TAKEN, 200, Some(OFFER));
    caller.response(200).await;
    assert!(matches!(called.next().await, SipEvent::Acked { .. }));
    timeout(PATIENCE, caller.agent.shutdown()).await.expect("a quick end");
    assert!(matches!(called.next().await, SipEvent::Bye { .. }));
}

#[tokio::test]
async fn what_cannot_be_sent_is_told() {
    let mut rig = Rig::start().await;
    rig.call("tel:123".into(), &[]);
    assert_eq!(rig.next().await, SipEvent::Failed { dialog: PLACED, failure: SipFailure::BadUri("tel:123".into()) });
    rig.call("sip:a@127.0.0.1;transport=tls".into(), &[]);
    assert!(matches!(rig.next().await, SipEvent::Failed { failure: SipFailure::Transport(..), .. }));
}

/// The other side as bare datagrams.
struct Peer {
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
        let mut buf = [0; 8192];
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
async fn requests_outside_calls_are_answered_as_the_rfc_says() {
    let rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    for (method, more, answer) in [
        ("OPTIONS", "Content-Length: 0\r\n\r\n", "SIP/2.0 200 OK"),
        ("BYE", "Content-Length: 0\r\n\r\n", "SIP/2.0 481 "),
        ("INFO", "Content-Length: 0\r\n\r\n", "SIP/2.0 481 "),
        ("CANCEL", "Content-Length: 0\r\n\r\n", "SIP/2.0 481 "),
        ("REGISTER", "Content-Length: 0\r\n\r\n", "SIP/2.0 405 "),
        ("FROBNICATE", "Content-Length: 0\r\n\r\n", "SIP/2.0 501 "),
        ("INVITE", "Require: 100rel\r\nContent-Length: 0\r\n\r\n", "SIP/2.0 420 "),
    ] {
        peer.send(&peer.request(method, more)).await;
        let text = peer.next().await;
        assert!(text.starts_with(answer), "{method}: {text}");
        assert_eq!(field(&text, "Call-ID"), Some("raw"), "{method}");
    }
}

#[tokio::test]
async fn a_retransmitted_request_gets_the_same_answer_again() {
    let mut rig = Rig::start().await;
    let peer = Peer::facing(rig.agent.local_addr()).await;
    let invite = peer.request("INVITE", &format!("Contact: <sip:peer@{}>\r\n\r\nno length here", peer.local()));
    peer.send(&invite).await;
    assert!(peer.next().await.starts_with("SIP/2.0 100 Trying"));
    assert_eq!(rig.invited().await.body, "no length here");
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

/// A stateless proxy that stays on the way (RFC 3261 16.11) and loses three datagrams in ten.
async fn lossy_proxy(socket: UdpSocket) {
    let own = socket.local_addr().expect("bound").to_string();
    let (mut buf, mut dice) = ([0; 8192], 1_u32);
    loop {
        let (len, _) = socket.recv_from(&mut buf).await.expect("loopback");
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if (dice >> 16) % 10 < 3 {
            continue;
        }
        let text = String::from_utf8_lossy(&buf[..len]).into_owned();
        let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
        let first = |lines: &[String], name: &str| lines.iter().position(|line| line.starts_with(name));
        let hop = if lines[0].starts_with("SIP/2.0") {
            lines.remove(first(&lines, "Via: ").expect("our Via"));
            let via = &lines[first(&lines, "Via: ").expect("a Via")];
            via["Via: SIP/2.0/UDP ".len()..].split(';').next().expect("a host").to_owned()
        } else {
            if let Some(route) = first(&lines, "Route: ").filter(|at| lines[*at].contains(&own)) {
                lines.remove(route);
            }
            let branch = text.split("branch=").nth(1).expect("a branch").split([';', '\r']).next().expect("a branch");
            // The same for each copy, and for the CANCEL and ACK of an INVITE.
            lines.insert(1, format!("Via: SIP/2.0/UDP {own};branch={branch}p"));
            if lines[0].starts_with("INVITE") {
                lines.insert(2, format!("Record-Route: <sip:{own};lr>"));
            }
            let uri = match first(&lines, "Route: ") {
                Some(at) => NameAddr::parse(&lines[at]["Route: ".len()..]).expect("a route").uri,
                None => lines[0].split(' ').nth(1).expect("a URI").to_owned(),
            };
            SipUri::parse(&uri).expect("a URI").host_port()
        };
        let _ = socket.send_to(lines.join("\r\n").as_bytes(), hop).await;
    }
}

#[tokio::test]
async fn calls_through_a_proxy_that_loses_datagrams_all_come_about_and_end() {
    const CALLS: u64 = 40;
    let timers = SipTimers { t1: Duration::from_millis(10), t2: Duration::from_millis(80), ..SipTimers::default() };
    let (mut caller, mut called) = (Rig::patient(timers).await, Rig::patient(timers).await);
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let proxy = format!("sip:{}", socket.local_addr().expect("bound"));
    for call in 1..=CALLS {
        caller.agent.send(SipCommand::Invite(Box::new(OutgoingInvite {
            dialog: DialogId::Placed(call),
            uri: called.own_uri(),
            proxy: Some(proxy.clone()),
            from_user: "1".into(),
            from_display: String::new(),
            from_host: "127.0.0.1".into(),
            headers: vec![("X-call".into(), call.to_string())],
            sdp: OFFER.into(),
        })));
    }
    let proxied = lossy_proxy(socket);
    tokio::pin!(proxied);
    let mut odd = std::collections::HashSet::new();
    let (mut answered, mut byes, mut ends) = (0, 0, 0);
    let all = async {
        while (answered, byes, ends) != (CALLS, CALLS, CALLS) {
            let event = tokio::select! {
                event = caller.events.recv() => event.expect("a living agent"),
                event = called.events.recv() => event.expect("a living agent"),
            };
            match event {
                SipEvent::Invited { dialog, invite } => {
                    // The called side hangs up every other call. Lost INVITEs come in another order.
                    if invite.header("X-call").and_then(|call| call.parse::<u64>().ok()).expect("a number") % 2 == 1 {
                        odd.insert(dialog);
                    }
                    called.respond(dialog, 180, None);
                    called.respond(dialog, 200, Some(OFFER));
                }
                SipEvent::Response { response, .. } if response.code() == Some(180) => {}
                SipEvent::Response { dialog, response } if response.code() == Some(200) => {
                    answered += 1;
                    if matches!(dialog, DialogId::Placed(call) if call % 2 == 0) {
                        caller.hang_up(dialog, &[]);
                    }
                }
                // Where the ACK was lost and the BYE was not, there is none.
                SipEvent::Acked { dialog, .. } => {
                    if odd.contains(&dialog) {
                        called.hang_up(dialog, &[]);
                    }
                }
                SipEvent::Bye { .. } => byes += 1,
                SipEvent::InDialogResponse { method, response, .. }
                    if method == "BYE" && response.code() == Some(200) =>
                {
                    ends += 1
                }
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::select! {
        () = &mut proxied => unreachable!("it runs for ever"),
        done = timeout(PATIENCE, all) => done.expect("all calls in time"),
    }
}

/// Runs SIPp, or says that it is not there. Its exit code 0 means that every call went as its scenario says.
async fn sipp(args: &[String]) -> Option<std::process::Output> {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = tokio::process::Command::new("sipp");
    command.args(args).args(["-i", "127.0.0.1", "-nostdin", "-timeout", "30s", "-timeout_error"]);
    command.current_dir(dir.path()).kill_on_drop(true).stdin(std::process::Stdio::null());
    match command.output().await {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: no sipp on PATH");
            None
        }
        Err(error) => panic!("sipp: {error}"),
    }
}

fn assert_content(output: &std::process::Output) {
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn sipp_calls_and_is_content() {
    let mut rig = Rig::start().await;
    let args =
        ["-sn", "uac", &rig.agent.local_addr().to_string(), "-m", "20", "-r", "50", "-d", "50"].map(str::to_owned);
    let calls = sipp(&args);
    tokio::pin!(calls);
    let mut ended = 0;
    let output = loop {
        tokio::select! {
            output = &mut calls => break output,
            event = rig.events.recv() => match event.expect("a living agent") {
                SipEvent::Invited { dialog, invite } => {
                    let offer = sdp::Description::parse(&invite.body).expect("SIPp's offer");
                    let agreed = sdp::answer(&offer, &[sdp::Payload::new(0, "PCMU", 8_000)]).expect("PCMU");
                    let answer = agreed.answer(1, 2, "127.0.0.1:4000".parse().expect("an address")).to_sdp();
                    rig.respond(dialog, 180, None);
                    rig.respond(dialog, 200, Some(&answer));
                }
                SipEvent::Acked { .. } => {}
                SipEvent::Bye { .. } => ended += 1,
                other => panic!("{other:?}"),
            },
        }
    };
    if let Some(output) = output {
        assert_content(&output);
        // SIPp may be gone before the last BYE has come up to us.
        while ended < 20 {
            match rig.next().await {
                SipEvent::Acked { .. } => {}
                SipEvent::Bye { .. } => ended += 1,
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn sipp_is_called_and_is_content() {
    const CALLS: u64 = 20;
    let mut rig = Rig::start().await;
    // A port that was free a moment ago: SIPp does not tell which one it took.
    let port = Peer::facing(rig.agent.local_addr()).await.local().port();
    let args = ["-sn", "uas", "-p", &port.to_string(), "-m", &CALLS.to_string()].map(str::to_owned);
    let answers = sipp(&args);
    tokio::pin!(answers);
    for call in 1..=CALLS {
        rig.agent.send(SipCommand::Invite(Box::new(OutgoingInvite {
            dialog: DialogId::Placed(call),
            uri: format!("sip:sipp@127.0.0.1:{port}"),
            proxy: None,
            from_user: "callwright".into(),
            from_display: String::new(),
            from_host: "127.0.0.1".into(),
            headers: vec![],
            sdp: OFFER.into(),
        })));
    }
    let (mut rang, mut byes) = (0, 0);
    let output = loop {
        tokio::select! {
            output = &mut answers => break output,
            event = rig.events.recv() => match event.expect("a living agent") {
                SipEvent::Response { response, .. } if response.code() == Some(180) => rang += 1,
                SipEvent::Response { dialog, response } if response.code() == Some(200) => rig.hang_up(dialog, &[]),
                SipEvent::InDialogResponse { method, response, .. } if method == "BYE" && response.code() == Some(200) => byes += 1,
                other => panic!("{other:?}"),
            },
        }
    };
    if let Some(output) = output {
        assert_content(&output);
        while byes < CALLS {
            assert!(matches!(rig.next().await, SipEvent::InDialogResponse { .. }));
            byes += 1;
        }
        assert_eq!(rang, CALLS);
    }
}
