//! SIP messages as the user agents of a rig write them: as mod_sofia puts its own together.

use std::net::SocketAddr;

use super::{Link, Side};
use crate::sip::{Message, OutgoingInvite, StartLine};
use crate::switch::config::IMITATED_FULL_VERSION;

const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY";

/// What the messages of a call have in common.
#[derive(Debug)]
pub(super) struct Text {
    pub uri: String,
    pub from: String,
    pub to: String,
    pub to_tag: String,
    pub call_id: String,
    pub cseq: u64,
    pub via: String,
}

impl Text {
    /// The name of who calls, with tag.
    pub fn from_of(invite: &OutgoingInvite, tag: &str) -> String {
        let display = match invite.from_display.as_str() {
            "" => String::new(),
            name => format!("\"{}\" ", name.replace('\\', "\\\\").replace('"', "\\\"")),
        };
        format!("{display}<sip:{}@{}>;tag={tag}", invite.from_user, invite.from_host)
    }

    pub fn invite(
        &self,
        local: SocketAddr,
        max_forwards: Option<u8>,
        extra: Vec<(String, String)>,
        body: String,
    ) -> Message {
        let mut headers = vec![
            ("Via".to_owned(), self.via.clone()),
            ("Max-Forwards".to_owned(), max_forwards.unwrap_or(70).to_string()),
            ("From".to_owned(), self.from.clone()),
            ("To".to_owned(), self.to.clone()),
            ("Call-ID".to_owned(), self.call_id.clone()),
            ("CSeq".to_owned(), format!("{} INVITE", self.cseq)),
            ("Contact".to_owned(), format!("<sip:mod_sofia@{local}>")),
            ("User-Agent".to_owned(), user_agent()),
            ("Allow".to_owned(), ALLOW.to_owned()),
            ("Content-Type".to_owned(), "application/sdp".to_owned()),
        ];
        headers.extend(extra);
        let start = StartLine::Request { method: "INVITE".to_owned(), uri: self.uri.clone() };
        Message { start, headers, body, peer: local }
    }
}

pub(super) fn via(local: SocketAddr, branch: &str) -> String {
    format!("SIP/2.0/UDP {local};rport={};branch=z9hG4bK{branch}", local.port())
}

/// A request of one side after the INVITE.
pub(super) fn request(
    link: &Link,
    side: Side,
    branch: &str,
    method: &str,
    extra: Vec<(String, String)>,
    body: String,
) -> Message {
    let (text, local) = (&link.text, link.address(side));
    let with_tag = format!("{};tag={}", text.to, text.to_tag);
    let to = if method == "CANCEL" { text.to.clone() } else { with_tag };
    let (from, to) = match side {
        Side::Caller => (text.from.clone(), to),
        Side::Callee => (to, text.from.clone()),
    };
    let via = if method == "CANCEL" { text.via.clone() } else { via(local, branch) };
    let number = if matches!(method, "ACK" | "CANCEL") { text.cseq } else { text.cseq + 1 };
    let mut headers = vec![
        ("Via".to_owned(), via),
        ("Max-Forwards".to_owned(), "70".to_owned()),
        ("From".to_owned(), from),
        ("To".to_owned(), to),
        ("Call-ID".to_owned(), text.call_id.clone()),
        ("CSeq".to_owned(), format!("{number} {method}")),
    ];
    if method != "ACK" {
        headers.push(("User-Agent".to_owned(), user_agent()));
    }
    headers.extend(extra);
    let start = StartLine::Request { method: method.to_owned(), uri: text.uri.clone() };
    Message { start, headers, body, peer: local }
}

/// A response of one side.
pub(super) fn response(
    link: &Link,
    side: Side,
    code: u16,
    reason: &str,
    extra: Vec<(String, String)>,
    body: String,
) -> Message {
    let (text, local) = (&link.text, link.address(side));
    let user = text.uri.trim_start_matches("sip:").split('@').next().unwrap_or_default().to_owned();
    let mut headers = vec![
        ("Via".to_owned(), text.via.clone()),
        ("From".to_owned(), text.from.clone()),
        ("To".to_owned(), format!("{};tag={}", text.to, text.to_tag)),
        ("Call-ID".to_owned(), text.call_id.clone()),
        ("CSeq".to_owned(), format!("{} INVITE", text.cseq)),
        ("Contact".to_owned(), format!("<sip:{user}@{local};transport=udp>")),
        ("User-Agent".to_owned(), user_agent()),
        ("Allow".to_owned(), ALLOW.to_owned()),
    ];
    if !body.is_empty() {
        headers.push(("Content-Type".to_owned(), "application/sdp".to_owned()));
    }
    headers.extend(extra);
    let start = StartLine::Response { code, reason: reason.to_owned() };
    Message { start, headers, body, peer: local }
}

fn user_agent() -> String {
    format!("FreeSWITCH-mod_sofia/{IMITATED_FULL_VERSION}")
}

/// `host:port` of a SIP URI; the port is 5060 when it says none.
pub(super) fn host_port(uri: &str) -> String {
    let plain = uri.trim_start_matches("sip:").split(';').next().unwrap_or_default();
    let host = plain.rsplit('@').next().unwrap_or_default();
    if host.rsplit(']').next().unwrap_or_default().contains(':') { host.to_owned() } else { format!("{host}:5060") }
}
