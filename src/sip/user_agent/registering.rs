//! REGISTER (RFC 3261 10.2). When to send the next one is the switch core's business.

use super::writing::loose_route;
use super::{Role, Tx, UserAgent};
use crate::sip::dialog::Draft;
use crate::sip::digest::Authentication;
use crate::sip::uri::SipUri;
use crate::sip::{Message, Registration, RegistrationId, SipEvent, SipFailure, StartLine};

/// What is kept of a registration from one REGISTER to the next.
#[derive(Debug)]
pub(super) struct Registering {
    call_id: String,
    tag: String,
    number: u32,
    auth: Authentication,
    /// The last REGISTER, while it has no answer.
    pending: Option<(Tx, Box<Draft>)>,
    refusals: u32,
    /// Seconds asked for last.
    expires: u32,
}

impl UserAgent {
    pub(super) fn register(&mut self, registration: Registration) {
        let id = registration.id;
        let proxy = registration.proxy.as_deref();
        let bad = [Some(registration.registrar.as_str()), proxy].into_iter().flatten();
        if let Some(bad) = bad.into_iter().find(|uri| SipUri::parse(uri).is_none()) {
            let failure = SipFailure::BadUri(bad.to_owned());
            return self.emit(SipEvent::RegisterFailed { id, failure });
        }
        let (tx, via, cnonce) = (self.new_tx(), self.via(), self.tag());
        if !self.registrations.contains_key(&id) {
            let registering = Registering {
                call_id: self.ids.uuid(),
                tag: self.tag(),
                number: self.ids.number() >> 5,
                auth: Authentication::with(registration.credentials.clone()),
                pending: None,
                refusals: 0,
                expires: 0,
            };
            self.registrations.insert(id, registering);
        }
        let contact = format!(
            "<sip:{}@{}{}>;expires={}",
            registration.contact_user, self.identity.local, registration.contact_parameters, registration.expires
        );
        let Some(registering) = self.registrations.get_mut(&id) else { return };
        registering.number += 1;
        registering.refusals = 0;
        registering.expires = registration.expires;
        let mut headers = vec![("Via".to_owned(), via)];
        headers.extend(proxy.map(|proxy| ("Route".to_owned(), loose_route(proxy))));
        headers.push(("Max-Forwards".to_owned(), "70".to_owned()));
        headers.push(("From".to_owned(), format!("<{}>;tag={}", registration.address, registering.tag)));
        headers.push(("To".to_owned(), format!("<{}>", registration.address)));
        headers.push(("Call-ID".to_owned(), registering.call_id.clone()));
        headers.push(("CSeq".to_owned(), format!("{} REGISTER", registering.number)));
        headers.push(("Contact".to_owned(), contact));
        headers.push(("Expires".to_owned(), registration.expires.to_string()));
        headers.extend(registering.auth.answers("REGISTER", &registration.registrar, || cnonce.clone()));
        let start = StartLine::Request { method: "REGISTER".to_owned(), uri: registration.registrar };
        let mut request = Draft { start, headers, body: String::new() };
        self.add_session_headers(&mut request);
        self.send_register(tx, id, request);
    }

    fn send_register(&mut self, tx: Tx, id: RegistrationId, request: Draft) {
        if let Some(registering) = self.registrations.get_mut(&id) {
            registering.pending = Some((tx, Box::new(request.clone())));
        }
        self.transactions.insert(tx, Role::Register(id));
        self.send(tx, request);
    }

    pub(super) fn register_again(&mut self, tx: Tx, id: RegistrationId, response: &Message) -> bool {
        let (again, via, cnonce) = (self.new_tx(), self.via(), self.tag());
        let Some(registering) = self.registrations.get_mut(&id) else { return false };
        let Some((_, request)) = registering.pending.take_if(|(pending, _)| *pending == tx) else { return false };
        if !registering.auth.learn(response, registering.refusals) {
            registering.pending = Some((tx, request));
            return false;
        }
        registering.refusals += 1;
        registering.number += 1;
        let answers = registering.auth.answers("REGISTER", request.uri(), || cnonce.clone());
        let request = request.again(via, registering.number, answers);
        self.transactions.insert(tx, Role::Other);
        self.send_register(again, id, request);
        true
    }

    /// The end of a REGISTER: a final response, or that it could not be sent.
    pub(super) fn registered(&mut self, tx: Tx, id: RegistrationId, result: Result<Box<Message>, SipFailure>) {
        let Some(registering) = self.registrations.get_mut(&id) else { return };
        // One that came in its place is what counts.
        if registering.pending.take_if(|(pending, _)| *pending == tx).is_none() {
            return;
        }
        if registering.expires == 0 {
            self.registrations.remove(&id);
        }
        self.emit(match result {
            Ok(response) => SipEvent::Registered { id, response },
            Err(failure) => SipEvent::RegisterFailed { id, failure },
        });
    }

    /// Where a REGISTER without an answer was sent.
    pub(super) fn registrar_of(&self, id: RegistrationId) -> String {
        let pending = self.registrations.get(&id).and_then(|registering| registering.pending.as_ref());
        pending.and_then(|(_, request)| request.next_hop()).map(|hop| hop.host_port()).unwrap_or_default()
    }

    /// REGISTERs without an answer.
    pub(super) fn registering(&self) -> usize {
        self.registrations.values().filter(|registering| registering.pending.is_some()).count()
    }
}
