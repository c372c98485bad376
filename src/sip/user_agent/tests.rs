mod asked;
mod sessions;

use super::*;

const PEER: ([u8; 4], u16) = ([192, 0, 2, 7], 5060);
const PATIENCE: Duration = Duration::from_secs(32);
const TAKEN: DialogId = DialogId::Received(1);

fn agent() -> UserAgent {
    let identity = Identity {
        local: SocketAddr::from(([192, 0, 2, 1], 5080)),
        user_agent: "test".into(),
        contact_user: "mod_sofia".into(),
        allow: "INVITE".into(),
        no_response: PATIENCE,
    };
    UserAgent::new(identity, Ids::seeded(1))
}

fn drain(agent: &mut UserAgent) -> Vec<Action> {
    std::iter::from_fn(|| agent.poll_action()).collect()
}

/// What was done, in one word each.
fn told(agent: &mut UserAgent) -> Vec<String> {
    let word = |start: &StartLine| match start {
        StartLine::Request { method, .. } => method.clone(),
        StartLine::Response { code, .. } => code.to_string(),
    };
    let told = drain(agent).into_iter().map(|action| match action {
        Action::Send { request, .. } => format!("send {}", word(&request.start)),
        Action::Answer { response, .. } => format!("answer {}", word(&response.start)),
        Action::End { .. } => "end".into(),
        Action::Emit(SipEvent::Invited { .. }) => "invited".into(),
        Action::Emit(SipEvent::Acked { .. }) => "acked".into(),
        Action::Emit(SipEvent::Bye { .. }) => "bye".into(),
        Action::Emit(SipEvent::Cancelled { .. }) => "cancelled".into(),
        Action::Emit(SipEvent::Request { .. }) => "request".into(),
        Action::Emit(SipEvent::Response { response, .. }) => format!("got {}", word(&response.start)),
        Action::Emit(SipEvent::InDialogResponse { response, .. }) => format!("got {} inside", word(&response.start)),
        Action::Emit(SipEvent::Failed { failure, .. } | SipEvent::RegisterFailed { failure, .. }) => {
            failure.to_string()
        }
        Action::Emit(SipEvent::Registered { response, .. }) => format!("registered {}", word(&response.start)),
    });
    told.collect()
}

fn request(method: &str, to_tag: Option<&str>, seq: u32) -> Message {
    let tag = to_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
    let headers = [
        ("Via", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1"),
        ("From", "<sip:a@192.0.2.7>;tag=a"),
        ("To", &format!("<sip:doggy@192.0.2.1:5080>{tag}")),
        ("Call-ID", "c"),
        ("CSeq", &format!("{seq} {method}")),
        ("Contact", "<sip:a@192.0.2.7>"),
    ];
    Message {
        start: StartLine::Request { method: method.into(), uri: "sip:doggy@192.0.2.1:5080".into() },
        headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
        body: String::new(),
        peer: PEER.into(),
    }
}

/// A call taken and answered but not acknowledged: its transaction and our tag.
fn answered(agent: &mut UserAgent) -> (Tx, String) {
    let tx = agent.new_tx();
    agent.handle_request(Time::default(), tx, request("INVITE", None, 1));
    let respond = SipCommand::Respond { dialog: TAKEN, code: 200, reason: None, headers: vec![], sdp: None };
    agent.handle_command(Time::default(), respond);
    let tag = drain(agent).into_iter().find_map(|action| match action {
        Action::Answer { response, .. }
            if response.start != (StartLine::Response { code: 100, reason: "Trying".into() }) =>
        {
            let to = response.headers.iter().find(|(name, _)| name == "To")?;
            NameAddr::parse(&to.1)?.tag().map(str::to_owned)
        }
        _ => None,
    });
    (tx, tag.expect("a 200 with our tag"))
}

/// The one request that was sent.
fn sent(agent: &mut UserAgent) -> (Tx, Draft) {
    let mut sent = drain(agent).into_iter().filter_map(|action| match action {
        Action::Send { tx, request, .. } => Some((tx, *request)),
        _ => None,
    });
    let first = sent.next().expect("a request");
    assert!(sent.next().is_none(), "one request");
    first
}

/// The one response that was sent, 100 aside.
fn answer(agent: &mut UserAgent) -> Draft {
    let mut answers = drain(agent).into_iter().filter_map(|action| match action {
        Action::Answer { response, .. } if code(&response) > 100 => Some(*response),
        _ => None,
    });
    let first = answers.next().expect("a response");
    assert!(answers.next().is_none(), "one response");
    first
}

fn code(response: &Draft) -> u16 {
    match response.start {
        StartLine::Response { code, .. } => code,
        StartLine::Request { .. } => 0,
    }
}

fn header<'a>(draft: &'a Draft, name: &str) -> Option<&'a str> {
    draft.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

fn place(agent: &mut UserAgent, now: Time) -> Tx {
    let invite = crate::sip::OutgoingInvite {
        dialog: DialogId::Placed(1),
        uri: "sip:doggy@192.0.2.7".into(),
        proxy: None,
        from_user: "1".into(),
        from_display: String::new(),
        from_host: "192.0.2.1".into(),
        headers: vec![],
        sdp: String::new(),
        credentials: None,
        contact_user: None,
        contact_parameters: String::new(),
        max_forwards: None,
        session_expires: None,
    };
    agent.handle_command(now, SipCommand::Invite(Box::new(invite)));
    match drain(agent).as_slice() {
        [Action::Send { tx, .. }] => *tx,
        other => panic!("{other:?}"),
    }
}

fn response(code: u16) -> Message {
    let headers = [("To", "<sip:doggy@192.0.2.7>;tag=b"), ("CSeq", "1 INVITE"), ("Contact", "<sip:b@192.0.2.7>")];
    Message {
        start: StartLine::Response { code, reason: String::new() },
        headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
        body: String::new(),
        peer: PEER.into(),
    }
}

#[test]
fn an_unanswered_invite_fails_when_timer_b_says_so_and_not_before() {
    let mut agent = agent();
    place(&mut agent, Time::default());
    assert_eq!(agent.poll_deadline(), Some(Time::default() + PATIENCE));
    agent.handle_deadline(Time::default() + PATIENCE - Duration::from_micros(1));
    assert_eq!(told(&mut agent), Vec::<String>::new());
    agent.handle_deadline(Time::default() + PATIENCE);
    assert_eq!(told(&mut agent), ["end", "no response from 192.0.2.7"]);
    assert_eq!(agent.live(), 0);
}

#[test]
fn a_ringing_call_waits_for_ever_but_a_cancelled_one_does_not() {
    let mut agent = agent();
    let tx = place(&mut agent, Time::default());
    agent.handle_response(Time::default(), tx, response(180));
    let later = Time::default() + PATIENCE * 10;
    agent.handle_deadline(later);
    assert_eq!(told(&mut agent), ["got 180"]);
    agent.handle_command(later, SipCommand::Hangup { dialog: DialogId::Placed(1), headers: vec![] });
    assert_eq!(told(&mut agent), ["send CANCEL"]);
    agent.handle_deadline(later + PATIENCE);
    assert_eq!(told(&mut agent), ["end", "no response from 192.0.2.7"]);
}

#[test]
fn a_bye_that_overtook_the_ack_is_told_after_it() {
    let mut agent = agent();
    let (invite, tag) = answered(&mut agent);
    let bye = agent.new_tx();
    agent.handle_request(Time::default(), bye, request("BYE", Some(&tag), 2));
    assert_eq!(told(&mut agent), Vec::<String>::new());
    agent.handle_ack(invite, request("ACK", Some(&tag), 1));
    assert_eq!(told(&mut agent), ["acked", "answer 200", "bye"]);
}

#[test]
fn a_bye_in_place_of_a_lost_ack_is_answered_soon() {
    let mut agent = agent();
    let (_, tag) = answered(&mut agent);
    let bye = agent.new_tx();
    agent.handle_request(Time::default(), bye, request("BYE", Some(&tag), 2));
    agent.handle_deadline(Time::default() + OVERTAKING);
    assert_eq!(told(&mut agent), ["answer 200", "bye"]);
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_the_call() {
    let mut agent = agent();
    let (invite, _) = answered(&mut agent);
    agent.handle_end(invite);
    assert_eq!(told(&mut agent), ["send BYE", "no response from 192.0.2.7:5060"]);
}

#[test]
fn a_cancel_after_our_answer_changes_nothing() {
    let mut agent = agent();
    let (invite, _) = answered(&mut agent);
    agent.handle_cancel(invite, request("CANCEL", None, 1));
    assert_eq!(told(&mut agent), Vec::<String>::new());
}

#[test]
fn a_request_out_of_order_or_from_elsewhere_is_refused() {
    let mut agent = agent();
    let (invite, tag) = answered(&mut agent);
    agent.handle_ack(invite, request("ACK", Some(&tag), 1));
    for (asked, answer) in [
        (request("INFO", Some(&tag), 5), vec!["answer 200", "request"]),
        (request("INFO", Some(&tag), 4), vec!["answer 500"]),
        (request("INFO", Some("other"), 6), vec!["answer 200"]),
    ] {
        told(&mut agent);
        let tx = agent.new_tx();
        agent.handle_request(Time::default(), tx, asked);
        assert_eq!(told(&mut agent), answer);
    }
    let mut stranger = request("BYE", Some(&tag), 7);
    stranger.headers[1].1 = "<sip:a@192.0.2.7>;tag=stranger".into();
    let tx = agent.new_tx();
    agent.handle_request(Time::default(), tx, stranger);
    assert_eq!(told(&mut agent), ["answer 481"]);
}

#[test]
fn nothing_is_left_of_a_thousand_calls() {
    let mut agent = agent();
    for call in 0..1_000 {
        let now = Time::default() + Duration::from_secs(call);
        let tx = place(&mut agent, now);
        agent.handle_response(now, tx, response(200));
        agent.handle_command(now, SipCommand::Hangup { dialog: DialogId::Placed(1), headers: vec![] });
        let bye = drain(&mut agent).into_iter().find_map(|action| match action {
            Action::Send { tx, .. } => Some(tx),
            _ => None,
        });
        let bye = bye.expect("a BYE");
        let mut ok = response(200);
        ok.headers[1].1 = "2 BYE".into();
        agent.handle_response(now, bye, ok);
        for tx in [tx, bye] {
            agent.handle_end(tx);
        }
        agent.handle_deadline(now);
        drain(&mut agent);
    }
    assert_eq!((agent.live(), agent.by_local_tag.len(), agent.transactions.len()), (0, 0, 0));
    // Deadlines of INVITEs long answered fall away in their turn.
    assert!(agent.deadlines.len() <= 32, "{}", agent.deadlines.len());
}
