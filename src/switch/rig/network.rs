//! The SIP network of a rig: what one user agent says comes back as what the other one hears, at once.
//!
//! The switch is the only user agent, so every call that is answered comes back to it. Messages are put together as
//! mod_sofia puts its own. Addresses that are not the switch's refuse, or stay silent if they were told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use crate::id::Ids;
use crate::sip::reason_phrase;
use crate::sip::{DialogId, Message, OutgoingInvite, Registration, SipCommand, SipEvent, SipFailure, StartLine};
use crate::switch::config::IMITATED_FULL_VERSION;
use crate::units::Time;

/// RFC 3261 timer B.
const NO_RESPONSE: Duration = Duration::from_secs(32);
const ALLOW: &str = "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, INFO, UPDATE, REGISTER, REFER, NOTIFY";

#[derive(Debug)]
pub(super) struct Network {
    local: SocketAddr,
    ids: Ids,
    /// Dialogs by the number that the caller chose.
    links: BTreeMap<u64, Link>,
    /// The caller's number of a dialog that the callee has another for.
    received: BTreeMap<u64, u64>,
    silent: BTreeSet<String>,
    /// INVITEs that nobody answers, by when the caller gives up.
    unanswered: BTreeSet<(Time, u64)>,
    /// Codes that registrars answer with.
    registrars: BTreeMap<String, VecDeque<u16>>,
    registrations: Vec<Registration>,
    last_received: u64,
    cseq: u64,
    events: VecDeque<SipEvent>,
}

/// One call, from both sides.
#[derive(Debug)]
struct Link {
    placed: u64,
    received: Option<u64>,
    stage: Stage,
    uri: String,
    from: String,
    to: String,
    to_tag: String,
    call_id: String,
    cseq: u64,
    via: String,
    /// Who offered again and has no answer.
    reinvite: Option<Side>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Calling,
    Confirmed,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Caller,
    Callee,
}

impl Network {
    pub fn new(local: SocketAddr, ids: Ids) -> Network {
        Network {
            local,
            ids,
            links: BTreeMap::new(),
            received: BTreeMap::new(),
            silent: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            registrars: BTreeMap::new(),
            registrations: Vec::new(),
            last_received: 0,
            cseq: 123_134_627,
            events: VecDeque::new(),
        }
    }

    pub fn silence(&mut self, host_port: &str) {
        self.silent.insert(host_port.to_owned());
    }

    pub fn poll_event(&mut self) -> Option<SipEvent> {
        self.events.pop_front()
    }

    pub fn next_due(&self) -> Option<Time> {
        self.unanswered.first().map(|(time, _)| *time)
    }

    /// Tells callers that nobody answered.
    pub fn handle_due(&mut self, now: Time) {
        while let Some(entry) = self.unanswered.first().copied().filter(|(due, _)| *due <= now) {
            self.unanswered.remove(&entry);
            if let Some(link) = self.links.remove(&entry.1) {
                let failure = SipFailure::NoResponse(link.uri);
                self.events.push_back(SipEvent::Failed { dialog: DialogId::Placed(entry.1), failure });
            }
        }
    }

    pub fn handle_command(&mut self, now: Time, command: SipCommand) {
        match command {
            SipCommand::Invite(invite) => self.invite(now, *invite),
            SipCommand::Respond { dialog, code, reason, headers, sdp } => {
                self.respond(dialog, code, reason, headers, sdp);
            }
            SipCommand::Hangup { dialog, headers } => self.hangup(dialog, headers),
            SipCommand::Reinvite { dialog, sdp } => {
                let method = "INVITE";
                let Some((side, link)) = self.link(dialog) else { return };
                link.reinvite = Some(side);
                self.inside(dialog, method, vec![("Content-Type".into(), "application/sdp".into())], sdp);
            }
            SipCommand::Request { dialog, method, headers, body } => {
                self.inside(dialog, method, headers, body);
                self.answer_inside(dialog, method, if method == "REFER" { 202 } else { 200 }, "OK", String::new());
            }
            SipCommand::Register(registration) => self.register(*registration),
            SipCommand::Info { dialog, content_type, body } => {
                self.inside(dialog, "INFO", vec![("Content-Type".into(), content_type)], body);
                self.answer_inside(dialog, "INFO", 200, "OK", String::new());
            }
        }
    }

    pub fn registrar(&mut self, host_port: &str, codes: &[u16]) {
        self.registrars.insert(host_port.to_owned(), codes.iter().copied().collect());
    }

    pub fn registrations(&self) -> &[Registration] {
        &self.registrations
    }

    fn register(&mut self, registration: Registration) {
        let (id, hop) = (registration.id, host_port(&registration.registrar));
        let codes = self.registrars.get_mut(&hop);
        let code = codes.and_then(|codes| if codes.len() > 1 { codes.pop_front() } else { codes.front().copied() });
        self.events.push_back(match code {
            Some(code) => {
                let contact =
                    format!("<sip:{}@{}>;expires={}", registration.contact_user, self.local, registration.expires);
                let start = StartLine::Response { code, reason: reason_phrase(code).to_owned() };
                let headers = vec![("Contact".to_owned(), contact)];
                let peer = hop.parse().unwrap_or(self.local);
                SipEvent::Registered { id, response: Box::new(Message { start, headers, body: String::new(), peer }) }
            }
            None => {
                let failure = SipFailure::Transport(hop, "connection refused".to_owned());
                SipEvent::RegisterFailed { id, failure }
            }
        });
        self.registrations.push(registration);
    }

    fn invite(&mut self, now: Time, invite: OutgoingInvite) {
        let DialogId::Placed(placed) = invite.dialog else { return };
        let hop = host_port(invite.proxy.as_deref().unwrap_or(&invite.uri));
        self.cseq += 1;
        let (branch, tag, to_tag) = (self.token(), self.token(), self.token());
        let local = self.local;
        let display = match invite.from_display.as_str() {
            "" => String::new(),
            name => format!("\"{}\" ", name.replace('\\', "\\\\").replace('"', "\\\"")),
        };
        let link = Link {
            placed,
            received: None,
            stage: Stage::Calling,
            from: format!("{display}<sip:{}@{}>;tag={tag}", invite.from_user, invite.from_host),
            to: format!("<{}>", invite.uri),
            uri: invite.uri,
            to_tag,
            call_id: self.ids.uuid(),
            cseq: self.cseq,
            via: format!("SIP/2.0/UDP {local};rport={};branch=z9hG4bK{branch}", local.port()),
            reinvite: None,
        };
        if hop != local.to_string() {
            if self.silent.contains(&hop) {
                self.links.insert(placed, link);
                self.unanswered.insert((now + NO_RESPONSE, placed));
            } else {
                let failure = SipFailure::Transport(hop, "connection refused".to_owned());
                self.events.push_back(SipEvent::Failed { dialog: invite.dialog, failure });
            }
            return;
        }
        self.last_received += 1;
        let received = self.last_received;
        let mut headers = vec![
            ("Via".to_owned(), link.via.clone()),
            ("Max-Forwards".to_owned(), invite.max_forwards.unwrap_or(70).to_string()),
            ("From".to_owned(), link.from.clone()),
            ("To".to_owned(), link.to.clone()),
            ("Call-ID".to_owned(), link.call_id.clone()),
            ("CSeq".to_owned(), format!("{} INVITE", link.cseq)),
            ("Contact".to_owned(), format!("<sip:mod_sofia@{local}>")),
            ("User-Agent".to_owned(), user_agent()),
            ("Allow".to_owned(), ALLOW.to_owned()),
            ("Content-Type".to_owned(), "application/sdp".to_owned()),
        ];
        headers.extend(invite.headers);
        let start = StartLine::Request { method: "INVITE".to_owned(), uri: link.uri.clone() };
        let message = Message { start, headers, body: invite.sdp, peer: local };
        self.links.insert(placed, Link { received: Some(received), ..link });
        self.received.insert(received, placed);
        let dialog = DialogId::Received(received);
        self.events.push_back(SipEvent::Invited { dialog, invite: Box::new(message) });
    }

    fn respond(
        &mut self,
        dialog: DialogId,
        code: u16,
        reason: Option<String>,
        headers: Vec<(String, String)>,
        sdp: Option<String>,
    ) {
        let reason = reason.unwrap_or_else(|| reason_phrase(code).to_owned());
        let Some((side, link)) = self.link(dialog) else { return };
        if link.reinvite.is_some_and(|offerer| offerer != side) {
            link.reinvite = None;
            let other = link.other(side);
            return self.answer_inside(other, "INVITE", code, &reason, sdp.unwrap_or_default());
        }
        if side == Side::Caller || link.stage != Stage::Calling {
            return;
        }
        link.stage = match code {
            0..200 => Stage::Calling,
            200..300 => Stage::Confirmed,
            _ => Stage::Over,
        };
        let (caller, stage) = (DialogId::Placed(link.placed), link.stage);
        let response = self.response(dialog, code, &reason, headers, sdp.unwrap_or_default());
        self.events
            .extend(response.map(|response| SipEvent::Response { dialog: caller, response: Box::new(response) }));
        match stage {
            Stage::Calling => {}
            Stage::Confirmed => {
                if let Some(ack) = self.request(caller, "ACK", Vec::new(), String::new()) {
                    self.events.push_back(SipEvent::Acked { dialog, ack: Box::new(ack) });
                }
            }
            Stage::Over => self.forget(dialog),
        }
    }

    fn hangup(&mut self, dialog: DialogId, headers: Vec<(String, String)>) {
        let Some((side, link)) = self.link(dialog) else { return };
        match (link.stage, side) {
            (Stage::Over, _) => {}
            (Stage::Confirmed, _) => {
                let other = link.other(side);
                if let Some(bye) = self.request(dialog, "BYE", headers, String::new()) {
                    self.events.push_back(SipEvent::Bye { dialog: other, bye: Box::new(bye) });
                }
                self.answer_inside(dialog, "BYE", 200, "OK", String::new());
                self.forget(dialog);
            }
            (Stage::Calling, Side::Callee) => self.respond(dialog, 480, None, headers, None),
            (Stage::Calling, Side::Caller) => {
                link.stage = Stage::Over;
                let callee = link.received.map(DialogId::Received);
                if let Some(callee) = callee {
                    if let Some(cancel) = self.request(dialog, "CANCEL", headers, String::new()) {
                        self.events.push_back(SipEvent::Cancelled { dialog: callee, cancel: Box::new(cancel) });
                    }
                    let response = self.response(callee, 487, reason_phrase(487), Vec::new(), String::new());
                    self.events.extend(response.map(|r| SipEvent::Response { dialog, response: Box::new(r) }));
                }
                self.forget(dialog);
            }
        }
    }

    /// A request inside a dialog, at the other side.
    fn inside(&mut self, dialog: DialogId, method: &str, headers: Vec<(String, String)>, body: String) {
        let Some((side, link)) = self.link(dialog) else { return };
        let other = link.other(side);
        if let Some(request) = self.request(dialog, method, headers, body) {
            self.events.push_back(SipEvent::Request { dialog: other, request: Box::new(request) });
        }
    }

    /// The answer to a request inside a dialog, at the side that sent it.
    fn answer_inside(&mut self, dialog: DialogId, method: &str, code: u16, reason: &str, sdp: String) {
        if let Some(response) = self.response(dialog, code, reason, Vec::new(), sdp) {
            let (method, response) = (method.to_owned(), Box::new(response));
            self.events.push_back(SipEvent::InDialogResponse { dialog, method, response });
        }
    }

    fn request(&mut self, from: DialogId, method: &str, extra: Vec<(String, String)>, body: String) -> Option<Message> {
        let branch = self.token();
        let local = self.local;
        let (side, link) = self.link(from)?;
        let with_tag = format!("{};tag={}", link.to, link.to_tag);
        let to = if method == "CANCEL" { link.to.clone() } else { with_tag };
        let (from, to) = match side {
            Side::Caller => (link.from.clone(), to),
            Side::Callee => (to, link.from.clone()),
        };
        let via = match method {
            "CANCEL" => link.via.clone(),
            _ => format!("SIP/2.0/UDP {local};rport={};branch=z9hG4bK{branch}", local.port()),
        };
        let number = if matches!(method, "ACK" | "CANCEL") { link.cseq } else { link.cseq + 1 };
        let mut headers = vec![
            ("Via".to_owned(), via),
            ("Max-Forwards".to_owned(), "70".to_owned()),
            ("From".to_owned(), from),
            ("To".to_owned(), to),
            ("Call-ID".to_owned(), link.call_id.clone()),
            ("CSeq".to_owned(), format!("{number} {method}")),
        ];
        if method != "ACK" {
            headers.push(("User-Agent".to_owned(), user_agent()));
        }
        headers.extend(extra);
        let start = StartLine::Request { method: method.to_owned(), uri: link.uri.clone() };
        Some(Message { start, headers, body, peer: local })
    }

    fn response(
        &mut self,
        from: DialogId,
        code: u16,
        reason: &str,
        extra: Vec<(String, String)>,
        body: String,
    ) -> Option<Message> {
        let local = self.local;
        let (_, link) = self.link(from)?;
        let user = link.uri.trim_start_matches("sip:").split('@').next().unwrap_or_default().to_owned();
        let mut headers = vec![
            ("Via".to_owned(), link.via.clone()),
            ("From".to_owned(), link.from.clone()),
            ("To".to_owned(), format!("{};tag={}", link.to, link.to_tag)),
            ("Call-ID".to_owned(), link.call_id.clone()),
            ("CSeq".to_owned(), format!("{} INVITE", link.cseq)),
            ("Contact".to_owned(), format!("<sip:{user}@{local};transport=udp>")),
            ("User-Agent".to_owned(), user_agent()),
            ("Allow".to_owned(), ALLOW.to_owned()),
        ];
        if !body.is_empty() {
            headers.push(("Content-Type".to_owned(), "application/sdp".to_owned()));
        }
        headers.extend(extra);
        let start = StartLine::Response { code, reason: reason.to_owned() };
        Some(Message { start, headers, body, peer: local })
    }

    fn link(&mut self, dialog: DialogId) -> Option<(Side, &mut Link)> {
        let (side, placed) = match dialog {
            DialogId::Placed(placed) => (Side::Caller, placed),
            DialogId::Received(received) => (Side::Callee, *self.received.get(&received)?),
        };
        Some((side, self.links.get_mut(&placed)?))
    }

    fn forget(&mut self, dialog: DialogId) {
        let Some((_, link)) = self.link(dialog) else { return };
        let (placed, received) = (link.placed, link.received);
        self.links.remove(&placed);
        self.unanswered.retain(|(_, p)| *p != placed);
        if let Some(received) = received {
            self.received.remove(&received);
        }
    }

    /// A tag or a branch.
    fn token(&mut self) -> String {
        format!("{:08x}{:08x}", self.ids.number(), self.ids.number())
    }
}

impl Link {
    fn other(&self, side: Side) -> DialogId {
        match (side, self.received) {
            (Side::Caller, Some(received)) => DialogId::Received(received),
            _ => DialogId::Placed(self.placed),
        }
    }
}

fn user_agent() -> String {
    format!("FreeSWITCH-mod_sofia/{IMITATED_FULL_VERSION}")
}

/// `host:port` of a SIP URI; the port is 5060 when it says none.
fn host_port(uri: &str) -> String {
    let plain = uri.trim_start_matches("sip:").split(';').next().unwrap_or_default();
    let host = plain.rsplit('@').next().unwrap_or_default();
    if host.rsplit(']').next().unwrap_or_default().contains(':') { host.to_owned() } else { format!("{host}:5060") }
}
