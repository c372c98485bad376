//! The user agent on real loopback sockets, calling itself. The test plays the switch.

mod datagrams;
mod proxy;
mod sipp;
mod streams;

use std::net::SocketAddr;
use std::time::Duration;

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
            credentials: None,
            contact_user: None,
            contact_parameters: String::new(),
            max_forwards: None,
            session_expires: None,
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
    for unreachable in ["sip:a@127.0.0.1;transport=tls", "sips:a@127.0.0.1", "sip:a@127.0.0.1:1;transport=tcp"] {
        rig.call(unreachable.into(), &[]);
        assert!(
            matches!(rig.next().await, SipEvent::Failed { failure: SipFailure::Transport(..), .. }),
            "{unreachable}"
        );
    }
}
