//! Requests that are refused for want of credentials.

use super::*;
use crate::sip::{Credentials, Registration, RegistrationId};

const NOW: Time = Time::from_micros(0);

fn credentials() -> Option<Credentials> {
    Some(Credentials { username: "alice".into(), password: "secret".into() })
}

fn place_with_credentials(agent: &mut UserAgent) -> (Tx, Draft) {
    let invite = crate::sip::OutgoingInvite {
        dialog: DialogId::Placed(1),
        uri: "sip:doggy@192.0.2.7".into(),
        proxy: None,
        from_user: "1".into(),
        from_display: String::new(),
        from_host: "192.0.2.1".into(),
        headers: vec![],
        sdp: "v=0".into(),
        credentials: credentials(),
        contact_user: None,
        contact_parameters: String::new(),
        max_forwards: None,
        session_expires: None,
    };
    agent.handle_command(NOW, SipCommand::Invite(Box::new(invite)));
    sent(agent)
}

fn number(request: &Draft) -> u32 {
    header(request, "CSeq").and_then(|cseq| cseq.split(' ').next()?.parse().ok()).expect("a number")
}

/// What a proxy or server says to `request`.
fn asks(request: &Draft, code: u16, nonce: &str) -> Message {
    let mut message = response(code);
    message.headers = request.headers.clone();
    let field = if code == 407 { "Proxy-Authenticate" } else { "WWW-Authenticate" };
    message.headers.push((field.into(), format!("Digest realm=\"gw\", nonce=\"{nonce}\", qop=\"auth\"")));
    message
}

#[test]
fn an_invite_that_a_proxy_asks_credentials_of_goes_out_again_with_them() {
    let mut agent = agent();
    let (tx, first) = place_with_credentials(&mut agent);
    assert_eq!(header(&first, "Proxy-Authorization"), None);
    agent.handle_response(NOW, tx, asks(&first, 407, "n1"));
    let (again, second) = sent(&mut agent);
    let answer = header(&second, "Proxy-Authorization").expect("an answer");
    assert!(answer.contains("username=\"alice\"") && answer.contains("uri=\"sip:doggy@192.0.2.7\""), "{answer}");
    assert!(!answer.contains("secret"));
    // RFC 3261 22.2: the same Call-ID, From and To; the next number; another transaction.
    for name in ["Call-ID", "From", "To", "Contact"] {
        assert_eq!(header(&first, name), header(&second, name), "{name}");
    }
    assert_eq!((number(&second), second.body.as_str()), (number(&first) + 1, "v=0"));
    assert_ne!(header(&first, "Via"), header(&second, "Via"));
    // The end of the first transaction is not the end of the call.
    agent.handle_end(tx);
    agent.handle_response(NOW, again, response(180));
    agent.handle_response(NOW, again, response(200));
    assert_eq!(told(&mut agent), ["got 180", "got 200"]);
    agent.handle_command(NOW, SipCommand::Hangup { dialog: DialogId::Placed(1), headers: vec![] });
    let (_, bye) = sent(&mut agent);
    let answer = header(&bye, "Proxy-Authorization").expect("what follows has credentials at once");
    assert!(answer.contains("nc=00000002"), "{answer}");
    assert_eq!(number(&bye), number(&second) + 1);
}

#[test]
fn a_password_that_is_refused_ends_the_call_with_the_refusal() {
    let mut agent = agent();
    let (tx, first) = place_with_credentials(&mut agent);
    agent.handle_response(NOW, tx, asks(&first, 401, "n1"));
    let (again, second) = sent(&mut agent);
    agent.handle_response(NOW, again, asks(&second, 401, "n2"));
    assert_eq!(told(&mut agent), ["end", "got 401"]);
    assert_eq!(agent.live(), 0);
}

#[test]
fn proxy_and_server_may_ask_one_after_the_other() {
    let mut agent = agent();
    let (tx, first) = place_with_credentials(&mut agent);
    agent.handle_response(NOW, tx, asks(&first, 407, "p"));
    let (tx, second) = sent(&mut agent);
    agent.handle_response(NOW, tx, asks(&second, 401, "s"));
    let (_, third) = sent(&mut agent);
    assert!(header(&third, "Proxy-Authorization").is_some() && header(&third, "Authorization").is_some());
}

#[test]
fn without_credentials_a_challenge_is_a_refusal() {
    let mut agent = agent();
    let tx = place(&mut agent, NOW);
    let mut asked = response(401);
    asked.headers.push(("WWW-Authenticate".into(), "Digest realm=\"gw\", nonce=\"n\"".into()));
    agent.handle_response(NOW, tx, asked);
    assert_eq!(told(&mut agent), ["end", "got 401"]);
}

#[test]
fn who_gave_up_meanwhile_does_not_ask_again() {
    let mut agent = agent();
    let (tx, first) = place_with_credentials(&mut agent);
    agent.handle_command(NOW, SipCommand::Hangup { dialog: DialogId::Placed(1), headers: vec![] });
    agent.handle_response(NOW, tx, asks(&first, 407, "n"));
    assert_eq!(told(&mut agent), ["end", "got 407"]);
}

#[test]
fn a_second_invite_that_nobody_answers_ends_the_call_too() {
    let mut agent = agent();
    let (tx, first) = place_with_credentials(&mut agent);
    let later = NOW + Duration::from_secs(10);
    agent.handle_response(later, tx, asks(&first, 407, "n"));
    sent(&mut agent);
    agent.handle_deadline(NOW + PATIENCE);
    assert_eq!(told(&mut agent), Vec::<String>::new(), "the deadline of the first is void");
    agent.handle_deadline(later + PATIENCE);
    assert_eq!(told(&mut agent), ["end", "no response from 192.0.2.7"]);
}

#[test]
fn a_bye_whose_nonce_has_aged_is_sent_again() {
    let mut agent = agent();
    let (tx, first) = place_with_credentials(&mut agent);
    agent.handle_response(NOW, tx, asks(&first, 407, "old"));
    let (tx, _) = sent(&mut agent);
    agent.handle_response(NOW, tx, response(200));
    told(&mut agent);
    agent.handle_command(NOW, SipCommand::Hangup { dialog: DialogId::Placed(1), headers: vec![] });
    let (tx, bye) = sent(&mut agent);
    agent.handle_response(NOW, tx, asks(&bye, 407, "new"));
    let (tx, again) = sent(&mut agent);
    let answer = header(&again, "Proxy-Authorization").expect("an answer");
    assert!(answer.contains("nonce=\"new\"") && answer.contains("nc=00000001"), "{answer}");
    let mut ok = response(200);
    ok.headers = again.headers;
    agent.handle_response(NOW, tx, ok);
    assert_eq!((told(&mut agent), agent.live()), (vec!["end".to_owned(), "got 200 inside".to_owned()], 0));
}

fn registration(expires: u32) -> SipCommand {
    SipCommand::Register(Box::new(Registration {
        id: RegistrationId(1),
        registrar: "sip:192.0.2.7".into(),
        proxy: None,
        address: "sip:alice@192.0.2.7".into(),
        contact_user: "gw+one".into(),
        contact_parameters: ";gw=one".into(),
        expires,
        credentials: credentials(),
    }))
}

#[test]
fn a_registration_keeps_its_call_id_and_counts() {
    let mut agent = agent();
    agent.handle_command(NOW, registration(600));
    let (tx, first) = sent(&mut agent);
    assert_eq!(header(&first, "Contact"), Some("<sip:gw+one@192.0.2.1:5080;gw=one>;expires=600"));
    agent.handle_response(NOW, tx, asks(&first, 401, "n"));
    let (tx, second) = sent(&mut agent);
    assert!(header(&second, "Authorization").expect("an answer").contains("uri=\"sip:192.0.2.7\""));
    assert_eq!(agent.live(), 1);
    agent.handle_response(NOW, tx, response(200));
    assert_eq!((told(&mut agent), agent.live()), (vec!["registered 200".to_owned()], 0));
    agent.handle_command(NOW, registration(0));
    let (tx, third) = sent(&mut agent);
    assert_eq!(header(&third, "Call-ID"), header(&first, "Call-ID"));
    assert_eq!((number(&third), header(&third, "Expires")), (number(&first) + 2, Some("0")));
    assert!(header(&third, "Authorization").expect("known by now").contains("nc=00000002"));
    agent.handle_response(NOW, tx, response(200));
    assert!(agent.registrations.is_empty());
}

#[test]
fn a_registrar_that_is_not_there_is_told() {
    let mut agent = agent();
    agent.handle_command(NOW, registration(600));
    let (tx, _) = sent(&mut agent);
    agent.handle_end(tx);
    assert_eq!(told(&mut agent), ["no response from 192.0.2.7"]);
}
