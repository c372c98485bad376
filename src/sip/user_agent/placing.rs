//! Calls that we place: INVITE, its responses, and forks (RFC 3261 13.2).

use std::cmp::Reverse;

use super::writing::{add_sdp, loose_route};
use super::{Role, Session, UserAgent};
use crate::sip::dialog::{Dialog, Initial, Stage};
use crate::sip::digest::Authentication;
use crate::sip::name_addr::{NameAddr, quote};
use crate::sip::session_timer::{MIN_SE, SessionTimer};
use crate::sip::uri::{SipUri, Transport};
use crate::sip::{DialogId, Message, OutgoingInvite, SipEvent, SipFailure};
use crate::units::Time;

impl UserAgent {
    pub(super) fn invite(&mut self, now: Time, invite: OutgoingInvite) {
        let id = invite.dialog;
        let proxy = invite.proxy.as_deref().map(|proxy| proxy.trim().trim_matches(['<', '>']).to_owned());
        let bad = [Some(&invite.uri), proxy.as_ref()].into_iter().flatten().find(|uri| SipUri::parse(uri).is_none());
        if let Some(bad) = bad {
            return self.emit(SipEvent::Failed { dialog: id, failure: SipFailure::BadUri(bad.clone()) });
        }
        let (tx, tag, call_id) = (self.new_tx(), self.tag(), self.ids.uuid());
        let from_user = if invite.from_user.is_empty() { String::new() } else { format!("{}@", invite.from_user) };
        let display =
            if invite.from_display.is_empty() { String::new() } else { format!("{} ", quote(&invite.from_display)) };
        let hop = proxy.as_deref().unwrap_or(&invite.uri);
        let transport = SipUri::parse(hop).map_or(Transport::Udp, |hop| hop.transport());
        let route_set = proxy.map(|proxy| loose_route(&proxy)).into_iter().collect();
        let mut dialog = Dialog {
            id,
            call_id: call_id.clone(),
            local: format!("{display}<sip:{from_user}{}>;tag={tag}", invite.from_host),
            local_tag: tag.clone(),
            remote: format!("<{}>", invite.uri),
            remote_tag: None,
            remote_target: invite.uri,
            route_set,
            transport,
            // RFC 3261 8.1.1.5: any first number below 2^31; FreeSWITCH's are large too.
            local_seq: self.ids.number() >> 5,
            remote_seq: None,
            stage: Stage::Calling,
            invite_tx: tx,
            // Written below, from the dialog itself.
            invite: Initial::Sent(Box::default()),
            auth: Authentication::with(invite.credentials),
            refusals: 0,
            contact: None,
            session: Session::asking(invite.session_expires.map(|seconds| seconds.max(MIN_SE))),
            local_sdp: Some(invite.sdp.clone()).filter(|sdp| !sdp.is_empty()),
            glare: None,
            hangup: None,
            early_bye: None,
            reinvite_in: None,
            reinvite_out: None,
        };
        let contact = match &invite.contact_user {
            Some(user) => format!("<sip:{user}@{}{}>", self.identity.local, invite.contact_parameters),
            None => self.placed_contact(transport),
        };
        dialog.contact = Some(contact.clone());
        let mut request = dialog.request("INVITE", self.via(), Some(&contact));
        if let Some(hops) = invite.max_forwards {
            request
                .headers
                .iter_mut()
                .filter(|(name, _)| name == "Max-Forwards")
                .for_each(|(_, v)| *v = hops.to_string());
        }
        self.add_session_headers(&mut request);
        if let Some(seconds) = invite.session_expires {
            // RFC 4028 7.1: the refresher is left to the other side.
            request.headers.push(("Session-Expires".to_owned(), seconds.max(MIN_SE).to_string()));
            request.headers.push(("Min-SE".to_owned(), MIN_SE.to_string()));
        }
        request.headers.extend(invite.headers);
        add_sdp(&mut request, invite.sdp);
        dialog.invite = Initial::Sent(Box::new(request.clone()));
        self.by_local_tag.insert((call_id, tag), id);
        self.dialogs.insert(id, dialog);
        self.transactions.insert(tx, Role::InviteClient(id));
        self.deadlines.push(Reverse((now + self.identity.no_response, tx)));
        self.send(tx, request);
    }

    pub(super) fn invite_answered(&mut self, now: Time, id: DialogId, code: u16, response: Box<Message>) {
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        let to_tag = response.header("To").and_then(NameAddr::parse).and_then(|to| to.tag().map(str::to_owned));
        match (code, dialog.stage) {
            (..200, Stage::Calling | Stage::Proceeding | Stage::Cancelling) => {
                if dialog.stage == Stage::Calling {
                    dialog.stage = Stage::Proceeding;
                }
                // An early dialog, in which the other side may ask, too (RFC 3261 12.1).
                dialog.remote_tag = to_tag.or(dialog.remote_tag.take());
                let hangup = dialog.hangup.take();
                if code > 100 {
                    self.emit(SipEvent::Response { dialog: id, response });
                }
                // RFC 3261 9.1: a CANCEL waits for a provisional response.
                if let Some(headers) = hangup {
                    self.send_cancel(now, id, &headers);
                }
            }
            (200..300, Stage::Calling | Stage::Proceeding | Stage::Cancelling) => {
                let cancelled = dialog.stage == Stage::Cancelling;
                let hangup = dialog.hangup.take().or_else(|| cancelled.then(Vec::new));
                dialog.stage = Stage::Confirmed;
                dialog.learn_from_response(&response);
                let timer = SessionTimer::given(&response, dialog.session.asked);
                self.keep(id, timer);
                self.emit(SipEvent::Response { dialog: id, response });
                // RFC 3261 9.1: a 2xx that crossed the CANCEL made a call, which only a BYE ends.
                if let Some(headers) = hangup {
                    self.send_bye(id, headers);
                }
            }
            // RFC 3261 13.2.2.4: another 2xx with another tag made another dialog; we want only one.
            (200..300, Stage::Confirmed | Stage::Ending) if to_tag != dialog.remote_tag => self.end_fork(id, &response),
            (300.., Stage::Calling | Stage::Proceeding | Stage::Cancelling) => {
                self.forget(id);
                self.emit(SipEvent::Response { dialog: id, response });
            }
            _ => {}
        }
    }

    pub(super) fn end_fork(&mut self, id: DialogId, response: &Message) {
        let (tx, via) = (self.new_tx(), self.via());
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        let ours = (
            dialog.remote.clone(),
            dialog.remote_tag.clone(),
            dialog.remote_target.clone(),
            dialog.route_set.clone(),
            dialog.local_seq,
        );
        dialog.learn_from_response(response);
        let mut bye = dialog.request("BYE", via, None);
        (dialog.remote, dialog.remote_tag, dialog.remote_target, dialog.route_set, dialog.local_seq) = ours;
        self.sign(&mut bye);
        self.transactions.insert(tx, Role::Other);
        self.send(tx, bye);
    }

    pub(super) fn fail_unanswered(&mut self, id: DialogId) {
        let Some(dialog) = self.dialogs.get(&id) else { return };
        let hop = match &dialog.invite {
            Initial::Sent(invite) => invite.next_hop().map(|hop| hop.host_port()).unwrap_or_default(),
            Initial::Got(invite) => invite.peer.to_string(),
        };
        self.forget(id);
        self.emit(SipEvent::Failed { dialog: id, failure: SipFailure::NoResponse(hop) });
    }
}
