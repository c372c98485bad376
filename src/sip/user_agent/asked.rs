//! Requests of ours that were refused for want of credentials, sent again with them (RFC 3261 22.2, 22.3).

use std::cmp::Reverse;

use super::{Pending, Role, Tx, UserAgent};
use crate::sip::dialog::{Initial, Stage};
use crate::sip::{DialogId, Message};
use crate::units::Time;

impl UserAgent {
    /// Sends what transaction `tx` sent again, if `response` asks for credentials that we have. False where the response
    /// is to be told instead.
    pub(super) fn answer_challenge(&mut self, now: Time, tx: Tx, response: &Message) -> bool {
        match self.transactions.get(&tx) {
            Some(&Role::InviteClient(id)) => self.invite_again(now, tx, id, response),
            Some(Role::Within(id, pending) | Role::ReinviteClient(id, pending)) => {
                let (id, pending) = (*id, (**pending).clone());
                self.within_again(now, tx, id, pending, response)
            }
            Some(&Role::Register(id)) => self.register_again(tx, id, response),
            _ => false,
        }
    }

    fn invite_again(&mut self, now: Time, tx: Tx, id: DialogId, response: &Message) -> bool {
        let Some(dialog) = self.dialogs.get_mut(&id) else { return false };
        if !dialog.auth.learn(response, dialog.refusals) {
            return false;
        }
        dialog.refusals += 1;
        self.send_invite_again(now, tx, id, |_, _| {})
    }

    /// Sends our INVITE again, changed by `change`, which is shown each field; not where it is no more wanted.
    pub(super) fn send_invite_again(
        &mut self,
        now: Time,
        tx: Tx,
        id: DialogId,
        change: impl Fn(&str, &mut String),
    ) -> bool {
        let (again, via, cnonce) = (self.new_tx(), self.via(), self.tag());
        let Some(dialog) = self.dialogs.get_mut(&id) else { return false };
        let wanted = matches!(dialog.stage, Stage::Calling | Stage::Proceeding) && dialog.hangup.is_none();
        let Initial::Sent(invite) = &mut dialog.invite else { return false };
        if !wanted {
            return false;
        }
        dialog.local_seq += 1;
        dialog.stage = Stage::Calling;
        dialog.invite_tx = again;
        let answers = dialog.auth.answers("INVITE", invite.uri(), || cnonce.clone());
        **invite = invite.again(via, dialog.local_seq, answers);
        for (name, value) in &mut invite.headers {
            change(name, value);
        }
        let request = (**invite).clone();
        self.transactions.insert(tx, Role::Other);
        self.transactions.insert(again, Role::InviteClient(id));
        self.deadlines.push(Reverse((now + self.identity.no_response, again)));
        self.send(again, request);
        true
    }

    fn within_again(&mut self, now: Time, tx: Tx, id: DialogId, pending: Pending, response: &Message) -> bool {
        let (via, cnonce) = (self.via(), self.tag());
        let Some(dialog) = self.dialogs.get_mut(&id) else { return false };
        if !dialog.auth.learn(response, pending.refusals) {
            return false;
        }
        dialog.local_seq += 1;
        let Pending { request, refusals, purpose } = pending;
        let answers = dialog.auth.answers(request.method(), request.uri(), || cnonce.clone());
        let pending =
            Pending { request: request.again(via, dialog.local_seq, answers), refusals: refusals + 1, purpose };
        let was = self.transactions.insert(tx, Role::Other);
        if matches!(was, Some(Role::ReinviteClient(..))) {
            self.send_reinvite(now, id, pending);
        } else {
            let (again, request) = (self.new_tx(), pending.request.clone());
            self.transactions.insert(again, Role::Within(id, Box::new(pending)));
            self.send(again, request);
        }
        true
    }
}
