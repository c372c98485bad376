//! The user agent without its sockets: commands, messages and time in, messages and events out.
//!
//! RFC 3261 8 (requests and responses), 9 (CANCEL), 12 (dialogs), 13 (INVITE), 14 (re-INVITE), 15 (BYE); RFC 3326
//! (Reason, as an extra header), RFC 6086 (INFO). Transactions (RFC 3261 17) are below: each is a number here, and what
//! it reports comes in by `handle_*`. A dialog is known by Call-ID and our own tag, so that a user agent which calls
//! itself holds both ends of the call side by side.
//!
//! Left out: authentication, reliable provisional responses, UPDATE, session timers, strict routers.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::dialog::{Dialog, Draft, Initial, Stage, list};
use super::name_addr::{NameAddr, quote};
use super::uri::SipUri;
use super::{DialogId, Message, OutgoingInvite, SipCommand, SipEvent, SipFailure, StartLine};
use crate::id::Ids;
use crate::units::Time;

/// A transaction, numbered by the user agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tx(pub u64);

/// What the user agent wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a client transaction: send `request` to `hop`.
    Send { tx: Tx, request: Box<Draft>, hop: SipUri },
    /// Send `response` from a server transaction.
    Answer { tx: Tx, response: Box<Draft> },
    /// Nobody listens to this client transaction any more.
    End { tx: Tx },
    /// Tell the switch.
    Emit(SipEvent),
}

/// Who we say we are.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The socket others reach us at.
    pub local: SocketAddr,
    /// `User-Agent` of every message.
    pub user_agent: String,
    /// User part of the Contact of calls that we place.
    pub contact_user: String,
    /// `Allow` of every INVITE and its responses.
    pub allow: String,
    /// How long an INVITE waits for any response (timer B), and a cancelled one for its final response.
    pub no_response: Duration,
}

/// What a transaction is to us.
#[derive(Clone, Debug)]
enum Role {
    InviteClient(DialogId),
    InviteServer(DialogId),
    Cancel(DialogId),
    ReinviteClient(DialogId),
    ReinviteServer(DialogId),
    /// A BYE that overtook the ACK.
    EarlyBye(DialogId),
    /// BYE or INFO of ours, or a request answered at once.
    Other(Option<DialogId>),
}

/// See the module.
#[derive(Debug)]
pub struct UserAgent {
    identity: Identity,
    ids: Ids,
    dialogs: HashMap<DialogId, Dialog>,
    by_local_tag: HashMap<(String, String), DialogId>,
    transactions: HashMap<Tx, Role>,
    deadlines: BinaryHeap<Reverse<(Time, Tx)>>,
    actions: VecDeque<Action>,
    next_tx: u64,
    next_received: u64,
}

/// How far a BYE may overtake the ACK that was sent before it: they come up through different transactions.
const OVERTAKING: Duration = Duration::from_millis(50);
/// Methods that we act on.
const UNDERSTOOD: [&str; 6] = ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO"];

impl UserAgent {
    pub fn new(identity: Identity, ids: Ids) -> Self {
        UserAgent {
            identity,
            ids,
            dialogs: HashMap::new(),
            by_local_tag: HashMap::new(),
            transactions: HashMap::new(),
            deadlines: BinaryHeap::new(),
            actions: VecDeque::new(),
            next_tx: 0,
            next_received: 0,
        }
    }

    /// A number for a transaction that is about to start.
    pub fn new_tx(&mut self) -> Tx {
        self.next_tx += 1;
        Tx(self.next_tx)
    }

    /// What is to be done next.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Self::handle_deadline`] wants to be called.
    pub fn poll_deadline(&self) -> Option<Time> {
        self.deadlines.peek().map(|Reverse((at, _))| *at)
    }

    /// How many dialogs are alive.
    pub fn live(&self) -> usize {
        self.dialogs.len()
    }

    /// Hangs up everything.
    pub fn hang_up_all(&mut self, now: Time) {
        let mut all: Vec<_> = self.dialogs.keys().copied().collect();
        all.sort();
        for dialog in all {
            self.hang_up(now, dialog, Vec::new());
        }
    }

    /// The switch wants something.
    pub fn handle_command(&mut self, now: Time, command: SipCommand) {
        match command {
            SipCommand::Invite(invite) => self.invite(now, *invite),
            SipCommand::Respond { dialog, code, reason, headers, sdp } => {
                self.respond(dialog, code, reason, headers, sdp)
            }
            SipCommand::Hangup { dialog, headers } => self.hang_up(now, dialog, headers),
            SipCommand::Reinvite { dialog, sdp } => self.reinvite(now, dialog, sdp),
            SipCommand::Info { dialog, content_type, body } => self.info(dialog, &content_type, body),
        }
    }

    /// A request that starts server transaction `tx`.
    pub fn handle_request(&mut self, now: Time, tx: Tx, request: Message) {
        let StartLine::Request { method, .. } = &request.start else { return };
        let method = method.clone();
        let to_tag = request.header("To").and_then(NameAddr::parse).and_then(|to| to.tag().map(str::to_owned));
        let call_id = request.header("Call-ID").unwrap_or_default().to_owned();
        let required = list(&request.headers, "Require");
        if !UNDERSTOOD.contains(&method.as_str()) {
            return self.answer_at_once(tx, &request, 405, &[("Allow", self.identity.allow.clone())]);
        }
        if !required.is_empty() {
            return self.answer_at_once(tx, &request, 420, &[("Unsupported", required.join(", "))]);
        }
        if method == "OPTIONS" {
            let told = [
                ("Allow", self.identity.allow.clone()),
                ("Accept", "application/sdp".to_owned()),
                ("Supported", String::new()),
            ];
            return self.answer_at_once(tx, &request, 200, &told);
        }
        let Some(to_tag) = to_tag else {
            return match method.as_str() {
                "INVITE" => self.invited(tx, call_id, request),
                _ => self.answer_at_once(tx, &request, 481, &[]),
            };
        };
        let dialog = self.by_local_tag.get(&(call_id, to_tag)).and_then(|id| self.dialogs.get_mut(id));
        let Some(dialog) = dialog.filter(|dialog| dialog.is_from_remote(&request)) else {
            return self.answer_at_once(tx, &request, 481, &[]);
        };
        let seq = request.header("CSeq").and_then(|cseq| cseq.split_whitespace().next()?.parse::<u32>().ok());
        // RFC 3261 12.2.2: a number lower than the last one is out of order.
        if seq < dialog.remote_seq {
            return self.answer_at_once(tx, &request, 500, &[]);
        }
        dialog.remote_seq = seq;
        let id = dialog.id;
        match method.as_str() {
            "BYE" if dialog.stage == Stage::Accepted && dialog.early_bye.is_none() => {
                dialog.early_bye = Some((tx, Box::new(request)));
                self.transactions.insert(tx, Role::EarlyBye(id));
                self.deadlines.push(Reverse((now + OVERTAKING, tx)));
            }
            "BYE" => self.bye_came(tx, id, request),
            "INVITE" => self.reinvite_came(tx, id, request),
            _ => {
                self.answer_at_once(tx, &request, 200, &[]);
                self.emit(SipEvent::Request { dialog: id, request: Box::new(request) });
            }
        }
    }

    /// A CANCEL that the INVITE server transaction `tx` answered with 200 already.
    pub fn handle_cancel(&mut self, tx: Tx, cancel: Message) {
        match self.transactions.get(&tx) {
            Some(&Role::InviteServer(id)) => {
                let Some(dialog) = self.dialogs.get_mut(&id).filter(|dialog| dialog.stage == Stage::Ringing) else {
                    return;
                };
                dialog.stage = Stage::Ending;
                self.answer_invite(id, tx, 487, None, &[], None);
                self.forget(id);
                self.emit(SipEvent::Cancelled { dialog: id, cancel: Box::new(cancel) });
            }
            Some(&Role::ReinviteServer(id)) => {
                let pending = self.dialogs.get_mut(&id).and_then(|dialog| dialog.reinvite_in.take());
                if let Some((tx, request)) = pending {
                    let response = self.response(&request, Some(id), 487, None);
                    self.answer(tx, response);
                }
            }
            _ => {}
        }
    }

    /// The ACK of a final response that server transaction `tx` sent.
    pub fn handle_ack(&mut self, tx: Tx, ack: Message) {
        match self.transactions.get(&tx) {
            Some(&Role::InviteServer(id)) => {
                let Some(dialog) = self.dialogs.get_mut(&id).filter(|dialog| dialog.stage == Stage::Accepted) else {
                    return;
                };
                dialog.stage = Stage::Confirmed;
                let (hangup, early_bye) = (dialog.hangup.take(), dialog.early_bye.take());
                self.emit(SipEvent::Acked { dialog: id, ack: Box::new(ack) });
                if let Some((tx, bye)) = early_bye {
                    return self.bye_came(tx, id, *bye);
                }
                if let Some(headers) = hangup {
                    self.send_bye(id, headers);
                }
            }
            Some(&Role::ReinviteServer(id)) if self.dialogs.contains_key(&id) => {
                self.emit(SipEvent::Acked { dialog: id, ack: Box::new(ack) });
            }
            _ => {}
        }
    }

    /// A response to a request of ours. ACKs are sent below us.
    pub fn handle_response(&mut self, now: Time, tx: Tx, response: Message) {
        let Some(code) = response.code() else { return };
        let response = Box::new(response);
        match self.transactions.get(&tx) {
            Some(&Role::InviteClient(id)) => self.invite_answered(now, id, code, response),
            Some(&Role::ReinviteClient(id)) => {
                let Some(dialog) = self.dialogs.get_mut(&id).filter(|_| code > 100) else { return };
                if code >= 200 && dialog.reinvite_out.take().is_none() {
                    // A retransmission.
                    return;
                }
                if (200..300).contains(&code) {
                    dialog.refresh_target(&response);
                }
                let gone = matches!(code, 408 | 481);
                self.emit(SipEvent::InDialogResponse { dialog: id, method: "INVITE".to_owned(), response });
                // RFC 3261 12.2.1.2: these two mean that the dialog is no more.
                if gone {
                    self.hang_up(now, id, Vec::new());
                }
            }
            Some(&Role::Cancel(id)) if code > 100 => {
                self.emit(SipEvent::InDialogResponse { dialog: id, method: "CANCEL".to_owned(), response });
            }
            Some(&Role::Other(Some(id))) if code > 100 => {
                let cseq = response.header("CSeq").unwrap_or_default();
                let method = cseq.split_whitespace().nth(1).unwrap_or_default().to_owned();
                if method == "BYE" && code >= 200 {
                    self.forget(id);
                }
                self.emit(SipEvent::InDialogResponse { dialog: id, method, response });
            }
            _ => {}
        }
    }

    /// A client transaction could not send.
    pub fn handle_send_failure(&mut self, tx: Tx, failure: SipFailure) {
        match self.transactions.remove(&tx) {
            Some(Role::InviteClient(id)) if self.dialogs.contains_key(&id) => {
                self.forget(id);
                self.emit(SipEvent::Failed { dialog: id, failure });
            }
            Some(Role::ReinviteClient(id)) => {
                if let Some(dialog) = self.dialogs.get_mut(&id) {
                    dialog.reinvite_out = None;
                }
            }
            // A BYE that cannot be sent ends the dialog all the same.
            Some(Role::Other(Some(id))) if self.stage(id) == Some(Stage::Ending) => self.forget(id),
            _ => {}
        }
    }

    /// A transaction is over. A 2xx of ours without ACK by now (RFC 3261 13.3.1.4) means that the caller is gone.
    pub fn handle_end(&mut self, tx: Tx) {
        match self.transactions.remove(&tx) {
            Some(Role::InviteServer(id)) if self.stage(id) == Some(Stage::Accepted) => {
                let Some(Initial::Got(invite)) = self.dialogs.get(&id).map(|dialog| &dialog.invite) else { return };
                let peer = invite.peer.to_string();
                self.send_bye(id, Vec::new());
                self.emit(SipEvent::Failed { dialog: id, failure: SipFailure::NoResponse(peer) });
            }
            Some(Role::InviteClient(id))
                if matches!(self.stage(id), Some(Stage::Calling | Stage::Proceeding | Stage::Cancelling)) =>
            {
                self.fail_unanswered(id);
            }
            Some(Role::Other(Some(id))) if self.stage(id) == Some(Stage::Ending) => self.forget(id),
            _ => {}
        }
    }

    /// Ends what waited too long.
    pub fn handle_deadline(&mut self, now: Time) {
        while self.poll_deadline().is_some_and(|at| at <= now) {
            let Some(Reverse((_, tx))) = self.deadlines.pop() else { return };
            match self.transactions.get(&tx) {
                Some(&Role::InviteClient(id)) if self.stage(id) == Some(Stage::Calling) => self.fail_unanswered(id),
                // The deadline of the CANCEL, or that of the INVITE come early: only the first counts.
                Some(&Role::Cancel(id)) if self.stage(id) == Some(Stage::Cancelling) => self.fail_unanswered(id),
                Some(&Role::EarlyBye(id)) => {
                    if let Some((tx, bye)) = self.dialogs.get_mut(&id).and_then(|dialog| dialog.early_bye.take()) {
                        self.bye_came(tx, id, *bye);
                    }
                }
                Some(&Role::ReinviteClient(id)) => {
                    let Some(dialog) = self.dialogs.get_mut(&id) else { continue };
                    if dialog.reinvite_out.take().is_some() {
                        self.actions.push_back(Action::End { tx });
                        let response = self.local_response(id, 408, "Request Timeout");
                        self.emit(SipEvent::InDialogResponse { dialog: id, method: "INVITE".to_owned(), response });
                        self.hang_up(now, id, Vec::new());
                    }
                }
                _ => {}
            }
        }
    }

    // --- placing calls ---

    fn invite(&mut self, now: Time, invite: OutgoingInvite) {
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
            // RFC 3261 8.1.1.5: any first number below 2^31; FreeSWITCH's are large too.
            local_seq: self.ids.number() >> 5,
            remote_seq: None,
            stage: Stage::Calling,
            invite_tx: tx,
            invite: Initial::Sent(Box::new(Draft {
                start: StartLine::Response { code: 0, reason: String::new() },
                headers: Vec::new(),
                body: String::new(),
            })),
            hangup: None,
            early_bye: None,
            reinvite_in: None,
            reinvite_out: None,
        };
        let contact = self.placed_contact();
        let mut request = dialog.request("INVITE", self.via(), Some(&contact));
        self.add_session_headers(&mut request);
        request.headers.extend(invite.headers);
        add_sdp(&mut request, invite.sdp);
        dialog.invite = Initial::Sent(Box::new(request.clone()));
        self.by_local_tag.insert((call_id, tag), id);
        self.dialogs.insert(id, dialog);
        self.transactions.insert(tx, Role::InviteClient(id));
        self.deadlines.push(Reverse((now + self.identity.no_response, tx)));
        self.send(tx, request);
    }

    fn invite_answered(&mut self, now: Time, id: DialogId, code: u16, response: Box<Message>) {
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        let to_tag = response.header("To").and_then(NameAddr::parse).and_then(|to| to.tag().map(str::to_owned));
        match (code, dialog.stage) {
            (..200, Stage::Calling | Stage::Proceeding | Stage::Cancelling) => {
                if dialog.stage == Stage::Calling {
                    dialog.stage = Stage::Proceeding;
                }
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

    fn end_fork(&mut self, id: DialogId, response: &Message) {
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
        self.transactions.insert(tx, Role::Other(None));
        self.send(tx, bye);
    }

    fn fail_unanswered(&mut self, id: DialogId) {
        let Some(dialog) = self.dialogs.get(&id) else { return };
        let hop = match &dialog.invite {
            Initial::Sent(invite) => invite.next_hop().map(|hop| hop.host_port()).unwrap_or_default(),
            Initial::Got(invite) => invite.peer.to_string(),
        };
        self.forget(id);
        self.emit(SipEvent::Failed { dialog: id, failure: SipFailure::NoResponse(hop) });
    }

    // --- taking calls ---

    fn invited(&mut self, tx: Tx, call_id: String, request: Message) {
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
            local_seq: self.ids.number() >> 5,
            remote_seq: request.header("CSeq").and_then(|cseq| cseq.split_whitespace().next()?.parse().ok()),
            stage: Stage::Ringing,
            invite_tx: tx,
            invite: Initial::Got(Box::new(request.clone())),
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

    fn respond(
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
            self.answer_invite(id, tx, code, reason.as_deref(), &headers, sdp);
            if code >= 300 {
                self.forget(id);
            }
        } else if let Some((tx, request)) = dialog.reinvite_in.take() {
            let mut response = self.response(&request, Some(id), code, reason.as_deref());
            response.headers.extend(headers);
            if let Some(sdp) = sdp {
                add_sdp(&mut response, sdp);
            }
            self.answer(tx, response);
            if let Some(dialog) = self.dialogs.get_mut(&id).filter(|_| code < 200) {
                dialog.reinvite_in = Some((tx, request));
            }
        }
    }

    fn answer_invite(
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
        if let Some(sdp) = sdp {
            add_sdp(&mut response, sdp);
        }
        self.answer(tx, response);
    }

    fn bye_came(&mut self, tx: Tx, id: DialogId, bye: Message) {
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

    fn reinvite_came(&mut self, tx: Tx, id: DialogId, request: Message) {
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        // RFC 3261 14.2: one offer at a time.
        if dialog.reinvite_in.is_some() || matches!(dialog.stage, Stage::Ringing) {
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
        let trying = self.response(&request, None, 100, None);
        self.answer(tx, trying);
        self.emit(SipEvent::Request { dialog: id, request: Box::new(request) });
    }

    // --- inside a dialog ---

    fn hang_up(&mut self, now: Time, id: DialogId, headers: Vec<(String, String)>) {
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

    fn send_cancel(&mut self, now: Time, id: DialogId, headers: &[(String, String)]) {
        let tx = self.new_tx();
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        let Initial::Sent(invite) = &dialog.invite else { return };
        let cancel = invite.cancel(headers);
        dialog.stage = Stage::Cancelling;
        self.transactions.insert(tx, Role::Cancel(id));
        self.deadlines.push(Reverse((now + self.identity.no_response, tx)));
        self.send(tx, cancel);
    }

    fn send_bye(&mut self, id: DialogId, headers: Vec<(String, String)>) {
        self.close_reinvite(id);
        let (tx, via) = (self.new_tx(), self.via());
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        dialog.stage = Stage::Ending;
        let mut bye = dialog.request("BYE", via, None);
        self.sign(&mut bye);
        bye.headers.extend(headers);
        self.transactions.insert(tx, Role::Other(Some(id)));
        self.send(tx, bye);
    }

    fn reinvite(&mut self, now: Time, id: DialogId, sdp: String) {
        let (tx, via, contact) = (self.new_tx(), self.via(), self.contact_of(id));
        let Some(dialog) = self.dialogs.get_mut(&id) else { return };
        if dialog.stage != Stage::Confirmed || dialog.reinvite_in.is_some() || dialog.reinvite_out.is_some() {
            let response = self.local_response(id, 491, "Request Pending");
            return self.emit(SipEvent::InDialogResponse { dialog: id, method: "INVITE".to_owned(), response });
        }
        let mut request = dialog.request("INVITE", via, Some(&contact));
        dialog.reinvite_out = Some(tx);
        self.add_session_headers(&mut request);
        add_sdp(&mut request, sdp);
        self.transactions.insert(tx, Role::ReinviteClient(id));
        self.deadlines.push(Reverse((now + self.identity.no_response, tx)));
        self.send(tx, request);
    }

    fn info(&mut self, id: DialogId, content_type: &str, body: String) {
        let (tx, via) = (self.new_tx(), self.via());
        let Some(dialog) =
            self.dialogs.get_mut(&id).filter(|dialog| matches!(dialog.stage, Stage::Confirmed | Stage::Accepted))
        else {
            return;
        };
        let mut request = dialog.request("INFO", via, None);
        self.sign(&mut request);
        request.headers.push(("Content-Type".to_owned(), content_type.to_owned()));
        request.body = body;
        self.transactions.insert(tx, Role::Other(Some(id)));
        self.send(tx, request);
    }

    /// A re-INVITE that is open when the dialog ends is answered 487 (RFC 3261 15.1.2).
    fn close_reinvite(&mut self, id: DialogId) {
        let pending = self.dialogs.get_mut(&id).and_then(|dialog| dialog.reinvite_in.take());
        if let Some((tx, request)) = pending {
            let response = self.response(&request, Some(id), 487, None);
            self.answer(tx, response);
        }
    }

    // --- pieces ---

    fn stage(&self, id: DialogId) -> Option<Stage> {
        self.dialogs.get(&id).map(|dialog| dialog.stage)
    }

    fn emit(&mut self, event: SipEvent) {
        self.actions.push_back(Action::Emit(event));
    }

    fn send(&mut self, tx: Tx, request: Draft) {
        match request.next_hop() {
            Some(hop) => self.actions.push_back(Action::Send { tx, request: Box::new(request), hop }),
            None => {
                let StartLine::Request { uri, .. } = request.start else { return };
                self.handle_send_failure(tx, SipFailure::BadUri(uri));
            }
        }
    }

    fn answer(&mut self, tx: Tx, response: Draft) {
        self.actions.push_back(Action::Answer { tx, response: Box::new(response) });
    }

    fn answer_at_once(&mut self, tx: Tx, request: &Message, code: u16, headers: &[(&str, String)]) {
        let mut response = self.response(request, None, code, None);
        response.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.transactions.insert(tx, Role::Other(None));
        self.answer(tx, response);
    }

    /// Removes a dialog; its first transaction has nobody left to tell.
    fn forget(&mut self, id: DialogId) {
        let Some(dialog) = self.dialogs.remove(&id) else { return };
        if matches!(dialog.invite, Initial::Sent(_)) {
            self.actions.push_back(Action::End { tx: dialog.invite_tx });
        }
        self.by_local_tag.remove(&(dialog.call_id, dialog.local_tag));
    }

    /// A response to `request` (RFC 3261 8.2.6). Inside `dialog` it has our tag, Contact and what else an INVITE's has.
    fn response(&self, request: &Message, dialog: Option<DialogId>, code: u16, reason: Option<&str>) -> Draft {
        let dialog = dialog.and_then(|id| self.dialogs.get(&id));
        let mut headers: Vec<(String, String)> = Vec::with_capacity(12);
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            headers.extend(request.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).cloned());
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
        }
        let reason = reason.map_or_else(|| reason_phrase(code).to_owned(), str::to_owned);
        Draft { start: StartLine::Response { code, reason }, headers, body: String::new() }
    }

    /// A response that nobody sent: what a timeout or our own refusal looks like to the switch (RFC 3261 8.1.3.1).
    fn local_response(&self, _dialog: DialogId, code: u16, reason: &str) -> Box<Message> {
        let start = StartLine::Response { code, reason: reason.to_owned() };
        Box::new(Message { start, headers: Vec::new(), body: String::new(), peer: self.identity.local })
    }

    fn sign(&self, request: &mut Draft) {
        request.headers.push(("User-Agent".to_owned(), self.identity.user_agent.clone()));
    }

    fn add_session_headers(&self, request: &mut Draft) {
        self.sign(request);
        request.headers.push(("Allow".to_owned(), self.identity.allow.clone()));
    }

    fn placed_contact(&self) -> String {
        format!("<sip:{}@{}>", self.identity.contact_user, self.identity.local)
    }

    /// FreeSWITCH's Contact: its own user where it called, the dialled one where it was called.
    fn contact_of(&self, id: DialogId) -> String {
        let Some(Initial::Got(invite)) = self.dialogs.get(&id).map(|dialog| &dialog.invite) else {
            return self.placed_contact();
        };
        let dialled = match &invite.start {
            StartLine::Request { uri, .. } => SipUri::parse(uri).and_then(|uri| uri.user),
            StartLine::Response { .. } => None,
        };
        let user = dialled.as_deref().unwrap_or(&self.identity.contact_user);
        format!("<sip:{user}@{};transport=udp>", self.identity.local)
    }

    fn via(&mut self) -> String {
        let branch = self.tag();
        format!("SIP/2.0/UDP {};rport;branch=z9hG4bK{branch}", self.identity.local)
    }

    /// 13 letters and digits, as FreeSWITCH's tags.
    fn tag(&mut self) -> String {
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

fn add_sdp(message: &mut Draft, sdp: String) {
    if !sdp.is_empty() {
        message.headers.push(("Content-Type".to_owned(), "application/sdp".to_owned()));
        message.body = sdp;
    }
}

/// A proxy's URI as a Route, loose (RFC 3261 16.12.1.1) whether or not it says so.
fn loose_route(proxy: &str) -> String {
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

/// The reason phrases of RFC 3261 21 that a switch uses.
fn reason_phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        100..200 => "Progress",
        200..300 => "OK",
        300..400 => "Redirect",
        400..500 => "Failure",
        500..600 => "Server Failure",
        _ => "Global Failure",
    }
}
