//! The SIP network of a rig: what one user agent says comes back as what the other one hears.
//!
//! The rig's switches are the only user agents, so every call that is answered comes to one of them. Addresses that are
//! no switch's refuse, or stay silent if they were told to. In fair weather all arrives at once; see [`Weather`] for what
//! else may become of it.

mod text;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::toll::Tolls;
use super::weather::{Dice, Fate, Weather};
use crate::id::Ids;
use crate::sip::reason_phrase;
use crate::sip::{DialogId, Message, OutgoingInvite, Registration, SipCommand, SipEvent, SipFailure, StartLine};
use crate::units::Time;
use text::{Text, host_port, request, response, via};

/// RFC 3261 timers B, F and H.
const NO_RESPONSE: Duration = Duration::from_secs(32);

/// A call, numbered by the network.
type Key = u64;

#[derive(Debug)]
pub(super) struct Network {
    switches: Vec<SocketAddr>,
    ids: Ids,
    links: BTreeMap<Key, Link>,
    last_link: Key,
    /// The call of a dialog, by the switch that has it.
    dialogs: BTreeMap<(usize, DialogId), Key>,
    silent: BTreeSet<String>,
    /// Codes that registrars answer with.
    registrars: BTreeMap<String, VecDeque<u16>>,
    registrations: Vec<Registration>,
    last_received: u64,
    cseq: u64,
    weather: Weather,
    dice: Dice,
    /// What was taken from calls, by their callers' legs.
    pub tolls: Tolls,
    /// What arrives, and what has waited too long, in order.
    due: BTreeMap<(Time, u64), (Key, Due)>,
    last_due: u64,
    /// What each switch hears.
    events: VecDeque<(usize, SipEvent)>,
}

/// One call, from both sides.
#[derive(Debug)]
struct Link {
    placed: u64,
    received: Option<u64>,
    ends: [End; 2],
    /// Where each side is.
    on: [usize; 2],
    addresses: [SocketAddr; 2],
    /// When the last message to each side arrives: none overtakes another.
    arrives: [Time; 2],
    text: Text,
    /// Who offered again and has no answer.
    reinvite: Option<Side>,
    /// The callee hangs up as soon as its answer is acknowledged, with these headers.
    hangs_up: Option<Vec<(String, String)>>,
}

/// How far one side of a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// No final response.
    Early,
    /// The caller gave up, and has no final response yet.
    Leaving,
    /// The callee answered, and was not acknowledged.
    Accepted,
    Confirmed,
    /// It hung up and has no answer to that.
    HangingUp,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Caller,
    Callee,
}

/// What a switch answers to an INVITE.
struct Reply {
    code: u16,
    reason: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// A message between the two sides of a call.
#[derive(Debug)]
enum Carried {
    Invite(Box<Message>),
    Response(Box<Message>),
    Ack(Box<Message>),
    Cancel(Box<Message>),
    Bye(Box<Message>),
    Request(Box<Message>),
    /// To a request inside the dialog.
    Answer {
        method: String,
        response: Box<Message>,
    },
}

#[derive(Debug)]
enum Due {
    Arrives(Side, Carried),
    /// What this side waits for does not come.
    NoResponse(Side, Wait),
}

/// What a side waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wait {
    /// The caller: any response to its INVITE.
    Response,
    /// The caller: the final response behind its CANCEL.
    Cancelled,
    /// The callee: that its answer is acknowledged.
    Ack,
    Answer(String),
}

impl Side {
    const BOTH: [Side; 2] = [Side::Caller, Side::Callee];

    fn other(self) -> Side {
        match self {
            Side::Caller => Side::Callee,
            Side::Callee => Side::Caller,
        }
    }
}

impl Carried {
    /// What it is called in tolls.
    fn name(&self) -> &'static str {
        match self {
            Carried::Invite(_) => "INVITE",
            Carried::Response(response) if response.code() < Some(200) => "provisional response",
            Carried::Response(_) => "final response",
            Carried::Ack(_) => "ACK",
            Carried::Cancel(_) => "CANCEL",
            Carried::Bye(_) => "BYE",
            Carried::Request(request) => match method_of(request).as_str() {
                "INVITE" => "re-INVITE",
                "INFO" => "INFO",
                _ => "another request",
            },
            Carried::Answer { .. } => "answer",
        }
    }
}

impl Network {
    pub fn new(switches: Vec<SocketAddr>, ids: Ids) -> Network {
        Network {
            switches,
            ids,
            links: BTreeMap::new(),
            last_link: 0,
            dialogs: BTreeMap::new(),
            silent: BTreeSet::new(),
            registrars: BTreeMap::new(),
            registrations: Vec::new(),
            last_received: 0,
            cseq: 123_134_627,
            weather: Weather::default(),
            dice: Dice::seeded(0),
            tolls: Tolls::new(),
            due: BTreeMap::new(),
            last_due: 0,
            events: VecDeque::new(),
        }
    }

    pub fn silence(&mut self, host_port: &str) {
        self.silent.insert(host_port.to_owned());
    }

    pub fn set_weather(&mut self, weather: Weather, seed: Option<u64>) {
        self.weather = weather;
        if let Some(seed) = seed {
            self.dice = Dice::seeded(seed);
        }
    }

    pub fn poll_event(&mut self) -> Option<(usize, SipEvent)> {
        self.events.pop_front()
    }

    pub fn next_due(&self) -> Option<Time> {
        self.due.keys().next().map(|(time, _)| *time)
    }

    /// Calls that at least one side has not done with.
    pub fn calls(&self) -> usize {
        self.links.len()
    }

    /// A switch is there anew, and knows of no call.
    pub fn forget(&mut self, switch: usize) {
        for key in self.links.keys().copied().collect::<Vec<_>>() {
            let Some(link) = self.links.get_mut(&key) else { continue };
            for side in Side::BOTH.into_iter().filter(|side| link.on[*side as usize] == switch) {
                link.ends[side as usize] = End::Over;
            }
            self.sweep(key);
        }
        self.events.retain(|(on, _)| *on != switch);
    }

    /// Lets arrive what is due, and tells those who waited in vain.
    pub fn handle_due(&mut self, now: Time) {
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            let (key, due) = entry.remove();
            match due {
                Due::Arrives(to, carried) => self.arrive(now, key, to, carried),
                Due::NoResponse(side, wait) => self.waited(now, key, side, wait),
            }
            self.sweep(key);
        }
    }

    pub fn handle_command(&mut self, now: Time, on: usize, command: SipCommand) {
        match command {
            SipCommand::Invite(invite) => self.invite(now, on, *invite),
            SipCommand::Respond { dialog, code, reason, headers, sdp } => {
                let reason = reason.unwrap_or_else(|| reason_phrase(code).to_owned());
                let reply = Reply { code, reason, headers, body: sdp.unwrap_or_default() };
                self.with(on, dialog, |network, key, side| network.respond(now, key, side, reply));
            }
            SipCommand::Hangup { dialog, headers } => {
                self.with(on, dialog, |network, key, side| network.hang_up(now, key, side, headers));
            }
            SipCommand::Reinvite { dialog, sdp } => {
                self.with(on, dialog, |network, key, side| network.reinvite(now, key, side, sdp));
            }
            SipCommand::Request { dialog, method, headers, body } => {
                self.with(on, dialog, |network, key, side| network.inside(now, key, side, method, (headers, body)));
            }
            SipCommand::Register(registration) => self.register(on, *registration),
            SipCommand::Info { dialog, content_type, body } => {
                let headers = vec![("Content-Type".into(), content_type)];
                self.with(on, dialog, |network, key, side| network.inside(now, key, side, "INFO", (headers, body)));
            }
        }
    }

    pub fn registrar(&mut self, host_port: &str, codes: &[u16]) {
        self.registrars.insert(host_port.to_owned(), codes.iter().copied().collect());
    }

    pub fn registrations(&self) -> &[Registration] {
        &self.registrations
    }

    fn register(&mut self, on: usize, registration: Registration) {
        let (id, hop, local) = (registration.id, host_port(&registration.registrar), self.switches[on]);
        let codes = self.registrars.get_mut(&hop);
        let code = codes.and_then(|codes| if codes.len() > 1 { codes.pop_front() } else { codes.front().copied() });
        let event = match code {
            Some(code) => {
                let contact = format!("<sip:{}@{local}>;expires={}", registration.contact_user, registration.expires);
                let start = StartLine::Response { code, reason: reason_phrase(code).to_owned() };
                let headers = vec![("Contact".to_owned(), contact)];
                let peer = hop.parse().unwrap_or(local);
                SipEvent::Registered { id, response: Box::new(Message { start, headers, body: String::new(), peer }) }
            }
            None => {
                let failure = SipFailure::Transport(hop, "connection refused".to_owned());
                SipEvent::RegisterFailed { id, failure }
            }
        };
        self.events.push_back((on, event));
        self.registrations.push(registration);
    }

    /// Does something with the call of a dialog, and lets it go if both sides have done with it then.
    fn with(&mut self, on: usize, dialog: DialogId, work: impl FnOnce(&mut Network, Key, Side)) {
        if let Some((key, side)) = self.find(on, dialog) {
            work(self, key, side);
            self.sweep(key);
        }
    }

    fn invite(&mut self, now: Time, on: usize, invite: OutgoingInvite) {
        let DialogId::Placed(placed) = invite.dialog else { return };
        let hop = host_port(invite.proxy.as_deref().unwrap_or(&invite.uri));
        self.cseq += 1;
        let (branch, tag, to_tag) = (self.token(), self.token(), self.token());
        let local = self.switches[on];
        let to_switch = self.switches.iter().position(|address| address.to_string() == hop);
        let text = Text {
            from: Text::from_of(&invite, &tag),
            to: format!("<{}>", invite.uri),
            uri: invite.uri,
            to_tag,
            call_id: self.ids.uuid(),
            cseq: self.cseq,
            via: via(local, &branch),
        };
        self.last_link += 1;
        let key = self.last_link;
        let link = |callee: usize, received: Option<u64>, text: Text| Link {
            placed,
            received,
            ends: [End::Early, if received.is_some() { End::Early } else { End::Over }],
            on: [on, callee],
            addresses: [local, self.switches[callee]],
            arrives: [now; 2],
            text,
            reinvite: None,
            hangs_up: None,
        };
        let Some(callee) = to_switch else {
            if self.silent.contains(&hop) {
                let link = link(on, None, text);
                self.dialogs.insert((on, invite.dialog), key);
                self.links.insert(key, link);
                self.wait(now, key, Side::Caller, Wait::Response);
            } else {
                let failure = SipFailure::Transport(hop, "connection refused".to_owned());
                self.events.push_back((on, SipEvent::Failed { dialog: invite.dialog, failure }));
            }
            return;
        };
        self.last_received += 1;
        let received = self.last_received;
        let message = text.invite(local, invite.max_forwards, invite.headers, invite.sdp);
        let link = link(callee, Some(received), text);
        self.links.insert(key, link);
        self.dialogs.insert((on, invite.dialog), key);
        self.dialogs.insert((callee, DialogId::Received(received)), key);
        self.send(now, key, Side::Callee, Carried::Invite(Box::new(message)));
    }

    fn respond(&mut self, now: Time, key: Key, side: Side, reply: Reply) {
        let Reply { code, reason, headers, body } = reply;
        let Some(link) = self.links.get_mut(&key) else { return };
        if link.reinvite.is_some_and(|offerer| offerer != side) {
            link.reinvite = None;
            let response = Box::new(response(link, side, code, &reason, Vec::new(), body));
            let answer = Carried::Answer { method: "INVITE".to_owned(), response };
            return self.send(now, key, side.other(), answer);
        }
        if side == Side::Caller || link.ends[Side::Callee as usize] != End::Early {
            return;
        }
        link.ends[Side::Callee as usize] = match code {
            0..200 => End::Early,
            200..300 => End::Accepted,
            _ => End::Over,
        };
        let response = Box::new(response(link, side, code, &reason, headers, body));
        self.send(now, key, Side::Caller, Carried::Response(response));
    }

    fn hang_up(&mut self, now: Time, key: Key, side: Side, headers: Vec<(String, String)>) {
        let branch = self.token();
        let Some(link) = self.links.get_mut(&key) else { return };
        match (link.ends[side as usize], side) {
            (End::Leaving | End::HangingUp | End::Over, _) => {}
            (End::Confirmed, _) => {
                link.ends[side as usize] = End::HangingUp;
                let bye = Box::new(request(link, side, &branch, "BYE", headers, String::new()));
                self.send(now, key, side.other(), Carried::Bye(bye));
            }
            // RFC 3261 15: no BYE before the ACK.
            (End::Accepted, _) => link.hangs_up = Some(headers),
            (End::Early, Side::Callee) => {
                let reason = reason_phrase(480).to_owned();
                self.respond(now, key, side, Reply { code: 480, reason, headers, body: String::new() });
            }
            // Nobody heard of the call.
            (End::Early, Side::Caller) if link.received.is_none() => {
                link.ends[side as usize] = End::Over;
                self.sweep(key);
            }
            (End::Early, Side::Caller) => {
                link.ends[side as usize] = End::Leaving;
                let cancel = Box::new(request(link, side, &branch, "CANCEL", headers, String::new()));
                self.send(now, key, Side::Callee, Carried::Cancel(cancel));
                if self.links.contains_key(&key) {
                    self.wait(now, key, Side::Caller, Wait::Cancelled);
                }
            }
        }
    }

    fn reinvite(&mut self, now: Time, key: Key, side: Side, sdp: String) {
        let branch = self.token();
        let Some(link) = self.links.get_mut(&key) else { return };
        if link.ends[side as usize] != End::Confirmed || link.reinvite.is_some() {
            return self.tell_answer(key, side, "INVITE", 491, "Request Pending");
        }
        link.reinvite = Some(side);
        let headers = vec![("Content-Type".into(), "application/sdp".into())];
        let request = Box::new(request(link, side, &branch, "INVITE", headers, sdp));
        self.send(now, key, side.other(), Carried::Request(request));
    }

    /// A request inside a dialog, which the other side answers by itself.
    fn inside(
        &mut self,
        now: Time,
        key: Key,
        side: Side,
        method: &str,
        (headers, body): (Vec<(String, String)>, String),
    ) {
        let branch = self.token();
        let Some(link) = self.links.get(&key) else { return };
        if !matches!(link.ends[side as usize], End::Accepted | End::Confirmed) {
            return;
        }
        let request = Box::new(request(link, side, &branch, method, headers, body));
        self.send(now, key, side.other(), Carried::Request(request));
    }

    /// Sends something to one side of a call.
    fn send(&mut self, now: Time, key: Key, to: Side, carried: Carried) {
        let fate = self.dice.message(&self.weather);
        let Some(link) = self.links.get_mut(&key) else { return };
        let caller = (link.on[Side::Caller as usize], link.placed);
        let delay = match fate {
            Fate::Lost => {
                self.tolls.entry(caller).or_default().messages_lost.push((now, carried.name()));
                return self.lose(now, key, to, carried);
            }
            Fate::Once(delay) | Fate::Twice(delay, _) => delay,
        };
        if !delay.is_zero() {
            self.tolls.entry(caller).or_default().messages_late.push((now, carried.name()));
        }
        let at = (now + delay).max(link.arrives[to as usize]);
        link.arrives[to as usize] = at;
        if at <= now {
            return self.arrive(now, key, to, carried);
        }
        self.put(at, key, Due::Arrives(to, carried));
    }

    /// Has those who wait for a message that does not come, or for what would follow it, learn so in the end.
    fn lose(&mut self, now: Time, key: Key, to: Side, carried: Carried) {
        match carried {
            Carried::Invite(_) => {
                if let Some(link) = self.links.get_mut(&key) {
                    let callee = (link.on[Side::Callee as usize], link.dialog(Side::Callee));
                    self.dialogs.remove(&callee);
                    link.received = None;
                    link.ends[Side::Callee as usize] = End::Over;
                }
                self.wait(now, key, Side::Caller, Wait::Response);
            }
            Carried::Response(response) if response.code() < Some(200) => {}
            Carried::Response(response) if response.code() < Some(300) => self.wait(now, key, Side::Callee, Wait::Ack),
            // The caller waits on, until it gives up.
            Carried::Response(_) => {}
            Carried::Ack(_) => self.wait(now, key, Side::Callee, Wait::Ack),
            // Whoever sends it waits already.
            Carried::Cancel(_) => {}
            Carried::Bye(_) => self.wait(now, key, to.other(), Wait::Answer("BYE".to_owned())),
            Carried::Request(request) => {
                self.wait(now, key, to.other(), Wait::Answer(method_of(&request)));
            }
            Carried::Answer { method, .. } => self.wait(now, key, to, Wait::Answer(method)),
        }
        self.sweep(key);
    }

    fn arrive(&mut self, now: Time, key: Key, to: Side, carried: Carried) {
        let branch = self.token();
        let Some(link) = self.links.get_mut(&key) else { return };
        let end = link.ends[to as usize];
        let (on, dialog) = (link.on[to as usize], link.dialog(to));
        match carried {
            Carried::Invite(invite) => {
                if end == End::Early {
                    self.events.push_back((on, SipEvent::Invited { dialog, invite }));
                } else {
                    // A switch that is there anew would take it; whoever asks again does.
                    self.wait(now, key, Side::Caller, Wait::Response);
                }
            }
            Carried::Response(response) => {
                let code = response.code().unwrap_or_default();
                if !matches!(end, End::Early | End::Leaving) {
                    // Whoever asked is there anew, and acknowledges nothing.
                    if (200..300).contains(&code) {
                        self.wait(now, key, Side::Callee, Wait::Ack);
                    }
                    return;
                }
                if (200..300).contains(&code) {
                    link.ends[to as usize] = End::Confirmed;
                    let ack = Box::new(request(link, to, &branch, "ACK", Vec::new(), String::new()));
                    self.events.push_back((on, SipEvent::Response { dialog, response }));
                    self.send(now, key, Side::Callee, Carried::Ack(ack));
                    // RFC 3261 9.1: a 2xx that crossed the CANCEL made a call, which only a BYE ends.
                    if end == End::Leaving {
                        self.hang_up(now, key, to, Vec::new());
                    }
                    return;
                }
                self.events.push_back((on, SipEvent::Response { dialog, response }));
                if code >= 300 {
                    link.ends[to as usize] = End::Over;
                    self.sweep(key);
                }
            }
            Carried::Ack(ack) => {
                if end != End::Accepted {
                    return;
                }
                link.ends[to as usize] = End::Confirmed;
                let hangs_up = link.hangs_up.take();
                self.events.push_back((on, SipEvent::Acked { dialog, ack }));
                if let Some(headers) = hangs_up {
                    self.hang_up(now, key, to, headers);
                }
            }
            Carried::Cancel(cancel) => {
                if end != End::Early {
                    return;
                }
                link.ends[to as usize] = End::Over;
                let response = response(link, to, 487, reason_phrase(487), Vec::new(), String::new());
                self.events.push_back((on, SipEvent::Cancelled { dialog, cancel }));
                self.send(now, key, Side::Caller, Carried::Response(Box::new(response)));
            }
            Carried::Bye(bye) => {
                // A caller without an answer knows no such dialog.
                let unknown = matches!(end, End::Over | End::Early | End::Leaving);
                let code = if unknown { 481 } else { 200 };
                let response = Box::new(response(link, to, code, reason_phrase(code), Vec::new(), String::new()));
                if !unknown {
                    link.ends[to as usize] = End::Over;
                }
                // Both hung up at once: this side knows already.
                if matches!(end, End::Accepted | End::Confirmed) {
                    self.events.push_back((on, SipEvent::Bye { dialog, bye }));
                }
                self.send(now, key, to.other(), Carried::Answer { method: "BYE".to_owned(), response });
                self.sweep(key);
            }
            Carried::Request(request) => {
                let method = method_of(&request);
                if !matches!(end, End::Accepted | End::Confirmed) {
                    let response = Box::new(response(link, to, 481, reason_phrase(481), Vec::new(), String::new()));
                    return self.send(now, key, to.other(), Carried::Answer { method, response });
                }
                self.events.push_back((on, SipEvent::Request { dialog, request }));
                if method != "INVITE" {
                    let code = if method == "REFER" { 202 } else { 200 };
                    let response = Box::new(response(link, to, code, "OK", Vec::new(), String::new()));
                    self.send(now, key, to.other(), Carried::Answer { method, response });
                }
            }
            Carried::Answer { method, response } => {
                if method == "BYE" {
                    if end != End::HangingUp {
                        return;
                    }
                    link.ends[to as usize] = End::Over;
                } else if end == End::Over {
                    return;
                }
                if method == "INVITE" {
                    link.reinvite = link.reinvite.filter(|side| *side != to);
                }
                self.events.push_back((on, SipEvent::InDialogResponse { dialog, method, response }));
                self.sweep(key);
            }
        }
    }

    /// A side has waited for as long as it does.
    fn waited(&mut self, now: Time, key: Key, side: Side, wait: Wait) {
        let Some(link) = self.links.get_mut(&key) else { return };
        let end = link.ends[side as usize];
        let (on, dialog) = (link.on[side as usize], link.dialog(side));
        match (wait, end) {
            (Wait::Response, End::Early | End::Leaving) | (Wait::Cancelled, End::Leaving) => {
                link.ends[side as usize] = End::Over;
                let failure = SipFailure::NoResponse(link.text.uri.clone());
                self.events.push_back((on, SipEvent::Failed { dialog, failure }));
            }
            (Wait::Ack, End::Accepted) => {
                link.ends[side as usize] = End::Confirmed;
                let failure = SipFailure::NoResponse(link.addresses[side.other() as usize].to_string());
                self.hang_up(now, key, side, Vec::new());
                self.events.push_back((on, SipEvent::Failed { dialog, failure }));
            }
            (Wait::Answer(method), End::HangingUp) if method == "BYE" => {
                link.ends[side as usize] = End::Over;
                self.tell_answer(key, side, "BYE", 408, "Request Timeout");
            }
            (Wait::Answer(method), End::Accepted | End::Confirmed) => {
                link.reinvite = link.reinvite.filter(|offerer| *offerer != side);
                self.tell_answer(key, side, &method, 408, "Request Timeout");
                // RFC 3261 12.2.1.2: the dialog is no more.
                if method == "INVITE" {
                    self.hang_up(now, key, side, Vec::new());
                }
            }
            _ => {}
        }
        self.sweep(key);
    }

    /// Tells a side of an answer that it makes up itself.
    fn tell_answer(&mut self, key: Key, side: Side, method: &str, code: u16, reason: &str) {
        let Some(link) = self.links.get(&key) else { return };
        let response = Box::new(response(link, side.other(), code, reason, Vec::new(), String::new()));
        let told = SipEvent::InDialogResponse { dialog: link.dialog(side), method: method.to_owned(), response };
        self.events.push_back((link.on[side as usize], told));
    }

    fn wait(&mut self, now: Time, key: Key, side: Side, wait: Wait) {
        self.put(now + NO_RESPONSE, key, Due::NoResponse(side, wait));
    }

    fn put(&mut self, at: Time, key: Key, due: Due) {
        self.last_due += 1;
        self.due.insert((at, self.last_due), (key, due));
    }

    fn find(&self, on: usize, dialog: DialogId) -> Option<(Key, Side)> {
        let key = *self.dialogs.get(&(on, dialog))?;
        let side = if matches!(dialog, DialogId::Placed(_)) { Side::Caller } else { Side::Callee };
        Some((key, side))
    }

    /// Lets a call go that both sides have done with.
    fn sweep(&mut self, key: Key) {
        if self.links.get(&key).is_some_and(|link| link.ends == [End::Over; 2])
            && let Some(link) = self.links.remove(&key)
        {
            for side in Side::BOTH {
                self.dialogs.remove(&(link.on[side as usize], link.dialog(side)));
            }
        }
    }

    /// A tag or a branch.
    fn token(&mut self) -> String {
        format!("{:08x}{:08x}", self.ids.number(), self.ids.number())
    }
}

impl Link {
    fn dialog(&self, side: Side) -> DialogId {
        match (side, self.received) {
            (Side::Callee, Some(received)) => DialogId::Received(received),
            _ => DialogId::Placed(self.placed),
        }
    }

    fn address(&self, side: Side) -> SocketAddr {
        self.addresses[side as usize]
    }
}

fn method_of(request: &Message) -> String {
    match &request.start {
        crate::sip::StartLine::Request { method, .. } => method.clone(),
        crate::sip::StartLine::Response { .. } => String::new(),
    }
}
