//! Between our plain messages and those of the SIP crate.

use std::net::SocketAddr;

use rsipstack::sip::headers::make_header;
use rsipstack::sip::{Header, Headers, Method, Request, Response, SipMessage, StatusCode, Uri, Version};

use super::dialog::Draft;
use super::{Message, StartLine};

/// A request as the crate sends it; `None` when its method or URI are none that the crate knows.
pub(super) fn to_request(draft: &Draft) -> Option<Request> {
    let StartLine::Request { method, uri } = &draft.start else { return None };
    let method: Method = method.parse().ok()?;
    let uri = Uri::try_from(one_line(uri).as_str()).ok()?;
    Some(Request {
        method,
        uri,
        version: Version::V2,
        headers: to_headers(draft),
        body: draft.body.clone().into_bytes(),
    })
}

/// A response as the crate sends it, with our reason phrase.
pub(super) fn to_response(draft: &Draft) -> Option<Response> {
    let StartLine::Response { code, reason } = &draft.start else { return None };
    // The crate compares this one by its name.
    let status_code = match code {
        100 => StatusCode::Trying,
        _ => StatusCode::Other(*code, one_line(reason)),
    };
    let mut headers = to_headers(draft);
    headers.push(make_header("Content-Length", draft.body.len().to_string()));
    Some(Response {
        status_code,
        wire_reason: None,
        version: Version::V2,
        headers,
        body: draft.body.clone().into_bytes(),
    })
}

fn to_headers(draft: &Draft) -> Headers {
    let made: Vec<Header> =
        draft.headers.iter().map(|(name, value)| make_header(&one_line(name), one_line(value))).collect();
    made.into()
}

/// A line break in a value would be another header field.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A received message in our words.
pub(super) fn from_crate(message: SipMessage, peer: SocketAddr) -> Message {
    let (start, headers, body) = match message {
        SipMessage::Request(request) => {
            let start = StartLine::Request { method: request.method.to_string(), uri: request.uri.to_string() };
            (start, request.headers, request.body)
        }
        SipMessage::Response(response) => {
            let reason = response.wire_reason.clone().unwrap_or_else(|| response.status_code.text().to_owned());
            (StartLine::Response { code: response.status_code.code(), reason }, response.headers, response.body)
        }
    };
    let headers = headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect();
    Message { start, headers, body: String::from_utf8_lossy(&body).into_owned(), peer }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rsipstack::sip::prelude::HeadersExt;
    use rsipstack::transaction::key::{TransactionKey, TransactionRole};
    use rsipstack::transport::SipConnection;

    use super::*;

    const INVITE: &str = "INVITE sip:doggy@127.0.0.1:5080 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;rport;branch=z9hG4bKx, SIP/2.0/UDP [::1];branch=y\r\n\
        From: \"a\" <sip:1@127.0.0.1>;tag=t\r\nTo: <sip:doggy@127.0.0.1:5080>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nRecord-Route: <sip:p;lr>\r\n\
        Contact: <sip:1@127.0.0.1>\r\nContent-Length: 3\r\n\r\nv=0";

    fn peer() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 5060))
    }

    /// What the crate does with a datagram before it comes to us.
    fn take(datagram: &[u8]) {
        let Ok(message) = SipMessage::try_from(datagram) else { return };
        let Ok(message) = SipConnection::update_msg_received(message, peer(), rsipstack::sip::Transport::Udp) else {
            return;
        };
        match &message {
            SipMessage::Request(request) => {
                let _ = TransactionKey::from_request(request, TransactionRole::Server);
            }
            SipMessage::Response(response) => {
                let _ = TransactionKey::from_response(response, TransactionRole::Client);
                let _ = response.has_multiple_vias();
            }
        }
        let _ = from_crate(message, peer());
    }

    #[test]
    fn a_line_break_in_a_value_forges_no_header() {
        let start = StartLine::Request { method: "BYE".into(), uri: "sip:a@127.0.0.1".into() };
        let headers = vec![("Reason".to_owned(), "x\r\nX-forged: yes".to_owned())];
        let request = to_request(&Draft { start, headers, body: String::new() }).expect("a request");
        assert!(request.to_string().contains("Reason: x  X-forged: yes\r\n"));
    }

    #[test]
    fn our_reason_phrase_is_the_one_that_is_sent() {
        let start = StartLine::Response { code: 486, reason: "Walking the dog".into() };
        let response = to_response(&Draft { start, headers: vec![], body: String::new() }).expect("a response");
        assert!(response.to_string().starts_with("SIP/2.0 486 Walking the dog\r\n"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_datagram_makes_the_crate_panic(at in 0..INVITE.len(), cut in 0..40_usize, noise in "[\\x00-\\x7fé]{0,12}", response in any::<bool>()) {
            let mut text = INVITE.as_bytes().to_vec();
            text.splice(at..(at + cut).min(INVITE.len()), noise.bytes());
            if response {
                let line = text.iter().position(|b| *b == b'\r').unwrap_or(0);
                text.splice(..line, *b"SIP/2.0 200 OK");
            }
            take(&text);
        }
    }
}
