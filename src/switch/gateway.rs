//! Gateways, as mod_sofia has them: a server that calls go out through and that may want to know where we are.
//!
//! Left out: pings by OPTIONS, subscriptions, an outbound proxy beside the registrar, `caller-id-in-from`.

use std::net::SocketAddr;
use std::time::Duration;

use crate::sip::uri::Transport;
use crate::sip::{Credentials, Registration, RegistrationId};
use crate::units::Time;

/// What a switch is told of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// As in `sofia/gateway/NAME/USER`.
    pub name: String,
    /// `host` or `host:port` of the addresses there.
    pub realm: String,
    /// `host` or `host:port` where requests go; the realm unless it is another.
    pub proxy: Option<String>,
    pub credentials: Credentials,
    pub registering: Registering,
    /// UDP, or TCP.
    pub transport: Transport,
}

/// Whether we tell a gateway where we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registering {
    No,
    /// For so many seconds at a time (`expire-seconds`; mod_sofia's default is 3600).
    For(u32),
}

impl Gateway {
    /// `host[:port]` where requests go.
    pub fn hop(&self) -> &str {
        self.proxy.as_deref().unwrap_or(&self.realm)
    }

    /// `sip:user@host`
    pub fn address(&self) -> String {
        format!("sip:{}@{}", self.credentials.username, self.hop())
    }

    /// `sip:host;transport=udp`
    fn registrar(&self) -> String {
        format!("sip:{};transport={}", self.hop(), self.transport_name())
    }

    /// `udp` or `tcp`.
    pub fn transport_name(&self) -> &'static str {
        if self.transport == Transport::Tcp { "tcp" } else { "udp" }
    }

    /// User part of the Contact by which the gateway reaches us.
    pub fn contact_user(&self) -> String {
        format!("gw+{}", self.name)
    }

    /// Parameters of that Contact.
    pub fn contact_parameters(&self) -> String {
        format!(";transport={};gw={}", self.transport_name(), self.name)
    }
}

/// State of a registration, by mod_sofia's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegState {
    /// To be registered.
    Unreged,
    /// A REGISTER is out.
    Trying,
    /// It was answered with 200.
    Register,
    Reged,
    /// To be unregistered.
    Unregister,
    /// It was refused.
    Failed,
    /// Waits for another try.
    FailWait,
    /// Never registers.
    NoReg,
    /// Unregistered by order.
    Down,
    /// Nothing came back.
    Timeout,
}

impl RegState {
    pub fn name(self) -> &'static str {
        match self {
            RegState::Unreged => "UNREGED",
            RegState::Trying => "TRYING",
            RegState::Register => "REGISTER",
            RegState::Reged => "REGED",
            RegState::Unregister => "UNREGISTER",
            RegState::Failed => "FAILED",
            RegState::FailWait => "FAIL_WAIT",
            RegState::NoReg => "NOREG",
            RegState::Down => "DOWN",
            RegState::Timeout => "TIMEOUT",
        }
    }
}

/// Whether calls may go through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Down,
    /// Since then.
    Up(Time),
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::Down => "DOWN",
            Status::Up(_) => "UP",
        }
    }
}

/// Whether it is to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    /// `killgw`: gone as soon as it is unregistered.
    No,
}

/// A gateway at work.
#[derive(Debug)]
pub(super) struct Trunk {
    pub gateway: Gateway,
    pub id: RegistrationId,
    pub state: RegState,
    pub status: Status,
    pub kept: Kept,
    failures: u32,
    failure: u16,
    /// When the next thing is due.
    pub due: Time,
    /// When a waiting gateway is tried again.
    pub retry: Option<Time>,
    /// Seconds that the last 200 granted.
    granted: u32,
    /// Where REGISTERs are answered from.
    pub network: Option<SocketAddr>,
    pub calls_in: u32,
    pub calls_out: u32,
    pub failed_calls_out: u32,
}

/// How often mod_sofia looks at its gateways.
const LOOK: Duration = Duration::from_secs(1);
/// `retry-seconds`: times the number of failures, unless nothing at all came back.
const RETRY: u32 = 30;
/// mod_sofia's code for a REGISTER without an answer in time.
const NO_ANSWER: u16 = 908;
/// `register-timeout`.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Trunk {
    pub fn new(gateway: Gateway, id: RegistrationId, now: Time) -> Trunk {
        let (state, status) = match gateway.registering {
            Registering::No => (RegState::NoReg, Status::Up(now)),
            Registering::For(_) => (RegState::Unreged, Status::Down),
        };
        Trunk {
            gateway,
            id,
            state,
            status,
            kept: Kept::Yes,
            failures: 0,
            failure: 0,
            due: now,
            retry: None,
            granted: 0,
            network: None,
            calls_in: 0,
            calls_out: 0,
            failed_calls_out: 0,
        }
    }

    /// Seconds that are asked for.
    pub fn expires(&self) -> u32 {
        match self.gateway.registering {
            Registering::No => 0,
            Registering::For(seconds) => seconds,
        }
    }

    /// Goes on from its state, as mod_sofia does once a second; gives the REGISTER that is to be sent.
    pub fn look(&mut self, now: Time) -> Option<Registration> {
        self.due = now + LOOK;
        match self.state {
            RegState::Unreged => {
                (self.state, self.retry) = (RegState::Trying, None);
                self.due = now + TIMEOUT;
                return Some(self.registration(self.expires()));
            }
            RegState::Trying => self.state = RegState::Timeout,
            RegState::Timeout => {
                self.state = RegState::Failed;
                self.failures += 1;
                self.failure = NO_ANSWER;
            }
            RegState::Register => {
                self.state = RegState::Reged;
                self.failures = 0;
                if self.status == Status::Down {
                    self.status = Status::Up(now);
                }
                // Before it ends, and sooner where the registrar granted less than was asked for.
                let held = self.granted.min(self.expires());
                let kept = if held > 30 { held - 15 } else { held / 2 };
                self.due = now + Duration::from_secs(kept.max(1).into());
            }
            RegState::Failed => {
                let times = if matches!(self.failure, 503 | NO_ANSWER) { 1 } else { self.failures.max(1) };
                let wait = Duration::from_secs(u64::from(RETRY) * u64::from(times));
                (self.state, self.status) = (RegState::FailWait, Status::Down);
                (self.retry, self.due) = (Some(now + wait), now + wait);
            }
            RegState::FailWait | RegState::Reged => self.state = RegState::Unreged,
            RegState::Unregister => {
                (self.state, self.status) = (RegState::Down, Status::Down);
                return Some(self.registration(0));
            }
            RegState::NoReg | RegState::Down => {}
        }
        None
    }

    /// Takes the answer to a REGISTER; `granted` are the seconds that a 200 says.
    pub fn answered(&mut self, now: Time, code: u16, granted: Option<u32>) {
        // One that was given up, or told to go meanwhile.
        if self.state != RegState::Trying {
            return;
        }
        self.due = now + LOOK;
        if code == 200 {
            self.state = RegState::Register;
            self.granted = granted.unwrap_or(u32::MAX);
        } else {
            self.state = RegState::Failed;
            self.failure = code;
            self.failures += 1;
        }
    }

    /// `register` and `unregister`: what is to be is done at the next look.
    pub fn order(&mut self, now: Time, state: RegState) {
        (self.state, self.retry, self.due) = (state, None, now + LOOK);
    }

    /// Whether there is still something to do for it by itself.
    pub fn is_busy(&self) -> bool {
        !matches!(self.state, RegState::NoReg | RegState::Down)
    }

    fn registration(&self, expires: u32) -> Registration {
        let gateway = &self.gateway;
        Registration {
            id: self.id,
            registrar: gateway.registrar(),
            proxy: None,
            address: gateway.address(),
            contact_user: gateway.contact_user(),
            contact_parameters: gateway.contact_parameters(),
            expires,
            credentials: Some(gateway.credentials.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(expires: u32) -> Trunk {
        let credentials = Credentials { username: "alice".into(), password: "secret".into() };
        let gateway = Gateway {
            name: "pbx".into(),
            realm: "192.0.2.7:5070".into(),
            proxy: None,
            credentials,
            registering: Registering::For(expires),
            transport: Transport::Udp,
        };
        Trunk::new(gateway, RegistrationId(1), Time::default())
    }

    /// Seconds until the next look, after a registration for `expires` that was granted for `granted`.
    fn refresh(expires: u32, granted: Option<u32>) -> u64 {
        let mut trunk = trunk(expires);
        assert_eq!(trunk.look(Time::default()).map(|sent| sent.expires), Some(expires));
        trunk.answered(Time::default(), 200, granted);
        trunk.look(trunk.due);
        assert_eq!(trunk.state, RegState::Reged);
        trunk.due.since(Time::default()).as_secs() - 1
    }

    #[test]
    fn it_registers_again_before_what_was_granted_ends() {
        assert_eq!(refresh(3_600, Some(3_600)), 3_585);
        assert_eq!(refresh(3_600, Some(120)), 105);
        assert_eq!(refresh(3_600, None), 3_585);
        assert_eq!(refresh(20, Some(20)), 10);
        assert_eq!(refresh(3_600, Some(0)), 1);
    }

    #[test]
    fn each_refusal_waits_longer_but_silence_does_not() {
        let mut trunk = trunk(600);
        let mut now = Time::default();
        let mut waits = Vec::new();
        for code in [403, 403, 403, 503] {
            assert!(trunk.look(now).is_some());
            trunk.answered(now, code, None);
            now = trunk.due;
            trunk.look(now);
            assert_eq!((trunk.state, trunk.status), (RegState::FailWait, Status::Down));
            waits.push(trunk.due.since(now).as_secs());
            now = trunk.due;
            trunk.look(now);
            now = trunk.due;
        }
        assert_eq!(waits, [30, 60, 90, 30]);
        assert!(trunk.look(now).is_some());
        assert_eq!(trunk.due.since(now), TIMEOUT);
        for state in [RegState::Timeout, RegState::Failed, RegState::FailWait] {
            trunk.look(trunk.due);
            assert_eq!(trunk.state, state);
        }
        trunk.answered(now, 200, None);
        assert_eq!(trunk.state, RegState::FailWait, "an answer that comes too late");
    }
}
