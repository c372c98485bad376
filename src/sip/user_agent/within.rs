//! Our requests inside a dialog: CANCEL, BYE, re-INVITE, INFO, REFER, NOTIFY (RFC 3261 9.1, 14.1, 15.1.1).

use std::cmp::Reverse;
use std::time::Duration;

use super::writing::add_sdp;
use super::{Pending, Purpose, Role, Tx, UserAgent};
use crate::sip::dialog::{Draft, Initial, Stage};
use crate::sip::{DialogId, SipEvent};
use crate::units::Time;

impl UserAgent {
    pub(super) fn hang_up(&mut self, now: Time, id: DialogId, headers: Vec<(String, String)>) {
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        match dialog.stage {
            // RFC 3261 15: no BYE before the ACK.
            Stage::Calling | Stage::Accepted => dialog.hangup = Some(headers),
            Stage::Proceeding => self.send_cancel(now, id, &headers),
            Stage::Ringing => self.respond(id, 480, None, headers, None),
            Stage::Confirmed => self.send_bye(id, headers),
            Stage::Cancelling | Stage::Ending => {}
        }
    }

    pub(super) fn send_cancel(&mut self, now: Time, id: DialogId, headers: &[(String, String)]) {
        let tx = self.new_tx();
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        let Initial::Sent(invite) = &dialog.invite else { return };
        let cancel = invite.cancel(headers);
        dialog.stage = Stage::Cancelling;
        self.transactions.insert(tx, Role::Cancel(id));
        self.deadlines.push(Reverse((now + self.identity.no_response, tx)));
        self.send(tx, cancel);
    }

    pub(super) fn send_bye(&mut self, id: DialogId, headers: Vec<(String, String)>) {
        self.close_reinvite(id);
        let Some(mut bye) = self.draft_within(id, "BYE", None) else { return };
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            dialog.stage = Stage::Ending;
        }
        self.sign(&mut bye);
        bye.headers.extend(headers);
        self.send_within(id, bye);
    }

    pub(super) fn reinvite(&mut self, now: Time, id: DialogId, sdp: String) {
        let contact = self.contact_of(id);
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        // A newer offer takes the place of one that waits.
        dialog.glare = None;
        if dialog.stage != Stage::Confirmed || dialog.reinvite_in.is_some() || dialog.reinvite_out.is_some() {
            if dialog.stage == Stage::Confirmed {
                self.part(now, id, sdp);
            }
            let response = self.local_response(id, 491, "Request Pending");
            return self.emit(SipEvent::InDialogResponse { dialog: id, method: "INVITE".to_owned(), response });
        }
        let Some(mut request) = self.draft_within(id, "INVITE", Some(&contact)) else { return };
        self.add_session_headers(&mut request);
        self.keep_session_expires(id, &mut request);
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            dialog.local_sdp = Some(sdp.clone());
        }
        add_sdp(&mut request, sdp);
        self.send_reinvite(now, id, Pending { request, refusals: 0, purpose: Purpose::Switch });
    }

    /// Two offers met: ours goes out again after a while, which is longer for the side that made the Call-ID
    /// (RFC 3261 14.1).
    pub(super) fn part(&mut self, now: Time, id: DialogId, sdp: String) {
        let tx = self.new_tx();
        let dice = u64::from(self.ids.number() % 200) * 10;
        let wait = match id {
            DialogId::Placed(_) => 2_100 + dice * 19 / 20,
            DialogId::Received(_) => dice,
        };
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        dialog.glare = Some((tx, sdp));
        self.transactions.insert(tx, Role::Glare(id));
        self.deadlines.push(Reverse((now + Duration::from_millis(wait), tx)));
    }

    pub(super) fn offer_again(&mut self, now: Time, tx: Tx, id: DialogId) {
        self.transactions.remove(&tx);
        let waiting = self.dialogs.get_mut(&id).and_then(|dialog| dialog.glare.take_if(|(alarm, _)| *alarm == tx));
        if let Some((_, sdp)) = waiting {
            self.reinvite(now, id, sdp);
        }
    }

    pub(super) fn send_reinvite(&mut self, now: Time, id: DialogId, pending: Pending) {
        let tx = self.new_tx();
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            dialog.reinvite_out = Some(tx);
        }
        let request = pending.request.clone();
        self.transactions.insert(tx, Role::ReinviteClient(id, Box::new(pending)));
        self.deadlines.push(Reverse((now + self.identity.no_response, tx)));
        self.send(tx, request);
    }

    pub(super) fn request_inside(&mut self, id: DialogId, method: &str, headers: Vec<(String, String)>, body: String) {
        if !matches!(self.stage(id), Some(Stage::Confirmed | Stage::Accepted)) {
            return;
        }
        // RFC 3515 2.2 and RFC 6665 want a Contact.
        let contact = (method != "INFO").then(|| self.contact_of(id));
        let Some(mut request) = self.draft_within(id, method, contact.as_deref()) else { return };
        self.sign(&mut request);
        request.headers.extend(headers);
        request.body = body;
        self.send_within(id, request);
    }

    /// A request inside a dialog, with credentials for who asked for them before.
    pub(super) fn draft_within(&mut self, id: DialogId, method: &str, contact: Option<&str>) -> Option<Draft> {
        let (via, cnonce) = (self.via(), self.tag());
        let dialog = self.dialogs.get_mut(&id)?;
        let mut request = dialog.request(method, via, contact);
        let answers = dialog.auth.answers(method, request.uri(), || cnonce.clone());
        request.headers.extend(answers);
        Some(request)
    }

    fn send_within(&mut self, id: DialogId, request: Draft) {
        let tx = self.new_tx();
        let pending = Pending { request: request.clone(), refusals: 0, purpose: Purpose::Switch };
        self.transactions.insert(tx, Role::Within(id, Box::new(pending)));
        self.send(tx, request);
    }

    /// A re-INVITE that is open when the dialog ends is answered 487 (RFC 3261 15.1.2).
    pub(super) fn close_reinvite(&mut self, id: DialogId) {
        let pending = self.dialogs.get_mut(&id).and_then(|dialog| dialog.reinvite_in.take());
        if let Some((tx, request)) = pending {
            let response = self.response(&request, Some(id), 487, None);
            self.answer(tx, response);
        }
    }
}
