//! The user agent without its sockets: commands, messages and time in, messages and events out.
//!
//! RFC 3261 8 (requests and responses), 9 (CANCEL), 12 (dialogs), 13 (INVITE), 14 (re-INVITE), 15 (BYE); RFC 3326
//! (Reason, as an extra header), RFC 6086 (INFO). Transactions (RFC 3261 17) are below: each is a number here, and what
//! it reports comes in by `handle_*`. A dialog is known by Call-ID and our own tag, so that a user agent which calls
//! itself holds both ends of the call side by side.
//!
//! Requests that are refused for want of credentials go out again with them (RFC 3261 22, `asked`).
//!
//! RFC 3311 (UPDATE), RFC 4028 (session timers).
//!
//! Left out: reliable provisional responses (a request that requires them is told 420, as FreeSWITCH does unless it is
//! configured otherwise), strict routers.

mod asked;
mod placing;
mod reason;
mod refreshing;
mod registering;
mod taking;
#[cfg(test)]
mod tests;
mod within;
mod writing;

pub use reason::reason_phrase;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use self::taking::Refusal;
use super::dialog::{Dialog, Draft, Initial, Stage};
use super::name_addr::NameAddr;
use super::session_timer::SessionTimer;
use super::uri::SipUri;
use super::{DialogId, Message, RegistrationId, SipCommand, SipEvent, SipFailure, StartLine};
use crate::id::Ids;
use crate::units::Time;
pub(super) use refreshing::Session;
use registering::Registering;

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
    ReinviteClient(DialogId, Box<Pending>),
    ReinviteServer(DialogId),
    /// A BYE that overtook the ACK.
    EarlyBye(DialogId),
    /// A request of ours that is no INVITE: BYE, INFO.
    Within(DialogId, Box<Pending>),
    Register(RegistrationId),
    /// No transaction, but the time at which a session is to be refreshed.
    Refresh(DialogId),
    /// No transaction, but the time at which an offer that met another goes out again.
    Glare(DialogId),
    /// Nobody waits for its end: a request answered at once, or one of ours in whose place another was sent.
    Other,
}

/// A request of ours inside a dialog that has no final response.
#[derive(Clone, Debug)]
struct Pending {
    request: Draft,
    /// How often it was refused for want of the right credentials.
    refusals: u32,
    purpose: Purpose,
}

/// Whom the response to a request of ours concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// The switch, which asked for it.
    Switch,
    /// Us: it kept the session alive.
    Refresh,
}

/// See the module.
#[derive(Debug)]
pub struct UserAgent {
    identity: Identity,
    ids: Ids,
    dialogs: HashMap<DialogId, Dialog>,
    by_local_tag: HashMap<(String, String), DialogId>,
    registrations: HashMap<RegistrationId, Registering>,
    transactions: HashMap<Tx, Role>,
    deadlines: BinaryHeap<Reverse<(Time, Tx)>>,
    actions: VecDeque<Action>,
    next_tx: u64,
    next_received: u64,
    now: Time,
}

/// How far a BYE may overtake the ACK that was sent before it: they come up through different transactions.
const OVERTAKING: Duration = Duration::from_millis(50);
/// What FreeSWITCH says of a call that it does not know, with 481.
const NO_CALL: &str = "Call Does Not Exist";
/// Methods that we act on.
const UNDERSTOOD: [&str; 9] = ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO", "REFER", "NOTIFY", "UPDATE"];

impl UserAgent {
    pub fn new(identity: Identity, ids: Ids) -> Self {
        UserAgent {
            identity,
            ids,
            dialogs: HashMap::new(),
            by_local_tag: HashMap::new(),
            registrations: HashMap::new(),
            transactions: HashMap::new(),
            deadlines: BinaryHeap::new(),
            actions: VecDeque::new(),
            next_tx: 0,
            next_received: 0,
            now: Time::default(),
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

    /// How many dialogs are alive, with REGISTERs that have no answer.
    pub fn live(&self) -> usize {
        self.dialogs.len() + self.registering()
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
        self.now = now;
        match command {
            SipCommand::Invite(invite) => self.invite(now, *invite),
            SipCommand::Respond { dialog, code, reason, headers, sdp } => {
                self.respond(dialog, code, reason, headers, sdp)
            }
            SipCommand::Hangup { dialog, headers } => self.hang_up(now, dialog, headers),
            SipCommand::Reinvite { dialog, sdp } => self.reinvite(now, dialog, sdp),
            SipCommand::Info { dialog, content_type, body } => {
                self.request_inside(dialog, "INFO", vec![("Content-Type".to_owned(), content_type)], body);
            }
            SipCommand::Request { dialog, method, headers, body } => {
                self.request_inside(dialog, method, headers, body);
            }
            SipCommand::Register(registration) => self.register(*registration),
        }
    }

    /// A request that starts server transaction `tx`.
    pub fn handle_request(&mut self, now: Time, tx: Tx, request: Message) {
        self.now = now;
        let StartLine::Request { method, .. } = &request.start else { return };
        let method = method.clone();
        let to_tag = request.header("To").and_then(NameAddr::parse).and_then(|to| to.tag().map(str::to_owned));
        let call_id = request.header("Call-ID").unwrap_or_default().to_owned();
        if let Some(Refusal { code, reason, headers }) = self.refusal(&method, &request) {
            return self.answer_in_words(tx, &request, code, reason, &headers);
        }
        let Some(to_tag) = to_tag else {
            return match method.as_str() {
                "INVITE" => self.invited(tx, call_id, request),
                "OPTIONS" => self.tell_options(tx, &request),
                _ => self.answer_outside(tx, &method, &request),
            };
        };
        let dialog = self.by_local_tag.get(&(call_id, to_tag)).and_then(|id| self.dialogs.get_mut(id));
        let Some(dialog) = dialog.filter(|dialog| dialog.is_from_remote(&request)) else {
            // FreeSWITCH takes an INFO for anything.
            let code = if method == "INFO" { 200 } else { 481 };
            return self.answer_in_words(tx, &request, code, (code == 481).then_some(NO_CALL), &[]);
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
            "UPDATE" => self.update_came(tx, id, request),
            "OPTIONS" => self.tell_options(tx, &request),
            _ => {
                let code = if method == "REFER" { 202 } else { 200 };
                self.answer_at_once(tx, &request, code, &[]);
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
        self.now = now;
        let Some(code) = response.code() else { return };
        let again = match code {
            401 | 407 => self.answer_challenge(now, tx, &response),
            422 => self.ask_for_longer(now, tx, &response),
            _ => false,
        };
        if again {
            return;
        }
        let response = Box::new(response);
        match self.transactions.get(&tx) {
            Some(&Role::InviteClient(id)) => self.invite_answered(now, id, code, response),
            Some(&Role::Register(id)) if code >= 200 => self.registered(tx, id, Ok(response)),
            Some(Role::ReinviteClient(id, pending)) => {
                let (id, purpose) = (*id, pending.purpose);
                let sdp = pending.request.body.clone();
                let Some(dialog) = self.dialogs.get_mut(&id).filter(|_| code > 100) else { return };
                if code >= 200 && dialog.reinvite_out.take().is_none() {
                    // A retransmission.
                    return;
                }
                if (200..300).contains(&code) {
                    dialog.refresh_target(&response);
                }
                let gone = matches!(code, 408 | 481);
                match purpose {
                    Purpose::Refresh if !gone && code >= 200 => return self.refreshed(now, id, code, &response),
                    Purpose::Refresh if !gone => return,
                    Purpose::Switch if code == 491 => self.part(now, id, sdp),
                    Purpose::Switch if (200..300).contains(&code) => {
                        let asked = self.session_of(id);
                        self.keep(id, SessionTimer::given(&response, asked));
                    }
                    Purpose::Switch | Purpose::Refresh => {}
                }
                self.emit(SipEvent::InDialogResponse { dialog: id, method: "INVITE".to_owned(), response });
                // RFC 3261 12.2.1.2: these two mean that the dialog is no more.
                if gone {
                    self.hang_up(now, id, Vec::new());
                }
            }
            Some(&Role::Cancel(id)) if code > 100 => {
                self.emit(SipEvent::InDialogResponse { dialog: id, method: "CANCEL".to_owned(), response });
            }
            Some(&Role::Within(id, _)) if code > 100 => {
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
            Some(Role::Register(id)) => self.registered(tx, id, Err(failure)),
            Some(Role::ReinviteClient(id, _)) => {
                if let Some(dialog) = self.dialogs.get_mut(&id) {
                    dialog.reinvite_out = None;
                }
            }
            // A BYE that cannot be sent ends the dialog all the same.
            Some(Role::Within(id, _)) if self.stage(id) == Some(Stage::Ending) => self.forget(id),
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
            Some(Role::Within(id, _)) if self.stage(id) == Some(Stage::Ending) => self.forget(id),
            Some(Role::Register(id)) => {
                let failure = SipFailure::NoResponse(self.registrar_of(id));
                self.registered(tx, id, Err(failure));
            }
            _ => {}
        }
    }

    /// Ends what waited too long.
    pub fn handle_deadline(&mut self, now: Time) {
        self.now = now;
        while self.poll_deadline().is_some_and(|at| at <= now) {
            let Some(Reverse((_, tx))) = self.deadlines.pop() else { return };
            match self.transactions.get(&tx) {
                Some(&Role::InviteClient(id)) if self.stage(id) == Some(Stage::Calling) => self.fail_unanswered(id),
                // The deadline of the CANCEL, or that of the INVITE come early: only the first counts.
                Some(&Role::Cancel(id)) if self.stage(id) == Some(Stage::Cancelling) => self.fail_unanswered(id),
                Some(&Role::Refresh(id)) => self.refresh(now, tx, id),
                Some(&Role::Glare(id)) => self.offer_again(now, tx, id),
                Some(&Role::EarlyBye(id)) => {
                    if let Some((tx, bye)) = self.dialogs.get_mut(&id).and_then(|dialog| dialog.early_bye.take()) {
                        self.bye_came(tx, id, *bye);
                    }
                }
                Some(&Role::ReinviteClient(id, _)) => {
                    let Some(dialog) = self.dialogs.get_mut(&id) else { continue };
                    if dialog.reinvite_out.take_if(|out| *out == tx).is_some() {
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
}
