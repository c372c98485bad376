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
