//! The gateways of a switch: registrations, calls through them, and what is told of them.

use crate::call::HangupCause;
use crate::sip::{Message, NameAddr, RegistrationId, SipCommand, SipFailure};

use super::core::{About, SwitchCore, Timer};
use super::events::origin;
use super::gateway::{Gateway, Kept, RegState, Status, Trunk};

impl SwitchCore {
    /// Begins with the gateways of the configuration.
    pub(super) fn start_gateways(&mut self) {
        for gateway in std::mem::take(&mut self.config.gateways) {
            let id = RegistrationId(self.next_id());
            let trunk = Trunk::new(gateway, id, self.now);
            if trunk.is_busy() {
                self.at(self.now, Timer::Gateway(id));
            }
            self.trunks.push(trunk);
        }
    }

    /// The gateway called `name`, or `PROFILE::name`.
    pub(super) fn trunk(&mut self, name: &str) -> Option<&mut Trunk> {
        let name = name.rsplit("::").next().unwrap_or_default();
        self.trunks.iter_mut().find(|trunk| trunk.kept == Kept::Yes && trunk.gateway.name == name)
    }

    /// The gateway that a call is to go through.
    pub(super) fn gateway_for_call(&mut self, name: &str) -> Result<Gateway, HangupCause> {
        let trunk = self.trunk(name).ok_or(HangupCause::InvalidGateway)?;
        if trunk.status == Status::Down {
            trunk.failed_calls_out += 1;
            return Err(HangupCause::GatewayDown);
        }
        trunk.calls_out += 1;
        Ok(trunk.gateway.clone())
    }

    /// What mod_sofia does for a gateway once a second, where there is something to do.
    pub(super) fn look_at_gateway(&mut self, id: RegistrationId) {
        let now = self.now;
        let Some(at) = self.trunks.iter().position(|trunk| trunk.id == id) else { return };
        let trunk = &mut self.trunks[at];
        if now < trunk.due {
            return self.watch_gateway(at);
        }
        let before = trunk.state;
        let registration = trunk.look(now);
        let changed = before != trunk.state;
        self.watch_gateway(at);
        if let Some(registration) = registration {
            self.sip(SipCommand::Register(Box::new(registration)));
        }
        if changed {
            self.tell_gateway(at, 0, "");
        }
        if self.trunks[at].kept == Kept::No && !self.trunks[at].is_busy() {
            self.delete_gateway(at);
        }
    }

    /// A registrar answered.
    pub(super) fn registered(&mut self, id: RegistrationId, response: &Message) {
        let code = response.code().unwrap_or(0);
        let reason = match &response.start {
            crate::sip::StartLine::Response { reason, .. } => reason.clone(),
            crate::sip::StartLine::Request { .. } => String::new(),
        };
        let Some(at) = self.trunks.iter().position(|trunk| trunk.id == id) else { return };
        self.trunks[at].network = Some(response.peer);
        let granted = granted(response, &self.trunks[at].gateway.contact_user());
        self.answered_registration(at, code, &reason, granted);
    }

    /// A REGISTER could not be sent. mod_sofia sees that as 503.
    pub(super) fn register_failed(&mut self, id: RegistrationId, failure: &SipFailure) {
        let Some(at) = self.trunks.iter().position(|trunk| trunk.id == id) else { return };
        let (code, reason) = match failure {
            SipFailure::NoResponse(_) => (408, "Request Timeout"),
            _ => (503, "Service Unavailable"),
        };
        self.answered_registration(at, code, reason, None);
    }

    fn answered_registration(&mut self, at: usize, code: u16, reason: &str, granted: Option<u32>) {
        let before = self.trunks[at].state;
        let now = self.now;
        self.trunks[at].answered(now, code, granted);
        if before != self.trunks[at].state {
            self.watch_gateway(at);
            self.tell_gateway(at, code, reason);
        }
    }

    /// `sofia profile NAME register|unregister GATEWAY|all`.
    pub(super) fn order_gateway(&mut self, name: &str, state: RegState) -> Result<(), RegState> {
        let now = self.now;
        let wanted: Vec<usize> = (0..self.trunks.len())
            .filter(|at| {
                let trunk = &self.trunks[*at];
                trunk.kept == Kept::Yes
                    && trunk.state != RegState::NoReg
                    && (name == "all" || trunk.gateway.name == name)
            })
            .collect();
        if wanted.is_empty() && name != "all" {
            return Err(RegState::NoReg);
        }
        for at in wanted {
            self.trunks[at].order(now, state);
            self.watch_gateway(at);
        }
        Ok(())
    }

    /// `sofia profile NAME killgw GATEWAY|_all_`; false where there is none.
    pub(super) fn kill_gateway(&mut self, name: &str) -> bool {
        let now = self.now;
        let is_meant = |trunk: &Trunk| trunk.kept == Kept::Yes && (name == "_all_" || trunk.gateway.name == name);
        let meant: Vec<usize> = (0..self.trunks.len()).filter(|at| is_meant(&self.trunks[*at])).collect();
        for at in &meant {
            let trunk = &mut self.trunks[*at];
            trunk.kept = Kept::No;
            let state = if trunk.state == RegState::NoReg { RegState::NoReg } else { RegState::Unregister };
            trunk.order(now, state);
            self.at(self.trunks[*at].due, Timer::Gateway(self.trunks[*at].id));
        }
        name == "_all_" || !meant.is_empty()
    }

    /// Unregisters what is registered, for the switch is about to end.
    pub(super) fn leave_gateways(&mut self) {
        let now = self.now;
        for at in 0..self.trunks.len() {
            let known = matches!(self.trunks[at].status, Status::Up(_)) || self.trunks[at].state == RegState::Trying;
            if known && self.trunks[at].is_busy() {
                self.trunks[at].order(now, RegState::Unregister);
                self.trunks[at].due = now;
                self.look_at_gateway(self.trunks[at].id);
            }
        }
    }

    /// Sees to the next look at a gateway; the timers of earlier plans find nothing due.
    fn watch_gateway(&mut self, at: usize) {
        let (due, id, busy) = (self.trunks[at].due, self.trunks[at].id, self.trunks[at].is_busy());
        self.forget(|timer| *timer == Timer::Gateway(id));
        if busy {
            self.at(due, Timer::Gateway(id));
        }
    }

    /// sofia::gateway_state.
    fn tell_gateway(&mut self, at: usize, code: u16, phrase: &str) {
        let trunk = &self.trunks[at];
        let name = trunk.gateway.name.clone();
        let mut headers = vec![
            ("Gateway", name),
            ("State", trunk.state.name().to_owned()),
            ("Ping-Status", trunk.status.name().to_owned()),
        ];
        if let Some(network) = trunk.network {
            headers.push(("Register-Network-IP", network.ip().to_string()));
            headers.push(("Register-Network-Port", network.port().to_string()));
        }
        if !phrase.is_empty() {
            headers.push(("Phrase", phrase.to_owned()));
        }
        if code != 0 {
            headers.push(("Status", code.to_string()));
        }
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.fire_custom("sofia::gateway_state", origin::GATEWAY_STATE, About::Nobody, &headers);
    }

    fn delete_gateway(&mut self, at: usize) {
        let trunk = self.trunks.remove(at);
        let profile = self.config.profiles.first().cloned().unwrap_or_default();
        let headers = [("profile-name", profile.as_str()), ("Gateway", trunk.gateway.name.as_str())];
        self.fire_custom("sofia::gateway_delete", origin::GATEWAY_DELETE, About::Nobody, &headers);
    }
}

/// Seconds that a 200 says for our Contact, or in general (RFC 3261 10.2.4).
fn granted(response: &Message, user: &str) -> Option<u32> {
    let contacts = response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Contact"));
    let contacts: Vec<NameAddr> =
        contacts.flat_map(|(_, value)| crate::sip::name_addr::split_list(value)).filter_map(NameAddr::parse).collect();
    let ours = contacts.iter().find(|contact| contact.sip_uri().and_then(|uri| uri.user).as_deref() == Some(user));
    let said = ours.or(contacts.first()).and_then(|contact| contact.param("expires").map(str::to_owned));
    said.or_else(|| response.header("Expires").map(str::to_owned))?.trim().parse().ok()
}
