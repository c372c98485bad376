//! SIP messages and session descriptions.

use std::net::SocketAddr;

use callwright::sip::name_addr::{NameAddr, quote, split_list};
use callwright::sip::sdp::{Description, Payload, answer};
use callwright::sip::uri::SipUri;
use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{SipMessage, Transport};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transport::SipConnection;

/// A datagram as it comes in: the crate's parser and what is asked of it before a transaction, then our own parsers on every
/// value of its headers.
pub fn messages(bytes: &[u8]) {
    let peer = SocketAddr::from(([127, 0, 0, 1], 5060));
    if let Ok(message) = SipMessage::try_from(bytes)
        && let Ok(message) = SipConnection::update_msg_received(message, peer, Transport::Udp)
    {
        let headers = match &message {
            SipMessage::Request(request) => {
                let _ = TransactionKey::from_request(request, TransactionRole::Server);
                SipUri::parse(&request.uri.to_string());
                &request.headers
            }
            SipMessage::Response(response) => {
                let _ = TransactionKey::from_response(response, TransactionRole::Client);
                let _ = response.has_multiple_vias();
                &response.headers
            }
        };
        headers.iter().for_each(|header| values(header.value()));
    }
    String::from_utf8_lossy(bytes).lines().for_each(|line| {
        values(line);
        values(line.split_once(':').map_or("", |(_, value)| value));
    });
}

/// What is taken out of a header's value lies within it, and is read again as the same.
fn values(text: &str) {
    for part in split_list(text) {
        assert!(text.contains(part));
        if let Some(found) = NameAddr::parse(part) {
            let tag = found.tag().map(str::to_owned);
            let written = format!("{} <{}>", quote(&found.display), found.uri);
            if !found.uri.contains(['<', '>']) {
                let again = NameAddr::parse(&written).expect("what we write can be read");
                let plain: String = found.display.chars().filter(|letter| !letter.is_control()).collect();
                assert_eq!((again.display, again.uri.as_str()), (plain, found.uri.as_str()));
            }
            assert!(tag.is_none_or(|tag| text.contains(&tag)));
            if let Some(uri) = found.sip_uri() {
                uris(&uri);
            }
        }
    }
    if let Some(uri) = SipUri::parse(text) {
        uris(&uri);
    }
}

fn uris(uri: &SipUri) {
    let written = uri.to_string();
    assert_eq!(SipUri::parse(&written).as_ref(), Some(uri), "{written:?}");
}

/// A description that was read is written and read again as the same; so is an answer to it.
pub fn sdp(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(theirs) = Description::parse(text) else { return };
    let written = theirs.to_sdp();
    let again = Description::parse(&written).expect("what we write can be read");
    assert_eq!(again.address, theirs.address, "{written}");
    assert_eq!((again.direction, again.ptime), (theirs.direction, theirs.ptime), "{written}");
    assert_eq!(again.to_sdp(), Description::parse(&again.to_sdp()).expect("and again").to_sdp());
    let ours =
        [Payload::new(0, "PCMU", 8_000), Payload::new(8, "PCMA", 8_000), Payload::new(101, "telephone-event", 8_000)];
    if let Ok(agreed) = answer(&theirs, &ours) {
        let local = SocketAddr::from(([192, 0, 2, 1], 4_000));
        let answer = agreed.answer(1, 2, local);
        let read = Description::parse(&answer.to_sdp()).expect("our answer can be read");
        assert_eq!(read.address, local);
        assert!(read.payloads.iter().any(|payload| payload.number == agreed.codec.number));
        assert_eq!(read.others.len(), theirs.others.len(), "an answer has as many streams as the offer (RFC 3264 6)");
    }
}
