//! Calls that we take: INVITE, our responses, re-INVITE and BYE from there (RFC 3261 13.3, 14.2, 15.1.2).

use super::writing::add_sdp;
use super::{NO_CALL, Role, Session, Tx, UNDERSTOOD, UserAgent};
use crate::sip::dialog::{Dialog, Initial, Stage, list};
use crate::sip::digest::Authentication;
use crate::sip::name_addr::NameAddr;
use crate::sip::session_timer::{MIN_SE, SessionTimer, TIMER, is_too_small};
use crate::sip::uri::Transport;
use crate::sip::via::Via;
use crate::sip::{DialogId, Message, SipEvent, StartLine};

impl UserAgent {
    pub(super) fn invited(&mut self, tx: Tx, call_id: String, request: Message) {
        let from = request.header("From").and_then(NameAddr::parse);
        let Some(from) = from else { return self.answer_at_once(tx, &request, 400, &[]) };
        self.next_received += 1;
        let (id, tag) = (DialogId::Received(self.next_received), self.tag());
        let mut dialog = Dialog {
            id,
            call_id: call_id.clone(),
            local: format!("{};tag={tag}", request.header("To").unwrap_or_default()),
            local_tag: tag.clone(),
            remote: request.header("From").unwrap_or_default().to_owned(),
            remote_tag: from.tag().map(str::to_owned),
            remote_target: from.uri,
            // RFC 3261 12.1.1: as the request has them.
            route_set: list(&request.headers, "Record-Route"),
            transport: transport_of(&request),
            local_seq: self.ids.number() >> 5,
            remote_seq: request.header("CSeq").and_then(|cseq| cseq.split_whitespace().next()?.parse().ok()),
            stage: Stage::Ringing,
            invite_tx: tx,
            invite: Initial::Got(Box::new(request.clone())),
            auth: Authentication::default(),
            refusals: 0,
            contact: None,
            session: Session::default(),
            local_sdp: None,
            glare: None,
            hangup: None,
            early_bye: None,
            reinvite_in: None,
            reinvite_out: None,
        };
        dialog.refresh_target(&request);
        self.by_local_tag.insert((call_id, tag), id);
        self.dialogs.insert(id, dialog);
        self.transactions.insert(tx, Role::InviteServer(id));
        let trying = self.response(&request, None, 100, None);
        self.answer(tx, trying);
        self.emit(SipEvent::Invited { dialog: id, invite: Box::new(request) });
    }

    pub(super) fn respond(
        &mut self,
        id: DialogId,
        code: u16,
        reason: Option<String>,
        headers: Vec<(String, String)>,
        sdp: Option<String>,
    ) {
        if !(100..700).contains(&code) {
            tracing::warn!(code, "no such response code");
            return;
        }
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        if dialog.stage == Stage::Ringing {
            let tx = dialog.invite_tx;
            match code {
                200..300 => dialog.stage = Stage::Accepted,
                300.. => dialog.stage = Stage::Ending,
                _ => {}
            }
            let timer = match &dialog.invite {
                Initial::Got(invite) if (200..300).contains(&code) => SessionTimer::taken(invite),
                _ => None,
            };
            self.answer_invite(id, tx, code, reason.as_deref(), &headers, sdp);
            if (200..300).contains(&code) {
                self.keep(id, timer);
            }
            if code >= 300 {
                self.forget(id);
            }
        } else if let Some((tx, request)) = dialog.reinvite_in.take() {
            let mut response = self.response(&request, Some(id), code, reason.as_deref());
            response.headers.extend(headers);
            if let (Some(sdp), Some(dialog)) = (sdp, self.dialogs.get_mut(&id)) {
                dialog.local_sdp = Some(sdp.clone());
                add_sdp(&mut response, sdp);
            }
            self.answer(tx, response);
            match code {
                ..200 => {
                    if let Some(dialog) = self.dialogs.get_mut(&id) {
                        dialog.reinvite_in = Some((tx, request));
                    }
                }
                200..300 => self.keep(id, SessionTimer::taken(&request)),
                _ => {}
            }
        }
    }

    pub(super) fn answer_invite(
        &mut self,
        id: DialogId,
        tx: Tx,
        code: u16,
        reason: Option<&str>,
        headers: &[(String, String)],
        sdp: Option<String>,
    ) {
        let Some(Initial::Got(invite)) = self.dialogs.get(&id).map(|dialog| &dialog.invite) else { return };
        let mut response = self.response(invite, Some(id), code, reason);
        response.headers.extend_from_slice(headers);
        if let (Some(sdp), Some(dialog)) = (sdp, self.dialogs.get_mut(&id)) {
            dialog.local_sdp = Some(sdp.clone());
            add_sdp(&mut response, sdp);
        }
        self.answer(tx, response);
    }

    pub(super) fn bye_came(&mut self, tx: Tx, id: DialogId, bye: Message) {
        self.answer_at_once(tx, &bye, 200, &[]);
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        match dialog.stage {
            // Both hung up at once: our user knows already.
            Stage::Ending => return,
            // RFC 3261 15.1.2: what is still open is answered 487.
            Stage::Ringing => {
                let invite_tx = dialog.invite_tx;
                dialog.stage = Stage::Ending;
                self.answer_invite(id, invite_tx, 487, None, &[], None);
            }
            _ => {}
        }
        self.close_reinvite(id);
        self.forget(id);
        self.emit(SipEvent::Bye { dialog: id, bye: Box::new(bye) });
    }

    /// RFC 3311 5.2: as a re-INVITE, but also before the call is answered, when it must not hold an offer, for none of
    /// ours has an answer that they are known to have.
    pub(super) fn update_came(&mut self, tx: Tx, id: DialogId, request: Message) {
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        let offers = !request.body.trim().is_empty();
        match dialog.stage {
            Stage::Cancelling | Stage::Ending => self.answer_at_once(tx, &request, 481, &[]),
            Stage::Ringing if offers => self.answer_at_once(tx, &request, 500, &[("Retry-After", "1".to_owned())]),
            Stage::Calling | Stage::Proceeding if offers => self.answer_at_once(tx, &request, 491, &[]),
            _ if offers => self.reinvite_came(tx, id, request),
            stage => {
                dialog.refresh_target(&request);
                let response = self.response(&request, Some(id), 200, None);
                self.transactions.insert(tx, Role::Other);
                self.answer(tx, response);
                if matches!(stage, Stage::Accepted | Stage::Confirmed) {
                    self.keep(id, SessionTimer::taken(&request));
                }
            }
        }
    }

    /// Why a request is refused whatever it is about; `None` where it is not.
    pub(super) fn refusal(&self, method: &str, request: &Message) -> Option<Refusal> {
        let refusal = |code, headers| Some(Refusal { code, reason: None, headers });
        let accept = || vec![("Accept", SDP.to_owned())];
        if !UNDERSTOOD.contains(&method) {
            return refusal(405, vec![("Allow", self.identity.allow.clone())]);
        }
        let mut required = list(&request.headers, "Require");
        required.retain(|tag| tag != TIMER);
        if !required.is_empty() {
            return refusal(420, vec![("Unsupported", required.join(", ")), ("Supported", TIMER.to_owned())]);
        }
        if !matches!(method, "INVITE" | "UPDATE") {
            return None;
        }
        if is_too_small(request) {
            return refusal(422, vec![("Min-SE", MIN_SE.to_string())]);
        }
        let kind = request.header("Content-Type").map(|kind| kind.split(';').next().unwrap_or_default().trim());
        // RFC 8866 5.1: it begins so, whatever else is in it.
        let describes = request.body.trim_start().starts_with("v=0");
        match kind {
            _ if request.body.is_empty() => {}
            Some(kind) if !kind.eq_ignore_ascii_case(SDP) => return refusal(415, accept()),
            None if !describes => return refusal(415, accept()),
            Some(_) if !describes => {
                return Some(Refusal { code: 400, reason: Some("Bad Session Description"), headers: accept() });
            }
            _ => {}
        }
        let accepted = list(&request.headers, "Accept");
        let answerable = |range: &String| {
            let range = range.split(';').next().unwrap_or_default().trim();
            [SDP, "application/*", "*/*"].iter().any(|known| range.eq_ignore_ascii_case(known))
        };
        if accepted.is_empty() || accepted.iter().any(answerable) { None } else { refusal(406, accept()) }
    }

    /// Answers a request that belongs to no call, as FreeSWITCH does: it is content with most.
    pub(super) fn answer_outside(&mut self, tx: Tx, method: &str, request: &Message) {
        let (code, reason) = match method {
            "INFO" => (200, None),
            "NOTIFY" if request.header("Event").is_some() => (200, None),
            "NOTIFY" => (481, Some("Subscription Does Not Exist")),
            "REFER" => (202, None),
            _ => (481, Some(NO_CALL)),
        };
        self.answer_in_words(tx, request, code, reason, &[]);
    }

    pub(super) fn tell_options(&mut self, tx: Tx, request: &Message) {
        let told = [
            ("Contact", format!("<sip:{}>", self.identity.local)),
            ("Accept", SDP.to_owned()),
            ("Allow", self.identity.allow.clone()),
            ("Supported", TIMER.to_owned()),
            ("Allow-Events", EVENTS.to_owned()),
        ];
        self.answer_at_once(tx, request, 200, &told);
    }

    pub(super) fn reinvite_came(&mut self, tx: Tx, id: DialogId, request: Message) {
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        // RFC 3261 14.2: one offer at a time.
        if dialog.reinvite_in.is_some() || dialog.stage == Stage::Ringing {
            return self.answer_at_once(tx, &request, 500, &[("Retry-After", "1".to_owned())]);
        }
        if dialog.reinvite_out.is_some() {
            return self.answer_at_once(tx, &request, 491, &[]);
        }
        if dialog.stage == Stage::Ending {
            return self.answer_at_once(tx, &request, 481, &[]);
        }
        dialog.refresh_target(&request);
        dialog.reinvite_in = Some((tx, Box::new(request.clone())));
        self.transactions.insert(tx, Role::ReinviteServer(id));
        if matches!(&request.start, StartLine::Request { method, .. } if method == "INVITE") {
            let trying = self.response(&request, None, 100, None);
            self.answer(tx, trying);
        }
        self.emit(SipEvent::Request { dialog: id, request: Box::new(request) });
    }
}

/// The only kind of body that there is.
const SDP: &str = "application/sdp";
/// `Allow-Events` of mod_sofia.
const EVENTS: &str = "talk, hold, conference, refer";

/// Why a request is refused: the code, its reason where it is not the usual one, and headers beside it.
pub(super) struct Refusal {
    pub code: u16,
    pub reason: Option<&'static str>,
    pub headers: Vec<(&'static str, String)>,
}

/// What a request came over.
fn transport_of(request: &Message) -> Transport {
    let via = request.header("Via").and_then(Via::first);
    if via.is_some_and(|via| via.transport.eq_ignore_ascii_case("tcp")) { Transport::Tcp } else { Transport::Udp }
}
