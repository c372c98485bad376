//! Responses and header fields that every message has.

use super::reason::reason_phrase;
use super::{Action, Role, Tx, UserAgent};
use crate::sip::dialog::{Draft, Initial, Stage, list};
use crate::sip::name_addr::NameAddr;
use crate::sip::session_timer::{SessionTimer, TIMER};
use crate::sip::uri::{SipUri, Transport};
use crate::sip::{DialogId, Message, SipEvent, SipFailure, StartLine, is_called};

impl UserAgent {
    pub(super) fn stage(&self, id: DialogId) -> Option<Stage> {
        self.dialogs.get(&id).map(|dialog| dialog.stage)
    }

    pub(super) fn emit(&mut self, event: SipEvent) {
        self.actions.push_back(Action::Emit(event));
    }

    pub(super) fn send(&mut self, tx: Tx, mut request: Draft) {
        match request.next_hop() {
            Some(hop) => {
                request.carried_over(hop.transport());
                self.actions.push_back(Action::Send { tx, request: Box::new(request), hop });
            }
            None => {
                let StartLine::Request { uri, .. } = request.start else { return };
                self.handle_send_failure(tx, SipFailure::BadUri(uri));
            }
        }
    }

    pub(super) fn answer(&mut self, tx: Tx, response: Draft) {
        self.actions.push_back(Action::Answer { tx, response: Box::new(response) });
    }

    pub(super) fn answer_at_once(&mut self, tx: Tx, request: &Message, code: u16, headers: &[(&str, String)]) {
        self.answer_in_words(tx, request, code, None, headers);
    }

    /// The same, with another reason than the usual one.
    pub(super) fn answer_in_words(
        &mut self,
        tx: Tx,
        request: &Message,
        code: u16,
        reason: Option<&str>,
        headers: &[(&str, String)],
    ) {
        let mut response = self.response(request, None, code, reason);
        response.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.transactions.insert(tx, Role::Other);
        self.answer(tx, response);
    }

    /// Removes a dialog; its first transaction has nobody left to tell.
    pub(super) fn forget(&mut self, id: DialogId) {
        let Some(dialog) = self.dialogs.remove(&id) else { return };
        self.forget_alarms(&dialog);
        if matches!(dialog.invite, Initial::Sent(_)) {
            self.actions.push_back(Action::End { tx: dialog.invite_tx });
        }
        self.by_local_tag.remove(&(dialog.call_id, dialog.local_tag));
    }

    /// A response to `request` (RFC 3261 8.2.6). Inside `dialog` it has our tag, Contact and what else an INVITE's has.
    pub(super) fn response(
        &self,
        request: &Message,
        dialog: Option<DialogId>,
        code: u16,
        reason: Option<&str>,
    ) -> Draft {
        let dialog = dialog.and_then(|id| self.dialogs.get(&id));
        let mut headers: Vec<(String, String)> = Vec::with_capacity(12);
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            headers.extend(
                request.headers.iter().filter(|(n, _)| is_called(n, name)).map(|(_, v)| (name.to_owned(), v.clone())),
            );
        }
        if let Some((_, to)) = headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("To"))
            && code > 100
            && NameAddr::parse(to).is_none_or(|to| to.tag().is_none())
        {
            // Outside a dialog any tag does, but each copy of the request must be told the same one.
            let tag = dialog.map_or_else(|| stable_tag(request), |dialog| dialog.local_tag.clone());
            to.push_str(&format!(";tag={tag}"));
        }
        if let Some(dialog) = dialog.filter(|_| (101..300).contains(&code)) {
            headers.extend(
                list(&request.headers, "Record-Route").into_iter().map(|route| ("Record-Route".to_owned(), route)),
            );
            headers.push(("Contact".to_owned(), self.contact_of(dialog.id)));
        }
        headers.push(("User-Agent".to_owned(), self.identity.user_agent.clone()));
        if dialog.is_some() && code > 100 {
            headers.push(("Allow".to_owned(), self.identity.allow.clone()));
            headers.push(("Supported".to_owned(), TIMER.to_owned()));
        }
        if dialog.is_some() && (200..300).contains(&code) {
            headers.extend(SessionTimer::taken(request).map(SessionTimer::answer).unwrap_or_default());
        }
        let reason = reason.map_or_else(|| reason_phrase(code).to_owned(), str::to_owned);
        Draft { start: StartLine::Response { code, reason }, headers, body: String::new() }
    }

    /// A response that nobody sent: what a timeout or our own refusal looks like to the switch (RFC 3261 8.1.3.1).
    pub(super) fn local_response(&self, _dialog: DialogId, code: u16, reason: &str) -> Box<Message> {
        let start = StartLine::Response { code, reason: reason.to_owned() };
        Box::new(Message { start, headers: Vec::new(), body: String::new(), peer: self.identity.local })
    }

    pub(super) fn sign(&self, request: &mut Draft) {
        request.headers.push(("User-Agent".to_owned(), self.identity.user_agent.clone()));
    }

    pub(super) fn add_session_headers(&self, request: &mut Draft) {
        self.sign(request);
        request.headers.push(("Allow".to_owned(), self.identity.allow.clone()));
        request.headers.push(("Supported".to_owned(), TIMER.to_owned()));
    }

    /// Any re-INVITE refreshes the session, so it names its timer again (RFC 4028 7.4).
    pub(super) fn keep_session_expires(&self, id: DialogId, request: &mut Draft) {
        let timer = self.dialogs.get(&id).and_then(|dialog| dialog.session.timer());
        request.headers.extend(timer.map(SessionTimer::refresh).unwrap_or_default());
    }

    /// mod_sofia's: UDP goes without saying.
    pub(super) fn placed_contact(&self, transport: Transport) -> String {
        let over = if transport == Transport::Tcp { ";transport=tcp" } else { "" };
        format!("<sip:{}@{}{over}>", self.identity.contact_user, self.identity.local)
    }

    /// FreeSWITCH's Contact: its own user where it called, the dialled one where it was called.
    pub(super) fn contact_of(&self, id: DialogId) -> String {
        let dialog = self.dialogs.get(&id);
        if let Some(contact) = dialog.and_then(|dialog| dialog.contact.clone()) {
            return contact;
        }
        let transport = dialog.map_or(Transport::Udp, |dialog| dialog.transport);
        let Some(Initial::Got(invite)) = dialog.map(|dialog| &dialog.invite) else {
            return self.placed_contact(transport);
        };
        let dialled = match &invite.start {
            StartLine::Request { uri, .. } => SipUri::parse(uri).and_then(|uri| uri.user),
            StartLine::Response { .. } => None,
        };
        let user = dialled.as_deref().unwrap_or(&self.identity.contact_user);
        let over = if transport == Transport::Tcp { "tcp" } else { "udp" };
        format!("<sip:{user}@{};transport={over}>", self.identity.local)
    }

    pub(super) fn via(&mut self) -> String {
        let branch = self.tag();
        format!("SIP/2.0/UDP {};rport;branch=z9hG4bK{branch}", self.identity.local)
    }

    /// 13 letters and digits, as FreeSWITCH's tags.
    pub(super) fn tag(&mut self) -> String {
        const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKLMNPQRSTUVWX";
        let mut bits = (u64::from(self.ids.number()) << 32) | u64::from(self.ids.number());
        let mut tag = String::with_capacity(13);
        for _ in 0..13 {
            tag.push(char::from(LETTERS[(bits & 31) as usize]));
            bits = bits.rotate_right(5);
        }
        tag
    }
}

pub(super) fn add_sdp(message: &mut Draft, sdp: String) {
    if !sdp.is_empty() {
        message.headers.push(("Content-Type".to_owned(), "application/sdp".to_owned()));
        message.body = sdp;
    }
}

/// A proxy's URI as a Route, loose (RFC 3261 16.12.1.1) whether or not it says so.
pub(super) fn loose_route(proxy: &str) -> String {
    let loose = SipUri::parse(proxy).is_some_and(|uri| uri.param("lr").is_some());
    if loose { format!("<{proxy}>") } else { format!("<{proxy};lr>") }
}

/// FNV-1a over what stays the same in each copy of a request.
fn stable_tag(request: &Message) -> String {
    let parts = ["Call-ID", "CSeq", "From", "Via"].map(|name| request.header(name).unwrap_or_default());
    let hash = parts
        .iter()
        .flat_map(|part| part.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}
