//! Session timers (RFC 4028), UPDATE (RFC 3311), offers that meet (RFC 3261 14.1), and what is refused at once.

use super::*;

const NOW: Time = Time::from_micros(0);
const PLACED: DialogId = DialogId::Placed(1);

fn seconds(seconds: u64) -> Time {
    NOW + Duration::from_secs(seconds)
}

fn with(mut message: Message, fields: &[(&str, &str)]) -> Message {
    message.headers.extend(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    message
}

fn take(agent: &mut UserAgent, now: Time, request: Message) -> Tx {
    let tx = agent.new_tx();
    agent.handle_request(now, tx, request);
    tx
}

fn accept(agent: &mut UserAgent, now: Time, sdp: &str) {
    let sdp = Some(sdp.to_owned());
    let respond = SipCommand::Respond { dialog: TAKEN, code: 200, reason: None, headers: vec![], sdp };
    agent.handle_command(now, respond);
}

/// A call taken with these fields in its INVITE, answered and acknowledged: its 200 and our tag.
fn taken_with(agent: &mut UserAgent, fields: &[(&str, &str)]) -> (Draft, String) {
    let tx = take(agent, NOW, with(request("INVITE", None, 1), fields));
    drain(agent);
    accept(agent, NOW, "v=0 ours");
    let ok = answer(agent);
    let tag = NameAddr::parse(header(&ok, "To").unwrap()).unwrap().tag().unwrap().to_owned();
    agent.handle_ack(tx, request("ACK", Some(&tag), 1));
    drain(agent);
    (ok, tag)
}

/// A call that we placed and that was answered with these fields.
fn placed_with(agent: &mut UserAgent, asked: Option<u32>, fields: &[(&str, &str)]) -> Draft {
    let invite = crate::sip::OutgoingInvite {
        dialog: PLACED,
        uri: "sip:doggy@192.0.2.7".into(),
        proxy: None,
        from_user: "1".into(),
        from_display: String::new(),
        from_host: "192.0.2.1".into(),
        headers: vec![],
        sdp: "v=0 ours".into(),
        credentials: None,
        contact_user: None,
        contact_parameters: String::new(),
        max_forwards: Some(12),
        session_expires: asked,
    };
    agent.handle_command(NOW, SipCommand::Invite(Box::new(invite)));
    let (tx, request) = sent(agent);
    agent.handle_response(NOW, tx, with(response(200), fields));
    drain(agent);
    request
}

#[test]
fn a_caller_who_refreshes_is_told_so_and_hung_up_when_he_does_not() {
    let mut agent = agent();
    let fields = [("Supported", "timer"), ("Session-Expires", "1800")];
    let (ok, tag) = taken_with(&mut agent, &fields);
    assert_eq!(header(&ok, "Session-Expires"), Some("1800;refresher=uac"));
    assert_eq!((header(&ok, "Require"), header(&ok, "Supported")), (Some("timer"), Some("timer")));
    // A re-INVITE keeps it alive, and so does an UPDATE without an offer.
    agent.handle_deadline(seconds(1_700));
    take(&mut agent, seconds(1_700), with(request("INVITE", Some(&tag), 2), &fields));
    accept(&mut agent, seconds(1_700), "v=0 ours");
    assert_eq!(header(&answer(&mut agent), "Session-Expires"), Some("1800;refresher=uac"));
    agent.handle_deadline(seconds(1_768));
    assert_eq!(told(&mut agent), Vec::<String>::new());
    take(&mut agent, seconds(3_000), with(request("UPDATE", Some(&tag), 3), &fields));
    let ok = answer(&mut agent);
    assert_eq!((code(&ok), header(&ok, "Session-Expires")), (200, Some("1800;refresher=uac")));
    assert!(header(&ok, "Contact").is_some());
    agent.handle_deadline(seconds(3_000 + 1_767));
    assert_eq!(told(&mut agent), Vec::<String>::new());
    agent.handle_deadline(seconds(3_000 + 1_768));
    let actions = drain(&mut agent);
    let failure = SipFailure::NotRefreshed;
    assert_eq!(actions[0], Action::Emit(SipEvent::Failed { dialog: TAKEN, failure }));
    let Action::Send { request, .. } = &actions[1] else { panic!("{actions:?}") };
    assert_eq!(header(request, "Reason"), Some("SIP;cause=408;text=\"Session timeout\""));
}

#[test]
fn where_we_refresh_a_re_invite_with_the_same_description_goes_out_at_half_time() {
    let mut agent = agent();
    let fields = [("Supported", "timer"), ("Session-Expires", "600;refresher=uas")];
    let (ok, _) = taken_with(&mut agent, &fields);
    assert_eq!((header(&ok, "Session-Expires"), header(&ok, "Require")), (Some("600;refresher=uas"), None));
    agent.handle_deadline(seconds(299));
    assert_eq!(told(&mut agent), Vec::<String>::new());
    for round in 1..=3 {
        let now = seconds(300 * round);
        agent.handle_deadline(now);
        let (tx, refresh) = sent(&mut agent);
        assert_eq!((refresh.method(), refresh.body.as_str()), ("INVITE", "v=0 ours"));
        assert_eq!(header(&refresh, "Session-Expires"), Some("600;refresher=uac"));
        agent.handle_response(now, tx, with(response(200), &[("Session-Expires", "600;refresher=uac")]));
        assert_eq!(told(&mut agent), Vec::<String>::new(), "the switch is not bothered");
    }
    assert_eq!(agent.live(), 1);
}

#[test]
fn a_refresh_that_is_refused_is_tried_again_until_the_session_is_over() {
    let mut agent = agent();
    taken_with(&mut agent, &[("Supported", "timer"), ("Session-Expires", "120;refresher=uas")]);
    let (mut now, mut refreshes) = (seconds(60), 0);
    loop {
        agent.handle_deadline(now);
        let (tx, request) = sent_or_bye(&mut agent);
        if request.method() == "BYE" {
            break;
        }
        refreshes += 1;
        agent.handle_response(now, tx, response(503));
        now = agent.poll_deadline().unwrap().max(now + Duration::from_secs(5));
    }
    assert_eq!((now, refreshes), (seconds(110), 10));
}

fn sent_or_bye(agent: &mut UserAgent) -> (Tx, Draft) {
    let mut sends = drain(agent).into_iter().filter_map(|action| match action {
        Action::Send { tx, request, .. } => Some((tx, *request)),
        _ => None,
    });
    sends.next_back().expect("a request")
}

#[test]
fn a_peer_that_knows_the_call_no_more_ends_it() {
    let mut agent = agent();
    taken_with(&mut agent, &[("Supported", "timer"), ("Session-Expires", "120;refresher=uas")]);
    agent.handle_deadline(seconds(60));
    let (tx, _) = sent(&mut agent);
    agent.handle_response(seconds(60), tx, response(481));
    assert_eq!(told(&mut agent), ["got 481 inside", "send BYE"]);
}

#[test]
fn our_own_wish_for_a_timer_is_in_the_invite_and_the_answer_decides() {
    let mut agent = agent();
    let invite =
        placed_with(&mut agent, Some(1_800), &[("Session-Expires", "900;refresher=uas"), ("Require", "timer")]);
    assert_eq!((header(&invite, "Session-Expires"), header(&invite, "Min-SE")), (Some("1800"), Some("120")));
    assert_eq!(header(&invite, "Max-Forwards"), Some("12"));
    agent.handle_deadline(seconds(900 - 32));
    assert_eq!(told(&mut agent), ["the session was not refreshed", "send BYE"]);
}

#[test]
fn without_a_timer_a_call_lasts() {
    let mut agent = agent();
    let invite = placed_with(&mut agent, None, &[]);
    assert_eq!((header(&invite, "Session-Expires"), header(&invite, "Supported")), (None, Some("timer")));
    agent.handle_deadline(seconds(1_000_000));
    assert_eq!(told(&mut agent), Vec::<String>::new());
}

#[test]
fn a_session_that_is_too_short_is_asked_for_longer_and_refused_in_turn() {
    let mut agent = agent();
    let invite = crate::sip::OutgoingInvite {
        dialog: PLACED,
        uri: "sip:doggy@192.0.2.7".into(),
        proxy: None,
        from_user: String::new(),
        from_display: String::new(),
        from_host: "192.0.2.1".into(),
        headers: vec![],
        sdp: String::new(),
        credentials: None,
        contact_user: None,
        contact_parameters: String::new(),
        max_forwards: None,
        session_expires: Some(200),
    };
    agent.handle_command(NOW, SipCommand::Invite(Box::new(invite)));
    let (tx, _) = sent(&mut agent);
    agent.handle_response(NOW, tx, with(response(422), &[("Min-SE", "3600")]));
    let (tx, again) = sent(&mut agent);
    assert_eq!((header(&again, "Session-Expires"), header(&again, "Min-SE")), (Some("3600"), Some("3600")));
    agent.handle_response(NOW, tx, with(response(422), &[("Min-SE", "3600")]));
    assert_eq!(told(&mut agent), ["end", "got 422"], "once is enough");

    let short = with(request("INVITE", None, 1), &[("Supported", "timer"), ("Session-Expires", "60")]);
    take(&mut agent, NOW, short);
    let refused = answer(&mut agent);
    assert_eq!((code(&refused), header(&refused, "Min-SE")), (422, Some("120")));
}

#[test]
fn an_update_before_the_answer_holds_no_offer() {
    let mut agent = agent();
    let tx = take(&mut agent, NOW, request("INVITE", None, 1));
    drain(&mut agent);
    let respond = SipCommand::Respond { dialog: TAKEN, code: 180, reason: None, headers: vec![], sdp: None };
    agent.handle_command(NOW, respond);
    let tag = NameAddr::parse(header(&answer(&mut agent), "To").unwrap()).unwrap().tag().unwrap().to_owned();
    take(&mut agent, NOW, request("UPDATE", Some(&tag), 2));
    assert_eq!(code(&answer(&mut agent)), 200);
    let offer = Message { body: "v=0".into(), ..request("UPDATE", Some(&tag), 3) };
    take(&mut agent, NOW, offer);
    let refused = answer(&mut agent);
    assert_eq!((code(&refused), header(&refused, "Retry-After")), (500, Some("1")));
    assert!(agent.transactions.contains_key(&tx));
}

#[test]
fn an_update_with_an_offer_is_told_and_answered_as_a_re_invite() {
    let mut agent = agent();
    let (_, tag) = taken_with(&mut agent, &[]);
    take(&mut agent, NOW, Message { body: "v=0".into(), ..request("UPDATE", Some(&tag), 2) });
    assert_eq!(told(&mut agent), ["request"], "no 100 to it");
    accept(&mut agent, NOW, "v=0 held");
    let ok = answer(&mut agent);
    assert_eq!((code(&ok), ok.body.as_str(), header(&ok, "CSeq")), (200, "v=0 held", Some("2 UPDATE")));
}

#[test]
fn an_offer_that_met_theirs_goes_out_again_after_a_while() {
    for (placed, least, most) in [(true, 2_100, 4_000), (false, 0, 2_000)] {
        let mut agent = agent();
        let dialog = if placed {
            placed_with(&mut agent, None, &[]);
            PLACED
        } else {
            taken_with(&mut agent, &[]);
            TAKEN
        };
        agent.handle_command(NOW, SipCommand::Reinvite { dialog, sdp: "v=0 hold".into() });
        let (tx, _) = sent(&mut agent);
        agent.handle_response(NOW, tx, response(491));
        assert_eq!(told(&mut agent), ["got 491 inside"]);
        agent.handle_deadline(NOW + Duration::from_millis(least).saturating_sub(Duration::from_millis(1)));
        assert_eq!(told(&mut agent), Vec::<String>::new());
        agent.handle_deadline(NOW + Duration::from_millis(most));
        let (tx, again) = sent(&mut agent);
        assert_eq!(again.body, "v=0 hold");
        agent.handle_response(NOW, tx, response(200));
        assert_eq!(told(&mut agent), ["got 200 inside"]);
    }
}

#[test]
fn a_newer_offer_takes_the_place_of_one_that_waits() {
    let mut agent = agent();
    placed_with(&mut agent, None, &[]);
    agent.handle_command(NOW, SipCommand::Reinvite { dialog: PLACED, sdp: "v=0 hold".into() });
    let (tx, _) = sent(&mut agent);
    agent.handle_response(NOW, tx, response(491));
    drain(&mut agent);
    agent.handle_command(NOW, SipCommand::Reinvite { dialog: PLACED, sdp: "v=0 back".into() });
    let (tx, _) = sent(&mut agent);
    agent.handle_response(NOW, tx, response(200));
    drain(&mut agent);
    agent.handle_deadline(seconds(10));
    assert_eq!(told(&mut agent), Vec::<String>::new());
}

#[test]
fn options_are_told_outside_of_calls_and_inside_of_those_that_are_there() {
    let mut agent = agent();
    take(&mut agent, NOW, request("OPTIONS", None, 1));
    let told = answer(&mut agent);
    assert_eq!((code(&told), header(&told, "Allow"), header(&told, "Accept")), (200, Some("INVITE"), Some(SDP)));
    assert_eq!(header(&told, "Allow-Events"), Some("talk, hold, conference, refer"));
    take(&mut agent, NOW, request("OPTIONS", Some("nobody"), 1));
    assert_eq!(code(&answer(&mut agent)), 481);
    let (_, tag) = taken_with(&mut agent, &[]);
    take(&mut agent, NOW, request("OPTIONS", Some(&tag), 2));
    assert_eq!(code(&answer(&mut agent)), 200);
}

const SDP: &str = "application/sdp";

#[test]
fn what_is_not_understood_is_refused_with_what_is() {
    for (method, fields, body, expected, told) in [
        ("SUBSCRIBE", vec![], "", 405, ("Allow", "INVITE")),
        ("INVITE", vec![("Require", "100rel, timer")], "", 420, ("Unsupported", "100rel")),
        ("INVITE", vec![("Content-Type", "text/plain")], "hello", 415, ("Accept", SDP)),
        ("INVITE", vec![("Accept", "text/plain, text/*;q=0.1")], "", 406, ("Accept", SDP)),
    ] {
        let mut agent = agent();
        take(&mut agent, NOW, Message { body: body.into(), ..with(request(method, None, 1), &fields) });
        let refused = answer(&mut agent);
        assert_eq!((code(&refused), header(&refused, told.0)), (expected, Some(told.1)), "{method} {fields:?}");
        assert_eq!(agent.live(), 0);
    }
    let mut agent = agent();
    for fields in [[("Accept", "application/sdp;level=1, text/plain")], [("c", "Application/SDP; charset=utf-8")]] {
        take(&mut agent, NOW, Message { body: "v=0".into(), ..with(request("INVITE", None, 1), &fields) });
        assert_eq!(super::told(&mut agent), ["answer 100", "invited"]);
    }
}

#[test]
fn nothing_is_left_of_calls_with_timers() {
    let mut agent = agent();
    for call in 0..100 {
        let fields = [("Supported", "timer"), ("Session-Expires", "600;refresher=uas")];
        let now = seconds(call * 1_000);
        let tx = take(&mut agent, now, with(request("INVITE", None, 1), &fields));
        let id = DialogId::Received(call + 1);
        let respond = SipCommand::Respond { dialog: id, code: 200, reason: None, headers: vec![], sdp: None };
        agent.handle_command(now, respond);
        agent.handle_ack(tx, request("ACK", None, 1));
        agent.handle_command(now, SipCommand::Hangup { dialog: id, headers: vec![] });
        let (bye, _) = sent_or_bye(&mut agent);
        let mut ok = response(200);
        ok.headers[1].1 = "2 BYE".into();
        agent.handle_response(now, bye, ok);
        agent.handle_end(tx);
        agent.handle_end(bye);
        agent.handle_deadline(now);
    }
    assert_eq!((agent.live(), agent.transactions.len()), (0, 0));
    assert!(agent.deadlines.len() <= 2, "{}", agent.deadlines.len());
}
